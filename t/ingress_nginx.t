# t/ingress_nginx.t — the gateway inside ingress-nginx: the snippets of the shipped
# ConfigMap, in a configuration as the controller generates it, let nobody but the owner
# in: by our own server and without a reload (way b), and by the servers that the controller
# writes for each Ingress, with auth-url in them and without (way a)
#
# A stand-in for the controller: this nginx, and a configuration that was written after the
# controller's template, without what its Lua and its patches do.  The snippets are read
# from the ConfigMap as Kubernetes has it; what had to be changed in them is %here.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;
use AIGC::Secrets;

use File::Path qw(make_path);

my $t = AIGC::Stack->start(https => 1, faults => 1, nginx => 0, templates => []);
my ($port, $tls, $h2, $status) = ($t->port, $t->port(8), $t->port(10), $t->port(9));
my $root = $t->root;
my $uid  = $> == 0 ? 101 : $>;      # the controller's nginx is 101:82
my $dir  = $t->file('nginx');

sub read_all { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return scalar <$f> }
sub write_all { my ($file, $text) = @_; open my $f, '>', $file or die "$file: $!"; print $f $text; close $f; return $file }

### What is shipped, applied to a cluster

$t->kubectl('create', 'namespace', 'ingress-nginx');
$t->kubectl('-n', 'ingress-nginx', 'create', 'serviceaccount', 'ingress-nginx');
$t->apply(read_all($t->repo("docker/ingress-nginx/$_.yaml"))) for qw(rbac configmap);
my $data = $t->kube_get('/api/v1/namespaces/ingress-nginx/configmaps/ingress-nginx-controller')->{data};

# Secrets as Kubernetes mounts them: root:<fsGroup> 0440; the token is the controller's own.
make_path(map { $t->file($_) } qw(secrets account));
my %secret = (app_secret => 'logto/app_secret', m2m_app_secret => 'logto/m2m_app_secret', webhook_key => 'logto/webhook_key');
write_all($t->file("secrets/$_"), read_all($t->file($secret{$_}))) for keys %secret;
$t->_write_session_key;
write_all($t->file('secrets/session.key'), read_all($t->file('session.key')));
write_all($t->file('account/token'), $t->kubectl('-n', 'ingress-nginx', 'create', 'token', 'ingress-nginx', '--duration=1h'));
write_all($t->file('account/namespace'), 'ingress-nginx');
write_all($t->file('account/ca.crt'), read_all($t->file('cluster/pki/ca.crt')));
AIGC::Secrets::in_file($t->file('account/token'), 'the service account\'s token');
for my $file (glob $t->file('secrets/*')) {
    chmod 0440, $file;
    chown 0, 82, $file if $> == 0;
}

# ... and an nginx that is the controller's user.
if ($> == 0) {
    my $real = $ENV{AIGC_NGINX} // '/usr/sbin/nginx';
    $ENV{AIGC_NGINX} = write_all($t->file('run/nginx'), <<"END");
#!/bin/sh
chown -hR 101:82 '$dir' '@{[ $t->file('log') ]}'
exec setpriv --reuid=101 --regid=82 --clear-groups $real "\$@"
END
    chmod 0755, $ENV{AIGC_NGINX};
}

### nginx.conf as the controller writes it

my %here = (                        # in the order of their length, longest first
    '/etc/nginx/modules/ngx_http_aigc_module.so' => $t->module_file,
    '/var/log/nginx/error.log'        => $t->error_log_file,
    '/etc/nginx/aigc/'                => "$dir/aigc/",
    '/etc/aigc/secrets/'              => $t->file('secrets/'),
    'https://kubernetes.default.svc'  => 'https://127.0.0.1:' . $t->port(6) . " token_file=@{[ $t->file('account/token') ]} ca_file=@{[ $t->file('account/ca.crt') ]}",
    'https://logto.example.com'       => 'http://127.0.0.1:' . $t->port(2),
    'app_id=gateway-m2m'              => 'app_id=' . read_all($t->file('logto/m2m_app_id')) =~ s/\s//gr,
    'app_id=gateway'                  => 'app_id=' . read_all($t->file('logto/app_id')) =~ s/\s//gr,
    'https://dashboard.example.com'   => $t->origin,
    'dashboard.example.com'           => $t->host,
    'example-usercontent.net'         => $root,
    'listen 443 ssl'                  => "listen 127.0.0.1:$port; listen 127.0.0.1:$h2 http2; listen 127.0.0.1:$tls ssl http2",
    'listen 80'                       => 'listen 127.0.0.1:' . $t->port(11),
    'listen 9145'                     => 'listen 127.0.0.1:' . $t->port(1),
    '127.0.0.1:9146'                  => '127.0.0.1:' . $t->port(12),
);
my $names = join '|', map { quotemeta } sort { length $b <=> length $a } keys %here;
sub snippet {
    my ($name) = @_;
    my $text = $data->{$name} =~ s/($names)/$here{$1}/gr;
    $text =~ s/\bhttp2  on;\n//g unless $t->at_least('1.25.1');     # there: listen … http2
    $text =~ s/^load_module [^;]*;\n//m unless $t->module_file;         # it is built in
    return $text =~ s/^(?=.)/    /gmr;
}

