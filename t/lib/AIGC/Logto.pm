package AIGC::Logto;

# The stack's Logto: its switches for tests, its users, its log.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();

use AIGC::Secrets;

sub logto_url { my $self = shift; 'http://127.0.0.1:' . $self->port(2) . ($_[0] // '') }

# logto_control('lifetimes', {…}) is POST /_control/lifetimes; without a body
# it is a GET.
sub logto_control {
    my ($self, $path, $body) = @_;
    $path =~ s{^/?(?:_control/)?}{};
    return $self->control($self->port(2), defined $body ? 'POST' : 'GET',
        "/_control/$path", $body);
}

# A token with the claims, key and algorithm that the test asks for.
sub forge {
    my ($self, %spec) = @_;
    my $answer = $self->logto_control('sign-token', \%spec);
    my $token = ref $answer ? $answer->{token} : $answer;
    AIGC::Secrets::note($token, 'forged token');
    return $token;
}

# A user's custom data; with a hash, it becomes that.
sub custom_data {
    my ($self, $user, $data) = @_;
    return $self->logto_control('user', { user => $user,
        $data ? (customData => $data) : () })->{customData};
}

# What Logto was asked since its start or the last clear:
# { total, paths => { PATH => n }, methods, grants, lured }.
sub logto_requests { $_[0]->logto_control('requests') }

sub clear_logto_requests {
    my $self = shift;
    return $self->control($self->port(2), 'DELETE', '/_control/requests');
}

sub logto_users {
    my $self = shift;
    open my $f, '<', $self->file('logto/users.json') or croak "users.json: $!";
    local $/;
    return JSON::PP->new->utf8->decode(<$f>);
}

1;
