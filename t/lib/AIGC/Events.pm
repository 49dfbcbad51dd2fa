package AIGC::Events;

# A client of the event stream (Server-Sent Events), as a browser's EventSource
# reads it.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();
use Time::HiRes qw(time);

use AIGC::Process;

# Sends the request; the answer's head is read with the first look.
# on => $connection, and what AIGC::Client::begin takes.
sub open {
    my ($class, $client, %o) = @_;
    my $pending = $client->begin('GET', '/api/v1/events', %o, headers => [
        Accept => 'text/event-stream', ref $o{headers} eq 'HASH' ? %{ $o{headers} } : @{ $o{headers} // [] } ]);
    return bless { client => $client, conn => $pending->conn, body => '', events => [], comments => 0 }, $class;
}

sub conn { $_[0]{conn} }

# The head of the answer; a refusal has its content, too.
sub response {
    my $self = shift;
    return $self->{response} if $self->{response};

    my $head = $self->{conn}->read_until(qr/\r\n\r\n/) // croak 'the stream was closed without an answer';
    my $r = AIGC::HTTP::_head($head, $self->{client}->stack->url('/api/v1/events'));
    $self->{chunked} = ($r->header('Transfer-Encoding') // '') =~ /chunked/i;
    if (defined(my $length = $r->header('Content-Length'))) {
        $r->{content} = $self->{conn}->take($length);
    }
    return $self->{response} = $r;
}

sub code { $_[0]->response->code }

# All events so far: { event, id, data (decoded) }.  Waits for none.
sub events {
    my $self = shift;
    $self->response;
    1 while !$self->{ended} && eval { $self->{conn}->fill(0) };
    $self->_parse;
    return @{ $self->{events} };
}

sub comments { $_[0]->events; return $_[0]{comments} }
sub retry    { $_[0]->events; return $_[0]{retry} }

# Waits for the next event for which the sub is true ($_ is it), from where the
# last wait has ended.  Dies when it does not come.
sub wait_event {
    my ($self, $test, $seconds) = @_;
    $seconds = ($seconds // 10) * $AIGC::Process::PATIENCE;
    my $end = time + $seconds;
    $self->response;
    while (1) {
        $self->_parse;
        while (($self->{at} //= 0) < @{ $self->{events} }) {
            local $_ = $self->{events}[ $self->{at}++ ];
            return $_ if $test->();
        }
        croak 'the event did not come: the stream has ended' if $self->{ended};
        my $left = $end - time;
        my $more = eval { $self->{conn}->fill($left > 0 ? $left : 0) };
        croak "the event did not come within $seconds s; those that did: "
            . join ', ', map { "$_->{event}/" . ($_->{data}{state} // '') } @{ $self->{events} } unless defined $more;
        $self->{ended} = 1 unless $more;
    }
}

sub snapshot { $_[0]->wait_event(sub { $_->{event} eq 'snapshot' }, $_[1])->{data} }

# The next change of an instance to that state.
sub wait_state {
    my ($self, $state, $seconds) = @_;
    return $self->wait_event(sub { $_->{event} eq 'instance' && $_->{data}{state} eq $state }, $seconds // 20)->{data};
}

# Waits until the stream has ended: 'clean' with the end of its body, 'cut'
# without; '' when it does not.
sub end { my ($self, $seconds) = @_; return $self->ended($seconds * $AIGC::Process::PATIENCE) }

# The same for exactly so many seconds, for a stream that is to stay.
sub ended {
    my ($self, $seconds) = @_;
    my $end = time + $seconds;
    $self->response;
    until ($self->{ended} || $self->{last}) {
        my $left = $end - time;
        my $more = eval { $self->{conn}->fill($left > 0 ? $left : 0) };
        return '' unless defined $more;
        $self->{ended} = 1 unless $more;
        $self->_parse;
    }
    return $self->{last} || !$self->{chunked} ? 'clean' : 'cut';
}

sub close { $_[0]{conn}->close }

sub _parse {
    my $self = shift;
    my $in = \$self->{conn}{in};

    if ($self->{chunked}) {
        while ($$in =~ /^([0-9a-f]+)\r\n/i) {
            my ($head, $size) = ($+[0], hex $1);
            last if length $$in < $head + $size + 2;
            $self->{body} .= substr $$in, $head, $size;
            substr $$in, 0, $head + $size + 2, '';
            $self->{last} = 1 if $size == 0;
        }
    } else {
        $self->{body} .= $$in;
        $$in = '';
    }

    while ($self->{body} =~ s/^(.*?)\n\n//s) {
        my %event;
        for my $line (split /\n/, $1) {
            if ($line =~ /^:/) { $self->{comments}++; next }
            my ($field, $value) = $line =~ /^(\w+): (.*)$/ or croak "no field of an event: $line";
            if ($field eq 'retry') { $self->{retry} = $value; next }
            $event{$field} = $field eq 'data' ? JSON::PP->new->utf8->decode($value) : $value;
        }
        push @{ $self->{events} }, \%event if $event{event};
    }
}

1;
