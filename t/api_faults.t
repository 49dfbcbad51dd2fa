# t/api_faults.t — an API server that misbehaves: nothing lost, nothing twice

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(sleep time);

my $name = 'stable-diffusion-cpu';
my $t    = AIGC::Stack->start(faults => 1, workers => 1);
$t->allow_log(qr/upstream/);
my $path = "/api/v1/templates/default/$name/install";
my $user = 0;

# The next user without an instance, who installs while the rules are in force.
sub somebody { return $t->sign_in(sprintf 'user%02d', ++$user) }

sub patching {      # a rule for the gateway's writes of templates
    my ($action, %o) = @_;
    return { method => 'PATCH', path => 'gameserversets', %o, action => $action };
}

sub status_body {   # as the API server words its refusals
    my ($code, $reason, $message) = @_;
    return JSON::PP->new->canonical->encode({ kind => 'Status', apiVersion => 'v1',
        status => 'Failure', code => $code, reason => $reason, message => $message });
}

sub refusal {
    my ($code, $reason, $message) = @_;
    return { status => $code, contentType => 'application/json',
        body => status_body($code, $reason, $message) };
}

sub tries { my $n = 0; $n += /^PATCH .*gameserversets/ ? $t->fault_log->{counts}{$_} : 0
    for keys %{ $t->fault_log->{counts} }; return $n }

