# t/pod_answers.t — whatever bytes a pod writes in the place of an answer, they
# are one answer to one request, and none of its bytes is taken for another's

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;

# One worker: the connection to the pod that was poisoned is the next one's.
my $early = AIGC::Stack->at_least('1.29');    # nginx passes 103 on, where it is told to
my $hints = $early ? 'early_hints on;' : '';
my $t = AIGC::Stack->start(workers => 1, instance => <<"END", edit => sub {
        location = /hints     { $hints rewrite ^ /raw break; include aigc/instance.conf; }
        location = /hints-too { $hints rewrite ^ /raw break; aigc_access on; proxy_http_version 1.1; proxy_pass http://\$arg_pod; }
END
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my $h2 = $port + 10;
    $text =~ s/(server_name \*\.)/listen 127.0.0.1:$h2 http2;\n        $1/;
    return $text;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my ($mine, $his)  = map { $_->install('stable-diffusion-cpu') } $alice, $bob;
$_->wait_ready for $mine, $his;
my $session = $alice->host_session($mine->url);
my $main    = $alice->cookie('aigc-session');

# What a pod has tried to change, by any of the answers that it made.
sub sessions_stay {
    my ($what) = @_;
    is $alice->host_session($mine->url), $session, $what;
    is $alice->cookie('aigc-session'), $main, '… and the gateway\'s';
}

my $ok   = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
my $set  = 'Set-Cookie: aigc-instance=evil; Path=/' . "\r\n" . 'Set-Cookie: aigc-session=evil; Domain=' . $t->root . "; Path=/\r\n";
my $evil = "HTTP/1.1 200 OK\r\n${set}X-Evil: 1\r\nContent-Length: 4\r\n\r\nevil";
my $bad  = qr/evil/i;

sub raw_path {      # what makes the pod write these bytes
    my (%o) = @_;
    return ($o{path} // '/raw?') . "pause=$o{pause}" . join '', map { '&part=' . AIGC::Client::escape($_) } @{ $o{parts} };
}

# Every byte that comes to the client for the pod's answer and for a request
# that follows it on the same connection.
sub bytes {
    my (%o) = @_;
    my $conn = $alice->connect($mine->url);
    my $cookie = $alice->cookie_header($mine->url);
    my $host = $mine->host . ':' . $t->port;
    my $method = $o{method} // 'GET';
    $conn->send("$method " . raw_path(pause => 0, %o) . " HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\n"
        . join('', map { "$_\r\n" } @{ $o{headers} // [] }) . "\r\n");
    my $first = $conn->read_until(qr/\r\n\r\n/, 10) // '';
    $conn->send("GET /info HTTP/1.1\r\nHost: $host\r\nCookie: $cookie\r\nConnection: close\r\n\r\n");
    1 while eval { $conn->fill(10) };
    my $all = $first . $conn->{in};
    $conn->close;
    return $all;
}

subtest 'what is no answer' => sub {
    $t->allow_log(qr/is not passed on/);
    my @none = (
        map({ ["the status $_", "HTTP/1.1 $_ X\r\n\r\n$evil"] } '000', '001', '099'),
        ['an upgrade that nobody has asked for', "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n$evil"],
        ['no status line', "evil\r\n$evil"],
        ['a line before it', "\r\n$evil"],
        ['a blank before it', " $evil"],
        ['HTTP/0.9', '<script>evil</script>'],
        ['a status of two digits', "HTTP/1.1 20 OK\r\n\r\n$evil"],
        ['a status of letters', "HTTP/1.1 abc OK\r\n\r\n$evil"],
        ['a carriage return in the reason', "HTTP/1.1 200 OK\r${set}Content-Length: 4\r\n\r\nevil"],
        ['another protocol', "ICY 200 OK\r\n$set\r\nevil"],
        ['HTTP/2', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n$evil"],
    );
    for (@none) {
        my ($what, $text) = @$_;
        my $got = bytes(parts => [$text]);
        unlike $got, $bad, "$what: nothing of it comes through";
        like $got, qr{\AHTTP/1\.1 502 .*HTTP/1\.1 200 .*"instance":@{[ $mine->id ]}\b}ms, '… 502, and the next request\'s answer is its own';
    }
    my $h2 = sub { return AIGC::HTTP2->connect($mine->host, $t->port(10))->request([':method' => 'GET', ':scheme' => 'http',
        ':path' => $_[0], ':authority' => $mine->host . ':' . $t->port, cookie => $alice->cookie_header($mine->url)]) };
    is $h2->('/info')->{code}, 200, 'over HTTP/2';
    is $h2->(raw_path(pause => 0, parts => [ $_->[1] ]))->{code}, 502, "… $_->[0]" for @none;
};

subtest 'more than one answer' => sub {
    my $chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    my $short  = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
    my @more = (
        ['a second one behind it', {}, $ok . $evil],
        ['a second one a moment later', { pause => 50 }, $ok, $evil],
        ['a second one behind the last chunk', {}, $chunks . $evil],
        ['… a moment later', { pause => 50 }, $chunks, $evil],
        ['… behind trailers', {}, ($chunks =~ s/\r\n\r\n\z/\r\nX-T: $set\r\n/r) . $evil],
        ['one behind an answer to HEAD', { method => 'HEAD' }, $short . $evil],
        ['… a moment later', { method => 'HEAD', pause => 50 }, $short, $evil],
        ['a body of 204', {}, "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n$evil"],
        ['a body of 304', {}, "HTTP/1.1 304 Not Modified\r\n\r\n$evil"],
        ['… a moment later', { pause => 50 }, "HTTP/1.1 304 Not Modified\r\n\r\n", $evil],
        ['a length and chunks', {}, $chunks =~ s/(?=Transfer)/Content-Length: 2\r\n/r . $evil],
        ['two lengths', {}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 99\r\n\r\nok"],
    );
    for (@more) {
        my ($what, $o, @parts) = @$_;
        my $got = bytes(%$o, parts => \@parts);
        # What is late may answer the next request to this same pod: as the pod likes.
        unlike $got, $o->{pause} ? qr/aigc-(?:session|instance)/ : qr/X-Evil/, "$what: it does not come through";
        my @info = map { $alice->get($mine->url('/info')) } 1 .. 3;
        # A pod whose kept connection was used again hangs up: asked once more.
        is scalar(grep { $_->code == 200 && $_->json->{instance} == $mine->id } @info), 3, '… nor to whoever comes next, who is served';
    }
};

# What stands behind it is the answer; it goes through the same filters.
subtest 'informational answers' => sub {
    my @before = (
        map({ [$_, "HTTP/1.1 $_ X\r\n\r\n"] } 100, 102, 103, 110, 199),
        ['with cookies', "HTTP/1.1 103 Early Hints\r\n${set}Link: </x>; rel=preload\r\n\r\n"],
        ['two', "HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\nHTTP/1.1 103 Early Hints\r\n$set\r\n"],
        ['with a length', "HTTP/1.1 103 Early Hints\r\nContent-Length: 2\r\n\r\n"],
    );
    for (@before) {
        my ($what, $text) = @$_;
        for my $o ({}, { pause => 20 }) {
            my $got = bytes(%$o, parts => [$text, $evil . $evil]);
            unlike $got, qr/aigc-(?:session|instance)=evil|HTTP\/1\.1 1/, "$what: neither it nor a cookie of ours comes through";
            my @answers = $got =~ /(HTTP\/1\.1 \d+)/g;
            is "@answers", 'HTTP/1.1 200 HTTP/1.1 200', '… one answer to each request';
            is scalar(() = $got =~ /X-Evil: 1/g), 1, '… the first its own';
            like $got, qr/"instance":@{[ $mine->id ]}\b/, '… the second the next one\'s';
        }
    }
    sessions_stay('the session is what it was');
};

# The second location goes by an upstream other than aigc_instances.
subtest 'early hints, where nginx passes them on' => sub {
    my $pod  = $t->kube_get('pods', $mine->pod)->{status}{podIP} . ':7860';
    my $link = "Link: </early>; rel=preload\r\n";
    my $more = "${set}X-Evil: 1\r\nStrict-Transport-Security: max-age=9\r\nAlt-Svc: h3=\":1\"\r\n";
    my $then = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nthen";
    for my $path ('/hints?', "/hints-too?pod=$pod&") {
        my $own = $path =~ /too/;
        for (['only hints', $link, 1], ['none', '', 0], ['something else', $more, 0], ['both', "$more$link$more", $own]) {
            my ($what, $lines, $shown) = @$_;
            my $got = bytes(path => $path, parts => ["HTTP/1.1 103 Early Hints\r\n$lines\r\n$then"], headers => ['Sec-Fetch-Mode: navigate']);
            unlike $got, qr/=evil|Strict-Transport|Alt-Svc/i, "$path, $what: nothing that is ours or the gateway's comes through";
            if ($early || !$own) {
                like $got, qr{HTTP/1\.1 200 .*?\r\n\r\nthen}s, '… and the answer behind it';
            } else {                # which nginx would pass on as the answer's body
                like $got, qr{\AHTTP/1\.1 502 }, '… it is no answer, nor is what stands behind it';
                $t->allow_log(qr/is not passed on/);
            }
            next if !$early || $what eq 'none';
            is scalar(() = $got =~ m{^HTTP/1\.1 103 [^\r]*\r\nLink: </early>; rel=preload\r\n\r\n}mg), $shown ? 1 : 0, $shown ? '… with the hints' : '… without hints';
        }
    }
    sessions_stay('the session is what it was');
};

subtest 'another user, meanwhile' => sub {
    my %n;
    for my $round (1 .. 150) {
        my $path = raw_path(pause => $round % 4, parts => [$ok, $evil]);
        my @evil = map { $alice->begin('GET', $mine->url($path)) } 1 .. 2;
        my @his  = map { $bob->begin('GET', $his->url('/info')) } 1 .. 3;
        $_->response for @evil;
        push @his, $bob->begin('GET', $his->url('/info'));
        $n{ $_->code == 200 && !$_->header('X-Evil') ? $_->json->{instance} : $_->code . $_->content }++ for map { $_->response } @his;
    }
    is_deeply \%n, { $his->id => 600 }, 'gets every answer from his own pod';
    sessions_stay('and the session of the pod\'s own user stays');
};

subtest 'header lines that are none' => sub {
    # What a pod has sent late may be the answer here; these lines tell by a name of their own.
    my $tossed = qr/tossed/;
    my @line = ("Set-Cookie : aigc-instance=tossed", "Set-Cookie\t: aigc-instance=tossed", "X: a\r\n Set-Cookie: aigc-instance=tossed",
        "Set-Cookie:\r\n aigc-instance=tossed", "X: a\rSet-Cookie: aigc-instance=tossed", "X: a\0\r\nSet-Cookie: aigc-instance=tossed",
        "Set-Cookie\0: aigc-instance=tossed");
    for my $line (@line) {
        (my $shown = $line) =~ s/([\0-\x1f])/sprintf '\\x%02x', ord $1/ge;
        unlike bytes(parts => ["HTTP/1.1 200 OK\r\n$line\r\nContent-Length: 2\r\n\r\nok"]), $tossed, "$shown: not passed on";
    }
    my @ours = ("Set-Cookie:aigc-instance=tossed", "set-cookie: \taigc-instance=tossed", "SET-COOKIE: aigc-instance = tossed", "Set-Cookie: =aigc-instance=tossed",
        map { ("Set-Cookie: $_=tossed", "Set-Cookie: $_=tossed; Domain=" . $t->root) } qw(aigc-session aigc-nonce aigc_session __Host-aigc-instance __Host-aigc-session));
    for my $line (@ours) {
        unlike bytes(parts => ["HTTP/1.1 200 OK\n$line\nContent-Length: 2\n\nok"]), $tossed, "$line: ours, also with bare line feeds";
    }
    sessions_stay('the session is what it was');
};

subtest 'who has its address next' => sub {
    my $ip = sub { ($t->kube_get('pods', $_[0]->pod) // {})->{status}{podIP} };
    $his->release->wait_state('released');
    my $was = $ip->($mine);
    my @kept = map { $alice->begin('GET', $mine->url(raw_path(pause => 1000 + 20 * $_, parts => ['', $ok, $evil x 3]))) } 1 .. 30;
    is_deeply [ grep { $_ ne 'ok' } map { $_->response->content } @kept ], [], 'connections that are kept, and a second answer on its way on each';
    $mine->release->wait_state('released');
    $his->start->wait_ready;
    is $ip->($his), $was, 'another user\'s pod has the address';
    my %n;
    for (map { $bob->begin('GET', $his->url('/info')) } 1 .. 60) {
        my $r = $_->response;
        $n{ $r->code == 200 && !$r->header('X-Evil') ? $r->json->{instance} : $r->code . $r->content }++;
    }
    is_deeply \%n, { $his->id => 60 }, '… and he gets his answers from it, all of them';
};

done_testing;
