# t/logs.t — no line of any log holds a cookie, a code, a token, a ticket or a
# key, and that of the callback of a sign-in not even its query

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Seal;
use AIGC::Secrets;
use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64url);

# The usual formats, as an administrator has them, at the level info; and on the instances' hosts
# all that can be told of a request's address.
my $t = AIGC::Stack->start(log_level => 'info', faults => 1, tls => 1,
    http => 'log_format uri \'$remote_addr "$request_method $uri" $status $aigc_user $aigc_instance $aigc_decision\';
    log_format whole \'$server_protocol $status request="$request" uri="$request_uri" args="$args" query="$query_string" own="$arg_aigc_ticket" referer="$http_referer"\';
    access_log uri.log uri;',
    instance => 'access_log whole.log whole;');
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine = $alice->install('stable-diffusion-cpu')->wait_ready;
my $iss  = AIGC::Client::escape($t->logto_url('/oidc'));

sub text { my ($name) = @_; open my $f, '<', $t->file($name) or return ''; local $/; return <$f> }

# The callback's URL of a sign-in up to there.
sub callback_url {
    my ($c) = @_;
    my $url = '/sign-in';
    for (1 .. 12) {
        my $r = $c->browse($url);
        if (my $form = AIGC::Client::form($r)) {
            @{ $form->{fields} }{qw(username password)} = ('carol', 'carol-pass');
            $r = $c->submit($form);
        }
        $url = AIGC::Client::resolve($r->url, $r->location // die $r->status_line);
        return $url if $url =~ m{/sign-in-callback\?};
    }
    die 'no callback';
}

subtest 'the callback of a sign-in' => sub {
    my $c = $t->stranger;
    my $before = length text('log/access.log');
    is $c->browse(callback_url($c))->code, 302, 'one that succeeds';
    my $url = callback_url($c);
    is $c->browse($url =~ s/state=[^&]+/state=x/r)->code, 400, 'one that does not';
    $t->logto_control('outage', { mode => 'answer', paths => '^/oidc/token$', times => 1, status => 200,
        headers => { 'content-type' => 'application/json' }, body => '{"id_token":"x.y.z"}' });
    is $c->browse($url)->code, 502, 'one with garbage of Logto\'s';

    # The client goes while Logto is asked: nginx says so, with the request.
    $url = callback_url($c);
    $t->logto_control('outage', { mode => 'hang', paths => '^/oidc/token$', times => 1 });
    my $mark = length $t->error_log;
    my $hung = $c->begin('GET', $url, headers => [Accept => 'text/html']);
    $t->wait_for(sub { !@{ $t->logto_control('faults')->{outages} } }, 10, 'Logto hangs');
    $hung->conn->close;
    $t->wait_for(sub { substr($t->error_log, $mark) =~ /\/sign-in-callback/ }, 15, 'a line about it');
    $t->logto_control('outage', { mode => 'off' });

    my @lines = grep { m{sign-in-callback} } split /\n/, text('log/error.log');
    cmp_ok scalar @lines, '>', 0, 'nginx has lines about it';
    is_deeply [ grep { m{sign-in-callback\?|[?&]code=|[?&]state=} } @lines ], [], '… none with its query';
    is scalar(() = substr(text('log/access.log'), $before) =~ m{ /sign-in-callback }g), 0, 'as it is shipped, there is no access line at all';
    unlike text('nginx/uri.log'), qr/\?|code=/, '… and no line with a query anywhere';
};

subtest 'whatever a client sends' => sub {
    my $token = $t->forge(user => 'alice');
    my $url   = $mine->url('/info');
    is $alice->get($url)->code, 200, 'she is in';
    my $s     = $alice->host_cookie('aigc-instance', $mine->host);
    my $g     = $alice->cookie('aigc-session');
    is scalar(grep { length > 100 } $s, $g), 2, 'two sessions are there to be kept secret';
    my $dead  = $alice->copy;
    my @ask = (
        sub { $alice->get($url) }, sub { $bob->get($url) }, sub { $t->stranger->get($url, headers => [Authorization => "Bearer $token"]) },
        sub { $t->stranger->get($url, headers => [Authorization => "Bearer ${token}x"]) }, sub { $t->stranger->get($url, headers => [Cookie => "aigc-instance=${s}x"]) }, sub { $t->stranger->get('/api/v1/me', headers => [Cookie => "aigc-session=${g}x"]) },
        sub { $t->stranger->get($url, headers => [Cookie => "aigc-instance=$s; aigc-instance=$s; aigc-session=$g; aigc_session=$g"]) }, sub { $alice->api('GET', '/api/v1/me') },
        sub { $alice->post($mine->path . '/release', headers => [Origin => 'http://evil.example']) }, sub { $alice->api('POST', $mine->path . '/start', undef, body => 'x') },
        sub { $t->stranger->post('/webhook', body => '{}', headers => ['logto-signature-sha-256' => 'f' x 64]) }, sub { $t->stranger->post('/backchannel-logout', body => "logout_token=$token") },
        sub { $alice->get('/auth', headers => ['X-Original-URL' => $mine->url]) }, sub { $alice->websocket($mine->url('/ws'))->close },
        sub { my $e = $alice->events; $e->snapshot; $e->close }, sub { $alice->get($mine->url('/status?code=500')) }, sub { $alice->get($mine->url('/raw?part=garbage')) },
        sub { $dead->get($mine->url('/slow?ms=100'), timeout => 10) },
        sub { my $p = $alice->begin('GET', $mine->url('/slow?ms=3000')); $p->conn->close },
        sub { my $c = $alice->connect($mine->url); $c->send("GET /info HTTP/1.1\r\nHost: @{[ $mine->host ]}\r\nCookie: aigc-instance=$s\r\nBad\x01: x\r\n\r\n"); $c->response },
        sub { my $c = $alice->connect($mine->url); $c->send("GET /info HTTP/1.1\r\nHost: @{[ $mine->host ]}\r\nCookie: aigc-instance=$s\r\n"); $c->close },
        sub { $alice->post($mine->url('/headers'), headers => [Authorization => "Bearer $token", 'Content-Length' => 5], body => 'x' x 5) },
    );
    $t->allow_log(qr/is not passed on/);
    my $n = 0;
    for my $ask (@ask) { eval { $ask->(); 1 } or diag $@; $n++ }
    cmp_ok $n, '==', scalar @ask, "$n requests, good and bad";

    # with the pod gone, the cluster failing, Logto away
    $t->faults([{ method => 'PATCH', path => '/gameserversets/', action => { status => 500 } }]);
    $alice->api('POST', $mine->path . '/release');
    $t->no_faults;
    $t->logto_control('outage', { mode => 'refuse' });
    $t->stranger->browse('/sign-in');
    $t->logto_control('outage', { mode => 'off' });
    my $leaver = $t->sign_in('alice');
    is $leaver->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'a sign-out';
    is $leaver->get($url)->code, 401, '… after which the cookie is refused';
    pass 'all of it has been said and done';
};

# What a browser sends that enters an instance's host, and what it should not: over HTTP/1.1 and 2.
subtest 'tickets' => sub {
    my $seal  = AIGC::Seal->new($t);
    my $nonce = 'nonce-of-this-browser0';
    my $sub   = $alice->api('GET', '/api/v1/me')->json->{user};
    my $count = 0;
    my $who;                            # another session for each path: one may enter 64 times in 30 s
    my $ticket = sub {
        my ($path, $n) = @_;
        my $r = $who->browse('/sign-in?rd=' . AIGC::Client::escape($mine->url($path)) . '&nonce=' . encode_base64url(sha256($n // $nonce)));
        $r->location =~ /([?&]aigc_ticket=[\w-]+)\z/ or die $r->location;
        $count++;
        return $path . $1;
    };
    my $odd = sub { my ($path, %o) = @_; $count++; return $path . ($path =~ /\?/ ? '&' : '?') . 'aigc_ticket=' . $seal->ticket($mine->host, sub => $sub, nonce => $nonce, %o) };
    my %h1 = (headers => [Cookie => "aigc-nonce=$nonce", Referer => $t->url('/')]);
    my $h2 = sub {
        my ($path, @more) = @_;
        (my $url = $mine->url($path)) =~ s{^http://([^:/]+)(?::\d+)?}{"https://$1:" . $t->port(8)}e;
        my ($status, $text) = $t->stranger->curl('--http2', '-i', '-H', "Cookie: aigc-nonce=$nonce", @more, $url);
        AIGC::Secrets::note($1, 'cookie') while $text =~ /^set-cookie: [^=]+=([\w-]+)/mig;
        return [$text =~ m{\AHTTP/2 (\d+)}, $text =~ m{^location: (\S+)}mi];
    };
    my %by = (
        'HTTP/1.1' => sub { my ($path, $method) = @_; my $r = $t->stranger->request($method // 'GET', $mine->url($path), %h1); return [$r->code, $r->location // ()] },
        'HTTP/2'   => sub { my ($path, $method) = @_; return $h2->($path, !$method ? () : $method eq 'HEAD' ? '--head' : ('-X', $method)) },
    );
    for my $protocol (sort keys %by) {
        my $ask = $by{$protocol};
        for my $path ('/', '/info?x=1', '/a%20b?c=%26&d=?') {
            $who = $t->sign_in('alice');
            my $with = $ticket->($path);
            is_deeply $ask->($with), [302, $mine->url($path)], "$protocol: a good one of $path";
            is $ask->($with)->[0], 403, '… which is refused the second time';
            is $ask->($ticket->($path), 'HEAD')->[0], 302, '… with HEAD';
            is $ask->($ticket->($path), 'POST')->[0], 403, '… with POST';
            is_deeply $ask->($ticket->($path, 'nonce-of-another-brow')), [302, $mine->url($path)], '… of another browser: from the beginning';
            is $ask->($odd->($path, issued => time - 40))->[0], 403, '… one that is late';
            is $ask->($odd->($path, purpose => 'ticket ' . $t->host))->[0], 403, '… one of another host';
        }
    }
    my $absolute = $t->stranger->get($mine->url('/info'), %h1, target => $mine->url($ticket->('/info?x=1')));
    is $absolute->code . ' ' . $absolute->location, '302 ' . $mine->url('/info?x=1'), 'one in the absolute form of a request';
    my $r = $alice->get('/auth', headers => ['X-Original-URL' => $mine->url($ticket->('/'))]);
    is $r->code, 403, 'an ingress controller\'s question, of another browser\'s';
    $r = $t->stranger->get('/auth', headers => ['X-Original-URL' => $mine->url($odd->('/', nonce => undef))]);
    is $r->code, 200, '… a good one';

    # the page of a refusal stands at the ticket's address, and is told to nobody
    my $used = $t->stranger->browse($mine->url($odd->('/info', issued => time - 40)), %h1);
    is $used->code, 403, 'the page of a refused one';
    like $used->header('Referrer-Policy') // '', qr/^(?:no-referrer|same-origin|strict-origin\b.*)$/, '… names its address to no other site';
    unlike $used->content, qr/aigc_ticket/, '… nor has it in a link';

    # what a pod is told: by a browser that has come in that way
    my $b = $t->browser;
    $b->go($mine->url('/headers?x=1'))->sign_in('alice');
    $b->wait_url(qr{/headers\?x=1$});
    my $page = $b->run('return document.documentElement.outerHTML + " " + document.referrer + " " + location.href');
    like $page, qr/user-agent/i, 'Chromium enters, and the pod tells what it was sent';
    unlike $page, qr/aigc_ticket|aigc-instance|aigc-nonce|aigc-session/, '… neither a ticket nor a cookie of ours, by no header';

    $t->wait_for(sub { scalar(() = text('nginx/whole.log') =~ /^/mg) >= $count }, 10, 'a line for each');
    my @lines = split /\n/, text('nginx/whole.log');
    for my $version ('1.1', '2.0') {
        cmp_ok scalar(grep { m{^HTTP/\Q$version\E } } @lines), '>=', 20, "whole lines about HTTP/$version";
    }
    is_deeply [ grep { /aigc_ticket/ } @lines ], [], 'no line has a ticket, nor that there was one';
    is_deeply [ grep { /aigc_ticket/ } split /\n/, text('log/error.log') ], [], '… nor has the error log, at the level info';
    is scalar(grep { m{^HTTP/1\.1 302 request="GET /info\?x=1 HTTP/1\.1" uri="/info\?x=1" args="x=1" query="x=1" own="-?" } } @lines) > 0, 1,
        'what is left is the request as it was before' or diag join "\n", grep { m{ 302 } } @lines;
    is_deeply [ grep { !m{^HTTP/(\S+) \d+ request="(?:GET|HEAD|POST) \S+ HTTP/\1" } } @lines ], [], '… whole, in each line';
};

subtest 'what stands in the logs' => sub {
    $t->stop;
    cmp_ok AIGC::Secrets::known(), '>', 40, 'the test holds ' . AIGC::Secrets::known() . ' pieces of secrets';
    my @logs = $t->logs;
    my $all = join ' ', @logs;
    like $all, qr{/\Q$_\E(?: |$)}, "$_ is looked at" for 'log/error.log', 'log/access.log', 'log/audit.log', 'log/cluster.log', 'nginx/uri.log', 'nginx/whole.log';
    for my $log (@logs) {
        my ($line, $what) = AIGC::Secrets::find($log);
        is $what, undef, ($log =~ s{.*/(?=\w+/)}{}r) . ': nothing' or diag "line $line";
    }
    like text('log/error.log'), qr/\[info\]/, 'the log is one at the level info';
};

done_testing;
