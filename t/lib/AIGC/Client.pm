package AIGC::Client;

# Somebody who talks to the gateway: a user with a cookie jar of its own, or a
# stranger without one.

use strict;
use warnings;

use Carp qw(croak);
use JSON::PP ();
use Time::HiRes qw(sleep time);

use AIGC::Events;
use AIGC::HTTP;
use AIGC::Instance;
use AIGC::Secrets;
use AIGC::WebSocket;

my $json = JSON::PP->new->utf8->canonical;

# What a browser sends with a page that its user asked for.
my @navigation = (
    Accept => 'text/html,application/xhtml+xml,*/*;q=0.8',
    'Upgrade-Insecure-Requests' => 1,
    'Sec-Fetch-Site' => 'none',
    'Sec-Fetch-Mode' => 'navigate',
    'Sec-Fetch-User' => '?1',
    'Sec-Fetch-Dest' => 'document',
);

sub new {
    my ($class, %o) = @_;
    return bless { jar => [], %o }, $class;
}

sub stack { $_[0]{stack} }
sub user  { $_[0]{user} }

# Another client with the same cookies: a second tab, or a thief.
sub copy {
    my $self = shift;
    return bless { %$self, jar => [ map { {%$_} } @{ $self->{jar} } ] }, ref $self;
}

### Requests

# A path alone means the gateway.  Options: headers => {} or [], body (a string,
# or [chunks]), http => '1.0', host, target (request line), cookies => 0,
# follow => N, timeout, on => $connection (keep-alive).
sub request {
    my ($self, $method, $url, %o) = @_;
    return $self->begin($method, $url, %o)->response;
}

sub get     { my $self = shift; $self->request('GET', @_) }
sub head    { my $self = shift; $self->request('HEAD', @_) }
sub post    { my $self = shift; $self->request('POST', @_) }
sub put     { my $self = shift; $self->request('PUT', @_) }
sub delete  { my $self = shift; $self->request('DELETE', @_) }
sub options { my $self = shift; $self->request('OPTIONS', @_) }

# GET as a browser navigates.
sub browse {
    my ($self, $url, %o) = @_;
    return $self->get($url, %o, headers => _join(\@navigation, $o{headers}));
}

# The gateway's API as its dashboard calls it; a body is a Perl structure.
sub api {
    my ($self, $method, $path, $body, %o) = @_;
    return $self->begin_api($method, $path, $body, %o)->response;
}

sub begin_api {
    my ($self, $method, $path, $body, %o) = @_;
    my @headers = (Accept => 'application/json',
        Origin => $self->stack->origin, 'Sec-Fetch-Site' => 'same-origin');

    if (ref $body) {
        push @headers, 'Content-Type' => 'application/json';
        $body = $json->encode($body);
    }
    return $self->begin($method, $path, %o,
        (defined $body ? (body => $body) : ()),
        headers => _join(\@headers, $o{headers}));
}

