package Bench::Instructions;

# How many instructions a request costs, counted by valgrind's callgrind in a
# second nginx, beside the stack's own one, which stays the leader: what is left
# for the second one is requests.  CPU time differs from minute to minute on a
# shared machine; a count does not.

use strict;
use warnings;
use utf8;

use Carp qw(croak);
use File::Path qw(make_path);

use Bench::Stage;

use constant {
    WARM     => 100,        # requests before the first that counts
    COUNTED  => 1000,
    MARK     => 'ngx_http_aigc_healthz_handler',    # each call of it ends a profile
};

# stage; file: where the figures are kept
sub new { my ($class, %o) = @_; return bless {%o}, $class }

sub start {
    my $self  = shift;
    my $stage = $self->{stage};
    my $t     = $stage->stack;
    my $dir   = $stage->file('callgrind');

    make_path($dir);
    $self->{out}  = "$dir/out";
    $self->{port} = $stage->second_front(
        under => ['valgrind', '--tool=callgrind', '--quiet', '--dump-before=' . MARK, "--callgrind-out-file=$dir/out",
            "--log-file=$dir/log", "--vgdb=no"],
        edit  => sub { $_[0] =~ s/^worker_processes .*;/worker_processes 1; master_process off;/mr =~ s/^worker_cpu_affinity .*//mr });
    return $self;
}

# { module => instructions a request in our own code, worker => in all of nginx }
sub count {
    my ($self, $name, @requests) = @_;
    my $file = $self->{stage}->requests("instructions-$name", @requests);

    $self->_load($file, WARM);
    $self->_mark;
    $self->_load($file, COUNTED);
    return _read($self->_mark);
}

sub _load {
    my ($self, $file, $n) = @_;
    my $stage = $self->{stage};
    my $said = Bench::Stage::run(Bench::Stage::beside(), "$stage->{bin}/load", '-p', $self->{port}{front}, '-f', $file, '-c', 1, '-n', $n);
    $said =~ /\brequests=$n\b/ or croak "load: $said";
}

# Ends a profile; its file.
sub _mark {
    my $self = shift;
    my $r = $self->{stage}->stack->plain('GET', $self->{port}{status}, '/healthz');
    $r->code == 200 or croak '/healthz: ' . $r->status_line;
    return "$self->{out}." . ++$self->{profiles};
}

# Of our own code only functions count that each request calls: watches and
# timers go on meanwhile, and take more where the machine is slow.
sub _read {
    my ($file) = @_;
    my (%name, %self, %calls, %ours, $object, $function, $called, $skip);
    my $total = 0;
    my $word  = sub {           # "(12) name", or "(12)" once it has been named
        my ($kind, $text) = @_;
        $text =~ /^\((\d+)\)(?: (.*))?$/ or return $text;
        $name{$kind}{$1} = $2 if defined $2;
        return $name{$kind}{$1};
    };

    open my $f, '<', $file or croak "$file: $!";
    while (my $line = <$f>) {
        if    ($line =~ /^ob=(.*)/)  { $object = $word->(ob => $1) }
        elsif ($line =~ /^fn=(.*)/)  { $function = $word->(fn => $1); $ours{$function} ||= $object =~ /ngx_http_aigc_module\.so$/ }
        elsif ($line =~ /^cob=(.*)/) { $word->(ob => $1) }
        elsif ($line =~ /^cfn=(.*)/) { $called = $word->(fn => $1) }
        elsif ($line =~ /^c?f[ile]=(.*)/) { $word->(fl => $1) }
        elsif ($line =~ /^calls=(\d+)/) { $calls{$called} += $1; $skip = 1 }
        elsif ($line =~ /^(?:0x)?[\d+*-]\S* (\d+)$/) {
            if ($skip) { $skip = 0; next }
            $self{$function} += $1;
            $total += $1;
        }
    }
    my @each = grep { $ours{$_} && ($calls{$_} // 0) >= COUNTED } keys %self;
    my $module = 0;
    $module += $self{$_} for @each;
    return { module => $module / COUNTED, worker => $total / COUNTED,
        functions => { map { $_ => $self{$_} / COUNTED } @each } };
}

1;
