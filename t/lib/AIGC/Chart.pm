package AIGC::Chart;

# The Helm chart: rendering, and the tools that judge what comes of it.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(make_path);

our @EXPORT_OK = qw(run helm render objects ci_values $CHART $BIN);

my $repo = abs_path(dirname(__FILE__) . '/../../..');

our $BIN   = "$repo/build/bin";
our $CHART = "$repo/docker/kubernetes/chart";

# (status, what it said on both); the first argument may be { in => TEXT, env => {} }
sub run {
    my ($o, @command) = ref $_[0] ? @_ : ({}, @_);
    -x $command[0] || $command[0] !~ m{^/} or croak "$command[0] is missing: scripts/setup chart";
    my $in = "$repo/build/chart-in.$$";
    open my $f, '>', $in or croak "$in: $!";
    print $f $o->{in} // '';
    close $f;
    my $pid = open my $out, '-|';
    defined $pid or croak "fork: $!";
    if ($pid == 0) {
        open STDIN, '<', $in;
        open STDERR, '>&', \*STDOUT;
        $ENV{$_} = $o->{env}{$_} for keys %{ $o->{env} // {} };
        exec @command or POSIX::_exit(127);
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    unlink $in;
    return ($? >> 8, $text);
}

# helm with no configuration but the stack's cluster, or none
sub helm {
    my ($t, @args) = @_;
    my $home = $t ? $t->file('run/helm') : "$repo/build/helm";
    make_path($home);
    my %env = (map({ ("HELM_${_}_HOME" => "$home/$_") } qw(CACHE CONFIG DATA)), KUBECONFIG => $t ? $t->file('kubeconfig') : '/dev/null');
    return run({ env => \%env }, "$BIN/helm", @args);
}

# What "helm template" makes of these arguments; dies with its message.
sub render {
    my (@args) = @_;
    my ($status, $text) = helm(undef, 'template', 'aigc-gateway', $CHART, '--namespace', 'aigc-gateway', @args);
    croak "helm template @args: $text" if $status;
    return $text;
}

# The documents of it.
sub objects { return grep { /^kind: /m } split /^---$/m, $_[0] }

sub ci_values { return sort glob "$CHART/ci/*-values.yaml" }

1;
