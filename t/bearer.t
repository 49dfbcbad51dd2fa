# t/bearer.t — programs: an access token of Logto's opens API and instances, and
# who is refused is told why as RFC 6750 has it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64 encode_base64url);

my $audience = 'https://gateway.example/api';
my $t = AIGC::Stack->start(gateway => 'location = /guarded { auth_request /auth; try_files /favicon.svg =404; }');
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine = $alice->install('stable-diffusion-cpu')->wait_ready;
my $program = $t->stranger;

sub restart_with {      # another aigc_logto
    my ($text) = @_;
    my ($logto) = $t->conf =~ /aigc_logto (.*?);/;
    $t->{opt}{directives}{aigc_logto} = $logto =~ s{ (?:audience|scope)=\S+}{}gr . $text;
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
}

my %door = (
    instance => sub { $program->get($mine->url('/info'), headers => [@_]) },
    API      => sub { $program->get('/api/v1/me', headers => [@_]) },
    '/auth'  => sub { $program->get('/auth', headers => ['X-Original-URL' => $mine->url, @_]) },
    auth_request => sub { $program->get('/guarded', headers => ['X-Original-URL' => $mine->url, @_]) },
);
my @doors = sort keys %door;

sub challenge { return join ' | ', map { scalar $_[0]->headers($_) ? $_[0]->headers($_) : 'none' } 'WWW-Authenticate' }

my $plain = 'Bearer realm="aigc"';
sub invalid { return qq{$plain, error="$_[0]", error_description="$_[1]"} }

subtest 'without a token' => sub {
    for my $door (@doors) {
        for (['nothing'], ['Basic', 'Basic dXNlcjpwYXNz'], ['another scheme', 'Bearerx abc'], ['no scheme', $t->forge]) {
            my ($what, $value) = @$_;
            my $r = $door{$door}->(defined $value ? (Authorization => $value) : ());
            is $r->code . ' ' . challenge($r), "401 $plain", "$door: $what: a challenge without an error";
        }
    }
    my $r = $program->get('/api/v1/me?access_token=' . $t->forge);
    is $r->code . ' ' . challenge($r), "401 $plain", 'a token in the query is none';
    $r = $program->browse($mine->url);
    is $r->code . ' ' . challenge($r), '302 none', 'a navigation is sent to sign in, without a challenge';
    $r = $program->browse($mine->url, headers => [Authorization => 'Bearer x.y.z']);
    is $r->code . ' ' . challenge($r), '302 none', '… with a token that is none as well';
    $r = $program->post('/sign-out', headers => [Origin => $t->origin]);
    is $r->code . ' ' . challenge($r), "401 $plain", 'signing out';
    is challenge($bob->get($mine->url)), 'none', 'another user is no matter of a token';
    is challenge($program->get($mine->url, headers => [Authorization => 'Bearer ' . $t->forge(user => 'bob')])), 'none',
        '… nor by one';
};

subtest 'a token that is not good' => sub {
    my $good = $t->forge;
    my ($head, $claims, $signature) = split /\./, $good;
    my %bad = (
        'token expired'         => $t->forge(claims => { exp => 'now-60', iat => 'now-3600' }),
        'token not valid yet'   => $t->forge(claims => { nbf => 'now+3600' }),
        'wrong issuer'          => $t->forge(claims => { iss => 'https://evil.example/oidc"' }),
        'wrong audience'        => $t->forge(claims => { aud => "a\"\r\nSet-Cookie: x=y" }),
        'wrong signature'       => $t->forge(signature => 'flip'),
        'unknown signing key'   => $t->forge(key => 'unknown', header => { kid => 'x"y' }),
        'unusable subject'      => $t->forge(claims => { sub => '' }),
        'algorithm not allowed' => $t->forge(key => 'none'),
        'malformed token'       => 'sk-0123456789abcdef',
    );
    for my $why (sort keys %bad) {
        for my $door (@doors) {
            my $r = $door{$door}->(Authorization => "Bearer $bad{$why}");
            is $r->code . ' ' . challenge($r), '401 ' . invalid('invalid_token', $why), "$door: $why";
        }
    }
    is challenge($door{$_}->(Authorization => 'Bearer ' . 'a' x 9000)), invalid('invalid_token', 'malformed token'),
        "$_: larger than any token" for @doors;
    is $program->browse($mine->url, headers => [Authorization => "Bearer $bad{'token expired'}"])->code, 302,
        'a navigation goes to sign in';
    my $r = $alice->get($mine->url('/info'), headers => [Authorization => "Bearer $bad{'token expired'}"]);
    is $r->code, 200, 'beside a session it is the application\'s';
};

