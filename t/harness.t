# t/harness.t — what the harness looks for at the end of a test, it finds; its
# client keeps cookies, reads answers and numbers workers rightly

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Process;
use File::Path ();
use AIGC::Secrets;

my $secret = 'c2VjcmV0LXRoYXQtbm8tbG9nLW1heS1ob2xk';
my $t = AIGC::Stack->start(bare => 1, workers => 3);
my $port = $t->port;

$t->{opt}{server} = <<"END";
    server {
        listen 127.0.0.1:$port;
        server_name dashboard.aigc.localhost;
        location = /hello   { return 200 "hello \$server_protocol \$http_x"; }
        location = /cookies { return 200 "\$http_cookie"; }
        location = /set     { add_header Set-Cookie "aigc-session=$secret; Domain=aigc.localhost; Path=/";
                              add_header Set-Cookie "mine=1; Path=/cook"; add_header Set-Cookie "host=1";
                              return 302 /cookies; }
        location = /clear   { add_header Set-Cookie "aigc-session=; Domain=aigc.localhost; Path=/; Max-Age=0"; return 204; }
        location = /enter   { return 302 "/hello?x=1&aigc_ticket=a-ticket-that-no-log-may-hold-whole"; }
        location = /loud    { access_log @{[ $t->file('log/access.log') ]} combined; return 200; }
        location = /form    { default_type text/html; return 200 '<form action="echo?a=1&amp;b=2" method=post><input type=hidden name="h" value="&#x41;&quot;"></form>'; }
    }
    server { listen 127.0.0.1:$port; server_name *.aigc.localhost; return 200 "\$host \$http_cookie"; }
END
$t->reload;

subtest 'requests' => sub {
    my $c = $t->stranger;

    is $c->get('/hello')->content, 'hello HTTP/1.1 ', 'GET';
    is $c->get('/hello', http => '1.0', headers => { X => 1 })->content, 'hello HTTP/1.0 1', 'HTTP/1.0 with a header';
    is $c->head('/hello')->content, '', 'HEAD has no body';
    is $c->post('/hello', body => ['a', 'bc'])->code, 200, 'a chunked body';
    is $c->get('/hello', headers => [Host => undef])->code, 400, 'no Host at all';
    is $c->get('/hello', target => $t->url('/cookies'))->content, '', 'the absolute form';
    is $c->raw("NONSENSE\r\n\r\n")->code, 400, 'any bytes';

    my $conn = $c->connect('/');
    is $c->get('/hello', on => $conn)->code, 200, 'on a connection';
    is $c->get('/hello', on => $conn)->code, 200, 'on the same one';

    my @sent = map { $c->begin('GET', '/hello') } 1 .. 10;
    is_deeply [ map { $_->response->code } @sent ], [ (200) x 10 ], 'ten at the same time';

    is_deeply AIGC::Client::form($c->get('/form')), { fields => { h => 'A"' },
        action => $t->url('/echo?a=1&b=2') }, 'a form';
};

subtest 'cookies' => sub {
    my $c = $t->stranger;
    my $other = "http://x.aigc.localhost:$port/";

    is $c->get('/set', follow => 1)->content, "aigc-session=$secret; host=1", 'by path';
    is $c->get($other)->content, "x.aigc.localhost aigc-session=$secret", 'by domain';
    is $c->get('/cookies', cookies => 0)->content, '', 'none when told so';
    is $c->copy->cookie('aigc-session'), $secret, 'a copy has them too';
    $c->get('/clear');
    is $c->get($other)->content, 'x.aigc.localhost ', 'Max-Age=0 ends one';
};

subtest 'workers' => sub {
    my @before = $t->worker_pids;
    my ($old, $new) = $t->kill_worker(1);
    my @after = $t->worker_pids;

    is $old, $before[1], 'worker 1 was killed';
    is_deeply \@after, [ $before[0], $new, $before[2] ], 'its successor has its number';
    $t->reload;
    is scalar(grep { my $pid = $_; grep { $_ == $pid } @after } $t->worker_pids), 0, 'all are new after a reload';

    my $load = $t->background(sub {
        my ($go_on) = @_;
        my %n;
        $n{ $t->stranger->get('/hello')->code }++ while $go_on->();
        return \%n;
    });
    $t->reload for 1 .. 3;
    is_deeply [ keys %{ $load->stop } ], [200], 'a load beside the test';
    is_deeply [ $t->problems ], [], 'the worker that was killed on purpose is no problem';
};

