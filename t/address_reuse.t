# t/address_reuse.t — a pod's address that was somebody else's a moment ago

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my ($cpu, $gpu) = qw(stable-diffusion-cpu stable-diffusion-gpu);
my $t     = AIGC::Stack->start(faults => 1, templates => [$cpu, $gpu]);
$t->allow_log(qr/upstream/);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');

sub ip {            # a pod's address, undef when there is none
    my ($inst) = @_;
    my $pod = $t->kube_get('pods', ref $inst ? $inst->pod : $inst);
    return $pod && $pod->{status}{podIP};
}

sub routes {        # how many instances the table sends to an address
    my ($ip) = @_;
    return scalar grep { $_->{routed} && $_->{address} =~ /^\Q$ip\E:/ } @{ $t->table->{instances} };
}

# Asks on and on; what was answered, by status and by whose pod it was.
sub watching {
    my ($client, $inst) = @_;
    return $t->background(sub {
        my ($go_on) = @_;
        my %n;
        while ($go_on->()) {
            my $r = eval { $client->get($inst->url('/info')) } // next;
            $n{ $r->code == 200 ? eval { $r->json->{template} } // 'garbage' : $r->code }++;
        }
        return \%n;
    });
}

my $a = $alice->install($cpu)->wait_ready;
my $b = $bob->install($gpu)->wait_ready;
is $alice->get($a->url('/info'))->json->{template}, $cpu, 'alice has one template\'s pod';
is $bob->get($b->url('/info'))->json->{template}, $gpu, 'bob another\'s';
$b->release->wait_state('released');

### Back and forth: the address of the one is the other's next

my $looks = [watching($alice, $a), watching($bob, $b)];
my ($from, $to) = ([$alice, $a, $cpu], [$bob, $b, $gpu]);
for my $round (1 .. 4) {
    my ($client, $inst) = @$from;
    my $ip = ip($inst);
    $client->get($inst->url('/info'))->code for 1 .. 3;     # connections to keep
    $inst->release->wait_state('released');
    isnt $client->get($inst->url)->code, 200, "round $round: released, its host leads nowhere";
    my ($other, $next, $template) = @$to;
    $next->start->wait_ready;
    is ip($next), $ip, 'the other\'s new pod has its address';
    my $r = $other->get($next->url('/info'));
    is $r->code, 200, 'who is let in as soon as it is ready';
    is $r->json->{template}, $template, 'and stands before his own pod';
    is $client->get($inst->url)->code, 503, 'the former one does not';
    is $client->get($next->url)->code, 403, 'on either host';
    is routes($ip), 1, 'the address leads to one instance';
    ($from, $to) = ($to, $from);
}
my @saw = map { $_->stop } @$looks;
is_deeply [grep { !/^(?:\Q$cpu\E|50[234])$/ } keys %{ $saw[0] }], [], 'all the time alice saw her own pods or none';
is_deeply [grep { !/^(?:\Q$gpu\E|50[234])$/ } keys %{ $saw[1] }], [], 'and bob his';
cmp_ok $saw[0]{$cpu} // 0, '>', 0, 'she did see them';
cmp_ok $saw[1]{$gpu} // 0, '>', 0, 'and he did';

### Both at once

$_->look for $a, $b;
my ($up, $down) = $a->desired eq 'running' ? ($a, $b) : ($b, $a);
$down->start->wait_ready;
for my $round (1 .. 3) {
    my @look = (watching($alice, $a), watching($bob, $b));
    $t->kubectl('delete', 'pod', $a->pod, $b->pod);
    $_->wait_ready for $a, $b;
    my @n = map { $_->stop } @look;
    is_deeply [grep { !/^(?:\Q$cpu\E|50[234])$/ } keys %{ $n[0] }], [], "both pods deleted, $round: alice saw only hers";
    is_deeply [grep { !/^(?:\Q$gpu\E|50[234])$/ } keys %{ $n[1] }], [], 'bob only his';
    is routes(ip($_)), 1, 'no address leads to both' for $a, $b;
}

### The gateway hears of it late: the GameServers' watch stalls

my $gs = { method => 'GET', path => 'gameservers$', query => 'watch=', action => { stallAfterBytes => 0 } };

# A release is in the annotations: it counts at once, whatever GameServers say.
my $ip = ip($a);
$t->faults([$gs]);
$t->cut_connections;
$t->wait_for(sub { grep { /gameservers\S* watch/ } keys %{ $t->fault_log->{counts} } }, 10, 'the watch stalls');
is $alice->get($a->url)->code, 200, 'deaf to GameServers, the gateway still knows the address';
$a->release;
is $alice->get($a->url)->code, 503, 'a release is in force at once';
$t->wait_for(sub { !ip($a) }, 20, 'the pod is gone');
$t->kubectl({ in => JSON::PP->new->encode({ apiVersion => 'v1', kind => 'Pod', metadata => { name => 'stranger' },
    spec => { containers => [{ name => 'x', image => 'x', ports => [{ containerPort => 7860 }] }] } }) },
    'apply', '--validate=false', '-f', '-');
$t->wait_for(sub { (ip('stranger') // '') eq $ip }, 10, 'a stranger has the address');
is $alice->get($a->url)->code, 503, 'its address may be a stranger\'s by now: she is not sent there';

# Started again, still deaf: the old word on the address is all that the table
# has.  This is the window that max_stale bounds; it closes with the event.
my $started = $alice->begin_api('POST', $a->path . '/start')->response;
is $started->code, 202, 'started while deaf';
$t->wait_for(sub { ip($a) }, 20, 'she has a new pod');
isnt ip($a), $ip, 'with another address';
my $r = $alice->get($a->url('/info'));
note 'in the window her host answers ' . $r->code
    . ($r->code == 200 ? ', from ' . ($r->json->{template} || 'the stranger') : '');
$t->no_faults;
$t->cut_connections;
my $new = ip($a);
$t->wait_for(sub { routes($new) == 1 }, 20, 'the gateway has heard of it');
is routes($ip), 0, 'once it is heard, nothing leads to the old address';
$r = $alice->get($a->url('/info'));
is $r->code, 200, 'alice is let in';
is $r->json->{template}, $cpu, 'to her own pod';
for (1 .. 20) { $r = $alice->get($a->url('/info')); last if $r->code != 200 || $r->json->{template} ne $cpu }
is $r->json->{template}, $cpu, 'by whichever worker and connection';

### Two GameServers that name the same address: the newer pod has it

sub claimant {      # a GameServer of nobody's that says it has alice's address
    my ($id, $start) = @_;
    my %name = (name => "notebook-$id", labels => { 'game.kruise.io/owner-gss' => 'notebook' });
    my $json = JSON::PP->new;
    $t->kubectl({ in => $json->encode({ apiVersion => 'game.kruise.io/v1alpha1', kind => 'GameServer',
        metadata => \%name, spec => {} }) }, 'create', '--validate=false', '-f', '-');
    $t->kubectl('patch', 'gs', "notebook-$id", '--subresource=status', '--type=merge', '-p', $json->encode({
        status => { currentState => 'Ready', networkStatus => { currentNetworkState => 'Ready' },
            podStatus => { podIP => ip($a), startTime => $start } } }));
    $t->wait_for(sub { grep { $_->{template} eq 'notebook' && $_->{id} == $id } @{ $t->table->{instances} } },
        10, 'the gateway has heard of it');
}

claimant(0, '2001-01-01T00:00:00Z');
$t->kubectl('annotate', 'gs', 'notebook-0', 'example.org/again=1');
is $alice->get($a->url)->code, 200, 'an older pod that names her pod\'s address does not take it';
claimant(1, '2099-01-01T00:00:00Z');
$t->wait_for(sub { $alice->get($a->url)->code != 200 }, 10, 'a newer one takes it');
is $alice->get($a->url)->code, 503, 'a newer one does: she is not sent where her pod may be no more';
$t->kubectl('annotate', 'gs', $a->pod, 'example.org/again=1');
is $alice->get($a->url)->code, 503, 'nor by a late word on her own';
$t->kubectl('delete', 'gs', 'notebook-0', 'notebook-1');
$t->wait_for(sub { !grep { $_->{template} eq 'notebook' } @{ $t->table->{instances} } }, 10, 'they are gone');
$t->kubectl('annotate', 'gs', $a->pod, 'example.org/again-');
$a->look->wait_ready;
is $alice->get($a->url('/info'))->json->{template}, $cpu, 'when it is gone, and hers is heard of, it is hers again';

done_testing;
