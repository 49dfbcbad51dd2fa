# t/memo.t — a worker remembers whom it has let in, and forgets nothing that
# has changed since: what is over is refused at the very next request, by each
# worker, however often it has let the same request in before

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use JSON::PP ();
use Time::HiRes qw(time);

my $SKEW = 30;              # s that an expired token is still taken
my $LATE = 25;              # s that one is issued too late here

# without the mirror, whose own calls to the token endpoint would be refused, too
my ($cpu, $gpu) = qw(stable-diffusion-cpu stable-diffusion-gpu);
my $t = AIGC::Stack->start(workers => 2, custom_data => 'off', templates => [$cpu, $gpu],
    http => 'keepalive_requests 10000;', instance => 'add_header X-Worker $pid always;');
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $mine  = $alice->install($cpu)->wait_ready;
my $his   = $bob->install($gpu)->wait_ready;

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : die "no $_[0]" }
sub origin { $_[0]->url =~ s{/$}{}r }

# A connection to each of the two workers.
my @conns;

sub connect_all {
    my %seen;
    $t->wait_for(sub {
        my $conn = $t->stranger->connect($mine->url);
        my $pid = $t->stranger->get($mine->url, on => $conn)->header('X-Worker');
        $seen{$pid} //= $conn if grep { $_ == $pid } $t->worker_pids;
        return keys %seen == 2;
    }, 10, 'connections to both workers');
    @conns = values %seen;
}

# What one request is answered by each worker: "200 200".
sub each_worker {
    my ($client, $method, $url, %o) = @_;
    return join ' ', map { $client->request($method, $url, %o, on => $_)->code } @conns;
}

# Both workers let it in, and by what they remember themselves.
sub warm {
    my ($client, $method, $url, %o) = @_;
    each_worker($client, $method, $url, %o) for 1 .. 2;
    my $before = metric('token_memo_total');
    is each_worker($client, $method, $url, %o), '200 200', 'both workers let it in';
    is metric('token_memo_total') - $before, 2, '… by what they remember';
}

sub bearer {
    my ($token) = @_;
    return headers => [Authorization => "Bearer $token"];
}

sub cookies { return cookies => 0, headers => [map { (Cookie => $_) } @_] }

connect_all();

subtest 'every byte counts' => sub {
    my $url = $mine->url('/info');
    warm($alice, GET => $url);
    my $session = $alice->host_cookie('aigc-instance', $mine->host);
    my $token = $t->forge(user => 'alice');
    my $someone = $t->stranger;

    for my $at (0, 1, 40, int(length($session) / 2), length($session) - 60, length($session) - 20, length($session) - 3) {
        my $other = $session;
        substr($other, $at, 1) =~ tr/A-Za-z0-9_-/B-ZAb-za1-90\-_/;
        AIGC::Secrets::note($other, 'changed cookie');
        is each_worker($someone, GET => $url, cookies("aigc-instance=$other")), '401 401', "byte $at is another";
    }
    is each_worker($someone, GET => $url, cookies("aigc-instance=$_->[1]")), '401 401', $_->[0]
        for ['a byte less', substr $session, 0, -1], ['a byte more', $session . 'A'],
            ['a byte less in front', substr $session, 1], ['twice', $session x 2], ['nothing', ''];
    is each_worker($someone, GET => $url, cookies("aigc-instance=$session")), '200 200', 'the very same';
    is each_worker($someone, GET => $url, cookies("a=b; aigc-instance=$session; c=d")), '200 200', 'among others';
    is each_worker($someone, GET => $url, cookies('a=b', "aigc-instance=$session")), '200 200', 'in a header of its own';
    is each_worker($someone, GET => $url, cookies("other=$session")), '401 401', 'under another name';

    warm($someone, GET => $url, bearer($token));
    is each_worker($someone, GET => $url, bearer($session)), '401 401', 'a session is no bearer token';
    is each_worker($someone, GET => $url, cookies("aigc-instance=$token")), '401 401', 'a bearer token is no session';
};

