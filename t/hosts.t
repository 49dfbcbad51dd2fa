# t/hosts.t — the host of a request is one, whatever its lines say: it chooses
# server, instance and decision together; nothing else is believed

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;

# A port with HTTP/2, and one where the instances' server is the only one, so
# that the module alone decides on a host.
my $t = AIGC::Stack->start(edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my ($h2, $alone) = ($port + 10, $port + 11);
    $text =~ s/listen 127\.0\.0\.1:$port\b( default_server)?;/$& listen 127.0.0.1:$h2 http2@{[ $1 \/\/ '' ]};/g;
    $text =~ s/(server_name \*\.)/listen 127.0.0.1:$alone;\n        $1/;
    return $text;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install('stable-diffusion-cpu');
my $his  = $bob->install('stable-diffusion-cpu');
$_->wait_ready for $hers, $his;
my $port    = $t->port;
my $dash    = $t->host . ":$port";
my ($h, $o) = map { $_->host . ":$port" } $hers, $his;
my $bobs    = $bob->cookie_header($t->url);

# Bob is the one who tries, with every session of an instance's host that he can
# get: his own and hers.
my $cookies = join '; ', map { 'aigc-instance=' . $bob->host_session($_->url) } $his, $hers;

# Bob's request with these very lines; what it came to: the instance that has
# answered, or the status.
sub sent {
    my ($line, $headers, $to) = @_;
    my $conn = AIGC::HTTP->connect('127.0.0.1', $to // $port);
    $conn->send(join "\r\n", $line, @$headers, "Cookie: $cookies", 'Connection: close', '', '');
    my $r = $conn->response(method => 'GET', url => 'raw');
    $conn->close;
    return $r;
}

sub pod { my ($r) = @_; return $r->code == 200 && eval { defined $r->json->{instance} } ? 'instance ' . $r->json->{instance} : $r->code }

# Of no shape may bob reach what is alice's; many of them reach nothing at all.
my @tricks = (
    # what Host says, beside what it seems to say
    map({ ["Host: $_", "GET /info HTTP/1.1", ["Host: $_"]] }
        $h, uc $h, $hers->host, $hers->host . '.', $hers->host . '..', $hers->host . ':', $hers->host . ':0', "$h:80", "$o\@$h", "$h\@$o", "x:y\@$h", "\@$h", "$h#$o", "$h?$o", "$h/$o", "/$h", "//$h", "http://$h", "$h,$o", "$o,$h", "$h $o",
        "$h\t", " $h", "[$h]", "$h\\$o", "$h%00", "$h%2e", "$h%2f$o", "$h;$o", "'$h'", "\"$h\"", $hers->host . "\xe3\x80\x82:$port", "\xe2\x93\x98" . substr($h, 1), '*.' . $t->root, '*', '.', '', '_', '127.0.0.1', '[::1]', $t->root, 'localhost'),
    ['no Host', 'GET /info HTTP/1.1', []],
    ['no Host, HTTP/1.0', 'GET /info HTTP/1.0', []],
    ['two Hosts, his first', 'GET /info HTTP/1.1', ["Host: $o", "Host: $h"]],
    ['two Hosts, hers first', 'GET /info HTTP/1.1', ["Host: $h", "Host: $o"]],
    ['two Hosts that are the same', 'GET /info HTTP/1.1', ["Host: $h", "Host: $h"]],
    ['a second Host with a blank', 'GET /info HTTP/1.1', ["Host: $o", "Host : $h"]],
    ['a folded Host', 'GET /info HTTP/1.1', ["Host: $o", " $h"]],
    ['a Host on its second line', 'GET /info HTTP/1.1', ["Host:", " $h"]],
    ['a Host before a carriage return', 'GET /info HTTP/1.1', ["Host: $o\rHost: $h"]],
    # the absolute form
    map({ my ($uri, $host) = @$_; ["$uri, Host: $host", "GET $uri HTTP/1.1", ["Host: $host"]] }
        ["http://$h/info", $o], ["http://$h/info", $h], ["http://$h/info", $dash], ["http://$h/info", 'evil.example'], ["http://$o/info", $h], ["http://$dash/api/v1/me", $h], ["http://\U$h\E/info", $o], ["https://$h/info", $o], ["ftp://$h/info", $o], ["x://$h/info", $o],
        ["http://$o\@$h/info", $o], ["http://$h\@$o/info", $o], ["http://$h:1/info", $o], ["http://$h./info", $o], ["http://$h?/info", $o], ["http://$h#/info", $o], ["http:///info", $h], ["http://$h\\\@$o/info", $o], ["http://[$h]/info", $o], ["//$h/info", $o], ["///$h/info", $o], ["http:/$h/info", $o]),
    ['the absolute form, HTTP/1.0, no Host', "GET http://$h/info HTTP/1.0", []],
    ['the absolute form, HTTP/1.0, his Host', "GET http://$h/info HTTP/1.0", ["Host: $o"]],
    ['CONNECT', "CONNECT $h HTTP/1.1", ["Host: $o"]],
    # what others might believe
    map({ my $name = $_; map { ["$name: $_", 'GET /info HTTP/1.1', ["Host: $o", "$name: $_"]] } $h }
        qw(X-Forwarded-Host X-Forwarded-Server X-Host X-Original-Host X-Original-URL X-Rewrite-URL X-HTTP-Host-Override Forwarded X-Forwarded-For X-Real-IP True-Client-IP X-Auth-Request-User X-Forwarded-User X-Forwarded-Prefix X-HTTP-Method-Override)),
    ['Forwarded with a host', 'GET /info HTTP/1.1', ["Host: $o", "Forwarded: for=127.0.0.1;host=$h;proto=http"]],
);

subtest 'on the port of all' => sub {
    for (@tricks) {
        my ($what, $line, $headers) = @$_;
        my $r = sent($line, $headers);
        my $got = pod($r);
        ok $got eq 'instance ' . $his->id || $got =~ /^(?:0|[345]\d\d)$/, ($what =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger) . ": $got";
        unlike $r->content . ($r->location // ''), qr/evil/, '… and what is not known is not repeated' if "$line@$headers" =~ /evil/;
    }
    is pod(sent('GET /info HTTP/1.1', ["Host: $h"])), 403, 'as it stands: hers is refused to him';
    is pod(sent('GET /info HTTP/1.1', ["Host: $o"])), 'instance ' . $his->id, '… and his is his';
    is pod(sent("GET http://$o/info HTTP/1.1", ["Host: $_"])), 400, "by the absolute form not beside the Host $_, which somebody in between might go by"
        for $h, $dash, 'evil.example', "$o.evil.example", $t->root;
    is pod(sent("GET http://$o/info HTTP/1.1", ["Host: \U$o"])), 'instance ' . $his->id, '… but beside the same one';
};

subtest 'where the instances\' server is the only one' => sub {
    for (@tricks) {
        my ($what, $line, $headers) = @$_;
        my $got = pod(sent($line, $headers, $t->port(11)));
        ok $got eq 'instance ' . $his->id || $got =~ /^(?:0|[345]\d\d)$/, ($what =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger) . ": $got";
    }
};

subtest 'what the pod is told' => sub {
    my %h;
    for my $r (sent("GET http://$o/headers HTTP/1.1", ["Host: $o"]), sent('GET /headers HTTP/1.1', ["Host: \U$o", map { "$_: evil.example" }
        qw(X-Forwarded-Host X-Forwarded-Proto X-Forwarded-For X-Real-IP X-Auth-Request-User Forwarded)])) {
        is $r->code, 200, 'bob\'s own request';
        %h = map { lc $_->[0] => $_->[1] } @{ $r->json->{headers} };
        is lc $h{$_}, $o, "$_ is his own host" for qw(host x-forwarded-host);
        is $h{$_}, '127.0.0.1', "$_ is his address" for qw(x-forwarded-for x-real-ip);
        is $h{$_}, undef, "$_ is nobody's" for qw(forwarded x-auth-request-user);
    }
};

subtest 'HTTP/2' => sub {
    my $ask = sub { return AIGC::HTTP2->connect('127.0.0.1', $t->port(10))->request([':method' => 'GET', ':scheme' => 'http', ':path' => '/info', @_, cookie => $cookies]) };
    my $got = sub {
        my $r = $ask->(@_);
        return $r->{reset} ? 'reset' : $r->{code} == 200 ? 'instance ' . JSON::PP::decode_json($r->{content})->{instance} : $r->{code};
    };
    is $got->(':authority' => $o), 'instance ' . $his->id, 'his own';
    is $got->(':authority' => $h), 403, 'hers';
    my @pair = ([$o, $h], [$h, $o], [$dash, $h], [$o, 'evil.example'], ['evil.example', $o], [$h, $dash]);
    like $got->(':authority' => $_->[0], host => $_->[1]), qr/^(?:400|403|404|reset)$/, ":authority $_->[0], host $_->[1]" for @pair;
    like $got->(host => $_->[0], host => $_->[1]), qr/^(?:400|reset)$/, "host $_->[0], host $_->[1]" for @pair;
    like $got->(':authority' => $_->[0], ':authority' => $_->[1]), qr/^(?:400|reset)$/, ":authority $_->[0] and $_->[1]" for @pair;
    like $got->(@$_), qr/^(?:400|404|reset)$/, 'no host, an empty one, one that is none'
        for [], [':authority' => ''], [':authority' => "$o\@$h"], [':authority' => "$h/"], [':authority' => "$h,$o"];
    is $got->(':authority' => $o, 'x-forwarded-host' => $h), 'instance ' . $his->id, 'X-Forwarded-Host changes nothing';
};

subtest 'the gateway' => sub {
    # Nothing that it says depends on what a request calls it.
    my @ask = (["GET /sign-in HTTP/1.1", ["Host: $dash"]], ["GET http://$dash/sign-in HTTP/1.1", ['Host: evil.example']], ["GET http://$dash/sign-in HTTP/1.0", []],
        ['GET /sign-in HTTP/1.1', ["Host: \U$dash"]], ['GET /sign-in HTTP/1.1', ["Host: $dash", 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: gopher', 'X-Forwarded-Port: 1', 'Forwarded: host=evil.example']],
        ['GET /sign-in HTTP/1.1', ['Host: ' . $t->host . ':1']], ['GET /sign-in HTTP/1.1', ['Host: ' . $t->host . '.']],
        # nginx looks at no more than the name before the colon
        map { ['GET /sign-in HTTP/1.1', ["Host: $_"]] } "$dash.evil.example", "$dash\@evil.example", "$dash,evil.example");
    my $callback = AIGC::Client::escape($t->url('/sign-in-callback'));
    for (@ask) {
        my $r = sent(@$_);
        like $r->location, qr/[?&]redirect_uri=\Q$callback\E&/, "$_->[0], " . join(', ', @{ $_->[1] }) . ': back to the gateway\'s own address';
        unlike $r->location, qr/evil/, '… and nowhere else';
    }
    is sent('GET /sign-in HTTP/1.1', ["Host: $_"])->code =~ /^(?:400|404)$/, 1, "Host: $_: it is not there"
        for 'evil.example', "evil.example:$port", "evil.example\@$dash", "x.$dash", $t->host . ".evil.example:$port", '127.0.0.1', $t->root;
    is sent('GET /sign-in HTTP/1.1', ["Host: $dash", 'Host: evil.example'])->code, 400, 'two hosts';
    is sent('GET /sign-in HTTP/1.1', [])->code, 400, 'none';
    isnt sent('GET /sign-in HTTP/1.0', [])->code, 302, 'none, HTTP/1.0';
    is sent('GET /api/v1/me HTTP/1.1', ["Host: $h"])->code, 403, 'the API is not on an instance\'s host';
    is sent('GET /api/v1/me HTTP/1.1', ['Host: evil.example'])->code, 404, '… nor on any other';

    # The Origin that counts is the one that is configured.
    my $evil = sub {
        my (@headers) = @_;
        my $conn = AIGC::HTTP->connect('127.0.0.1', $port);
        $conn->send(join "\r\n", "POST @{[ $his->path ]}/release HTTP/1.1", @headers, "Cookie: $bobs", 'Content-Length: 0', 'Connection: close', '', '');
        return $conn->response(method => 'POST', url => 'raw')->code;
    };
    is $evil->("Host: $dash", 'Origin: http://evil.example', 'X-Forwarded-Host: evil.example'), 403, 'a page does not become the gateway\'s by X-Forwarded-Host';
    is $evil->("Host: \U$dash", "Origin: http://\U$dash"), 403, '… nor by the spelling of Host';
    is $evil->('Host: ' . $t->host . ':1', 'Origin: http://' . $t->host . ':1'), 403, '… nor by a port that Host names';
};

subtest '/auth' => sub {
    my $auth = sub {
        my ($line, @headers) = @_;
        return sent($line, [@headers]);
    };
    my $his_url = "X-Original-URL: http://$o/";
    is $auth->('GET /auth HTTP/1.1', "Host: $dash", $his_url)->code, 200, 'what bob asks for is his';
    is $auth->('GET /auth HTTP/1.1', "Host: $dash", "X-Original-URL: http://$h/")->code, 403, '… and hers is not';
    is $auth->('GET /auth HTTP/1.1', "Host: $dash", "X-Original-URL: http://$h/", "$_: $o")->code, 403, "$_ makes it none of his"
        for qw(X-Forwarded-Host X-Original-Host X-Forwarded-Uri X-Original-URI X-Auth-Request-Redirect Referer Origin);
    is $auth->('GET /auth HTTP/1.1', "Host: $dash", "$_: http://$o/")->code, 400, "$_ in its place is none" for qw(X-Forwarded-Host X-Original-URI X-Rewrite-URL X-Auth-Request-Redirect X-Original-Url2);
    is $auth->('GET /auth HTTP/1.1', "Host: $dash", "X-Original-URL: http://$h/", $his_url)->code, 400, 'two of them are none';
    is $auth->('GET /auth HTTP/1.1', "Host: $dash", "X-Original-URL: http://$h/\r\n $his_url")->code, 400, 'nor is a folded one';
    is $auth->('GET /auth HTTP/1.1', "Host: $h", $his_url)->code, 403, 'it is not on an instance\'s host';
    is $auth->("GET http://$dash/auth HTTP/1.1", "Host: $o", "X-Original-URL: http://$h/")->code, 403, 'by the absolute form hers is not his either';
    is $auth->('GET /auth HTTP/1.1', 'Host: evil.example', $his_url)->code, 404, 'nor on any other';
};

done_testing;
