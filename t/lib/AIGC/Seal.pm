package AIGC::Seal;

# What the gateway seals for the browser (oidc/ngx_aigc_session.h), as somebody
# makes it who has the sealing key: opened, changed, forged.

use strict;
use warnings;

use Carp qw(croak);
use Digest::SHA qw(sha256);
use IPC::Open2 qw(open2);
use MIME::Base64 qw(encode_base64url);

use AIGC::Secrets;

# key_file: another key than that of the stack.
sub new {
    my ($class, $t, %o) = @_;
    return bless { t => $t, key_file => $t->file('session.key'), %o }, $class;
}

sub _node {
    my ($self, $verb, $purpose, $line) = @_;
    my $pid = open2(my $out, my $in, 'node', $self->{t}->repo('t/lib/seal.mjs'), $verb, $self->{key_file}, $purpose);
    print $in "$line\n";
    close $in;
    my $text = do { local $/; <$out> } // '';
    waitpid $pid, 0;
    $? == 0 or croak "seal.mjs $verb $purpose: $?";
    chomp $text;
    return $text;
}

sub open { my ($self, $purpose, $text) = @_; return pack 'H*', $self->_node('open', $purpose, $text) }

sub seal {
    my ($self, $purpose, $bytes) = @_;
    my $text = $self->_node('seal', $purpose, unpack 'H*', $bytes);
    AIGC::Secrets::note($text, "sealed $purpose");
    return $text;
}

# What bound a session of version 1.0 to its browser.
sub bind { my ($self, $sid, $purpose) = @_; return $self->_node('mac', $purpose // 'bind', unpack 'H*', $sid) }

# The parts of a gateway's session.
sub parts {
    my ($self, $value, $purpose) = @_;
    my %s;
    @s{qw(version start n head claims signature refresh_token sid)} =
        unpack 'C Q> C n/a* n/a* n/a* n/a* n/a*', $self->open($purpose // 'gateway', $value);
    $s{n} == 3 or croak "an ID token of $s{n} parts";
    return \%s;
}

# id_token, and what else it is to have: the gateway's session, or with
# purpose => 'session' one of version 1.0.
sub session {
    my ($self, %o) = @_;
    return $self->seal($o{purpose} // 'gateway', pack 'C Q> C n/a* n/a* n/a*', 1, $o{start} // time, 0,
        $o{id_token}, $o{refresh_token} // '', $o{sid} // 'forged-session-forged-00');
}

sub _narrow {
    my (%o) = @_;
    return pack 'C Q> n/a* n/a* n/a* Q> n/a*', 1, $o{start} // time, $o{sid} // 'forged-session-forged-00', $o{sub},
        $o{kid} // '', $o{exp} // time + 3600, $o{refresh_token} // '';
}

# An instance's session and a ticket, for that host: sub, and what else.
sub instance { my ($self, $host, %o) = @_; return $self->seal($o{purpose} // "instance $host", _narrow(%o)) }

sub ticket {
    my ($self, $host, %o) = @_;
    return $self->seal($o{purpose} // "ticket $host", _narrow(%o)
        . pack 'n/a* Q>', defined $o{nonce} ? encode_base64url(sha256($o{nonce})) : '', $o{issued} // time);
}

1;
