package AIGC::Chaos::Rude;

# Clients that behave badly all through a chaos run: half requests, answers that
# nobody reads, uploads that stop, resets.

use strict;
use warnings;

use Socket qw(SOL_SOCKET SO_LINGER SO_RCVBUF);
use Time::HiRes qw(sleep time);

use AIGC::HTTP;

use constant OPEN => 24;        # connections at a time

# t, client (who has an instance), url (its origin), gateways, seed
sub live {
    my ($go_on, %o) = @_;
    my (@open, %n);

    srand $o{seed};
    while ($go_on->()) {
        if (-e $o{pause}) {
            _reset($_) for splice @open;
            sleep 0.1;
            next;
        }
        my ($port) = $o{gateways}[rand 2] =~ /:(\d+)$/;
        my $url  = $o{url} =~ s/:\d+$/:$port/r;
        my $how  = ('half', 'deaf', 'stops', 'reset', 'garbage')[rand 5];
        my $conn = eval { AIGC::HTTP->connect('127.0.0.1', $port, timeout => 5) };
        if ($conn) {
            setsockopt $conn->{sock}, SOL_SOCKET, SO_RCVBUF, 4096;
            $conn->send(_bytes($how, $o{client}, $url));
            $n{$how}++;
            push @open, $conn;
        }
        _reset(splice @open, int rand @open, 1) if @open > OPEN || $how eq 'reset';
        sleep rand 0.2;
    }
    _reset($_) for @open;
    return \%n;
}

sub _bytes {
    my ($how, $client, $url) = @_;
    my $request = sub {
        my ($method, $path, %o) = @_;
        return AIGC::HTTP::request_bytes(method => $method, url => "$url$path", %o,
            headers => [Cookie => $client->cookie_header($url), @{ $o{headers} // [] }]);
    };
    return "\x16\x03\x01\x02\x00\x01\x00" . join '', map { chr int rand 256 } 1 .. 200 if $how eq 'garbage';
    return $request->('GET', '/large?bytes=20000000') if $how eq 'deaf';
    return $request->('PUT', '/disk/rude', headers => ['Content-Length' => 5_000_000]) . 'x' x int rand 300_000 if $how eq 'stops';
    my $bytes = $request->(('GET', 'POST')[rand 2], '/info');
    return $how eq 'half' ? substr $bytes, 0, int rand length $bytes : $bytes;
}

sub _reset {                    # a reset, not an end
    my ($conn) = @_;
    setsockopt $conn->{sock}, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0 if $conn->{sock};
    $conn->close;
}

1;
