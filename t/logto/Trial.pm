# Trial.pm: runs the stand-in for t/logto.t: start and stop, a browser, requests, shapes.
# What is promised stands in t/logto.t, not here.

package Trial;

use strict;
use warnings;

use Digest::SHA qw(sha256);
use Exporter qw(import);
use File::Temp qw(tempdir);
use FindBin qw($Bin);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(decode_base64url encode_base64 encode_base64url);
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep);

our @EXPORT = qw(start stop slurp received receive request control browser auth_url follow submit
    code_of code_for redeem refresh sign_in m2m me api jwt shape answer same_shape as_recorded
    $logto $dir $port $base $gateway $cb $scope $verifier $ua $key %app %differs);

our $logto   = "$Bin/logto";
our $dir     = tempdir(CLEANUP => 1);
our $port    = free_port();
our $base    = "http://127.0.0.1:$port";
our $gateway = 'http://dashboard.aigc.localhost:8080';
our $cb      = "$gateway/sign-in-callback";
our $scope   = 'openid profile email custom_data offline_access roles';
our $ua      = HTTP::Tiny->new(max_redirect => 0, timeout => 15);
our $key;               # of the Management API, for api()
our %app;               # id and secret; m2m and norole: [id, secret]
our %differs;           # "answer/member" => why it is not as recorded

my $resource = 'https://default.logto.app/api';
my $inbox    = "$dir/inbox";
my $inport   = free_port();
my ($server, $receiver, %answers);

END {
    my $status = $?;
    for my $pid (grep { defined } $server, $receiver) {
        kill TERM => $pid;
        waitpid $pid, 0;
    }
    $? = $status;
}

# --- the server ---

sub free_port {
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
    return $s->sockport;
}

sub launch {
    $server = fork // die $!;
    if (!$server) {
        open STDOUT, '>>', "$dir/out";
        open STDERR, '>>', "$dir/out";
        exec 'node', "$logto/server.mjs", '--port', $port, '--dir', "$dir/state",
            '--gateway', $gateway, '--webhook', "http://hooks.localhost:$inport/hook",
            '--backchannel', "http://127.0.0.1:$inport/backchannel", @_;
        die "node: $!";
    }
    for (1 .. 200) {
        return if -e "$dir/state/ready";
        last if waitpid($server, WNOHANG) == $server;
        sleep 0.1;
    }
    undef $server;
    BAIL_OUT("the server did not start: " . slurp("$dir/out"));
}

# Starts the server and learns what it wrote for the gateway.
sub start {
    launch(@_);
    $app{$_} = slurp("$dir/state/app_$_") for qw(id secret);
    $app{m2m} = [ map { slurp("$dir/state/m2m_app_$_") } qw(id secret) ];
    $app{norole} = [ map { slurp("$dir/state/m2m_norole_app_$_") } qw(id secret) ];
    $app{other} = [ map { slurp("$dir/state/other_app_$_") } qw(id secret) ];
    (my $text = slurp("$logto/answers.json")) =~ s{http://localhost:3001}{$base}g;
    %answers = %{ decode_json($text) };
}

sub stop {
    kill TERM => $server;
    waitpid $server, 0;
    undef $server;
}

sub slurp {
    open my $fh, '<:raw', $_[0] or return '';
    local $/;
    return scalar <$fh>;
}

# Takes what Logto sends by itself; each request becomes a file in the inbox.
sub receive {
    mkdir $inbox;
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $inport,
        Listen => 5, ReuseAddr => 1) or die $!;
    $receiver = fork // die $!;
    return if $receiver;
    $SIG{TERM} = sub { POSIX::_exit(0) };
    for (my $n = 1; my $c = $s->accept; $n++) {
        my $text = '';
        while (defined(my $line = <$c>)) {
            $text .= $line;
            last if $line eq "\r\n";
        }
        my ($length) = $text =~ /^content-length: (\d+)/im;
        read $c, my $body, $length // 0;
        print $c "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        close $c;
        open my $fh, '>:raw', "$inbox/tmp" or next;
        print $fh $text, $body;
        close $fh;
        rename "$inbox/tmp", sprintf '%s/%03d', $inbox, $n;
    }
    POSIX::_exit(0);
}

