# t/kept_connections.t — a pod closes a kept connection just as a request goes
# out on it: what may be sent twice is sent once more, what may not is never at
# such a risk (RFC 9110 9.2.2)

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;
use Time::HiRes qw(sleep);

# One worker: the connection that the first request leaves is the next one's.
my $t = AIGC::Stack->start(workers => 1, edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my $h2 = $port + 10;
    return $text =~ s/(server_name \*\.)/listen 127.0.0.1:$h2 http2;\n        $1/r;
});
$t->allow_log(qr/upstream/);
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $pod   = $t->kube_get('pods', $mine->pod)->{status}{podIP};

my $keys = 0;
my $key;

sub hangup { return $mine->url("/hangup?key=$key" . join '', map { "&$_" } @_) }

sub seen { return join ' ', @{ $alice->get(hangup('look=1'))->json->{seen} // [] } }

sub kept {          # connections of nginx to the pod
    open my $f, '<', '/proc/net/tcp' or die $!;
    my $to = sprintf '%08X:%04X', unpack('V', pack 'C4', split /\./, $pod), 7860;
    return scalar grep { (split)[2] eq $to && (split)[3] eq '01' } <$f>;
}

# Leaves a kept connection, which the next request takes, if any.
sub prime {
    $key = 'k' . ++$keys;
    is $alice->get($mine->url('/info'))->code, 200, "$_[0]: a request leaves a connection";
    cmp_ok kept(), '>', 0, '… which is kept';
}

# The same of one that the pod will close as soon as anything comes.
my $raw = '/raw?part=' . AIGC::Client::escape("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

sub prime_last {
    $key = 'k' . ++$keys;
    is $alice->get($mine->url($raw))->content, 'ok', "$_[0]: the connection that is kept ends with the next request";
    cmp_ok kept(), '>', 0, '… until then it is there';
}

subtest 'a kept connection ends before the pod would end it' => sub {
    prime('idle');
    ok $t->wait_for(sub { kept() == 0 }, 30, 'the gateway has ended it'), 'it is gone, long before nginx\'s own 60 s';
};

subtest 'what may be sent twice' => sub {
    for my $method (qw(GET HEAD PUT DELETE OPTIONS)) {
        prime($method);
        my @body = $method eq 'PUT' ? (body => 'x' x 100) : ();
        is $alice->request($method, hangup(), @body)->code, 200, '… the pod closes it under the next one, which is answered';
        is seen(), "$method $method", '… and was sent once more';
    }

    prime('twice');
    is $alice->get(hangup('times=2'))->code, 502, 'where the new connection ends likewise: 502';
    is seen(), 'GET GET', '… and there was no third time';
};

subtest 'many kept connections that the pod has closed' => sub {
    prime('many');
    $_->response for map { $alice->begin('GET', $mine->url('/slow?ms=300')) } 1 .. 5;
    cmp_ok kept(), '>', 3, 'some are kept';
    is $alice->get(hangup())->code, 200, 'the second attempt takes none of them';
    is seen(), 'GET GET', '… there were two';
    is $alice->get(hangup('times=4'))->code, 502, 'nor are they all tried';
    is seen(), 'GET GET GET GET', '… again two';
};

subtest 'what may not be sent twice' => sub {
    for my $method (qw(POST PATCH LOCK PROPPATCH ODD)) {
        prime($method);
        is $alice->request($method, hangup('times=9'), body => 'x')->code, 502, '… closed under it: 502';
        is seen(), $method, '… sent once';

        prime_last($method);
        is $alice->request($method, hangup('times=0'), body => 'x')->code, 200, '… it is not taken';
        is seen(), $method, '… and it came once';
    }
};

subtest 'a body that is passed on as it comes' => sub {
    prime('large');
    is $alice->put(hangup('times=9'), body => 'x' x 300_000)->code, 502, 'closed under it: 502';
    is seen(), 'PUT', '… sent once: it is not there any more';

    for my $body ('x' x 300_000, ['some', 'x' x 100_000], ['chunks']) {
        prime_last('large');
        my $r = $alice->put($mine->url('/headers'), body => $body);
        is $r->code, 200, '… it is not taken';
        is $r->json->{body_length}, length(ref $body ? join '', @$body : $body), '… it comes whole';
    }

    # HTTP/2 has it in frames of their own, however small
    my $h2 = AIGC::HTTP2->connect('127.0.0.1', $t->port + 10);
    for (['GET', undef, 1, 'GET GET'], ['PUT', 'body', 0, 'PUT']) {
        my ($method, $body, $times, $seen) = @$_;
        $times ? prime("HTTP/2, $method") : prime_last("HTTP/2, $method");
        my $r = $h2->request([':method' => $method, ':scheme' => 'http', ':authority' => $mine->host . ':' . $t->port,
            ':path' => "/hangup?key=$key&times=$times", cookie => $alice->cookie_header($mine->url)], $body);
        is $r->{code}, 200, '… answered';
        is seen(), $seen, '… as over HTTP/1.1';
    }
};

subtest 'what has said something' => sub {
    for my $partly ('H', 'HTTP/1.1 200 OK', "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n") {
        prime('partly');
        is $alice->get(hangup('times=9', 'partly=' . AIGC::Client::escape($partly)))->code, 502, 'half an answer: 502';
        is seen(), 'GET', '… is not asked for again';
    }
    prime('body');
    ok $alice->get(hangup('times=9', 'partly=' . AIGC::Client::escape("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab")))->truncated,
        'half a body is half a body';
    is seen(), 'GET', '… likewise';
};

subtest 'a new connection' => sub {
    $t->wait_for(sub { kept() == 0 }, 15, 'no connection is left');
    $key = 'new';
    is $alice->get(hangup('times=9'))->code, 502, 'closed without a word: 502';
    is seen(), 'GET', '… that was no accident, and is not repeated';
};

# The end of a connection may be the end of its pod, and its address may be
# somebody else's in a moment.
subtest 'a pod that is on its way out' => sub {
    $t->kubectl('annotate', 'pod', $mine->pod, 'fake/stop-delay=8s');
    prime('restart');
    my $late = $alice->begin('GET', hangup('times=1', 'ms=2500'));
    my $old  = AIGC::HTTP->connect($pod, 7860);
    $mine->restart;
    $t->wait_for(sub { !grep { $_->{routed} && $_->{address} =~ /^\Q$pod\E:/ } @{ $t->table->{instances} } }, 15, 'its address is not given any more');
    is $late->response->code, 502, 'its end is no reason to go there again';
    $old->send("GET /hangup?key=$key&look=1 HTTP/1.1\r\nHost: x\r\n\r\n");
    is join(' ', @{ $old->response->json->{seen} }), 'GET', '… though it would still have answered';
    $mine->wait_ready;
};

done_testing;