subtest 'a revoked token' => sub {
    my $token = $t->forge(user => 'user01', claims => { iat => 'now-10' });
    is $door{API}->(Authorization => "Bearer $token")->code, 200, 'it is good';
    my $r = $program->post('/backchannel-logout', body => 'logout_token=' . $t->forge(type => 'logout', user => 'user01',
        drop => ['claims.sid']), headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
    is $r->code, 200, 'all of his sessions end';
    for my $again (1, 2) {
        $r = $door{API}->(Authorization => "Bearer $token");
        is $r->code . ' ' . challenge($r), '401 ' . invalid('invalid_token', 'token revoked'), 'it is not, and that is said';
    }
    $token = $t->forge(user => 'user01', claims => { iat => 'now-9' });
    is challenge($door{API}->(Authorization => "Bearer $token")), invalid('invalid_token', 'token revoked'),
        '… of one that was never shown, too';
};

subtest 'a request that is none' => sub {
    my $good = $t->forge;
    my %malformed = ('no token' => 'Bearer', 'a blank in it' => "Bearer $good x", 'a comma' => 'Bearer a,b',
        'quotes' => 'Bearer "x"', 'padding in the middle' => 'Bearer a=b', 'padding alone' => 'Bearer ==',
        'an umlaut' => "Bearer \xc3\xa4", 'a tab' => "Bearer a\tb", 'a parameter' => 'Bearer token="x"');
    for my $what (sort keys %malformed) {
        my $r = $door{API}->(Authorization => $malformed{$what});
        is join(' ', $r->code, $r->problem->{code}, challenge($r)), '400 bad-authorization '
            . invalid('invalid_request', 'malformed Authorization header'), "API: $what";
        for my $door (grep { $_ ne 'API' } @doors) {
            $r = $door{$door}->(Authorization => $malformed{$what});
            is $r->code . ' ' . challenge($r), '401 ' . invalid('invalid_token', 'malformed Authorization header'),
                "$door: $what: it may have been the application's own";
        }
    }
    is challenge($door{API}->(Authorization => "Bearer $_")), invalid('invalid_token', 'malformed token'), "\"$_\" could be one"
        for 'a', 'A-z0.9_~+/', 'abc==';

    for my $token ($good, 'x') {
        my $r = $program->get('/api/v1/me?a=b&access_token=y', headers => [Authorization => "Bearer $token"]);
        is join(' ', $r->code, challenge($r)), '400 ' . invalid('invalid_request', 'token in header and query'), 'two ways at once';
    }
    is $program->get($mine->url('/info?access_token=y'), headers => [Authorization => "Bearer $good"])->code, 200,
        'an instance\'s query is its own';
    is $alice->api('GET', '/api/v1/me?access_token=y', undef, headers => [Authorization => 'Bearer =='])->code, 200,
        'with a session neither is looked at';
    is $program->get('/api/v1/me', headers => [Authorization => 'Bearer x', Authorization => 'Bearer y'])->code, 400,
        'two headers are refused';
};

subtest 'administrators only' => sub {
    my $call = sub { $program->post('/api/v1/admin/adopt', headers => [Authorization => "Bearer $_[0]"]) };
    my $r = $call->($t->forge);
    is join(' ', $r->code, $r->problem->{code}, challenge($r)), '403 not-admin '
        . invalid('insufficient_scope', 'administrators only'), 'a token of somebody else';
    isnt $call->($t->forge(user => 'carol'))->code, 403, 'an administrator\'s';
    $r = $alice->api('POST', '/api/v1/admin/adopt');
    is $r->code . ' ' . challenge($r), '403 none', 'a session\'s refusal is no matter of a token';
};

# As a program gets one: for a resource, with a code (RFC 6749, RFC 8707).
sub access_token {
    my ($user) = @_;
    my $read = sub { open my $f, '<', $t->file("logto/$_[0]") or die $!; my $l = <$f>; chomp $l; $l };
    my ($id, $secret, $verifier) = ($read->('app_id'), $read->('app_secret'), 'v' x 50);
    my $form = sub { my %f = @_; join '&', map { "$_=" . AIGC::Client::escape($f{$_}) } sort keys %f };
    my $c = AIGC::Client->new(stack => $t, user => $user);
    my $end = $c->sign_in(from => $t->logto_url('/oidc/auth?') . $form->(client_id => $id, response_type => 'code',
        redirect_uri => $t->url('/sign-in-callback'), scope => 'openid aigc', resource => $audience, state => 'x',
        code_challenge => encode_base64url(sha256($verifier)), code_challenge_method => 'S256'));
    my ($code) = $end->url =~ /[?&]code=([^&]+)/ or die 'no code at ' . $end->url;
    my $r = $program->post($t->logto_url('/oidc/token'), body => $form->(grant_type => 'authorization_code', code => $code,
        redirect_uri => $t->url('/sign-in-callback'), code_verifier => $verifier, resource => $audience),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded',
            Authorization => 'Basic ' . encode_base64("$id:$secret", '')]);
    my $token = $r->json->{access_token} or die $r->content;
    AIGC::Secrets::note($token, 'access token');
    return $token;
}

