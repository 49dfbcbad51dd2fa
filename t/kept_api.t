# t/kept_api.t — calls to the API server go on connections that are kept; one
# that ends under a call costs nothing, and nothing is done twice

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';

# The second worker's connections to the API server are those of API calls
# alone: libcurl's are in the first.
my $t = AIGC::Stack->start(faults => 1, workers => 2, gateway => 'location = /pid { return 200 $pid; }');
$t->allow_log(qr/upstream/);
my $alice = $t->sign_in('alice');
my ($worker, $on);
second_worker();

sub second_worker {     # a connection to it
    $worker = ($t->worker_pids)[1];
    $t->wait_for(sub {
        $on->close if $on;
        $on = $alice->connect;
        return $alice->get('/pid', on => $on)->content == $worker;
    }, 20, 'a connection to the second worker');
}

# Its connections to the API server that are open: "inode inode …".
sub kept {
    my %own = map { (readlink $_ // '') =~ /^socket:\[(\d+)\]/ ? ($1 => 1) : () } glob "/proc/$worker/fd/*";
    my $to  = sprintf '0100007F:%04X', $t->port(6);
    open my $f, '<', '/proc/net/tcp' or die $!;
    return join ' ', sort grep { $own{$_} } map { (split)[9] } grep { (split)[2] eq $to && (split)[3] eq '01' } <$f>;
}

sub ask {
    my ($method, $path) = @_;
    return $alice->api($method, $path, undef, on => $on, timeout => 60);
}

my ($inst, $uid);

sub pod_uid { return ($t->kube_get('pods', $inst->pod) // {})->{metadata}{uid} // '' }

# What is done, in this order, and what the API server has to carry out for it.
my @verbs = (
    ['install', sub { my $r = ask('POST', "/api/v1/templates/default/$name/install");
        $inst = AIGC::Instance->new($alice, $r->json) if $r->ok; $r }, 'patch gameserversets', sub { $inst->wait_ready }],
    ['restart', sub { $uid = pod_uid(); ask('POST', $inst->path . '/restart') }, 'delete pods',
        sub { $t->wait_for(sub { pod_uid() ne $uid }, 20, 'another pod'); $inst->wait_ready }],
    ['release', sub { ask('POST', $inst->path . '/release') }, 'patch gameserversets', sub { $inst->wait_state('released') }],
    ['start', sub { ask('POST', $inst->path . '/start') }, 'patch gameserversets', sub { $inst->wait_ready }],
    ['uninstall', sub { ask('DELETE', $inst->path) }, 'patch gameserversets', sub { $inst->wait_gone }],
);

# All of them under a fault, which hits the first call of each.
sub each_verb {
    my ($action, $tries) = @_;
    for (@verbs) {
        my ($verb, $do, $write, $then) = @$_;
        my ($method, $resource) = $write =~ /^(\w+) (\w+)/;
        my $rule = { method => uc $method, path => "/$resource/", times => 1, action => $action };

        # the former write is digested: what is counted is this verb's
        $t->wait_agree($name);
        $t->clear_fault_log;
        my $mark = $t->audit_mark;
        my $said = length $t->error_log;
        $t->faults([$rule]) if $action;
        my $r = $do->();
        $t->no_faults if $action;
        is $r->code, 202, "$verb: 202";

        my @calls = grep { $_->{method} eq uc $method && $_->{path} =~ m{/$resource/[^/]+$} } @{ $t->fault_log->{requests} };
        my $as = $verb eq 'uninstall' ? '>=' : '==';        # the leader's follows, as soon as the pod is gone
        cmp_ok scalar @calls, $as, $tries, "… in $tries calls" if $tries;
        unlike substr($t->error_log, $said), qr/trying again|did not delete/, '… by nginx itself' if $tries;
        my @done = $t->gateway_calls(since => $mark, verb => $method, resource => $resource, code => qr/2\d\d/);
        cmp_ok scalar @done, $as, 1, '… carried out once' if $method eq 'patch';
        $then->();
    }
    is_deeply $t->claims($name), {}, 'nothing is left over';
}

subtest 'one connection for all calls' => sub {
    my $r = $verbs[0][1]->();
    is $r->code, 202, 'a first call';
    my $first = kept();
    like $first, qr/^\d+$/, '… leaves a connection';
    $inst->wait_ready;
    for (@verbs[1 .. $#verbs]) {
        my ($verb, $do, undef, $then) = @$_;
        is $do->()->code, 202, $verb;
        is kept(), $first, '… goes on it, too';
        $then->();
    }
};

subtest 'closed just as the call comes' => sub { each_verb({ close => JSON::PP::true }, 2) };

# The second try finds that it is done: a test of the patch fails, and the table
# shows why.  A deletion names the pod that it means.
subtest 'carried out, and the answer is lost' => sub {
    each_verb({ forwardThenStatus => JSON::PP::true });
};

subtest 'it is closed while nothing is sent' => sub {
    $verbs[0][1]->();
    $inst->wait_ready;
    isnt kept(), '', 'there is one';
    $t->cut_connections;
    $t->wait_for(sub { kept() eq '' }, 10, 'it is gone');
    $t->clear_fault_log;
    is ask('POST', $inst->path . '/release')->code, 202, 'the next call has a new one';
    is scalar(grep { $_->{method} eq 'PATCH' && $_->{path} =~ /gameserversets/ } @{ $t->fault_log->{requests} }), 1, '… and is made once';
    $inst->wait_state('released');
};

subtest 'the API server restarts' => sub {
    $t->apiserver_down;
    $t->wait_for(sub { kept() eq '' }, 10, 'no connection is left');
    my $start = $alice->begin_api('POST', $inst->path . '/start', undef, on => $on, timeout => 60);
    $t->apiserver_up;
    is $start->response->code, 202, 'what was asked for meanwhile is done';
    $inst->wait_ready;
};

subtest 'the token rotates' => sub {
    isnt my $was = kept(), '', 'a connection is kept';
    my $file  = $t->file('cluster/serviceaccount/token');
    my ($old) = map { AIGC::Nginx::_read($_) } $file;
    my $new   = $t->kubectl(qw(-n aigc-gateway create token aigc-gateway)) =~ s/\s+$//r;
    AIGC::Secrets::note($new, 'token');
    isnt $new, $old, 'a new one';
    my $id = sub { $_[0]{user}{extra}{'authentication.kubernetes.io/credential-id'}[0] };
    my ($before) = map { $id->($_) } $t->gateway_calls(resource => 'gameserversets', verb => 'patch');
    AIGC::Nginx::_write($file, $new);

    # the file is read every 10 s
    my $mark = $t->audit_mark;
    $t->wait_for(sub {
        is ask('POST', $inst->path . '/restart')->code, 202, 'restarted';
        $inst->wait_ready;
        grep { $id->($_) ne $before } $t->gateway_calls(since => $mark, resource => 'pods', verb => 'delete');
    }, 30, 'a call with the new token');
    is kept(), $was, '… is on the same connection';
};

subtest 'another CA, and a reload' => sub {
    my $conf = $t->file('nginx/aigc/kubernetes.conf');
    my $text = AIGC::Nginx::_read_all($conf);
    my $other = $t->file('other.crt');
    my @new = ('openssl', qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=other -batch),
        '-keyout', $t->file('other.key'), '-out', $other);
    is system(join(' ', @new) . ' 2>/dev/null'), 0, 'another CA';

    my $reload = sub {
        my ($new) = @_;
        my @old = $t->worker_pids;
        AIGC::Nginx::_write($conf, $new);
        $t->nginx->signal('HUP');
        $t->wait_for(sub { my @now = map { $_ // 0 } ($t->worker_pids)[0, 1]; !grep { $now[$_] == 0 || $now[$_] == $old[$_] } 0, 1 }, 20, 'new workers');
        $t->wait_for(sub { my $r = $t->status('/readyz'); $r->code == 200 && $r->json->{pid} != $old[0] }, 20, 'they are ready');
        second_worker();
    };
    my $path = $inst->path . '/restart';
    $reload->($text =~ s/^(proxy_ssl_trusted_certificate ).*;/$1$other;/mr);
    is ask('POST', $path)->code, 502, 'no connection of before is used';
    is kept(), '', '… nor kept';
    $reload->($text);
    is ask('POST', $path)->code, 202, 'with its own CA again it is done';
    isnt kept(), '', '… on a connection that is kept';
    $inst->wait_ready;
};
$t->allow_log(qr/SSL_do_handshake\(\) failed|did not delete a pod/);

done_testing;
