# t/stray.t — a disk that OpenKruiseGame made for nobody is found, told of, and deleted;
# one that might be somebody's never is

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $core = '/api/v1/namespaces/default/persistentvolumeclaims';
my $mark = 'aigc-gateway.io/stray';
my $t    = AIGC::Stack->start(okg => '1.0');
my @inst = map { $t->sign_in($_)->install($name) } qw(alice bob);
$_->wait_ready for @inst;
$t->wait_agree($name);

sub disk_name { my ($id, $claim) = @_; return ($claim // 'user-data') . "-$name-$id" }
sub disk { return $t->kube_get('pvcs', disk_name(@_)) }
sub said { my ($disk, $key) = @_; return ($disk->{metadata}{annotations} // {})->{$key} }
sub told { my ($reason) = @_; return grep { $_->{reason} eq $reason } $t->kube_list('events') }
sub problems { $t->status('/metrics')->content =~ /^aigc_problems\{kind="stray_disk"\} (\d+)$/m ? $1 : die 'no stray_disk' }

sub make_disk {         # by hand: the id, its name's first part, annotations
    my ($id, $claim, %annotations) = @_;
    my @bad = grep { !/^201$/ } $t->kube_send([['POST', $core, { apiVersion => 'v1', kind => 'PersistentVolumeClaim',
        metadata => { name => disk_name($id, $claim), labels => { 'game.kruise.io/owner-gss' => $name },
            annotations => \%annotations },
        spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } }]], any => 1);
    is "@bad", '', disk_name($id, $claim) . ' is made by hand';
}

sub wait_repaired {     # of instance 2 a pod hangs
    $t->wait_for(sub { $t->kube_get('gss', $name)->{spec}{replicas} == @inst
        && join(',', sort grep { $_ ne "$name-2" } map { $_->{metadata}{name} } $t->kube_list('pods')) eq "$name-0,$name-1" },
        60, 'only the instances run');
}

# The pod that nobody asked for: one more than the annotations say.  A repair may
# be there before its disk is: then once more.
my @marked;
sub stray {
    my %had = map { $_->{metadata}{uid} => 1 } $t->kube_list('pvcs');
    for (1 .. 20) {
        $t->kube_patch('gss', $name, { spec => { replicas => $t->kube_get('gss', $name)->{spec}{replicas} + 1 } });
        wait_repaired();
        @marked = grep { !$had{ $_->{metadata}{uid} } && said($_, $mark) } $t->kube_list('pvcs');
        return $marked[0] if @marked;
    }
    return undef;
}

sub id_of { my ($disk) = @_; return $disk->{metadata}{name} =~ /-(\d+)$/ ? $1 : die }

is problems(), 0, 'none';

### Disks that are kept

$t->stop_nginx;                                 # nobody sees how they come
make_disk(7);                                   # the original gateway's, say
make_disk(8, undef, 'aigc-gateway.io/owner' => 'carol0000000');
$t->kube_patch('gss', $name, { spec => { replicas => 3 } });     # its pod will hang
$t->wait_for(sub { ($t->kube_get('pods', "$name-2") // {})->{metadata} && disk(2) }, 60, 'a pod that nobody asked for');
$t->kubectl('patch', 'pod', "$name-2", '--type=merge', '-p', '{"metadata":{"finalizers":["example.org/hold"]}}');
$t->kubectl('annotate', 'pvc', disk_name(2), "$mark=" . $t->kube_get('gss', $name)->{metadata}{uid});
$t->start_nginx;
$t->wait_ready;
wait_repaired();
make_disk(3);                                   # below what is given by now
make_disk(40);                                  # restored by hand: no pod ever
make_disk(41, undef, $mark => 'another-uid');   # a mark that is no proof

### One that nobody asked for

my $gss = $t->kube_get('gss', $name);
my $one = stray();
ok $one, 'a disk of nobody\'s is there' or BAIL_OUT('no stray disk');
my $id = id_of($one);
is said($one, $mark), $gss->{metadata}{uid}, "instance $id: marked, with its template's uid";
ok !said($one, 'aigc-gateway.io/owner'), 'it has no owner';
ok !exists $t->claims($name)->{$id}, 'nor its id an annotation';
$t->wait_for(sub { told('StrayDisk') }, 20, 'it is told of');
cmp_ok problems(), '>=', 1, 'and counted';

# Another one gets an owner by hand; a third one an annotation of its id.
my $owned = stray();
my $claimed = stray();
ok $owned && $claimed, 'two more';
$t->kubectl('annotate', 'pvc', $owned->{metadata}{name}, 'aigc-gateway.io/owner=carol0000000');
my $theirs = $t->kube_get('gss', $name)->{metadata}{annotations}{"instance.aigc-gateway.io/0"};
$theirs =~ s/"state":"running"/"state":"released"/;
$t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . id_of($claimed) . "=$theirs");

$t->wait_for(sub { !disk($id) }, 150, 'it is deleted, a minute after its pod has gone');
$t->wait_for(sub { grep { $_->{message} =~ /^instance $id: / } told('StrayDiskDeleted') }, 20, 'which is told, too');
ok !$t->kube_get('pods', "$name-$id"), 'its pod is gone';

is disk(id_of($owned))->{metadata}{uid}, $owned->{metadata}{uid}, 'one that has an owner by now is kept';
is disk(id_of($claimed))->{metadata}{uid}, $claimed->{metadata}{uid}, 'one whose id has an annotation by now is kept';

# The same minute was enough for all of them.
ok !said(disk($_), $mark), "disk $_ was never marked" for 7, 8, 3, 40;
ok disk($_), "disk $_ is kept" for 7, 8, 3, 40, 41;
ok disk(2) && $t->kube_get('pods', "$name-2"), 'and one that is marked, whose pod does not end';
is scalar(grep { $_ } map { disk($_->id) } @inst), 2, 'and so are all that are somebody\'s';
is $_->client->get($_->look->url('/info'))->json->{instance}, $_->id, $_->client->user . ' reaches what is ' . $_->client->user . '\'s' for @inst;

done_testing;
