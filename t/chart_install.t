# t/chart_install.t — the chart on a real API server: its rights are what a
# gateway uses and no more, what the gateways write outlives Helm, and its
# admission policy lets nobody else write what they record

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Chart qw(helm $CHART);
use JSON::PP ();
use MIME::Base64 qw(encode_base64);
use Time::HiRes qw(time);

my $SKEW = 30;              # s that an expired token is still taken
my $LATE = 27;              # s that ID tokens are issued too late here
my $name = 'stable-diffusion-cpu';
my $ROLES = '/apis/rbac.authorization.k8s.io/v1';
my $SECRETS = '/api/v1/namespaces/aigc-gateway/secrets';

# At Keycloak, which replaces refresh tokens: the Secret for them is in use.
my $t = AIGC::Stack->start(workers => 2, faults => 1, templates => [$name], logto => ['--like', 'keycloak'], edit => sub {
    my ($text) = @_;
    $text =~ s{aigc_logto (\S+) app_id=(\S+) .*? app_secret_file=(\S+) [^;]*;}
              {aigc_oidc issuer=$1/realms/aigc client_id=$2 client_secret_file=$3 grace=off;} or die $text;
    return $text;
});
$t->logto_control(rotation => { every => JSON::PP::true, leeway => 0 });

sub at_helm {
    my (@args) = @_;
    my ($status, $said) = helm($t, @args, '-n', 'aigc-gateway');
    is $status, 0, "helm $args[0]" or diag $said;
    return $said;
}

my @values = map { ('--set', $_) } 'gateway.url=https://dashboard.example.com', 'gateway.domain=example.net', 'oidc.issuer=https://id.example.com',
    'oidc.clientId=x', 'secrets.appSecret.value=not-a-secret', 'serviceAccount.create=false', 'serviceAccount.name=aigc-gateway';

sub entries { return $t->kube_get("$SECRETS/aigc-sessions")->{data} }
sub session_key { return $t->kube_get("$SECRETS/aigc-gateway")->{data}{'session-key'} }

# [verb, group/resource, namespace] of each right
sub rights {
    my ($ns, $rules) = @_;
    my @rights;
    for my $rule (@$rules) {
        for my $resource (map { my $g = $_; map { "$g/$_" } @{ $rule->{resources} } } @{ $rule->{apiGroups} }) {
            push @rights, map { "$_ $resource in $ns" } @{ $rule->{verbs} };
        }
    }
    return sort @rights;
}

my @rules;

