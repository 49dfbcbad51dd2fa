# t/other_site.t — dashboard and instances on two sites that share no domain, in
# Chromium without cookies for third parties: everything that a user does works,
# and an instance's page has no session of the dashboard's to misuse

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

# "localhost" is no registered suffix, so that each name right before it is a
# site.  The log says of a request where the browser says that it comes from, and
# whether the dashboard's session came with it.
my $t = AIGC::Stack->start(https => 1, root => 'team.localhost', domain => 'instances.localhost',
    templates => ['stable-diffusion-cpu', 'notebook'],
    http => 'map $http_cookie $with { default none; "~__Host-aigc-session=" session; }
        log_format seen "$host $request_method $uri $status ${http_sec_fetch_site} $with";
        access_log seen.log seen;',
    instance => 'location = /third { add_header Set-Cookie "third=1; Path=/; Secure; SameSite=None"; return 204; }');
my $gateway = $t->origin;
my $plain   = 'http://' . $t->host . ':' . $t->port;    # the same server, for programs

my $b = $t->browser(third_party => 0);
my (%inst, $evil, $other);

# The dashboard's own call.
sub api {
    my ($method, $path) = @_;
    return $b->await('return fetch(arguments[1], { method: arguments[0] }).then(async r => ({ status: r.status, body: await r.json() }))',
        $method, "/api/v1/$path");
}

sub jar { return grep { $_->{domain} =~ /\.localhost$/ } $_[0]->all_cookies }
# What a cookie is, beside its value.
sub kind { my ($c) = @_; return join ' ', map({ $c->{$_} ? $_ : "not $_" } qw(httpOnly secure)), "$c->{sameSite} $c->{path}" }
sub of_host { my ($host) = @_; return map { $_->{name} => $_ } grep { $_->{domain} eq $host } jar($b) }

# Presses "Open" of a card, until the instance's page is there.
sub visit {
    my ($template) = @_;
    $b->go('/')->click(shown(card($template), 'visit'));
    $b->find('#instance');
    return $b;
}

sub new_window {
    $b->window($b->_do('POST', '/window/new', { type => 'window' })->{handle});
    return $b->windows;
}

# nginx's lines since the mark: "host method path status from with".
sub mark { return -s $t->file('nginx/seen.log') }
sub lines {
    my ($mark, $host) = @_;
    open my $f, '<', $t->file('nginx/seen.log') or die $!;
    seek $f, $mark, 0;
    return map { /^\Q$host\E (.*)$/ ? $1 : () } <$f>;
}

# What the log has of one of them, once it is there: "status from with".
sub logged {
    my ($mark, $host, $what) = @_;
    my @line;
    $t->wait_for(sub { @line = map { /^\Q$what\E (.*)$/ ? $1 : () } lines($mark, $host) }, 10, "$what of $host in the log");
    return $line[-1];
}

