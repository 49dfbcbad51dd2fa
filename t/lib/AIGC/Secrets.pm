package AIGC::Secrets;

# Every cookie, code and token that a test has come to hold, so that at its
# end no log may hold one.

use strict;
use warnings;

use JSON::PP ();

my %known;          # a piece of the secret => what it is

# A log line is cut at 2 KB, a token may stand in it in part: pieces of 32
# characters are looked for, after a beginning that all of a kind share.
sub note {
    my ($value, $what) = @_;
    return if !defined $value || length $value < 16;
    my $n = length $value;
    $known{ substr $value, $n > 48 ? 8 : 0, 32 } = $what;
    $known{ substr $value, $n / 2, 32 } = $what if $n > 96;
}

sub in_response {
    my ($r) = @_;
    note($_->{value}, "cookie $_->{name}") for $r->set_cookies;
    my $location = $r->location // return;
    while ($location =~ /[?&](code|state|aigc_ticket)=([^&#]+)/g) {
        note($2, "\"$1\" of a redirect");
    }
}

sub in_file {
    my ($file, $what) = @_;
    open my $f, '<', $file or return;
    while (my $line = <$f>) { chomp $line; note($line, $what) }
}

# What Logto's stand-in has issued, and no browser has seen.
sub in_logto {
    my ($file) = @_;
    open my $f, '<', $file or return;
    my $state = eval { local $/; JSON::PP->new->utf8->decode(<$f>) } or return;
    for my $kind (qw(RefreshToken AccessToken ClientCredentials AuthorizationCode)) {
        note($_->[0], "Logto's $kind") for @{ $state->{models}{$kind} // [] };
    }
}

sub known { return scalar keys %known }

# (line number, kind) of the first secret in a log, or nothing.
sub find {
    my ($file) = @_;
    return unless %known;
    my $any = join '|', map { quotemeta } sort keys %known;
    open my $f, '<', $file or return;
    while (my $line = <$f>) { return ($., $known{$1}) if $line =~ /($any)/ }
    return;
}

1;
