package AIGC::WebSocket;

# A WebSocket client: handshake, text and binary messages, close (RFC 6455).

use strict;
use warnings;

use Digest::SHA qw(sha1_base64);
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

use AIGC::HTTP;
use AIGC::Process;

# As a page of the URL's own origin; headers => { Origin => … } says otherwise.
sub open {
    my ($class, $client, $url, %o) = @_;
    (my $origin = $url) =~ s{^(http://[^/]+).*}{$1};
    my $key = encode_base64(join('', map { chr int rand 256 } 1 .. 16), '');
    my @own = ref $o{headers} eq 'HASH' ? %{ $o{headers} } : @{ $o{headers} // [] };
    my %own = map { lc $own[ 2 * $_ ] => 1 } 0 .. @own / 2 - 1;

    my $pending = $client->begin('GET', $url, %o, headers => [
        Connection => 'Upgrade', Upgrade => 'websocket',
        'Sec-WebSocket-Version' => 13, 'Sec-WebSocket-Key' => $key,
        ($own{origin} ? () : (Origin => $origin)), @own,
    ]);
    my $conn = $pending->conn;
    my $r = $conn->response(method => 'GET', url => $url);
    $client->remember($r);

    my $self = bless { conn => $conn, response => $r }, $class;
    if ($r->code == 101) {
        my $accept = sha1_base64($key . '258EAFA5-E914-47DA-95CA-C5AB0DC85B11') . '=';
        die "wrong Sec-WebSocket-Accept\n"
            if ($r->header('Sec-WebSocket-Accept') // '') ne $accept;
    }
    return $self;
}

sub response { $_[0]{response} }
sub code     { $_[0]{response}->code }      # 101 when it is open

sub send     { my ($self, $text)  = @_; $self->_frame(1, $text) }
sub ping     { my ($self, $bytes) = @_; $self->_frame(9, $bytes // '') }

# The next message; undef when the other side has closed.  Dies when nothing
# comes in time.
sub recv {
    my ($self, $seconds) = @_;
    my $message = '';

    while (my ($opcode, $fin, $data) = $self->_read($seconds // 10 * $AIGC::Process::PATIENCE)) {
        if ($opcode == 9) { $self->_frame(10, $data); next }
        next if $opcode == 10;
        if ($opcode == 8) {
            $self->{close_code} = length $data >= 2 ? unpack 'n', $data : 1005;
            return;
        }
        $message .= $data;
        return $message if $fin;
    }
    $self->{close_code} //= 1006;           # the connection broke
    return;
}

sub echoes {        # is the way there and back open?
    my ($self, $text) = @_;
    $text //= 'echo ' . rand;
    $self->send($text);
    return ($self->recv // '') eq $text;
}

# Waits until the other side has closed; its code, 1006 for a broken
# connection, undef when it is still open then.
sub closed {
    my ($self, $seconds) = @_;
    my $end = time + ($seconds // 5) * $AIGC::Process::PATIENCE;
    while (!defined $self->{close_code} && time < $end) {
        last unless eval { $self->recv($end - time); 1 };
    }
    return $self->{close_code};
}

sub close {
    my ($self, $code) = @_;
    $self->_frame(8, pack 'n', $code // 1000);
    eval { 1 while defined $self->recv(2) };
    $self->{conn}->close;
}

sub _frame {
    my ($self, $opcode, $data) = @_;
    utf8::encode($data) if utf8::is_utf8($data);
    my $n = length $data;
    my $head = chr(0x80 | $opcode) . ($n < 126 ? chr(0x80 | $n)
        : $n < 65536 ? chr(0x80 | 126) . pack('n', $n)
        : chr(0x80 | 127) . pack('Q>', $n));
    my $mask = join '', map { chr int rand 256 } 1 .. 4;
    my $long = substr $mask x ($n / 4 + 1), 0, $n;
    $self->{conn}->send($head . $mask . ($data ^ $long));
}

sub _read {
    my ($self, $seconds) = @_;
    my $conn = $self->{conn};
    local $conn->{timeout} = $seconds;

    my $head = $conn->take(2);
    return if length $head < 2;
    my ($first, $second) = unpack 'CC', $head;
    my $n = $second & 0x7f;
    $n = unpack 'n',  $conn->take(2) if $n == 126;
    $n = unpack 'Q>', $conn->take(8) if $n == 127;
    my $data = $conn->take($n);
    return if length $data < $n;
    return ($first & 0x0f, $first & 0x80, $data);
}

1;
