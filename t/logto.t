# t/logto.t — Logto's stand-in answers like a real Logto, and its switches work
#
# Shapes (status, headers, keys, types, claims) are held against answers recorded from Logto
# 1.41, in t/logto/answers.json; known differences are listed below, nothing else may differ.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use FindBin qw($Bin);
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);
use Test::More;
use Time::HiRes qw(sleep time);

use lib "$Bin/logto";
use Trial;

plan skip_all => 'no node in PATH' if system('node --version >/dev/null 2>&1');
plan skip_all => 'no t/logto/node_modules: run "npm ci" in t/logto'
    unless -d "$logto/node_modules/oidc-provider";

# what differs from the recorded answers, and why
%differs = (
    'openid-configuration/grant_types_supported' => 'no implicit, no token exchange',
    'openid-configuration/token_endpoint_auth_signing_alg_values_supported' => 'never used',
);

start();
receive();

subtest 'files' => sub {
    is sprintf('%o', (stat "$dir/state/$_")[2] & 0777), '600', "$_ is private"
        for qw(app_secret m2m_app_secret webhook_key users.json state.json access.log);
    my $users = decode_json(slurp("$dir/state/users.json"));
    is keys %$users, 53, 'alice, bob, carol and 50 for load';
    is_deeply $users->{alice}, { id => 'alice0000000', password => 'alice-pass', roles => ['gwuser'] },
        'alice';
    is_deeply $users->{carol}{roles}, ['aigc-admin'], 'carol is an administrator';
};

subtest 'discovery and keys' => sub {
    same_shape(request($ua, GET => '/oidc/.well-known/openid-configuration')->{json},
        answer('openid-configuration'), 'openid-configuration');
    my $r = request($ua, GET => '/oidc/jwks');
    same_shape($r->{json}, answer('jwks'), 'jwks');
    my $want = answer('jwks-response-headers');
    is_deeply [ grep { !exists $r->{headers}{$_} } grep { $_ ne 'etag' } sort keys %$want ], [],
        'no header of the recorded ones is missing (but etag)';
    is $r->{headers}{$_}, $want->{$_}, $_ for qw(content-type cache-control);
};

my ($alice, $b);

subtest 'sign-in and tokens' => sub {
    $b = browser();
    my $r = request($b, GET => auth_url());
    is $r->{status}, 303, 'auth redirects';
    is $r->{headers}{location}, "/sign-in?app_id=$app{id}", 'to the form';
    my $form = follow($b, $r);

    $r = submit($b, $form, 'alice', 'wrong');
    is $r->{status}, 422, 'a wrong password is 422';
    like $r->{content}, qr/Incorrect account or password.*name="password"/s, 'with a message and the form';
    is submit($b, $form, 'nobody')->{status}, 422, 'so is an unknown user';

    $r = submit($b, $form, 'alice');
    is $r->{status}, 303, 'the right one goes on';
    $r = request($b, GET => $r->{headers}{location});
    is "$r->{status} $r->{headers}{location}", "303 /consent?app_id=$app{id}", 'to consent';
    $r = request($b, GET => $r->{headers}{location});
    is $r->{status}, 302, 'which is automatic';
    $r = request($b, GET => $r->{headers}{location});
    like $r->{headers}{location}, qr/^\Q$cb\E\?code=[\w-]{43}&state=s&iss=http%3A%2F%2F127/,
        'and back with code, state and iss';

    $r = redeem(code_of($r));
    as_recorded($r, 'token-authorization_code');
    $alice = $r->{json};
    my ($header, $claims) = jwt($alice->{id_token});
    is $claims->{sub}, 'alice0000000', 'the ID token is hers';
    is $claims->{exp} - $claims->{iat}, 3600, 'for an hour';
    ok abs($claims->{updated_at} / 1000 - time) < 60, 'updated_at is in milliseconds';
    is length $claims->{sid}, 21, 'sid';

    my $nonce = sign_in('alice', browser => $b, nonce => 'n-123', max_age => 600);
    same_shape({ claims => (jwt($nonce->{id_token}))[1] },
        { claims => answer('id-token-with-nonce-max_age')->{claims} }, 'id-token-with-nonce-max_age');
    same_shape({ claims => (jwt(refresh($nonce->{refresh_token})->{json}{id_token}))[1] },
        { claims => answer('id-token-from-refresh')->{claims} }, 'id-token-from-refresh');

    (my $short = $scope) =~ s/ offline_access//;
    as_recorded(redeem(code_for('alice', browser(), prompt => undef)),
        'token-authorization_code-offline_access-without-prompt-consent');
    as_recorded(redeem(code_for('alice', browser(), prompt => undef,
        scope => 'openid profile email custom_data')), 'token-authorization_code-without-offline_access');
    as_recorded(redeem(code_for('alice', browser(), code_challenge => undef,
        code_challenge_method => undef), code_verifier => ''), 'token-authorization_code-without-pkce');

    my %resource = (resource => 'https://gateway.example/api', scope => "$scope use");
    $r = redeem(code_for('alice', browser(), %resource), resource => $resource{resource});
    as_recorded($r, 'token-authorization_code-resource');
    same_shape((jwt($r->{json}{access_token}))[1], answer('access-token-resource')->{claims},
        'access-token-resource');
    $r = redeem(code_for('alice', browser(), %resource));
    as_recorded($r, 'token-authorization_code-with-granted-resource');
    as_recorded(refresh($r->{json}{refresh_token}, resource => $resource{resource}),
        'token-refresh_token-resource');
};

