# t/token.t — no token but Logto's own opens anything, nor a cookie but ours

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Seal;
use AIGC::Secrets;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 ();

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
        # So many wrong signatures a second are looked at, and no more: "ask again".
        my ($r, $api) = map { my $url = $_; my $r;
            $t->wait_for(sub { $r = $nobody->get($url, headers => bearer($token{$what})); $r->code != 503 }, 10, "$what is judged"); $r }
            $mine->url, '/api/v1/me';
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

    is $t->stranger->get($his->url, headers => [@$bobs, Cookie => "aigc-instance=$_"])->code, 200, 'a cookie that is none does not'
        for 'broken', $alice->host_cookie('aigc-instance', $mine->host), $alice->cookie('aigc-session');
    is $t->stranger->get('/api/v1/me', headers => [@$bobs, Cookie => "aigc-session=$_"])->json->{name}, 'Bob', '… nor at the API'
        for 'broken', $alice->host_cookie('aigc-instance', $mine->host);
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
    ok +(grep { $_->{name} eq 'aigc-session' } $r->set_cookies), '… with its cookie';

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

# The two kinds of sessions: where it counts, and with which value.
my %cookie = (
    'aigc-instance' => [$mine->url, $alice->host_cookie('aigc-instance', $mine->host)],
    'aigc-session'  => [$t->url('/api/v1/me'), $alice->cookie('aigc-session')],
);
AIGC::Secrets::note($_->[1], 'cookie') for values %cookie;
my ($in_mine, $in_his, $bob_in_mine) = map { $_->[0]->get($_->[1]->url); $_->[0]->host_cookie('aigc-instance', $_->[1]->host) }
    [$alice, $mine], [$alice, $his], [$bob, $mine];

# What somebody gets who shows these values under that name.
sub shows {
    my ($name, $url, @values) = @_;
    return $nobody->get($url, headers => [Cookie => join '; ', map { "$name=$_" } @values])->code;
}