subtest 'its rights' => sub {
    $t->stop_nginx;
    my @plain = map { $t->kube_get("$ROLES/$_")->{rules} } 'clusterroles/aigc-gateway', 'namespaces/aigc-gateway/roles/aigc-gateway';
    $t->kubectl('delete', 'clusterrole', 'aigc-gateway');
    $t->kubectl('delete', 'rolebinding', '-n', 'default', 'aigc-gateway');
    $t->kubectl('delete', '-n', 'aigc-gateway', 'role/aigc-gateway', 'rolebinding/aigc-gateway', 'secret/aigc-sessions', 'lease/aigc-gateway', '--ignore-not-found');
    $t->kubectl('delete', '-n', 'aigc-gateway', 'configmap/aigc-revocations', '--ignore-not-found');
    # (an API server on loopback does not tell where it is)
    $t->kubectl({ in => JSON::PP::encode_json({ apiVersion => 'discovery.k8s.io/v1', kind => 'EndpointSlice', metadata => { name => 'kubernetes', namespace => 'default' },
        addressType => 'IPv4', endpoints => [{ addresses => ['203.0.113.9'] }], ports => [{ port => 6443 }] }) }, 'apply', '-f', '-');
    like at_helm('install', 'aigc-gateway', $CHART, @values), qr/\Qhttps:\/\/dashboard.example.com\/sign-in-callback\E/, 'its notes say what the provider has to know';
    @rules = map { $t->kube_get("$ROLES/namespaces/$_")->{rules} } 'default/roles/aigc-gateway-templates', 'aigc-gateway/roles/aigc-gateway';
    is_deeply \@rules, \@plain, 'are those of rbac.yaml';
    my %kept = map { $_ => 1 } map { map { @{ $_->{ipBlock}{except} // [] } } @{ $_->{to} // [] } }
        @{ $t->kube_get('/apis/networking.k8s.io/v1/namespaces/default/networkpolicies/aigc-gateway-instances')->{spec}{egress} };
    is $kept{'203.0.113.9/32'}, 1, 'and where the API server is instances do not go';
};

subtest 'a gateway with exactly these rights' => sub {
    my $mark = $t->audit_mark;

    # a cluster that streams no list yet, then one that does
    $t->faults([{ query => 'sendInitialEvents', action => { status => 400, body => '{"kind":"Status"}' } }]);
    $t->start_nginx;
    $t->wait_ready;
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/disks' => 'delete' } } });

    my $alice = $t->sign_in('alice');
    my $inst = $alice->install($name)->wait_ready;
    is $alice->get($inst->url)->code, 200, 'an instance is installed and visited';
    $inst->restart;
    $inst->wait_ready;

    # a problem that is told of by an event
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'instance.aigc-gateway.io/77' => 'x' } } });
    $t->wait_for(sub { $t->gateway_calls(since => $mark, verb => qr/create/, resource => 'events', code => qr/201/) }, 20, 'it is told of');
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'instance.aigc-gateway.io/77' => undef } } });

    $inst->uninstall(delete_disk => 'true');
    $inst->wait_gone;

    # two sign-outs: the ConfigMap is made, and then written to
    for (1, 2) {
        is $t->sign_in('bob')->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'somebody signs out';
        $t->wait_for(sub { keys %{ ($t->kube_get('/api/v1/namespaces/aigc-gateway/configmaps/aigc-revocations') // {})->{data} // {} } >= $_ }, 10, 'it is written');
    }

    # two renewals; the second one's write meets a conflict
    $t->logto_control(lifetimes => { id_token => -$LATE });
    my $carol = $t->sign_in('carol');
    for my $conflict (0, 1) {
        my $end = int(time) + 1 + $SKEW - $LATE;
        $t->wait_for(sub { time >= $end }, 10, 'the token has expired');
        $t->faults([{ method => 'PATCH', path => '/secrets/', times => 1, action => { status => 409, body => '{"kind":"Status"}' } }]) if $conflict;
        is $carol->get('/api/v1/me')->code, 200, 'a session is renewed';
        $t->wait_for(sub { keys %{ entries() } > 1 }, 10, 'the Secret has its refresh token');
    }
    $t->no_faults;
    $t->wait_for(sub { $t->gateway_calls(since => $mark, verb => qr/get/, resource => 'secrets', code => qr/200/) }, 20, 'after a conflict the Secret is read');
    $t->stop_nginx;

    my (%used, @refused);
    for my $e ($t->gateway_calls(since => $mark), $t->gateway_calls(since => $mark, resource => 'leases')) {
        my $o = $e->{objectRef};
        my $what = "$e->{verb} " . ($o->{apiGroup} // '') . "/$o->{resource} in $o->{namespace}";
        # (404 tells it what it asks: the pod is gone, there is no Lease yet)
        push @refused, $what if $e->{responseStatus}{code} == 403;
        $used{$what} = 1 if $e->{responseStatus}{code} =~ /^(?:2..|404)$/;
    }
    my %granted = map { $_ => 1 } rights('default', $rules[0]), rights('aigc-gateway', $rules[1]);
    cmp_ok scalar keys %granted, '>=', 25, scalar(keys %granted) . ' rights';
    is join("\n", @refused), '', 'nothing was refused';
    is join("\n", grep { !$used{$_} } sort keys %granted), '', 'and each right was needed';
};

subtest 'what outlives Helm' => sub {
    my ($entries, $key) = (entries(), session_key());
    cmp_ok scalar keys %$entries, '>', 1, 'the Secret has entries';
    my $same = sub {
        my ($after) = @_;
        is_deeply entries(), $entries, "$after: all are there";
        is session_key(), $key, '… and so is the session key';
    };
    at_helm('upgrade', 'aigc-gateway', $CHART, @values, '--set', 'commonLabels.team=a', '--set', 'gateway.zone=32m');
    is $t->kube_get("$SECRETS/aigc-sessions")->{metadata}{labels}{team}, 'a', 'the Secret was changed';
    $same->('an upgrade');
    at_helm('rollback', 'aigc-gateway', '1');
    is $t->kube_get("$SECRETS/aigc-sessions")->{metadata}{labels}{team}, undef, 'and again';
    $same->('a rollback');
    at_helm('uninstall', 'aigc-gateway');
    is $t->kube_get('/apis/apps/v1/namespaces/aigc-gateway/deployments/aigc-gateway'), undef, 'the gateway is gone';
    $same->('an uninstall');
    at_helm('install', 'aigc-gateway', $CHART, @values);
    $same->('another install');
    $t->kubectl('apply', '--server-side', '--force-conflicts', '-f', $t->repo('docker/kubernetes/rbac.yaml'));
    $same->('rbac.yaml');

    # its README says so: --force replaces objects
    at_helm('upgrade', 'aigc-gateway', $CHART, @values, '--force');
    is_deeply entries(), { version => 'MQ==' }, 'what is replaced by force has lost its entries';
    is session_key(), $key, '… but the session key is the same';
};

subtest 'who may write what the gateway records' => sub {
    my ($okg) = map { $_->{user}{username} } grep { $_->{verb} eq 'patch' && ($_->{objectRef}{resource} // '') eq 'gameserversets'
        && $_->{user}{username} !~ /serviceaccount|^admin$/ } $t->audit(0);
    at_helm('upgrade', 'aigc-gateway', $CHART, @values, '--set', 'admissionPolicy.enabled=true', '--set', "admissionPolicy.controller=$okg",
        '--set', 'admissionPolicy.exemptUsers={restorer}', '--set', 'admissionPolicy.exemptGroups={platform-team}');
    my @dry = ('--dry-run=server');
    my $patch = sub { my ($patch, @as) = @_; ($t->try_kubectl('patch', 'gss', $name, '--type=merge', '-p', JSON::PP::encode_json($patch), @dry, @as))[2] };
    my $note = sub { return { metadata => { annotations => { $_[0] => $_[1] } } } };

    # it is in force after some seconds
    $t->wait_for(sub { $patch->($note->('aigc-gateway.io/top', '99')) =~ /aigc-gateway\.io\/top: annotations by which/ }, 30, 'the policy is in force');

    # as many annotations as a template may have: rules of admission have a budget
    my $crowd = $t->template($name);
    $crowd->{metadata}{name} = 'crowd';
    $crowd->{metadata}{annotations}{"instance.aigc-gateway.io/$_"} = JSON::PP::encode_json({ owner => "user$_", state => 'released', since => '2026-01-01T00:00:00Z' }) for 0 .. 2499;
    $crowd->{spec}{reserveGameServerIds} = [0 .. 2499];
    $t->kubectl({ in => JSON::PP::encode_json($crowd) }, 'create', '-f', '-');
    is +($t->try_kubectl('annotate', 'gss', 'crowd', 'aigc-gateway.io/title=Many'))[2], '', '2,500 annotations are compared';
    like +($t->try_kubectl('annotate', 'gss', 'crowd', 'instance.aigc-gateway.io/2000-'))[2], qr/instance\.aigc-gateway\.io\/2000: annotations by which/, '… each of them';
    $t->kubectl('delete', 'gss', 'crowd');

    # the gateway goes on, with pods to lose
    $t->start_nginx;
    $t->wait_ready;
    my $alice = $t->sign_in('alice');
    my $inst = $alice->install($name)->wait_ready;
    is $alice->get($inst->url)->code, 200, 'the gateway installs';

    my $replicas = qr/replicas of this template is the gateway's to lower/;
    like $patch->({ spec => { replicas => 0 } }), $replicas, 'an administrator does not lower replicas';
    like +($t->try_kubectl({ in => $t->template_text($name) }, 'apply', '-f', '-', @dry))[2], $replicas, '… by applying the file again';
    like +($t->try_kubectl('scale', 'gss', $name, '--replicas=0', @dry))[2], $replicas, '… nor by scaling';
    like $patch->({ spec => { reserveGameServerIds => [9] } }), qr/reserveGameServerIds of this template is the gateway's/, '… nor edits the reserve list';
    like $patch->($note->('instance.aigc-gateway.io/' . $inst->id, undef)), qr/instance\.aigc-gateway\.io\/\d+: annotations by which/, '… nor takes an owner away';
    like $patch->($note->('instance.aigc-gateway.io/500', '{}')), qr/instance\.aigc-gateway\.io\/500: annotations by which/, '… nor makes one';
    like $patch->($note->('aigc-gateway.io/set-aside', '1')), qr/set-aside: annotations by which/, '… nor sets one aside';
    is $patch->($note->('aigc-gateway.io/title', 'Diffusion')), '', 'a title is the administrator\'s';
    is $patch->({ spec => { gameServerTemplate => { metadata => { labels => { a => 'b' } } } } }), '', 'and so is the rest';

    my @masters = ('--as-group=system:masters');
    is $patch->({ spec => { reserveGameServerIds => [9] } }, "--as=$okg", @masters), '', 'OpenKruiseGame rewrites the reserve list';
    like $patch->({ spec => { replicas => 0 } }, "--as=$okg", @masters), $replicas, '… and no more than that';
    is $patch->({ spec => { replicas => 0 } }, '--as=restorer', @masters), '', 'an exempt user may';
    is $patch->({ spec => { replicas => 0 } }, '--as=x', @masters, '--as-group=platform-team'), '', 'an exempt group may';

    my ($claim) = grep { $_->{metadata}{annotations}{'aigc-gateway.io/owner'} } $t->kube_list('pvcs');
    ok $claim, 'the owner of the disk is recorded';
    my $disk = sub { my ($annotations, @as) = @_;
        ($t->try_kubectl('patch', 'pvc', $claim->{metadata}{name}, '--type=merge', '-p', JSON::PP::encode_json({ metadata => { annotations => $annotations } }), @dry, @as))[2] };
    my $whose = qr/say whose this disk is: they are the gateway's/;
    like $disk->({ 'aigc-gateway.io/owner' => 'mallory' }), $whose, 'nobody else says whose a disk is';
    like $disk->({ 'aigc-gateway.io/owner' => undef }), $whose, '… or that it is nobody\'s';
    like $disk->({ 'aigc-gateway.io/stray' => 'x' }), $whose, '… or that it was made for nobody';
    is $disk->({ note => 'x' }), '', 'other annotations are free';
    my $new = sub { my (%annotations) = @_; ($t->try_kubectl({ in => JSON::PP::encode_json({ apiVersion => 'v1', kind => 'PersistentVolumeClaim',
        metadata => { name => 'new', annotations => \%annotations }, spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } }) },
        'create', '-f', '-', @dry))[2] };
    like $new->('aigc-gateway.io/owner' => 'mallory'), $whose, 'nobody makes a disk that is somebody\'s';
    is $new->(note => 'x'), '', 'a disk of no owner is free';

    $inst->release;
    $inst->wait_state('released');
    pass 'the gateway releases';
    $inst->start->wait_ready;
    $inst->uninstall(delete_disk => 'true');
    $inst->wait_gone;
    pass 'and uninstalls';
    is_deeply [map { $_->{user}{username} } grep { $_->{responseStatus}{code} == 403 && $_->{user}{username} !~ /^(?:admin|x|restorer)$/ && ($_->{requestURI} !~ /dryRun/) } $t->audit(0)], [],
        'nobody who should write was refused';
};

done_testing;
