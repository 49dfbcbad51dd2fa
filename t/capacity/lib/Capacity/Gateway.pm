package Capacity::Gateway;

# What a gateway before such a cluster takes: a cold start, a change, a look.
# Every sub returns figures by name; times are in ms, memory in MiB.

use strict;
use warnings;
use utf8;

use List::Util qw(max min sum);
use POSIX qw(ceil);
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

use AIGC::Crowd;
use AIGC::Events;
use Capacity::Crowd;

use constant {
    MAX_PASS => 5,          # ms of one pass over worker 0's loop that the gateway promises
    PATIENCE => 900,        # s for a cold start
    CHANGES  => 50,
};

sub new {
    my ($class, $t) = @_;
    my $self  = bless { t => $t }, $class;
    my ($mib) = $t->{opt}{directives}{aigc_zone} =~ /:(\d+)m/;
    $self->{says} = $mib / $self->metric('instances_max') if $t->ready;     # MiB an instance
    return $self;
}

sub metric {
    my ($self, $name) = @_;
    return $self->{t}->status('/metrics')->content =~ /^aigc_\Q$name\E (\d+)$/m ? $1 : undef;
}

sub cpu {       # ms that these workers have been on a processor
    my ($self, @numbers) = @_;
    return sum map { (split ' ', AIGC::Nginx::_read_all("/proc/$_/schedstat"))[0] / 1e6 } ($self->{t}->worker_pids)[@numbers];
}

sub memory {    # of a worker: of its own, and with what it has touched of the zone
    my ($self, $number) = @_;
    my $status = AIGC::Nginx::_read_all('/proc/' . ($self->{t}->worker_pids)[$number] . '/status');
    return map { $status =~ /^$_:\s+(\d+)/m ? $1 / 1024 : undef } qw(RssAnon VmRSS);
}

sub _passes {
    my ($self) = @_;
    return map({ $_ => $self->metric("${_}_pass_longest_microseconds") / 1000 } qw(watch reconcile)),
        long => $self->metric('long_passes_total');
}

