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
use List::Util qw(max);
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

# seed; say => sub (a line); stay, move: how many users; pace: s between a user's
# requests, at most
sub start {
    my ($class, %o) = @_;
    my $t = AIGC::Stack->start(workers => 2, faults => 1, preload => 1, templates => \@templates,
        log_level => 'notice', connections => CONNECTIONS, directives => { aigc_zone => 'gateway:2m' },
        # what another binary is started with has no environment but this
        main => join('', map { "env $_; " } qw(LD_PRELOAD AIGC_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS))
            . 'worker_shutdown_timeout 5s;');
    my $self = bless { t => $t, stay => 3, move => 4, say => sub { }, %o, lives => [] }, $class;

    # what a chaos run provokes
    $t->allow_log(qr/exited on signal 9|was locked by \d+|\d+ worker_connections are not enough|epoll_ctl\(1, \d+\) failed/,
        qr/open socket #\d+ left in connection|: aborting$|socket\(\) failed \(24: |No space left on device/);
    $self->{second} = $t->second_nginx(upgradable => 1);
    $self->{gateways} = [$t->origin, 'http://' . $t->host . ":$self->{second}"];
    $self->{faults} = AIGC::Chaos::Faults->new(t => $t, connections => CONNECTIONS, base => $t->template($templates[0]),
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
    $self->{rude} = pop @who;
    for my $user (@who[0 .. $self->{stay} - 1], $self->{rude}) {
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
    $self->{rudeness} = (delete $self->{rude_client})->stop;
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
            hosts => { map { $_ => "$hosts{$_}." . $t->domain } @templates }, pace => $self->{pace});
        push @{ $self->{running} }, $t->background(sub { $life->live(@_) });
    }
    my $url = $self->{instances}{ $self->{rude} }{ $templates[0] }->url('') =~ s{/$}{}r;
    $self->{rude_client} = $t->background(sub { AIGC::Chaos::Rude::live(@_, t => $t, client => $self->{client}{ $self->{rude} },
        url => $url, gateways => $self->{gateways}, seed => $self->{seed}, pause => $pause) });
}

sub _strikes {
    my ($self, $end) = @_;
    while (time < $end) {
        $self->{faults}->strike($self->{say});
        sleep 0.2 + rand 0.8;
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
    my $n = 0;

    if ($pause) {
        open my $f, '>', $pause or die "$pause: $!";
        close $f;
    }
    my @rest;
    $t->wait_for(sub {
        my @now = eval { map { $self->_holds($_) } 1, 2 };
        $n = @now && !grep({ $_->{connections} || $_->{leaving} || $_->{waiting} } @now) ? $n + 1 : 0;
        sleep 0.2;
        @rest = @now;
        return $n >= 25;            # for five seconds: kept connections have gone, too
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

1;