subtest 'what is looked at in each request' => sub {
    my $url = $mine->url('/headers');
    my $again = $t->sign_in('alice');

    warm($alice, GET => $url);
    warm($again, GET => $url);
    warm($bob, GET => $his->url('/headers'));
    is each_worker($alice, GET => $his->url('/headers')), '403 403', 'the host: hers is not his';
    is each_worker($bob, GET => $url), '403 403', '… nor his hers';

    # each host has given them a session of its own; what one of them means on another host is nothing
    my ($session, $there, $other, $bobs) = map { $_->[0]->host_cookie('aigc-instance', $_->[1]->host) }
        [$alice, $mine], [$alice, $his], [$again, $mine], [$bob, $mine];
    is scalar(grep { $_ } $session, $there, $other, $bobs), 4, 'four sessions of hosts';
    is each_worker($t->stranger, GET => $url, cookies("aigc-instance=$there")), '401 401', 'her session of another host is none on this one';
    is each_worker($t->stranger, GET => $his->url('/headers'), cookies("aigc-instance=$there")), '403 403', '… where it is hers, as before';
    is each_worker($t->stranger, GET => $his->url('/headers'), cookies("aigc-instance=$session")), '401 401', 'nor is this one\'s there';
    is each_worker($t->stranger, GET => $url, cookies('aigc-instance=' . $alice->cookie('aigc-session'))), '401 401', 'her session of the gateway is none';
    is each_worker($alice, GET => $url, host => $t->host =~ s/dashboard/nobody/r . ':' . $t->port), '404 404', 'a host that nobody has';
    for my $by (sub { cookies(join '; ', map { "aigc-instance=$_" } @_) }, sub { cookies(map { "aigc-instance=$_" } @_) }) {
        is each_worker($t->stranger, GET => $url, $by->($session, $other)), '200 200', 'two sessions of hers: the first decides';
        is each_worker($t->stranger, GET => $url, $by->($session, $bobs)), '200 200', '… hers before another\'s';
        is each_worker($t->stranger, GET => $url, $by->($bobs, $session)), '403 403', '… another\'s before hers';
        is each_worker($t->stranger, GET => $url, $by->($there, $session)), '200 200', '… and what is none decides nothing';
        is each_worker($t->stranger, GET => $url, $by->($session, $session)), '200 200', 'the same one twice is one';
    }
    is each_worker($alice, POST => $mine->url('/echo'), headers => [Origin => origin($his)], body => 'x'), '403 403', 'where it comes from';
    is each_worker($alice, POST => $mine->url('/echo'), headers => [Origin => origin($mine)], body => 'x'), '200 200', '… and comes from rightly';

    for my $conn (@conns) {
        my $seen = $t->stranger->get($url, cookies("a=b; aigc-instance=$session; c=d"), on => $conn)->json->{headers};
        is_deeply [map { $_->[1] } grep { lc $_->[0] eq 'cookie' } @$seen], ['a=b; c=d'], 'the pod does not see the session';
        $seen = $t->stranger->get($url, bearer($t->forge(user => 'alice')), on => $conn)->json->{headers};
        is_deeply [grep { lc $_->[0] eq 'authorization' } @$seen], [], '… nor a token that opened the door';
    }
};

subtest 'more than a worker remembers' => sub {
    my $tokens = $t->logto_control('sign-token', { tokens => [
        map { { user => $_ % 2 ? 'alice' : 'bob', claims => { jti => "n$_" } } } 1 .. 700 ] })->{tokens};
    AIGC::Secrets::note($_, 'forged token') for @$tokens;
    for my $round (1, 2) {
        my %n;
        for my $i (1 .. @$tokens) {
            my $r = $t->stranger->get($mine->url('/status?code=204'), bearer($tokens->[$i - 1]), on => $conns[0]);
            $n{ ($i % 2 ? 'alice ' : 'bob ') . $r->code }++;
        }
        is_deeply \%n, { 'alice 204' => 350, 'bob 403' => 350 }, "round $round: each is who he is";
    }
    is each_worker($alice, GET => $mine->url('/info')), '200 200', 'and she is still let in';
};

