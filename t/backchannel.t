# t/backchannel.t — a session that ends at Logto ends here: a genuine logout
# token signs out, anything else does not

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::HTTP;
use AIGC::Test;

use Digest::SHA qw(sha256);
use MIME::Base64 qw(decode_base64url);

my $t = AIGC::Stack->start(workers => 2);
my $other = $t->second_nginx;               # its port

my $inst = $t->sign_in('alice')->install('stable-diffusion-cpu')->wait_ready;

# What the gateway says to whom, and an instance's host, where everybody has a
# session of that host: 200, or 403 to who is in and not the owner.
sub me {
    my ($c, $port) = @_;
    $port //= $t->port;
    my $there = $c->get($inst->url =~ s/:\d+/:$port/r)->code =~ s/403/200/r;
    my $here  = $c->get("http://@{[ $t->host ]}:$port/api/v1/me")->code;
    return $here eq $there ? $here : "gateway $here, instance $there";
}

sub sign_in {               # and has a session of both hosts
    my ($user) = @_;
    my $c = $t->sign_in($user);
    me($c) eq 200 or die "$user: " . me($c);
    $c->host_cookie('aigc-instance', $inst->host) or die "$user has no session of the instance's host";
    return $c;
}

sub soon_out {              # on both gateways
    my ($c) = @_;
    return eval { $t->wait_for(sub { me($c) eq 401 && me($c, $other) eq 401 }, 5, 'she is out') };
}

my $form = 'application/x-www-form-urlencoded';

