package Bench::Figures;

# What is no slice of load: how the table follows the cluster, what a reload and
# a million requests leave, how long an install takes and whose time that is.

use strict;
use warnings;
use utf8;

use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

use AIGC::Crowd;
use Bench::Slices;

# stage, report
sub new { my ($class, %o) = @_; return bless {%o}, $class }

sub metric {
    my ($self, $name) = @_;
    return $self->{stage}->stack->status('/metrics')->content =~ /^aigc_\Q$name\E (\d+)$/m ? $1 : undef;
}

sub _figure { my $self = shift; $self->{report}->figure(@_) }

sub _spread {       # p50 and p99 of a list
    my @sorted = sort { $a <=> $b } @_;
    return @sorted[ @sorted / 2, int(@sorted * 0.99) ];
}

# From a worker's /proc/PID/status: VmHWM or RssAnon, in KiB.
sub _memory {
    my ($self, $what, $worker) = @_;
    my $pid = ($self->{stage}->workers('front'))[ $worker // 0 ];
    return AIGC::Nginx::_read_all("/proc/$pid/status") =~ /^$what:\s+(\d+)/m ? $1 : undef;
}

sub _worker_ms {
    my ($self) = @_;
    my ($pid) = $self->{stage}->workers('front');
    return (split ' ', AIGC::Nginx::_read_all("/proc/$pid/schedstat"))[0] / 1e6;
}

sub _epoch {        # of one of the audit log's times
    my ($text) = @_;
    my ($y, $m, $d, $h, $min, $s) = $text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die "no time: $text\n";
    return timegm(0, $min, $h, $d, $m - 1, $y) + $s;
}

### The table

# A zone that is empty, the cluster as it is.  What shares the processor can
# only make a pass longer: the best of up to three starts counts.
sub cold_start {
    my ($self, $instances) = @_;
    my ($took, $cpu, $longest);

    for (1 .. 3) {
        my $begin = time;
        $self->{stage}->set_workers(1);
        $self->{stage}->stack->wait_for(sub { $self->metric('instances') == $instances }, 60, 'all instances are known');
        ($took, $cpu) = (time - $begin, $self->_worker_ms);
        my ($pass) = sort { $b <=> $a } map { $self->metric("${_}_pass_longest_microseconds") } qw(watch reconcile);
        $longest = $pass if !defined $longest || $pass < $longest;
        last if $longest < 5000;
    }
    my $n = $self->metric('events_total');
    $self->_figure("cold start with $instances instances: until the owner of one is let in and all are known", $took, 's');
    $self->_figure('… time of worker 0', $cpu, 'ms');
    $self->_figure('… longest pass over its event loop', $longest / 1000, 'ms');
    $self->_figure('… its memory of its own (RssAnon)', $self->_memory('RssAnon') / 1024, 'MiB');
    $self->_figure('… its peak, with the zone (VmHWM)', $self->_memory('VmHWM') / 1024, 'MiB');
    $self->_figure('bytes of the zone an instance (two disks, tokens and all else included)',
        $self->{zone} / $self->metric('instances_max'), 'bytes');
}

# So many changes as fast as the cluster takes them.
sub events {
    my ($self, $n, $templates, $each) = @_;
    my $t = $self->{stage}->stack;
    my ($events, $cpu, $begin) = ($self->metric('events_total'), $self->_worker_ms, time);
    $t->kube_send([ map { ['PATCH', AIGC::Crowd::game_server_path('wide' . ($_ % $templates + 1), $_ % $each),
        { metadata => { annotations => { poke => "$begin $_" } } }] } 1 .. $n ], any => 1);
    $t->wait_for(sub { $self->metric('events_total') >= $events + $n }, 60, "$n changes are seen");
    my $took = time - $begin;
    my $seen = $self->metric('events_total') - $events;
    my $each_us = 1000 * ($self->_worker_ms - $cpu) / $seen;
    $self->_figure('watch events: as fast as the API server brought them', $seen / $took, 'a second');
    $self->_figure('… time of worker 0 for each', $each_us, 'µs');
    $self->_figure('… so many would fill it', 1e6 / $each_us, 'a second');
}

# An owner changes in the cluster; another worker than the one that watches is
# asked all the time.
sub propagation {
    my ($self, $template, $n) = @_;
    my $stage = $self->{stage};
    my $t     = $stage->stack;
    my $host  = AIGC::Crowd::host($t, $template, 0);
    my $ask   = $stage->request('/b/', Host => $host, $stage->session($stage->{alice}, $host));
    my $conn  = $self->_connection_to(1);
    my $mark  = $t->audit_mark;

    my $watcher = $t->background(sub {
        my ($go_on) = @_;
        my ($was, @changes) = (0);
        while ($go_on->()) {
            $conn->send($ask);
            my $code = $conn->response(method => 'GET', url => "http://$host/")->code;
            push @changes, time if $was && $code != $was;
            $was = $code;
            sleep 0.0005;
        }
        return \@changes;
    });
    for my $i (1 .. $n) {
        sleep 0.05;
        $t->kube_send([['PATCH', AIGC::Crowd::template_path($template), { metadata => { annotations => {
            'instance.aigc-gateway.io/0' => AIGC::Crowd::claim($i % 2 ? 'nobody000000' : 'alice0000000') } } }]]);
    }
    sleep 0.3;
    my @seen = @{ $watcher->stop };
    my @from = map { [ map { _epoch($_) } @$_{qw(requestReceivedTimestamp stageTimestamp)} ] }
        grep { $_->{verb} eq 'patch' && ($_->{objectRef}{name} // '') eq $template } $t->audit($mark);
    my (@whole, @write);
    for my $i (0 .. $#from) {
        my ($at) = grep { $_ > $from[$i][0] && (!$from[ $i + 1 ] || $_ < $from[ $i + 1 ][0]) } @seen or next;
        push @whole, 1000 * ($at - $from[$i][0]);
        push @write, 1000 * ($from[$i][1] - $from[$i][0]);
    }
    die 'only ' . @whole . " of $n changes were seen in time\n" if @whole < 0.9 * $n;
    my ($p50, $p99) = _spread(@whole);
    $self->_figure('from a change\'s arrival at the API server to the decision in another worker, median', $p50, 'ms');
    $self->_figure('… p99', $p99, 'ms');
    $self->_figure('… of which the API server\'s own write, median', (_spread(@write))[0], 'ms');
}

sub _connection_to {        # kept alive, with a worker by its number
    my ($self, $worker) = @_;
    my $stage = $self->{stage};
    my $pid   = ($stage->workers('front'))[$worker];
    for (1 .. 200) {
        my $conn = AIGC::HTTP->connect('127.0.0.1', $stage->port('front'));
        $conn->send($stage->request('/pid'));
        return $conn if $conn->response(method => 'GET', url => 'http://pid/pid')->content == $pid;
        $conn->close;
    }
    die "no connection to worker $worker\n";
}

### The process

sub reload {
    my ($self) = @_;
    my $stage = $self->{stage};
    my $t     = $stage->stack;
    my $load  = $t->background(sub {
        my ($go_on) = @_;
        my %n;
        $n{ $stage->status('b') }++ while $go_on->();
        return \%n;
    });
    my $begin = time;
    $t->reload;
    my ($new) = $t->worker_pids;
    $t->wait_for(sub { my $r = $t->status('/readyz'); $r->code == 200 && grep { $_ == $r->json->{pid} } $t->worker_pids },
        20, 'a new worker is ready');
    my $took = time - $begin;
    my $n = $load->stop;
    my $all = 0;
    $all += $_ for values %$n;
    $self->_figure('reload: until a new worker is ready', 1000 * $took, 'ms');
    $self->_figure("… requests meanwhile that were not answered 200, of $all", $all - ($n->{200} // 0), '');
}

# So many requests, or as many as there is time for; a tenth of them before, in
# which nginx's own pools and buffers come to their size.
sub many_requests {
    my ($self, $n, $seconds) = @_;
    my $stage = $self->{stage};
    my $file  = $stage->requests('many', $stage->request('/b/', $stage->session));
    my $done  = 0;

    $stage->load('front', $file, '-c', 32, '-n', $n / 10);
    my $before = $self->_memory('RssAnon');
    my $end    = time + $seconds;
    while ($done < $n && time < $end) {
        $done += $stage->load('front', $file, '-c', 32, '-n', $n / 10)->{requests};
    }
    $self->_figure("a worker's own memory (RssAnon) after $done requests: grown by", $self->_memory('RssAnon') - $before, 'KiB');
}

### Installs

# Each user installs the template, one after the other, until it is served.
sub installs {
    my ($self, $template, @clients) = @_;
    my $t = $self->{stage}->stack;
    my (%ms, @instances);

    for my $client (@clients) {
        my $mark  = $t->audit_mark;
        my $conn  = $client->connect;
        $client->begin_api('GET', '/api/v1/templates', undef, on => $conn)->response;     # as the dashboard does, whose button it is
        my $begin = time;
        my $r = $client->begin_api('POST', "/api/v1/templates/default/$template/install", undef, on => $conn)->response;
        my $answered = time;
        die 'install: ' . $r->status_line . "\n" unless $r->ok;
        my $inst = AIGC::Instance->new($client, $r->json);
        $conn->close;
        my $path = '/b/';
        $conn = AIGC::HTTP->connect('127.0.0.1', $self->{stage}->port('front'));
        my $ask  = $self->{stage}->request($path, Host => $inst->host, $self->{stage}->session($client, $inst->host));
        $t->wait_for(sub {
            $conn->send($ask);
            return $conn->response(method => 'GET', url => 'http://' . $inst->host . $path)->code != 503;
        }, 60, $inst->host . ' is let in to');
        my $ready = time;
        $conn->close;
        push @instances, $inst;

        # the audit log is a moment behind
        my (@patches, @states);
        $t->wait_for(sub {
            my @all  = $t->audit($mark);
            @patches = grep { $_->{user}{username} =~ /aigc/ && $_->{verb} eq 'patch'
                && ($_->{objectRef}{resource} // '') eq 'gameserversets' } @all;
            @states  = grep { ($_->{objectRef}{name} // '') eq $inst->pod && ($_->{objectRef}{resource} // '') eq 'gameservers'
                && $_->{verb} =~ /update|patch|create/ && _epoch($_->{stageTimestamp}) < $ready } @all;
            return @patches && @states;
        }, 5, 'the audit log has it');
        my ($came, $done) = (_epoch($patches[0]{requestReceivedTimestamp}), _epoch($patches[-1]{stageTimestamp}));
        my $last = _epoch($states[-1]{stageTimestamp});
        push @{ $ms{answer} }, 1000 * ($answered - $begin);
        push @{ $ms{write} },  1000 * ($done - $came);
        push @{ $ms{ours} },   1000 * ($answered - $begin - ($done - $came));
        push @{ $ms{before} }, 1000 * ($came - $begin);
        push @{ $ms{after} },  1000 * ($answered - $done);
        push @{ $ms{ready} },  1000 * ($ready - $begin);
        push @{ $ms{late} },   1000 * ($ready - $last);
    }
    my %m = map { $_ => (Bench::Slices::middle(@{ $ms{$_} }))[0] } keys %ms;
    my $p90 = (sort { $a <=> $b } @{ $ms{ours} })[ 0.9 * @clients ];
    $self->_figure('install: from the request to its answer, median of ' . @clients, $m{answer}, 'ms');
    $self->_figure('… of which Kubernetes (the patch)', $m{write}, 'ms');
    $self->_figure('… of which ours', $m{ours}, 'ms');
    $self->_figure('… … in nine of ten at most', $p90, 'ms');
    $self->_figure('… … before the API server has the patch', $m{before}, 'ms');
    $self->_figure('… … after it has carried it out: the watch brings it', $m{after}, 'ms');
    $self->_figure('install: until the owner is let in to a ready pod', $m{ready}, 'ms');
    $self->_figure('… of which ours, after the cluster\'s last word', $m{late}, 'ms');
    return @instances;
}

# So many users, each by an own token, press Install at one moment.
sub rush {
    my ($self, $template, $n) = @_;
    my $stage  = $self->{stage};
    my $t      = $stage->stack;
    my $nobody = $t->stranger;
    my $tokens = $t->logto_control('sign-token', { tokens => [ map { { key => $self->{key} // 'current',
        claims => { sub => sprintf 'rush%03d00000', $_ } } } 1 .. $n ] })->{tokens};
    my @bearer = map { [ $stage->bearer($_) ] } @$tokens;

    $_->response for map { $nobody->begin('GET', '/api/v1/me', headers => $_) } @bearer;
    my $mark  = $t->audit_mark;
    my $begin = time;
    my @begun = map { $nobody->begin('POST', "/api/v1/templates/default/$template/install", headers => $_) } @bearer;
    my @codes = map { $_->response->code } @begun;
    my $took  = time - $begin;
    my @bad   = grep { $_ != 202 } @codes;
    die "$n installs: $bad[0]\n" if @bad;
    $self->_figure("$n installs at one moment: until the last one is accepted", $took, 's');
    $self->_figure('… writes to Kubernetes', $t->gateway_writes($mark)->{$template}, '');
}

1;
