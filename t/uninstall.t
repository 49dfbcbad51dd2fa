# t/uninstall.t — what is uninstalled goes whole, whatever dies on the way, and
# nothing of somebody else's with it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $yes  = JSON::PP::true;

sub disks {         # whose they are: { id => owner }
    my ($t, $of) = @_;
    $of //= $name;
    return { map { $_->{metadata}{name} =~ /-\Q$of\E-(\d+)$/
        ? ($1 => $_->{metadata}{annotations}{'aigc-gateway.io/owner'}) : () } $t->kube_list('pvcs') };
}

sub code { my ($r) = @_; return ($r->problem // {})->{code} }

# All of it is gone: annotation, pod, and (unless it is kept) the disk.
sub wait_forgotten {
    my ($t, $inst, $seconds) = @_;
    my ($tmpl, $id) = ($inst->template, $inst->id);
    return $t->wait_for(sub { !$t->claims($tmpl)->{$id} && !$inst->look }, $seconds // 20,
        sub { $inst->pod . ' is forgotten: ' . JSON::PP->new->canonical->encode($t->claims($tmpl)) });
}

for my $okg ('1.0', '0.4') {
    my $t     = AIGC::Stack->start(okg => $okg, faults => 1, workers => 2);
    my $alice = $t->sign_in('alice');
    my $bob   = $t->sign_in('bob');

    ### From the request to the end

    my $inst  = $alice->install($name)->wait_ready;
    my $other = $bob->install($name)->wait_ready;
    my $his   = $t->claims($name)->{1};
    $t->wait_for(sub { (disks($t)->{0} // '') eq 'alice0000000' }, 10, 'her disk is stamped');

    my $mark = $t->audit_mark;
    my $r = $inst->try('uninstall', delete_disk => 'true');
    is $r->code, 202, "OKG $okg: an uninstall is accepted";
    is $r->json->{desired}, 'uninstalling', 'it says so';
    is $r->json->{state}, 'uninstalling', 'and is at it';
    isnt $alice->get($inst->url)->code, 200, 'it is not reached any more';
    wait_forgotten($t, $inst);
    is_deeply [sort keys %{ disks($t) }], [1], 'the disk is gone, and no other';
    is $t->kube_get('pods', $inst->pod), undef, 'so is the pod';
    is_deeply $t->claims($name), { 1 => $his }, 'and the annotation';
    is $inst->try('uninstall')->code, 404, 'there is nothing to uninstall any more';
    is $alice->get($inst->url)->code, 404, 'its host is unknown';
    is $other->look->state, 'ready', 'bob has not noticed';
    $t->wait_agree($name);
    my @deleted = $t->gateway_calls(since => $mark, verb => qr/delete/);
    is_deeply [map { "$_->{objectRef}{resource} $_->{objectRef}{name}" } @deleted],
        ["persistentvolumeclaims user-data-$name-0"], 'one disk was deleted, by one call; pods go by the template alone';
    is $t->gateway_writes($mark)->{$name}, 2, 'and the template was written twice';
    like $t->status('/metrics')->content, qr/^aigc_uninstalls_total 1$/m, 'which is counted';

    my $new = $alice->install($name);
    is $new->id, 2, 'the id is not given again, not even to her';
    is $t->kube_get('gss', $name)->{metadata}{annotations}{'aigc-gateway.io/top'}, 2, 'top goes up';
    like $t->reserved($name), qr/^0(,|$)/, 'the former id is reserved';
    $new->wait_ready;
    is $alice->get($new->url('/disk/'))->code, 200, 'she begins anew';

    ### Who may, and how

    is $bob->api('DELETE', $new->path)->code, 403, 'nobody else may';
    is $t->stranger->api('DELETE', $new->path)->code, 401, 'nor nobody';
    is $alice->api('DELETE', "/api/v1/instances/default/$name/77")->code, 404, 'nor what is not there';
    is $alice->delete($new->path, headers => { Origin => 'http://evil.example' })->code, 403,
        'nor a page of elsewhere';
    for my $method (qw(PUT PATCH POST)) {
        $r = $alice->api($method, $new->path);
        is $r->code, 405, "$method is none of its methods";
        is $r->header('Allow'), 'GET, HEAD, DELETE', 'all of which are named';
    }
    for my $query ((map { ("$_=yes", "$_=1", "$_=", $_, "$_=TRUE", "$_=true&", "$_=true&$_=false", "$_=" . 'x' x 4000) }
        qw(keep_disk delete_disk)), qw(keep_disk=false keep-disk=true delete-disk=true disk=delete
        delete_disk=true&keep_disk=true keep_disk=true&delete_disk=true delete_disk=tru%65))
    {
        $r = $alice->api('DELETE', $new->path . "?$query");
        is $r->code, 400, 'a query that is not understood costs no disk: ' . substr $query, 0, 40;
        is code($r), 'bad-parameter', 'as a problem';
    }
    is $new->look->state, 'ready', 'nothing has happened';

    ### While it goes

    $t->kubectl('annotate', 'pod', $new->pod, 'fake/stop-delay=4s');
    is $new->uninstall(delete_disk => 'true')->state, 'uninstalling', 'a pod that takes long to end';
    is $new->look->reason->{code}, 'Terminating', 'which is said';
    $r = $new->try('uninstall', delete_disk => 'true');
    is $r->code, 200, 'once more: it is so already';
    $r = $new->try($_), is($r->code, 409, "no $_ any more"), is(code($r), 'uninstalling', 'it says why')
        for qw(start release restart);
    $r = $alice->api('POST', "/api/v1/templates/default/$name/install");
    is $r->code, 409, 'and no install meanwhile';
    is code($r), 'uninstalling', 'it says why';
    for my $query ('', '?keep_disk=true', '?delete_disk=false') {
        $r = $alice->api('DELETE', $new->path . $query);
        is $r->code, 409, "the disk cannot be kept any more: $query";
    }
    isnt $alice->get($new->url)->code, 200, 'the pod that is still there is not reached';
    ok $t->claims($name)->{2}, 'the annotation stays as long as the pod';
    wait_forgotten($t, $new);
    is $t->kube_get('pods', $new->pod), undef, 'not longer';
    is_deeply [sort keys %{ disks($t) }], [1], 'nor the disk';

    ### The disk is kept

    my $kept = $alice->install($name)->wait_ready;
    my $id   = $kept->id;
    $alice->put($kept->url('/disk/work'), body => 'hers', headers => { Origin => $kept->url =~ s{/$}{}r });
    is $kept->uninstall->state, 'uninstalling', 'without a word about the disk';
    is $kept->try('uninstall', keep_disk => 'true')->code, 200, 'once more' if $kept->look;
    is $kept->try('uninstall', delete_disk => 'false')->code, 200, 'in any words' if $kept->look;
    wait_forgotten($t, $kept);
    is disks($t)->{$id}, 'alice0000000', 'the disk is still hers';
    $t->wait_agree($name);
    my $carol = $t->sign_in('carol')->install($name);
    isnt $carol->id, $id, 'nobody else gets it';
    my $back = $alice->install($name)->wait_ready;
    is $back->id, $id, 'she gets it back with her next install';
    is $alice->get($back->url('/disk/work'))->content, 'hers', 'and what she left on it';

    is $back->release->wait_state('released')->uninstall(delete_disk => 'true')->desired, 'uninstalling',
        'a released one goes, too';
    wait_forgotten($t, $back);
    is disks($t)->{$id}, undef, 'with its disk, this time';

    # Given up after all.
    my $given = $alice->install($name)->wait_ready;
    $t->kubectl('annotate', 'pod', $given->pod, 'fake/stop-delay=3s');
    $given->uninstall;
    is $given->try('uninstall', delete_disk => 'true')->code, 202, 'a disk that was to stay can still be given up';
    wait_forgotten($t, $given);
    is disks($t)->{ $given->id }, undef, 'it is gone';

    ### Straight after the install, before there is anything

    for my $keep ('keep', 'delete') {
        my $quick = $bob->user eq 'bob' ? $t->sign_in($keep eq 'keep' ? 'user01' : 'user02') : undef;
        my $i = $quick->install($name)->uninstall("${keep}_disk" => 'true');
        wait_forgotten($t, $i);
        $t->wait_agree($name);
        my $owner = disks($t)->{ $i->id };
        ok !defined $owner || ($keep eq 'keep' && $owner =~ /^user01/), "${keep}_disk at once: nothing is nobody's";
    }

    ### A disk that is not recorded yet

    my $early = $t->sign_in('user03');
    $t->faults([{ method => 'PATCH', path => 'persistentvolumeclaims', action => { status => 500 } }]);
    my $e = $early->install($name)->wait_ready;
    $e->uninstall;
    $t->allow_log(qr/a disk's owner could not be recorded/);
    $t->wait_for(sub { !$t->kube_get('pods', $e->pod) }, 20, 'the pod has ended');
    $t->wait_for(sub { ($t->fault_log->{counts}{'PATCH /api/v1/namespaces/*/persistentvolumeclaims/*'} // 0) >= 2 }, 20,
        'it is tried, and tried again');
    ok $t->claims($name)->{ $e->id }, 'a kept disk without an owner on it holds the annotation';
    $t->no_faults;
    wait_forgotten($t, $e);
    is disks($t)->{ $e->id }, 'user030000000' =~ s/0$//r, 'until it has one';

    ### Somebody else's disk on the id

    my $mixed = $t->sign_in('user04')->install($name)->wait_ready;
    $t->wait_for(sub { disks($t)->{ $mixed->id } }, 10, 'stamped');
    $t->kubectl('annotate', '--overwrite', 'pvc', 'user-data-' . $mixed->pod, 'aigc-gateway.io/owner=bob000000000');
    $t->wait_for(sub { grep { $_->{id} == $mixed->id && $_->{disk} eq 'foreign' } @{ $t->table->{instances} } }, 10,
        'it is foreign');
    is $mixed->try('uninstall')->code, 202, 'an instance with a foreign disk can be uninstalled';
    wait_forgotten($t, $mixed);
    is disks($t)->{ $mixed->id }, 'bob000000000', 'the disk stays, and holds nothing up';
    $t->wait_agree($name);
    is_deeply [$t->disagreements($name)], [], 'all agrees';
    $t->stop;
}

done_testing;
