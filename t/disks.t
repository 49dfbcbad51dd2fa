# t/disks.t — a disk is its owner's, and its id with it, whatever becomes of the template

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t     = AIGC::Stack->start(templates => []);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $carol = $t->sign_in('carol');
my %who   = (alice => $alice, bob => $bob, carol => $carol);

# A template of its own for every part: the notebook, without its host's clash.
sub template {
    my ($name) = @_;
    return $t->apply_template('notebook', { metadata => { name => $name } }, sub {
        $_->{name} eq 'Host' and $_->{value} = "$name<id>." . $t->root
            for @{ $_[0]{spec}{network}{networkConf} } });
}

sub drop_template {
    my ($name) = @_;
    $t->kubectl('delete', 'gss', $name);
    $t->wait_for(sub { !grep { $_->{metadata}{name} =~ /^\Q$name\E-/ } $t->kube_list('pods'), $t->kube_list('gs') },
        20, "the pods of $name are gone");
    $t->wait_for(sub { my $x = $t->table; !grep({ $_->{name} eq $name } @{ $x->{templates} })
        && !grep { $_->{template} eq $name && ($_->{routed} || $_->{state} ne 'unknown') } @{ $x->{instances} } },
        10, 'and the gateway knows it');
}

sub disk { my ($name, $id) = @_; return grep { $_->{metadata}{name} eq "home-$name-$id" } $t->kube_list('pvcs') }

sub stamped {       # waits for the owner on it
    my ($name, $id) = @_;
    my $owner;
    $t->wait_for(sub { my ($d) = disk($name, $id);
        defined($owner = $d && $d->{metadata}{annotations}{'aigc-gateway.io/owner'}) }, 10, "disk $name-$id has an owner");
    return $owner;
}

sub verdict {       # how the gateway sees the disks of an id
    my ($name, $id) = @_;
    my ($i) = grep { $_->{template} eq $name && $_->{id} == $id } @{ $t->table->{instances} };
    return $i ? $i->{disk} : 'none';
}

sub wait_verdict {
    my ($name, $id, $verdict) = @_;
    return $t->wait_for(sub { verdict($name, $id) eq $verdict }, 10, "the disk of $name-$id is $verdict");
}

sub foreign { $t->status('/metrics')->content =~ /aigc_foreign_disk_total (\d+)/ ? $1 : die }

sub pvc {           # a claim made by hand, as OKG would name it
    my ($name, $id, $owner) = @_;
    return { apiVersion => 'v1', kind => 'PersistentVolumeClaim',
        metadata => { name => "home-$name-$id", labels => { 'game.kruise.io/owner-gss' => $name },
            $owner ? (annotations => { 'aigc-gateway.io/owner' => $owner }) : () },
        spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } };
}

### Stamped when it appears

template('one');
my $a = $alice->install('one')->wait_ready;
is stamped('one', $a->id), 'alice0000000', 'a new disk is stamped with its owner';
my $b = $bob->install('one')->wait_ready;
is stamped('one', $b->id), 'bob000000000', 'and the next with its own';
wait_verdict('one', $_, 'owned') for 0, 1;
is $alice->put($a->url('/disk/work'), body => 'hers',
    headers => { Origin => $a->url =~ s{/$}{}r })->code, 204, 'alice leaves something';

### Somebody else's

$t->kubectl('annotate', '--overwrite', 'pvc', 'home-one-0', 'aigc-gateway.io/owner=bob000000000');
wait_verdict('one', 0, 'foreign');
my $n = foreign();
my $r = $alice->get($a->url);
is $r->code, 403, 'with a disk that is somebody else\'s even the owner is kept out';
is +($r->problem // {})->{code}, 'foreign-disk', 'and told why';
is $bob->get($a->url)->code, 403, 'and so is the other';
cmp_ok foreign(), '>', $n, 'which is counted';
$a->release->wait_state('released');
$r = $a->try('start');
is $r->code, 403, 'it is not started, either';
is +($r->problem // {})->{code}, 'foreign-disk', 'for that reason';
is $alice->api('POST', '/api/v1/templates/default/one/install')->json->{id}, 0, 'it is still hers';
is $t->kube_get('gss', 'one')->{spec}{replicas}, 1, 'and not running';
$t->kubectl('annotate', '--overwrite', 'pvc', 'home-one-0', 'aigc-gateway.io/owner=alice0000000');
wait_verdict('one', 0, 'owned');
$a->start->wait_ready;
is $alice->get($a->url('/disk/work'))->content, 'hers', 'when it is hers again she has what she left';

for my $bad ('', 'x' x 200, "bob000000000\t", 'BOB000000000') {
    $t->kubectl('annotate', '--overwrite', 'pvc', 'home-one-1', "aigc-gateway.io/owner=$bad");
    wait_verdict('one', 1, 'foreign');
    is $bob->get($b->url)->code, 403, "an owner that is nobody: '" . (substr($bad, 0, 20) =~ s/\t/\\t/r) . "'";
}
$t->kubectl('annotate', 'pvc', 'home-one-1', 'aigc-gateway.io/owner-');
is stamped('one', 1), 'bob000000000', 'without an owner, a disk that came with the install is stamped again';
wait_verdict('one', 1, 'owned');
is $bob->get($b->url)->code, 200, 'and let in';

### A disk that was there before

template('two');
$t->apply(pvc('two', 0));                               # nobody's
$t->apply(pvc('two', 1, 'carol0000000'));
wait_verdict('two', $_, $_ ? 'owned' : 'foreign') for 0, 1;
my $c = $alice->install('two');
is $c->id, 2, 'an id whose disk is nobody\'s, or another\'s, is not given out';
is $carol->install('two')->id, 1, 'but to its owner';
is $bob->install('two')->id, 3, 'the next gets the next';
$_->look->wait_ready for map { $_->instances } $carol, $bob;

# Bound by hand to a disk that is older than the install: it does not count as hers.
template('three');
$t->apply(pvc('three', 0));
my $gss = $t->kube_get('gss', 'three');
my $later = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 120));
$t->kubectl('annotate', 'gss', 'three', 'instance.aigc-gateway.io/0='
    . qq({"owner":"alice0000000","state":"released","since":"$later","gss":"$gss->{metadata}{uid}"}));
