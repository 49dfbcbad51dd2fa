# t/transparent.t — an application behind the gateway behaves as without it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;
use Time::HiRes qw(sleep);

# What an administrator may have set for the other servers is short.
my $t = AIGC::Stack->start(workers => 1, http => 'send_timeout 1s; client_body_timeout 1s;', edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my $h2 = $port + 10;
    return $text =~ s/(server_name \*\.)/listen 127.0.0.1:$h2 http2;\n        $1/r;
});
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $host  = $mine->host . ':' . $t->port;

sub raw {           # the pod answers with these bytes
    my ($parts, %o) = @_;
    my $query = join '&', (map { "$_=$o{$_}" } grep { /^(?:fill|pause|close)$/ } sort keys %o),
        map { 'part=' . AIGC::Client::escape($_) } ref $parts ? @$parts : $parts;
    return $mine->url("/raw?$query");
}

sub h2 {            # over HTTP/2, by curl, as its answer's text
    my ($url, $method) = @_;
    my ($path) = $url =~ m{^http://[^/]+(.*)};
    my $file = $t->file('run/h2.conf');
    open my $f, '>', $file or die "$file: $!";
    print $f qq{header = "$_"\n} for "Host: $host", 'Cookie: ' . $alice->cookie_header($mine->url);
    close $f;
    my ($status, $text) = $t->stranger->curl('--http2-prior-knowledge', '-i', '-K', $file, 'http://127.0.0.1:' . ($t->port + 10) . $path);
    unlink $file;
    return $status == 0 ? $text : "curl: $status $text";
}

subtest 'large answer headers' => sub {
    my $head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Fill: {fill}\r\n\r\n";
    my $rest = length($head) - length '{fill}';

    my $r = $alice->get(raw("${head}ok", fill => 32_768));
    is $r->code . $r->content, '200ok', '32 KB in one';
    is length $r->header('X-Fill'), 32_768, '… come through';

    $r = $alice->get(raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" . join('', map { "Set-Cookie: c{fill}$_=$_\r\n" } 1 .. 120) . "\r\nok", fill => 256));
    is scalar(my @cookies = $r->headers('Set-Cookie')), 120, '32 KB in 120 cookies';

    $r = $alice->get(raw("${head}ok", fill => 65_536 - $rest));
    is $r->code . $r->content, '200ok', '64 KB, at the limit';
    $r = $alice->get(raw("${head}ok", fill => 65_537 - $rest));
    is $r->code . ' ' . ($r->json->{code} // ''), '502 no-answer', 'one byte more: 502, in the gateway\'s words';
    $t->allow_log(qr/upstream sent too big header/);
    like h2(raw("${head}ok", fill => 65_537 - $rest)), qr{\AHTTP/2 502 .*^\{"type":"urn:aigc-gateway:no-answer".*\}\z}ms, '… over HTTP/2 too';

    like h2(raw("${head}ok", fill => 32_768)), qr{\AHTTP/2 200 .*^x-fill: x{32768}\r\n.*^ok\z}ms, 'over HTTP/2 too';
};

subtest 'fields of a connection over HTTP/2' => sub {
    my @fields = ('Upgrade: h2,h2c', 'Connection: Upgrade, Keep-Alive, X-Named', 'Keep-Alive: timeout=5', 'Proxy-Connection: keep-alive',
        'X-Named: 1', 'X-Own: 1', 'HTTP2-Settings: x');
    my $answer = join("\r\n", 'HTTP/1.1 200 OK', @fields, 'Content-Length: 2', '', 'ok');
    my $text = h2(raw($answer));
    like $text, qr{\AHTTP/2 200 .*^ok\z}ms, 'the answer comes';
    like $text, qr{^x-own: 1\r$}m, '… with what is the application\'s';
    unlike $text, qr{^(?:upgrade|connection|keep-alive|proxy-connection|transfer-encoding|http2-settings|x-named):}mi, '… and nothing of the connection\'s';

    $text = h2(raw(join "\r\n", 'HTTP/1.1 200 OK', @fields[0 .. 3], 'Transfer-Encoding: chunked', '', "2\r\nok\r\n0\r\n\r\n"));
    like $text, qr{\AHTTP/2 200 .*^ok\z}ms, 'with chunks likewise';
    unlike $text, qr{^(?:upgrade|connection|keep-alive|proxy-connection|transfer-encoding):}mi, '… nothing';

    my $r = $alice->get(raw($answer));
    is $r->header('Upgrade'), 'h2,h2c', 'over HTTP/1.1 an upgrade that is offered passes';
    is $r->header('X-Named'), undef, '… what Connection names does not';
    is $r->header('X-Own'), '1', '… the rest does';
    ok $alice->websocket($mine->url('/ws'))->echoes, '… and WebSockets are what they were';
};

subtest 'transfers that pause' => sub {
    my $conn = $alice->connect($mine->url);
    $conn->send("PUT /headers HTTP/1.1\r\nHost: $host\r\nCookie: " . $alice->cookie_header($mine->url) . "\r\nContent-Length: 10\r\n\r\nbegin");
    my $down = $alice->begin('GET', $mine->url('/large?bytes=50000000'));
    sleep 4;
    $conn->send('- end');
    my $r = $conn->response(method => 'PUT', url => 'raw');
    is $r->code, 200, 'an upload that pauses for longer than client_body_timeout elsewhere';
    is $r->json->{body_length}, 10, '… comes whole';
    $r = $down->response;
    ok !$r->truncated && length $r->content == 50_000_000, 'a download that nobody reads for longer than send_timeout elsewhere, too';
};

subtest 'informational answers' => sub {
    my $own  = "HTTP/1.1 200 OK\r\nX-Own: 1\r\nContent-Length: 2\r\n\r\nok";
    my $link = "Link: </style.css>; rel=preload; as=style\r\n";
    for my $what ([103, "HTTP/1.1 103 Early Hints\r\n$link\r\n$own"], [100, "HTTP/1.1 100 Continue\r\n\r\n$own"], [102, "HTTP/1.1 102 Processing\r\n\r\n$own"],
        ['three', "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n${link}Set-Cookie: a=b\r\n\r\nHTTP/1.1 103 Early Hints\r\n${link}X-Hint: 1\r\n\r\n$own"],
        ['without a reason', "HTTP/1.1 103\r\n\r\n$own"], ['with bare line feeds', "HTTP/1.1 103 Early Hints\nLink: x\n\n$own"])
    {
        my ($name, $bytes) = @$what;
        for my $parts ([$bytes], [map { substr $bytes, $_ * 7, 7 } 0 .. (length($bytes) - 1) / 7]) {
            my $r = $alice->get(raw($parts, pause => 2));
            is $r->code . $r->content, '200ok', "$name: the answer is what comes" . (@$parts > 1 ? ', in small pieces too' : '');
            is $r->header('X-Own'), 1, '… its header';
            is $r->header($_), undef, "… and no $_ of the other" for qw(Link X-Hint Set-Cookie);
        }
    }
    is $alice->get($mine->url('/info'))->json->{instance}, $mine->id, 'the next request is another';
    my $r = $alice->get(raw("HTTP/1.1 103 Early Hints\r\nX: {fill}\r\n\r\n$own", fill => 66_000));
    is $r->code, 502, 'all of them together have a bound';
    $r = $alice->get(raw("HTTP/1.1 103 Early Hints\r\nX: 1\r\n", close => 1));
    is $r->code, 502, 'half of one, and nothing more, is no answer';

    # What is sent twice is read anew.
    is $alice->get(raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))->content, 'ok', 'a connection that the pod closes as the next request comes';
    $r = $alice->get(raw("HTTP/1.1 103 Early Hints\r\n$link\r\n$own"));
    is $r->code . $r->content, '200ok', '… which is sent again, and answered likewise';
};

subtest 'Expect: 100-continue' => sub {
    for my $method (qw(PUT POST)) {
        my $conn = $alice->connect($mine->url);
        $conn->send("$method /headers HTTP/1.1\r\nHost: $host\r\nCookie: " . $alice->cookie_header($mine->url) . "\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        like $conn->read_until(qr/\r\n\r\n/), qr{\AHTTP/1\.1 100 }, "$method: the client may go on";
        $conn->send('12345');
        my $r = $conn->response(method => $method, url => 'raw');
        is $r->code . $r->json->{body_length}, '2005', '… and its body arrives';
    }
};

sub pod { my ($r) = @_; return { map { lc $_->[0] => $_->[1] } @{ $r->json->{headers} } } }

subtest 'the public address' => sub {
    my $h = pod($alice->get($mine->url('/headers')));
    is_deeply [@$h{map { "x-forwarded-$_" } qw(proto host port)}], ['http', $host, $t->port], 'scheme, host and port, where nginx has them itself';

    # Behind a TLS terminator: this nginx knows of no TLS.
    my $gateway = 'https://' . $t->host;
    my $port = $t->second_nginx(edit => sub { $_[0] =~ s/(aigc_gateway) \S+;/$1 $gateway;/r =~ s/ secure=off//r =~ s/listen \S+ http2;//r });
    my $name = $mine->host;
    my $ask = sub {
        my ($path, $says) = @_;
        my $conn = AIGC::HTTP->connect('127.0.0.1', $port);
        $conn->send("GET $path HTTP/1.1\r\nHost: " . ($says // $name) . "\r\nX-Forwarded-Proto: gopher\r\nX-Forwarded-Port: 1\r\nAuthorization: Bearer " . $t->forge . "\r\nConnection: close\r\n\r\n");
        return $conn->response(method => 'GET', url => 'raw');
    };
    $h = pod($ask->('/headers'));
    is_deeply [@$h{map { "x-forwarded-$_" } qw(proto host port)}], ['https', $name, 443], '… and where another one has: they agree, and with aigc_gateway';
    is $h->{host}, $name, 'Host is what the client sent';

    my $sent = sub {
        my ($field) = @_;
        return $ask->('/respond?code=302&header=' . AIGC::Client::escape($field))->header($field =~ /^([^:]+)/ ? $1 : die);
    };
    for (["http://$name/next?a=b#c", "https://$name/next?a=b#c"], ["http://$name:7860/next", "https://$name/next"], ["http://$name", "https://$name"],
        ["HTTP://\U$name\E/x", "https://$name/x"], ["http://$name:80/", "https://$name/"], ["https://$name:443/x", "https://$name/x"], ["http://$name?x", "https://$name?x"])
    {
        is $sent->("Location: $_->[0]"), $_->[1], "Location: $_->[0]";
    }
    is $sent->("Location: $_"), $_, "… as it is: $_"
        for "https://$name/next", '/next', 'next', '?q', "//$name/x", 'http://instances/x', "http://$name.evil.example/", "http://evil.example/$name/", "http://${name}x/",
        "http://$name\@evil.example/", "http://$name:80\@evil.example/", "ftp://$name/", 'http://' . $t->host . '/', "http://a\@$name/";
    is $sent->("Refresh: 5; url=http://$name:7860/x"), "5; url=https://$name/x", 'Refresh likewise';
    is $sent->("Refresh: $_"), $_, "… as it is: $_" for '5', '5; url=/x', '5; url=http://evil.example/';
    is $alice->get($mine->url('/respond?code=302&header=' . AIGC::Client::escape("Location: https://$name/x")))->location, "http://$host/x", 'where the public scheme is http, it is http';
};

subtest 'what passes as it is' => sub {
    for my $path ('/a//b', '/a/./b/../c', '/a%2Fb', '/a%20b?x=%2F&y=a+b', '/%E4%BD%A0', '/a;b=c', "/a'b", '/~x', '/a,b', '/headers?') {
        my $conn = $alice->connect($mine->url);
        $conn->send("OPTIONS $path HTTP/1.1\r\nHost: $host\r\nCookie: " . $alice->cookie_header($mine->url) . "\r\n\r\n");
        my $r = $conn->response(method => 'OPTIONS', url => 'raw');
        is $r->code, $path =~ m{^/headers} ? 200 : 404, "$path: the pod answers";
    }
    my $r = $alice->get($mine->url('/headers?a=//b/../c&d=%2F+%20'));
    is $r->json->{uri}, '/headers?a=//b/../c&d=%2F+%20', 'a query comes as it was sent';

    my $url = $mine->url('/disk/file.txt');
    is $alice->put($url, body => join '', 'a' .. 'z')->code, 204, 'a file';
    $r = $alice->get($url, headers => { Range => 'bytes=5-9' });
    is $r->code . $r->content . $r->header('Content-Range'), '206fghijbytes 5-9/26', 'a range of it';
    is $alice->get($url, headers => { Range => 'bytes=99-' })->code, 416, '… one that is none';
    is $alice->get($url, headers => { 'If-Modified-Since' => $r->header('Last-Modified') })->code, 304, '… when it has not changed';
    $r = $alice->head($url);
    is $r->code . $r->header('Content-Length'), '20026', 'HEAD has the length';
    is $alice->get(raw("HTTP/1.1 200 OK\r\nETag: \"strong\"\r\nContent-Length: 2\r\n\r\nok"))->header('ETag'), '"strong"', 'an ETag stays strong';
    is $alice->post($mine->url('/echo'), body => ['one ', 'two ', 'three'])->content, 'one two three', 'chunks both ways';
    $r = $alice->get(raw("HTTP/1.1 299 Odd Reason\r\nX_Under_Score: 1\r\nContent-Length: 0\r\n\r\n"));
    is $r->status_line =~ /299 Odd Reason/ && $r->header('X_Under_Score'), 1, 'an odd status, an odd name';
    $r = $alice->get(raw("HTTP/1.0 200 OK\r\n\r\nuntil the end", close => 1));
    is $r->content, 'until the end', 'HTTP/1.0';
};

done_testing;
