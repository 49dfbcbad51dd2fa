# t/reason.t — an instance that is not ready says why: a word for programs, a
# sentence for people

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Encode qw(encode);
use Time::HiRes qw(time);

my $name = 'stable-diffusion-cpu';
my $t     = AIGC::Stack->start(faults => 1);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $inst  = $alice->install($name)->wait_ready;

my $events;

sub code { my $r = $inst->look->reason; return $r ? $r->{code} : '' }
sub wait_code { my ($code) = @_; $t->wait_for(sub { code() eq $code }, 20, sub { "the reason is $code, not " . code() }) }
sub annotate { $t->kubectl('annotate', '--overwrite', 'pod', $inst->pod, @_) }

# What new pods of the template are steered by.
sub steer {
    my (%a) = @_;
    $t->kube_patch('gss', $name, { spec => { gameServerTemplate => { metadata => { annotations => \%a } } } });
}

# Makes its pod anew, and takes what its successor shows.
sub again {
    my $old = $t->kube_get('pods', $inst->pod);
    $t->kubectl('delete', 'pod', $inst->pod, '--wait=false');
    $t->wait_for(sub {
        my $p = $t->kube_get('pods', $inst->pod);
        $p && $p->{metadata}{uid} ne $old->{metadata}{uid};
    }, 20, 'another pod');
}

# In the API, on the page of its host, for a program there, and for nobody else.
sub said {
    my ($code, $text, $what) = @_;
    my $r = $inst->look->reason;
    is $r->{code}, $code, "$what: the word";
    like $r->{message}, $text, '… and the sentence';
    my $page = $alice->browse($inst->url);
    is $page->code, 503, '… the page of its host';
    like $page->content, qr/id="reason"[^>]*>\Q$code\E/, '… has the word';
    like $page->content =~ s/&quot;/"/gr, $text, '… and the sentence';
    $r = $alice->get($inst->url);
    like $r->problem->{detail}, qr/\Q$code\E.*$text/s, '… and JSON has both';
    unlike $bob->browse($inst->url)->content, qr/\Q$code\E/, '… others learn nothing';
}

is $inst->look->reason, undef, 'one that is ready has no reason';

# Held, for warnings that come after others.
my $probe = $t->sign_in('carol')->install($name)->wait_ready;
$t->kubectl('annotate', 'pod', $probe->pod, 'fake/hold=true');
$probe->wait_state('starting');

# Seamless, so that steering its successors leaves the running pod alone.
$t->kube_patch('gss', $name, { spec => { updateStrategy => { type => 'OnDelete', rollingUpdate => undef } } });

subtest 'what the pod\'s status says' => sub {
    steer('fake/unschedulable' => '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.');
    again();
    wait_code('Unschedulable');
    is $inst->state, 'starting', 'it may get better';
    said('Unschedulable', qr{0/3 nodes are available: 3 Insufficient}, 'no node');

    annotate('fake/unschedulable-', 'fake/waiting=ImagePullBackOff: Back-off pulling image "demo:v9"');
    wait_code('ImagePullBackOff');
    is $inst->state, 'failing', 'it will not';
    said('ImagePullBackOff', qr/Back-off pulling image "demo:v9"/, 'no image');

    annotate('fake/waiting-', 'fake/crash=137');
    wait_code('CrashLoopBackOff');
    said('CrashLoopBackOff', qr/ended with code 137 \(OOMKilled\)/, 'it crashes');

    steer('fake/unschedulable' => undef);
    annotate('fake/crash-');
    $inst->wait_ready;
    is $inst->look->reason, undef, 'and when it is ready all is forgotten';
};

subtest 'what only an event says' => sub {
    my $message = 'AttachVolume.Attach failed for volume "pvc-1": disk <i>d-1</i> is in use';
    steer('fake/attach' => $message);
    again();
    wait_code('FailedAttachVolume');
    is $inst->state, 'starting', 'it may get better';
    said('FailedAttachVolume', qr/AttachVolume\.Attach failed/, 'a volume that does not attach');
    unlike $alice->browse($inst->url)->content, qr/<i>/, 'HTML in it is text';

    # the status wins, and what it says ends with it
    annotate('fake/attach-', 'fake/waiting=CreateContainerConfigError: secret "x" not found');
    wait_code('CreateContainerConfigError');
    annotate('fake/waiting-', 'fake/hold=true');
    $t->wait_for(sub { code() eq '' }, 20, 'the status says nothing any more');
    is code(), '', 'a warning whose matter is done does not come back';

    # one that is not about a step that is done
    event(reason => 'Unhealthy', message => 'Readiness probe failed: connection refused');
    wait_code('Unhealthy');
    annotate('fake/hold-');
    steer('fake/attach' => undef);
    $inst->wait_ready;
    is $inst->look->reason, undef, 'ready: the warning is forgotten';
    event(reason => 'Unhealthy', message => 'late');
    event(reason => 'Late', message => 'late');
    known();
    is $inst->look->reason, undef, 'ready: a warning is not taken';
};

