# t/bounds.t — the most that is taken of what comes from outside (base/ngx_aigc_bounds.h):
# each at its bound, and one past it.  Pure readers: t/unit/bounds_test.c

use FindBin;
use lib "$FindBin::Bin/lib";

my $files;
BEGIN {
    $files = 4096;
    # a descriptor for each of a thousand operations that wait
    if (!$ENV{AIGC_BOUNDS}) {
        $ENV{AIGC_BOUNDS} = 1;
        exec '/bin/sh', '-c', 'ulimit -n "$0" 2>/dev/null; exec "$@"', $files, $^X, $0, @ARGV or die $!;
    }
}

use AIGC::Test;
use AIGC::Secrets;
use Time::HiRes qw(sleep time);

my $top = "$FindBin::Bin/..";
my %max;
for (split /\n/, slurp("$top/ngx_aigc_module/base/ngx_aigc_bounds.h")) {
    my ($name, $value) = /^#define NGX_((?:HTTP_)?AIGC_\w+)  (.+)$/ or next;
    $value =~ s/NGX_(AIGC_\w+)/$max{$1}/g;
    $value =~ s/LL\b//;
    $max{$name} = eval $value;
}

# What other tests have at the bound and one past it, by number or by what is seen.
my %elsewhere = (
    HTTP_AIGC_ORIGINAL_MAX    => ['auth_url.t', 'a byte over 16 KB: none'],
    HTTP_AIGC_EVENTS_USER     => ['events.t', 'a user may have 16 in a worker'],
    HTTP_AIGC_EVENTS_SHARE    => ['events.t', 'connections are streams, and no more'],
    HTTP_AIGC_LOGINS          => ['sign_in.t', 'of two hundred unfinished ones eight are kept'],
    HTTP_AIGC_LOGINS_SEEN     => ['sign_in.t', 'sixty-four that are junk are looked at, and no more'],
    HTTP_AIGC_LOGINS_CUT      => ['sign_in.t', 'sixteen of them go with one response'],
    HTTP_AIGC_LOGIN_PARTS     => ['sign_in.t', 'of many long ones at once the oldest ends at its front page'],
    HTTP_AIGC_LOGIN_REST      => ['sign_in.t', 'what is longer is no error: a page says so'],
    AIGC_PORT_MAX             => ['unit/url_test.c', '"https://a.b:65536"'],
    AIGC_LABEL_MAX            => ['unit/host_test.c', 'label <= 63 ? NGX_OK'],
    AIGC_RSA_BITS_MIN         => ['unit/jwks_test.c', '2028 bits'],
    AIGC_RSA_BITS_MAX         => ['unit/jwks_test.c', '8184 bits'],
    AIGC_RSA_EXP_MAX          => ['unit/jwks_test.c', 'AQAAAAAAAAAAAAAB'],
    AIGC_EC_BYTES_MAX         => ['unit/jwks_test.c', 'i == 32 ? NGX_OK : NGX_DECLINED'],
    AIGC_JWT_TIME_MAX         => ['unit/jwt_test.c', '{\"exp\":1790003600000}'],
    AIGC_WEBHOOK_SIGNATURE    => ['webhook.t', 'a digit short'],
    AIGC_ROTATION_GATEWAY_MAX => ['unit/rotation_test.c', '1790000002 12345678901234567890123"'],
    AIGC_ROTATION_DIGITS      => ['unit/rotation_test.c', '1 179000000000 1790000001 x 0 -'],
    AIGC_ROTATION_MAX         => ['rotation.t', '31 .. 2030'],
    AIGC_REVOCATIONS_MAX      => ['revocations.t', 'it is full'],
    AIGC_ROTATION_BYTES       => ['rotation.t', 'and of too many bytes likewise'],
    AIGC_KEY_FILE_MAX         => ['unit/seal_test.c', 'is larger than 4096 bytes'],
    AIGC_SEAL_KEYS_MAX        => ['unit/seal_test.c', 'line 9 is one key too many'],
    AIGC_CLAIM_DEPTH          => ['unit/claims_test.c', 'a.b.c.d.e.f.g.h.i'],
    AIGC_LIMIT_MAX            => ['conf.t', 'user_total=100000'],
    AIGC_INSTANCES_MAX        => ['limits.t', '2501'],
);

