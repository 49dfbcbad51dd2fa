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
use Time::HiRes qw(time);

my $seed    = $ENV{SEED} || int(time) % 1_000_000;
my $seconds = $ENV{DURATION} || 60;
diag "SEED=$seed DURATION=$seconds";

my $chaos = AIGC::Chaos->start(seed => $seed, say => sub { note sprintf '%.2f %s', time, @_ });
$chaos->havoc($seconds);
$chaos->promises;

done_testing;
