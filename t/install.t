# t/install.t — install, release and start: one write each, and what it writes

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $t    = AIGC::Stack->start(templates => [$name, 'stable-diffusion-gpu']);

my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $call  = "/api/v1/templates/default/$name/install";

sub gss { return $t->kube_get('gss', $_[0] // $name) }

sub claim {     # an id's annotation, as data
    my ($id, $gss) = @_;
    my $text = ($gss // gss())->{metadata}{annotations}{"instance.aigc-gateway.io/$id"};
    return $text && JSON::PP->new->utf8->decode($text);
}

sub reserved {  # the reserve list, ranges expanded: OKG rewrites it
    my ($gss) = @_;
    return join ',', map { /^(\d+)-(\d+)$/ ? ($1 .. $2) : $_ }
        @{ ($gss // gss())->{spec}{reserveGameServerIds} // [] };
}

sub calls {     # the gateway's own calls but for watches, bar the disks' stamps
    my ($since) = @_;
    return map { "$_->{verb} $_->{objectRef}{resource} $_->{responseStatus}{code}" }
        grep { $_->{objectRef}{resource} ne 'persistentvolumeclaims' }
        $t->gateway_calls(since => $since, verb => qr/(?!watch).*/);
}

### What there is to install

my $r = $alice->api('GET', '/api/v1/templates');
is $r->code, 200, 'templates are listed';
my ($cpu) = grep { $_->{name} eq $name } @{ $r->json->{templates} };
my ($gpu) = grep { $_->{name} eq 'stable-diffusion-gpu' } @{ $r->json->{templates} };
is_deeply $gpu, { namespace => 'default', name => 'stable-diffusion-gpu',
    title => 'Stable Diffusion (GPU)', icon => '',
    description => 'Pictures from words, on a GPU of your own.',
    image => 'registry.example/lab/stable-diffusion:v1.0.0-gpu',
    resources => { cpu => '8', memory => '32Gi', gpu => '1', gpuKind => 'nvidia.com/gpu' },
    disk => '100Gi', instances => { running => 0, released => 0 }, misconfigured => undef,
    update => { seamless => JSON::PP::false, reason => undef } },
    'a card has what the template says: words, image, resources, disk, instances';
is $cpu->{title}, $name, 'without a title it is called by its name';
is_deeply $alice->api('GET', '/api/v1/instances')->json, { instances => [] },
    'nobody has an instance yet';

### Install

my $mark = $t->audit_mark;
my $uid  = gss()->{metadata}{uid};
$r = $alice->api('POST', $call);

is $r->code, 202, 'install is accepted';
is $r->location, "/api/v1/instances/default/$name/0", 'and says where the instance is';
my $inst = AIGC::Instance->new($alice, $r->json);
is_deeply { %{ $inst->data }, map { $_ => undef } qw(since state progress reason) },
    { namespace => 'default', template => $name, id => 0, owner => 'alice0000000',
    host => 'instances0-cpu.' . $t->root,
    url => 'http://instances0-cpu.' . $t->root . ':' . $t->port . '/', desired => 'running',
    updateAvailable => JSON::PP::false, map { $_ => undef } qw(since state progress reason) },
    'with its host, its owner and what is wanted of it';
like $inst->since, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'and since when it is hers';
like $inst->state, qr/^(?:pending|starting)$/, 'it is on its way';

is_deeply [calls($mark)], ['patch gameserversets 200'], 'an install is one write and no read';

my $gss = gss();
is_deeply claim(0, $gss), { owner => 'alice0000000', state => 'running',
    since => $inst->since, gss => $uid }, 'the annotation is the record';
is $gss->{spec}{replicas}, 1, 'in the same object: one replica';
is reserved($gss), '', 'nothing is reserved';
is $gss->{metadata}{annotations}{'aigc-gateway.io/top'}, '0', 'and the highest id ever used';

$inst->wait_ready;
$r = $alice->get($inst->url('/info'));
is $r->code, 200, 'the owner can visit it';
is "@{ $r->json }{qw(template instance)}", "$name 0", 'and stands before her own pod';
my $pod = $r->json->{uid};

### Again

$mark = $t->audit_mark;
$r = $alice->api('POST', $call);
is $r->code, 200, 'installed again it is the same one';
is $r->json->{id}, 0, 'by its id';
is $r->location, undef, 'which is nothing new';
is_deeply [calls($mark)], [], 'and nothing was written for that';
is_deeply [map { $_->id } $alice->instances], [0], 'she has one instance';
is_deeply [$bob->instances], [], 'which nobody else sees';
is $bob->api('GET', $inst->path)->code, 403, 'nor may look at by its path';
is $alice->api('GET', $inst->path)->json->{state}, 'ready', 'its owner may';
is +(grep { $_->{name} eq $name } @{ $bob->api('GET', '/api/v1/templates')->json->{templates} })[0]
    {instances}{running}, 1, 'everybody sees how many run';

### Only the owner's to release and start

$mark = $t->audit_mark;
for my $verb (qw(release start)) {
    $r = $bob->api('POST', $inst->path . "/$verb");
    is $r->code, 403, "$verb is not somebody else's to ask";
    is $r->problem->{code}, 'not-owner', 'who is told why';
    is $t->stranger->api('POST', $inst->path . "/$verb")->code, 401, 'nor a stranger\'s';
}
is_deeply [calls($mark)], [], 'none of which was written';

### Release

is $alice->put($inst->url('/disk/work.txt'), body => 'a picture',
    headers => { Origin => 'http://' . $inst->host . ':' . $t->port })->code, 204,
    'she leaves something on her disk';
my ($disk) = $t->kube_list('pvcs');

$mark = $t->audit_mark;
$r = $alice->api('POST', $inst->path . '/release');
is $r->code, 202, 'release is accepted';
is $r->json->{desired}, 'released', 'and wanted from now on';
is_deeply [calls($mark)], ['patch gameserversets 200'], 'it is one write, too';
is $alice->api('POST', $inst->path . '/release')->code, 200, 'asked again: it is so already';
is $alice->get($inst->url)->code, 503, 'its host has nobody to ask at once';

$inst->wait_state('released');
is_deeply [$t->kube_list('pods')], [], 'the pod is gone';
is_deeply [map { $_->{metadata}{uid} } $t->kube_list('pvcs')], [$disk->{metadata}{uid}],
    'the disk is kept';
$gss = gss();
is $gss->{spec}{replicas}, 0, 'no replica';
is reserved($gss), '0', 'the id is reserved';
is claim(0, $gss)->{state}, 'released', 'the annotation says it';
is claim(0, $gss)->{since}, $inst->since, 'and keeps the date of the install';

### Start

$mark = $t->audit_mark;
$r = $alice->api('POST', $inst->path . '/start');
is $r->code, 202, 'start is accepted';
is_deeply [calls($mark)], ['patch gameserversets 200'], 'by one write';
$inst->wait_ready;
is $alice->api('POST', $inst->path . '/start')->code, 200, 'asked again: it is so already';
is $inst->host, 'instances0-cpu.' . $t->root, 'under the same host';
$r = $alice->get($inst->url('/info'));
isnt $r->json->{uid}, $pod, 'a new pod';
is $alice->get($inst->url('/disk/work.txt'))->content, 'a picture', 'has the former disk';

### Hurried people

my @twice = map { $bob->begin_api('POST', $call) } 1 .. 4;
my @answers = map { $_->response } @twice;
is_deeply [sort map { $_->code } @answers], [200, 200, 200, 202],
    'pressed four times at once: installed once, and each is told so';
is_deeply [map { $_->json->{id} } @answers], [1, 1, 1, 1], 'one and the same';

my $mine = ($bob->instances)[0]->wait_ready;
$mine->release->start->release->start;
is $mine->desired, 'running', 'release and start in quick succession: the last word counts';
$mine->wait_ready;
$_->response for map { $bob->begin_api('POST', $mine->path . "/$_") } qw(release start release start);
$mine->look;
my $want = $mine->desired;
is claim(1)->{state}, $want, 'all at once: one of the two, and the record says which';
$mine->wait_state($want eq 'running' ? 'ready' : 'released');
is gss()->{spec}{replicas}, $want eq 'running' ? 2 : 1, 'and the cluster does as it says';
is reserved(), $want eq 'running' ? '' : '1', 'id by id';
is claim(0)->{state}, 'running', 'alice\'s was not touched';

### What does not exist

$mark = $t->audit_mark;
for my $path ("templates/default/nothing/install", "templates/elsewhere/$name/install",
    "templates/default/$name/install/", "templates/default//install",
    "templates/..%2fdefault/$name/install", "templates/default/$name%00/install",
    'templates/default/' . 'x' x 300 . '/install')
{
    $r = $alice->api('POST', "/api/v1/$path");
    ok $r->code == 404 || $path =~ /%00|%2f/ && $r->code == 400,
        substr($path, 0, 60) . ' is not found';
}
for my $id (qw(007 00 -1 +0 99999999999 18446744073709551616 0x0 5 1e1 0. %30%30)) {
    for my $verb (qw(release start)) {
        $r = $alice->api('POST', "/api/v1/instances/default/$name/$id/$verb");
        is $r->code, 404, "the id '$id' is none";
        is +($r->problem // {})->{status}, 404, 'and that is a problem' if $verb eq 'start';
    }
}
is $alice->api('POST', "/api/v1/instances/default/nothing/0/release")->code, 404,
    'an unknown template has no instance';
is $alice->api('POST', "/api/v1/instances/elsewhere/$name/0/release")->code, 404,
    'nor has another namespace';
is_deeply [calls($mark)], [], 'none of this is asked of Kubernetes';

### Odd requests

my $json = ['Content-Type' => 'application/json'];

for my $bad ('{', '[]', '"text"', '7', 'null', "\0", '{"a":1,"a":2}', '{} {}',
    '[' x 4000, "{\"a\":\"\xff\"}")
{
    $r = $alice->api('POST', $call, $bad, headers => $json);
    is $r->code, 400, 'a body that is no JSON object is refused: '
        . substr($bad, 0, 20) =~ s/[^ -~]/?/gr;
    is +($r->problem // {})->{code}, 'bad-json', 'and told so';
}
is $alice->api('POST', $call, {})->code, 200, 'an empty object is fine';
is $alice->api('POST', $call, { any => [1] })->code, 200, 'what nobody asks for is passed over';

for my $big ('{"a":"' . 'x' x 9000 . '"}', ['{"a":"', ('x' x 1000) x 20, '"}']) {
    my $how = ref $big ? 'in chunks' : 'in one piece';
    $r = ref $big
        ? $alice->post($call, body => $big, headers => [@$json, Origin => $t->origin])
        : $alice->api('POST', $call, $big, headers => $json);
    is $r->code, 413, "a body that is too large is refused, $how";
    is +($r->problem // {})->{status}, 413, 'with a problem';
}
is $alice->post($call, body => ['{', '"a"', ':1}'], headers => [@$json, Origin => $t->origin])->code,
    200, 'a body may come in chunks';
is $alice->post($call, body => ['{', '"a"'], headers => [@$json, Origin => $t->origin])->code,
    400, 'half of it in chunks is none';
is $alice->api('POST', $call, undef, http => '1.0')->code, 200, 'HTTP/1.0 will do';

$r = $alice->head($inst->path);
is $r->code, 200, 'HEAD of an instance';
is $r->content, '', 'has no body';
cmp_ok $r->header('Content-Length'), '>', 100, 'but its length';

for ([GET => $call, 'POST'], [DELETE => $call, 'POST'], [HEAD => $call, 'POST'],
    [PUT => $inst->path . '/start', 'POST'], [POST => '/api/v1/templates', 'GET, HEAD'],
    [PATCH => $inst->path, 'GET, HEAD, DELETE'], [OPTIONS => '/api/v1/instances', 'GET, HEAD'])
{
    my ($method, $path, $allow) = @$_;
    $r = $alice->api($method, $path);
    is $r->code, 405, "$method $path is not allowed";
    is $r->header('Allow'), $allow, "but $allow";
}
is $alice->api('GET', '/api/v1/nothing')->code, 404, 'an unknown call is not found';
is $alice->api('GET', '/api/v1/')->code, 200, 'none tells what runs';

### Templates come and go without a reload

my $pids = join ' ', $t->worker_pids;
$t->apply_template('notebook');
($r) = grep { $_->{name} eq 'notebook' } @{ $alice->api('GET', '/api/v1/templates')->json->{templates} };
is $r->{title}, 'Notebook', 'a template that is applied appears';
my $book = $alice->install('notebook')->wait_ready;
is $alice->get($book->url('/info'))->json->{template}, 'notebook', 'and can be installed and visited';
is_deeply [sort map { $_->template } $alice->instances], ['notebook', $name], 'she has two instances';

$t->kubectl('delete', 'gss', 'notebook', '--wait=false');
$t->wait_for(sub { !grep { $_->{name} eq 'notebook' }
    @{ $alice->api('GET', '/api/v1/templates')->json->{templates} } }, 10, 'the template is gone');
is $alice->api('POST', '/api/v1/templates/default/notebook/install')->code, 404,
    'a template that is deleted is not found any more';
is $alice->api('GET', $book->path)->code, 404, 'nor its instance';
is_deeply [map { $_->template } $alice->instances], [$name], 'she has one again';
is $alice->get($book->url)->code, 404, 'its host is nobody\'s';
is join(' ', $t->worker_pids), $pids, 'without a reload';

### Templates that cannot be installed

sub conf { my ($o) = @_; return $o->{spec}{network}{networkConf} }
sub without { my ($o, $n) = @_; @{ conf($o) } = grep { $_->{name} ne $n } @{ conf($o) } }
sub replace { my ($o, $n, $v) = @_; $_->{name} eq $n and $_->{value} = $v for @{ conf($o) } }

my @wrong = (
    ['no-id',    qr/Host.*<id>/, sub { replace($_[0], Host => 'one.' . $t->root) }],
    ['no-host',  qr/Host/,       sub { without($_[0], 'Host') }],
    ['no-port',  qr/Port/,       sub { without($_[0], 'Port') }],
    ['bad-port', qr/Port/,       sub { replace($_[0], Port => '70000') }],
    ['domain',   qr/Host is outside of the gateway's domain=/, sub { replace($_[0], Host => 'i<id>.elsewhere.example') }],
    ['capitals', qr/Host "I<id>.*has capitals/, sub { replace($_[0], Host => 'I<id>.' . $t->root) }],
    ['two-ports', qr/several Ports/, sub { push @{ conf($_[0]) }, { name => 'Port', value => '8889' }, { name => 'Path', value => '/b' } }],
    ['other-port', qr/Port "9999" is none of the containers' ports/, sub { replace($_[0], Port => '9999') }],
    ['name' . '-x' x 22, qr/metadata\.name is longer than 52 characters/, sub { }],
    ['network',  qr/networkType/, sub { $_[0]{spec}{network}{networkType} = 'Kubernetes-HostPort' }],
);
for (@wrong) {
    my ($n, $why, $change) = @$_;
    $t->apply_template('notebook', { metadata => { name => "wrong-$n" } }, $change);
    ($r) = grep { $_->{name} eq "wrong-$n" } @{ $alice->api('GET', '/api/v1/templates')->json->{templates} };
    like $r->{misconfigured}, $why, "$n: it is shown, with the reason";
    $mark = $t->audit_mark;
    $r = $alice->api('POST', "/api/v1/templates/default/wrong-$n/install");
    is $r->code, 409, 'and cannot be installed';
    is $r->problem->{code}, 'template-misconfigured', 'which is said';
    is_deeply [calls($mark)], [], 'without a write';
}
$t->kubectl('delete', 'gss', map { "wrong-$_->[0]" } @wrong);

# Game servers that somebody else runs, by the same controller.
$t->apply_template('notebook', { metadata => { name => 'others' }, spec => { replicas => 2 } });
$t->wait_for(sub { 2 == grep { $_->{metadata}{name} =~ /^others/ } $t->kube_list('pods') }, 10, 'others run');
$mark = $t->audit_mark;
is $alice->api('POST', '/api/v1/templates/default/others/install')->code, 409,
    'a workload that runs without us is not ours to install from';
$alice->install($name);
is_deeply [calls($mark)], [], 'and not ours to write';
is gss('others')->{spec}{replicas}, 2, 'nor to scale';
is gss('others')->{metadata}{annotations}{'aigc-gateway.io/top'}, undef, 'nor to mark';
is $alice->get('http://notebook0.' . $t->root . ':' . $t->port . '/')->code, 404,
    'and its pods are nobody\'s to visit';

done_testing;
