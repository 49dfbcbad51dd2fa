# t/events.t — GET /api/v1/events: who listens sees its own instances and the
# templates as they change, nobody else's; whatever happens to workers, clients
# and sessions

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();
use Time::HiRes qw(time);

# pods that take a while, so that each state is seen; a send buffer so small
# that a client that does not read is soon noticed
my $t = AIGC::Stack->start(workers => 2, tls => 1, faults => 1, cluster => ['-webhook-delay', '600ms'], gateway => 'gzip on; gzip_types *; gzip_min_length 1;',
    edit => sub { $_[0] =~ s/(listen 127[.]0[.]0[.]1:\d+ default_server);/$1 sndbuf=16k;/r });
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $name = 'stable-diffusion-cpu';

my $json = JSON::PP->new->canonical;

sub same {              # as GET says it, whatever the order
    my ($list) = @_;
    return [ sort { $json->encode($a) cmp $json->encode($b) } @$list ];
}

subtest 'connect' => sub {
    my $s = $alice->events;
    is $s->code, 200, 'the stream opens';
    is $s->response->type, 'text/event-stream', '… as Server-Sent Events';
    is $s->response->header('Cache-Control'), 'no-store', '… that nobody stores';
    is $s->response->header('X-Accel-Buffering'), 'no', '… nor holds back';
    is $s->response->header('Content-Encoding'), undef, '… nor compresses';
    my $snapshot = $s->snapshot;
    is_deeply same($snapshot->{templates}), same($alice->api('GET', '/api/v1/templates')->json->{templates}),
        'it begins with all templates, as GET /templates shows them';
    is_deeply $snapshot->{instances}, [], '… and the caller\'s instances: none yet';
    cmp_ok $s->retry, '>=', 1000, 'a client is told not to come back at once';
    like +($s->events)[0]{id}, qr/^\d+$/, 'events have an id';
    $s->close;

    my $head = $alice->head('/api/v1/events');
    is join(' ', $head->code, $head->type), '200 text/event-stream', 'HEAD is headers only';
    my $old = $alice->events(http => '1.0');
    is $old->response->header('Transfer-Encoding'), undef, 'HTTP/1.0 has no chunks';
    ok $old->snapshot, '… and its snapshot';
    $old->close;
    my ($status, $text) = $alice->curl('--http2', '-m', 1, '-i', 'https://' . $t->host . ':' . $t->port(8) . '/api/v1/events');
    like $text, qr{^HTTP/2 200.*^content-type: text/event-stream\r\n.*^event: snapshot\ndata: \{"templates":\[\{.*^id: \d+$}ms, 'HTTP/2';
    is $t->stranger->get('/api/v1/events')->problem->{code}, 'not-signed-in', 'a stranger hears nothing';
    is $alice->api('POST', '/api/v1/events')->code, 405, 'nor is anything to be posted';
};

my $inst;

subtest 'the life of an instance' => sub {
    my ($hers, $his, $again) = map { $_->events } $alice, $bob, $alice;
    $_->snapshot for $hers, $his, $again;
    $t->kube_patch('gss', $name, { spec => { gameServerTemplate => { metadata => { annotations => {
        'fake/start-delay' => '1s', 'fake/stop-delay' => '1s' } } } } });

    $inst = $alice->install($name);
    is $hers->wait_state('pending')->{id}, $inst->id, 'her stream shows it as it is installed';
    $hers->wait_state('starting');
    my $ready = $hers->wait_state('ready');
    pass '… starts, and is ready, in that order';
    is_deeply $ready, $inst->look->data, '… as GET shows it';
    $again->wait_state('ready');
    pass 'each of her streams does';
    is $his->wait_event(sub { $_->{event} eq 'template' && $_->{data}{instances}{running} == 1 })->{data}{name}, $name,
        'everybody sees that one runs';

    $inst->release;
    $hers->wait_state('stopping');
    is $hers->wait_state('released')->{desired}, 'released', 'release is shown';
    $inst->start;
    $hers->wait_state('ready');
    pass 'and start';
    unlike $json->encode([ $his->events ]), qr/instances0-cpu|alice|instance"/, 'bob heard of none of it';
    is_deeply same($alice->events->snapshot->{instances}), same([ $inst->look->data ]), 'a new stream begins with it';
    is_deeply $alice->events(headers => ['Last-Event-ID' => 7])->snapshot->{instances}[0]{id}, $inst->id,
        '… also with Last-Event-ID';
    my @ids = map { $_->{id} } $hers->events;
    is_deeply \@ids, [ sort { $a <=> $b } @ids ], 'ids do not go back';
    $_->close for $hers, $his, $again;
};

subtest 'templates come, change and go' => sub {
    my ($hers, $his) = map { $_->events } $alice, $bob;
    $_->snapshot for $hers, $his;
    $t->apply_template('notebook');
    is $_->wait_event(sub { $_->{event} eq 'template' && $_->{data}{name} eq 'notebook' })->{data}{image} =~ /notebook|jupyter/i, 1,
        'one that is applied is told to everybody' for $hers, $his;
    $t->kube_patch('gss', 'notebook', { metadata => { annotations => { 'aigc-gateway.io/title' => "N\x{f6}tebook\n: x" } } });
    like $his->wait_event(sub { $_->{event} eq 'template' && $_->{data}{title} ne 'notebook' })->{data}{title}, qr/^N\x{f6}tebook . x$/,
        'one that is edited, too, on one line';

    my $other = $bob->install('notebook')->wait_ready;
    $his->wait_state('ready');
    $t->kubectl('delete', 'gameserverset', 'notebook');
    my %gone;
    $his->wait_event(sub { $_->{event} =~ /-gone$/ && ($gone{ $_->{event} } = $_->{data}) && keys %gone == 2 });
    is_deeply \%gone, { 'template-gone' => { namespace => 'default', name => 'notebook' },
        'instance-gone' => { namespace => 'default', template => 'notebook', id => $other->id + 0 } },
        'with it goes his instance, and he hears of both';
    is_deeply $hers->wait_event(sub { $_->{event} eq 'template-gone' })->{data}, $gone{'template-gone'},
        'everybody hears that it is gone';
    is scalar(grep { $_->{event} =~ /^instance/ } $hers->events), 0, 'of his instance she heard nothing';
    $_->close for $hers, $his;
};

subtest 'an instance that becomes another one\'s' => sub {
    my ($hers, $his) = map { $_->events } $alice, $bob;
    $_->snapshot for $hers, $his;
    my $key = 'instance.aigc-gateway.io/' . $inst->id;
    my $claim = $t->claims($name)->{ $inst->id };
    $t->kube_patch('gss', $name, { metadata => { annotations => { $key => $json->encode({ %$claim, owner => 'bob00000000' }) } } });
    is_deeply $hers->wait_event(sub { $_->{event} =~ /^instance/ && $_->{event} ne 'instance' })->{data},
        { namespace => 'default', template => $name, id => $inst->id + 0 }, 'is gone for her';
    my $bobs = $bob->api('GET', '/api/v1/me')->json->{user};
    $t->kube_patch('gss', $name, { metadata => { annotations => { $key => $json->encode({ %$claim, owner => $bobs }) } } });
    is $his->wait_event(sub { $_->{event} eq 'instance' })->{data}{id}, $inst->id, 'and there for him';
    $t->kube_patch('gss', $name, { metadata => { annotations => { $key => $json->encode($claim) } } });
    $his->wait_event(sub { $_->{event} eq 'instance-gone' });
    is $hers->wait_event(sub { $_->{event} eq 'instance' })->{data}{owner}, $claim->{owner}, '… and back';
    $_->close for $hers, $his;
};

subtest 'reload' => sub {
    my @old = $t->worker_pids;
    my @s = map { $alice->events } 1 .. 12;         # in both workers
    $_->snapshot for @s;
    my $begin = time;
    $t->reload;
    is join(' ', map { $_->end(5) } @s), join(' ', ('clean') x 12), 'every stream ends, with the end of its body';
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 5, 'the old workers have ended');
    pass 'no worker waits for its streams, which nobody has closed';
    note sprintf 'reload, streams and old workers ended: %.2f s', time - $begin;

    # what changes while nobody listens
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => 'meanwhile' } } });
    $t->wait_for(sub { $alice->api('GET', '/api/v1/templates')->json->{templates}[0]{title} eq 'meanwhile' }, 10, 'it is known');
    my $new = $alice->events(headers => ['Last-Event-ID' => 1]);
    is $new->snapshot->{templates}[0]{title}, 'meanwhile', 'who comes back has missed nothing';
    $new->close;
};