# What a token for an API resource is worth is its scope: anybody gets one.
subtest 'API resources' => sub {
    my $uri = 'https://gateway.example/api';
    my $scope_of = sub { my $token = $_[0]{json}{access_token} // return 'none'; my $c = (jwt($token))[1]; return $c->{scope} // '' };
    my %ask = (resource => $uri, scope => 'openid aigc');
    my $user = sub { redeem(code_for($_[0], browser(), %ask), resource => $uri) };

    is $scope_of->($user->('bob')), 'aigc', 'a user with a role gets its scope';
    control(POST => 'user', { user => 'bob', roles => [] });
    my $r = $user->('bob');
    is "$r->{status} " . $scope_of->($r), '200 ', 'one without gets a token all the same, without a scope';
    control(POST => 'user', { user => 'bob', roles => ['gwuser'] });

    for my $name (qw(m2m norole)) {
        $r = m2m(@{ $app{$name} }, resource => $uri, scope => 'aigc');
        is "$r->{status} " . $scope_of->($r), '200 ', "so does a machine ($name)";
        is((jwt($r->{json}{access_token}))[1]{sub}, $app{$name}[0], '… whose sub is its own id');
    }
    control(POST => 'app', { app => 'm2mNoRole', scope => 'aigc' });
    is $scope_of->(m2m(@{ $app{norole} }, resource => $uri, scope => 'aigc')), 'aigc', 'with a role for it a machine has the scope';
    control(POST => 'app', { app => 'm2mNoRole', scope => undef });

    my $third = 'http://127.0.0.1:1/callback';
    local $Trial::cb = $third;
    local @app{qw(id secret)} = @{ $app{other} };
    $r = redeem(code_for('alice', browser(), client_id => $app{id}, redirect_uri => $third, %ask, scope => 'openid profile'), resource => $uri);
    is "$r->{status} " . $scope_of->($r), '200 ', 'a third party to which she said "profile" gets one without a scope';
};

subtest 'who may not use an application' => sub {
    my $t = sign_in('bob');
    my $code = code_for('bob', browser());
    control(POST => 'user', { user => 'bob', denied => JSON::PP::true });
    for my $r (redeem($code), refresh($t->{refresh_token})) {
        is "$r->{status} $r->{json}{error} $r->{json}{code}", '400 access_denied oidc.access_denied', 'is refused at the token endpoint';
    }
    control(POST => 'user', { user => 'bob', denied => JSON::PP::false });
};

subtest 'sessions' => sub {
    my $r = follow($b, request($b, GET => auth_url(prompt => undef)));
    ok code_of($r), 'an existing session signs in silently';
    $r = follow($b, request($b, GET => auth_url(prompt => 'login')));
    like $r->{content}, qr/name="password"/, 'prompt=login shows the form';
    $r = follow(browser(), request($ua, GET => auth_url(prompt => 'none')));
    like $r->{headers}{location}, qr/error=login_required/, 'prompt=none without a session';

    my $tabs = browser();
    my @forms = map { follow($tabs, request($tabs, GET => auth_url(state => "t$_"))) } 1 .. 3;
    $r = follow($tabs, submit($tabs, $forms[0], 'bob'));
    like $r->{headers}{location}, qr/state=t3/, 'of three tabs the first one\'s password leads to the last one\'s page';
    is submit($tabs, $forms[$_], 'bob')->{status}, 400, '… and the others\' forms lead nowhere' for 1, 2;
    is submit(browser(), $forms[0], 'bob')->{status}, 400, 'a form without an interaction: 400';

    my $unsure = browser();
    follow($unsure, request($unsure, GET => auth_url()));
    is request($unsure, GET => '/sign-in/cancel')->{headers}{location}, $cb, 'a cancelled sign-in comes back bare';
    $r = follow($unsure, request($unsure, GET => '/sign-in/cancel?how=error'));
    like $r->{headers}{location}, qr/^\Q$cb\E\?error=access_denied&.*state=s/, '… or with an error';
    is request(browser(), GET => '/sign-in/cancel')->{status}, 400, 'nothing to cancel: 400';

};

subtest 'bad codes' => sub {
    my %bad = (
        'code-unknown'            => sub { redeem('nosuch') },
        'code-wrong-verifier'     => sub { redeem(code_for('alice', $b), code_verifier => 'w' x 50) },
        'code-wrong-redirect_uri' => sub { redeem(code_for('alice', $b), redirect_uri => "$gateway/x") },
        'code-wrong-client-secret' => sub {
            request($ua, POST => '/oidc/token', basic => [ $app{id}, 'wrong' ], form => {
                grant_type => 'authorization_code', code => code_for('alice', $b),
                redirect_uri => $cb, code_verifier => $verifier });
        },
        'client-unknown' => sub {
            request($ua, POST => '/oidc/token', basic => [ 'nosuchclient', 'x' ],
                form => { grant_type => 'authorization_code', code => 'x' });
        },
        'code-expired' => sub {
            control(POST => 'lifetimes', { code => 1 });
            my $code = code_for('alice', $b);
            control(POST => 'lifetimes', { code => undef });
            sleep 2.1;
            redeem($code);
        },
        'refresh-unknown' => sub { refresh('nosuch') },
        'resource-unknown' => sub { redeem(code_for('alice', $b), resource => 'https://no.such') },
    );
    as_recorded($bad{$_}->(), $_) for sort keys %bad;

    my $code = code_for('alice', browser());
    my $t = redeem($code)->{json};
    as_recorded(redeem($code), 'code-replay');
    as_recorded(refresh($t->{refresh_token}), 'refresh-after-code-replay');
    as_recorded(me($t->{access_token}), 'me-after-code-replay');
};

subtest 'refresh' => sub {
    my $t = sign_in('user01');
    my $t0 = $t->{refresh_token};
    my $r = refresh($t0);
    as_recorded($r, 'token-refresh_token');
    is $r->{json}{refresh_token}, $t0, 'a young token comes back';

    control(POST => 'age', { user => 'user01', seconds => int(14 * 86400 * 0.71) });
    my $t1 = refresh($t0)->{json}{refresh_token};
    isnt $t1, $t0, 'after 70 % of its life it rotates';
    my $again = refresh($t0);
    is $again->{status}, 200, 'the rotated one is taken again at once';
    isnt $again->{json}{refresh_token}, $t0, 'and rotates once more';
    is refresh($t1)->{status}, 200, 'the newest works';

    control(POST => 'age', { user => 'user01', seconds => 4 });
    as_recorded(refresh($t0), 'refresh-unknown');
    as_recorded(refresh($t1), 'refresh-unknown');

    $t = sign_in('user02');
    as_recorded(request($ua, POST => '/oidc/token/introspection', basic => [ @app{qw(id secret)} ],
        form => { token => $t->{access_token} }), 'introspection');
    as_recorded(request($ua, POST => '/oidc/token/revocation', basic => [ @app{qw(id secret)} ],
        form => { token => $t->{refresh_token} }), 'revocation');
    as_recorded(refresh($t->{refresh_token}), 'refresh-after-revocation');

    control(POST => 'lifetimes', { id_token => 7, access_token => 8 });
    my (undef, $claims) = jwt(sign_in('user02')->{id_token});
    is $claims->{exp} - $claims->{iat}, 7, 'an ID token for 7 seconds';
    control(POST => 'lifetimes', { id_token => undef, access_token => undef });
};

subtest 'userinfo' => sub {
    my $t = sign_in('alice');
    control(POST => 'user', { user => 'alice', customData => { 'default-sd' =>
        { ID => '0', Name => 'sd', Type => '', Namespace => 'default' } } });
    as_recorded(me($t->{access_token}), 'me-with-custom-data');
    as_recorded(me('nosuch'), 'me-bad-token');
    as_recorded(me(), 'me-no-token');
};

subtest 'client credentials' => sub {
    my $api = 'https://default.logto.app/api';
    my @m2m = @{ $app{m2m} };
    my $r = m2m(@m2m);
    $key = $r->{json}{access_token};
    as_recorded($r, 'token-client_credentials');
    same_shape((jwt($key))[1], answer('m2m-access-token')->{claims}, 'm2m-access-token');
    as_recorded(m2m(@{ $app{norole} }), 'token-client_credentials-norole');
    as_recorded(m2m($m2m[0], 'wrong'), 'token-client_credentials-badsecret');
    as_recorded(m2m(@m2m, resource => 'https://no.such'), 'token-client_credentials-unknown-resource');
    as_recorded(m2m(@m2m, scope => 'nosuch'), 'token-client_credentials-unknown-scope');
    my %form = (grant_type => 'client_credentials', scope => 'all');
    as_recorded(request($ua, POST => '/oidc/token', basic => \@m2m, form => \%form),
        'token-client_credentials-noresource');
    as_recorded(request($ua, POST => '/oidc/token', form => { %form, resource => $api,
        client_id => $m2m[0], client_secret => $m2m[1] }), 'token-client_credentials-client_secret_post');
};

subtest 'management API' => sub {
    my $id = 'alice0000000';
    my $t = sign_in('bob', resource => 'https://gateway.example/api', scope => 'openid use');
    my $norole = m2m(@{ $app{norole} })->{json}{access_token};

    as_recorded(api(GET => "/users/$id"), 'api-user-get');
    as_recorded(api(GET => '/users/nosuch'), 'api-user-get-404');
    as_recorded(api(PATCH => '/users/nosuch/custom-data', json => { customData => {} }),
        'api-custom-data-404');
    as_recorded(request($ua, GET => "/api/users/$id"), 'api-user-get-no-token-401');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => 'x'), 'api-user-get-bad-token-401');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => $t->{access_token}),
        'api-user-get-user-opaque-token-401');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => $norole), 'api-user-get-no-scope-403');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => redeem(code_for('bob', browser(),
        resource => 'https://gateway.example/api', scope => "$scope use"),
        resource => 'https://gateway.example/api')->{json}{access_token}), 'api-user-get-wrong-audience');
    as_recorded(api(PATCH => "/users/$id", json => { primaryEmail => 5 }),
        'api-user-patch-bad-body-400');

    is api(GET => '/users?page_size=100')->{status}, 200, 'a page of a hundred users';
    for my $size (0, 101, 'x') {
        my $r = api(GET => "/users?page_size=$size");
        is "$r->{status} $r->{json}{code}", '400 guard.invalid_pagination', "page_size=$size: none";
    }
    is api(PATCH => "/users/$id/custom-data", json => { customData => { x => 'x' x 1_100_000 } })->{status}, 413, 'a body over a megabyte: 413';

    for my $step (@{ answer('api-custom-data-merge') }) {
        if (my $body = $step->{put_customData_via_PATCH_user}) {
            my $r = api(PATCH => "/users/$id", json => $body);
            same_shape($r->{json}, $step->{response}, 'PATCH of the user');
        }
        else {
            my $r = api(PATCH => "/users/$id/custom-data", json => $step->{patch});
            is $r->{status}, $step->{status}, 'PATCH ' . encode_json($step->{patch});
            is_deeply $r->{json}, $step->{response}, '… answers as recorded';
        }
        is_deeply api(GET => "/users/$id/custom-data")->{json}, $step->{afterwards}, '… and is kept';
    }

    my $r = api(GET => '/users?page=2&page_size=20');
    is scalar @{ $r->{json} }, 20, 'a page of users';
    is $r->{headers}{'total-number'}, 53, 'their number';
    like $r->{headers}{link}, qr/page=3&page_size=20>; rel="next"/, 'the next page';
    is scalar @{ api(GET => '/users?page=3&page_size=20')->{json} }, 13, 'the last page';

    $r = api(POST => '/users', json => { username => 'dave', password => 'dave-pass',
        primaryEmail => 'dave@example.com', name => 'Dave' });
    as_recorded($r, 'api-user-create');
    is api(POST => '/users', json => { username => 'dave' })->{status}, 422, 'a name once only';

    my $erin = api(POST => '/users', json => { username => 'erin', password => 'erin-pass',
        customData => { k => 2 } })->{json}{id};
    $t = sign_in('erin');

    as_recorded(api(PATCH => "/users/$erin/is-suspended", json => { isSuspended => JSON::PP::true }),
        'api-user-is-suspended');
    my $hook = received();
    is decode_json($hook->{body})->{event}, 'User.SuspensionStatus.Updated', 'the webhook tells';
    as_recorded(me($t->{access_token}), 'suspended-me');
    as_recorded(refresh($t->{refresh_token}), 'suspended-refresh');
    my $sb = browser();
    $r = submit($sb, follow($sb, request($sb, GET => auth_url())), 'erin');
    is $r->{status}, 401, 'a suspended user cannot sign in';
    like $r->{content}, qr/This account is suspended/, 'and is told why';

    api(PATCH => "/users/$erin/is-suspended", json => { isSuspended => JSON::PP::false });
    received();
    $t = sign_in('erin');
    as_recorded(api(DELETE => "/users/$erin"), 'api-user-delete');
    as_recorded(api(GET => "/users/$erin"), 'deleted-api-get');
    as_recorded(me($t->{access_token}), 'deleted-me');
    as_recorded(refresh($t->{refresh_token}), 'deleted-refresh');

    $hook = received();
    my $want = answer('webhook-User.Deleted')->[0];
    same_shape(decode_json($hook->{body}), decode_json($want->{rawBody}), 'webhook-User.Deleted');
    is $hook->{headers}{'logto-signature-sha-256'},
        hmac_sha256_hex($hook->{body}, slurp("$dir/state/webhook_key")), 'is signed';
};

