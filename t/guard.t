# t/guard.t — aigc_guard: servers that somebody else has written, as an ingress
# controller generates them, let nobody but the owner through; with auth_request
# in them and without

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

# As ingress-nginx writes a server: it knows nothing of instances.  $auth: with
# its auth-url and auth-signin.
sub generated {
    my ($port, $host, $pod, $auth, $root) = @_;
    my $asks = $auth ? <<"END" : '';
        auth_request     /_external-auth;
        auth_request_set \$auth_cookie \$upstream_http_set_cookie;
        add_header       Set-Cookie \$auth_cookie always;
        error_page       401 = \@sign_in;
END
    return <<"END";
server {
    listen 127.0.0.1:$port;
    server_name $host;
    location / {
$asks
        proxy_set_header Host              \$http_host;
        proxy_set_header Upgrade           \$http_upgrade;
        proxy_set_header Connection        \$connection_upgrade;
        proxy_set_header X-Forwarded-Host  \$http_host;
        proxy_http_version 1.1;
        proxy_pass http://$pod;
    }
    location /looked-at/ {          # a rule of the administrator's own
$asks
        if (\$http_cookie = never) { return 418; }
        rewrite ^/looked-at(/.*) \$1 break;
        proxy_set_header Host \$http_host;
        proxy_set_header Cookie \$http_cookie;
        proxy_pass http://$pod;
    }
    location = /_external-auth {
        internal;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Host dashboard.$root;
        proxy_set_header X-Original-URL \$scheme://\$http_host\$request_uri;
        proxy_set_header Cookie \$http_cookie;
        proxy_cache auth;
        proxy_cache_key "\$http_cookie \$http_host";
        proxy_cache_valid 200 202 401 1s;
        proxy_ignore_headers Cache-Control;
        proxy_pass http://127.0.0.1:$port/auth;
    }
    location \@sign_in { return 302 http://dashboard.$root:$port/sign-in?rd=\$scheme://\$http_host\$request_uri; }
}
END
}

my @servers;                        # text of the generated servers
my $guard = 'aigc_guard on;';
my $t = AIGC::Stack->start(templates => ['stable-diffusion-cpu', 'notebook'], faults => 1, edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my ($root) = $text =~ /server_name dashboard\.(\S+);/;

    # nothing of ours stands in an instance's server
    $text =~ s/    server \{\n[^}]*server_name \*\.[^}]*\}\n    \}\n//s or die 'no server of instances';
    $text =~ s/\}\s*\z/@servers
    $guard
    proxy_cache_path temp\/auth keys_zone=auth:1m;
    map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
    server { listen 127.0.0.1:$port; server_name wiki.$root app.example.org; location \/ { return 200 "somebody else's, \$args\\n"; } }
    server { listen 127.0.0.1:$port; server_name file.$root; location \/ { proxy_pass http:\/\/127.0.0.1:1; } }
    server { listen 127.0.0.1:$port; server_name file.example.org; location \/ { proxy_pass http:\/\/127.0.0.1:1; } }
    server { listen 127.0.0.1:$port; server_name instances98-cpu.$root; location \/ { proxy_pass http:\/\/127.0.0.1:1; } }
}
/;
    return $text;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install('stable-diffusion-cpu')->wait_ready;
my $his  = $bob->install('stable-diffusion-cpu')->wait_ready;
my $port = $t->port;
my ($h, $o) = map { $_->host . ":$port" } $hers, $his;

