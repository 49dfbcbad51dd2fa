# t/access.t — who reaches an instance: its owner, by every way that HTTP has

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;


# The root domain lets a template's <id> spell the gateway's own host.
my $t = AIGC::Stack->start(
    root     => '0.aigc.localhost',
    instance => 'location /open/ { proxy_pass http://instances; }',
    edit     => sub {
        my ($text) = @_;
        my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+);/;
        my ($h2, $alone) = ($port + 10, $port + 11);
        $text =~ s/(server_name \*\.)/listen 127.0.0.1:$h2 http2;
        listen 127.0.0.1:$alone;\n        $1/;
        return $text;
    },
);

my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $mine = $alice->install('stable-diffusion-cpu');
my $his  = $bob->install('stable-diffusion-cpu');
$_->wait_ready for $mine, $his;

my $port = $t->port;
my $host = $mine->host;

sub pod {               # the instance that a pod's answer is from
    my ($r) = @_;
    return $r->code == 200 ? $r->json->{instance} : $r->code;
}

sub log_lines {
    my ($re, $mark) = @_;
    return scalar grep { /$re/ } split /\n/, substr $t->error_log, $mark;
}

subtest 'the owner' => sub {
    is pod($alice->get($mine->url('/info'))), $mine->id, 'is let in, to the own pod';
    is pod($bob->get($his->url('/info'))), $his->id, '… each to the own';

    my $r = $alice->head($mine->url('/info'));
    is $r->code, 200, 'HEAD';
    is $r->content, '', '… without a body';

    $r = $alice->get($mine->url('/info'), http => '1.0');
    is pod($r), $mine->id, 'HTTP/1.0';

    my $conn = $alice->connect($mine->url);
    is_deeply [ map { pod($alice->get($mine->url('/info'), on => $conn)) } 1 .. 3 ],
        [ ($mine->id) x 3 ], 'three requests on one connection';
    is pod($alice->get($his->url('/info'), on => $conn)), 403,
        '… and another\'s instance on it is refused';
    is pod($alice->get($mine->url('/info'), on => $conn)), $mine->id, '… after which it goes on';

    # nginx's proxy does not send the rest of a body once an answer has begun:
    # /echo, which answers at once, is for small ones.
    my $body = join '', map { pack 'N', $_ } 1 .. 10 * 1024 * 1024 / 4;
    is $alice->post($mine->url('/echo'), body => 'small')->content, 'small', 'POST';
    is $alice->post($mine->url('/headers'), body => $body)->json->{body_length}, length $body, '… of 10 MiB';

    for my $how (['in one piece', $body], ['in chunks', [ unpack '(a65521)*', $body ]]) {
        my $r = $alice->put($mine->url('/disk/big'), body => $how->[1]);
        like $r->code, qr/^2/, "PUT of 10 MiB $how->[0]";
        ok $alice->get($mine->url('/disk/big'))->content eq $body, '… is what GET gives back';
    }
    like $alice->delete($mine->url('/disk/big'))->code, qr/^2/, 'DELETE';

    $conn = $alice->connect($mine->url);
    $conn->send("PUT /disk/slow HTTP/1.1\r\nHost: $host:$port\r\nCookie: "
        . $alice->cookie_header($mine->url)
        . "\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n" . 'x' x 0x20000 . "\r\n");
    my $disk = $t->file('cluster/disks/default/user-data-' . $mine->pod);
    $t->wait_for(sub { grep { -s >= 0x10000 } glob "$disk/* $disk/.[a-z]*" }, 10, 'the pod has some of the body');
    pass 'a body is passed on while it comes in';
    $conn->send("0\r\n\r\n");
    like $conn->response(method => 'PUT', url => $mine->url('/disk/slow'))->code, qr/^2/, '… to its end';
};

subtest 'WebSocket' => sub {
    my $ws = $alice->websocket($mine->url('/ws'));
    is $ws->code, 101, 'opens for the owner';
    ok $ws->echoes, 'and carries messages';
    ok $ws->echoes('x' x 100_000), 'large ones too';
    my $other = $alice->websocket($mine->url('/ws'));
    $ws->close(1000);
    is $ws->closed, 1000, 'closes when the client says so';
    ok $other->echoes, '… and no other with it';
    $other->close;

    is $bob->websocket($mine->url('/ws'))->code, 403, 'is refused to another user';
    my $r = $t->stranger->websocket($mine->url('/ws'))->response;
    is $r->code, 401, 'and to a stranger';
    is $r->problem->{code}, 'not-signed-in', '… with a problem';
};

