# t/keys.t — Logto's keys and our own change without anybody noticing, but for
# those whose key is gone

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

my $json = JSON::PP->new->utf8->canonical;
my $t = AIGC::Stack->start(workers => 2, templates => []);

sub me { return $_[0]->get('/api/v1/me')->code }

sub bearer {
    my ($token) = @_;
    return $t->stranger->get('/api/v1/me', headers => [Authorization => "Bearer $token"])->code;
}

sub everywhere {            # what all workers say
    my ($c) = @_;
    my %seen;
    $seen{$_->response->code}++ for map { $c->begin('GET', '/api/v1/me') } 1 .. 20;
    return join ' ', sort keys %seen;
}

sub fetched { return $t->logto_requests->{paths}{'/oidc/jwks'} // 0 }

# A token under a key that the gateway has not seen makes it look, at most every
# five seconds.
sub look {
    my $before = fetched();
    bearer($t->forge(key => 'unknown'));
    $t->wait_for(sub { fetched() > $before }, 10, 'the gateway fetches the keys');
}

subtest 'a rotation under load' => sub {
    my $alice = $t->sign_in('alice');
    my $jar = $alice->copy;
    my $load = $t->background(sub {
        my ($go_on) = @_;
        my %n;
        $n{ me($jar) }++ while $go_on->();
        return \%n;
    });

    $t->logto_control('rotate-keys', { mode => 'next' });
    look();
    my $before = fetched();
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    my $bob = $t->sign_in('bob');
    is me($bob), 200, 'a sign-in by the key that was announced as the next';
    is bearer($t->forge(user => 'bob')), 200, '… and a token';
    is fetched() - $before, 0, '… without a look at the keys';
    is bearer($t->forge(user => 'bob', key => 'previous')), 200, 'the previous key is good';

    my $n = $load->stop;
    is join(' ', keys %$n), '200', "nobody was refused meanwhile ($n->{200} requests)";
};

subtest 'a key that leaves' => sub {
    my $alice = $t->sign_in('alice');
    my $token = $t->forge(user => 'alice');
    is bearer($token), 200, 'a token is good';
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    my $bob = $t->sign_in('bob');
    is everywhere($alice), '200', 'a session under the previous key goes on';
    $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    $t->wait_for(sub { look(); bearer($token) == 401 }, 20, 'the gateway knows');
    is join(' ', keys %{{ map { bearer($token) => 1 } 1 .. 20 }}), '401',
        'without its key a token is none, though it was remembered, on every worker';

    # A session is renewed by its refresh token; without one it is over.
    $t->logto_control('outage', { mode => '500', paths => '^/oidc/token$' });
    isnt me($alice), 200, 'nor is an ID token: there is no grace for it';
    $t->logto_control('outage', { mode => 'off' });
    $t->wait_for(sub { me($alice) == 200 }, 20, 'Logto gives her another');
    pass 'a session gets another from Logto';
    is me($bob), 200, 'others go on';
};

subtest 'algorithms' => sub {
    for my $alg (qw(ES256 ES512 RS256 PS256 EdDSA ES384)) {
        $t->logto_control('rotate-keys', { mode => 'rotate', alg => $alg });
        my $alice = $t->sign_in('alice');       # waits until the key is there
        is me($alice), 200, "$alg: a session";
        is bearer($t->forge(user => 'alice', header => { typ => 'at+jwt' })), 200, "$alg: a token, typ at+jwt";
        is bearer($t->forge(user => 'alice', signature => 'flip')), 401, "$alg: a wrong signature";
        is bearer($t->forge(user => 'alice', key => 'attacker')), 401, "$alg: another key under its kid";
        my $other = ($alg eq 'ES256') ? 'RS256' : 'ES256';
        is bearer($t->forge(user => 'alice', header => { alg => $other })), 401, "$alg: said to be $other";
        my $r = $t->stranger->post('/backchannel-logout', body => 'logout_token=' . $t->forge(type => 'logout',
            claims => { sid => 'none' }), headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
        is $r->code, 200, "$alg: a logout token";
        $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    }
};

subtest 'keys that nobody has' => sub {
    my $alice = $t->sign_in('alice');
    my $tokens = $t->logto_control('sign-token', { tokens => [ map { { key => 'unknown', header => { kid => "none$_" } } } 1 .. 60 ] })->{tokens};
    AIGC::Secrets::note($_, 'forged token') for @$tokens;
    my $before = fetched();
    my $begin = time;
    is join(' ', keys %{{ map { bearer($_) => 1 } @$tokens }}), 401, 'sixty tokens, each of another unknown key, are refused';
    my $most = 1 + int((time - $begin) / 5) + 1;
    cmp_ok fetched() - $before, '<=', $most, 'they cost a look at Logto\'s keys at most every five seconds, of all workers';
    is me($alice), 200, 'who is signed in stays so';
};

# Logto's keys as a test wants them, until it says otherwise.
sub publish {
    my ($keys) = @_;
    $t->logto_control('outage', { mode => 'answer', paths => '^/oidc/jwks$', status => 200,
        headers => { 'content-type' => 'application/json' }, body => $json->encode({ keys => $keys }) });
    look();
}

subtest 'RSA keys' => sub {
    my ($logtos) = $t->plain('GET', $t->port(2), '/oidc/jwks')->json->{keys};
    my ($head, $claims) = split /\./, $t->forge(user => 'alice');
    my (@keys, %token);
    for my $bits (1024, 2040, 2048, 4096) {
        my $pem = $t->file("run/rsa$bits.pem");
        my $run = sub { open my $out, '-|', '/bin/sh', '-c', 'exec "$@" 2>/dev/null', 'sh', 'openssl', @_ or die $!; local $/; <$out> };
        $run->('genrsa', '-out', $pem, $bits);
        my ($n) = $run->('rsa', '-in', $pem, '-modulus', '-noout') =~ /Modulus=([0-9A-F]+)/ or die 'no modulus';
        push @keys, { kty => 'RSA', kid => "rsa$bits", use => 'sig', alg => 'RS256', e => 'AQAB', n => encode_base64url(pack 'H*', $n) };
        my $input = encode_base64url($json->encode({ alg => 'RS256', kid => "rsa$bits" })) . ".$claims";
        open my $f, '>', $t->file('run/input') or die $!;
        print $f $input;
        close $f;
        $token{$bits} = "$input." . encode_base64url($run->('dgst', '-sha256', '-sign', $pem, $t->file('run/input')));
        AIGC::Secrets::note($token{$bits}, 'token');
    }
    publish([@$logtos, @keys]);
    $t->wait_for(sub { bearer($token{2048}) == 200 }, 10, 'the keys are known');
    is bearer($token{$_}), 200, "$_ bits are good" for 2048, 4096;
    is bearer($token{$_}), 401, "$_ bits are none, though Logto says so" for 1024, 2040;

    publish([@keys[0, 1]]);
    $t->wait_for(sub { $t->error_log =~ /JWKS at .* could not be used/ }, 10, 'the log says so');
    is bearer($token{2048}), 200, 'keys of which none is good replace none';
    $t->logto_control('outage', { mode => 'off' });
    $t->wait_for(sub { look(); bearer($token{2048}) == 401 }, 20, 'Logto\'s own are back');
    pass 'and what left is gone';
};

# Who has the sealing key, but none of Logto's, can make a cookie that opens, and
# no ID token in it.  Here it is Logto that has another key under the same name.
subtest 'a seal is not enough' => sub {
    my ($alice, $carol) = map { $t->sign_in($_) } qw(alice carol);
    $t->logto_control('lifetimes', { id_token => -28 });        # good for two seconds more
    my ($bob, $dave) = map { $t->sign_in($_) } qw(bob user01);
    $t->logto_control('lifetimes', { id_token => undef });
    my $end = time + 3;
    is me($_), 200, 'it is good' for $alice, $carol;
    my ($genuine) = $t->plain('GET', $t->port(2), '/oidc/jwks')->json->{keys};
    my ($other)   = $t->plain('GET', $t->port(2), '/_control/attacker/jwks')->json->{keys};
    publish([{ %{ $other->[0] }, kid => $genuine->[0]{kid} }]);
    $t->wait_for(sub { me($alice) == 401 }, 10, 'the key is another');
    $t->wait_for(sub { time > $end }, 5, 'two of the ID tokens have expired');

    my $before = $t->logto_requests->{grants}{refresh_token} // 0;
    is everywhere($carol), '401', 'an ID token with a wrong signature is none, though its cookie opens';
    is join(' ', map { me($bob) } 1 .. 4), '401 401 401 401', 'an expired one is not renewed';
    is $bob->browse('/api/v1/me')->code, 401, '… nor let in within grace';
    is +($t->logto_requests->{grants}{refresh_token} // 0) - $before, 0, '… Logto is not asked with its refresh token';
    $t->logto_control('outage', { mode => 'refuse' });
    is me($bob), 401, '… nor when Logto is away';
    $t->logto_control('outage', { mode => 'off' });
    $t->wait_for(sub { look(); me($alice) == 200 }, 20, 'the key is back');
    is me($dave), 200, 'with the right key an expired one is renewed';
};

subtest 'the key file' => sub {
    my $file = $t->file('session.key');
    my $slurp = sub { open my $f, '<', $file or die $!; local $/; <$f> };
    my $write = sub { open my $f, '>', $file or die $!; print $f @_; close $f };
    my $sh = sub { system('/bin/sh', '-c', $_[0], 'sh', $file) == 0 or die $_[0] };

    my $old = $slurp->();
    my $alice = $t->sign_in('alice');

    # as README says
    $sh->('umask 077; { openssl rand -hex 32; head -n 1 "$1"; } > "$1.new" && mv "$1.new" "$1"');
    my $two = $slurp->();
    is scalar(() = $two =~ /^[0-9a-f]{64}$/mg), 2, 'a new key goes before the old one';
    my $reload = sub {
        my @old = $t->worker_pids;
        $t->reload;
        $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have gone');
    };
    my $jar = $alice->copy;
    my $load = $t->background(sub {
        my ($go_on) = @_;
        my %n;
        $n{ me($jar) }++ while $go_on->();
        return \%n;
    });
    $reload->();
    is join(' ', keys %{ $load->stop }), '200', 'nobody is refused meanwhile';
    is everywhere($alice), '200', 'nobody is signed out by it';
    is $alice->api('GET', '/api/v1/me')->code, 200, '… nor for what the dashboard\'s own script asks';
    my $bob = $t->sign_in('bob');
    is me($bob), 200, 'who signs in gets one under the new key';

    # what an editor may leave behind
    for (['a key cut short', substr($two, 1), qr/line 1 is not 64 hexadecimal digits/], ['an empty file', '', qr/has no key/],
        ['a file that all may read', $two, qr/is readable by others: chmod 600/, 0644])
    {
        my ($what, $text, $why, $mode) = @$_;
        $write->($text);
        chmod $mode // 0600, $file;
        my ($status, $said) = $t->test_conf;
        ok $status == 1 && $said =~ /\[emerg\].*session\.key" $why/, "$what: nginx -t says so";
        my $mark = length $t->error_log;
        $t->allow_log(qr/session\.key" $why/);
        $t->nginx->signal('HUP');
        $t->wait_for(sub { substr($t->error_log, $mark) =~ $why }, 5, 'nginx has looked at it');
        is everywhere($bob), '200', '… and a reload changes nothing';
    }
    chmod 0600, $file;

    $write->($two =~ s/\n.*//sr . "\n");
    $reload->();
    is everywhere($bob), '200', 'without the old key they stay';
    is everywhere($alice), '401', '… and who has not been back since is out';
    AIGC::Secrets::note($_, 'session key') for split ' ', "$old$two";
};

done_testing;
