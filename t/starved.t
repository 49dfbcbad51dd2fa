# t/starved.t — a worker without a free connection, event, descriptor or memory
# for a moment: the control plane goes on, or at the latest right afterwards

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::HTTP;
use Digest::SHA qw(sha256);
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);
use Time::HiRes qw(sleep time);

my $lease = '/apis/coordination.k8s.io/v1/namespaces/aigc-gateway/leases/aigc-gateway';
my $map   = '/api/v1/namespaces/aigc-gateway/configmaps/aigc-revocations';

my $t     = AIGC::Stack->start(workers => 2, connections => 96, preload => 1);
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : die "no $_[0]" }
sub ready  { my $r = eval { $t->status('/readyz') }; return $r ? $r->code : 0 }
sub spec   { return ($t->kube_get($lease) // {})->{spec} // {} }
sub revocations { return ($t->kube_get($map) // {})->{data} // {} }

# Another template appears in the table: that is a watch's event.
my $n = 0;
sub table_follows {
    my ($what) = @_;
    my $mark = 'm' . ++$n;
    my $before = metric('events_total');
    $t->kube_patch('gss', 'stable-diffusion-cpu', { metadata => { annotations => { mark => $mark } } });
    $t->wait_for(sub { metric('events_total') > $before }, 20, "$what: a watch is heard");
    pass "$what: a change in the cluster is in the table";
}

# Everything that worker 0 does by itself.
sub all_is_well {
    my ($what) = @_;
    table_follows($what);
    my $renewed = spec()->{renewTime};
    $t->wait_for(sub { spec()->{renewTime} ne $renewed }, 20, "$what: the Lease is renewed");
    my $bob = $t->sign_in('bob');
    pass "$what: people sign in";
    my $before = revocations();
    is $bob->post('/sign-out', headers => [Origin => $t->origin])->code, 303, "$what: … and out";
    $t->wait_for(sub { keys %{ revocations() } > keys %$before }, 20, "$what: it is in the ConfigMap");
    is ready(), 200, "$what: /readyz is 200";
}

# The callback's URL of a sign-in, not yet asked for.
sub signing_in {
    my ($who) = @_;
    my $client = AIGC::Client->new(stack => $t, user => $who);
    my $form = AIGC::Client::form($client->browse('/sign-in', follow => 10));
    @{ $form->{fields} }{qw(username password)} = ($who, "$who-pass");
    my $r = $client->submit($form);
    $r = $client->browse(AIGC::Client::resolve($r->url, $r->location))
        until $r->code =~ /^30/ && $r->location =~ m{/sign-in-callback\?};
    return ($client, AIGC::Client::resolve($r->url, $r->location));
}

# A request of which all but the last bytes have been sent.
sub half {
    my ($client, $method, $url, @headers) = @_;
    $url = $t->url($url) if $url =~ m{^/};
    my $conn  = $client->connect($url);
    my $bytes = AIGC::HTTP::request_bytes(method => $method, url => $url,
        headers => [@headers, Cookie => $client->cookie_header($url)]);
    $conn->send(substr $bytes, 0, -2);
    return sub {
        $conn->send(substr $bytes, -2);
        my $r = $conn->response(method => $method, url => $url);
        $conn->close;
        $client->remember($r);
        return $r;
    };
}

subtest 'half-sent requests take every connection' => sub {
    $t->allow_log(qr/96 worker_connections are not enough/);

    my ($bob, $callback) = signing_in('bob');
    my $in     = half($bob, 'GET', $callback);
    my $carol  = $t->sign_in('carol');
    my $out    = half($carol, 'POST', '/sign-out', Origin => $t->origin, 'Content-Length' => 0);
    my $dave   = $t->sign_in('user05');
    my $put    = half($dave, 'POST', '/api/v1/templates/default/stable-diffusion-cpu/install',
        Accept => 'application/json', Origin => $t->origin, 'Content-Length' => 0);
    my @stream = map { $alice->events } 1, 2;
    $_->snapshot for @stream;

    my $mark  = length $t->error_log;
    my $flood = $t->background(sub {
        my ($go_on) = @_;
        my (@open, $n);
        while ($go_on->()) {
            @open = grep { !sysread($_, my $byte, 1) && $!{EAGAIN} } @open;
            while (@open < 250) {
                my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $t->port, Timeout => 1) or last;
                syswrite $s, "GET / HTTP/1.1\r\nHost: ";
                $s->blocking(0);
                push @open, $s;
                $n++;
            }
            sleep 0.02;
        }
        return { opened => $n };
    });
    my @pids = $t->worker_pids;
    for my $i (0, 1) {
        $t->wait_for(sub { substr($t->error_log, $mark) =~ /\[alert\] $pids[$i]#.*connections are not enough/ },
            20, "worker $i has no free connection");
    }
    pass 'no worker has a free connection';

    my $begin = time;
    my $was   = spec();
    $t->kubectl('delete', 'pod', $mine->pod, '--wait=false');
    $_->wait_event(sub { $_->{event} eq 'instance' && $_->{data}{state} ne 'ready' }, 20) for @stream;
    pass 'a change in the cluster reaches both streams';

    my $answer = $in->();
    is $answer->code, 302, 'a sign-in goes through: Logto was asked';
    ok $bob->cookie('aigc-session'), '… and there is a session';

    my $before = revocations();
    is $out->()->code, 303, 'a sign-out is taken';
    $t->wait_for(sub { keys %{ revocations() } > keys %$before }, 20, 'the ConfigMap has it');
    pass '… and told to all gateways';

    # a request's own call to Kubernetes has nginx's connections, and may find none
    like $put->()->code, qr/^(?:202|50[0-4])$/, 'an install is taken, or refused';

    # what only a new connection of libcurl's can do
    $t->wait_for(sub { time > $begin + 6 && spec()->{renewTime} ne $was->{renewTime} }, 30, 'the Lease is renewed');
    is spec()->{holderIdentity}, $was->{holderIdentity}, 'the Lease is renewed by who held it';
    is spec()->{leaseTransitions}, $was->{leaseTransitions}, '… who never lost it';

    my $opened = $flood->stop->{opened};
    note "$opened half-sent requests in ", sprintf('%.1f s', time - $begin);
    my @said = substr($t->error_log, $mark) =~ /(\d+)#\d+: .*not enough/g;
    ok scalar(grep { $_ == $pids[0] } @said) > 3, 'worker 0 had none all the while';

    $t->wait_for(sub { ready() == 200 }, 20, '/readyz is 200');
    is metric('calls_starved_total'), 0, 'no call of its own went without a connection';
    is metric('loops_rebuilt_total'), 0, '… and libcurl gave nothing up';
    $_->close for @stream;
    $mine->wait_ready;
    my $his = $dave->install('stable-diffusion-cpu')->wait_ready;
    is $dave->get($his->url)->code, 200, 'an install works: no write is left behind';
    all_is_well('afterwards');
};

subtest 'no event for a socket' => sub {
    $t->allow_log(qr/epoll_ctl\(1, \d+\) failed/);
    my $mark = length $t->error_log;
    my $was  = spec();
    $t->preload(no_event => 3);
    $t->wait_for(sub { AIGC::Preload::get($t, 'no_event') == 0 }, 30, 'it has happened');
    $t->wait_for(sub { metric('calls_starved_total') >= 3 }, 10, 'calls have ended for it');
    is metric('loops_rebuilt_total'), 0, 'each alone: the multi handle lives';
    like substr($t->error_log, $mark), qr/no connection is free, or no event/, 'the log says so';
    is spec()->{holderIdentity}, $was->{holderIdentity}, 'the leader is who it was';
    all_is_well('afterwards');
};

subtest 'libcurl gives its multi handle up' => sub {
    my $mark = length $t->error_log;
    my $was  = spec();
    $t->preload(dead => 1);
    $t->wait_for(sub { metric('loops_rebuilt_total') > 0 }, 20, 'another one takes its place');
    like substr($t->error_log, $mark), qr/curl_multi_socket_action\(\) failed: 11 \(.*\): calls begin anew/, 'the log has the code';
    all_is_well('afterwards');

    $t->preload(dead => 20);
    $t->wait_for(sub { AIGC::Preload::get($t, 'dead') == 0 }, 30, 'twenty times in a row');
    all_is_well('after twenty');

    $mark = length $t->error_log;
    $t->preload(no_memory => 1, dead => 1);
    $t->wait_for(sub { substr($t->error_log, $mark) =~ /curl_multi_init\(\) failed: trying again/ }, 20, 'there is no memory for another one');
    $t->preload(no_memory => 0);
    all_is_well('when there is');
    is spec()->{holderIdentity}, $was->{holderIdentity}, 'the leader is who it was';
};

subtest 'no memory for a call' => sub {
    $t->preload(no_memory => 1);
    my $mark = length $t->error_log;
    $t->wait_for(sub { ready() == 503 }, 20, '/readyz is 503');
    my $r = $t->status('/readyz')->json;
    is $r->{control}, JSON::PP::false, '… for the control plane';
    like $r->{reason}, qr/worker 0 cannot make calls/, '… and says why';
    cmp_ok metric('control_stuck_milliseconds'), '>', 3000, 'a metric, too';
    is $alice->get($mine->url)->code, 200, 'the owner works on';
    like substr($t->error_log, $mark), qr/could not be started: libcurl has no memory/, 'the log says so';
    $t->preload(no_memory => 0);
    $t->wait_for(sub { ready() == 200 }, 20, '/readyz is 200 again');
    is metric('control_stuck_milliseconds'), 0, 'nothing is stuck';
    all_is_well('afterwards');
};

subtest 'no memory, or no descriptor, at the start' => sub {
    for my $what (qw(no_memory no_socket)) {
        $t->stop_nginx if $what eq 'no_memory';
        my $mark = length $t->error_log;
        $t->preload($what => 1);
        # without a socket nginx itself does not start; but it reloads
        $what eq 'no_memory' ? $t->start_nginx : $t->reload;
        $t->wait_for(sub { scalar(() = substr($t->error_log, $mark) =~ /\[error\].*aigc: /g) >= 3 }, 20, "$what: nothing goes");
        $t->preload($what => 0);
        # within seconds: Logto's keys, too, which are fetched every five minutes
        $t->wait_for(sub { ready() == 200 }, 30, "$what: the gateway is ready");
        all_is_well("after $what at the start");
    }
};

subtest 'worker 0 does not run' => sub {
    my ($pid) = $t->worker_pids;
    kill STOP => $pid;
    $t->wait_for(sub { ready() == 503 && $t->status('/readyz')->json->{reason} =~ /worker 0, which watches/ }, 40,
        '/readyz of another worker says so');
    pass '/readyz of another worker says so';
    kill CONT => $pid;
    $t->wait_for(sub { ready() == 200 }, 20, '/readyz is 200');
    all_is_well('afterwards');
};

done_testing;
