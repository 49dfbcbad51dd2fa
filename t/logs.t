# t/logs.t — no line of any log holds a cookie, a code, a token or a key, and
# that of the callback of a sign-in not even its query

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;

# The usual formats, as an administrator has them, at the level info.
my $t = AIGC::Stack->start(log_level => 'info', faults => 1,
    http => 'log_format uri \'$remote_addr "$request_method $uri" $status $aigc_user $aigc_instance $aigc_decision\';
    access_log uri.log uri;');
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
    my $s     = $alice->cookie('aigc_session');
    my $url   = $mine->url('/info');
    my $dead  = $alice->copy;
    my @ask = (
        sub { $alice->get($url) }, sub { $bob->get($url) }, sub { $t->stranger->get($url, headers => [Authorization => "Bearer $token"]) },
        sub { $t->stranger->get($url, headers => [Authorization => "Bearer ${token}x"]) }, sub { $t->stranger->get($url, headers => [Cookie => "aigc_session=${s}x"]) },
        sub { $t->stranger->get($url, headers => [Cookie => "aigc_session=$s; aigc_session=$s"]) }, sub { $alice->api('GET', '/api/v1/me') },
        sub { $alice->post($mine->path . '/release', headers => [Origin => 'http://evil.example']) }, sub { $alice->api('POST', $mine->path . '/start', undef, body => 'x') },
        sub { $t->stranger->post('/webhook', body => '{}', headers => ['logto-signature-sha-256' => 'f' x 64]) }, sub { $t->stranger->post('/backchannel-logout', body => "logout_token=$token") },
        sub { $alice->get('/auth', headers => ['X-Original-URL' => $mine->url]) }, sub { $alice->websocket($mine->url('/ws'))->close },
        sub { my $e = $alice->events; $e->snapshot; $e->close }, sub { $alice->get($mine->url('/status?code=500')) }, sub { $alice->get($mine->url('/raw?part=garbage')) },
        sub { $dead->get($mine->url('/slow?ms=100'), timeout => 10) },
        sub { my $p = $alice->begin('GET', $mine->url('/slow?ms=3000')); $p->conn->close },
        sub { my $c = $alice->connect($mine->url); $c->send("GET /info HTTP/1.1\r\nHost: @{[ $mine->host ]}\r\nCookie: aigc_session=$s\r\nBad\x01: x\r\n\r\n"); $c->response },
        sub { my $c = $alice->connect($mine->url); $c->send("GET /info HTTP/1.1\r\nHost: @{[ $mine->host ]}\r\nCookie: aigc_session=$s\r\n"); $c->close },
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

subtest 'what stands in the logs' => sub {
    $t->stop;
    cmp_ok AIGC::Secrets::known(), '>', 40, 'the test holds ' . AIGC::Secrets::known() . ' pieces of secrets';
    my @logs = $t->logs;
    my $all = join ' ', @logs;
    like $all, qr{/\Q$_\E(?: |$)}, "$_ is looked at" for 'log/error.log', 'log/access.log', 'log/audit.log', 'log/cluster.log', 'nginx/uri.log';
    for my $log (@logs) {
        my ($line, $what) = AIGC::Secrets::find($log);
        is $what, undef, ($log =~ s{.*/(?=\w+/)}{}r) . ': nothing' or diag "line $line";
    }
    like text('log/error.log'), qr/\[info\]/, 'the log is one at the level info';
};

done_testing;
