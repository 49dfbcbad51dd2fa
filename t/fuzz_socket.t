# t/fuzz_socket.t — whatever bytes come over a socket, HTTP/1, HTTP/2 and
# WebSocket: no worker dies, nobody without credentials reaches a pod, and whoever
# signed in gets the right answer
#
#   SEED=7 ROUNDS=100   other bytes, more of them

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Bytes;
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(time sleep);

use constant { AT_ONCE => 40, QUIET => 0.15 };      # connections; s

my $seed   = $ENV{SEED} // 1;
my $rounds = $ENV{ROUNDS} // 40;

# Few kept connections to pods, so that a lost descriptor is seen beside them.  At
# info nginx itself tells a header that it cannot read, with what is in it.
my $t = AIGC::Stack->start(log_level => 'notice', edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my $h2 = $port + 10;
    $text =~ s/listen 127\.0\.0\.1:$port\b( default_server)?;/$& listen 127.0.0.1:$h2 http2@{[ $1 \/\/ '' ]};/g;
    $text =~ s/\}\s*\z/server { listen 127.0.0.1:@{[ $port + 11 ]} http2; location \/ { aigc_auth dialect=envoy; } }\n}\n/;
    return $text =~ s/keepalive \d+;/keepalive 2;/gr;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine = $alice->install('stable-diffusion-cpu')->wait_ready;
my ($gate, $host, $port) = ($t->host, $mine->host, $t->port);
my @pids = $t->worker_pids;

# Bob's at the gateway, so that alice's instance and session stay what they are.
my $bytes = AIGC::Bytes->new(
    seed => $seed, port => $port, hosts => [$gate, $host, "nobody.@{[ $t->root ]}"],
    paths => {
        $gate => [qw(/ /auth /sign-in /sign-in?rd=/ /sign-in-callback /sign-in-callback?code=x&state=y /backchannel-logout /webhook
            /api/v1/me /api/v1/templates /api/v1/instances /api/v1/events /api/v1/templates/default/stable-diffusion-cpu/install
            /api/v1/instances/default/stable-diffusion-cpu/0 /api/v1/instances/default/stable-diffusion-cpu/0/release /api/v1/admin/status
            /api/v1/admin/users /api/v1/x /_aigc/kubernetes/version /favicon.svg)],
        $host => [qw(/hangup?key=own&times=0 /hangup?key=own&times=0 /ws /headers /info /echo /)],
        "nobody.@{[ $t->root ]}" => [qw(/ /hangup?key=own&times=0)],
    },
    credentials => {
        $gate => ['Cookie: ' . $bob->cookie_header($t->url), 'Authorization: Bearer ' . $t->forge(user => 'bob')],
        $host => ['Cookie: ' . $alice->cookie_header($mine->url), 'Authorization: Bearer ' . $t->forge(user => 'alice'),
            'Cookie: ' . $bob->cookie_header($mine->url)],
        "nobody.@{[ $t->root ]}" => ['Cookie: ' . $alice->cookie_header($mine->url)],
    });

my %told;                               # what came back, by its first byte

# Sends a round's connections, each piece by piece, reads what comes, and leaves.
sub round {
    my @all = map { $bytes->connection } 1 .. AT_ONCE;
    for my $c (@all) {
        $c->{sock} = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port + ($c->{http2} ? 10 : 0)) or die "connect: $!";
        $c->{sock}->blocking(0);
        $c->{got} = '';
    }
    my $last = time;
    while (my @open = grep { $_->{sock} } @all) {
        last if time > $last + QUIET;
        for my $c (@open) {
            my $piece = $c->{pieces}[0] // next;
            my $n = syswrite $c->{sock}, $piece;
            substr $c->{pieces}[0], 0, $n // length $piece, '';     # the other side may have left
            shift @{ $c->{pieces} } unless length $c->{pieces}[0];
            $last = time;
        }
        my $in = '';
        vec($in, fileno $_->{sock}, 1) = 1 for @open;
        next unless select $in, undef, undef, 0.01;
        for my $c (grep { vec $in, fileno $_->{sock}, 1 } @open) {
            $last = time;
            my $n = sysread $c->{sock}, my $part, 65536;
            $c->{got} .= $part if $n;
            next if $n || $!{EAGAIN} && !defined $n;
            close delete $c->{sock};
        }
    }
    for my $c (@all) {
        $told{$_}++ for $c->{http2} ? statuses($c->{got}) : $c->{got} =~ m{^HTTP/1\.1 (\d\d\d)} ? $1 : 'nothing';
        my $sock = $c->{sock} // next;
        setsockopt $sock, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if AIGC::Bytes::chance(0.5);   # by a reset
        close $sock;
    }
}

