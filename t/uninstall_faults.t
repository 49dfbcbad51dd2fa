# t/uninstall_faults.t — an uninstall that is interrupted anywhere is finished

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $true = JSON::PP::true;
my $t    = AIGC::Stack->start(faults => 1, workers => 2, templates => [$name, 'notebook']);
my $user = 0;

$t->allow_log(qr/could not be (?:deleted|finished|recorded)|was not deleted|upstream|was not taken/);
$t->allow_log(qr/exited on signal 9|aigc: (?:watch|list)/);

sub disk { my ($inst) = @_; return $t->kube_get('pvcs', 'user-data-' . $inst->pod) }

# Somebody's instance, with its disk recorded.
sub instance {
    my $inst = $t->sign_in(sprintf 'user%02d', ++$user)->install($name)->wait_ready;
    $t->wait_for(sub { (disk($inst) // {})->{metadata}{annotations}{'aigc-gateway.io/owner'} }, 10, 'its disk is stamped');
    return $inst;
}

sub claimed { my ($inst) = @_; return exists $t->claims($name)->{ $inst->id } }

sub count {         # requests of a kind that the API server was asked
    my ($method, $path) = @_;
    my $n = 0;
    $n += /^\Q$method\E .*$path/ ? $t->fault_log->{counts}{$_} : 0 for keys %{ $t->fault_log->{counts} };
    return $n;
}

# Whole: neither annotation, pod nor disk; and nobody else has noticed.
my $bystander = instance();
my $his       = $bystander->client->get($bystander->url('/info'))->json->{uid};

sub finished {
    my ($inst, $what) = @_;
    $t->wait_for(sub { !claimed($inst) }, 30, sub { "$what: it is forgotten; "
        . JSON::PP->new->canonical->encode($t->fault_log->{counts}) });
    ok !disk($inst), "$what: finished, with the disk";
    ok !$t->kube_get('pods', $inst->pod), 'and the pod';
    $t->wait_agree($name, 30);
    is $bystander->client->get($bystander->url('/info'))->json->{uid}, $his, 'nobody else has noticed';
}

my @steps = (       # what stands between the request and the end
    ['DELETE', 'persistentvolumeclaims/', 'the disk\'s deletion'],
    ['GET', 'pods/', 'the look for the pod'],
    ['PATCH', 'gameserversets/', 'the end of the annotation'],
);

my @faults = (
    ['500',              { status => 500, contentType => 'application/json', body => '{"kind":"Status","code":500}' }],
    ['403',              { status => 403, contentType => 'application/json', body => '{"kind":"Status","code":403}' }],
    ['409',              { status => 409, contentType => 'application/json', body => '{"kind":"Status","code":409}' }],
    ['404 in HTML',      { status => 404, contentType => 'text/html', body => '<h1>not found' }],
    ['nothing',          { close => $true }],
    ['half an answer',   { cutAfterBytes => 10 }],
    ['500 when done',    { forwardThenStatus => $true, status => 500 }],
    ['nothing when done', { forwardThenStatus => $true }],
);

### The API server answers badly, at each step

for my $step (@steps) {
    my ($method, $path, $what) = @$step;
    for my $fault (@faults) {
        my ($how, $action) = @$fault;
        my $inst = instance();
        $t->clear_fault_log;

        # The first patch is the request's own: that one is let through.
        $t->faults([{ method => $method, path => $path, times => 2, skip => $method eq 'PATCH' ? 1 : 0,
            action => $action }]);
        is $inst->uninstall(delete_disk => 'true')->desired, 'uninstalling', "$what is answered with $how, twice";
        finished($inst, "$what, $how");
        $t->no_faults;
    }
}

# What is no answer of the API server's is no proof that the pod is gone.
my $inst = instance();
$t->clear_fault_log;
$t->faults([{ method => 'GET', path => 'pods/', action => { status => 404, contentType => 'text/html', body => '<h1>' } }]);
$inst->uninstall(delete_disk => 'true');
$t->wait_for(sub { count('GET', 'pods/') >= 3 }, 20, 'it is asked again and again');
ok claimed($inst), 'a 404 of something else does not end it';
$t->no_faults;
finished($inst, 'a proxy in between');

### The worker that does it dies, at each step

for my $step (@steps) {
    my ($method, $path, $what) = @$step;
    my $inst = instance();
    $t->clear_fault_log;
    $t->faults([{ method => $method, path => $path, skip => $method eq 'PATCH' ? 1 : 0, action => { delayMs => 20000 } }]);
    $inst->uninstall(delete_disk => 'true');
    $t->wait_for(sub { $t->faults->[0]{hit} }, 20, "$what is under way");
    $t->kill_worker(0);
    $t->no_faults;
    finished($inst, "worker 0 was killed at $what");
}

### nginx is not there for a while

$inst = instance();
$t->faults([{ method => 'DELETE', path => 'persistentvolumeclaims/', action => { status => 500 } }]);
$inst->uninstall(delete_disk => 'true');
$t->wait_for(sub { !$t->kube_get('pods', $inst->pod) }, 20, 'the pod has ended');
$t->quit_nginx;
$t->no_faults;
ok claimed($inst), 'without nginx nothing goes on';
$t->start_nginx;
$t->wait_ready;
finished($inst, 'nginx was away');

### Nor is the API server

$inst = instance();
$t->faults([{ method => 'DELETE', path => 'persistentvolumeclaims/', times => 1, action => { delayMs => 1000 } }]);
$inst->uninstall(delete_disk => 'true');
$t->apiserver_down;
ok claimed($inst), 'the API server goes';
$t->apiserver_up;
$t->no_faults;
finished($inst, 'the API server was away');

### The template goes in the middle

my $nb = $t->sign_in('alice')->install('notebook')->wait_ready;
$t->faults([{ method => 'DELETE', path => 'persistentvolumeclaims/', action => { status => 500 } }]);
$nb->uninstall(delete_disk => 'true');
$t->kubectl('delete', 'gss', 'notebook');
$t->wait_for(sub { !grep { $_->{name} eq 'notebook' } @{ $t->table->{templates} } }, 10, 'the gateway knows it');
$t->no_faults;
is $nb->try('uninstall')->code, 404, 'a template that is deleted in the middle: there is nothing to uninstall';
is $t->sign_in('alice')->api('GET', '/api/v1/instances')->code, 200, 'and nothing is broken';
$inst = instance();
$inst->uninstall(delete_disk => 'true');
finished($inst, 'others go on');

### Many at once: few writes

my @many = map { $t->sign_in(sprintf 'user%02d', $_)->install($name) } map { $user + $_ } 1 .. 8;
$_->wait_ready for @many;
my $mark = $t->audit_mark;
my @codes = map { $_->response->code } map { $_->client->begin_api('DELETE', $_->path . '?delete_disk=true') } @many;
is_deeply \@codes, [(202) x 8], 'eight uninstalls at one moment';
$t->wait_for(sub { my $c = $t->claims($name); !grep { $c->{ $_->id } } @many }, 30, 'all are forgotten');
is scalar(grep { disk($_) } @many), 0, 'with their disks';
cmp_ok $t->gateway_writes($mark)->{$name}, '<=', 10, 'by fewer writes than there are steps: '
    . $t->gateway_writes($mark)->{$name};
$t->wait_agree($name);

done_testing;
