# t/same_site.t — a page of an instance, which is anybody's code on a same-site
# origin, run in Chromium: it does nothing in its user's name at the gateway, and
# nothing at the user's other instance

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

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
my $bobs_own = install($bobs, 'stable-diffusion-cpu');
$bobs->go("$bobs_own->{origin}/info");
my $his = kept($bobs, '__Host-aigc-session', $t->host);
my $his_instance = kept($bobs, '__Host-aigc-instance', $bobs_own->{host});
ok $his && $his_instance, 'bob has sessions, with which he attacks';
$b->go("$other->{origin}/info");        # so has she, at each of her instances

# What the page of the instance is: HTML on its disk.
$b->go("$evil->{origin}/info");
is $b->await('return fetch("/disk/page.html", { method: "PUT", body: "<!doctype html><title>evil</title><body>evil" }).then(r => r.status)'),
    204, 'the instance has a page';
on_page();

# The value of a browser's cookie of that name and that very host.
sub kept {
    my ($who, $name, $host) = @_;
    my ($c) = grep { $_->{name} eq $name && $_->{domain} eq $host } $who->all_cookies;
    return $c && $c->{value};
}

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

# Every cookie of ours: "name domain path value".  A __Host- cookie is of the page's
# own host alone, so that its script can set the gateway's there, where it is nothing.
sub ours {
    return [ sort map { "$_->{name} $_->{domain} $_->{path} $_->{value}" } grep { $_->{name} =~ /^__Host-aigc-(?:session|instance)$/ }
        grep { $_->{domain} ne $evil->{host} || $_->{name} ne '__Host-aigc-session' } jar() ];
}

# Who she is everywhere, whatever lies in her jar.
sub still_herself {
    my ($what) = @_;
    is me(), 'Alice', "… $what: the gateway takes her for nobody else";
    is api($b, 'GET', 'instances')->{body}{instances}[0]{owner}, $evil->{owner}, '… for every call';
    $b->go("$other->{origin}/disk/");
    is $b->text =~ s/\s+\z//r, '[]', '… and her other instance is hers';
    on_page();
}

