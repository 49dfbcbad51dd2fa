# t/revocations.t — a full table of revocations and a cluster that refuses them:
# people sign in more often, and nobody gets in

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url);

my $t = AIGC::Stack->start(workers => 2, faults => 1, templates => [], directives => { aigc_zone => 'gateway:2m' });
my $ns = '/api/v1/namespaces/aigc-gateway/configmaps';

sub me { return $_[0]->get('/api/v1/me')->code }
sub sign_out { return $_[0]->post('/sign-out', headers => [Origin => $t->origin])->code }

sub metric {
    my ($name) = @_;
    my ($value) = $t->status('/metrics')->content =~ /^aigc_$name (\d+)$/m;
    return $value;
}

# Adds n revocations, a second apart, the last one that many seconds ago.
sub add {
    my ($n, $ago) = @_;
    my $now = time;
    my %data = map { encode_base64url(sha256("$ago-$_")) => $now - $ago - $_ . '' } 1 .. $n;
    my $file = $t->file('run/patch.json');
    open my $f, '>', $file or die $!;
    print $f JSON::PP->new->encode({ data => \%data });
    close $f;
    $t->kubectl('-n', 'aigc-gateway', 'patch', 'configmap', 'aigc-revocations', '--type=merge', '--patch-file', $file);
}

subtest 'a server without streaming lists' => sub {
    my $thief = $t->sign_in('alice');
    is sign_out($thief->copy), 303, 'somebody signs out';
    $t->wait_for(sub { $t->kube_get("$ns/aigc-revocations") }, 5, 'the ConfigMap is there');
    add(600, 100);
    $t->wait_for(sub { metric('revocations') == 601 }, 10, 'more are revoked');

    # a new zone knows what it has read in the page
    $t->faults([{ query => 'sendInitialEvents', action => { status => 400, body => '{"kind":"Status"}' } }]);
    $t->clear_fault_log;
    $t->restart_nginx;
    is metric('revocations'), 601, 'all are read';
    my @calls = map { $_->{uri} // "$_->{path}?" . ($_->{query} // '') } @{ $t->fault_log->{requests} };
    is scalar(grep { /configmaps\?.*limit=/ } @calls), 1, '… in a page';
    is me($thief), 401, 'who was signed out is out';
    my $bob = $t->sign_in('bob');
    is me($bob), 200, 'others are in';
    is sign_out($bob), 303, 'and sign out';
    $t->wait_for(sub { keys %{ $t->kube_get("$ns/aigc-revocations")->{data} } == 602 }, 10, '… which is written');
    $t->no_faults;
};

# What is written is watched, too: the watch may be ahead of the response.
subtest 'a response that is late' => sub {
    my $t = AIGC::Stack->start(faults => 1, templates => []);
    my $alice = $t->sign_in('alice');
    my $entries = sub { scalar keys %{ ($t->kube_get("$ns/aigc-revocations") // {})->{data} // {} } };
    $t->kubectl('-n', 'aigc-gateway', 'create', 'configmap', 'aigc-revocations');
    $t->faults([{ method => 'PATCH', path => 'configmaps', times => 1,
        action => { forwardThenStatus => JSON::PP::true, status => 200, body => '{}', thenMs => 3000 } }]);
    is $alice->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'somebody signs out';
    $t->wait_for(sub { $entries->() == 1 }, 10, 'it is written, and nobody says so');
    $t->kubectl('-n', 'aigc-gateway', 'delete', 'configmap', 'aigc-revocations');
    $t->wait_for(sub { $entries->() == 1 }, 30, 'the ConfigMap is made again');
    pass 'a ConfigMap that was deleted meanwhile is made again';
};

subtest 'more than there is room for' => sub {
    my $alice = $t->sign_in('alice');
    my $bob = $t->sign_in('bob');
    my $thief = $bob->copy;
    is sign_out($bob), 303, 'somebody signs out';
    $t->wait_for(sub { $t->kube_get("$ns/aigc-revocations") }, 5, 'the ConfigMap is there');

    my $max = metric('revocations_max');
    cmp_ok $max, '>', 1000, "there is room for $max";
    my $many = $max + 300;
    my $begin = time;
    add($many, 5000);
    $t->wait_for(sub { metric('revocations_full_total') > 0 }, 20, 'the table is full');
    is metric('revocations'), $max, 'it is full';
    is me($alice), 200, 'sessions that are younger go on';
    is me($thief), 401, 'who was signed out is out';
    like $t->error_log, qr/no room for more than $max revocations: sessions that began until \d+ are refused/, 'the log says what that means';

    # the leader makes room: the oldest go, behind a floor
    my $floor;
    $t->wait_for(sub { $floor = $t->kube_get("$ns/aigc-revocations")->{data}{floor} }, 30, 'there is a floor');
    cmp_ok $floor, '<=', $begin - 5000, '… below what is young';
    like $t->error_log, qr/ConfigMap aigc-revocations is almost full: sessions that began until $floor are refused/, '… which the log tells';
    is me($alice), 200, 'she is still in';
    is me($thief), 401, '… and he is out';
    is sign_out($alice->copy), 303, 'there is room for one more';
    is me($alice), 401, '… which counts';
};

subtest 'a cluster that refuses' => sub {
    $t->kubectl('-n', 'aigc-gateway', 'delete', 'rolebinding', 'aigc-gateway');
    $t->restart_nginx;
    my $alice = $t->sign_in('alice');
    my $thief = $alice->copy;
    is me($thief), 200, 'signing in works';
    is sign_out($alice), 303, 'and signing out';
    is join(' ', keys %{{ map { $_->response->code => 1 } map { $thief->begin('GET', '/api/v1/me') } 1 .. 20 }}), 401,
        '… holds on every worker of this gateway';
    like $t->error_log, qr{ConfigMap aigc-gateway/aigc-revocations could not be read: status 403.*docker/kubernetes/rbac.yaml}, 'the log says what is missing';

    # the leader may make room at the same moment: what counts is what is new
    my $before = $t->kube_get("$ns/aigc-revocations")->{data};
    $t->kubectl('apply', '-f', $t->repo('docker/kubernetes/rbac.yaml'));
    $t->wait_for(sub { grep { !exists $before->{$_} } keys %{ $t->kube_get("$ns/aigc-revocations")->{data} } }, 30, 'it is written');
    pass 'once it may, it writes what it was told';
};

done_testing;
