package AIGC::Chaos;

# A chaos run: two gateways, users whose right answers are known, rude clients,
# and faults at random.
#
#   my $chaos = AIGC::Chaos->start(seed => 7, say => sub { note @_ });
#   $chaos->havoc(60);
#   my $model = $chaos->judge;
#
# Whatever is random comes from the seed: which faults, in which order and for how
# long, and what each client does.  Real time decides how these meet, so that two
# runs of one seed are alike, not the same.

use strict;
use warnings;

use JSON::PP ();
use List::Util qw(max min);
use Test::More ();
use Time::HiRes qw(sleep time);

use AIGC::Chaos::Client;
use AIGC::Chaos::Duties;
use AIGC::Chaos::Faults;
use AIGC::Chaos::Model;
use AIGC::Chaos::Rude;
use AIGC::Ledger;
use AIGC::Stack;

my @templates = qw(stable-diffusion-cpu notebook);
my %hosts = ('stable-diffusion-cpu' => 'instances<id>-cpu', notebook => 'notebook<id>');

use constant {
    CONNECTIONS => 192,         # of a worker, so that they can run out
    LIFE        => -18,         # s of an ID token, less the 30 that an expired one is taken for
    WARM_UP     => 0.25,        # of the time, before growth is measured from
};

# seed; say => sub (a line); stay, move: how many users.  An endurance run is the same
# with faults that were announced (only => a pattern of their names), at leisure (calm =>
# s between two), half load (half => 1: a user rests as long as it was busy), and nobody rude
# (rude => 0).
sub start {
    my ($class, %o) = @_;
    my $t = AIGC::Stack->start(workers => 2, faults => 1, preload => 1, templates => \@templates,
        log_level => 'notice', connections => CONNECTIONS, directives => { aigc_zone => 'gateway:2m' },
        # what another binary is started with has no environment but this
        main => join('', map { "env $_; " } qw(LD_PRELOAD AIGC_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS))
            . 'worker_shutdown_timeout 5s;');
    my $self = bless { t => $t, stay => 3, move => 4, rude => 1, calm => 0.8, say => sub { }, %o, lives => [], memory => [] }, $class;

    # what a chaos run provokes
    $t->allow_log(qr/exited on signal 9|was locked by \d+|\d+ worker_connections are not enough|epoll_ctl\(1, \d+\) failed/,
        qr/open socket #\d+ left in connection|: aborting$|socket\(\) failed \(24: |No space left on device/,
        # nginx gives a worker up that cannot begin, until it is reloaded: killed while there is no event
        qr/exited with fatal code 2 and cannot be respawned/);
    $self->{second} = $t->second_nginx(upgradable => 1);
    $self->{gateways} = [$t->origin, 'http://' . $t->host . ":$self->{second}"];
    $self->{faults} = AIGC::Chaos::Faults->new(t => $t, only => $o{only}, connections => CONNECTIONS, base => $t->template($templates[0]),
        tokens => sub { $self->tokens(@_) }, gateways => [
            { number => 1, port => $t->port, pids => sub { $t->worker_pids }, master => sub { $t->nginx->pid } },
            { number => 2, port => $self->{second}, pids => sub { $t->second_worker_pids },
                master => sub { $self->_second_master }, upgrade => sub { $self->_upgrade } },
        ]);
    $self->_users;
    return $self;
}

sub stack    { $_[0]{t} }
sub gateways { @{ $_[0]{gateways} } }