subtest 'a worker is killed' => sub {
    for my $n (0, 1) {
        my @s = map { $alice->events } 1 .. 12;
        $_->snapshot for @s;
        my ($dead) = $t->kill_worker($n);
        $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => "after $n" } } });
        my @left = grep { my $s = $_;
            eval { $s->wait_event(sub { $_->{event} eq 'template' && $_->{data}{title} eq "after $n" }, 10) } || ($s->{ended} ? 0 : die $@) } @s;
        is scalar(grep { $_->{last} } @s), 0, "worker $n: its streams are cut, without an end";
        pass "worker $n: those of the other one go on (" . @left . ')';
        is scalar(grep { $_->{event} =~ /gone/ } map { $_->events } @left), 0, "worker $n: and nothing was said to be gone";
        is $alice->events->snapshot->{instances}[0]{id}, $inst->id, "worker $n: who comes back has a snapshot";
        $_->close for @s;
    }
};

subtest 'a client that does not read' => sub {
    my @names = map { "big-$_" } 1 .. 20;
    my $icon  = 'data:image/png;base64,' . 'A' x 1900;
    $t->apply_template('notebook', { metadata => { name => $_, annotations => { 'aigc-gateway.io/icon' => $icon } } }, sub {
        for my $c (@{ $_[0]{spec}{network}{networkConf} }) { $c->{value} = "$_[0]{metadata}{name}-$c->{value}" if $c->{name} eq 'Host' }
    }) for @names;

    # both with the buffers that the system gives: a tiny one is told of its room
    # by TCP's own timer only, after as long as it was stuck
    my ($s, $fast) = map { $alice->events } 1 .. 2;
    $_->snapshot for $s, $fast;
    my $gss = '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets';
    my $round = sub {
        my ($n) = @_;
        $t->kube_send([ map { ['PATCH', "$gss/$_", { metadata => { annotations => { 'aigc-gateway.io/title' => "round $n" } } }] } @names ], any => 1);
        my %seen;           # one that falls behind on a busy machine hears of it by a snapshot
        $fast->wait_event(sub {
            my @told = $_->{event} eq 'template' ? $_->{data} : $_->{event} eq 'snapshot' ? @{ $_->{data}{templates} } : ();
            $seen{ $_->{name} } = 1 for grep { $_->{title} eq "round $n" } @told;
            return keys %seen == @names;
        }, 20);
    };
    $round->($_) for 1 .. 4;                            # 180 KB: it is stuck by now
    my $before = anonymous();
    $round->($_) for 5 .. 16;                           # 600 KB more
    my $grown = anonymous() - $before;
    $grown = 0 if $ENV{AIGC_ASAN};                      # it keeps what is freed
    cmp_ok $grown, '<', 256, 'what it does not read is kept for it by nobody';
    note "the workers have grown by $grown KB while 600 KB were not read";

    my $last = $s->wait_event(sub { $_->{event} eq 'snapshot' }, 10)->{data};
    is join(' ', map { $_->{title} } grep { $_->{name} =~ /^big/ } @{ $last->{templates} }), join(' ', ('round 16') x 20),
        'when it reads again it gets a snapshot of what is';
    my @rounds = map { $_->{data}{title} =~ /(\d+)/ ? $1 : () } grep { $_->{event} eq 'template' } $s->events;
    cmp_ok scalar @rounds, '<', 20 * 12, 'and not all of what was (' . @rounds . ' of ' . 20 * 16 . ' events)';
    $round->(17);
    $s->wait_event(sub { $_->{event} eq 'template' && $_->{data}{title} eq 'round 17' });
    pass 'then changes again';

    $round->($_) for 18 .. 26;                          # stuck again
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 3, 'the old workers have ended');
    pass 'a reload does not wait for it either';
    $_->close for $s, $fast;
    $t->kubectl('delete', 'gameserverset', @names);
};

