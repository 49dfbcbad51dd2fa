package AIGC::Bytes;

# What no client would send: requests of HTTP/1 and HTTP/2 and WebSocket frames
# that are composed by chance from right and odd parts, and then changed a bit.
# The same seed makes the same bytes.

use strict;
use warnings;

use AIGC::HTTP2;

# seed => N; hosts => […]; port; paths => { host => […] };
# credentials => { host => [header lines] }: what is sent with a request to it
sub new {
    my ($class, %o) = @_;
    srand $o{seed};
    return bless {%o}, $class;
}

sub one { return $_[ rand @_ ] }
sub chance { return rand() < $_[0] }
sub noise { return join '', map { chr rand 256 } 1 .. 1 + rand($_[0] // 12) }

# One connection: { http2 => 0 or 1, pieces => [bytes, sent one after another],
# own => 1 if credentials are among them }.
sub connection {
    my $self = shift;
    my $own   = chance(0.5);
    my $http2 = chance(0.3);
    my $bytes = $http2 ? $self->http2($own) : join '', map { $self->http1($own) } 1 .. 1 + rand 3;

    $bytes = mutate($bytes) if chance(0.3);
    $bytes = substr $bytes, 0, rand length $bytes if chance(0.1);       # half of it

    my @pieces = ($bytes);
    while (chance(0.4) && length $pieces[-1] > 1) {
        my $at = 1 + int rand(length($pieces[-1]) - 1);
        push @pieces, substr $pieces[-1], $at, length $pieces[-1], '';
    }
    push @pieces, map { websocket() } 1 .. rand 5 if $bytes =~ /websocket/i;
    return { http2 => $http2, own => $own, pieces => \@pieces };
}

# One to three changes anywhere.
sub mutate {
    my ($bytes) = @_;
    for (1 .. 1 + rand 3) {
        my $at = int rand(length($bytes) + 1);
        my $n  = int rand 20;
        my $what = int rand 5;
        if    ($what == 0) { substr $bytes, $at, 1, one("\0", "\r", "\n", ' ', ':', ';', "\t", '%', "\xff", chr rand 256) }
        elsif ($what == 1) { substr $bytes, $at, $n, '' }
        elsif ($what == 2) { substr $bytes, $at, 0, noise() }
        elsif ($what == 3) { substr $bytes, $at, 0, substr $bytes, $at, $n * 10 }
        else { vec($bytes, $at, 8) ^= 1 << rand 8 if $at < length $bytes }
    }
    return $bytes;
}

sub target {
    my ($self, $host) = @_;
    my $path = one(@{ $self->{paths}{$host} });
    $path .= one('?', '&') . one('aigc_ticket=', 'rd=', 'code=', 'state=', 'x=') . one(noise(40) =~ s/[^!-~]//gr, '%00', '%', 'a' x rand 3000)
        if chance(0.3);
    $path = one("//$path", "/.$path", "/%2e%2e$path", "http://$host:$self->{port}$path", "http://evil.example$path", "https://u\@$host$path", '*', $path =~ s/./sprintf '%%%02x', ord $&/er)
        if chance(0.15);
    return $path;
}

# name, value: those that decide something, right ones and odd ones
sub headers {
    my ($self, $host, $own) = @_;
    my $some = one(@{ $self->{hosts} });
    my @headers;

    push @headers, one(@{ $self->{credentials}{$host} }) if $own;
    push @headers, map { one(
        "Cookie: __Host-aigc-session=" . one('', 'AAAA', 'x' x rand 6000),
        "Cookie: aigc-session=@{[ noise(30) =~ tr/!-~//cdr ]}; aigc-instance=AQAB; a=b; aigc-login-0=x;;=",
        'Cookie: ' . join('; ', map { "c$_=v" } 1 .. rand 200),
        "Cookie: aigc-nonce=\"x\"; aigc-bind=y; aigc-login-AAAAAAAAAAAAAAAAAAAAAA.0=z",
        'Authorization: Bearer ' . one('', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.', 'x' x rand 9000),
        'Authorization: ' . one('Basic eDp5', 'bearer', 'Bearer  x', "Negotiate x"),
        "X-Original-URL: http://$some:$self->{port}" . one('/', '/a?aigc_ticket=x', '/%', '#'),
        'X-Original-URL: ' . one('', '/', 'http:', "http://$some\@evil.example/", "http://\x01", 'x' x rand 5000),
        'X-Original-Method: ' . one('GET', 'POST', '', 'x' x rand 100),
        "X-Forwarded-Host: $some", 'X-Forwarded-Proto: https', 'X-Forwarded-Uri: /x', 'X-Forwarded-For: 6.6.6.6, x',
        'Origin: ' . one('null', "http://$some:$self->{port}", 'http://evil.example', ''),
        'Sec-Fetch-Site: ' . one('cross-site', 'same-site', 'x'), 'Sec-Fetch-Mode: navigate', 'Sec-Fetch-Dest: iframe',
        'Accept: ' . one('text/html', 'text/event-stream', '*/*', 'application/json', ',;q='),
        'Accept-Language: ' . one('zh-CN,zh;q=0.9', 'en;q=9', ';;,,', 'x' x rand 500),
        'Content-Type: ' . one('application/json', 'application/x-www-form-urlencoded', 'text/plain;', ''),
        'logto-signature-sha-256: ' . one('', '0' x 64, 'x'),
        'Expect: 100-continue', 'Connection: ' . one('close', 'keep-alive', 'Upgrade', 'Cookie, Host', ''),
        'Upgrade: ' . one('websocket', 'h2c', 'WebSocket, x'), "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13",
        'Range: bytes=0-1,2-', 'If-None-Match: *', 'Last-Event-ID: ' . one('1', '-1', 'x' x 99), 'TE: trailers',
    ) } 1 .. rand 8;
    return @headers;
}

sub body {
    my ($self) = @_;
    return one('', 'x', noise(200), '{"confirm":true}', '{"a":' x 50, 'logout_token=' . one('x', 'a.b.c', '%', 'eyJhbGciOiJFUzM4NCJ9.e30.AA'),
        '{"event":"User.Deleted","data":{"id":"x"}}',
        # a request of nobody's, which no pod may get
        "POST /hangup?key=stray&times=0 HTTP/1.1\r\nHost: $self->{hosts}[1]:$self->{port}\r\nContent-Length: 0\r\n\r\n");
}

sub http1 {
    my ($self, $own) = @_;
    my $host = one(@{ $self->{hosts} });
    my $method = one(qw(GET GET GET GET POST POST PUT DELETE HEAD OPTIONS PATCH), one(qw(TRACE CONNECT), 'X' x rand 40));
    my @headers = $self->headers($host, $own);
    my $body = chance(0.4) ? $self->body : '';
    my $path = $self->target($host);

    $path =~ s/key=own/key=stray/ unless $own;
    push @headers, 'X-Odd: ' . one("a\r\n b", "\x80\xff", "a\tb"), one('', ' Y', "Z\0", 'A_B') . ': ' . noise(20) =~ tr/\r\n//dr
        if chance(0.1);
    if ($path =~ m{/ws$} || chance(0.05)) {
        push @headers, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
        $method = 'GET';
    }
    if (length $body) {
        my $n = length $body;
        my $chunks = join '', map({ sprintf "%x%s\r\n%s\r\n", length, one('', ' ', ';a=b', ";a=\"\r\""), $_ } unpack '(a7)*', $body), "0\r\n" . one('', "Cookie: x=y\r\n") . "\r\n";
        my $how = int rand 10;
        if    ($how < 5)  { push @headers, "Content-Length: $n" }
        elsif ($how < 8)  { push @headers, 'Transfer-Encoding: chunked'; $body = $chunks }
        elsif ($how == 8) { push @headers, 'Content-Length: ' . one($n, $n + 9, $n - 1, '0', '-1', '0x1', '9' x 30), 'Transfer-Encoding: ' . one('chunked', 'identity', 'xchunked'); $body = $chunks }
        else              { push @headers, 'Content-Length: ' . one(0, $n, $n + 5), 'Content-Length: ' . $n }
    }
    my @hosts = chance(0.9) ? "Host: $host:$self->{port}" : one('Host: ', "Host: $host.", 'Host: ' . uc $host, 'Host: evil.example', "Host: $host:0", "Host: [::1]", "Host: $host\r\nHost: $self->{hosts}[0]", "Host: " . noise(20) =~ tr/\r\n//dr, 'X: y');
    my $end = chance(0.95) ? "\r\n" : "\n";
    return join($end, "$method $path HTTP/" . (chance(0.95) ? '1.1' : one('1.0', '0.9', '2.0', '1.', '11')), @hosts, @headers, '', '') . $body;
}

# A preface, settings, and then frames, those of requests among them.
sub http2 {
    my ($self, $own) = @_;
    my $frame = \&AIGC::HTTP2::_frame;
    my $bytes = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" . $frame->(4, 0, 0, chance(0.8) ? '' : join '', map { pack 'nN', int rand 8, one(0, 1, 16384, 2**24 - 1, 2**31, 2**32 - 1) } 1 .. rand 5);
    my $id = 1;

    for (1 .. 1 + rand 8) {
        my $what = rand;
        if ($what < 0.6) {
            my $block = $self->hpack($own);
            my $body  = chance(0.3);
            my $flags = $body ? 0 : 1;
            my $pad   = '';
            if (chance(0.1)) { $flags |= 8; $pad = chr one(0, 1, 255) }
            if (chance(0.1)) { $flags |= 0x20; $pad .= pack 'NC', one(0, $id, 1, 2**31), rand 256 }
            if (chance(0.2)) {
                my $at = int rand length $block;
                $bytes .= $frame->(1, $flags, $id, $pad . substr $block, 0, $at) . $frame->(9, one(0, 4, 4, 4), one($id, $id, $id, 0, $id + 2), substr $block, $at);
            } else {
                $bytes .= $frame->(1, $flags | 4, $id, $pad . $block);
            }
            $bytes .= $frame->(0, one(0, 1, 1, 9), one($id, $id, $id, 0, 99), $self->body) if $body;
            $bytes .= $frame->(3, 0, $id, pack 'N', rand 14) if chance(0.1);
            $id += one(2, 2, 2, 2, 1, 0, 2000);
        } else {
            $bytes .= one(
                $frame->(8, 0, one(0, $id, 99), pack 'N', one(0, 1, 2**31 - 1, 2**31)),
                $frame->(6, one(0, 1), 0, noise(8)), $frame->(2, 0, $id, pack 'NC', one($id, 0, 3), rand 256),
                $frame->(4, one(0, 1), 0, pack 'nN', rand 9, rand 2**32), $frame->(7, 0, 0, pack 'NN', 0, 0),
                $frame->(3, 0, one($id, 0, 1), pack 'N', 8), $frame->(int rand 256, rand 256, rand 9, noise(50)),
                $frame->(5, 4, $id, noise(9)), $frame->(0, 1, $id, ''));
        }
    }
    return $bytes;
}

sub hpack {
    my ($self, $own) = @_;
    my $host = one(@{ $self->{hosts} });
    my $path = $self->target($host);
    $path =~ s/key=own/key=stray/ unless $own;

    my @list = ([':method', chance(0.95) ? one(qw(GET GET POST PUT DELETE)) : one('CONNECT', "G\r\nX: y", '')], [':scheme', chance(0.95) ? 'http' : one('https', '')], [':path', $path], [':authority', "$host:$self->{port}"]);
    push @list, map { /^([^:\s]+):\s*([^\r\n]*)/ && lc $1 ne 'connection' ? [lc $1, $2] : () } $self->headers($host, $own);
    push @list, ['content-length', one(0, 5, '9' x 20)] if chance(0.1);
    splice @list, rand @list, 1 if chance(0.1);
    push @list, one([':method', 'DELETE'], [':protocol', 'websocket'], ['Transfer-Encoding', 'chunked'], ['', ''], ["a\nb", "c\0"], ['te', 'gzip'], ['host', 'evil.example']) if chance(0.15);

    my $string = \&AIGC::HTTP2::_string;
    my $block = join '', map { one("\0", "\0", "\x10", "\x40") . $string->($_->[0]) . $string->($_->[1]) } @list;
    $block = one("\x3f\xe1\x1f", "\x20", "\x82\x84\x86\xbe", "\xff\xff\xff\xff\x0f", "\x00\x85" . noise(5)) . $block if chance(0.1);
    $block .= one("\x80", "\xc0", "\x7f", "\0\x7f\xff\xff\xff\xff", noise(20)) if chance(0.05);
    return $block;
}

# A frame of a client's: any opcode, length in any form, masked or not.
sub websocket {
    my $data = noise(one(1, 20, 130, 2000));
    my $n = length $data;
    my $first = chr(one(0x80, 0x80, 0, 0x40, 0x90) | one(1, 1, 2, 8, 9, 10, 0, 3, 15));
    my $size = one($n, $n, $n, $n, 0, 125, 126, 127);
    my $mask = one(0x80, 0x80, 0x80, 0);
    return $first . ($size < 126 ? chr($mask | $size) : chance(0.5) ? chr($mask | 126) . pack('n', $size)
        : chr($mask | 127) . pack('Q>', one($size, 2**63, 2**40))) . ($mask ? noise(4) : '') . $data;
}

1;
