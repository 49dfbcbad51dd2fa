# t/token.t — no token but Logto's own opens anything, nor a cookie but ours

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use JSON::PP ();

my $t = AIGC::Stack->start;
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine = $alice->install('stable-diffusion-cpu');
my $his  = $bob->install('stable-diffusion-cpu');
$_->wait_ready for $mine, $his;

my $nobody = $t->stranger;
my $json   = JSON::PP->new->utf8;

sub bearer { return ['Authorization', "Bearer $_[0]"] }

sub seen {              # the values of a header that reached the pod
    my ($r, $name) = @_;
    $r->code == 200 or die $r->status_line;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $r->json->{headers} };
}

# What Logto would never issue, and what it issues for somebody else's use.
my %forged = (
    'expired'              => { claims => { exp => 'now-60', iat => 'now-3600' } },
    'without exp'          => { drop => ['claims.exp'] },
    'not valid yet'        => { claims => { nbf => 'now+3600' } },
    'issued in the future' => { claims => { iat => 'now+3600' } },
    'another issuer'       => { claims => { iss => 'https://evil.example/oidc' } },
    'an issuer that is longer' => { claims => { iss => $t->logto_url('/oidc/') } },
    'without an issuer'    => { drop => ['claims.iss'] },
    'another audience'     => { claims => { aud => 'another-app' } },
    'audiences of others'  => { claims => { aud => ['a', 'b'] } },
    'without an audience'  => { drop => ['claims.aud'] },
    'without a subject'    => { drop => ['claims.sub'] },
    'an empty subject'     => { claims => { sub => '' } },
    'a subject that is no text' => { claims => { sub => 1 } },
    'exp that is text'     => { claims => { exp => '99999999999' } },
    'alg none'             => { key => 'none' },
    'alg None'             => { key => 'none', header => { alg => 'None' } },
    'a key of no one'      => { key => 'unknown' },
    'an attacker\'s key'   => { key => 'attacker' },
    'an attacker\'s key, embedded' => { key => 'attacker', header => { jwk => JSON::PP::true } },
    'an attacker\'s key, by URL'   => { key => 'attacker', header => { jku => JSON::PP::true } },
    'an unknown key, by URL'       => { key => 'unknown', header => { jku => JSON::PP::true } },
    'an attacker\'s certificate'   => { key => 'attacker', header => { x5c => JSON::PP::true } },
    'an attacker\'s certificate, by URL' => { key => 'unknown', header => { x5u => JSON::PP::true } },
    'another algorithm than the key\'s'  => { header => { alg => 'ES256' } },
    'no key named, an attacker\'s' => { key => 'attacker', drop => ['header.kid'] },
    'a critical extension' => { header => { crit => ['exp'] } },
    'a logout token'       => { type => 'logout' },
    'a logout token that looks like more' => { type => 'logout', header => { typ => 'JWT' },
        claims => { exp => 'now+600', sub => 'alice0000000', nonce => 'x' } },
    'claims that are no object' => { payload => 'hello' },
    (map { ("signature: $_" => { signature => $_ }) } qw(empty zero flip short der)),
    (map { my $alg = $_; map { ("$alg with the public key as $_" => { key => 'hmac-public-key',
        form => $_, header => { alg => $alg } }) } qw(pem pem-no-newline pem-crlf der jwk jwk-x empty) }
        qw(HS256 HS384 HS512)),
);
my @forged = sort keys %forged;
my $tokens = $t->logto_control('sign-token', { tokens => [ @forged{@forged} ] })->{tokens};
my %token;
@token{@forged} = @$tokens;
AIGC::Secrets::note($_, 'forged token') for @$tokens;