subtest 'another pod' => sub {
    warm($alice, GET => $mine->url('/info'));
    my $was = $alice->get($mine->url('/info'))->json->{uid};
    $t->kubectl('delete', 'pod', $mine->pod);
    $t->wait_for(sub {
        my $p = $t->kube_get('pods', $mine->pod);
        my ($i) = grep { $_->{template} eq $cpu } @{ $t->table->{instances} };
        return $p && $p->{metadata}{uid} ne $was && $i->{routed} && $i->{address} =~ /^\Q$p->{status}{podIP}\E:/;
    }, 20, 'there is another pod, and it is known');
    my @now = map { $alice->get($mine->url('/info'), on => $_)->json->{uid} } @conns;
    is scalar(grep { $_ && $_ ne $was } @now), 2, 'both workers lead to it at once';
};

subtest 'released' => sub {
    my $url = $mine->url('/info');
    warm($alice, GET => $url);
    is $alice->begin_api('POST', $mine->path . '/release')->response->code, 202, 'a release';
    is each_worker($alice, GET => $url), '503 503', 'nobody is let in any more, from the very next request';
    $mine->wait_state('released');
    is each_worker($alice, GET => $url), '503 503', '… and later';
    $mine->start->wait_ready;
    is each_worker($alice, GET => $url), '200 200', 'started again, both let her in';
};

subtest 'somebody else\'s disk' => sub {
    my $url = $mine->url('/info');
    my ($pvc) = map { $_->{metadata}{name} } grep { $_->{metadata}{name} =~ /\Q$cpu\E/ } $t->kube_list('pvcs');
    my ($owner) = map { $_->{owner} } grep { $_->{template} eq $cpu } @{ $t->table->{instances} };
    my $disk = sub { (grep { $_->{template} eq $cpu } @{ $t->table->{instances} })[0]{disk} };
    $t->wait_for(sub { $disk->() eq 'owned' }, 10, 'the disk is hers');

    warm($alice, GET => $url);
    $t->kubectl('annotate', '--overwrite', 'pvc', $pvc, 'aigc-gateway.io/owner=somebody0000');
    $t->wait_for(sub { $disk->() eq 'foreign' }, 10, 'the gateway knows whose disk it is');
    is each_worker($alice, GET => $url), '403 403', 'she is refused at the very next request';
    $t->kubectl('annotate', '--overwrite', 'pvc', $pvc, "aigc-gateway.io/owner=$owner");
    $t->wait_for(sub { $disk->() eq 'owned' }, 10, 'it is hers again');
    is each_worker($alice, GET => $url), '200 200', 'and she is in';
};

subtest 'somebody else\'s instance' => sub {
    my $url = $mine->url('/info');
    my $key = 'instance.aigc-gateway.io/' . $mine->id;
    my $was = $t->kube_get('gss', $cpu)->{metadata}{annotations}{$key};
    my $claim = sub {
        my ($value) = @_;
        $t->kubectl('annotate', '--overwrite', 'gss', $cpu, "$key=$value");
        my $owner = JSON::PP->new->decode($value)->{owner};
        $t->wait_for(sub { (grep { $_->{template} eq $cpu } @{ $t->table->{instances} })[0]{owner} eq $owner }, 10, 'the gateway knows');
    };

    warm($alice, GET => $url);
    $claim->($was =~ s/("owner":)"[^"]+"/$1"bob000000000"/r);
    is each_worker($alice, GET => $url), '403 403', 'it is another\'s now: refused at the very next request';
    isnt each_worker($bob, GET => $url), '200 200', '… who has no way to her disk';
    $claim->($was);
    is each_worker($alice, GET => $url), '200 200', 'hers again';
};

subtest 'signed out' => sub {
    my $url = $mine->url('/info');
    my $gone = $t->sign_in('alice');
    my $thief = $gone->copy;
    warm($thief, GET => $url);
    is $gone->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'she signs out';
    is each_worker($thief, GET => $url), '401 401', 'a copied cookie is nobody\'s from the very next request';
    is each_worker($gone, GET => $url), '401 401', '… as is her own on that host, where no cookie was cleared';
    is each_worker($alice, GET => $url), '200 200', 'her other session goes on';
};