subtest 'OpenKruiseGame\'s own passing noise' => sub {
    steer('fake/hold' => 'true');
    again();
    event(uid => '', reason => 'apiCallError', message => 'Failed to CREATE pod: ownerReferences.uid');
    known();
    is code(), '', 'what it says on every start is no reason';
    like $alice->browse($inst->url)->content, qr/Starting/, '… on the page of its host neither';
    event(reason => 'FailedMount', message => 'MountVolume.SetUp failed');
    event(reason => 'Unhealthy', message => 'Readiness probe failed');
    wait_code('Unhealthy');
    event(uid => '', reason => 'apiCallError', message => 'Failed to CREATE pod: ownerReferences.uid');
    known();
    is code(), 'Unhealthy', '… and hides none';
    steer('fake/hold' => undef);
    annotate('fake/hold-');
    $inst->wait_ready(60);
    ok +(grep { $_->{reason} eq 'apiCallError' && $_->{message} =~ /^Failed to CREATE pod/ && ($_->{source}{component} // '') ne 'test' }
        $t->kube_list('events')), 'the stand-in says it, too';
};

subtest 'which pod it is about' => sub {
    steer('fake/attach' => 'first');
    again();
    wait_code('FailedAttachVolume');
    steer('fake/attach' => undef, 'fake/start-delay' => '600s');
    again();
    $t->wait_for(sub { pod()->{uid} eq $t->kube_get('pods', $inst->pod)->{metadata}{uid} }, 10, 'the new pod is known');
    is code(), '', 'another pod: its predecessor\'s warning is forgotten';

    my $now = time;
    event(uid => '11111111-2222-3333-4444-555555555555', reason => 'FailedMount', message => 'of another pod', at => $now + 60);
    event(reason => 'FailedMount', message => 'MountVolume.SetUp failed', at => $now);
    wait_code('FailedMount');
    like $inst->reason->{message}, qr/MountVolume/, 'a warning about another pod of its name is not its own';
    event(reason => 'FailedMount', message => 'older', at => $now - 60);
    event(reason => 'FailedMount', message => 'no warning', type => 'Normal', at => $now + 10);
    event(reason => 'FailedMount', message => 'not a pod', kind => 'PersistentVolumeClaim', at => $now + 10);
    event(reason => 'FailedMount', message => 'no such', pod => "$name-77", at => $now + 10);
    event(reason => 'FailedMount', message => 'no id', pod => 'coredns', at => $now + 10);
    event(reason => 'x' x 65, message => 'a word too long', at => $now + 10);
    event(reason => 'FailedMount', message => 'newest ' . '図' x 300, at => $now + 20);
    $t->wait_for(sub { ($inst->look->reason // {})->{message} =~ /newest/ }, 10, 'the newest');
    cmp_ok length(encode('UTF-8', $inst->reason->{message})), '<=', 256, 'a long sentence is cut';
    like $inst->reason->{message}, qr/図$/, '… between characters';
    known();
    is code(), 'FailedMount', 'and nothing of the others is shown';

    # the list of a new worker brings them all again, the last one counts
    $t->kill_worker(0);
    $t->wait_for(sub { warnings() }, 20, 'all is listed again');
    like $inst->look->reason->{message}, qr/newest/, 'a new worker knows it';

    $inst->release->wait_state('released');
    is $inst->look->reason, undef, 'released: forgotten';
    event(reason => 'FailedMount', message => 'late', at => $now + 90);
    known();
    is $inst->look->reason, undef, '… and none is taken';
    steer('fake/start-delay' => undef);
    $inst->start->wait_ready;
};

subtest 'a pod that hangs in termination' => sub {
    my $stream = $inst->client->events;
    $stream->snapshot;
    $t->kube_patch('pod', $inst->pod, { metadata => { finalizers => ['example.org/hold'] } });
    $t->kubectl('delete', 'pod', $inst->pod, '--grace-period=1', '--wait=false');
    $inst->wait_state('stopping');
    wait_code('Terminating');
    said('Terminating', qr/should have ended by \d{4}-/, 'it does not end');
    ok $stream->wait_event(sub { $_->{event} eq 'instance' && ($_->{data}{reason} // { code => '' })->{code} eq 'Terminating' }, 10),
        'an event stream is told, though only time has passed';
    $stream->close;
    $inst->release;
    is $inst->look->reason->{code}, 'Terminating', 'released: it still hangs';
    $inst->start;
    $t->kube_patch('pod', $inst->pod, { metadata => { finalizers => undef } });
    $inst->wait_ready;
    is $inst->look->reason, undef, 'it has ended: forgotten';
};

subtest 'a cluster that does not tell' => sub {
    # as without the rights, as without the resource
    for my $status (403, 404) {
        $t->faults([ map { { path => $_, action => { status => $status, body => '{"kind":"Status"}' } } }
            '/statefulsets$', '/events$' ]);
        AIGC::HTTP::close_all();
        $t->quit_nginx(3);
        $t->start_nginx;
        $t->wait_ready;
        pass "$status: the gateway is ready";
        $t->wait_for(sub { 2 == (() = $t->error_log =~ /(?:StatefulSets|Events) of default cannot be watched: status $status/g) },
            10, 'it says what it does without');
        is $alice->get($inst->url)->code, 200, 'owners are let in';
        is $bob->get($inst->url)->code, 403, 'others are not';
        is $inst->look->data->{updateAvailable}, JSON::PP::false, 'updates are not known';
        my $is = $t->status('/readyz')->json;
        ok $is->{synced} && $is->{fresh}, 'the table is whole and young';
        unlike $t->status('/metrics')->content, qr/^aigc_(?:workloads|warnings)_synced 1/m, 'metrics say that it does without';
        my $new = $bob->install($name)->wait_ready;
        is $bob->get($new->url)->code, 200, 'an install works';
        $new->release->wait_state('released');
        $new->start->wait_ready;
        annotate('fake/waiting=ImagePullBackOff: no', 'fake/crash=1');
        wait_code('CrashLoopBackOff');
        annotate('fake/waiting-', 'fake/crash-');
        $inst->wait_ready;
        pass 'what the status says is said';
        $t->clear_fault_log;
    }

    # what was known goes when it is refused later, and not before
    $t->no_faults;
    $t->kill_worker(0);
    my $revision = sub { (grep { $_->{name} eq $name } @{ $t->table->{templates} })[0]{revision} };
    $t->wait_for(sub { $revision->() && metric('workloads_synced') }, 20, 'StatefulSets are known');
    $t->faults([{ path => '/statefulsets$', action => { close => \1 } }]);
    $t->cut_connections;
    $t->wait_for(sub { $t->error_log =~ /the watch of StatefulSets ended/ }, 10, 'the watch of StatefulSets ends');
    is metric('workloads_synced'), 1, 'away for a while: what was known stays';
    is $t->status('/readyz')->code, 200, '… and the gateway is ready';
    $t->faults([{ path => '/statefulsets$', action => { status => 403, body => '{}' } }]);
    $t->wait_for(sub { !metric('workloads_synced') }, 20, 'refused');
    is $revision->(), '', 'refused: what was known is forgotten';
    is $alice->get($inst->url)->code, 200, '… and the owner is let in';
    $t->no_faults;
    $t->wait_for(sub { metric('workloads_synced') && $revision->() }, 60, 'with the right it is known again');
    $t->allow_log(qr/cannot be watched|the watch of \w+ ended/);
};

subtest 'page by page' => sub {
    $t->faults([{ query => 'sendInitialEvents', action => { status => 400, body => '{}' } }]);
    $t->kill_worker(0);
    $t->wait_for(sub { warnings() }, 20, 'all is listed');
    ok pod()->{uid}, 'pods come in pages';
    $t->no_faults;
};

subtest 'OpenKruiseGame 0.4' => sub {
    # its GameServers outlive their pods, and so does what they say of them
    $t = AIGC::Stack->start(okg => '0.4');
    $alice = $t->sign_in('alice');
    $bob   = $t->sign_in('bob');
    $t->kube_patch('gss', $name, { spec => { updateStrategy => { type => 'OnDelete', rollingUpdate => undef } } });
    $inst = $alice->install($name)->wait_ready;
    steer('fake/attach' => 'disk is in use');
    again();
    wait_code('FailedAttachVolume');
    said('FailedAttachVolume', qr/disk is in use/, 'a volume that does not attach');
    annotate('fake/attach-');
    $inst->wait_ready;
    is $inst->look->reason, undef, 'it is ready: forgotten';
};

done_testing;

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : undef }

# Are the warnings listed, by the worker that is there now?
sub warnings { my $log = $t->error_log; return ($log =~ s/.*GameServers of default listed//sr) =~ /Events of default listed/ }

sub pod {
    my ($i) = grep { $_->{template} eq $name && $_->{id} == $inst->id } @{ $t->table->{instances} };
    return $i->{pod};
}

# Makes an event about its pod, as the kubelet would.
sub event {
    my (%o) = @_;
    my $pod = $o{pod} // $inst->pod;
    my $is = $t->kube_get('pods', $pod);
    my @t = gmtime($o{at} // time);
    my $at = sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
    my ($code) = $t->kube_send([['POST', '/api/v1/namespaces/default/events', {
        apiVersion => 'v1', kind => 'Event', metadata => { name => "$pod." . ++$events, namespace => 'default' },
        type => $o{type} // 'Warning', reason => $o{reason}, message => $o{message}, count => 1,
        firstTimestamp => $at, lastTimestamp => $at, source => { component => 'test' },
        involvedObject => { kind => $o{kind} // 'Pod', namespace => 'default', name => $pod, apiVersion => 'v1',
            uid => $o{uid} // ($is ? $is->{metadata}{uid} : '0') },
    }]]);
    $code == 201 or die "event: $code\n";
}

# What was emitted has been read: a later one has come.
sub known {
    my $code = 'Probe' . ++$events;
    event(pod => $probe->pod, reason => $code, message => 'known');
    $t->wait_for(sub { (($probe->look->reason // {})->{code} // '') eq $code }, 10, 'a later event has come');
}
