# t/gateways.t — the manifests for other gateways: Kubernetes reads them, our nginx takes
# their servers, and these answer what each gateway asks, with no more headers than its
# manifest lets through; the two nginx halves serve
#
# The gateways are stood in for by what they send (t/forward_auth.t looks at the dialects
# themselves); stock nginx is real, F5's controller a location as its documentation has it.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use JSON::PP ();

my $folder = 'docker/kubernetes/gateways';
my $t = AIGC::Stack->start(several => 1);
my ($port, $root) = ($t->port, $t->root);

### Read as Kubernetes does

my (%file, %kind);
for my $path (glob $t->repo("$folder/*.yaml")) {
    my ($name) = $path =~ m{([^/]+)\.yaml$};
    my $text = $t->kubectl('annotate', '--local', '-f', $path, 'read=yes', '-o', 'json');
    my $json = JSON::PP->new->utf8;
    while ($text =~ /\S/) {
        my ($object, $length) = $json->decode_prefix($text);
        substr $text, 0, $length, '';
        $text =~ s/^\s+//;
        push @{ $file{$name} }, $_ for $object->{kind} eq 'List' ? @{ $object->{items} } : $object;
    }
    $kind{$name}{ $_->{kind} } = $_ for @{ $file{$name} };
}
is join(' ', sort keys %file), 'envoy-gateway f5-nginx gateway-api nginx traefik', 'a manifest for each gateway';

$t->kubectl('create', 'namespace', $_) for 'gateways';
for my $name (sort keys %file) {
    my @known = grep { $_->{kind} =~ /^(?:ConfigMap|Service|NetworkPolicy)$/ } @{ $file{$name} };
    is scalar(@known), 4, "$name: server, Service, two NetworkPolicies";
    my ($status, $out, $err) = $t->try_kubectl({ in => JSON::PP->new->utf8->encode({ apiVersion => 'v1', kind => 'List', items => \@known }) }, 'apply', '--dry-run=server', '-f', '-');
    is $status, 0, '… which the API server takes' or diag $err;
    my $conf = $kind{$name}{ConfigMap}{data}{'auth.conf'};
    my ($listens) = $conf =~ /listen (\d+);/;
    is_deeply [ map { @$_{qw(port targetPort)} } @{ $kind{$name}{Service}{spec}{ports} } ], [ ($listens) x 2 ], '… the port of the server is the Service\'s';
    my ($policy) = grep { $_->{kind} eq 'NetworkPolicy' && $_->{metadata}{name} eq 'aigc-gateway-auth' } @known;
    is $policy->{spec}{ingress}[0]{ports}[0]{port}, $listens, '… and the NetworkPolicy\'s';
}

### Served

my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install('stable-diffusion-cpu')->wait_ready;
my $his  = $bob->install('stable-diffusion-cpu')->wait_ready;
my %pod  = map { ("$_->{template}/$_->{id}" => $_->{address}) } @{ $t->table->{instances} };
my %at;                             # the port of each
@at{qw(envoy-gateway gateway-api traefik f5-nginx nginx nginx-front f5-front)} = map { $t->port($_) } 9 .. 15;

