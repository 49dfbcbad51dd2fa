# t/repair.t — whatever becomes of spec, the annotations win

use FindBin;
use lib "$FindBin::Bin/lib";
use Test2::IPC;
use AIGC::Test;

my $name = 'stable-diffusion-cpu';

at_once(sub {
    my ($okg) = $_[0] =~ /(\d\.\d)/;
    my $t = AIGC::Stack->start(pace => 'real', okg => $okg);
    my @user = map { $t->sign_in($_) } qw(alice bob carol user01);
    my @inst = map { $_->install($name) } @user;
    $_->wait_ready for @inst;
    my ($alice, $bob, $carol, $dave) = @user;

    $inst[2]->release->wait_state('released');      # 0, 1, 3 run; 2 is reserved
    $t->wait_agree($name);

    my $claims = $t->claims($name);
    my $disks  = disks($t);
    my @uid    = map { pod_uid($_) } @inst[0, 1, 3];

    # Nothing of it may change: who has what.
    my $same = sub {
        my ($what) = @_;
        $t->wait_agree($name);
        is_deeply $t->claims($name), $claims, "$what: everybody has what he had";
        my $now = disks($t);
        is_deeply { map { $_ => $now->{$_} } keys %$disks }, $disks, 'and the same disk';
        $_->look->wait_ready for @inst[0, 1, 3];
        is_deeply [map { $_->client->get($_->url('/info'))->json->{instance} } @inst[0, 1, 3]], [0, 1, 3],
            'and reaches it';
        is $alice->get($inst[1]->url)->code, 403, 'and nobody else\'s';
    };

    my $had;
    my $repairs = sub { $t->status('/metrics')->content =~ /aigc_repairs_total (\d+)/ ? $1 : die };

    ### Left alone what is well

    my $mark = $t->audit_mark;
    $t->kubectl('annotate', 'gss', $name, 'example.org/note=hello');
    $t->kubectl('label', 'gss', $name, 'example.org/label=hello');
    $t->wait_for(sub { version_known($t, $name) }, 60, 'the gateway has seen it');
    is_deeply $t->gateway_writes($mark), {}, "OKG $okg: what agrees is not written";
    $same->('other annotations and labels');
    is_deeply [map { pod_uid($_) } @inst[0, 1, 3]], \@uid, 'by the same pods';

    ### The template's file again: replicas 0

    $had = $repairs->();
    $t->apply($t->template_text($name));
    $t->wait_for(sub { $repairs->() > $had }, 60, 'it is repaired');
    $same->('the file applied again');
    like $t->error_log, qr/template default\/\Q$name\E is not what its annotations say/, 'a line says so';

    ### Edited by hand

    for (
        ['replicas raised',     { replicas => 4 }],
        ['replicas lowered',    { replicas => 1 }],
        ['the list emptied',    { reserveGameServerIds => [] }],
        ['the list removed',    { reserveGameServerIds => undef }],
        ['a running id reserved', { reserveGameServerIds => [1, 2] }],
        ['another id reserved', { reserveGameServerIds => [2, 7] }],
        $okg eq '0.4' ? ['garbage', { reserveGameServerIds => [-1, 2] }] : (
            ['a range',         { reserveGameServerIds => ['0-3'] }],
            ['a range beyond',  { reserveGameServerIds => [2, '5-7'] }],
            ['garbage',         { reserveGameServerIds => ['x', 2, '7-5', -1] }]),
        ['all of it',           { replicas => 9, reserveGameServerIds => [0, 1, 3] }],
    ) {
        my ($what, $spec) = @$_;
        $t->kube_patch('gss', $name, { spec => $spec });
        $same->($what);
    }

    # A number below 0 is written away.  OKG 1.0 has it in its workload by then,
    # and puts it back with every scale: it stands for no pod, and is left alone.
    $had  = $repairs->();
    $mark = $t->audit_mark;
    $t->kube_patch('gss', $name, { spec => { reserveGameServerIds => [-1, 2] } });
    $t->wait_for(sub { $repairs->() > $had }, 60, 'it is repaired');
    $same->('a number below 0');
    my $passes = sub { $t->status('/metrics')->content =~ /^aigc_passes_total (\d+)/m ? $1 : die };
    my $then   = $passes->();
    $t->wait_for(sub { $passes->() > $then + 4 }, 60, 'some more passes');
    cmp_ok $t->gateway_writes($mark)->{$name}, '<=', 2, '… not again and again';
    if ($okg eq '1.0') {
        ok +(grep { $_ eq '-1' } @{ $t->kube_get('gss', $name)->{spec}{reserveGameServerIds} }), 'OKG has put it back';
    }
    $t->kube_patch('gss', $name, { spec => { reserveGameServerIds => [-1, 0] } });
    $same->('one that is wrong beside it');

    # A repeated id means the same set: right, if not pretty.
    $t->kube_patch('gss', $name, { spec => { reserveGameServerIds => [2, 2] } });
    $same->('an id twice');

    ### Annotations by hand

    my $top = $t->kube_get('gss', $name)->{metadata}{annotations}{'aigc-gateway.io/top'};
    $t->kubectl('annotate', 'gss', $name, 'aigc-gateway.io/top-');
    $t->kube_patch('gss', $name, { spec => { replicas => 2 } });
    $same->('the top taken away, and repaired for another reason');
    # OKG may have begun another pod for the replicas above: its id is used up, too.
    cmp_ok $t->kube_get('gss', $name)->{metadata}{annotations}{'aigc-gateway.io/top'}, '>=', $top, 'the top is back';

    # Bob's is removed: nobody's, reserved, stopped.
    $t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/1-');
    $t->wait_agree($name);
    like $t->reserved($name), qr/^1,2(?:,|$)/, 'an annotation removed: its id stays reserved';
    isnt $_->get($inst[1]->url)->code, 200, $_->user . ' does not get in' for @user;
    is_deeply [$bob->instances], [], 'nobody has it';
    is $bob->api('POST', $inst[1]->path . '/start')->code, 404, 'not to be started';

    my $new = $t->sign_in('user02')->install($name);
    cmp_ok $new->id, '>', $top, 'nor given to somebody new';
    is $bob->install($name)->id, 1, 'its disk says whose it was: bob has it back';
    $inst[1]->look->wait_ready;
    $t->wait_agree($name);
    is disks($t)->{"user-data-$name-1"}, $disks->{"user-data-$name-1"}, 'with the disk';

    # Alice's becomes unreadable, in several ways.
    my $was = $t->kube_get('gss', $name)->{metadata}{annotations}{'instance.aigc-gateway.io/0'};
    for my $bad ('', '{', '{"owner":"alice0000000"}', '{"owner":"","state":"running","since":"x","gss":"y"}',
        $was =~ s/running/RUNNING/r, $was =~ s/"owner":"[^"]*"/"owner":7/r, 'x' x 5000)
    {
        $t->kubectl('annotate', '--overwrite', 'gss', $name, "instance.aigc-gateway.io/0=$bad");
        $t->wait_for(sub { $t->kube_get('gss', $name)->{spec}{replicas} == 3 }, 60, 'it is stopped');
        $t->wait_for(sub { $t->reserved($name) =~ /^0,2/ }, 60, 'and reserved');
        is $t->table_state(0), 'unknown', 'unreadable: ' . substr($bad, 0, 30);
        is $_->get($inst[0]->url)->code, 403, $_->user . ' does not get in' for $alice, $bob;
        is $alice->api('POST', $inst[0]->path . '/start')->code, 403, 'nor may start it';
        $t->kubectl('annotate', '--overwrite', 'gss', $name, "instance.aigc-gateway.io/0=$was");
        $t->wait_agree($name);
    }
    $inst[0]->look->wait_ready;
    is $alice->get($inst[0]->url('/info'))->json->{instance}, 0, 'readable again: alice is back';

    # What OKG started meanwhile, because spec told it to, is nobody's.
    my %his = (%{ $t->claims($name) });
    is_deeply [grep { my ($id) = $_->{metadata}{name} =~ /(\d+)$/;
        !$his{$id} && $_->{metadata}{annotations}{'aigc-gateway.io/owner'} } $t->kube_list('pvcs')], [],
        'no disk that nobody has asked for is stamped';

    ### What is not ours

    $mark = $t->audit_mark;
    $t->apply_template('notebook', { spec => { replicas => 2 } });
    $t->wait_for(sub { 2 == grep { $_->{metadata}{name} =~ /^notebook/ } $t->kube_list('pods') }, 60, 'it runs');
    $t->kube_patch('gss', 'notebook', { spec => { replicas => 1 } });
    $t->wait_for(sub { version_known($t, 'notebook') }, 60, 'the gateway has seen it');
    # The reconciler's next passes come with these repairs of our own.
    $t->kube_patch('gss', $name, { spec => { replicas => 0 } });
    $t->wait_agree($name);
    is $t->kube_get('gss', 'notebook')->{spec}{replicas}, 1, 'a workload without the gateway\'s mark is left alone';
    is $t->gateway_writes($mark)->{notebook}, undef, 'it is never written';
}, 'OKG 1.0', 'OKG 0.4');

done_testing;

sub disks { my ($t) = @_; return { map { $_->{metadata}{name} => $_->{metadata}{uid} } $t->kube_list('pvcs') } }

sub pod_uid { my ($inst) = @_; return $inst->client->get($inst->url('/info'))->json->{uid} }

# Has the table the object as the cluster has it?
sub version_known {
    my ($t, $name) = @_;
    my $gss = $t->kube_get('gss', $name);
    my ($is) = grep { $_->{name} eq $name } @{ $t->table->{templates} };
    return $is && $is->{generation} == $gss->{metadata}{generation}
        && $is->{observedGeneration} == $gss->{status}{observedGeneration};
}

sub AIGC::Stack::table_state {
    my ($t, $id) = @_;
    my ($i) = grep { $_->{id} == $id && $_->{template} eq $name } @{ $t->table->{instances} };
    return $i && $i->{state};
}
