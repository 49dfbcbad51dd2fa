# t/adopt.t — an installation of the original gateway is taken over, and nothing
# that a user has written about himself is believed alone

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $key  = "default-$name";

my $t = AIGC::Stack->start(templates => []);

# As the original leaves it: pods 0 to 2 run, 3 is released and keeps its disk.
$t->apply_template($name, { spec => { replicas => 4 } });
pods(4);
$t->kube_patch('gss', $name, { spec => { replicas => 3, reserveGameServerIds => [3] } });
pods(3);
$t->wait_for(sub { settled() }, 10, 'OKG has digested it');
for my $id (0 .. 3) {
    open my $f, '>', $t->file("cluster/disks/default/user-data-$name-$id/work") or die $!;
    print $f "work of $id";
    close $f;
}
# A disk that is carol's, and one that nobody claims.
$t->apply(pvc($name, 4, 'carol0000000'));

sub entry { my ($id, $n, $ns) = @_; return { ID => $id, Name => $n // $name, Type => '', Namespace => $ns // 'default' } }
sub pods { my ($n) = @_; $t->wait_for(sub { my @p = grep { ($_->{status}{phase} // '') eq 'Running' && !$_->{metadata}{deletionTimestamp} }
    $t->kube_list('pods'); @p == $n && $n == $t->kube_list('gs') }, 30, "$n pods run") }
sub settled { my $g = $t->kube_get('gss', $name); my ($x) = grep { $_->{name} eq $name } @{ $t->table->{templates} };
    return $x && $x->{settled} && $x->{generation} == $g->{metadata}{generation} && $g->{status}{observedGeneration} == $x->{generation} }
sub pvc {
    my ($n, $id, $owner) = @_;
    return { apiVersion => 'v1', kind => 'PersistentVolumeClaim',
        metadata => { name => "user-data-$n-$id", labels => { 'game.kruise.io/owner-gss' => $n },
            $owner ? (annotations => { 'aigc-gateway.io/owner' => $owner }) : () },
        spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } };
}
sub uids { return { map { $_->{metadata}{name} => $_->{metadata}{uid} } $t->kube_list('pods') } }
sub adopt { my ($c, $body) = @_; return $c->api('POST', '/api/v1/admin/adopt', $body) }
sub short { my ($list) = @_; return [map { my %i = %$_; join ' ', grep { defined } @i{qw(id user reason)} } @$list] }
sub id { my ($user) = @_; return $user . '0' x (12 - length $user) }

my %data = (
    alice  => { $key => entry('0'), theme => 'dark' },
    bob    => { $key => entry('1') },
    user01 => { $key => entry('3') },
    user02 => { $key => entry('2') },
    user03 => { $key => entry('2') },               # two claim one
    user04 => { $key => entry('1'), 'default-none' => entry('0', 'none') },     # bob's
    user05 => { $key => entry('4') },               # on carol's disk
    user06 => { $key => entry(0) },                 # shapes
    user07 => { $key => entry('-1') },
    user08 => { $key => entry('77') },
    user09 => { $key => entry('00') },
    user10 => { $key => 'x', "$key-" => entry('0'), other => entry('0'), 'kube-system-x' => [], '' => entry('0') },
    user11 => { $key => { ID => '0' }, 'a' => { Name => {}, Namespace => [], ID => '0' } },
    user12 => { $key => entry('100000') },
    user13 => { $key => entry(undef) },
    user14 => { $key => entry({ x => 1 }) },
    user15 => { $key => entry('1 ') },
    user16 => { $key => entry('99999999999999999999') },
);
$t->custom_data($_, $data{$_}) for keys %data;

### Who may

my $carol = $t->sign_in('carol');
my $alice = $t->sign_in('alice');

my $r = adopt($alice);
is $r->code, 403, 'who is no administrator is refused';
is +($r->problem // {})->{code}, 'not-admin', 'and told why';
is $t->stranger->api('POST', '/api/v1/admin/adopt')->code, 401, 'nobody is asked to sign in';
is $carol->get($t->url('/api/v1/admin/adopt'))->code, 405, 'a GET is no adoption';
is adopt($carol, { confirm => 7 })->code, 400, 'a confirmation is a text';
is $carol->api('POST', "/api/v1/templates/default/$name/install")->code, 409,
    'nobody installs beside pods that no gateway has installed';

### The dry run

my $mark = $t->audit_mark;
$r = adopt($carol);
is $r->code, 200, 'a dry run answers';
my $list = $r->json;
is_deeply short($list->{adopt}), ['0 ' . id('alice'), '3 ' . id('user01')], 'what exactly one user claims';
is_deeply $list->{adopt}[0], { namespace => 'default', template => $name, id => 0, user => id('alice') }, 'said in full';
is_deeply [sort @{ short($list->{conflicts}) }], [sort
    '1 ' . id('bob') . ' claimed-twice', '1 ' . id('user04') . ' claimed-twice',
    '2 ' . id('user02') . ' claimed-twice', '2 ' . id('user03') . ' claimed-twice',
    '4 ' . id('user05') . ' foreign-disk', '0 ' . id('user04') . ' no-template',
    '77 ' . id('user08') . ' no-instance',
    map { id("user$_") . ' bad-id' } qw(06 07 09 12 13 14 15 16)], 'everything else is a conflict, with its reason';
is_deeply short($list->{stops}), [1, 2], 'and what would be stopped is said';
like $list->{confirm}, qr/^[0-9a-f]{64}$/, 'with a digest to confirm';
is_deeply [map { "$_->{verb} $_->{objectRef}{resource}" } $t->gateway_calls(since => $mark, verb => qr/patch|update|create|delete/)],
    [], 'a dry run writes nothing';
is_deeply $t->custom_data('alice'), $data{alice}, 'here nor there';
is adopt($carol)->json->{confirm}, $list->{confirm}, 'the same list has the same digest';

### Confirmed

$t->custom_data('user04', {});                      # the liar, put right
$r = adopt($carol, { confirm => $list->{confirm} });
is $r->code, 409, 'another list than that which was confirmed is not adopted';
is $r->problem->{code}, 'list-changed', 'and the answer says so';
$list = $r->json;
is_deeply short($list->{adopt}), ['0 ' . id('alice'), '1 ' . id('bob'), '3 ' . id('user01')], 'with the new list';
is_deeply short($list->{stops}), [2], 'and what it stops';
is_deeply $t->claims($name), {}, 'nothing was written';

my $pods = uids();
$mark = $t->audit_mark;
$r = adopt($carol, { confirm => $list->{confirm} });
is $r->code, 200, 'the confirmed list is adopted' or diag $r->content;
is_deeply short($r->json->{adopted}), ['0 ' . id('alice'), '1 ' . id('bob'), '3 ' . id('user01')], 'all of it';
is_deeply $t->gateway_writes($mark), { $name => 1 }, 'by one write of the template';
my $claims = $t->claims($name);
is_deeply { map { $_ => "$claims->{$_}{owner} $claims->{$_}{state}" } keys %$claims },
    { 0 => id('alice') . ' running', 1 => id('bob') . ' running', 3 => id('user01') . ' released' },
    'each has his own, in the state that it was in';
$t->wait_agree($name);

my $bob = $t->sign_in('bob');
for ([$alice, 0], [$bob, 1]) {
    my ($c, $id) = @$_;
    my ($inst) = grep { $_->template eq $name } $c->instances;
    is $inst->id, $id, $c->user . ' has it';
    $inst->wait_ready;
    is $c->get($inst->url('/info'))->json->{uid}, $pods->{"$name-$id"}, 'it was not restarted';
    is $c->get($inst->url('/disk/work'))->content, "work of $id", 'and has the old disk';
    is $_->get($inst->url)->code, 403, 'which is nobody else\'s' for $carol, $c == $bob ? $alice : $bob;
}
my ($three) = $t->sign_in('user01')->instances;
is $three->state, 'released', 'what was released is released';
$three->start->wait_ready;
is $three->client->get($three->url('/disk/work'))->content, 'work of 3', 'and starts on the old disk';
my %owner = map { $_->{metadata}{name} =~ /-(\d+)$/ => $_->{metadata}{annotations}{'aigc-gateway.io/owner'} } $t->kube_list('pvcs');
is_deeply \%owner, { 0 => id('alice'), 1 => id('bob'), 2 => undef, 3 => id('user01'), 4 => id('carol') },
    'the disks carry their owners, and one that is disputed carries none';
is_deeply $t->custom_data('alice'), $data{alice}, 'custom data was right and stays';
is_deeply $t->custom_data('user02'), $data{user02}, 'a claim that is disputed stays for the next run';

### Again

$mark = $t->audit_mark;
$list = adopt($carol)->json;
is_deeply $list->{adopt}, [], 'a second run has nothing to adopt';
$r = adopt($carol, { confirm => $list->{confirm} });
is $r->code, 200, 'and may be confirmed';
is_deeply $t->gateway_writes($mark), {}, 'to no effect';
$t->custom_data('user03', {});
$list = adopt($carol)->json;
is_deeply short($list->{adopt}), ['2 ' . id('user02')], 'once the dispute is settled the rest follows';
is adopt($carol, { confirm => $list->{confirm} })->code, 200, 'in a run of its own';
is $t->claims($name)->{2}{state}, 'released', 'stopped meanwhile, and not started by that';
my ($two) = $t->sign_in('user02')->instances;
$two->start->wait_ready;
is $two->client->get($two->url('/disk/work'))->content, 'work of 2', 'with its disk';
cmp_ok $carol->install($name)->id, '>=', 4, 'and everybody may install again';
$t->wait_agree($name);

### When Logto is away, or its users are many or large

$t->logto_control('outage', { mode => $_, paths => '^/api/' }), is(adopt($carol)->code, 503, "Logto: $_")
    for qw(500 garbage refuse truncated);
$t->logto_control('outage', { mode => 'off' });
my $big = 'x' x 900_000;
$t->custom_data("user$_", { big => $big, %{ $t->custom_data("user$_") } }) for qw(02 20 21 22);
$t->custom_data('user23', { map({ ("default-n$_" => entry('0', "n$_")) } 1 .. 2000), big => 'x' });
$list = adopt($carol)->json;
is_deeply $list->{adopt}, [], 'large custom data is read in smaller pages';
cmp_ok @{ $list->{conflicts} }, '<=', 300, 'and who invents entries is looked at up to a bound';
$t->custom_data("user$_", {}) for 20 .. 23;

### A client that goes away

$t->logto_control('latency', { ms => 1500, paths => '^/api/users' });
$t->clear_logto_requests;
my $conn = $carol->connect;
$conn->send("POST /api/v1/admin/adopt HTTP/1.1\r\nHost: " . $t->host . ':' . $t->port . "\r\nOrigin: " . $t->origin
    . "\r\nCookie: " . 'aigc-session=' . $carol->cookie('aigc-session') . "\r\nContent-Length: 0\r\n\r\n");
$t->wait_for(sub { $t->logto_requests->{paths}{'/api/users'} }, 10, 'it has begun');
$conn->close;
$t->wait_for(sub { open my $f, '<', $t->file('log/access.log'); grep { m{POST /api/v1/admin/adopt 499} } <$f> }, 5, 'it ends with its client');
pass 'a run ends with its client';
$t->logto_control('latency', { ms => 0 });

### Two templates, and a run that dies in the middle

$t->stop;
$t = AIGC::Stack->start(faults => 1, templates => []);
$carol = $t->sign_in('carol');
for my $n ('one', 'two') {
    $t->apply_template('notebook', { metadata => { name => $n }, spec => { replicas => 2 } }, sub {
        $_->{name} eq 'Host' and $_->{value} = "$n<id>." . $t->root for @{ $_[0]{spec}{network}{networkConf} } });
}
$t->wait_for(sub { 4 == grep { $_->{gameServer} // 1 } grep { $_->{disk} ne 'none' } @{ $t->table->{instances} } }, 30, 'disks are there');
$t->wait_for(sub { 4 == grep { ($_->{status}{phase} // '') eq 'Running' } $t->kube_list('pods') }, 30, 'pods run');
$t->wait_for(sub { 2 == grep { $_->{settled} && $_->{generation} == $_->{observedGeneration} } @{ $t->table->{templates} } }, 10, 'OKG is done');
my @who = qw(alice bob user01 user02);
$t->custom_data($who[$_], { 'default-' . ($_ < 2 ? 'one' : 'two') => entry('' . $_ % 2, $_ < 2 ? 'one' : 'two') }) for 0 .. 3;
$pods = uids();
$list = adopt($carol)->json;
is_deeply short($list->{adopt}), [map { $_ % 2 . ' ' . id($who[$_]) } 0 .. 3], 'two templates are adopted';
is_deeply $list->{stops}, [], 'whole';

for (
    ['a disk is not stamped', { method => 'PATCH', path => 'persistentvolumeclaims', skip => 1, times => 1, action => { status => 500, body => '{}' } }],
    ['an answer is lost',     { method => 'PATCH', path => 'persistentvolumeclaims', skip => 1, times => 1, action => { forwardThenStatus => JSON::PP::true, status => 500 } }],
    ['the second template is not written', { method => 'PATCH', path => 'gameserversets', skip => 1, times => 1, action => { status => 503, body => '{}' } }],
) {
    my ($what, $rule) = @$_;
    $t->faults([$rule]);
    $list = adopt($carol)->json;
    $r = adopt($carol, { confirm => $list->{confirm} });
    is join(' ', $r->code, ($r->problem // {})->{code} // '-'), '502 cluster-unavailable', "$what: the run ends" or diag $r->content;
    is_deeply uids(), $pods, 'no pod has gone';
}
$t->no_faults;
is_deeply [map { scalar keys %{ $t->claims($_) } } 'one', 'two'], [2, 0], 'half of it is adopted, template by template';
$t->allow_log(qr/a(?:n adoption was not taken| disk was not adopted)/);

# a policy of the cluster's refuses the write: asking again would change nothing
$t->clear_fault_log;
$t->faults([{ method => 'PATCH', path => 'gameserversets', action => { status => 422,
    body => '{"kind":"Status","reason":"Invalid","code":422,"message":"a policy says no"}' } }]);
$list = adopt($carol)->json;
$r = adopt($carol, { confirm => $list->{confirm} });
is join(' ', $r->code, ($r->problem // {})->{code} // '-'), '502 cluster-unavailable', 'a write that is refused ends the run' or diag $r->content;
my $counts = $t->fault_log->{counts};
is eval { my $n = 0; $n += $counts->{$_} for grep { /^PATCH .*gameserversets/ } keys %$counts; $n }, 1, 'and is not tried again';
$t->no_faults;

$t->faults([{ method => 'PATCH', path => 'gameserversets', times => 2, action => { status => 409, body => '{}' } }]);
$list = adopt($carol)->json;
is_deeply short($list->{adopt}), ['0 ' . id('user01'), '1 ' . id('user02')], 'the next run takes up the rest';
$r = adopt($carol, { confirm => $list->{confirm} });
is $r->code, 200, 'also when a write has to be tried again' or diag $r->content;
is_deeply uids(), $pods, 'and still every pod is the old one';
$t->wait_agree($_) for 'one', 'two';
is adopt($carol, { confirm => $list->{confirm} })->code, 409, 'an old confirmation is worth nothing';

### OKG 0.4: a release that waits for another's pod to end

$t->stop;
$t = AIGC::Stack->start(okg => '0.4', templates => []);
$carol = $t->sign_in('carol');
$t->apply_template($name, { spec => { replicas => 3, gameServerTemplate => { metadata => { annotations => { 'fake/stop-delay' => '15s' } } } } });
pods(3);
$t->kube_patch('gss', $name, { spec => { replicas => 2, reserveGameServerIds => [0] } });
$t->wait_for(sub { $t->kube_get('pods', "$name-0")->{metadata}{deletionTimestamp} }, 10, 'the first pod is ending');
$t->kube_patch('gss', $name, { spec => { replicas => 1, reserveGameServerIds => [0, 1] } });
$t->wait_for(sub { my $g = $t->kube_get('gss', $name); my ($x) = @{ $t->table->{templates} };
    $x->{generation} == $g->{metadata}{generation} && $x->{observedGeneration} == $x->{generation} }, 10, 'the gateway knows');
is $t->kube_get('pods', "$name-1")->{metadata}{deletionTimestamp}, undef, 'the second pod is still there';
$t->custom_data($who[$_], { $key => entry("$_") }) for 0 .. 2;
$list = adopt($carol)->json;
is_deeply $list->{stops}, [], 'nothing more is stopped than was asked for';
is adopt($carol, { confirm => $list->{confirm} })->code, 200, 'it is adopted meanwhile';
$claims = $t->claims($name);
is_deeply { map { $_ => $claims->{$_}{state} } keys %$claims }, { 0 => 'released', 1 => 'released', 2 => 'running' },
    'what was released and still runs is released';
$t->wait_agree($name, 40);

done_testing;
