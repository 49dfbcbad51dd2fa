# t/slow_clients.t — clients that send a byte at a time, stop half-way, read nothing, close one
# side or break off, at every endpoint: each is ended within the configured time, nothing of
# it is held on to, and others are served meanwhile

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use IO::Select;
use Socket qw(SO_LINGER SO_RCVBUF SOL_SOCKET);
use Time::HiRes qw(sleep time);

$SIG{PIPE} = 'IGNORE';
my $repo = "$FindBin::Bin/..";
my $name = 'stable-diffusion-cpu';

# All that a client can hold up is two seconds, in place of a minute or an hour.
my $short = 'client_header_timeout 2s; client_body_timeout 2s; send_timeout 2s; keepalive_timeout 2s; '
    . 'lingering_time 2s; lingering_timeout 1s; reset_timedout_connection on;';
my $instance = slurp("$repo/ngx_aigc_module/conf/instance.conf") =~ s/\b1h;/2s;/gr;
my $t = AIGC::Stack->start(workers => 1, faults => 1, connections => 2048, http => $short,
    directives => { aigc_limits => 'user_template=100' },
    edit => sub { $_[0] =~ s/include aigc\/instance\.conf;/$instance/r });
$t->allow_log(qr/upstream (?:timed out|prematurely closed)|client timed out/);

my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);
my $hers = $alice->install($name)->wait_ready;
my $rest = $alice->api('POST', "/api/v1/templates/default/$name/install", { another => JSON::PP::true })->json;
$t->wait_for(sub { (grep { $_->id == $rest->{id} } $alice->instances)[0]->state eq 'ready' }, 20, 'her second one');
my ($waiting) = grep { $_->id == $rest->{id} } $alice->instances;
$waiting->release->wait_state('released');

sub slurp { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return <$f> }

### Every endpoint: [method, path, host, port, headers, has a body]

my $own = 'instances/default/' . $name . '/' . $hers->id;
my %in = ('{}' => $own, TEMPLATE => "templates/default/$name");
my $dashboard = $t->host . ':' . $t->port;
my $cookie = 'Cookie: ' . $alice->cookie_header($t->url);
my $admin  = 'Cookie: ' . $carol->cookie_header($t->url);
my @page = ('Accept: text/html', 'Sec-Fetch-Mode: navigate');
my $same = 'Origin: ' . $t->origin;
my @at;

sub at { my ($method, $path, %o) = @_; push @at, { method => $method, path => $path, host => $dashboard, port => $t->port, headers => [], %o } }

