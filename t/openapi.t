# t/openapi.t — docs/openapi.yaml is OpenAPI, and the gateway is what it says:
# every call, every status, every header and member of an answer, both ways

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();

my $json = JSON::PP->new->utf8->canonical;
my $name = 'stable-diffusion-cpu';
my $t;

# What cannot be had here, and who shows it.
my %elsewhere_status = map { $_ => 't/zone.t: a zone that is too small' } map { "$_ 507" } qw(install start release uninstall adminRelease);
$elsewhere_status{'adopt 507'} = 'a Logto of 100,000 users';
$elsewhere_status{'adopt 502'} = 't/adopt.t: a cluster that fails in the middle of a run';
my %elsewhere_code = (
    'zone-full'           => 't/zone.t',
    'template-used-up'    => 'a template with 100,000 ids behind it',
    'cluster-busy'        => 't/api_faults.t: ten seconds of conflicts',
    'cluster-unavailable' => 't/api_faults.t: ten seconds without an answer',
    'not-shown-yet'       => 't/api_faults.t: a watch that brings nothing',
    'streams-full'        => 't/events.t',
    'insufficient-scope'  => 't/bearer.t: a token for an API resource',
    'no-user'             => 't/bearer.t',
    'user-gone'           => 't/user_gone.t',
    'sign-in-unavailable' => 't/refresh.t: a session past its grace, with Logto away',
    'too-slow'            => 't/adopt.t',
    'changed-meanwhile'   => 't/adopt.t',
    'annotation-too-long' => 't/long_owner.t',
    'too-many-users'      => 'a Logto of 100,000 users',
);

sub check {             # t/openapi/check.mjs: what it says to what it is told
    my ($what, $in) = @_;
    my $file = "$FindBin::Bin/../build/openapi-$$.json";
    open my $f, '>', $file or die "$file: $!";
    print $f $json->encode($in // []);
    close $f;
    open my $out, '-|', '/bin/sh', '-c', 'exec node "$1" "$2" <"$3"', 'sh', "$FindBin::Bin/openapi/check.mjs", $what, $file or die $!;
    my $text = do { local $/; <$out> };
    close $out or die "check.mjs $what has failed\n";
    unlink $file;
    return $json->decode($text);
}

### The document

my $document = check('document');
is join("\n", @{ $document->{errors} }), '', 'the document is OpenAPI 3.1, its references lead somewhere, its examples are true';

my %op = map { $_->{id} => $_ } @{ $document->{operations} };

### What the module says of itself

$t = AIGC::Stack->start(workers => 1, faults => 1, templates => [$name, 'notebook'],
    edit => sub { $t && $t->{without_custom_data} ? $_[0] =~ s/(aigc_logto [^;]*)/$1 custom_data=off/r : $_[0] });
$t->allow_log(qr/upstream/);

my $module = $t->status('/describe')->json;

is_deeply [sort map { "$_->{method} $_->{path}" } values %op], [sort map { "$_->{method} $_->{path}" } @{ $module->{routes} }],
    'its calls are those of the module, all of them';

{
    my %said;
    for my $o (values %op) {
        for my $status (keys %{ $o->{responses} }) { $said{"$status $_"} = 1 for @{ $o->{responses}{$status} } }
    }
    # 405 belongs to no operation: any path that there is can answer it.
    my %has = map { ("$_->{status} $_->{code}" => 1) } grep { $_->{api} && $_->{code} ne 'method-not-allowed' } @{ $module->{codes} };
    is join(', ', grep { !$said{$_} } sort keys %has), '', 'it has every code of the module';
    is join(', ', grep { !$has{$_} } sort keys %said), '', '… and no other';
}

### Real answers

my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);
my @answers;

