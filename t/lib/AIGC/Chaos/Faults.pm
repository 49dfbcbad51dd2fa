package AIGC::Chaos::Faults;

# What happens to the gateways of a chaos run: each fault with the place where
# it strikes, and with what users may be denied because of it.  Whatever is
# denied beyond that is a fault of the gateway's.

use strict;
use warnings;

use IO::Socket::INET;
use JSON::PP ();
use List::Util qw(shuffle);
use Time::HiRes qw(sleep time);

use AIGC::Crowd;
use AIGC::Preload;

my $true = JSON::PP::true;
my $json = JSON::PP->new->utf8->canonical;

# What a fault excuses, of "what words" (AIGC::Chaos::Client), and for how many
# seconds after its end.  Nothing is excused for the API server's faults: whoever
# is in stays in.
my $NOTHING = qr/(?!)/;
my $SIGN_IN = qr/^sign-in /;
my $BROKEN  = qr/ (?:0|cut)$/;              # a connection that a dying worker had
my %EXCUSE = (
    api      => [$NOTHING, 0],
    # nobody new signs in, until Logto has been asked again, which is every 10 s; within grace= (1 h)
    # everybody else goes on
    logto    => [$SIGN_IN, 10],
    # what a key has signed that is withdrawn counts no more: it has to be renewed at its next use, with Logto
    # away or not
    key      => [qr/ 503 sign-in-unavailable$/, 60],
    # a session that Logto refuses to renew is over, and its user signs in anew
    refused  => [qr/ 401 not-signed-in$|^sign-in |^\S+ 302 redirect$|^open WebSocket cut$/, 3],
    # what the dead worker was answering breaks; what worker 0 died in is 503 busy until it is listed anew
    killed   => [qr/$BROKEN| 503 busy$|^sign-in /, 3],
    stopped  => [$NOTHING, 0],              # waits, and is answered
    # WebSockets of the former workers go when worker_shutdown_timeout is over
    reload   => [qr/^open WebSocket cut$/, 8],
    # … and the new binary's workers know nothing until they have listed the cluster
    upgrade  => [qr/ 503 starting$|^open WebSocket cut$|^sign-in /, 8],
    # no connection is free: what comes is closed unanswered
    flood    => [qr/$BROKEN|^sign-in | 50[04] | 500$/, 2],
    # without memory or sockets Logto cannot be asked, nor a pod
    starved  => [qr/^sign-in |^(?:own|upload|websocket) 500$/, 3],
    disk     => [$NOTHING, 0],
    full     => [qr/^open WebSocket cut$/, 8],      # ends with a reload
    # an hour ahead, tokens have expired: they are renewed; but who is suspended meanwhile is so by that clock
    clock    => [qr/ 401 user-gone$/, 60],
);

# t, only (a pattern of names), gateways: [{ number, port, pids => sub, master => sub, conf => sub }, …], names of the templates.
sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, deck => [], done => [] }, $class;
    $self->{all} = [ $self->_api, $self->_logto, (map { $self->_gateway($_) } @{ $o{gateways} }),
        $self->_resources, $self->_clock ];
    @{ $self->{all} } = grep { $_->{name} =~ $o{only} } @{ $self->{all} } if $o{only};
    return $self;
}

sub names { my $self = shift; return map { $_->{name} } @{ $self->{all} } }

# Each fault once before any comes again, in an order of the generator's.
sub draw {
    my $self = shift;
    push @{ $self->{deck} }, shuffle @{ $self->{all} } if @{ $self->{deck} } < 2;
    return shift @{ $self->{deck} };
}

# One fault, or two at once in different places, for a moment.
sub strike {
    my ($self, $say) = @_;
    my @faults = $self->draw;
    if (rand() < 0.4 && !$self->{only}) {
        my ($i) = grep { _together($faults[0], $self->{deck}[$_]) } 0 .. $#{ $self->{deck} };
        push @faults, splice @{ $self->{deck} }, $i, 1 if defined $i;
    }
    my $hold = 0.3 + rand 1.7;
    my @under_way;
    for my $fault (@faults) {
        my $window = { name => $fault->{name}, kind => $fault->{kind}, gateway => $fault->{gateway} // 0,
            from => time, excuse => $EXCUSE{ $fault->{kind} }[0], tail => $EXCUSE{ $fault->{kind} }[1] };
        $say->($fault->{name});
        push @under_way, [$window, $fault->{do}->()];
    }
    sleep $hold;
    for (reverse @under_way) {
        my ($window, $undo) = @$_;
        $undo->() if ref $undo eq 'CODE';
        $window->{to} = time;
        push @{ $self->{done} }, $window;
    }
    return \@faults;
}