# A server for an Ingress: host, upstream, and the annotations auth-url and auth-signin.
sub generated {
    my ($host, $pod, $auth, $more) = @_;
    my $name = $host =~ tr/./-/r;
    my $asks = $auth ? <<"END" : '';
        auth_request        /_external-auth-Lw-Prefix;
        auth_request_set    \$auth_cookie \$upstream_http_set_cookie;
        add_header          Set-Cookie \$auth_cookie always;
        set \$escaped_request_uri \$request_uri;
        error_page 401 = \@64e7eef73f135f7a304693e85336f805005c5bc2;
END
    my $external = $auth ? <<"END" : '';
    location = /_external-auth-Lw-Prefix {
        internal;
        set \$proxy_upstream_name "$name";
        proxy_pass_request_body     off;
        proxy_set_header            Content-Length          "";
        proxy_set_header            X-Forwarded-Proto       "";
        proxy_set_header            X-Request-ID            \$req_id;
        proxy_set_header            Host                    @{[ $t->host ]};
        proxy_set_header            X-Original-URL          \$scheme://\$http_host\$request_uri;
        proxy_set_header            X-Original-Method       \$request_method;
        proxy_set_header            X-Sent-From             "nginx-ingress-controller";
        proxy_set_header            X-Real-IP               \$remote_addr;
        proxy_set_header            X-Forwarded-For         \$remote_addr;
        proxy_set_header            X-Auth-Request-Redirect \$request_uri;
        proxy_buffering             off;
        proxy_buffer_size           $data->{'proxy-buffer-size'};
        proxy_buffers               4 $data->{'proxy-buffer-size'};
        proxy_request_buffering     on;
        proxy_ssl_server_name       on;
        proxy_pass_request_headers  on;
        client_max_body_size        1m;
        proxy_http_version 1.1;
        set \$target http://@{[ $t->host ]}/auth;
        proxy_pass \$target;
    }

    location \@64e7eef73f135f7a304693e85336f805005c5bc2 {
        internal;
        add_header Set-Cookie \$auth_cookie;
        return 302 @{[ $t->origin ]}/sign-in?rd=\$pass_access_scheme://\$http_host\$escaped_request_uri;
    }
END
    return <<"END";
upstream $name { server $pod; keepalive 320; }
server {
    server_name $host ;
    listen 127.0.0.1:$port; listen 127.0.0.1:$h2 http2; listen 127.0.0.1:$tls ssl http2;
    set \$proxy_upstream_name "-";

$external
    location / {
        set \$namespace      "default";
        set \$ingress_name   "$name";
        set \$pass_access_scheme  \$scheme;
        set \$pass_port           \$server_port;
        set \$best_http_host      \$http_host;
$asks
        client_max_body_size                    1m;
        proxy_set_header Host                   \$best_http_host;
        proxy_set_header                        Upgrade           \$http_upgrade;
        proxy_set_header                        Connection        \$connection_upgrade;
        proxy_set_header X-Request-ID           \$req_id;
        proxy_set_header X-Real-IP              \$remote_addr;
        proxy_set_header X-Forwarded-For        \$remote_addr;
        proxy_set_header X-Forwarded-Host       \$best_http_host;
        proxy_set_header X-Forwarded-Port       \$pass_port;
        proxy_set_header X-Forwarded-Proto      \$pass_access_scheme;
        proxy_set_header X-Forwarded-Scheme     \$pass_access_scheme;
        proxy_set_header X-Scheme               \$pass_access_scheme;
        proxy_set_header X-Original-Forwarded-For \$http_x_forwarded_for;
        proxy_set_header Proxy                  "";
        proxy_connect_timeout                   5s;
        proxy_send_timeout                      60s;
        proxy_read_timeout                      60s;
        proxy_buffering                         off;
        proxy_buffer_size                       $data->{'proxy-buffer-size'};
        proxy_buffers                           4 $data->{'proxy-buffer-size'};
        proxy_max_temp_file_size                1024m;
        proxy_request_buffering                 on;
        proxy_http_version                      1.1;
        proxy_cookie_domain                     off;
        proxy_cookie_path                       off;
        proxy_next_upstream                     error timeout;
        proxy_next_upstream_timeout             0;
        proxy_next_upstream_tries               3;
        proxy_pass http://$name;
        proxy_redirect                          off;
    }
    @{[ $more // '' ]}
}
END
}

my @ingresses;                      # text of the generated servers
my $errors_of = '';                 # of custom-http-errors
our $wrong = sub { };               # a slip in the ConfigMap

sub conf {
    my %s = map { $_ => snippet($_) } qw(main-snippet http-snippet);
    $wrong->(\%s);
    return <<"END";
# Configuration checksum: 4711
pid $dir/nginx.pid;
daemon off;
worker_processes 2;
worker_rlimit_nofile 4096;
worker_shutdown_timeout 240s ;
$s{'main-snippet'}
events { multi_accept on; worker_connections 2048; use epoll; }

http {
    aio threads;
    tcp_nopush on;
    tcp_nodelay on;
    log_subrequest on;
    reset_timedout_connection on;
    keepalive_timeout 75s;
    keepalive_requests 1000;
    client_body_temp_path temp/client-body;
    fastcgi_temp_path temp/fastcgi-temp;
    proxy_temp_path temp/proxy-temp;
    uwsgi_temp_path temp/uwsgi;         # (these two are not built into the controller's)
    scgi_temp_path temp/scgi;
    client_header_buffer_size 1k;
    client_header_timeout 60s;
    large_client_header_buffers $data->{'large-client-header-buffers'};
    client_body_buffer_size 8k;
    client_body_timeout 60s;
    types_hash_max_size 2048;
    server_names_hash_max_size 1024;
    server_names_hash_bucket_size 64;
    map_hash_bucket_size 64;
    proxy_headers_hash_max_size 512;
    proxy_headers_hash_bucket_size $data->{'proxy-headers-hash-bucket-size'};
    variables_hash_bucket_size 256;
    variables_hash_max_size 2048;
    underscores_in_headers off;
    ignore_invalid_headers on;
    limit_req_status 503;
    limit_conn_status 503;
    include /etc/nginx/mime.types;
    default_type text/html;
    server_tokens off;
    uninitialized_variable_warn off;
    log_format upstreaminfo '\$remote_addr - \$remote_user [\$time_local] "\$request" \$status \$body_bytes_sent "\$http_referer" "\$http_user_agent" \$request_length \$request_time [\$proxy_upstream_name] [] \$upstream_addr \$upstream_response_length \$upstream_response_time \$upstream_status \$req_id';
    map \$request_uri \$loggable { default 1; }
    access_log @{[ $t->file('log/access.log') ]} upstreaminfo if=\$loggable;
    error_log @{[ $t->error_log_file ]} info;   # the controller's is notice
    map \$http_upgrade \$connection_upgrade { default upgrade; '' ''; }
    map \$http_x_request_id \$req_id { default \$http_x_request_id; "" \$request_id; }
    geo \$literal_dollar { default "\$"; }
    server_name_in_redirect off;
    port_in_redirect off;
    ssl_certificate @{[ $t->file('tls.crt') ]};
    ssl_certificate_key @{[ $t->file('tls.key') ]};
    proxy_ssl_session_reuse on;
    $errors_of

    # Custom code snippet configured in the configuration configmap
$s{'http-snippet'}

    ## start server _
    server {
        server_name _ ;
        listen 127.0.0.1:$port default_server; listen 127.0.0.1:$h2 default_server http2; listen 127.0.0.1:$tls default_server ssl http2;
        set \$proxy_upstream_name "-";
        location / { return 404 "default backend - 404"; }
        location /healthz { access_log off; return 200; }
        location /nginx_status { allow 127.0.0.1; deny all; access_log off; return 200 "status\\n"; }
    }
    @ingresses
    # default server, used for NGINX healthcheck and access to nginx stats
    server {
        listen 127.0.0.1:$status;
        set \$proxy_upstream_name "internal";
        keepalive_timeout 0;
        gzip off;
        access_log off;
        location /healthz { return 200; }
        location /is-dynamic-lb-initialized { return 200; }
        location /nginx_status { return 200 "stub\\n"; }
        location /configuration { return 201; }
        location / { return 404; }
    }
}
END
}

$t->{opt}{edit} = sub {
    write_all("$dir/aigc/kubernetes.conf", read_all($t->repo('docker/kubernetes.conf')) =~ s{/var/run/secrets/kubernetes\.io/serviceaccount/}{$t->file('account/')}er);
    return conf();
};
make_path($dir);
symlink $t->repo('build/dashboard'), "$dir/html" or die $!;
$t->_write_certificate;
system('chown', '-R', '101:82', $dir) if $> == 0;
chmod 0644, $t->file('tls.key');

### The guard's table

$t->start_nginx;
$t->wait_ready;
$t->apply_template('stable-diffusion-cpu', sub {
    my ($gss) = @_;
    ($_->{name} eq 'IngressClassName') && ($_->{value} = 'aigc') for @{ $gss->{spec}{network}{networkConf} };
});
my @workers = $t->worker_pids;
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install('stable-diffusion-cpu')->wait_ready;
my $his  = $bob->install('stable-diffusion-cpu')->wait_ready;

sub said { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // () }

sub evil { return [Origin => 'https://evil.example'] }

sub seen {                          # what the pod has seen of a request
    my ($r) = @_;
    return { code => $r->code } if $r->code != 200;
    my %seen;
    push @{ $seen{ lc $_->[0] } }, $_->[1] for @{ $r->json->{headers} };
    return \%seen;
}

sub raw {                           # these very bytes
    my ($line, @lines) = @_;
    my $conn = AIGC::HTTP->connect('127.0.0.1', $port);
    $conn->send(join "\r\n", $line, @lines, 'Connection: close', '', '');
    my $r = $conn->response(method => 'GET', url => 'raw');
    $conn->close;
    return $r;
}

my ($h, $o) = map { $_->host . ":$tls" } $hers, $his;

# bob's sessions of both hosts: of alice's it is no use to him.
my $cookies = join '; ', map { '__Host-aigc-instance=' . $bob->host_session($_->url) } $his, $hers;

sub table {
    my $program = $t->stranger;
    my $ws_url = 'http://' . $hers->host . ":$port/ws";      # (clients of a stack with TLS take its plain port)
    is said($alice->get($hers->url('/info'))), '200', 'the owner is let in';
    is $alice->get($hers->url('/info'))->json->{instance}, $hers->id, '… to the own instance';
    is said($bob->get($hers->url('/info'))), '403 not-owner', 'anybody else is refused';
    is said($program->get($hers->url('/info'))), '401 not-signed-in', 'a fetch without a session gets 401';
    my $r = $program->browse($hers->url('/info?a=1'));
    is $r->code, 302, 'a navigation is sent';
    like $r->location, qr{^\Q@{[ $t->origin ]}\E/sign-in\?rd=}, '… to sign in';
    my $new = $t->sign_in('alice');
    $new->{entering} = 1;
    $r = $new->browse($hers->url('/info?a=1'), follow => 5);
    is_deeply [ $r->code, $r->url ], [200, 'http://' . $hers->host . ":$port/info?a=1"], '… and comes back to the page';
    ok $new->host_cookie('aigc-instance', $hers->host), '… with a session of that host';
    is said($alice->post($hers->url('/headers'), body => 'x', headers => evil())), '403 cross-origin', 'another origin sends nothing';
    is $alice->websocket($ws_url, headers => evil())->code, 403, '… and opens no WebSocket';
    my $ws = $alice->websocket($ws_url, headers => [Origin => $hers->url =~ s{/$}{}r]);
    is $ws->code, 101, 'the own page opens one';
    ok $ws->echoes('hello'), '… which echoes';
    $ws->close;

    my $cookie = $alice->cookie_header($hers->url('/headers'), secure => 1);
    my $seen = seen($alice->get($hers->url('/headers'), headers => [Cookie => "$cookie; theme=dark", Authorization => 'Basic eDp5']));
    is_deeply [ @$seen{qw(cookie authorization)} ], [['theme=dark'], ['Basic eDp5']], 'the pod sees its own cookies alone';
    $seen = seen($program->get($hers->url('/headers'), headers => [Authorization => 'Bearer ' . $t->forge]));
    is_deeply [ @$seen{qw(code authorization)} ], [undef, undef], '… and of a program\'s token nothing';
    $r = $alice->get($hers->url('/respond?header=Set-Cookie:__Host-aigc-instance=x&header=Set-Cookie:own=1'));
    is_deeply [ grep { /aigc|own/ } $r->headers('Set-Cookie') ], ['own=1'], '… and sets none of the gateway\'s';
    $alice->drop_cookie('own');

    my $leaves = $t->sign_in('alice');
    $ws = $leaves->websocket($ws_url, headers => [Origin => $hers->url =~ s{/$}{}r]);
    ok $ws->echoes, 'a WebSocket of another session is open';
    is $leaves->post('/sign-out', headers => [Origin => $t->origin])->code, 303, '… which is signed out';
    is $ws->closed(5), 1006, '… and it is closed';

    is raw('GET /info HTTP/1.1', "Host: $o", "Cookie: $cookies")->code, 200, 'bob reaches his own';
    for (["http://$h/info", $o], ["http://$o/info", $h], ["https://$h/info", 'evil.example'], ["http://evil.example/info", $h]) {
        my ($target, $host) = @$_;
        is raw("GET $target HTTP/1.1", "Host: $host", "Cookie: $cookies")->code, 400, "$target, but Host: $host";
    }
    is raw("GET http://$o/info HTTP/1.1", "Host: $o", "Cookie: $cookies")->code, 200, 'the same name twice is one';
}

# However it is asked for, bob does not get what is alice's.
sub tricks {
    my @got;
    my $try = sub { my ($what, $r) = @_; push @got, "$what: " . $r->code if $r->code == 200 && $r->content =~ /"instance"|"headers"/ };
    my $hh = $hers->host;

    for my $host ($hh, "$hh:80", "$hh:443", "$hh.", "$hh.:$tls", uc $hh, uc("$hh."), ucfirst($h)) {
        $try->("Host: $host", raw('GET /info HTTP/1.1', "Host: $host", "Cookie: $cookies"));
        $try->("Host: $host, 1.0", raw('GET /info HTTP/1.0', "Host: $host", "Cookie: $cookies"));
        is raw('GET /info HTTP/1.1', "Host: $host", 'Cookie: __Host-aigc-instance=' . $alice->host_session($hers->url))->code, 200, "Host: $host is hers";
    }
    for my $path ('//info', '/./info', '/x/../info', '/..;/info', '/;x/info', '/%2e%2e/info', '/%2finfo', '/info%00', '/info;.css', '/info/.well-known/acme-challenge/x', '/auth/../info', '/sign-in/../info', '/api/v1/../../info') {
        my $r = raw("GET $path HTTP/1.1", "Host: $h", "Cookie: $cookies");
        $try->("path $path", $r);
        like $r->code, qr/^40[034]$/, "$path is not bob's: " . $r->code;
    }
    my $mine = $his->url('/info');
    for (['X-Original-URL', $mine], ['X-Original-URI', '/info'], ['X-Original-Host', $o], ['X-Original-Method', 'OPTIONS'], ['X-Forwarded-Host', $o], ['X-Forwarded-Uri', '/info'], ['X-Forwarded-Method', 'OPTIONS'], ['X-Forwarded-Proto', 'http'],
        ['X-Rewrite-URL', '/info'], ['X-Host', $o], ['Forwarded', "host=$o"], ['X-Auth-Request-Redirect', '/info'], ['X-Auth-Request-User', $hers->owner], ['X-Sent-From', 'nginx-ingress-controller'], ['X-HTTP-Method-Override', 'OPTIONS'], ['Upgrade', 'h2c']) {
        my ($name, $value) = @$_;
        $try->("$name: $value", raw('GET /info HTTP/1.1', "Host: $h", "Cookie: $cookies", "$name: $value"));
    }
    $try->('two Host lines', raw('GET /info HTTP/1.1', "Host: $o", "Host: $h", "Cookie: $cookies"));
    $try->('two Host lines, his last', raw('GET /info HTTP/1.1', "Host: $h", "Host: $o", "Cookie: $cookies"));
    $try->('a folded Host', raw('GET /info HTTP/1.1', "Host: $o", " $h", "Cookie: $cookies"));
    $try->('no Host, 1.0', raw('GET /info HTTP/1.0', "Cookie: $cookies"));
    $try->('OPTIONS', raw('OPTIONS /info HTTP/1.1', "Host: $h", "Cookie: $cookies", 'Origin: https://evil.example', 'Access-Control-Request-Method: GET'));
    $try->('TRACE', raw('TRACE /info HTTP/1.1', "Host: $h", "Cookie: $cookies"));
    $try->('CONNECT', raw("CONNECT $h HTTP/1.1", "Host: $h", "Cookie: $cookies"));

    # HTTP/2: the server is chosen by :authority, and a "host" may stand beside it
    for ([$h, $o], [$o, $h], [$h], [undef, $h], [$h, $h], ["$hh.", $o], [uc $hh, $o]) {
        my ($authority, $host) = @$_;
        my $r = AIGC::HTTP2->connect('127.0.0.1', $h2)->request([':method', 'GET', ':scheme', 'https', ':path', '/info', defined $authority ? (':authority', $authority) : (), defined $host ? (host => $host) : (), cookie => $cookies]);
        my $whose = ($r->{code} // 0) == 200 ? ($r->{content} =~ /"instance":\s*"?(\d+)/)[0] // '?' : '';
        push @got, 'HTTP/2 ' . join(' and ', map { $_ // '-' } $authority, $host) if $whose ne '' && $whose ne $his->id;
    }
    for my $path ("http://$o/info", "//$o/info", '*', "\@$o/info") {
        my $r = AIGC::HTTP2->connect('127.0.0.1', $h2)->request([':method', 'GET', ':scheme', 'https', ':path', $path, ':authority', $h, cookie => $cookies]);
        push @got, "HTTP/2 $path" if ($r->{code} // 0) == 200;
    }

    # the server's name in TLS is bob's, the host alice's
    my ($exit, $text) = $bob->curl('-i', '-H', "Host: $h", '-H', "Cookie: $cookies", $his->url('/info'));
    like $text, qr{^HTTP/\S+ (?:403|421)}, 'another name in TLS than in Host: by Host';

    is_deeply \@got, [], 'nothing got past';

    for my $path ('/_external-auth-Lw-Prefix', '//_external-auth-Lw-Prefix', '/x/../_external-auth-Lw-Prefix', '/%5fexternal-auth-Lw-Prefix', '/_external-auth-Lw-Prefix?x', '/_external-auth-Lw-Prefix/', '/_aigc/kubernetes/version', '/@64e7eef73f135f7a304693e85336f805005c5bc2') {
        is raw("GET $path HTTP/1.1", "Host: $h", "Cookie: $cookies")->code, raw("GET $path HTTP/1.1", "Host: $h", "Cookie: $cookies", 'X-Original-URL: ' . $his->url('/'))->code, "$path, with a forged header and without";
        like raw("GET $path HTTP/1.1", "Host: $h", "Cookie: $cookies")->code, qr/^40[34]$/, '… is not reached';
        is raw("GET $path HTTP/1.1", "Host: $h", 'Cookie: __Host-aigc-instance=' . $alice->host_session($hers->url), 'X-Original-URL: ' . $hers->url('/'))->code, 404, '… nor by the owner';
    }
}

sub elsewhere { my ($host, $path, $at) = @_; return $t->stranger->get('http://127.0.0.1:' . ($at // $port) . ($path // '/'), headers => [Host => $host]) }

sub others {
    is elsewhere('unknown.example.org')->content, 'default backend - 404', 'the controller\'s default server is its own';
    is elsewhere('127.0.0.1', '/healthz')->code, 200, '… and its health';
    is elsewhere("127.0.0.1:$status", '/healthz', $status)->code, 200, 'its status server, too';
    is elsewhere('localhost', '/nginx_status', $status)->content, "stub\n", '… with its numbers';
    is raw("POST /configuration HTTP/1.1", 'Host: unknown.example.org')->content, 'default backend - 404', '… which the world does not reach';
}

subtest 'the dashboard, in html of the prefix' => sub {
    my $r = $t->stranger->browse($t->url('/'));
    is $r->code, 200, 'the front page';
    my ($asset) = $r->content =~ m{"(/assets/[^"]+\.js)"};
    is $t->stranger->get($t->url($asset))->code, 200, 'its parts';
    is $t->stranger->get($t->url('/assets/nothing.js'))->code, 404, '… of which there are no others';
    is $alice->api('GET', '/api/v1/me')->code, 200, 'the API';
    is elsewhere($t->host, '/x?y=1', $t->port(11))->location, 'https://' . $t->host . '/x?y=1', 'port 80 leads to TLS';
    is elsewhere($hers->host, '/', $t->port(11))->location, 'https://' . $hers->host . '/', '… for instances, too';
};

subtest 'way (b): our own server' => sub {
    is_deeply [ $t->worker_pids ], \@workers, 'two installs, and nothing has reloaded';
    table();
    tricks();
    others();
    is_deeply [ $t->worker_pids ], \@workers, '… still not';
};

for my $auth (1, 0) {
    subtest $auth ? 'way (a): servers of the controller, with auth-url' : 'way (a): … without' => sub {
        my %pod = map { ("$_->{template}/$_->{id}" => $_->{address}) } @{ $t->table->{instances} };
        @ingresses = map { my $d = $_->data; generated($_->host, $pod{"$d->{template}/$d->{id}"}, $auth) } $hers, $his;
        my @old = $t->worker_pids;
        $t->reload;
        $t->wait_for(sub { !grep { kill 0, $_ } @old }, 30, 'the workers of before are gone');
        table();
        tricks();
        others();
    };
}

# What annotations put beside the controller's own location, and answers of pods that the
# controller, unlike our own server, lets steer nginx.
subtest 'other rules in a generated server' => sub {
    my %pod = map { ("$_->{template}/$_->{id}" => $_->{address}) } @{ $t->table->{instances} };
    my ($mirror, $errors) = map { $t->port($_) } 13, 14;
    my $d = $hers->data;
    my $name = $hers->host =~ tr/./-/r;
    $errors_of = "proxy_intercept_errors on; error_page 404 = \@custom_404;";
    my $more = <<"END";
    location /any/ { satisfy any; allow all; rewrite ^/any(/.*) \$1 break; proxy_pass http://$name; }
    location ~* "^/regex/(.*)" { rewrite "(?i)/regex/(.*)" /\$1 break; proxy_set_header Cookie \$http_cookie; proxy_pass http://$name; }
    location /mirrored/ { mirror /_mirror-1; mirror_request_body off; rewrite ^/mirrored(/.*) \$1 break; proxy_pass http://$name; }
    location = /_mirror-1 { internal; proxy_pass http://127.0.0.1:$mirror; }
    location \@custom_404 { internal; proxy_intercept_errors off; proxy_set_header X-Code 404; rewrite (.*) / break; proxy_pass http://127.0.0.1:$errors; }
END
    @ingresses = (generated($hers->host, $pod{"$d->{template}/$d->{id}"}, 0, $more), <<"END");
log_format keys '\$request_method \$uri "\$http_cookie" "\$http_authorization"';
server { listen 127.0.0.1:$mirror; access_log @{[ $t->file('log/mirror.log') ]} keys; location / { return 200; } }
server { listen 127.0.0.1:$errors; access_log @{[ $t->file('log/errors.log') ]} keys; location / { return 404 "their page\\n"; } }
END
    push @ingresses, generated('alias.example.org', $pod{"$d->{template}/$d->{id}"}, 0);
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 30, 'the workers of before are gone');
    my $theme = sub { my ($path) = @_; return $alice->get($hers->url($path), headers => [Cookie => $alice->cookie_header($hers->url('/'), secure => 1) . '; theme=dark']) };

    for my $path ('/any/headers', '/regex/headers', '/mirrored/headers') {
        is_deeply seen($theme->($path))->{cookie}, ['theme=dark'], "$path: the owner, and the pod sees none of the gateway's cookies";
        is said($bob->get($hers->url($path))), '403 not-owner', '… nobody else';
        is said($t->stranger->get($hers->url($path))), '401 not-signed-in', '… without a session nobody';
    }
    for my $path ('/respond?header=X-Accel-Redirect:/headers', '/respond?header=X-Accel-Redirect:/any/headers') {
        is $theme->($path)->content, "respond\n", "$path: a pod does not steer nginx";
        is said($bob->get($hers->url($path))), '403 not-owner', '… and nobody else gets there';
    }
    $t->wait_for(sub { -s $t->file('log/mirror.log') }, 5, 'the mirror has a request');
    is_deeply [ read_all($t->file('log/mirror.log')) =~ /(".*)/g ], ['"theme=dark" "-"'], 'the mirror gets what the pod gets, and nothing of those who were refused';
    my $r = $theme->('/nothing-here');
    is_deeply [ $r->code, $r->content ], [404, "their page\n"], 'custom-http-errors: a pod\'s 404 is the controller\'s page';
    is_deeply [ read_all($t->file('log/errors.log')) =~ /(".*)/g ], ['"theme=dark" "-"'], '… whose maker sees none of the gateway\'s cookies';
    is said($bob->get($hers->url('/nothing-here'))), '403 not-owner', '… nobody else is told';
    is said($alice->get('https://instances77-cpu.' . "$root:$tls/")), '404 unknown-host', 'our own answers are no errors of theirs';
    is $bob->get($his->url('/nothing-here'))->content, $bob->get($his->url('/nothing-else'))->content, 'in our own server a pod\'s 404 passes';
    is $bob->get($his->url('/nothing-here'))->code, 404, '… as it is';
    is $t->stranger->get($t->url('/assets/nothing.js'))->code, 500, '… which custom-http-errors would need in our server, too: README.md says so';
    is elsewhere('alias.example.org', '/info')->code, 200, 'an Ingress of another host to the same Service is not guarded: README.md says so';
    $errors_of = '';
};

### What a ConfigMap may hold wrongly

subtest 'nginx -t says what is wrong' => sub {
    my ($code, $text) = $t->test_conf;
    is $code, 0, 'as it is shipped it is good' or diag $text;
    unlike $text, qr/\[(?:warn|error|emerg)\](?! the "listen ... http2" directive is deprecated)/, '… without a warning';

    my @slips = (
        $t->module_file ? ['no load_module', sub { $_[0]{'main-snippet'} =~ s/load_module [^;]*;// }, qr/unknown directive "aigc_zone"/] : (),
        ['a directive misspelt', sub { $_[0]{'http-snippet'} =~ s/aigc_guard/aigc_gard/ }, qr/unknown directive "aigc_gard"/],
        ['no aigc_zone', sub { $_[0]{'http-snippet'} =~ s/aigc_zone[^;]*;// }, qr/aigc_zone/],
        ['no domain=', sub { $_[0]{'http-snippet'} =~ s/domain=[^;]*// }, qr/"aigc_session"/],
        ['a parameter misspelt', sub { $_[0]{'http-snippet'} =~ s/namespaces=/namespace=/ }, qr/"aigc_kubernetes" does not know "namespace"/],
        ['no CA of the API server', sub { $_[0]{'http-snippet'} =~ s/include [^;]*kubernetes\.conf;// }, qr/no proxy_ssl_trusted_certificate for proxy_ssl_verify/],
        ['a secret that is not there', sub { $_[0]{'http-snippet'} =~ s/secrets\/app_secret/secrets\/app-secret/ }, qr/app_secret_file.*app-secret/],
        ['http for the gateway', sub { $_[0]{'http-snippet'} =~ s/aigc_gateway    https/aigc_gateway http/ }, qr/aigc_gateway|secure/],
        ['a relative include', sub { $_[0]{'http-snippet'} =~ s{include \S+/endpoints\.conf}{include endpoints.conf} }, qr/endpoints\.conf/],
    );
    $t->allow_log(qr/\[emerg\]/);
    for (@slips) {
        my ($what, $slip, $says) = @$_;
        local $wrong = $slip;
        $t->write_conf;
        my ($code, $text) = $t->test_conf;
        is $code, 1, "$what: refused";
        like $text, qr/\[emerg\].*(?:$says)/, '… and named';
    }
    chmod 0444, $t->file('secrets/app_secret');
    $t->write_conf;
    ($code, $text) = $t->test_conf;
    like $text, qr/\[emerg\].*app_secret.*readable by others/, 'a secret that others may read is named, too';
    chmod 0440, $t->file('secrets/app_secret');
};

if ($> == 0) {
    my @uids = map { read_all("/proc/$_/status") =~ /^Uid:\s+(\d+)/m } $t->nginx->pid, $t->worker_pids;
    is_deeply [ @uids ], [101, 101, 101], 'all of it as uid 101';
}
done_testing;
