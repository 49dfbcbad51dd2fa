package AIGC::Ledger;

# What became of many operations of many users: what each user was told, and
# what the API server has shown from beginning to end.
#
#   my $ledger = AIGC::Ledger->new($t, @templates);    # records from here on
#   …
#   $ledger->stop;
#   is_deeply [$ledger->contradictions], [];

use strict;
use warnings;

use JSON::PP ();

use AIGC::Process;

my $json = JSON::PP->new->utf8;

my %path = (gss => '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets',
    pvcs => '/api/v1/namespaces/default/persistentvolumeclaims');

sub new {
    my ($class, $t, @templates) = @_;
    my $self = bless { t => $t, templates => \@templates }, $class;
    $self->_record($_) for sort keys %path;
    return $self;
}

# All that an API path's watch has to tell, into a file.
sub _record {
    my ($self, $what) = @_;
    my $t    = $self->{t};
    my $pki  = $t->file('cluster/pki');
    my $file = $t->file("log/tape-$what.json");
    $t->{process}{"tape-$what"} = AIGC::Process->start(name => "the tape of $what", log => $file,
        command => ['curl', '-sSN', '--cacert', "$pki/ca.crt", '--cert', "$pki/admin.crt", '--key', "$pki/admin.key",
            'https://127.0.0.1:' . $t->port(3) . "$path{$what}?watch=true&timeoutSeconds=7200&sendInitialEvents=true&"
            . 'resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'], $t->process_options("tape-$what"));
    $t->wait_for(sub { -s $file }, 10, "the watch of $what");
}

sub stop {
    my $self = shift;
    for my $what (sort keys %path) {
        (delete $self->{t}{process}{"tape-$what"})->stop(TERM => 5);
        open my $f, '<', $self->{t}->file("log/tape-$what.json") or die $!;
        $self->{$what} = [ map { eval { $json->decode($_)->{object} } // () } <$f> ];
    }
}

# Whose each instance has been: { "template/id" => { owner => 1, … } }.
sub owners {
    my $self = shift;
    my %owner;
    for my $gss (@{ $self->{gss} }) {
        my $name   = $gss->{metadata}{name} // next;
        my $claims = $self->{t}->claims($gss);
        $owner{"$name/$_"}{ $claims->{$_}{owner} // '?' } = 1 for keys %$claims;
    }
    return \%owner;
}

# An id or a disk that changed its owner, a user who had two instances of a
# template: lines, none when all is well.
sub contradictions {
    my $self = shift;
    my $names = join '|', map { quotemeta } @{ $self->{templates} };
    my (%owner, %disk, @bad);

    for my $gss (@{ $self->{gss} }) {
        my $name   = $gss->{metadata}{name} // next;
        next unless $name =~ /^(?:$names)$/;
        my $claims = $self->{t}->claims($gss);
        my %has;
        for my $id (sort keys %$claims) {
            my $who = $claims->{$id}{owner} // '?';
            push @bad, "$name-$id was $owner{$name}{$id}'s and is $who\'s" if ($owner{$name}{$id} //= $who) ne $who;
            push @bad, "$who has $name-$has{$who} and $name-$id" if defined $has{$who};
            $has{$who} = $id;
        }
    }
    for my $pvc (@{ $self->{pvcs} }) {
        my ($name, $id) = ($pvc->{metadata}{name} // '') =~ /^.*?-($names)-(\d+)$/ or next;
        my $who = $pvc->{metadata}{annotations}{'aigc-gateway.io/owner'} // next;
        push @bad, "the disk of $name-$id was $disk{$name}{$id}\'s and is $who\'s" if ($disk{$name}{$id} //= $who) ne $who;
        push @bad, "the disk of $name-$id is $who\'s, but the instance $owner{$name}{$id}\'s"
            if ($owner{$name}{$id} // '?') ne $who;
    }
    my %unique = map { $_ => 1 } @bad;
    return sort keys %unique;
}

# The states of a template's instances now: { owner => state }.
sub states {
    my ($t, $name) = @_;
    my $claims = $t->claims($name);
    return { map { $_->{owner} => $_->{state} } values %$claims };
}

# What an answer 200 or 202 to a verb makes sure of.
our %AFTER = (install => 'running', start => 'running', release => 'released',
    uninstall => 'absent', uninstall_keep => 'absent');

# Keeps up the states that a template's instance may be in, as far as its owner
# can know.  What was answered is so; what was not may be so.  A gateway that has
# not heard yet what the other one did says "already so" of what was so before.
sub told {
    my ($may, $verb, $code, $answer, $behind) = @_;
    if ($code =~ /^20[02]$/) {
        # an install finds what is there, which may be a released instance
        my $is = $verb eq 'install' ? $answer->{desired} : $AFTER{$verb} // return;
        %$may = () unless $code == 200 && $behind;
        $may->{$is} = 1;
    } elsif ($code == 0 || $code >= 500) {
        $may->{ $AFTER{$verb} } = 1 if $AFTER{$verb};
    }
}

1;
