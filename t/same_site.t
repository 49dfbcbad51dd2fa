# t/same_site.t — a page of an instance, which is anybody's code on a same-site
# origin, run in Chromium: it does nothing in its user's name at the gateway, and
# nothing at the user's other instance

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;

# As in production: https, and cookies with their prefixes.
my $t = AIGC::Stack->start(https => 1, templates => ['stable-diffusion-cpu', 'notebook']);
my $gateway = $t->origin;
my $root    = $t->root;
my $plain   = 'http://' . $t->host . ':' . $t->port;    # the same server, for programs

### Who is there: alice in her browser, with two instances; bob, who attacks

# A user's browser, signed in at the dashboard.
sub signed_in {
    my ($user) = @_;
    my $b = $t->browser;
    $b->go('/')->click('[data-test=sign-in]');
    $b->sign_in($user);
    $b->find('[data-template]');
    return $b;
}

# The dashboard's own call.
sub api {
    my ($b, $method, $path) = @_;
    return $b->await('return fetch(arguments[1], { method: arguments[0] }).then(async r => ({ status: r.status, body: await r.json() }))',
        $method, "/api/v1/$path");
}

sub install {
    my ($b, $template) = @_;
    my $inst = api($b, 'POST', "templates/default/$template/install")->{body};
    my $path = "instances/$inst->{namespace}/$inst->{template}/$inst->{id}";
    $t->wait_for(sub { api($b, 'GET', $path)->{body}{state} eq 'ready' }, 30, "$template is ready");
    ($inst->{origin}) = $inst->{url} =~ m{^(https://[^/]+)};
    return { %$inst, path => "/api/v1/$path" };
}

my $b     = signed_in('alice');
my $evil  = install($b, 'stable-diffusion-cpu');        # whose code is not what it seems
my $other = install($b, 'notebook');                    # another one of hers
my $bobs  = signed_in('bob');
my ($his) = map { $_->{value} } grep { $_->{name} eq 'aigc_session' } $bobs->all_cookies;
ok $his, 'bob has a session, with which he attacks';

# What the page of the instance is: HTML on its disk.
$b->go("$evil->{origin}/info");
is $b->await('return fetch("/disk/page.html", { method: "PUT", body: "<!doctype html><title>evil</title><body>evil" }).then(r => r.status)'),
    204, 'the instance has a page';
on_page();

sub on_page { $b->go("$evil->{origin}/disk/page.html"); $b->title eq 'evil' or die $b->source; return $b }

# Who the dashboard says she is.
sub me {
    my ($who) = @_;
    ($who // $b)->go('/');
    my $r = api($who // $b, 'GET', 'me');
    return $r->{status} == 200 ? $r->{body}{name} : $r->{status};
}

# The lines of nginx's access log since the mark: [method, path, status].
sub mark { return -s $t->file('log/access.log') }
sub log_lines {
    my ($mark, $host) = @_;
    open my $f, '<', $t->file('log/access.log') or die $!;
    seek $f, $mark, 0;
    return map { m{^\S+ \S+ \Q$host\E (\S+) (\S+) (\d+)} ? [$1, $2, $3] : () } <$f>;
}

# Waits until the log has that request, and says with which status; a request
# that has never come proves nothing.
sub logged {
    my ($mark, $method, $path, $host) = @_;
    my @line;
    $t->wait_for(sub { @line = grep { $_->[0] eq $method && $_->[1] eq $path } log_lines($mark, $host // $t->host) },
        10, "$method $path in the log");
    return $line[-1][2];
}

# Nothing has happened to what is hers.
sub unharmed {
    my ($what) = @_;
    is me(), 'Alice', "… $what: she is who she was";
    my %is = map { $_->{template} => $_->{state} } @{ api($b, 'GET', 'instances')->{body}{instances} };
    is_deeply \%is, { 'stable-diffusion-cpu' => 'ready', notebook => 'ready' }, '… and her instances are as they were';
    $b->go("$other->{origin}/disk/");
    is $b->text =~ s/\s+\z//r, '[]', '… the other one\'s disk too';
    on_page();
}

my $writes = $t->audit_mark;
my ($other_host) = $other->{origin} =~ m{//([^:]+)};

subtest 'forms' => sub {
    my $submit = sub {
        my ($action, %o) = @_;
        $b->await('
            const [action, o] = arguments;
            const frame = document.createElement("iframe");
            frame.name = "f" + Math.random();
            document.body.append(frame);
            const form = document.createElement("form");
            Object.assign(form, { action, method: o.method || "post", enctype: o.type || "application/x-www-form-urlencoded", target: frame.name });
            const input = document.createElement("input");
            Object.assign(input, { name: o.name || "a", value: o.value || "b" });
            form.append(input);
            document.body.append(form);
            return new Promise(done => { frame.onload = () => done(1); form.submit(); setTimeout(done, 3000); });', $action, \%o);
    };
    my $install = '/api/v1/templates/default/notebook/install';
    my @post = ([$install, 403], ["$other->{path}/release", 403], ["$other->{path}/restart", 403], ["$evil->{path}/release", 403],
        ['/sign-out', 403], ['/webhook', 403], ['/backchannel-logout', 400], ['/auth', 400], ['/sign-in', 405], ['/api/v1/admin/adopt', 403]);
    for (@post) {
        my ($path, $code) = @$_;
        my $mark = mark();
        $submit->($gateway . $path);
        is logged($mark, 'POST', $path), $code, "POST $path is refused";
    }
    my $mark = mark();
    $submit->($gateway . $install, type => 'text/plain', name => '{"another":true,"a":"', value => '"}');
    is logged($mark, 'POST', $install), 403, '… JSON in the dress of text, too';
    $mark = mark();
    $submit->("$gateway$other->{path}/release", method => 'get');
    is logged($mark, 'GET', "$other->{path}/release"), 403, '… and by GET';

    for my $path ('/echo', '/disk/x') {
        $mark = mark();
        $submit->($other->{origin} . $path);
        is logged($mark, 'POST', $path, $other_host), 403, "POST $path at the other instance is refused";
    }
    # The pod of the evil one sends what was its own on to the gateway.
    $mark = mark();
    $submit->("$evil->{origin}/respond?code=307&header=Location:" . AIGC::Client::escape("$gateway$other->{path}/release"));
    is logged($mark, 'POST', "$other->{path}/release"), 403, 'a form that is redirected there';
    $mark = mark();
    $submit->("$evil->{origin}/respond?code=308&header=Location:" . AIGC::Client::escape("$other->{origin}/echo"));
    is logged($mark, 'POST', '/echo', $other_host), 403, '… or to the other instance';
    $b->run('location = arguments[0]', "$gateway/sign-out");
    $b->wait_url(qr{/sign-out});
    like $b->text, qr/method-not-allowed/, 'a link signs nobody out';
    unharmed('by forms');
};

# How a fetch of the page ends: "TypeError", or its type and status and text.
sub fetched {
    my ($url, %init) = @_;
    return $b->await('
        const [url, init] = arguments;
        return fetch(url, Object.assign({ credentials: "include" }, init))
            .then(async r => [r.type, r.status, (await r.text()).slice(0, 40)].join(" ").trim(), e => e.name);', $url, \%init);
}

subtest 'fetch' => sub {
    my @read = (map({ "/api/v1/$_" } qw(me templates instances events)), $other->{path}, '/auth', '/favicon.svg');
    for my $path (@read) {
        my $mark = mark();
        is fetched($gateway . $path), 'TypeError', "reading $path";
        is fetched($gateway . $path, mode => 'no-cors'), 'TypeError', '… no-cors, not even as something that it cannot read';
        my $code = logged($mark, 'GET', $path);
        is $code, $path eq '/favicon.svg' ? 200 : $path eq '/auth' ? 400 : 403, "… ($code)";
    }
    for my $path ("$other->{path}/release", '/api/v1/templates/default/notebook/install', '/sign-out') {
        for my $init ({}, { mode => 'no-cors' }, { keepalive => \1 }, { headers => { 'content-type' => 'text/plain' }, body => '{}' }) {
            my $mark = mark();
            is fetched($gateway . $path, method => 'POST', %$init), 'TypeError', "POST $path " . join ',', keys %$init;
            is logged($mark, 'POST', $path), 403, '… refused';
        }
        my $mark = mark();
        is fetched($gateway . $path, method => 'POST', headers => { 'content-type' => 'application/json', 'x-csrf' => 1 }), 'TypeError', '… with a preflight';
        isnt logged($mark, 'OPTIONS', $path), 200, '… which does not allow it';
        is scalar(grep { $_->[0] eq 'POST' } log_lines($mark, $t->host)), 0, '… so that it is not even sent';
    }
    my $mark = mark();
    is fetched($gateway . $other->{path}, method => 'DELETE'), 'TypeError', 'DELETE';
    is scalar(grep { $_->[0] eq 'DELETE' } log_lines($mark, $t->host)), 0, '… neither';
    is fetched($gateway . '/api/v1/me', headers => { Origin => $gateway, 'Sec-Fetch-Site' => 'same-origin' }, mode => 'no-cors'),
        'TypeError', 'it cannot say that it were another';
    is fetched("$gateway/api/v1/me", headers => { Authorization => 'Bearer x' }), 'TypeError', 'nor send a token of its own making';

    $mark = mark();
    $b->run('
        const [url, ping] = arguments;
        navigator.sendBeacon(url, "x");
        const a = document.createElement("a");
        Object.assign(a, { href: "#", ping });
        document.body.append(a);
        a.click();', "$gateway$other->{path}/release", "$gateway/sign-out");
    is logged($mark, 'POST', "$other->{path}/release"), 403, 'a beacon is refused';
    is logged($mark, 'POST', '/sign-out'), 403, '… a ping too';
    for my $tag (qw(img script link iframe object video)) {
        is $b->await('
            const [tag, url] = arguments;
            const e = document.createElement(tag);
            if (tag === "link") e.rel = "stylesheet";
            e[{ link: "href", object: "data" }[tag] || "src"] = url;
            const end = new Promise(done => { e.onload = () => done("load"); e.onerror = () => done("error"); });
            document.body.append(e);
            return end.then(x => tag === "iframe" ? "error" : x);', $tag, "$gateway/api/v1/me"), 'error', "the API as <$tag>";
    }

    for my $path ('/info', '/disk/') {
        is fetched($other->{origin} . $path), 'TypeError', "reading $path of the other instance";
        is fetched($other->{origin} . $path, mode => 'no-cors'), 'opaque 0', '… no-cors, a page gets it, and cannot read it';
    }
    for my $method (qw(POST PUT DELETE)) {
        for my $mode (qw(cors no-cors)) {
            my $mark = mark();
            is fetched("$other->{origin}/disk/x", method => $method, mode => $mode), 'TypeError', "$method at the other instance, $mode";
            my @sent = grep { $_->[0] eq $method } log_lines($mark, $other_host);
            is_deeply [ grep { $_->[2] != 403 } @sent ], [], '… is refused, or not sent';
        }
    }
    $mark = mark();
    is fetched("$evil->{origin}/respond?code=307&header=Location:" . AIGC::Client::escape("$gateway$other->{path}/release"), method => 'POST', mode => 'no-cors'),
        'TypeError', 'a redirect to the gateway';
    is logged($mark, 'POST', "$other->{path}/release"), 403, '… is refused';
    unharmed('by fetch');
};

# helmet sets it for an application's own pages: Chromium then sends
# "Origin: null" to their own origin.
subtest 'Referrer-Policy: no-referrer' => sub {
    my $form = '<!doctype html><meta name="referrer" content="no-referrer"><title>form</title><form method="post" action="%s"><input name="a" value="b"></form>';
    my $put = sub {
        my ($name, $action) = @_;
        $b->await('return fetch("/disk/" + arguments[0], { method: "PUT", body: arguments[1] }).then(r => r.status)', $name, sprintf $form, $action);
    };
    on_page();
    is $put->('own.html', '/headers'), 204, 'a page with a form of its own';
    is $put->('foreign.html', "$other->{origin}/headers"), 204, '… and one for the other instance';

    my $mark = mark();
    $b->go("$evil->{origin}/disk/own.html")->run('document.forms[0].submit()');
    is logged($mark, 'POST', '/headers', $evil->{host}), 200, 'a form to its own origin passes';
    $b->wait_text(qr/"origin"/i);
    like $b->text, qr/"origin",\s*"null"/i, '… with the origin "null"';
    like $b->text, qr/"sec-fetch-site",\s*"same-origin"/i, '… which the browser says is its own';

    on_page();
    my $seen = $b->await('return fetch("/headers", { method: "POST", referrerPolicy: "no-referrer", body: "x" }).then(r => r.status)');
    is $seen, 200, '… and fetch';

    $mark = mark();
    $b->go("$evil->{origin}/disk/foreign.html")->run('document.forms[0].submit()');
    is logged($mark, 'POST', '/headers', $other_host), 403, 'to another one\'s it is refused';
    $b->wait_text(qr/Not from this page/);
    pass '… with a page that says so';
    on_page();
};

subtest 'Clear-Site-Data' => sub {
    for my $what ('"cookies"', '"*"', '"cache", "cookies"') {
        on_page();
        is $b->await('return fetch("/respond?header=" + encodeURIComponent("Clear-Site-Data:" + arguments[0])).then(r => r.status)', $what), 200,
            "the pod says $what";
        unharmed($what);
    }
};

subtest 'WebSocket, EventSource' => sub {
    my $open = sub { $b->await('
        const ws = new WebSocket(arguments[0]);
        return new Promise(done => { ws.onopen = () => done("open"); ws.onclose = () => done("closed"); });', $_[0] =~ s/^http/ws/r) };
    is $open->("$evil->{origin}/ws"), 'open', 'its own opens';
    my $mark = mark();
    is $open->("$other->{origin}/ws"), 'closed', 'the other instance\'s does not';
    is logged($mark, 'GET', '/ws', $other_host), 403, '… it is refused';
    for my $path ('/api/v1/events', '/api/v1/me', '/', '/sign-in') {
        is $open->($gateway . $path), 'closed', "nor does one to $path of the gateway";
    }
    $mark = mark();
    is $b->await('
        const source = new EventSource(arguments[0], { withCredentials: true });
        let n = 0;
        for (const name of ["message", "snapshot", "instance", "template"]) source.addEventListener(name, () => n++);
        return new Promise(done => { source.onopen = () => done("open"); source.onerror = () => done("error " + n); }).finally(() => source.close());',
        "$gateway/api/v1/events"), 'error 0', 'the gateway\'s events are not told';
    is logged($mark, 'GET', '/api/v1/events'), 403, '… and hold no stream of hers';
    unharmed('by sockets');
};

# Cookies as the page may set them; which of them the browser keeps.
sub toss {
    my (@cookies) = @_;
    $b->run('for (const c of arguments[0]) document.cookie = c;', \@cookies);
}
sub jar { return map { { %$_ } } grep { $_->{domain} =~ /\Q$root\E$/ } $b->all_cookies }
sub untoss { $b->_do('POST', '/goog/cdp/execute', { cmd => 'Network.deleteCookies', params => { name => $_->{name}, domain => $_->{domain}, path => $_->{path} } }) for @_ }

subtest 'cookie tossing' => sub {
    my @before = sort map { "$_->{name} $_->{domain} $_->{path} $_->{value}" } jar();
    my %mine = map { $_->{name} => $_->{value} } jar();
    is join(' ', sort keys %mine), '__Host-aigc-bind aigc_session', 'what she has';
    my @own = grep { ($_->{name} =~ /aigc/) } @{ $b->cookies };
    is_deeply [ map { $_->{name} } @own ], ['aigc_session'], 'her instance\'s host is sent her session, and no more';
    is $b->run('return document.cookie'), '', '… which no script reads';

    my $attrs = "; domain=$root; path=/; secure";
    toss(map { "$_$attrs" } "aigc_session=$his", 'aigc_session=', 'aigc_session=x; max-age=0');
    is_deeply [ sort map { "$_->{name} $_->{domain} $_->{path} $_->{value}" } jar() ], \@before, 'a script does not write over it, nor end it';

    my $bind = $bobs->run('return ""') . (map { $_->{value} } grep { $_->{name} eq '__Host-aigc-bind' } $bobs->all_cookies)[0];
    toss(map { ("__Host-aigc-bind=$bind$_", "__Host-aigc-login-0=x$_", "=__Host-aigc-bind=$bind$_", "__host-aigc-bind=$bind$_") }
        $attrs, "; domain=$root; path=/api/", "; path=/; domain=" . $t->host);
    is_deeply [ grep { $_->{name} =~ /^(?:__Host-.*)?$/ && $_->{value} =~ /\Q$bind\E|^x$/ } jar() ], [], 'none with the prefix is kept';
    is me(), 'Alice', '… and those that only look like it bind nothing';
    on_page();
    untoss(grep { $_->{name} =~ /^__host/ } jar());

    # With a longer path his session comes first, beside hers.
    for my $path ('/api', '/api/v1/me', '/api/v1', '/sign-out') {
        toss("aigc_session=$his; domain=$root; path=$path; secure", "aigc-bind=$bind; domain=$root; path=$path", "\x{2000}__Host-aigc-bind=$bind; domain=$root; path=$path; secure");
    }
    cmp_ok scalar(grep { $_->{name} eq 'aigc_session' } jar()), '==', 5, 'sessions of longer paths are kept by the browser';
    is me(), 'Alice', '… and the gateway takes the one that is bound to it';
    is api($b, 'GET', 'instances')->{body}{instances}[0]{owner}, $evil->{owner}, '… for every call';
    on_page();
    untoss(grep { $_->{path} ne '/' } jar());

    toss("aigc_session=$his; domain=$root; path=/disk; secure");
    $b->go("$other->{origin}/disk/");
    like $b->text, qr/several sessions/, 'two on an instance\'s host are none: nobody is taken for somebody else';
    untoss(grep { $_->{path} ne '/' } jar());
    # That answer has cleared the cookie: she signs in again, without her password.
    $b->go('/sign-in');
    $b->find('[data-template]');
    on_page();

    my $n = 0;
    $t->wait_for(sub { toss(map { 'j' . $n++ . "=x$attrs" } 1 .. 200); !grep { $_->{name} =~ /aigc/ } jar() }, 20,
        sub { join ' ', 'a script pushes her cookies out of the jar:', map { $_->{name} } jar() });
    pass 'a script can push her cookies out of the jar';
    toss("aigc_session=$his$attrs");
    is me(), 401, '… and its own session in: at the gateway it is nobody\'s';
    $b->find('[data-test=sign-in]');
    pass 'she is asked to sign in, and is not bob';
    is api($b, 'POST', 'templates/default/notebook/install')->{status}, 401, '… nor acts for him';
    $b->_do('POST', '/goog/cdp/execute', { cmd => 'Network.clearBrowserCookies', params => {} });
    $b->go('/')->click('[data-test=sign-in]');
    $b->sign_in('alice');
    $b->find('[data-template]');
    on_page();
    unharmed('by cookies');
};

# The callback of a sign-in that bob has begun, and not ended: its URL, and the
# cookie that belongs to it.
sub half_signed_in {
    my $c = $t->stranger;
    my $r = $c->browse("$plain/sign-in");
    my ($login) = $r->set_cookies;
    my $url = $r->location;
    for (1 .. 10) {
        my $r = $c->browse($url);
        if (my $form = AIGC::Client::form($r)) {
            @{ $form->{fields} }{qw(username password)} = ('bob', 'bob-pass');
            $r = $c->submit($form);
        }
        $url = AIGC::Client::resolve($r->url, $r->location // die $r->status_line);
        return ($url, $login) if $url =~ m{/sign-in-callback\?};
    }
    die 'no callback';
}

subtest 'login CSRF' => sub {
    my ($url, $login) = half_signed_in();
    like $login->{line}, qr/^__Host-aigc-login-[\w-]{22}=.*; Secure/, 'a sign-in\'s state is a cookie of the gateway\'s host';
    my @try = map { my $path = $_; map { "$_=$login->{value}; domain=$root; path=$path; secure" } $login->{name}, $login->{name} =~ s/__Host-//r, "\x{2000}$login->{name}" } '/', '/sign-in-callback';
    toss(@try, "=$login->{name}=$login->{value}; domain=$root; path=/; secure");
    $b->go($url);
    is $b->url, "$gateway/", 'an attacker\'s code and state in her callback, the attacker\'s cookie tossed: she goes on, the code is worth nothing';
    is me(), 'Alice', '… she stays alice';

    on_page();
    ($url, $login) = half_signed_in();
    $b->await('
        const f = document.createElement("iframe");
        f.src = arguments[0];
        document.body.append(f);
        return new Promise(done => f.onload = done);', $url);
    is fetched($url, mode => 'no-cors'), 'TypeError', '… in a frame and by fetch neither';
    is me(), 'Alice', '… she stays alice';
    # With that very cookie in its own place it would have been good.
    my $c = $t->stranger;
    $c->set_cookie($login->{name} => $login->{value}, domain => $t->host);
    is $c->browse($url =~ s{^https://[^/]+}{$plain}r)->code, 302, 'with the cookie in its own place that callback is good';

    on_page();
    untoss(grep { $_->{name} =~ /login/ } jar());
    $b->await('
        const frames = [...Array(20)].map(() => { const f = document.createElement("iframe"); f.src = arguments[0]; document.body.append(f); return new Promise(done => f.onload = done); });
        return Promise.all(frames);', "$gateway/sign-in");
    cmp_ok scalar(grep { $_->{name} =~ /login/ } jar()), '<=', 8, 'sign-ins that it begins, it does not end: eight at most';
    unharmed('by sign-ins');
};

subtest 'clickjacking' => sub {
    my $framed = sub {
        my ($url) = @_;
        $b->await('
            document.querySelectorAll("iframe").forEach(f => f.remove());
            const f = document.createElement("iframe");
            f.id = "f";
            document.body.append(f);
            const end = new Promise(done => f.onload = done);
            f.src = arguments[0];
            return end;', $url);
        my @seen;
        $b->wait(sub {
            $b->frame('#f');
            @seen = eval { @{ $b->run('return [location.href, document.body ? document.body.innerText : ""]') } };
            $b->frame(undef);
            @seen && $seen[0] ne 'about:blank';
        }, 10, 'the frame has something');
        return $seen[0] =~ /^chrome-error:/ ? 'blocked' : "$seen[0] $seen[1]";
    };
    like $framed->("$evil->{origin}/info"), qr{/info .*stable-diffusion-cpu}s, 'its own page it may frame';
    is $framed->($gateway . $_), 'blocked', "the gateway's $_ it may not" for '/', '/?x=1', '/index.html', '/nothing', '/sign-in?rd=/';

    my ($id) = $other->{path};
    me();
    is api($b, 'POST', "instances/default/notebook/$other->{id}/release")->{status}, 202, 'the other instance is released';
    $t->wait_for(sub { api($b, 'GET', "instances/default/notebook/$other->{id}")->{body}{state} eq 'released' }, 20, 'it is released');
    on_page();
    is $framed->("$other->{origin}/"), 'blocked', 'its waiting page it may not';
    $b->go("$other->{origin}/");
    like $b->text, qr/^Released$/m, '… which its user sees';
    me();
    is api($b, 'POST', "instances/default/notebook/$other->{id}/start")->{status}, 202, 'started again';
    $t->wait_for(sub { api($b, 'GET', "instances/default/notebook/$other->{id}")->{body}{state} eq 'ready' }, 20, 'it is ready');
    on_page();

    is $b->await('
        const w = window.open(arguments[0]);
        return new Promise(done => {
            const look = () => w.closed ? done("severed") : setTimeout(look, 20);
            look();
            setTimeout(() => done("held: " + w.length), 5000);
        });', "$gateway/"), 'severed', 'of a window that it opens on the dashboard it keeps no hold';
    my ($own, @opened) = $b->windows;
    is scalar @opened, 1, 'the window is there';
    $b->window($opened[0]);
    $b->find('[data-template]');
    is $b->run('return [window.opener, window.name].join()'), ',', '… and has no opener';
    $b->_do('DELETE', '/window');
    $b->window($own);

    is $b->run('try { document.domain = arguments[0]; return document.domain } catch (e) { return e.name }', $root) ne '', 1, 'document.domain as it may be';
    like $b->await('return navigator.serviceWorker.register(arguments[0]).then(() => "registered", e => e.name)', "$gateway/favicon.svg"),
        qr/Error$/, 'no worker of its own stands before the gateway';
    unharmed('by frames and windows');
};

is_deeply { map { $_ => 1 } keys %{ $t->gateway_writes($writes) } }, { notebook => 1 }, 'of all that the cluster has seen her own release and start, no more';
cmp_ok $t->gateway_writes($writes)->{notebook}, '==', 2, '… two writes';

done_testing;