subtest 'sign-out' => sub {
    my $sb = browser();
    my $t = sign_in('user03', browser => $sb);
    my (undef, $claims) = jwt($t->{id_token});
    my %q = (id_token_hint => $t->{id_token}, client_id => $app{id},
        post_logout_redirect_uri => "$gateway/", state => 's1');
    my $end = sub { '/oidc/session/end?' . $ua->www_form_urlencode({ @_ }) };

    my $r = request($sb, GET => $end->(%q, post_logout_redirect_uri => 'https://evil.example/'));
    is $r->{status}, 400, 'an unregistered URI is refused';
    is_deeply $r->{json}, answer('session-end')->[1]{body}, '… as recorded';
    like request(browser(), GET => '/oidc/session/end')->{content},
        qr/name="logout" value="yes"/, 'without a session a form that submits itself';

    $r = request($sb, GET => $end->(%q));
    my ($xsrf) = $r->{content} =~ /name="xsrf" value="([^"]+)"/;
    like $r->{content}, qr/onload=.*op\.logoutForm.*name="logout"/s, 'with one likewise';
    $r = request($sb, POST => '/oidc/session/end/confirm', form => { xsrf => $xsrf, logout => 'yes' });
    is "$r->{status} $r->{headers}{location}", "303 $gateway/?state=s1", 'ends at the gateway';

    my $got = received();
    like $got->{line}, qr{^POST /backchannel }, 'the back channel is told';
    my ($token) = $got->{body} =~ /^logout_token=(.*)/;
    my ($header, $body) = jwt($token);
    same_shape({ header => $header, claims => $body }, answer('logout-token'), 'logout-token');
    is $body->{sid}, $claims->{sid}, 'with the session of the ID token';

    as_recorded(refresh($t->{refresh_token}), 'refresh-after-session-end');
    is me($t->{access_token})->{status}, 200, 'a grant with offline_access outlives it';
    like follow($sb, request($sb, GET => auth_url()))->{content}, qr/name="password"/,
        'the session is gone';
};