sub serve {
    my ($auth) = @_;
    my %pod = map { ("$_->{template}/$_->{id}" => $_->{address}) } @{ $t->table->{instances} };
    @servers = map { my $d = $_->data; generated($port, $_->host, $pod{"$d->{template}/$d->{id}"} // die('no address'), $auth, $t->root) } $hers, $his;
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the workers of before are gone');
}

sub said { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // () }

sub evil { return [Origin => 'https://evil.example'] }

# What the pod has seen of a request.
sub seen {
    my ($r) = @_;
    return { code => $r->code } if $r->code != 200;
    my %seen;
    push @{ $seen{ lc $_->[0] } }, $_->[1] for @{ $r->json->{headers} };
    return \%seen;
}

# A request by its very bytes.
sub raw {
    my ($line, @lines) = @_;
    my $conn = AIGC::HTTP->connect('127.0.0.1', $port);
    $conn->send(join "\r\n", $line, @lines, 'Connection: close', '', '');
    my $r = $conn->response(method => 'GET', url => 'raw');
    $conn->close;
    return $r;
}

for my $auth (0, 1) {
    serve($auth);

    subtest $auth ? 'beside auth-url' : 'alone' => sub {
        my $program = $t->stranger;
        is said($alice->get($hers->url('/info'))), '200', 'the owner is let in';
        is $alice->get($hers->url('/info'))->json->{instance}, $hers->id, '… to the own instance';
        is said($bob->get($hers->url('/info'))), '403 not-owner', 'anybody else is refused';
        is said($program->get($hers->url('/info'))), '401 not-signed-in', 'a program without a session gets 401';
        my $r = $program->browse($hers->url('/info?a=1'));
        is $r->code, 302, 'a browser is sent';
        like $r->location, qr{^\Q@{[ $t->origin ]}\E/sign-in\?rd=}, '… to sign in';

        my $new = $t->sign_in('alice');
        $new->{entering} = 1;
        $r = $new->browse($hers->url('/info?a=1'), follow => 5);
        is_deeply [ $r->code, $r->url ], [200, $hers->url('/info?a=1')], 'who is signed in comes to the page';
        ok $new->host_cookie('aigc-instance', $hers->host), '… with a session of that host';

        is said($alice->post($hers->url('/headers'), body => 'x', headers => evil())), '403 cross-origin', 'a page of another origin sends nothing';
        is $alice->websocket($hers->url('/ws'), headers => evil())->code, 403, '… and opens no WebSocket';
        my $ws = $alice->websocket($hers->url('/ws'), headers => [Origin => $hers->url =~ s{/$}{}r]);
        is $ws->code, 101, 'a WebSocket of the own page opens';
        ok $ws->echoes('hello'), '… and echoes';
        $ws->close;

        for my $path ('/headers', '/looked-at/headers') {
            my $cookie = $alice->cookie_header($hers->url($path));
            my $seen = seen($alice->get($hers->url($path), headers => [Cookie => "$cookie; theme=dark", Authorization => 'Basic eDp5']));
            is_deeply $seen->{cookie}, ['theme=dark'], "$path: the pod sees none of the gateway's cookies, and all others";
            is_deeply $seen->{authorization}, ['Basic eDp5'], '… and an Authorization that is its own';
            is_deeply seen($alice->get($hers->url($path)))->{cookie}, undef, '… no Cookie at all where nothing is left of it';
        }

        is_deeply [ @{ seen($alice->get($hers->url('/headers'), headers => [Connection => 'Upgrade', map { (Upgrade => $_) } @$_])) }{qw(upgrade keep-alive)} ], [ (undef) x 2 ],
            "an Upgrade that is none, @{[ join ' and ', @$_ ]}, does not reach the pod" for ['h2c'], ['h2c', 'websocket'];
        my $seen = seen($program->get($hers->url('/headers'), headers => [Authorization => 'Bearer ' . $t->forge]));
        is_deeply [ @$seen{qw(code authorization keep-alive)} ], [ (undef) x 3 ], 'a program with a token is let in, and the pod does not see the token';
        is said($program->get($hers->url('/info'), headers => [Authorization => 'Bearer ' . $t->forge(user => 'bob')])), '403 not-owner', 'bob\'s token is his';

        $r = $alice->get($hers->url('/respond?header=Set-Cookie:aigc-instance=x&header=Set-Cookie:own=1&header=Strict-Transport-Security:max-age=1'));
        is_deeply [ grep { /aigc|own/ } $r->headers('Set-Cookie') ], ['own=1'], 'a pod sets its own cookies, and none of the gateway\'s';
        is $r->header('Strict-Transport-Security'), undef, '… nor speaks for the connection';
        $alice->drop_cookie('own');
    };

    subtest 'one host' => sub {
        my $cookies = 'Cookie: ' . join '; ', map { 'aigc-instance=' . $bob->host_session($_->url) } $his, $hers;
        is raw('GET /info HTTP/1.1', "Host: $o", $cookies)->code, 200, 'bob reaches his instance';
        for (["http://$h/info", $o], ["http://$o/info", $h], ["http://$h/info", 'evil.example'], ["http://evil.example/info", $h],
            ["http://app.example.org/", $h], ["HTTP://" . uc($h) . '/info', $o], ['http://' . $hers->host . './info', $o]) {
            my ($target, $host) = @$_;
            is raw("GET $target HTTP/1.1", "Host: $host", $cookies)->code, 400, "$target, but Host: $host";
        }
        for my $target ("http://$o/info", 'http://' . uc($o) . '/info', 'http://' . $his->host . '/info') {
            is raw("GET $target HTTP/1.1", "Host: $o", $cookies)->code, 200, "$target and Host: $o name the same";
        }
        is raw('GET http://app.example.org/ HTTP/1.1', 'Host: APP.example.org:80')->code, 200, 'somebody else\'s, too';
        is raw('GET /info HTTP/1.1', "Host: $h", $cookies)->code, 403, 'and alice\'s is not bob\'s';
    };
}

sub elsewhere { my ($host, $path) = @_; return $t->stranger->get("http://127.0.0.1:$port" . ($path // '/'), headers => [Host => $host]) }

subtest 'whose a host is' => sub {
    my $root = $t->root;
    is said($alice->get("http://instances98-cpu.$root:$port/")), '404 unknown-host', 'a host of a template, without an instance, is nobody\'s';
    is $t->stranger->browse("http://instances98-cpu.$root:$port/")->code, 404, '… for browsers, too';
    is elsewhere("wiki.$root")->content, "somebody else's, \n", 'another host of the domain is not touched';
    is elsewhere("file.$root")->code, 502, '… whatever it does';
    is elsewhere('app.example.org')->content, "somebody else's, \n", 'nor is one outside of it';
    is elsewhere('app.example.org', '/?x=1&aigc_ticket=abc')->content, "somebody else's, x=1&aigc_ticket=abc\n", '… whatever its query holds';
    is $t->stranger->get($t->url('/'))->code, 200, 'nor the dashboard';
    is $t->status('/readyz')->code, 200, 'nor what has an address of its own';
};

# Before the table is complete nobody knows whose a host of the domain is.
subtest 'a cold start' => sub {
    my $root = $t->root;
    $t->apiserver_down;
    $t->stop_nginx;
    $t->start_nginx;
    $t->wait_for(sub { eval { $t->status('/healthz')->code == 200 } }, 10, 'nginx serves');
    is said(elsewhere($hers->host)), '503 starting', 'an instance';
    is said(elsewhere("instances98-cpu.$root")), '503 starting', 'a host of a template';
    is said(elsewhere("file.$root")), '503 starting', 'another host of the domain';
    is elsewhere('file.example.org')->code, 502, 'somebody else\'s is not touched';
    $t->apiserver_up;
    $t->wait_ready;
    is $alice->get($hers->url('/info'))->code, 200, 'and then she is let in';
};

subtest 'without it' => sub {
    my $cookies = 'Cookie: aigc-instance=' . $bob->host_session($his->url);
    $guard = '';
    serve(1);
    is elsewhere('instances98-cpu.' . $t->root)->code, 502, 'nobody looks';
    is raw("GET http://$h/info HTTP/1.1", "Host: $o", $cookies)->code, 200, 'and auth-url alone is got past: what the guard is for';
};

$t->allow_log(qr/connect\(\) failed/);
done_testing;
