# t/instructions.t — a request costs no more instructions than it did: CPU time
# differs from minute to minute on a busy machine, a count does not

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;

plan skip_all => 'not under ASan' if $ENV{AIGC_ASAN};
plan skip_all => 'valgrind is missing: scripts/setup' unless grep { -x "$_/valgrind" } split /:/, $ENV{PATH};

# By how much it may be more, and for the libraries by so many besides: they
# are not ours, and OpenSSL does not take the same way each time.
use constant { MODULE => 1.01, LIBRARIES => 1.05, BESIDES => 50 };

my $top  = abs_path(dirname(__FILE__) . '/..');
my $said = do { local $ENV{BENCH_OUT} = tempdir(CLEANUP => 1); qx($top/scripts/bench instructions 2>&1) };
is $?, 0, 'it ends well' or diag $said;
diag $said =~ s/^bench:.*\n//mgr;

my %is = map { /^([a-z-]+)\s+(\d+)\s+(\d+|-)\s+(\d+)\s+(\d+|-)\s+(\d+)$/ ? ($1 => [$2, $3, $4, $5, $6]) : () } split /\n/, $said;
my ($known) = grep { $_->[1] ne '-' } values %is;

for my $path (qw(plain-proxy session bearer auth-no-op auth forged-session forged-token)) {
    my ($module, $kept, $libraries, $libraries_kept) = @{ $is{$path} // [(0) x 5] };
    cmp_ok $module, '>', 0, "$path is counted";
    next unless $known;
    cmp_ok $module, '<=', $kept * MODULE, '… in this module, no more than it was';
    cmp_ok $libraries, '<=', $libraries_kept * LIBRARIES + BESIDES, '… nor in what it calls of libraries';
    diag "$path costs less: SET=1 scripts/bench instructions" if $module < $kept / MODULE;
}
diag 'nothing is kept of this nginx and compiler: SET=1 scripts/bench instructions' unless $known;

# What a look at the session or a look at the host adds cannot be hidden.
cmp_ok $is{session}[0], '>', $is{'plain-proxy'}[0], 'a decision costs something';
cmp_ok $is{auth}[4] / $is{'auth-no-op'}[4], '<=', 1.2, '/auth by auth_request: little more than a no-op';

done_testing;