# A fetch of the page that the browser is on: TypeError, or type and status.
sub fetched {
    my ($browser, $url, %init) = @_;
    return $browser->await('
        const [url, init] = arguments;
        return fetch(url, Object.assign({ credentials: "include" }, init)).then(r => r.type + " " + r.status, e => e.name);', $url, \%init);
}

subtest 'sign-in and install' => sub {
    $b->go('/');
    sign_in($b, 'alice');
    for my $template ('stable-diffusion-cpu', 'notebook') {
        $b->click(shown(card($template), 'install'));
        wait_state($b, card($template), 'ready');
    }
    for my $inst (@{ api('GET', 'instances')->{body}{instances} }) {
        ($inst->{origin}) = $inst->{url} =~ m{^(https://[^/]+)};
        $inst{ $inst->{template} } = $inst;
        like $inst->{host}, qr/\.instances\.localhost$/, "$inst->{template} is on the other site";
    }
    ($evil, $other) = @inst{qw(stable-diffusion-cpu notebook)};
    my %has = of_host($t->host);
    is join(' ', sort keys %has), '__Host-aigc-session', 'the dashboard has one session';
    is kind($has{'__Host-aigc-session'}), 'httpOnly secure Lax /', '… which no script and no page of another site uses';
    is join(' ', map { $_->{domain} } jar($b)), $t->host, '… and no other host has any cookie';
};

subtest 'what the browser keeps from third parties' => sub {
    my %kept;
    for ([without => $b], [with => $t->browser(third_party => 1)]) {
        my ($name, $browser) = @$_;
        $browser->go($gateway =~ s/dashboard/elsewhere/r);     # nginx's own 404: a page without a policy
        my $mark = mark();
        is fetched($browser, "$evil->{origin}/third", mode => 'no-cors'), 'opaque 0', 'a page has something of another site';
        is logged($mark, $evil->{host}, 'GET /third'), '204 cross-site none', '… which the browser says it is';
        $kept{$name} = grep { $_->{name} eq 'third' } jar($browser);
    }
    is_deeply \%kept, { without => 0, with => 1 }, 'this browser keeps no cookie of it, another one does';
};

subtest 'a first and a second instance' => sub {
    for my $template ('stable-diffusion-cpu', 'notebook') {
        my $inst = $inst{$template};
        my $mark = mark();
        visit($template);
        is $b->url, $inst->{url}, "$template is opened from its card";
        is_deeply [ grep { m{^GET / } } lines($mark, $inst->{host}) ], ['GET / 302 cross-site none', 'GET / 302 cross-site none', 'GET / 200 cross-site none'],
            '… by two redirects of its host';
        is_deeply [ grep { m{/sign-in} } lines($mark, $t->host) ], ['GET /sign-in 302 cross-site session'], '… over the gateway, without a form';
        my %has = of_host($inst->{host});
        is join(' ', sort keys %has), '__Host-aigc-instance __Host-aigc-nonce', '… whose host has a session of its own then';
        is kind($has{'__Host-aigc-instance'}), 'httpOnly secure Lax /', '… likewise';
        cmp_ok length $has{'__Host-aigc-instance'}{value}, '<=', 400, '… of at most 400 bytes';
        unlike join(' ', @{ $b->run('return [location.href, document.referrer, ...performance.getEntries().map(e => e.name)]') }), qr/ticket/,
            '… and of the ticket nothing is left';
        $mark = mark();
        $b->go($inst->{url});
        is_deeply [ map { s/ .*//r } map { s{^GET / }{}r } grep { m{^GET / } } lines($mark, $inst->{host}) ], [200], 'later there is no redirect';
    }
    isnt $evil->{host}, $other->{host}, 'they are two hosts';
    my %session = map { $_->{domain} => $_->{value} } grep { $_->{name} eq '__Host-aigc-instance' } jar($b);
    is scalar(keys %session), 2, '… each with its session';
};

subtest 'what an application does' => sub {
    visit('stable-diffusion-cpu');
    is $b->await('
        const ws = new WebSocket(arguments[0].replace("http", "ws") + "/ws");
        return new Promise(done => { ws.onopen = () => ws.send("hello"); ws.onmessage = e => done(e.data); ws.onclose = () => done("closed"); })
            .finally(() => ws.close());', $evil->{origin}), 'hello', 'a WebSocket';
    is fetched($b, '/disk/page.html', method => 'PUT', body => '<!doctype html><title>evil</title><body>evil'), 'basic 204', 'an upload';
    is fetched($b, '/echo', method => 'POST', body => 'x'), 'basic 200', 'a POST';
    unlike $b->await('return fetch("/headers").then(r => r.text())'), qr/aigc-/, 'its pod sees none of the cookies';
    $b->go("$evil->{origin}/disk/page.html?a=1&b=2#part");
    is $b->title, 'evil', 'a deep link';
    $b->_do('POST', '/goog/cdp/execute', { cmd => 'Network.deleteCookies', params => { name => $_, url => $evil->{url} } })
        for '__Host-aigc-instance', '__Host-aigc-nonce';
    $b->go("$evil->{origin}/disk/page.html?a=1&b=2#part");
    is $b->url, "$evil->{origin}/disk/page.html?a=1&b=2#part", '… without a session leads to the very place';
    is $b->title, 'evil', '… which is there';
};

subtest 'release and start' => sub {
    $b->go('/')->click(shown(card('notebook'), 'release'));
    wait_state($b, card('notebook'), 'released');
    $b->go($other->{url});
    $b->wait_text(qr/^Released$/m);
    $b->click('a.first');                       # of the waiting page, to the dashboard
    $b->wait_url(qr{^\Q$gateway\E/});
    $b->click('[data-test=ask-start] [data-test=confirm]');
    wait_state($b, card('notebook'), 'ready');
    my $mark = mark();
    visit('notebook');
    is_deeply [ map { /^GET \/ (\d+)/ ? $1 : () } lines($mark, $other->{host}) ], [200], 'it is there again, by the same session';
};

subtest 'a page of an instance and the dashboard' => sub {
    my $writes = $t->audit_mark;
    my $page = sub { $b->go("$evil->{origin}/disk/page.html"); $b->title eq 'evil' or die $b->source };
    my $path = "/api/v1/instances/$other->{namespace}/$other->{template}/$other->{id}";
    $page->();
    for ([GET => '/api/v1/me'], [GET => '/api/v1/instances'], [GET => $path], [POST => "$path/release"],
        [POST => '/api/v1/templates/default/notebook/install'], [POST => '/sign-out'])
    {
        my ($method, $what) = @$_;
        for my $mode (qw(cors no-cors)) {
            my $mark = mark();
            is fetched($b, "$gateway$what", method => $method, mode => $mode), 'TypeError', "$method $what, $mode";
            is logged($mark, $t->host, "$method $what"), ($what =~ /^.api/ ? 401 : 403) . ' cross-site none', '… comes without a session';
        }
    }
    my $mark = mark();
    $b->run('navigator.sendBeacon(arguments[0], "x")', "$gateway$path/release");
    is logged($mark, $t->host, "POST $path/release"), '401 cross-site none', 'so does a beacon';
    is $b->await('
        const ws = new WebSocket(arguments[0].replace("http", "ws") + "/api/v1/events");
        return new Promise(done => { ws.onopen = () => done("open"); ws.onclose = () => done("closed"); });', $gateway), 'closed', 'no WebSocket';
    $mark = mark();
    is $b->await('
        const source = new EventSource(arguments[0] + "/api/v1/events", { withCredentials: true });
        return new Promise(done => { source.onopen = () => done("open"); source.onerror = () => done("error"); }).finally(() => source.close());', $gateway),
        'error', 'no stream of events';
    is logged($mark, $t->host, 'GET /api/v1/events'), '401 cross-site none', '… which comes without a session, too';
    for my $where ('/sign-out', "$path/release") {
        $mark = mark();
        $b->run('const f = document.createElement("form"); Object.assign(f, { method: "post", action: arguments[0] }); document.body.append(f); f.submit()',
            "$gateway$where");
        is logged($mark, $t->host, "POST $where"), ($where =~ /^.api/ ? 401 : 403) . ' cross-site none', "a form to $where, too";
        $page->();
    }
    $mark = mark();
    $b->await('const f = document.createElement("iframe"); f.src = arguments[0]; document.body.append(f); return new Promise(done => f.onload = done)', "$gateway/");
    is logged($mark, $t->host, 'GET /index.html'), '200 cross-site none', 'a frame of the dashboard is asked for without a session';
    $b->frame('iframe');
    like $b->run('return location.href'), qr/^chrome-error:/, '… and not shown';
    $b->frame(undef);
    $b->run('for (const domain of ["team.localhost", "dashboard.team.localhost"]) document.cookie = `tossed=1; domain=${domain}; path=/; secure`');
    is scalar(grep { $_->{name} eq 'tossed' } jar($b)), 0, 'it sets no cookie there';

    my $n = 0;
    $t->wait_for(sub {
        $b->run('for (let i = 0; i < 200; i++) document.cookie = `j${arguments[0]}${i}=x; domain=instances.localhost; path=/; secure`', $n++);
        return !grep { $_->{name} =~ /aigc-instance/ } jar($b);
    }, 20, 'a script pushes the instances\' cookies out of the jar');
    my %has = of_host($t->host);
    ok $has{'__Host-aigc-session'}, 'by filling the jar it ends sessions of its own site, not the dashboard\'s';
    $b->go('/')->find(card('notebook'));
    is api('GET', 'me')->{body}{name}, 'Alice', '… where she is who she was';
    visit('notebook');
    pass '… and enters anew, without a form';
    is_deeply $t->gateway_writes($writes), {}, 'nothing of all this was written to the cluster';
};

# The page with its WebSocket stays in a window of its own.
sub socket_page {
    visit('stable-diffusion-cpu');
    is $b->await('
        window.ws = new WebSocket(arguments[0].replace("http", "ws") + "/ws");
        window.ended = new Promise(done => window.ws.onclose = () => done("closed"));
        return new Promise(done => { window.ws.onopen = () => done("open"); setTimeout(() => done("late"), 10000) })', $evil->{origin}), 'open', 'a WebSocket is open';
}

subtest 'signing out' => sub {
    socket_page();
    my ($page) = $b->windows;
    new_window();
    visit('notebook');
    $b->go('/')->click('[data-test=account]');
    $b->click('[data-test=sign-out]');
    $b->find('[data-test=stranger]');
    is $b->url, "$gateway/", 'she is signed out, and at the dashboard';
    for my $inst ($evil, $other) {
        $b->go($inst->{url});
        $b->find('input[name=password]');
        pass "$inst->{template} leads to the form";
    }
    $b->_do('DELETE', '/window');
    $b->window($page);
    is $b->await('return window.ended'), 'closed', 'the WebSocket of the page that was open has ended';
    is fetched($b, '/info'), 'basic 401', '… and the page gets nothing any more';
    $b->go($other->{url});
    $b->sign_in('alice');
    $b->find('#instance');
    is $b->url, $other->{url}, 'signing in leads to the instance';
};

subtest 'a revocation' => sub {
    socket_page();
    my $r = $t->stranger->post("$plain/backchannel-logout", body => 'logout_token=' . $t->forge(type => 'logout', drop => ['claims.sid']),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
    is $r->code, 200, 'Logto ends all sessions of hers';
    is $b->await('return window.ended'), 'closed', 'the WebSocket ends';
    is fetched($b, '/info'), 'basic 401', '… and the page gets nothing any more';
    $b->go('/');
    $b->find('[data-test=stranger]');
    pass '… nor does the dashboard';
    my $s = time;
    $t->wait_for(sub { time > $s }, 3, 'the next second');      # sign-ins of the very second are met, too
    $b->go($evil->{url});
    $b->find('#instance');
    pass 'Logto still knows her: she enters anew';
};

done_testing;
