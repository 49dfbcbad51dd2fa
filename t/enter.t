# t/enter.t — how a browser gets into an instance: sent away with a nonce, back
# with a ticket that is good once, for 30 s, on one host and in that browser

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64url);
use Time::HiRes qw(sleep time);

# A port with HTTP/2; and a log with all of a request that a log may have: the end
# of the test looks for cookies and tickets in it.
my $t = AIGC::Stack->start(workers => 2, preload => 1, templates => ['stable-diffusion-cpu', 'notebook'],
    http => q{log_format all '$request|$request_uri|$args|$uri|$http_referer'; 
        map $http_x_unlogged $logged { default 0; '' 1; }
        access_log all.log all if=$logged;},
    edit => sub {
        my ($text) = @_;
        my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
        my $h2 = $port + 10;
        $text =~ s/listen 127\.0\.0\.1:$port\b( default_server)?;/$& listen 127.0.0.1:$h2 http2@{[ $1 \/\/ '' ]};/g;
        return $text;
    });

my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);
my $mine  = $alice->install('stable-diffusion-cpu');
my $other = $alice->install('notebook');
my $his   = $bob->install('stable-diffusion-cpu');
my $hers  = $carol->install('stable-diffusion-cpu');
$_->wait_ready for $mine, $other, $his, $hers;
my $gateway  = $t->origin;
my $stranger = $t->stranger;

### Browsers, whose cookies are in the test's hand: { host => { name => value } }

sub browser {
    my ($client) = @_;
    return { $t->host => { $client ? ('aigc-session' => $client->cookie('aigc-session')) : () } };
}

# One that is signed in anew: a session may enter 64 times in 30 s.
sub signed_in { my ($user) = @_; return browser($t->sign_in($user)) }

sub also { my ($b) = @_; return { map { $_ => { %{ $b->{$_} } } } keys %$b } }       # a copy

sub host_of { my ($url) = @_; return (AIGC::HTTP::split_url($url))[0] }

