# t/address_reuse.t — a pod's address that was somebody else's a moment ago

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my ($cpu, $gpu) = qw(stable-diffusion-cpu stable-diffusion-gpu);
my $t     = AIGC::Stack->start(faults => 1, templates => [$cpu, $gpu, 'notebook']);
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

# Asks on and on; what was answered, by status and by whose pod it was.  0: a release
# has ended the connection before its pod had answered.
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
is_deeply [grep { !/^(?:\Q$cpu\E|50[234]|0)$/ } keys %{ $saw[0] }], [], 'all the time alice saw her own pods or none';
is_deeply [grep { !/^(?:\Q$gpu\E|50[234]|0)$/ } keys %{ $saw[1] }], [], 'and bob his';
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
    is_deeply [grep { !/^(?:\Q$cpu\E|50[234]|0)$/ } keys %{ $n[0] }], [], "both pods deleted, $round: alice saw only hers";
    is_deeply [grep { !/^(?:\Q$gpu\E|50[234]|0)$/ } keys %{ $n[1] }], [], 'bob only his';
    is routes(ip($_)), 1, 'no address leads to both' for $a, $b;
}

### The gateway hears of it late: the Pods' watch stalls

my $stall = { method => 'GET', path => '/pods$', query => 'watch=', action => { stallAfterBytes => 0 } };

# A release is in the annotations: it counts at once, whatever Pods say.
my $ip = ip($a);
$t->faults([$stall]);
$t->cut_connections;
$t->wait_for(sub { grep { m{/pods\S* watch} } keys %{ $t->fault_log->{counts} } }, 10, 'the watch stalls');
is $alice->get($a->url)->code, 200, 'deaf to Pods, the gateway still knows the address';
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

### Two pods that name the same address and port: the newer one has it

# bob's pod is on no node; its status is the test's to write.
my $json = JSON::PP->new;
my $rival = $bob->install('notebook')->wait_ready;
$rival->release->wait_state('released');
my $rival_port = sub { my ($port) = @_;
    $t->kubectl('patch', 'gss', 'notebook', '--type=json', '-p', $json->encode([map { { op => 'replace', path => "/spec/network/networkConf/$_",
        value => { name => 'Port', value => "$port" } } } grep { $t->template('notebook')->{spec}{network}{networkConf}[$_]{name} eq 'Port' }
        0 .. @{ $t->template('notebook')->{spec}{network}{networkConf} } - 1 ])) };
$t->kube_patch('gss', 'notebook', { spec => { gameServerTemplate => { metadata => { annotations => { 'fake/unschedulable' => 'never' } } } } });
$rival_port->(7860);
$rival->start;
$t->wait_for(sub { my $p = $t->kube_get('pods', $rival->pod);
    $p && !$p->{metadata}{deletionTimestamp} && !$p->{spec}{nodeName}
        && grep { $_->{type} eq 'PodScheduled' && $_->{status} eq 'False' } @{ $p->{status}{conditions} // [] } }, 30,
    'bob\'s pod is on no node');

sub claims {        # bob's pod says that it is ready, at alice's address
    my ($start) = @_;
    $t->kubectl('patch', 'pod', $rival->pod, '--subresource=status', '-p', $json->encode({ status => { phase => 'Running',
        podIP => ip($a), podIPs => [{ ip => ip($a) }], startTime => $start,
        conditions => [{ type => 'Ready', status => 'True' }] } }));
}

sub knows {         # the gateway has heard of it, and this has come of it
    my ($routed, $what) = @_;
    ok eval { $t->wait_for(sub { row($rival)->{pod}{ready} && (row($rival)->{routed} ? 1 : 0) == $routed }, 10, $what) }, $what;
}
sub row { my ($inst) = @_; (grep { $_->{template} eq $inst->template && $_->{id} == $inst->id } @{ $t->table->{instances} })[0] }

claims('2001-01-01T00:00:00Z');
knows(0, 'an older pod that names her pod\'s address does not take it');
is $alice->get($a->url)->code, 200, '… she has it';
isnt $bob->get($rival->url)->code, 200, '… and is not let in there';
my $pod = $t->kube_get('pods', $a->pod);
claims('2099-01-01T00:00:00Z');
knows(1, 'a newer one does');
is $alice->get($a->url)->code, 503, '… she is not sent where her pod may be no more';
$t->kubectl('annotate', 'pod', $a->pod, 'example.org/again=1');
is $alice->get($a->url)->code, 503, 'nor by a late word on her own';

# By their ports they are two.
$rival_port->(7861);
$t->wait_for(sub { $alice->get($a->url)->code == 200 }, 10, 'another port is another address: hers is hers again');
ok row($rival)->{routed} && row($a)->{routed}, '… and each has its own';
$rival_port->(7860);
$t->wait_for(sub { $alice->get($a->url)->code == 503 }, 10, 'the same port: the newer has it');

# Nothing is said of her pod from here on: it has the address back all the same.
$t->kubectl('delete', 'pod', $rival->pod, '--grace-period=0', '--force');
$t->wait_for(sub { $alice->get($a->url)->code == 200 }, 10, 'the newer one is gone, and hers is hers again');
is $alice->get($a->url('/info'))->json->{uid}, $pod->{metadata}{uid}, '… the very pod';

done_testing;