# ID tokens live so long from now on; as ever without a number.
sub tokens { my ($self, $seconds) = @_; $self->{t}->logto_control(lifetimes => { id_token => $seconds // LIFE }) }

sub _users {
    my $self = shift;
    my $t = $self->{t};
    my @who = map { sprintf 'user%02d', $_ } 1 .. $self->{stay} + $self->{move} + 1;

    srand $self->{seed};
    $self->tokens;
    $self->{client}{$_} = $t->sign_in($_) for @who;
    $self->{rudest} = pop @who;
    for my $user (@who[0 .. $self->{stay} - 1], $self->{rudest}) {
        $self->{instances}{$user}{$_} = $self->{client}{$user}->install($_) for @templates;
    }
    for my $user (sort keys %{ $self->{instances} }) {
        $_->wait_ready for values %{ $self->{instances}{$user} };
        $self->{client}{$user}->host_session($_->url) for values %{ $self->{instances}{$user} };
    }
    $self->{users} = \@who;
    $self->{ledger} = AIGC::Ledger->new($t, @templates);
}

### The run

sub havoc {
    my ($self, $seconds) = @_;
    my $pause = $self->{t}->file('run/pause');

    $self->_let_loose($pause);
    srand $self->{seed};
    $self->_strikes(time + WARM_UP * $seconds);
    $self->{before} = $self->_at_rest($pause);
    $self->_strikes(time + (1 - WARM_UP) * $seconds);

    my $end = time;
    $self->{duties} = [ AIGC::Chaos::Duties::all($self) ];
    $self->{again}  = time - $end;
    $self->{lives}  = [ map { $_->stop } @{ $self->{running} } ];
    (delete $self->{rude_client})->stop if $self->{rude};
    $self->{after}  = $self->_at_rest;
}

sub _let_loose {
    my ($self, $pause) = @_;
    my $t = $self->{t};
    my $number = 0;

    for my $user (@{ $self->{users} }) {
        my $life = AIGC::Chaos::Client->new(t => $t, user => $user, number => ++$number, seed => $self->{seed},
            kind => $self->{instances}{$user} ? 'stays' : 'moves', gateways => $self->{gateways}, templates => \@templates,
            instances => $self->{instances}{$user} // {}, client => $self->{client}{$user}, pause => $pause,
            hosts => { map { $_ => "$hosts{$_}." . $t->domain } @templates }, half => $self->{half});
        push @{ $self->{running} }, $t->background(sub { $life->live(@_) });
    }
    return unless $self->{rude};
    my $url = $self->{instances}{ $self->{rudest} }{ $templates[0] }->url('') =~ s{/$}{}r;
    $self->{rude_client} = $t->background(sub { AIGC::Chaos::Rude::live(@_, t => $t, client => $self->{client}{ $self->{rudest} },
        url => $url, gateways => $self->{gateways}, seed => $self->{seed}, pause => $pause) });
}

sub _strikes {
    my ($self, $end) = @_;
    while (time < $end) {
        $self->{faults}->strike($self->{say});
        my $until = time + $self->{calm} * (0.25 + rand);
        while (time < $until) {
            push @{ $self->{memory} }, [time, map { $self->_holds($_)->{memory} } 1, 2] if $self->{calm} > 1;
            sleep($until - time < 5 ? max(0, $until - time) : 5);
        }
    }
}

# nginx's own order: USR2, wait until the new one is ready, WINCH, QUIT.
sub _upgrade {
    my $self = shift;
    my $t    = $self->{t};
    my $file = $t->file('nginx2/nginx.pid');
    my $old  = $self->_second_master;

    $t->wait_for(sub { !-e "$file.oldbin" }, 20, 'the binary before has ended');
    kill USR2 => $old;
    $t->wait_for(sub { -e "$file.oldbin" && -s $file && $self->_second_master != $old }, 10, 'both binaries run');
    my $new = $self->_second_master;
    # both answer at the same port: the pid tells which one is ready
    $t->wait_for(sub {
        my $r = eval { $t->plain('GET', $self->{second} + 1, '/readyz') } // return;
        $r->code == 200 && _parent($r->json->{pid}) == $new;
    }, 20, 'the new binary is ready');
    kill WINCH => $old;
    kill QUIT  => $old;
}

sub _second_master { my $self = shift; return _line($self->{t}->file('nginx2/nginx.pid')) || 0 }

sub _parent { my ($stat) = _line("/proc/$_[0]/stat") =~ /^\d+ \(.*\) \S (\d+)/; return $stat // 0 }

sub _line {
    my ($file) = @_;
    open my $f, '<', $file or return '';
    chomp(my $line = <$f> // '');
    return $line;
}

### At rest

# What each gateway holds once nobody asks anything of it: { memory, descriptors
# (of its largest worker), connections, leaving (workers), waiting (writes) }.
sub _at_rest {
    my ($self, $pause) = @_;
    my $t = $self->{t};
    my $since;

    if ($pause) {
        open my $f, '>', $pause or die "$pause: $!";
        close $f;
    }
    my @rest;
    $t->wait_for(sub {
        my @now = eval { map { $self->_holds($_) } 1, 2 };
        my $quiet = @now && !grep { $_->{connections} || $_->{leaving} || $_->{waiting} } @now;
        $since = $quiet ? $since // time : undef;
        sleep 0.5;
        @rest = @now;
        return $quiet && time - $since > 5;     # kept connections have gone by then, too
    }, 40, sub { 'all is at rest: ' . JSON::PP->new->canonical->encode(\@rest) });
    unlink $pause if $pause;
    return \@rest;
}

sub _holds {
    my ($self, $number) = @_;
    my $t = $self->{t};
    my @pids = grep { defined } $number == 1 ? $t->worker_pids : $t->second_worker_pids;
    my $port = $number == 1 ? $t->port(1) : $self->{second} + 1;
    my $metrics = $t->plain('GET', $port, '/metrics')->content;
    my $master = $number == 1 ? $t->nginx->pid : $self->_second_master;

    return {
        memory      => max(map { _private($_) } @pids),
        descriptors => max(map { scalar(() = glob "/proc/$_/fd/*") } @pids),
        connections => _connections($port - 1),
        leaving     => scalar(grep { _line("/proc/$_/cmdline") =~ /shutting down/ } split ' ', _line("/proc/$master/task/$master/children")),
        map { my ($name, $metric) = @$_; ($name => $metrics =~ /^aigc_$metric (\d+)$/m ? $1 : -1) }
            [waiting => 'writes_waiting'], [instances => 'instances'], [disks => 'disks'], [templates => 'templates'],
    };
}

# That a port's clients have open, by the kernel's count: nginx's own goes on counting
# those of a worker that was killed.
sub _connections {
    my ($port) = @_;
    my $hex = sprintf ':%04X', $port;
    open my $tcp, '<', '/proc/net/tcp' or die $!;
    return scalar grep { my @f = split; $f[1] =~ /$hex$/ && $f[3] !~ /^(?:0A|06)$/ } <$tcp>;
}

sub _private {                  # KB of memory that is a process's own, without the zone
    my ($pid) = @_;
    open my $f, '<', "/proc/$pid/smaps_rollup" or return 0;
    my ($kb) = map { /^Pss_Anon:\s+(\d+)/ ? $1 : () } <$f>;
    return $kb // 0;
}

### The judgement

sub judge {
    my $self = shift;
    my $t = $self->{t};

    $t->wait_for(sub { !grep { $_ eq 'uninstalling' } map { values %{ AIGC::Ledger::states($t, $_) } } @templates },
        60, 'uninstalls have ended');
    $self->{disagree} = eval { $t->wait_agree($_, 60) for @templates; 1 } ? '' : $@;
    $self->{states} = { map { $_ => AIGC::Ledger::states($t, $_) } @templates };
    $self->{ledger}->stop;
    open my $f, '>', $t->file('log/lives.json') or die $!;       # for whoever looks into a failure
    print $f JSON::PP->new->canonical->encode($self->{lives});
    close $f;
    return AIGC::Chaos::Model->new(lives => $self->{lives}, windows => [$self->{faults}->windows], owners => $self->{ledger}->owners);
}

# What must be so after a run, as tests; and the figures.
sub promises {
    my $self  = shift;
    my $model = $self->judge;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $none = sub {
        my ($what, @lines) = @_;
        Test::More::is(scalar @lines, 0, $what) or Test::More::diag(map { "$_\n" } @lines[0 .. min(19, $#lines)]);
    };
    $none->('nobody was let in wrongly', $model->wrong_allows);
    $none->('nobody was kept out but by a fault that may', $model->wrong_denies);
    $none->('everybody has what was asked for last', $model->lost_operations($self->{states}));
    $none->('no id and no disk changed its owner, nobody had two', $self->{ledger}->contradictions);
    Test::More::is($self->{disagree}, '', 'annotations, replicas, reserve list, pods and disks agree');
    Test::More::is($_->[2], '', sprintf '%s, %.1f s after the last fault', @$_[0, 1]) for @{ $self->{duties} };

    my $n = $model->counts;
    Test::More::diag(join ', ', map { "$n->{$_} $_" } sort keys %$n);
    Test::More::diag(sprintf 'requests to instances: p50 %.1f ms, p99 %.1f ms, the longest %.0f ms', map { $model->took($_) } 0.5, 0.99, 1);
    Test::More::diag(sprintf '%-8s %3d times, %5.1f s in all: %3d denials, the longest %.2f s', @$_) for $model->by_fault;
    Test::More::diag(sprintf 'let in after it was %s: %.2f s', $_, $model->longest->{$_}) for sort keys %{ $model->longest };

    for my $i (0, 1) {
        my ($was, $is) = ($self->{before}[$i], $self->{after}[$i]);
        my $number = $i + 1;
        Test::More::diag(sprintf 'gateway %d: largest worker %d KB, %d descriptors after the warm-up; %d KB, %d at the end', $number,
            map { @$_{qw(memory descriptors)} } $was, $is);
        Test::More::cmp_ok($is->{memory}, '<=', $was->{memory} * 1.25 + 2048, "gateway $number: memory does not grow");
        Test::More::cmp_ok($is->{descriptors}, '<=', $was->{descriptors} + 6, "gateway $number: nor do descriptors");
    }
    my ($one, $two) = map { my $gateway = $_; join ', ', map { "$gateway->{$_} $_" } qw(templates instances disks) } @{ $self->{after} };
    Test::More::is($one, $two, 'both zones hold the same');
    Test::More::is($self->{after}[0]{templates}, scalar @templates, 'and no template that is gone');
    return $model;
}

1;
