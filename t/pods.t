# t/pods.t — Pods are what the gateway goes by: nobody is let in before they are
# listed, a ready one is let in whatever OpenKruiseGame says, and one that is
# not the template's own never is

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(time);

my $name = 'stable-diffusion-cpu';
my $json = JSON::PP->new;

# OKG as it is, and a network that one pod of two never gets.
my $t     = AIGC::Stack->start(pace => 'real', faults => 1, cluster => ['-quirks', 'lost-services=2'], templates => [$name, 'notebook']);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my ($mine, $his);

sub row { my ($inst) = @_; (grep { $_->{template} eq $inst->template && $_->{id} == $inst->id } @{ $t->table->{instances} })[0] }

sub network {           # what OKG says of an instance's network
    my ($inst) = @_;
    my $gs = $t->kube_get('gs', $inst->pod) // {};
    return (($gs->{status} // {})->{networkStatus} // {})->{currentNetworkState} // '';
}

sub ready_since {       # when the pod became Ready by the API server's clock: whole seconds
    my ($inst) = @_;
    my $pod = $t->kube_get('pods', $inst->pod) // return;
    return scalar grep { $_->{type} eq 'Ready' && $_->{status} eq 'True' } @{ $pod->{status}{conditions} // [] };
}

subtest 'a pod that is Ready is let in, whatever OKG says' => sub {
    $mine = $alice->install($name);
    $t->wait_for(sub { ready_since($mine) }, 60, 'the pod is Ready');
    my $begin = time;
    $t->wait_for(sub { $alice->get($mine->url)->code == 200 }, 10, 'the owner is let in');
    note sprintf 'from the sight of a Ready pod to the owner\'s page: %.0f ms', 1000 * (time - $begin);
    isnt network($mine), 'Ready', 'while OKG\'s network is not ready';
    is $mine->look->state, 'ready', 'and the API says ready';
    is $mine->reason, undef, '… without a but';

    $his = $bob->install($name);
    $his->wait_ready;
    $t->wait_for(sub { my @ready = grep { network($_) eq 'Ready' } $mine, $his; @ready == 1 }, 60, 'OKG makes the network of one');
    my $lost = grep { !$t->kube_get('ingresses', $_->pod) } $mine, $his;
    is $lost, 1, 'the other has no Ingress';
    is $_->client->get($_->url)->code, 200, $_->pod . ' is let in' for $mine, $his;
};

subtest 'one that is not Ready is not, whatever OKG says' => sub {
    $t->kubectl('annotate', 'pod', $mine->pod, 'fake/hold=true');
    $t->wait_for(sub { $alice->get($mine->url)->code == 503 }, 20, 'not Ready: 503');
    is $mine->look->state, 'starting', 'and the API says so';
    $t->kubectl('annotate', 'pod', $mine->pod, 'fake/hold-');
    $t->wait_for(sub { $alice->get($mine->url)->code == 200 }, 20, 'Ready again: 200');

    my $uid = row($mine)->{pod}{uid};
    $t->kubectl('delete', 'pod', $mine->pod, '--grace-period=0', '--force');
    $t->wait_for(sub { row($mine)->{pod}{uid} ne $uid }, 60, 'deleted by force: another pod');
    $mine->look->wait_ready;
    is $alice->get($mine->url('/info'))->json->{uid}, row($mine)->{pod}{uid}, 'the new one answers';
};

subtest 'a GameServer alone gives no address' => sub {
    my $ip = $t->kube_get('pods', $mine->pod)->{status}{podIP};
    $t->kubectl({ in => $json->encode({ apiVersion => 'game.kruise.io/v1alpha1', kind => 'GameServer', spec => {},
        metadata => { name => 'notebook-7', labels => { 'game.kruise.io/owner-gss' => 'notebook' } } }) }, 'create', '--validate=false', '-f', '-');
    $t->kubectl('patch', 'gs', 'notebook-7', '--subresource=status', '--type=merge', '-p', $json->encode({ status => { currentState => 'Ready',
        networkStatus => { currentNetworkState => 'Ready' }, podStatus => { phase => 'Running', podIP => $ip,
            startTime => '2099-01-01T00:00:00Z', conditions => [{ type => 'Ready', status => 'True' }] } } }));
    my $seven = sub { (grep { $_->{template} eq 'notebook' && $_->{id} == 7 } @{ $t->table->{instances} })[0] };
    $t->wait_for($seven, 20, 'the gateway has heard of it');
    ok !$seven->()->{routed}, 'it leads nowhere';
    is $alice->get($mine->url)->code, 200, 'and takes nobody\'s address';
    $t->kubectl('delete', 'gs', 'notebook-7');
};

subtest 'a pod that is not the StatefulSet\'s' => sub {
    my $note = $bob->install('notebook')->wait_ready;
    $note->release->wait_state('released');
    # by hand, while the name is free: label, name and port are right
    $t->kubectl({ in => $json->encode({ apiVersion => 'v1', kind => 'Pod', metadata => { name => $note->pod,
        labels => { 'game.kruise.io/owner-gss' => 'notebook' } },
        spec => { containers => [{ name => 'x', image => 'x', ports => [{ containerPort => 8888 }] }] } }) },
        'create', '--validate=false', '-f', '-');
    $t->wait_for(sub { ready_since($note) && row($note)->{pod}{ready} }, 60, 'it is Ready');
    $note->start;
    $t->wait_for(sub { (($note->look->reason // {})->{code} // '') eq 'NoAddress' }, 90, 'the instance says that it cannot be led to');
    is $note->state, 'starting', 'it is not ready';
    is $bob->get($note->url)->code, 503, 'and its owner is not sent there';
    $t->kubectl('delete', 'pod', $note->pod);
    $t->wait_for(sub { $bob->get($note->url)->code == 200 }, 60, 'its own is');
    is $note->look->reason, undef, 'without a but';
};

subtest 'a pod that nobody makes' => sub {
    # kruise cannot make it: its disk is on its way out for ever
    my $note = $alice->install('notebook')->wait_ready;
    $note->release->wait_state('released');
    my ($disk) = grep { $_->{metadata}{name} =~ /-\Q@{[ $note->pod ]}\E$/ } $t->kube_list('pvcs');
    $t->kube_patch('pvc', $disk->{metadata}{name}, { metadata => { finalizers => ['example.org/hold'] } });
    $t->kubectl('delete', 'pvc', $disk->{metadata}{name}, '--wait=false');
    my $stream = $alice->events;
    $stream->snapshot;
    $note->start;
    is $note->look->state, 'pending', 'it is pending';
    ok $stream->wait_event(sub { $_->{event} eq 'instance' && $_->{data}{template} eq 'notebook' && $_->{data}{reason} }, 90), 'after a while it has a reason';
    $stream->close;
    like $note->look->reason->{code}, qr/^(?:NoPod|FailedCreate)$/, 'which says what is missing';
    $t->kube_patch('pvc', $disk->{metadata}{name}, { metadata => { finalizers => undef } });
    $note->wait_ready(90);
};

subtest 'two pods of one address, on different ports' => sub {
    my @inst;
    for my $port (7860, 7861) {
        my $own = "host$port";
        $t->apply_template('notebook', { metadata => { name => $own } }, sub { my ($gss) = @_;
            my $spec = $gss->{spec}{gameServerTemplate}{spec};
            $spec->{hostNetwork} = JSON::PP::true;
            $spec->{containers}[0]{ports} = [{ containerPort => $port + 0 }];
            $_->{name} eq 'Port' ? $_->{value} = "$port" : $_->{name} eq 'Host' ? $_->{value} = "$own-<id>." . $t->root : 0
                for @{ $gss->{spec}{network}{networkConf} } });
        push @inst, $alice->install($own);
    }
    $_->wait_ready(90) for @inst;
    is scalar(keys %{ { map { $t->kube_get('pods', $_->pod)->{status}{podIP} => 1 } @inst } }), 1, 'they have one address';
    is $alice->get($_->url('/info'))->json->{template}, $_->template, $_->template . ' is reached' for @inst;
};

subtest 'without the right to Pods' => sub {
    AIGC::HTTP::close_all();
    $t->quit_nginx(3);
    $t->faults([{ path => '/pods$', action => { status => 403, body => '{"kind":"Status"}' } }]);
    $t->start_nginx;
    $t->wait_for(sub { eval { $t->status('/readyz') } && @{ $t->table->{templates} } && @{ $t->table->{disks} } }, 30, 'all else is listed');
    is $t->status('/readyz')->code, 503, '/readyz is 503';
    ok !$t->status('/readyz')->json->{synced}, 'for the lists are not complete';
    is $alice->get($mine->url, headers => { Accept => 'application/json' })->code, 503, 'an instance is 503';
    $t->wait_for(sub { $t->error_log =~ /the watch of Pods ended: status 403 \(grant the gateway get, list and watch/ }, 10, 'the log says what to grant');
    $t->no_faults;
    $t->wait_ready;
    is $alice->get($mine->url)->code, 200, 'with it, the owner is let in';
    $t->allow_log(qr/the watch of \w+ ended/);
};

$t->allow_log(qr/upstream|connect\(\) failed/);
done_testing;
