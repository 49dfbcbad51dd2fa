# t/admin.t — the administrators' calls: everything of everybody for who has the
# role, and nothing for anybody else

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();
use Time::HiRes qw(time);

my ($cpu, $gpu) = ('stable-diffusion-cpu', 'stable-diffusion-gpu');
my $without;            # custom data
my $t = AIGC::Stack->start(workers => 2, templates => [$cpu, $gpu, 'notebook'],
    edit => sub {
        my ($text) = @_;
        $text =~ s/(aigc_logto [^;]*)/$1 custom_data=off/ if $without;
        return $text =~ s/ default_server;/ default_server sndbuf=16k;/r;      # a slow client is felt
    });
$t->logto_control('hooks', { webhook_url => $t->url('/webhook'),
    webhook_events => ['User.Deleted', 'User.SuspensionStatus.Updated'] });
my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);

sub id { my ($user) = @_; return $user . '0' x (12 - length $user) }
sub all { my ($what) = @_; return $carol->api('GET', "/api/v1/admin/$what")->json }
sub of { my ($list, %want) = @_; return grep { my $i = $_; !grep { $i->{$_} ne $want{$_} } keys %want } @$list }

my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

subtest 'the role' => sub {
    is $carol->api('GET', '/api/v1/me')->json->{admin}, 1, 'who has it is told so';
    is $alice->api('GET', '/api/v1/me')->json->{admin}, 0, 'who has not, too';
    for my $what (qw(instances users status)) {
        my $r = $alice->api('GET', "/api/v1/admin/$what");
        is $r->code . ' ' . $r->problem->{code}, '403 not-admin', "$what: who has it not is refused";
        is $t->stranger->api('GET', "/api/v1/admin/$what")->code, 401, "$what: nobody is asked to sign in";
    }
};

is_deeply all('instances'), { instances => [], disks => [] }, 'nothing is there';

my $hers = $alice->install($gpu)->wait_ready;
my $his  = $bob->install($cpu)->wait_ready;

subtest 'all instances' => sub {
    my $all = all('instances');
    is_deeply [sort map { "$_->{owner} $_->{template}" } @{ $all->{instances} }],
        [id('alice') . " $gpu", id('bob') . " $cpu"], 'of all users';
    my ($i) = of($all->{instances}, owner => id('alice'));
    my %usual = %$i;
    my %more = map { $_ => delete $usual{$_} } qw(gpu runningSince disks);
    is_deeply \%usual, $hers->look->data, 'each as its owner sees it';
    is_deeply $more{gpu}, { kind => 'nvidia.com/gpu', count => 1 }, '… and the GPU that it holds';
    like $more{runningSince}, $time, '… since when';
    is_deeply $more{disks}, [{ name => "user-data-$gpu-" . $hers->id, owner => id('alice') }], '… and its disk';
    ($i) = of($all->{instances}, owner => id('bob'));
    is $i->{gpu}, undef, 'what needs none holds none';
    like $i->{runningSince}, $time, '… and runs since then';
    is_deeply $all->{disks}, [], 'no disk is without an instance';
    is $carol->head('/api/v1/admin/instances')->content, '', 'HEAD has no body';
};

subtest 'what is released holds nothing but its disk' => sub {
    $hers->release->wait_state('released');
    my ($i) = of(all('instances')->{instances}, owner => id('alice'));
    is "$i->{desired} $i->{state}", 'released released', 'it is shown';
    is_deeply [$i->{gpu}, $i->{runningSince}], [undef, undef], 'without a GPU';
    is scalar @{ $i->{disks} }, 1, 'with its disk';
};

subtest 'what is kept without an instance' => sub {
    $his->uninstall->wait_gone;
    my $all = all('instances');
    is_deeply [of($all->{instances}, owner => id('bob'))], [], 'the instance is gone';
    is_deeply $all->{disks}, [{ namespace => 'default', template => $cpu, id => $his->id,
        name => "user-data-$cpu-" . $his->id, owner => id('bob') }], 'the disk is shown';
};


