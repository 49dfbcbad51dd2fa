package AIGC::Process;

# A program in the background: a session of its own, a log, a pid file.
# The pid file also holds the start time, so that a pid which the system has
# given to somebody else since is never signalled.

use strict;
use warnings;

use Carp qw(croak);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use POSIX qw(:sys_wait_h setsid);
use Time::HiRes qw(sleep time);

# How much longer than it takes in peace a test waits for something to happen.  A
# wait ends as soon as it has, so that patience costs a good run nothing; without
# it, a test would judge how busy the machine is.
our $PATIENCE = $ENV{AIGC_PATIENCE} // 4;

# name, command => [...], log => FILE, pidfile => FILE, env => {},
# tied => 1: ends with the process that started it, however that ends.
sub start {
    my ($class, %o) = @_;
    my @command = @{ $o{command} };

    if ($o{tied}) {
        unshift @command, qw(setpriv --pdeathsig TERM --);
    }

    make_path(dirname($o{log}), dirname($o{pidfile}));

    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        setsid();
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', $o{log} or POSIX::_exit(126);
        open STDERR, '>&', \*STDOUT;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM HUP PIPE CHLD);
        %ENV = (%ENV, %{ $o{env} // {} });
        { no warnings 'exec'; exec { $command[0] } @command; }
        print STDERR "$command[0]: $!\n";
        POSIX::_exit(127);
    }

    my $self = bless { name => $o{name}, log => $o{log}, pid => $pid,
        child => 1, pidfile => $o{pidfile}, since => _since($pid) }, $class;

    open my $f, '>', $o{pidfile} or croak "$o{pidfile}: $!";
    print $f "$pid $self->{since}\n";
    close $f;

    return $self;
}

# The program that a pid file tells of, or nothing when it has ended.
sub attach {
    my ($class, %o) = @_;

    open my $f, '<', $o{pidfile} or return;
    my ($pid, $since) = split ' ', (<$f> // '');
    my $self = bless { %o, pid => $pid, since => $since }, $class;

    return $self if $self->alive;
    unlink $o{pidfile};
    return;
}

sub name { $_[0]{name} }
sub pid  { $_[0]{pid} }
sub log  { $_[0]{log} }

sub alive {
    my $self = shift;

    # A child is there until it is reaped: its last threads may yet write.
    if ($self->{child}) {
        return 1 if waitpid($self->{pid}, WNOHANG) == 0;
        $self->{status} = $?;
        $self->{child}  = 0;
        return 0;
    }
    my $stat = _stat($self->{pid});
    return 0 if !$stat || $stat->{since} ne ($self->{since} // '');
    # Dead when its last thread is; the first one may end before the others.
    return $stat->{state} ne 'Z' || (() = glob "/proc/$self->{pid}/task/*") > 1;
}

sub status { $_[0]{status} }        # as $?, once a child has ended

sub signal {
    my ($self, $signal) = @_;
    return $self->alive && kill $signal, $self->{pid};
}

# Each of the signals in turn, with the seconds that it gets to work, e.g.
# (QUIT => 3, TERM => 5); then KILL for whatever is left of its session.
# Returns what had to be killed.
sub stop {
    my ($self, @steps) = @_;

    while (my ($signal, $seconds) = splice @steps, 0, 2) {
        $self->signal($signal) or last;
        my $end = time + $seconds * $PATIENCE;
        sleep 0.01 while $self->alive && time < $end;
        last unless $self->alive;
    }

    my @left = $self->session;
    my $end  = time + 0.2 * $PATIENCE;
    while (@left && time < $end) {  # a worker may be a moment behind
        sleep 0.02;
        @left = $self->session;
    }
    my @killed = map { "$_->{pid} ($_->{comm}, $_->{state})" } @left;
    kill 'KILL', map { $_->{pid} } @left;
    $end = time + 5 * $PATIENCE;
    sleep 0.01 while ($self->alive || $self->session) && time < $end;

    unlink $self->{pidfile};
    return @killed;
}

# Every process of the session that the program leads.
sub session {
    my $self = shift;
    my @members;

    for my $pid (_pids()) {
        my $stat = _stat($pid) or next;
        next unless $stat->{session} == $self->{pid};
        next if $pid == $self->{pid} && $stat->{since} ne $self->{since};
        # a zombie whose parent is not of the session waits for init, or whoever reaps
        next if $stat->{state} eq 'Z' && $stat->{parent} != $self->{pid};
        push @members, $stat;
    }
    return @members;
}

sub children {
    my ($self) = @_;
    return grep { $_->{parent} == $self->{pid} } $self->session;
}

sub tail {
    my ($self, $lines) = @_;
    return _tail($self->{log}, $lines // 20);
}

sub _tail {
    my ($file, $lines) = @_;
    open my $f, '<', $file or return "($file: $!)\n";
    my @last;
    while (my $line = <$f>) { push @last, $line; shift @last if @last > $lines }
    return join '', @last;
}

sub _pids {
    opendir my $d, '/proc' or return;
    return grep { /^\d+$/ } readdir $d;
}

sub _stat {
    my ($pid) = @_;
    open my $f, '<', "/proc/$pid/stat" or return;
    my $line = <$f> // return;
    my ($comm, $rest) = $line =~ /^\d+ \((.*)\) (.*)$/s or return;
    my @f = split ' ', $rest;
    return { pid => $pid, comm => $comm, state => $f[0], parent => $f[1],
        session => $f[3], since => $f[19] };
}

sub _since { my $s = _stat(@_); return $s && $s->{since} }

1;
