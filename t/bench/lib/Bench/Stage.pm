package Bench::Stage;

# What is measured, all of it running: the stack, a cheap upstream at the pods'
# addresses, an nginx without the module, the original's work; and the variants
# as locations of one server, so that they differ in that location alone.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha256);
use File::Path qw(make_path);
use JSON::PP ();
use MIME::Base64 qw(encode_base64 encode_base64url);

use AIGC::Client;
use AIGC::Process;
use AIGC::Secrets;
use AIGC::Stack;

use constant {
    POD_PORT => 7861,       # where the template says that its pods serve
    SMALL    => 512,        # bytes of a small response
    LARGE    => 1 << 20,
    KEPT     => 256,        # connections to upstreams: one for each pod and more
    LUA      => '/usr/lib/nginx/modules/ngx_',
};

my $json = JSON::PP->new->utf8->canonical;
chomp(my $cpus = `nproc` || 1);

# Ports of the stack's block that its harness leaves free.
my %port = (front => 10, plain => 11, lua => 12, noop => 13, original => 14, echo => 15);

# bin => the folder of load, verify and peers; zone => its size;
# free => 1: the gateway's worker may run on any processor, where its time is not
# what counts; lua => 1: nginx's Lua too, if it is there; before => an older build of the
# module, one that signs in at its own port as this one does
sub start {
    my ($class, %o) = @_;
    my $self = bless {%o}, $class;

    $self->{stack} = AIGC::Stack->start(workers => 1, templates => [], log_level => 'notice',
        connections => 4096, directives => { aigc_zone => "gateway:$o{zone}" });
    make_path($self->file(''));
    $self->_original_rights;
    $self->_install;
    $self->_start_peers;
    $self->write_upstream;
    $self->_start_nginx('plain', $self->_plain_conf);
    $self->{lua} = 0 unless -e LUA . 'http_lua_module.so';
    $self->_start_nginx('lua', $self->_lua_conf) if $self->{lua};
    $self->set_workers(1);
    $self->_start_before if $self->{before};
    return $self;
}

