# t/ingress_image.t — docker/Dockerfile.ingress-nginx: its module is built by the arguments
# of the nginx that is there, in a source with that nginx's patches, and loads; the rest of
# it is checked as far as that goes without its base image

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use Cwd qw(abs_path);
use File::Path qw(make_path remove_tree);

my $repo  = abs_path("$FindBin::Bin/..");
my $src   = $ENV{NGINX_SRC} // '/usr/share/nginx/src';
my $dir   = "$repo/build/ingress-nginx";        # always the same, for ccache
my $build = "$repo/docker/ingress-nginx/build-module.sh";

sub read_all { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return scalar <$f> }
sub write_all { my ($file, $text) = @_; open my $f, '>', $file or die "$file: $!"; print $f $text; close $f; return $file }

sub run {                           # exit status and what was said
    my ($env, @command) = @_;
    open my $out, '-|', '/bin/sh', '-c', 'exec env "$@" 2>&1', 'sh', map({ "$_=$env->{$_}" } sort keys %$env), @command or die $!;
    my $text = do { local $/; <$out> } // '';
    close $out;
    return ($? >> 8, $text);
}

remove_tree($dir);
make_path("$dir/patches", "$dir/none");
system('cp', '-a', $src, "$dir/src") == 0 or die "cp\n";

subtest 'build-module.sh' => sub {
    my ($status, $text) = run({}, $build);
    is $status, 1, 'without arguments it says its usage';
    like $text, qr/usage: build-module\.sh SOURCE OUTPUT/, '… which is';

    my $other = write_all("$dir/other", "#!/bin/sh\necho 'nginx version: nginx/1.27.1' >&2; echo 'configure arguments: --with-compat' >&2\n");
    chmod 0755, $other;
    ($status, $text) = run({ BINARY => $other }, $build, "$dir/src", "$dir/module.so");
    is $status, 1, 'the source of another version is refused';
    like $text, qr/is nginx [\d.]+, and \S+ is 1\.27\.1: take the source of that version/, '… with what to do';

    ($status, $text) = run({ PATCHES => "$dir/none" }, $build, "$dir/src", "$dir/module.so");
    like $text, qr/holds no \*\.patch/, 'a folder without patches is no folder of patches';

    write_all("$dir/patches/01.patch", "--- a/src/core/nginx.h\n+++ b/src/core/nginx.h\n@@ -1,3 +1,3 @@\n nothing\n-like\n+of\n this\n");
    ($status, $text) = run({ PATCHES => "$dir/patches" }, $build, "$dir/src", "$dir/module.so");
    is $status, 1, 'a patch of another tree is refused';
    like $text, qr/01\.patch does not apply: take the patches of this very nginx/, '… with what to do';

    # a patch that applies: a line more at the end of a file
    my $file = read_all("$dir/src/src/os/unix/ngx_alloc.h");
    my @lines = split /^/, $file;
    write_all("$dir/patches/01.patch", sprintf "--- a/src/os/unix/ngx_alloc.h\n+++ b/src/os/unix/ngx_alloc.h\n@@ -%d,2 +%d,3 @@\n%s+/* patched */\n", @lines - 1, @lines - 1, join '', map { " $_" } @lines[-2, -1]);
    ($status, $text) = run({ PATCHES => "$dir/patches", CC => 'gcc' }, 'nice', $build, "$dir/src", "$dir/out/module.so");
    is $status, 0, 'the module is built, and this nginx loads it' or diag $text;
    like $text, qr{module\.so, for nginx [\d.]+\n\z}, '… and it says so';
    like read_all("$dir/src/src/os/unix/ngx_alloc.h"), qr{/\* patched \*/}, '… in the source that was patched';
    unlike read_all("$dir/src/objs/Makefile"), qr/http_perl|http_geoip/, '… without the other dynamic modules';

    # libraries, by the names that the module holds: so:… is how apk is asked for them
    my ($run) = read_all("$repo/docker/Dockerfile.ingress-nginx") =~ m{^RUN (readelf .*)$}m;
    $run =~ s{/out/ngx_http_aigc_module\.so}{$dir/out/module.so};
    $run =~ s{/out/libraries}{$dir/out/libraries};
    is +(run({}, 'sh', '-c', $run))[0], 0, 'its libraries are listed';
    like read_all("$dir/out/libraries"), qr/^so:$_\.so\.\d+$/m, "… $_" for qw(libcurl libjwt libjansson);
};

subtest 'Dockerfile.ingress-nginx' => sub {
    my $text = read_all("$repo/docker/Dockerfile.ingress-nginx") =~ s/^#.*\n//gmr =~ s/\\\n//gr;
    my (%stage, @bad);
    for (grep { /\S/ } split /\n/, $text) {
        my ($word, $rest) = /^([A-Z]+)\s+(.*)$/ or push @bad, $_ and next;
        if ($word eq 'FROM') {
            $stage{$1} = 1 if $rest =~ /\bAS (\w+)$/;
            push @bad, $_ unless $rest =~ /^\$\{\w+\}(?: AS \w+)?$/;
        } elsif ($word eq 'COPY') {
            my $from = $rest =~ s/^--from=(\w+)\s+// ? $1 : undef;
            my @sources = split ' ', $rest;
            pop @sources;
            push @bad, "no stage $from" if $from && !$stage{$from};
            push @bad, map { "COPY of $_, which is not there" } grep { !-e "$repo/$_" } $from ? () : @sources;
        } elsif ($word eq 'RUN') {
            my ($status, $said) = run({}, 'sh', '-n', '-c', $rest =~ s/^--mount=\S+\s+//r);
            push @bad, "RUN $rest: $said" if $status;
        } elsif ($word !~ /^(?:ARG|USER|WORKDIR|LABEL)$/) {
            push @bad, "unknown: $_";
        }
    }
    is_deeply \@bad, [], 'instructions, stages, files and shell lines are good';
    like $text, qr/\nUSER www-data\n?\z/, 'it ends as the controller\'s own user';

    # what the ConfigMap includes is copied to where it looks
    my $map = read_all("$repo/docker/ingress-nginx/configmap.yaml");
    for my $file ($map =~ m{^\s*(?:location / \{ )?include (/etc/nginx/aigc/[a-z]+\.conf);}mg) {
        my ($name) = $file =~ m{([^/]+)$};
        like $text, qr{COPY [^\n]*\b\Q$name\E [^\n]*/etc/nginx/aigc/\n}, "$file is there";
    }
    like $map, qr{load_module /etc/nginx/modules/ngx_http_aigc_module\.so;}, 'and so is the module';
};

subtest 'the patch for the Deployment' => sub {
    my $map = read_all("$repo/docker/ingress-nginx/configmap.yaml");
    my $patch = read_all("$repo/docker/ingress-nginx/deployment-patch.yaml");
    my %path = map { $_ => 1 } $patch =~ /path: (\S+?)\}/g;
    my ($at) = $patch =~ /mountPath: (\S+)/;
    is_deeply [ sort keys %path ], [ sort $map =~ m{_?file=\Q$at\E/([^\s;]+)}g ], 'it mounts the files that the ConfigMap names';
};
done_testing;