# A call, whose answer is held against the document in the end.
sub call {
    my ($what, $client, $id, %o) = @_;
    my $o = $op{$id} or die "no operation $id";
    my $at = $o{at} // {};
    my $path = $o->{path} =~ s/\{(\w+)\}/$at->{$1}/gr;
    my @origin = (Origin => $o{origin} // $t->origin, Accept => 'application/json');
    my $body = ref $o{body} ? $json->encode($o{body}) : $o{body};
    push @origin, 'Content-Type' => 'application/json' if defined $body;
    push @origin, Authorization => $o{authorization} if $o{authorization};
    my $pending = $client->begin($o->{method}, "/api/v1$path" . ($o{query} // ''), headers => \@origin,
        (defined $body ? (body => $body) : ()), timeout => 40);
    my $take = sub {
        my $r = $pending->response;
        answer($what, $id, $path, $r, $r->content, ref $o{body} ? (request => $o{body}) : ());
        return $r;
    };
    return $o{later} ? $take : $take->();
}

sub answer {
    my ($what, $id, $path, $r, $body, %more) = @_;
    push @answers, { what => $what, id => $id, method => $op{$id}{method}, path => $path, status => $r->code + 0, type => $r->type,
        headers => { map { $_->[0] => $_->[1] } @{ $r->{headers} } }, body => eval { $json->decode($body) } // $body, %more };
}

sub at { my ($i) = @_; return { namespace => $i->namespace, template => $i->template, id => $i->id } }

my $template = { namespace => 'default', template => $name };
my $more     = { another => JSON::PP::true };

subtest 'what one does' => sub {
    my $versions = call('what', $alice, 'root')->json;
    is_deeply $alice->api('GET', '/api/v1')->json, $versions, 'with or without a slash at the end';
    call('who', $alice, 'me');
    call('templates', $alice, 'templates');
    my $stream = $alice->events;
    $stream->snapshot;

    call('install', $alice, 'install', at => $template);
    call('install, with a body', $alice, 'install', at => $template, body => { another => JSON::PP::false });
    my ($inst) = $alice->instances;
    $inst->wait_ready;
    $t->faults([{ method => 'DELETE', path => '/pods/', action => refusal(404) }]);
    call('restart, with no pod at this moment', $alice, 'restart', at => at($inst));
    $t->no_faults;
    call('instances', $alice, 'instances');
    call('instance', $alice, 'instance', at => at($inst));
    call('release', $alice, 'release', at => at($inst));
    call('release again', $alice, 'release', at => at($inst));
    call('restart what is released', $alice, 'restart', at => at($inst));
    call('update what is released', $alice, 'update', at => at($inst));
    call('start', $alice, 'start', at => at($inst));
    call('start again', $alice, 'start', at => at($inst));
    $inst->wait_ready;
    call('restart', $alice, 'restart', at => at($inst));
    $inst->wait_ready;

    # an instance that is being uninstalled for a while
    $t->kube_patch('gss', 'notebook', { spec => { gameServerTemplate => { metadata => { annotations => { 'fake/stop-delay' => '8s' } } } } });
    my $note = $alice->install('notebook')->wait_ready;
    call('uninstall', $alice, 'uninstall', at => at($note), query => '?delete_disk=true');
    call('uninstall again', $alice, 'uninstall', at => at($note), query => '?delete_disk=true');
    call('uninstall, but keep the disk', $alice, 'uninstall', at => at($note), query => '?keep_disk=true');
    call('install what is being uninstalled', $alice, 'install', at => { %$template, template => 'notebook' });
    call("$_ what is being uninstalled", $alice, $_, at => at($note)) for qw(start release restart update);

    $stream->wait_event(sub { $_->{event} eq 'instance-gone' }, 30);
    $t->apply_template('notebook', { metadata => { name => 'short-lived' } }, sub {
        $_->{value} = "short<id>." . $t->root for grep { $_->{name} eq 'Host' } @{ $_[0]{spec}{network}{networkConf} } });
    $stream->wait_event(sub { $_->{event} eq 'template' && ($_->{json} // $_->{data})->{name} eq 'short-lived' }, 10);
    $t->kubectl('delete', 'gameserverset', 'short-lived');
    $stream->wait_event(sub { $_->{event} eq 'template-gone' }, 10);
    answer('the stream', 'events', '/events', $stream->response, '', events => [$stream->events]);
    my %seen = map { $_->{event} => 1 } $stream->events;
    is join(' ', sort keys %seen), 'instance instance-gone snapshot template template-gone', 'a stream has had every event';
    $stream->close;
};

my ($inst) = eval { $alice->instances };
$inst //= $alice->install($name);
$inst->wait_ready;

subtest 'an update' => sub {
    $t->apply_template($name, { metadata => { name => 'seamless' } }, sub {
        $_[0]{spec}{updateStrategy} = { type => 'OnDelete' };
        $_->{value} = "seamless<id>." . $t->root for grep { $_->{name} eq 'Host' } @{ $_[0]{spec}{network}{networkConf} } });
    my $mine = $alice->install('seamless')->wait_ready;
    call('nothing to update', $alice, 'update', at => at($mine));
    my $spec = $t->kube_get('gss', 'seamless')->{spec}{gameServerTemplate};
    $spec->{spec}{containers}[0]{image} = 'demo:v2';
    $t->kube_patch('gss', 'seamless', { spec => { gameServerTemplate => $spec } });
    $t->wait_for(sub { $mine->look->data->{updateAvailable} }, 10, 'the update is shown');
    $t->faults([{ method => 'DELETE', path => '/pods/', action => refusal(403) }]);
    call('an update that the cluster refuses', $alice, 'update', at => at($mine));
    $t->no_faults;
    call('update', $alice, 'update', at => at($mine));
    pass 'made';
};

subtest 'adoption' => sub {
    my $list = call('the list', $carol, 'adopt')->json;
    call('another list', $carol, 'adopt', body => { confirm => 'f' x 64 });
    call('adopt', $carol, 'adopt', body => { confirm => $list->{confirm} });
    call('no text', $carol, 'adopt', body => { confirm => 7 });
    call('no administrator', $alice, 'adopt');
    $t->logto_control('outage', { mode => 'refuse', paths => '^/api/' });
    call('Logto away', $carol, 'adopt');
    $t->logto_control('outage', { mode => 'off', paths => '^/api/' });
    $t->{without_custom_data} = 1;
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    call('no custom data', $carol, 'adopt');
    delete $t->{without_custom_data};
    $t->reload;
    pass 'asked';
};

subtest 'an administrator' => sub {
    call('who', $carol, 'me');
    call($_, $carol, $_) for qw(adminInstances adminUsers adminStatus);
    my $note = $bob->install('notebook')->wait_ready;
    call('release', $carol, 'adminRelease', at => at($note));
    call('release again', $carol, 'adminRelease', at => at($note));
    call('one that is not there', $carol, 'adminRelease', at => { %{ at($note) }, id => 999 });
    $note->wait_state('released')->uninstall;
    call('what is being uninstalled', $carol, 'adminRelease', at => at($note)) if $note->look;
    $note->wait_gone;
    call('a disk of no instance', $carol, 'adminInstances');
    my $annotation = 'instance.aigc-gateway.io/' . $inst->id;
    my $value = $t->kube_get('gss', $name)->{metadata}{annotations}{$annotation};
    $t->kube_patch('gss', $name, { metadata => { annotations => { $annotation => 'x' } } });
    $t->wait_for(sub { grep { $_->{template} eq $name && $_->{id} == $inst->id && $_->{owner} eq '' } @{ $t->table->{instances} } }, 10, 'it is known');
    call('an annotation that cannot be read', $carol, 'adminRelease', at => at($inst));
    $t->kube_patch('gss', $name, { metadata => { annotations => { $annotation => $value } } });
    $t->wait_for(sub { grep { $_->{template} eq $name && $_->{id} == $inst->id && $_->{owner} ne '' } @{ $t->table->{instances} } }, 10, 'it is hers again');
    $inst->wait_ready;
    pass 'asked';
};

subtest 'who may not' => sub {
    for my $id (sort keys %op) {
        my $o = $op{$id};
        my $at = at($inst);
        call("$id: nobody", $t->stranger, $id, at => $at);
        call("$id: a token that is none", $t->stranger, $id, at => $at, authorization => 'Bearer a b');
        call("$id: another one's", $bob, $id, at => $at) if $o->{path} =~ /\{id\}/;
        call("$id: none there", $alice, $id, at => { %$at, id => 999, template => $o->{path} =~ /\{id\}/ ? $name : 'none' })
            if $o->{path} =~ /\{/;
        call("$id: from another page", $alice, $id, at => $at, origin => 'http://evil.example');
        next if $o->{method} eq 'GET';
        call("$id: no JSON", $alice, $id, at => $at, body => 'x');
        is call("$id: too much", $alice, $id, at => $at, body => '{"x":"' . 'x' x 9000 . '"}')->code, 413, "$id: a body over its bound";
    }
    call("$_: no administrator", $alice, $_) for qw(adminInstances adminUsers adminStatus);
    call('install: no boolean', $alice, 'install', at => $template, body => { another => 7 });
    call('uninstall: no boolean', $alice, 'uninstall', at => at($inst), query => '?delete_disk=maybe');
    pass 'asked';
};

sub refusal {
    my ($code) = @_;
    return { status => $code, contentType => 'application/json', body => $json->encode({ kind => 'Status', apiVersion => 'v1',
        status => 'Failure', reason => $code == 404 ? 'NotFound' : 'Forbidden', code => $code, message => 'no' }) };
}

my $released;

subtest 'what the cluster refuses' => sub {
    $released = $bob->install('notebook')->wait_ready->release;
    $t->faults([map { { method => $_, path => 'gameserversets|/pods/', action => refusal(403) } } qw(PATCH DELETE)]);
    call('install', $bob, 'install', at => $template);
    call('start', $bob, 'start', at => at($released));
    call($_, $alice, $_, at => at($inst)) for qw(release restart uninstall);
    call('release', $carol, 'adminRelease', at => at($inst));
    $t->no_faults;
    pass 'asked';
};

subtest 'a disk of somebody else' => sub {
    my ($pvc) = map { $_->{metadata}{name} } grep { $_->{metadata}{name} =~ /-notebook-@{[ $released->id ]}$/ } $t->kube_list('pvcs');
    $t->kubectl('annotate', '--overwrite', 'pvc', $pvc, 'aigc-gateway.io/owner=somebody');
    $t->wait_for(sub { grep { $_->{template} eq 'notebook' && $_->{disk} eq 'foreign' } @{ $t->table->{instances} } }, 10, 'it is known');
    call('start', $bob, 'start', at => at($released));
    $t->kubectl('annotate', '--overwrite', 'pvc', $pvc, 'aigc-gateway.io/owner=' . $bob->api('GET', '/api/v1/me')->json->{user});
    $t->wait_for(sub { grep { $_->{template} eq 'notebook' && $_->{disk} eq 'owned' } @{ $t->table->{instances} } }, 10, 'it is known');
    pass 'asked';
};

subtest 'a template that cannot be installed' => sub {
    $t->apply_template('notebook', { metadata => { name => 'no-id' } }, sub {
        $_->{value} = 'fixed.' . $t->root for grep { $_->{name} eq 'Host' } @{ $_[0]{spec}{network}{networkConf} } });
    call('install', $alice, 'install', at => { %$template, template => 'no-id' });
    pass 'asked';
};

subtest 'too much at one time' => sub {
    my @s = map { $alice->events } 1 .. 17;
    answer('streams', 'events', '/events', $s[16]->response, $s[16]->response->content);
    $_->close for @s;

    $t->faults([{ method => 'PATCH', path => 'gameserversets', action => { delayMs => 2500 } }]);
    my @installs = map { call('install', $bob, 'install', at => $template, later => 1) } 1 .. 17;
    $t->wait_for(sub { grep { /^PATCH/ } keys %{ $t->fault_log->{counts} } }, 10, 'one is under way');
    my @rest = map { call($_, $bob, $_, at => at($released), later => 1) } qw(start uninstall);
    $_->() for @installs, @rest;
    $t->no_faults;
    $released->wait_state($_) for grep { $_ eq 'released' } $released->look->state;

    my ($his) = grep { $_->template eq $name } $bob->instances;
    $his->wait_ready;
    $t->faults([{ method => 'PATCH', path => 'gameserversets', action => { delayMs => 2500 } }]);
    my @releases = map { call('release', $bob, 'release', at => at($his), later => 1) } 1 .. 17;
    push @releases, call('release', $carol, 'adminRelease', at => at($his), later => 1);
    $_->() for @releases;
    $t->no_faults;
    pass 'asked';
};

subtest 'limits' => sub {
    $t->{opt}{directives} = { aigc_limits => 'user_template=2 user_total=3' };
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    my $dave = $t->sign_in('user01');
    call('first', $dave, 'install', at => $template);
    call('second', $dave, 'install', at => $template, body => $more);
    call('third', $dave, 'install', at => $template, body => $more);
    call('elsewhere', $dave, 'install', at => { %$template, template => 'notebook' });
    call('fourth', $dave, 'install', at => { %$template, template => 'notebook' }, body => $more);
    $t->kubectl('annotate', 'gameserverset', 'notebook', 'aigc-gateway.io/max-instances=1');
    $t->wait_for(sub { grep { $_->{name} eq 'notebook' && $_->{max} == 1 } @{ $t->table->{templates} } }, 10, 'it is known');
    call('of the template', $t->sign_in('user02'), 'install', at => { %$template, template => 'notebook' });
    delete $t->{opt}{directives};
    pass 'asked';
};

subtest 'nothing is known yet' => sub {
    my $ask = sub { my ($why) = @_; call("$_: $why", $carol, $_, at => at($inst)) for sort keys %op };
    my $code = sub { eval { $carol->api('GET', '/api/v1/instances')->problem->{code} } // '' };

    $t->stop_nginx;
    $t->apiserver_down;
    $t->start_nginx;
    $t->wait_for(sub { $code->() eq 'starting' }, 20, 'no cluster');
    for my $id (grep { grep { $_ eq 'starting' } @{ $op{$_}{responses}{503} } } sort keys %op) {
        call("$id: no cluster", $carol, $id, at => at($inst));
    }
    $t->stop_nginx;
    $t->apiserver_up;
    $t->logto_control('outage', { mode => 'refuse' });
    $t->start_nginx;
    $t->wait_for(sub { $code->() eq 'busy' }, 20, 'no keys');
    $ask->('no keys');
    $t->logto_control('outage', { mode => 'off' });
    $t->wait_ready;
    pass 'asked';
};

### What the document says to them

my $verdicts = check('answers', \@answers);
for my $i (0 .. $#answers) {
    my $a = $answers[$i];
    is join('; ', @{ $verdicts->[$i] }), '', sprintf '%s, %s: %s %s', $a->{id}, $a->{what}, $a->{status},
        ref $a->{body} eq 'HASH' && $a->{body}{code} ? $a->{body}{code} : '';
}

### What it says and nobody has seen

my (%seen, %code);
for my $a (@answers) {
    $seen{"$a->{id} $a->{status}"} = 1;
    $code{ $a->{body}{code} } = 1 if ref $a->{body} eq 'HASH' && defined $a->{body}{code};
}
my @said = map { my $o = $_; map { "$o->{id} $_" } sort keys %{ $o->{responses} } } map { $op{$_} } sort keys %op;
is join(', ', grep { !$seen{$_} && !$elsewhere_status{$_} } @said), '', 'every status of every call has been seen';
my %codes = map { $_ => 1 } map { map { @$_ } values %{ $_->{responses} } } values %op;
is join(', ', grep { !$code{$_} && !$elsewhere_code{$_} } sort keys %codes), '', 'every code has been seen';
is join(', ', grep { $seen{$_} } sort keys %elsewhere_status), '', 'and what is said to be seen elsewhere is not seen here';
is join(', ', grep { $code{$_} } sort keys %elsewhere_code), '', '… nor such a code';

done_testing;
