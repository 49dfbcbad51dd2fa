package AIGC::Chaos::Model;

# What the users of a chaos run should have been answered: by who owned what, by
# who had signed out or released what, and by the windows in which a fault may
# deny something.

use strict;
use warnings;

# A sign-out or release that one gateway has taken counts there at once.  The other
# one hears of it by its watch, which needs the API server and its own worker 0.
use constant {
    HEARD => 10,    # s, as a machine that is busy needs them
};
my %DEAF = map { $_ => 1 } qw(api killed stopped starved upgrade reload full clock disk flood);

# lives: what AIGC::Chaos::Client::live returned; windows: of AIGC::Chaos::Faults;
# owners: of AIGC::Ledger.
sub new {
    my ($class, %o) = @_;
    return bless { longest => {}, denied => {}, %o }, $class;
}

# Everybody who was let in where it may not be: lines.
sub wrong_allows {
    my $self = shift;
    my @wrong = map { @{ $_->{wrong} } } @{ $self->{lives} };

    for my $life (@{ $self->{lives} }) {
        for my $whose (sort keys %{ $life->{allowed} }) {
            next if $self->{owners}{$whose}{ $life->{sub} };
            push @wrong, sprintf '%s was let in to %s, of %s: %d times, %.2f to %.2f', $life->{user}, $whose,
                join(' ', sort keys %{ $self->{owners}{$whose} // {} }) || 'nobody', @{ $life->{allowed}{$whose} }{qw(n first last)};
        }
        push @wrong, map { $self->_late($_) } @{ $life->{late} };
    }
    return @wrong;
}

sub _late {
    my ($self, $late) = @_;
    my $after = $late->{at} - $late->{since};
    my $how   = $late->{gateway} == $late->{told} ? 'the same gateway' : 'the other gateway';
    my $deaf  = $self->_deaf($late);

    if ($late->{gateway} == $late->{told} || ($after > HEARD && !$deaf)) {
        return sprintf '%s %s: let in %.2f s later (%.2f) by gateway %d, told was gateway %d', $late->{user}, $late->{what},
            $after, $late->{at}, $late->{gateway}, $late->{told};
    }
    my $longest = \$self->{longest}{ $late->{what} . ($deaf ? ', a fault meanwhile' : '') };
    $$longest = $after if $after > ($$longest // 0);
    return;
}

# Has something kept the gateways from hearing of each other between then and now?
sub _deaf {
    my ($self, $late) = @_;
    return scalar grep { $DEAF{ $_->{kind} } && $_->{from} <= $late->{at} && $_->{to} + HEARD >= $late->{since}
        && $late->{at} <= $_->{to} + HEARD } @{ $self->{windows} };
}

# Denials that no fault explains: lines.  Those that one does are counted there.
sub wrong_denies {
    my $self = shift;
    my @wrong;

    for my $denial (sort { $a->{from} <=> $b->{from} } map { @{ $_->{denials} } } @{ $self->{lives} }) {
        my @kinds;
        for my $try (@{ $denial->{tries} }) {
            my ($from, $to, $words) = @$try;
            my ($window) = grep { $_->{from} <= $to && $from <= $_->{to} + $_->{tail}
                && (!$_->{gateway} || $denial->{what} eq 'sign-in' || $_->{gateway} == $denial->{gateway})
                && "$denial->{what} $words" =~ $_->{excuse} } @{ $self->{windows} };
            push @kinds, $window->{kind} if $window;
            next if $window;
            push @wrong, sprintf '%s, %s by gateway %d: %s at %.2f-%.2f (of %d, from %.2f on, %s)', @$denial{qw(user what gateway)},
                $words, $from, $to, scalar @{ $denial->{tries} }, $denial->{from},
                $denial->{ended} ? sprintf('over after %.2f s', $denial->{to} - $denial->{from}) : 'never over';
            last;
        }
        next unless @kinds;
        my $is = $self->{denied}{ $kinds[0] } //= { n => 0, longest => 0 };
        my $took = $denial->{to} - $denial->{from};
        $is->{n}++;
        $is->{longest} = $took if $took > $is->{longest};
    }
    return @wrong;
}

# What somebody has that is not what was asked for last: lines.
sub lost_operations {
    my ($self, $states) = @_;           # { template => { owner => state } }
    my @wrong;
    for my $life (@{ $self->{lives} }) {
        for my $name (sort keys %{ $life->{may} }) {
            my $has = $states->{$name}{ $life->{sub} } // 'absent';
            my $may = $life->{may}{$name};
            next if $may->{$has};
            push @wrong, "$life->{user}, $name: $has, should be " . join(' or ', sort keys %$may) . "\n"
                . join '', map { sprintf "    %.3f-%.3f %s by gateway %d: %s %s\n", @$_[0, 1, 3, 4, 5, 6] }
                grep { $_->[2] eq $name } @{ $life->{operations} };
        }
    }
    return @wrong;
}

### The table

# Rows of [kind of fault, how often, seconds in all, denials, longest denial].
sub by_fault {
    my $self = shift;
    my %row;
    for my $window (@{ $self->{windows} }) {
        my $row = $row{ $window->{kind} } //= { n => 0, s => 0 };
        $row->{n}++;
        $row->{s} += $window->{to} - $window->{from};
    }
    return map { my $d = $self->{denied}{$_} // { n => 0, longest => 0 };
        [$_, $row{$_}{n}, $row{$_}{s}, $d->{n}, $d->{longest}] } sort keys %row;
}

sub counts {
    my $self = shift;
    my %n;
    for my $life (@{ $self->{lives} }) {
        $n{$_} += $life->{requests}{$_} for keys %{ $life->{requests} };
        $n{operations} += @{ $life->{operations} };
    }
    return \%n;
}

# What the part $p of all requests to instances took at most, in ms.
sub took {
    my ($self, $p) = @_;
    my @took = sort { $a <=> $b } map { @{ $_->{took} } } @{ $self->{lives} };
    return @took ? $took[int $p * $#took] / 1000 : 0;
}

sub longest { return $_[0]{longest} }

1;
