# t/dead_leader.t — a worker dies with the patch of many in its hands: who is
# left is served by another, and soon
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(time);

my $t       = AIGC::Stack->start(workers => 2, faults => 1);
my $install = '/api/v1/templates/default/stable-diffusion-cpu/install';
my $slow    = { method => 'PATCH', path => 'gameserversets', action => { delayMs => 3000 } };

sub patches { scalar grep { $_->{method} eq 'PATCH' } @{ $t->fault_log->{requests} // [] } }

# the first patch has one operation, the second one those that came meanwhile
my @users = map { $t->sign_in(sprintf 'user%02d', $_) } 1 .. 12;
$t->faults([{ %$slow, times => 2 }]);
my @calls = map { $_->begin_api('POST', $install) } @users;
$t->wait_for(sub { patches() >= 1 }, 10, 'the first patch to be answered');
$t->kill_worker(1);

my $begin = time;
my %codes;
$codes{ eval { $_->response->code } // 0 }++ for @calls;
my $lost = delete $codes{0} // 0;
is_deeply [keys %codes], [202], "who was not in the dead worker is answered ($lost were)";
cmp_ok time - $begin, '<', 15, '… within seconds';

# nobody of the old workers waits any more: the next one takes the queue up
$t->faults([{ %$slow, times => 1, action => { delayMs => 20000 } }]);
my $alice = $t->sign_in('alice')->begin_api('POST', $install);
my $carol = $t->sign_in('carol');
$t->kill_worker($_) for 0 .. 1;
$begin = time;
is $carol->api('POST', $install)->code, 202, 'who comes after a dead writer is served';
cmp_ok time - $begin, '<', 8, '… within seconds, not when the dead one would have been';
eval { $alice->response };

my %owners;
for my $raw (values %{ $t->kube_get('/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets/stable-diffusion-cpu')->{metadata}{annotations} }) {
    $owners{$1}++ if $raw =~ /"owner":"([^"]+)"/ and $raw !~ /last-applied/;
}
is scalar(grep { $_ > 1 } values %owners), 0, 'nobody got two';

done_testing;
