# t/guard_servers.t — aigc_guard: which server answers is not said by Host alone, a
# pod's answer takes other ways than the straight one, and a request other protocols

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;
use AIGC::Secrets;
use IO::Select;
use IO::Socket::INET;

my @servers;
my @lua = map { "/usr/lib/nginx/modules/$_.so" } qw(ndk_http_module ngx_http_lua_module);
@lua = () if grep { !-e } @lua;
my $t = AIGC::Stack->start(templates => ['stable-diffusion-cpu'], tls => 1, faults => 1, edit => sub {
    my ($text) = @_;
    $text =~ s/    server \{\n[^}]*server_name \*\.[^}]*\}\n    \}\n//s or die 'no server of instances';
    # access handlers of modules that are loaded later come first
    $text =~ s/^(load_module .*\n)/join '', $1, map "load_module $_;\n", @lua/me or die 'no load_module' if @lua;
    my $lua = @lua ? 'access_by_lua_no_postpone on;' : '';
    return $text =~ s/\}\s*\z/$lua\naigc_guard on;\n@servers\n}\n/r;
});
my ($port, $root) = ($t->port, $t->root);
my ($default, $http2, $outside) = map { $port + $_ } 10, 11, 15;

# What a pod would get, whatever it speaks.
my $pod = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $outside, Listen => 5, ReuseAddr => 1) or die "port $outside: $!";
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install('stable-diffusion-cpu')->wait_ready;
my $his  = $bob->install('stable-diffusion-cpu')->wait_ready;