subtest 'who they are' => sub {
    $t->clear_logto_requests;
    my $all = all('users')->{users};
    is_deeply [sort { $a->{user} cmp $b->{user} } @$all], [
        { user => id('alice'), name => 'Alice', status => 'active', instances => { running => 0, released => 1 }, disks => 1 },
        { user => id('bob'),   name => 'Bob',   status => 'active', instances => { running => 0, released => 0 }, disks => 1 },
    ], 'everybody who owns an instance or a disk';
    my $paths = $t->logto_requests->{paths};
    is_deeply { map { $_ => $paths->{$_} } grep { m{^/api/} } keys %$paths }, { map { ('/api/users/' . id($_) => 1) } qw(alice bob) },
        'Logto is asked for each of a few';
};

subtest 'an administrator releases another one\'s' => sub {
    $hers->start->wait_ready;
    my $path = '/api/v1/admin' . $hers->path =~ s{^/api/v1}{}r . '/release';
    my $r = $alice->api('POST', $path);
    is $r->code . ' ' . $r->problem->{code}, '403 not-admin', 'its owner is no administrator';
    is $t->stranger->api('POST', $path)->code, 401, 'nobody is';
    is $carol->get($hers->url)->code, 403, 'an administrator is no owner';
    my $there = $carol->host_cookie('aigc-instance', $hers->host) or die 'no session of the instance\'s host';
    for my $name (qw(aigc-session aigc-instance aigc_session)) {
        my $as = sub { return $t->stranger->api(@_, undef, headers => [Cookie => "$name=$there"])->code };
        is $as->(POST => $path), 401, "nor is the session of an instance's host, as $name";
        is $as->(GET => "/api/v1/admin/$_"), 401, "… of whom $_ are no business" for qw(instances users status);
    }
    $r = $carol->post($path, headers => [Origin => $hers->url]);
    is $r->code . ' ' . $r->problem->{code}, '403 cross-origin', 'nor the page of an instance';
    is $carol->get($path)->code, 405, 'a GET releases nothing';
    is $hers->look->desired, 'running', 'it runs on';

    my $mark = $t->audit_mark;
    $r = $carol->api('POST', $path);
    is $r->code, 202, 'an administrator may';
    is "@{ $r->json }{qw(owner desired)}", id('alice') . ' released', '… and is shown what comes of it';
    $hers->wait_state('released');
    is_deeply $t->gateway_writes($mark), { $gpu => 1 }, '… by one write';
    is $carol->api('POST', $path)->code, 200, 'once more: it is so already';
    is $carol->api('POST', $path =~ s{/\d+/release}{/999/release}r)->code, 404, 'one that is not there';
    like $t->error_log, qr/administrator "${\ id('carol') }" asks for instance default\/$gpu\/\d+ of user "${\ id('alice') }" to be released/,
        'the log says who released whose';
    is scalar(() = $t->error_log =~ /administrator "/g), 1, '… once';
    is $hers->start->wait_ready->state, 'ready', 'its owner may start it again';
};

subtest 'an annotation that cannot be read' => sub {
    my $i = $alice->install('notebook')->wait_ready;
    my $path = '/api/v1/admin' . $i->path =~ s{^/api/v1}{}r;
    $t->kube_patch('gss', 'notebook', { metadata => { annotations => { 'instance.aigc-gateway.io/' . $i->id => 'x' } } });
    $t->wait_for(sub { of(all('status')->{problems}, kind => 'unreadable_annotation', count => 1) }, 10, 'it is known');
    my $all = all('instances');
    is_deeply [of($all->{instances}, template => 'notebook')], [], 'it is nobody\'s instance';
    is_deeply [map { $_->{owner} } of($all->{disks}, template => 'notebook')], [id('alice')], '… its disk is somebody\'s';
    my $r = $carol->api('POST', "$path/release");
    is $r->code . ' ' . $r->problem->{code}, '409 unreadable-annotation', '… it is not released';
};

subtest 'users who are gone' => sub {
    my ($u1, $u2) = map { $t->sign_in($_) } qw(user01 user02);
    $_->install($cpu)->wait_ready for $u1, $u2;
    $t->logto_control('suspend', { user => 'user01' });
    $t->logto_control('webhook', { event => 'User.SuspensionStatus.Updated', user => 'user01' });
    $t->logto_control('webhook', { event => 'User.Deleted', user => 'user02' });
    $t->logto_control('delete', { user => 'user02' });
    my $who = sub { my ($u) = of(all('users')->{users}, user => id($_[0])); return $u };
    is $who->('user01')->{status}, 'suspended', 'one is suspended';
    is $who->('user02')->{status}, 'deleted', 'one is deleted';
    is $who->('user02')->{name}, undef, '… and has no name any more';
    $t->wait_for(sub { !grep { $_->{desired} ne 'released' } map { of(all('instances')->{instances}, owner => id($_)) } qw(user01 user02) },
        60, 'what they had is released');
    for my $user (qw(user01 user02)) {
        my ($i) = of(all('instances')->{instances}, owner => id($user));
        is $i->{disks}[0]{owner}, id($user), "$user: the disk is listed";
        is_deeply { %{ $who->($user) }{qw(instances disks)} }, { instances => { running => 0, released => 1 }, disks => 1 }, '… and counted';
    }
};

subtest 'Logto away' => sub {
    $t->allow_log(qr/Logto's users could not be read/);
    $t->logto_control('outage', { mode => 'answer', status => 503, body => '{}', paths => '^/api/' });
    my $all = all('users')->{users};
    is_deeply [sort { $a cmp $b } map { $_->{user} } @$all], [map { id($_) } qw(alice bob user01 user02)], 'the users are listed';
    is_deeply { map { ($_->{status} => $_->{name}) } @$all }, { unknown => undef }, '… and nobody is guessed';
    $t->logto_control('outage', { mode => 'off', paths => '^/api/' });
    is_deeply [sort map { $_->{status} } @{ all('users')->{users} }], [qw(active active deleted suspended)], 'afterwards all is known';
};

subtest 'how the gateway is' => sub {
    my $s = all('status');
    is_deeply [sort keys %$s], [qw(keysAge leader problems version watches zone)], 'it says';
    my ($watch) = of($s->{watches}, kind => 'gameserversets');
    is $watch->{synced}, 1, 'what is seen of the cluster';
    cmp_ok $watch->{age}, '<', 150, '… and how long ago';
    is_deeply [map { "$_->{kind} $_->{synced}" } @{ $s->{watches} }],
        [map { "$_ 1" } qw(gameserversets gameservers persistentvolumeclaims pods statefulsets events configmaps secrets)], '… of each kind';
    is $s->{leader}{self}, 1, 'who leads';
    is $s->{leader}{identity}, $t->kube_get('/apis/coordination.k8s.io/v1/namespaces/aigc-gateway/leases/aigc-gateway')->{spec}{holderIdentity},
        '… by name';
    cmp_ok $s->{keysAge}, '<=', 301, 'how old Logto\'s keys are';
    is_deeply $s->{zone}, { instances => scalar @{ $t->table->{instances} }, max => $s->{zone}{max} }, 'how full the zone is';
    my $other = $t->second_nginx;
    $t->wait_for(sub { ($carol->get('http://' . $t->host . ":$other/api/v1/admin/status")->json->{leader}{identity} // '') eq $s->{leader}{identity} },
        10, 'the other one knows the leader');
    is $carol->get('http://' . $t->host . ":$other/api/v1/admin/status")->json->{leader}{self}, 0, '… and does not lead';
};

subtest 'without the Management API' => sub {
    $without = 1;
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    $t->clear_logto_requests;
    is_deeply { map { ($_->{status} => $_->{name}) } @{ all('users')->{users} } }, { unknown => undef }, 'nobody is known by name';
    is scalar(grep { m{^/api/} } keys %{ $t->logto_requests->{paths} }), 0, '… and Logto is not asked';
    $without = 0;
    $t->reload;
    $t->wait_ready;
};

subtest 'thousands' => sub {
    my $json = JSON::PP->new->utf8;
    my ($templates, $each) = (3, 800);
    my $new = sub {
        my ($name) = @_;
        my $c = $json->decode($json->encode($t->template($cpu)));
        $c->{metadata} = { name => $name, annotations => { 'aigc-gateway.io/top' => '' . ($each - 1), map { ("instance.aigc-gateway.io/$_" =>
            qq({"owner":"u$_-$name","state":"released","since":"2026-01-01T00:00:00Z","gss":"a89c0f3e-9f44-4f4c-8b2f-2b5a4f9e0c11"}))
            } 0 .. $each - 1 } };
        $_->{value} = "$name-<id>." . $t->root for grep { $_->{name} eq 'Host' } @{ $c->{spec}{network}{networkConf} };
        $c->{spec}{reserveGameServerIds} = [0 .. $each - 1];
        return ['POST', '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets', $c];
    };
    my $before = @{ all('instances')->{instances} };
    is_deeply [$t->kube_send([map { $new->("wide$_") } 1 .. $templates])], [(201) x $templates], "$templates templates of $each";
    my $all;
    $t->wait_for(sub { @{ ($all = all('instances'))->{instances} } == $before + $templates * $each }, 20, 'all are listed');
    my %seen = map { ("$_->{template}/$_->{id}" => 1) } @{ $all->{instances} };
    is scalar keys %seen, $before + $templates * $each, 'each once';

    my @pids = $t->worker_pids;
    my $ms = sub { my $n = 0; for (@pids) { open my $f, '<', "/proc/$_/schedstat" or next; $n += (split ' ', <$f>)[0] / 1e6 } return $n };
    my ($cpu_ms, $begin) = ($ms->(), time);
    my $r = $carol->api('GET', '/api/v1/admin/instances');
    diag sprintf '%d instances: %.0f KB in %.0f ms, %.0f ms of a worker', scalar keys %seen, length($r->content) / 1024,
        1000 * (time - $begin), $ms->() - $cpu_ms;

    # a client that does not read costs no memory, and nobody else waits for it
    my $memory = sub { my $kb = 0; for (@pids) { open my $f, '<', "/proc/$_/status" or next; local $/; <$f> =~ /^RssAnon:\s+(\d+)/m and $kb += $1 } return $kb };
    my $answered = sub { open my $f, '<', $t->file('log/access.log') or die $!; return scalar grep { m{ /api/v1/admin/instances 200 } } <$f> };
    my ($rss, $done) = ($memory->(), $answered->());
    my @slow = map { $carol->begin('GET', '/api/v1/admin/instances', on => $carol->connect) } 1 .. 20;
    is scalar(grep { $alice->api('GET', '/api/v1/me')->code == 200 } 1 .. 50), 50, 'others are answered meanwhile';
    cmp_ok $answered->(), '<=', $done + 1, '… they are not, for they do not read';     # one more: it is logged when it has been read
    my $grown = $memory->() - $rss;
    my @texts = map { $_->response->content } @slow;
    is scalar(grep { @{ $json->decode($_)->{instances} } == keys %seen } @texts), 20, '… and get all of it, in the end';
    diag sprintf '20 slow ones: the workers have grown by %d KB', $grown;
    cmp_ok $ENV{AIGC_ASAN} ? 0 : $grown, '<', 20 * 200, '… which they had not waiting in a worker';

    $t->clear_logto_requests;
    $begin = time;
    my $users = all('users')->{users};
    is scalar @$users, 4 + $templates * $each, 'all users are listed';
    my %status;
    $status{ $_->{status} }++ for @$users;
    is $status{active}, 2, 'those whom Logto has are found by pages';
    cmp_ok $status{deleted}, '<=', 101, 'not all of those are asked for whom it has not';
    my $calls = 0;
    my $paths = $t->logto_requests->{paths};
    $calls += $paths->{$_} for grep { m{^/api/users(?:/[^/]+)?$} } keys %$paths;     # the mirror asks for others
    diag sprintf '%d users: %.0f ms, %d calls of Logto', scalar @$users, 1000 * (time - $begin), $calls;
    cmp_ok $calls, '<=', 101, 'so many calls and no more';
};

done_testing;