subtest 'what is found at the end' => sub {
    $t->stranger->get("/loud?code=$secret");
    like join('', $t->problems), qr/a secret \(cookie aigc-session\) stands in .*access\.log, line \d+/, 'a secret in a log';
    open my $f, '>', $t->file('log/access.log');
    is_deeply [ $t->problems ], [], '… and no other';

    for my $log (qw(log/error.log log/error2.log log/access2.log log/audit.log log/other.log nginx/own.log nginx2/own.log nginx/logs/own.log)) {
        my ($dir) = map { $t->file($_) } $log =~ m{(.*)/};
        mkdir $dir;
        open my $f, '>>', $t->file($log) or die "$log: $!";
        print $f "a line\n[info] request: \"GET /x?cookie=", substr($secret, 0, 33), "\n";
        close $f;
        like join('', $t->problems), qr/a secret \(cookie aigc-session\) stands in \S*\Q$log\E, line \d+/, "… in $log, cut off where a line ends";
        $log eq 'log/error.log' ? truncate $t->file($log), (-s $t->file($log)) - 70 : unlink $t->file($log);
    }
    open my $state, '>', $t->file('state.json') or die $!;
    print $state '{"models":{"RefreshToken":[["refresh-token-that-no-browser-has-seen",{}]]}}';
    close $state;
    AIGC::Secrets::in_logto($t->file('state.json'));
    open my $other, '>', $t->file('log/other.log') or die $!;
    print $other "refresh-token-that-no-browser-has-seen\n";
    close $other;
    like join('', $t->problems), qr/a secret \(Logto's RefreshToken\)/, '… a token that only Logto knows, too';
    unlink $t->file('log/other.log');
    $t->stranger->get('/enter');
    open $other, '>', $t->file('log/other.log') or die $!;
    print $other "GET /hello?aigc_ticket=a-ticket-that-no-log-may-hold-whole\n";
    close $other;
    like join('', $t->problems), qr/a secret \("aigc_ticket" of a redirect\)/, '… a ticket';
    unlink $t->file('log/other.log');
    is_deeply [ $t->problems ], [], '… and then no more';

    kill 'SEGV', ($t->worker_pids)[0];
    $t->wait_for(sub { $t->error_log =~ /signal 11/ }, 10, 'a crash');
    like join('', $t->problems), qr/exited on signal 11/, 'a crash';
    $t->allow_log(qr/signal 11/);
    is_deeply [ $t->problems ], [], '… unless the test is about it';

    my $p = AIGC::Process->start(name => 'a shell', tied => 1, log => $t->file('log/x.log'),
        pidfile => $t->file('run/x.pid'), command => ['sh', '-c', 'trap "" TERM; echo armed; sleep 60; sleep 60']);
    $t->wait_for(sub { $p->tail =~ /armed/ && $p->session == 2 }, 5, 'it does not listen');
    is scalar(my @killed = $p->stop(TERM => 0.3)), 2, 'a process that does not end, and its child';
    is scalar(my @left = $p->session), 0, '… are ended';

    my $gone = AIGC::Process->start(name => 'nobody', log => $t->file('log/x.log'),
        pidfile => $t->file('run/x.pid'), command => ['false']);
    ok !eval { $t->wait_for(sub { 0 }, 5, 'godot', $gone) }, 'waiting ends with the process';
    like $@, qr/nobody has ended: godot/, '… and says so';
};

# As it stands in a test's place: cluster, Logto, nginx, a second nginx, a browser.
subtest 'a test that is killed leaves nothing running' => sub {
    my $script = $t->file('killed.t');
    open my $f, '>', $script or die "$script: $!";
    print $f <<'END';
use AIGC::Test;
my $t = AIGC::Stack->start;
$t->second_nginx;
$t->browser->go('/');
$t->background(sub { sleep 1 while $_[0]->(); return {} });
syswrite STDOUT, "$t->{state}\n";
sleep 600;
END
    close $f;
    my $pid = open my $out, '-|', $^X, "-I$FindBin::Bin/lib", $script or die $!;
    chomp(my $state = <$out> // '');
    ok -d $state, 'it runs' or return;

    # its programs' sessions, and whatever names its folder (the browser's)
    my @leaders = map { open my $p, '<', $_ or die $!; (split ' ', <$p>)[0] } glob "$state/run/*.pid";
    my $running = sub {
        my %found;
        for my $dir (glob '/proc/[0-9]*') {
            my ($p) = $dir =~ /(\d+)$/;
            open my $s, '<', "$dir/stat" or next;
            my @f = split ' ', (<$s> // next) =~ s/^.*\) //sr;
            open my $c, '<', "$dir/cmdline" or next;
            my $command = (<$c> // '') =~ tr/\0/ /r;
            $found{$p} = "$p $command" if $f[0] ne 'Z' && ($command =~ /\Q$state\E/ || grep { $f[3] == $_ } @leaders);
        }
        return values %found;
    };
    my @before = $running->();
    cmp_ok scalar @before, '>=', 8, '… with all that belongs to it (' . @before . ' processes)';
    kill 'KILL', $pid;
    close $out;
    my @left;
    my $gone = eval { $t->wait_for(sub { !(@left = $running->()) }, 10, 'nothing of it runs') };
    ok $gone, 'killed: nothing of it is left running' or diag join "\n", @left;
    kill 'KILL', map { (split ' ')[0] } @left;
    File::Path::remove_tree($state);
};

done_testing;
