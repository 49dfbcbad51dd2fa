# t/node/instances.t — an instance's whole life on a real node: real pods, disks,
# probes and limits, behind two gateways that the chart has installed

use FindBin;
use lib "$FindBin::Bin/../lib";
use AIGC::Test;
use AIGC::Node;

my $t = AIGC::Node->start;
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);

sub info { my ($inst) = @_; return $inst->client->get($inst->url('/info'))->json }
sub images { return { spec => { gameServerTemplate => { spec => { containers => [
    { %{ $t->kube_get('gss', $_[0])->{spec}{gameServerTemplate}{spec}{containers}[0] }, image => $_[1] } ] } } } } }
sub update { my ($name) = @_; $t->kube_patch('gss', $name, images($name, 'localhost/aigc-demo:2')) }
sub pod  { my ($inst) = @_; return $t->kube_get('pods', $inst->pod) }
sub wait_reason {
    my ($inst, $code) = @_;
    my $is;
    $t->wait_for(sub {
        my $i = $inst->look or return;      # the other gateway may not know it yet
        $is = $i->reason ? $i->reason->{code} : 'none';
        return $is =~ /^(?:$code)$/;
    }, 60, sub { "the reason is $code, not $is" });
    return $inst->reason;
}

subtest 'installed, visited, by its owner alone' => sub {
    my $inst = $t->serves($alice->install('demo'));
    my $pod  = pod($inst);

    is $pod->{spec}{nodeName}, 'node-1', 'a real kubelet has it';
    is info($inst)->{uid}, $pod->{metadata}{uid}, 'the pod of that uid answers';
    is info($inst)->{address}, $pod->{status}{podIP}, '… at its address';
    is $bob->get($inst->url)->code, 403, 'another user is refused';
    is $t->stranger->get($inst->url)->code, 401, 'and one without a session';

    my $ws = $alice->websocket($inst->url('/ws'));
    is $ws->code, 101, 'a WebSocket opens';
    ok $ws->echoes('through both'), '… and echoes';
    $ws->close;

    my $headers = { map { @$_ } @{ $alice->get($inst->url('/headers'))->json->{headers} } };
    ok !exists $headers->{Cookie}, 'the pod is handed no session';
};

my ($inst) = $alice->instances;

subtest 'released, and started with what was on the disk' => sub {
    is $alice->put($inst->url('/disk/mine'), body => 'kept')->code, 204, 'a file';
    my $uid = info($inst)->{uid};
    $inst->release->wait_state('released');
    $t->wait_for(sub { !pod($inst) }, 30, 'the pod is gone');
    is $alice->get($inst->url)->code, 503, 'it does not run';
    is $inst->look->data->{desired}, 'released', '… and its owner knows';
    $t->serves($inst->start);
    isnt info($inst)->{uid}, $uid, 'another pod';
    is $alice->get($inst->url('/disk/mine'))->content, 'kept', 'the file is still there';
};

subtest 'restarted' => sub {
    my $uid = info($inst)->{uid};
    $inst->restart;
    $t->wait_for(sub { my $r = $alice->get($inst->url('/info')); $r->code == 200 && $r->json->{uid} ne $uid }, 60, 'another pod answers');
    $t->serves($inst);
    is $alice->get($inst->url('/disk/mine'))->content, 'kept', 'with its disk';
};

