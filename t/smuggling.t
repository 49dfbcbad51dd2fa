# t/smuggling.t — whatever shape a request has, it is one request, decided once,
# and the pod sees it as nginx has understood it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;

# One worker, and one connection to the pod that all requests share.
my $t = AIGC::Stack->start(workers => 1, edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my $h2 = $port + 10;
    $text =~ s/listen 127\.0\.0\.1:$port\b( default_server)?;/$& listen 127.0.0.1:$h2 http2@{[ $1 \/\/ '' ]};/g;
    return $text;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine   = $alice->install('stable-diffusion-cpu')->wait_ready;
my $port   = $t->port;
my $host   = $mine->host . ":$port";
my $cookie = $alice->cookie_header($mine->url);
my $inner  = "PUT /disk/smuggled HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\nContent-Length: 1\r\n\r\nx";

# The status of every answer to these bytes, until the other side has nothing
# more to say: the last request of the bytes asks to close.
sub answers {
    my ($bytes, $url) = @_;
    my $conn = AIGC::HTTP->connect($t->host, $port);
    $conn->send($bytes);
    my @code;
    while (1) {
        my $r = $conn->response(method => 'GET', url => $url // 'raw');
        last unless $r->code;
        push @code, $r->code;
        last if ($r->header('Connection') // '') eq 'close';
    }
    $conn->close;
    return "@code";
}

sub head {          # the beginning of alice's request to her pod
    my ($line, @headers) = @_;
    return join "\r\n", "$line HTTP/1.1", "Host: $host", "Cookie: $cookie", @headers, '', '';
}

# After each shape: nothing was smuggled in, and the shared connection to the
# pod is in step.
sub whole {
    my ($what) = @_;
    my @info = map { $alice->get($mine->url('/info')) } 1 .. 3;
    my $disk = $alice->get($mine->url('/disk/'))->content;
    is join(' ', map { $_->code == 200 && $_->json->{instance} } @info) . " $disk",
        join(' ', ($mine->id) x 3) . " []\n", "… $what: nothing came through, and all is in step";
}

my $last = "GET /info HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\nConnection: close\r\n\r\n";
my $n = length $inner;
my $chunked = "0\r\n\r\n$inner";

subtest 'two lengths, or none that counts' => sub {
    my @shape = (
        ['Content-Length and Transfer-Encoding' => 400, ['Content-Length: ' . length $chunked, 'Transfer-Encoding: chunked']],
        ['Transfer-Encoding and Content-Length' => 400, ['Transfer-Encoding: chunked', 'Content-Length: ' . length $chunked]],
        ['Content-Length: 0 and Transfer-Encoding' => 400, ['Content-Length: 0', 'Transfer-Encoding: chunked']],
        ['two Content-Lengths' => 400, ['Content-Length: 0', "Content-Length: $n"]],
        ['two that are the same' => 400, ["Content-Length: $n", "Content-Length: $n"]],
        ['two in one' => 400, ["Content-Length: $n, $n"]],
        map({ ["Content-Length: $_" => 400, ["Content-Length: $_"]] }
            "+$n", '-1', '0x10', "$n x", '1e2', '99999999999999999999', ''),
        map({ ["Transfer-Encoding: $_" => 501, ["Transfer-Encoding: $_"]] }
            'xchunked', 'chunkedx', 'x chunked', 'identity', 'chunked, identity', 'identity, chunked', 'chunked, chunked', 'chunked,', '"chunked"', ''),
        ['a vertical tab before chunked' => 501, ["Transfer-Encoding: \x0bchunked"]],
        ['a folded line' => 400, ["Transfer-Encoding:\r\n chunked", 'Content-Length: ' . length $chunked]],
        ['a folded line with a tab' => 400, ["Transfer-Encoding:\r\n\tchunked"]],
        ['a blank before the colon' => 400, ['Transfer-Encoding : chunked', 'Content-Length: ' . length $chunked]],
        ['a tab before the colon' => 400, ["Content-Length\t: 0"]],
        ['a blank before the name' => 400, [' Transfer-Encoding: chunked']],
        ['two Transfer-Encodings' => 400, ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked']],
        ['… the second one another' => 400, ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity']],
        ['a carriage return in a value' => 400, ["X: a\rTransfer-Encoding: chunked"]],
        ['a NUL in a value' => 400, ["X: a\0b"]],
        ['a NUL in a name' => 400, ["X\0Transfer-Encoding: chunked"]],
    );
    for (@shape) {
        my ($what, $code, $headers) = @$_;
        my $got = answers(head('POST /headers', @$headers) . $chunked);
        like $got, qr/^$code$/, "$what is refused, and the connection ends";
    }
    is answers(head('POST /headers', 'Transfer-Encoding: chunked') =~ s{HTTP/1\.1}{HTTP/1.0}r . $chunked), 400, 'HTTP/1.0 in chunks';
    whole('of none of these');
};

subtest 'bodies that look like requests' => sub {
    for my $method (qw(GET POST PUT DELETE OPTIONS PATCH)) {
        is answers(head("$method /headers", "Content-Length: $n") . $inner . $last), '200 200', "$method with one is one";
    }
    is answers(head('HEAD /headers', "Content-Length: $n", 'Connection: close') . $inner), '200', 'HEAD';
    my $pod = sub {
        my ($headers, $body) = @_;
        my $c = AIGC::HTTP->connect($t->host, $port);
        $c->send(head('POST /headers', @$headers) . $body);
        my $r = $c->response(method => 'POST', url => 'raw');
        return $r->code == 200 ? $r->json : { code => $r->code };
    };
    my %chunks = (
        'an extension' => "5;a=b\r\nhello\r\n0\r\n\r\n",
        'one with a quoted end of line in it' => "5;a=\"0\\r\\n\\r\\n\"\r\nhello\r\n0\r\n\r\n",
        'capitals, zeros before' => "0005\r\nhello\r\n00\r\n\r\n",
        'trailers' => "5\r\nhello\r\n0\r\nCookie: evil=1\r\nTransfer-Encoding: chunked\r\nX-Real-IP: 6.6.6.6\r\n\r\n",
        'blanks behind the size' => "5 \r\nhello\r\n0\r\n\r\n",
        'ends of lines without carriage return' => "5\nhello\n0\n\n",
    );
    for my $what (sort keys %chunks) {
        my $seen = $pod->(['Transfer-Encoding: chunked'], $chunks{$what});
        if (!defined $seen->{code}) {
            is $seen->{body_length}, 5, "chunks with $what: the body";
            is_deeply [ grep { /evil|6\.6\.6|X-Real-IP: (?!127)/ } map { join ': ', @$_ } @{ $seen->{headers} } ], [], '… and nothing of it in the headers';
        } else {
            is $seen->{code}, 400, "chunks with $what are refused";
        }
    }
    for my $size ('0x5', '-5', '+5', '5h', 'ffffffffffffffff', '10000000000000000', "\0", '', ';a', '5,5', '２') {
        utf8::encode(my $text = $size);
        is $pod->(['Transfer-Encoding: chunked'], "$text\r\nhello\r\n0\r\n\r\n")->{code}, 400, "a chunk of size '" . ($size =~ s/\0/NUL/r) . "'";
    }
    # where one reader sees the end of an extension, and another one does not
    for my $odd ("2;\n\r\nxx\r\n$n\r\n0\r\n\r\n", "0;\n\r\n$inner", "1\r\nx\r0\r\n\r\n", "1\r\nxx\r\n0\r\n\r\n", "0\r\nX: y\n\n$inner") {
        my $got = answers(head('POST /headers', 'Transfer-Encoding: chunked', 'Connection: close') . $odd);
        like $got, qr/^(?:200|400)?$/, 'odd chunks: one answer, or none';
    }
    whole('of a body');

    my $seen = $pod->(['Content-Length: 5', 'Transfer_Encoding: chunked', 'Content_Length: 99'], 'hello');
    is $seen->{body_length}, 5, 'an underscore for the dash';
    unlike join(' ', map { $_->[0] } @{ $seen->{headers} }), qr/_/, '… does not reach the pod';
    $seen = $pod->(['Content-Length: 5', 'Connection: close, Content-Length, Cookie, X-Real-IP', 'Keep-Alive: 1', 'TE: trailers', 'Trailer: Cookie'], 'hello');
    is_deeply [ map { lc $_->[0] eq 'connection' ? $_->[1] : () } @{ $seen->{headers} } ], [], 'Connection is not the client\'s: it drops no header';

    my $lf = head('GET /headers', 'Connection: close') =~ s/\r\n/\n/gr;
    is answers($lf), '200', 'lines that end without carriage return are one request';
    whole('of it');
};

subtest 'a refused request\'s body is no request' => sub {
    my $own   = $mine->path;
    my $bobs  = $bob->cookie_header($mine->url);
    my $there = "Host: $host\r\n";
    my $gate  = 'Host: ' . $t->host . ":$port\r\n";
    my $them  = 'Cookie: ' . $alice->cookie_header($t->url) . "\r\n";
    my $after = "GET /api/v1/me HTTP/1.1\r\n$gate${them}Connection: close\r\n\r\n";
    my $evil  = "POST $own/release HTTP/1.1\r\n$gate${them}Origin: @{[ $t->origin ]}\r\nContent-Length: 0\r\n\r\n";
    my $e     = length $evil;
    my %body  = ('Content-Length' => "Content-Length: $e\r\n\r\n$evil",
        chunks => sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", $e, $evil),
        'Expect' => "Expect: 100-continue\r\nContent-Length: $e\r\n\r\n$evil");
    my @refused = (
        [401, 'POST / HTTP/1.1', $there, 'a stranger'],
        [403, 'POST / HTTP/1.1', "${there}Cookie: $bobs\r\n", 'another user'],
        [403, 'POST / HTTP/1.1', "${there}Cookie: $cookie\r\nOrigin: http://evil.example\r\n", 'another origin'],
        [302, 'GET / HTTP/1.1', "${there}Accept: text/html\r\n", 'a navigation'],
        [404, 'POST / HTTP/1.1', "Host: nobody.@{[ $t->root ]}\r\n", 'no such instance'],
        [404, 'POST / HTTP/1.1', "Host: evil.example\r\n", 'no such host'],
        [401, "POST $own/release HTTP/1.1", $gate, 'the API: a stranger'],
        [403, "POST $own/release HTTP/1.1", "$gate${them}Origin: http://evil.example\r\n", 'the API: another origin'],
        [404, 'POST /api/v1/nothing HTTP/1.1', "$gate$them", 'the API: no such call'],
        [405, 'PUT /api/v1/me HTTP/1.1', "$gate$them", 'the API: no such method'],
        [400, "POST $own/release HTTP/1.1", "$gate${them}Origin: @{[ $t->origin ]}\r\n", 'the API: no JSON'],
        [405, 'POST /sign-in HTTP/1.1', $gate, 'POST to sign in'],
        [405, 'POST /sign-in-callback HTTP/1.1', $gate, '… and its callback'],
        [400, 'GET /sign-in-callback?code=x&state=y HTTP/1.1', $gate, 'a callback that is none'],
        [403, 'POST /sign-out HTTP/1.1', "$gate${them}Origin: http://evil.example\r\n", 'signing out from elsewhere'],
        [403, 'POST /webhook HTTP/1.1', $gate, 'a webhook without signature'],
        [400, 'POST /backchannel-logout HTTP/1.1', $gate, 'a logout without token'],
        [400, 'GET /auth HTTP/1.1', $gate, '/auth'],
        [404, 'POST /_aigc/kubernetes/version HTTP/1.1', $gate, 'an internal location'],
    );
    for (@refused) {
        my ($code, $line, $headers, $what) = @$_;
        for my $how (sort keys %body) {
            like answers("$line\r\n$headers$body{$how}$after"), qr/^$code(?: 200)?$/, "$what, $how: refused, and then what follows it";
        }
    }
    is $mine->look->state, 'ready', 'nothing was released';
    whole('of the refused');
};

subtest 'an upgrade is a WebSocket\'s' => sub {
    my @h2c = ('Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__');
    my @ws  = ('Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==');
    my $yes = AIGC::Client::escape("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nTUNNEL");
    my $saw = sub {
        my ($line, @headers) = @_;
        my $c = AIGC::HTTP->connect($t->host, $port);
        $c->send(head($line, @headers));
        return $c->response(method => 'GET', url => 'raw');
    };
    for my $to ('h2c', 'H2C', 'TLS/1.0', 'HTTP/2.0', 'websocket, h2c', 'h2c, websocket', 'websocketx', 'web socket', "websocket\r\nUpgrade: h2c", "h2c\r\nUpgrade: websocket") {
        (my $shown = $to) =~ s/\r\n.*: / and /;
        my $r = $saw->('GET /headers', @h2c, "Upgrade: $to");
        is_deeply [ grep { $_->[0] =~ /^(?:upgrade|connection)$/i } @{ $r->json->{headers} } ], [], "$shown: the pod hears nothing of it";
        $r = $saw->("GET /raw?part=$yes", @h2c, "Upgrade: $to");
        is $r->code, 502, '… and a pod that agrees all the same gets no tunnel';
        unlike $r->content, qr/TUNNEL/, '… nor a byte through';
    }
    $t->allow_log(qr/is not passed on/);
    is $saw->('GET /ws', @ws, 'Upgrade: websocket')->code, 101, 'a WebSocket opens';
    is $saw->('GET /ws', @ws, 'Upgrade: WebSocket')->code, 101, '… in any spelling';
    isnt $saw->("GET /ws", @ws)->code, 101, '… not without the word';
    my $c = AIGC::HTTP->connect($t->host, $port);
    $c->send(head('GET /headers', @ws, 'Upgrade: websocket') =~ s{HTTP/1\.1}{HTTP/1.0}r);
    is_deeply [ grep { lc $_->[0] eq 'upgrade' } @{ $c->response(method => 'GET', url => 'raw')->json->{headers} } ], [], '… nor in HTTP/1.0';
    whole('of an upgrade');
};

subtest 'other first lines' => sub {
    my %line = (
        'HTTP/2 where HTTP/1 is spoken' => ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", qr/^400$/],
        'CONNECT' => ["CONNECT $host HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\n\r\n$last", qr/^4\d\d$/],
        'CONNECT to elsewhere' => ["CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: $host\r\n\r\n", qr/^4\d\d$/],
        'TRACE' => [head('TRACE /headers', 'Connection: close'), qr/^405$/],
        'OPTIONS *' => ["OPTIONS * HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\nConnection: close\r\n\r\n", qr/^[45]\d\d$/],
        'a blank in the path' => [head('GET /info x', 'Connection: close'), qr/^400$/],
        'a control byte in the path' => [head("GET /in\x01fo", 'Connection: close'), qr/^400$/],
        'a NUL in the path' => [head("GET /info%00", 'Connection: close'), qr/^400$/],
        'HTTP/0.9' => ["GET /info\r\n", qr/^$/],
        'HTTP/3.0' => ["GET /info HTTP/3.0\r\nHost: $host\r\n\r\n", qr/^505$/],
        'a line before it' => ["\r\n\r\n" . head('GET /info', 'Connection: close'), qr/^(?:200|400)$/],
    );
    for my $what (sort keys %line) {
        my ($bytes, $code) = @{ $line{$what} };
        my $got = eval { answers($bytes) } // ($@ =~ /not an HTTP answer/ ? '' : $@);
        like $got, $code, $what;
    }
    my $uri = $alice->get($mine->url('/headers?a=%0d%0aX-Evil:%201%0d%0a%0d%0aGET%20/'))->json;
    is $uri->{uri}, '/headers?a=%0d%0aX-Evil:%201%0d%0a%0d%0aGET%20/', 'escaped ends of lines stay escaped on the way to the pod';
    is $alice->get($mine->url('/x%0d%0aX-Evil:%201'))->code, 404, '… in a path too';
    whole('of these');
};

subtest 'HTTP/2 that becomes HTTP/1' => sub {
    my @begin = (':method' => 'POST', ':scheme' => 'http', ':path' => '/headers', ':authority' => $host, cookie => $cookie);
    my $ask = sub {
        my ($headers, $body) = @_;
        return AIGC::HTTP2->connect($t->host, $t->port(10))->request($headers, $body);
    };
    my $seen = $ask->([@begin, 'content-length' => $n], $inner);
    is $seen->{code} . ' ' . JSON::PP::decode_json($seen->{content})->{body_length}, "200 $n", 'a request with a body';

    my %shape = (
        'a length that is less than the body' => [[@begin, 'content-length' => 0], $inner],
        'a length that is more' => [[@begin, 'content-length' => $n + 9], $inner],
        'two lengths' => [[@begin, 'content-length' => 0, 'content-length' => $n], $inner],
        'Transfer-Encoding' => [[@begin, 'transfer-encoding' => 'chunked'], $chunked],
        'Transfer-Encoding and a length' => [[@begin, 'transfer-encoding' => 'chunked', 'content-length' => length $chunked], $chunked],
        'an end of line in a value' => [[@begin, x => "a\r\nTransfer-Encoding: chunked"], $chunked],
        'a line feed in a value' => [[@begin, x => "a\nContent-Length: 0"], $inner],
        'a NUL in a value' => [[@begin, x => "a\0"], ''],
        'an end of line in a name' => [[@begin, "x: y\r\ntransfer-encoding" => 'chunked'], $chunked],
        'a colon in a name' => [[@begin, 'transfer-encoding: chunked' => 'x'], $chunked],
        'a blank in a name' => [[@begin, 'transfer-encoding ' => 'chunked'], $chunked],
        'a capital in a name' => [[@begin, 'Transfer-Encoding' => 'chunked'], $chunked],
        'a method that is a request' => [[@begin[2 .. 9], ':method' => "GET /info HTTP/1.1\r\nHost: $host\r\n\r\nGET"], undef],
        'a path that is a request' => [[@begin[0 .. 3], ':path' => "/info HTTP/1.1\r\nHost: $host\r\n\r\nGET /", @begin[6 .. 9]], undef],
        'a path with a blank' => [[@begin[0 .. 3], ':path' => '/info x', @begin[6 .. 9]], undef],
        'a scheme that is a request' => [[@begin[0 .. 1], ':scheme' => "http://evil.example/\r\nX: y", @begin[4 .. 9]], undef],
        'an authority with an end of line' => [[@begin[0 .. 5], ':authority' => "$host\r\nX: y", @begin[8 .. 9]], undef],
        'two methods' => [[@begin, ':method' => 'DELETE'], undef],
        'two paths' => [[@begin[0 .. 7], ':path' => '/info', @begin[8 .. 9]], undef],
        'a pseudo header that nobody knows' => [[':protocol' => 'websocket', @begin], undef],
    );
    for my $what (sort keys %shape) {
        my $r = $ask->(@{ $shape{$what} });
        my $code = $r->{code} // 'reset';
        if ($code eq '200') {
            my $pod = JSON::PP::decode_json($r->{content});
            my %h = map { lc $_->[0] => $_->[1] } @{ $pod->{headers} };
            is join(' ', $pod->{method}, $pod->{uri}, $h{x} // '-'), 'POST /headers -', "$what: one honest request, at most";
        } else {
            like $code, qr/^(?:400|501|reset)$/, "$what is refused ($code)";
        }
    }
    my $r = $ask->([@begin[2 .. 9], ':method' => 'GET', upgrade => 'websocket', connection => 'Upgrade']);
    is_deeply [ grep { $_->[0] =~ /^(?:upgrade|connection)$/i } @{ ($r->{code} // 0) == 200 ? JSON::PP::decode_json($r->{content})->{headers} : [] } ],
        [], 'an upgrade, which HTTP/2 has not: the pod hears nothing of it';
    whole('of HTTP/2');
};

done_testing;
