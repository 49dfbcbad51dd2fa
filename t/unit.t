#!/usr/bin/perl

# Builds the pure files (listed in t/unit/config) with t/unit/ as a module of
# nginx, incrementally, and runs its tests in `nginx -t`; their TAP is this
# file's output.
#
#   AIGC_UNIT=url    one suite only
#   AIGC_ASAN=1      under ASan and UBSan, leaks included
#   AIGC_COVERAGE=1  with gcov's counters, for scripts/coverage
#   CC=clang         another compiler
#   NGINX=…          another nginx (its own source tree: NGINX_SRC=…)

use strict;
use warnings;

use Cwd qw(abs_path);
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Path qw(make_path);

my $top = abs_path(dirname(__FILE__) . '/..');
my $asan = $ENV{AIGC_ASAN} ? 1 : 0;
my $coverage = $ENV{AIGC_COVERAGE} ? 1 : 0;
my $cc = $ENV{CC} || 'gcc';
my $nginx = $ENV{NGINX} || 'nginx';
my $nginx_src = $ENV{NGINX_SRC} || '/usr/share/nginx/src';
my $suite = $ENV{AIGC_UNIT} || '';

my $out = "$top/build/unit" . ($asan ? '-asan' : '')
        . ($coverage ? '-coverage' : '') . ($cc eq 'gcc' ? '' : "-$cc");
my $src = "$out/src";
my $so = "$src/objs/ngx_aigc_unit_module.so";

# nginx adds -W -Wall -Werror itself, after its own feature tests
my $cflags = '-g -O1';
$cflags .= ' -fno-omit-frame-pointer -fsanitize=address,undefined'
    . ' -fno-sanitize-recover=undefined' if $asan;
$cflags = '-g -O0 --coverage' if $coverage;

make_path($out);

# two runs at a time would build in the same place
open my $lock, '>', "$out/lock" or die "$out/lock: $!\n";
flock $lock, LOCK_EX or die "$out/lock: $!\n";

build();
run_tests();


sub bail {
    my ($why, $log) = @_;

    if (defined $log && open my $fh, '<', $log) {
        my @lines = <$fh>;
        splice @lines, 0, @lines - 30 if @lines > 30;
        print STDERR @lines;
    }

    print "Bail out! $why\n";
    exit 1;
}


sub sh {
    my ($log, $cmd) = @_;

    return system("($cmd) >>'$log' 2>&1") == 0;
}


# configures when the list of files, a config or the flags are not the last
# run's, then makes what has changed
sub build {
    my $log = "$out/build.log";
    unlink $log;

    my @files = sort glob "$top/t/unit/* $top/ngx_aigc_module/*/*.h";
    my $state = join "\n", @files, $cflags, $cc, $nginx_src,
        map { (stat)[9] } "$top/t/unit/config", "$nginx_src/configure";

    if (! -e "$src/objs/Makefile" || slurp("$out/state") ne $state) {
        unlink "$out/state";

        sh($log, "rm -rf '$src' && cp -r '$nginx_src' '$src'")
            or bail("cannot copy $nginx_src: install nginx-dev", $log);

        my $flags = -e "$src/conf_flags"
            ? '. ./conf_flags && set -- "${NGX_CONF_FLAGS[@]}" &&' : 'set -- &&';

        sh($log, "cd '$src' && cat > configure-unit <<'END'\n"
            . "$flags ./configure \"\$@\" --with-cc='$cc'"
            . " --with-cc-opt='$cflags'"
            . ($asan ? " --with-ld-opt='-fsanitize=address,undefined'" : '')
            . ($coverage ? " --with-ld-opt='--coverage'" : '')
            . " --add-dynamic-module='$top/t/unit'\nEND\n"
            . "bash configure-unit")
            or bail('configure failed', $log);

        open my $fh, '>', "$out/state" or die "$out/state: $!\n";
        print $fh $state;
        close $fh or die "$out/state: $!\n";
    }

    sh($log, "cd '$src' && make -j2 -f objs/Makefile modules")
        or bail('the build failed', $log);
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or return '';
    local $/;
    return scalar <$fh> // '';
}


sub run_tests {
    my $conf = "$out/nginx.conf";

    open my $fh, '>', $conf or die "$conf: $!\n";
    print $fh "load_module $so;\nerror_log stderr info;\n"
        . "pid $out/nginx.pid;\nevents { }\naigc_unit $suite;\n";
    close $fh or die "$conf: $!\n";

    $ENV{TMPDIR} = $out;

    if ($asan) {
        my $lib = `$cc -print-file-name=libasan.so`;
        chomp $lib;

        $ENV{LD_PRELOAD} = abs_path($lib) || bail('no libasan');
        $ENV{ASAN_OPTIONS} = 'detect_leaks=1:leak_check_at_exit=0'
            . ':abort_on_error=0:detect_stack_use_after_return=1';
        $ENV{UBSAN_OPTIONS} = 'print_stacktrace=1:halt_on_error=1';
    }

    $| = 1;
    my $rc = system $nginx, '-p', $out, '-e', 'stderr', '-c', $conf, '-t',
        '-q';

    bail('nginx died of signal ' . ($rc & 127)) if $rc & 127;
    exit($rc == 0 ? 0 : 1);
}
