package AIGC::Instance;

# One user's instance, as the REST API shows it to that user.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();

sub new {
    my ($class, $client, $data) = @_;
    return bless { client => $client, data => $data }, $class;
}

sub client { $_[0]{client} }
sub data   { $_[0]{data} }          # the API's object, as last seen

for my $field (qw(namespace template id owner host desired state reason since)) {
    no strict 'refs';
    *$field = sub { $_[0]{data}{$field} };
}

# With a path: below the instance's own URL.
sub url {
    my ($self, $path) = @_;
    (my $url = $self->{data}{url}) =~ s{/$}{};
    return $url . ($path // '/');
}

sub pod { my $d = $_[0]{data}; "$d->{template}-$d->{id}" }

sub path {
    my $d = $_[0]{data};
    return "/api/v1/instances/$d->{namespace}/$d->{template}/$d->{id}";
}

# Asks the API anew; undef when the instance is gone.  "Ask again" is no answer.
sub look {
    my $self = shift;
    my $r;
    $self->client->stack->wait_for(sub { $r = $self->client->api('GET', $self->path); $r->code != 503 }, 10, $self->path . ' is answered');
    return if $r->code == 404;
    croak $self->path . ': ' . $r->status_line unless $r->ok;
    $self->{data} = $r->json;
    return $self;
}

for my $verb (qw(start release restart update)) {
    no strict 'refs';
    *$verb = sub { my $self = shift; $self->_done($self->try($verb)) };
}

# uninstall(delete_disk => 'true')
sub uninstall {
    my ($self, %o) = @_;
    return $self->_done($self->try('uninstall', %o));
}

# The verb's answer, whatever it is; what follows it is the query.
sub try {
    my ($self, $verb, %o) = @_;
    my $query = %o ? '?' . join '&', map { "$_=$o{$_}" } sort keys %o : '';
    return $verb eq 'uninstall' ? $self->client->api('DELETE', $self->path . $query)
        : $self->client->api('POST', $self->path . "/$verb$query");
}

sub _done {
    my ($self, $r) = @_;
    croak $r->url . ': ' . $r->status_line . "\n" . $r->content unless $r->ok;
    $self->{data} = $r->json;
    return $self;
}

sub wait_ready { my ($self, $s) = @_; $self->wait_state('ready', $s) }

sub wait_state {
    my ($self, $state, $seconds) = @_;
    $self->client->stack->wait_for(
        sub { $self->look && $self->state eq $state },
        $seconds // 60, sub { $self->pod . " is $state, but: "
            . JSON::PP->new->canonical->encode($self->data) });
    return $self;
}

sub wait_gone {
    my ($self, $seconds) = @_;
    $self->client->stack->wait_for(sub { !$self->look }, $seconds // 60,
        $self->pod . ' is gone');
    return $self;
}

1;
