# t/forward_auth.t — aigc_auth dialect=envoy and =traefik: external auth of proxies
# that pass on to the browser what was not allowed
#
# The proxies are stood in for by what they send: Envoy's ext_authz over HTTP (and
# Gateway API's ExternalAuth) the very request, Traefik's forwardAuth a GET with the
# request's headers and three of its own.  Unlike the real ones they do not drop a
# client's X-Forwarded-…: what has to be believed is what stands in one place.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Secrets;

my $t = AIGC::Stack->start(templates => ['stable-diffusion-cpu', 'notebook'], edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my ($envoy, $traefik, $shared) = map { $port + $_ } 10 .. 12;
    return $text =~ s/\}\s*\z/
    server { listen 127.0.0.1:$envoy; location \/ { aigc_auth dialect=envoy; } }
    server { listen 127.0.0.1:$traefik; location = \/auth { aigc_auth dialect=traefik; } }
    server { listen 127.0.0.1:$shared; location \/ { aigc_cross_origin on; aigc_auth dialect=envoy; } }
}
/r;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install('stable-diffusion-cpu')->wait_ready;
my $his  = $bob->install('stable-diffusion-cpu')->wait_ready;
my $port = $t->port;

# Each asks about a request of a client: (client, method, url, headers).
my %ask = (
    envoy => sub {
        my ($c, $method, $url, $headers, %o) = @_;
        my ($host, undef, $target) = AIGC::HTTP::split_url($url);
        return $c->request($method, 'http://127.0.0.1:' . ($port + 10) . $target, cookies => 0, %o, headers => [Host => "$host:$port", @$headers]);
    },
    traefik => sub {
        my ($c, $method, $url, $headers, %o) = @_;
        my ($host, undef, $target) = AIGC::HTTP::split_url($url);
        return $c->request('GET', 'http://127.0.0.1:' . ($port + 11) . '/auth', cookies => 0, %o,
            headers => ['X-Forwarded-Host' => "$host:$port", 'X-Forwarded-Uri' => $target, 'X-Forwarded-Method' => $method, 'X-Forwarded-Proto' => 'http', @$headers]);
    },
);

