# t/hot_path.t — a warm request costs no call to Logto or Kubernetes and no
# memory; nor does a forged token (what a flood of them does: t/flood.t)

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use IO::Socket::INET;
use Time::HiRes qw(time);

my $t     = AIGC::Stack->start(faults => 1, workers => 1);
my $alice = $t->sign_in('alice');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;
my ($host) = $inst->url =~ m{^http://([^/]+)};
$alice->get($inst->url)->code == 200 or die;
my $session = 'aigc-instance=' . $alice->host_cookie('aigc-instance', $inst->host);

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : undef }

# n requests, pipelined by 50 on one connection: what came how often, and how
# long each took on average (ms).
sub many {
    my ($n, $headers) = @_;
    my $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $t->port) or die $!;
    my (%seen, $in);
    my $begin = time;
    while ($n > 0) {
        my $batch = $n < 50 ? $n : 50;
        print $sock map { "GET /status?code=204 HTTP/1.1\r\nHost: $host\r\n"
            . (ref $headers ? $headers->() : $headers) . "\r\n\r\n" } 1 .. $batch;
        my $got = 0;
        while ($got < $batch) {
            sysread $sock, $in, 65536, length($in // '') or die "closed after $got of $batch\n";
            while ($in =~ s{^HTTP/1\.1 (\d+)(.*?)\r\n\r\n}{}s) {
                my ($code, $head) = ($1, $2);
                my ($length) = $head =~ /content-length: (\d+)/i;
                while ($length && length $in < $length) { sysread $sock, $in, 65536, length $in or die 'closed' }
                substr $in, 0, $length // 0, '';
                $seen{$code}++;
                $got++;
                # nginx closes a connection after keepalive_requests
                if ($head =~ /connection: close/i) {
                    $sock = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $t->port) or die $!;
                    $n += $batch - $got;
                    $in = '';
                    $batch = $got;
                }
            }
        }
        $n -= $batch;
    }
    return \%seen;
}

sub rss { my ($pid) = $t->worker_pids; open my $f, '<', "/proc/$pid/status" or die $!; join('', <$f>) =~ /VmRSS:\s+(\d+)/; $1 }

subtest 'no calls' => sub {
    many(20, "Cookie: $session");
    $t->clear_logto_requests;
    my $mark = $t->audit_mark;
    $t->clear_fault_log;
    my ($hits, $misses) = map { metric($_) } qw(token_memo_total token_misses_total);

    is_deeply many(1000, "Cookie: $session"), { 204 => 1000 }, '1000 warm requests';
    my $asked = $t->logto_requests->{total} // 0;
    is $asked, 0, 'cause no call to Logto';
    is scalar($t->gateway_calls(since => $mark)), 0, 'and none to Kubernetes';
    # the leader renews its Lease all the time, whatever is asked of it
    is_deeply [grep { !/leases/ } keys %{ $t->fault_log->{counts} }], [], 'not even one that does not arrive';
    is metric('token_memo_total') - $hits, 1000, 'each finds its verified token, in the worker itself';
    is metric('token_misses_total') - $misses, 0, 'none is verified again';

    my $token = $t->forge(user => 'alice');
    many(2, "Authorization: Bearer $token");
    ($hits, $misses) = map { metric($_) } qw(token_memo_total token_misses_total);
    is_deeply many(200, "Authorization: Bearer $token"), { 204 => 200 }, 'with a bearer token, too';
    is metric('token_memo_total') - $hits, 200, 'which is verified once';
    is metric('token_misses_total') - $misses, 0, 'and not again';
    is $t->logto_requests->{total} // 0, 0, 'no call';
};

subtest 'memory' => sub {
    many(2000, "Cookie: $session");
    my $before = rss();
    my $begin  = time;
    is_deeply many(20_000, "Cookie: $session"), { 204 => 20_000 }, '20,000 warm requests';
    my $grown = rss() - $before;
    cmp_ok $grown, '<=', 256, 'leave the worker as large as it was';
    diag sprintf 'worker %d KiB, grown by %d KiB; %.0f requests/s', $before, $grown, 20_000 / (time - $begin);
} unless $ENV{AIGC_ASAN};

# Each is another token: its header and claims are Logto's, its signature is not.
subtest 'a flood of forged tokens' => sub {
    my @parts = split /\./, $t->forge(user => 'alice');
    my $n = 0;
    my @alphabet = ('A' .. 'Z', 'a' .. 'z', 0 .. 9);
    my $forged = sub {
        my $signature = join '', map { $alphabet[rand @alphabet] } 1 .. length $parts[2];
        "Authorization: Bearer $parts[0].$parts[1].$signature";
    };

    many(500, $forged);
    my $before = rss();
    $t->clear_logto_requests;
    my $begin = time;
    my $seen  = many(5000, $forged);
    is_deeply [ grep { !/^(?:401|503)$/ } keys %$seen ], [], '5000 are refused, each';
    is +($seen->{401} // 0) + ($seen->{503} // 0), 5000, 'and answered';
    # of one address 20 signatures a second are looked at, then it is "not now"
    cmp_ok $seen->{401} // 0, '<=', 20 + 20 * (1 + time - $begin), 'a flood costs a bounded number of verifications';

    cmp_ok rss() - $before, '<=', 512, 'the worker stays as large as it was' unless $ENV{AIGC_ASAN};
    cmp_ok $t->logto_requests->{total} // 0, '<=', 2, 'Logto does not see the flood';

    # unknown keys: Logto is asked for them now and then, not each time
    $t->wait_for(sub { many(1, $forged)->{401} }, 5, 'the flood is over');
    $t->clear_logto_requests;
    my @unknown = map { $t->forge(user => 'alice', key => 'unknown', claims => { jti => "n$_" }) } 1 .. 30;
    is_deeply many(300, sub { "Authorization: Bearer $unknown[rand @unknown]" }), { 401 => 300 }, 'unknown keys are refused';
    cmp_ok $t->logto_requests->{total} // 0, '<=', 2, 'and Logto is asked once, not each time';
    is $alice->get($inst->url)->code, 200, 'the owner is let in';
};

done_testing;
