# t/advisories.t — what was known of others, tried here: advisories and changelogs of
# oauth2-proxy, mod_auth_openidc, JupyterHub, Traefik, Envoy, nginx-auth-jwt, ingress-nginx.
# docs/reliability.md, "Known of others", has the table, with what other tests try of it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use Time::HiRes qw(sleep time);

my $repo = "$FindBin::Bin/..";
my $name = 'stable-diffusion-cpu';
my $t = AIGC::Stack->start(workers => 1);
my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);
my $hers = $alice->install($name)->wait_ready;
my $json = JSON::PP->new->canonical;

sub slurp { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return <$f> }
sub said  { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // () }
sub me    { my ($token) = @_; return $t->stranger->get('/api/v1/me', headers => [Authorization => "Bearer $token"])->code }
sub escape { return AIGC::Client::escape($_[0]) }
sub rss   { my ($pid) = $t->worker_pids; return slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 0 }

# Through Logto's form, up to the callback, which is not asked for.
sub callback {
    my ($c, $user) = @_;
    my $url = $c->browse('/sign-in?rd=/')->location;
    for (1 .. 10) {
        my $r = $c->browse($url);
        if (my $form = AIGC::Client::form($r)) {
            @{ $form->{fields} }{qw(username password)} = ($user, "$user-pass");
            $r = $c->submit($form);
        }
        $url = AIGC::Client::resolve($r->url, $r->location // die $r->status_line);
        return $url if $url =~ m{/sign-in-callback\?};
    }
    die "no callback\n";
}

# oauth2-proxy CVE-2025-54576, CVE-2026-40575, CVE-2026-76835, CVE-2026-34457: a path, a query,
# a forwarded path or the client's name had a request skip authentication
subtest 'nothing that a client says lets it in' => sub {
    my @try = (
        (map { my $h = $_; map { ["$h: $_", $h => $_] } '/healthz', '/sign-in', '/metrics', '/' }
            'X-Forwarded-Uri', 'X-Original-URI', 'X-Original-URL', 'X-Rewrite-URL', 'X-Envoy-Original-Path', 'X-Forwarded-Path', 'X-Forwarded-Prefix'),
        (map { ["User-Agent: $_", 'User-Agent' => $_] } 'GoogleHC/1.0', 'kube-probe/1.34', 'GoogleStackdriverMonitoring-UptimeChecks(x)', 'ELB-HealthChecker/2.0', 'Prometheus/3'),
        (map { [$_->[0], @$_] } ['X-Forwarded-For', '127.0.0.1'], ['X-Real-IP', '127.0.0.1'], ['X-Forwarded-User', 'alice'], ['X-Auth-Request-User', $hers->owner],
            ['X-Forwarded-Email', 'alice@example.com'], ['X-Forwarded-Access-Token', 'x'], ['Remote-User', 'alice'], ['X-Forwarded-Host', $hers->host]),
    );
    my @in = map { my ($what, @headers) = @$_;
        map { my ($where, $path) = @$_; $t->stranger->get($path, headers => \@headers)->code == 401 ? () : "$what at $where" }
            ['an instance', $hers->url('/page?/healthz')], ['the API', '/api/v1/me?x=/healthz'] } @try;
    is_deeply \@in, [], scalar(@try) . ' headers: each is 401';
    is $t->stranger->get('/auth', headers => ['X-Original-URL' => $hers->url, @$_])->code, 401, "at /auth, with $_->[0]"
        for ['User-Agent', 'kube-probe/1.34'], ['X-Forwarded-Uri', '/healthz'], ['X-Original-Method', 'OPTIONS'];
    is $t->stranger->get($hers->url($_))->code, 401, "a path: $_" for '/healthz', '/metrics', '/oauth2/auth', '/x%23/../healthz', '/x;/../healthz', '/.well-known/x', '/favicon.ico';
};

# oauth2-proxy CVE-2025-64484, Traefik CVE-2026-54763, CVE-2026-88011: a header whose name differs
# by an underscore or a dot, which applications take for the one that the proxy sets
subtest 'the pod sees no identity that the client has made up' => sub {
    my @names = map { my $n = $_; $n, $n =~ tr/-/_/r, $n =~ s/-/_/r, $n =~ tr/-/./r, lc $n =~ tr/-/_/r }
        qw(X-Auth-Request-User X-Forwarded-User X-Forwarded-Email X-Forwarded-Host X-Forwarded-For X-Real-IP Remote-User X-WebAuth-User);
    my $r = $alice->get($hers->url('/headers'), headers => [map { ($_ => 'forged') } @names]);
    is $r->code, 200, 'the owner is let in';
    is_deeply [ grep { $_->[1] =~ /forged/ } @{ $r->json->{headers} } ], [], 'none of ' . @names . ' has reached the pod';
};

# Traefik CVE-2024-45410, Apache CVE-2022-31813: Connection names a header, and the proxy drops it
subtest 'Connection takes no header of the gateway\'s away' => sub {
    my $r = $alice->get($hers->url('/headers'), headers => [Connection => 'close, X-Forwarded-Host, X-Forwarded-For, X-Forwarded-Proto, X-Real-IP, Host, Cookie']);
    my %has = map { lc $_->[0] => $_->[1] } @{ $r->json->{headers} };
    is_deeply [ grep { !length($has{$_} // '') } qw(x-forwarded-host x-forwarded-for x-forwarded-proto x-real-ip) ], [], 'all are there';
    unlike $has{cookie} // '', qr/aigc-/, 'and the session is not';
};

# mod_auth_openidc, ChangeLog of August 2026: security parameters that stand twice
subtest 'a parameter of the answer that stands twice' => sub {
    my $c = $t->stranger;
    my $good = callback($c, 'alice');
    my $before = $t->logto_requests->{grants}{authorization_code} // 0;
    for my $twice ('state', 'iss', 'code') {
        my ($pair) = $good =~ /[?&]($twice=[^&]+)/;
        for my $url ("$good&$pair", "$good&$twice=x", $good =~ s/\?/?$twice=x&/r, "$good&$twice") {
            is said($c->copy->browse($url)), '400 sign-in-failed', "$twice: " . ($url =~ s/.*\?//r =~ s/=[^&]{8,}/=…/gr);
        }
    }
    is said($c->copy->browse("$good&error=a&error=b")), '400 sign-in-failed', 'error';
    is $t->logto_requests->{grants}{authorization_code} // 0, $before, 'no code was sent to Logto';
    is $c->browse("$good&other=1&other=2")->code, 302, 'what is nobody\'s may';
    is $c->api('GET', '/api/v1/me')->code, 200, '… and she is in';
};

# mod_auth_openidc, ChangeLog of August 2026: tokens with unknown keys, each of which fetches the keys
subtest 'a storm of unknown keys' => sub {
    my @tokens = map { $t->forge(key => 'unknown', header => { kid => "unknown-$_" }) } 1 .. 60;
    my $asked = sub { $t->logto_requests->{paths}{'/oidc/jwks'} // 0 };
    my ($before, $at) = ($asked->(), time);
    my @pending = map { $t->stranger->begin('GET', '/api/v1/me', headers => [Authorization => "Bearer $_"], timeout => 40) } @tokens;
    is_deeply [ grep { $_ != 401 && $_ != 503 } map { $_->response->code } @pending ], [], 'none counts';
    cmp_ok $asked->() - $before, '<=', 1 + (time - $at) / 5 + 1, 'the keys are fetched once in five seconds, however many are unknown';
    is $alice->api('GET', '/api/v1/me')->code, 200, 'others are served';
};

# mod_auth_openidc, ChangeLog of August 2026: an exp that no clock has
subtest 'times out of range' => sub {
    my $payload = $json->decode((map { my $p = (split /\./, $t->forge)[1]; $p =~ tr{-_}{+/}; require MIME::Base64; MIME::Base64::decode_base64($p) } 1)[0]);
    for my $exp ('1e300', '1e400', '-1', '-1e300', '0', '253402300799', '9223372036854775807', '9223372036854775808', '-9223372036854775808',
        '18446744073709551616', '99999999999999999999999', '"9999999999"', '[9999999999]', 'null', 'true', '1790003600000') {
        my $text = $json->encode({ %$payload, exp => 'HERE' }) =~ s/"HERE"/$exp/r;
        is me($t->forge(payload => $text)), 401, "exp $exp";
    }
    for my $member ('nbf', 'iat') {
        my $text = $json->encode({ %$payload, $member => 'HERE' }) =~ s/"HERE"/9223372036854775807/r;
        is me($t->forge(payload => $text)), 401, "$member 9223372036854775807";
    }
};

# mod_auth_openidc CVE-2024-24814, CVE-2023-28625: how many parts a cookie says that it has; Cookie
# headers that are nothing
subtest 'cookies in thousands of parts' => sub {
    my $id = 'A' x 22;
    my @cookies = (
        "aigc-session_chunks=99999999; aigc-session=x", 'mod_auth_openidc_session_chunks=4294967295; aigc-session=x',
        join('; ', map { "aigc-login-$id.$_=x" } 0 .. 900), "aigc-login-$id.4294967296=x; aigc-login-$id.-1=x; aigc-login-$id.=x",
        join('; ', map { "aigc-session=$_" } 1 .. 1500), join('; ', map { "aigc-login-" . sprintf('%022d', $_) . '=x' } 1 .. 700),
        '=', ';', '; ; =; ;=', 'aigc-session', 'aigc-session=', '=aigc-session', 'aigc-session=;aigc-session', ' ' x 30, "\t;\t", 'a=b' x 9000, '"', 'aigc-session="', '$Version=1; aigc-session=$Path',
    );
    my $try = sub { map { my $cookie = $_; map { $t->stranger->get($_, headers => [Cookie => $cookie, Accept => 'text/html'])->code } '/sign-in', '/sign-in-callback?code=x&state=y', '/api/v1/me', $hers->url } @cookies };
    $try->();
    my $rss = rss();
    my %codes;
    $codes{$_}++ for map { $try->() } 1 .. 3;
    is_deeply [ sort keys %codes ], [302, 400, 401], 'each is answered, and opens nothing';
    cmp_ok $ENV{AIGC_ASAN} ? 0 : rss() - $rss, '<', 1024, 'and costs no memory';
};

# mod_auth_openidc CVE-2025-3891: a POST without a content type
subtest 'a POST without a content type' => sub {
    my %codes;
    for my $path ('/sign-in', '/sign-in-callback', '/sign-out', '/webhook', '/backchannel-logout', '/auth', '/api/v1/me', "/api/v1/templates/default/$name/install", '/') {
        for my $body (undef, '', 'x', 'a=b&a=b', "\0" x 100) {
            $codes{ $t->stranger->post($path, defined $body ? (body => $body) : ())->code }++;
        }
    }
    is_deeply [ grep { !/^(?:302|303|40[0-9]|413)\z/ } sort keys %codes ], [], 'is refused, as each says';
    is $alice->api('GET', '/api/v1/me')->code, 200, 'nothing has ended';
};

# mod_auth_openidc CVE-2021-32785 (format strings), CVE-2021-32792 (script in pages), JupyterHub
# GHSA-c4gm-pwx9-9w8j (script by a link); oauth2-proxy: header lines in a redirect
subtest 'what a link says is text' => sub {
    my $c = $t->stranger;
    my $good = callback($c, 'bob');
    my @evil = ('%n%n%s%s%x%p', '%V%V%ui%T', '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "x\r\nSet-Cookie: aigc-session=evil", '${jndi:x}', "'-alert(1)-'", "\x{1b}[31m");
    my $mark = length $t->error_log;
    for my $evil (@evil) {
        my $e = escape($evil);
        my @r = (
            $t->stranger->browse("/sign-in-callback?error=$e&error_description=$e&state=$e&iss=$e"),
            $c->copy->browse($good =~ s/code=[^&]+/error=$e&error_description=$e/r),
            $t->stranger->browse("/sign-in?rd=$e&nonce=$e"), $t->stranger->browse("/sign-in?rd=" . escape("http://x.@{[ $t->root ]}/$evil")),
            $t->stranger->browse($hers->url("/?aigc_ticket=$e")), $alice->browse("/nothing/$e"), $alice->api('GET', "/api/v1/templates/default/$e"),
            $alice->get('/auth', headers => ['X-Original-URL' => 'http://' . $hers->host . '/' . $evil =~ s/[\r\n]/ /gr]),
        );
        my @bad = grep { $_->code >= 500 || ($evil =~ /[<>]/ && index($_->content, $evil) >= 0) || grep({ $_->{value} eq 'evil' } $_->set_cookies) } @r;
        is_deeply [ map { $_->code . ' ' . substr $_->content, 0, 80 } @bad ], [], $evil =~ s/[^ -~]/?/gr;
    }
    unlike substr($t->error_log, $mark), qr/[^\x09\x0a\x20-\x7e\x80-\xff]/, 'no control byte is in the log';
};

# mod_auth_openidc CVE-2022-23527, CVE-2021-32786: where a sign-out leads
subtest 'where a sign-out leads' => sub {
    for my $to ('//evil.example', '/\\evil.example', "/\t/evil.example", 'https://evil.example', '\\\\evil.example', "%0d%0aLocation:%20https://evil.example") {
        my $c = $t->sign_in('user01');
        my $r = $c->post('/sign-out?rd=' . escape($to) . '&logout=' . escape($to) . '&post_logout_redirect_uri=' . escape($to), headers => [Origin => $t->origin]);
        unlike $r->location // '', qr{evil}, "not to $to" =~ s/[^ -~]/?/gr;
    }
};

# mod_auth_openidc CVE-2021-32791 (one IV for all), Envoy CVE-2026-47775 (a padding oracle)
subtest 'what seals a session' => sub {
    my @sessions = map { $t->sign_in('user02')->cookie('aigc-session') } 1 .. 20;
    my %head;
    $head{ substr $_, 8, 12 }++ for @sessions;
    is scalar keys %head, 20, 'each has a nonce of its own';
    my $session = $sessions[0];
    my %codes;
    for my $at (map { int $_ * length($session) / 60 } 1 .. 59) {
        my $r = $t->stranger->get('/api/v1/me', headers => [Cookie => 'aigc-session=' . substr($session, 0, $at) . (substr($session, $at, 1) eq 'A' ? 'B' : 'A') . substr $session, $at + 1]);
        $codes{ said($r) . ' ' . length $r->content }++;
    }
    is scalar keys %codes, 1, 'wherever a byte is another, the answer is the same';
    like +(keys %codes)[0], qr/^401 /, '… 401';
};

# JupyterHub GHSA-69wv-m5fw-2fhp: who is an administrator of something was one of more
subtest 'an administrator is who has that very role' => sub {
    my @roles = (['gwuser'], ['aigc-admin '], [' aigc-admin'], ['AIGC-ADMIN'], ['aigc-admin,x'], ['xaigc-admin'], ['aigc-admi'], ["aigc-admin\0"], ['aigc', 'admin'], ['aigc-admin/read'], ['*'], ['']);
    my @routes = (['GET', '/admin/instances'], ['GET', '/admin/users'], ['GET', '/admin/status'], ['POST', '/admin/adopt'],
        ['POST', "/admin/instances/default/$name/" . $hers->id . '/release'], ['GET', '/admin%2finstances'], ['GET', '/admin//instances'], ['GET', '/../v1/admin/instances'], ['HEAD', '/admin/instances']);
    my @in;
    for my $roles (@roles) {
        my $token = $t->forge(user => 'user03', claims => { roles => $roles });
        for (@routes) {
            my ($method, $path) = @$_;
            my $r = $t->stranger->request($method, "/api/v1$path", headers => [Authorization => "Bearer $token"]);
            push @in, "$method $path as @$roles: " . $r->code if $r->code !~ /^(?:40[0134])\z/;
        }
    }
    is_deeply \@in, [], 'nobody else gets anywhere';
    is $hers->look->state, 'ready', 'her instance runs on';
    is $carol->api('GET', '/api/v1/admin/instances')->code, 200, 'who has the role is one';
};

# JupyterHub GHSA-p43p-whwx-q52h: failed sign-ins that fill the log; GHSA-mj6q-mp44-53v8: a name that
# goes to another user
subtest 'failures do not fill the log, and a name owns nothing' => sub {
    my $mark = length $t->error_log;
    my $long = 'x' x 6000;
    for (1 .. 100) {
        $t->stranger->get('/api/v1/me', headers => [Authorization => "Bearer $long"]);
        $t->stranger->browse("/sign-in-callback?code=$long&state=y");
        $t->stranger->get('/auth', headers => ['X-Original-URL' => "http://$long/"]);
        $t->stranger->post('/webhook', body => $long, headers => ['Logto-Signature-Sha-256' => '0' x 64]);
    }
    my @ours = grep { /aigc: / && !/\[(?:info|debug)\]/ } split /\n/, substr $t->error_log, $mark;
    cmp_ok scalar(@ours), '<', 20, '400 requests that fail have left ' . @ours . ' lines';
    is scalar(grep { length > 2000 } @ours), 0, '… none of them long';
    is $t->stranger->get($hers->url, headers => [Authorization => 'Bearer ' . $t->forge(user => 'bob', claims => { name => 'alice', username => 'alice', preferred_username => 'alice', email => 'alice@example.com' })])->code,
        403, 'who calls himself as she does is not she';
};

# nginx-auth-jwt 0.14.1: what one request had relaxed was relaxed for all that came after it
subtest 'a request leaves nothing behind in the configuration' => sub {
    my %token = (good => $t->forge, none => $t->forge(key => 'none'), hmac => $t->forge(key => 'hmac-public-key'), expired => $t->forge(claims => { exp => 'now-3600' }),
        early => $t->forge(claims => { nbf => 'now+3600' }), other => $t->forge(claims => { aud => 'other' }), crit => $t->forge(header => { crit => ['exp'] }), zip => $t->forge(header => { zip => 'DEF' }),
        deep => $t->forge(claims => { x => undef }, payload => '{"a":' . '[' x 1900 . ']' x 1900 . '}'));
    my %want = map { $_ => /^(?:good|zip)\z/ ? 200 : 401 } keys %token;    # RFC 7515 knows no zip: nothing is inflated
    my %got;
    for my $first (sort keys %token) {
        for my $then (sort keys %token) {
            me($token{$first});
            my $code = me($token{$then});
            $got{"$then after $first: $code"}++ if $code != $want{$then};
        }
    }
    is_deeply \%got, {}, 'each counts as it did, whatever came before';
};

# Envoy CVE-2022-29226 (any token), CVE-2023-27496 (no state), CVE-2023-35941 (fields that run into each other)
subtest 'an answer without its parts' => sub {
    is said($t->stranger->browse("/sign-in-callback$_")), '400 sign-in-failed', "$_" for '?code=x', '?state=x', '?code=&state=', '?error=x', '?iss=x', '?=', '?&&&', '?code', '?state';
    is me($_), 401, 'a token that is none: ' . substr $_, 0, 20 for 'x', 'a.b.c', '..', 'eyJhbGciOiJub25lIn0..', 'null', '0';
    my ($host, $sub) = ($hers->host, $hers->owner);
    is $t->stranger->get($hers->url, headers => [Cookie => "aigc-instance=$_"])->code, 401, 'a session by parts' for "$host$sub", "$host.$sub", "$sub:$host:9999999999";
};

# ingress-nginx CVE-2021-25746, CVE-2025-24514, CVE-2025-1974; NGINX Ingress Controller CVE-2026-55723,
# CVE-2026-77180: an object's text becomes configuration
subtest 'no text of an object becomes configuration' => sub {
    my $evil = "x;}\nserver { listen 1; }\n#";
    my $conf = slurp($t->file('nginx/nginx.conf'));
    my $gss = $json->decode($json->encode($t->template($name)));
    $gss->{metadata} = { name => 'evil', annotations => { 'aigc-gateway.io/title' => $evil, 'aigc-gateway.io/description' => '$request_body $aigc_kubernetes_token', 'aigc-gateway.io/icon' => "https://x/;}$evil",
        'nginx.ingress.kubernetes.io/auth-url' => "http://x/#;}$evil", 'nginx.ingress.kubernetes.io/configuration-snippet' => 'return 200;' } };
    $_->{value} = "evil-<id>.@{[ $t->root ]};$evil" for grep { $_->{name} eq 'Host' } @{ $gss->{spec}{network}{networkConf} };
    is_deeply [$t->kube_send([['POST', '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets', $gss]])], [201], 'the template is there';
    my $shown;
    $t->wait_for(sub { ($shown) = grep { $_->{name} eq 'evil' } @{ $alice->api('GET', '/api/v1/templates')->json->{templates} }; $shown }, 20, 'it is listed');
    ok $shown->{misconfigured}, 'it is misconfigured';
    unlike $json->encode($shown), qr/eyJ/, 'no variable was looked up';
    is slurp($t->file('nginx/nginx.conf')), $conf, 'nothing is written to the configuration';
    $t->reload;
    is $alice->get($hers->url)->code, 200, '… and a reload reads what it did';
};

# nginx's own: what the includes make use of
subtest 'what of nginx is used' => sub {
    my $shipped = join "\n", map { slurp($_) =~ s/^\s*#.*//mgr } glob "$repo/ngx_aigc_module/conf/*.conf";
    unlike $shipped, qr/^\s*(?:$_)\b/m, "not $_" for
        'rewrite', 'map', 'if', 'alias', 'ssi', 'slice', 'charset', 'scgi_pass', 'uwsgi_pass', 'grpc_pass', 'mp4', 'proxy_set_body', 'resolver', 'ssl_ocsp', 'ssl_verify_client', 'http2', 'http3', 'mirror', 'auth_request';
    unlike $shipped, qr/proxy_http_version\s+2/, 'nor HTTP/2 to upstreams';
    like $shipped, qr/proxy_ssl_verify\s+on/, 'the API server\'s certificate is verified';
};

done_testing;