sub _spread {
    my @sorted = sort { $a <=> $b } @_;
    return (median => $sorted[ @sorted / 2 ], p95 => $sorted[ $#sorted * 0.95 ], max => $sorted[-1]);
}

### The table

# An empty zone of so many MiB, the cluster as it is: until /readyz is 200.
# undef: it does not fit.  Dies if it takes too long.
sub cold_start {
    my ($self, $mib, $level) = @_;
    my $t = $self->{t};

    $t->stop_nginx;
    $t->{opt}{directives}{aigc_zone} = "gateway:${mib}m";
    my $begin = time;
    $t->start_nginx;
    until ($t->ready) {
        die "not ready within @{[ PATIENCE ]} s\n" if time - $begin > PATIENCE;
        sleep 0.02;
    }
    my %is = (ready => 1000 * (time - $begin), cpu => $self->cpu(0), $self->_passes);
    return if $self->metric('table_full_total') || $self->metric('instances') < $level || $self->metric('disks') < $level;
    sleep 2;
    $is{"begin_$_"} = $is{$_} for qw(watch reconcile);
    my ($cpu, $from) = ($self->cpu(0), time);
    sleep 4;
    $is{idle} = ($self->cpu(0) - $cpu) / (time - $from);
    @is{qw(anon rss)} = $self->memory(0);
    @is{qw(other_anon other_rss)} = $self->memory(1);
    return { %is, $self->_passes, zone => $mib };
}

# The smallest zone in which so many fit, to 2 %: in MiB.  What a zone says of
# itself is where the search begins.
sub zone_needed {
    my ($self, $level) = @_;
    my $most = ceil(1.05 * $level * $self->{says});

    $most *= 2 until $self->cold_start($most, $level);
    my $least = int($most / 2);
    while ($most - $least > max(0.02 * $most, 1)) {
        my $try = ceil($least + ($most - $least) * ($most == 2 * $least ? 0.8 : 0.5));
        ($self->cold_start($try, $level) ? $most : $least) = $try;
    }
    return $most;
}

### Changes

# So many changes as fast as the cluster takes them: GameServers, pods, disks,
# and now and then a template.
sub storm {
    my ($self, $n, $templates, $each) = @_;
    my ($events, $cpu, $begin) = ($self->metric('events_total'), $self->cpu(0), time);

    my @changes = map {
        my ($name, $id) = (Capacity::Crowd::name($_ % $templates + 1), $_ % $each);
        ['PATCH', $_ % 20 == 0 ? AIGC::Crowd::template_path($name)
            : $_ % 3 == 0 ? AIGC::Crowd::game_server_path($name, $id)
            : $_ % 3 == 1 ? AIGC::Crowd::disk_path($name, $id) : "/api/v1/namespaces/default/pods/$name-$id",
            { metadata => { annotations => { poke => "$begin $_" } } }];
    } 1 .. $n;
    my @bad = grep { $_ != 200 } $self->{t}->kube_send(\@changes, any => 1);

    # a pod's that says nothing new is not counted
    my $counted = grep { $_->[1] !~ m{/pods/} } @changes;
    $self->{t}->wait_for(sub { $self->metric('events_total') >= $events + $counted - @bad }, 60, "$n changes are seen");
    return { event => ($self->cpu(0) - $cpu) / $n, failed => scalar @bad, $self->_passes };
}

# From a change's arrival at the API server until the gateway decides otherwise:
# $change->(i) is a request for kube_send, which every second time takes back
# what the last one did.
sub _followed {
    my ($self, $ask, $change) = @_;
    my $t    = $self->{t};
    my $mark = $t->audit_mark;

    my $watcher = $t->background(sub {
        my ($go_on) = @_;
        my ($was, $conn, @changes);
        for (my $n = 0; $go_on->(); $n++) {
            $conn = AIGC::HTTP->connect('127.0.0.1', $t->port) if $n % 500 == 0;    # nginx keeps one for 1,000
            my $is = $ask->($conn);
            push @changes, time if defined $was && $is ne $was;
            $was = $is;
            sleep 0.0005;
        }
        return \@changes;
    });
    my @requests = map { $change->($_) } 1 .. CHANGES;
    for my $request (@requests) {
        sleep 0.5;
        my ($code) = $t->kube_send([$request]);
        die "a change: $code\n" unless $code == 200;
    }
    sleep 2;
    my @seen = @{ $watcher->stop };
    my ($name) = $requests[0][1] =~ m{/([^/]+)(?:/status)?$};
    my @from = map { _epoch($_->{requestReceivedTimestamp}) }
        grep { $_->{verb} eq 'patch' && ($_->{objectRef}{name} // '') eq $name } $t->audit($mark);
    my @ms;
    for my $i (0 .. $#from) {
        my ($at) = grep { $_ > $from[$i] && (!$from[ $i + 1 ] || $_ < $from[ $i + 1 ]) } @seen or next;
        push @ms, 1000 * ($at - $from[$i]);
    }
    return { missed => CHANGES - @ms, @ms ? _spread(@ms) : () };
}

sub _epoch {        # of one of the audit log's times
    my ($text) = @_;
    my ($y, $m, $d, $h, $min, $s) = $text =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):([\d.]+)Z$/ or die "no time: $text\n";
    return timegm(0, $min, $h, $d, $m - 1, $y) + $s;
}

# A request of hers to alice's instance in the first template: 502 if it is let
# in, since there is nobody.
sub _visit {
    my ($self) = @_;
    my $t     = $self->{t};
    my $url   = $t->at(AIGC::Crowd::host($t, Capacity::Crowd::name(1), 0)) . '/';
    my $bytes = AIGC::HTTP::request_bytes(method => 'GET', url => $url, on => 1, headers => [Authorization => 'Bearer ' . $t->forge]);
    return sub { my ($conn) = @_; $conn->send($bytes); return $conn->response(method => 'GET', url => $url)->code };
}

# Who owns it, in the template's annotations: the largest event that there is.
sub owner_change {
    my ($self) = @_;
    return $self->_followed($self->_visit, sub { my ($i) = @_; ['PATCH', AIGC::Crowd::template_path(Capacity::Crowd::name(1)),
        { metadata => { annotations => { 'instance.aigc-gateway.io/0' => qq({"owner":"@{[ $i % 2 ? 'nobody' : 'alice0000000' ]}",)
            . qq("state":"running","since":"2026-01-01T00:00:00Z","gss":"@{[ Capacity::Crowd::_uid(0, 1, 0) ]}"}) } } }] });
}

# Whether its pod is ready, in the pod.
sub pod_change {
    my ($self) = @_;
    my $pod = '/api/v1/namespaces/default/pods/' . Capacity::Crowd::name(1) . '-0/status';
    return $self->_followed($self->_visit, sub { my ($i) = @_; ['PATCH', $pod,
        { status => { conditions => [{ type => 'Ready', status => $i % 2 ? 'False' : 'True' }] } }] });
}

### Looks

# The same request so many times, over one connection: wall time, time of all workers.
sub _asked {
    my ($self, $n, $port, $path, @headers) = @_;
    my $t    = $self->{t};
    my $conn = AIGC::HTTP->connect('127.0.0.1', $port);
    my $url  = "http://127.0.0.1:$port$path";
    my ($r, @ms);
    my $cpu = $self->cpu(0, 1);
    for (1 .. $n) {
        my $begin = time;
        $conn->send(AIGC::HTTP::request_bytes(method => 'GET', url => $url, on => 1, headers => \@headers));
        $r = $conn->response(method => 'GET', url => $url);
        push @ms, 1000 * (time - $begin);
        die "$path: " . $r->status_line . "\n" unless $r->ok;
    }
    return { _spread(@ms), cpu => ($self->cpu(0, 1) - $cpu) / $n, bytes => length $r->content };
}

sub metrics { my ($self) = @_; return $self->_asked(20, $self->{t}->port(1), '/metrics') }

sub list {      # of a user with three instances
    my ($self) = @_;
    my $t = $self->{t};
    return $self->_asked(20, $t->port, '/api/v1/instances', Host => $t->host . ':' . $t->port, Authorization => 'Bearer ' . $t->forge);
}

# The event stream: until its snapshot is there, the time that this takes the
# worker, and what a worker with a stream open takes for each change.
sub stream {
    my ($self, $client, $templates, $each) = @_;
    my $t     = $self->{t};
    my $cpu   = $self->cpu(0, 1);
    my $begin = time;
    my $events = AIGC::Events->open($client);
    my $n  = @{ $events->snapshot(60)->{instances} };
    my %is = (snapshot => 1000 * (time - $begin), snapshot_cpu => $self->cpu(0, 1) - $cpu);
    die "a snapshot of $n instances, not of 3\n" unless $n == 3;
    sleep 1;
    my @before = map { $self->cpu($_) } 0, 1;
    my $from   = time;
    my $storm  = $self->storm(300, $templates, $each);
    my @after  = map { $self->cpu($_) } 0, 1;
    $is{follow} = ($after[1] - $before[1] + max(0, $after[0] - $before[0] - 300 * $storm->{event})) / (time - $from);
    $events->close;
    return \%is;
}

1;