my $routes = slurp("$repo/ngx_aigc_module/api/ngx_http_aigc_api_routes.c");
for ($routes =~ /\{ NGX_HTTP_([A-Z]+), ((?:"[^"]*"|INSTANCE|TEMPLATE| )+), NGX_HTTP_AIGC/g) {
    push @{ $in{list} }, $_;
}
while (my ($method, $pattern) = splice @{ $in{list} }, 0, 2) {
    my $path = $pattern =~ s/INSTANCE/"\/$own"/r =~ s/TEMPLATE/"\/templates\/default\/$name"/r =~ s/[" ]//gr;
    at($method, "/api/v1$path", headers => [$path =~ m{^/admin} ? $admin : $cookie, $same], api => 1);
}
cmp_ok scalar(grep { $_->{api} } @at), '>=', 17, 'the API\'s routes are there';

at('GET', '/auth', headers => [$cookie, 'X-Original-URL: ' . $hers->url]);
at('GET', '/sign-in', headers => \@page);
at('GET', '/sign-in-callback?code=x&state=y', headers => \@page);
at('POST', '/sign-out', headers => [$same]);
at('POST', '/webhook', headers => ['Logto-Signature-Sha-256: ' . '0' x 64]);
at('POST', '/backchannel-logout', headers => ['Content-Type: application/x-www-form-urlencoded']);
at('GET', '/', headers => \@page);
at($_->[0], $_->[1], host => $hers->host . ':' . $t->port, headers => ['Cookie: ' . $alice->cookie_header($hers->url), 'Origin: ' . $hers->url =~ s{/\z}{}r, @{ $_->[2] // [] }])
    for ['GET', '/'], ['PUT', '/upload'], ['GET', '/slow?ms=1500&chunks=5'], ['GET', '/?aigc_ticket=x', \@page],
        ['GET', '/ws', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==']];
at('GET', '/', host => $waiting->host . ':' . $t->port, headers => ['Cookie: ' . $alice->cookie_header($waiting->url), @page]);
at('GET', $_, host => '127.0.0.1', port => $t->port(1)) for qw(/metrics /readyz /healthz);

sub head {
    my ($at, @more) = @_;
    return join "\r\n", "$at->{method} $at->{path} HTTP/1.1", "Host: $at->{host}", @{ $at->{headers} }, @more, '', '';
}
sub body { my ($at) = @_; return $at->{method} =~ /^P/ ? ('Content-Length: 30') : () }

# What clients do: what they send at once, what byte by byte, and how they go on.
my %way = (
    'a byte at a time'           => sub { my ($at) = @_; return { drip => head($at, body($at)) } },
    'stops within the header'    => sub { my ($at) = @_; return { send => substr head($at, body($at)), 0, -3 } },
    'stops within the body'      => sub { my ($at) = @_; return body($at) ? { send => head($at, body($at)) . '{"anot' } : () },
    'a byte of the body at a time' => sub { my ($at) = @_; return body($at) ? { send => head($at, body($at)), drip => '{' . ' ' x 25 } : () },
    'reads nothing'              => sub { my ($at) = @_; return $at->{method} eq 'GET' && $at->{path} !~ m{/events} ? { send => head($at) x 300, deaf => 1 } : () },
    'closes one side'            => sub { my ($at) = @_; return { send => head($at, body($at)) . (body($at) ? ' ' x 30 : ''), half => 1 } },
    'closes one side of a body'  => sub { my ($at) = @_; return body($at) ? { send => head($at, body($at)) . '{', half => 1 } : () },
    'breaks off'                 => sub { my ($at) = @_; return { send => head($at, body($at)) . (body($at) ? ' ' x 30 : ''), reset => 1 } },
    'breaks off within the body' => sub { my ($at) = @_; return body($at) ? { send => head($at, body($at)) . '{', reset => 1 } : () },
);

sub client {
    my ($at, $way, $how) = @_;
    socket my $fh, Socket::PF_INET(), Socket::SOCK_STREAM(), 0 or die $!;
    setsockopt $fh, SOL_SOCKET, SO_RCVBUF, pack('l', 2048) if $how->{deaf};
    connect $fh, Socket::pack_sockaddr_in($at->{port}, Socket::inet_aton('127.0.0.1')) or die $!;
    $fh->blocking(0);
    $fh->autoflush(1);
    syswrite $fh, $how->{send} if defined $how->{send};
    my $c = { fh => $fh, at => $at, way => $way, how => $how, drip => $how->{drip} // '', what => "$at->{method} $at->{path}: $way", begin => time, got => '' };
    shutdown $fh, 1 if $how->{half};
    if ($how->{reset}) {
        setsockopt $fh, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0);
        close $fh;
        return;
    }
    return $c;
}

sub sockets {           # of the worker, but those to Kubernetes and Logto, which come and go
    my ($pid) = $t->worker_pids;
    return scalar grep { (readlink // '') =~ /^socket/ } glob "/proc/$pid/fd/*";
}
sub rss { my ($pid) = $t->worker_pids; return slurp("/proc/$pid/status") =~ /^RssAnon:\s+(\d+)/m ? $1 : 0 }
sub metric { my ($name) = @_; return $t->status('/metrics')->content =~ /^aigc_\Q$name\E (\d+)/m ? $1 : undef }

# All ways at all endpoints at once; the longest that one was held, in seconds.
sub round {
    my @open;
    for my $way (sort keys %way) {
        push @open, grep { $_ } map { my $how = $way{$way}->($_); $how ? client($_, $way, $how) : () } @at;
    }
    my ($n, $longest, $served, $late, $next) = (scalar @open, 0, 0, 0, 0);
    my $end = time + 10 * $AIGC::Process::PATIENCE;
    while (@open && time < $end) {
        if (time >= $next) {
            $next = time + 0.25;
            my $r = $bob->api('GET', '/api/v1/me');
            $served += $r->code == 200;
            $late++ if $r->code != 200;
            for (@open) { syswrite $_->{fh}, substr $_->{drip}, 0, 1, '' if length $_->{drip} }
        }
        my $select = IO::Select->new(map { $_->{fh} } grep { !$_->{how}{deaf} || time > $_->{begin} + 6 } @open);
        my %ready = map { fileno $_ => 1 } $select->can_read(0.05);
        @open = grep {
            my $c = $_;
            my $ended = 0;
            if ($ready{ fileno $c->{fh} }) {
                local $!;
                my $got;
                do {
                    $got = sysread $c->{fh}, my $in, 65536;
                    $c->{got} = substr $c->{got} . ($in // ''), 0, 200;
                } while $got;
                $ended = defined $got || !$!{EAGAIN};
            }
            if ($ended) { my $took = time - $c->{begin}; $longest = $took if $took > $longest; note sprintf('%.1f s: %s: %s', $took, $c->{what}, substr $c->{got}, 0, 60) if $took > 7; close $c->{fh} }
            !$ended;
        } @open;
    }
    is_deeply [ map { "$_->{what}: $_->{got}" } @open ], [], "each of $n is ended";
    cmp_ok $served, '>', 5, "others were served meanwhile, $served times";
    is $late, 0, '… each time';
    note sprintf 'the longest was held for %.1f s', $longest;
}

round();        # what is made once has been made
my ($sockets, $rss) = (sockets(), rss());
subtest 'all at once' => \&round;
subtest 'nothing is held on to' => sub {
    $t->wait_for(sub { sockets() <= $sockets }, 10, 'the worker has no more connections than before');
    is metric('writes_waiting'), 0, 'no operation waits';
    is metric('event_streams') // 0, 0, 'no stream is open';
    my $grown = rss() - $rss;
    note "the worker has grown by $grown KB";
    cmp_ok $ENV{AIGC_ASAN} ? 0 : $grown, '<', 4096, 'nor memory';
    my $his = $bob->install($name)->wait_ready;
    is $bob->get($his->url)->code, 200, 'another user installs, and enters';
    is $his->release->wait_state('released')->state, 'released', '… and releases';
};

done_testing;
