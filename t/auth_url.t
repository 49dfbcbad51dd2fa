# t/auth_url.t — /auth decides for an nginx in front, by auth_request or auth-url

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

# An nginx in front that asks /auth, as ingress-nginx does: the body and the
# method stay there, X-Original-URL tells what is asked for.
my $pod = '127.0.0.1:1';
my $t = AIGC::Stack->start(edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+);/;
    my $front = $port + 10;
    $text =~ s{\}\s*\z}{
    server {
        listen 127.0.0.1:$front;
        location / {
            auth_request /_auth;
            auth_request_set \$who \$upstream_http_x_auth_request_user;
            proxy_set_header X-User \$who;
            proxy_pass http://$pod;
        }
        location = /_auth {
            internal;
            proxy_pass http://127.0.0.1:$port/auth;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Host dashboard.aigc.localhost;
            proxy_set_header X-Original-URL http://\$http_host\$request_uri;
        }
    }
\}
};
    return $text;
});

my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine = $alice->install('stable-diffusion-cpu')->wait_ready;
my ($host, $port, $gateway) = ($mine->host, $t->port, $t->origin);

sub auth {
    my ($who, @urls) = @_;
    return $who->get('/auth', headers => [ map { ('X-Original-URL' => $_) } @urls ]);
}

subtest 'who' => sub {
    my $r = auth($alice, $mine->url('/some/page?x=1'));
    is $r->code, 200, 'the owner';
    is $r->header('X-Auth-Request-User'), $mine->owner, '… and who it is';
    is auth($bob, $mine->url)->code, 403, 'another user';
    is auth($bob, $mine->url)->problem->{code}, 'not-owner', '… is told why';
    is auth($bob, $mine->url)->header('X-Auth-Request-User'), undef, '… and not who he is';
    is auth($t->stranger, $mine->url)->code, 401, 'a stranger';
    is $t->stranger->browse('/auth', headers => ['X-Original-URL' => $mine->url])->code, 401,
        '… not sent anywhere: that is the one who asks to do';
    is $t->stranger->get('/auth', headers => ['X-Original-URL' => $mine->url,
        Authorization => 'Bearer ' . $t->forge])->code, 200, 'the owner\'s token';
    is $t->stranger->get('/auth', headers => ['X-Original-URL' => $mine->url,
        Authorization => 'Bearer ' . $t->forge(user => 'bob')])->code, 403, 'another\'s token';
    is $alice->head('/auth', headers => ['X-Original-URL' => $mine->url])->code, 200, 'HEAD';
};

subtest 'the host of the URL, and nothing else' => sub {
    is auth($alice, $_)->code, 200, $_ for "http://$host/", "http://$host", "https://$host/", "http://$host:1/",
        "HTTP://\U$host\E/", "http://$host./", "http://$host?x", "http://$host/?u=http://evil.example/",
        "http://$host/a b" =~ s/ /%20/r;

    my @never = (
        "http://evil.example/?u=http://$host/", "http://evil.example/http://$host/", "http://evil.example/#\@$host/",
        "http://evil.example?$host", "http://evil.example#$host", "http://$host\@evil.example/",
        "http://$host:80\@evil.example/", "http://alice:x\@$host/", "http://evil.example\\\@$host/",
        "http://evil.example\\.$host/", "http://$host\\.evil.example/", "http://$host.evil.example/",
        "http://evil.example%2f$host/", "http://$host%2eevil.example/", "http://$host%00.evil.example/",
        "http://$host,evil.example/", "http://evil.example;$host/", "http://$host:$host/", "http://$host:/",
        "http://[$host]/", "http:///$host/", "http:/$host/", "http:$host/", "//$host/", "/$host/", "$host", "$host/",
        "ftp://$host/", "javascript://$host/", "httpx://$host/", " http://$host\@evil.example/",
        "http://$host\t/", "http://\x{e2}\x{93}\x{90}$host/", "http:// $host/", "http://$host /", "http://", "http://?$host",
        "http://..$host/", "http://.$host/", "garbage", "http://evil.example/ http://$host/", "http://evil.example/\xe4\xbd\xa0 http://$host/", "http://evil.example/\\\@$host/",
    );
    for my $url (@never) {
        my $code = auth($alice, $url)->code;
        ok $code == 400 || $code == 404, 'not by ' . (length $url > 80 ? substr($url, 0, 60) . '…' : $url =~ s/[^ -~]/?/gr) . " ($code)";
    }

    # What only a path or a query holds is no reason to refuse.
    my %path = ('raw UTF-8' => "/\xe4\xbd\xa0?q=\xe5\xa5\xbd", 'a backslash' => '/a\\b?c=\\', 'a blank' => '/a b?c d', 'another URL behind a blank' => '/ http://evil.example/',
        'no UTF-8' => "/\xff\xfe", 'what no URL has' => '/"<>^`{|}', 'much' => '/' . 'a' x (16_384 - 1 - length "http://$host"));
    for my $what (sort keys %path) {
        is auth($alice, "http://$host$path{$what}")->code, 200, "$what: the owner";
        is auth($bob, "http://$host$path{$what}")->code, 403, '… and nobody else';
    }
    is auth($alice, "http://$host$path{much}a")->code, 400, 'a byte over 16 KB: none';

    is auth($alice)->code, 400, 'no URL';
    is auth($alice, '')->code, 400, 'an empty one';
    is auth($alice, $mine->url, $mine->url)->code, 400, 'two of them';
    is auth($alice, "http://evil.example/", $mine->url)->code, 400, '… that differ';
    is auth($alice, 'http://instances9-cpu.' . $t->root . '/')->code, 404, 'an instance that does not exist';
    is $alice->get('/auth', headers => ['X-Forwarded-Host' => $host, 'X-Original-Url2' => 'x'])->code, 400,
        'other headers count for nothing';
    is $alice->get('/auth?rd=' . $mine->url, headers => [])->code, 400, '… nor does the query';
};

subtest 'an nginx in front' => sub {
    ($pod) = map { $_->{status}{podStatus}{podIP} . ':7860' } $t->kube_get('gs', $mine->pod);
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');

    my $front = sub { my ($who, $path, %o) = @_;
        my $conn = AIGC::HTTP->connect('127.0.0.1', $t->port(10));
        return $who->request($o{method} // 'GET', $mine->url($path), %o, on => $conn) };

    is $front->($alice, '/info')->json->{instance}, $mine->id, 'the owner comes through';
    my ($user) = grep { $_->[0] eq 'X-User' } @{ $front->($alice, '/headers')->json->{headers} };
    is $user->[1], $mine->owner, '… by name';
    is $front->($alice, '/echo', method => 'POST', body => 'hello')->content, 'hello', '… with a body';
    is $front->($bob, '/info')->code, 403, 'another user does not';
    is $front->($t->stranger, '/info')->code, 401, 'nor a stranger';
    is $front->($t->stranger, '/info')->header('WWW-Authenticate'), 'Bearer realm="aigc"', '… who is asked for a token';
    is $front->($bob, "/info?u=" . $mine->url)->code, 403, 'whatever the query says';
};

subtest 'an instance that is not ready' => sub {
    $mine->release->wait_state('released');
    is auth($alice, $mine->url)->code, 200, 'its owner may: whether it serves is the ingress\'s to say';
    is auth($bob, $mine->url)->code, 403, 'another user may not';
};

done_testing;
