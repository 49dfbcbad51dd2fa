# t/processes.t — reload, killed workers, quit and binary upgrade under load: no
# wrong decision, no lost table, and a WebSocket stays

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();
use Time::HiRes qw(sleep time);

my $watches = 6;                # a connection for each kind in the one namespace

my $t     = AIGC::Stack->start(workers => 2);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $nobody = $inst->url =~ s/instances\d+-/instances999-/r;
$_->get($inst->url('/info')) for $alice, $bob;     # each has a session there by now

# Everybody asks all the time, each on a connection that is kept alive; one that
# the other side has closed is opened anew.  Who got which status how often.
sub load {
    return $t->background(sub {
        my ($go_on) = @_;
        my %who = (owner => [$alice, $inst->url('/info')], other => [$bob, $inst->url('/info')],
            stranger => [$t->stranger, $inst->url('/info')], unknown => [$alice, $nobody]);
        my (%seen, %conn);
        my ($rounds, $broken) = (0, 0);
        # a slow machine gets to its count afterwards, while somebody is there to answer
        while ($go_on->() || ($broken < 3 && $rounds <= 40)) {
            my $whole = 1;
            $rounds++;
            for my $name (sort keys %who) {
                my ($client, $url) = @{ $who{$name} };
                my $conn = $conn{$name} //= $client->connect($url);
                my $r = eval { $client->get($url, on => $conn) };
                my $code = $r ? $r->code : 0;
                $code .= ' ' . ($r->problem->{type} // '') if $code >= 500 && $r->type =~ /json/;
                $seen{$name}{$code}++;
                $whole = 0 unless $code;
                if (!$code || ($r->header('Connection') // '') eq 'close') {
                    delete($conn{$name})->close;
                }
            }
            $broken = $whole ? 0 : $broken + 1;
        }
        return \%seen;
    });
}

# Nobody was ever answered wrongly; requests without an answer (0) are those of
# a connection that was closed.
sub decided {
    my ($load, $what, %also) = @_;
    my $seen = $load->stop;
    my %right = (owner => 200, other => 403, stranger => 401, unknown => 404);
    for my $name (sort keys %right) {
        my %n = %{ $seen->{$name} };
        my $good = delete $n{ $right{$name} } // 0;
        my $none = delete $n{0} // 0;
        delete $n{$_} for grep { $also{also} && /$also{also}/ } keys %n;
        ok $good > 20 && !%n && $none <= ($also{none} // 0),
            "$what: the $name gets $right{$name} and nothing else"
            or diag "$good good, $none without an answer, others: " . join ', ', map { "$_: $n{$_}" } %n;
        note "$what, $name: $good, $none unanswered";
    }
}

sub fds_to {        # a process's established connections to a port
    my ($pid, $port) = @_;
    my $hex = sprintf '%04X', $port;
    my %inode;
    open my $tcp, '<', "/proc/$pid/net/tcp" or return 0;
    while (my $line = <$tcp>) {
        my @f = split ' ', $line;
        $inode{ $f[9] } = 1 if $f[2] =~ /:$hex$/ && $f[3] eq '01';
    }
    return scalar grep { my $l = readlink // ''; $l =~ /^socket:\[(\d+)\]/ && $inode{$1} }
        glob "/proc/$pid/fd/*";
}

# Its connections to the API server, when there are as many as watches at least;
# one or two more may be idle, of other calls.
sub watching { my $n = fds_to($_[0], $t->port(3)); return $n >= $watches ? $n : 0 }

my @pids;                   # what only this test knows of
END { kill KILL => @pids if @pids }

subtest 'reload under load' => sub {
    my $relists = metric('relists_total');
    my $load = load();
    for my $n (1 .. 4) {
        $t->reload;
        $t->wait_for(sub { metric('relists_total') >= $relists + 3 * $n }, 60, "reload $n: the new worker lists anew");
        sleep 0.2;
    }
    # a kept connection may be closed just as a request is sent on it
    decided($load, 'reload', none => 8);
    is scalar @{ $t->table->{instances} }, 1, 'the table is what it was';
};

subtest 'an open WebSocket and a reload' => sub {
    my @old = $t->worker_pids;
    my $ws  = $alice->websocket($inst->url('/ws'));
    is $ws->code, 101, 'it is open';
    my ($in) = grep { fds_to($_, $ws->{conn}{sock}->sockport) } @old;
    ok defined $in, 'in one of the workers';

    $t->reload;
    my @new = $t->worker_pids;
    ok $ws->echoes, 'it stays open across a reload';
    $t->wait_for(sub { watching($new[0]) }, 10, 'the new worker 0 watches');
    $t->wait_for(sub { fds_to($old[0], $t->port(3)) <= 2 }, 10, 'the old one does not');
    pass 'one worker alone watches and writes';
    $t->reload;
    ok $ws->echoes, 'and across another one';
    ok kill(0, $in), 'the old worker is there for it';

    $ws->close;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    pass 'and ends when it is closed';
};

subtest 'an old worker 0 that stays writes nothing' => sub {
    # several: one of them is in worker 0
    my @ws = map { $alice->websocket($inst->url('/ws')) } 1 .. 24;
    my ($old) = $t->worker_pids;
    ok scalar(grep { fds_to($old, $_->{conn}{sock}->sockport) } @ws), 'worker 0 has an open WebSocket';
    $t->reload;
    ok kill(0, $old), 'it is there after the reload';
    $t->wait_for(sub { fds_to($old, $t->port(3)) <= 2 }, 10, 'the old worker 0 has ended its watches');
    pass 'and watches no more';

    my $mark = $t->audit_mark;
    my $events = metric('events_total');
    $t->kube_patch('gss', 'stable-diffusion-cpu', { metadata => { annotations => { changed => 'yes' } } });
    $t->wait_for(sub { metric('events_total') > $events }, 10, 'the change is in the table');
    is scalar(grep { !$_->echoes } @ws), 0, 'all stay open';
    $_->close for @ws;
    $t->wait_for(sub { !kill 0, $old }, 10, 'it has ended');
    is scalar($t->gateway_calls(since => $mark, verb => qr/watch/)), 0, 'and nobody had to watch again';
};

subtest 'worker 0 is killed' => sub {
    my $load = load();
    for (1 .. 4) { $t->kill_worker(0); sleep 0.1 }
    decided($load, 'worker 0 killed', none => 4);
    is scalar @{ $t->table->{instances} }, 1, 'the table is what it was';
    $t->wait_for(sub { watching(($t->worker_pids)[0]) }, 10, 'its successor watches');
};

subtest 'worker 0 is killed while it writes' => sub {
    my $path = '/apis/game.kruise.io/v1alpha1/namespaces/default';
    my $storm = $t->background(sub {
        my ($go_on) = @_;
        my ($n, $rounds) = (0, 0);
        while ($go_on->() || ($n < 200 && $rounds < 20)) {
            $rounds++;
            $n += grep { $_ == 200 } $t->kube_send([ map { ['PATCH', $path . $_,
                { metadata => { annotations => { storm => "s" . rand } } }] }
                ('/gameserversets/stable-diffusion-cpu', '/gameservers/' . $inst->pod) x 100 ]);
        }
        return $n;
    });
    my $load = load();
    for (1 .. 6) { $t->kill_worker(0); sleep 0.15 }
    # what a writer dies in is refused until it is listed again: 503, never a wrong answer
    decided($load, 'in a storm of events', none => 6, also => qr/^503 .*busy/);
    cmp_ok $storm->stop, '>=', 200, 'there was a storm';
    is scalar @{ $t->table->{instances} }, 1, 'the table is what it was';
    is $alice->get($inst->url)->code, 200, 'the owner is let in';
};

subtest 'worker 1 is killed, logs are reopened' => sub {
    my $load = load();
    for (1 .. 3) { $t->kill_worker(1); sleep 0.1 }
    rename $t->file('log/access.log'), $t->file('log/access.log.1');
    $t->reopen;
    $t->wait_for(sub { -s $t->file('log/access.log') }, 10, 'the new log is written');
    decided($load, 'worker 1 killed', none => 4);
    ok watching(($t->worker_pids)[0]), 'worker 0 watches on';
};

subtest 'numbers of workers' => sub {
    for my $n (1, 4, 2) {
        $t->{opt}{workers} = $n;
        my @old = $t->worker_pids;
        $t->write_conf;
        $t->nginx->signal('HUP');
        $t->wait_for(sub { my @p = $t->worker_pids; @p == $n && $p[0] != $old[0] }, 10, "$n workers");
        my @pids = $t->worker_pids;
        $t->wait_for(sub { watching($pids[0]) }, 10, 'worker 0 watches');
        is scalar(grep { watching($_) } @pids), 1, "$n workers: one alone watches";
        my @got = map { $_->response->code } map { $alice->begin('GET', $inst->url) } 1 .. 20;
        is scalar(grep { $_ == 200 } @got), 20, "$n workers: each serves";
    }
};

subtest 'quit with watches open' => sub {
    my $mark = length $t->error_log;
    my $begin = time;
    ok $t->quit_nginx(2), 'nginx ends within two seconds';
    note sprintf 'after %.2f s', time - $begin;
    unlike substr($t->error_log, $mark), qr/open socket|\[alert\]/, 'and leaves no socket open';
    $t->start_nginx;
    $t->wait_ready;
    is $alice->get($inst->url)->code, 200, 'started again, it serves';

    # at whatever moment, also while some are being opened
    $mark = length $t->error_log;
    for my $n (0 .. 7) {
        AIGC::HTTP::close_all();
        $t->quit_nginx(2);
        $t->start_nginx;
        $t->wait_ready;
        sleep $n * 0.02;
    }
    unlike substr($t->error_log, $mark), qr/open socket|\[alert\]/, 'whenever it quits';
};

# nginx takes the signal only as a daemon
subtest 'a binary upgrade' => sub {
    AIGC::HTTP::close_all();
    ok $t->quit_nginx(2), 'nginx is stopped';
    # what nginx starts itself has no environment but what env names (for ASan)
    my $env = $t->_env;
    my $named = join '', map { "env $_; " } sort keys %$env;
    $t->{opt}{edit} = sub { $_[0] =~ s/daemon off/${named}daemon on/r };
    $t->write_conf;
    my $file = $t->file('nginx/nginx.pid');
    {
        local @ENV{ keys %$env } = values %$env;
        system($t->nginx_command) == 0 or die 'nginx does not start';
    }
    $t->wait_for(sub { -s $file }, 10, 'nginx runs');
    my $old = push_pid($file);
    $t->wait_for(sub { $t->ready }, 15, 'it is ready');

    my $load = load();
    kill USR2 => $old;
    $t->wait_for(sub { -s "$file.oldbin" && -s $file && pid_in($file) != $old }, 10, 'both run');
    my $new = push_pid($file);
    # both answer at the same port: the pid tells which one is ready
    $t->wait_for(sub {
        my $r = $t->status('/readyz');
        $r->code == 200 && grep { $_ == $r->json->{pid} } children($new);
    }, 20, 'the new one is ready');
    kill WINCH => $old;
    $t->wait_for(sub { !grep { $_ != $new } children($old) }, 10, 'the old workers have ended');
    is $t->status('/readyz')->code, 200, 'the new ones are ready';
    kill QUIT => $old;
    $t->wait_for(sub { !-e "$file.oldbin" }, 10, 'the old master has ended');

    # what the new one answers before it is ready is 503: that is why one waits
    decided($load, 'upgrade', none => 6, also => qr/^503 .*starting|^503 .*busy/);
    is $alice->get($inst->url)->code, 200, 'the new nginx serves';
    AIGC::HTTP::close_all();
    kill QUIT => $new;
    $t->wait_for(sub { !-e $file }, 10, 'and quits');
    @pids = ();
    delete $t->{opt}{edit};
};

subtest 'master_process off' => sub {
    $t->{opt}{master_process} = 'off';
    $t->start_nginx;
    $t->wait_ready;
    is $alice->get($inst->url)->code, 200, 'one process alone serves';
    is $bob->get($inst->url)->code, 403, 'and refuses';
    ok $alice->websocket($inst->url('/ws'))->echoes, 'a WebSocket too';
    $t->wait_for(sub { watching($t->nginx->pid) }, 10, 'it watches');
    my $second = $bob->install('stable-diffusion-cpu')->wait_ready;
    is $bob->get($second->url)->code, 200, 'and writes';
    AIGC::HTTP::close_all();
    my $mark = length $t->error_log;
    ok $t->quit_nginx(3), 'it quits';
    unlike substr($t->error_log, $mark), qr/open socket/, 'and leaves no socket open';
};

sub metric {
    my ($name) = @_;
    return $t->status('/metrics')->content =~ /^aigc_\Q$name\E (\d+)$/m ? $1 : undef;
}

sub pid_in { open my $f, '<', shift or return 0; chomp(my $p = <$f> // 0); return $p }

sub push_pid { my $pid = pid_in(@_); push @pids, $pid; return $pid }
sub children {
    my ($pid) = @_;
    open my $f, '<', "/proc/$pid/task/$pid/children" or return;
    my @pids = split ' ', <$f> // '';
    return @pids;
}

done_testing;