# Posts a logout token (or any body) as Logto would.
sub send_body {
    my ($body, %o) = @_;
    return $t->stranger->post('/backchannel-logout', body => $body, %o,
        headers => ['Content-Type' => $o{type} // $form]);
}

sub send_token { my ($token, %o) = @_; return send_body("logout_token=$token", %o) }

sub forge { return $t->forge(type => 'logout', @_) }

# The time after which a session begins that a revocation of now does not meet.
sub next_second { my $s = time; $t->wait_for(sub { time > $s }, 3, 'the next second') }

subtest 'signing out at Logto' => sub {
    my $alice = sign_in('alice');
    my $thief = $alice->copy;
    my $bob = sign_in('bob');
    my $laptop = sign_in('alice');

    # Logto's own page, as another application would send her there.
    my $r = $alice->get($t->logto_url('/oidc/session/end'));
    my $f = AIGC::Client::form($r) // die $r->status_line;
    $f->{fields}{logout} = 'yes';           # what its script adds
    $alice->submit($f);
    ok soon_out($thief), 'ends the session on both gateways, for a copied cookie, too';
    is me($laptop), 200, 'and no other of hers';
    is me($bob, $other), 200, '… nor anybody else\'s';
    is me(sign_in('alice')), 200, 'she can sign in again';
};

subtest 'all of a user' => sub {
    my ($one, $two) = map { sign_in('alice') } 1 .. 2;
    my $bob = sign_in('bob');
    my $program = $t->forge(user => 'alice');
    my @bearer = (headers => [Authorization => "Bearer $program"]);
    is $t->stranger->get('/api/v1/me', @bearer)->code, 200, 'a program of hers is in';

    my $r = send_token(forge(drop => ['claims.sid']));
    is $r->code, 200, 'a logout token without sid';
    like $r->header('Cache-Control'), qr/no-store/, '… whose answer nobody keeps';
    is me($_), 401, 'ends every session of hers at once' for $one, $two;
    ok soon_out($_), '… on the other gateway, too' for $one, $two;
    is $t->stranger->get('/api/v1/me', @bearer)->code, 401, 'and tokens that she got before';
    is me($bob, $other), 200, 'nobody else\'s';
    next_second();
    is me(sign_in('alice')), 200, 'a later sign-in is one';
};

subtest 'the same token again' => sub {
    my $token = forge(claims => { iat => 'now-60' }, drop => ['claims.sid']);
    is send_token($token)->code, 200, 'a token of a minute ago';
    my $alice = sign_in('alice');
    is me($alice), 200, '… does not end what began since';
    is send_token($token)->code, 200, 'nor does it the second time';
    is me($alice), 200, '… she stays in';
};

subtest 'as Logto writes them' => sub {
    for my $like ('1.41', '1.42') {
        $t->logto_control('like', { version => $like });
        next_second();
        my $alice = sign_in('alice');
        my $sent = $t->logto_control('backchannel', { user => 'alice' })->{deliveries};
        is join(' ', keys %{{ map { $_->{status} => 1 } @$sent }}), 200, "$like: taken";
        ok soon_out($alice), "$like: she is out";
    }
    $t->logto_control('like', { version => '1.41' });
    is send_token(forge(header => { typ => $_ }))->code, 200, "typ $_" for 'JWT', 'LOGOUT+JWT', 'application/logout+jwt';
    is send_token(forge(drop => ['header.typ']))->code, 200, 'no typ';
    is send_token(forge(claims => { sub => undef }, drop => ['claims.sub']))->code, 200, 'a sid alone';
    is send_token(forge(), type => "$form; charset=utf-8")->code, 200, 'a charset';
    is send_body('a=b&logout_token=' . forge() . '&c=d')->code, 200, 'other fields beside it';
    is $t->stranger->request('POST', '/backchannel-logout', body => [ 'logout_', 'token=', forge() ],
        headers => ['Content-Type' => $form])->code, 200, 'in chunks';
};

subtest 'what is none' => sub {
    next_second();
    my $alice = sign_in('alice');
    my @bad = (
        ['another key', key => 'attacker'],
        ['no signature', key => 'none'],
        ['an HMAC by the public key', key => 'hmac-public-key'],
        ['one bit of the signature', signature => 'flip'],
        ['an empty signature', signature => 'empty'],
        ['another issuer', claims => { iss => 'https://evil.example/oidc' }],
        ['another audience', claims => { aud => 'another' }],
        ['no audience', drop => ['claims.aud']],
        ['no iat', drop => ['claims.iat']],
        ['an old iat', claims => { iat => 'now-300' }],
        ['an iat to come', claims => { iat => 'now+300' }],
        ['expired', claims => { exp => 'now-60' }],
        ['an nbf to come', claims => { nbf => 'now+300' }],
        ['no jti', drop => ['claims.jti']],
        ['no events', drop => ['claims.events']],
        ['events of another kind', claims => { events => { 'http://schemas.openid.net/event/other' => {} } }],
        ['an event that is no object', claims => { events => { 'http://schemas.openid.net/event/backchannel-logout' => 1 } }],
        ['events in an array', claims => { events => ['http://schemas.openid.net/event/backchannel-logout'] }],
        ['a nonce', claims => { nonce => 'n' }],
        ['an empty nonce', claims => { nonce => '' }],
        ['neither sub nor sid', drop => ['claims.sub', 'claims.sid']],
        ['an empty sub', claims => { sub => '' }, drop => ['claims.sid']],
        ['a sub with a control character', claims => { sub => "a\nb" }],
        ['a sid that is too long', claims => { sid => 'x' x 200 }, drop => []],
        ['a sid that is a number', claims => { sid => 1 }, drop => []],
        ['an access token\'s typ', header => { typ => 'at+jwt' }],
        ['a typ as long as the right one', header => { typ => 'logout-jwt' }],
        ['crit', header => { crit => ['exp'] }],
    );
    for (@bad) {
        my ($what, %order) = @$_;
        my $r = send_token(forge(drop => ['claims.sid'], %order));
        is $r->code . ' ' . ($r->problem // {})->{code}, '400 bad-logout-token', $what;
        like $r->header('Cache-Control'), qr/no-store/, '… no-store' if $what eq 'no jti';
    }
    is send_token($t->forge(user => 'alice'))->code, 400, 'an ID token';
    is send_token('x')->code, 400, 'a word';
    is send_token('')->code, 400, 'nothing';
    is send_body('')->code, 400, 'no body';
    is send_body('token=' . forge())->code, 400, 'another field';
    is send_body('logout_token=' . forge() . '&logout_token=' . forge())->code, 400, 'two tokens';
    is send_token(forge(), type => 'application/json')->code, 400, 'another content type';
    is send_body('logout_token=%zz')->code, 400, 'a wrong escape';
    is $t->stranger->post('/backchannel-logout', body => 'logout_token=' . forge())->code, 400, 'no content type';
    is $t->stranger->get('/backchannel-logout')->code, 405, 'GET';
    is $t->stranger->get('/backchannel-logout')->header('Allow'), 'POST', '… and what it takes';
    is send_token('x' x 9000)->code, 400, 'a token over its bound';
    is send_body('logout_token=' . 'x' x 16_400)->code, 413, 'a body over its bound';
    is send_body([ map { 'x' x 1000 } 1 .. 20 ])->code, 413, '… in chunks';
    is me($alice), 200, 'after all that she is in';
};

subtest 'a logout token as something else' => sub {
    my $r = $t->stranger->get('/api/v1/me', headers => [Authorization => 'Bearer ' . forge(claims => { exp => 'now+60' })]);
    is $r->code, 401, 'it signs nobody in';
};

# Each wrong signature costs a verification: after twenty at once none is looked at.  In
# one write, so that a slow machine is not slow enough for the limit to be over.
subtest 'a flood of forged ones' => sub {
    next_second();
    my $alice = sign_in('alice');
    my ($forged, $genuine) = (forge(key => 'attacker'), forge(drop => ['claims.sid']));
    my $conn = AIGC::HTTP->connect('127.0.0.1', $t->port);
    $conn->send(join '', map { join "\r\n", 'POST /backchannel-logout HTTP/1.1', 'Host: ' . $t->host, "Content-Type: $form",
        'Content-Length: ' . length("logout_token=$_"), '', "logout_token=$_" } ($forged) x 60, $genuine);
    my @codes = map { $conn->response(method => 'POST', url => 'raw')->code } 0 .. 60;
    $conn->close;
    my ($refused, $deferred) = map { my $code = $_; scalar grep { $_ == $code } @codes } 400, 503;
    cmp_ok $refused, '>=', 20, 'twenty are looked at';
    cmp_ok $deferred, '>=', 10, '… most others are not' or diag "@codes";
    is $refused + $deferred + ($codes[60] == 200), 61, '… and Logto is told to come again';

    $t->wait_for(sub { send_token($genuine)->code == 200 }, 5, 'the genuine one') unless $codes[60] == 200;
    is me($alice), 401, 'the genuine one counts, if later';
};

subtest 'a key that the gateway has not seen' => sub {
    next_second();
    my $alice = sign_in('alice');
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    is send_token(forge(drop => ['claims.sid']), timeout => 15)->code, 200, 'is fetched while the token waits';
    is me($alice), 401, '… and she is out';
    is send_token(forge(key => 'unknown'), timeout => 15)->code, 400, 'one that Logto never had is none';
};

done_testing;