# Sends now, reads later: many at once are many `begin`, then many `response`.
sub begin {
    my ($self, $method, $url, %o) = @_;

    $url = $self->_plain($url =~ m{^/} ? $self->stack->url($url) : $url);
    my ($host, $port, $target) = AIGC::HTTP::split_url($url);

    my $headers = _join([], $o{headers});
    if (($o{cookies} // 1) && !grep { lc eq 'cookie' } _names($headers)) {
        my $cookie = $self->cookie_header($url);
        push @$headers, Cookie => $cookie if length $cookie;
    }

    my $conn = $o{on} // AIGC::HTTP->connect($host, $port, timeout => $o{timeout});
    $conn->send(AIGC::HTTP::request_bytes(%o, method => $method, url => $url,
        headers => $headers));

    return AIGC::Client::Pending->new(client => $self, conn => $conn,
        method => $method, url => $url, options => \%o);
}

# A connection for several requests (on => …), or for bytes of one's own.
sub connect {
    my ($self, $url) = @_;
    $url = $self->stack->url($url // '/') if ($url // '/') =~ m{^/};
    my ($host, $port) = AIGC::HTTP::split_url($self->_plain($url));
    return AIGC::HTTP->connect($host, $port);
}

# Where a stack's public address is the TLS one: the same at its plain port.
sub _plain {
    my ($self, $url) = @_;
    my $t = $self->stack;
    return $url unless $t->{opt}{https};
    my ($tls, $plain) = ($t->port(8), $t->port);
    return $url =~ s{^https://([^/:?#]+):$tls(?!\d)}{http://$1:$plain}r;
}

# These very bytes; the first answer to them.
sub raw {
    my ($self, $bytes, %o) = @_;
    my $conn = $self->connect($o{url});
    $conn->send($bytes);
    return $conn->response(url => $o{url} // 'raw', method => $o{method});
}

# curl with this client's cookies, e.g. ('--http2-prior-knowledge', $url).
# Returns its exit status and what it printed.
sub curl {
    my ($self, @args) = @_;
    my ($url) = grep { m{^https?://} } @args;
    (my $plain = $url // '') =~ s/^https:/http:/;
    my $cookie = $url ? $self->cookie_header($plain, secure => scalar($url =~ /^https/)) : '';
    open my $out, '-|', 'curl', '-sS', '--max-time', 30,
        '--connect-to', '::127.0.0.1:', '--cacert', $self->stack->file('tls.crt'),
        (length $cookie ? ('-H', "Cookie: $cookie") : ()), @args
        or croak "curl: $!";
    my $text = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $text);
}

sub events {        # the event stream of the API
    my ($self, %o) = @_;
    return AIGC::Events->open($self, %o);
}

sub websocket {
    my ($self, $url, %o) = @_;
    return AIGC::WebSocket->open($self, $url, %o);
}

sub _join {
    my (@lists) = @_;
    return [ map { ref $_ eq 'HASH' ? %$_ : @{ $_ // [] } } @lists ];
}

sub _names {
    my ($list) = @_;
    return map { $list->[ 2 * $_ ] } 0 .. @$list / 2 - 1;
}

### Cookies, as a browser keeps them (RFC 6265)

sub remember {
    my ($self, $r) = @_;
    my ($host, undef, $target) = AIGC::HTTP::split_url($r->url);

    AIGC::Secrets::in_response($r);

    for my $c ($r->set_cookies) {
        my $domain = lc($c->{domain} // '');
        $domain =~ s/^\.//;
        next if length $domain && $host ne $domain && $host !~ /\.\Q$domain\E$/;
        my %cookie = (name => $c->{name}, value => $c->{value},
            domain => $domain || $host, only_host => !length $domain,
            path => ($c->{path} // '') =~ m{^/} ? $c->{path} : _default_path($target),
            secure => !!$c->{secure}, httponly => !!$c->{httponly});
        $self->_drop($cookie{name}, $cookie{domain}, $cookie{path});
        my $age = $c->{'max-age'};
        my $gone = defined $age ? $age <= 0
            : ($c->{expires} // '') =~ /\b(\d{4})\b/ && $1 < 2000;
        push @{ $self->{jar} }, \%cookie unless $gone;
    }
}

sub cookie_header {
    my ($self, $url, %o) = @_;
    $url = $self->_plain($url);
    my ($host, undef, $target) = AIGC::HTTP::split_url($url);
    $self->_enter($url) unless $self->{entering};
    (my $path = $target) =~ s/\?.*//;

    return join '; ', map { "$_->{name}=$_->{value}" }
        sort { length $b->{path} <=> length $a->{path} }
        grep {
            ($_->{only_host} ? $host eq $_->{domain}
                : $host eq $_->{domain} || $host =~ /\.\Q$_->{domain}\E$/)
            && ($path eq $_->{path} || $path =~ m{^\Q$_->{path}\E(?:(?<=/)|/)})
            && (!$_->{secure} || $o{secure} || $self->stack->{opt}{https})
        } @{ $self->{jar} };
}

# A browser comes to an instance's host by a navigation, which gives it the
# session of that host; these clients make that navigation before their first
# request there.  Nothing of it reaches the pod.
sub _enter {
    my ($self, $url) = @_;
    my ($host) = AIGC::HTTP::split_url($url);
    my $t = $self->stack;
    my $session = $self->cookie('aigc-session') // return;
    return if $url !~ /^http:/ || $host eq $t->host || $host !~ /\.\Q@{[ $t->domain ]}\E$/;
    return if $self->host_cookie('aigc-instance', $host) || ($self->{over} // '') eq $session;

    local $self->{entering} = 1;
    my ($to) = $url =~ m{^(http://[^/]+)};
    for (1 .. 4) {
        my $r = eval { $self->browse("$to", timeout => 10) } // return;
        return if $r->code !~ /^30[23]$/ || $self->host_cookie('aigc-instance', $host);
        $to = $self->_plain($r->location);
        my ($next) = AIGC::HTTP::split_url($to);
        # to the provider: the session is over
        return $self->{over} = $session if $next ne $host && $next ne $t->host;
    }
}

# The value of the cookie of that name and of that very host.
sub host_cookie {
    my ($self, $name, $host) = @_;
    $name = $self->_name($name);
    my ($c) = grep { $_->{name} eq $name && $_->{domain} eq $host } @{ $self->{jar} };
    return $c && $c->{value};
}

# The session at the host of that URL, which is entered first if need be.
sub host_session {
    my ($self, $url) = @_;
    $self->cookie_header($url);
    return $self->host_cookie('aigc-instance', (AIGC::HTTP::split_url($self->_plain($url)))[0]);
}

# /auth's answer about a URL, asked as by an ingress controller: with the cookies
# that a browser sends to that URL, or to another one (of => $url).
sub auth {
    my ($self, $url, %o) = @_;
    my $cookie = $self->cookie_header($o{of} // $url);
    return $self->request($o{method} // 'GET', '/auth', %o, headers => _join(['X-Original-URL' => $url,
        Cookie => length $cookie ? $cookie : undef], $o{headers}));
}

sub cookies { @{ $_[0]{jar} } }

# With TLS the gateway's own cookies have a prefix.
sub _name {
    my ($self, $name) = @_;
    return $self->stack->{opt}{https} && $name =~ /^aigc-/ ? "__Host-$name" : $name;
}

sub cookie {        # the value of the first cookie of that name
    my ($self, $name) = @_;
    $name = $self->_name($name);
    my ($c) = grep { $_->{name} eq $name } @{ $self->{jar} };
    return $c && $c->{value};
}

sub set_cookie {    # name, value, domain => …, path => …
    my ($self, $name, $value, %o) = @_;
    my %c = (name => $name, value => $value, domain => $self->stack->root,
        only_host => 0, path => '/', secure => 0, %o);
    $self->_drop($name, $c{domain}, $c{path});
    push @{ $self->{jar} }, \%c;
}

sub drop_cookie {
    my ($self, $name) = @_;
    $self->{jar} = [ grep { $_->{name} ne $name } @{ $self->{jar} } ];
}

sub _drop {
    my ($self, $name, $domain, $path) = @_;
    $self->{jar} = [ grep { $_->{name} ne $name || $_->{domain} ne $domain
        || $_->{path} ne $path } @{ $self->{jar} } ];
}

sub _default_path {
    my ($target) = @_;
    my ($path) = $target =~ m{^(/[^?]*)/};
    return $path // '/';
}

### Signing in, installing

# From wherever the gateway sends, through Logto's form, back to `rd`.
# Returns the answer at the end of the way.
sub sign_in {
    my ($self, %o) = @_;
    my $start = $o{from} // '/sign-in' . (defined $o{rd} ? "?rd=$o{rd}" : '');
    my $user  = $o{user} // $self->{user};

    my $r = $self->browse($start, follow => 10);
    my $form = form($r) or croak "no sign-in form at " . $r->url . ': '
        . $r->status_line . "\n" . substr($r->content, 0, 500);
    $form->{fields}{username} = $user;
    $form->{fields}{password} = $o{password} // "$user-pass";

    return $self->submit($form, follow => 10);
}

sub submit {
    my ($self, $form, %o) = @_;
    my $body = join '&', map { escape($_) . '=' . escape($form->{fields}{$_}) }
        sort keys %{ $form->{fields} };
    return $self->post($form->{action}, %o, body => $body, headers => _join(
        \@navigation, ['Content-Type' => 'application/x-www-form-urlencoded']));
}

# The first form of a page: { action, fields }.
sub form {
    my ($r) = @_;
    my ($attrs, $inner) = $r->content =~ m{<form\b([^>]*)>(.*?)</form>}is or return;
    my ($action) = $attrs =~ /\baction=["']([^"']*)/i;
    my %fields;
    while ($inner =~ /<input\b([^>]*)>/gi) {
        my $input = $1;
        my ($name) = $input =~ /\bname=["']([^"']*)/i or next;
        my ($value) = $input =~ /\bvalue=["']([^"']*)/i;
        $fields{ unescape_html($name) } = unescape_html($value // '');
    }
    return { action => resolve($r->url, unescape_html($action // '')),
        fields => \%fields };
}

sub install {       # → the instance, as the answer shows it; another => 1
    my ($self, $template, %o) = @_;
    my $ns = $o{namespace} // 'default';
    my $r  = $self->api('POST', "/api/v1/templates/$ns/$template/install",
        $o{another} ? { another => JSON::PP::true } : undef);
    croak "install $template: " . $r->status_line . "\n" . $r->content unless $r->ok;
    return AIGC::Instance->new($self, $r->json);
}

sub instances {
    my $self = shift;
    my $r = $self->api('GET', '/api/v1/instances');
    croak 'instances: ' . $r->status_line unless $r->ok;
    return map { AIGC::Instance->new($self, $_) } @{ $r->json->{instances} };
}

### Small parts

sub resolve {       # a reference, seen from a URL
    my ($base, $ref) = @_;
    return $ref if $ref =~ m{^[a-z]+://}i;
    my ($origin, $path) = $base =~ m{^(http://[^/?#]+)([^?#]*)}i;
    return $base if $ref eq '';
    return "http:$ref" if $ref =~ m{^//};
    return $origin . $ref if $ref =~ m{^/};
    return "$origin$path$ref" if $ref =~ /^\?/;
    $path =~ s{[^/]*$}{};
    return $origin . ($path || '/') . $ref;
}

sub escape {
    my ($text) = @_;
    utf8::encode($text) if utf8::is_utf8($text);
    $text =~ s/([^A-Za-z0-9._~-])/sprintf '%%%02X', ord $1/ge;
    return $text;
}

sub unescape_html {
    my ($text) = @_;
    $text =~ s/&#x([0-9a-f]+);/chr hex $1/gie;
    $text =~ s/&#(\d+);/chr $1/ge;
    my %named = (lt => '<', gt => '>', quot => '"', apos => "'", amp => '&');
    $text =~ s/&(lt|gt|quot|apos|amp);/$named{$1}/g;
    return $text;
}

package AIGC::Client::Pending;

# A request that has been sent, and whose answer has not been read.

use strict;
use warnings;

sub new { my ($class, %o) = @_; return bless {%o}, $class }

sub conn { $_[0]{conn} }

sub response {
    my $self = shift;
    my %o = %{ $self->{options} };
    my ($client, $url, $method) = @$self{qw(client url method)};

    my $r = $self->{conn}->response(method => $method, url => $url);
    $self->{conn}->close unless $o{on};
    $client->remember($r) if $o{cookies} // 1;

    my $to = $o{follow} && $r->code =~ /^30[12378]$/ ? $r->location : undef;
    return $r unless defined $to;

    $to = AIGC::Client::resolve($url, $to);
    delete @o{qw(on target host)};
    if ($r->code !~ /^30[78]$/ && $method ne 'HEAD') {
        $method = 'GET';
        delete $o{body};
        $o{headers} = _without($o{headers}, 'content-type');
    }
    return $client->request($method, $to, %o, follow => $o{follow} - 1);
}

sub _without {
    my ($headers, $name) = @_;
    my @all = ref $headers eq 'HASH' ? %$headers : @{ $headers // [] };
    my @kept;
    while (my ($k, $v) = splice @all, 0, 2) {
        push @kept, $k, $v unless lc $k eq $name;
    }
    return \@kept;
}

1;
