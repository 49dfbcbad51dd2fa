package AIGC::Ports;

# What two stacks on one machine must not share: a block of ports, and the
# loopback network of the pods.  A stack's ports count from its first:
#   +0 gateway and instances  +1 status  +2 Logto  +3 kube-apiserver
#   +4 +5 etcd  +6 faults in front of the apiserver  +7 their control
#   +8 the gateway by TLS  +9 chromedriver

use strict;
use warnings;

use Carp qw(croak);
use Fcntl qw(:flock);
use File::Path qw(make_path);
use IO::Socket::INET;

use constant { BLOCK => 16, FIRST => 20000, SLOTS => 200, NETWORK => 50 };

# A block for a test: (first port, network, lock).  It is the caller's as long
# as the lock lives.
sub claim {
    my $dir = "/tmp/aigc-ports-$>";
    make_path($dir);

    for my $slot (0 .. SLOTS - 1) {
        my $port = FIRST + BLOCK * $slot;
        open my $lock, '>', "$dir/$port" or croak "$dir/$port: $!";
        flock $lock, LOCK_EX | LOCK_NB or next;
        next if busy($port);
        return ($port, network(NETWORK + $slot), $lock);
    }
    croak 'no free block of ports';
}

# The pods' network for a stack on a given port, beside those that run.
sub network_for {
    my ($port) = @_;
    my %taken;

    for my $file (glob '/proc/[0-9]*/cmdline') {
        open my $f, '<', $file or next;
        my $line = <$f> // next;
        $taken{$1} = 1 if $line =~ /-pod-cidr[=\0](127\.\d+\.0\.0\/16)/;
    }
    for my $i (0 .. NETWORK - 2) {
        my $net = network(1 + ($port / BLOCK + $i) % (NETWORK - 1));
        return $net unless $taken{$net};
    }
    croak 'no free network for pods';
}

sub network { return sprintf '127.%d.0.0/16', shift }

# The first port of the block that somebody listens on.
sub busy {
    my ($port) = @_;
    for my $p ($port .. $port + 9) {
        my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $p,
            Listen => 1, ReuseAddr => 1) or return $p;
    }
    return;
}

1;
