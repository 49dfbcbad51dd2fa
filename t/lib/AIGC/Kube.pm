package AIGC::Kube;

# The stack's cluster, seen by its administrator: kubectl, templates, the audit
# log, faults in front of the API server.

use strict;
use warnings;

use Carp qw(croak);
use Fcntl qw(SEEK_SET);
use JSON::PP ();

my $json = JSON::PP->new->utf8->canonical;

### kubectl

# What kubectl printed; dies with its message.  A first argument { in => TEXT }
# is its standard input.
sub kubectl {
    my ($self, @args) = @_;
    my ($status, $out, $err) = $self->try_kubectl(@args);
    croak "kubectl @args[grep { !ref $args[$_] } 0 .. $#args]: $err" if $status;
    return $out;
}

sub try_kubectl {
    my ($self, @args) = @_;
    my $o = ref $args[0] ? shift @args : {};
    my $n = ++$self->{kubectl_runs};
    my ($in, $err) = map { $self->file("run/kubectl-$$-$n.$_") } qw(in err);

    _write($in, $o->{in} // '');
    my $pid = open my $out, '-|';
    defined $pid or croak "fork: $!";
    if ($pid == 0) {
        open STDIN,  '<', $in;
        open STDERR, '>', $err;
        $ENV{KUBECONFIG} = $self->file('kubeconfig');
        exec $self->repo('build/bin/kubectl'),
            '--cache-dir', $self->file('run/kube-cache'), @args
            or POSIX::_exit(127);
    }
    my $text = do { local $/; <$out> } // '';
    close $out;
    my $status = $?;
    my $said = _slurp($err);
    unlink $in, $err;
    return ($status, $text, $said);
}

# An object or a list by its API path, or by short names:
# kube_get('gss', 'stable-diffusion-cpu'), kube_get('pods').
my %plural = (
    gss => '/apis/game.kruise.io/v1alpha1/namespaces/%s/gameserversets',
    gs  => '/apis/game.kruise.io/v1alpha1/namespaces/%s/gameservers',
    map({ $_ => "/api/v1/namespaces/%s/$_" } qw(pods services events configmaps)),
    pvcs => '/api/v1/namespaces/%s/persistentvolumeclaims',
    resourcequotas => '/api/v1/namespaces/%s/resourcequotas',
    ingresses => '/apis/networking.k8s.io/v1/namespaces/%s/ingresses',
);

sub kube_get {      # undef when there is no such object
    my ($self, $what, $name, $namespace) = @_;
    my $path = $what;
    if ($what !~ m{^/}) {
        $path = sprintf $plural{$what} // croak("kube_get: $what?"), $namespace // 'default';
        $path .= "/$name" if defined $name;
    }
    my $pki = $self->file('cluster/pki');
    open my $curl, '-|', 'curl', '-sS', '--max-time', 20, '-w', '\n%{http_code}',
        '--cacert', "$pki/ca.crt", '--cert', "$pki/admin.crt", '--key', "$pki/admin.key",
        'https://127.0.0.1:' . $self->port(3) . $path or croak "curl: $!";
    my $text = do { local $/; <$curl> } // '';
    close $curl;
    $text =~ s/\n(\d+)$// or croak "GET $path: curl ended with " . ($? >> 8);
    return if $1 == 404;
    croak "GET $path: $1\n$text" unless $1 == 200;
    return $json->decode($text);
}

sub kube_list {
    my ($self, $what, $namespace) = @_;
    return @{ $self->kube_get($what, undef, $namespace)->{items} };
}

sub kube_patch {    # a merge patch; what and name as kubectl has them
    my ($self, $what, $name, $patch) = @_;
    $what = 'gameserverset' if $what eq 'gss';
    $self->kubectl('patch', $what, $name, '--type=merge', '-p', $json->encode($patch));
}

# An object of each kind without which nothing can be decided has news: each
# required watch is heard.
sub touch_watched {
    my ($self, $inst) = @_;
    my %name = (gameserversets => $inst->data->{template}, gameservers => $inst->pod, pods => $inst->pod,
        persistentvolumeclaims => ($self->kube_list('pvcs'))[0]{metadata}{name});
    my $news = { metadata => { annotations => { touched => 'at ' . time } } };
    $self->{required} //= [ grep { $_->{required} } @{ $self->status('/describe')->json->{kinds} } ];
    return $self->kube_send([ map {
        my $name = $name{ $_->{kind} } // croak "touch_watched: which of the $_->{kind}?";
        ['PATCH', "$_->{api}/namespaces/default/$_->{kind}/$name", $news];
    } @{ $self->{required} } ]);
}

### Templates

# Applies t/cluster/templates/NAME.yaml with the domain of this stack's instances.  A hash
# is merged over it (undef removes a key), a sub may change it as it likes:
#   apply_template('stable-diffusion-cpu', { metadata => { name => 'other' } })
# Returns when the gateway knows it.
sub apply_template {
    my ($self, $name, @changes) = @_;
    my $object = $self->template($name, @changes);
    $self->apply($object);
    $self->wait_template($object->{metadata}{name});
    return $object;
}

# Many requests in one go, for what kubectl is too slow for: [method, path,
# object], in order, or any => 1: several at a time.  PATCH is a merge patch.
# Returns the status codes, in no order with any.
sub kube_send {
    my ($self, $requests, %o) = @_;
    my $pki  = $self->file('cluster/pki');
    my $file = $self->file("run/kube-send-$$-" . ++$self->{kube_sends});
    my @blocks;

    for my $request (@$requests) {
        my ($method, $path, $object) = @$request;
        my $type = $method eq 'PATCH' ? 'application/merge-patch+json' : 'application/json';
        my $body = $object ? $json->encode($object) =~ s/(["\\])/\\$1/gr : undef;
        if (length($body // '') > 50_000) {             # curl's lines have an end
            _write("$file-" . @blocks, $json->encode($object));
            $body = "\@$file-" . @blocks;
        }
        push @blocks, join "\n", "cacert=$pki/ca.crt", "cert=$pki/admin.crt", "key=$pki/admin.key",
            "request=$method", 'url=https://127.0.0.1:' . $self->port(3) . $path,
            'output=/dev/null', 'silent', 'max-time=60', 'write-out="%{http_code}\\n"',
            defined $body ? ("header=\"Content-Type: $type\"", "data-binary=\"$body\"") : ();
    }
    _write($file, join "\nnext\n", @blocks);
    open my $curl, '-|', 'curl', '-s', '-K', $file,
        ($o{any} ? ('--no-progress-meter', '--parallel', '--parallel-max', 16) : ()) or croak "curl: $!";
    chomp(my @codes = <$curl>);
    close $curl;
    unlink $file, glob "$file-*";
    return @codes;
}

# kubectl apply of an object, or of a YAML text.  Not validated: a cluster that
# has just started needs two seconds for the schema.
sub apply {
    my ($self, $what) = @_;
    $self->kubectl({ in => ref $what ? $json->encode($what) : $what },
        'apply', '--validate=false', '-f', '-');
}

sub template {      # the same as data, not applied
    my ($self, $name, @changes) = @_;
    my $object = $json->decode($self->kubectl({ in => $self->template_text($name) },
        'create', '--dry-run=client', '-o', 'json', '-f', '-'));
    for my $change (@changes) {
        if (ref $change eq 'CODE') { $change->($object) }
        else { _merge($object, $change) }
    }
    return $object;
}

sub template_text {
    my ($self, $name) = @_;
    my $domain = $self->domain;
    my $yaml = _slurp($self->repo("t/cluster/templates/$name.yaml"))
        || croak "no template $name";
    return $yaml =~ s/\baigc\.localhost\b/$domain/gr;
}

sub wait_template {
    my ($self, $name) = @_;
    return unless $self->{process}{nginx};
    $self->wait_for(sub { grep { $_->{name} eq $name } @{ $self->table->{templates} } },
        10, "the gateway knows the template $name");
}

sub _merge {
    my ($into, $from) = @_;
    for my $key (keys %$from) {
        if (!defined $from->{$key}) { delete $into->{$key} }
        elsif (ref $from->{$key} eq 'HASH') { _merge($into->{$key} //= {}, $from->{$key}) }
        else { $into->{$key} = $from->{$key} }
    }
}

### Does everything agree?

# Whose the instances of a template are: { id => annotation as data }.
sub claims {
    my ($self, $gss) = @_;
    $gss = $self->kube_get('gss', $gss) unless ref $gss;
    my $all = $gss->{metadata}{annotations} // {};
    return { map {
        my $text = $all->{$_};
        m{^instance\.aigc-gateway\.io/(\d+)$}
            ? ($1 => eval { $json->decode($text) } // { unreadable => $text }) : ();
    } keys %$all };
}

# The reserve list, its ranges expanded (OKG writes some), sorted: "0,5,6".  A
# number below 0 stands for no pod; OKG 1.0 keeps it.
sub reserved {
    my ($self, $gss) = @_;
    $gss = $self->kube_get('gss', $gss) unless ref $gss;
    return join ',', sort { $a <=> $b } grep { !/^-/ } map { /^(\d+)-(\d+)$/ ? ($1 .. $2) : $_ }
        @{ $gss->{spec}{reserveGameServerIds} // [] };
}

# The ids that are left out because their pods cannot be made.
sub set_aside {
    my ($self, $gss) = @_;
    $gss = $self->kube_get('gss', $gss) unless ref $gss;
    return split /,/, $gss->{metadata}{annotations}{'aigc-gateway.io/set-aside'} // '';
}

# What does not agree in a template's annotations, replicas, reserve list, pods,
# GameServers and disks: lines, none when all is well.
sub disagreements {
    my ($self, $name) = @_;
    my $gss    = $self->kube_get('gss', $name);
    my $claims = $self->claims($gss);
    my $top    = $gss->{metadata}{annotations}{'aigc-gateway.io/top'} // -1;
    my $is     = sub { ($_[0]{state} // '') eq 'running' };
    my %aside  = map { $_ => 1 } set_aside($self, $gss);
    my @run    = sort { $a <=> $b } grep { $is->($claims->{$_}) && !$aside{$_} } keys %$claims;
    my %run    = map { $_ => 1 } @run;
    my (@bad, %owner);

    my $same = sub {
        my ($what, $got, $want) = @_;
        push @bad, "$what: '$got', should be '$want'" unless $got eq $want;
    };
    my $ids = sub {
        join ',', sort { $a <=> $b }
            map { $_->{metadata}{name} =~ /^\Q$name\E-(\d+)$/ ? $1 : () } @_;
    };
    $same->('replicas', $gss->{spec}{replicas}, scalar @run);
    $same->('reserved', $self->reserved($gss), join ',', grep { !$run{$_} } 0 .. $top);
    $same->('pods', $ids->($self->kube_list('pods')), join ',', @run);

    # OKG 0.4 forgets the GameServer of a pod that it ends as soon as it began.
    my $old = ($self->{opt}{okg} // '') eq '0.4';
    $same->('GameServers', $ids->(grep { !$old || $_->{metadata}{name} =~ /-(\d+)$/ && $run{$1} }
        $self->kube_list('gs')), join ',', @run);


    for my $id (keys %$claims) {
        my $owner = $claims->{$id}{owner} // next;
        push @bad, "$owner has $owner{$owner} and $id" if defined $owner{$owner} && !$self->{opt}{several};
        $owner{$owner} = $id;
        push @bad, "$id is above the top $top" if $id > $top;
    }
    for my $pvc ($self->kube_list('pvcs')) {
        my ($id) = $pvc->{metadata}{name} =~ /-\Q$name\E-(\d+)$/ or next;
        my $owner = $pvc->{metadata}{annotations}{'aigc-gateway.io/owner'} // '';
        $same->("the disk of $id", $owner, $claims->{$id}{owner} // '')
            if $claims->{$id};
    }
    return @bad;
}

sub wait_agree {
    my ($self, $name, $seconds) = @_;
    my @bad;
    return $self->wait_for(sub { !(@bad = $self->disagreements($name)) },
        $seconds // 60, sub { "$name agrees: " . join '; ', @bad });
}

### The API server's audit log

sub audit_mark { -s $_[0]->file('cluster/audit.log') // 0 }

# Finished requests since a mark, as the API server logged them.
sub audit {
    my ($self, $since) = @_;
    open my $f, '<', $self->file('cluster/audit.log') or croak "audit.log: $!";
    if ($since) {           # a mark may lie within a line: that one is before it
        seek $f, $since - 1, SEEK_SET;
        readline $f;
    }
    my @entries;
    while (my $line = <$f>) {
        last unless $line =~ /\n$/;
        my $e = $json->decode($line);
        push @entries, $e if $e->{stage} eq 'ResponseComplete';
    }
    return @entries;
}

# The gateway's own requests: all, or grep'd by verb, resource, name, code
# (a pattern each): gateway_calls(since => $m, verb => qr/patch/).  Those about
# the leader's Lease only when a resource is asked for.
sub gateway_calls {
    my ($self, %o) = @_;
    return grep {
        my $e = $_;
        my %is = (verb => $e->{verb}, resource => $e->{objectRef}{resource},
            name => $e->{objectRef}{name}, code => $e->{responseStatus}{code},
            uri => $e->{requestURI});
        # the leader renews its Lease all the time, whatever is asked of it
        ($o{resource} || ($is{resource} // '') ne 'leases')
            && !grep { exists $is{$_} && ($is{$_} // '') !~ /^(?:$o{$_})$/ } keys %o;
    } grep { $_->{user}{username} =~ /^system:serviceaccount:.*aigc/ }
        $self->audit($o{since});
}

# Its successful writes to GameServerSets: { name => count }.
sub gateway_writes {
    my ($self, $since) = @_;
    my %n;
    $n{ $_->{objectRef}{name} }++ for $self->gateway_calls(since => $since,
        verb => qr/patch|update|create|delete/, resource => 'gameserversets',
        code => qr/2\d\d/);
    return \%n;
}

### Faults between gateway and API server (a stack with faults => 1)

sub faults {        # sets the rules; without an argument: those in force
    my ($self, $rules) = @_;
    return $self->_fault_control($rules ? 'PUT' : 'GET', '/rules', $rules);
}

sub no_faults       { $_[0]->_fault_control('DELETE', '/rules') }
sub fault_log       { $_[0]->_fault_control('GET', '/log') }
sub clear_fault_log { $_[0]->_fault_control('DELETE', '/log') }
sub apiserver_down  { $_[0]->_fault_control('POST', '/down') }
sub apiserver_up    { $_[0]->_fault_control('POST', '/up') }
sub cut_connections { $_[0]->_fault_control('POST', '/cut') }

sub _fault_control {
    my ($self, $method, $path, $body) = @_;
    croak 'start the stack with faults => 1' unless $self->{opt}{faults};
    return $self->control($self->port(7), $method, $path, $body);
}

sub _write {
    my ($file, $text) = @_;
    open my $f, '>', $file or croak "$file: $!";
    print $f $text;
    close $f;
}

sub _slurp {
    my ($file) = @_;
    open my $f, '<', $file or return '';
    local $/;
    return <$f> // '';
}

1;
