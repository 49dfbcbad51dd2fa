# t/node/policies.t — the chart's NetworkPolicies, enforced: instances are reached
# by the gateway alone, and reach neither each other, nor the API server, nor the
# metadata address

use FindBin;
use lib "$FindBin::Bin/../lib";
use AIGC::Test;
use AIGC::Node;
use IO::Socket::INET;

# Something has to listen at the metadata address, and at one of the world, or it
# would not be reached without a policy either.
my $t = AIGC::Node->start;
my %place = (metadata => '169.254.169.254', world => '203.0.113.1');
my @listen;
for my $address (values %place) {
    system('ip', 'address', 'add', "$address/32", 'dev', 'node0') == 0 or die 'ip address add';
    push @listen, IO::Socket::INET->new(LocalAddr => $address, LocalPort => 80, Listen => 20) // die "$address: $!";
}

my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my ($hers, $his) = map { $_->install('demo')->wait_ready } $alice, $bob;
my %ip = map { $_->{metadata}{name} => $_->{status}{podIP} } $t->kube_list('pods');
my ($gateway) = $t->gateways;
my ($logto) = @{ $t->kube_get('/api/v1/namespaces/logto/pods')->{items} };

# Somebody else's pod, of the same namespace, with the same application.
$t->kubectl('run', 'other', '--image=localhost/aigc-demo:1', '--image-pull-policy=Never', '--port=7860');
$t->kubectl('wait', '--for=condition=Ready', 'pod/other', '--timeout=60s');
$ip{other} = $t->kube_get('pods', 'other')->{status}{podIP};

# From one pod to an address: does it connect?
sub reaches {
    my ($from, $address) = @_;
    my $url = "http://$ip{other}:7860/dial?ms=1500&address=$address";
    my $r = $from eq 'other' ? $t->stranger->get($url)
        : ($from eq $hers->pod ? $alice : $bob)->get(($from eq $hers->pod ? $hers : $his)->url("/dial?ms=1500&address=$address"));
    return $r->json->{connected} ? 'reached' : 'not reached';
}

my @places = (
    ['the other instance',              $ip{ $his->pod } . ':7860'],
    ['the API server\'s Service',       '10.96.0.1:443'],
    ['the API server itself',           '10.78.0.1:6443'],
    ['the metadata address',            "$place{metadata}:80"],
    ['the gateway\'s front door',       "$gateway->{status}{podIP}:8080"],
    ['the gateway\'s status port',      "$gateway->{status}{podIP}:9145"],
    ['Logto inside the cluster',        "$logto->{status}{podIP}:3001"],
    ['the kubelet',                     '10.78.0.1:10250'],
);

subtest 'instances, by the shipped policies' => sub {
    is reaches($hers->pod, $_->[1]), 'not reached', "an instance does not reach $_->[0]" for @places;
    is reaches($hers->pod, "$place{world}:80"), 'reached', '… and does reach the world';
    is $alice->get($hers->url)->code, 200, 'the gateway reaches it';
    is reaches('other', $ip{ $hers->pod } . ':7860'), 'not reached', 'no other pod does';
    is reaches('other', "$gateway->{status}{podIP}:8080"), 'reached', 'the front door is everybody\'s';
    is reaches('other', "$gateway->{status}{podIP}:9145"), 'not reached', 'the status port is not';
};

# Without them all of it is reached: it was the policies.
subtest 'and without them' => sub {
    $t->install_gateway('--set', 'networkPolicy.enabled=false');
    ($gateway) = $t->gateways;
    for my $place (@places) {
        my $address = $place->[1] =~ s/^[\d.]+(?=:(?:8080|9145)$)/$gateway->{status}{podIP}/r;
        $t->wait_for(sub { reaches($hers->pod, $address) eq 'reached' }, 30, "$place->[0] is reached");
        pass "$place->[0] is reached";
    }
    is reaches('other', $ip{ $hers->pod } . ':7860'), 'reached', 'and the instance by other pods';
};

done_testing;