sub anonymous {         # KB of the workers' own memory
    my $sum = 0;
    for my $pid ($t->worker_pids) {
        open my $f, '<', "/proc/$pid/status" or die $!;
        $sum += /^RssAnon:\s+(\d+)/ ? $1 : 0 while <$f>;
    }
    return $sum;
}

subtest 'a stream ends with what opened it' => sub {
    # a token that has just expired is good for 30 s more: clocks differ
    my $token = $t->forge(claims => { exp => 'now-22', iat => 'now-3600' });
    my $s = $t->stranger->events(headers => [Authorization => "Bearer $token"]);
    ok $s->snapshot, 'a bearer token opens it';
    is $s->ended(0.5), '', 'it stays';
    is $s->end(10), 'clean', 'until the token has expired';
    is $t->stranger->events(headers => [Authorization => "Bearer $token"])->code, 401, 'then nothing opens any more';

    local $t->{opt}{directives} = { aigc_session => 'key_file=' . $t->file('session.key') . ' domain=' . $t->root . ' secure=off lifetime=8s' };
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    my $c = $t->sign_in('alice');
    my $short = $c->events;
    $short->snapshot;
    is $short->ended(0.5), '', 'a session: it stays';
    is $short->end(10), 'clean', '… until the session ends';
    is $c->events->code, 401, '… and then no more';
};