subtest 'HTTP/2' => sub {
    my $h2 = $t->port(10);
    my $try = sub {
        my ($who, $url, @args) = @_;
        $url =~ s/:$port\b/:$h2/;
        my ($status, $text) = $who->curl('--http2-prior-knowledge', '-w', ' %{http_version} %{http_code}', @args, $url);
        return $text;
    };
    like $try->($alice, $mine->url('/info')), qr/"instance":\s*@{[ $mine->id ]}\b.* 2 200$/s, 'the owner';
    like $try->($bob, $mine->url('/info')), qr/ 2 403$/, 'another user';
    like $try->($t->stranger, $mine->url('/info')), qr/ 2 401$/, 'a stranger';
    like $try->($alice, $mine->url('/echo'), '-d', 'body'), qr/^body 2 200$/, 'a body';
};

subtest 'another user' => sub {
    my $r = $bob->get($mine->url('/info'));
    is $r->code, 403, 'is refused';
    is $r->problem->{code}, 'not-owner', '… with a problem';
    is $bob->browse($mine->url)->code, 403, 'a navigation too: no sign-in loop';
    is $bob->request($_, $mine->url)->code, 403, $_ for qw(POST PUT DELETE OPTIONS PATCH);
    is $bob->get($mine->url('/info'), http => '1.0')->code, 403, 'HTTP/1.0';
};

subtest 'a stranger' => sub {
    my $s = $t->stranger;
    my $r = $s->get($mine->url('/info?x=1'));
    is $r->code, 401, 'a program gets 401';
    is $r->problem->{code}, 'not-signed-in', '… with a problem';
    is $r->location, undef, '… and is sent nowhere';

    my %program = (
        'fetch of a page' => ['Sec-Fetch-Mode' => 'cors', 'Sec-Fetch-Dest' => 'empty', Accept => 'text/html'],
        'XMLHttpRequest' => ['X-Requested-With' => 'XMLHttpRequest', Accept => 'text/html'],
        'an image' => ['Sec-Fetch-Mode' => 'no-cors', 'Sec-Fetch-Dest' => 'image', Accept => 'image/*,*/*'],
    );
    is $s->get($mine->url, headers => $program{$_})->code, 401, $_ for sort keys %program;
    is $s->request('POST', $mine->url, headers => [Accept => 'text/html', 'Sec-Fetch-Mode' => 'navigate'])->code,
        401, 'a form that is sent';

    $r = $s->browse($mine->url('/info?x=1'));
    is $r->code, 302, 'a navigation is sent to sign in';
    is $r->location =~ s/&nonce=[\w-]{43}$/&nonce=…/r, $t->url('/sign-in?rd=') . AIGC::Client::escape($mine->url('/info?x=1')) . '&nonce=…',
        '… with the page that it asked for, and the digest of a nonce';
    is join(' ', map { $_->{name} } $r->set_cookies), 'aigc-nonce', '… which it is given, and no other cookie';
    like $r->header('Cache-Control'), qr/no-store/, '… which nobody keeps';
    is $s->get($mine->url, headers => { Accept => 'text/html' })->code, 302, 'an old browser\'s too';
};