sub stack { $_[0]{stack} }
sub file  { my ($self, $name) = @_; return $self->stack->file("bench/$name") }
sub port  { my ($self, $name) = @_; return $self->{port}{$name} // $self->stack->port($port{$name}) }

# The original reads each of a user's instances; the gateway does not, and has no
# right to it.
sub _original_rights {
    my $t = $_[0]->stack;
    $t->kubectl(qw(create role original --verb=get --resource=gameservers.game.kruise.io));
    $t->kubectl(qw(create rolebinding original --role=original --serviceaccount=aigc-gateway:aigc-gateway));
}

# Alice's instance is a real pod.  Nobody is sent to where its application
# serves, because the template names another port: there the cheap upstream
# stands in for it.
sub _install {
    my $self = shift;
    my $t    = $self->stack;

    $t->apply_template('stable-diffusion-cpu', sub {
        my ($gss) = @_;
        for (@{ $gss->{spec}{network}{networkConf} }) {
            $_->{value} = POD_PORT . '' if $_->{name} eq 'Port';
        }
    });
    $self->{alice}    = $t->sign_in('alice');
    $self->{instance} = $self->{alice}->install('stable-diffusion-cpu')->wait_ready(60);
    ($self->{host})   = $self->{instance}->url =~ m{^http://([^/]+)};
    $self->{pod}      = $self->address($self->{instance}->host);
}

sub address {       # of a host's pod, with its port, as the gateway has it
    my ($self, $host) = @_;
    my ($record) = grep { ($_->{host} // '') eq $host } @{ $self->stack->table->{instances} };
    return $record && $record->{address};
}

### What stands beside

sub _start_peers {
    my $self = shift;
    my $t    = $self->stack;
    my $account = $t->file('cluster/serviceaccount');

    _write($self->file('user-token'), $self->_access_token);
    $self->_process('echo', "$self->{bin}/peers", 'echo', '-listen', '127.0.0.1:' . $self->port('echo'));
    $self->_process('original', "$self->{bin}/peers", 'original',
        '-listen', '127.0.0.1:' . $self->port('original'),
        '-userinfo', $t->logto_url('/oidc/me'), '-token', $self->file('user-token'),
        '-kubernetes', 'https://127.0.0.1:' . $t->port(3),
        '-ca', "$account/ca.crt", '-account', "$account/token",
        '-instances', 'default/' . $self->{instance}->pod);
}

# The whole nginx of the front once more, with all its variants: the ports of
# its gateway, its front, its status.
sub second_front {
    my ($self, %o) = @_;
    my $port = $self->stack->second_nginx(%o, edit => sub {
        my ($text) = @_;
        my $new = _first_port($text);
        my ($old, $to) = ($self->port('front'), $new + $port{front});
        return $o{edit}->($text =~ s/(listen 127\.0\.0\.1:)$old\b/$1$to/gr);
    });
    return { gateway => $port, front => $port + $port{front}, status => $port + 1 };
}

# One with the older module; alice has a session of its own kind there.
sub _start_before {
    my $self = shift;
    my $t    = $self->stack;
    my $at_  = $self->second_front(edit => sub { $_[0] =~ s/^load_module .*$/load_module $self->{before};/mr });
    my $port = $at_->{gateway};
    $self->{port}{before} = $at_->{front};

    my $client = AIGC::Client->new(stack => $t, user => 'alice');
    my ($was, $at) = map { 'http://' . $t->host . ":$_" } $t->port, $port;
    my $url = "$at/sign-in";
    for (1 .. 10) {
        my $r = $client->browse($url);
        if (my $form = AIGC::Client::form($r)) {
            @{ $form->{fields} }{qw(username password)} = ('alice', 'alice-pass');
            $r = $client->submit($form);
        }
        my $to = $r->location // last;
        $url = AIGC::Client::resolve($url, $to) =~ s/^\Q$was\E/$at/r;
        last if $url eq "$at/";
    }
    my ($cookie) = grep { $_->{domain} eq $t->root } $client->cookies or croak 'no session of the older kind';
    $self->{session_before} = "$cookie->{name}=$cookie->{value}";
}

sub _first_port { my ($text) = @_; return $text =~ /listen 127\.0\.0\.1:(\d+) default_server/ ? $1 : croak 'no port' }

sub _process {
    my ($self, $name, @command) = @_;
    my $t = $self->stack;
    if (my $old = delete $self->{process}{$name}) { $old->stop(TERM => 5) }
    return $self->{process}{$name} = AIGC::Process->start(name => $name, command => \@command,
        log => $t->file("log/$name.log"), $t->process_options($name));
}

sub stop {          # what stands beside; the stack ends with the program
    my $self = shift;
    $_->stop(TERM => 5) for values %{ $self->{process} };
}

# Alice's access token for userinfo, by the code flow, as the original has it.
sub _access_token {
    my $self = shift;
    my $t = $self->stack;
    my $client   = AIGC::Client->new(stack => $t, user => 'alice');
    my $verifier = 'v' x 64;
    my ($id, $secret) = map { AIGC::Nginx::_read($t->file("logto/app_$_")) } qw(id secret);
    my %ask = (client_id => $id, redirect_uri => $t->url('/sign-in-callback'), response_type => 'code',
        scope => 'openid profile custom_data', state => 's', code_challenge_method => 'S256',
        code_challenge => encode_base64url(sha256($verifier)));
    my $url = $t->logto_url('/oidc/auth?' . _form(%ask));

    until (index($url, $ask{redirect_uri}) == 0) {
        my $r = $client->browse($url);
        if (my $form = AIGC::Client::form($r)) {
            @{ $form->{fields} }{qw(username password)} = ('alice', 'alice-pass');
            $r = $client->submit($form);
        }
        $url = AIGC::Client::resolve($url, $r->location // croak "no way through the sign-in: " . $r->status_line);
    }
    my ($code) = $url =~ /[?&]code=([^&]+)/ or croak 'no code';
    my $r = $t->plain('POST', $t->port(2), '/oidc/token',
        headers => ['Content-Type' => 'application/x-www-form-urlencoded',
            Authorization => 'Basic ' . encode_base64("$id:$secret", '')],
        body => _form(grant_type => 'authorization_code', code => $code,
            redirect_uri => $ask{redirect_uri}, code_verifier => $verifier));
    my $token = $r->ok && $r->json->{access_token} || croak 'no access token: ' . $r->content;
    AIGC::Secrets::note($token, 'access token');
    return $token;
}

sub _form {
    my (%f) = @_;
    return join '&', map { AIGC::Client::escape($_) . '=' . AIGC::Client::escape($f{$_}) } sort keys %f;
}

### nginx

# The gateway's nginx anew, with all variants and so many workers.
sub set_workers {
    my ($self, $n) = @_;
    my $opt = $self->stack->{opt};

    $opt->{workers} = $n;
    $opt->{main}    = $n == 1 && !$self->{free} ? _pin() : '';
    $opt->{http}    = _http() . $self->_upstream(plain => $self->{pod})
        . join '', map { $self->_upstream($_, '127.0.0.1:' . $self->port($_)) } qw(noop original);
    $opt->{gateway} = 'location = /none { return 204; }';
    $opt->{server}  = $self->_server('front', $self->_front_locations);
    $opt->{edit}    = sub { $_[0] =~ s/(aigc_instances; keepalive) \d+; keepalive_timeout \S+;/$1 @{[ KEPT ]};/r };
    $self->stack->restart_nginx;
    $self->stack->wait_for(sub { $self->status('b') == 200 }, 60, 'the instance is served');
}

sub _pin { return $cpus > 1 ? 'worker_cpu_affinity 01;' : '' }

sub _http {
    return <<'END';
    access_log          off;
    keepalive_requests  1000000000;
    keepalive_timeout   1h;
    map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
END
}

sub _upstream { my (undef, $name, $to) = @_; return "    upstream $name { server $to; keepalive @{[ KEPT ]}; }\n" }

sub _server {
    my ($self, $name, $locations) = @_;
    my $listen = '127.0.0.1:' . $self->port($name);
    return "server { listen $listen default_server; return 404; }\n"
        . "server {\n    listen $listen;\n    server_name *." . $self->stack->root . ";\n$locations}\n";
}

# The proxy of instance.conf, as one would write it without the module, to the
# very address that the gateway chooses.
sub _proxy {
    my $text = AIGC::Nginx::_read_all($_[0]->stack->repo('ngx_aigc_module/conf/instance.conf'));
    $text =~ s/^aigc_access .*\n//m or croak 'instance.conf: no aigc_access';
    $text =~ s{http://instances}{http://plain} or croak 'instance.conf: no upstream';
    my %own = (connection => 'connection_upgrade', host => 'http_host', port => 'server_port', scheme => 'scheme', upgrade => 'http_upgrade');
    for my $name (sort keys %own) {
        $text =~ s/\$aigc_$name;/\$$own{$name};/ or croak "instance.conf: no \$aigc_$name";
    }
    return $text;
}

# An auth_request that leaves nginx, as ingress-nginx's do.
sub _auth {
    my ($name, $to, $host) = @_;
    return <<"END";
location = /_$name {
    internal;
    proxy_pass               $to;
    proxy_http_version       1.1;
    proxy_pass_request_body  off;
    proxy_set_header         Connection "";
    proxy_set_header         Content-Length "";
    proxy_set_header         X-Original-URL \$scheme://\$http_host\$request_uri;
    @{[ $host ? "proxy_set_header Host $host;" : '' ]}
}
END
}

sub _front_locations {
    my $self  = shift;
    my $proxy = $self->_proxy;
    return "location /a/ {\n$proxy}\n"
        . "location /b/ { include aigc/instance.conf; }\n"
        . "location /e/ {\nauth_request /_noop;\n$proxy}\n"
        . "location /e0/ {\nauth_request /_nothing;\n$proxy}\n"
        . "location /g/ {\nauth_request /_original;\n$proxy}\n"
        . _auth('noop', 'http://noop/') . _auth('original', 'http://original/')
        . "location = /_nothing { internal; return 204; }\n"
        . "location /f0/ {\nauth_request /_own;\n$proxy}\n"
        . "location = /_own { internal; aigc_auth; }\n"
        . "location = /pid { return 200 \$pid; }\n";
}

sub _plain_conf {
    my $self  = shift;
    my $proxy = $self->_proxy;
    my $t     = $self->stack;
    return $self->_conf('plain', '', $self->_upstream(plain => $self->{pod})
        . $self->_upstream(gateway => '127.0.0.1:' . $t->port)
        . $self->_server('plain', "location /a0/ {\n$proxy}\n"
            . "location /f/ {\nauth_request /_auth;\n$proxy}\n"
            . "location /en/ {\nauth_request /_none;\n$proxy}\n"
            . _auth('auth', 'http://gateway/auth', $t->host) . _auth('none', 'http://gateway/none', $t->host)));
}

# What one would write in Lua: SHA-256 of the cookie, a shared dictionary that
# has the host of the session's owner; filled beforehand, as a sign-in would.
sub _lua_conf {
    my $self = shift;
    my (undef, $cookie) = $self->session;
    my ($name, $value)  = split /=/, $cookie, 2;
    my $main = "load_module @{[ LUA =~ s/ngx_$/ndk_/r ]}http_module.so;\nload_module @{[ LUA ]}http_lua_module.so;";
    my $host = $self->{host} =~ s/:.*//r;
    my $location = <<"END" . $self->_proxy . "}\n";
location /h/ {
access_by_lua_block {
    local cookie = ngx.var["cookie_$name"]
    local owned = cookie and ngx.shared.sessions:get(sha256(cookie))
    if owned ~= ngx.var.host then return ngx.exit(owned and 403 or 401) end
}
END
    return $self->_conf('lua', $main, <<"END" . $self->_upstream(plain => $self->{pod}) . $self->_server('lua', $location));
    lua_shared_dict sessions 64m;
    init_by_lua_block {
        local ffi = require "ffi"
        ffi.cdef "unsigned char *SHA256(const unsigned char *d, size_t n, unsigned char *md);"
        local digest = ffi.new "unsigned char[32]"
        function sha256(text)
            ffi.C.SHA256(text, #text, digest)
            return ffi.string(digest, 32)
        end
        ngx.shared.sessions:set(sha256 "$value", "$host")
    }
END
}

sub _conf {         # of an nginx without our module
    my ($self, $name, $main, $http) = @_;
    my $dir = $self->file($name);
    return <<"END";
$main
@{[ $> == 0 ? 'user root root;' : '' ]}
worker_processes 1;
@{[ $name eq 'upstream' ? '' : _pin() ]}
daemon off;
pid $dir/nginx.pid;
events { worker_connections 4096; }
http {
    client_body_temp_path temp/body;
    proxy_temp_path       temp/proxy;
    fastcgi_temp_path     temp/fastcgi;
    uwsgi_temp_path       temp/uwsgi;
    scgi_temp_path        temp/scgi;
@{[ _http() ]}
$http
}
END
}

# The cheap upstream, at alice's pod and at more addresses.
sub write_upstream {
    my ($self, @more) = @_;
    my $dir = $self->file('upstream');

    make_path($dir);
    _write("$dir/large", 'x' x LARGE);
    $self->_start_nginx('upstream', $self->_conf('upstream', '', <<"END"));
    sendfile on;
    server {
        @{[ map { "listen $_;" } $self->{pod}, @more ]}
        root $dir;
        location /           { default_type text/plain; return 200 @{[ 'x' x SMALL ]}; }
        location ~ /large\$  { rewrite ^ /large break; }
        location ~ /ws\$     {
            proxy_pass http://127.0.0.1:@{[ $self->port('echo') ]};
            proxy_http_version 1.1;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_upgrade;
        }
    }
    server { listen 127.0.0.1:@{[ $self->port('noop') ]}; return 204; }
END
}

sub _start_nginx {
    my ($self, $name, $conf) = @_;
    my ($dir, $log) = ($self->file($name), $self->stack->file("log/$name.log"));

    make_path("$dir/temp");
    _write("$dir/nginx.conf", "error_log $log notice;\n$conf");
    unlink $log;
    my $process = $self->_process($name, $name eq 'upstream' ? beside() : (), '/usr/sbin/nginx',
        '-p', "$dir/", '-c', "$dir/nginx.conf", '-e', $log);
    $self->stack->wait_for(sub { $self->workers($name) }, 10, "nginx ($name) has a worker", $process);
}

### Processes

# What goes before a command that must not run where the front does.
sub beside { return $cpus > 1 ? ('taskset', '-c', $cpus - 1) : () }

# The front's workers, whose time it is that requests cost.
sub workers {
    my ($self, $front) = @_;
    return $self->stack->worker_pids if $front eq 'front';
    return $self->stack->second_worker_pids if $front eq 'before';
    return AIGC::Nginx::_workers(AIGC::Nginx::_read_all($self->stack->file("log/$front.log")));
}

sub run {           # what a program printed
    my (@command) = @_;
    open my $out, '-|', @command or croak "$command[0]: $!";
    my $text = do { local $/; <$out> } // '';
    close $out or croak "$command[0] failed";
    return $text;
}

### Requests

# A browser's request for an asset, with headers of its own.
sub request {
    my ($self, $path, %own) = @_;
    my @headers = (
        Host => $self->{host},
        'User-Agent' => 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
        Accept => '*/*',
        'Accept-Language' => 'en-US,en;q=0.5',
        'Accept-Encoding' => 'gzip, deflate, br',
        Referer => "http://$self->{host}/",
        'Sec-Fetch-Dest' => 'script', 'Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Site' => 'same-origin',
        $path =~ m{/ws$} ? (Upgrade => 'websocket', Connection => 'Upgrade', Origin => "http://$self->{host}",
            'Sec-WebSocket-Version' => 13, 'Sec-WebSocket-Key' => encode_base64('x' x 16, '')) : (),
    );
    my $text = "GET $path HTTP/1.1\r\n";
    while (my ($name, $value) = splice @headers, 0, 2) {
        $text .= "$name: " . (delete $own{$name} // $value) . "\r\n";
    }
    return $text . join('', map { "$_: $own{$_}\r\n" } sort keys %own) . "\r\n";
}

# The header of a client's session on an instance's host, alice's on hers by
# default.  (For two hours after entering, a browser sends 35 bytes more: its
# nonce.)
sub session {
    my ($self, $client, $host) = @_;
    ($client, $host) = ($self->{alice}, $self->{instance}->host) unless $client;
    $client->cookie_header("http://$host:@{[ $self->stack->port ]}/");      # enters, if it has not yet
    return (Cookie => 'aigc-instance=' . ($client->host_cookie('aigc-instance', $host) // croak "no session on $host"));
}

sub original_url { return "http://$_[0]{host}/" }

sub bearer { return (Authorization => "Bearer $_[1]") }

# A file of requests, which load takes in turn.
sub requests {
    my ($self, $name, @requests) = @_;
    _write($self->file("$name.requests"), join "\0", @requests);
    return $self->file("$name.requests");
}

# The answer to one request of alice's.
sub ask {
    my ($self, $front, $path) = @_;
    my $conn = AIGC::HTTP->connect('127.0.0.1', $self->port($front));
    $conn->send($self->request($path, $self->session));
    my $r = $conn->response(method => 'GET', url => "http://$self->{host}$path");
    $conn->close;
    return $r;
}

sub status { return $_[0]->ask('front', "/$_[1]/")->code }

# One slice of load, from a file of requests, to the first of some fronts: the
# time of all of them counts.
sub load {
    my ($self, $fronts, $file, @options) = @_;
    my @fronts = ref $fronts ? @$fronts : $fronts;
    my $text = run(beside(), "$self->{bin}/load", '-p', $self->port($fronts[0]), '-f', $file,
        map({ ('-s', $_) } map { $self->workers($_) } @fronts), @options);
    my %is  = $text =~ /(\w+)=(\S+)/g;
    my $cpu = 0;
    $cpu += $_ for split /,/, $is{cpu};
    return { requests => $is{requests}, seconds => $is{ns} / 1e9, cpu => $cpu / 1e3, bytes => $is{bytes},
        p50 => $is{p50}, p99 => $is{p99}, codes => { map { $_ => $is{$_} } grep { /^\d+$/ } keys %is } };
}

### Tokens

# So many tokens with the header and claims of a genuine one, each with another
# signature; and alice's session with a few bytes changed.
sub forged_tokens {
    my ($self, $n, %order) = @_;
    my ($signed, $signature) = ($self->tokens(1, %order))[0] =~ /^(.*\.)(.*)$/;
    return map { $signed . _noise(length $signature) } 1 .. $n;
}

sub forged_cookies {
    my ($self, $n) = @_;
    my (undef, $cookie) = $self->session;
    my $at = length($cookie) / 2;
    return map { substr($cookie, 0, $at) . _noise(16) . substr $cookie, $at + 16 } 1 .. $n;
}

my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9);
sub _noise { return join '', map { $alphabet[rand @alphabet] } 1 .. $_[0] }

# So many tokens of alice's, each another one, by Logto's own key.
sub tokens {
    my ($self, $n, %order) = @_;
    my @tokens;
    while (@tokens < $n) {
        my $more = $n - @tokens < 200 ? $n - @tokens : 200;
        my $made = $self->stack->logto_control('sign-token', { tokens =>
            [ map { { %order, claims => { jti => 'b' . ++$self->{serial} } } } 1 .. $more ] });
        push @tokens, @{ $made->{tokens} };
    }
    return @tokens;
}

# OpenSSL alone, on the front's processor.
sub verify {
    my ($self, $alg, @tokens) = @_;
    my $file = $self->file("$alg.tokens");

    _write($file, join "\n", @tokens);
    $self->{key}{$alg} //= $self->_public_key($alg);
    my ($n, $ns) = run($cpus > 1 ? ('taskset', '-c', 0) : (),
        "$self->{bin}/verify", $self->{key}{$alg}, $file, $alg) =~ /^requests=(\d+) cpu=(\d+)/;
    return { requests => $n, cpu => $ns / 1e3 };
}

sub _public_key {   # a PEM file with Logto's; an RSA key names no algorithm
    my ($self, $alg) = @_;
    my $t = $self->stack;
    my ($jwk) = grep { ($_->{alg} // 'RS256') eq $alg } @{ $t->plain('GET', $t->port(2), '/oidc/jwks')->json->{keys} }
        or croak "no key for $alg";
    my $file = $self->file("$alg.pem");

    _write($file, run('node', '-e', 'process.stdout.write(require("crypto").createPublicKey('
        . '{ key: JSON.parse(process.argv[1]), format: "jwk" }).export({ type: "spki", format: "pem" }))',
        $json->encode($jwk)));
    return $file;
}

sub _write {
    my ($file, $text) = @_;
    open my $f, '>', $file or croak "$file: $!";
    print $f $text;
    close $f;
}

1;