sub received {
    for (1 .. 50) {
        my ($file) = sort grep { !/tmp$/ } glob "$inbox/*";
        if ($file) {
            my ($head, $body) = split /\r\n\r\n/, slurp($file), 2;
            unlink $file;
            my ($line, @head) = split /\r\n/, $head;
            return { line => $line, body => $body,
                headers => { map { my ($k, $v) = split /: /, $_, 2; (lc $k, $v) } @head } };
        }
        sleep 0.1;
    }
    return { line => 'nothing came', body => '', headers => {} };
}

# --- requests ---

{   # a cookie jar as HTTP::Tiny wants one
    package Jar;
    sub new { bless {}, shift }
    sub add {
        my ($self, $url, $cookie) = @_;
        my ($name, $value) = $cookie =~ /^([^=]+)=([^;]*)/ or return;
        my ($path) = $cookie =~ /;\s*path=([^;]*)/i;
        $self->{"$name $path"} = $cookie =~ /expires=Thu, 01 Jan 1970/i ? '' : $value;
    }
    sub cookie_header {
        my ($self, $url) = @_;
        my ($at) = $url =~ m{^http://[^/]+([^?]*)};
        return join '; ', map { my ($name) = split / /; "$name=$self->{$_}" }
            grep { my (undef, $path) = split / /; $self->{$_} ne '' && index($at, $path) == 0 }
            sort keys %$self;
    }
}

sub request {
    my ($agent, $method, $path, %opt) = @_;
    my %h = %{ $opt{headers} // {} };
    my $content = $opt{form} ? $ua->www_form_urlencode($opt{form})
        : $opt{json} ? encode_json($opt{json}) : undef;
    $h{'content-type'} = 'application/x-www-form-urlencoded' if $opt{form};
    $h{'content-type'} = 'application/json' if $opt{json};
    $h{authorization} = "Bearer $opt{bearer}" if $opt{bearer};
    $h{authorization} = 'Basic ' . encode_base64("$opt{basic}[0]:$opt{basic}[1]", '')
        if $opt{basic};
    my $url = $path =~ /^http/ ? $path : "$base$path";
    my $r = $agent->request($method, $url,
        { headers => \%h, (defined $content ? (content => $content) : ()) });
    $r->{json} = eval { decode_json($r->{content}) } if ($r->{content} // '') =~ /^[{\[]/;
    return $r;
}

sub control {
    my ($method, $path, $body) = @_;
    my $r = request($ua, $method, "/_control/$path", ($body ? (json => $body) : ()));
    diag "/_control/$path: $r->{status} $r->{content}" if $r->{status} != 200;
    return $r->{json};
}

sub browser { HTTP::Tiny->new(max_redirect => 0, timeout => 15, cookie_jar => Jar->new) }

our $verifier = 'v' x 50;

sub auth_url {
    my (%p) = @_;
    my %q = (client_id => $app{id}, redirect_uri => $cb, response_type => 'code', scope => $scope,
        state => 's', prompt => 'consent', code_challenge_method => 'S256',
        code_challenge => encode_base64url(sha256($verifier)), %p);
    delete @q{ grep { !defined $q{$_} } keys %q };
    return '/oidc/auth?' . $ua->www_form_urlencode(\%q);
}

# Follows the redirects on the server; returns the answer that stops them.
sub follow {
    my ($b, $r) = @_;
    for (1 .. 8) {
        my $to = $r->{headers}{location} or return $r;
        return $r if $to =~ /^\Q$cb\E/;
        $r = request($b, GET => $to);
    }
    return $r;
}

sub submit {
    my ($b, $form, $user, $password) = @_;
    return request($b, POST => '/sign-in', form =>
        { username => $user, password => $password // "$user-pass" });
}

sub code_of { my ($r) = @_; return ($r->{headers}{location} // '') =~ /[?&]code=([^&]+)/ ? $1 : '' }

# Signs in by the form; returns the code (and uses the browser's session if it has one).
sub code_for {
    my ($user, $b, %p) = @_;
    my $r = follow($b, request($b, GET => auth_url(%p)));
    $r = follow($b, submit($b, $r, $user)) if $r->{content} =~ /<form method="post" action="\/sign-in"/;
    return code_of($r);
}

sub token {
    my (%form) = @_;
    return request($ua, POST => '/oidc/token', basic => [ @app{qw(id secret)} ], form => \%form);
}

sub redeem {
    my ($code, %form) = @_;
    return token(grant_type => 'authorization_code', code => $code, redirect_uri => $cb,
        code_verifier => $verifier, %form);
}

sub refresh { my ($t, %p) = @_; return token(grant_type => 'refresh_token', refresh_token => $t, %p) }

sub sign_in {
    my ($user, %p) = @_;
    my $b = delete $p{browser} // browser();
    return redeem(code_for($user, $b, %p))->{json};
}

sub m2m {
    my ($id, $secret, %form) = @_;
    return request($ua, POST => '/oidc/token', basic => [ $id, $secret ],
        form => { grant_type => 'client_credentials', resource => $resource, scope => 'all', %form });
}

sub me { return request($ua, GET => '/oidc/me', ($_[0] ? (bearer => $_[0]) : ())) }

sub jwt { return map { decode_json(decode_base64url($_)) } (split /\./, $_[0])[ 0, 1 ] }

# --- shapes ---

my %exact = map { $_ => 1 } qw(alg typ token_type expires_in scope error error_uri
    error_description code message details issue event method matchedRoute issuer kty use crv);

sub shape {
    my ($v, $key) = @_;
    if (ref $v eq 'HASH')  { return { map { $_ => shape($v->{$_}, $_) } keys %$v } }
    if (ref $v eq 'ARRAY') { return [ map { shape($_) } @$v ] }
    return 'null' unless defined $v;
    return 'boolean' if JSON::PP::is_bool($v);
    return $v if defined $key && $exact{$key};
    return 'number' if encode_json([$v]) !~ /^\["/;
    return "opaque $1" if $v =~ /^<opaque, (\d+) characters>$/;
    return { header => shape(decode_json($1)), claims => shape(decode_json($2)) }
        if $v =~ /^<JWT (\{.*?\}) (\{.*\})>$/;
    if ($v =~ /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/) {
        my ($header, $claims) = jwt($v);
        return { header => shape($header), claims => shape($claims) };
    }
    return 'opaque 43' if $v =~ /^[\w-]{43}$/;
    return 'string';
}

sub answer { my ($name) = @_; return $answers{$name} // die "no recorded answer $name" }

# the body (or any value) as recorded
sub same_shape {
    my ($got, $want, $name) = @_;
    if (ref $got eq 'HASH' && ref $want eq 'HASH') {
        my ($short) = split / /, $name;
        delete @$_{ map { m{^\Q$short\E/(.*)} ? $1 : () } keys %differs } for $got, $want;
    }
    return is_deeply(shape($got), shape($want), $name);
}

# the whole answer as recorded: status, the recorded headers, body
sub as_recorded {
    my ($r, $name) = @_;
    my $want = answer($name);
    subtest $name => sub {
        is $r->{status}, $want->{status}, 'status' if $want->{status};
        for my $h (sort keys %{ $want->{headers} // {} }) {
            is $r->{headers}{$h}, $want->{headers}{$h}, "header $h";
        }
        if (ref $want->{body}) { same_shape($r->{json}, { %{ $want->{body} } }, $name) }
        else                   { is $r->{content} // '', $want->{body}, 'body' }
    };
}

sub api {
    my ($method, $path, %opt) = @_;
    return request($ua, $method, "/api$path", bearer => $key, %opt);
}

1;