subtest 'an access token' => sub {
    my ($token, $bobs) = map { access_token($_) } qw(alice bob);
    my ($head) = map { MIME::Base64::decode_base64url($_) } split /\./, $token;
    like $head, qr/"typ":"at\+jwt"/, 'of Logto\'s own making';
    is challenge($door{$_}->(Authorization => "Bearer $token")), invalid('invalid_token', 'wrong audience'),
        "$_: not for this gateway, unless it is configured" for @doors;

    restart_with(" audience=$audience");
    is $door{$_}->(Authorization => "Bearer $token")->code, 200, "$_: with audience= it opens" for @doors;
    is $door{API}->(Authorization => "Bearer $token")->json->{user}, $mine->owner, '… as its user';
    my $r = $program->get($mine->url('/headers'), headers => [Authorization => "Bearer $token"]);
    unlike $r->content, qr/\Q$token\E/, '… and the pod does not see it';
    is $door{instance}->(Authorization => "Bearer $bobs")->code, 403, 'another user\'s does not';
    is $program->websocket($mine->url('/ws'), headers => [Authorization => "Bearer $token"])->code, 101, 'a WebSocket';
    is $program->post($mine->path . '/start', headers => [Authorization => "Bearer $token"])->code, 200,
        'a write of the API, which needs no Origin';
    is challenge($door{$_}->(Authorization => 'Bearer ' . $t->forge)), invalid('invalid_token', 'wrong audience'),
        "$_: an ID token is none then" for @doors;
    is challenge($door{API}->(Authorization => 'Bearer ' . 'o' x 43)), invalid('invalid_token', 'malformed token'),
        'an opaque one is none';
    is $alice->get($mine->url)->code, 200, 'sessions go on: theirs is the application\'s audience';

    restart_with('');
    is $door{API}->(Authorization => "Bearer $token")->code, 401, 'what was good for another audience is forgotten with it';
};

