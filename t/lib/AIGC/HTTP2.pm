package AIGC::HTTP2;

# HTTP/2 over a plain socket (prior knowledge), with every header of a request
# in the test's hand, those that no library would send too (RFC 9113, RFC 7541).

use strict;
use warnings;

use AIGC::HTTP;

use constant { DATA => 0, HEADERS => 1, RST_STREAM => 3, SETTINGS => 4, PING => 6, GOAWAY => 7 };
use constant { END_STREAM => 1, ACK => 1, END_HEADERS => 4 };

sub connect {
    my ($class, $host, $port) = @_;
    my $self = bless { conn => AIGC::HTTP->connect($host, $port), stream => 1 }, $class;
    $self->{conn}->send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . _frame(SETTINGS, 0, 0, ''));
    return $self;
}

# The answer to a request of these [name, value, …], in this order, pseudo
# headers too, and a body or none: { code, content } or, when the server has
# broken the stream off, { reset => 1 }.
sub request {
    my ($self, $headers, $body) = @_;
    my $id = $self->{stream};
    $self->{stream} += 2;

    my $block = '';
    for (my $i = 0; $i < @$headers; $i += 2) {
        $block .= "\0" . _string($headers->[$i]) . _string($headers->[$i + 1]);
    }
    my $bytes = _frame(HEADERS, END_HEADERS | (defined $body ? 0 : END_STREAM), $id, $block);
    $bytes .= _frame(DATA, END_STREAM, $id, $body) if defined $body;
    $self->{conn}->send($bytes);
    return $self->_answer($id);
}

sub _answer {
    my ($self, $id) = @_;
    my %r = (content => '');

    while (my ($type, $flags, $stream, $data) = $self->_read) {
        if ($type == SETTINGS || $type == PING) {
            $self->{conn}->send(_frame($type, ACK, 0, $type == PING ? $data : ''))
                unless $flags & ACK;
        } elsif ($type == GOAWAY || $type == RST_STREAM && $stream == $id) {
            return { %r, reset => 1 };
        } elsif ($type == HEADERS && $stream == $id) {
            $r{code} //= _status($data);
        } elsif ($type == DATA && $stream == $id) {
            $r{content} .= $data;
        }
        return \%r if $stream == $id && $flags & END_STREAM
            && ($type == DATA || $type == HEADERS);
    }
    return { %r, reset => 1 };
}

# nginx sends :status first, and never by Huffman's code.
sub _status {
    my ($block) = @_;
    my %static = (8 => 200, 9 => 204, 10 => 206, 11 => 304, 12 => 400, 13 => 404, 14 => 500);
    my $first = ord $block;
    $first == 0x20 and return _status(substr $block, 1);        # a table's new size
    return $static{ $first & 0x7f } if $first & 0x80;
    return substr $block, 2, 3;
}

sub _read {
    my $self = shift;
    my $head = $self->{conn}->take(9);
    return if length $head < 9;
    my ($high, $low, $type, $flags, $stream) = unpack 'CnCCN', $head;
    my $data = $self->{conn}->take($high << 16 | $low);
    return ($type, $flags, $stream, $data);
}

sub _frame {
    my ($type, $flags, $stream, $data) = @_;
    my $n = length $data;
    return pack('CnCCN', $n >> 16, $n & 0xffff, $type, $flags, $stream) . $data;
}

sub _string {
    my ($text) = @_;
    my $n = length $text;
    return chr($n) . $text if $n < 127;
    my $bytes = chr 127;
    for ($n -= 127; $n > 127; $n >>= 7) { $bytes .= chr(0x80 | $n & 0x7f) }
    return $bytes . chr($n) . $text;
}

1;