$t->wait_for(sub { grep { $_->template eq 'three' } $alice->instances }, 10, 'alice has it');
my ($old) = grep { $_->template eq 'three' } $alice->instances;
is verdict('three', 0), 'foreign', 'a disk without an owner that is older than the install is somebody else\'s';
is $old->try('start')->code, 403, 'and is not attached';
is +(disk('three', 0))[0]{metadata}{annotations}{'aigc-gateway.io/owner'}, undef, 'nor stamped';

# The same, but within the install.
my $now = POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time));
$t->kubectl('annotate', '--overwrite', 'gss', 'three', 'instance.aigc-gateway.io/0='
    . qq({"owner":"alice0000000","state":"released","since":"$now","gss":"$gss->{metadata}{uid}"}));
is stamped('three', 0), 'alice0000000', 'one that came with it is hers, and stamped';
is $old->try('start')->code, 202, 'and attached';

# An annotation of a template that is no more.
template('four');
$t->apply(pvc('four', 0));
$t->kubectl('annotate', 'gss', 'four', 'instance.aigc-gateway.io/0='
    . qq({"owner":"alice0000000","state":"released","since":"$now","gss":"another-uid"}));
$t->wait_for(sub { grep { $_->template eq 'four' } $alice->instances }, 10, 'alice has it');
is verdict('four', 0), 'foreign', 'an install on a former template vouches for no disk';
is +(disk('four', 0))[0]{metadata}{annotations}{'aigc-gateway.io/owner'}, undef, 'and stamps none';

### Every order of two users' installs and releases, and of a template made again
#   A B: install; a b: release; x: the template deleted and created again

my %disk;           # by template and id: who had it first; it stays his
my $seq = 0;
for my $order (qw(AxB AxA ABxBA AxBxA aAxBA AaxBA AaBxbA ABabxBA ABxxBA AxxB AaxxBbA ABxA ABxB),
    'AxBxCxA', 'AaxC', 'ABCxCBA')
{
    my $name = 'o' . ++$seq;
    my (%id, %seen);
    my $ok = 1;
    template($name);
    for my $step (split //, $order) {
        my $user = { a => 'alice', b => 'bob', c => 'carol' }->{ lc $step };
        if ($step eq 'x') {
            drop_template($name);
            template($name);
            next;
        }
        my $client = $who{$user};
        my ($inst) = grep { $_->template eq $name } $client->instances;
        if ($step eq lc $step) {
            $inst->release->wait_state('released') if $inst;
            next;
        }
        $inst = $client->install($name)->wait_ready;
        my $first = $seen{ $inst->id } //= $user;
        $id{$user} //= $inst->id;
        $ok = 0, diag "$order: $user got @{[ $inst->id ]}, which is ${first}'s" if $first ne $user;
        $ok = 0, diag "$order: $user got @{[ $inst->id ]}, not $id{$user}" if $inst->id != $id{$user};
        my $own = $inst->url =~ s{/$}{}r;
        my $was = $client->get($inst->url('/disk/name'));
        $ok = 0, diag "$order: $user reads '@{[ $was->content ]}'" if $was->code == 200 && $was->content ne $user;
        $client->put($inst->url('/disk/name'), body => $user, headers => { Origin => $own });
        my $owner = stamped($name, $inst->id);
        $ok = 0, diag "$order: the disk is ${owner}'s" if $owner !~ /^$user/;
        for my $other (grep { $_ ne $user } sort keys %who) {
            my $code = $who{$other}->get($inst->url)->code;
            $ok = 0, diag "$order: $other gets $code on ${user}'s" if $code != 403;
        }
    }
    ok $ok, "$order: everybody has his own id and disk, and nobody another's";
    $t->kubectl('delete', 'gss', $name, '--wait=false');
}

done_testing;
