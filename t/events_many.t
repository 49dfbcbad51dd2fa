# t/events_many.t — thousands of listeners cost little: memory, CPU while nothing
# happens, and the time until all of them know what has

use FindBin;
use lib "$FindBin::Bin/lib";

my ($N, $files);
BEGIN {
    ($N, $files) = (2000, 6000);
    # a descriptor for each listener, here and in nginx
    if (!$ENV{AIGC_EVENTS_MANY}) {
        $ENV{AIGC_EVENTS_MANY} = 1;
        exec '/bin/sh', '-c', 'ulimit -n "$0" 2>/dev/null; exec "$@"', $files, $^X, $0, @ARGV or die $!;
    }
}

use AIGC::Test;
use AIGC::Secrets;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

plan(skip_all => "needs $files descriptors") if qx{:; ulimit -n} < $files;

my $t     = AIGC::Stack->start(workers => 2, connections => 8192);
my $alice = $t->sign_in('alice');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $gss   = '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets/stable-diffusion-cpu';

# Each listener is another user.
my $tokens = $t->logto_control('sign-token', { tokens => [ map { { claims => { sub => "user$_" } } } 1 .. $N ] })->{tokens};
AIGC::Secrets::note($_, 'forged token') for @$tokens;

my $idle = memory();
my (@in, @sock);
my $begin = time;

for my $i (0 .. $N - 1) {
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $t->port) or die "connect $i: $!";
    $s->blocking(0);
    my $request = "GET /api/v1/events HTTP/1.1\r\nHost: " . $t->host . "\r\nAuthorization: Bearer $tokens->[$i]\r\n\r\n";
    syswrite($s, $request) == length $request or die "write $i: $!";
    push @sock, $s;
    push @in, '';
}
all_have(qr/event: snapshot\n.*\n\n/s, 20, 'a snapshot');
note sprintf '%d listeners are open after %.1f s', $N, time - $begin;
is scalar(grep { !m{^HTTP/1.1 200 } } @in), 0, "$N users listen at one time";

my $held = memory() - $idle;
note sprintf 'the workers\' own memory has grown by %.1f KB a listener', $held / $N;
cmp_ok $ENV{AIGC_ASAN} ? 0 : $held / $N, '<', 32, 'a listener takes less than 32 KB';

subtest 'while nothing happens' => sub {
    my $cpu = cpu();
    my $from = time;
    sleep 4;
    my $used = (cpu() - $cpu) / (time - $from);
    note sprintf 'the workers use %.2f %% of a CPU', $used * 100;
    cmp_ok $used, '<', 0.05, 'they cost almost no CPU';
};

subtest 'when something does' => sub {
    my @took;
    my $cpu = cpu();
    my $from = memory();
    for my $n (1 .. 30) {
        $_ = '' for @in;
        $t->kube_send([['PATCH', $gss, { metadata => { annotations => { 'aigc-gateway.io/title' => "round $n" } } }]]);
        my $at = time;
        all_have(qr/"title":"round $n"/, 10, "round $n");
        push @took, time - $at;
    }
    @took = sort { $a <=> $b } @took;
    note sprintf 'until all %d know of a change: median %.0f ms, at most %.0f ms after it was made', $N,
        1000 * $took[@took / 2], 1000 * $took[-1];
    note sprintf 'CPU of the workers for each event of a listener: %.1f us', 1e6 * (cpu() - $cpu) / 30 / $N;
    pass 'all know of each';
    my $grown = memory() - $from;
    note "30 events to each: the workers have grown by $grown KB";
    cmp_ok $ENV{AIGC_ASAN} ? 0 : $grown, '<', 2048, 'and what was sent leaves nothing behind';
};

subtest 'what concerns one' => sub {
    $_ = '' for @in;
    my $hers = $alice->events;
    $hers->snapshot;
    $inst->release;
    $hers->wait_state('released');
    all_have(qr/"running":0,"released":1/, 10, 'the count');
    is scalar(grep { /alice|event: instance/ } @in), 0, 'is told to nobody else';
    $hers->close;
};

subtest 'a reload' => sub {
    my @old = $t->worker_pids;
    my $at = time;
    $t->reload;
    $t->wait_for(sub { read_some(0); !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    note sprintf 'the old workers have ended after %.2f s', time - $at;
    all_have(qr/\r\n0\r\n\r\n\z/, 5, 'its end');
    pass 'properly';
};

close $_ for grep { $_ } @sock;

# Reads until every listener's text matches.
sub all_have {
    my ($re, $seconds, $what) = @_;
    my $end = time + $seconds * $AIGC::Process::PATIENCE;
    my %left = map { $_ => 1 } 0 .. $N - 1;
    while (1) {
        delete @left{ grep { $in[$_] =~ $re } keys %left };
        last if !%left;
        die scalar(keys %left) . " of $N have not got $what within @{[ $seconds * $AIGC::Process::PATIENCE ]} s\n" if time > $end;
        read_some(0.05);
    }
}

sub read_some {
    my ($seconds) = @_;
    my $r = '';
    for my $s (@sock) { vec($r, fileno $s, 1) = 1 if $s }
    select $r, undef, undef, $seconds;
    for my $i (0 .. $#sock) {
        next unless $sock[$i] && vec $r, fileno $sock[$i], 1;
        my $n = sysread $sock[$i], $in[$i], 65536, length $in[$i];
        next if $n || !defined $n;
        close $sock[$i];
        undef $sock[$i];
    }
}

sub memory {            # KB of the workers that is theirs alone
    my $sum = 0;
    for my $pid ($t->worker_pids) {
        open my $f, '<', "/proc/$pid/status" or die $!;
        while (<$f>) { $sum += $1 if /^RssAnon:\s+(\d+)/ }
    }
    return $sum;
}

sub cpu {               # seconds that the workers have run
    my $sum = 0;
    for my $pid ($t->worker_pids) {
        open my $f, '<', "/proc/$pid/schedstat" or die $!;
        $sum += (split ' ', <$f>)[0];
    }
    return $sum / 1e9;
}

done_testing;