sub said { my ($r) = @_; return join ' ', $r->code, $r->code == 200 ? $r->header('X-Auth-Request-User') // '-' : ($r->problem // {})->{code} // () }

sub page { return (Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate') }

for my $dialect (qw(envoy traefik)) {
    my $ask = sub {
        my ($c, $method, $url, @headers) = @_;
        my $cookie = $c->cookie_header($url);
        return $ask{$dialect}->($c, $method, $url, [length $cookie ? (Cookie => $cookie) : (), @headers]);
    };

    subtest "$dialect: who" => sub {
        is said($ask->($alice, 'GET', $hers->url('/info?x=1'))), '200 ' . $hers->owner, 'the owner';
        is said($ask->($bob, 'GET', $hers->url('/info'))), '403 not-owner', 'another user';
        is said($ask->($t->stranger, 'GET', $hers->url('/info'))), '401 not-signed-in', 'a program without a session';
        is said($ask->($t->stranger, 'GET', $hers->url('/info'), Authorization => 'Bearer ' . $t->forge)), '200 ' . $hers->owner, 'the owner\'s token';
        is said($ask->($t->stranger, 'GET', $hers->url('/info'), Authorization => 'Bearer ' . $t->forge(user => 'bob'))), '403 not-owner', 'another\'s';
        is said($ask->($alice, $_, $hers->url('/info'), Origin => $hers->url =~ s{/$}{}r)), '200 ' . $hers->owner, "$_ of the own page" for qw(POST PUT DELETE PATCH);
        is $ask->($alice, 'HEAD', $hers->url('/info'))->code, 200, 'HEAD';
        is said($ask->($alice, 'GET', 'http://instances77-cpu.' . $t->root . ":$port/")), '404 unknown-host', 'an instance that does not exist';
        is said($ask->($alice, 'GET', "http://evil.example:$port/")), '404 unknown-host', 'a host of nobody\'s';
    };

    subtest "$dialect: another origin" => sub {
        for (['a form', 'POST'], ['a WebSocket, whose Upgrade does not come along', 'GET'], ['a fetch', 'PUT']) {
            my ($what, $method) = @$_;
            is said($ask->($alice, $method, $hers->url('/ws'), Origin => 'https://evil.example')), '403 cross-origin', $what;
            is said($ask->($alice, $method, $hers->url('/ws'), Origin => $his->url =~ s{/$}{}r)), '403 cross-origin', '… of another instance';
        }
        is said($ask->($alice, 'POST', $hers->url('/x'), 'Sec-Fetch-Site' => 'cross-site')), '403 cross-origin', 'by Sec-Fetch-Site';
    };

    subtest "$dialect: the way in" => sub {
        my $new = $t->sign_in('alice');
        $new->{entering} = 1;                   # step by step
        my $url = $hers->url('/info?a=1&b=2');
        my $step = sub {                        # what the browser gets there
            my ($url) = @_;
            my $cookie = $new->cookie_header($url);
            my $r = $ask{$dialect}->($t->stranger, 'GET', $url, [length $cookie ? (Cookie => $cookie) : (), page()]);
            $r->{url} = $url;
            $new->remember($r);
            return $r;
        };
        my $r = $step->($url);
        is $r->code, 302, 'a navigation without a session is redirected';
        like $r->location, qr{^\Q@{[ $t->origin ]}\E/sign-in\?rd=}, '… to the gateway';
        ok $new->host_cookie('aigc-nonce', $hers->host), '… with a nonce';
        $r = $new->browse($r->location);
        like $r->location, qr{^\Q$url\E&aigc_ticket=[\w-]+$}, 'which sends it back with a ticket';
        my $ticket = $r->location;
        $r = $step->($ticket);
        is_deeply [ $r->code, $r->location ], [302, $url], 'that is taken';
        ok $new->host_cookie('aigc-instance', $hers->host), '… for a session of that host';
        is said($step->($url)), '200 ' . $hers->owner, 'and the page is allowed';
        is $step->($ticket)->code, 302, 'the ticket again: on to the page, for who is in';
        my $thief = $t->stranger;
        $r = $ask{$dialect}->($thief, 'GET', $ticket, [page()]);
        is $r->code, 403, '… and for nobody else';
        is scalar(grep { /instance=[^;]/ } $r->headers('Set-Cookie')), 0, '… who gets no session';
        my $mine = $new->browse('/sign-in?rd=' . AIGC::Client::escape($hers->url('/')));
        $r = $ask{$dialect}->($t->sign_in('bob'), 'GET', $mine->location, [page()]);
        is scalar(grep { /instance=[^;]/ } $r->headers('Set-Cookie')), 0, 'a ticket without this browser\'s nonce gives no session';
    };

    # oauth2-proxy believed one header while the proxy had set another
    # (GHSA-7x63-xv5r-3p2x, GHSA-5hvv-m4w4-gf6v).
    subtest "$dialect: headers of others" => sub {
        my @names = ('X-Original-URL', 'X-Original-URI', 'X-Original-Host', 'X-Original-Method', 'X-Rewrite-URL', 'X-Envoy-Original-Path', 'X-Envoy-Original-Host', 'X-Host', 'X-HTTP-Host-Override',
            'X-Forwarded-Server', 'X-Auth-Request-Redirect', 'X-HTTP-Method-Override', 'Forwarded', 'X-Replaced-Path', 'X-Forwarded-Prefix', $dialect eq 'envoy' ? ('X-Forwarded-Host', 'X-Forwarded-Uri', 'X-Forwarded-Method') : ());
        my $forged = sub {
            my ($name, $url) = @_;
            my ($host, undef, $target) = AIGC::HTTP::split_url($url);
            return $name eq 'Forwarded' ? "host=$host:$port;proto=http" : $name =~ /Method/ ? 'GET' : $name =~ /Ur[il]|URL|Path|Prefix|Redirect/i ? $url : "$host:$port";
        };
        my $cookie = join '; ', map { 'aigc-instance=' . $bob->host_session($_->url) } $his, $hers;
        for my $name (@names) {
            is said($ask{$dialect}->($t->stranger, 'GET', $hers->url('/info'), [Cookie => $cookie, $name => $forged->($name, $his->url('/info'))])), '403 not-owner', "$name does not open what is another's";
            is said($ask{$dialect}->($t->stranger, 'GET', $his->url('/info'), [Cookie => $cookie, $name => $forged->($name, $hers->url('/info'))])), '200 ' . $his->owner, '… nor close the own';
        }
        is said($ask{$dialect}->($t->stranger, 'POST', $his->url('/info'), [Cookie => $cookie, Origin => 'https://evil.example', 'X-HTTP-Method-Override' => 'GET'])), '403 cross-origin', 'nor is a method believed that is not its own';
    };
}

subtest 'traefik: its three headers, each once' => sub {
    my $cookie = 'aigc-instance=' . $alice->host_session($hers->url);
    my %good = ('X-Forwarded-Host' => $hers->host . ":$port", 'X-Forwarded-Uri' => '/info', 'X-Forwarded-Method' => 'GET');
    my $sent = sub { return said($t->stranger->get('http://127.0.0.1:' . ($port + 11) . '/auth', cookies => 0, headers => [Cookie => $cookie, @_])) };
    is $sent->(%good), '200 ' . $hers->owner, 'all three';
    for my $name (sort keys %good) {
        my %others = %good;
        delete $others{$name};
        is $sent->(%others), '400 bad-host', "without $name";
        is $sent->(%good, $name => $good{$name}), '400 bad-host', "two of $name";
        is $sent->(%others, $name => ''), '400 bad-host', "an empty $name";
        is $sent->(%others, $name => $name eq 'X-Forwarded-Uri' ? '/' . 'a' x 16_384 : 'a' x 16_385), '400 bad-host', "$name over 16 KB";
    }
    is $sent->(%good, 'X-Forwarded-Host' => $_), '400 bad-host', "host $_" for 'evil.example, ' . $hers->host;
    delete $good{'X-Forwarded-Host'};
    is $sent->(%good, 'X-Forwarded-Host' => $_), '400 bad-host', "host $_" for $hers->host . '@evil.example', 'a b', "http://@{[ $hers->host ]}/", '[::1]', $hers->host . '..', "@{[ $hers->host ]}, evil.example";
    is $sent->(%good, 'X-Forwarded-Host' => uc $hers->host), '200 ' . $hers->owner, 'in capitals, without a port';
    delete $good{'X-Forwarded-Uri'};
    is $sent->(%good, 'X-Forwarded-Host' => $hers->host, 'X-Forwarded-Uri' => $_), '400 bad-host', "URI $_" for 'info', 'http://' . $his->host . '/', '*';
};

# Else the body is what the proxy takes for the next answer on that connection.
subtest 'asked with HEAD' => sub {
    my $cookie = 'Cookie: aigc-instance=' . $alice->host_session($hers->url);
    my @traefik = ('Host: auth', 'X-Forwarded-Host: ' . $hers->host, 'X-Forwarded-Uri: /info');
    for (['envoy', 10, '/info', 'Host: ' . $hers->host], map { ["traefik, about $_", 11, '/auth', @traefik, "X-Forwarded-Method: $_"] } qw(HEAD GET POST)) {
        my ($what, $n, $path, @lines) = @$_;
        for my $more ([$cookie], ['Cookie: a=b'], ['Accept: text/html']) {
            my $conn = AIGC::HTTP->connect('127.0.0.1', $port + $n);
            $conn->send(join "\r\n", "HEAD $path HTTP/1.1", @lines, @$more, '', '');
            my $first = $conn->response(method => 'HEAD', url => 'raw')->code;
            $conn->send(join "\r\n", "GET $path HTTP/1.1", @lines, $cookie, 'Connection: close', '', '');
            is eval { $conn->response(method => 'GET', url => 'raw')->code } // $@, 200, "$what: $first, and the next answer begins where it should";
            $conn->close;
        }
    }
};

subtest 'envoy: one host' => sub {
    my $cookie = join '; ', map { 'aigc-instance=' . $bob->host_session($_->url) } $his, $hers;
    my $conn = AIGC::HTTP->connect('127.0.0.1', $port + 10);
    $conn->send(join "\r\n", 'GET http://' . $his->host . '/ HTTP/1.1', 'Host: ' . $hers->host, "Cookie: $cookie", 'Connection: close', '', '');
    is $conn->response(method => 'GET', url => 'raw')->code, 400, 'target and Host that differ';
    is $ask{envoy}->($t->stranger, 'POST', $his->url('/x'), [Cookie => $cookie], body => 'x' x 100_000)->code, 200, 'a body is taken and not looked at';
    is $ask{envoy}->($t->stranger, 'GET', $his->url('/' . 'a' x 8000), [Cookie => $cookie])->code, 200, 'a long path';
};

subtest 'shared with other origins' => sub {
    my $options = sub { my ($port) = @_; return $t->stranger->request('OPTIONS', "http://127.0.0.1:$port/x", cookies => 0,
        headers => [Host => $hers->host, Origin => 'https://app.example.org', 'Access-Control-Request-Method' => 'PUT'])->code };
    is $options->($port + 12), 200, 'a preflight goes to the pod';
    is $options->($port + 10), 401, '… where nothing says so it does not';
};

subtest 'a pod that is not ready' => sub {
    $hers->release->wait_state('released');
    my $r = $ask{envoy}->($t->stranger, 'GET', $hers->url('/'), [page(), Cookie => 'aigc-instance=' . $alice->host_session($hers->url)]);
    is $r->code, 503, 'its owner gets the page that says so';
    like $r->content, qr/<html/, '… for people';
};

# A 200 has no way to give the browser a cookie: a renewed session comes by a redirect.
subtest 'a session that is renewed' => sub {
    $t->logto_control(lifetimes => { id_token => -25 });        # believed for 30 s more
    my $new = $t->sign_in('bob');
    my $end = time + 6;
    my $session = $new->host_session($his->url);
    $t->logto_control(lifetimes => { id_token => undef });
    $t->wait_for(sub { time > $end }, 10, 'the ID token has expired');
    for my $dialect (qw(envoy traefik)) {
        my $r = $ask{$dialect}->($t->stranger, 'POST', $his->url('/info?x=1'), [Cookie => "aigc-instance=$session"]);
        is_deeply [ $r->code, $r->location ], [307, $his->url('/info?x=1')], "$dialect: the very request once more, with its method";
        my ($cookie) = grep { /^aigc-instance=./ } $r->headers('Set-Cookie');
        ok $cookie, '… and a new session';
        AIGC::Secrets::in_response($r);
        is said($ask{$dialect}->($t->stranger, 'POST', $his->url('/info'), [Cookie => $cookie =~ s/;.*//r])), '200 ' . $his->owner, '… which is good';
    }
};

# The request waits in the content phase then, and may end there.
subtest 'a client that goes away while its session is renewed' => sub {
    $t->logto_control(lifetimes => { id_token => -25 });
    my $new = $t->sign_in('bob');
    my $end = time + 6;
    my $session = $new->host_session($his->url);
    $t->logto_control(lifetimes => { id_token => undef });
    $t->wait_for(sub { time > $end }, 10, 'the ID token has expired');
    $t->logto_control(latency => { ms => 2000, paths => '^/oidc/token' });
    $t->clear_logto_requests;
    my %lines = (
        envoy   => ['POST /info HTTP/1.1', 'Host: ' . $his->host],
        traefik => ['GET /auth HTTP/1.1', 'Host: auth', 'X-Forwarded-Host: ' . $his->host, 'X-Forwarded-Uri: /info', 'X-Forwarded-Method: POST'],
    );
    my $body = "GET /body HTTP/1.1\r\nHost: x\r\n\r\n";
    my (@gone, %kept);
    for my $dialect (sort keys %lines) {
        my $text = join "\r\n", @{ $lines{$dialect} }, "Cookie: aigc-instance=$session", 'Content-Length: ' . length $body, '', $body;
        for my $more ('', '', $text) {
            my $conn = AIGC::HTTP->connect('127.0.0.1', $port + ($dialect eq 'envoy' ? 10 : 11));
            $conn->send($text . $more);
            $more ? $kept{$dialect} = $conn : push @gone, $conn;
        }
    }
    $t->wait_for(sub { $t->logto_requests->{methods}{'POST /oidc/token'} }, 10, 'the renewal is under way');
    $_->close for @gone;
    for my $dialect (sort keys %kept) {
        is join(' ', map { $kept{$dialect}->response(method => 'POST', url => 'raw')->code } 1, 2), '307 307', "$dialect: who waits gets the answer, to the second request on that connection, too";
        $kept{$dialect}->close;
    }
    $t->logto_control(latency => { ms => 0, paths => '^/oidc/token' });
};

done_testing;
