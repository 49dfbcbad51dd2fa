# t/headers.t — what passes between browser and pod, and what does not

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

# What an administrator may forget or add: answers of pods that nginx obeys,
# on the gateway's server, where the internal locations are; and variables that
# have a value before the module takes out what they are made of.
my $pod_address;
my $t = AIGC::Stack->start(
    instance => 'set $early "$http_cookie $http_authorization $http_upgrade";',
    edit => sub {
        my ($text) = @_;
        return $text unless $pod_address;
        $text =~ s{(include aigc/gateway\.conf;)}
            {$1\n        location /careless/ { proxy_pass http://$pod_address/; }};
        return $text;
    });
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $session = $alice->host_session($mine->url);

sub pod {               # what reached the pod: the headers of that name
    my ($r, $name) = @_;
    $r->code == 200 or die $r->status_line . ' ' . $r->content;
    return [ map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $r->json->{headers} } ];
}

sub with {              # alice's request with these Cookie headers
    my @cookies = @_;
    return $alice->get($mine->url('/headers'), headers => [ map { (Cookie => $_) } @cookies ]);
}

subtest 'cookies to the pod' => sub {
    my $s = "aigc-instance=$session";
    my @case = (
        ['ours alone', [$s], []],
        ['ours first', ["$s; a=1; b=2"], ['a=1; b=2']],
        ['ours in the middle', ["a=1; $s; b=2"], ['a=1; b=2']],
        ['ours last', ["a=1; b=2; $s"], ['a=1; b=2']],
        ['without blanks', ["a=1;$s;b=2"], ['a=1;b=2']],
        ['odd ends', ["; a=1;; $s ;"], undef],
        ['all of ours', ["aigc-nonce=x; a=1; aigc-login-0=y; $s; aigc-session=x; __Host-aigc-instance=x; __Host-aigc-session=x; __Host-aigc-nonce=x; __Secure-aigc-instance=x; __Host-aigc-login-7=z"], ['a=1']],
        ['all of version 1.0\'s', ["aigc-bind=x; aigc_session=x; a=1; $s; __Host-aigc-bind=x"], ['a=1']],
        ['names that only look like it', ["aigc_session2=a; xaigc_session=b; aigc-session2=d; xaigc-instance=e; aigc_instance=f; $s; AIGC=c"],
            ['aigc_session2=a; xaigc_session=b; aigc-session2=d; xaigc-instance=e; aigc_instance=f; AIGC=c']],
        ['the application\'s, with names that begin like ours', ["aigc-theme=1; $s; aigc-login-theme=2; __Host-aigc-x=3; aigc-bind2=4; aigc-nonce2=5"],
            ['aigc-theme=1; aigc-login-theme=2; __Host-aigc-x=3; aigc-bind2=4; aigc-nonce2=5']],
        ['a sign-in under way', ["a=1; aigc-login-AZaz09-_AZaz09-_AZaz09=x; __Secure-aigc-login-AZaz09-_AZaz09-_AZaz09.0=y; $s"], ['a=1']],
        ['a quoted neighbour', ["q=\"x; $s; y\"; a=1"], ['q="x; y"; a=1']],
        ['no value, no name', ["a; =b; $s; c="], ['a; =b; c=']],
    );
    for (@case) {
        my ($what, $sent, $got) = @$_;
        my $r = with(@$sent);
        is_deeply pod($r, 'Cookie'), $got, $what if $got;
        unlike $r->content, qr/\Q$session\E|\baigc-(?:bind|nonce|session|instance)=|\baigc_session=|aigc-login-[^t]/, '… and nothing of ours is there';
    }
    for my $order ([$s, 'a=1', 'b=2'], ['a=1', $s, 'b=2'], ['a=1', 'b=2', $s], ['a=1', "b=2; $s", 'aigc-nonce=q']) {
        my $r = with(@$order);
        my $got = join '; ', @{ pod($r, 'Cookie') };
        is $got, 'a=1; b=2', 'several headers: ' . join ' | ', map { length > 30 ? 'ours' : $_ } @$order;
        unlike $r->content, qr/\Q$session\E|aigc-nonce/, '… and nothing of ours';
    }
    is_deeply pod(with($s, 'aigc-nonce=q', 'aigc-bind=q', 'aigc_session=q'), 'Cookie'), [], 'several headers of ours only: none';

    my $large = join '; ', map { "c$_=" . 'v' x 96 } 10 .. 89;
    cmp_ok length $large, '>', 8000, '8 KB of other cookies';
    is_deeply pod(with("$large; $s"), 'Cookie'), [$large], '… pass whole, before ours';
    is_deeply pod(with("$s; $large"), 'Cookie'), [$large], '… and after it';
    my ($one, $two) = $large =~ /^(.{4000,}?); (.*)$/;
    is_deeply pod(with($one, $s, $two), 'Cookie'), ["$one; $two"], '… in several headers';
    is with('x=' . 'v' x 40_000 . "; $s")->code, 400, 'what is larger than nginx takes does not reach a pod';

    is_deeply pod($alice->get($mine->url('/headers'), headers => [Upgrade => 'x', Cookie => "a=1; $s"]), 'Cookie'), ['a=1'],
        'with an upgrade';
    my $r = $alice->get($mine->url('/headers'), http => '1.0', headers => [Cookie => "a=1; $s", Cookie => 'b=2']);
    is join('; ', @{ pod($r, 'Cookie') }), 'a=1; b=2', 'HTTP/1.0';
    unlike $r->content, qr/\Q$session\E/, '… and nothing of ours';
};

# A line that begins with a blank went on with the one before it, once (RFC 9112
# 5.2): what follows must not get past those who look for ours.
subtest 'folded lines' => sub {
    my ($host) = $mine->url =~ m{//([^/]+)};
    my $token  = $t->forge;
    my @fold = (
        ['a cookie', "Cookie: a=1;\r\n aigc-instance=$session"],
        ['with a tab', "Cookie: a=1;\r\n\taigc-instance=$session"],
        ['after ours', "Cookie: aigc-instance=$session;\r\n a=1"],
        ['after another header', "X-Own: 1\r\n Cookie: aigc-instance=$session"],
        ['a token', "Authorization: Bearer\r\n $token"],
        ['the scheme', "Authorization:\r\n Bearer $token"],
        ['a bare LF', "Cookie: a=1;\n aigc-instance=$session"],
        ['beside a whole one', "Cookie: aigc-instance=$session\r\nX-Own: 1\r\n X-Forwarded-User: bob"],
    );
    for (@fold) {
        my ($what, $lines) = @$_;
        my $r = $alice->raw("GET /headers HTTP/1.1\r\nHost: $host\r\n$lines\r\nConnection: close\r\n\r\n",
            url => $mine->url('/headers'));
        is $r->code, 400, "$what: refused";
        unlike $r->content, qr/"headers"/, '… and no pod saw it';
    }
};

subtest 'Authorization' => sub {
    my $token = $t->forge;
    my $bobs  = $t->forge(user => 'bob');
    for my $own ("Bearer $bobs", 'Bearer sk-0123456789', 'bearer  two  blanks', 'Basic dXNlcjpwYXNz', 'Digest username="x", uri="/"',
                 'AWS4-HMAC-SHA256 Credential=a/b, Signature=c', 'x' x 4000) {
        for my $http ('1.1', '1.0') {
            is_deeply pod($alice->get($mine->url('/headers'), http => $http, headers => [Authorization => $own]), 'Authorization'),
                [$own], "beside a session the application's own is untouched, HTTP/$http: " . substr $own =~ s/\Q$bobs\E/<another's token>/r, 0, 30;
        }
    }
    for my $spelling ("Bearer $token", "bearer $token", "BEARER   $token") {
        for my $http ('1.1', '1.0') {
            my $r = $t->stranger->get($mine->url('/headers'), http => $http, headers => [aUTHORIZATION => $spelling, 'X-Own' => 1]);
            is_deeply pod($r, 'Authorization'), [], 'a token that opened the door stays outside';
            unlike $r->content, qr/\Q$token\E/, '… under any name';
        }
    }
    is_deeply pod($t->stranger->get($mine->url('/headers'), headers => [Upgrade => 'x', Authorization => "Bearer $token"]),
        'Authorization'), [], '… with an upgrade, too';
    my $r = $alice->get($mine->url('/headers'), headers => [Authorization => "Bearer $token"]);
    is_deeply pod($r, 'Authorization'), ["Bearer $token"], 'a token beside a session was not what opened it: it passes';
};

subtest 'other headers to the pod' => sub {
    my $url = $mine->url('/headers');
    my $r = $alice->get($url, headers => [
        'X-Forwarded-For' => '10.6.6.6', 'X-Forwarded-Host' => 'evil.example',
        'X-Forwarded-Proto' => 'gopher', 'X-Real-IP' => '10.6.6.6', 'X-Own' => 'kept' ]);
    is_deeply pod($r, 'X-Forwarded-For'), ['127.0.0.1'], 'X-Forwarded-For is the client\'s address';
    is_deeply pod($r, 'X-Real-IP'), ['127.0.0.1'], 'X-Real-IP too';
    is_deeply pod($r, 'X-Forwarded-Host'), [$mine->host . ':' . $t->port], 'X-Forwarded-Host is the host';
    is_deeply pod($r, 'X-Forwarded-Proto'), ['http'], 'X-Forwarded-Proto is the scheme';
    is_deeply pod($r, 'X-Own'), ['kept'], 'the rest passes';
    is $r->json->{host}, $mine->host . ':' . $t->port, 'Host is kept';
    is_deeply pod($alice->get($url, headers => [Upgrade => 'websocket']), 'Connection')->[0], 'upgrade', 'an upgrade is asked for';
    is_deeply pod($alice->get($url), 'Upgrade'), [], '… where the client did';
};

sub respond {           # the pod answers with these headers
    my ($path, @headers) = @_;
    my $query = join '&', map { 'header=' . AIGC::Client::escape($_) } @headers;
    return $alice->get($mine->url("$path?$query"), cookies => 0,
        headers => [Cookie => "aigc-instance=$session"]);
}

subtest 'cookies from the pod' => sub {
    my $root = $t->root;
    my @own = ('app=1; Path=/', 'aigc_session2=2', 'aigc-theme=3; Domain=' . $mine->host, 'a=aigc_session=4', 'aigc-login-theme=5', 'aigc_instance=6', 'a=aigc-instance=7');
    my @new = map { my $n = $_; map { ("$_$n=evil; Domain=$root; Path=/", "$_$n=; Max-Age=0", "$_$n", " $_$n = x", "=$_$n=evil; Path=/") } '', '__Host-', '__Secure-' } qw(aigc-session aigc-instance aigc-nonce);
    my @bad = ("aigc_session=evil; Domain=$root; Path=/", 'aigc_session=; Max-Age=0', ' aigc_session = x',
        'aigc_session', 'aigc-bind=x', "aigc-login-3=x; Domain=$root", '__Host-aigc-bind=x; Secure; Path=/',
        '__Host-aigc-login-1=x; Secure; Path=/', "=aigc_session=evil; Domain=$root");
    my $r = respond('/respond', map { "Set-Cookie:$_" } map { ($bad[$_], $own[$_] // ()) } 0 .. $#bad);
    is scalar(@new), 45, 'every name, in every form';
    is_deeply [ respond('/respond', map { "Set-Cookie:$_" } @new, 'app=2')->headers('Set-Cookie') ], ['app=2'], '… is dropped';
    is_deeply [ $r->headers('Set-Cookie') ], \@own, 'ours are dropped, the application\'s pass';
    is_deeply [ respond('/respond', map { "Set-Cookie:$_" } "a=1; Domain=$root; Path=/", "b=2; path=/; DOMAIN=.$root",
            "c=3; Domain=localhost; Domain=" . uc $root, 'd=4; Domain=elsewhere.example')->headers('Set-Cookie') ],
        ['a=1; Path=/', 'b=2; path=/', 'c=3', 'd=4; Domain=elsewhere.example'], 'a cookie for all hosts becomes one of this host';
    is_deeply [ respond('/respond', "set-cookie:aigc_session=x", 'set-cookie:aigc-instance=x', 'set-cookie:__Secure-aigc-nonce=x', 'SET-COOKIE:__Host-aigc-instance=x')->headers('Set-Cookie') ], [], 'in lower case too';
    is_deeply [ respond('/respond', 'X-Own:1', 'Server:app')->headers('X-Own') ], ['1'], 'other headers pass';
};

subtest 'what a pod may say to a browser' => sub {
    my @clear = (['"cookies"'], ['"*"'], ['"cache", "cookies", "storage"', '"cache","storage"'], ['*'], ['"COOKIES"'],
        ['"cookies", "executionContexts"', '"executionContexts"'], ['"cache"', '"cache"'], ['"cache" , "*"', '"cache"']);
    for (@clear) {
        my ($said, @passes) = @$_;
        is_deeply [ respond('/respond', "$_:$said")->headers('Clear-Site-Data') ], \@passes, "$_: $said"
            for 'Clear-Site-Data', 'cLEAR-sITE-dATA';
    }
    is_deeply [ respond('/respond', map { "Clear-Site-Data:$_" } '"cookies"', '"cache"', '"*"', '"storage"')->headers('Clear-Site-Data') ],
        ['"cache"', '"storage"'], 'several lines';

    # What the connection between browser and gateway is like is not the pod's.
    for ('Alt-Svc:h3=":443"; ma=86400; persist=1', 'Strict-Transport-Security:max-age=0; includeSubDomains',
        'Public-Key-Pins:pin-sha256="x"; max-age=9', 'Public-Key-Pins-Report-Only:pin-sha256="x"; report-uri="https://x"',
        'Expect-CT:max-age=9, enforce', 'NEL:{"report_to":"x","max_age":9,"include_subdomains":true}')
    {
        my ($name, $value) = split /:/, $_, 2;
        is_deeply [ respond('/respond', $_, lc($name) . ":$value", 'X-Own:1')->headers($name) ], [], "$name is dropped";
    }

    # What holds for its own origin and pages is.
    for ('Refresh:0;url=/next', 'Service-Worker-Allowed:/', 'Origin-Agent-Cluster:?0', 'Report-To:{"group":"x","max_age":9,"endpoints":[]}',
        'Reporting-Endpoints:x="https://x.example/"', 'Content-Security-Policy:default-src *', 'Access-Control-Allow-Origin:*',
        'Cross-Origin-Opener-Policy:same-origin', 'Cross-Origin-Embedder-Policy:require-corp', 'Referrer-Policy:no-referrer',
        'Accept-CH:Sec-CH-UA-Arch', 'X-Frame-Options:DENY', 'Permissions-Policy:camera=()')
    {
        my ($name, $value) = split /:/, $_, 2;
        is_deeply [ respond('/respond', $_)->headers($name) ], [$value], "$name passes";
    }
    my $ours = $alice->get('/sign-in', headers => [Accept => 'text/html']);
    isnt $ours->code, 500, 'the gateway\'s own answers are as they were';
};

subtest 'what a pod would have nginx do' => sub {
    for my $to ('/', '/info', '/_aigc/kubernetes/api/v1/namespaces/default/secrets', '/_aigc/kubernetes/version',
                '/api/v1/me', '@x') {
        my $mark = $t->audit_mark;
        my $r = respond('/respond', "X-Accel-Redirect:$to");
        is $r->code . ' ' . $r->content, "200 respond\n", "X-Accel-Redirect to $to is not followed";
        is $r->header('X-Accel-Redirect'), undef, '… nor shown';
    }
    my $r = respond('/respond', 'X-Accel-Buffering:yes', 'X-Accel-Limit-Rate:1', 'X-Accel-Charset:koi8-r', 'X-Accel-Expires:99');
    is $r->code . ' ' . $r->content, "200 respond\n", 'nor is any other X-Accel';
    unlike $r->header('Content-Type'), qr/koi8/, '… such as the charset';
    # By one byte a second, what has been sent on the connection so far has to be waited for first.
    my $conn = $alice->connect($mine->url);
    $alice->get($mine->url('/info'), on => $conn);
    my $slow = eval { $alice->get($mine->url('/respond?header=X-Accel-Limit-Rate:1&header=X-Fill:' . 'x' x 3000), on => $conn)->header('X-Fill') } // '';
    is length $slow, 3000, 'a rate limit does not slow it';
};

subtest 'the way to Kubernetes' => sub {
    my $bearer = [Authorization => 'Bearer ' . $t->forge];
    my $mark = $t->audit_mark;
    for my $path ('/_aigc/kubernetes/version', '/_aigc/kubernetes/', '/_aigc/kubernetes/api/v1/namespaces/default/pods',
                  '/x/../_aigc/kubernetes/version', '/%5faigc/kubernetes/version', '//_aigc//kubernetes/version') {
        is $alice->get($path)->code, 404, "$path on the gateway";
        is $t->stranger->get($path, headers => $bearer)->code, 404, '… by token';
        like $alice->get($mine->url($path))->code, qr/^404/, '… and on an instance\'s host';
    }
    is $alice->post('/_aigc/kubernetes/version')->code, 404, 'POST';

    # An administrator's own location on the gateway's server, to a pod, without
    # proxy_ignore_headers: nginx itself would follow the pod into an internal one.
    my ($gs) = $t->kube_get('gs', $mine->pod);
    $pod_address = $gs->{status}{podStatus}{podIP} . ':7860';
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
    $t->wait_for(sub { $alice->get('/careless/info')->type eq 'application/json' }, 10, 'the careless location');
    for my $to ('/_aigc/kubernetes/version', '/_aigc/kubernetes/api/v1/namespaces/default/pods') {
        my $r = $alice->get('/careless/respond?header=X-Accel-Redirect:' . $to);
        is $r->code, 404, "a pod's redirect to $to is not found";
        unlike $r->content, qr/gitVersion|PodList|Status/, '… and shows nothing';
    }
    is $alice->get('/careless/respond?header=X-Accel-Redirect:/careless/info')->json->{instance}, $mine->id,
        'though nginx does follow it elsewhere: it is the module that refuses';

    my @calls = $t->gateway_calls(since => $mark, verb => qr/(?!watch).*/, uri => qr{.*/(?:version|pods|secrets)(?:\?.*)?});
    is scalar @calls, 0, 'the API server was asked none of it';
    is $alice->api('GET', '/api/v1/instances')->code, 200, 'the gateway\'s own calls go on';
};

done_testing;
