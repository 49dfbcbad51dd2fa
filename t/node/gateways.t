# t/node/gateways.t — two gateways, as the chart installs them: a namespace that
# enforces Pod Security "restricted", upgrades under load, pods that are killed

use FindBin;
use lib "$FindBin::Bin/../lib";
use AIGC::Test;
use AIGC::Node;
use Time::HiRes qw(sleep time);

my $t = AIGC::Node->start;
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $inst = $t->serves($alice->install('demo'));

my $ns = 'aigc-gateway';
sub leaders { return grep { $t->status_of($_, '/readyz')->json->{leader} } $t->gateways }

subtest 'two gateways in a restricted namespace' => sub {
    my @pods = $t->gateways;
    is scalar(@pods), 2, 'both run';
    is $t->status_of($_, '/readyz')->code, 200, "$_->{metadata}{name} is ready" for @pods;
    is scalar(leaders()), 1, 'one of them leads';
    my ($status, undef, $said) = $t->try_kubectl('run', 'loose', '-n', $ns, '--image=localhost/aigc-demo:1', '--dry-run=server');
    isnt $status, 0, 'a pod without these settings is refused there';
    like $said, qr/violates PodSecurity "restricted/, '… by Pod Security';

    # Each gateway serves what either has signed in: sessions are shared.
    for my $pod (@pods) {
        my $conn = AIGC::HTTP->connect($pod->{status}{podIP}, 8080);
        is $alice->get($inst->url('/info'), on => $conn)->code, 200, "$pod->{metadata}{name} lets the owner in";
        is $bob->get($inst->url('/info'), on => $conn)->code, 403, '… and nobody else';
        $conn->close;
    }
};

subtest 'one node at a time' => sub {
    my ($status, $said) = $t->command($t->repo('t/node/node'), 'run', $t->file('second'));
    isnt $status, 0, 'a second one is refused';
    like $said, qr{another node runs on this machine \(process and folder: \d+ \Q$t->{state}\E\): end it first}, '… and told which runs';
};

subtest 'helm test' => sub {
    my ($status, $said) = $t->command($t->repo('build/bin/helm'), 'test', 'aigc-gateway', '-n', $ns);
    is $status, 0, 'it passes' or diag $said;
};

# Requests of both kinds, at a bounded pace, until it is told to stop: how many
# got which answer.
sub load {
    my ($pace) = @_;
    return $t->background(sub {
        my ($go_on) = @_;
        my (%n, @bad);
        my @what = map { my $path = $_; sub { $path =~ /^http/ ? $alice->get($path) : $alice->api('GET', $path) } }
            $inst->url('/info'), '/api/v1/instances', $inst->url('/slow?ms=300&chunks=3');
        for (my $i = 0; $go_on->(); $i++) {
            my $code = eval { $what[ $i % @what ]->()->code } // ($@ =~ s/ at .*//sr);
            $n{$code}++;
            push @bad, sprintf '%.2f %s', time, $code if $code ne '200';
            sleep $pace;
        }
        return { n => \%n, bad => \@bad };
    });
}