subtest 'back to the very page' => sub {
    my %page = (
        'path and query' => '/headers?a=1&b=two',
        'escapes' => '/headers?q=%E4%B8%AD%20%26%3D%23%25&e=&f&u=+%2B',
        'a URL in the query' => '/headers?next=http://other.example/?a=b&rd=//evil.example',
        'an odd path' => '/%E4%B8%AD%20b//c/./d;p=1,(2)\'!$~?x',
        'bytes that browsers leave alone' => '/headers?a={b}|^`c[d]<e>',
        'a broken escape' => '/headers?a=%zz%',
        'nothing at all' => '/',
    );
    for my $what (sort keys %page) {
        my $s = $t->stranger;
        my $r = $s->sign_in(user => 'alice', from => $mine->url($page{$what}));
        is $r->url, $mine->url($page{$what}), $what;
        is $r->json->{uri}, $page{$what}, '… which the pod serves' if $page{$what} =~ /headers/;
    }
    my $s = $t->stranger;
    my $r = $s->sign_in(user => 'alice', from => $mine->url('/headers?a=\\b'));
    is $r->url, $mine->url('/headers?a=%5Cb'), 'a backslash comes back escaped';
    $s = $t->stranger;
    $r = $s->sign_in(user => 'alice', from => $mine->url("/headers?a=\xe4\xb8"));
    is $r->url, $mine->url('/headers?a=%E4%B8'), 'and so do bytes that are no ASCII';

    $s = $t->stranger;
    $r = $s->sign_in(user => 'alice', from => $mine->url('/headers?' . 'a' x 7000));
    is $r->url, $mine->url('/headers?' . 'a' x 7000), 'a page with a long query comes back whole';

    $s = $t->stranger;
    $r = $s->sign_in(user => 'bob', from => $mine->url);
    is $r->code, 403, 'who signs in as somebody else is refused';
    is $r->url, $mine->url, '… where he came from';
};

subtest 'host names' => sub {
    my $as = sub { my ($h, %o) = @_; pod($alice->get($mine->url('/info'), host => $h, %o)) };
    my $bo = sub { my ($h, %o) = @_; pod($bob->get($mine->url('/info'), host => $h, %o)) };

    for my $form ($host, "$host:$port", "$host:1", "$host.", "$host.:$port", uc $host, ucfirst "$host:$port") {
        is $as->($form), $mine->id, "$form: the same instance";
        is $bo->($form), 403, '… and the same decision';
    }

    # A port where the instances' server is the only one: nginx sends it every
    # host, and the module alone says no.
    my $ask = sub {
        my ($h) = @_;
        my $alone = $mine->url('/info') =~ s/:$port/':' . $t->port(11)/er;
        return $alice->get($alone, host => $h, headers => [Cookie => $alice->cookie_header($mine->url)]);
    };
    my %foreign = (
        'an instance that does not exist' => 'instances77-cpu.' . $t->root,
        'an id with a leading zero' => 'instances00-cpu.' . $t->root,
        'a name below an instance\'s' => "x.$host",
        'a foreign name that begins with it' => "$host.evil.example",
        'a foreign name that ends like it' => "evil$host",
        'a foreign host' => 'evil.example',
        'an address' => '127.0.0.1',
        'the gateway' => $t->host,
        'the root domain' => $t->root,
    );
    is pod($ask->($host)), $mine->id, 'there too an instance is one';
    for my $what (sort keys %foreign) {
        my $r = $ask->($foreign{$what});
        is $r->code, 404, "$what is none";
        is $r->problem->{code}, 'unknown-host', '… and is told so';
    }
    is pod($ask->($_)), 400, "$_: no host" for "$host/", "$host\\x", "a..b", "$host:x", '';
};

subtest 'two hosts in one request' => sub {
    my $absolute = 'http://' . $host . ':' . $port . '/info';
    my $other    = $his->host . ':' . $port;

    is pod($alice->get($mine->url('/info'), target => $absolute)), $mine->id, 'the absolute form';
    is pod($bob->get($mine->url('/info'), target => $absolute)), 403, '… is decided by its host';
    is pod($alice->get($mine->url('/info'), target => $absolute, host => $other)), 400,
        'a Host header that says another is refused';
    is pod($alice->get($mine->url('/info'), target => $absolute, host => 'evil.example')), 400,
        '… a foreign one too';
    is pod($bob->get($his->url('/info'), target => $absolute, host => $other)), 400,
        '… and one that would let bob in';
    is pod($alice->get($mine->url('/info'), target => $absolute, host => uc "$host.")), $mine->id,
        'the same host in another spelling is no other';
    is pod($alice->get($mine->url('/info'), headers => [Host => $host, Host => $other])), 400,
        'two Host headers';
    is $alice->get($mine->url('/info'), headers => [Host => undef])->code, 400, 'none';
};

