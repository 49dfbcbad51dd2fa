# t/rotation.t — a provider that replaces the refresh token at every use, and
# ends the grant when an old one comes again: copies of a session, at any host
# and any gateway, go on by the newest one

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(decode_base64 encode_base64url);
use Time::HiRes qw(time);

my $SKEW   = 30;            # s that an expired token is still taken
my $LATE   = 27;            # s that ID tokens are issued too late here
my $SECRET = '/api/v1/namespaces/aigc-gateway/secrets/aigc-sessions';

# A gateway at Keycloak; replace: it replaces refresh tokens, without leeway.
sub stack {
    my ($replace, %o) = @_;
    my $t = AIGC::Stack->start(workers => 2, templates => [], logto => ['--like', 'keycloak'], %o, edit => sub {
        my ($text) = @_;
        $text =~ s{aigc_logto (\S+) app_id=(\S+) .*? app_secret_file=(\S+) [^;]*;}
                  {aigc_oidc issuer=$1/realms/aigc client_id=$2 client_secret_file=$3 grace=off;} or die $text;
        return $text;
    });
    replace($t, $replace);
    return $t;
}

sub replace { my ($t, $on) = @_; $t->logto_control(rotation => { every => $on ? JSON::PP::true : JSON::PP::false, leeway => 0 }) }

# From now on ID tokens are issued with so many seconds to live.
sub lifetime { my ($t, $seconds) = @_; $t->logto_control(lifetimes => { id_token => $seconds }) }

# What is issued late has expired once this has passed.
sub expire {
    my ($t) = @_;
    my $end = int(time) + 1 + $SKEW - $LATE;
    $t->wait_for(sub { time >= $end }, 10, 'the token has expired');
}