subtest 'keys' => sub {
    my $kids = sub { [ map { $_->{kid} } @{ request($ua, GET => '/oidc/jwks')->{json}{keys} } ] };
    my $kid = sub { (jwt(sign_in('bob')->{id_token}))[0]{kid} };
    my $first = $kids->()[0];
    my $t = sign_in('bob');

    control(POST => 'rotate-keys', { mode => 'next' });
    my ($current, $next) = @{ $kids->() };
    is $current, $first, 'a next key is published';
    is $kid->(), $first, 'but does not sign';
    control(POST => 'rotate-keys', { mode => 'rotate' });
    is_deeply $kids->(), [ $next, $first ], 'it becomes the current one';
    is $kid->(), $next, 'and signs';
    is refresh($t->{refresh_token})->{status}, 200, 'grants stay';
    control(POST => 'rotate-keys', { mode => 'drop-previous' });
    is_deeply $kids->(), [$next], 'the previous one goes';

    for my $alg (qw(ES256 ES512 RS256 PS256 EdDSA ES384 ES384)) {
        control(POST => 'rotate-keys', { alg => $alg, mode => 'rotate' });
        is((jwt(sign_in('bob')->{id_token}))[0]{alg}, $alg, "signs with $alg");
        my $rsa = $alg =~ /^[RP]S/;
        my ($key) = @{ request($ua, GET => '/oidc/jwks')->{json}{keys} };
        is exists $key->{alg}, !$rsa, $rsa ? '… by a key without alg' : '… by a key with that alg';
        is_deeply request($ua, GET => '/oidc/.well-known/openid-configuration')->{json}{id_token_signing_alg_values_supported},
            $rsa ? ['PS256', 'RS256'] : [$alg], '… as discovery says';
    }
    is request($ua, POST => '/_control/rotate-keys', json => { alg => 'HS256' })->{status}, 400,
        'no other algorithm';

    control(POST => 'like', { version => '1.42' });
    my ($header, $claims) = jwt(sign_in('bob')->{id_token});
    ok !exists $header->{typ} && !exists $claims->{at_hash}, 'as 1.42: neither typ nor at_hash';
    is length $claims->{sid}, 43, '… and a sid of 43 characters';
    control(POST => 'like', { version => '1.41' });
};

