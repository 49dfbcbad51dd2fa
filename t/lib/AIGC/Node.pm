package AIGC::Node;

# A stack on a real node (t/node): control plane, kubelet, containers, Service
# addresses; Logto's stand-in and the gateway are pods, the gateway by its chart.
# The test itself moves into the node's network: 127.0.0.1:30080 is the front
# door, as the node port has it.
#
#   my $t = AIGC::Node->start;      # the node, Logto, the template demo, two gateways

use strict;
use warnings;

use Carp qw(croak);
use File::Path qw(make_path);
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use AIGC::Process;
use AIGC::Stack;

our @ISA = qw(AIGC::Stack);

use constant { SETNS => (POSIX::uname())[4] eq 'aarch64' ? 268 : 308, CLONE_NEWNET => 0x40000000 };

my $json  = JSON::PP->new->utf8->canonical;
my %ports = (0 => 30080, 2 => 3001, 3 => 6443);

sub port { return $ports{ $_[1] // 0 } // croak "a node has no port $_[1]" }

sub logto_address { '10.96.0.100' }

sub start {
    my ($class, %opt) = @_;
    my $self = $class->_new(root => 'aigc.localhost', state => AIGC::Stack::repo(undef, 'build/node'),
        tied => 1, kept => 1, opt => { several => 0, %opt });
    AIGC::Stack::adopt($self);
    $self->up;
    return $self;
}

sub up {
    my $self = shift;
    my $begin = time;
    my $say = sub { Test::More::note(sprintf '%5.1f s  %s', time - $begin, shift) };

    make_path($self->file('run'));
    unlink map { $self->file($_) } qw(ready run/node.log);
    $self->{process}{node} = AIGC::Process->start(name => 'the node',
        command => [$self->repo('t/node/node'), 'run', $self->{state}],
        log => $self->file('run/node.log'), $self->process_options('node'));
    $self->wait_for(sub { -e $self->file('ready') }, 60, 'the node is ready', $self->{process}{node});
    $self->enter_network;
    $self->_link('cluster/kubeconfig', 'kubeconfig');
    $say->('the node is Ready');

    $self->start_logto;
    $self->apply($self->text('t/node/manifests/dns.yaml'));
    $self->apply($self->template_text($_)) for @{ $self->{opt}{templates} // ['demo'] };
    $self->rollout('kube-system', 'coredns');
    $self->rollout('logto', 'logto');
    $say->('CoreDNS and Logto serve');
    if ($self->{opt}{gateway} // 1) {
        $self->install_gateway;
        $say->('the gateways are ready');
    }
    return $self;
}

# From here on this process, and what it starts, is in the node's network.
sub enter_network {
    my $self = shift;
    chomp(my $pid = `pgrep -P @{[ $self->{process}{node}->pid ]} -x unshare`);
    chomp(my $first = `pgrep -P $pid`);
    open my $net, '<', "/proc/$first/ns/net" or croak "the node's network: $!";
    syscall(SETNS, fileno $net, CLONE_NEWNET) == 0 or croak "setns: $!";
}

sub text {
    my ($self, $file) = @_;
    open my $f, '<', $self->repo($file) or croak "$file: $!";
    local $/;
    return <$f>;
}

sub secret { join '', map { ('a' .. 'z', 0 .. 9)[rand 36] } 1 .. 32 }

sub start_logto {
    my $self = shift;
    my %s = map { $_ => secret() } qw(app_secret m2m_app_secret webhook_key);
    open my $random, '<', '/dev/urandom' or croak $!;
    CORE::read $random, my $key, 32;
    $self->{secrets} = { %s, session_key => unpack 'H*', $key };
    AIGC::Secrets::note($self->{secrets}{$_}, $_) for keys %{ $self->{secrets} };
    $self->apply('{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"logto"}}');
    $self->apply({ apiVersion => 'v1', kind => 'Secret', metadata => { name => 'logto', namespace => 'logto' },
        stringData => \%s });
    $self->apply($self->text('t/node/manifests/logto.yaml'));
}

# The namespace and the Secret are the platform team's; all else is the chart's.
sub install_gateway {
    my ($self, @more) = @_;
    my $s = $self->{secrets};
    $self->apply({ apiVersion => 'v1', kind => 'Namespace', metadata => { name => 'aigc-gateway',
        labels => { map { ("pod-security.kubernetes.io/$_" => 'restricted') } qw(enforce warn) } } });
    $self->apply({ apiVersion => 'v1', kind => 'Secret',
        metadata => { name => 'aigc-gateway-secrets', namespace => 'aigc-gateway' },
        stringData => { 'app-secret' => $s->{app_secret}, 'm2m-app-secret' => $s->{m2m_app_secret},
            'webhook-key' => $s->{webhook_key}, 'session-key' => "$s->{session_key}\n" } });
    $self->helm('upgrade', '--install', 'aigc-gateway', $self->repo('docker/kubernetes/chart'),
        '-n', 'aigc-gateway', '-f', $self->repo('t/node/values.yaml'), @more, ($self->{opt}{wait_helm} // 1 ? ('--wait', '--timeout', '120s') : ()));
    # kube-proxy hears of ready pods when helm does
    $self->wait_for(sub { 5 == grep { (eval { $self->stranger->get('/')->code } // 0) == 200 } 1 .. 5 }, 30, 'the front door is open')
        if $self->{opt}{wait_helm} // 1;
}

sub helm {
    my ($self, @args) = @_;
    my ($status, $said) = $self->command($self->repo('build/bin/helm'), @args);
    croak "helm @args: $said" if $status;
    return $said;
}

# A program with the cluster's administrator; its status, and all that it says.
sub command {
    my ($self, @command) = @_;
    my $pid = open my $out, '-|';
    defined $pid or croak "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        $ENV{KUBECONFIG} = $self->file('kubeconfig');
        $ENV{"HELM_${_}_HOME"} = $self->file("run/helm-\L$_") for qw(CACHE CONFIG DATA);
        exec @command or POSIX::_exit(127);
    }
    my $said = do { local $/; <$out> } // '';
    close $out;
    return ($?, $said);
}

sub rollout {           # waits until a Deployment is as it should be
    my ($self, $namespace, $name, $seconds) = @_;
    return $self->kubectl('rollout', 'status', "deployment/$name", '-n', $namespace,
        '--timeout', ($seconds // 60) * $AIGC::Process::PATIENCE . 's');
}

# The gateways' pods that are not ending.
sub gateways {
    my $self = shift;
    return grep { !$_->{metadata}{deletionTimestamp} && ($_->{status}{phase} // '') eq 'Running' }
        @{ $self->kube_get('/api/v1/namespaces/aigc-gateway/pods?labelSelector=app.kubernetes.io/component%3Dgateway')->{items} };
}

sub status_of {         # a page of one gateway's status server
    my ($self, $pod, $path) = @_;
    my $ip = $pod->{status}{podIP};
    my $url = "http://$ip:9145$path";
    my $conn = AIGC::HTTP->connect($ip, 9145);
    $conn->send(AIGC::HTTP::request_bytes(method => 'GET', url => $url));
    my $r = $conn->response(method => 'GET', url => $url);
    $conn->close;
    return $r;
}

# Every gateway knows the template: each is asked at its own address, with the
# session of an administrator.
sub wait_template {
    my ($self, $name) = @_;
    my @pods = $self->gateways or return;
    my $admin = $self->{admin} //= $self->sign_in('carol');
    for my $pod (@pods) {
        $self->wait_for(sub {
            my $conn = AIGC::HTTP->connect($pod->{status}{podIP}, 8080);
            my $r = $admin->api('GET', '/api/v1/templates', undef, on => $conn);
            $conn->close;
            return $r->ok && grep { $_->{name} eq $name } @{ $r->json->{templates} };
        }, 20, "$pod->{metadata}{name} knows the template $name");
    }
}

# The instance is ready, and each gateway reaches it: whatever enforces
# NetworkPolicies hears of a new pod when the gateways do, and takes its time.
sub serves {
    my ($self, $inst, $seconds) = @_;
    $inst->wait_ready($seconds);
    for my $pod ($self->gateways) {
        $self->wait_for(sub {
            my $conn = eval { AIGC::HTTP->connect($pod->{status}{podIP}, 8080) } or return;
            my $r = eval { $inst->client->get($inst->url('/info'), on => $conn) };
            $conn->close;
            return $r && $r->code == 200;
        }, 30, "$pod->{metadata}{name} reaches " . $inst->pod);
    }
    return $inst;
}

sub template_text {
    my ($self, $name) = @_;
    return $self->text("t/node/templates/$name.yaml");
}

# Another template of the demo application: its name, and what is different.
sub variant {
    my ($self, $name, @changes) = @_;
    return $self->apply_template('demo', { metadata => { name => $name } }, sub {
        $_->{name} eq 'Host' and $_->{value} = "$name<id>.aigc.localhost" for @{ $_[0]{spec}{network}{networkConf} };
    }, @changes);
}

# Logto's switches, by the name that they want to be asked by.
sub control {
    my ($self, $port, $method, $path, $body) = @_;
    my $url  = 'http://' . logto_address() . ":$port$path";
    my $conn = AIGC::HTTP->connect(logto_address(), $port);
    $conn->send(AIGC::HTTP::request_bytes(method => $method, url => $url, host => "127.0.0.1:$port", !defined $body ? () : (
        body => $json->encode($body), headers => ['Content-Type' => 'application/json'])));
    my $r = $conn->response(method => $method, url => $url);
    $conn->close;
    croak "$method $path: " . $r->status_line . "\n" . $r->content unless $r->ok;
    return $r->content =~ /^\s*[\[{]/ ? $r->json : $r->content;
}

### Ending

sub stop {
    my $self = shift;
    return if $self->{stopped}++;
    AIGC::HTTP::close_all();
    my @killed = $self->{process}{node} ? delete($self->{process}{node})->stop(TERM => 15) : ();
    push @{ $self->{problems} }, "the node did not end: killed @killed" if @killed;
    my ($loop) = grep { m{\Q$self->{state}/\E} } `losetup -a`;
    push @{ $self->{problems} }, "a disk is left: $loop" if $loop;
    for my $left (grep { -d } glob '/sys/fs/cgroup/*/kubepods') {
        push @{ $self->{problems} }, "the control group $left is left";
    }
}

sub logs {
    my $self = shift;
    return grep { -f } map { glob $self->file($_) } qw(log/gateway/* cluster/audit.log);
}

sub error_log {         # of all gateways that there were
    my $self = shift;
    return join '', map { AIGC::Nginx::_read_all($_) } glob $self->file('log/gateway/*');
}

1;
