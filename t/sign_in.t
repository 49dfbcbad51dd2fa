# t/sign_in.t — signing in and out: what the browser, Logto and an attacker may send

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Seal;
use AIGC::Secrets;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

# Another callback, whose administrator logs whole request lines.
my $t = AIGC::Stack->start(tls => 1, custom_data => 'off',      # the mirror's own calls to the token endpoint would take the tests' answers
    http    => "log_format line '\$request \$status';",
    gateway => 'location = /logged-callback { aigc_sign_in_callback; access_log line.log line; }');
my $json = JSON::PP->new->utf8;
my $iss  = AIGC::Client::escape($t->logto_url('/oidc'));

# Begins a sign-in: what the redirect to Logto says.
sub begin {
    my ($c, $rd) = @_;
    my $r = $c->browse('/sign-in' . (defined $rd ? '?rd=' . AIGC::Client::escape($rd) : ''));
    $r->code == 302 or die $r->status_line . ' ' . $r->content;
    my %arg = $r->location =~ /[?&]([^=&]+)=([^&]*)/g;
    return { %arg, location => $r->location, answer => $r };
}

# Goes through Logto's form; the URL of the callback, which is not asked for.
sub code_url {
    my ($c, $login, $user) = @_;
    my $url = $login->{location};
    for (1 .. 10) {
        my $r = $c->browse($url);
        if (my $form = AIGC::Client::form($r)) {
            @{ $form->{fields} }{qw(username password)} = ($user // 'alice', ($user // 'alice') . '-pass');
            $r = $c->submit($form);
        }
        $url = AIGC::Client::resolve($r->url, $r->location // die $r->status_line);
        return $url if $url =~ m{/sign-in-callback\?};
    }
    die 'no callback';
}

# "code problem cookies-of-a-session" of an answer
sub said {
    my ($r) = @_;
    return join ' ', $r->code, ($r->problem // {})->{code} // '-',
        scalar grep { $_->{name} =~ /session|bind|instance/ && length $_->{value} } $r->set_cookies;
}

sub session_of {
    my ($c) = @_;
    my $r = $c->api('GET', '/api/v1/me');
    return $r->code == 200 ? $r->json->{name} : $r->code;
}

sub outage { return $t->logto_control('outage', {@_}) }

# Answers the next token request with this ID token.
sub answer_token {
    my ($token) = @_;
    AIGC::Secrets::note($token, 'ID token');
    outage(mode => 'answer', paths => '^/oidc/token$', times => 1, status => 200,
        headers => { 'content-type' => 'application/json' },
        body => $json->encode({ id_token => $token, token_type => 'Bearer' }));
}

# What the gateway has sealed, and what it would have sealed: raw bytes.
my $seal = AIGC::Seal->new($t);
sub opened { return $seal->open(@_) }
sub sealed { return $seal->seal(@_) }

# Where an answer leads to, without its ticket: an instance's page has one, a
# page of the gateway has none.
sub page {
    my ($r) = @_;
    my $location = $r->location // die $r->status_line;
    my $ticket = $location =~ s/[?&]aigc_ticket=[\w-]+\z//;
    my $inside = index($location, $t->origin . '/') == 0;
    return $location . ($ticket && $inside ? ' with a ticket' : !$ticket && !$inside ? ' without a ticket' : '');
}

# The sign-in's own cookie, as long ago as that.
sub age_login {
    my ($c, $seconds) = @_;
    my ($cookie) = grep { $_->{name} =~ /login/ } $c->cookies;
    my $plain = opened('login', $cookie->{value});
    substr $plain, 1, 8, pack 'Q>', unpack('Q>', substr $plain, 1, 8) - $seconds;
    $cookie->{value} = sealed('login', $plain);
    return $cookie->{name};
}

sub logins { return grep { $_->{name} =~ /login/ } $_[0]->cookies }

# A token endpoint that hangs takes its ten seconds beside the rest.
my $hung_client = $t->stranger;
my $hung_url = code_url($hung_client, begin($hung_client));
outage(mode => 'hang', paths => '^/oidc/token$', times => 1);
my $hung = $hung_client->begin('GET', $hung_url);
$t->wait_for(sub { !@{ $t->logto_control('faults')->{outages} } }, 10, 'it hangs');

subtest 'the request to Logto' => sub {
    my $c = $t->stranger;
    my $l = begin($c, '/x?y=1');
    my ($cookie) = $l->{answer}->set_cookies;

    like $l->{location}, qr{^\Q@{[ $t->logto_url('/oidc/auth?') ]}\E}, 'goes to its authorization endpoint';
    is $l->{response_type}, 'code', 'for a code';
    is $l->{redirect_uri}, AIGC::Client::escape($t->url('/sign-in-callback')), 'to our callback';
    is $l->{code_challenge_method}, 'S256', 'with PKCE';
    is length $l->{code_challenge}, 43, '… by a digest';
    like $l->{scope}, qr/openid.*offline_access/, 'and the scopes';
    is $l->{prompt}, 'consent', '… that need consent';
    cmp_ok length $l->{$_}, '>=', 32, "with a $_" for qw(state nonce);

    my $m = begin($c);
    isnt $l->{$_}, $m->{$_}, "another $_ each time" for qw(state nonce code_challenge);

    is_deeply { map { $_ => $cookie->{$_} } qw(name path httponly samesite max-age domain secure) },
        { name => $cookie->{name}, path => '/', httponly => 1, samesite => 'Lax', 'max-age' => 7200,
          domain => undef, secure => undef }, 'its secrets are a cookie of this host, for as long as Logto may take';
    like $cookie->{name}, qr/^aigc-login-[\w-]{22}$/, '… of this sign-in alone';
    unlike $cookie->{value}, qr/$l->{nonce}/, '… sealed';
    unlike $l->{state}, qr/\/x|%2Fx|x%3F/, 'and so is the page to return to, in the state';
    like $l->{answer}->header('Cache-Control'), qr/no-store/, 'which nobody keeps';
    is $t->stranger->post('/sign-in')->code, 405, 'POST is none';
};

subtest 'a good sign-in' => sub {
    my $c = $t->stranger;
    my $url = code_url($c, begin($c, '/x?y=1'));
    my $r = $c->browse($url);

    is $r->code, 302, 'ends in a redirect';
    is $r->location, $t->url('/x?y=1'), '… to where it was begun';
    my %set = map { $_->{name} => $_ } $r->set_cookies;
    is_deeply { map { $_ => $set{'aigc-session'}{$_} } qw(path httponly samesite domain max-age secure) },
        { path => '/', httponly => 1, samesite => 'Lax', domain => undef, 'max-age' => undef, secure => undef },
        'the session is a cookie of the gateway\'s host alone';
    is_deeply [ sort map { s/login-[\w-]{22}$/login/r } keys %set ], ['aigc-login', 'aigc-session'], '… and no other cookie is set';
    is_deeply [ map { $_->{'max-age'} } grep { $_->{name} =~ /login/ } values %set ], [0], 'the sign-in\'s own is gone';
    cmp_ok length $set{'aigc-session'}{value}, '<', 3800, 'it fits a header';
    is session_of($c), 'Alice', 'she is signed in';

    my $before = $t->logto_requests->{grants}{authorization_code} // 0;
    $r = $c->browse($url);
    is said($r) . ' ' . $r->location, '302 - 0 ' . $t->url('/x?y=1'), 'the same answer again leads on to that page';
    is session_of($c), 'Alice', '… and changes nothing';
    is $t->logto_requests->{grants}{authorization_code} // 0, $before, '… nor is its code sent again';
    $r = $c->browse('/sign-in-callback');
    is said($r) . ' ' . $r->location, '302 - 0 ' . $t->url('/'), 'a bare one leads to the front page';
    is $t->stranger->browse($url)->location =~ s/\?.*//r, $t->logto_url('/oidc/auth'), 'who is not signed in begins anew';
};

# She may leave sessions on hosts whose cookies the gateway cannot replace.
subtest 'another user in the same browser' => sub {
    my $inst = $t->sign_in('alice')->install('stable-diffusion-cpu')->wait_ready;
    my $there = sub {                   # at the instance, and at the gateway
        my ($instance, $gateway) = @_;
        return join ' ', $t->stranger->get($inst->url('/info'), headers => [Cookie => "aigc-instance=$instance"])->code,
            $t->stranger->get('/api/v1/me', headers => [Cookie => "aigc-session=$gateway"])->code;
    };
    my $signed_in = sub { my $c = $t->sign_in('alice'); return ($c->host_session($inst->url), $c->cookie('aigc-session')) };
    my $browser = sub {                 # unknown to Logto
        my ($gateway) = @_;
        my $c = $t->stranger;
        $c->set_cookie('aigc-session' => $gateway, domain => $t->host, only_host => 1);
        return $c;
    };
    my (@hers, @elsewhere) = $signed_in->();
    @elsewhere = $signed_in->();
    is $there->(@hers), '200 200', 'alice is signed in, and has entered her instance';

    my $c = $browser->($hers[1]);
    is $c->browse(code_url($c, begin($c), 'alice'))->code, 302, 'she signs in again';
    is $there->(@hers), '200 200', '… which ends nothing';

    $c = $browser->($hers[1]);
    my $url = code_url($c, begin($c), 'bob');
    is said($c->copy->browse($url =~ s/code=[^&]+/code=wrong/r)), '400 sign-in-failed 0', 'a sign-in that fails';
    is $there->(@hers), '200 200', '… ends nothing either';

    $c = $browser->($hers[1]);
    is said($c->browse(code_url($c, begin($c), 'bob'))), '302 - 1', 'bob signs in, in that browser';
    is session_of($c), 'Bob', '… and is';
    is $there->(@hers), '401 401', 'her session is over, at the instance as well';
    my $r = $t->stranger->browse($inst->url('/info'), headers => [Cookie => "aigc-instance=$hers[0]"]);
    like $r->location, qr{^\Q@{[ $t->origin ]}\E/sign-in\?rd=}, '… whose page leads to the sign-in';
    is $there->(@elsewhere), '200 200', '… and the one of her other browser is not';

    # one that has to be renewed: its user is known all the same
    my %one = (sid => 'session-that-was-alices0', start => time - 7200);
    my @late = ($seal->instance($inst->host, %one, sub => $inst->owner, exp => time + 600),
        $seal->session(%one, id_token => $t->forge(user => 'alice', claims => { exp => 'now-60', iat => 'now-3600' }), refresh_token => 'some'));
    $c = $browser->($late[1]);
    is $t->stranger->get($inst->url('/info'), headers => [Cookie => "aigc-instance=$late[0]"])->code, 200, 'of a session whose ID token has expired';
    is said($c->browse(code_url($c, begin($c), 'bob'))), '302 - 1', '… bob signs in over it';
    is $there->(@late), '401 401', '… which ends it, too';
};

subtest 'what is logged of it' => sub {
    my $c = $t->stranger;
    my $url = code_url($c, begin($c));
    is $c->browse($url =~ s{/sign-in-callback}{/logged-callback}r)->code, 302, 'an answer';
    $t->wait_for(sub { -s $t->file('nginx/line.log') }, 10, 'its line');        # written after the answer
    open my $f, '<', $t->file('nginx/line.log') or die $!;
    is join('', <$f>), "GET /logged-callback 302\n", '… is logged without code and state';
};

subtest 'answers that are none' => sub {
    my $c = $t->stranger;
    my $l = begin($c);
    my $good = code_url($c, $l);
    my $before = $t->logto_requests->{grants}{authorization_code} // 0;
    my $with = sub {
        my ($from, $to) = @_;
        (my $url = $good) =~ s/$from/$to/ or die;
        return said($c->browse($url));
    };
    my $o = begin($t->stranger);

    is $with->(qr/state=[^&]+/, 'state=x'), '400 sign-in-failed 0', 'a wrong state';
    my $begins = sub {
        my ($r, $what) = @_;
        is said($r), '302 - 0', $what;
        like $r->location, qr{^\Q@{[ $t->logto_url('/oidc/auth?') ]}\E}, '… begins anew';
        return $r;
    };
    (my $others = $good) =~ s/state=[^&]+/state=$o->{state}/;
    my $again = $begins->($c->copy->browse($others), 'another browser\'s state');
    is said($c->copy->browse($good =~ s/state=[^&]+/@{[ $again->location =~ m{(state=[^&]+)} ]}/r)), '400 sign-in-failed 0',
        '… once: a browser without cookies does not go round in circles';
    is $with->(qr/state=[^&]+/, 'state='), '400 sign-in-failed 0', 'an empty one';
    is $with->(qr/&?state=[^&]+/, ''), '400 sign-in-failed 0', 'none';
    is $with->(qr/state=[^&]+/, 'state=' . substr $l->{state}, 1), '400 sign-in-failed 0', 'a part of it';
    is $with->(qr/iss=[^&]+/, 'iss=https%3A%2F%2Fevil.example%2Foidc'), '400 sign-in-failed 0', 'another issuer';
    is $with->(qr/iss=[^&]+/, "$&iss=") , '400 sign-in-failed 0', 'an empty issuer' if $good =~ /(?=iss=)/;
    is $with->(qr/&?iss=[^&]+/, ''), '400 sign-in-failed 0', 'no issuer';
    is $with->(qr/code=[^&]+/, 'code='), '400 sign-in-failed 0', 'no code';
    $begins->($t->stranger->browse($good), 'in another browser');
    my $session = $c->copy;
    my ($own_login) = map { $_->{name} } logins($c);
    $session->set_cookie($own_login => $t->sign_in('bob')->cookie('aigc-session'), domain => $t->host, only_host => 1);
    $begins->($session->browse($good), 'a session in the place of the sign-in');
    my $mixed = $c->copy;
    my $other = $t->stranger;
    begin($other);
    $mixed->set_cookie($own_login => (logins($other))[0]{value}, domain => $t->host, only_host => 1);
    $begins->($mixed->browse($good), 'another sign-in\'s secrets in its place');
    my ($sealed_state) = $good =~ /state=([^&]+)/;
    is $with->(qr/state=[^&]+/, 'state=' . sealed($_, opened('state', $sealed_state))), '400 sign-in-failed 0', "a state sealed as a $_"
        for qw(login rd session gateway), 'ticket ' . $t->host, 'instance ' . $t->host;
    is $c->request('POST', $good)->code, 405, 'POST';
    my $mark = length $t->error_log;
    my $refused = sub { my $c = $c->copy; return $c->browse($good =~ s/code=[^&]+/error=$_[0]/r) };
    my $r = $refused->('access_denied');
    is said($r), '403 sign-in-cancelled 0', 'Logto\'s refusal';
    like $r->content, qr{<a class="first" id="sign-in" href="\Q@{[ $t->origin ]}\E/sign-in\?rd=}, '… with a way to begin again';
    is said($refused->('server_error')), '403 sign-in-refused 0', 'another error of Logto\'s';
    is said($refused->('X%0A2026%20[emerg]%20' . 'a' x 100)), '403 sign-in-refused 0', 'one that is none';
    is_deeply [ substr($t->error_log, $mark) =~ /ended a sign-in with the error (".*)/g ],
        ['"access_denied"', '"server_error"', '"??2026??emerg??' . 'a' x 33 . '"'], 'the log names them, bounded and in one line';
    $r = $t->stranger->browse('/sign-in-callback');
    is said($r), '403 sign-in-cancelled 0', 'a cancelled sign-in comes back bare';
    like $r->content, qr{id="sign-in" href="\Q@{[ $t->origin ]}\E/sign-in\?rd=%2F"}, '… with a way to begin again';
    is said($t->stranger->browse("/sign-in-callback?error=access_denied&iss=$iss&state=x")), '400 sign-in-failed 0',
        '… of a sign-in that was not begun';
    is +($t->logto_requests->{grants}{authorization_code} // 0) - $before, 1, 'Logto was asked for none of these, but for bob\'s';

    is $with->(qr/code=[^&]+/, 'code=wrong'), '400 sign-in-failed 0', 'a code that Logto refuses';
    my $thief = $c->copy;
    is $c->browse($good)->code, 302, 'after all that the good one is good';
    is said($thief->browse($good)), '400 sign-in-failed 0', '… once, whatever cookies are kept';

    # A code of another sign-in in this browser's: the verifier does not fit.
    my $victim = $t->stranger;
    my $attacker = $t->stranger;
    my ($stolen) = code_url($attacker, begin($attacker), 'bob') =~ /code=([^&]+)/;
    my $own = begin($victim);
    is said($victim->browse("/sign-in-callback?code=$stolen&state=$own->{state}&iss=$iss")),
        '400 sign-in-failed 0', 'a code of somebody else\'s sign-in';
};

subtest 'a token endpoint that fails' => sub {
    my $c = $t->stranger;
    my @case = (
        [{ mode => 'garbage' }, '502 sign-in-garbage 0'],
        [{ mode => 'empty' }, '502 sign-in-garbage 0'],
        [{ mode => 'truncated' }, '502 sign-in-garbage 0'],
        [{ mode => '500' }, '503 sign-in-unavailable 0'],
        [{ mode => 'html' }, '503 sign-in-unavailable 0'],
        [{ mode => 'refuse' }, '503 sign-in-unavailable 0'],
        map { [{ mode => 'answer', @$_ }, '502 sign-in-garbage 0'] }
            [body => '{}'], [body => '[]'], [body => '{"id_token":1}'], [body => '{"id_token":"x"}'],
            [body => '{"id_token":""}'], [body => '{"id_token":"' . 'x' x 70_000 . '"}'], [body => '<html>' . 'x' x 40_000],
            [body => '{"id_token":"a","id_token":"b"}'],
            (map { [body => '{"id_token":"' . $t->forge(user => 'alice', %$_) . '"}'] } {}, { claims => { nonce => 'another' } }),
            [status => 302, headers => { location => $t->logto_url('/_control/attacker/jwks') }],
            [status => 201, body => '{}'],
    );
    for (@case) {
        my ($order, $expect) = @$_;
        my $url = code_url($c, begin($c));
        # Refused on a connection that was open already, libcurl tries a new one.
        my $times = ($order->{mode} eq 'refuse') ? 2 : 1;
        outage(%$order, paths => '^/oidc/token$', times => $times);
        my $r = $c->browse($url);
        is said($r), $expect, join ' ', map { ref ? 'headers' : substr $_, 0, 30 } %$order;
        ok $r->header('Retry-After'), '… with Retry-After' if $r->code == 503;
        # what is left of it ("off" would let the request go that hangs)
        $t->plain('POST', $t->port(2), '/oidc/token')
            if grep { $_->{mode} eq 'refuse' } @{ $t->logto_control('faults')->{outages} };
    }
    is_deeply $t->logto_requests->{lured}, {}, 'no redirect was followed';
    is $c->browse(code_url($c, begin($c)))->code, 302, 'afterwards a sign-in succeeds';
};

subtest 'an ID token that is too large' => sub {
    my $mark = length $t->error_log;
    $t->logto_control('user', { user => 'bob', roles => [ map { "a-role-with-a-long-name-$_" } 1 .. 130 ] });
    my $c = $t->stranger;
    my $r = $c->browse(code_url($c, begin($c), 'bob'));
    is said($r), '500 session-too-large 0', 'is no session';
    like $r->problem->{detail}, qr/claims.*roles/, '… and the user learns why';
    like substr($t->error_log, $mark), qr/does not fit a cookie: the ID token has \d+ bytes/, '… and the administrator';
    $mark = length $t->error_log;
    $t->logto_control('user', { user => 'bob', roles => [ map { "a-role-with-a-long-name-$_" } 1 .. 900 ] });
    $c = $t->stranger;
    is said($c->browse(code_url($c, begin($c), 'bob'))), '500 session-too-large 0', 'nor is one that no token may be as large as';
    like substr($t->error_log, $mark), qr/Logto's ID token for a user has \d{5} bytes/, '… and the administrator learns it';
    $t->logto_control('user', { user => 'bob', roles => ['gwuser'] });
    is $t->sign_in('bob')->api('GET', '/api/v1/me')->code, 200, 'with fewer roles he is in';
};

subtest 'many at once' => sub {
    my $c = $t->stranger;
    $c->browse(code_url($c, begin($c)));            # Logto knows her from here on
    my @login = map { begin($c, "/tab$_") } 1 .. 8;
    is scalar(logins($c)), 8, 'eight sign-ins, a cookie each';
    is_deeply [ map { $c->browse(code_url($c, $_))->location } reverse @login ],
        [ map { $t->url("/tab$_") } reverse 1 .. 8 ], 'each returns to its own page, in any order';
    is scalar(logins($c)), 0, '… and leaves none behind';

    # A browser that restores its tabs: none knows of the others' cookies.
    my $tabs = $t->stranger;
    my @pending = map { $tabs->begin('GET', "/sign-in?rd=/tab$_", headers => [Accept => 'text/html'], cookies => 0) } 1 .. 5;
    my @tab = map { my $r = $_->response; $tabs->remember($r); { location => $r->location } } @pending;
    is scalar(logins($tabs)), 5, 'five that sign in at the same moment: a cookie each';
    is_deeply [ map { $tabs->browse(code_url($tabs, $_))->location } @tab ], [ map { $t->url("/tab$_") } 1 .. 5 ], '… and each returns to its page';

    my $two = $t->stranger;
    @login = map { begin($two, "/tab$_") } 1 .. 200;
    is scalar(logins($two)), 8, 'of two hundred unfinished ones eight are kept';
    my %known = map { opened('login', $_->{value}) =~ /^.{10}\0\x16(.{22})/s ? ($1 => 1) : () } logins($two);
    my @last = map { opened('state', $_->{state}) =~ /^.{10}\0\x16(.{22})/s } @login[-8 .. -1];
    is scalar(grep { $known{$_} } @last), 8, '… the last ones';
    is $two->browse(code_url($two, $login[-1]))->location, $t->url('/tab200'), 'the last one is good';
    is $two->browse(code_url($two, $login[0]))->location, $t->url('/tab1'), 'the first one leads to its page, for she is signed in';
    my $out = $t->stranger;
    @login = map { begin($out, "/tab$_") } 1 .. 9;
    my $r = $out->browse(code_url($out, $login[0]));
    like $r->location, qr{/oidc/auth\?}, 'who is not signed in begins anew, by itself';
    is $out->browse(code_url($out, { location => $r->location }))->location, $t->url('/tab1'), '… and reaches the page that was asked for';

    my $junk = $t->stranger;
    $junk->set_cookie("aigc-login-$_" => 'x', domain => $t->host, only_host => 1) for map { sprintf '%022d', $_ } 1 .. 30;
    begin($junk) for 1 .. 3;
    is scalar(logins($junk)), 3, 'what only looks like such a cookie goes first';

    my $more = $t->stranger;
    $more->set_cookie("aigc-login-$_" => 'x', domain => $t->host, only_host => 1) for map { sprintf '%022d', $_ } 1 .. 80;
    begin($more);
    is scalar(logins($more)), 80 - 16 + 1, 'sixteen of them go with one response';
    begin($more) for 1 .. 4;
    is scalar(logins($more)), 80 - 5 * 16 + 5, 'sixty-four that are junk are looked at, and no more: the rest goes with the next ones';
};

subtest 'a sign-in that takes its time' => sub {
    for (['eleven minutes', 660], ['two hours', 7190]) {
        my ($what, $seconds) = @$_;
        my $c = $t->stranger;
        my $url = code_url($c, begin($c, '/slow?x=1'));
        my $old = age_login($c, $seconds);
        my $r = $c->browse($url);
        like $r->location, qr{^\Q@{[ $t->logto_url('/oidc/auth?') ]}\E}, "$what at Logto: it begins anew by itself";
        is scalar(grep { $_->{name} eq $old } logins($c)), 0, '… the old one is gone';
        $r = $c->browse(code_url($c, { location => $r->location }));
        is $r->location, $t->url('/slow?x=1'), '… and ends at the page that was asked for';
    }
    my $c = $t->stranger;
    my $url = code_url($c, begin($c, '/slow'));
    age_login($c, 590);
    is $c->browse($url)->location, $t->url('/slow'), 'nine minutes are in time';

    $c = $t->stranger;
    $url = code_url($c, begin($c, '/later'));
    $c->drop_cookie($_->{name}) for logins($c);
    my $r = $c->browse($url);
    is $c->browse(code_url($c, { location => $r->location }))->location, $t->url('/later'), 'also when the cookie has gone meanwhile';
};

subtest 'long addresses' => sub {
    my $c = $t->stranger;
    my $host = 'instances0-cpu.' . $t->root . ':' . $t->port;
    my $long = sub { my ($n, $fill) = @_; $fill //= 'a'; my $u = "http://$host/x?q="; return $u . substr($fill x $n, 0, $n - length $u) };

    # Logto knows her after the first, the gateway does not
    for my $n (1000, 1024, 1025, 3000, 6000, 8192, 8400) {
        my $rd = $long->($n);
        $c->drop_cookie('aigc-session');
        my $l = begin($c, $rd);
        cmp_ok length $l->{location}, '<', 2500, "$n bytes: Logto gets a URL of " . length $l->{location};
        cmp_ok length $_->{line}, '<', 4000, '… a cookie fits' for $l->{answer}->set_cookies;
        my $dashboard = join '; ', map { "$_->{name}=$_->{value}" } grep { $_->{path} eq '/' } $c->cookies;
        cmp_ok length $dashboard, '<', 6000, '… other requests do not carry it';
        my $r = $c->browse(code_url($c, $l));
        is page($r), $rd, '… and it comes back whole';
        is $c->browse($r->location)->location, $rd, '… with a ticket that the instance\'s host can read';
        is $c->browse('/sign-in?rd=' . AIGC::Client::escape($rd))->location =~ s/&aigc_ticket=[\w-]+\z//r, $rd, '… as it does at once, now that she is signed in';
        is scalar(logins($c)), 0, '… nothing is left';
    }
    my $rd = $long->(8192, '%E4%BD%A0&,;"+');
    $c->drop_cookie('aigc-session');
    is page($c->browse(code_url($c, begin($c, $rd)))), $rd, 'whatever characters it has';

    $c->drop_cookie('aigc-session');
    my @three = map { begin($c, $long->(3000, $_)) } qw(a b c d);
    is_deeply [ map { page($c->browse(code_url($c, $_))) } @three ],
        ["http://$host/", map { $long->(3000, $_) } qw(b c d)], 'of many long ones at once the oldest ends at its front page';
    is scalar(logins($c)), 0, '… nothing is left';

    my $r = $c->browse('/sign-in?rd=' . AIGC::Client::escape($long->(9000)));
    is said($r), '200 rd-too-long 0', 'what is longer is no error: a page says so';
    is_deeply [ $r->set_cookies ], [], '… nothing is begun yet';
    like $r->content, qr{id="sign-in" href="\Q@{[ $t->origin ]}\E/sign-in\?rd=\Q@{[ AIGC::Client::escape("http://$host/") ]}\E"}, '… with a way in, to its front page';
    $r = $c->get('/sign-in?rd=' . AIGC::Client::escape($long->(9000)));
    is $r->code, 302, 'a program goes there at once';
    is page($r), "http://$host/", '… to the front page';
    $c->drop_cookie('aigc-session');
    $r = $c->get('/sign-in?rd=' . AIGC::Client::escape($long->(9000)));
    is page($c->browse(code_url($c, { location => $r->location }))), "http://$host/", '… or by Logto, when it has no session';

    my $part = $t->stranger;
    my $l = begin($part, $long->(5000));
    my ($a, $b) = grep { $_->{name} =~ /\.[01]$/ } $part->cookies;
    @$a{value} = $b->{value};
    is page($part->browse(code_url($part, $l))), "http://$host/", 'parts that do not fit together: the front page';

    my $other = $t->stranger;
    my ($one, $two) = map { begin($other, $long->(2000, $_)) } qw(y z);
    my ($p1, $p2) = grep { $_->{name} =~ /\.0$/ } $other->cookies;
    @$p1{value} = $p2->{value};
    is page($other->browse(code_url($other, $one))), "http://$host/", 'nor does another sign-in\'s page count';
};

subtest 'a sign-in in a part of a page' => sub {
    for my $dest (qw(iframe frame image script empty object)) {
        my $r = $t->stranger->get('/sign-in', headers => [Accept => 'text/html', 'Sec-Fetch-Dest' => $dest, 'Sec-Fetch-Mode' => 'navigate']);
        is said($r), '403 sign-in-framed 0', "for a $dest: none";
        is_deeply [ $r->set_cookies ], [], '… and no cookie';
    }
    is $t->stranger->get('/sign-in', headers => ['Sec-Fetch-Dest' => 'document'])->code, 302, 'for a window: one';
};

subtest 'where to go afterwards' => sub {
    my ($origin, $root, $port) = ($t->origin, $t->root, $t->port);
    my $c = $t->stranger;
    my @evil = (
        'http://evil.example', 'https://evil.example/', "http://evil.example:$port/", 'HTTP://EVIL.EXAMPLE/',
        "http://evil$root:$port/", "http://$root.evil.example:$port/", "http://x.$root.evil.example:$port/",
        "http://dashboard.$root:$port\@evil.example/", "http://x\@dashboard.$root:$port/", "http://\@evil.example/",
        "http://evil.example\\\@dashboard.$root:$port/", "http://dashboard.$root:$port\\\@evil.example/",
        "http://evil.example#.$root:$port/", "http://evil.example?.$root:$port/", "http://evil.example/.$root:$port",
        "http://evil.example\t.$root:$port/", "\thttp://evil.example", " http://evil.example", "http://dashboard.$root:$port \@evil.example",
        'javascript:alert(1)', 'JavaScript://%0aalert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd',
        'http:evil.example', 'http:/evil.example', 'http:///evil.example', 'http:\\\\evil.example', '\\\\evil.example',
        '/%5c/x%00'  =~ s/%00/\0/r, "/\t/evil.example", "/\n/evil.example", 'evil.example', '?x', '#x', '.', '..//evil.example',
        "/x\r\nSet-Cookie: a=b", "/x\nLocation: http://evil.example", "/x\0", "http://0x7f.1:$port/", "http://2130706433:$port/",
        "http://[::1]:$port/", "http://dashboard.$root:1/", "http://dashboard.$root/", "https://dashboard.$root:$port/",
        "http://dashboard.$root:0$port/", "http://dashboard..$root:$port/", "http://.$root:$port/", "http://%64ashboard.$root:$port/",
        "http://dashboard%2e$root:$port/", "http://\xe2\x93\x94.$root:$port/", "http://evil.example\xe3\x80\x82$root:$port/",
    );
    for my $rd (@evil) {
        my $r = $c->browse('/sign-in?rd=' . AIGC::Client::escape($rd));
        (my $shown = length $rd > 60 ? substr($rd, 0, 60) . '…' : $rd) =~ s/([^ -~])/sprintf '%%%02x', ord $1/ge;
        is said($r), '400 bad-rd 0', "refused: $shown";
    }
    is said($c->browse("/sign-in?rd=$_")), '400 bad-rd 0', "refused as it stands: $_"
        for '%', '%zz', '%00', '%2', 'http%3A%2F%2Fevil.example';

    my %good = (
        '/' => "$origin/", '/x/y?a=b&c=%20d' => "$origin/x/y?a=b&c=%20d", "$origin/x" => "$origin/x", $origin => "$origin/",
        "http://instances0-cpu.$root:$port/a?b=http://evil.example/" => "http://instances0-cpu.$root:$port/a?b=http://evil.example/",
        "HTTP://Dashboard.$root:$port/X" => "$origin/X", "$origin?x" => "$origin/?x", "$origin/x#frag" => "$origin/x",
        "http://$root:$port/" => "http://$root:$port/", '/%0d%0aSet-Cookie:x' => "$origin/%0d%0aSet-Cookie:x",
        '//evil.example/' => "$origin//evil.example/", '///evil.example' => "$origin///evil.example",
        '/\\evil.example' => "$origin/%5Cevil.example", '/\\/evil.example' => "$origin/%5C/evil.example", "$origin/x\\y?\\" => "$origin/x%5Cy?%5C",
        "/\xe4\xbd\xa0?q=\xe5\xa5\xbd x" => "$origin/%E4%BD%A0?q=%E5%A5%BD%20x", "$origin/ http://evil.example/" => "$origin/%20http://evil.example/",
        "/\xff\xfe" => "$origin/%FF%FE", '/' . 'a' x 2000 => "$origin/" . 'a' x 2000,
        '/@evil.example' => "$origin/\@evil.example", '/.evil.example' => "$origin/.evil.example", '/:80@x/' => "$origin/:80\@x/",
    );
    for my $rd (sort keys %good) {
        $c->drop_cookie('aigc-session');
        is page($c->browse(code_url($c, begin($c, $rd)))), $good{$rd}, "kept: $rd";
        next if index($good{$rd}, "$origin/") == 0;
        is page($c->browse('/sign-in?rd=' . AIGC::Client::escape($rd))), $good{$rd}, '… by who is signed in, too';
    }
    is $c->browse(code_url($c, begin($c)))->location, "$origin/", 'none: the dashboard';
    my $r = $c->browse('/sign-in?rd=/first&rd=http://evil.example');
    is $c->browse(code_url($c, { location => $r->location }))->location, "$origin/first", 'two: the first';
};

subtest 'signing out' => sub {
    my $c = $t->sign_in('alice');
    is $c->get('/sign-out')->code, 405, 'a link signs nobody out';
    is $c->browse('/sign-out')->header('Allow'), 'POST', '… and says what does';
    is $c->post('/sign-out', headers => [Origin => 'https://evil.example'])->code, 403, 'nor does another site';
    is session_of($c), 'Alice', 'she is still in';
    is $t->stranger->post('/sign-out', headers => [Origin => $t->origin])->code, 401, 'a stranger has nothing to sign out';

    my $revoked = sub { $t->logto_requests->{paths}{'/oidc/token/revocation'} // 0 };
    my $before = $revoked->();
    my $r = $c->post('/sign-out', headers => [Origin => $t->origin]);
    is $r->code, 303, 'the button does';
    like $r->location, qr{^\Q@{[ $t->logto_url('/oidc/session/end?') ]}\E.*post_logout_redirect_uri=\Q@{[
        AIGC::Client::escape($t->url('/')) ]}\E}, '… by way of Logto, and back';
    unlike $r->location, qr/eyJ|id_token/, '… with no token in the URL, which is logged and remembered';
    my %gone = map { $_->{name} => $_ } grep { $_->{'max-age'} eq '0' && $_->{value} eq '' } $r->set_cookies;
    is_deeply { map { $_ => $gone{$_}{domain} } keys %gone }, { 'aigc-session' => undef }, 'its cookie is cleared';
    is scalar(grep { length $_->{value} } $r->set_cookies), 0, '… and none is set';
    is session_of($c), 401, 'she is out';
    $t->wait_for(sub { $revoked->() == $before + 1 }, 5, 'the refresh token is revoked');
    is $revoked->() - $before, 1, 'her refresh token is revoked at Logto';

    outage(mode => '500', paths => 'revocation', times => 1);
    $c = $t->sign_in('alice');
    is $c->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'it does not wait for Logto';
    $t->wait_for(sub { $t->error_log =~ /did not revoke/ }, 5, 'the log says so');
    pass '… but the log says what failed';
};

is said($hung->response), '503 sign-in-unavailable 0', 'a token endpoint that hangs: no answer within its time';
outage(mode => 'off');

subtest 'Logto\'s keys' => sub {
    my $alice = $t->sign_in('alice');
    my $fetched = sub { $t->logto_requests->{paths}{'/oidc/jwks'} // 0 };

    for my $mode (qw(empty-jwks bad-jwks 500 html)) {
        outage(mode => $mode, paths => '^/oidc/jwks$', times => 1);
        my @old = $t->worker_pids;
        my $mark = length $t->error_log;
        $t->reload;                                 # the new worker 0 fetches at once
        $t->wait_for(sub { substr($t->error_log, $mark) =~ /JWKS at .* could not be used/ }, 10,
            'the gateway has looked at them');
        $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
        is session_of($alice), 'Alice', "$mode in the place of the keys replaces none";
    }
    outage(mode => 'off');

    $t->logto_control('rotate-keys', { mode => 'rotate' });
    my $bob = $t->sign_in('bob');
    is session_of($bob), 'Bob', 'a sign-in right after a rotation';
    is session_of($alice), 'Alice', 'sessions of before go on';

    # A reload fetches the keys at once, which the gateway else does at most
    # every five seconds.
    for my $alg (qw(ES256 ES512 RS256)) {
        $t->logto_control('rotate-keys', { mode => 'rotate', alg => $alg });
        my $before = $fetched->();
        $t->reload;
        $t->wait_for(sub { $fetched->() > $before }, 10, 'the keys have been fetched');
        my $c = $t->sign_in('carol');
        is session_of($c), 'Carol', "an ID token of $alg";
        my ($head) = split /\./, $t->forge;
        is $json->decode(MIME::Base64::decode_base64url($head))->{alg}, $alg, '… it is';
    }
    my @old = $t->worker_pids;
    $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    my $before = $fetched->();
    $t->reload;
    $t->wait_for(sub { $fetched->() > $before }, 10, 'the keys have been fetched');
    my $was = $alice->cookie('aigc-session');
    $t->wait_for(sub { session_of($alice); $alice->cookie('aigc-session') ne $was }, 10,
        'a token whose key has left the JWKS is good no more');
    is session_of($alice), 'Alice', 'her session goes on with a new one, of a key that is there';
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    $t->logto_control('suspend', { user => 'alice' });
    $t->reload;
    $t->wait_for(sub { session_of($alice) eq 401 }, 10, 'her key has left');
    is session_of($alice), 401, 'and ends with it when Logto gives none';
    $t->logto_control('unsuspend', { user => 'alice' });
};

subtest 'no role in any token' => sub {
    my $roles = sub { $t->status('/readyz')->json->{roles} };
    is $roles->(), 'present', 'ID tokens have roles';
    $t->logto_control(roles => { id_token => JSON::PP::false });
    my $mark = length $t->error_log;
    $t->sign_in('alice');
    is $roles->(), 'present', 'one without is no matter where others have them';

    $t->restart_nginx;
    is $roles->(), 'unknown', 'before the first sign-in nobody knows';
    is $t->sign_in($_)->api('GET', '/api/v1/me')->code, 200, 'without roles everybody gets in' for qw(alice bob carol);
    my @said = substr($t->error_log, $mark) =~ /(\[warn\].*no claim "roles", so nobody is "aigc-admin" here: .*)/g;
    is scalar(@said), 1, '… and the log says once that nobody is an administrator';
    is $roles->(), 'missing', '… as /readyz does';
    is $t->status('/readyz')->code, 200, '… which is ready all the same';
    $t->logto_control(roles => { id_token => JSON::PP::true });
    $t->sign_in('carol');
    is $roles->(), 'present', 'until one comes';
};

subtest 'with TLS' => sub {
    my $https = 'https://' . $t->host . ':' . $t->port(8);
    my $conf  = $t->conf;
    my ($session) = $conf =~ /aigc_session (.*?);/;
    $session =~ s/ secure=off//;
    local $t->{opt}{directives} = { aigc_session => $session, aigc_gateway => $https };
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');

    my $cookies = sub {
        my ($head) = @_;
        AIGC::Secrets::note($_, 'cookie') for $head =~ /^set-cookie: [^=]+=([^;\s]+)/img;
        return map { s/\r//r } $head =~ /^set-cookie: (.*)$/img;
    };
    my $curl = sub { my ($status, $text) = $t->stranger->curl(@_); return $text };

    my $head = $curl->('-D', '-', '-o', '/dev/null', "$https/sign-in");
    my %arg  = $head =~ /[?&](state|nonce)=([^&\s]+)/g;
    my ($login) = $cookies->($head);
    like $login, qr/^__Host-aigc-login-[\w-]{22}=[^;]+; Path=\/; Max-Age=7200; HttpOnly; Secure; SameSite=Lax$/, 'the sign-in\'s cookie';

    answer_token($t->forge(claims => { nonce => $arg{nonce} }));
    ($login) = split /;/, $login;
    $head = $curl->('-D', '-', '-o', '/dev/null', '-H', "Cookie: $login",
        "$https/sign-in-callback?code=x&state=$arg{state}&iss=$iss");
    like $head, qr/^location: \Q$https\E\/\r?$/mi, 'signs in';
    my %set = map { /^([^=]+)=/ ? ($1 => $_) : () } $cookies->($head);
    like $set{'__Host-aigc-session'}, qr/^[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/, 'the session\'s';
    is scalar(keys %set), 2, '… and no other';
    my ($name) = $login =~ /^([^=]+)/;
    like $set{$name}, qr/^\Q$name\E=; Path=\/; Max-Age=0;/, 'and the first is gone';
    my @parts = $cookies->($curl->('-D', '-', '-o', '/dev/null', "$https/sign-in?rd=/" . 'a' x 2000));
    is scalar(grep { m{^__Secure-aigc-login-[\w-]{22}\.0=[\w-]+; Path=/sign-in-callback; Max-Age=7200; HttpOnly; Secure; SameSite=Lax$} } @parts), 1,
        'a long address is a cookie of the callback\'s alone';

    my ($s) = split /;/, $set{'__Host-aigc-session'};
    my $me = sub { $curl->('-o', '/dev/null', '-w', '%{http_code}', '-H', "Cookie: $_[0]", "$https/api/v1/me") };
    is $me->($s), 200, 'with it she is in';
    my ($value) = $s =~ /=(.*)/;
    is $me->("$_=$value"), 401, "by the name $_, which any instance can set, she is not" for qw(aigc-session __Secure-aigc-session aigc_session __Host-aigc-instance);
    is $me->("aigc-session=x; aigc_session=$value; $s"), 200, '… and those beside it are no matter';

    # version 1.0's, which was bound by a cookie with the prefix
    my $old  = 'aigc_session=' . $seal->seal('session', $seal->open('gateway', $value));
    my $bind = $seal->bind($seal->parts($value)->{sid});
    AIGC::Secrets::note($bind, 'old bind');
    is $me->("$old; aigc-bind=$bind"), 401, 'an old one is none by a binding cookie that any instance can set';
    $head = $curl->('-D', '-', '-o', '/dev/null', '-H', "Cookie: $old; __Host-aigc-bind=$bind", "$https/api/v1/me");
    like $head, qr{^HTTP\S+ 200}, '… but by the one that was set';
    is_deeply [ map { s/^(__Host-aigc-session)=[\w-]+/$1=…/r } sort { $a cmp $b } $cookies->($head) ],
        ['__Host-aigc-bind=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax',
         '__Host-aigc-session=…; Path=/; HttpOnly; Secure; SameSite=Lax',
         'aigc_session=; Domain=' . $t->root . '; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax'], '… and replaced';

    # the same for the cookies of an instance's host
    my $page  = 'https://instances0-cpu.' . $t->root . ':' . $t->port(8) . '/x?y=1';
    my $nonce = 'nonce-nonce-nonce-0123';
    my $to    = "$https/sign-in?rd=" . AIGC::Client::escape($page) . '&nonce=' . encode_base64url(sha256($nonce));
    my $enter = sub {
        my ($cookie) = @_;
        my ($url) = $curl->('-D', '-', '-o', '/dev/null', '-H', "Cookie: $s", $to) =~ /^location: (\S+)/mi;
        AIGC::Secrets::note($url =~ /aigc_ticket=(.*)/, 'ticket');
        is $url =~ s/&aigc_ticket=[\w-]+$//r, $page, 'with a session, off to the page at once';
        return $curl->('-D', '-', '-o', '/dev/null', '-H', "Cookie: $cookie", $url);
    };
    $head = $enter->("__Host-aigc-nonce=$nonce");
    like $head, qr/^location: \Q$page\E\r?$/mi, '… whose host takes the ticket';
    my @set = $cookies->($head);
    is scalar(@set), 1, '… and sets one cookie';
    like $set[0], qr/^__Host-aigc-instance=[\w-]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/, '… of its own';
    # an ingress controller behind a load balancer that ends TLS says "http"
    my $sent = sub {
        my ($rd) = @_;
        my $head = $curl->('-D', '-', '-o', '/dev/null', '-H', "Cookie: $s", "$https/sign-in?rd=" . AIGC::Client::escape($rd));
        my ($code) = $head =~ /^HTTP\S+ (\d+)/;
        my ($url, $ticket) = $head =~ /^location: (\S+?)[?&]aigc_ticket=(\S+)/mi;
        AIGC::Secrets::note($ticket, 'ticket') if $ticket;
        return $url // $code;
    };
    is $sent->($page =~ s/^https:/http:/r), $page =~ s/\?.*//r . '?y=1', 'a page by http counts as the one by https';
    is $sent->('http://instances0-cpu.' . $t->root . '/x'), 400, '… but on another port it is another';
    is $sent->($page =~ s/^https:/http:/r =~ s/$_/evil.example/r), 400, '… and on another host' for quotemeta 'instances0-cpu.' . $t->root;

    for my $name (qw(aigc-nonce __Secure-aigc-nonce)) {
        $head = $enter->("$name=$nonce");
        like $head, qr/^HTTP\S+ 403/, "by the nonce of the name $name, which any instance can set, it takes none";
        is scalar(grep { /instance=/ } $cookies->($head)), 0, '… and sets nothing';
    }
};

subtest 'Logto away' => sub {
    outage(mode => 'refuse');
    $t->stop_nginx;
    $t->start_nginx;
    my $c = $t->stranger;
    $t->wait_for(sub { eval { $c->browse('/sign-in')->code } }, 10, 'nginx answers');
    my $r = $c->browse('/sign-in');
    is said($r), '503 sign-in-unavailable 0', 'from the start: nobody can sign in';
    ok $r->header('Retry-After'), '… but later';
    outage(mode => 'off');
    $t->wait_for(sub { $c->browse('/sign-in')->code == 302 }, 20, 'the gateway has found Logto');
    $t->wait_ready;
    is session_of($t->sign_in('alice')), 'Alice', 'it recovers by itself';
};

done_testing;