# The stand-in's own verifier of id_token_hint judges the forgeries.
sub hint_status {
    return request($ua, GET => '/oidc/session/end?'
        . $ua->www_form_urlencode({ id_token_hint => $_[0] }))->{status};
}

subtest 'forged tokens' => sub {
    my @orders = (
        [ 200, 'genuine',            {} ],
        [ 200, 'of the previous key', { key => 'previous' } ],
        [ 400, 'of an unknown key',  { key => 'unknown' } ],
        [ 400, 'under the known kid', { key => 'attacker' } ],
        [ 400, 'unsigned',           { key => 'none' } ],
        [ 400, 'embedded key',       { key => 'unknown', header => { jwk => JSON::PP::true,
            jku => JSON::PP::true, x5u => JSON::PP::true, x5c => JSON::PP::true } } ],
        [ 400, 'a bit flipped',      { signature => 'flip' } ],
        [ 400, 'all zero',           { signature => 'zero' } ],
        [ 400, 'DER',                { signature => 'der' } ],
        [ 400, 'empty',              { signature => 'empty' } ],
        [ 400, 'cut',                { signature => 'short' } ],
        [ 400, 'wrong issuer',       { claims => { iss => 'https://evil.example/oidc' } } ],
        (map { [ 400, "HMAC, $_", { key => 'hmac-public-key', form => $_, header => { alg => 'HS384' } } ] }
            qw(pem pem-no-newline pem-crlf der jwk jwk-x empty)),
    );
    my $tokens = control(POST => 'sign-token', { tokens => [ map { $_->[2] } @orders ] })->{tokens};
    for my $i (0 .. $#orders) {
        is hint_status($tokens->[$i]), $orders[$i][0], $orders[$i][1];
    }

    my ($header, $claims) = jwt(control(POST => 'sign-token', { user => 'bob', drop => ['header.typ',
        'claims.sid'], claims => { exp => 'now-5', nbf => 'now+60', aud => 'x' } })->{token});
    is $claims->{sub}, 'bob000000000', 'for another user';
    ok abs($claims->{exp} - time + 5) < 3 && abs($claims->{nbf} - time - 60) < 3, 'with other times';
    ok !exists $header->{typ} && !exists $claims->{sid}, 'without some members';
    my $genuine = (jwt(sign_in('bob')->{id_token}))[1];
    my $made = (jwt(control(POST => 'sign-token', { user => 'bob' })->{token}))[1];
    is_deeply shape($made), shape($genuine), 'the claims of a genuine one';
};

