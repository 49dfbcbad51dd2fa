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
    WARM => 50,                                 # requests before the first that counts
    MARK => 'ngx_http_aigc_healthz_handler',    # each call of it ends a profile
};

# stage, file: where the figures are kept
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

# What n requests cost, each: { module => instructions in our own code,
# libraries => in what this calls of libraries, worker => in all of nginx,
# functions => { name => … } }.
sub count {
    my ($self, $name, $n, @requests) = @_;
    my $file = $self->{stage}->requests("instructions-$name", @requests);

    $self->_load($file, WARM);
    $self->_mark;
    $self->_load($file, $n);
    return _read($self->_mark, $n);
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

# Only functions count that each request calls: watches and timers go on
# meanwhile, and take more where the machine is slow.
sub _read {
    my ($file, $n) = @_;
    my (%name, %self, %calls, %ours, %libraries, $object, $function, $of, $called, $inclusive);
    my $word = sub {        # "(12) name", or "(12)" once it has been named
        my ($kind, $text) = @_;
        $text =~ /^\((\d+)\)(?: (.*))?$/ or return $text;
        $name{$kind}{$1} = $2 if defined $2;
        return $name{$kind}{$1};
    };

    open my $f, '<', $file or croak "$file: $!";
    while (my $line = <$f>) {
        if    ($line =~ /^ob=(.*)/)  { $object = $word->(ob => $1) }
        elsif ($line =~ /^cob=(.*)/) { $of = $word->(ob => $1) }
        elsif ($line =~ /^cfn=(.*)/) { $called = $word->(fn => $1) }
        elsif ($line =~ /^fn=(.*)/) {
            $function = $word->(fn => $1);
            $ours{$function} ||= $object =~ /ngx_http_aigc_module\.so$/;
        }
        elsif ($line =~ /^calls=(\d+)/) {
            $calls{$called} += $1;
            $inclusive = 1;                             # the next line's is what the call cost
        }
        elsif ($line =~ /^[\d+*-]\S* (\d+)$/) {
            if    (!$inclusive)           { $self{$function} += $1 }
            elsif (_is_library($of // '')) { $libraries{$function} += $1 }
            ($inclusive, $of) = (0, undef);
        }
    }
    my %each = map { $_ => $self{$_} / $n } grep { ($calls{$_} // 0) >= $n } keys %self;
    my ($module, $libraries, $worker) = (0, 0, 0);
    for (keys %each) {
        $worker += $each{$_};
        next unless $ours{$_};
        $module    += $each{$_};
        $libraries += ($libraries{$_} // 0) / $n;
    }
    return { module => $module, libraries => $libraries, worker => $worker, functions => \%each };
}

sub _is_library { return $_[0] =~ /\.so\b/ && $_[0] !~ /ngx_http_aigc_module\.so$/ }

### What they were

# By what the instructions depend on: our code, nginx, and who compiled it.
sub _built {
    my $self = shift;
    my $t = $self->{stage}->stack;
    my ($nginx) = qx(@{[ AIGC::Nginx::binary() ]} -v 2>&1) =~ m{/([\d.]+)} or croak 'nginx -v tells no version';
    my @compiler = qx(readelf -p .comment @{[ $t->module_file ]}) =~ /(GCC|clang)\b.* (\d+\.[\d.]+)/ or croak 'who compiled the module?';
    return "nginx-$nginx " . lc join '-', @compiler;
}

# { path => [module, libraries] } of this build; empty: of another one alone.
sub kept {
    my $self  = shift;
    my $built = $self->_built;
    my %kept;
    for (_lines($self->{file})) {
        my ($nginx, $compiler, $path, @figures) = split ' ';
        $kept{$path} = \@figures if "$nginx $compiler" eq $built;
    }
    return \%kept;
}

# Writes them anew; other builds' stay.
sub keep {
    my ($self, %now) = @_;
    my $built = $self->_built;
    my @lines = grep { !/^\Q$built\E / } _lines($self->{file});
    push @lines, map { sprintf '%s %s %.0f %.0f', $built, $_, @{ $now{$_} } } sort keys %now;
    open my $f, '>', $self->{file} or croak "$self->{file}: $!";
    print $f "# Instructions a request, by path: in this module, in what it calls of libraries.\n",
        "# t/instructions.t fails above; SET=1 scripts/bench instructions writes them anew.\n", map { "$_\n" } sort @lines;
    close $f or croak "$self->{file}: $!";
}

sub _lines {
    my ($file) = @_;
    open my $f, '<', $file or return;
    return grep { /^[^#]/ } map { chomp; $_ } <$f>;
}

1;
