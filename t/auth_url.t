# t/auth_url.t — /auth decides for an nginx in front, by auth_request or auth-url

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Seal;
use AIGC::Secrets;

# Beside all the rest, a server of the same nginx that asks /auth by auth_request.
my $t = AIGC::Stack->start(templates => ['stable-diffusion-cpu', 'notebook'], edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+);/;
    my $own = $port + 10;
    $text =~ s{\}\s*\z}{
    server {
        listen 127.0.0.1:$own;
        root \$document_root_of_all;
        location / {
            auth_request /_auth;
            error_page 401 = \@sign_in;
            rewrite ^ /favicon.svg break;
        }
        location \@sign_in { return 302 http://dashboard.aigc.localhost:$port/sign-in?rd=\$scheme://\$http_host\$request_uri; }
        location = /_auth {
            internal;
            proxy_pass http://127.0.0.1:$port/auth;
            proxy_set_header Host dashboard.aigc.localhost;
            proxy_set_header X-Original-URL \$scheme://\$http_host\$request_uri;
        }
    }
\}
};
    my ($root) = $text =~ /^\s+root (\S+);/m;
    return $text =~ s/\$document_root_of_all/$root/r;
});
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $other = $alice->install('notebook')->wait_ready;
my $his   = $bob->install('stable-diffusion-cpu')->wait_ready;
my ($host, $port, $gateway) = ($mine->host, $t->port, $t->origin);

# With the session that the user has at alice's instance, whatever the URL is.
sub auth {
    my ($who, @urls) = @_;
    my $cookie = $who->cookie_header($mine->url);
    return $who->get('/auth', headers => [ map({ ('X-Original-URL' => $_) } @urls), Cookie => length $cookie ? $cookie : undef ]);
}

# /auth by hand: this URL, and these cookies alone.
sub asked {
    my ($url, @cookies) = @_;
    my $r = $t->stranger->get('/auth', cookies => 0, headers => ['X-Original-URL' => $url, @cookies ? (Cookie => join '; ', @cookies) : ()]);
    AIGC::Secrets::in_response($r);
    return $r;
}

