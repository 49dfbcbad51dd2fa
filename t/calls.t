# t/calls.t — what each operation asks of Kubernetes, counted from the API
# server's audit log; the table of docs/administration.md

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name  = 'seamless';
my $t     = AIGC::Stack->start(workers => 2, templates => []);
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my @table;

$t->apply_template('stable-diffusion-cpu', { metadata => { name => $name }, spec => { updateStrategy => undef } }, sub {
    $_[0]{spec}{updateStrategy} = { type => 'OnDelete' };
});

my $mark;
my %calls;

# All but watches, as "verb resource"; the leader's Lease is not among them.  Is
# the pod gone?  That is asked again while it is not: what says so counts.
sub calls {
    my %n;
    $n{"$_->{verb} $_->{objectRef}{resource}"}++
        for grep { $_->{verb} ne 'get' || $_->{responseStatus}{code} == 404 }
            $t->gateway_calls(since => $mark, verb => qr/(?!watch).*/, code => qr/2\d\d|404/);
    $n{'get pods'} = 1 if $n{'get pods'};
    return \%n;
}

sub words { my ($n) = @_; return join(', ', map { $n->{$_} > 1 ? "$_ × $n->{$_}" : $_ } sort keys %$n) || 'none' }

# What the sub asks for, and what follows of it: all that is expected has come,
# and nothing else has once the reconciler has looked again.
sub counted {
    my ($what, $do, $request, $leader) = @_;
    $leader //= {};
    my $begun = $mark = $t->audit_mark;
    my $patches = metric('patches');
    $do->();
    my %all = (%$request, map { $_ => ($request->{$_} // 0) + $leader->{$_} } keys %$leader);
    $t->wait_for(sub { my $n = calls(); !grep { ($n->{$_} // 0) < $all{$_} } keys %all }, 15,
        sub { "the calls of $what: " . words(calls()) });
    settle();
    is_deeply calls(), \%all, "$what: " . words($request) . (%$leader ? ', the leader: ' . words($leader) : '');
    is metric('patches') - $patches,
        scalar($t->gateway_calls(since => $begun, verb => 'patch', resource => 'gameserversets')),
        '… and aigc_patches_total counts what was sent to GameServerSets';
    push @table, [$what, words($request), words($leader)];
}

# Nothing is left to do: spec agrees, disks are recorded, and the passes of two
# more seconds have found it so.
sub settle {
    $t->wait_agree($name);
    my $passes = metric('passes');
    $t->wait_for(sub { metric('passes') >= $passes + 2 }, 10, 'two more passes of worker 0');
}

sub metric { my ($name) = @_; return $t->status('/metrics')->content =~ /^aigc_${name}_total (\d+)/m ? $1 : die 'no such metric' }

my ($inst, $his);
counted('install', sub { $inst = $alice->install($name)->wait_ready },
    { 'patch gameserversets' => 1 }, { 'patch persistentvolumeclaims' => 1 });
counted('visit', sub { is $alice->get($inst->url)->code, 200, 'she visits it' for 1 .. 5 }, {});
counted('GET templates, instances, me', sub {
    is $alice->api('GET', "/api/v1/$_")->code, 200, "GET $_" for qw(templates instances me) }, {});
counted('GET events', sub { my $s = $alice->events; $s->snapshot; $s->close }, {});
counted('install again', sub { is $alice->install($name)->id, $inst->id, 'the same one' }, {});
counted('release', sub { $inst->release->wait_state('released') }, { 'patch gameserversets' => 1 });
counted('start', sub { $inst->start->wait_ready }, { 'patch gameserversets' => 1 });
counted('restart', sub { $inst->restart->wait_ready }, { 'delete pods' => 1 });
counted('update, with nothing to update', sub { is $inst->try('update')->code, 200, 'nothing to do' }, {});

$t->kube_patch('gss', $name, { spec => { gameServerTemplate => { metadata => { annotations => { touched => 'now' } } } } });
$t->wait_for(sub { $inst->look->data->{updateAvailable} }, 10, 'the update is shown');
counted('update', sub { $inst->update->wait_ready }, { 'delete pods' => 1 });

counted('uninstall', sub { $inst->uninstall->wait_gone },
    { 'patch gameserversets' => 1 }, { 'get pods' => 1, 'patch gameserversets' => 1 });
counted('install, on the kept disk', sub { $inst = $alice->install($name)->wait_ready }, { 'patch gameserversets' => 1 });
counted('uninstall, the disk deleted', sub { $inst->uninstall(delete_disk => 'true')->wait_gone },
    { 'patch gameserversets' => 1 },
    { 'delete persistentvolumeclaims' => 1, 'get pods' => 1, 'patch gameserversets' => 1 });
counted('a refusal', sub {
    $his = $bob->install($name)->wait_ready;
    $t->wait_for(sub { calls()->{'patch persistentvolumeclaims'} }, 10, 'his disk is recorded');
    settle();
    $mark = $t->audit_mark;
    is $alice->api('POST', $his->path . '/release')->code, 403, 'not hers';
}, {});

# A write names its writer: an Event and a revocation are among them.
$bob->post('/sign-out', headers => { Origin => $t->url =~ s{/$}{}r });
$t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/disks' => 'perhaps' } } });
my @writes;
for my $kind (qw(leases gameserversets persistentvolumeclaims configmaps events)) {
    $t->wait_for(sub { @writes = $t->gateway_calls(verb => qr/create|update|patch/, resource => qr/$kind/) }, 15, "a write of $kind");
    is_deeply [grep { !m{[?&]fieldManager=aigc-gateway(?:&|$)} } map { $_->{requestURI} } @writes], [], "$kind: each write says whose it is";
}
my ($status, undef, $said) = $t->try_kubectl({ in => JSON::PP::encode_json({ %{ $t->template('stable-diffusion-cpu',
    { metadata => { name => $name }, spec => { replicas => 7 } }) } }) }, 'apply', '--server-side', '-f', '-');
isnt $status, 0, 'kubectl apply --server-side does not set replicas back';
like $said, qr/conflict(?:s)? with "aigc-gateway".*\.spec\.replicas/s, '… and says who minds';

diag sprintf "%-32s %-26s %s", @$_ for ['operation', 'by the request', 'by the leader'], @table;

done_testing;