# What no test has reached, as it takes so many users at Logto.
my %unreached = (AIGC_MIRROR_SCAN_MAX => 'a million', AIGC_MIRROR_QUEUE => 'ten thousand who own something');

# Bodies of answers: one function has the bound, and is tried at it and past it with the
# provider's; each call names its own.
my @answers = map { "AIGC_$_" } qw(TASK_BODY EVENT_ANSWER LEASE_BODY ROTATION_ANSWER);

sub slurp { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return <$f> }

subtest 'each bound has its test' => sub {
    my $own = slurp($0) =~ s/^my %elsewhere = \(.*?^\);//msr;
    my $tests = join "\n", $own, map { slurp($_) } grep { !m{/bounds\.t$} } glob("$top/t/*.t $top/t/unit/*_test.c");
    cmp_ok scalar keys %max, '>', 100, 'the bounds are there';
    my $sources = join "\n", map { slurp($_) } glob "$top/ngx_aigc_module/*/*.c";
    my $tested = sub {
        return 1 if $unreached{$_[0]} || grep { $_ eq $_[0] } @answers, 'HTTP_AIGC_ADOPT_ANSWER';
        my ($file, $text) = @{ $elsewhere{$_[0]} // [] };
        return $file ? index(slurp("$top/t/$file"), $text) >= 0 : $tests =~ /\b(?:NGX_)?\Q$_[0]\E\b/;
    };
    is_deeply [ grep { !$tested->($_) } sort keys %max ], [], 'a test names each of them';
    is_deeply [ grep { $sources !~ /f->max = NGX_$_;/ } @answers, 'HTTP_AIGC_ADOPT_ANSWER' ], [], 'each answer of the API server has its bound';
    is_deeply [ grep { !exists $max{$_} } sort keys %elsewhere ], [], 'what is tested elsewhere is a bound';
};

my $t = AIGC::Stack->start(workers => 1, faults => 1, connections => 4096, directives => { aigc_limits => 'user_template=2500' },
    gateway => 'large_client_header_buffers 8 32k;', templates => ['stable-diffusion-cpu', 'notebook']);
my $cpu   = 'stable-diffusion-cpu';
my $alice = $t->sign_in('alice');
my $gss   = '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets';
my $json  = JSON::PP->new->canonical;

sub said { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // () }
sub me   { my ($token) = @_; return $t->stranger->get('/api/v1/me', headers => [Authorization => "Bearer $token"])->code }
sub since { my ($mark) = @_; return substr $t->error_log, $mark }
sub padded { my ($text, $bytes) = @_; return $text . ' ' x ($bytes - length $text) }

# A token of exactly so many bytes.  A part of 4 n + 1 is none: then the header gets a byte more.
sub token_of {
    my ($bytes, %order) = @_;
    for my $more (0 .. 3) {
        my $make = sub { $t->forge(%order, header => { x => 'y' x $more }, claims => { %{ $order{claims} // {} }, pad => 'p' x $_[0] }) };
        my $token = $make->(0);
        my $payload = length((split /\./, $token)[1]);
        my $wanted = $payload + $bytes - length $token;
        next if $wanted % 4 == 1;
        $token = $make->(int($wanted * 3 / 4) - int($payload * 3 / 4));
        return $token if length $token == $bytes;
    }
    die "no token of $bytes bytes\n";
}

subtest 'a call\'s body' => sub {
    my $max = $max{HTTP_AIGC_BODY_MAX};
    my $path = "/api/v1/templates/default/$cpu/install";
    my $call = sub { $alice->post($path, body => $_[0], headers => [Origin => $t->origin, 'Content-Type' => 'application/json']) };
    is $call->(padded('{"another":false}', $max))->code, 202, "$max bytes";
    is said($call->(padded('{"another":false}', $max + 1))), '413 body-too-large', 'one more';
    is said($call->([unpack '(a1000)*', padded('{"another":false}', $max + 1)])), '413 body-too-large', '… in chunks';
    is $call->([unpack '(a1000)*', padded('{"another":false}', $max)])->code, 200, 'in chunks';
};

subtest 'tokens' => sub {
    is me(token_of($max{AIGC_JWT_MAX})), 200, "$max{AIGC_JWT_MAX} bytes";
    is me(token_of($max{AIGC_JWT_MAX} + 1)), 401, 'one more is none';
    for my $bytes ($max{HTTP_AIGC_MEMO_TEXT}, $max{HTTP_AIGC_MEMO_TEXT} + 1) {
        my $token = token_of($bytes);
        is join(' ', map { me($token) } 1 .. 3), '200 200 200', "$bytes bytes, remembered or verified anew: counts each time";
    }
};

subtest 'logout tokens' => sub {
    my $post = sub { $t->stranger->begin('POST', '/backchannel-logout', body => $_[0], timeout => 30,
        headers => ['Content-Type' => 'application/x-www-form-urlencoded']) };
    my $token = sub { $t->forge(type => 'logout', user => 'bob', @_) };
    my $form = 'logout_token=' . $token->() . '&x=';
    my $max = $max{HTTP_AIGC_LOGOUT_MAX};
    is $post->($form . 'x' x ($max - length $form))->response->code, 200, "a form of $max bytes";
    is $post->($form . 'x' x ($max + 1 - length $form))->response->code, 413, 'one more';

    my $waiting = $max{HTTP_AIGC_LOGOUT_WAITING};
    my @unknown = map { 'logout_token=' . $token->(key => 'unknown') } 0 .. $waiting;
    my %codes;
    $codes{$_->response->code}++ for map { $post->($_) } @unknown;
    is_deeply \%codes, { 400 => $waiting, 503 => 1 }, "$waiting may wait for a key";
};

subtest 'the provider\'s answers' => sub {
    my $answer = sub {
        my ($paths, $body) = @_;
        $t->logto_control(outage => { mode => 'answer', paths => $paths, status => 200, headers => { 'content-type' => 'application/json' }, body => $body });
    };
    my $plain = sub { my ($path) = @_; my (undef, $text) = $t->stranger->curl('-s', $t->logto_url . $path); return $text };
    my $bytes = $max{AIGC_PROVIDER_ANSWER};

    # a key set: what was known counts on
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    my $keys = $plain->('/oidc/jwks');
    my $mark = length $t->error_log;
    $answer->('/jwks$', padded($keys, $bytes + 1));
    my $token = $t->forge;
    isnt me($token), 200, 'keys of ' . ($bytes + 1) . ' bytes are not taken';
    $t->wait_for(sub { since($mark) =~ /the answer is too large/ }, 20, 'the line');
    is $alice->api('GET', '/api/v1/me')->code, 200, '… and the old ones count on';
    $answer->('/jwks$', padded($keys, $bytes));
    $t->wait_for(sub { me($token) == 200 }, 30, 'keys of as many bytes are taken');
    pass "keys of $bytes bytes are";

    # a response with tokens
    for my $past (0, 1) {
        my $c = $t->stranger;
        my $r = $c->browse('/sign-in');
        my ($nonce) = $r->location =~ /[?&]nonce=([^&]+)/;
        my ($state) = $r->location =~ /[?&]state=([^&]+)/;
        $answer->('/token$', padded($json->encode({ id_token => $t->forge(user => 'bob', claims => { nonce => $nonce }),
            access_token => 'x', token_type => 'Bearer' }), $max{AIGC_PROVIDER_TOKENS} + $past));
        my $in = $c->browse("/sign-in-callback?code=x&state=$state&iss=" . AIGC::Client::escape($t->logto_url . '/oidc'));
        is said($in), $past ? '502 sign-in-garbage' : '302', "tokens in $max{AIGC_PROVIDER_TOKENS} bytes" . ($past ? ' and one' : '');
    }
    $t->logto_control(outage => { mode => 'off' });
};

subtest 'an endpoint\'s address' => sub {
    my $discovery = $json->decode(($t->stranger->curl('-s', $t->logto_url . '/oidc/.well-known/openid-configuration'))[1]);
    my $max = $max{AIGC_ENDPOINT_MAX};
    for my $past (0, 1) {
        my $mark = length $t->error_log;
        my $url = $t->logto_url . '/oidc/revoke/';
        $t->logto_control(outage => { mode => 'answer', paths => 'openid-configuration$', status => 200, headers => { 'content-type' => 'application/json' },
            body => $json->encode({ %$discovery, revocation_endpoint => $url . 'x' x ($max + $past - length $url) }) });
        my $asked = sub { $t->logto_requests->{paths}{'/oidc/.well-known/openid-configuration'} // 0 };
        my $before = $asked->();
        $t->kill_worker(0);
        $t->wait_for(sub { $asked->() > $before }, 30, 'discovery');
        sleep 1;
        my $refused = since($mark) =~ /Logto's discovery at .* could not be used/ ? 1 : 0;
        is $refused, $past, $past ? 'one more is refused' : "$max bytes are taken";
    }
    $t->logto_control(outage => { mode => 'off' });
};

subtest 'operations that wait' => sub {
    my $own = $max{AIGC_OPS_OWNER};
    my $more = { another => JSON::PP::true };
    my $path = "/api/v1/templates/default/notebook/install";
    my $refusal = { status => 403, contentType => 'application/json', body => '{"kind":"Status","code":403,"reason":"Forbidden"}' };
    # the first write takes its time, and all others wait for it
    my $refuse = sub {
        $t->faults([{ method => 'PATCH', path => 'gameserversets', times => 1, action => { %$refusal, delayMs => $_[0] } },
            { method => 'PATCH', path => 'gameserversets', action => $refusal }]);
        $t->clear_fault_log;
    };
    $refuse->(2000);

    my $bob = $t->sign_in('bob');
    my @his = map { $bob->begin_api('POST', $path, $more, timeout => 60) } 0 .. $own;
    my %codes;
    $codes{ said($_->response) }++ for @his;
    is_deeply \%codes, { '502 cluster-refuses' => $own, '429 queue-full' => 1 }, "a user has $own, and no more";

    # as many users as all places take, each with all of the own
    my $all = $max{AIGC_OPS};
    my $users = $all / $own;
    my @tokens = @{ $t->logto_control('sign-token', { tokens => [ map { { claims => { sub => "user$_" } } } 0 .. $users ] })->{tokens} };
    AIGC::Secrets::note($_, 'forged token') for @tokens;
    my $install = sub { $t->stranger->begin('POST', $path, body => '{"another":true}', timeout => 120,
        headers => [Authorization => "Bearer $_[0]", 'Content-Type' => 'application/json']) };
    # connected before, so that all come while the first write takes its time
    my @conn = map { $t->stranger->connect } 1 .. $all;
    my $body = '{"another":true}';
    my @request = map { my $token = $_; map { "POST $path HTTP/1.1\r\nHost: " . $t->host . "\r\nAuthorization: Bearer $token\r\nContent-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body" } 1 .. $own } @tokens[0 .. $users - 1];
    me($_) for @tokens;
    $refuse->(9000);
    $conn[$_]->send($request[$_]) for 0 .. $#conn;
    my @waiting = @conn;
    is scalar(@waiting), $all, "$all wait";
    $t->wait_for(sub { ($t->status('/metrics')->content =~ /^aigc_writes_waiting (\d+)/m ? $1 : 0) >= $all }, 20, 'all wait');
    is said($install->($tokens[-1])->response), '429 queue-full', 'another one of another user does not';
    %codes = ();
    $codes{ said($_->response(method => 'POST', url => $path)) }++ for @waiting;
    is join(' ', grep { !/^(?:502 cluster-\w+|503 cluster-busy)\z/ } keys %codes), '', 'each is answered';
    $t->no_faults;
};

subtest 'operations of one patch' => sub {
    my $most = $max{AIGC_PLAN_MAX};
    my $own  = $max{AIGC_OPS_OWNER};
    my $n    = $most + $own;
    my @user = map { sprintf 'user%02d', $_ } 1 .. $n / $own;
    my $many = $json->decode($json->encode($t->template('notebook')));
    $many->{metadata} = { name => 'many', annotations => { 'aigc-gateway.io/top' => '' . ($n - 1), map { ("instance.aigc-gateway.io/$_" => sprintf
        '{"owner":"%s000000","state":"released","since":"2026-01-01T00:00:00Z","gss":"a89c0f3e-9f44-4f4c-8b2f-2b5a4f9e0c11"}', $user[$_ / $own]) } 0 .. $n - 1 } };
    $_->{value} = 'many-<id>.' . $t->root for grep { $_->{name} eq 'Host' } @{ $many->{spec}{network}{networkConf} };
    $many->{spec}{reserveGameServerIds} = [0 .. $n - 1];
    is_deeply [$t->kube_send([['POST', $gss, $many]])], [201], "$n instances";
    my @tokens = @{ $t->logto_control('sign-token', { tokens => [ map { { user => $_ } } @user ] })->{tokens} };
    AIGC::Secrets::note($_, 'forged token') for @tokens;
    $t->wait_for(sub { @{ $t->stranger->get('/api/v1/instances', headers => [Authorization => "Bearer $tokens[-1]"])->json->{instances} } == $own }, 20, 'they are known');

    # connected before, so that all come while the first write takes its time
    my @waiting = map { $t->stranger->connect } 1 .. $n;
    me($_) for @tokens;
    $t->faults([{ method => 'PATCH', path => 'gameserversets/many', times => 1, action => { delayMs => 8000 } },
        { method => 'PATCH', path => 'gameserversets/many', action => { delayMs => 1500 } }]);
    $waiting[$_]->send("DELETE /api/v1/instances/default/many/$_ HTTP/1.1\r\nHost: " . $t->host . "\r\nAuthorization: Bearer $tokens[$_ / $own]\r\n\r\n") for 0 .. $n - 1;
    my @done = (0);
    $t->wait_for(sub {
        my $now = $n - grep { $_->{state} eq 'released' } values %{ $t->claims('many') };
        push @done, $now if $now != $done[-1];
        return $now == $n;
    }, 30, 'all are written');
    note "written: @done";
    is_deeply [ grep { $done[$_] - $done[$_ - 1] > $most } 1 .. $#done ], [], "a patch has at most $most of them";
    ok scalar(grep { $done[$_] - $done[$_ - 1] == $most } 1 .. $#done), '… and as many if more wait';
    is scalar(grep { $_->response(method => 'DELETE', url => '/')->code =~ /^20[02]$|^503$/ } @waiting), $n, 'each is answered';
    $t->no_faults;
};

subtest 'a page of a list' => sub {
    my $max = $max{AIGC_LIST_MAX};
    my $list = '{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}';
    my $file = sub { my ($bytes) = @_; return { status => 200, contentType => 'application/json', body => padded($list, $bytes) } };
    $t->faults([ { query => 'sendInitialEvents', action => { status => 400, body => '{}' } },
        { path => 'persistentvolumeclaims', query => 'limit=100\b', times => 1, action => $file->($max + 1) } ]);
    $t->clear_fault_log;
    my $mark = length $t->error_log;
    $t->kill_worker(0);
    $t->wait_for(sub { since($mark) =~ /PersistentVolumeClaims of default listed/ }, 30, 'the disks are listed');
    my @limits = map { /limit=(\d+)/ ? $1 : () } map { $_->{query} // $_->{uri} // $_->{path} // '' } grep { ($_->{path} // $_->{uri} // '') =~ /persistentvolumeclaims/ } @{ $t->fault_log->{requests} };
    is "@limits[0, 1]", '100 50', 'one that is larger than ' . $max . ' bytes is asked for again, with half as many objects';
    like since($mark), qr/a page of PersistentVolumeClaims has more than $max bytes: asking for 50 at a time/, 'which is said';

    $t->faults([ { query => 'sendInitialEvents', action => { status => 400, body => '{}' } },
        { path => 'persistentvolumeclaims', query => 'limit=100\b', times => 1, action => $file->($max) } ]);
    $t->clear_fault_log;
    $mark = length $t->error_log;
    $t->kill_worker(0);
    $t->wait_for(sub { since($mark) =~ /PersistentVolumeClaims of default listed, version 1$/m }, 30, 'that page is the list');
    pass "$max bytes are taken";
    $t->no_faults;
};

subtest 'the service account\'s token' => sub {
    my $file = $t->file('cluster/serviceaccount/token');
    my $token = slurp($file) =~ s/\s+\z//r;
    my $max = $max{AIGC_TOKEN_FILE_MAX};
    my $put = sub { open my $f, '>', "$file.new" or die $!; print $f $_[0]; close $f; rename "$file.new", $file or die $! };
    my $mark = length $t->error_log;
    # the cluster writes it anew now and then
    $t->wait_for(sub { $put->('x' x ($max + 1)); since($mark) =~ /holds no token: the last one is used/ }, 30, 'a longer one is none');
    like since($mark), qr/holds no token/, ($max + 1) . ' bytes are none';
    $put->($token);
    $mark = length $t->error_log;
    my $end = time + 12;
    while (time < $end) { $put->('x' x $max); sleep 0.5 }
    unlike since($mark), qr/holds no token/, "$max bytes are one";
    $put->($token);
};


done_testing;