subtest 'revoked by Logto' => sub {
    my $url = $mine->url('/info');
    my $gone = $t->sign_in('alice');
    my $token = $t->forge(user => 'alice', claims => { iat => int(time) - 60 });
    warm($gone, GET => $url);
    warm($t->stranger, GET => $url, bearer($token));
    my $r = $t->stranger->post('/backchannel-logout',
        body => 'logout_token=' . $t->forge(type => 'logout', user => 'alice', drop => ['claims.sid']),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded']);
    is $r->code, 200, 'Logto says that she is out, everywhere';
    is each_worker($gone, GET => $url), '401 401', 'her session ends at the very next request';
    is each_worker($t->stranger, GET => $url, bearer($token)), '401 401', '… and her token';
    is each_worker($bob, GET => $his->url('/info')), '200 200', 'others go on';
    my $now = int time;
    $t->wait_for(sub { time > $now + 1 }, 3, 'the second of the revocation is over');
    $alice = $t->sign_in('alice');
    is each_worker($alice, GET => $url), '200 200', 'she signs in again';
};

subtest 'expired' => sub {
    my $url = $mine->url('/info');
    $t->logto_control(lifetimes => { id_token => -$LATE });
    my $short = $t->sign_in('alice');
    my $end = int(time) + 1 + $SKEW - $LATE;
    $t->logto_control(lifetimes => { id_token => undef });
    my $token = $t->forge(user => 'alice', claims => { exp => int(time) + 3 - $SKEW });
    each_worker($t->stranger, GET => $url, bearer($token)) for 1 .. 2;
    is each_worker($t->stranger, GET => $url, bearer($token)), '200 200', 'a token that is about to end';
    warm($short, GET => $url);
    $t->logto_control(outage => { mode => 'answer', status => 400, body => '{"error":"invalid_grant"}', paths => '^/oidc/token$' });
    $t->wait_for(sub { time >= $end }, 10, 'the end of them');
    unlike each_worker($short, GET => $url), qr/200/, 'a session whose token has expired is not let in without Logto\'s word';
    is each_worker($t->stranger, GET => $url, bearer($token)), '401 401', 'a token neither';
    $t->logto_control(outage => { mode => 'off' });
    is each_worker($alice, GET => $url), '200 200', 'who has another session is in';
};

subtest 'a key that leaves' => sub {
    my $url = $mine->url('/info');
    my ($token, @fresh) = map { $t->forge(user => 'alice', claims => { jti => "k$_" }) } 1 .. 40;
    warm($t->stranger, GET => $url, bearer($token));
    warm($alice, GET => $url);
    my $of_the_key = $alice->copy;
    $t->logto_control('rotate-keys', { mode => 'rotate' });
    $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    # a token of an unknown key makes the gateway look, at most every 5 seconds
    $t->wait_for(sub {
        $t->stranger->get($url, bearer($t->forge(user => 'alice', key => 'unknown')));
        $t->stranger->get($url, bearer(shift @fresh), on => $conns[0])->code == 401;
    }, 20, 'the gateway knows that the key has gone');
    is each_worker($t->stranger, GET => $url, bearer($token)), '401 401', 'its tokens are refused at the very next request';

    $t->logto_control(outage => { mode => '500', paths => '^/oidc/token$' });
    unlike each_worker($of_the_key, GET => $url), qr/200/, 'nor is a host\'s session let in that the key has vouched for';
    $t->logto_control(outage => { mode => 'off' });
    $t->wait_for(sub { each_worker($of_the_key, GET => $url) eq '200 200' }, 20, 'Logto vouches for it again');
};

subtest 'a view of the cluster that is too old' => sub {
    my $url = $mine->url('/info');
    my ($line) = $t->conf =~ /aigc_kubernetes (.*?);/;
    $t->{opt}{directives}{aigc_kubernetes} = "$line max_stale=3s";
    $t->reload;
    connect_all();

    $t->wait_for(sub { $t->touch_watched($mine); each_worker($alice, GET => $url) eq '200 200' }, 20, 'she is let in');
    warm($alice, GET => $url);
    $t->wait_for(sub { ($t->status('/readyz')->json->{age} // 0) > 3 }, 10, 'nothing is heard for too long');
    is each_worker($alice, GET => $url), '503 503', 'nobody is let in, from the very next request';
    $t->wait_for(sub { $t->touch_watched($mine); each_worker($alice, GET => $url) eq '200 200' }, 20, 'she is let in again');
};

done_testing;