subtest 'outage and latency' => sub {
    my $jwks = sub { request($ua, GET => '/oidc/jwks') };
    my $mode = sub { control(POST => 'outage', { mode => shift, paths => '^/oidc/jwks', @_ }) };

    $mode->('refuse');
    is $jwks->()->{status}, 599, 'refuse: closed without an answer';
    is request($ua, GET => '/oidc/.well-known/openid-configuration')->{status}, 200, 'other paths work';
    $mode->('500');
    is $jwks->()->{status}, 500, 'mode 500';
    $mode->('html');
    like $jwks->()->{content}, qr/<html>/, 'html';
    $mode->('garbage');
    is $jwks->()->{json}, undef, 'garbage: 200, but no JSON';
    $mode->('empty-jwks');
    is_deeply $jwks->()->{json}, { keys => [] }, 'empty-jwks';
    $mode->('truncated');
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
    print $s "GET /oidc/jwks HTTP/1.1\r\nHost: 127.0.0.1:$port\r\n\r\n";
    my $raw = do { local $/; <$s> };
    my ($length) = $raw =~ /^content-length: (\d+)/im;
    my (undef, $half) = split /\r\n\r\n/, $raw, 2;
    is length $half, $length >> 1, 'truncated: half of the body';
    $mode->('answer', status => 418, headers => { 'x-a' => 'b' }, body => { a => 1 }, times => 1);
    is $jwks->()->{status}, 418, 'an answer of the test\'s own';
    is $jwks->()->{status}, 200, 'once';

    $mode->('hang');
    my $impatient = HTTP::Tiny->new(timeout => 1);
    is $impatient->get("$base/oidc/jwks")->{status}, 599, 'hang';
    $mode->('off');
    is $jwks->()->{status}, 200, 'off';

    control(POST => 'latency', { ms => 300, paths => 'jwks' });
    my $t0 = time;
    $jwks->();
    ok time - $t0 >= 0.29, 'latency';
    control(POST => 'latency', { ms => 0 });

    control(DELETE => 'requests');
    $jwks->() for 1 .. 3;
    refresh('nosuch');
    my $counts = control(GET => 'requests');
    is_deeply $counts->{paths}, { '/oidc/jwks' => 3, '/oidc/token' => 1 }, 'counted by path';
    is $counts->{grants}{refresh_token}, 1, 'by grant';
    is $counts->{total}, 4, 'and in all';
    is request($ua, GET => '/_control/keys', headers => { origin => $base })->{status}, 403,
        'no browser reaches the switches';
};

