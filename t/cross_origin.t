# t/cross_origin.t — a page of another origin does nothing in its user's name

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Crowd;
use AIGC::Test;

my $t = AIGC::Stack->start(
    templates => ['stable-diffusion-cpu', 'notebook'],
    instance  => 'location /shared/ { aigc_cross_origin on; rewrite ^/shared(/.*) $1 break; include aigc/instance.conf; }',
);
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine  = $alice->install('stable-diffusion-cpu');
my $other = $alice->install('notebook');
$_->wait_ready for $mine, $other;

sub origin_of { my ($url) = @_; $url =~ m{^(http://[^/]+)}; return $1 }

my $gateway = $t->origin;
my ($own, $others) = map { origin_of($_->url) } $mine, $other;

# What the browser says of a page that is not the one it may be.
my %foreign = (
    'a foreign origin'     => [Origin => 'https://evil.example'],
    'the origin "null"'    => [Origin => 'null'],
    '"null" of a same-site page'  => [Origin => 'null', 'Sec-Fetch-Site' => 'same-site'],
    '"null" of a cross-site page' => [Origin => 'null', 'Sec-Fetch-Site' => 'cross-site'],
    '"null" of no page'      => [Origin => 'null', 'Sec-Fetch-Site' => 'none'],
    '"null" of two sorts'    => [Origin => 'null', 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Site' => 'same-origin'],
    '"null" and another'     => [Origin => 'null', Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'same-origin'],
    'an empty origin'      => [Origin => ''],
    'the user\'s other instance' => [Origin => $others],
    'the gateway by https' => [Origin => $gateway =~ s/^http:/https:/r],
    'the gateway on another port' => [Origin => 'http://' . $t->host . ':1'],
    'a host that begins like the gateway' => [Origin => "$gateway.evil.example"],
    'a host that ends like the gateway'   => [Origin => 'http://evil-' . substr $gateway, 7],
    'the root domain'      => [Origin => 'http://' . $t->root . ':' . $t->port],
    'two origins'          => [Origin => 'https://evil.example', Origin => $gateway],
    'two origins, the good one first' => [Origin => $gateway, Origin => 'https://evil.example'],
    'two origins in one'   => [Origin => "$gateway https://evil.example"],
    'no origin, same-site' => ['Sec-Fetch-Site' => 'same-site'],
    'no origin, cross-site' => ['Sec-Fetch-Site' => 'cross-site'],
    'no origin, a word that nobody knows' => ['Sec-Fetch-Site' => 'sideways'],
    'a foreign origin that says same-origin' => [Origin => 'https://evil.example', 'Sec-Fetch-Site' => 'same-origin'],
);
my @foreign = sort keys %foreign;

subtest 'the API by cookie' => sub {
    my $install = '/api/v1/templates/default/stable-diffusion-cpu/install';
    my $mark = $t->audit_mark;

    for my $what (@foreign, 'the instance that is asked about') {
        my $headers = $foreign{$what} // [Origin => $own];
        my $r = $bob->post($install, headers => $headers);
        is $r->code, 403, "install: $what";
        is $r->problem->{code}, 'cross-origin', '… says why';
        is $alice->post($mine->path . '/release', headers => $headers)->code, 403, 'release';
        is $alice->post('/sign-out', headers => $headers)->code, 403, 'sign-out';
        is_deeply [ map { $alice->get("/api/v1/$_", headers => $headers)->code } qw(me templates instances events) ],
            [ (403) x 4 ], 'nor does it read, or hold a stream of hers';
    }
    is_deeply $t->gateway_writes($mark), {}, 'nothing was written';
    is scalar($bob->instances), 0, 'nothing is installed';
    is $mine->look->state, 'ready', 'nothing is released';

    is $bob->post($install, headers => [Origin => $gateway])->code, 202, 'the gateway\'s own page may';
    is $bob->post($install, headers => ['Sec-Fetch-Site' => 'same-origin'])->code, 200, '… without Origin, too';
    is $alice->get('/api/v1/instances', headers => [Origin => $gateway])->code, 200, 'and read';

    my $r = $alice->get('/api/v1/instances', headers => [Origin => $own]);
    is $r->problem->{code}, 'cross-origin', 'no other page may read';
    is $r->header('Access-Control-Allow-Origin'), undef, '… or see an answer';
    is $alice->options($install, headers => [Origin => $own, 'Access-Control-Request-Method' => 'POST'])
        ->header('Access-Control-Allow-Methods'), undef, '… or ask whether it may';
};

subtest 'the API by token' => sub {
    my @bearer = (Authorization => 'Bearer ' . $t->forge(user => 'carol'));
    my $nobody = $t->stranger;
    is $nobody->post('/api/v1/templates/default/notebook/install', headers => [@bearer])->code, 202,
        'needs no origin: a page cannot send another\'s token';
    is $nobody->post('/api/v1/templates/default/notebook/install', headers => [@bearer, Origin => 'https://x.example'])->code,
        200, '… nor minds one';
};

subtest 'an instance' => sub {
    for my $what (@foreign) {
        my @h = @{ $foreign{$what} };
        my $ask = sub { $alice->request($_[0], $mine->url($_[1]), headers => [@h])->code };
        is $ask->('POST', '/echo'), 403, "POST: $what";
        is_deeply [ map { $ask->($_, '/disk/x') } qw(PUT DELETE PATCH OPTIONS) ], [ (403) x 4 ],
            '… nor by another method';
        my @ws = (Upgrade => 'websocket', Connection => 'Upgrade', 'Sec-WebSocket-Version' => 13,
            'Sec-WebSocket-Key' => 'AAAAAAAAAAAAAAAAAAAAAA==');
        is $alice->get($mine->url('/ws'), headers => [@ws, @h])->code, 403, '… nor a WebSocket';
        is $ask->($_, '/info'), 200, "… though $_, as a link does" for qw(GET HEAD);
    }
    is $alice->get($mine->url('/disk/x'))->code, 404, 'nothing was written';

    my %own = ('its own page' => [Origin => $own], 'the gateway\'s page' => [Origin => $gateway],
        'a program' => [], 'its own page, with "Referrer-Policy: no-referrer"' => [Origin => 'null', 'Sec-Fetch-Site' => 'same-origin'],
        'its own page, unnamed' => ['Sec-Fetch-Site' => 'same-origin'],
        'the user\'s own hand' => ['Sec-Fetch-Site' => 'none']);
    for my $what (sort keys %own) {
        is $alice->post($mine->url('/echo'), headers => $own{$what}, body => 'x')->content, 'x', "POST by $what";
        is $alice->put($mine->url('/disk/x'), headers => $own{$what}, body => 'x')->code, 204, '… PUT';
    }
    for my $origin ($own, $gateway) {
        my $ws = $alice->websocket($mine->url('/ws'), headers => [Origin => $origin]);
        ok $ws->code == 101 && $ws->echoes, "a WebSocket from $origin";
        $ws->close;
    }
    is $alice->websocket($mine->url('/ws'), headers => [Origin => $others])->code, 403,
        'one of the user\'s instances drives no other';
    is $alice->websocket($other->url('/ws'), headers => [Origin => $own])->code, 403, '… either way';

    is $bob->post($mine->url('/echo'), headers => [Origin => $own])->code, 403, 'the right origin makes nobody an owner';

    isnt $alice->post($mine->url('/shared/x'), headers => [Origin => 'https://evil.example'])->code, 403,
        'aigc_cross_origin opens a location';
    is $bob->post($mine->url('/shared/x'), headers => [Origin => 'https://evil.example'])->code, 403,
        '… to the owner alone';
};

# A browser asks before a page of another origin may send what is no plain form:
# without cookies (Fetch, 4.8), so that nobody can say whose request it is.
subtest 'preflight requests' => sub {
    my @origin = (Origin => 'https://tool.example');
    my @asks = (@origin, 'Access-Control-Request-Method' => 'POST', 'Access-Control-Request-Headers' => 'authorization, content-type');
    my $nobody = $t->stranger;
    my $ask = sub { my ($path, $headers, %o) = @_; return $nobody->options($mine->url($path), headers => $headers, %o) };
    my $answer = '/shared/respond?code=204&header=Access-Control-Allow-Origin:' . AIGC::Client::escape('https://tool.example');

    is $ask->($answer, \@asks)->header('Access-Control-Allow-Origin'), 'https://tool.example', 'the application itself answers';
    my $r = $ask->('/shared/headers', [@asks, Cookie => 'aigc-instance=x; app=1', Authorization => 'Bearer x', 'X-Forwarded-User' => 'alice']);
    is $r->code, 200, 'what else is said is not looked at';
    my %seen = map { lc $_->[0] => $_->[1] } @{ $r->json->{headers} };
    is_deeply [ grep { exists $seen{$_} } qw(cookie authorization x-forwarded-user) ], [], '… and does not reach the pod';
    is $seen{'access-control-request-method'}, 'POST', '… but the question does';

    is $ask->($answer, [@origin])->code, 401, 'OPTIONS that asks nothing is decided as ever';
    is $ask->($answer, [ @asks[2 .. $#asks] ])->code, 401, '… without an origin';
    is $ask->($answer, [@asks, Origin => 'https://x.example'])->code, 401, '… of two';
    is $ask->($answer, \@asks, body => 'x')->code, 401, '… with a body';
    is $ask->($answer, [@asks, Upgrade => 'websocket', Connection => 'Upgrade'])->code, 401, '… with an upgrade';
    is $nobody->request($_, $mine->url($answer), headers => \@asks)->code, 401, "… nor $_" for qw(GET POST PUT DELETE);
    is $ask->('/respond', \@asks)->code, 401, 'elsewhere too';
    is $nobody->options($mine->url('/shared/x') =~ s/instances\d+/instances99/r, headers => \@asks)->code, 404, 'no such host';

    is $nobody->post($mine->url('/shared/echo'), headers => [@origin], body => 'x')->code, 401, 'the request itself needs its user';
    is $nobody->post($mine->url('/shared/echo'), headers => [@origin, Authorization => 'Bearer ' . $t->forge(user => 'alice')], body => 'x')->content,
        'x', '… who may show a token';

    my $disk_of = sub {
        my ($owner, $verdict) = @_;
        $t->kubectl('annotate', '--overwrite', 'pvc', 'user-data-' . $mine->pod, "aigc-gateway.io/owner=$owner");
        $t->wait_for(sub { grep { $_->{template} eq $mine->template && $_->{id} == $mine->id && $_->{disk} eq $verdict }
            @{ $t->table->{instances} } }, 20, "its disk is $verdict");
    };
    $disk_of->(bob000000000 => 'foreign');
    is $ask->($answer, \@asks)->code, 403, 'a pod with a disk of somebody else\'s is reached by none';
    $disk_of->(alice0000000 => 'owned');

    $other->release->wait_state('released');
    $r = $nobody->options($other->url('/shared/x'), headers => \@asks);
    is $r->code, 503, 'an instance that does not run';
    unlike $r->content, qr/released/, '… does not say why';
};

# What refuses everybody refuses a preflight, too: it would reach a pod without a user.
subtest 'a preflight to an instance that is nobody\'s to reach' => sub {
    my $base = $t->template('notebook');
    my ($one, $two) = map { AIGC::Crowd::template($t, $base, @$_, owner => 'somebody') } ['one', 4], ['two', 1];
    $one->[2]{metadata}{annotations}{'instance.aigc-gateway.io/1'} = 'nothing that can be read';
    $two->[2]{spec}{network} = $one->[2]{spec}{network};
    $t->kube_send([$one, $two, AIGC::Crowd::disk('one', 2)]);

    my $ask = sub {
        my ($id) = @_;
        my $url = 'http://' . AIGC::Crowd::host($t, 'one', $id) . ':' . $t->port . '/shared/x';
        my $r = $t->stranger->options($url, headers => [Origin => 'https://tool.example', 'Access-Control-Request-Method' => 'POST']);
        return $r->code == 404 ? 404 : $r->problem->{code};
    };
    my %why = (0 => 'host-collision', 1 => 'not-owner', 2 => 'foreign-disk', 3 => 'not-ready');
    for my $id (sort keys %why) {
        my $code = '';
        eval { $t->wait_for(sub { ($code = $ask->($id)) eq $why{$id} }, 10, $why{$id}) };
        is $code, $why{$id}, "$why{$id} is said";
    }
};

subtest 'each host has a session of its own' => sub {
    my $there = $alice->host_session($mine->url);
    my %main = ('without one' => undef, 'with garbage' => 'garbage', 'with an empty one' => '',
        'with one byte less' => substr($alice->cookie('aigc-session'), 0, -1), 'with an instance\'s' => $there);
    for my $what (sort keys %main) {
        my $c = $alice->copy;
        $c->drop_cookie('aigc-session');
        $c->set_cookie('aigc-session' => $main{$what}, domain => $t->host) if defined $main{$what};
        is $c->api('GET', '/api/v1/me')->code, 401, "$what: /me";
        is $c->api('GET', '/api/v1/instances')->code, 401, '… instances';
        is $c->api('POST', $mine->path . '/release')->code, 401, '… release';
        is $c->post('/sign-out', headers => [Origin => $gateway])->code, 401, '… sign-out';
        is $c->get($mine->url('/info'))->code, 200, '… the instance has its own';
    }
    my %its = ('without one' => '', 'with garbage' => 'aigc-instance=garbage', 'with an empty one' => 'aigc-instance=',
        'with one byte less' => 'aigc-instance=' . substr($there, 0, -1), 'with another instance\'s' => 'aigc-instance=' . $alice->host_session($other->url),
        'with the gateway\'s' => join('; ', map { "$_=" . $alice->cookie('aigc-session') } qw(aigc-instance aigc-session aigc_session)));
    for my $what (sort keys %its) {
        is $alice->get($mine->url('/info'), headers => [Cookie => $its{$what}])->code, 401, "$what: the instance";
    }

    # What an instance's page can set for the whole domain, with TLS: any cookie
    # without a prefix.
    my $c = $alice->copy;
    $c->drop_cookie('aigc-session');
    $c->set_cookie(aigc_session => $bob->cookie('aigc-session'));
    is $c->api('GET', '/api/v1/me')->code, 401, 'a session that was tossed in is nobody\'s';
    is $c->get($mine->url('/info'))->code, 200, '… on an instance\'s host either';
    $c = $alice->copy;
    $c->set_cookie(aigc_session => $bob->cookie('aigc-session'), path => $_) for '/', '/api';
    is $c->api('GET', '/api/v1/me')->json->{name}, 'Alice', '… also under a longer path';
    is $alice->api('GET', '/api/v1/me')->json->{name}, 'Alice', 'as it should be, alice is alice';
};

done_testing;