# As it is shipped, at ports and hosts of this stack.
sub here {
    my ($text, $name) = @_;
    $text =~ s/listen (?:443 ssl|\d+);/listen 127.0.0.1:$at{$name};/g;
    $text =~ s{https://dashboard\.example\.com}{@{[ $t->origin ]}}g;
    $text =~ s/(\$scheme:\/\/\$host)(?=\$request_uri)/$1:$port/g if $name =~ /front/;     # nginx has no port in $host
    return $text;
}

sub fronts {
    my $text = join '', map { here($kind{$_}{ConfigMap}{data}{'auth.conf'}, $_) } sort keys %file;
    my $f5 = $kind{'f5-nginx'}{Policy}{spec}{externalAuth};
    my $route = $kind{'f5-nginx'}{VirtualServer}{spec}{routes}[0];
    for my $i ($hers, $his) {
        my $d = $i->data;
        my $pod = $pod{"$d->{template}/$d->{id}"} // die 'no address';
        my $host = $i->host;
        my $nginx = here($kind{nginx}{ConfigMap}{data}{'nginx.conf'}, 'nginx-front');
        $nginx =~ s/^upstream [^\n]*\n//, $nginx =~ s/^map [^\n]*\n//m if $i == $his;      # once
        $nginx =~ s/aigc-gateway-auth\.aigc-gateway\.svc:\d+/127.0.0.1:$at{nginx}/;
        $nginx =~ s/instances0-cpu\.example-usercontent\.net/$host/;
        $nginx =~ s/stable-diffusion-cpu-0\.default\.svc:7860/$pod/;
        $text .= $nginx;
        my $signin = here($f5->{authSigninURI}, 'f5-front');
        $text .= <<"END";
server {
    listen 127.0.0.1:$at{'f5-front'};
    server_name $host;
    location / {
        auth_request /_external_auth;
        error_page 401 = $signin;
        $route->{'location-snippets'}
        proxy_set_header Host \$host;
        proxy_pass http://$pod;
    }
    location = /_external_auth {
        internal;
        proxy_pass_request_body off;
        proxy_set_header Content-Length "";
        proxy_set_header Host \$host;
        proxy_set_header X-Scheme \$scheme;
        $f5->{authSnippets}
        proxy_pass http://127.0.0.1:$at{'f5-nginx'}$f5->{authURI};
    }
    location $f5->{authSigninRedirectBasePath} { proxy_set_header Host \$host; proxy_pass http://127.0.0.1:$at{'f5-nginx'}; }
}
END
    }
    return $text;
}

$t->{opt}{edit} = sub { my ($text) = @_; return $text =~ s/\}\s*\z/fronts() . "}\n"/er };
$t->reload;
my ($code, $said) = $t->test_conf;
is $code, 0, 'nginx takes every one of them' or diag $said;
unlike $said, qr/\[warn\](?! "aigc_session secure=off")/, '… without a warning';

sub said { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // () }

my $browser = { Accept => 'text/html', 'Accept-Language' => 'zh-CN', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document', 'Sec-Fetch-Site' => 'none' };
my $script  = { Accept => 'application/json', 'Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty', 'Sec-Fetch-Site' => 'same-origin' };

# What a gateway asks about a request: (client or undef, method, instance, headers).
my %lets = ('envoy-gateway' => $kind{'envoy-gateway'}{SecurityPolicy}{spec}{extAuth}{headersToExtAuth}, 'gateway-api' => $kind{'gateway-api'}{HTTPRoute}{spec}{rules}[0]{filters}[0]{externalAuth}{http}{allowedHeaders});
sub asks {
    my ($name, $c, $method, $i, %headers) = @_;
    my ($host, $target) = ($i->host . ":$port", '/info?x=1');
    $headers{Cookie} = $c->cookie_header($i->url('/info')) if $c;
    if ($name eq 'traefik') {
        %headers = (%headers, 'X-Forwarded-Host' => $host, 'X-Forwarded-Uri' => $target, 'X-Forwarded-Method' => $method, 'X-Forwarded-Proto' => 'http');
        my ($path) = $kind{traefik}{Middleware}{spec}{forwardAuth}{address} =~ m{svc:\d+(/\S*)};
        return $t->stranger->get("http://127.0.0.1:$at{$name}$path", cookies => 0, headers => [ %headers ]);
    }
    my %let = map { lc $_ => 1 } @{ $lets{$name} }, 'Authorization';
    delete $headers{$_} for grep { !$let{ lc $_ } } keys %headers;
    return $t->stranger->request($method, "http://127.0.0.1:$at{$name}$target", cookies => 0, headers => [Host => $host, Accept => undef, %headers]);
}

for my $name ('envoy-gateway', 'gateway-api', 'traefik') {
    subtest $name => sub {
        is asks($name, $alice, 'GET', $hers, %$browser)->code, 200, 'the owner';
        is asks($name, $alice, 'POST', $hers, %$script, Origin => $hers->url =~ s{/$}{}r)->code, 200, '… sends a form of the own page';
        is said(asks($name, $bob, 'GET', $hers, %$script)), '403 not-owner', 'another user';
        my $r = asks($name, undef, 'GET', $hers, %$browser);
        is $r->code, 302, 'nobody, who navigates, is sent';
        like $r->location, qr{^\Q@{[ $t->origin ]}\E/sign-in\?rd=}, '… to sign in';
        is said(asks($name, undef, 'GET', $hers, %$script)), '401 not-signed-in', 'nobody\'s script gets 401';
        is said(asks($name, $alice, 'POST', $hers, %$script, Origin => 'https://evil.example')), '403 cross-origin', 'another origin';
        is said(asks($name, $alice, 'GET', $hers, Accept => '*/*', Origin => 'https://evil.example', Upgrade => 'websocket')), '403 cross-origin', '… with a WebSocket';
        like asks($name, $bob, 'GET', $hers, %$browser)->content, qr/<html lang="zh/, 'a page in the browser\'s language';
        is asks($name, undef, 'GET', $hers, %$script, Authorization => 'Bearer ' . $t->forge)->code, 200, 'a program of the owner\'s';
    };
}
is $kind{traefik}{Middleware}{spec}{forwardAuth}{trustForwardHeader}, JSON::PP::false, 'traefik does not believe a client\'s X-Forwarded-…';

for my $name ('nginx', 'f5-nginx') {
    my $p = $at{$name eq 'nginx' ? 'nginx-front' : 'f5-front'};
    my $get = sub {
        my ($c, $i, %headers) = @_;
        $headers{Cookie} = $c->cookie_header($i->url('/info')) if $c;
        return $t->stranger->get("http://127.0.0.1:$p/info?x=1", cookies => 0, headers => [Host => $i->host, %headers]);
    };
    subtest $name => sub {
        my $r = $get->($alice, $hers);
        is_deeply [ $r->code, $r->json->{instance} ], [200, $hers->id], 'the owner reaches the pod';
        is $get->($bob, $hers)->code, 403, 'another user does not';
        $r = $get->(undef, $hers, %$browser);
        is_deeply [ $r->code, $r->location ], [302, $t->origin . '/sign-in?rd=http://' . $hers->host . ":$port/info?x=1"], 'nobody is sent to sign in';
        my $came = $alice->browse($r->location);
        is $came->code, 302, '… which the gateway takes';
        like $came->location, qr{^http://\Q@{[ $hers->host ]}\E:$port/info\?x=1&aigc_ticket=}, '… and leads back with a ticket';
        my ($target) = $came->location =~ m{:$port(/.*)};
        $r = $t->stranger->get("http://127.0.0.1:$p$target", cookies => 0, headers => [Host => $hers->host]);
        is $r->code, 200, '… that lets in';
        is scalar(grep { /^aigc-instance=\S/ } $r->headers('Set-Cookie')), 1, '… with a session';
        is $get->($bob, $hers, 'X-Original-URL' => $his->url('/'))->code, 403, 'a forged X-Original-URL is not believed';
        is $get->($bob, $hers, 'X-Forwarded-Host' => $his->host)->code, 403, '… nor others';

        # the server is chosen by the target, and so is what is asked about
        my $cookies = 'Cookie: ' . join '; ', map { 'aigc-instance=' . $bob->host_session($_->url) } $his, $hers;
        for ([$hers, $his], [$his, $hers]) {
            my ($target, $host) = @$_;
            my $conn = AIGC::HTTP->connect('127.0.0.1', $p);
            $conn->send(join "\r\n", 'GET http://' . $target->host . '/info HTTP/1.1', 'Host: ' . $host->host, $cookies, 'Connection: close', '', '');
            my $r = $conn->response(method => 'GET', url => 'raw');
            $conn->close;
            is $r->code, $target == $his ? 200 : 403, 'target ' . $target->host . ', Host ' . $host->host;
            is $r->json->{instance}, $his->id, '… his own' if $r->code == 200;
        }
    };
}
# What the manifests say of an instance that is not ready, and of none.
subtest 'not ready' => sub {
    my $cookie = $alice->cookie_header($hers->url('/info'));
    $hers->release->wait_state('released');
    is asks($_, $alice, 'GET', $hers, %$browser)->code, 503, "$_ is told 503" for 'envoy-gateway', 'gateway-api', 'traefik';
    my $front = sub { return map { $t->stranger->get("http://127.0.0.1:$_/info", cookies => 0, headers => [Host => $hers->host, Cookie => $cookie])->code } @at{qw(nginx-front f5-front)} };
    is_deeply [ $front->() ], [502, 502], 'of nginx and F5 the owner gets their own page';
    $hers->uninstall(delete_disk => 'true')->wait_gone;
    is_deeply [ $front->() ], [500, 500], '… and of 404 they make 500';
    $t->allow_log(qr/auth request unexpected status|connect\(\) failed/);
};
done_testing;
