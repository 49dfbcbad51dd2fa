# t/refresh.t — an ID token that expires in the middle of work is renewed once
# for all, and neither throws anybody out nor lets anybody in

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Seal;
use JSON::PP ();
use Time::HiRes qw(sleep time);

my $SKEW  = 30;             # s that an expired token is still taken
my $LATE  = 27;             # s that ID tokens are issued too late here
my $MONTH = int 14 * 86400 * 0.71;      # after 70 % of its life it rotates

# without the mirror, whose own calls to the token endpoint are not to be counted
my $t = AIGC::Stack->start(workers => 2, tls => 1, custom_data => 'off',
    gateway => 'location = /guarded { auth_request /auth; try_files /favicon.svg =404; }', instance => <<'END');
    add_header X-Worker $pid always;
    location /tried { aigc_access on; try_files /nope @pod; }
    location @pod   { include aigc/instance.conf; }
END
my $inst = $t->sign_in('alice')->install('stable-diffusion-cpu')->wait_ready;
my $bobs = $t->sign_in('bob')->install('stable-diffusion-cpu')->wait_ready;

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : undef }
sub calls  { $t->logto_requests->{methods}{'POST /oidc/token'} // 0 }
sub fresh  { $t->clear_logto_requests; return @_ }
sub logto  { $t->logto_control(@_) }
sub slow   { logto(latency => { ms => $_[0], paths => '^/oidc/token' }) }
sub outage { logto(outage => { paths => '^/oidc/token', @_ }) }
sub session { $_[0]->host_cookie('aigc-instance', $inst->host) }        # at the instance
sub main    { $_[0]->cookie('aigc-session') }                           # at the gateway

# From now on what Logto issues has so many seconds to live.
sub lifetime { logto(lifetimes => { id_token => $_[0] }) }

# Sessions whose ID token has expired: they are signed in with one that is late
# already, all of them at the beginning, as the names say; and have entered both
# instances while it was good.
my %pool;

sub sign_in_many {
    my ($stack, %users) = @_;
    $stack->logto_control(lifetimes => { id_token => -$LATE });
    for my $user (sort keys %users) {
        for (1 .. $users{$user}) {
            my $who = $stack->sign_in($user);
            push @{ $pool{$user} }, $who;
            next if $stack != $t;
            $who->host_session($_->url) // die "no session at an instance\n" for $inst, $bobs;
        }
    }
    $stack->logto_control(lifetimes => { id_token => undef });
    expire($SKEW - $LATE);
}

# What is in sealed cookies of the instance.
sub opened {
    my (@values) = @_;
    my $file = $t->file('run/seal.open');
    open my $f, '>', $file or die $!;
    print $f map { "$_\n" } @values;
    close $f;
    my @plain = qx{node @{[ $t->repo('t/lib/seal.mjs') ]} open @{[ $t->file('session.key') ]} 'instance @{[ $inst->host ]}' < $file};
    $? == 0 or die "seal.mjs: $?";
    unlink $file;
    return @plain;
}

sub expired { return map { shift @{ $pool{$_} } or die "no $_ left\n" } @_ }

# The clock is all that there is to wait for.
sub expire {
    my $end = int(time) + 1 + $_[0];
    $t->wait_for(sub { time >= $end }, 2 + $_[0], 'the token has expired');
}

sub worker_of {             # which worker has this connection of ours?
    my ($conn) = @_;
    my $hex = sprintf '%04X', $conn->{sock}->sockport;
    my %inode;                                  # of thousands of lines, on a machine with much to do
    open my $tcp, '<', '/proc/net/tcp' or die "/proc/net/tcp: $!";
    while (my $line = <$tcp>) {
        next if index($line, ":$hex ") < 0;
        my @f = split ' ', $line;
        $inode{ $f[9] } = 1 if $f[2] =~ /:$hex$/;
    }
    my ($pid) = grep { grep { (readlink // '') =~ /^socket:\[(\d+)\]/ && $inode{$1} } glob "/proc/$_/fd/*" } $t->worker_pids;
    return $pid;
}

sign_in_many($t, alice => 70, bob => 1, user02 => 1, user03 => 4, user04 => 1, user05 => 5, user06 => 1);

subtest 'two hundred at once' => sub {
    my ($alice) = expired('alice');
    my $old = session($alice);
    fresh();
    my $begin = time;
    my @begun = map { $alice->copy->begin('GET', $inst->url('/info')) } 1 .. 200;
    my (%code, %cookie, %worker);
    for (@begun) {
        my $r = $_->response;
        $code{ $r->code }++;
        $worker{ $r->header('X-Worker') // '?' }++;
        my ($set) = grep { $_->{name} eq 'aigc-instance' } $r->set_cookies;
        $cookie{ $set ? $set->{value} : 'none' }++;
    }
    note sprintf 'answered in %.2f s', time - $begin;
    is_deeply \%code, { 200 => 200 }, 'none fails';
    is_deeply $t->logto_requests->{grants}, { refresh_token => 1 }, 'Logto is called once';
    is $t->logto_requests->{total}, 1, 'and asked nothing else';
    cmp_ok scalar keys %worker, '==', 2, 'by two workers';
    is_deeply [ grep { $_ eq 'none' || $_ eq $old } keys %cookie ], [], 'all get a new cookie';
    my %is = map { $_ => 1 } opened(keys %cookie);
    is scalar keys %is, 1, '… which says the same';
    my ($new) = sort keys %cookie;
    is scalar(grep { $is{$_} } opened($old)), 0, '… and something new';

    fresh();
    $alice->set_cookie('aigc-instance' => $new, domain => $inst->host);
    my $r = $alice->get($inst->url('/info'));
    is $r->code, 200, 'with it one is in';
    is scalar $r->set_cookies, 0, 'it is not set again';
    my $me = $alice->api('GET', '/api/v1/me');
    is $me->code, 200, 'the gateway\'s session goes on';
    cmp_ok $me->json->{expires}, '>', time + 3000, 'and is good for an hour';
    my $there = $alice->host_cookie('aigc-instance', $bobs->host);
    is $alice->get($bobs->url)->code, 403, 'another instance\'s is known, too';
    isnt $alice->host_cookie('aigc-instance', $bobs->host), $there, '… and gets a new cookie of its own';
    is calls(), 0, 'nobody asks Logto again';
};

subtest 'every kind of request' => sub {
    my %do = (
        navigation => sub { $_[0]->browse($inst->url('/info')) },
        fetch      => sub { $_[0]->get($inst->url('/headers'), headers => [Accept => 'application/json',
            Origin => $inst->url('') =~ s{/$}{}r, 'Sec-Fetch-Mode' => 'cors']) },
        HEAD       => sub { $_[0]->head($inst->url('/info')) },
        'HTTP/1.0' => sub { $_[0]->get($inst->url('/info'), http => '1.0') },
        POST       => sub { $_[0]->post($inst->url('/headers'), body => 'x') },
        DELETE     => sub { $_[0]->delete($inst->url('/headers')) },
        'the gateway\'s API' => sub { $_[0]->api('GET', '/api/v1/instances') },
        'a write of the API' => sub { $_[0]->api('POST', $inst->path . '/start') },
        'auth_request' => sub { $_[0]->get('/guarded', headers => ['X-Original-URL' => $inst->url, Cookie => $_[0]->cookie_header($inst->url)]) },
        '/auth'    => sub { $_[0]->auth($inst->url) },
    );
    my @kinds = sort keys %do;
    my @who = expired(('alice') x @kinds);
    slow(300);
    for my $kind (@kinds) {
        my $who = shift @who;
        my $name = $kind =~ /API/ ? 'aigc-session' : 'aigc-instance';
        my $old = $kind =~ /API/ ? main($who) : session($who);
        fresh();
        my $r = $do{$kind}->($who);
        is $r->code, 200, "$kind is answered";
        is calls(), 1, '… after one call';
        my @lines = $r->headers('Set-Cookie');
        is scalar @lines, 1, '… and brings a cookie in one line';
        ok $lines[0] =~ /^$name=([\w-]+); Path=\/; HttpOnly; SameSite=Lax$/, '… as the sign-in sets it';
        isnt $1, $old, '… which is a new one';
        unlike $r->content, qr/aigc-(?:session|instance)/, '… which the instance does not see';
    }
    slow(0);
};

subtest 'refusals bring the new cookie, too' => sub {
    my ($alice, $again, $bob) = expired('alice', 'alice', 'bob');
    my $old = session($bob);
    is $bob->get($inst->url)->code, 403, 'somebody else is refused as ever';
    isnt session($bob), $old, 'and his own session is renewed';
    $old = session($alice);
    is $alice->browse($inst->url('/tried/x'))->code, 404, 'behind an internal redirect the owner gets in';
    isnt session($alice), $old, 'with the new cookie';
    $old = main($again);
    is $again->api('POST', '/api/v1/templates/default/stable-diffusion-cpu/install', undef,
        headers => [Origin => 'http://evil.example']) ->code, 403, 'a page of another origin is refused as ever';
    isnt main($again), $old, 'the session is renewed all the same';
};

subtest 'uploads' => sub {
    my ($alice, $chunked, $held, $h2) = expired(('alice') x 4);
    my $data = join '', map { pack 'N', rand 2**32 } 1 .. 600_000;
    slow(400);
    fresh();
    my $r = $alice->post($inst->url('/echo'), body => $data);
    is $r->code, 200, 'a body of 2.4 MB comes while Logto is asked';
    ok $r->content eq $data, 'and arrives whole';
    my @chunks = unpack '(a7001)*', $data;
    $r = $chunked->post($inst->url('/echo'), body => \@chunks);
    is $r->code, 200, 'a chunked one too';
    ok $r->content eq $data, 'and arrives whole';
    is calls(), 2, 'a call each';

    my $file = $t->file('upload');
    open my $f, '>', $file or die $!;
    print $f $data;
    close $f;
    (my $url = $inst->url('/echo')) =~ s{^http://([^:]+):\d+}{'https://' . $1 . ':' . $t->port(8)}e;
    my ($status, $said) = $h2->curl('--http2', '-X', 'POST', '--data-binary', "\@$file", $url);
    is $status, 0, 'by HTTP/2, too';
    ok $said eq $data, 'and arrives whole';
    is calls(), 3, 'a call again';

    # the body begins when the session has been renewed
    my $conn = $held->connect($inst->url);
    $conn->send("POST /echo HTTP/1.1\r\nHost: " . ($inst->url =~ m{//([^/]+)})[0] . "\r\nCookie: aigc-instance="
        . session($held) . "\r\nContent-Length: " . length($data) . "\r\nConnection: close\r\n\r\n");
    $t->wait_for(sub { calls() == 4 }, 5, 'Logto is asked before the body comes');
    $conn->send($data);
    $r = $conn->response(method => 'POST', url => $inst->url('/echo'));
    is $r->code, 200, 'nothing of the body is needed';
    ok $r->content eq $data, 'it arrives whole';
    slow(0);
};

subtest 'WebSocket' => sub {
    my ($alice) = expired('alice');
    my $old = session($alice);
    fresh();
    my $ws = $alice->websocket($inst->url('/ws'));
    is $ws->code, 101, 'a handshake is answered';
    ok $ws->echoes, 'and it echoes';
    is calls(), 1, 'after one call';
    isnt session($alice), $old, 'the new cookie comes with the 101';
    is $alice->get($inst->url)->code, 200, 'and is good';
    ok $ws->echoes, 'it stays open';
};

subtest 'an answer that is lost' => sub {
    my ($alice, $other) = expired('alice', 'alice');
    my $old = session($alice);
    fresh();
    slow(500);
    my $pending = $alice->begin('GET', $inst->url('/info'));
    $t->wait_for(sub { calls() == 1 }, 5, 'Logto is being asked');
    $pending->conn->close;
    slow(0);
    $t->wait_for(sub { ($t->logto_requests->{grants}{refresh_token} // 0) == 1 }, 5, 'Logto has answered');
    is session($alice), $old, 'the browser has the old cookie';
    is $alice->get($inst->url)->code, 200, 'and goes on';
    isnt session($alice), $old, 'by the session that was renewed meanwhile';
    is calls(), 1, 'Logto is not asked again';

    my $thief = $alice->copy;
    $thief->set_cookie('aigc-instance' => $old, domain => $inst->host);
    is $thief->get($inst->url)->code, 200, 'once the new one has been here, a request that is late comes through';
    is calls(), 1, 'without a call';
};

subtest 'rotation' => sub {
    my ($who) = expired('user02');
    my $old = $who->copy;
    lifetime(-$LATE);
    logto(age => { user => 'user02', seconds => $MONTH, models => ['RefreshToken'] });
    fresh();
    my $replaced = qr/\[warn\].* Logto replaced the refresh token of a session that began \d+ s ago: with several gateways .*lifetime=/;
    unlike $t->error_log, $replaced, 'no session so far has lived to see its refresh token replaced';
    is $who->api('GET', '/api/v1/me')->code, 200, 'Logto gives a new refresh token';
    like $t->error_log, $replaced, 'the log says what to set against that';
    is calls(), 1, 'for the old one';
    is $old->copy->api('GET', '/api/v1/me')->code, 200, 'the old cookie is good for the new session';
    is calls(), 1, 'and its refresh token is not sent again';

    logto(age => { user => 'user02', seconds => 5, models => ['RefreshToken'] });   # a replay would revoke all
    expire($SKEW - $LATE);
    is $old->copy->api('GET', '/api/v1/me')->code, 200, 'when both have expired, an old cookie leads to the newest token';
    is calls(), 2, 'in one more call';
    is $who->api('GET', '/api/v1/me')->code, 200, 'and the session goes on';
    is $t->logto_requests->{grants}{refresh_token}, 2, 'no call was a replay';
    lifetime(undef);
};

subtest 'the end of a session' => sub {
    my ($who, $program, $many, $both) = expired(('user03') x 4);
    logto(suspend => { user => 'user03' });
    fresh();
    my $r = $who->browse($inst->url('/page'));
    is $r->code, 302, 'a suspended user who navigates';
    like $r->location, qr{/sign-in\?rd=}, 'is sent to sign in';
    is session($who), undef, 'without the cookie';
    is calls(), 1, 'after one call';

    $r = $program->get($inst->url);
    is $r->code, 401, 'a program gets 401';
    is session($program), undef, 'and loses the cookie';

    fresh();
    my @begun = map { $many->copy->begin('GET', '/api/v1/me') } 1 .. 20;
    my %code;
    $code{ $_->response->code }++ for @begun;
    is_deeply \%code, { 401 => 20 }, 'twenty at once are refused, each';
    is calls(), 1, 'after one call';
    is $many->copy->get('/api/v1/me')->code, 401, 'and afterwards';
    is calls(), 1, 'without a call';

    my $token = $t->forge(user => 'alice');
    is $both->get($inst->url, headers => [Authorization => "Bearer $token"])->code, 200,
        'a bearer token counts once the session is over';
    logto(unsuspend => { user => 'user03' });
};

subtest 'signing out needs no new token' => sub {
    my ($alice) = expired('alice');
    fresh();
    is $alice->api('POST', '/sign-out')->code, 303, 'an expired session is signed out';
    is main($alice), undef, 'its cookie goes';
    is $t->logto_requests->{grants}{refresh_token} // 0, 0, 'and is not renewed for that';
};

subtest 'a session without a refresh token' => sub {
    lifetime(-$LATE);
    my $who = AIGC::Client->new(stack => $t, user => 'alice');
    my $to = $who->browse('/sign-in')->location;
    $to =~ s/%20offline_access//;
    $to =~ s/&prompt=consent//;
    $who->sign_in(from => $to);
    lifetime(undef);
    ok main($who), 'Logto gives none without being asked';
    is $who->get($inst->url)->code, 200, 'it is good as long as its ID token';
    expire($SKEW - $LATE);
    fresh();
    is $who->get($inst->url)->code, 401, 'and then not any more';
    is $who->browse($inst->url)->code, 302, 'a navigation goes to sign in';
    is calls(), 0, 'nobody asks for what cannot be had';
};

subtest 'a refusal, whatever its code' => sub {
    my @code = ([400, 'invalid_grant'], [401, 'invalid_client'], [400, 'access_denied'], [400, 'unauthorized_client'], [400, 'invalid_target'],
        [403, 'access_denied'], [400, 'of_tomorrow'], [400, "X\n2026 [emerg] " . 'a' x 200]);
    my @who = expired(('alice') x @code);
    for (@code) {
        my ($status, $code) = @$_;
        my $who = shift @who;
        my $mark = length $t->error_log;
        outage(mode => 'answer', status => $status, headers => { 'content-type' => 'application/json' },
            body => JSON::PP->new->encode({ error => $code, error_description => 'secret words' }));
        my $r = $who->browse($inst->url('/page'));
        my $what = $code =~ s/\n.*/…/sr;
        is $r->code . ' ' . $r->location =~ s/\?.*//r, '302 ' . $t->url('/sign-in'), "$status $what: the session is over, a sign-in is offered";
        is session($who), undef, '… without the cookie';
        my $said = substr $t->error_log, $mark;
        my $shown = substr($code =~ s/[^a-z0-9_.-]/?/gr, 0, 48);
        like $said, qr/gave no tokens: status $status, error "\Q$shown\E"(?:: check app_id= and app_secret_file=)?$/m, '… the code stands in the log, bounded';
        is $said =~ /check app_id=/ ? 1 : 0, $code eq 'invalid_client' ? 1 : 0, '… and what to do, where an administrator can';
        unlike $said, qr/secret words/, '… and no more than that';
        outage(mode => 'off');
    }

    # Application access control, by Logto itself.
    my ($denied) = expired('user04');
    logto(user => { user => 'user04', denied => JSON::PP::true });
    is $denied->get($inst->url)->code, 401, 'who may not use the application any more is out';
    my $r = $denied->browse($inst->url, follow => 10);
    is $r->problem->{code}, 'sign-in-refused', '… and does not get in';
    logto(user => { user => 'user04', denied => JSON::PP::false });
    is $denied->browse('/sign-in', follow => 10)->code, 200, '… before it is allowed again';
    is $denied->api('GET', '/api/v1/me')->code, 200, '… and then does';
};

subtest 'an ID token that has grown too large' => sub {
    for my $n (130, 900) {
        my ($who, $program) = expired(('user05') x 2);
        logto(user => { user => 'user05', roles => [ map { "a-role-with-a-long-name-$_" } 1 .. $n ] });
        my $mark = length $t->error_log;
        is $program->get($inst->url)->code, 401, "$n roles: a program gets 401, not 503";
        like substr($t->error_log, $mark), qr/ID token .*\d{4,5} bytes.*fewer custom claims/s, '… the log says why';
        my $r = $who->browse($inst->url, follow => 10);
        is $r->code . ' ' . $r->problem->{code}, '500 session-too-large', 'a person comes to a page that says so';
        like $r->problem->{detail}, qr/claims.*roles.*picture.*profile/, '… and what to ask for';
        logto(user => { user => 'user05', roles => ['gwuser'] });
        is $t->sign_in('user05')->api('GET', '/api/v1/me')->code, 200, 'with fewer she is in';
    }
};

subtest 'what Logto may answer' => sub {
    my ($bare, $noid, $foreign, $forged, $expired) = expired(('alice') x 5);
    my $answer = sub {
        my (%body) = @_;
        outage(mode => 'answer', status => 200, headers => { 'content-type' => 'application/json' },
            body => JSON::PP->new->canonical->encode({ access_token => 'x' x 43, token_type => 'Bearer', %body }));
    };
    $answer->(id_token => $t->forge(user => 'alice', claims => { exp => 'now-' . ($SKEW - 3) }));
    my $old = session($bare);
    is $bare->get($inst->url)->code, 200, 'no new refresh token: the session goes on';
    isnt session($bare), $old, 'with the new ID token';
    outage(mode => 'off');
    expire(3);
    is $bare->get($inst->url)->code, 200, 'and with the old refresh token';

    $answer->(refresh_token => 'r' x 43);
    is $noid->browse($inst->url)->code, 302, 'no ID token at all: through Logto once more';
    $answer->(id_token => $t->forge(user => 'bob'));
    is $foreign->get($bobs->url)->code, 401, 'another user\'s ID token lets nobody in';
    is $foreign->host_cookie('aigc-instance', $bobs->host), undef, 'and ends the session';
    like $t->error_log, qr/renewed ID token is another user's/, 'which is said';

    for ([$forged, 'one that Logto has not signed', key => 'attacker'],
        [$expired, 'an expired one', claims => { exp => 'now-60' }])
    {
        my ($who, $what, %order) = @$_;
        $answer->(id_token => $t->forge(user => 'alice', %order));
        $old = session($who);
        is $who->get($inst->url)->code, 200, "$what is no answer: within grace the session goes on";
        is session($who), $old, 'as it was';
    }
    outage(mode => 'off');
};

subtest 'Logto is away' => sub {
    my @modes = (['refuse'], ['500'], ['html'], ['garbage'], ['empty'], ['truncated'],
        (map { ['answer', status => $_, body => '<html>a proxy says no</html>'] } 400, 401, 403, 404, 413),
        ['answer', status => 400, body => '{"message":"no"}'], ['answer', status => 400, body => '{"error":5}'],
        ['answer', status => 429, body => '{"error":"slow_down"}']);
    my ($alice, @who) = expired('alice', ('alice') x @modes);
    for my $mode (@modes) {
        my ($name, %more) = @$mode;
        my $who = shift @who;
        my $old = session($who);
        outage(mode => $name, %more);
        my $what = join ' ', $name, $more{status} // ();
        is $who->get($inst->url('/info'))->code, 200, "$what: the session goes on";
        is session($who), $old, '… as it is';
        outage(mode => 'off');
        $t->wait_for(sub { $who->get($inst->url('/info'))->code == 200 && session($who) ne $old }, 10,
            "$what: it is renewed afterwards");
    }

    # a call is not made for each request
    outage(mode => 'refuse');
    fresh();
    my ($end, $n, %code) = (time + 5);
    while (time < $end) { $code{ $alice->get($inst->url('/info'))->code }++; $n++; sleep 0.005 }
    is_deeply [keys %code], [200], 'work goes on';
    my $asked = calls();
    # after 0, 1 and 3 s; on a kept connection that breaks libcurl tries once more
    cmp_ok $asked, '<=', 6, 'Logto is asked now and then, not each time';
    cmp_ok $asked, '>=', 2, 'but it is';
    ok metric('grace_total') >= $n - $asked, 'grace_total counts';
    note "$n requests in 5 s, $asked calls";
    outage(mode => 'off');
};

subtest 'Logto is slow' => sub {
    my ($alice) = expired('alice');
    my $old = session($alice);
    slow(8000);
    fresh();
    my $begin = time;
    is $alice->get($inst->url('/info'))->code, 200, 'Logto takes its time: the session goes on';
    is session($alice), $old, '… before Logto has answered';
    cmp_ok time - $begin, '>', 2.5, sprintf '… though it has waited for a while (%.1f s)', time - $begin;
    $t->wait_for(sub { $alice->get($inst->url('/info'))->code == 200 && session($alice) ne $old }, 10,
        'the new cookie comes when Logto has answered');
    is calls(), 1, 'one call';
    slow(0);
};

subtest 'the worker that asks dies' => sub {
    my ($alice) = expired('alice');
    slow(8000);        # longer than it takes to kill a worker, also on a slow machine
    fresh();
    my @begun = $alice->copy->begin('GET', $inst->url('/info'));
    $t->wait_for(sub { calls() == 1 }, 5, 'Logto is being asked');
    my $leader = worker_of($begun[0]->conn);
    ok $leader, 'by the worker that had the first request';
    my $others = 0;             # a busy machine may give the other one few of them
    while (@begun < 25 || ($others == 0 && @begun < 500)) {
        push @begun, $alice->copy->begin('GET', $inst->url('/info'));
        my $worker;
        $t->wait_for(sub { $worker = worker_of($begun[-1]->conn) }, 5, 'a worker has taken it');
        $others++ if $worker != $leader;
    }
    my ($number) = grep { ($t->worker_pids)[$_] == $leader } 0 .. 1;
    slow(0);
    my $begin = time;
    $t->kill_worker($number);
    my %code;
    $code{ eval { $_->response->code } // 0 }++ for @begun;
    my $died = delete $code{0} // 0;
    is_deeply [keys %code], [200], 'those who wait in the other one are answered';
    cmp_ok $code{200}, '>=', 1, 'some do';
    note sprintf 'after %.2f s: three seconds later Logto takes a replay as one', time - $begin;
    is calls(), 2, 'by one more call';
    is $alice->get($inst->url)->code, 200, 'those of the dead one come again';
    is calls(), 2, 'without another';
    note "$code{200} answered, $died with the worker";
};

subtest 'a reload in the middle' => sub {
    my ($alice, $lost) = expired('alice', 'alice');
    slow(1000);
    fresh();
    my @begun = map { $alice->copy->begin('GET', $inst->url('/info')) } 1 .. 24;
    $t->wait_for(sub { calls() == 1 }, 5, 'Logto is being asked');
    $t->reload;
    my %code;
    $code{ $_->response->code }++ for @begun;
    is_deeply \%code, { 200 => 24 }, 'all are answered';

    my $gone = $lost->begin('GET', $inst->url('/info'));
    $t->wait_for(sub { calls() == 2 }, 5, 'Logto is being asked');
    $gone->conn->close;             # nobody waits for this one any more
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers end');
    my $before = session($lost);
    is $lost->get($inst->url)->code, 200, 'what an old worker was asking for alone is not lost';
    isnt session($lost), $before, 'it is in the zone';
    is calls(), 2, 'no call was made twice';
    slow(0);
};

subtest 'latency' => sub {
    my @who = expired(('alice') x 10);
    my (@warm, @renewed);
    for my $who (@who) {
        my $begin = time;
        $who->get($inst->url('/info'));
        push @renewed, 1000 * (time - $begin);
        $begin = time;
        $who->get($inst->url('/info'));
        push @warm, 1000 * (time - $begin);
    }
    @$_ = sort { $a <=> $b } @$_ for \@warm, \@renewed;
    diag sprintf 'median of ten: renewed %.1f ms, warm %.1f ms', $renewed[5], $warm[5];
    is scalar @renewed, 10, 'each was renewed';
};

subtest 'two replicas' => sub {
    my ($alice, $seen, $unseen) = expired('alice', 'user05', 'user06');
    my $port = $t->second_nginx;
    my $other = sub { my ($url) = @_; my $p = $t->port; $url = $t->url($url) if $url =~ m{^/}; $url =~ s/:$p\b/:$port/r };

    fresh();
    my @begun = map { $alice->copy->begin('GET', $_ % 2 ? $inst->url('/info') : $other->($inst->url('/info'))) } 1 .. 20;
    my %code;
    $code{ $_->response->code }++ for @begun;
    is_deeply \%code, { 200 => 20 }, 'a session that expires at both at once goes on at both';
    cmp_ok calls(), '<=', 2, 'with a call each at most';

    # the second one renews, by a refresh token that rotates; the first one has
    # seen the new session of one user, and of another only the old one
    logto(age => { user => $_, seconds => $MONTH, models => ['RefreshToken'] }) for qw(user05 user06);
    my @late = map { $_->copy } $seen, $unseen;
    is $_->api('GET', $other->('/api/v1/me'))->code, 200, 'renewed at the other' for $seen, $unseen;
    is $seen->api('GET', '/api/v1/me')->code, 200, 'and seen here';
    logto(age => { user => $_, seconds => 5, models => ['RefreshToken'] }) for qw(user05 user06);
    fresh();
    for (['where the newer one has been', $late[0]], ['where it has not', $late[1]]) {
        my ($where, $who) = @$_;
        my $old = main($who);
        fresh();
        is $who->api('GET', '/api/v1/me')->code, 200, "an old cookie $where: the newest refresh token of the other gateway is sent";
        is calls(), 1, 'by one call';
        is $t->logto_requests->{replays} // 0, 0, '… and not its own, which would revoke the grant';
        isnt main($who), $old, 'and the session goes on';
    }
};

# An instance needs no more than that its user goes on; the gateway, what that
# user may do by now.  A zone of 2m keeps the outcomes of sixteen renewals.
subtest 'a role that is withdrawn' => sub {
    my $small = AIGC::Stack->start(workers => 1, custom_data => 'off', directives => { aigc_zone => 'gateway:2m' });
    my $mine  = $small->sign_in('carol')->install('stable-diffusion-cpu')->wait_ready;
    my $asked = sub { $small->logto_requests->{grants}{refresh_token} // 0 };
    $small->logto_control(lifetimes => { id_token => -$LATE });
    my $carol = $small->sign_in('carol');
    $carol->host_session($mine->url) // die "no session at the instance\n";
    is $carol->api('GET', '/api/v1/admin/instances')->code, 200, 'an administrator';
    my @others = map { $small->sign_in('user10') } 1 .. 17;
    $small->logto_control(user => { user => 'carol', roles => ['gwuser'] });
    $small->logto_control(lifetimes => { id_token => undef });
    expire($SKEW - $LATE);
    $small->clear_logto_requests;
    my ($old, $there) = (main($carol), $carol->host_cookie('aigc-instance', $mine->host));

    is $carol->get($mine->url('/info'))->code, 200, 'her instance has the session renewed';
    isnt $carol->host_cookie('aigc-instance', $mine->host), $there, '… its own';
    is main($carol), $old, '… for the gateway she has the old one';
    is $_->api('GET', '/api/v1/me')->code, 200, 'another session is renewed' for @others;
    is $asked->(), 18, 'with a call each: the outcome of hers is forgotten';

    my $late = $carol->copy;
    is_deeply [ map { $carol->copy->api('GET', "/api/v1/admin/$_")->code } qw(instances users status) ], [403, 403, 403], 'what she may do no more she does no more';
    is $asked->(), 19, '… by one more call';
    my $me = $late->api('GET', '/api/v1/me');
    is_deeply [ $me->code, $me->json->{admin} ? 1 : 0 ], [200, 0], '… and is told so';
    cmp_ok $me->json->{expires}, '>', time + 3000, '… for the next hour';
    isnt main($late), $old, '… by a session of now';

    # the other way round: the instance asks nobody
    my $n = $asked->();
    my $program = $carol->copy;
    $program->set_cookie('aigc-instance' => $there, domain => $mine->host);
    is $program->get($mine->url('/info'))->code, 200, 'an old session of the instance goes on by what the gateway has heard';
    is $asked->(), $n, '… without a call';
};

subtest 'a refresh token that fits no ticket' => sub {
    my $seal = AIGC::Seal->new($t);
    my $with = sub {
        my (%claims) = @_;
        my $c = $t->stranger;
        $c->set_cookie('aigc-session' => $seal->session(id_token => $t->forge(user => 'alice', claims => \%claims), refresh_token => 'r' x 1500, start => time - 7200), domain => $t->host, only_host => 1);
        return $c;
    };
    my $page = $inst->url('/info');
    my $to = sub { my ($c) = @_; my $r = $c->browse('/sign-in?rd=' . AIGC::Client::escape($page)); return $r->location =~ s/\?.*//sr };

    is $with->()->get($page)->code, 200, 'as long as the ID token is good the instance is entered without';
    outage(mode => 'refuse');
    my $c = $with->(exp => 'now-60', iat => 'now-3600');
    is $c->api('GET', '/api/v1/me')->code, 200, 'Logto is away: the gateway\'s session goes on';
    is $to->($c), $t->logto_url('/oidc/auth'), '… but leads to no instance, which would send it back: to Logto, by /sign-in';
    outage(mode => 'off');
};

subtest 'grace has an end' => sub {
    my ($alice, $late) = expired('alice', 'alice');
    my ($logto) = $t->conf =~ /aigc_logto (.*?);/;
    my $grace = sub {
        $t->{opt}{directives}{aigc_logto} = "$logto grace=$_[0]";
        my @old = $t->worker_pids;
        $t->reload;
        $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
    };
    outage(mode => 'refuse');
    $grace->('1d');
    is $alice->get($inst->url)->code, 200, 'as long as it lasts, she is in';
    $grace->('5s');
    is $alice->get($inst->url)->code, 503, 'and not any more after it';
    $grace->('off');
    for (['a navigation', sub { $alice->browse($inst->url) }], ['a program', sub { $alice->get($inst->url) }],
        ['the API', sub { $alice->api('GET', '/api/v1/me') }],
        ['/auth', sub { $alice->auth($inst->url) }])
    {
        my ($what, $do) = @$_;
        my $r = $do->();
        is $r->code, 503, "$what gets 503, and is sent nowhere";
        is $r->problem->{code}, 'sign-in-unavailable', '… because Logto is away';
        is $r->header('Retry-After'), 5, '… and when to try again';
        is scalar $r->set_cookies, 0, '… and keeps the cookie';
    }
    outage(mode => 'off');
    $t->wait_for(sub { $alice->get($inst->url)->code == 200 }, 15, 'it recovers by itself');
    pass 'and the same session goes on';

    # without grace it is worth waiting for a slow Logto
    slow(4000);
    my $begin = time;
    is $late->get($inst->url)->code, 200, 'without grace one waits for Logto';
    cmp_ok time - $begin, '>', 3.5, 'as long as it takes';
    slow(0);
};

subtest 'the session\'s lifetime counts from the sign-in' => sub {
    my ($alice) = expired('alice');
    is $alice->get($inst->url)->code, 200, 'renewed';
    my ($session) = $t->conf =~ /aigc_session (.*?);/;
    $t->{opt}{directives}{aigc_session} = "$session lifetime=10s";
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
    fresh();
    is $alice->get($inst->url)->code, 401, 'it ends, however new its token is';
    is calls(), 0, 'and is not renewed';
};

subtest 'more sessions than the zone has room to renew' => sub {
    my $small = AIGC::Stack->start(workers => 1, custom_data => 'off', directives => { aigc_zone => 'gateway:2m' }, templates => []);
    sign_in_many($small, user10 => 24);
    my @who = expired(('user10') x 24);
    my @old = map { main($_) } @who;
    $small->logto_control(latency => { ms => 1500, paths => '^/oidc/token' });
    $small->clear_logto_requests;
    my %code;
    $code{ $_->response->code }++ for map { $_->begin_api('GET', '/api/v1/me') } @who;
    is_deeply \%code, { 200 => 24 }, 'all go on, some of them within grace';
    my $asked = $small->logto_requests->{grants}{refresh_token};
    ok $asked > 8 && $asked < 24, "Logto is asked for as many as there is room for ($asked)";
    like $small->error_log, qr/no room to renew a session.*aigc_zone/, 'and the log says so';
    $small->logto_control(latency => { ms => 0 });
    is_deeply [ map { $_->api('GET', '/api/v1/me')->code } @who ], [ (200) x 24 ], 'then the others';
    is scalar(grep { main($who[$_]) eq $old[$_] } 0 .. 23), 0, 'all are renewed in the end';
};

done_testing;
