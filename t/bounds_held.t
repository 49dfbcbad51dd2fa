# t/bounds_held.t — thousands of idle WebSockets and event streams in one gateway: the
# memory of each, the CPU while nothing happens, and the time until a change has reached all.
# make held N=10000

use FindBin;
use lib "$FindBin::Bin/lib";

my ($N, $files);
BEGIN {
    $N = $ENV{HELD} || 500;
    $files = 2 * $N < 1500 ? 4096 : 20000;
    # a descriptor for each stream, two for each WebSocket, shared by the workers
    if (!$ENV{AIGC_HELD_FILES}) {
        $ENV{AIGC_HELD_FILES} = 1;
        exec '/bin/sh', '-c', 'ulimit -n "$0" 2>/dev/null; exec "$@"', $files, $^X, $0, @ARGV or die $!;
    }
}

use AIGC::Process;
use AIGC::Secrets;
use AIGC::Test;
use IPC::Open2;
use List::Util qw(sum);
use Time::HiRes qw(sleep time);

plan(skip_all => "needs $files descriptors") if qx{:; ulimit -n} < $files;

my $ws_port = 7861;         # where the template says that its pods serve: nobody does
my $t = AIGC::Stack->start(workers => 2, templates => [], log_level => 'notice', connections => 4 * $N + 1000,
    edit => sub { $_[0] =~ s/(listen 127\.0\.0\.1:\d+ default_server)/$1 reuseport backlog=4096/r });