sub me      { return $_[0]->get($_[1] // '/api/v1/me')->code }
sub at      { my ($t, $port) = @_; return 'http://' . $t->host . ":$port/api/v1/me" }
sub asked   { return $_[0]->logto_requests->{grants}{refresh_token} // 0 }
sub replays { return $_[0]->logto_requests->{replays} }
sub session { return $_[0]->cookie('aigc-session') }

sub metric {
    my ($t, $name, $port) = @_;
    my $r = $t->plain('GET', $port // $t->port(1), '/metrics');
    return $r->content =~ /^aigc_\Q$name\E (\d+)$/m ? $1 : undef;
}

# The Secret's entries, decoded, without the one that says its version.
sub entries {
    my ($t) = @_;
    my %data = %{ ($t->kube_get($SECRET) // {})->{data} // {} };
    delete $data{version};
    return { map { $_ => decode_base64($data{$_}) } keys %data };
}

sub unclaimed { my ($t) = @_; return !grep { !/ 0 -$/ } values %{ entries($t) } }

# The calls about Secrets that the gateway has made.
sub calls {
    my ($t, %o) = @_;
    my %n;
    $n{ $_->{verb} }++ for $t->gateway_calls(resource => 'secrets', %o);
    return \%n;
}

# Renewals of others, until no slot of the zone holds the outcome of the one
# before: a zone of 2m has room for sixteen.  Their refresh tokens stay.
my @FLIGHTS = (directives => { aigc_zone => 'gateway:2m' });
sub crowd { my ($t) = @_; return map { $t->sign_in('user01') } 1 .. 17 }

sub forget {
    my ($t, @others) = @_;
    replace($t, 0);
    is me($_), 200, 'somebody else is renewed' for @others;
    replace($t, 1);
}

subtest 'copies of a session, one gateway' => sub {
    my $t = stack(1, @FLIGHTS);
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    my ($early, $late) = ($alice->copy, $alice->copy);
    my @others = crowd($t);
    expire($t);

    is me($alice), 200, 'the session is renewed';
    is asked($t), 1, 'by one call';
    is metric($t, 'rotations_total'), 1, 'which replaced the refresh token';
    $t->wait_for(sub { keys %{ entries($t) } == 1 }, 10, 'the Secret has the new one');

    for my $copy (['a copy', $early], ['a copy of the first day', $late]) {
        my ($what, $who) = @$copy;
        expire($t);
        forget($t, @others);
        my $n = asked($t);
        is me($who), 200, "$what goes on, when the newest token has expired, too";
        is asked($t), $n + 1, '… by one call';
    }
    is replays($t), 0, 'no refresh token was sent twice';

    # and what a restart leaves is the Secret
    $t->wait_for(sub { unclaimed($t) && keys %{ entries($t) } == 1 }, 10, 'nothing is claimed');
    expire($t);
    $t->restart_nginx;
    is me($alice), 200, 'with an empty zone the Secret knows it';
    is replays($t), 0, 'and no refresh token was sent twice';
    is scalar keys %{ entries($t) }, 1, 'a session has one entry';

    subtest 'what is written' => sub {
        $t->wait_for(sub { unclaimed($t) }, 10, 'nothing is claimed');
        my ($text) = values %{ entries($t) };
        like $text, qr/^1 \d{10} \d{10} [\w-]{60,} 0 -$/, 'dates, and what is sealed';
        AIGC::Secrets::in_logto($t->file('logto/state.json'));
        my $file = $t->file('run/entries');
        open my $f, '>', $file or die $!;
        print $f "$_\n" for %{ entries($t) };
        close $f;
        is_deeply [AIGC::Secrets::find($file)], [], 'no token stands in it';
    };
};

# Each host has its own copy, and whichever is renewed first leads the others.
subtest 'a session at several hosts' => sub {
    my $t = stack(1, @FLIGHTS, templates => undef);
    my $installer = $t->sign_in('alice');
    my @inst = map { $installer->install('stable-diffusion-cpu')->wait_ready } 1, 2;
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    my %at = (gateway => '/api/v1/me', map { ("host $_" => $inst[$_ - 1]->url) } 1, 2);
    is me($alice, $at{$_}), 200, "$_ is entered" for sort keys %at;
    my @others = crowd($t);
    my @order = sort keys %at;
    for (1 .. 3) {
        expire($t);
        for my $where (@order) {
            forget($t, @others);
            is me($alice, $at{$where}), 200, "$where goes on";
        }
        push @order, shift @order;
        is replays($t), 0, "no refresh token was sent twice, with $order[-1] first";
    }

    # a host that learns that the session was renewed, and asks nobody
    my $left = 12;
    lifetime($t, $left - $SKEW);
    for my $i (1, 2) {
        expire($t);
        my $end = int(time) + 1 + $left;
        is me($alice), 200, 'the gateway renews';
        forget($t, @others);
        my $n = asked($t);
        my $old = $alice->host_cookie('aigc-instance', $inst[0]->host);
        is me($alice, $at{'host 1'}), 200, 'host 1 goes on';
        is asked($t), $n, '… without a call';
        isnt $alice->host_cookie('aigc-instance', $inst[0]->host), $old, '… by a cookie of the new date';
        $t->wait_for(sub { time >= $end }, 20, 'that has expired, too');
        is me($alice, $at{'host 1'}), 200, '… which has the newest refresh token';
        is replays($t), 0, 'no refresh token was sent twice';
        $t->wait_for(sub { time >= $end + $left }, 20, 'all have expired') if $i == 1;
    }
};

subtest 'two gateways' => sub {
    my $t = stack(1);
    my $other = $t->second_nginx;
    lifetime($t, -$LATE);
    my $first = $t->sign_in('bob');
    my $alice = $t->sign_in('alice');
    my @copies = map { $alice->copy } 1 .. 50;
    expire($t);

    is me($first), 200, 'once it was seen that refresh tokens are replaced';
    $t->wait_for(sub { keys %{ entries($t) } == 1 && unclaimed($t) }, 10, 'the Secret says so');

    lifetime($t, undef);
    $t->logto_control(latency => { ms => 700, paths => '/token$' });     # the second one comes while the first one asks
    $t->clear_logto_requests;
    my @begun = map { $copies[$_]->begin('GET', $_ % 2 ? at($t, $other) : at($t, $t->port)) } 0 .. $#copies;
    my (%code, %cookie);
    for my $i (0 .. $#begun) {
        my $r = $begun[$i]->response;
        $code{ $r->code }++;
        my ($set) = grep { $_->{name} eq 'aigc-session' } $r->set_cookies;
        $cookie{ $set->{value} } = $copies[$i] if $set;
    }
    is_deeply \%code, { 200 => 50 }, 'fifty requests at once, at both: nobody is signed out';
    is asked($t), 2, 'each gateway asks once';
    is replays($t), 0, 'and not with the same refresh token';
    is scalar keys %cookie, 2, 'each has its own new cookie';
    $t->logto_control(latency => { ms => 0, paths => '/token$' });
    $t->wait_for(sub { unclaimed($t) }, 10, 'all claims have ended');

    # whichever cookie a browser was left with, and whichever gateway it asks
    lifetime($t, -$LATE);
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    $t->wait_for(sub { me($first, at($t, $_)) == 200 }, 30, 'the old keys have gone') for $t->port, $other;
    for my $who (map { ($_, $_) } values %cookie) {
        for my $port ($t->port, $other) {
            is me($who->copy, at($t, $port)), 200, 'each of the two leads to the newest';
        }
    }
    is replays($t), 0, 'without a replay';
};

subtest 'a write that fails' => sub {
    my $t = stack(1, faults => 1);
    my ($direct, $through) = ($t->port(3), $t->port(6));
    $t->allow_log(qr/aigc-sessions could not be/);
    my $other = $t->second_nginx(edit => sub { $_[0] =~ s/(aigc_kubernetes .*?):$through\b/$1:$direct/r });
    lifetime($t, -$LATE);
    my ($bob, $alice) = map { $t->sign_in($_) } qw(bob alice);
    my $copy = $alice->copy;
    expire($t);
    is me($bob), 200, 'once it was seen that refresh tokens are replaced';
    $t->wait_for(sub { keys %{ entries($t) } == 1 && unclaimed($t) }, 10, 'the Secret says so');

    lifetime($t, undef);
    $t->logto_control(latency => { ms => 2500, paths => '/token$' });
    my $begun = $alice->begin('GET', '/api/v1/me');
    $t->wait_for(sub { !unclaimed($t) }, 5, 'the session is claimed');
    $t->faults([{ method => 'PATCH', path => 'secrets/', times => 3, action => { status => 500, body => '{}' } }]);
    is $begun->response->code, 200, 'it is renewed, but not written';
    $t->logto_control(latency => { ms => 0, paths => '/token$' });
    is me($copy, at($t, $other)), 200, 'a copy at the other gateway waits until it is written';
    is replays($t), 0, 'without a replay';
    $t->wait_for(sub { unclaimed($t) }, 10, 'nothing is claimed');
    is scalar keys %{ entries($t) }, 2, 'each session has its entry';
};

subtest 'a gateway that has died' => sub {
    my $t = stack(1);
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    my $copy = $alice->copy;
    expire($t);
    is me($alice), 200, 'a session is renewed';
    $t->wait_for(sub { keys %{ entries($t) } == 1 && unclaimed($t) }, 10, 'the Secret has it');

    my ($key, $text) = %{ entries($t) };
    expire($t);
    my $end = int(time) + 6;
    $text =~ s/ 0 -$/ $end another-gateway/ or die $text;
    $t->kubectl('-n', 'aigc-gateway', 'patch', 'secret', 'aigc-sessions', '-p', JSON::PP::encode_json({ stringData => { $key => $text } }));
    my $n = asked($t);
    my $pending = $alice->begin('GET', '/api/v1/me');
    is $pending->response->code, 200, 'what it has claimed is renewed';
    cmp_ok time, '>=', $end, '… when its claim has run out';
    is asked($t), $n + 1, '… by one call';
    is replays($t), 0, 'without a replay';

    # a provider that would not end the grant by the old one
    $t->logto_control(rotation => { every => JSON::PP::true, leeway => 0, revokes => JSON::PP::false });
    my $left = sub {
        open my $f, '<', $t->file('logto/state.json') or die $!;
        return scalar grep { !$_->[1]{consumed} } @{ JSON::PP::decode_json(do { local $/; <$f> })->{models}{RefreshToken} };
    };
    $t->wait_for(sub { $left->() == 1 }, 10, 'there is one refresh token that is good');
    is $copy->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'an old copy of the session signs out';
    $t->wait_for(sub { $left->() == 0 }, 10, 'the newest refresh token is revoked');
    pass 'the newest refresh token is revoked';
    $t->wait_for(sub { !keys %{ entries($t) } }, 10, 'the Secret has no entry of it any more');
    is scalar keys %{ entries($t) }, 0, 'the Secret has no entry of it any more';
};

# The very first time, nobody claims anything.
subtest 'before it is known that refresh tokens are replaced' => sub {
    my $t = stack(1);
    my $other = $t->second_nginx;
    $t->logto_control(rotation => { every => JSON::PP::true, leeway => 0, revokes => JSON::PP::false });
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    my $late = $alice->copy;
    expire($t);
    $t->logto_control(latency => { ms => 3000, paths => '/token$' });
    my $begun = $late->begin('GET', at($t, $t->port));
    $t->wait_for(sub { ($t->logto_requests->{paths}{'/realms/aigc/protocol/openid-connect/token'} // 0) > 1 }, 5, 'one gateway has asked');
    $t->logto_control(latency => { ms => 0, paths => '/token$' });
    is me($alice, at($t, $other)), 200, 'the other one is faster';
    $t->wait_for(sub { keys %{ entries($t) } == 1 }, 2, 'the Secret has its token');
    is $begun->response->code, 200, 'the first one, which is refused, goes on by the newest';
    is replays($t), 1, '… after one call in vain';
};

# What the watch would bring is asked for, while it has not come.
subtest 'right after a start' => sub {
    my $t = stack(1, faults => 1);
    $t->allow_log(qr/aigc-sessions could not be watched/);
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    my $copy = $alice->copy;
    expire($t);
    is me($alice), 200, 'a session is renewed';
    $t->wait_for(sub { keys %{ entries($t) } == 1 && unclaimed($t) }, 10, 'the Secret has it');
    $t->faults([{ path => '/secrets$', action => { status => 500, body => '{"kind":"Status"}' } }]);
    $t->restart_nginx;
    is me($copy), 200, 'an old copy goes on by the newest';
    is replays($t), 0, 'without a replay';
};

subtest 'a Secret that is not as it was applied' => sub {
    my $t = stack(1);
    lifetime($t, -$LATE);
    my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob bob);
    my $patch = sub { $t->kubectl('-n', 'aigc-gateway', 'patch', 'secret', 'aigc-sessions', '--type=json', '-p', $_[0]) };
    $patch->('[{"op":"remove","path":"/data"}]');
    expire($t);
    is me($alice), 200, 'renewed';
    $t->wait_for(sub { keys %{ entries($t) } == 1 && unclaimed($t) }, 10, 'without data it gets some');
    is decode_base64($t->kube_get($SECRET)->{data}{version} // ''), '1', '… and its version';
    is metric($t, 'rotation_errors_total'), 0, 'that is no error';

    $t->kubectl('-n', 'aigc-gateway', 'delete', 'secret', 'aigc-sessions');
    is me($bob), 200, 'renewed';
    $t->wait_for(sub { $t->error_log =~ /aigc-sessions could not be \w+: status 404.*apply .*rbac\.yaml/ }, 10, 'there is none: the log says what to do');
    cmp_ok metric($t, 'rotation_errors_total'), '>=', 1, '… and it is counted';
    $t->kubectl('apply', '-f', $t->repo('docker/kubernetes/rbac.yaml'));
    $t->wait_for(sub { keys %{ entries($t) } == 1 && unclaimed($t) }, 60, 'it is written');
    pass 'once it is there, what was left is written';

    my $errors = metric($t, 'rotation_errors_total');
    $patch->('[{"op":"add","path":"/immutable","value":true}]');
    is me($carol), 200, 'renewed';
    $t->wait_for(sub { $t->error_log =~ /aigc-sessions could not be written: status 422.*immutable/ }, 40, 'the log says what may be wrong');
    cmp_ok metric($t, 'rotation_errors_total'), '>', $errors, 'one that cannot be written is an error';
    is scalar keys %{ entries($t) }, 1, '… and nothing is written';
    is replays($t), 0, 'no refresh token was sent twice';
};

subtest 'what is past, and what is too much' => sub {
    my $t = stack(1);
    my $now = time;
    my $name = sub { encode_base64url(sha256($_[0])) };
    my $entry = sub { my ($renewed, $until) = @_; sprintf '1 %d %d %s 0 -', $now + $renewed, $now + $until, 'x' x 100 };
    my %data = (version => '1', $name->('past') => $entry->(5000, -100), map { $name->($_) => $entry->($_, 9000 - $_) } 1 .. 2030);
    my $file = $t->file('run/secret.json');
    open my $f, '>', $file or die $!;
    print $f JSON::PP::encode_json({ apiVersion => 'v1', kind => 'Secret',
        metadata => { name => 'aigc-sessions', namespace => 'aigc-gateway' }, stringData => \%data });
    close $f;
    $t->kubectl('replace', '-f', $file);
    $t->wait_for(sub { keys %{ entries($t) } <= 2000 }, 30, 'the leader removes some');
    is_deeply [sort keys %{ entries($t) }], [sort map { $name->($_) } 31 .. 2030],
        'those that are over, and of too many those that were not renewed for the longest time, however long they may go on';

    # 768 KiB: few entries, but large ones (NGX_AIGC_ROTATION_BYTES)
    my $most = 768 * 1024;
    my $large = sub { my ($renewed) = @_; return sprintf '1 %d %d %s 0 -', $now + $renewed, $now + 9000, 'x' x 1000 };
    my $each = 43 + length $large->(0);
    my $fit  = int(($most - 8) / $each);                # beside "version"
    my $write = sub {
        my ($n) = @_;
        %data = (version => '1', map { $name->("large$_") => $large->($_) } 1 .. $n);
        open my $out, '>', $file or die $!;
        print $out JSON::PP::encode_json({ apiVersion => 'v1', kind => 'Secret', metadata => { name => 'aigc-sessions', namespace => 'aigc-gateway' }, stringData => \%data });
        close $out;
        $t->kubectl('replace', '-f', $file);
    };
    $write->($fit);
    sleep 12;                                           # it looks every ten
    is scalar keys %{ entries($t) }, $fit, 'as many bytes as may stay';
    $write->($fit + 1);
    $t->wait_for(sub { keys %{ entries($t) } <= $fit }, 30, 'the leader removes some');
    is_deeply [sort keys %{ entries($t) }], [sort map { $name->("large$_") } 65 .. $fit + 1], 'and of too many bytes likewise, 64 at once';
};

subtest 'a provider that keeps its refresh tokens' => sub {
    my $t = stack(0);
    my $other = $t->second_nginx;
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    expire($t);
    lifetime($t, undef);
    my %code;
    $code{ $_->response->code }++ for map { $alice->copy->begin('GET', at($t, $_ % 2 ? $other : $t->port)) } 1 .. 20;
    is_deeply \%code, { 200 => 20 }, 'renewed at both';
    cmp_ok asked($t), '>=', 1, 'by the provider';
    is metric($t, 'rotations_total'), 0, 'no refresh token was replaced';

    my $calls = calls($t);
    is_deeply [grep { !/^(?:list|watch)$/ } keys %$calls], [], 'the Secret was listed and watched, and no more';
    like $t->error_log, qr/Secrets of aigc-gateway listed/, '… by each';
    is_deeply $t->kube_get($SECRET)->{data}, { version => 'MQ==' }, 'there is nothing in it';
};

subtest 'a cluster that refuses' => sub {
    my $t = stack(1, @FLIGHTS);
    $t->kubectl('-n', 'aigc-gateway', 'patch', 'role', 'aigc-gateway', '--type=json',
        '-p', JSON::PP::encode_json([map { { op => 'remove', path => "/rules/$_" } } 4]));
    lifetime($t, -$LATE);
    my $alice = $t->sign_in('alice');
    my $late = $alice->copy;
    my @others = crowd($t);
    expire($t);

    is me($alice), 200, 'the session is renewed';
    $t->wait_for(sub { $t->error_log =~ /Secret aigc-gateway\/aigc-sessions could not be written: status 403.*rbac\.yaml/ }, 10, 'the log says what is missing');
    pass 'the log says what is missing';
    cmp_ok metric($t, 'rotation_errors_total'), '>=', 1, 'it is counted';
    expire($t);
    forget($t, @others);
    is me($late), 200, 'a copy goes on: the gateway knows the newest itself';
    is replays($t), 0, 'no refresh token was sent twice';
    my @said = $t->error_log =~ /aigc-sessions could not be/g;
    cmp_ok scalar @said, '<=', 2 + 2, 'each worker says so once a minute';
    is scalar keys %{ entries($t) }, 0, 'nothing was written';

    $t->kubectl('apply', '-f', $t->repo('docker/kubernetes/rbac.yaml'));
    $t->wait_for(sub { keys %{ entries($t) } == 1 }, 60, 'it is written');
    pass 'once it may, it writes what it knows';
};

done_testing;
