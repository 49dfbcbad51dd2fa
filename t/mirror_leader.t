# t/mirror_leader.t — who leads no more writes no more: the custom data of users
# who still wait is the next leader's alone

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name  = 'stable-diffusion-cpu';
my $lease = '/apis/coordination.k8s.io/v1/namespaces/aigc-gateway/leases/aigc-gateway';
my $t     = AIGC::Stack->start;
my ($first, $second) = ($t->port, $t->second_nginx);

sub metric {
    my ($port, $what) = @_;
    return $t->plain('GET', $port + 1, '/metrics')->content =~ /^aigc_\Q$what\E (\d+)$/m ? $1 : die "no $what";
}
sub leads { my ($port) = @_; return eval { $t->plain('GET', $port + 1, '/readyz')->json->{leader} } ? 1 : 0 }
sub identity { my ($port) = @_; return $t->plain('GET', $port + 1, '/table')->json->{leader}{identity} }

# The Lease is given to a gateway by hand, as if it had taken it.
sub give {
    my ($port) = @_;
    my ($status) = $t->kube_send([['PATCH', $lease, { spec => { holderIdentity => identity($port) } }]]);
    is $status, 200, 'the Lease changes hands';
    my $other = $port == $first ? $second : $first;
    $t->wait_for(sub { leads($port) && !leads($other) }, 20, 'so does the lead');
}

$t->wait_for(sub { leads($first) && metric($first, 'mirror_pending') == 0 }, 20, 'the first one leads');
is leads($second), 0, 'the second one does not';

# Custom data of ten users is behind when the lead changes hands.
$t->logto_control('outage', { mode => '500', paths => '^/api/users/' });
my $gss = $t->kube_get('gss', $name)->{metadata};
my $claim = sub { sprintf '{"owner":"user%02d000000","state":"released","since":"2026-01-01T00:00:00Z","gss":"%s"}', $_[0], $gss->{uid} };
$t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/top' => '9',
    map { ("instance.aigc-gateway.io/$_" => $claim->($_ + 1)) } 0 .. 9 } } });
$t->wait_for(sub { metric($first, 'mirror_pending') == 10 && metric($first, 'mirror_errors_total') }, 20, 'ten users wait, and one was tried');

# … one of them with a call under way.
$t->logto_control('latency', { ms => 2000, paths => '^/api/users/' });
give($second);
is metric($first, 'mirror_pending'), 0, 'whoever leads no more has nothing to write';
my $errors = metric($first, 'mirror_errors_total');
my $others = metric($second, 'mirror_errors_total');
$t->wait_for(sub { metric($second, 'mirror_errors_total') >= $others + 6 }, 60, 'the next leader tries');
is metric($first, 'mirror_errors_total'), $errors, '… alone';

$t->logto_control('outage', { mode => 'off' });
$t->logto_control('latency', { ms => 0 });
$t->wait_for(sub { metric($second, 'mirror_pending') == 0 && metric($second, 'mirror_writes_total') == 10 }, 60, 'it writes');
is metric($first, 'mirror_writes_total'), 0, 'all of it';
is_deeply $t->custom_data('user10'), { "default-$name" => { ID => '9', Name => $name, Type => '', Namespace => 'default' } }, 'as it should be';

# And back: what has begun again is whole.
give($first);
is metric($second, 'mirror_pending'), 0, 'so it is the other way round';
$t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/top' => '10', 'instance.aigc-gateway.io/10' => $claim->(11) } } });
$t->wait_for(sub { metric($first, 'mirror_writes_total') == 1 }, 30, 'the first one writes again');
is metric($second, 'mirror_writes_total'), 10, '… and only that one';

done_testing;
