# t/chaos.t — users, uploads, WebSockets and API calls at random through two
# gateways while everything around them fails: nobody is let in wrongly, nobody
# is kept out without a reason, nothing is lost or done twice
#
# DURATION=600 makes it ten minutes, SEED=N repeats the choices of a run (make
# chaos); real time decides how these meet, so that a run is never the very same.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Chaos;

my $seed    = $ENV{SEED} || int(time) % 1_000_000;
my $seconds = $ENV{DURATION} || 60;
diag "SEED=$seed DURATION=$seconds";

my $chaos = AIGC::Chaos->start(seed => $seed, say => sub { note sprintf '%.2f %s', Time::HiRes::time(), @_ });
$chaos->havoc($seconds);
my $model = $chaos->judge;

sub none { my ($what, @lines) = @_; is scalar @lines, 0, $what or diag map { "$_\n" } @lines[0 .. ($#lines > 19 ? 19 : $#lines)] }

none('nobody was let in wrongly', $model->wrong_allows);
none('nobody was kept out but by a fault that may', $model->wrong_denies);
none('everybody has what he asked for last', $model->lost_operations($chaos->{states}));
none('no id and no disk changed its owner, nobody had two', $chaos->{ledger}->contradictions);
is $chaos->{disagree}, '', 'annotations, replicas, reserve list, pods and disks agree';
is $_->[2], '', sprintf '%s, %.1f s after the last fault', @$_[0, 1] for @{ $chaos->{duties} };

for my $i (0, 1) {
    my ($was, $is) = ($chaos->{before}[$i], $chaos->{after}[$i]);
    my $n = $i + 1;
    note sprintf 'gateway %d: %d KB, %d descriptors before; %d KB, %d after', $n, @$was{qw(memory descriptors)}, @$is{qw(memory descriptors)};
    cmp_ok $is->{memory}, '<=', $was->{memory} * 1.25 + 2048, "gateway $n: no growth of memory";
    cmp_ok $is->{descriptors}, '<=', $was->{descriptors} + 6, "gateway $n: nor of descriptors";
}

my $n = $model->counts;
diag join ', ', map { "$n->{$_} $_" } sort keys %$n;
diag sprintf '%-9s %3d times, %5.1f s in all: %3d denials, the longest %.2f s', @$_ for $model->by_fault;
diag sprintf 'let in after it was %s: %.2f s', $_, $model->longest->{$_} for sort keys %{ $model->longest };

done_testing;