my %page = (Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Dest' => 'document');

sub headers_of {
    my ($b, $url, @more) = @_;
    my $jar = $b->{ host_of($url) } // {};
    my @cookie = map { "$_=$jar->{$_}" } sort keys %$jar;
    return [ %page, @more, @cookie ? (Cookie => join '; ', @cookie) : () ];
}

# One request, a page's unless told otherwise; nothing is followed.
sub ask {
    my ($b, $url, %o) = @_;
    my $method = $o{method} // 'GET';
    my $r = $stranger->request($method, $url, %o, cookies => 0, headers => headers_of($b, $url, @{ $o{headers} // [] }));
    keep($b, $url, $r);
    return $r;
}

sub keep {
    my ($b, $url, $r) = @_;
    AIGC::Secrets::in_response($r);
    for my $c ($r->set_cookies) {
        length $c->{value} ? $b->{ host_of($url) }{ $c->{name} } = $c->{value} : delete $b->{ host_of($url) }{ $c->{name} };
    }
}

# A page as a browser gets it: the answers, in order, up to one that leads nowhere
# on, or to the provider.
sub visit {
    my ($b, $url, %o) = @_;
    my @r;
    while (@r < 10) {
        push @r, ask($b, $url, %o);
        my $to = $r[-1]->location // last;
        last if host_of($to) !~ /\Q@{[ $t->root ]}\E$/ || $to =~ /:@{[ $t->port(2) ]}\b/;
        $url = $to;
        delete $o{target};
    }
    return @r;
}

sub codes { return join ' ', map { $_->code } @_ }
sub said  { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // $r->location // '-' }
sub got   { my ($r) = @_; return join ' ', map { "$_->{name}=" . (length $_->{value} ? 'set' : '') } $r->set_cookies }

# The URL with a ticket, as the browser is sent to it.
sub ticket_url {
    my ($b, $url) = @_;
    my $jar = $b->{ host_of($url) } //= {};
    my $in  = delete $jar->{'aigc-instance'};           # who is in gets none
    my $to  = ask($b, $url)->location;
    $jar->{'aigc-instance'} = $in if defined $in;
    my $back = ask($b, $to)->location // die 'no ticket';
    $back =~ /[?&]aigc_ticket=[\w-]+$/ or die $back;
    return $back;
}

# Its ticket, at another URL.
sub with_ticket {
    my ($from, $url) = @_;
    my ($ticket) = $from =~ /(aigc_ticket=[\w-]+)$/;
    return $url . ($url =~ /\?/ ? '&' : '?') . $ticket;
}

### The way

subtest 'step by step' => sub {
    my $b   = signed_in('alice');
    my $url = $mine->url('/headers?x=1&y=%2F+z#'  =~ s/#$//r);
    my ($away, $back, $in, $page) = my @way = visit($b, $url);
    is codes(@way), '302 302 302 200', 'away, back, in: and there is the page';

    my ($cookie) = $away->set_cookies;
    my ($line) = $away->headers('Set-Cookie');
    like $line, qr/^aigc-nonce=[\w-]{22}; Path=\/; Max-Age=7200; HttpOnly; SameSite=Lax$/, 'sent away with a nonce: of this host alone, for no script';
    is scalar($away->headers('Set-Cookie')), 1, '… and no other cookie';
    my $digest = encode_base64url(sha256($cookie->{value}));
    is $away->location, "$gateway/sign-in?rd=" . AIGC::Client::escape($url) . "&nonce=$digest", '… to the sign-in, with the page and the digest of the nonce';
    unlike $away->location, qr/\Q$cookie->{value}\E/, '… which does not tell the nonce';

    like $back->location, qr/^\Q$url&aigc_ticket=\E[\w-]{200,}$/, 'the gateway knows her: back to the very page, with a ticket at the end';
    is got($back), '', '… without a cookie';
    is $_->header('Cache-Control'), 'no-store', '… nothing of this is kept by a cache' for $away, $back, $in;

    is $in->location, $url, 'in, and on to the page without the ticket';
    ($line) = $in->headers('Set-Cookie');
    like $line, qr/^aigc-instance=[\w-]+; Path=\/; HttpOnly; SameSite=Lax$/, '… with the session of this host';
    is scalar($in->headers('Set-Cookie')), 1, '… and no other cookie';
    cmp_ok length $b->{ $mine->host }{'aigc-instance'}, '<=', 400, '… which is a short one';

    is got($page), '', 'the page sets none';
    unlike $page->content, qr/ticket|nonce|"cookie"/i, '… and the pod sees none of ours, and no ticket';
    is $page->json->{uri}, '/headers?x=1&y=%2F+z', '… but what was asked for';

    for my $again ($mine->url('/info'), $url, $mine->url('/')) {
        is codes(visit($b, $again)), '200', 'later there is no redirect';
    }
};

subtest 'who has no session yet' => sub {
    my $b   = browser();
    my $url = $mine->url('/info?deep=link');
    my ($away, $begin) = my @way = visit($b, $url);
    is codes(@way), '302 302', 'away, and on';
    like $begin->location, qr{^\Q@{[ $t->logto_url('/oidc/auth') ]}\E\?}, '… to the provider';
    my $c = $t->stranger;
    $c->{entering} = 1;                     # by itself it would begin another way in
    my $end = $c->sign_in(from => $url, user => 'alice');
    is_deeply [ $end->code, $end->url ], [200, $url], 'signed in, she is on the very page';
    is join(' ', sort map { "$_->{name}\@$_->{domain}" } grep { $_->{name} =~ /^aigc/ } $c->cookies),
        join(' ', sort 'aigc-session@' . $t->host, map { "$_\@" . $mine->host } qw(aigc-instance aigc-nonce)), '… with a session of each host, of that host alone';
};

subtest 'deep links' => sub {
    my $long = 8448 - length $mine->url('/?');
    my %link = (
        'no path'            => ['', '/'],
        'an empty query'     => ['/info?', '/info?'],
        'an odd end'         => ['/info?a&', '/info?a&'],
        'two question marks' => ['/info?a=?b?&c=?', '/info?a=?b?&c=?'],
        'a URL in it'        => ['/info?u=http://evil.example/?aigc_ticket=x', undef],
        'escapes'            => ['/%69nfo?%00=%2F%2f%3F%26', '/%69nfo?%00=%2F%2f%3F%26'],
        'plus, percent'      => ['/info?q=1+1%20%25%', '/info?q=1+1%20%25%'],
        'UTF-8'              => ["/info?q=\xe4\xbd\xa0", '/info?q=%E4%BD%A0'],
        'no UTF-8'           => ["/info?q=\xff\xfe", '/info?q=%FF%FE'],
        'a backslash'        => ['/info?q=\\', '/info?q=%5C'],
        'what no URL has'    => ['/info?"<>^`{|}[]\'', '/info?"<>^`{|}[]\''],
        'our own words'      => ['/info?rd=/x&nonce=y&code=z&state=w', '/info?rd=/x&nonce=y&code=z&state=w'],
        'a ticket that is none' => ['/info?aigc_ticket=', '/info?aigc_ticket='],
        'a ticket not at the end' => ['/info?aigc_ticket=x&a=b', '/info?aigc_ticket=x&a=b'],
        '1 KB'               => ['/info?' . 'a' x 1018, '/info?' . 'a' x 1018],
        '2 KB'               => ['/info?' . 'a&' x 1000, '/info?' . 'a&' x 1000],
        'as much as it may be' => ['/?' . 'a' x $long, '/?' . 'a' x $long],
    );
    delete $link{'a URL in it'};
    for my $what (sort keys %link) {
        my ($target, $seen) = @{ $link{$what} };
        my @way = visit(signed_in('alice'), $mine->url($target eq '' ? '' : $target), target => $target eq '' ? '/' : $target);
        is codes(@way), '302 302 302 200', "$what: in";
        is $way[2]->location, $mine->url('') =~ s{/$}{}r . $seen, '… at the very page';
    }
    my @way = visit(signed_in('alice'), $mine->url('/?' . 'a' x ($long + 1)));
    is codes(@way), '302 200', 'a byte more';
    is $way[1]->problem->{code}, 'rd-too-long', '… the sign-in says so, and leads to the front page';
    my ($front) = $way[1]->content =~ m{href="([^"]*/sign-in\?rd=[^"]*)"};
    ok $front, '… by a link';
    @way = visit(signed_in('alice'), AIGC::Client::resolve($gateway, AIGC::Client::unescape_html($front)));
    is codes(@way), '302 302 302 302 302 200', '… which leads in, by the way with a nonce';
    is $way[-1]->url, $mine->url('/'), '… to the front page';
};

subtest 'several at once' => sub {
    my $b = signed_in('alice');
    my @url = map { $mine->url("/info?tab=$_") } 1 .. 4;
    my @away = map { ask($b, $_) } @url;
    my %nonce = map { $_->location =~ /nonce=([\w-]+)$/ ? ($1 => 1) : () } @away;
    is scalar keys %nonce, 1, 'tabs that follow one another show one nonce';
    my @back = map { ask($b, $_->location) } @away;
    my %ticket = map { $_->location =~ /aigc_ticket=([\w-]+)$/ ? ($1 => 1) : () } @back;
    is scalar keys %ticket, 4, '… and get a ticket each';
    my @in = map { ask($b, $_->location) } @back;
    is codes(@in), '302 302 302 302', '… each of which leads in';
    is_deeply [ map { $_->location } @in ], \@url, '… to its own page';
    is join(' ', map { got($_) } @in), join(' ', ('aigc-instance=set') x 4), '… with the session';
    is codes(map { ask($b, $_) } @url), '200 200 200 200', '… and they are there';

    # Before the first answer had come: the browser keeps the last nonce, so that
    # the first tab comes back with one that is not its own any more.
    $b = signed_in('alice');
    my @none = map { ask(browser(), $_) } @url[0, 1];
    keep($b, $_->url, $_) for @none;
    @back = map { ask($b, $_->location) } @none;
    my $r = ask($b, $back[0]->location);
    is_deeply [ $r->code, $r->location, got($r) ], [302, $url[0], ''], 'of tabs that were opened at one moment one has the nonce of another: it begins again';
    $r = ask($b, ask($b, ask($b, $url[0])->location)->location);
    is_deeply [ $r->code, $r->location, got($r) ], [302, $url[0], 'aigc-instance=set'], '… and is in';
    is got(ask($b, $back[1]->location)), 'aigc-instance=set', '… as the other one is';

    $b = signed_in('alice');
    my %url = map { $_->host => $_->url('/info') } $mine, $other;
    my @tickets = map { ticket_url($b, $url{$_}) } sort keys %url;
    is codes(map { ask($b, $_) } @tickets), '302 302', 'several instances at once: each is entered';
    is codes(map { ask($b, $_) } values %url), '200 200', '… and is there';
    isnt $b->{ $mine->host }{'aigc-instance'}, $b->{ $other->host }{'aigc-instance'}, '… by a session of its own';
    isnt $b->{ $mine->host }{'aigc-nonce'}, $b->{ $other->host }{'aigc-nonce'}, '… and a nonce of its own';
};

### Other than a page by GET

subtest 'methods and programs' => sub {
    my $b = signed_in('alice');
    is codes(visit($b, $mine->url('/info'), method => 'HEAD')), '302 302 302 200', 'HEAD goes the same way';

    $b = signed_in('alice');
    for my $method (qw(POST PUT DELETE PATCH)) {
        my $r = ask($b, $mine->url('/echo'), method => $method, body => 'x');
        is said($r), '401 not-signed-in', "$method is not sent away: what it holds would be lost";
        is_deeply [ $r->location, got($r) ], [undef, ''], '… nor given a nonce';
    }
    for my $headers (['Sec-Fetch-Mode' => 'cors'], ['Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image'], ['X-Requested-With' => 'XMLHttpRequest'],
        ['Sec-Fetch-Mode' => 'websocket', Upgrade => 'websocket', Connection => 'Upgrade', 'Sec-WebSocket-Key' => 'x', 'Sec-WebSocket-Version' => 13]) {
        my $r = $stranger->get($mine->url('/info'), cookies => 0, headers => $headers);
        is_deeply [ $r->code, $r->location, got($r) ], [401, undef, ''], "a request with @$headers[0,1] is told that there is no session";
    }
    my $r = $stranger->get($mine->url('/info'), cookies => 0);
    is_deeply [ $r->code, $r->location, got($r) ], [401, undef, ''], 'a program, too';

    for my $method (qw(POST PUT DELETE OPTIONS)) {
        my $b   = signed_in('alice');
        my $url = ticket_url($b, $mine->url('/echo'));
        my $r = ask($b, $url, method => $method, body => 'x');
        is said($r), '403 ticket-refused', "$method with a ticket is refused";
        is_deeply [ $r->location, got($r) ], [undef, ''], '… and enters nothing';
        is got(ask($b, $url)), 'aigc-instance=set', '… nor uses it up';
        $r = ask($b, $mine->url('/echo?x=1&aigc_ticket=x'), method => $method, body => 'x');
        is_deeply [ said($r), $r->location, got($r) ], ['403 ticket-refused', undef, ''], '… nor is who is in sent on without what it holds';
        like $r->content, qr{href="\Q$gateway\E/sign-in\?rd=\Q@{[ AIGC::Client::escape($mine->url('/echo?x=1')) ]}\E"}, '… but shown the page of a refusal';
    }
    $b = signed_in('alice');
    is codes(ask($b, ticket_url($b, $mine->url('/info')), method => 'HEAD'), ask($b, $mine->url('/info'))), '302 200', 'HEAD with a ticket enters';
};

subtest 'HTTP/1.0' => sub {
    is codes(visit(signed_in('alice'), $mine->url('/info?x'), http => '1.0')), '302 302 302 200', 'the same way';
};

subtest 'HTTP/2' => sub {
    my $b = signed_in('alice');
    my ($url, @codes) = $mine->url('/info?two');
    for (1 .. 6) {
        my ($plain, $h2) = ($url, $url =~ s/:\d+/':' . $t->port(10)/er);
        my @headers = @{ headers_of($b, $plain) };
        my ($status, $text) = $t->stranger->curl('--http2-prior-knowledge', '-i', '-o', '-',
            (map { ('-H', "$headers[2 * $_]: $headers[2 * $_ + 1]") } 0 .. @headers / 2 - 1), $h2);
        my ($code) = $text =~ m{^HTTP/2 (\d+)} or die "curl: $status $text";
        push @codes, $code;
        while ($text =~ /^set-cookie: ([\w-]+)=([\w-]+)/gim) {
            AIGC::Secrets::note($2, $1);
            $b->{ host_of($plain) }{$1} = $2;
        }
        ($url) = $text =~ /^location: (\S+)/im or last;
    }
    is "@codes", '302 302 302 200', 'the same way';
    is codes(ask($b, $mine->url('/info'))), '200', '… and the session is the same';
};

### A ticket

subtest 'good once' => sub {
    my $b   = signed_in('alice');
    my $url = ticket_url($b, $mine->url('/info'));
    my $thief = also($b);                   # nonce and all
    is got(ask($b, $url)), 'aigc-instance=set', 'the first time';
    my $r = ask($thief, $url);
    is_deeply [ said($r), got($r), $r->location ], ['403 ticket-refused', '', undef], 'not the second time, with the nonce and all';
    like $r->content, qr{href="\Q@{[ AIGC::Client::escape($mine->url('/info')) ]}\E|sign-in\?rd=}, '… a page with a way in';
    unlike $r->content, qr/aigc_ticket/, '… without the ticket';
    $r = ask($b, $url);
    is_deeply [ $r->code, $r->location, got($r) ], [302, $mine->url('/info'), ''], 'who is in already goes on to the page: by reload, or history';
    $r = $stranger->get($url, cookies => 0);
    is said($r), '403 ticket-refused', 'a program is told the same';

    $url = ticket_url($b, $mine->url('/info'));
    delete $b->{ $mine->host }{'aigc-instance'};
    my @p = map { $stranger->begin('GET', $url, cookies => 0, headers => headers_of($b, $url)) } 1 .. 20;
    my @r = map { $_->response } @p;
    AIGC::Secrets::in_response($_) for @r;
    is scalar(grep { got($_) eq 'aigc-instance=set' } @r), 1, 'of twenty at one moment, of two workers, one gets a session';
    is scalar(grep { said($_) eq '403 ticket-refused' } @r), 19, '… and the others nothing';
};

subtest 'a reload' => sub {
    my $b = signed_in('alice');
    my @url = map { ticket_url($b, $mine->url('/info')) } 1, 2;
    my $thief = also($b);
    is got(ask($b, $url[0])), 'aigc-instance=set', 'one is used before';
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 20, 'the old workers have gone');
    is said(ask($thief, $url[0])), '403 ticket-refused', 'that is still known after';
    is got(ask($thief, $url[1])), 'aigc-instance=set', 'the other one is good after';
    is codes(ask($b, $mine->url('/info'))), '200', '… and so is the session';
};

subtest 'good for 30 s' => sub {
    my $late = sub {
        my ($seconds) = @_;
        my $b   = signed_in('alice');
        my $url = ticket_url($b, $mine->url('/info'));
        my $bare = ask($b, "$gateway/sign-in?rd=" . AIGC::Client::escape($mine->url('/')))->location;
        $t->preload(clock => $seconds);
        sleep 0.6;                          # a pass of each worker's loop
        my $r = ask($b, $url);
        my $auth = $stranger->get('/auth', cookies => 0, headers => ['X-Original-URL' => $bare]);
        AIGC::Secrets::in_response($auth);
        $t->preload(clock => 0);
        sleep 0.6;
        return join ' ', said($r), got($r), '/auth', said($auth);
    };
    is $late->(20), '302 ' . $mine->url('/info') . ' aigc-instance=set /auth 200 -', 'after 20 s it is good';
    is $late->($_), '403 ticket-refused  /auth 403 ticket-refused', "after $_ s it is not" for 32, 115;
    is $late->(-3600), '403 ticket-refused  /auth 403 ticket-refused', 'nor an hour before it was issued';
    is $late->($_), '302 ' . $mine->url('/info') . '  /auth 401 not-signed-in', "after $_ s it is an old address: the way begins again" for 125, 3600;
};

subtest 'an old address' => sub {
    my $b   = signed_in('alice');
    my $url = ticket_url($b, $mine->url('/info?x'));
    $t->preload(clock => 125);
    sleep 0.6;
    my @way = visit($b, $url);
    $t->preload(clock => 0);
    sleep 0.6;
    is codes(@way), '302 302 302 302 200', 'of a tab, or a bookmark: it leads in, by the whole way';
    is_deeply [ $way[0]->location, got($way[0]), $way[-1]->url ], [$mine->url('/info?x'), '', $mine->url('/info?x')], '… to its page';
};

subtest 'for one host' => sub {
    my $b   = signed_in('alice');
    my $url = ticket_url($b, $mine->url('/info'));
    my $r;
    # With that host's own nonce as well.
    ask($b, $other->url('/info'));
    $b->{ $other->host }{'aigc-nonce'} = $b->{ $mine->host }{'aigc-nonce'};
    $r = ask($b, with_ticket($url, $other->url('/info')));
    is_deeply [ said($r), got($r) ], ['403 ticket-refused', ''], 'her other instance\'s is another one';
    $b->{ $his->host } = { %{ $b->{ $mine->host } } };
    is said(ask($b, with_ticket($url, $his->url('/info')))), '403 ticket-refused', 'bob\'s, too';
    $b->{"none." . $t->root} = { %{ $b->{ $mine->host } } };
    is said(ask($b, with_ticket($url, 'http://none.' . $t->root . ':' . $t->port . '/'))), '403 ticket-refused', 'one that there is not, too';
    $r = ask($b, with_ticket($url, "$gateway/api/v1/me"), headers => ['Sec-Fetch-Site' => 'same-origin', 'X-Unlogged' => 1]);
    is_deeply [ $r->code, got($r) ], [200, ''], 'on the gateway it is nothing';
    my ($ticket) = $url =~ /aigc_ticket=([\w-]+)$/;
    for my $cookie ('aigc-instance', 'aigc-session', 'aigc_session', 'aigc-nonce') {
        is codes(ask({ $mine->host => { $cookie => $ticket } }, $mine->url('/info'))), '302', "in the place of $cookie it is nothing";
        is ask({ $t->host => { $cookie => $ticket } }, "$gateway/api/v1/me")->code, 401, '… on the gateway, either';
    }
    my $session = $alice->cookie('aigc-session');
    for my $value ($session, ask($b, $url) && $b->{ $mine->host }{'aigc-instance'}) {
        my $b = also($b);
        delete $b->{ $mine->host }{'aigc-instance'};
        is said(ask($b, $mine->url("/info?aigc_ticket=$value"))), '403 ticket-refused', 'nor is a session a ticket';
    }
};

subtest 'for one browser' => sub {
    my $b   = signed_in('alice');
    my $url = ticket_url($b, $mine->url('/info'));

    my $r = ask(browser(), $url);
    is_deeply [ said($r), got($r) ], ['403 ticket-refused', ''], 'without a nonce it is nothing';
    is said(ask($b, $url)), '403 ticket-refused', '… and is used up: in her own browser, too';
    ask(my $nobodys = browser(), $mine->url('/'));
    for my $nonce ($nobodys->{ $mine->host }{'aigc-nonce'}, 'A' x 22, '', 'x', ($url =~ /aigc_ticket=(.{22})/)[0], encode_base64url(sha256($b->{ $mine->host }{'aigc-nonce'}))) {
        $url = ticket_url($b, $mine->url('/info'));
        my $r = ask({ $mine->host => { 'aigc-nonce' => $nonce } }, $url);
        is_deeply [ said($r), got($r) ], [length $nonce == 22 ? '302 ' . $mine->url('/info') : '403 ticket-refused', ''], 'nor with another one (' . length($nonce) . ' characters)';
        $r = ask(also($b), $url);
        is_deeply [ said($r), got($r) ], ['403 ticket-refused', ''], '… by which it is used up, too: nobody tries one nonce after another';
    }
    is got(ask($b, ticket_url($b, $mine->url('/info')))), 'aigc-instance=set', 'in her own one is good that was shown nowhere';

    # Login CSRF: bob's ticket in alice's browser.
    my $bobs = signed_in('bob');
    for my $inst ($mine, $his) {
        my ($url, $next) = map { ticket_url($bobs, $inst->url('/info')) } 1, 2;
        my $r = ask(my $b = signed_in('alice'), $url);
        is_deeply [ said($r), got($r) ], ['403 ticket-refused', ''], 'bob\'s ticket in alice\'s browser, for ' . ($inst == $his ? 'his' : 'her') . ' instance';
        ask($b, $inst->url('/'));           # who has been there has a nonce
        $r = ask($b, $next);
        is_deeply [ said($r), got($r) ], ['302 ' . $inst->url('/info'), ''], '… and with a nonce of hers she begins again, as herself';
        is said(ask($bobs, $_)), '403 ticket-refused', '… after which his is good for nobody, not even for him' for $url, $next;
    }

    # The way by hand, which no instance began: no nonce.
    $b = signed_in('alice');
    $r = ask($b, "$gateway/sign-in?rd=" . AIGC::Client::escape($mine->url('/info?x')));
    is $r->code, 302, 'a sign-in that no instance has sent there';
    my $bare = $r->location;
    $r = ask($b, $bare);
    is_deeply [ $r->code, $r->location, got($r) ], [302, $mine->url('/info?x'), ''], '… leads to the page without the ticket, and without a session';
    is codes(visit($b, $r->location)), '302 302 302 200', '… which goes the way with a nonce';
    is said(ask(browser(), $bare)), '403 ticket-refused', '… and the ticket is used up by that: it leads nowhere again';
    for my $nonce ('x', 'A' x 42, 'A' x 44, 'A' x 42 . '.', '') {
        my $url = ask($b, "$gateway/sign-in?rd=" . AIGC::Client::escape($mine->url('/info')) . "&nonce=$nonce")->location;
        is got(ask(also($b), $url)), '', 'a nonce of ' . length($nonce) . ' characters that is no digest binds to nothing';
    }
    $r = ask($b, "$gateway/sign-in?rd=" . AIGC::Client::escape($mine->url('/info')) . '&nonce=' . 'A' x 43);
    delete $b->{ $mine->host }{'aigc-instance'};
    $r = ask($b, $r->location);
    is_deeply [ said($r), got($r) ], ['302 ' . $mine->url('/info'), ''], 'nor does one of nobody\'s';
};

subtest 'garbage' => sub {
    my $b   = signed_in('alice');
    my $url = ticket_url($b, $mine->url('/info'));
    my ($start, $ticket) = $url =~ /^(.*aigc_ticket=)([\w-]+)$/;
    my %bad = (
        'a letter' => 'x', 'its half' => substr($ticket, 0, length($ticket) / 2), 'a letter more' => $ticket . 'A', 'another first letter' => 'B' . substr($ticket, 1),
        'another last letter' => substr($ticket, 0, -1) . ($ticket =~ /A$/ ? 'Q' : 'A'), 'two of them' => "$ticket$ticket", 'an escape' => $ticket =~ s/^./sprintf '%%%02X', ord $&/er,
        'dots' => '..', 'zeros' => '%00' x 20, 'no base64url' => '+/=' x 50, 'raw bytes' => "\xff\xfe\x80" x 20, 'a ticket= in it' => "aigc_ticket=$ticket",
        map({ ("$_ bytes" => 'A' x $_) } 2047, 2048, 2049, 4096, 16_384, 30_000),
    );
    for my $what (sort keys %bad) {
        my $r = ask($b, $start . $bad{$what});
        is_deeply [ said($r), got($r) ], ['403 ticket-refused', ''], "$what: refused";
        unlike $r->content, qr/\Q$bad{$what}\E/, '… and not repeated' if length $bad{$what} > 10;
    }
    # nginx takes a fragment off by itself, which no browser sends.
    is got(ask($b, $url)), 'aigc-instance=set', 'as it is it is good after all that';

    $url = ticket_url($b, $mine->url('/headers'));
    for my $not (map({ $url =~ s/aigc_ticket=/$_/r } 'aigc-ticket=', 'AIGC_TICKET=', 'xaigc_ticket=', 'aigc%5Fticket=', 'aigc_ticket=x=&a='), "$url&a=b", "$url&", "$url&&") {
        # only who makes up such an address has it logged
        my @unlogged = (headers => ['X-Unlogged' => 1]);
        my $r = ask($b, $not, @unlogged);
        is $r->code, 200, 'what only looks like one, or is not the last, is an argument of the page';
        is $r->json->{uri}, substr($not, length $mine->url('')) =~ s{^(?!/)}{/}r, '… which its pod gets as it is';
        is ask(browser(), $not, @unlogged)->location =~ m{/sign-in\?rd=} + 0, 1, '… and lets nobody in';
    }
};

subtest 'the pod, the logs and the history' => sub {
    my $log = sub { open my $f, '<', $t->file("nginx/all.log") or die "all.log: $!"; local $/; return <$f> };
    my $mark = length $log->();
    my $b   = signed_in('alice');
    my $url = ticket_url($b, $mine->url('/headers?page=1'));
    my ($ticket) = $url =~ /aigc_ticket=([\w-]+)$/;
    my @way = visit($b, $url);
    unlike $way[-1]->content, qr/ticket|\Q$ticket\E/, 'a pod sees no ticket';
    ask($b, $url);
    ask(browser(), $url);
    ask(browser(), $url, method => 'POST', body => 'x');
    my $all;
    $t->wait_for(sub { $all = substr $log->(), $mark; $all =~ m{^POST }m }, 10, 'the log has the last request');
    is scalar(() = $all =~ m{^\w+ /headers\?page=1(?: HTTP/1\.1)?\|/headers\?page=1\|page=1\|/headers\|-$}mg), 6, 'a log has the page, each time';
    is scalar(() = $all =~ /aigc_ticket|\Q$ticket\E/g), 0, '… and no ticket in any field of it';
    is scalar(() = $t->error_log =~ /\Q$ticket\E/g), 0, '… the error log neither';
    is scalar(grep { ($_->header('Referrer-Policy') // '') !~ /^(?:|no-referrer|same-origin)$/ } @way), 0, 'no answer lets another site see where it came from';
};

### What a session is then

subtest 'the session of one host' => sub {
    my $b = signed_in('alice');
    visit($b, $mine->url('/info'));
    my $value = $b->{ $mine->host }{'aigc-instance'};
    is codes(ask({ $mine->host => { 'aigc-instance' => $value } }, $mine->url('/info'))), '200', 'there it is good';
    is codes(ask({ $other->host => { 'aigc-instance' => $value } }, $other->url('/info'))), '302', 'on her other instance it is nothing';
    is codes(ask({ $his->host => { 'aigc-instance' => $value } }, $his->url('/info'))), '302', '… on bob\'s, too';
    for my $name ('aigc-session', 'aigc-instance', 'aigc_session') {
        is ask({ $t->host => { $name => $value } }, "$gateway/api/v1/me")->code, 401, "… on the gateway as $name, too";
    }
    is $stranger->get('/api/v1/me', headers => [Authorization => "Bearer $value"])->code, 401, '… nor is it a token';
    is $stranger->get($mine->url('/info'), headers => [Authorization => "Bearer $value"])->code, 401, '… on its own host neither';
    is codes(ask({ $mine->host => { $_ => $value } }, $mine->url('/info'))), '302', "… nor as $_ there" for 'aigc-session', 'aigc_session', 'aigc-nonce', '__Host-aigc-instance';
    is codes(ask({ $mine->host => { 'aigc-instance' => $alice->cookie('aigc-session') } }, $mine->url('/info'))), '302', 'the gateway\'s session is nothing on an instance\'s host';

    my $key = $t->file('other.key');
    open my $f, '>', $key or die $!;
    print $f 'ab' x 32, "\n";
    close $f;
    chmod 0600, $key;
    my $port = $t->second_nginx(edit => sub { $_[0] =~ s/key_file=\S+session\.key/key_file=$key/r =~ s/ listen \S+ http2[^;]*;//gr });
    my $there = sub { my ($url, $cookie) = @_;
        return $stranger->get($url =~ s/:\d+/:$port/r, cookies => 0, headers => [Cookie => $cookie])->code };
    is $there->($mine->url('/info'), "aigc-instance=$value"), 401, 'at a gateway with another key it is nothing';
    is $there->("$gateway/api/v1/me", 'aigc-session=' . $alice->cookie('aigc-session')), 401, '… nor is the gateway\'s';
};

subtest 'after a sign-out' => sub {
    my $c = $t->sign_in('alice');
    my $b = browser($c);
    visit($b, $mine->url('/info'));
    my $url = ticket_url($b, $other->url('/info'));
    my $old = also($b);
    is codes(ask($b, $mine->url('/info'))), '200', 'she is in';
    is $c->post('/sign-out', headers => [Origin => $gateway])->code, 303, 'she signs out at the dashboard';
    is codes(ask($b, $mine->url('/info'))), '302', 'her session at the instance is over';
    is $stranger->get($mine->url('/info'), cookies => 0, headers => [Cookie => 'aigc-instance=' . $b->{ $mine->host }{'aigc-instance'}])->code, 401, '… for a program, too';
    my @way = visit($b, $url);
    isnt $way[-1]->code, 200, 'a ticket of before leads in no more';
    like $way[-1]->location, qr/:@{[ $t->port(2) ]}\//, '… but to the provider';
    @way = visit($old, $mine->url('/info'));
    is codes(@way), '302 302', 'nor does the gateway\'s session of before';
    like $way[-1]->location, qr/:@{[ $t->port(2) ]}\//, '… it leads to the provider, too';
};

subtest 'a user who is gone' => sub {
    my $b = browser($carol);
    visit($b, $hers->url('/info'));
    is codes(ask($b, $hers->url('/info'))), '200', 'carol is in';
    my $new = also($b);
    delete $new->{ $hers->host };
    my $url = ticket_url($new, $hers->url('/info'));
    $t->logto_control('hooks', { webhook_url => $t->url('/webhook'), webhook_events => ['User.SuspensionStatus.Updated'] });
    $t->logto_control('suspend', { user => 'carol' });
    $t->logto_control('webhook', { event => 'User.SuspensionStatus.Updated', user => 'carol' });
    $t->wait_for(sub { ask($b, $hers->url('/info'))->code != 200 }, 20, 'it has been heard that carol is suspended');
    my $r = ask($b, $hers->url('/info'));
    isnt $r->code, 200, 'suspended she is out';
    my @way = visit($new, $url);
    is scalar(grep { $_->code == 200 } @way), 0, 'a ticket of before leads nowhere';
    @way = visit(browser($carol), $hers->url('/info'));
    is scalar(grep { $_->code == 200 } @way), 0, '… nor does her session at the gateway';
};

# A session has room for 64 tickets, which are remembered while they are good.
subtest 'a flood of tickets' => sub {
    my $big = AIGC::Stack->start(workers => 1, preload => 1, directives => { aigc_zone => 'gateway:32m' }, templates => []);
    my $full = sub { $big->status('/metrics')->content =~ /^aigc_tickets_full_total (\d+)$/m ? $1 : undef };
    my $lines = sub { my @said = $big->error_log =~ /no more tickets can be remembered/g; return scalar @said };
    my $session = $big->sign_in('alice')->cookie('aigc-session');
    my $room  = 64;                                     # two times NGX_AIGC_TICKET_WAYS
    my $nonce = 'N' x 22;
    my $page  = 'http://x.' . $big->root . ':' . $big->port . '/';
    my $from  = '/sign-in?rd=' . AIGC::Client::escape($page);
    my $c = $big->stranger;
    my $ticket = sub {
        my ($session, $nonce) = @_;
        return $c->browse($from . ($nonce ? '&nonce=' . encode_base64url(sha256($nonce)) : ''), cookies => 0, headers => [Cookie => "aigc-session=$session"])->location;
    };
    my $redeem = sub {
        my ($url) = @_;
        my $r = $c->browse($url, cookies => 0, headers => [Cookie => "aigc-nonce=$nonce"]);
        AIGC::Secrets::in_response($r);
        return $r;
    };
    my $what = sub { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // '-', got($r) };

    my @used = map { $ticket->($session, $nonce) } 1 .. $room;
    is_deeply [ map { $what->($redeem->($_)) } @used ], [ ('302 - aigc-instance=set') x $room ], 'as many of one session are taken';
    is $full->(), 0, '… and none is refused for want of room';
    my $next = $ticket->($session, $nonce);
    my $r = $redeem->($next);
    is $what->($r), '503 busy ', 'the next one is not: it could not be remembered';
    ok $r->header('Retry-After'), '… and is told to come again';
    is $full->(), 1, '… which is counted';
    is $lines->(), 1, '… and said in the log';
    my $auth = $c->get('/auth', cookies => 0, headers => ['X-Original-URL' => $ticket->($session)]);
    is $what->($auth), '503 busy ', 'likewise at /auth';
    is $full->(), 2, '… which is counted, too';
    is $lines->(), 1, '… and not said again';
    is_deeply [ map { $what->($redeem->($_)) } @used ], [ ('403 ticket-refused ') x $room ], 'none that was used is good again';

    my @others = map { $what->($redeem->($ticket->($big->sign_in($_)->cookie('aigc-session'), $nonce))) } qw(alice bob carol);
    is_deeply \@others, [ ('302 - aigc-instance=set') x 3 ], 'other sessions enter meanwhile, of the same user, too';

    $big->preload(clock => 32);
    sleep 0.6;
    is_deeply [ map { $what->($redeem->($ticket->($session, $nonce))) } 1 .. $room ], [ ('302 - aigc-instance=set') x $room ], 'half a minute later there is room again';
    is $what->($redeem->($used[0])), '403 ticket-refused ', '… and what was used is too old by then';
    $big->preload(clock => 0);
    sleep 0.6;
};

done_testing;