sub said { my ($r) = @_; return join ' ', $r->code, ($r->code == 200 ? $r->header('X-Auth-Request-User') : ($r->problem // {})->{code}) // '-' }

# What the sign-in sends somebody back to who comes from the ingress controller.
sub with_ticket {
    my ($who, $url) = @_;
    my $r = $who->browse('/sign-in?rd=' . AIGC::Client::escape($url));
    $r->code == 302 && $r->location =~ /^\Q$url\E[?&]aigc_ticket=[\w-]+$/ or die $r->status_line . ' ' . ($r->location // '');
    return $r->location;
}

subtest 'who' => sub {
    my $r = auth($alice, $mine->url('/some/page?x=1'));
    is $r->code, 200, 'the owner';
    is $r->header('X-Auth-Request-User'), $mine->owner, '… and who it is';
    is $r->header('Content-Length'), 0, '… without a body, for which an nginx in front would close the connection';
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
    is $alice->auth($mine->url, method => 'HEAD')->code, 200, 'HEAD';
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
    is $alice->get('/auth', headers => ['X-Forwarded-Host' => $host, 'X-Original-Url2' => 'x', Cookie => $alice->cookie_header($mine->url)])->code, 400,
        'other headers count for nothing';
    is $alice->get('/auth?rd=' . $mine->url, headers => [Cookie => $alice->cookie_header($mine->url)])->code, 400, '… nor does the query';
};

subtest 'the cookie of that host' => sub {
    my $there = 'aigc-instance=' . $alice->host_session($mine->url);
    my $main  = $alice->cookie('aigc-session');
    is said(asked($mine->url, $there)), '200 ' . $mine->owner, 'her session at that host';
    is said(asked($other->url, $there)), '401 not-signed-in', '… is none at her other one';
    is said(asked($his->url, $there)), '401 not-signed-in', '… nor at bob\'s';
    is said(asked($mine->url, "$_=$main")), '401 not-signed-in', "the gateway's as $_ is none" for qw(aigc-session aigc-instance aigc_session);
    is said(asked($mine->url, 'aigc-instance=' . $alice->host_session($other->url))), '401 not-signed-in', 'nor is her other one\'s';
    is said(asked($mine->url, 'aigc-instance=x', $there)), '200 ' . $mine->owner, 'the first that opens decides';
};

subtest 'a ticket' => sub {
    my $url = with_ticket($alice, $mine->url('/info?x=1'));
    my $r = asked($url);
    is said($r), '200 ' . $mine->owner, 'brings its user in';
    my ($line, @more) = $r->headers('Set-Cookie');
    like $line, qr/^aigc-instance=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/, '… with the session of that host';
    is scalar(@more), 0, '… and no other cookie';
    my ($session) = $line =~ /^([^;]*)/;
    is said(asked($mine->url, $session)), '200 ' . $mine->owner, '… which is good without the ticket';
    is said(asked($url)), '403 ticket-refused', 'it is good once: 401 would lead in circles';
    is asked($url)->header('Set-Cookie'), undef, '… and brings no cookie then';
    $r = asked($url, $session);
    is_deeply [ said($r), $r->headers('Set-Cookie') ], ['200 ' . $mine->owner], 'who is in already goes on, by a reload';

    is said(asked(with_ticket($alice, $mine->url('/')) =~ s/\Q$host\E/$_/r)), '403 ticket-refused', 'it is of no other host' for $other->host, $his->host;
    my $middle = with_ticket($alice, $mine->url('/'));
    is said(asked($middle . $_)), '401 not-signed-in', 'it is none where it is not the last' for '&', '&a=b';
    is said(asked($middle . $_)), '403 ticket-refused', 'garbage is refused' for 'A', '.', '%00', 'A' x 2000, 'A' x 15_000;
    is asked($middle . 'A' x 16_384)->code, 400, 'over 16 KB nothing is looked at';
    is said(asked($mine->url('/?aigc_ticket=x'), $session)), '200 ' . $mine->owner, '… and hurts nobody who is in';
    is said(asked($middle)), '200 ' . $mine->owner, 'after all that it is as good as before';

    # A browser of the gateway's own way in has sent its nonce.
    my $away  = $t->stranger->browse($mine->url('/'));
    my @nonce = map { "$_->{name}=$_->{value}" } $away->set_cookies;
    my $bound = sub { return $alice->browse($away->location)->location };
    is said(asked($bound->(), @nonce)), '200 ' . $mine->owner, 'one that is bound to a browser is taken with its nonce';
    for my $other ([], ['aigc-nonce=nonce-of-the-next-brow']) {
        my $url = $bound->();
        is said(asked($url, @$other)), '403 ticket-refused', '… and refused with ' . (@$other ? 'another one' : 'none');
        is said(asked($url, @nonce)), '403 ticket-refused', '… by which it is used up';
    }

    $r = asked(with_ticket($bob, $mine->url('/')));
    is said($r), '403 not-owner', 'bob\'s ticket for alice\'s instance is bob\'s';
    is $r->header('Set-Cookie'), undef, '… and sets no session of his there';
    my $token = $t->stranger->get('/auth', headers => ['X-Original-URL' => $url, Authorization => 'Bearer ' . $t->forge]);
    is said($token), '200 ' . $mine->owner, 'a token is judged beside a ticket that is none any more';
};

# alice is in; somebody makes her browser go to her instance by a ticket of bob's.
subtest 'a ticket of somebody else\'s beside a good session' => sub {
    my $hers = 'aigc-instance=' . $alice->host_session($mine->url);
    my $seal = AIGC::Seal->new($t);
    my %his  = (sub => $his->owner, sid => 'session-of-bobs-browser0');

    my $r = asked(with_ticket($bob, $mine->url('/')), $hers);
    is_deeply [ said($r), $r->headers('Set-Cookie') ], ['403 not-owner'], 'is refused, and replaces nothing';

    # his session turns out to be over
    $r = asked($mine->url('/?aigc_ticket=') . $seal->ticket($mine->host, %his, exp => time - 60, refresh_token => 'none-of-logtos'), $hers);
    is_deeply [ said($r), $r->headers('Set-Cookie') ], ['401 not-signed-in'], '… nor does one of a session that Logto ends: hers is not cleared';
    is said(asked($mine->url, $hers)), '200 ' . $mine->owner, 'hers stays as it is';
};

# 401 leads to the sign-in, and from there back with a new one.
subtest 'a ticket that is late' => sub {
    my $seal = AIGC::Seal->new($t);
    my $hers = 'aigc-instance=' . $alice->host_session($mine->url);
    my $url  = sub { return $mine->url('/?aigc_ticket=') . $seal->ticket($mine->host, sub => $mine->owner, issued => time - $_[0], sid => sprintf 'session-of-%013d', $_[0]) };
    is said(asked($url->(20))), '200 ' . $mine->owner, 'within 30 s it is good';
    is said(asked($url->($_))), '403 ticket-refused', "after $_ s it is refused" for 32, 115;
    for my $age (125, 86_400, 40 * 86_400) {
        my $r = asked($url->($age));
        is_deeply [ said($r), $r->headers('Set-Cookie') ], ['401 not-signed-in'], "after $age s it is an address of a tab, or a bookmark: whoever comes by it signs in";
        is said(asked($url->($age), $hers)), '200 ' . $mine->owner, '… or is in already';
    }
};

# An nginx in front that asks /auth, without our module, as ingress-nginx does: a
# server for each instance that proxies to its pod.  The body and the method stay
# there, X-Original-URL tells what is asked for, by $http_host; who is not signed
# in is sent to the sign-in; the answer's cookie goes on to the browser.
my $ingress = AIGC::Stack->start(bare => 1, http => 'map $http_upgrade $connection_upgrade { default upgrade; "" close; }');

sub front_server {
    my ($inst) = @_;
    my $pod = $t->kube_get('gs', $inst->pod)->{status}{podStatus}{podIP} . ':7860';
    return <<"END";
    server {
        listen 127.0.0.1:@{[ $ingress->port ]};
        server_name @{[ $inst->host ]};
        location / {
            auth_request /_auth;
            auth_request_set \$who \$upstream_http_x_auth_request_user;
            auth_request_set \$cookie \$upstream_http_set_cookie;
            add_header Set-Cookie \$cookie;
            error_page 401 = \@sign_in;
            proxy_http_version 1.1;
            proxy_set_header Host \$http_host;
            proxy_set_header Upgrade \$http_upgrade;
            proxy_set_header Connection \$connection_upgrade;
            proxy_set_header X-User \$who;
            proxy_pass http://$pod;
        }
        location \@sign_in { return 302 $gateway/sign-in?rd=\$scheme://\$http_host\$request_uri; }
        location = /_auth {
            internal;
            proxy_pass http://127.0.0.1:$port/auth;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            proxy_set_header Host @{[ $t->host ]};
            proxy_set_header X-Original-URL \$scheme://\$http_host\$request_uri;
        }
    }
END
}

$ingress->{opt}{server} = join '', map { front_server($_) } $mine, $other, $his;
$ingress->reload;

sub front {
    my ($who, $url, %o) = @_;
    return $who->request($o{method} // 'GET', $url, %o, on => AIGC::HTTP->connect('127.0.0.1', $ingress->port));
}

subtest 'an nginx in front' => sub {
    is front($alice, $mine->url('/info'))->json->{instance}, $mine->id, 'the owner comes through';
    my ($user) = grep { $_->[0] eq 'X-User' } @{ front($alice, $mine->url('/headers'))->json->{headers} };
    is $user->[1], $mine->owner, '… by name';
    is front($alice, $mine->url('/echo'), method => 'POST', body => 'hello')->content, 'hello', '… with a body';
    is front($bob, $mine->url('/info'))->code, 403, 'another user does not';
    my $r = front($t->stranger, $mine->url('/info'));
    is_deeply [ $r->code, $r->location ], [302, "$gateway/sign-in?rd=" . $mine->url('/info')], 'nor a stranger, who is sent to sign in';
    is front($bob, $mine->url("/info?u=" . $mine->url))->code, 403, 'whatever the query says';
};

subtest 'the way in, by an nginx in front' => sub {
    my $c = $t->stranger;
    my $url = $mine->url('/info?x=1');
    my $away = front($c, $url);
    is_deeply [ $away->code, scalar $away->set_cookies ], [302, 0], 'sent away, without a nonce: the ingress controller does that';
    my $back = $alice->browse($away->location)->location;
    my $in = front($c, $back);
    is $in->code, 200, 'back with a ticket: the page itself';
    is_deeply [ map { $_->{name} } $in->set_cookies ], ['aigc-instance'], '… and the session with it';
    is front($c, $url)->code, 200, 'with which one is in';
    is front($c, $back)->code, 200, '… by the URL with the ticket, too';
    is front($t->stranger, $back)->code, 403, 'a used ticket is 403 for anybody else, and leads in no circles';

    # The pod gets the ticket, used up, and the session of its own host.
    my $r = front($c, $mine->url('/headers?a=1'));
    my %h = map { lc $_->[0] => $_->[1] } @{ $r->json->{headers} };
    my $session = 'aigc-instance=' . $c->host_cookie('aigc-instance', $host);
    is $h{cookie}, $session, 'what remains: the pod is handed the session of its own host';
    is said(asked($mine->url, $session)), '200 ' . $mine->owner, '… which opens this very instance';
    is said(asked($_->url, $session)), '401 not-signed-in', '… and no other' for $other, $his;
    for my $name ('aigc-session', 'aigc-instance', 'aigc_session') {
        is $t->stranger->get('/api/v1/me', headers => [Cookie => $session =~ s/aigc-instance/$name/r])->code, 401, "… nor the gateway, as $name";
    }
    $back = with_ticket($alice, $mine->url('/headers'));
    like front($t->stranger, $back)->json->{uri}, qr/aigc_ticket=/, 'what remains: the pod, and the history, see a ticket';
    is said(asked($back)), '403 ticket-refused', '… that is good no more';

    # No nonce: somebody else's browser takes it.
    my $victim = $t->stranger;
    $victim->set_cookie('aigc-instance' => $c->host_cookie('aigc-instance', $host), domain => $host);
    is front($victim, with_ticket($bob, $his->url('/info')))->json->{instance}, $his->id, 'what remains: login CSRF shows bob\'s own instance, as bob';
    is front($victim, with_ticket($bob, $mine->url('/info')))->code, 403, '… at alice\'s it shows nothing';
    is front($victim, $mine->url('/info'))->code, 200, '… and her own session there stays hers';
};

subtest 'auth_request in the same nginx' => sub {
    my $ask = sub { my ($url) = @_; return $t->stranger->browse($url, on => AIGC::HTTP->connect('127.0.0.1', $t->port(10)), cookies => 0) };
    my $away = $ask->($mine->url('/x?y'));
    is_deeply [ $away->code, $away->location ], [302, "$gateway/sign-in?rd=" . $mine->url('/x?y')], 'a stranger is sent away';
    my $back = $alice->browse($away->location)->location;
    is $ask->($back)->code, 200, '… and comes in with a ticket, which that server leaves in the query';
    is $ask->($back)->code, 403, '… once';
    is $ask->(with_ticket($bob, $mine->url('/x')))->code, 403, '… as its owner';
};

# What stock ingress-nginx cannot know; behind the gateway's own nginx each of
# them is refused, or ends.
subtest 'what remains of auth-url' => sub {
    my $ask = sub {
        my ($to, $url, $host_header, $cookie) = @_;
        my $conn = AIGC::HTTP->connect('127.0.0.1', $to);
        $conn->send("GET $url HTTP/1.1\r\nHost: $host_header\r\nCookie: $cookie\r\nConnection: close\r\n\r\n");
        return $conn->response(method => 'GET', url => $url);
    };
    my $cookie = 'aigc-instance=' . $bob->host_session($his->url);
    my $r = $ask->($ingress->port, $mine->url('/info'), $his->host . ":$port", $cookie);
    is_deeply [ $r->code, $r->json->{instance} ], [200, $mine->id], 'an absolute-form target beside another Host: one is decided, the other one reached';
    is $ask->($port, $mine->url('/info'), $his->host . ":$port", $cookie)->code, 400, '… which the gateway\'s own nginx refuses';
    is $ask->($ingress->port, $mine->url('/info'), $mine->host . ":$port", $cookie)->code, 302, '… and without that trick his session is none there';

    my @evil = (Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'cross-site');
    is front($alice, $mine->url('/echo'), method => 'POST', body => 'x', headers => \@evil)->content, 'x', 'what a page of another origin sends comes through';
    is $alice->post($mine->url('/echo'), body => 'x', headers => \@evil)->code, 403, '… which the gateway\'s own nginx refuses';

    my $c = $t->sign_in('alice');
    my $held = $c->websocket($mine->url('/ws'), on => AIGC::HTTP->connect('127.0.0.1', $ingress->port));
    my $own  = $c->websocket($mine->url('/ws'));
    is_deeply [ $held->code, $own->code ], [101, 101], 'two connections that are held';
    is $c->post('/sign-out', headers => [Origin => $gateway])->code, 303, 'their user signs out';
    ok defined $own->closed, '… the gateway\'s own nginx closes its one';
    is front($c, $mine->url('/info'))->code, 302, 'the session is over in front as well';
    ok $held->echoes, '… but a connection that is held there stays open';
    $held->close;
};

subtest 'an instance that is not ready' => sub {
    $mine->release->wait_state('released');
    is auth($alice, $mine->url)->code, 200, 'its owner may: whether it serves is the ingress\'s to say';
    is auth($bob, $mine->url)->code, 403, 'another user may not';
};

done_testing;