subtest 'too many' => sub {
    $t->{opt}{directives} = {};
    $t->{opt}{master_process} = 'off';
    $t->{opt}{connections} = 80;
    $t->stop_nginx;
    $t->start_nginx;
    $t->wait_ready;
    my @s = map { $alice->events } 1 .. 16;
    is join(' ', map { $_->code } @s), join(' ', (200) x 16), 'a user may have 16 in a worker';
    $_->snapshot for @s;
    my $r = $alice->events->response;
    is join(' ', $r->code, $r->problem->{code}, $r->header('Retry-After')), '429 too-many-streams 5', '… and no more';
    my $his = $bob->events;
    is $his->code, 200, 'another user may';
    $s[0]->close;
    $t->wait_for(sub { my $s = $alice->events; $s->code == 200 && push @s, $s }, 5, 'one that is closed makes room');
    pass 'one that is closed makes room';

    my @more = map { my $c = $t->sign_in($_); map { $c->events } 1 .. 15 } qw(bob carol);
    my %codes;
    $codes{ $_->code }++ for @more;
    my ($full) = grep { $_->code == 503 } @more;
    ok $full && $full->response->problem->{code} eq 'streams-full', 'at most half of a worker\'s connections are streams'
        or diag join ' ', %codes;
    is $codes{200}, 80 / 2 - 16 - 1, 'half of a worker\'s connections are streams, and no more';
    $_->close for @s, @more, $his;
};

subtest 'master_process off' => sub {
    my $s = $bob->events;
    $s->snapshot;
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => 'single' } } });
    ok $s->wait_event(sub { $_->{event} eq 'template' && $_->{data}{title} eq 'single' }), 'one process serves streams, too';
    my $mark = length $t->error_log;
    $s->close;
    AIGC::HTTP::close_all();
    ok $t->quit_nginx(3), 'and quits';
    unlike substr($t->error_log, $mark), qr/open socket/, '… leaving no socket open';
};

subtest 'before the cluster is known' => sub {
    $t->{opt}{master_process} = undef;
    $t->{opt}{connections} = undef;
    $t->apiserver_down;
    $t->start_nginx;
    $t->wait_for(sub { my $r = eval { $alice->events->response }; $r && $r->problem && $r->problem->{code} eq 'starting' }, 15, 'nothing is known');
    my $r = $alice->events->response;
    is join(' ', $r->code, $r->problem->{code}, $r->header('Retry-After')), '503 starting 2', 'there is no stream';
    $t->apiserver_up;
    $t->wait_ready;
    is $alice->events->snapshot->{instances}[0]{id}, $inst->id, 'then there is';
};

done_testing;