subtest 'cookie tossing' => sub {
    my $before = ours();
    is_deeply [ map { /^(\S+ \S+ \S+)/ } @$before ], [ sort '__Host-aigc-session ' . $t->host . ' /', map { "__Host-aigc-instance $_->{host} /" } $evil, $other ],
        'what she has: a session of each host, for that host alone';
    my @own = grep { ($_->{name} =~ /aigc/) } @{ $b->cookies };
    is join(' ', sort map { $_->{name} } @own), '__Host-aigc-instance __Host-aigc-nonce', 'her instance\'s host is sent its own, and no more';
    is $b->run('return document.cookie'), '', '… which no script reads';
    is_deeply [ grep { !$_->{httpOnly} || !$_->{secure} || $_->{sameSite} ne 'Lax' } grep { $_->{name} =~ /aigc/ } jar() ], [], '… of any of them';

    # On its own host, and for all of the domain; by every name and spelling.
    my @names = qw(__Host-aigc-session __Host-aigc-instance);
    my @value = ($his, $his_instance, '', 'x');
    for my $name (@names) {
        toss(map { my $v = $_; map { "$name=$v; secure$_" } '; path=/', '; path=/; max-age=0', '; path=/disk', "; path=/; domain=$root", "; path=/api; domain=$root",
            '; path=/; domain=' . $t->host, '; path=/; domain=' . $other_host, '; path=/; domain=' . $evil->{host} } @value);
        is_deeply ours(), $before, "a script writes over no $name, ends none, and adds none";
        toss(map { my $v = $_; map { my $n = $_; map { "$n=$v; secure$_" } '; path=/', "; path=/; domain=$root", "; path=/api/; domain=$root", "; path=/disk; domain=$root" }
            lc $name, uc $name, "\x{2000}$name", "$name\x{2000}", "=$name", $name =~ s/Host/Secure/r, $name =~ s/__Host-//r, "$name " } $his, $his_instance);
        is_deeply ours(), $before, '… in any spelling';
        is_deeply [ grep { $_->{name} eq '' && $_->{value} =~ /^__Host-/ } jar() ], [], '… nor without a name';
        cmp_ok scalar(grep { $_->{name} eq $name =~ s/__Host-//r } jar()), '>=', 4, '… but with no prefix: these the browser keeps';
    }
    toss(map { my $path = $_; map { "$_; domain=$root; path=$path; secure" } "aigc_session=$his", "aigc-bind=$his", "aigc-nonce=x" } '/', '/api', '/api/v1/me', '/disk');
    cmp_ok scalar(grep { $_->{name} eq 'aigc_session' } jar()), '==', 4, '… and all of version 1.0\'s, for all hosts and on longer paths';
    still_herself('by cookies of all names');
    is_deeply [ map { s/ \S+$//r } @{ ours() } ], [ map { s/ \S+$//r } @$before ], '… and has what she had';
    untoss(grep { $_->{name} !~ /^__Host-aigc/ } jar());

    # A pod sets cookies, too.
    $before = ours();
    my @set = map { my $name = $_; map { "Set-Cookie:$_" } "$name=$his_instance; Secure; Path=/", "$name=; Secure; Path=/; Max-Age=0", " $name = $his_instance; Secure; Path=/", "=$name=$his; Secure; Path=/; Domain=$root" } @names;
    is fetched("$evil->{origin}/respond?" . join '&', map { 'header=' . AIGC::Client::escape($_) } @set) =~ s/ .*//r, 'basic', 'its pod sets them by its answers';
    is_deeply ours(), $before, '… which changes nothing';

    # What is not a browser may send them twice: the first that opens decides.
    my $hers = kept($b, '__Host-aigc-session', $t->host);
    my $me = sub { my $r = $t->stranger->get("$plain/api/v1/me", headers => [Cookie => join '; ', @_]); return $r->code == 200 ? $r->json->{name} : $r->code };
    is $me->("__Host-aigc-session=$hers"), 'Alice', 'her cookie by a program';
    is $me->("aigc-session=$his", "__Secure-aigc-session=$his", "aigc_session=$his", "__Host-aigc-session=$hers"), 'Alice', '… beside his by names that are none';
    is $me->("$_=$his"), 401, "… $_ alone is nobody" for 'aigc-session', '__Secure-aigc-session', 'aigc_session', '__host-aigc-session', '__Host-aigc-instance';
    unharmed('by tossed cookies');
};

subtest 'a jar that overflows' => sub {
    my $attrs = "; domain=$root; path=/; secure";
    my $n = 0;
    my $push_out = sub {
        $t->wait_for(sub { toss(map { 'j' . $n++ . "=x$attrs" } 1 .. 200); !grep { $_->{name} =~ /aigc/ } jar() }, 20,
            sub { join ' ', 'a script pushes her cookies out of the jar:', map { $_->{name} } jar() });
    };
    my $toss_his = sub {
        toss(map { my $v = $_; map { my $n = $_; map { "$n=$v; secure$_" } '; path=/', "; path=/; domain=$root", "; path=/api; domain=$root", '; path=/; domain=' . $t->host, '; path=/; domain=' . $other_host }
            qw(__Host-aigc-session __Host-aigc-instance aigc-session aigc-instance aigc_session) } $his, $his_instance);
    };
    on_page();
    $push_out->();
    pass 'a script can push her cookies out of the jar';
    $toss_his->();
    is_deeply [ grep { !/^__Host-aigc-instance \Q$evil->{host}\E / } @{ ours() } ], [], '… and puts his in their place on its own host at most';
    is me(), 401, '… at the gateway she is nobody';
    $b->find('[data-test=sign-in]');
    pass '… is asked to sign in, and is not bob';
    is api($b, 'POST', 'templates/default/notebook/install')->{status}, 401, '… nor acts for him';

    # At her other instance she is not bob either, but signed in again, without a word.
    $b->go("$other->{origin}/disk/");
    is $b->text =~ s/\s+\z//r, '[]', 'her other instance signs her in again, silently, as herself';
    is me(), 'Alice', '… which counts at the gateway';
    on_page();
    is_deeply [ map { /^(\S+ \S+)/ } @{ ours() } ], [ sort '__Host-aigc-session ' . $t->host, map { "__Host-aigc-instance $_->{host}" } $evil, $other ], '… and all is as before';

    # His session of the very page that does all this.
    $push_out->();
    toss("__Host-aigc-instance=$_; path=/; secure") for $his_instance, $his;
    $b->go("$evil->{origin}/info");
    is eval { JSON::PP::decode_json($b->text)->{instance} }, $evil->{id}, 'on its own host his session of another host is nothing either: she is signed in again';
    on_page();
    $push_out->();
    $bobs->go("$evil->{origin}/info");
    toss('__Host-aigc-instance=' . kept($bobs, '__Host-aigc-instance', $evil->{host}) . '; path=/; secure');
    $b->go("$evil->{origin}/info");
    is $b->run('return document.querySelector("main").dataset.code'), 'not-owner', '… his session of that very host is: she is shut out from that page, as bob';
    is me(), 401, '… and is nobody at the gateway';
    untoss(jar());
    $b->go("$other->{origin}/disk/");
    is $b->text =~ s/\s+\z//r, '[]', '… and herself at her other instance';

    # What remains: she has to clear the site's cookies.
    on_page();
    toss(map { "big$_=" . 'x' x 3900 . $attrs } 1 .. 45);
    my $went  = eval { $b->go('/'); 1 } ? 'no error' : $@;
    my $shown = eval { $b->run('return document.querySelector("#app") ? document.body.innerText : ""') } // '';
    # (no page at all; or, where it came before the last of the cookies, one that is answered nothing)
    unlike $shown, qr/Alice|@{[ join '|', map { quotemeta $_->{host} } $evil, $other ]}/, 'so many cookies that her requests are too large for any host: they get nowhere' or diag $went;
    untoss(grep { $_->{name} =~ /^big/ } jar());
    unharmed('by overflow');
};

# What a pod can come by at most: its own cookie, which it replays by a program.
subtest 'a stolen cookie' => sub {
    on_page();
    my $stolen = kept($b, '__Host-aigc-instance', $evil->{host});
    my $at = sub {
        my ($url, @headers) = @_;
        return $t->stranger->get($url =~ s{^https://([^:/]+)(?::\d+)?}{"http://$1:" . $t->port}er, cookies => 0, headers => \@headers)->code;
    };
    is $at->("$evil->{origin}/info", Cookie => "__Host-aigc-instance=$stolen"), 200, 'it opens this very instance';
    is $at->("$evil->{origin}/info", Cookie => "$_=$stolen"), 401, "… as $_ not even that"
        for qw(__Host-aigc-session __Host-aigc-nonce aigc-instance aigc_session __Secure-aigc-instance);
    for my $name (qw(__Host-aigc-session __Host-aigc-instance __Host-aigc-nonce __Host-aigc-bind aigc-session aigc_session), '__Host-aigc-login-' . 'A' x 22) {
        is $at->("$gateway/api/v1/$_", Cookie => "$name=$stolen"), 401, "at the gateway, as $name, $_ it is nothing" for 'me', 'instances';
        is $at->("$_->{origin}/info", Cookie => "$name=$stolen"), 401, '… nor at another instance, of hers or of his' for $other, $bobs_own;
    }
    is $at->("$gateway/api/v1/me", Cookie => "aigc_session=$stolen; __Host-aigc-bind=$stolen"), 401, '… nor as a pair of version 1.0';
    is $at->("$gateway/api/v1/me", Authorization => "Bearer $stolen"), 401, '… nor as a token';
    is $at->("$_->{origin}/info", Authorization => "Bearer $stolen"), 401, '… anywhere' for $evil, $other;
    is $at->("$_->{origin}/info?aigc_ticket=$stolen"), 403, '… nor as a ticket' for $evil, $other;
    is $at->("$gateway/sign-in-callback?code=x&state=$stolen", Accept => 'text/html'), 400, '… nor as a sign-in\'s state';
    for ([$other->{origin}, 401], [$bobs_own->{origin}, 401], [$evil->{origin}, 200]) {
        is $at->("$gateway/auth", 'X-Original-URL' => "$_->[0]/", Cookie => "__Host-aigc-instance=$stolen"), $_->[1], "… /auth has the same opinion ($_->[1])";
    }

    my $key = $t->file('other.key');
    open my $f, '>', $key or die $!;
    print $f 'cd' x 32, "\n";
    close $f;
    chmod 0600, $key;
    my $port = $t->second_nginx(edit => sub { $_[0] =~ s/key_file=\S+session\.key/key_file=$key/r });
    for my $url ("http://$evil->{host}:$port/info", 'http://' . $t->host . ":$port/api/v1/me") {
        is $t->stranger->get($url, cookies => 0, headers => [Cookie => "__Host-aigc-instance=$stolen; __Host-aigc-session=$stolen"])->code, 401, 'at another gateway it is nothing';
    }
};

# The ticket with which the gateway sends back who has that session, to that URL,
# for that browser's nonce.
sub ticket_url {
    my ($session, $url, $nonce) = @_;
    my $r = $t->stranger->browse("$plain/sign-in?rd=" . AIGC::Client::escape($url) . '&nonce=' . encode_base64url(sha256($nonce)),
        cookies => 0, headers => [Cookie => "__Host-aigc-session=$session"]);
    AIGC::Secrets::in_response($r);
    $r->code == 302 && $r->location =~ /aigc_ticket=/ or die $r->status_line;
    return $r->location;
}

sub refused {
    my ($who, $what) = @_;
    like $who->text, qr/Once more, please/, $what;
    is $who->run('return document.querySelector("main").dataset.code'), 'ticket-refused', '… by a page that says so';
}

subtest 'a stolen ticket' => sub {
    my $hers  = kept($b, '__Host-aigc-session', $t->host);
    my $nonce = kept($b, '__Host-aigc-nonce', $other_host);
    my $url   = ticket_url($hers, "$other->{origin}/disk/?x", $nonce);

    $bobs->go($url);
    refused($bobs, 'her ticket in his browser is refused');
    $bobs->go("$other->{origin}/disk/");    # he has a nonce of that host now
    is $bobs->run('return document.querySelector("main").dataset.code'), 'not-owner', 'that instance is not his';
    $bobs->go($url);
    unlike $bobs->text, qr/^\[\]/, '… with a nonce of his own the ticket lets him in no more';
    my $shown = $url;
    $bobs->go($url = ticket_url($hers, "$other->{origin}/disk/?x", $nonce));
    unlike $bobs->text, qr/^\[\]/, '… nor does another one of hers';
    is kept($bobs, '__Host-aigc-session', $t->host), $his, '… and he stays who he is';
    is me($bobs), 'Bob', '… bob';

    my ($ticket) = $url =~ /(aigc_ticket=.*)/;
    my $stolen = sub { my ($to) = @_; return $t->stranger->get($to =~ s{^https://([^:/]+)(?::\d+)?}{"http://$1:" . $t->port}er, cookies => 0, headers => [Cookie => "__Host-aigc-nonce=$nonce"]) };
    for ($evil, $bobs_own) {
        my $r = $stolen->("$_->{origin}/disk/?$ticket");
        is_deeply [ $r->code, scalar $r->set_cookies ], [403, 0], 'for another host it is nothing, with her nonce and all';
    }
    # In her own browser, and shown nowhere else, it is good, once.
    untoss(grep { $_->{name} eq '__Host-aigc-instance' && $_->{domain} eq $other_host } jar());
    my $r = $stolen->($shown);
    is_deeply [ $r->code, scalar $r->set_cookies ], [403, 0], 'what was shown in his browser is used up, for her nonce as well';
    $b->go($url = ticket_url($hers, "$other->{origin}/disk/?x", $nonce));
    is $b->url, "$other->{origin}/disk/?x", 'in her own browser a new one is good';
    is $b->text =~ s/\s+\z//r, '[]', '… and leads in';
    is scalar(grep { $_->{url} =~ /ticket/ } @{ $b->cdp('Page.getNavigationHistory')->{entries} }), 0, '… and is nowhere in the history';
    is $b->run('return performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource")).map(e => e.name).join()'), "$other->{origin}/disk/?x", '… nor is any script of the page told';
    $b->run('location = arguments[0]', "$other->{origin}/headers");
    $b->wait_text(qr/"headers"/);
    unlike $b->text, qr/ticket/, '… nor the pod, by a Referer';
    $r = $stolen->($url);
    AIGC::Secrets::in_response($r);
    is_deeply [ $r->code, scalar $r->set_cookies ], [403, 0], 'replayed it is nothing, with her nonce and all';
    $b->go($url);
    is $b->url, "$other->{origin}/disk/?x", '… and she, who is in, goes on to the page';
    on_page();
    unharmed('by stolen tickets');
};

# bob makes her browser go to a URL with a ticket of his: she must not become bob,
# on her own instance or on his.
subtest 'login CSRF by a ticket' => sub {
    my $nonce = kept($bobs, '__Host-aigc-nonce', $bobs_own->{host});
    for my $inst ($other, $bobs_own) {
        my $whose = $inst == $other ? 'her own instance' : 'his instance';
        for my $form ('a link', 'a form', 'a window') {
            untoss(grep { $_->{domain} eq $inst->{host} } jar());
            on_page();
            my $url = ticket_url($his, "$inst->{origin}/info", $nonce);
            my ($own) = $b->windows;
            if ($form eq 'a link') {
                $b->run('location = arguments[0]', $url);
            } elsif ($form eq 'a form') {
                $b->run('const f = document.createElement("form"); f.method = "post"; f.action = arguments[0]; document.body.append(f); f.submit()', $url);
            } else {
                $b->run('open(arguments[0])', $url);
                my (undef, $opened) = $b->windows;
                $b->window($opened);
            }
            $b->wait_text(qr/Once more, please/);
            refused($b, "$form with his ticket for $whose");
            is kept($b, '__Host-aigc-instance', $inst->{host}), undef, '… which brings no session';
            if ($form eq 'a window') {
                $b->_do('DELETE', '/window');
                $b->window($own);
            }
        }
        # His nonce cannot be tossed to her either.
        on_page();
        toss(map { "$_=$nonce; domain=$root; path=/; secure" } '__Host-aigc-nonce', 'aigc-nonce', '=__Host-aigc-nonce', "\x{2000}__Host-aigc-nonce");
        $b->go(ticket_url($his, "$inst->{origin}/info", $nonce));
        refused($b, '… with his nonce tossed');
        untoss(grep { $_->{name} !~ /^__Host-aigc/ } jar());
    }
    # What the page offers is the way in as herself.
    $b->go(ticket_url($his, "$other->{origin}/disk/", $nonce));
    untoss(grep { $_->{domain} eq $other_host } jar());
    $b->go(ticket_url($his, "$other->{origin}/disk/", $nonce));
    refused($b, 'the page again');
    $b->click('a.first');
    $b->wait_url(qr{^\Q$other->{origin}/disk/\E$});
    is $b->text =~ s/\s+\z//r, '[]', '… whose button leads in, as herself';
    $b->go("$bobs_own->{origin}/info");
    is $b->run('return document.querySelector("main").dataset.code'), 'not-owner', 'his instance, by itself, is not hers to see';
    # Who is in already is not disturbed.
    $b->go(ticket_url($his, "$other->{origin}/disk/", $nonce));
    is $b->url . ' ' . $b->text =~ s/\s+\z//r, "$other->{origin}/disk/ []", 'who is in already goes on, as herself';
    # Nor by a sign-in page that bob begins for her: no session of his is hers.
    on_page();
    unharmed('by tickets');
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
