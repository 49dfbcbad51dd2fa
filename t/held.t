# t/held.t — two thousand WebSockets in one worker, and the cluster never still:
# whoever signs out is put out, wherever his connection stands in the row

use FindBin;
use lib "$FindBin::Bin/lib";

my ($N, $files);
BEGIN {
    ($N, $files) = (2000, 6000);
    # a descriptor for each WebSocket, here and in the pod, and two in nginx
    if (!$ENV{AIGC_HELD}) {
        $ENV{AIGC_HELD} = 1;
        exec '/bin/sh', '-c', 'ulimit -n "$0" 2>/dev/null; exec "$@"', $files, $^X, $0, @ARGV or die $!;
    }
}

use AIGC::Test;
use IO::Select;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

plan(skip_all => "needs $files descriptors") if qx{:; ulimit -n} < $files;

my $t = AIGC::Stack->start(workers => 1, connections => 16384, templates => ['stable-diffusion-cpu', 'notebook']);
my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);
my ($hers, $his) = map { $_->install('stable-diffusion-cpu') } $alice, $bob;
my $carols = $carol->install('stable-diffusion-cpu');
$_->wait_ready for $hers, $his, $carols;

sub gss { return "/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets/$_[0]" }

# Forty changes a second of every record of a template: whatever is held of its
# instances is looked at again.  Another process makes them; the title counts.
sub changing {
    my ($template, $do) = @_;
    my $n = my $before = changes($template);
    my $changer = $t->background(sub {
        my ($go_on) = @_;
        while ($go_on->()) {
            my $end = time + 0.1;
            $t->kube_send([ map { ['PATCH', gss($template),
                { metadata => { annotations => { 'aigc-gateway.io/title' => 'change ' . ++$n } } }] } 1 .. 4 ]);
            sleep $end - time if time < $end;
        }
        return $n;
    });
    $t->wait_for(sub { changes($template) > $before + 40 }, 20, 'the changes');
    $do->();
    $changer->stop;
}

sub changes {
    my ($title) = ($t->kube_get('gss', $_[0])->{metadata}{annotations}{'aigc-gateway.io/title'} // '') =~ /^change (\d+)/;
    return $title // 0;
}

sub sign_out { return $_[0]->post('/sign-out', headers => [Origin => $t->origin])->code }

my $first = $carol->websocket($carols->url('/ws'));
my @held = map { upgrade($alice, $hers) } 2 .. $N - 1;
my $last = $bob->websocket($his->url('/ws'));
ok $_->echoes, 'open' for $first, $last;
is scalar(grep { response($_) =~ m{^HTTP/1\.1 101 } } @held), $N - 2, "$N WebSockets are open in one worker";

subtest 'the last one of them' => sub {
    for my $who (['the last one\'s user', $bob, $last], ['the first one\'s user', $carol, $first]) {
        my ($what, $user, $ws) = @$who;
        changing('stable-diffusion-cpu', sub {
            my ($at, $before) = (time, changes('stable-diffusion-cpu'));
            is sign_out($user), 303, "$what signs out";
            is $ws->closed(20), 1006, '… and his WebSocket is closed while the table changes on';
            my $took = time - $at;
            my $n = changes('stable-diffusion-cpu') - $before;
            cmp_ok $n, '<', 400, '… ten seconds of changes are not over by then';
            note sprintf '%s: closed after %.2f s, and at most %d changes', $what, $took, $n;
        });
    }
    is scalar(grep { !open_still($_) } @held), 0, 'nobody else\'s is';
};

subtest 'what it costs' => sub {
    for my $template ('notebook', 'stable-diffusion-cpu') {
        changing($template, sub {
            my ($cpu, $before, $at) = (cpu(), changes($template), time);
            sleep 4;
            note sprintf '%d held, %.0f changes a second of %s: %.1f %% of a CPU', scalar @held, (changes($template) - $before) / (time - $at),
                $template eq 'notebook' ? 'what none of them is of' : 'all of their records', 100 * (cpu() - $cpu) / (time - $at);
        });
    }
    is scalar(grep { !open_still($_) } @held), 0, 'all are open still';
};

subtest 'all of them' => sub {
    my $at = time;
    is sign_out($alice), 303, 'the user of all the others signs out';
    $t->wait_for(sub { !grep { open_still($_) } @held }, 20, 'all are closed');
    note sprintf '%d are closed after %.2f s', scalar @held, time - $at;
    pass 'all are closed';
};

close $_ for @held;

# A WebSocket by hand: AIGC::WebSocket would wait for each answer.
sub upgrade {
    my ($user, $inst) = @_;
    my ($host) = $inst->url =~ m{//([^/]+)};
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $t->port) or die "connect: $!";
    my $request = "GET /ws HTTP/1.1\r\nHost: $host\r\nCookie: " . $user->cookie_header($inst->url)
        . "\r\nOrigin: http://$host\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        . "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    syswrite($s, $request) == length $request or die "write: $!";
    return $s;
}

sub response {
    my ($s) = @_;
    my $in = '';
    while ($in !~ /\r\n\r\n/) {
        IO::Select->new($s)->can_read(20) or die "no answer to an upgrade\n";
        sysread $s, $in, 4096, length $in or last;
    }
    return $in;
}

sub open_still {        # nothing comes, not even an end
    my ($s) = @_;
    return 1 if !IO::Select->new($s)->can_read(0);
    return sysread($s, my $in, 4096) ? 1 : 0;
}

sub cpu {               # seconds that the worker has used
    my ($pid) = $t->worker_pids;
    open my $f, '<', "/proc/$pid/stat" or die $!;
    my @field = split ' ', <$f> =~ s/.*\) //r;
    return ($field[11] + $field[12]) / 100;
}

done_testing;