subtest 'users by switch' => sub {
    $key = m2m(@{ $app{m2m} })->{json}{access_token};
    my $t = sign_in('user04');
    control(POST => 'suspend', { user => 'user04' });
    is refresh($t->{refresh_token})->{status}, 400, 'suspended';
    control(POST => 'unsuspend', { user => 'user04' });
    ok sign_in('user04')->{id_token}, 'and back';
    control(POST => 'delete', { user => 'user04' });
    is api(GET => '/users/user04000000')->{status}, 404, 'deleted';
    is control(POST => 'restore', { user => 'user04' })->{id}, 'user04000000', 'restored under his id';
    is control(POST => 'webhook', { event => 'User.Deleted', user => 'user04' })->{status}, 200,
        'a webhook by hand';
    is decode_json(received()->{body})->{params}{userId}, 'user04000000', 'it came';
    sign_in('user04') for 1 .. 2;
    is scalar @{ control(POST => 'backchannel', { user => 'user04' })->{deliveries} }, 2,
        'a logout token for each of his sessions';
    received() for 1 .. 2;
};

subtest 'restart' => sub {
    my $t = sign_in('user05');
    my $keys = request($ua, GET => '/oidc/jwks')->{json};

    my $out = `node "$logto/server.mjs" --port $port --dir "$dir/other" --gateway $gateway 2>&1`;
    is $? >> 8, 1, 'a taken port: exit 1';
    like $out, qr/^logto: port $port on 127\.0\.0\.1 is in use[^\n]*\n\z/, 'one clear line';
    ok !-e "$dir/other", 'and nothing written';

    my $t0 = time;
    stop();
    ok time - $t0 < 1, 'SIGTERM ends it at once';
    ok !-e "$dir/state/ready", 'ready is gone';
    start();
    is_deeply request($ua, GET => '/oidc/jwks')->{json}, $keys, 'the keys stay';
    is refresh($t->{refresh_token})->{status}, 200, 'grants stay';
    is m2m(@{ $app{m2m} })->{status}, 200, 'secrets stay';
    is api(GET => '/users/alice0000000')->{json}{customData}{fresh}, 1, 'users stay';
};

