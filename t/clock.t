# t/clock.t — steps of the wall clock, an hour forward and an hour back, under a
# running gateway: intervals are what they were, dates are what the clock says

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use JSON::PP ();
use Time::HiRes qw(sleep time);
use Time::Local qw(timegm);

my $name = 'stable-diffusion-cpu';
my $t = AIGC::Stack->start(workers => 2, preload => 1, faults => 1, okg => '0.4', wait => 1);
$t->logto_control('lifetimes', { id_token => 4 * 3600 });

my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $mine  = $alice->install($name)->wait_ready;
my $ahead;                          # a session of the time when the clock is ahead

sub ready { $t->status('/readyz')->json }
sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : die "no $_[0]" }
sub template { my ($x) = grep { $_->{name} eq $name } @{ $t->table->{templates} }; return $x }
sub step { my ($seconds) = @_; $t->preload(clock => $seconds); sleep 0.6 }     # a pass of each worker's loop

# What people get for a while after a step: whatever is decided wrongly shows.
sub decisions {
    my ($what) = @_;
    my (%owner, %other, %ready);
    my $end = time + 3;
    while (time < $end) {
        $owner{ $alice->get($mine->url)->code }++;
        $other{ $bob->get($mine->url)->code }++;
        $ready{ $t->status('/readyz')->code }++;
        sleep 0.05;
    }
    is join(' ', sort keys %owner), '200', "$what: the owner is let in";
    is join(' ', sort keys %other), '403', "$what: and nobody else";
    is join(' ', sort keys %ready), '200', "$what: /readyz is 200";
    cmp_ok ready()->{age}, '<', 300, "$what: the table is as old as it is";
    cmp_ok metric('revocations_age_seconds'), '<', 300, "$what: what is known of revocations, too";
}

# A whole life of an instance; what is written bears the cluster's date.
sub writes {
    my ($what, $who) = @_;
    my $inst = $who->install($name)->wait_ready;
    is $who->get($inst->url)->code, 200, "$what: an install works, and its owner is let in";
    my $since = $t->claims($name)->{ $inst->id }{since};
    my ($y, $m, $d, $H, $M, $S) = $since =~ /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z$/ or die $since;
    my $wrong = abs(timegm($S, $M, $H, $d, $m - 1, $y) - time);
    cmp_ok $wrong, '<', 300, "$what: it is dated as the cluster has it";
    $inst->uninstall->wait_gone;
    pass "$what: an uninstall ends";
    return if $what eq 'back again';        # there Logto's tokens are of the future
    my $jar = $t->sign_in('carol');
    my $thief = $jar->copy;
    is $thief->get('/api/v1/me')->code, 200, "$what: a sign-in works";
    is $jar->post('/sign-out', headers => [Origin => $t->origin])->code, 303, "$what: a sign-out is taken";
    is $thief->get('/api/v1/me')->code, 401, "$what: and counts";
}

# The service account's token is read again: a wrong one is noticed.
sub token_is_read {
    my ($what) = @_;
    my $file = $t->file('cluster/serviceaccount/token');
    open my $in, '<', $file or die $!;
    my $token = do { local $/; <$in> };
    my $write = sub {
        open my $f, '>', "$file.test" or die $!;
        print $f $_[0];
        close $f;
        rename "$file.test", $file or die $!;
    };
    $write->('not.a.token');
    my $mark = length $t->error_log;
    $t->wait_for(sub { $write->('not.a.token'); substr($t->error_log, $mark) =~ /the Lease .* status 401/ }, 40,
        "$what: the token's file is read again");
    $write->($token);
    $t->wait_for(sub { metric('leader') == 1 && $t->status('/readyz')->code == 200 }, 60, "$what: it leads again");
    pass "$what: the service account's token is read again";
}

subtest 'an hour forward' => sub {
    my $stream = $alice->events;
    $stream->snapshot;
    step(3600);
    decisions('forward');
    writes('forward', $bob);
    token_is_read('forward');
    ok !$stream->end(0), 'a stream whose session goes on, goes on';
    $stream->close;
    $ahead = $t->sign_in('carol');
};

subtest 'an hour back' => sub {
    # what was noted an hour ahead must not be waited for
    step(0);
    my $thief = $ahead->copy;
    is $thief->get('/api/v1/me')->code, 200, 'a session that was begun an hour ahead goes on';
    is $ahead->post('/sign-out', headers => [Origin => $t->origin])->code, 303, '… and is signed out';
    is $thief->get('/api/v1/me')->code, 401, '… which counts, though it begins later than that';
    decisions('back');
    writes('back', $bob);
    token_is_read('back');
    step(3600);
    is $thief->get('/api/v1/me')->code, 401, 'nor does the signed out session come back with the hour';
    step(0);
};

subtest 'another hour back' => sub {
    step(-3600);
    decisions('back again');
    writes('back again', $bob);
    step(0);
};

subtest 'a line in the log' => sub {
    my $lines = sub { scalar(() = substr($t->error_log, $_[0]) =~ /the watch of GameServerSets ended: /g) };
    my $mark = length $t->error_log;
    $t->apiserver_down;
    $t->wait_for(sub { $lines->($mark) }, 20, 'an outage is told of');
    step(-3600);
    $mark = length $t->error_log;
    $t->wait_for(sub { $lines->($mark) }, 40, 'and again while it lasts');
    pass 'a line that comes every ten seconds still does when the clock has gone back';
    my $up = time;
    $t->apiserver_up;
    step(0);
    # each watch comes back in its own time: the table is as old as the last of them
    $t->wait_for(sub { $t->status('/readyz')->code == 200 && ready()->{age} < time - $up }, 60, 'it is over');
};

subtest 'a template that is not settled' => sub {
    # OKG 0.4 waits for a pod that ends; that holds up others for two seconds
    $t->wait_for(sub { template()->{settled} }, 30, 'it is settled');
    $t->kubectl('annotate', 'pod', $mine->pod, 'fake/stop-delay=25s');
    $mine->release;
    $t->wait_for(sub { my $x = template(); !$x->{settled} && $x->{observedGeneration} >= $x->{generation} }, 20,
        'its status is not what it should be');
    step(-3600);
    is $bob->api('POST', "/api/v1/templates/default/$name/install")->code, 202, 'an install goes on after two seconds';
    step(0);
};

subtest 'the end of a session is a date' => sub {
    my $dave = $t->sign_in('alice');
    $t->logto_control('outage', { mode => '500', paths => '^/oidc/token$' });
    my $stream = $dave->events;
    $stream->snapshot;
    step(8 * 3600);
    isnt $dave->get('/api/v1/me')->code, 200, 'after its ID token, and grace, there is none';
    $t->wait_for(sub { $stream->end(0) }, 40, 'its stream ends');
    pass 'its stream ends, too';
    step(0);
    is $dave->get('/api/v1/me')->code, 200, 'the clock is put right: it is there again';
    $t->logto_control('outage', { mode => 'off' });
};

done_testing;
