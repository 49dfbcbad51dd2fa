# t/chaos/soak.t — at half load, with what a month brings: reloads, renewals all
# the time (tokens of twelve seconds), installs and releases, the API server and
# Logto away for a moment, new keys, another binary.  Outside of what may deny
# something nobody is denied anything, and nothing grows.  make soak DURATION=600

use FindBin;
use lib "$FindBin::Bin/../lib";
use AIGC::Test;
use AIGC::Chaos;
use Time::HiRes qw(time);

my $seed    = $ENV{SEED} || int(time) % 1_000_000;
my $seconds = $ENV{DURATION} || 600;
diag "SEED=$seed DURATION=$seconds";

my $chaos = AIGC::Chaos->start(seed => $seed, say => sub { note sprintf '%.2f %s', time, @_ },
    stay => 4, move => 2, rude => 0, half => 1, calm => 10,
    only => qr/reload|another binary|API server: away|Logto: dies|another key signs/);
$chaos->havoc($seconds);
$chaos->promises;

# under load, a tenth of the time each
for my $number (1, 2) {
    my @kb = map { $_->[$number] } @{ $chaos->{memory} };
    diag "gateway $number, KB of the largest worker: ", join ' ', map { $kb[$_ * $#kb / 10] } 0 .. 10;
}

done_testing;