# The counts of several; all should be 200.
sub all_well {
    my ($what, @load) = @_;
    my (%sum, @bad);
    for (map { $_->stop } @load) {
        $sum{$_->[0]} += $_->[1] for map { my $n = $_->{n}; map { [$_ => $n->{$_}] } keys %$n } $_;
        push @bad, @{ $_->{bad} };
    }
    my $all = 0;
    $all += $_ for values %sum;
    note "$what: ", join ', ', map { "$sum{$_} x $_" } sort keys %sum;
    is $sum{200}, $all, "$what: 0 of $all requests failed" or diag join "\n", @bad[ 0 .. ($#bad < 10 ? $#bad : 10) ];
    cmp_ok $all, '>', 100, '… and there were some';
}

# Replaces both gateways by DO, under load, with WebSockets open.
sub replaced {
    my ($what, $do) = @_;
    my %old = map { $_->{metadata}{name} => 1 } $t->gateways;
    my @ws = map { $alice->websocket($inst->url('/ws')) } 1 .. 6;
    is scalar(grep { $_->code == 101 } @ws), 6, "$what: six WebSockets are open";
    my @load = map { load(0.02) } 1 .. 3;
    my $begin = time;

    $do->();
    $t->rollout($ns, 'aigc-gateway', 60);
    note sprintf '%s: the new ones are ready after %.1f s', $what, time - $begin;
    my @new = grep { !$old{ $_->{metadata}{name} } } $t->gateways;
    is scalar(@new), 2, 'both are new';

    # The old ones were told to end, and serve what they have, to the end of its time.
    my $lived = grep { eval { $_->echoes('still') } } @ws;
    my ($first, $last);
    for (my $end = time + 60; @ws && time < $end; sleep 0.2) {
        my $n = @ws;
        @ws = grep { eval { $_->echoes('on') } } @ws;
        if (@ws < $n) { $last = time; $first //= $last }
    }
    cmp_ok $lived, '>=', 3, "… $lived of 6 WebSockets live on as the new ones are ready";
    is scalar(@ws), 0, '… all have ended when their time was over';
    cmp_ok $first - $begin, '>=', 20, '… and none before';
    note sprintf '%s: they ended %.1f to %.1f s after the begin', $what, map { $_ - $begin } $first // $begin, $last // $begin;
    $t->wait_for(sub { !grep { $old{ $_->{metadata}{name} } } @{ $t->kube_get("/api/v1/namespaces/$ns/pods")->{items} } },
        60, 'the old pods are gone');
    all_well($what, @load);
    $t->wait_for(sub { leaders() == 1 }, 30, 'one of the new ones leads');
}

subtest 'helm upgrade under load' => sub {
    replaced('helm upgrade', sub { $t->install_gateway('--set', 'gateway.zone=24m') });
};

subtest 'rollout restart under load' => sub {
    replaced('rollout restart', sub { $t->kubectl('rollout', 'restart', 'deployment/aigc-gateway', '-n', $ns) });
};

subtest 'the leader is killed' => sub {
    my ($leader) = leaders();
    my $name = $leader->{metadata}{name};
    $t->kubectl('delete', 'pod', $name, '-n', $ns, '--grace-period=0', '--force');
    # a request that was on its way may have met its end; those from now on do not
    $t->wait_for(sub { !grep { $_->{metadata}{name} eq $name } $t->gateways }, 30, 'it is gone');
    $t->wait_for(sub { 10 == grep { (eval { $alice->get($inst->url('/info'))->code } // 0) == 200 } 1 .. 10 }, 30, 'every request is answered');
    pass 'the other one serves on';
    $t->wait_for(sub { leaders() == 1 }, 60, 'another one leads');
    $inst->release->wait_state('released');
    $t->serves($inst->start);
    is $alice->get($inst->url('/info'))->code, 200, 'orders are carried out';
    $t->rollout($ns, 'aigc-gateway');
    is scalar($t->gateways), 2, 'and there are two again';
};

subtest 'nginx itself is killed' => sub {
    my ($pod) = $t->gateways;
    my $uid = $pod->{metadata}{uid};
    # the first process of its container, by the folder of its control group
    my @pids = map { open my $f, '<', $_ or die; map { chomp; $_ } <$f> }
        glob "/sys/fs/cgroup/pids/kubepods/*/pod$uid/*/cgroup.procs";
    my ($master) = grep { my $c = do { local (@ARGV, $/) = "/proc/$_/cmdline"; <> }; $c =~ /^nginx: master/ } @pids;
    ok $master, 'there is its master process' or return;
    kill 'KILL', $master;
    $t->wait_for(sub {
        my ($now) = grep { $_->{metadata}{uid} eq $uid } $t->gateways;
        my $s = $now && $now->{status}{containerStatuses}[0];
        return $s && $s->{restartCount} == 1 && $s->{ready};
    }, 60, 'the kubelet starts the container again, and it is ready');
    $t->wait_for(sub { leaders() == 1 }, 30, 'one leads');
    is $alice->get($inst->url('/info'))->code, 200, 'and requests are served';
};

done_testing;
