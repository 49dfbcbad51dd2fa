package AIGC::Preload;

# A library under the stack's nginx (t/preload/preload.c) by which a test steps
# the wall clock, or takes a resource away for a moment:
#
#   my $t = AIGC::Stack->start(preload => 1);
#   $t->preload(clock => 3600);         # an hour ahead of this machine
#   $t->preload(clock => 0);

use strict;
use warnings;

use Carp qw(croak);
use File::Path qw(make_path);

# The struct in preload.c.
my %place = (clock => 0, dead => 8, no_memory => 16, no_socket => 24, no_event => 32, no_disk => 40);

# What nginx's environment needs for it.
sub env {
    my ($stack) = @_;
    my $lib  = _build($stack);
    my $file = $stack->file('run/preload');
    _create($file) unless -e $file;
    return (LD_PRELOAD => $lib, AIGC_PRELOAD => $file);
}

sub _create {
    my ($file) = @_;
    open my $f, '>', $file or croak "$file: $!";
    print $f "\0" x 4096;
    close $f or croak "$file: $!";
}

sub set {
    my ($stack, %what) = @_;
    my $file = $stack->file('run/preload');
    open my $f, '+<', $file or croak "$file: $!";
    for my $name (sort keys %what) {
        seek $f, $place{$name} // croak("no $name"), 0;
        syswrite $f, pack 'q', $what{$name} or croak "$file: $!";
    }
    close $f;
}

sub get {
    my ($stack, $name) = @_;
    my $file = $stack->file('run/preload');
    open my $f, '<', $file or croak "$file: $!";
    seek $f, $place{$name} // croak("no $name"), 0;
    read $f, my $bytes, 8;
    return unpack 'q', $bytes;
}

sub _build {
    my ($stack) = @_;
    my $source = $stack->repo('t/preload/preload.c');
    my $lib    = $stack->repo('build/preload/preload.so');
    return $lib if -e $lib && -M $lib <= -M $source;

    make_path($stack->repo('build/preload'));
    system('cc', '-O1', '-Wall', '-Wextra', '-Werror', '-fPIC', '-shared',
        '-o', "$lib.$$", $source, '-ldl') == 0 or croak "cc $source";
    rename "$lib.$$", $lib or croak "$lib: $!";
    return $lib;
}

1;