subtest 'a bearer token' => sub {
    my $good = $t->forge;
    is $nobody->get($mine->url('/info'), headers => bearer($good))->code, 200, 'Logto\'s own opens the instance';
    is $nobody->get($his->url('/info'), headers => bearer($good))->code, 403, '… and not another user\'s';
    is $nobody->get('/api/v1/me', headers => bearer($good))->json->{name}, 'Alice', '… and the API';
    is $nobody->get($mine->url, headers => [Authorization => "bearer  $good"])->code, 200, 'spelt another way';
    is $nobody->get($mine->url, headers => bearer($t->forge(claims => { exp => 'now-10', iat => 'now-3600' })))->code,
        200, 'just expired: clocks differ';
    is $nobody->get($mine->url, headers => bearer($t->forge(drop => ['header.typ', 'claims.at_hash'])))->code,
        200, 'without typ and at_hash, as Logto 1.42 has it';
    is $nobody->websocket($mine->url('/ws'), headers => bearer($good))->code, 101, 'a WebSocket';

    for my $what (@forged) {
        my $r = $nobody->get($mine->url, headers => bearer($token{$what}));
        my $api = $nobody->get('/api/v1/me', headers => bearer($token{$what}));
        is join(' ', map { $_->code . ' ' . ($_->problem // {})->{code} } $r, $api),
            '401 not-signed-in 401 not-signed-in', $what;
    }

    my ($head, $payload, $signature) = split /\./, $good;
    my %broken = (
        'garbage' => 'garbage', 'dots' => '..', 'two parts' => "$head.$payload",
        'four parts' => "$good.$signature", 'a blank inside' => "$head. $payload.$signature",
        'padded' => "$good=", 'a byte that is no base64url' => "$head.$payload.!" . substr($signature, 1),
        'an API key' => 'sk-0123456789abcdef0123456789abcdef',
        'large' => 'a' x 7000, 'large, with dots' => join('.', ('a' x 2000) x 3),
        'deep JSON' => encode('[' x 3000) . '.' . encode('[' x 1500) . '.x',
        'two heads\' claims' => encode('{"alg":"none","alg":"ES384"}') . ".$payload.$signature",
    );
    is $nobody->get($mine->url, headers => bearer($broken{$_}))->code, 401, $_ for sort keys %broken;
    is $nobody->get($mine->url, headers => bearer('a' x 40_000))->code, 400, 'larger than nginx takes';
    is $nobody->get($mine->url, headers => [Authorization => $_])->code, 401, "\"$_\"" for 'Bearer', 'Bearer ', "Basic $good", $good;
    is $nobody->get($mine->url . "?access_token=$good")->code, 401, 'in the query';
    is $nobody->get($mine->url, headers => bearer($good))->code, 200, 'after all that the good one is good';
};

sub encode {
    require MIME::Base64;
    return MIME::Base64::encode_base64url($_[0]);
}

subtest 'what of it the pod sees' => sub {
    my $good = $t->forge;
    my $r = $nobody->get($mine->url('/headers'), headers => [ @{ bearer($good) }, 'X-Own' => 'kept' ]);
    is_deeply [ seen($r, 'Authorization') ], [], 'a consumed token is not passed on';
    unlike $r->content, qr/\Q$good\E/, '… in no header';
    is_deeply [ seen($r, 'X-Own') ], ['kept'], '… the rest is';

    for my $own ('Bearer sk-abc', 'Basic dXNlcjpwYXNz', 'Token  x', 'Bearer a.b.c') {
        is_deeply [ seen($alice->get($mine->url('/headers'), headers => [Authorization => $own]), 'Authorization') ],
            [$own], "beside a session the application's own passes: $own";
    }
};

subtest 'cookie and token' => sub {
    my $bobs = bearer($t->forge(user => 'bob'));
    is $alice->get($mine->url, headers => $bobs)->code, 200, 'the cookie decides';
    is $alice->get($his->url, headers => $bobs)->code, 403, '… also against the token';
    is $alice->get('/api/v1/me', headers => $bobs)->json->{name}, 'Alice', '… at the API too';

    my $broken = $alice->copy;
    $broken->set_cookie(aigc_session => 'broken');
    is $broken->get($his->url, headers => $bobs)->code, 200, 'a cookie that is none does not';
};

subtest 'a session of a forged ID token' => sub {
    my $try = sub {
        my ($order) = @_;
        my $c = $t->stranger;
        my %arg = $c->browse('/sign-in')->location =~ /[?&](state|nonce)=([^&]+)/g;
        my %o = (%$order, claims => { nonce => $arg{nonce}, %{ $order->{claims} // {} } });
        $t->logto_control('outage', { mode => 'answer', paths => '^/oidc/token$', times => 1, status => 200,
            headers => { 'content-type' => 'application/json' },
            body => $json->encode({ id_token => $t->forge(%o), token_type => 'Bearer' }) });
        my $pending = $c->begin('GET', "/sign-in-callback?code=x&state=$arg{state}&iss="
            . AIGC::Client::escape($t->logto_url('/oidc')));
        $t->wait_for(sub { !@{ $t->logto_control('faults')->{outages} // [] } }, 10, 'the token has been fetched');
        return $pending;
    };
    my $unknown = $try->($forged{'a key of no one'});      # the gateway looks for it a while

    my $r = $try->({})->response;
    is $r->code, 302, 'a good one makes a session';
    ok +(grep { $_->{name} eq 'aigc_session' } $r->set_cookies), '… with its cookie';

    my @some = grep { !/no one|unknown key|certificate, by URL|HS|a key of/ } @forged;
    for my $what (@some, 'HS384 with the public key as pem') {
        $r = $try->($forged{$what})->response;
        is join(' ', $r->code, $r->problem->{code}, scalar $r->set_cookies), '502 sign-in-garbage 0', $what;
    }
    $r = $try->({ claims => { nonce => 'another' } })->response;
    is join(' ', $r->code, scalar $r->set_cookies), '502 0', 'the nonce of another sign-in';
    $r = $try->({ drop => ['claims.nonce'] })->response;
    is join(' ', $r->code, scalar $r->set_cookies), '502 0', 'no nonce';
    $r = $unknown->response;
    is join(' ', $r->code, scalar $r->set_cookies), '502 0', 'a key that Logto never had';
};

subtest 'a tampered cookie' => sub {
    my $value = $alice->cookie('aigc_session');
    my $with = sub {
        my ($v) = @_;
        return $nobody->get($mine->url, headers => [Cookie => "aigc_session=$v"])->code;
    };
    is $with->($value), 200, 'the cookie as it is';

    my $n = length $value;
    my @at = (0 .. 24, (map { 25 + 61 * $_ } 0 .. ($n - 60) / 61), $n - 24 .. $n - 1);
    my @let_in;
    for my $i (@at) {
        my $changed = $value;
        substr($changed, $i, 1) =~ tr{A-Za-z0-9_-}{B-ZAb-za1-90\-_};
        push @let_in, $i if $with->($changed) != 401;
    }
    is "@let_in", '', 'no changed character is let in (' . @at . " of $n tried)";
    is $with->(substr $value, 0, $_), 401, "its first $_ characters" for 0, 1, 20, 43, $n / 2, $n - 1;
    is $with->(substr $value, $_), 401, "without its first $_" for 1, 22;
    is $with->("${value}A"), 401, 'with one more';
    is $with->("$value="), 401, 'padded';
    is $with->("\"$value\""), 401, 'in quotes';
    is $with->('A' x 3900), 401, 'a long one of nothing';

    my $s = $t->stranger;
    $s->browse('/sign-in');
    my ($login) = grep { $_->{name} =~ /login/ } $s->cookies;
    ok $login, 'a sign-in has a cookie of its own';
    is $with->($login->{value}), 401, '… which is no session';
    is $with->($alice->cookie('aigc-bind')), 401, 'nor is the cookie that binds one';
};

subtest 'two session cookies' => sub {
    my ($a, $b) = map { $_->cookie('aigc_session') } $alice, $bob;
    for my $cookie ("aigc_session=$a; aigc_session=$b", "aigc_session=$b; x=1; aigc_session=$a",
                    "aigc_session=x; aigc_session=$a; aigc_session=; aigc_session=$b") {
        my $r = $nobody->get($mine->url, headers => [Cookie => $cookie]);
        is $r->code, 401, 'are refused on an instance\'s host';
        is $r->problem->{code}, 'ambiguous-session', '… which says why';
        my %gone = map { ($_->{domain} // 'host') => 1 }
            grep { $_->{name} eq 'aigc_session' && $_->{value} eq '' && $_->{'max-age'} eq '0' } $r->set_cookies;
        is join(' ', sort keys %gone), $t->root . ' host', '… and clears both';
    }
    # An application can set a second one, for a path and for as long as it likes: what opens to
    # no session locks nobody out.
    my $junk = join '; ', map { "aigc_session=$_" } '', 'x', 'A' x 5000, substr($a, 0, -1), $a =~ s/.\z/!/r, $a =~ tr/A-Za-z/B-ZAb-za/r, map { "j$_" } 1 .. 20;
    for (['an empty one', "aigc_session=; aigc_session=$a"], ['one without a value', "aigc_session; aigc_session=$a"], ['a malformed one', "aigc_session=x; aigc_session=$a"],
         ['one behind it', "aigc_session=$a; aigc_session=x"], ['the same twice', "aigc_session=$a; aigc_session=$a"], ['many', "$junk; aigc_session=$a"],
         ['another cookie of ours', 'aigc_session=' . $alice->cookie('aigc-bind') . "; aigc_session=$a"])
    {
        my ($what, $cookie) = @$_;
        is $nobody->get($mine->url('/info'), headers => [Cookie => $cookie])->code, 200, "$what: the session counts";
        my $bind = $alice->cookie('aigc-bind');
        is $nobody->get('/api/v1/me', headers => [Cookie => "$cookie; aigc-bind=$bind"])->code, 200, '… and on the gateway';
    }
    is $nobody->get($mine->url, headers => [Cookie => $junk])->code, 401, 'without one they let nobody in';
    my $bind = $alice->cookie('aigc-bind');
    my $his = join '; ', map { 'aigc_session=' . $t->sign_in('user01')->cookie('aigc_session') } 1 .. 9;
    is $nobody->get('/api/v1/me', headers => [Cookie => "$his; aigc_session=$a; aigc-bind=$bind"])->code, 200,
        'nine good ones of somebody else\'s before it: on the gateway the bound one counts';

    my $r = $nobody->get($mine->url, headers => [Cookie => "aigc_session=$a", Cookie => "aigc_session=$b"]);
    is $r->code, 401, 'in two headers too';
    is $nobody->browse($mine->url, headers => [Cookie => "aigc_session=$a; aigc_session=$b"])->code, 401,
        'for a navigation too: it would come back the same';

    $bind = $alice->cookie('aigc-bind');
    for my $cookie ("aigc_session=$a; aigc_session=$b", "aigc_session=$b; aigc_session=$a") {
        is $nobody->get('/api/v1/me', headers => [Cookie => "$cookie; aigc-bind=$bind"])->json->{name},
            'Alice', 'on the gateway the one that is bound to this browser decides';
    }
};

subtest 'the sealing key' => sub {
    my $file = $t->file('session.key');
    my $slurp = sub { open my $f, '<', $_[0] or die $!; local $/; <$f> };
    my $write = sub {
        open my $f, '>', $file or die $!;
        print $f @_;
        close $f;
        my @old = $t->worker_pids;
        $t->reload;
        $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
    };
    my $old = $slurp->($file);
    my $new = join('', map { sprintf '%02x', int rand 256 } 1 .. 32) . "\n";
    AIGC::Secrets::note($new, 'session key');

    is $alice->get($mine->url)->code, 200, 'before the key changes';
    $write->($new, $old);
    is $alice->get($mine->url)->code, 200, 'a key before it: sessions of the old one go on';
    is $alice->api('GET', '/api/v1/me')->code, 200, '… bound as before';
    $bob = $t->sign_in('bob');
    is $bob->get($his->url)->code, 200, '… and new ones begin';

    $write->($new);
    is $alice->get($mine->url)->code, 401, 'a key that is not in the file any more opens nothing';
    is $alice->api('GET', '/api/v1/me')->code, 401, '… nowhere';
    is $bob->get($his->url)->code, 200, 'the other one does';
};

is_deeply $t->logto_requests->{lured}, {}, 'no key was fetched from where a token said';

done_testing;
