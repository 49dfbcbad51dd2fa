# t/outage.t — the API server or Logto gone for a while: owners keep working,
# it is said, and all comes back by itself.  AIGC_SLOW=1: for a whole minute.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(sleep time);

my $seconds = $ENV{AIGC_SLOW} ? 60 : 8;

my $t     = AIGC::Stack->start(faults => 1);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $his   = $bob->install('stable-diffusion-cpu')->wait_ready;

subtest 'the API server is gone' => sub {
    my $ws   = $alice->websocket($mine->url('/ws'));
    my $mark = length $t->error_log;
    $t->apiserver_down;
    my $end  = time + $seconds;

    # meanwhile, behind the gateway's back: bob's instance becomes carol's
    my $carol = $t->sign_in('carol');
    my $claim = $t->claims('stable-diffusion-cpu')->{ $his->id };
    my $data  = { %$claim, owner => $carol->api('GET', '/api/v1/me')->json->{user} };
    $t->kube_patch('gss', 'stable-diffusion-cpu', { metadata => { annotations => {
        'instance.aigc-gateway.io/' . $his->id => JSON::PP->new->canonical->encode($data) } } });

    my (%mine, %his);
    while (time < $end) {
        $mine{ $alice->get($mine->url)->code }++;       # a connection of its own each time
        $his{ $alice->get($his->url)->code }++;
        sleep 0.05;
    }
    is_deeply [keys %mine], [200], 'the owner keeps working, new connections included';
    is_deeply [keys %his], [403], 'and nobody else gets in';
    ok $ws->echoes, 'an open WebSocket stays';
    is $carol->api('GET', '/api/v1/me')->code, 200, 'people sign in meanwhile';

    my $ready = $t->status('/readyz');
    is $ready->code, 200, '/readyz is 200: the table is not older than max_stale';
    cmp_ok $ready->json->{age}, '>=', $seconds - 3, 'and says how old it is';
    like substr($t->error_log, $mark), qr/\[error\].*the watch of \w+ ended: .*; the table is \d+ s old, trying again/,
        'so does the error log';
    my @lines = substr($t->error_log, $mark) =~ /(the watch of .*)/g;
    # the three that the table needs, now and then; the three others, once
    cmp_ok scalar @lines, '<=', 3 * (2 + (time - $end + $seconds) / 10) + 3, 'a few lines, not many';

    my $write = $alice->api('POST', $mine->path . '/release');
    like $write->code, qr/^50[23]$/, 'a write says that it cannot be done';
    like $write->type, qr{application/problem\+json}, 'as a problem';
    is $mine->look->desired, 'running', 'and changes nothing';

    my $up = time;
    $t->apiserver_up;
    $t->wait_for(sub { $t->status('/readyz')->json->{age} <= time - $up }, 20,
        'every watch has been heard since');
    pass 'the table recovers by itself';
    $t->wait_for(sub { $bob->get($his->url)->code == 403 }, 10, 'what changed meanwhile is there');
    is $alice->get($mine->url)->code, 200, 'what did not is as it was';
    $mine->release->wait_state('released');
    pass 'writes go again';
    $mine->start->wait_ready;
};

subtest 'Logto is gone' => sub {
    my $mark = length $t->error_log;
    $t->logto_control(outage => { mode => 'refuse' });
    is $alice->get($mine->url)->code, 200, 'sessions go on';
    is $alice->api('GET', '/api/v1/me')->code, 200, 'at the gateway too';
    ok $alice->websocket($mine->url('/ws'))->echoes, 'WebSockets as well';

    $t->reload;                 # new workers, who have to ask Logto anew
    is $alice->get($mine->url)->code, 200, 'after a reload too: the keys are in the zone';
    $t->kill_worker(0);
    is $alice->get($mine->url)->code, 200, 'and after a worker has died';
    $t->wait_for(sub { substr($t->error_log, $mark) =~ /Logto's discovery at ".*" could not be used.*what was known stays in use/ },
        10, 'the log says so');
    is $t->status('/readyz')->code, 200, '/readyz is 200';

    my $r;
    $t->wait_for(sub { ($r = $t->stranger->browse('/sign-in'))->code == 503 }, 10,
        'nobody is sent to a Logto that does not answer');
    is $r->problem->{code}, 'sign-in-unavailable', 'signing in says so';
    is $r->header('Retry-After'), 5, 'and when to try again';
    $t->logto_control(outage => { mode => 'off' });
    $t->wait_for(sub { $t->stranger->browse('/sign-in')->code == 302 }, 15, 'it sees by itself that Logto is back');
    is $t->sign_in('carol')->api('GET', '/api/v1/me')->code, 200, 'Logto is back: people sign in';

    # it goes away while somebody fills in its form
    my $late = AIGC::Client->new(stack => $t, user => 'user01');
    my $form = AIGC::Client::form($late->browse('/sign-in', follow => 10));
    $form->{fields}{username} = 'user01';
    $form->{fields}{password} = 'user01-pass';
    $t->logto_control(outage => { mode => 'refuse', paths => '^/oidc/token' });
    $r = $late->submit($form, follow => 10);
    is $r->code, 503, 'a code that cannot be redeemed is 503';
    ok $r->header('Retry-After'), 'with Retry-After';
    $t->logto_control(outage => { mode => 'off' });
    is $t->sign_in('user01')->api('GET', '/api/v1/me')->code, 200, 'and then it goes again';
};

subtest 'max_stale' => sub {
    my $ws = $alice->websocket($mine->url('/ws'));
    my $conf = $t->conf;
    my ($line) = $conf =~ /aigc_kubernetes (.*?);/;
    $t->{opt}{directives}{aigc_kubernetes} = "$line max_stale=3s";
    $t->apiserver_down;
    $t->reload;
    # an old worker, which knows nothing of max_stale, accepts for a moment yet
    $t->wait_for(sub { !grep { $t->status('/readyz')->code != 503 } 1 .. 10 }, 10, '/readyz is 503');

    my $ready = $t->status('/readyz');
    cmp_ok $ready->json->{age}, '>', 3, 'the table is too old';
    ok !$ready->json->{fresh}, 'because it is not fresh';
    my $r = $alice->get($mine->url, headers => { Accept => 'application/json' });
    is $r->code, 503, 'no new connection to an address that is too old';
    like $r->problem->{type}, qr/stale/, 'and that is said';
    ok $r->header('Retry-After'), 'with Retry-After';
    is $bob->get($mine->url)->code, 403, 'who is refused is refused as ever';
    ok $ws->echoes, 'an open WebSocket stays';

    # with so small a max_stale every watch has to be heard all the time
    $t->apiserver_up;
    $t->wait_for(sub { $t->touch_watched($mine); $alice->get($mine->url)->code == 200 }, 20, 'the owner is in again');
    $t->wait_for(sub { $t->touch_watched($mine); $t->ready }, 5, '/readyz is 200 again');
    pass 'and all is well again';
};

done_testing;
