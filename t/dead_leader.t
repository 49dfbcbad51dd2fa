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

sub waiting { $t->status('/metrics')->content =~ /^aigc_writes_waiting (\d+)$/m ? $1 : die 'no such metric' }
sub patches { scalar grep { $_->{method} eq 'PATCH' && $_->{path} =~ /gameserversets/ } @{ $t->fault_log->{requests} // [] } }

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
note sprintf '… after %.1f s', time - $begin;

# nobody of the old workers waits any more: the next one takes the queue up, and
# does not wait for what the dead one was waiting for
$t->faults([{ %$slow, times => 1, action => { delayMs => 600_000 } }]);
my ($alice, $carol) = map { $t->sign_in($_) } qw(alice carol);
my $before = patches();
$alice = $alice->begin_api('POST', $install);
$t->wait_for(sub { patches() > $before }, 10, 'her patch is under way');
$t->kill_worker($_) for 0 .. 1;
$begin = time;
is $carol->api('POST', $install)->code, 202, 'who comes after a dead writer is served';
note sprintf '… after %.1f s', time - $begin;
eval { $alice->response };

# What a worker that died had still to do for somebody: he asks for the contrary
# by then, and was told that it is so.  A patch that is held up keeps the queue.
subtest 'what was asked for of a dead worker does not come back' => sub {
    my $dave = $t->sign_in('user13');
    my $his  = $dave->install('stable-diffusion-cpu')->wait_ready;
    $t->wait_for(sub { !waiting() }, 10, 'nobody waits');
    $t->faults([{ %$slow, times => 1, action => { delayMs => 20000 } }]);
    my $held = $t->sign_in('user14')->begin_api('POST', $install);
    $t->wait_for(sub { waiting() == 1 }, 10, 'a write is under way');
    my $lost = $dave->begin_api('POST', $his->path . '/release');
    $t->wait_for(sub { waiting() == 2 }, 10, 'his release waits behind it');
    $t->kill_worker($_) for 0 .. 1;
    eval { $_->response } for $held, $lost;
    is $dave->api('POST', $his->path . '/start')->code, 200, 'he asks for a start: it runs, he is told';
    is $t->sign_in('user15')->api('POST', $install)->code, 202, 'the next one who writes takes the queue up';
    $t->wait_agree('stable-diffusion-cpu', 30);
    is $t->claims('stable-diffusion-cpu')->{ $his->id }{state}, 'running', 'it runs on';
};

# The table shows what is, the queue what will be.
subtest 'a start that comes after a release that waits' => sub {
    my ($his) = $t->sign_in('user13')->instances;
    $t->wait_for(sub { !waiting() }, 10, 'nobody waits');
    $t->faults([{ %$slow, times => 1, action => { delayMs => 1500 } }]);
    my $release = $his->client->begin_api('POST', $his->path . '/release');
    $t->wait_for(sub { waiting() == 1 }, 10, 'the release is under way');
    my $start = $his->client->begin_api('POST', $his->path . '/start');
    is $release->response->code, 202, 'the release is done';
    is $start->response->code, 202, 'then the start';
    is $t->claims('stable-diffusion-cpu')->{ $his->id }{state}, 'running', 'it was asked for last';
};

my %owners;
for my $raw (values %{ $t->kube_get('/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets/stable-diffusion-cpu')->{metadata}{annotations} }) {
    $owners{$1}++ if $raw =~ /"owner":"([^"]+)"/ and $raw !~ /last-applied/;
}
is scalar(grep { $_ > 1 } values %owners), 0, 'nobody got two';

done_testing;