# Of the answers in these frames, "HTTP/2 200"; or that there was none.
sub statuses {
    my ($in) = @_;
    my @status;
    while (length $in >= 9) {
        my ($high, $low, $type) = unpack 'CnC', $in;
        push @status, 'HTTP/2 ' . AIGC::HTTP2::_status(substr $in, 9) if $type == 1;
        substr $in, 0, 9 + ($high << 16 | $low), '';
    }
    return @status ? @status : 'HTTP/2, no answer';
}

sub right {
    my $i  = $alice->get($mine->url('/info'));
    my $me = $alice->get('/api/v1/me');
    return join ' ', $i->code == 200 && $i->json->{instance} eq $mine->id ? 'ok' : $i->code, $me->code,
        map { $_->code } $t->stranger->get($mine->url('/info')), $bob->get($mine->url('/info'));
}

sub seen { return $alice->get($mine->url("/hangup?key=$_[0]&look=1"))->json->{seen} // [] }

# The descriptors of all workers, once they have closed those of all who left.
sub descriptors {
    my ($n, $same) = (0, 0);
    $t->wait_for(sub {
        my $now = 0;
        $now += () = glob "/proc/$_/fd/*" for @pids;
        $same = $now == $n ? $same + 1 : 0;
        $n = $now;
        return $same > 10;
    }, 20, 'descriptors stay the same');
    return $n;
}

# A client whose window for an answer is one byte, and opens when that has come:
# the answer's status and its length, and what came of it.
sub drop_by_drop {
    my ($port, $host, $path, @headers) = @_;
    my $frame = \&AIGC::HTTP2::_frame;
    my $h2 = AIGC::HTTP2->connect('127.0.0.1', $port);
    my $block = '';
    my @list = (':method' => 'GET', ':scheme' => 'http', ':path' => $path, ':authority' => "$host:" . $t->port, @headers);
    while (my ($name, $value) = splice @list, 0, 2) {
        $block .= "\0" . AIGC::HTTP2::_string($name) . AIGC::HTTP2::_string($value);
    }
    $h2->{conn}->send($frame->(4, 0, 0, pack 'nN', 4, 1) . $frame->(1, 5, 1, $block));
    my ($code, $got, $opened) = ('none', '', 0);
    while (my ($type, $flags, $id, $data) = $h2->_read) {
        $code = AIGC::HTTP2::_status($data) if $type == 1;
        $got .= $data if $type == 0;
        last if $type <= 1 && $flags & 1;
        $h2->{conn}->send($frame->(8, 0, 1, pack 'N', 65535)) if $type == 0 && !$opened++;
    }
    $h2->{conn}->close;
    return ($code, $got);
}

subtest 'an answer goes on as the client takes it' => sub {
    my %ask = (
        'an instance: nobody' => [401, $port + 10, $host, '/info'],
        'an instance: another user' => [403, $port + 10, $host, '/info', cookie => $bob->cookie_header($mine->url)],
        'an instance: a navigation' => [302, $port + 10, $host, '/', accept => 'text/html'],
        'no instance' => [404, $port + 10, "nobody.@{[ $t->root ]}", '/'],
        'its own answer' => [200, $port + 10, $host, '/info', cookie => $alice->cookie_header($mine->url)],
        'the API: nobody' => [401, $port + 10, $gate, '/api/v1/me'],
        '/auth: nobody' => [401, $port + 10, $gate, '/auth', 'x-original-url' => $mine->url],
        "a proxy's question: nobody" => [401, $port + 11, $host, '/info'],
    );
    for my $what (sort keys %ask) {
        my ($code, @ask) = @{ $ask{$what} };
        my ($status, $got) = eval { drop_by_drop(@ask) } or diag $@;
        is $status // 'none', $code, "$what: $code";
        cmp_ok length($got // ''), '>', 10, '… and all of it';
    }
};

local $SIG{PIPE} = 'IGNORE';
my $ok = right();
is $ok, 'ok 200 401 403', 'before: the owner is let in, and nobody else';
round() for 1 .. $rounds / 4;
my $few = descriptors();
for my $n (1 .. $rounds * 3 / 4) {
    round();
    next if $n % 10;
    is right(), $ok, "after $n rounds: the same";
}
is right(), $ok, 'afterwards: the same';
is_deeply [$t->worker_pids], \@pids, 'no worker has died';
is_deeply seen('stray'), [], 'no request without credentials has reached the pod';
cmp_ok scalar @{ seen('own') }, '>', 0, '… and those with them have';
cmp_ok descriptors(), '<=', $few + 16, 'no descriptor is left open';
note 'answers: ', join ', ', map { "$_: $told{$_}" } sort keys %told;

done_testing;