subtest 'behind a proxy with TLS' => sub {
    my $endpoints = sub {
        my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
        print $s "GET /oidc/.well-known/openid-configuration HTTP/1.0\r\nHost: logto.example.com\r\nX-Forwarded-Proto: https\r\n\r\n";
        my ($json) = do { local $/; <$s> } =~ /\r\n\r\n(.*)/s;
        my $d = decode_json($json);
        return map { $d->{$_} } qw(issuer token_endpoint jwks_uri);
    };
    stop();
    start('--endpoint', 'https://logto.example.com');
    is_deeply [ $endpoints->() ], ['https://logto.example.com/oidc', 'http://logto.example.com/oidc/token', 'http://logto.example.com/oidc/jwks'],
        'that is not trusted: the issuer is https, the endpoints are as the request was';
    stop();
    start('--endpoint', 'https://logto.example.com', '--trust-proxy');
    is_deeply [ $endpoints->() ], ['https://logto.example.com/oidc', 'https://logto.example.com/oidc/token', 'https://logto.example.com/oidc/jwks'],
        'trusted: all are https';
    stop();
    start();
};

my $log = slurp("$dir/state/access.log");
ok !grep({ !eval { decode_json($_) } } split /\n/, $log), 'the access log is JSON lines';
unlike $log, qr/eyJ|code=|-pass|uid=|xsrf|id_token_hint|state=/, 'and holds no secret';
unlike slurp("$dir/out") =~ s{.*x-forwarded-proto header detected but not trusted.*}{}r, qr/Error|WARN/i, 'the server has nothing to complain of';

done_testing;