# Of a ticket for an instance's page, in a browser with that nonce.
sub enters {
    my ($inst, $ticket, $nonce) = @_;
    my $r = $nobody->browse($inst->url("/info?x=1&aigc_ticket=$ticket"), headers => [Cookie => 'aigc-nonce=' . ($nonce // 'x' x 22)]);
    return join ' ', $r->code, ($r->problem // {})->{code} // $r->location // '-', map { $_->{name} } $r->set_cookies;
}

# A ticket of hers for that page, as the gateway issues it.
sub ticket {
    my ($c, $inst, $nonce) = @_;
    my $r = $c->browse('/sign-in?rd=' . AIGC::Client::escape($inst->url('/info?x=1'))
        . (defined $nonce ? '&nonce=' . MIME::Base64::encode_base64url(sha256($nonce)) : ''));
    return ($r->location =~ /[?&]aigc_ticket=([\w-]+)\z/)[0] // die $r->location;
}

my $nonce = 'nonce-of-this-browser0';
my $refused = '403 ticket-refused';

for my $name (sort keys %cookie) {
    subtest "a tampered cookie: $name" => sub {
        my ($url, $value) = @{ $cookie{$name} };
        my $with = sub { return shows($name, $url, $_[0]) };
        is $with->($value), 200, 'the cookie as it is';

        my $n = length $value;
        my @at = $n < 400 ? (0 .. $n - 1) : (0 .. 24, (map { 25 + 61 * $_ } 0 .. ($n - 60) / 61), $n - 24 .. $n - 1);
        my @let_in;
        for my $i (@at) {
            my $changed = $value;
            substr($changed, $i, 1) =~ tr{A-Za-z0-9_-}{B-ZAb-za1-90\-_};
            push @let_in, $i if $with->($changed) != 401;
        }
        is "@let_in", '', 'no changed character is let in (' . @at . " of $n tried)";
        is $with->(substr $value, 0, $_), 401, "its first $_ characters" for 0, 1, 20, 43, int($n / 2), $n - 1;
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
        is $with->(AIGC::Seal->new($t)->bind(AIGC::Seal->new($t)->parts($alice->cookie('aigc-session'))->{sid})), 401,
            'nor is the cookie that bound one in version 1.0';
    };
}

subtest 'one thing in the place of another' => sub {
    is shows('aigc-instance', $mine->url, $in_mine), 200, 'each in its place: the instance\'s';
    is shows('aigc-session', $t->url('/api/v1/me'), $alice->cookie('aigc-session')), 200, '… the gateway\'s';
    is shows('aigc-instance', $his->url, $in_his), 403, '… that of another host, which is not hers';

    is shows('aigc-instance', $mine->url, $in_his), 401, 'her session of another host is none on this one';
    is shows('aigc-instance', $his->url, $in_mine), 401, '… nor the other way';
    is shows('aigc-instance', $mine->url, $alice->cookie('aigc-session')), 401, 'her session of the gateway is none on an instance\'s host';
    is shows('aigc-session', $mine->url, $in_mine), 401, '… whose own by the gateway\'s name is none';
    is shows('aigc-session', $mine->url, $alice->cookie('aigc-session')), 401, '… nor the gateway\'s by the gateway\'s name';
    is shows($_, $t->url('/api/v1/me'), $in_mine), 401, "the instance\'s is none on the gateway, as $_"
        for qw(aigc-session aigc-instance aigc_session);
    is shows('aigc-instance', $t->url('/api/v1/me'), $alice->cookie('aigc-session')), 401, '… nor its own by the instance\'s name';

    my $ticket = ticket($alice, $mine, $nonce);
    is shows('aigc-instance', $mine->url, $ticket), 401, 'a ticket is no session of the host that it is for';
    is shows('aigc-session', $t->url('/api/v1/me'), $ticket), 401, '… nor of the gateway';
    is $nobody->get($mine->url, headers => bearer($ticket))->code, 401, '… nor a token';
    is enters($his, $ticket, $nonce), $refused, '… nor good on another host';
    is enters($mine, ticket($alice, $mine, $nonce), 'nonce-of-the-next-brow'), '302 ' . $mine->url('/info?x=1'), '… nor in another browser, which begins anew';
    is enters($mine, ticket($alice, $mine, $nonce), 'none'), $refused, '… nor in one without a nonce of it';
    is enters($mine, $_, $nonce), $refused, 'a cookie is no ticket' for $in_mine, $in_his, $alice->cookie('aigc-session');
    is enters($mine, $t->forge, $nonce), $refused, 'nor is a token';

    my $n = length $ticket;
    my @taken;
    for my $i (0 .. $n - 1) {
        my $changed = $ticket;
        substr($changed, $i, 1) =~ tr{A-Za-z0-9_-}{B-ZAb-za1-90\-_};
        push @taken, $i if enters($mine, $changed, $nonce) ne $refused;
    }
    is "@taken", '', "no changed character is taken (all $n tried)";
    is enters($mine, $_, $nonce), $refused, 'nor a part of it, or more' for substr($ticket, 0, -1), substr($ticket, 1), "${ticket}A", "$ticket=", 'A' x 2049;

    is enters($mine, $ticket, $nonce), '302 ' . $mine->url('/info?x=1') . ' aigc-instance', 'after all that it is good';
    is enters($mine, $ticket, $nonce), $refused, '… once';
    is enters($mine, ticket($alice, $mine), $nonce), '302 ' . $mine->url('/info?x=1'), 'one of no browser\'s nonce sets nothing: it comes back with one';
};

subtest 'several session cookies' => sub {
    # A browser has one at the most with TLS, by the name's prefix.  Without, an instance can set
    # the gateway's, and for a path: the first that opens decides, and what opens to nothing is no matter.
    my $other = $t->sign_in('alice');
    is $other->get($mine->url)->code, 200, 'she is in by another browser, too';
    my $again = $other->host_cookie('aigc-instance', $mine->host);
    my ($a, $b) = map { $_->cookie('aigc-session') } $alice, $bob;
    my $me = sub { $nobody->get('/api/v1/me', headers => [map { (Cookie => $_) } @_])->json->{name} // '-' };

    is shows('aigc-instance', $mine->url, $in_mine, $again), 200, 'two of hers on an instance\'s host';
    is shows('aigc-instance', $mine->url, $in_mine, $bob_in_mine), 200, 'hers before his';
    is shows('aigc-instance', $mine->url, $bob_in_mine, $in_mine), 403, 'his before hers';
    is $nobody->get($mine->url, headers => [Cookie => "aigc-instance=$bob_in_mine", Cookie => "aigc-instance=$in_mine"])->code, 403, '… in two headers, too';
    is $me->("aigc-session=$a; aigc-session=$b"), 'Alice', 'on the gateway the first decides';
    is $me->("aigc-session=$b; x=1; aigc-session=$a"), 'Bob', '… whoever it is';
    is $me->("aigc-session=$b", "aigc-session=$a"), 'Bob', '… in two headers, too';
    is $me->("aigc-instance=$in_mine; aigc-session=$b"), 'Bob', 'a session of a host is no session before it';

    is $other->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'the other browser signs out';
    is shows('aigc-instance', $mine->url, $again), 401, '… whose session is over';
    is shows('aigc-instance', $mine->url, $again, $in_mine), 200, '… which locks nobody out';

    for (['aigc-instance', $mine->url('/info'), $in_mine], ['aigc-session', $t->url('/api/v1/me'), $a]) {
        my ($name, $url, $good) = @$_;
        my @junk = ('', 'x', 'A' x 5000, substr($good, 0, -1), $good =~ s/.\z/!/r, $good =~ tr/A-Za-z/B-ZAb-za/r, map { "j$_" } 1 .. 20);
        is shows($name, $url, @junk), 401, "$name: junk lets nobody in";
        is shows($name, $url, @$_[1 .. $#$_]), 200, "$_->[0]: the session counts"
            for ['an empty one', '', $good], ['a malformed one', 'x', $good], ['one behind it', $good, 'x'], ['the same twice', $good, $good],
                ['many', @junk, $good], ['a session of another host', $in_his, $good];
        is $nobody->get($url, headers => [Cookie => "$name; $name=$good"])->code, 200, 'one without a value: likewise';
    }
};

# Who has the sealing key makes what opens.  A session of an instance's host is believed by its
# seal, until the key has left the file; one of the gateway is not: it has Logto's signature in it.
subtest 'who has the sealing key' => sub {
    my $file  = $t->file('wrong.key');
    open my $f, '>', $file or die $!;
    my $wrong = join '', map { sprintf '%02x', int rand 256 } 1 .. 32;
    print $f "$wrong\n";
    close $f;
    AIGC::Secrets::note($wrong, 'session key');
    my ($leaked, $none) = (AIGC::Seal->new($t), AIGC::Seal->new($t, key_file => $file));

    my $is = $leaked->parts($alice->cookie('aigc-session'));
    my ($sub) = $json->decode($is->{claims})->{sub};
    my ($kid) = $json->decode($is->{head})->{kid};
    my %her = (sub => $sub, kid => $kid);

    is shows('aigc-instance', $mine->url, $none->instance($mine->host, %her)), 401, 'a wrong key makes no session of an instance\'s host';
    is shows('aigc-session', $t->url('/api/v1/me'), $none->session(id_token => $t->forge)), 401, '… and none of the gateway, even with Logto\'s token';
    is enters($mine, $none->ticket($mine->host, %her, nonce => $nonce), $nonce), $refused, '… nor a ticket';
    is shows('aigc-session', $t->url('/api/v1/me'), $leaked->session(id_token => $t->forge)), 200, 'the right one makes one of the gateway with Logto\'s token';

    for my $what (grep { !/HS|by URL/ } @forged) {
        is shows('aigc-session', $t->url('/api/v1/me'), $leaked->session(id_token => $token{$what})), 401, "… and with none of a forged one: $what"
            if $what ne 'expired';
    }
    is shows('aigc-session', $t->url('/api/v1/me'), $leaked->session(id_token => $token{expired}, refresh_token => 'made-up')), 401, '… nor of an expired one';
    is shows('aigc-session', $t->url('/api/v1/me'), $leaked->instance($t->host, %her, purpose => 'gateway')), 401, '… nor of a host\'s content';
    is shows('aigc-session', $t->url('/api/v1/me'), $leaked->instance($t->host, %her)), 401, '… nor of a host\'s session for the gateway\'s own host';

    my $forged = $leaked->instance($mine->host, %her);
    is shows('aigc-instance', $mine->url, $forged), 200, 'it makes a session of an instance\'s host';
    is shows('aigc-instance', $his->url, $forged), 401, '… of one host';
    is shows('aigc-instance', $mine->url, $leaked->instance($mine->host, sub => $sub)), 200, '… also by a key without a name';
    is enters($mine, $leaked->ticket($mine->host, %her, nonce => $nonce), $nonce), '302 ' . $mine->url('/info?x=1') . ' aigc-instance', '… and a ticket';
    is enters($mine, $leaked->ticket($mine->host, %her, nonce => $nonce, issued => time + $_), $nonce), $refused, "… not one that is $_ s from now"
        for -31, -115, 35, 3600;
    is enters($mine, $leaked->ticket($mine->host, %her, nonce => $nonce, issued => time - $_), $nonce), '302 ' . $mine->url('/info?x=1'), "… nor an old one, of $_ s: it leads back, without a session"
        for 125, 3600;

    # An instance vouches for no session of the gateway, of however good a token of the past.
    my %one = (sid => 'session-that-was-alices0', start => time - 7200);
    is shows('aigc-instance', $mine->url, $leaked->instance($mine->host, %her, %one, exp => time + 3600)), 200, 'a session of an instance\'s host that goes on';
    is shows('aigc-session', $t->url('/api/v1/me'), $leaked->session(%one, id_token => $token{expired}, refresh_token => 'made-up')), 401,
        '… lets none of the gateway go on whose ID token has expired';

    for (['of a user that nobody is', sub => 'nobody'], ['of an empty user', sub => ''],
         ['of a name longer than any', sub => 'a' x 129], ['by a key that Logto has not', kid => 'none'], ['that has expired', exp => time - 60],
         ['older than any session', start => time - 366 * 86400], ['of another purpose', purpose => 'instance ' . $his->host],
         ['of a purpose without a host', purpose => 'instance'], ['with a refresh token that Logto does not know', exp => time - 60, refresh_token => 'made-up'])
    {
        my ($what, @change) = @$_;
        isnt shows('aigc-instance', $mine->url, $leaked->instance($mine->host, %her, @change)), 200, "not one $what";
    }
    is shows('aigc-instance', $mine->url, $leaked->instance($mine->host, %her, sub => 'bob000000000')), 403, 'his opens what is his, and is nobody\'s here';
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
    my $old_ticket = AIGC::Seal->new($t)->ticket($mine->host, sub => 'alice0000000', nonce => $nonce);
    my $new = join('', map { sprintf '%02x', int rand 256 } 1 .. 32) . "\n";
    AIGC::Secrets::note($new, 'session key');

    my $seal   = AIGC::Seal->new($t);
    my $forged = $seal->instance($mine->host, sub => $json->decode($seal->parts($alice->cookie('aigc-session'))->{claims})->{sub});
    is $alice->get($mine->url)->code, 200, 'before the key changes';
    $write->($new, $old);
    is $alice->get($mine->url)->code, 200, 'a key before it: sessions of the old one go on';
    is $alice->api('GET', '/api/v1/me')->code, 200, '… also on the gateway';
    is shows('aigc-instance', $mine->url, $forged), 200, '… and what its finder has forged';
    $bob = $t->sign_in('bob');
    is $bob->get($his->url)->code, 200, '… and new ones begin';

    $write->($new);
    is $alice->get($mine->url)->code, 401, 'a key that is not in the file any more opens nothing';
    is shows('aigc-instance', $mine->url, $forged), 401, '… nothing that was forged by it either';
    is enters($mine, $old_ticket, $nonce), $refused, '… no ticket';
    is $alice->api('GET', '/api/v1/me')->code, 401, '… nowhere';
    is $bob->get($his->url)->code, 200, 'the other one does';
};

is_deeply $t->logto_requests->{lured}, {}, 'no key was fetched from where a token said';

done_testing;
