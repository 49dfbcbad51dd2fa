# t/quit_revocations.t — whoever signs out just before, or while, nginx quits or
# reloads is out for every gateway: the ConfigMap has it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::HTTP;

my $t  = AIGC::Stack->start(workers => 2, faults => 1, templates => []);
my $ns = '/api/v1/namespaces/aigc-gateway/configmaps';

sub revoked { return scalar keys %{ ($t->kube_get("$ns/aigc-revocations") // {})->{data} // {} } }
sub sign_out { return $_[0]->post('/sign-out', headers => [Origin => $t->origin])->code }

# What becomes of a write of the ConfigMap; that it takes its time, as in a cluster.
sub writes { my (%action) = @_; $t->faults([map { { method => $_, path => 'configmaps', action => \%action } } qw(PATCH POST)]) }

# A sign-out of which all but the last bytes have been sent, and its worker.
sub half {
    my ($client) = @_;
    my $url   = $t->url('/sign-out');
    my $conn  = $client->connect($url);
    my $bytes = AIGC::HTTP::request_bytes(method => 'POST', url => $url,
        headers => [Origin => $t->origin, 'Content-Length' => 0, Cookie => $client->cookie_header($url)]);
    $conn->send(substr $bytes, 0, -2);
    my $worker;
    $t->wait_for(sub { $worker = worker_of($conn) }, 10, 'a worker has the connection');
    return ($worker, sub {
        $conn->send(substr $bytes, -2);
        my $code = $conn->response(method => 'POST', url => $url)->code;
        $conn->close;
        return $code;
    }, $conn);
}

# The number of the worker that holds the other end of a connection.
sub worker_of {
    my ($conn) = @_;
    my @pids = $t->worker_pids;
    my $hex  = sprintf '%04X', $conn->{sock}->sockport;
    open my $tcp, '<', "/proc/$pids[0]/net/tcp" or die $!;
    my ($inode) = map { (split)[9] } grep { (split)[2] =~ /:$hex$/ && (split)[3] eq '01' } <$tcp>;
    return unless $inode;
    for my $i (0 .. $#pids) {
        return $i + 1 if grep { (readlink // '') eq "socket:[$inode]" } glob "/proc/$pids[$i]/fd/*";
    }
    return;
}

writes(delayMs => 300);

subtest 'a sign-out, and QUIT at once' => sub {
    for my $n (1 .. 4) {
        my $client = $t->sign_in('alice');
        my $before = revoked();
        is sign_out($client), 303, 'she signs out';
        AIGC::HTTP::close_all();
        $t->nginx->signal('QUIT');
        $t->wait_for(sub { !$t->nginx->alive }, 10, 'nginx has ended');
        is revoked(), $before + 1, "time $n: nginx quits, and the ConfigMap has it";
        $t->start_nginx;
        $t->wait_ready;
    }
};

subtest 'a sign-out while nginx quits' => sub {
    # in worker 1: worker 0, which writes, has ended by then
    my $client = $t->sign_in('bob');
    my ($worker, $finish, @kept);
    for (1 .. 50) {
        ($worker, $finish, my $conn) = half($client);
        last if $worker == 2;
        push @kept, $conn;
    }
    is $worker, 2, 'worker 1 waits for the rest of a sign-out';
    $_->close for @kept;

    my $before = revoked();
    my @pids = $t->worker_pids;
    $t->nginx->signal('QUIT');
    $t->wait_for(sub { !kill 0, $pids[0] }, 10, 'worker 0 has ended');
    ok kill(0, $pids[1]), 'worker 0 has ended, worker 1 has not';
    is $finish->(), 303, 'the sign-out is taken';
    $t->wait_for(sub { !$t->nginx->alive }, 10, 'nginx has ended');
    is revoked(), $before + 1, 'and in the ConfigMap when nginx has ended';
    $t->start_nginx;
    $t->wait_ready;
};

subtest 'a sign-out, and a reload at once' => sub {
    for my $n (1 .. 3) {
        my $client = $t->sign_in('carol');
        my $thief  = $client->copy;
        my $before = revoked();
        is sign_out($client), 303, 'she signs out';
        $t->reload;
        $t->wait_for(sub { revoked() == $before + 1 }, 10, 'the ConfigMap has it');
        pass "time $n: nginx reloads, and the ConfigMap has it";
        is $thief->get('/api/v1/me')->code, 401, 'she is out here';
    }
};

subtest 'a cluster that does not answer' => sub {
    my $client = $t->sign_in('alice');
    writes(status => 500);
    my $mark = length $t->error_log;
    is sign_out($client), 303, 'somebody signs out';
    AIGC::HTTP::close_all();
    $t->nginx->signal('QUIT');
    $t->wait_for(sub { !$t->nginx->alive }, 15, 'nginx ends all the same');
    like substr($t->error_log, $mark), qr/\[warn\].*not all revocations are in the ConfigMap/, 'nginx ends all the same, and says what it leaves';
    $t->no_faults;
    $t->start_nginx;
    $t->wait_ready;
};

done_testing;