$t->apply_template('stable-diffusion-cpu', sub {
    $_->{value} = "$ws_port" for grep { $_->{name} eq 'Port' } @{ $_[0]{spec}{network}{networkConf} };
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my %hers = map { $_->user => $_->install('stable-diffusion-cpu')->wait_ready(60) } $alice, $bob;
my $gss = '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets/stable-diffusion-cpu';

my $bin = "$FindBin::Bin/../build/bench/bin/held";
if (!-e $bin || -M $bin > -M "$FindBin::Bin/bench/held.c") {
    system('mkdir', '-p', "$FindBin::Bin/../build/bench/bin");
    system('cc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', "$bin.$$", "$FindBin::Bin/bench/held.c") == 0 or die "cc failed\n";
    rename "$bin.$$", $bin or die $!;
}

# Their applications: one for each pod's address.
for my $inst (values %hers) {
    my ($record) = grep { $_->{host} eq $inst->host } @{ $t->table->{instances} };
    my ($address) = $record->{address} =~ /^(.*):/;
    AIGC::Process->start(name => "held-$address", command => [$bin, 'listen', $address, $ws_port], tied => 1,
        log => $t->file("log/held-$address.log"), pidfile => $t->file("run/held-$address.pid"));
}

my $begin = pss();
my $streams = do {
    my @tokens = map { @{ $t->logto_control('sign-token', { tokens => [ map { { claims => { sub => "user$_" } } } $_ .. $_ + 499 ] })->{tokens} } }
        grep { $_ % 500 == 1 } 1 .. $N;
    AIGC::Secrets::note($_, 'forged token') for @tokens;
    hold('streams', map { "GET /api/v1/events HTTP/1.1\r\nHost: " . $t->host . "\r\nAuthorization: Bearer $_\r\n\r\n" } @tokens);
};
my $with_streams = pss();
my $sockets = hold('sockets', map { upgrade($_) } $alice, $bob);
my $with_sockets = pss();

my ($stream, $socket) = map { $_ / $N } $with_streams - $begin, $with_sockets - $with_streams;
diag sprintf '%d event streams: %.1f KB each; %d WebSockets: %.1f KB each', $N, $stream, $N, $socket;
diag sprintf 'the same WebSockets in an nginx without the module: %.1f KB each', plain() if $ENV{HELD};
SKIP: {
    skip 'memory is ASan\'s', 2 if $ENV{AIGC_ASAN};
    cmp_ok $stream, '<', 16, 'a stream takes less than 16 KB of the workers';
    cmp_ok $socket, '<', 32, 'a WebSocket takes less than 32 KB';
}

{
    sleep 2;
    my $seconds = $ENV{HELD} ? 10 : 3;
    my ($cpu, $at) = (cpu(), time);
    sleep $seconds;
    my $used = (cpu() - $cpu) / (time - $at);
    diag sprintf 'idle: %.2f %% of a CPU over %d s', 100 * $used, $seconds;
    cmp_ok $used, '<', 0.10, 'idle they cost next to nothing';
}

subtest 'a change' => sub {
    my @took;
    for my $n (1 .. 5) {
        order($streams, 'mark');
        $t->kube_send([['PATCH', $gss, { metadata => { annotations => { 'aigc-gateway.io/title' => "round $n of changes" } } }]]);
        my ($all, $ms) = split / /, order($streams, "wait \"title\":\"round $n of changes\"");
        is $all, $N, "round $n reaches all streams";
        push @took, $ms;
    }
    @took = sort { $a <=> $b } @took;
    diag sprintf 'a change has reached all %d streams: median %d ms, at most %d ms', $N, $took[2], $took[-1];
};

subtest 'a revocation' => sub {
    order($sockets, 'mark');
    my $half = $N / 2;
    is $alice->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'she signs out';
    my ($closed, $ms) = split / /, order($sockets, "closed $half");
    is $closed, $half, 'each of her WebSockets is closed';
    diag sprintf 'a revocation has closed %d of %d WebSockets after %d ms', $half, $N, $ms;
    order($sockets, 'mark');
    sleep 0.6;
    is $t->status('/metrics')->content =~ /^aigc_closed_total (\d+)/m ? $1 : 0, $half, 'and nobody else\'s';
};

subtest 'afterwards' => sub {
    close $_->{in} for $streams, $sockets;
    waitpid $_->{pid}, 0 for $streams, $sockets;
    is $bob->api('GET', '/api/v1/me')->code, 200, 'the gateway serves on';
};

# An nginx that only passes on, with the directives of instance.conf but the module's own.
sub plain {
    my ($record) = grep { $_->{host} eq $hers{alice}->host } @{ $t->table->{instances} };
    my ($address) = $record->{address} =~ /^(.*):/;
    my $conf = do { open my $f, '<', "$FindBin::Bin/../ngx_aigc_module/conf/instance.conf" or die $!; local $/; <$f> };
    $conf =~ s/^(?:aigc_|proxy_pass ).*\n//mg;
    $conf =~ s/\$aigc_upgrade/\$http_upgrade/g;
    $conf =~ s/\$aigc_connection/upgrade/g;
    $conf =~ s/\$aigc_(\w+)/x/g;
    my $port = $t->port(10);
    my $bare = AIGC::Stack->start(bare => 1, workers => 2, connections => 4 * $N + 1000, log_level => 'notice',
        server => "server { listen 127.0.0.1:$port reuseport backlog=4096; location / { $conf proxy_pass http://$address:$ws_port; } }");
    my @pids = $bare->worker_pids;
    my $before = pss(@pids);
    my $held = hold('sockets', $port, map { upgrade($_) } $alice, $bob);
    my $each = (pss(@pids) - $before) / $N;
    close $held->{in};
    waitpid $held->{pid}, 0;
    return $each;
}

# The requests of a file, each held on a connection of its own: N of them.
sub hold {
    my ($name, @requests) = @_;
    my $port = $requests[0] =~ /^\d+\z/ ? shift @requests : $t->port;
    my $file = $t->file("run/$name");
    open my $f, '>', $file or die $!;
    print $f map { "$_\0" } @requests;
    close $f;
    my $text = $name eq 'streams' ? 'event: snapshot' : '101 Switching';
    my $pid = open2(my $out, my $in, $bin, 'hold', '127.0.0.1', $port, $N, $text, $file);
    my $line = <$out> // die "$name did not open\n";
    is $line, "open\n", "$N $name are open";
    sleep 0.5;
    return { pid => $pid, in => $in, out => $out };
}

sub order {
    my ($held, $order) = @_;
    my ($in, $out) = @$held{qw(in out)};
    print $in "$order\n";
    $in->flush;
    my $line = <$out> // die "no answer to $order\n";
    return $line =~ s/\n//r;
}

sub upgrade {
    my ($user) = @_;
    my $inst = $hers{ $user->user };
    my ($host) = $inst->url =~ m{//([^/]+)};
    return "GET /ws HTTP/1.1\r\nHost: $host\r\nCookie: " . $user->cookie_header($inst->url)
        . "\r\nOrigin: http://$host\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        . "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
}

sub pss {               # KB of the workers: what they share counts once
    my @pids = @_ ? @_ : $t->worker_pids;
    return sum map { open my $f, '<', "/proc/$_/smaps_rollup" or die $!; local $/; <$f> =~ /^Pss:\s+(\d+)/m } @pids;
}

sub cpu {               # seconds that the workers have run
    return sum map { open my $f, '<', "/proc/$_/schedstat" or die $!; (split ' ', <$f>)[0] / 1e9 } $t->worker_pids;
}

done_testing;