# A place is struck once at a time; what takes place everywhere goes alone.
sub _together {
    my ($one, $other) = @_;
    return $one->{place} ne $other->{place} && "$one->{place} $other->{place}" !~ /all/;
}

sub windows { return @{ $_[0]{done} } }

### The API server

sub _api {
    my $self = shift;
    my $t    = $self->{t};
    my $rules = sub {
        my @rules = map { { method => '', path => '', times => 0, %$_ } } @_;
        # what has stalled ends with the fault: a watch that stays silent is noticed after 150 s only
        return sub { $t->faults(\@rules); $t->cut_connections; return sub { $t->no_faults; $t->cut_connections } };
    };
    my $status = sub {
        my ($code, $reason, %o) = @_;
        return { action => { status => $code, contentType => 'application/json',
            body => $json->encode({ kind => 'Status', apiVersion => 'v1', status => 'Failure',
                code => $code, reason => $reason, message => 'not now' }) }, %o };
    };
    my $watch = 'watch=(?:true|1)';
    my $cut   = sub { { query => $watch, action => { cutAfterBytes => 200 + int rand 3000 } } };
    return map { { name => "API server: $_->[0]", kind => 'api', place => 'api', do => $_->[1] } } (
        ['away', sub { $t->apiserver_down; return sub { $t->apiserver_up } }],
        ['stalls before it answers', $rules->({ action => { delayMs => 2500 } })],
        ['stalls inside an object', $rules->({ query => $watch, action => { stallAfterBytes => 700 } })],
        ['cuts streams inside an object', sub { $rules->($cut->())->() }],
        ['cuts every connection', sub { $t->cut_connections; return }],
        ['410 in a watch', $rules->({ query => $watch, action => { watchGone => $true } })],
        ['410', $rules->($status->(410, 'Expired', method => 'GET'))],
        ['409 to writes', $rules->($status->(409, 'Conflict', method => 'PATCH'))],
        ['429', $rules->($status->(429, 'TooManyRequests'))],
        ['500', $rules->($status->(500, 'InternalError'))],
        ['HTML with 200', $rules->({ action => { status => 200, contentType => 'text/html', body => '<html>a proxy' } })],
        ['writes carried out, answers lost', $rules->(map { { method => $_, action => { forwardThenStatus => $true } } } qw(PATCH POST PUT))]);
}

### Logto

