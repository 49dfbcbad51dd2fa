# t/deletion.t — a template is deleted: its instances go, and its disks stay or go as
# its annotation says

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $note = 'aigc-gateway.io/disks';
my ($t, %who);

# A template of its own for every part: the notebook, without its host's clash.
sub template {
    my ($name, $disks) = @_;
    return $t->apply_template('notebook', { metadata => { name => $name,
        $disks ? (annotations => { $note => $disks }) : () } }, sub {
        $_->{name} eq 'Host' and $_->{value} = "$name<id>." . $t->root
            for @{ $_[0]{spec}{network}{networkConf} } });
}

sub disk   { my ($name, $id) = @_; return $t->kube_get('pvcs', "home-$name-$id") }
sub refs   { my ($name, $id) = @_; return (disk($name, $id) // {})->{metadata}{ownerReferences} // [] }
sub is_set { my ($ref) = @_; return $ref->{kind} eq 'GameServerSet' }

sub wait_bound {
    my ($name, @ids) = @_;
    my $uid = $t->kube_get('gss', $name)->{metadata}{uid};
    $t->wait_for(sub { @ids == grep { grep { $_->{uid} eq $uid } @{ refs($name, $_) } } @ids }, 15, "the disks of $name are bound to it");
    return $uid;
}

sub wait_free {
    my ($name, @ids) = @_;
    $t->wait_for(sub { !grep { grep { is_set($_) } @{ refs($name, $_) } } @ids }, 15, "the disks of $name are free of it");
}

sub wait_stamped {
    my ($name, @ids) = @_;
    $t->wait_for(sub { @ids == grep { my $d = disk($name, $_);
        $d && ($d->{metadata}{annotations} // {})->{'aigc-gateway.io/owner'} } @ids }, 15, "the disks of $name are stamped");
}

sub drop_template {
    my ($name, @how) = @_;
    $t->kubectl('delete', 'gss', $name, @how);
    $t->wait_for(sub { !grep { $_->{metadata}{name} =~ /^\Q$name\E-/ } $t->kube_list('pods'), $t->kube_list('gs') },
        20, "the pods of $name are gone");
}

sub known_gone {
    my ($name) = @_;
    $t->wait_for(sub { my $x = $t->table; !grep({ $_->{name} eq $name } @{ $x->{templates} })
        && !grep { $_->{template} eq $name && ($_->{routed} || $_->{state} ne 'unknown') } @{ $x->{instances} } },
        10, "the gateway knows that $name is gone");
}

sub wait_no_disks {
    my ($name) = @_;
    $t->wait_for(sub { !grep { $_->{metadata}{name} =~ /^home-\Q$name\E-/ } $t->kube_list('pvcs') }, 20,
        "the disks of $name are gone");
    $t->wait_for(sub { !grep { $_->{name} =~ /^home-\Q$name\E-/ } @{ $t->table->{disks} } }, 10, 'and the gateway knows it')
        if $t->nginx;
}

sub leave {         # something on the disk
    my ($inst, $text) = @_;
    return $inst->client->put($inst->url('/disk/work'), body => $text,
        headers => { Origin => $inst->url =~ s{/$}{}r })->code;
}

sub left { my ($inst) = @_; my $r = $inst->client->get($inst->url('/disk/work')); return $r->code == 200 ? $r->content : '' }

sub told {
    my ($reason) = @_;
    return grep { $_->{reason} eq $reason } $t->kube_list('events');
}

for my $okg ('1.0', '0.4') {
    $t   = AIGC::Stack->start(okg => $okg, templates => [], faults => 1);
    %who = map { $_ => $t->sign_in($_) } qw(alice bob carol);

    ### retain, the default

    template('kept');
    my $a = $who{alice}->install('kept')->wait_ready;
    my $b = $who{bob}->install('kept')->wait_ready;
    is leave($a, 'alice'), 204, "OKG $okg: alice leaves something on her disk";
    is leave($b, 'bob'), 204, 'and bob on his';
    wait_stamped('kept', 0, 1);
    is_deeply refs('kept', 0), [], 'without the annotation a disk is not bound to its template';
    my @uid = map { disk('kept', $_)->{metadata}{uid} } 0, 1;
    drop_template('kept');
    known_gone('kept');
    is $who{alice}->get($a->url)->code, 404, 'deleted: the instance is no more';
    is_deeply [$who{alice}->instances], [], 'nobody has one';
    template('kept');
    my $c = $who{carol}->install('kept')->wait_ready;
    is $c->id, 2, 'made again: somebody new gets neither disk';
    is left($c), '', 'but an empty one';
    my $b2 = $who{bob}->install('kept')->wait_ready;
    is $b2->id, 1, 'bob has his id again';
    is left($b2), 'bob', 'and what he left';
    is disk('kept', 1)->{metadata}{uid}, $uid[1], 'on the same disk';
    is $who{carol}->get($b2->url)->code, 403, 'which is nobody else\'s';
    my $a2 = $who{alice}->install('kept')->wait_ready;
    is left($a2), 'alice', 'and so has alice';

    ### delete

    template('gone', 'delete');
    $a = $who{alice}->install('gone')->wait_ready;
    $b = $who{bob}->install('gone')->wait_ready;
    leave($a, 'alice');
    my $uid = wait_bound('gone', 0, 1);
    is_deeply refs('gone', 0), [{ apiVersion => 'game.kruise.io/v1alpha1', kind => 'GameServerSet', name => 'gone',
        uid => $uid, blockOwnerDeletion => JSON::PP::false }], 'with "delete" it is: one reference, no controller\'s';
    is_deeply refs('kept', 0), [], 'and another template\'s is not';
    $b->release->wait_state('released');
    my $before = disk('gone', 0)->{metadata}{uid};
    drop_template('gone');
    wait_no_disks('gone');
    pass 'deleted: the disks go with it, a released one\'s too';
    template('gone', 'delete');
    $a = $who{alice}->install('gone')->wait_ready;
    isnt disk('gone', $a->id)->{metadata}{uid}, $before, 'made again: a fresh disk';
    is left($a), '', 'and an empty one';
    wait_bound('gone', $a->id);

    # Before the collector has come, an owner is not given a disk that goes.
    leave($a, 'old');
    my $id = $a->id;
    $t->kubectl('annotate', 'pvc', "home-gone-$id", 'example.org/x=y');
    $t->kube_patch('pvc', "home-gone-$id", { metadata => { finalizers => ['kubernetes.io/pvc-protection', 'example.org/slow'] } });
    drop_template('gone');
    $t->wait_for(sub { disk('gone', $id)->{metadata}{deletionTimestamp} }, 20, 'the disk is being deleted');
    known_gone('gone');
    template('gone');
    $a = $who{alice}->install('gone');
    isnt $a->id, $id, 'an id whose disk is going is not given out, not to its owner either';
    is left($a->wait_ready), '', 'who starts afresh';
    $t->kube_patch('pvc', "home-gone-$id", { metadata => { finalizers => undef } });
    $t->wait_for(sub { !disk('gone', $id) }, 10, 'it is gone');

    ### The policy changes

    template('turn');
    $a = $who{alice}->install('turn')->wait_ready;
    $b = $who{bob}->install('turn')->wait_ready;
    wait_stamped('turn', 0, 1);
    my $cm = $t->kubectl('create', 'configmap', "owner$$", '-o', 'jsonpath={.metadata.uid}');
    my $foreign = { apiVersion => 'v1', kind => 'ConfigMap', name => "owner$$", uid => $cm };
    $t->kube_patch('pvc', 'home-turn-1', { metadata => { ownerReferences => [$foreign] } });
    $t->kubectl('annotate', 'gss', 'turn', "$note=delete");
    wait_bound('turn', 0, 1);
    is_deeply [map { $_->{kind} } @{ refs('turn', 1) }], ['ConfigMap', 'GameServerSet'], 'to "delete": bound, beside somebody else\'s reference';
    my $mark = $t->audit_mark;
    $t->kubectl('annotate', '--overwrite', 'gss', 'turn', "$note=retain");
    wait_free('turn', 0, 1);
    is_deeply refs('turn', 0), [], 'back to "retain": free';
    is_deeply refs('turn', 1), [$foreign], 'the other reference stays';
    is scalar($t->gateway_calls(since => $mark, verb => qr/patch/, resource => 'persistentvolumeclaims')), 2, 'by one write a disk';

    for my $bad ('Delete', 'delete ', '') {
        my $n = told('DisksAnnotation');
        $t->kubectl('annotate', '--overwrite', 'gss', 'turn', "$note=delete");
        wait_bound('turn', 0, 1);
        $t->kubectl('annotate', '--overwrite', 'gss', 'turn', "$note=$bad");
        wait_free('turn', 0, 1);
        $t->wait_for(sub { told('DisksAnnotation') == $n + 1 }, 10, 'an Event says so');
        pass "'$bad' is not \"delete\": the disks are retained, and an Event tells";
    }
    $t->kubectl('annotate', 'gss', 'turn', "$note-");
    drop_template('turn');
    known_gone('turn');
    ok disk('turn', $_), "the disk of $_ is there" for 0, 1;

    ### While no gateway runs

    template('alone', 'delete');
    template('stays');
    $a = $who{alice}->install('alone')->wait_ready;
    $b = $who{bob}->install('stays')->wait_ready;
    leave($b, 'bob');
    wait_bound('alone', 0);
    $t->stop_nginx;
    drop_template($_) for qw(alone stays);
    wait_no_disks('alone');
    ok disk('stays', 0), 'without a gateway, too, disks go or stay as was said';
    $t->start_nginx;
    $t->wait_ready;
    template('stays');
    $b = $who{bob}->install('stays')->wait_ready;
    is left($b), 'bob', 'and are their owner\'s when it runs again';

    ### --cascade=orphan

    template('orphan', 'delete');
    $a = $who{alice}->install('orphan')->wait_ready;
    wait_bound('orphan', 0);
    # The gateway does not hear that the template goes, but that its disk is freed.
    $t->faults([{ path => 'gameserversets', query => 'watch=', action => { stallAfterBytes => 0 } }]);
    $t->cut_connections;
    $mark = $t->audit_mark;
    $t->kubectl('delete', 'gss', 'orphan', '--cascade=orphan');
    wait_free('orphan', 0);
    $t->wait_for(sub { my ($d) = grep { $_->{name} eq 'home-orphan-0' } @{ $t->table->{disks} };
        $d && $d->{boundTo} eq '' }, 20, 'the gateway knows that the disk is free');
    ok scalar(grep { $_->{name} eq 'orphan' } @{ $t->table->{templates} }), 'it does not know that the template is gone';
    $t->wait_for(sub { $t->gateway_calls(since => $mark, verb => qr/get/, resource => 'gameserversets', name => 'orphan', code => 404) },
        15, 'it asks');
    $t->no_faults;
    $t->cut_connections;
    $t->wait_for(sub { !grep { $_->{name} eq 'orphan' } @{ $t->table->{templates} } }, 20, 'it knows');
    is scalar($t->gateway_calls(since => $mark, verb => qr/patch/, resource => 'persistentvolumeclaims')), 0,
        '--cascade=orphan keeps the disks: none is bound again';
    ok disk('orphan', 0) && !disk('orphan', 0)->{metadata}{deletionTimestamp}, 'they are there';
}

done_testing;