subtest 'a container that ends is started again by the kubelet' => sub {
    $alice->get($inst->url('/exit?code=7'));
    $t->wait_for(sub { my $p = pod($inst); ($p->{status}{containerStatuses}[0]{restartCount} // 0) == 1 }, 60, 'one restart');
    $t->serves($inst);
    is $alice->get($inst->url('/info'))->code, 200, 'it answers';
    is pod($inst)->{status}{containerStatuses}[0]{lastState}{terminated}{exitCode}, 7, 'by the code it ended with';
};

subtest 'an update in place: the same pod, another image' => sub {
    my $before = info($inst);
    is $before->{image}, 'localhost/aigc-demo:1', 'the first image';
    update('demo');
    $t->wait_for(sub { my $r = $alice->get($inst->url('/info')); $r->code == 200 && $r->json->{image} eq 'localhost/aigc-demo:2' }, 60, 'the second image answers');
    $t->serves($inst);
    is info($inst)->{uid}, $before->{uid}, 'in the same pod';
    is info($inst)->{address}, $before->{address}, '… at the same address';
    is $alice->get($inst->url('/disk/mine'))->content, 'kept', '… with its disk';
};

subtest 'uninstalled, with its disk' => sub {
    my ($volume) = map { $_->{spec}{volumeName} } $t->kube_list('pvcs');
    ok -d $t->file("disks/$volume"), 'there is a folder for its disk';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
    $t->wait_for(sub { !-e $t->file("disks/$volume") }, 30, 'the folder is gone');
    is scalar($t->kube_list('pods')), 0, 'and so is the pod';
};

subtest 'a seamless template: what runs is left alone until its owner updates' => sub {
    $t->variant('seamless', { spec => { updateStrategy => { type => 'OnDelete', rollingUpdate => undef } } });
    my $inst = $t->serves($alice->install('seamless'));
    my $uid = info($inst)->{uid};
    my $ws = $alice->websocket($inst->url('/ws'));
    is $ws->code, 101, 'a WebSocket is open';
    update('seamless');
    $t->wait_for(sub { my $i = $inst->look; $i && $i->data->{updateAvailable} }, 60, 'the update is shown');
    is info($inst)->{uid}, $uid, 'the pod goes on';
    ok $ws->echoes('still'), '… and so does the WebSocket';
    $inst->update;
    $t->wait_for(sub { my $r = $alice->get($inst->url('/info')); $r->code == 200 && $r->json->{image} eq 'localhost/aigc-demo:2' }, 60, 'the second image answers');
    $t->serves($inst);
    isnt info($inst)->{uid}, $uid, 'another pod';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

subtest 'a template that is rolled out by new pods' => sub {
    $t->variant('rolling', { spec => { updateStrategy => { rollingUpdate => { podUpdatePolicy => 'ReCreate', maxUnavailable => 1 } } } });
    my @inst = map { $_->install('rolling') } $alice, $bob;
    $t->serves($_) for @inst;
    my @uid = map { info($_)->{uid} } @inst;
    $_->client->put($_->url('/disk/mine'), body => 'kept') for @inst;
    update('rolling');
    for my $i (@inst) {
        $t->wait_for(sub { my $r = $i->client->get($i->url('/info')); $r->code == 200 && $r->json->{image} eq 'localhost/aigc-demo:2' }, 90, 'the second image answers');
        is $i->client->get($i->url('/disk/mine'))->content, 'kept', '… with the disk';
    }
    isnt info($inst[$_])->{uid}, $uid[$_], 'another pod' for 0, 1;
    $_->uninstall(delete_disk => 'true')->wait_gone for @inst;
};

subtest 'an application that crashes' => sub {
    $t->variant('crashing', sub { $_[0]{spec}{gameServerTemplate}{spec}{containers}[0]{args} = ['-crash', 'no model found'] });
    my $inst = $alice->install('crashing');
    my $reason = wait_reason($inst, 'CrashLoopBackOff');
    like $reason->{message}, qr/ended with code 3/, 'the reason has its exit code';
    is $inst->state, 'failing', 'the instance is failing';
    my $r = $alice->browse($inst->url);
    is $r->code, 503, 'its host says so';
    like $r->content, qr/CrashLoopBackOff/, '… with the reason';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

subtest 'an image that cannot be pulled' => sub {
    $t->variant('unpullable', sub { $_[0]{spec}{gameServerTemplate}{spec}{containers}[0]{image} = '127.0.0.1:1/none:1' });
    my $inst = $alice->install('unpullable');
    my $reason = wait_reason($inst, 'ImagePullBackOff|ErrImagePull');
    like $reason->{message}, qr{127\.0\.0\.1:1/none:1}, 'the reason names the image';
    is $inst->state, 'failing', 'the instance is failing';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

subtest 'a pod that no node has room for' => sub {
    $t->variant('huge', sub { $_[0]{spec}{gameServerTemplate}{spec}{containers}[0]{resources} = { requests => { memory => '900Gi' }, limits => { memory => '900Gi' } } });
    my $inst = $alice->install('huge');
    my $reason = wait_reason($inst, 'Unschedulable');
    like $reason->{message}, qr/Insufficient memory/, 'the reason is the scheduler\'s';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

subtest 'a pod without a readiness probe' => sub {
    $t->variant('unprobed', sub { delete $_[0]{spec}{gameServerTemplate}{spec}{containers}[0]{readinessProbe} });
    my $inst = $t->serves($alice->install('unprobed'));
    $t->wait_for(sub { $alice->get($inst->url('/info'))->code == 200 }, 30, 'it answers');
    pass 'it is ready as soon as it runs, and answers then';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

subtest 'more memory than its limit' => sub {
    $t->variant('small', sub {
        my $c = $_[0]{spec}{gameServerTemplate}{spec}{containers}[0];
        $c->{resources}{limits}{memory} = '24Mi';
        # what is written to a disk in memory counts
        push @{ $_[0]{spec}{gameServerTemplate}{spec}{volumes} }, { name => 'memory', emptyDir => { medium => 'Memory' } };
        push @{ $c->{volumeMounts} }, { name => 'memory', mountPath => '/memory' };
        $c->{args} = ['-disk', '/memory'];
    });
    my $inst = $t->serves($alice->install('small'));
    my $r = eval { $alice->put($inst->url('/disk/big'), body => 'x' x (40 << 20), timeout => 60) };
    $t->wait_for(sub { my $s = pod($inst)->{status}{containerStatuses}[0];
        (($s->{lastState}{terminated} // $s->{state}{terminated} // {})->{reason} // '') eq 'OOMKilled' }, 60, 'the kernel ends it');
    $t->serves($inst);
    is pod($inst)->{status}{containerStatuses}[0]{restartCount}, 1, 'and the kubelet starts it again';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

# The last: the node throws away what it can.
subtest 'a node whose disk is full: the pod is evicted, and comes back' => sub {
    $t->variant('filler', sub {
        my $spec = $_[0]{spec}{gameServerTemplate}{spec};
        $spec->{containers}[0]{args} = ['-disk', '/tmp'];   # an emptyDir, of the kubelet's disk
    });
    my $inst = $t->serves($alice->install('filler'));
    my $uid = info($inst)->{uid};
    is $alice->put($inst->url('/disk/filler'), body => 'x' x (100 << 20), timeout => 120)->code, 204, 'a file of 100 MiB';
    # and more, until there is no room, or no pod: whichever comes first
    note join ' ', 'three more:', map { my $r = eval { $alice->put($inst->url("/disk/filler$_"), body => 'x' x (100 << 20), timeout => 120) }; $r ? $r->code : 'ended' } 2 .. 4;
    my (%seen, $evicted);
    $t->wait_for(sub {
        my $i = $inst->look or return;
        $seen{ $i->reason->{code} } = $i->reason->{message} if $i->reason;
        my $p = pod($inst);
        $evicted ||= grep { $_->{reason} eq 'Evicted' } $t->kube_list('events');
        return $evicted;
    }, 90, 'the kubelet evicts it');
    my ($node) = @{ $t->kube_get('/api/v1/nodes')->{items} };
    note join ' ', map { "$_->{type}=$_->{status}" } @{ $node->{status}{conditions} };
    $t->serves($inst, 120);
    note "reasons meanwhile: ", join '; ', map { "$_: $seen{$_}" } sort keys %seen;
    isnt info($inst)->{uid}, $uid, 'another pod, once the node has room';
    is scalar($t->gateways), 2, 'both gateways are still there';
    $inst->uninstall(delete_disk => 'true')->wait_gone;
};

done_testing;
