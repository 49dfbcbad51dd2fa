package Bench::Slices;

# Short slices of load, the variants in turn, round by round: what a variant
# took in a round is compared with what another one took in the same round.

use strict;
use warnings;

use Carp qw(croak);
use Time::HiRes qw(time);

# stage; connections, ms: of a slice; until: no round begins later
sub new { my ($class, %o) = @_; return bless { rounds => 0, %o }, $class }

# A variant: what => in words; front => whose time counts, or fronts => [those
# whose]; requests => a file;
# expect => the statuses that may come; options => more of load's; or take =>
# a sub that makes the slice itself, from the round's number.
sub variant {
    my ($self, $name, %o) = @_;
    $self->{variant}{$name} = { front => 'front', expect => [200], options => [], name => $name, %o };
    push @{ $self->{order} }, $name;
}

sub variants { my $self = shift; return map { $self->{variant}{$_} } @{ $self->{order} } }

# Rounds of these variants; one may come several times in a round.
sub run {
    my ($self, $rounds, @names) = @_;

    $self->_slice($_, undef) for do { my %seen; grep { !$seen{$_}++ } @names };     # warm
    for (1 .. $rounds) {
        last if $self->{until} && time > $self->{until};
        my $round = $self->{rounds}++;
        $self->_slice($_, $round) for @names;
    }
}

sub _slice {
    my ($self, $name, $round) = @_;
    my $v = $self->{variant}{$name} // croak "no variant $name";
    my $is = $v->{take} ? $v->{take}->($round) : $self->{stage}->load($v->{fronts} // $v->{front}, $v->{requests},
        '-c', $self->{connections}, '-t', defined $round ? $self->{ms} : 50, @{ $v->{options} });

    for my $code (keys %{ $is->{codes} // {} }) {
        grep { $_ == $code } @{ $v->{expect} }
            or croak "$name: $is->{codes}{$code} answers of $code, not " . join ' or ', @{ $v->{expect} };
        $v->{codes}{$code} += $is->{codes}{$code};
    }
    $v->{total} += $is->{requests};
    return unless defined $round;
    my $sum = $v->{round}[$round] //= { requests => 0, cpu => 0, seconds => 0, bytes => 0 };
    $sum->{$_} += $is->{$_} // 0 for keys %$sum;
    push @{ $v->{$_} }, $is->{$_} // () for qw(p50 p99);
}

# Lists over the rounds in which all the named ones ran.
sub cpu  { my ($self, $name) = @_; return map { $_->{cpu} / $_->{requests} } $self->_rounds($name) }     # µs a request
sub rate { my ($self, $name) = @_; return map { $_->{requests} / $_->{seconds} } grep { $_->{seconds} } $self->_rounds($name) }

sub _rounds { my ($self, $name) = @_; return grep { $_ } @{ $self->{variant}{$name}{round} // [] } }

# what->(name, round's sums) of each named variant, by the sub to one number,
# for each round in which all of them ran.
sub compare {
    my ($self, $what, $names, $number) = @_;
    my @all = map { $self->{variant}{$_}{round} // [] } @$names;
    my @list;
    for my $round (0 .. $self->{rounds} - 1) {
        my @sums = map { $_->[$round] } @all;
        next if grep { !$_ } @sums;
        push @list, $number->(map { $what eq 'cpu' ? $_->{cpu} / $_->{requests} : $_->{requests} / $_->{seconds} } @sums);
    }
    return @list;
}

# (median, lower quartile, upper quartile)
sub middle {
    my @sorted = sort { $a <=> $b } @_ or return;
    return map {
        my $at = $_ * $#sorted;
        my $i  = int $at;
        my $next = $sorted[ $i + 1 ] // $sorted[$i];
        $sorted[$i] + ($at - $i) * ($next - $sorted[$i]);
    } 0.5, 0.25, 0.75;
}

1;
