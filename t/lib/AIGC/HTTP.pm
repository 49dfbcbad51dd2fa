package AIGC::HTTP;

# HTTP/1.x over a plain socket, with every byte of the request in the test's
# hand.  No cookies, no redirects: those are the client's (AIGC::Client).

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::INET;
use Scalar::Util qw(weaken);
use Time::HiRes qw(time);

use AIGC::Process;

our $TIMEOUT = 30 * $AIGC::Process::PATIENCE;

my %open;           # every connection that is still open

sub close_all { $_ && $_->close for values %open }

# http://host:port/path?query → (host, port, target)
sub split_url {
    my ($url) = @_;
    $url =~ m{^http://([^/:?#]+)(?::(\d+))?([^#]*)}i or croak "not a URL: $url";
    my ($host, $port, $target) = ($1, $2 // 80, $3);
    $target = "/$target" unless $target =~ m{^/};
    return ($host, $port, $target);
}

# Names are ours, hence on this machine; addresses are taken as they are.
sub connect {
    my ($class, $host, $port, %o) = @_;
    my $addr = $host =~ /^\d+\.\d+\.\d+\.\d+$/ ? $host : '127.0.0.1';

    my $sock = IO::Socket::INET->new(PeerAddr => $addr, PeerPort => $port,
        Timeout => $o{timeout} // $TIMEOUT) or croak "connect $addr:$port: $!";
    binmode $sock;
    $sock->autoflush(1);

    my $self = bless { sock => $sock, in => '',
        timeout => $o{timeout} // $TIMEOUT }, $class;
    $open{ 0 + $self } = $self;
    weaken $open{ 0 + $self };
    return $self;
}

sub DESTROY { my $self = shift; delete $open{ 0 + $self } }

sub close {
    my $self = shift;
    CORE::close delete $self->{sock} if $self->{sock};
}

sub send {
    my ($self, $bytes) = @_;
    local $SIG{PIPE} = 'IGNORE';
    while (length $bytes) {
        my $n = syswrite $self->{sock}, $bytes;
        last unless defined $n;             # the answer may be there already
        substr $bytes, 0, $n, '';
    }
}

# Waits until more has come in; false at the end of the stream.
sub fill {
    my ($self, $timeout) = @_;
    my $end = time + ($timeout // $self->{timeout});

    return 0 if $self->{eof} || !$self->{sock};
    my $rin = '';
    vec($rin, fileno $self->{sock}, 1) = 1;
    my $left = $end - time;
    select($rin, undef, undef, $left > 0 ? $left : 0)
        or croak sprintf 'no answer within %g s', $timeout // $self->{timeout};
    my $n = sysread $self->{sock}, $self->{in}, 65536, length $self->{in};
    return 1 if $n;
    $self->{eof} = 1;
    return 0;
}

sub readable {      # is there anything to read, the end included?  Waits for nothing
    my $self = shift;
    return 1 if length $self->{in} || $self->{eof} || !$self->{sock};
    my $rin = '';
    vec($rin, fileno $self->{sock}, 1) = 1;
    return select($rin, undef, undef, 0) > 0;
}

sub take {          # so many bytes, or what there is at the end of the stream
    my ($self, $n) = @_;
    1 while length $self->{in} < $n && $self->fill;
    return substr $self->{in}, 0, $n, '';
}

sub read_until {    # all up to and with what the pattern matches, or undef
    my ($self, $re, $timeout) = @_;
    until ($self->{in} =~ $re) {
        return unless $self->fill($timeout);
    }
    $self->{in} =~ $re;
    return substr $self->{in}, 0, $+[0], '';
}

# The bytes of a request: method, url; target, host, http, headers, body.
sub request_bytes {
    my (%o) = @_;
    my ($host, $port, $target) = split_url($o{url});
    my $http = $o{http} // '1.1';
    my @default = (
        Host => $o{host} // ($port == 80 ? $host : "$host:$port"),
        'User-Agent' => 'aigc-test',
        Accept       => '*/*',
        Connection   => $o{on} ? 'keep-alive' : 'close',
    );
    my $body = $o{body};

    if (ref $body eq 'ARRAY') {
        push @default, 'Transfer-Encoding' => 'chunked';
        $body = join '', map { sprintf "%x\r\n%s\r\n", length, $_ }
            grep { length } @$body;
        $body .= "0\r\n\r\n";
    } elsif (defined $body) {
        push @default, 'Content-Length' => length $body;
    } elsif ($o{method} =~ /^(?:POST|PUT|PATCH)$/) {
        push @default, 'Content-Length' => 0;
    }

    my @own = ref $o{headers} eq 'HASH' ? %{ $o{headers} } : @{ $o{headers} // [] };
    my %own;
    for (my $i = 0; $i < @own; $i += 2) { $own{ lc $own[$i] } = 1 }

    my $bytes = sprintf "%s %s HTTP/%s\r\n", $o{method}, $o{target} // $target, $http;
    my @all = @own;
    while (@default) {
        my ($name, $value) = splice @default, -2;
        unshift @all, $name, $value unless $own{ lc $name };
    }
    while (my ($name, $value) = splice @all, 0, 2) {
        $bytes .= "$name: $value\r\n" if defined $value;
    }
    return $bytes . "\r\n" . ($body // '');
}

# Reads one answer; `method` matters, HEAD has no body.
sub response {
    my ($self, %o) = @_;
    my ($head, $r);

    while (1) {
        $head = $self->read_until(qr/\r?\n\r?\n/);
        if (!defined $head) {
            return AIGC::HTTP::Response->new(url => $o{url}, code => 0,
                status_line => 'the connection was closed without an answer',
                headers => [], content => delete $self->{in} // '');
        }
        $r = _head($head, $o{url});
        last unless $r->code =~ /^1/ && $r->code != 101;
    }

    if ($r->code == 101 || ($o{method} // '') eq 'HEAD' || $r->code =~ /^(?:204|304)$/) {
        return $r;
    }
    if (($r->header('Transfer-Encoding') // '') =~ /chunked/i) {
        while (1) {
            my $size = $self->read_until(qr/\r\n/);
            if (!defined $size) { $r->{truncated} = 1; last }
            $size = hex((split /[;\r]/, $size)[0]);
            my $part = $self->take($size);
            $r->{content} .= $part;
            if (length $part < $size) { $r->{truncated} = 1; last }
            $self->read_until(qr/\r\n/);
            last if $size == 0;
        }
    } elsif (defined(my $length = $r->header('Content-Length'))) {
        $r->{content} = $self->take($length);
        $r->{truncated} = 1 if length $r->{content} < $length;
    } else {
        1 while $self->fill;
        $r->{content} = $self->{in};
        $self->{in} = '';
    }
    return $r;
}

sub _head {
    my ($head, $url) = @_;
    my ($first, @lines) = split /\r?\n/, $head;
    my ($http, $code) = $first =~ m{^HTTP/(\d\.\d) (\d{3})}
        or croak "not an HTTP answer: $first";
    my @headers = map { [ /^([^:]+):\s*(.*?)\s*$/ ] } @lines;
    return AIGC::HTTP::Response->new(url => $url, code => $code, http => $http,
        status_line => $first, headers => \@headers, content => '');
}

package AIGC::HTTP::Response;

use strict;
use warnings;

use JSON::PP ();

sub new { my ($class, %o) = @_; return bless {%o}, $class }

sub code        { $_[0]{code} }
sub status_line { $_[0]{status_line} }
sub url         { $_[0]{url} }          # of this answer, after redirects
sub http        { $_[0]{http} }
sub content     { $_[0]{content} }
sub truncated   { $_[0]{truncated} }
sub ok          { $_[0]{code} =~ /^2/ }

sub headers {       # every value of a header, in order
    my ($self, $name) = @_;
    return map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $self->{headers} };
}

sub header   { my @v = headers(@_); return @v ? join(', ', @v) : undef }
sub location { $_[0]->header('Location') }
sub type     { my $t = $_[0]->header('Content-Type') // ''; $t =~ s/\s*;.*//; lc $t }

sub json {
    my $self = shift;
    my $json = eval { JSON::PP->new->utf8->decode($self->{content}) };
    return $json if defined $json;
    die "no JSON from $self->{url}: $self->{status_line}\n" . substr($self->{content}, 0, 500) . "\n";
}

# The problem of RFC 9457, or of a page that tells a person of it; undef when the
# answer is none.
sub problem {
    my $self = shift;
    if ($self->type eq 'text/html') {
        my ($code)   = $self->content =~ /<main data-code="([a-z-]+)"/ or return;
        my ($detail) = $self->content =~ m{<p id="lead">(.*?)</p>};
        return { code => $code, detail => $detail, status => $self->code };
    }
    return $self->type eq 'application/problem+json' ? $self->json : undef;
}

# Cookies that the answer sets: { name => { value, domain, path, … } }
sub set_cookies {
    my $self = shift;
    return map { parse_cookie($_) } $self->headers('Set-Cookie');
}

sub parse_cookie {
    my ($line) = @_;
    my ($pair, @attrs) = split /\s*;\s*/, $line;
    my ($name, $value) = split /=/, $pair, 2;
    my %c = (name => $name, value => $value // '', line => $line);
    for (@attrs) {
        my ($k, $v) = split /=/, $_, 2;
        $c{ lc $k } = $v // 1;
    }
    return \%c;
}

1;