subtest 'what fails closed' => sub {
    $t->allow_log(qr{\[emerg\].*satisfy any});
    my $mark = length $t->error_log;
    my $r = $alice->get($mine->url('/open/info'));

    is $r->code, 500, 'a location that forgot aigc_access passes nothing';
    is log_lines(qr/used without "aigc_access on"/, $mark), 1, '… and says so in one line';

    my $edit = $t->{opt}{edit};
    for my $place (['beside', 's', 'include aigc/instance.conf;'],
                   ['above', 'x', 'server_name *.']) {
        my ($where, undef, $what) = @$place;
        local $t->{opt}{edit} = sub {
            my $text = $edit->($_[0]);
            $text =~ s/\Q$what\E/satisfy any; $what/;
            return $text;
        };
        $t->write_conf;
        my ($status, $said) = $t->test_conf;
        isnt $status, 0, "\"satisfy any\" $where aigc_access is an error";
        like $said, qr/\[emerg\].*"aigc_access".*"satisfy any".*remove "satisfy any"/, '… that says the fix';
    }
    $t->write_conf;
    is +($t->test_conf)[0], 0, 'without it all is well';
};

subtest 'the gateway\'s own host' => sub {
    $t->apply_template('notebook', sub {
        my ($gss) = @_;
        for (@{ $gss->{spec}{network}{networkConf} }) {
            $_->{value} = 'dashboard.<id>.aigc.localhost' if $_->{name} eq 'Host';
        }
    });
    is $alice->api('POST', '/api/v1/templates/default/notebook/install')->code, 409, 'such a template is installed by nobody';
    $t->kubectl('annotate', 'gss', 'notebook', 'instance.aigc-gateway.io/0='
        . '{"owner":"alice0000000","state":"released","since":"2026-01-01T00:00:00Z","gss":"0"}');
    $t->wait_for(sub { grep { $_->{template} eq 'notebook' } @{ $t->table->{instances} } }, 10, 'alice has it all the same');
    my $auth = sub { $alice->auth($_[0], of => $mine->url)->code };

    is $auth->($mine->url), 200, 'an instance\'s host is decided';
    is $auth->($t->url), 404, 'the gateway\'s is no instance, though a template says so';
    is $alice->api('GET', '/api/v1/me')->code, 200, '… and stays the gateway';
    unlike join(' ', map { $_->host // '' } $alice->instances), qr/dashboard/, '… and is shown as nobody\'s';
};

subtest 'an instance that is not ready' => sub {
    $t->apply_template('stable-diffusion-gpu', { spec => { gameServerTemplate => {
        metadata => { annotations => { 'fake/hold' => 'true' } } } } });
    my $held = $alice->install('stable-diffusion-gpu')->wait_state('starting');
    my $is_waiting = sub {
        my ($inst, $why) = @_;
        my $r = $alice->browse($inst->url('/some?page'));

        is $r->code, 503, "$why: a page";
        is $r->type, 'text/html', '… of HTML';
        ok $r->header('Retry-After'), '… with Retry-After';
        like $r->content, qr/http-equiv="refresh"/, '… that loads itself again';
        like $r->content, qr/\Q@{[ $t->origin ]}\E/, '… and leads to the dashboard';

        $r = $alice->get($inst->url);
        is $r->code, 503, 'a program';
        is $r->problem->{code}, 'not-ready', '… gets JSON';
        like $r->problem->{detail}, qr/@{[ $inst->state ]}/, '… with the state';
        ok $r->header('Retry-After'), '… and Retry-After';
        is $alice->websocket($inst->url('/ws'))->code, 503, 'a WebSocket';

        is $bob->browse($inst->url)->code, 403, 'another user learns nothing of it';
        is $t->stranger->browse($inst->url)->code, 302, 'nor a stranger';
        is $t->stranger->get($inst->url)->code, 401, '… nor a program';
    };

    $is_waiting->($held, 'starting');
    $mine->release->wait_state('released');
    $is_waiting->($mine, 'released');
    is $alice->get($held->url)->code, 503, 'one instance\'s release changes no other';

    $mine->start->wait_ready;
    is pod($alice->get($mine->url('/info'))), $mine->id, 'started again it is there under the same host';
};

done_testing;