sub _logto {
    my $self = shift;
    my $t    = $self->{t};
    my $outage = sub {
        my %order = @_;
        return sub { $t->logto_control(outage => \%order); return sub { $t->logto_control(outage => { mode => 'off' }) } };
    };
    my $rotate = sub {
        my ($mode) = @_;
        return sub { $t->logto_control('rotate-keys' => { mode => $mode }); return };
    };
    my $denied = { mode => 'answer', paths => '^/oidc/token', times => 2, status => 400,
        headers => { 'content-type' => 'application/json' }, body => '{"error":"invalid_grant"}' };
    return (map { { name => "Logto: $_->[0]", kind => $_->[2] // 'logto', place => 'logto', do => $_->[1] } }
        ['dies', sub { $self->_stop_logto; return sub { $self->_start_logto } }],
        ['does not answer', $outage->(mode => 'hang')],
        ['closes unanswered', $outage->(mode => 'refuse')],
        ['500', $outage->(mode => '500')],
        ['HTML', $outage->(mode => 'html')],
        ['half an answer', $outage->(mode => 'truncated')],
        ['no keys', $outage->(mode => 'empty-jwks', paths => '^/oidc/jwks')],
        ['refuses two renewals', $outage->(%$denied), 'refused'],
        ['another key signs', $rotate->('rotate')],
        ['the former key leaves', $rotate->('drop-previous'), 'key']);
}

sub _stop_logto { my $t = $_[0]{t}; (delete $t->{process}{logto})->stop(TERM => 5) }

sub _start_logto {
    my $t = $_[0]{t};
    $t->start_logto;
    $t->wait_file('logto');
    $_[0]{tokens}->();              # its switches do not survive
}

### Processes of a gateway

sub _gateway {
    my ($self, $gateway) = @_;
    my $n    = $gateway->{number};
    my $kill = sub {
        my ($worker, $signal) = @_;
        my $pid = ($gateway->{pids}->())[$worker] // return;
        kill $signal => $pid;
        return sub { kill CONT => $pid };
    };
    my @all = (map({ my $worker = $_;
        ["worker $worker killed", 'killed', sub { $kill->($worker, 'KILL'); return }],
        ["worker $worker stopped", 'stopped', sub { $kill->($worker, 'STOP') }] } 0, 1),
        ['reload', 'reload', sub { kill HUP => $gateway->{master}->(); return }],
        ['no free connection', 'flood', sub { $self->_flood($gateway) }]);
    # a new binary is not ready before it has seen cluster and Logto: the old one serves until then
    push @all, ['another binary', 'upgrade', sub { $gateway->{upgrade}->(); return }, 'all'] if $gateway->{upgrade};
    return map { { name => "gateway $n: $_->[0]", kind => $_->[1], place => $_->[3] // "gateway $n", gateway => $n, do => $_->[2] } } @all;
}

# Half-sent requests until every connection is taken.
sub _flood {
    my ($self, $gateway) = @_;
    my $flood = $self->{t}->background(sub {
        my ($go_on) = @_;
        my @open;
        while ($go_on->()) {
            @open = grep { !sysread($_, my $byte, 1) && $!{EAGAIN} } @open;
            while (@open < 2 * $self->{connections}) {
                my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $gateway->{port}, Timeout => 1) or last;
                syswrite $s, "GET / HTTP/1.1\r\nHost: ";
                $s->blocking(0);
                push @open, $s;
            }
            sleep 0.05;
        }
        return 0;
    });
    return sub { $flood->stop };
}

### What both gateways have of this machine

sub _resources {
    my $self = shift;
    my $t    = $self->{t};
    my $absent = sub { my ($what, $n) = @_; return sub { $t->preload($what => $n); return sub { $t->preload($what => 0) } } };
    return map { { name => $_->[0], kind => $_->[1], place => $_->[3] // 'machine', do => $_->[2] } } (
        ['no memory for calls', 'starved', $absent->(no_memory => 1)],
        ['no socket', 'starved', $absent->(no_socket => 1)],
        ['no event for a socket', 'starved', $absent->(no_event => 3)],
        ['libcurl gives up', 'starved', $absent->(dead => 2)],
        ['the disk is full', 'disk', $absent->(no_disk => 1), 'all'],
        ['the zone is full', 'full', sub { $self->_fill }, 'all']);
}

# A template with more instances than a zone takes.  What found no room is known again
# with the next worker 0: a reload, as after making the zone larger.
sub _fill {
    my $self = shift;
    my $t    = $self->{t};
    my $name = 'crowd' . ++$self->{crowds};
    my ($max) = $t->status('/metrics')->content =~ /^aigc_instances_max (\d+)$/m;
    $t->kube_send([AIGC::Crowd::template($t, $self->{base}, $name, ($max // 400) + 20)]);
    return sub {
        $t->kubectl('delete', 'gss', $name);
        kill HUP => $_->{master}->() for @{ $self->{gateways} };
    };
}

### The clock of both gateways

sub _clock {
    my $self = shift;
    my $t    = $self->{t};
    return { name => 'the clock an hour ahead, and back', kind => 'clock', place => 'all', do => sub {
        $self->{tokens}->(4 * 3600);
        $t->preload(clock => 3600);
        return sub { $t->preload(clock => 0); sleep 0.5; $self->{tokens}->() };
    } };
}

1;