sub owned { my ($client) = @_; return scalar grep { ($_->{owner} // '') =~ /^@{[ $client->user ]}0/ }
    values %{ $t->claims($name) } }

# One install under a fault: its answer.
sub install {
    my ($rules, $client) = @_;
    $t->clear_fault_log;
    $t->faults($rules);
    my $begin = time;
    my $r = $client->api('POST', $path, undef, timeout => 60);
    note sprintf 'answered after %.2f s', time - $begin;
    $t->no_faults;
    return $r;
}

### Refused for good: said at once, and nothing is written

my $invalid = 'GameServerSet.game.kruise.io "stable-diffusion-cpu" is invalid: spec.replicas: Invalid value';
for (
    [403, 502, 'cluster-refuses', refusal(403, 'Forbidden', 'is forbidden: no')],
    [404, 404, 'not-found', refusal(404, 'NotFound', 'not found')],
    [422, 502, 'cluster-refuses', refusal(422, 'Invalid', $invalid)],
    [400, 502, 'cluster-refuses', refusal(400, 'BadRequest', 'the server could not understand')],
    [413, 502, 'cluster-refuses', refusal(413, 'RequestEntityTooLarge', 'too large')],
    ['404 in HTML', 404, 'not-found', { status => 404, contentType => 'text/html', body => '<h1>no' }],
    ['403 in half a body', 502, 'cluster-refuses',
        { status => 403, contentType => 'application/json', body => '{"kind":"Sta' }],
) {
    my ($what, $code, $problem, $action) = @$_;
    my $who = somebody();
    my $r = install([patching($action)], $who);
    is $r->code, $code, "the API server answers $what: $code";
    is +($r->problem // {})->{code}, $problem, "$problem, as a problem";
    is tries(), 1, 'it was asked once';
    unlike $r->content, qr/forbidden|kruise|Sta/, 'its words are not for everybody';
    is $who->install($name)->desired, 'running', 'the next try is as if nothing had been';
    is owned($who), 1, 'with one instance';
}

### Refused for now: tried again from the table

for (
    ['409', refusal(409, 'Conflict', 'the object has been modified')],
    ['422, a test that failed', refusal(422, 'Invalid', 'the server rejected our request due to an '
        . 'error in our request: testing value /metadata/generation failed: test failed')],
    ['429', refusal(429, 'TooManyRequests', 'too many requests')],
    ['500', refusal(500, 'InternalError', 'etcdserver: leader changed')],
    ['503', { status => 503, contentType => 'text/plain', body => 'apiserver not ready' }],
    ['HTML with 200', { status => 200, contentType => 'text/html', body => '<html>a proxy' }],
    ['a cut connection', { close => JSON::PP::true }],
) {
    my ($what, $action) = @$_;
    my $who = somebody();
    my $r = install([patching($action, times => 2)], $who);
    is $r->code, 202, "$what, twice: the third try is taken";
    cmp_ok tries(), '==', 3, 'and is the last';
    is owned($who), 1, 'one instance';
}

### Answers that are lost after the write was carried out

for (
    ['500', { forwardThenStatus => JSON::PP::true, status => 500 }],
    ['no answer', { forwardThenStatus => JSON::PP::true }],
    ['half a body', { cutAfterBytes => 20 }],
) {
    my ($what, $action) = @$_;
    my $who  = somebody();
    my $mark = $t->audit_mark;
    my $r = install([patching($action, times => 1)], $who);
    is $r->code, 202, "written, then $what: it is found out";
    is owned($who), 1, 'one instance';
    is $t->gateway_writes($mark)->{$name}, 1, 'written once';
    is $r->json->{owner}, sprintf('%s0%s', $who->user, '0' x (11 - length $who->user)), 'its own';
}

### For ever, and stalls: each on a template of its own, all at once

my @slow = (
    ['422-for-ever', 0, refusal(422, 'Invalid', 'testing value failed: test failed'), 503, 'cluster-busy'],
    ['500-for-ever', 0, refusal(500, 'InternalError', 'no'), 502, 'cluster-unavailable'],
    ['html-for-ever', 0, { status => 200, contentType => 'text/html', body => 'x' }, 502, 'cluster-unavailable'],
    ['no-answer-in-time', 1, { delayMs => 20000 }, 202],
    ['half-an-answer', 1, { stallAfterBytes => 100 }, 202],
);
$t->apply(join "---\n", map { my $n = "x$_->[0]";
    $t->template_text('notebook') =~ s/name: notebook$/name: $n/mr
        =~ s/notebook<id>/$n<id>/r } @slow);
$t->wait_template("x$_->[0]") for @slow;
$t->clear_fault_log;
$t->faults([map { +{ method => 'PATCH', path => "gameserversets/x$_->[0]", times => $_->[1],
    action => $_->[2] } } @slow]);

my $who   = somebody();
my $begin = time;
my @begun = map { $who->begin_api('POST', "/api/v1/templates/default/x$_->[0]/install") } @slow;
my $others = 0;
until (grep { $_->conn->readable } @begun) {
    $others++ if $who->api('GET', '/api/v1/me')->code == 200;
    sleep 0.05;
}
cmp_ok $others, '>=', 10, "while five writes hang, the only worker serves others ($others requests)";
my @answers = map { $_->response } @begun;
note sprintf 'all are answered after %.1f s', time - $begin;
cmp_ok tries(), '<', 250, 'without hammering';
$t->no_faults;

for (0 .. $#slow) {
    my ($what, undef, undef, $code, $problem) = @{ $slow[$_] };
    my $r = $answers[$_];
    is $r->code, $code, "$what: $code";
    if ($problem) {
        is +($r->problem // {})->{code}, $problem, $problem;
        ok $r->header('Retry-After'), 'try again later';
        is_deeply $t->claims("x$what"), {}, 'and nothing is left of it';
        is $who->install("x$what")->desired, 'running', 'which then works';
    }
    is scalar keys %{ $t->claims("x$what") }, 1, 'one instance';
}

### Two at once, and a second press of the button, in one patch

my $one = somebody();
my $two = somebody();
$t->faults([patching({ delayMs => 600 }, times => 1)]);
my $mark = $t->audit_mark;
$t->clear_fault_log;
my $first = $one->begin_api('POST', $path);
$t->wait_for(sub { tries() >= 1 }, 10, 'it is being written');
my @second = map { $two->begin_api('POST', $path) } 1 .. 3;
is $first->response->code, 202, 'while one install is written';
is_deeply [sort map { $_->response->code } @second], [200, 200, 202],
    'another is pressed three times: one instance, all are told';
is_deeply [map { owned($_) } $one, $two], [1, 1], 'each has one';
is $t->gateway_writes($mark)->{$name}, 2, 'by two writes';
$t->no_faults;

$one = somebody();
$two = somebody();
$t->faults([patching({ delayMs => 600 }, times => 1),
    patching(refusal(422, 'Invalid', $invalid), times => 1)]);
$t->clear_fault_log;
$first = $one->begin_api('POST', $path);
$t->wait_for(sub { tries() >= 1 }, 10, 'it is being written');
@second = map { $two->begin_api('POST', $path) } 1 .. 2;
is $first->response->code, 202, 'the first is written';
my @codes = sort map { $_->response->code } @second;
$t->no_faults;
is_deeply \@codes, owned($two) ? [202, 502] : [502, 502],
    'nobody is told of an instance that was refused';

### Clients that go away

$who = somebody();
$t->faults([patching({ delayMs => 500 }, times => 1)]);
$t->clear_fault_log;
my $p = $who->begin_api('POST', $path);
$t->wait_for(sub { tries() >= 1 }, 10, 'it is being written');
$p->conn->close;
$one = somebody();
is $one->api('POST', $path)->code, 202, 'who comes after one that went away is served';
$t->wait_for(sub { owned($who) == 1 }, 10, 'what was sent is carried out');
pass 'what was sent is carried out';
is $who->api('POST', $path)->code, 200, 'and found by its owner';
$t->no_faults;

$who = somebody();
$one = somebody();
$t->faults([patching({ delayMs => 800 }, times => 1)]);
$t->clear_fault_log;
$first = $one->begin_api('POST', $path);
$t->wait_for(sub { tries() >= 1 }, 10, 'it is being written');
my @gone = map { $who->begin_api('POST', $path) } 1 .. 3;
$_->conn->close for @gone;
is $first->response->code, 202, 'nor do those that went away while they waited disturb';
$t->no_faults;
my $again = $who->install($name);
is owned($who), 1, 'they have one instance when they come back';

### The API server is gone

$who = somebody();
$t->apiserver_down;
$begin = time;
my $r = $who->api('POST', $path);
is $r->code, 502, 'without an API server an install is refused';
is +($r->problem // {})->{code}, 'cluster-unavailable', 'with a problem';
note sprintf 'after %.1f s', time - $begin;
is $who->api('GET', '/api/v1/templates')->code, 200, 'what is known is still shown';
my $pending = $who->begin_api('POST', $path);
sleep 0.5;
$t->apiserver_up;
is $pending->response->code, 202, 'one that is waiting when it comes back is carried out';
is owned($who), 1, 'once';

### And after all this

$t->wait_for(sub { !grep { $_->{written} && !$_->{agrees} } @{ $t->table->{templates} } }, 30, 'it agrees');
$t->wait_agree($name, 40);
pass 'annotations, replicas, reserve list, pods and disks agree';
is scalar(grep { defined } $t->worker_pids), 1, 'no worker has died';
is scalar(() = $t->error_log =~ /start worker process \d/g), 1, 'nor been replaced';

done_testing;
