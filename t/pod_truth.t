# t/pod_truth.t — the Pod is the truth: forty pods are made anew at once, their
# addresses are used again at once, OpenKruiseGame tells of it late, and nobody
# ever gets an answer of somebody else's pod

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

plan skip_all => 'no wrk: run scripts/setup' if system('/bin/sh', '-c', 'command -v wrk >/dev/null');

my $name = 'stable-diffusion-cpu';
my $n    = 40;
my $need = 50_000;      # requests, each version: 100,000 in all

for my $okg (split ' ', $ENV{AIGC_OKG} // '1.0 0.4') {   # AIGC_OKG=0.4: that alone
    subtest "OpenKruiseGame $okg" => sub { all_anew($okg) };
}

done_testing;

sub all_anew {
    my ($okg) = @_;

    # The cluster's own defaults: a client of OKG's writes five times a second.
    # Kept connections of nginx would hide nothing, and are what people have.
    my $t = AIGC::Stack->start(okg => $okg, pace => 'real', workers => 2, several => 1);
    my $alice = $t->sign_in('alice');
    $t->allow_log(qr/upstream|connect\(\) failed/);

    # All forty are one user's, so that one session asks for all of them; whose
    # pod answers is the instance's number in the answer.  A pod takes two
    # seconds to end, as applications do: that is all the time there is.
    my $owner = $alice->install($name)->wait_ready->owner;
    my $gss   = $t->kube_get('gss', $name);
    my @t     = gmtime;
    my $since = sprintf '%04d-%02d-%02dT%02d:%02d:%02dZ', $t[5] + 1900, $t[4] + 1, @t[3, 2, 1, 0];
    $t->kube_patch('gss', $name, {
        metadata => { annotations => { map { ("instance.aigc-gateway.io/$_" =>
            qq({"owner":"$owner","state":"running","since":"$since","gss":"$gss->{metadata}{uid}"})) } 1 .. $n - 1 } },
        spec => { replicas => $n, gameServerTemplate => { metadata => { annotations => { 'fake/stop-delay' => '2s' } } } } });

    my $routed = sub { my ($old) = @_;      # how many have a pod that is not one of those
        sleep 1;                            # to ask costs the machine more than the pods do
        return scalar grep { $_->{routed} && !$old->{ $_->{pod}{uid} } } @{ $t->table->{instances} };
    };
    $t->wait_for(sub { $routed->({}) == $n }, 120, "$n instances are let in");

    my (%sum, $rounds);
    while (!$rounds || ($sum{all} < $need && $rounds < 20)) {
        my %old = map { $_->{pod}{uid} => 1 } @{ $t->table->{instances} };
        my $flood = flood($t, $alice, 15);
        $t->kubectl('patch', 'gss', $name, '--type=json', '-p', JSON::PP->new->encode([{ op => 'add',
            path => '/spec/gameServerTemplate/spec/containers/0/env', value => [{ name => 'ROUND', value => 'r' . ++$rounds }] }]));
        $t->wait_for(sub { $routed->(\%old) == $n }, 120, "round $rounds: each has a new pod and is let in");
        my $saw = counts($flood);
        $sum{$_} += $saw->{$_} for qw(foreign own refused other);
        $sum{all} += $saw->{own} + $saw->{refused} + $saw->{foreign} + $saw->{other};
        is $saw->{foreign}, 0, "round $rounds: no answer of somebody else's pod"
            or diag "such as, asked:answered, $saw->{example}";
    }
    note "$sum{all} requests in $rounds rounds: $sum{own} of their own pods, $sum{refused} 502 to 504";
    cmp_ok $sum{all}, '>=', $need, "$need requests";
    is $sum{other}, 0, 'each was answered by its pod, or refused for now';
    cmp_ok $sum{own}, '>', $need / 100, 'pods did answer';
    cmp_ok $sum{refused}, '>', 0, 'and did not while they were made anew';

    # For as long as OKG still writes of former pods, nothing changes either.
    my $late = grep { my $gs = $_; my ($row) = grep { "$_->{template}-$_->{id}" eq $gs->{metadata}{name} } @{ $t->table->{instances} };
        ($gs->{status}{podStatus}{podIP} // '') ne ($row->{address} =~ s/:\d+$//r) } $t->kube_list('gs');
    note "$late GameServers still have another address than their pods";
    is counts(flood($t, $alice, 3))->{foreign}, 0, 'nor by a late word of OKG';
}

sub flood {             # → wrk's output; it ends by itself
    my ($t, $client, $seconds) = @_;
    my @cookie = map { $client->host_session("http://instances$_-cpu." . $t->root . ':' . $t->port . '/') // die "no session at $_\n" } 0 .. $n - 1;
    open my $out, '-|', 'wrk', '-t1', '-c16', "-d${seconds}s", '--timeout', '10s', '-s', "$FindBin::Bin/pod_truth/instances.lua",
        'http://127.0.0.1:' . $t->port . '/', '--', $n, 'instances<id>-cpu.' . $t->root, @cookie
        or die "wrk: $!";
    return $out;
}

sub counts {
    my ($out) = @_;
    my ($said) = grep { /^foreign=/ } <$out>;
    close $out;
    return { ($said // die "wrk said nothing\n") =~ /(\w+)=(\S*)/g };
}