my %address = map { ($_->{id} => $_->{address}) } @{ $t->table->{instances} };
sub server {
    my ($listen, $instance, $names) = @_;
    my $address = $address{ $instance->id } // die 'no address';
    my $passes = join "\n", map { "    location /$_ { ${_}_pass 127.0.0.1:$outside; ${_}_read_timeout 5s; }" } qw(fastcgi scgi uwsgi grpc);
    return <<"END";
server {
    listen 127.0.0.1:$listen;
    server_name @{[ $instance->host ]} $names;
    location /                { proxy_set_header Host \$http_host; proxy_pass http://$address; }
    location /any/            { satisfy any; allow all; proxy_pass http://$address/; }
    location /lua/            { satisfy any; @{[ @lua ? 'access_by_lua_block { ngx.exit(ngx.OK) }' : '' ]} proxy_pass http://$address/; }
    location = /says          { return 200 "says\\n"; }
    location = /shows         { empty_gif; }
    location /proxy           { proxy_pass http://127.0.0.1:$outside; }
    location /mirrored/       { mirror /mirror; proxy_pass http://$address/; }
    location = /mirror        { internal; proxy_pass http://127.0.0.1:$outside; }
$passes
}
END
}
@servers = (server($port, $hers, ''), server($port, $his, ''), server($default, $hers, "file.$root"),
    server("$http2 http2", $hers, '; error_page 421 /info'), server("$http2 http2", $his, ''), server($t->port(8) . ' ssl', $hers, ''));
my @old = $t->worker_pids;
$t->reload;
$t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the workers of before are gone');

my $key = $alice->host_session($hers->url);
my %cookie = (hers => "Cookie: aigc-instance=$key", bob => 'Cookie: ' . join '; ', map { 'aigc-instance=' . $bob->host_session($_->url) } $his, $hers);

# A request by its very bytes; $meanwhile: before its answer is read.
sub raw {
    my ($to, $lines, $meanwhile) = @_;
    my $conn = AIGC::HTTP->connect('127.0.0.1', $to);
    $conn->send(join "\r\n", @$lines, 'Connection: close', '', '');
    $meanwhile->() if $meanwhile;
    my $r = $conn->response(method => 'GET', url => 'raw');
    $conn->close;
    return $r;
}

# The server of an address that is first, or alone, is that of all hosts that no
# other server there names.
subtest 'a default server' => sub {
    my $to = sub { my ($host, @more) = @_; my $r = raw($default, ['GET /info HTTP/1.1', "Host: $host", @more]); return $r->code . ($r->content =~ /"instance"/ ? ' of the pod' : '') };
    is $to->($hers->host, $cookie{hers}), '200 of the pod', 'its owner is let in';
    is $to->($hers->host, $cookie{bob}), 403, '… and nobody else';
    is $to->('evil.example'), 421, 'nor by a host that is nobody\'s';
    is $to->($his->host, $cookie{bob}), 421, '… nor by that of an own instance';
    is $to->($_), 421, "… nor by $_" for '127.0.0.1', "file.$root";
    is raw($default, ['GET /info HTTP/1.0'])->code, 421, '… nor by none';
    is raw($default, ['GET http://evil.example/info HTTP/1.1', 'Host: evil.example'])->code, 421, '… nor in the absolute form';
};

subtest 'satisfy any' => sub {
    my $of = sub { return raw($port, ["GET /$_[0]/info HTTP/1.1", 'Host: ' . $hers->host])->code };
    is $of->('any'), 401, 'nginx\'s own modules come later';
    SKIP: {
        skip 'no Lua module', 1 unless @lua;
        is $of->('lua'), 403, 'one that comes first does not let in either';
    }
};

subtest 'HTTP/2 and TLS' => sub {
    my $session = $bob->host_session($his->url);
    my $h2 = sub { my ($host, @more) = @_; return AIGC::HTTP2->connect('127.0.0.1', $http2)->request([':method' => 'GET', ':scheme' => 'http', ':authority' => $host, ':path' => '/info', @more, cookie => "aigc-instance=$session"])->{code} };
    is $h2->($his->host), 200, ':authority alone';
    is $h2->($his->host, host => $hers->host), 400, '… and another host';
    is $h2->($hers->host, host => $his->host), 400, '… either way';
    is $h2->('evil.example'), 403, '… and the default server, by whose error page nobody gets to the pod';
    my $tls = sub { my ($status, $code) = $bob->curl('-k', '-o', '/dev/null', '-w', '%{http_code}', @_, 'https://' . $hers->host . ':' . $t->port(8) . '/info'); return $code };
    is $tls->(), 403, 'the name of a certificate';
    is $tls->('-H', "Host: $_"), 404, "… and Host: $_ are two servers" for 'evil.example', $his->host;
};

# nginx forgets modules' contexts then, and passes Set-Cookie on.
subtest 'X-Accel-Redirect' => sub {
    for (['/says', "says\n"], ['/shows', undef]) {
        my ($path, $content) = @$_;
        my $r = raw($port, ["GET /respond?header=X-Accel-Redirect:$path&header=Set-Cookie:aigc-instance=x&header=Set-Cookie:own=1 HTTP/1.1", 'Host: ' . $hers->host, $cookie{hers}]);
        is $r->code, 200, "a pod leads to $path";
        is $r->content, $content, '… of nginx' if defined $content;
        is_deeply [ grep { /aigc|own/ } $r->headers('Set-Cookie') ], ['own=1'], '… and sets no cookie of the gateway\'s on that way';
    }
};

subtest 'what a pod is told' => sub {
    my %sent = (session => ["$cookie{hers}; theme=dark", $key], 'session, alone' => [$cookie{hers}, $key], token => do { my $token = $t->forge; ["Authorization: Bearer $token", $token] });
    for my $how (qw(proxy fastcgi scgi uwsgi grpc mirrored/)) {
        for my $what (sort keys %sent) {
            my ($line, $secret) = @{ $sent{$what} };
            my $got = '';
            raw($port, ["GET /$how HTTP/1.1", 'Host: ' . $hers->host, $line], sub {
                return unless IO::Select->new($pod)->can_read(20);
                my $c = $pod->accept;
                while (IO::Select->new($c)->can_read(1) && sysread $c, my $bytes, 65_536) { $got .= $bytes }
                close $c;
            });
            ok length $got, "$how, $what: something came";
            unlike $got, qr/\Q$secret\E|aigc-instance|Bearer/, '… without the key';
            cmp_ok length $got, '<', length($secret) / 2, '… in Huffman\'s code neither' if $how eq 'grpc' && $what ne 'session';
            like $got, qr/theme=dark/, '… and with the rest' if $what eq 'session' && $how ne 'grpc';
        }
    }
};

subtest 'a cold start' => sub {
    $t->apiserver_down;
    $t->stop_nginx;
    $t->start_nginx;
    $t->wait_for(sub { eval { $t->status('/healthz')->code == 200 } }, 10, 'nginx serves');
    is raw($default, ['GET /info HTTP/1.1', "Host: $_"])->code, 503, "$_ of the default server" for 'evil.example', $hers->host;
    $t->apiserver_up;
    $t->wait_ready;
    is raw($default, ['GET /info HTTP/1.1', 'Host: ' . $hers->host, $cookie{hers}])->code, 200, 'and then she is let in';
};

$t->allow_log(qr/upstream (?:prematurely closed|sent|timed out)|readv\(\) failed|recv\(\) failed/);
done_testing;
