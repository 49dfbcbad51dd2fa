# t/keys.t — Logto's keys and our own change without anybody noticing, but for
# those whose key is gone

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;

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
    $reload->();
    is everywhere($alice), '200', 'nobody is signed out by it';
    is $alice->api('GET', '/api/v1/me')->code, 200, '… nor on the dashboard, whose cookie is bound';
    my $bob = $t->sign_in('bob');
    is me($bob), 200, 'who signs in gets one under the new key';

    $write->($two =~ s/\n.*//sr . "\n");
    $reload->();
    is everywhere($bob), '200', 'without the old key they stay';
    is everywhere($alice), '401', '… and who has not been back since is out';
    AIGC::Secrets::note($_, 'session key') for split ' ', "$old$two";
};

done_testing;
