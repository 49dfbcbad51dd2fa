# t/unmade.t — a pod that cannot be made (a quota, an admission policy) says why,
# holds up nobody else's release or install, and comes by itself once it can

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $t;

sub code { my ($inst) = @_; my $r = $inst->look->reason; return $r ? $r->{code} : '' }

sub wait_reason {
    my ($inst, $text) = @_;
    $t->wait_for(sub { my $r = $inst->look->reason; $r && $r->{code} eq 'FailedCreate' && $r->{message} =~ $text }, 40,
        sub { $inst->pod . ': FailedCreate, not ' . JSON::PP->new->allow_nonref->encode($inst->reason) });
}

sub wait_aside {
    my (@ids) = @_;
    $t->wait_for(sub { "@{[ $t->set_aside($name) ]}" eq "@ids" }, 40, sub { "set aside: @ids, not " . join ' ', $t->set_aside($name) });
}

sub problems {
    my ($kind) = @_;
    return $t->status('/metrics')->content =~ /^aigc_problems\{kind="\Q$kind\E"\} (\d+)$/m ? $1 : -1;
}

# What the leader has told of the template, in Events.
sub told {
    my ($reason) = @_;
    return grep { $_->{reason} eq $reason && ($_->{source}{component} // '') eq 'aigc-gateway' } $t->kube_list('events');
}

sub quota {
    my ($pods) = @_;
    $t->apply({ apiVersion => 'v1', kind => 'ResourceQuota', metadata => { name => 'pods', namespace => 'default' },
        spec => { hard => { pods => $pods } } });
    $t->wait_for(sub { (($t->kube_get('resourcequotas', 'pods') // {})->{status}{hard}{pods} // '') eq $pods }, 10, 'the quota is counted');
}

# Refuses new pods that end so; undef: none any more.
sub refuse {
    my ($end) = @_;
    my @kinds = qw(validatingadmissionpolicies validatingadmissionpolicybindings);
    if (!defined $end) {
        $t->kubectl('delete', $_, 'no-such-pod') for @kinds;
        return;
    }
    my $what = { apiVersion => 'admissionregistration.k8s.io/v1' };
    $t->apply({ %$what, kind => 'ValidatingAdmissionPolicy', metadata => { name => 'no-such-pod' }, spec => {
        matchConstraints => { resourceRules => [{ apiGroups => [''], apiVersions => ['v1'], operations => ['CREATE'], resources => ['pods'] }] },
        validations => [{ expression => "!object.metadata.name.endsWith('$end')", message => 'this one may not be' }] } });
    $t->apply({ %$what, kind => 'ValidatingAdmissionPolicyBinding', metadata => { name => 'no-such-pod' },
        spec => { policyName => 'no-such-pod', validationActions => ['Deny'] } });
    $t->wait_for(sub { my ($status) = $t->try_kubectl('run', "try$end", '--image=x', '--dry-run=server'); $status != 0 }, 20, 'the policy is in force');
}

{
    $t = AIGC::Stack->start(workers => 2);
    my ($alice, $bob, $carol, $dave) = map { $t->sign_in($_) } qw(alice bob carol user01);

    subtest 'a quota is used up' => sub {
        my ($hers, $his) = map { $_->install($name)->wait_ready } $alice, $bob;
        quota(2);
        my $third = $carol->install($name);
        wait_reason($third, qr/^pods "\Q$name\E-2" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=2, limited: pods=2$/);
        like $third->state, qr/^(?:pending|starting)$/, 'who waits is told why';
        like $carol->browse($third->url)->content, qr/id="reason"[^>]*>FailedCreate/, '… on the page of its host, too';
        unlike $bob->browse($third->url)->content, qr/FailedCreate/, '… and nobody else';
        is $third->desired, 'running', 'it still shall run';

        is $his->release->desired, 'released', 'somebody releases';
        $his->wait_state('released', 60);
        pass 'his pod ends all the same';
        $third->wait_ready(60);
        pass 'what waited comes by itself';
        is $third->reason, undef, '… and has no reason any more';
        $t->wait_agree($name);
        is_deeply [$t->set_aside($name)], [], 'nothing is set aside any more';
        is problems('not_created'), 0, 'no problem is left';

        # whoever leads by then
        my $fourth = $dave->install($name);
        wait_aside($fourth->id);
        is problems('not_created'), 1, 'it is a problem of the administrator';
        $t->wait_for(sub { told('NotCreated') }, 10, 'the administrator is told');
        like +(told('NotCreated'))[0]{message}, qr/its pod cannot be made/, '… by an Event on the template';
        $t->kill_worker(0);
        $t->allow_log(qr/exited on signal 9/);
        my $again = $his->start;
        like code($fourth), qr/^FailedCreate$/, 'another worker knows it, too';
        $hers->uninstall(delete_disk => 'true');
        $hers->wait_gone(60);
        pass 'an uninstall ends';
        quota(9);
        $_->look->wait_ready(60) for $fourth, $again;
        $t->wait_agree($name);
        is_deeply [$t->disagreements($name)], [], 'all agrees';
    };

    subtest 'one of them is refused' => sub {
        my $top = $t->kube_get('gss', $name)->{metadata}{annotations}{'aigc-gateway.io/top'};
        refuse('-' . ($top + 1));
        my $bad = $t->sign_in('user02')->install($name);
        is $bad->id, $top + 1, 'the next id is the refused one';
        wait_reason($bad, qr/this one may not be/);
        my @good = map { $t->sign_in("user0$_")->install($name) } 3 .. 6;
        $_->wait_ready(60) for @good;
        pass 'others are made meanwhile';
        $_->release for @good;
        $_->wait_state('released', 60) for @good;
        pass '… and released';
        is code($bad), 'FailedCreate', 'it waits, and says why';
        is $bad->client->api('POST', $bad->path . '/start')->code, 200, 'to start it changes nothing';
        is $bad->release->wait_state('released')->reason, undef, 'it can be released';
        is $bad->start->desired, 'running', '… and started';
        wait_reason($bad, qr/this one may not be/);
        refuse(undef);
        $bad->wait_ready(150);
        pass 'once it may be it is';
        $t->wait_agree($name);
    };

    $t->stop;
}

my $gateway = 'system:serviceaccount:aigc-gateway:aigc-gateway';

# Refuses the gateway's writes of GameServerSets but where the rule holds.
sub freeze {
    my ($rule) = @_;
    my $what = { apiVersion => 'admissionregistration.k8s.io/v1' };
    $t->apply({ %$what, kind => 'ValidatingAdmissionPolicy', metadata => { name => 'no-such-pod' }, spec => {
        matchConstraints => { resourceRules => [{ apiGroups => ['game.kruise.io'], apiVersions => ['*'], operations => ['UPDATE'], resources => ['gameserversets'] }] },
        validations => [{ expression => "request.userInfo.username != '$gateway' || $rule", message => 'it is frozen' }] } });
    $t->apply({ %$what, kind => 'ValidatingAdmissionPolicyBinding', metadata => { name => 'no-such-pod' },
        spec => { policyName => 'no-such-pod', validationActions => ['Deny'] } });
    $t->wait_for(sub { my ($status) = $t->try_kubectl('patch', 'gss', $name, '--type=merge', '-p', '{"spec":{"replicas":77}}',
        '--dry-run=server', "--as=$gateway"); $status != 0 }, 20, 'the policy is in force');
}

subtest 'the template\'s own write is refused' => sub {
    $t = AIGC::Stack->start(faults => 1);
    $t->allow_log(qr/the API server refuses a write|was not taken/);
    my ($alice, $bob, $carol, $dave) = map { $t->sign_in($_) } qw(alice bob carol user01);
    my ($hers, $his) = map { $_->install($name)->wait_ready } $alice, $bob;
    is problems('write_refused'), 0, 'no problem';
    freeze('false');
    my $r = $hers->try('release');
    is $r->code . ' ' . $r->problem->{code}, '502 cluster-refuses', 'nobody\'s release is promised';
    $t->wait_for(sub { problems('write_refused') == 1 }, 10, 'it is a problem');
    $t->wait_for(sub { told('WriteRefused') }, 10, 'the administrator is told');
    refuse(undef);
    $t->wait_for(sub { problems('write_refused') == 0 }, 60, 'it is over by itself');
    is $hers->look->state, 'ready', 'nothing has happened meanwhile';

    # all that wait go out in one patch: one of them refused is not all of them
    freeze('object.spec.replicas <= 2');
    $t->faults([{ method => 'PATCH', path => "gameserversets/$name", action => { delayMs => 1500 }, times => 1 }]);
    $t->clear_fault_log;
    my $first = $carol->begin_api('POST', "/api/v1/templates/default/$name/install");
    $t->wait_for(sub { grep { /^PATCH/ } keys %{ $t->fault_log->{counts} } }, 10, 'one is under way');
    my @both = ($dave->begin_api('POST', "/api/v1/templates/default/$name/install"), $bob->begin_api('POST', $his->path . '/release'));
    is $first->response->code, 502, 'an install that is refused';
    is $both[1]->response->code, 202, '… takes no release with it';
    like $both[0]->response->code, qr/^(?:202|502)$/, 'each has an answer of its own';
    $his->wait_state('released');
    refuse(undef);
    $t->stop;
};

subtest 'nothing says why' => sub {
    $t = AIGC::Stack->start(faults => 1);
    $t->faults([map { { path => $_, action => { status => 403, body => '{"kind":"Status"}' } } } '/statefulsets$', '/events$']);
    AIGC::HTTP::close_all();
    $t->quit_nginx(3);
    $t->start_nginx;
    $t->wait_ready;
    $t->allow_log(qr/cannot be watched/);
    my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
    my $hers = $alice->install($name)->wait_ready;
    quota(1);
    my $his = $bob->install($name);
    $hers->release->wait_state('released', 60);
    pass 'a release goes through all the same';
    $his->wait_ready(60);
    pass 'and makes room';
    $t->wait_agree($name);
};

# It does not scale a workload that lacks a pod, whatever is written: what waits
# for that pod can be told so, and goes on by itself.
subtest 'OpenKruiseGame 0.4' => sub {
    $t = AIGC::Stack->start(okg => '0.4');
    my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
    my $hers = $alice->install($name)->wait_ready;
    quota(1);
    my $his = $bob->install($name);
    wait_reason($his, qr/exceeded quota/);
    is $hers->release->desired, 'released', 'a release is taken';
    $t->kubectl('delete', 'resourcequotas', 'pods');
    $hers->wait_state('released', 60);
    $his->wait_ready(150);
    $t->wait_agree($name);
    is_deeply [$t->disagreements($name)], [], 'with room, all comes as it should be';
};

done_testing;