# As a machine gets one (RFC 6749 4.4), of Logto's own making.
sub machine_token {
    my ($app) = @_;
    my ($id, $secret) = map { open my $f, '<', $t->file("logto/${app}_app_$_") or die $!; my $l = <$f>; chomp $l; $l } qw(id secret);
    my $r = $program->post($t->logto_url('/oidc/token'), body => 'grant_type=client_credentials&scope=aigc&resource=' . AIGC::Client::escape($audience),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded', Authorization => 'Basic ' . encode_base64("$id:$secret", '')]);
    my $token = $r->json->{access_token} or die $r->content;
    AIGC::Secrets::note($token, 'access token');
    return $token;
}

subtest 'scopes' => sub {
    my $needs = sub { qq{$plain, error="insufficient_scope", error_description="the token lacks a scope", scope="$_[0]"} };
    my $with = sub { $t->forge(type => 'access', @_) };

    restart_with(" audience=$audience");

    # Any application of the same Logto gets a token for this resource.
    my $machine = machine_token('m2m_norole');
    my $r = $program->post('/api/v1/templates/default/stable-diffusion-cpu/install', headers => [Authorization => "Bearer $machine"]);
    is join(' ', $r->code, ($r->problem // {})->{code} // '-', challenge($r)), '403 insufficient-scope ' . $needs->('aigc'), 'a machine without a role installs nothing';
    $t->logto_control(user => { user => 'alice', roles => [] });
    my $hers = access_token('alice');
    $t->logto_control(user => { user => 'alice', roles => ['gwuser'] });
    my %none = ('a user without a role' => $hers, 'a third party' => $with->(claims => { scope => 'openid profile', client_id => 'third000000000party00' }),
        'no scope' => $with->(drop => ['claims.scope']), 'an empty one' => $with->(claims => { scope => '' }), 'a list' => $with->(claims => { scope => ['aigc'] }),
        'null' => $with->(claims => { scope => undef }), 'a part' => $with->(claims => { scope => 'aig aigcx xaigc' }), 'capitals' => $with->(claims => { scope => 'AIGC' }),
        'a tab between' => $with->(claims => { scope => "x\taigc" }));
    for my $what (sort keys %none) {
        for my $door (@doors) {
            my $r = $door{$door}->(Authorization => "Bearer $none{$what}");
            is join(' ', $r->code, challenge($r)), '403 ' . ($door eq 'auth_request' ? challenge($r) : $needs->('aigc')), "$door: $what";
        }
    }
    is $door{API}->(Authorization => 'Bearer ' . $with->(claims => { scope => $_ }))->code, 200, "scope \"$_\"" for 'aigc', 'openid aigc use', ' aigc ';
    is $door{instance}->(Authorization => "Bearer $hers")->code, 403, 'what was refused once is refused again';

    # With the scope, a machine is still nobody who could own anything.
    $t->logto_control(app => { app => 'm2mNoRole', scope => 'aigc' });
    $machine = machine_token('m2m_norole');
    for my $call (['POST', '/api/v1/templates/default/stable-diffusion-cpu/install'], ['GET', '/api/v1/me'], ['GET', '/api/v1/instances'], ['GET', '/api/v1/events']) {
        $r = $program->request(@$call, headers => [Authorization => "Bearer $machine"]);
        is join(' ', $r->code, ($r->problem // {})->{code} // '-', challenge($r)), '403 no-user none', "a machine with a role: @$call: it is no user";
    }
    is $door{$_}->(Authorization => "Bearer $machine")->code, 403, "$_: nor there" for @doors;
    $r = $program->get('/api/v1/me?access_token=y', headers => [Authorization => "Bearer $machine"]);
    is join(' ', $r->code, challenge($r)), '400 ' . invalid('invalid_request', 'token in header and query'), '… two ways at once, as anybody\'s';
    $t->logto_control(app => { app => 'm2mNoRole', scope => undef });

    restart_with(" audience=$audience scope=use");
    is $door{API}->(Authorization => 'Bearer ' . $with->(claims => { scope => 'use' }))->code, 200, 'another scope, as configured';
    $r = $door{API}->(Authorization => 'Bearer ' . $with->());
    is $r->code . ' ' . challenge($r), '403 ' . $needs->('use'), '… and none but that';

    my $known = $with->(claims => { scope => '' });
    restart_with(" audience=$audience scope=off");
    is $door{API}->(Authorization => "Bearer $known")->code, 200, 'scope=off: any application\'s';
    like $t->error_log, qr/\[warn\].*scope=off: every application of this Logto/, '… which the log says';
    is $door{API}->(Authorization => 'Bearer ' . machine_token('m2m_norole'))->problem->{code}, 'no-user', '… but no machine\'s';
    restart_with(" audience=$audience");
    is $door{API}->(Authorization => "Bearer $known")->code, 403, 'what was good without a scope is forgotten with that';
    restart_with('');
};

done_testing;
