package AIGC::Crowd;

# Templates with many released instances, whose GameServers and disks are
# created as such: no pod was ever there.

use strict;
use warnings;

use JSON::PP ();

my $json = JSON::PP->new->utf8;
my $game = '/apis/game.kruise.io/v1alpha1/namespaces/default';
my $core = '/api/v1/namespaces/default';

# Paths of the objects, for changes of theirs.
sub template_path    { return "$game/gameserversets/$_[0]" }
sub game_server_path { return "$game/gameservers/$_[0]-$_[1]" }
sub disk_path        { return "$core/persistentvolumeclaims/user-data-$_[0]-$_[1]" }

sub host { my ($t, $name, $id) = @_; return "$name-$id." . $t->domain }

# The annotation of a released instance, as the gateway writes it.
sub claim {
    my ($owner) = @_;
    return qq({"owner":"$owner","state":"released","since":"2026-01-01T00:00:00Z","gss":"a89c0f3e-9f44-4f4c-8b2f-2b5a4f9e0c11"});
}

# A request for kube_send: the template NAME like $base, with instances 0 to
# $n - 1; owner => all of them are this user's, else each has its own.
sub template {
    my ($t, $base, $name, $n, %o) = @_;
    my $new = $json->decode($json->encode($base));

    $new->{metadata} = { name => $name, annotations => { 'aigc-gateway.io/top' => $n - 1 . '',
        map { ("instance.aigc-gateway.io/$_" => claim($o{owner} // "u$_-$name-000")) } 0 .. $n - 1 } };
    $_->{value} = host($t, $name, '<id>') for grep { $_->{name} eq 'Host' } @{ $new->{spec}{network}{networkConf} };
    $new->{spec}{reserveGameServerIds} = [0 .. $n - 1];
    return ['POST', "$game/gameserversets", $new];
}

# Likewise a GameServer, its status, and its disk; number: another one each time.
sub game_server {
    my ($name, $id) = @_;
    return ['POST', "$game/gameservers", { apiVersion => 'game.kruise.io/v1alpha1', kind => 'GameServer',
        metadata => { name => "$name-$id", labels => { 'game.kruise.io/owner-gss' => $name } },
        spec => { opsState => 'None' } }];
}

sub status {
    my ($name, $id, $number) = @_;
    my $ready = { currentNetworkState => 'Ready', desiredNetworkState => 'Ready' };
    return ['PATCH', game_server_path($name, $id) . '/status', { status => { currentState => 'Ready',
        desiredState => 'Ready', networkStatus => $ready, podStatus => { phase => 'Running',
            podIP => join('.', 10, unpack 'x C3', pack 'N', $number), startTime => '2026-01-01T00:00:00Z' } } }];
}

sub disk {
    my ($name, $id) = @_;
    return ['POST', "$core/persistentvolumeclaims", { apiVersion => 'v1', kind => 'PersistentVolumeClaim',
        metadata => { name => "user-data-$name-$id", labels => { 'game.kruise.io/owner-gss' => $name },
            annotations => { 'aigc-gateway.io/owner' => "u$id-$name-000" } },
        spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } }];
}

# Creates templates PREFIX1 to PREFIX$n with so many instances each and their
# GameServers; disks => 1: disks too.  Dies of a status that is not a success.
sub create {
    my ($t, $base, $prefix, $n, $each, %o) = @_;
    my $send = sub {
        my @bad = grep { !/^20[01]$/ } $t->kube_send([@_], any => 1);
        die scalar(@bad) . " objects were not created: $bad[0]\n" if @bad;
    };

    $send->(map { template($t, $base, "$prefix$_", $each) } 1 .. $n);
    for my $m (1 .. $n) {
        my @ids = 0 .. $each - 1;
        $send->(map({ game_server("$prefix$m", $_) } @ids), $o{disks} ? map({ disk("$prefix$m", $_) } @ids) : ());
        $send->(map { status("$prefix$m", $_, $m * 1000 + $_) } @ids);
    }
}

1;
