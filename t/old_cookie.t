# t/old_cookie.t — the session cookie of version 1.0, which was for all hosts,
# is taken once, on the gateway and in the browser that it was bound to, and
# replaced by one of that host alone; nowhere else is it anything

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Seal;
use AIGC::Secrets;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use Time::HiRes qw(time);

my $LATE = 28;              # s that a token is issued too late here, of 30 that it is taken after its end

my $t    = AIGC::Stack->start(workers => 2, custom_data => 'off');
my $seal = AIGC::Seal->new($t);
my $mine = $t->sign_in('alice')->install('stable-diffusion-cpu')->wait_ready;
my $me   = $t->url('/api/v1/me');

# What version 1.0 had set in the browser of somebody who signs in now: the
# session's cookie, and the one that bound it to the gateway's host.
sub old {
    my ($user, %o) = @_;
    my $value = $t->sign_in($user)->cookie('aigc-session');
    my $s = { plain => $seal->open('gateway', $value), %{ $seal->parts($value) } };
    $s->{cookie} = $seal->seal('session', $s->{plain});
    $s->{bind}   = $seal->bind($s->{sid});
    AIGC::Secrets::note($s->{bind}, 'old bind');
    return $s;
}

# A browser with these cookies, as version 1.0 had set them.
sub browser_of {
    my ($s, $name) = @_;
    my $c = $t->stranger;
    $c->set_cookie($name // 'aigc_session', $s->{cookie}, domain => $t->root, only_host => 0);
    $c->set_cookie('aigc-bind', $s->{bind}, domain => $t->host, only_host => 1);
    return $c;
}

# What a response sets and clears: "name@domain" or "name-" for one that goes.
sub sets {
    my ($r) = @_;
    return join ' ', sort map { $_->{name} . (length $_->{value} ? '' : '-') . ($_->{domain} ? "\@$_->{domain}" : '') } $r->set_cookies;
}

sub shows {             # any cookies of a program
    my ($url, @cookies) = @_;
    return $t->stranger->get($url, headers => [Cookie => join '; ', @cookies]);
}

my $replaced = 'aigc-bind- aigc-session aigc_session-@' . $t->root;

subtest 'on the gateway' => sub {
    my $s = old('alice');
    my $c = browser_of($s);
    my $r = $c->get('/api/v1/me');
    is $r->code . ' ' . $r->json->{name}, '200 Alice', 'who was signed in is';
    is sets($r), $replaced, '… and has a cookie of the gateway\'s host instead';
    my ($new) = grep { $_->{name} eq 'aigc-session' } $r->set_cookies;
    is_deeply { map { $_ => $new->{$_} } qw(path httponly samesite domain max-age) },
        { path => '/', httponly => 1, samesite => 'Lax', domain => undef, 'max-age' => undef }, '… as a sign-in sets it';
    is $seal->parts($new->{value})->{$_}, $s->{$_}, "… of the same $_" for qw(sid start refresh_token claims);
    is join(' ', sort map { $_->{name} } $c->cookies), 'aigc-session', 'the browser keeps that one alone';
    for my $what (qw(/api/v1/me / /api/v1/templates)) {
        $r = $c->get($what);
        is $r->code . ' ' . sets($r), '200 ', "… which is good for $what, and nothing is set any more";
    }
    is $c->api('POST', $mine->path . '/start')->code, 200, 'she does what she did';
};

subtest 'by whatever she comes' => sub {
    for (['a page', sub { $_[0]->browse('/sign-in?rd=' . AIGC::Client::escape($mine->url)) }, 302],
         ['a write', sub { $_[0]->api('POST', $mine->path . '/start') }, 200],
         ['an error', sub { $_[0]->api('GET', '/api/v1/instances/default/none/7') }, 404])
    {
        my ($what, $ask, $code) = @$_;
        my $c = browser_of(old('alice'));
        my $r = $ask->($c);
        is $r->code . ' ' . sets($r), "$code $replaced", "$what: taken and replaced";
        is $c->get('/api/v1/me')->code, 200, '… she is in';
    }
    my $c = browser_of(old('alice'));
    my $e = $c->events;
    is $e->code, 200, 'a stream';
    $e->close;
    my $r = browser_of(old('alice'))->browse('/');
    is $r->code, 200, 'the dashboard\'s files are for everybody';
};

subtest 'not without what bound it' => sub {
    my ($s, $o) = (old('alice'), old('alice'));
    for (['no other cookie'], ['an empty one', 'aigc-bind='], ['another session\'s', "aigc-bind=$o->{bind}"], ['a part of it', 'aigc-bind=' . substr $s->{bind}, 0, -1],
         ['one letter of it another', 'aigc-bind=' . $s->{bind} =~ s/^(.)/$1 eq 'A' ? 'B' : 'A'/er], ['one of another purpose', 'aigc-bind=' . $seal->bind($s->{sid}, 'csrf')],
         ['one by another name', "aigc-bound=$s->{bind}"], ['one by the name with TLS', "__Host-aigc-bind=$s->{bind}"], ['the session itself', "aigc-bind=$s->{cookie}"],
         ['the id itself', "aigc-bind=$s->{sid}"])
    {
        my ($what, @bind) = @$_;
        my $r = shows($me, "aigc_session=$s->{cookie}", @bind);
        is $r->code . ' ' . sets($r), '401 ', "$what: it is nothing, and nothing is set";
    }
    is shows($me, "aigc_session=$s->{cookie}", "aigc-bind=$o->{bind}", "aigc-bind=$s->{bind}")->code, 200, 'among others it counts';
    is shows($me, "aigc-bind=$s->{bind}", "aigc_session=$s->{cookie}")->code, 200, '… in any order';
};

subtest 'not by another name, nor another thing by that name' => sub {
    my $s = old('alice');
    my $bind = "aigc-bind=$s->{bind}";
    is shows($me, "$_=$s->{cookie}", $bind)->code, 401, "as $_ it is nothing" for qw(aigc-session aigc-instance __Host-aigc-session aigc_sessions);
    my ($new, $there) = do { my $c = $t->sign_in('alice'); $c->get($mine->url); ($c->cookie('aigc-session'), $c->host_cookie('aigc-instance', $mine->host)) };
    is shows($me, "aigc_session=$_", $bind)->code, 401, 'a session of now is nothing as the old one'
        for $seal->seal('gateway', $s->{plain}), $new, $there, $seal->seal('session ', $s->{plain});
    my $n = length $s->{cookie};
    my @in = grep {
        my $changed = $s->{cookie};
        substr($changed, $_, 1) =~ tr{A-Za-z0-9_-}{B-ZAb-za1-90\-_};
        shows($me, "aigc_session=$changed", $bind)->code != 401;
    } 0 .. 24, (map { 25 + 61 * $_ } 0 .. ($n - 60) / 61), $n - 24 .. $n - 1;
    is "@in", '', 'nor with a character changed';

    # who has the sealing key has none of Logto's
    for my $forged ({ key => 'attacker' }, { key => 'none' }, { signature => 'flip' }) {
        my $cookie = $seal->session(purpose => 'session', id_token => $t->forge(user => 'alice', %$forged), sid => $s->{sid});
        my $r = shows($me, "aigc_session=$cookie", $bind);
        is $r->code . ' ' . sets($r), '401 ', 'nor one that was made by the key alone: ' . join ' ', %$forged;
    }
};

subtest 'on an instance\'s host' => sub {
    my $s = old('alice');
    my @both = ("aigc_session=$s->{cookie}", "aigc-bind=$s->{bind}");
    my $r = shows($mine->url, @both);
    is $r->code . ' ' . sets($r), '401 ', 'it is nothing, nor is it cleared';
    is shows($mine->url, "$_=$s->{cookie}", $both[1])->code, 401, "… nor as $_" for qw(aigc-instance aigc-session);

    my $c = browser_of($s);
    $r = $c->browse($mine->url('/headers?x=1'));
    is $r->code . ' ' . sets($r), '302 aigc-nonce', 'a browser is sent to the gateway with it';
    $r = $c->browse($r->location);
    is $r->code . ' ' . sets($r), "302 $replaced", '… where it is taken';
    like $r->location, qr{^\Q@{[ $mine->url('/headers?x=1') ]}\E&aigc_ticket=[\w-]+$}, '… and back it goes, without a question of Logto\'s';
    $r = $c->browse($r->location);
    is $r->code . ' ' . sets($r), '302 aigc-instance', '… and has a session there';
    is $c->browse($r->location)->code, 200, '… which lets her in';
};

subtest 'cleared where she is signed in' => sub {
    my $s = old('alice');
    my $c = $t->sign_in('alice');
    is $c->get($mine->url)->code, 200, 'she has a session of the instance\'s host';
    my $there = 'aigc-instance=' . $c->host_cookie('aigc-instance', $mine->host);

    # as browsers show them: the older first (RFC 6265 5.4)
    my $r = shows($mine->url('/headers'), "aigc_session=$s->{cookie}", $there, 'own=1');
    is $r->code . ' ' . sets($r), '200 aigc_session-@' . $t->root, 'an old one before it is cleared on all hosts';
    is_deeply [ map { $_->[1] } grep { lc $_->[0] eq 'cookie' } @{ $r->json->{headers} } ], ['own=1'], '… and the pod sees neither';
    unlike $r->content, qr/\Q$s->{cookie}\E/, '… anywhere';
    $r = $c->get($mine->url('/headers'));
    is $r->code . ' ' . sets($r), '200 ', '… and without it nothing is set';
    is sets(shows($mine->url('/headers'), 'aigc_session=x', $there)), 'aigc_session-@' . $t->root, 'whatever is in it';
    $r = shows($mine->url('/headers'), $there, "aigc_session=$s->{cookie}", 'own=1');
    is_deeply [ map { $_->[1] } grep { lc $_->[0] eq 'cookie' } @{ $r->json->{headers} } ], ['own=1'], 'nor does the pod see one that comes later';
    is sets(shows($mine->url('/headers'), 'aigc_session=x')), '', '… but for who is signed in alone';

    $r = shows($me, "aigc_session=$s->{cookie}", "aigc-bind=$s->{bind}", 'aigc-session=' . $c->cookie('aigc-session'));
    is $r->code . ' ' . sets($r), '200 aigc-bind- aigc_session-@' . $t->root, 'on the gateway likewise';
};

subtest 'beside a session of now' => sub {
    my ($s, $b) = (old('alice'), $t->sign_in('bob'));
    for my $cookies (["aigc_session=$s->{cookie}", 'aigc-session=' . $b->cookie('aigc-session')], ['aigc-session=' . $b->cookie('aigc-session'), "aigc_session=$s->{cookie}"]) {
        is shows($me, @$cookies, "aigc-bind=$s->{bind}")->json->{name}, 'Bob', 'that one decides';
    }
    is shows($me, "aigc_session=$s->{cookie}", 'aigc-session=junk', "aigc-bind=$s->{bind}")->json->{name}, 'Alice', '… unless it is none';
    is $t->stranger->get($me, headers => [Authorization => 'Bearer ' . $t->forge(user => 'bob'), Cookie => "aigc_session=$s->{cookie}; aigc-bind=$s->{bind}"])->json->{name},
        'Alice', 'a token decides nothing beside it';
    is $t->stranger->get($me, headers => [Authorization => 'Bearer ' . $t->forge(user => 'bob'), Cookie => "aigc_session=$s->{cookie}"])->json->{name},
        'Bob', '… but beside one that is not bound';
};

subtest 'what is over' => sub {
    my $s = old('alice');
    my $c = browser_of($s);
    my $r = $c->post('/sign-out', headers => [Origin => $t->origin]);
    is $r->code, 303, 'signing out by it';
    is join(' ', map { $_->{name} } $c->cookies), '', '… leaves no cookie';
    $r = browser_of($s)->get('/api/v1/me');
    is $r->code . ' ' . sets($r), '401 ', 'a copy of it is nobody\'s, and is replaced by nothing';

    $s = old('alice');
    $c = browser_of($s);
    is $c->get('/api/v1/me')->code, 200, 'of another one';
    is $c->post('/sign-out', headers => [Origin => $t->origin])->code, 303, '… what came in its place is signed out';
    is browser_of($s)->get('/api/v1/me')->code, 401, '… and with it a copy of the old one';

    my $long = $seal->session(purpose => 'session', start => time - 366 * 86400, id_token => $t->forge(user => 'alice'), sid => $s->{sid});
    is shows($me, "aigc_session=$long", "aigc-bind=$s->{bind}")->code, 401, 'one that is older than any session may be';
};

subtest 'one that has to be renewed' => sub {
    $t->logto_control(lifetimes => { id_token => -$LATE });
    my @s = map { old('alice') } 1 .. 3;
    $t->logto_control(lifetimes => { id_token => undef });
    my $end = time + 1 + 30 - $LATE;
    $t->wait_for(sub { time >= $end }, 10, 'its ID token has expired');
    my $before = $t->logto_requests->{grants}{refresh_token} // 0;
    my $c = browser_of($s[0]);
    my $r = $c->get('/api/v1/me');
    is $r->code . ' ' . sets($r), "200 $replaced", 'is taken, and replaced by what Logto has given';
    is +($t->logto_requests->{grants}{refresh_token} // 0) - $before, 1, '… with one call';
    my $new = $seal->parts($c->cookie('aigc-session'));
    is $new->{sid}, $s[0]{sid}, '… the same session';
    isnt $new->{claims}, $s[0]{claims}, '… with another ID token';

    $t->logto_control(outage => { mode => 'answer', status => 400, body => '{"error":"invalid_grant"}', paths => '^/oidc/token$' });
    $c = browser_of($s[1]);
    is $c->get('/api/v1/me')->code, 401, 'and is over when Logto refuses';
    is $c->cookie('aigc-session'), undef, '… without a session';

    # grace= covers it
    $t->logto_control(outage => { mode => '500', paths => '^/oidc/token$' });
    $c = browser_of($s[2]);
    $r = $c->get('/api/v1/me');
    is $r->code . ' ' . sets($r), "200 $replaced", 'while Logto is away it goes on, and is replaced all the same';
    is $seal->open('gateway', $c->cookie('aigc-session')), $s[2]{plain}, '… by a session with the same content';
    is join(' ', map { $_->{name} } $c->cookies), 'aigc-session', '… the only cookie that is left';
    $r = $c->get('/api/v1/me');
    is $r->code . ' ' . sets($r), '200 ', '… with which she stays signed in';
    $t->logto_control(outage => { mode => 'off' });
    $t->wait_for(sub { $r = $c->get('/api/v1/me'); sets($r) ne '' }, 20, 'it is renewed');
    is $r->code . ' ' . sets($r), '200 aigc-session', '… until Logto is back, and renews it';
    is $seal->parts($c->cookie('aigc-session'))->{sid}, $s[2]{sid}, '… the same session';
};

# Version 1.0 could be told another name.
subtest 'under the name that it was given' => sub {
    my ($directive) = $t->conf =~ /aigc_session (.*?);/;
    local $t->{opt}{directives} = { aigc_session => "$directive cookie=my.Session_1" };
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
    my $s = old('alice');
    my $r = browser_of($s, 'my.Session_1')->get('/api/v1/me');
    is $r->code . ' ' . sets($r), '200 aigc-bind- aigc-session my.Session_1-@' . $t->root, 'it is taken and replaced';
    is browser_of($s)->get('/api/v1/me')->code, 401, 'the usual name is none then';
};

done_testing;
