# t/update.t — a changed template: seamless where the administrator chose so,
# by OpenKruiseGame's own hand where not, and never the one shown as the other

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my %strategy = (
    ondelete => { type => 'OnDelete' },
    paused   => { rollingUpdate => { paused => JSON::PP::true, partition => 0 } },
    rolling  => { rollingUpdate => { podUpdatePolicy => 'InPlaceIfPossible', maxUnavailable => '100%' } },
    trap     => { type => 'OnDelete', rollingUpdate => { podUpdatePolicy => 'InPlaceIfPossible', maxUnavailable => '100%' } },
);

for my $okg ('1.0', '0.4') {
    my $t = AIGC::Stack->start(pace => 'real', okg => $okg, faults => 1, templates => []);
    my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);

    for my $name (sort keys %strategy) {
        $t->apply_template('stable-diffusion-cpu', { metadata => { name => $name } }, sub {
            my ($gss) = @_;
            $gss->{spec}{updateStrategy} = $strategy{$name};
            $_->{value} = "$name-<id>." . $t->root
                for grep { $_->{name} eq 'Host' } @{ $gss->{spec}{network}{networkConf} };
        });
    }

    ### What the templates say

    my %update = map { $_->{name} => $_->{update} } @{ $alice->api('GET', '/api/v1/templates')->json->{templates} };
    my $no = JSON::PP::false;
    my $yes = JSON::PP::true;
    is_deeply $update{ondelete}, { seamless => $yes, reason => undef }, "OKG $okg: OnDelete is seamless";
    is_deeply $update{paused}, { seamless => $yes, reason => undef }, 'paused is seamless';
    is_deeply $update{rolling}, { seamless => $no, reason => undef }, 'what rolls is not';
    is $update{trap}{seamless}, $no, 'OnDelete beside a rollingUpdate block is not';
    like $update{trap}{reason}, qr/rollingUpdate block beside type OnDelete/, '… and the reason is said';

    ### Both levers: those that run go on

    for my $name (qw(ondelete paused)) {
        my @inst = map { $_->install($name) } $alice, $bob;
        $_->wait_ready for @inst;
        my ($hers, $his) = @inst;

        $t->wait_for(sub { revisions($t, $name) }, 60, 'the revisions are known');
        is $_->look->data->{updateAvailable}, $no, "OKG $okg, $name: nothing to update" for @inst;

        is $alice->put($hers->url('/disk/mine'), body => 'kept')->code, 204, 'there is something on the disk';
        my @uid = map { info($_)->{uid} } @inst;
        my $ws = $alice->websocket($hers->url('/ws'));
        is $ws->code, 101, 'a WebSocket is open';

        my $r = $alice->api('POST', $hers->path . '/update');
        is $r->code, 200, 'an update without one to be had: 200';
        is info($hers)->{uid}, $uid[0], '… and nothing happens';

        image($t, $name, 'demo:v2');
        $t->wait_for(sub { $_->look->data->{updateAvailable} }, 60, 'the update is shown') for @inst;
        is $_->state, 'ready', 'it goes on running' for @inst;

        my $new = $carol->install($name)->wait_ready;
        is info($new)->{image}, 'demo:v2', 'a new one has the new revision';
        is $new->look->data->{updateAvailable}, $no, '… and nothing to update';

        is_deeply [map { info($_)->{uid} } @inst], \@uid, 'those that run: the same pods';
        is info($_)->{image} eq 'demo:v2', '', '… with the old image' for @inst;
        ok $ws->echoes('still here'), '… and the WebSocket is open';

        ### One moves when its user wants

        is $bob->api('POST', $hers->path . '/update')->code, 403, 'somebody else may not';
        is $t->stranger->request('POST', $t->url($hers->path . '/update'))->code, 401, 'nor a stranger';
        is $alice->api('GET', $hers->path . '/update')->code, 405, 'it is a POST';
        is info($hers)->{uid}, $uid[0], 'nothing has happened';

        $r = $alice->api('POST', $hers->path . '/update');
        is $r->code, 202, 'her update: 202';
        is $r->json->{updateAvailable}, $no, '… which has none left';
        like $r->header('Location'), qr{\Q@{[ $hers->path ]}\E$}, '… and says where to look';
        $t->wait_for(sub { image_of($hers) eq 'demo:v2' }, 60, 'the new image');
        $hers->wait_ready;
        is info($hers)->{image}, 'demo:v2', 'it has the new revision';
        isnt info($hers)->{uid}, $uid[0], '… in another pod';
        is $alice->get($hers->url('/disk/mine'))->content, 'kept', '… with the same disk';
        is $hers->look->data->{updateAvailable}, $no, '… and nothing to update';
        is info($his)->{uid}, $uid[1], 'his goes on';
        is $his->look->data->{updateAvailable}, $yes, '… and may be updated';

        my $uid = info($hers)->{uid};
        is $alice->api('POST', $hers->path . '/update')->code, 200, 'once more: 200';
        is info($hers)->{uid}, $uid, '… and the same pod';

        ### Released, and started

        $his->release->wait_state('released');
        $r = $bob->api('POST', $his->path . '/update');
        is $r->code, 409, 'one that does not run: 409';
        is $r->problem->{code}, 'not-running', '… for that reason';
        is $his->look->data->{updateAvailable}, $no, 'it has nothing to update';
        $his->start->wait_ready;
        is info($his)->{image}, 'demo:v2', 'it starts with the new revision';

        $t->wait_agree($name);
    }

    ### What rolls: by itself, in place

    for my $name (qw(rolling trap)) {
        my $inst = $alice->install($name)->wait_ready;
        my $uid = info($inst)->{uid};
        $t->wait_for(sub { revisions($t, $name) }, 60, 'the revisions are known');

        my $shown = 0;
        image($t, $name, 'demo:v2');
        $t->wait_for(sub {
            $inst->look;
            $shown ||= $inst->data->{updateAvailable};
            $inst->state eq 'ready' && image_of($inst) eq 'demo:v2';
        }, 60, 'it runs again');
        $inst->wait_ready;
        is info($inst)->{uid}, $uid, "OKG $okg, $name: an image is changed in the same pod";
        ok !$shown, '… and no update was ever offered';
        is $alice->api('POST', $inst->path . '/update')->code, 200, '… nor made';
        is info($inst)->{uid}, $uid, '… the pod is the same';

        # resources: another pod
        $t->kubectl('patch', 'gss', $name, '--type=json', '-p', JSON::PP->new->encode([{ op => 'add',
            path => '/spec/gameServerTemplate/spec/containers/0/resources', value => { limits => { cpu => '2' } } }]));
        $t->wait_for(sub { ((eval { info($inst) } // {})->{uid} // $uid) ne $uid }, 60, 'another pod');
        $inst->wait_ready;
        pass '… other changes make another pod';
    }

    ### The lever comes later

    my $inst = $bob->install('trap')->wait_ready;
    $t->kube_patch('gss', 'trap', { spec => { updateStrategy => { rollingUpdate => undef } } });
    $t->wait_for(sub { template($alice, 'trap')->{update}{seamless} }, 60, 'without the block it is seamless');
    my $uid = info($inst)->{uid};
    image($t, 'trap', 'demo:v3');
    $t->wait_for(sub { $inst->look->data->{updateAvailable} }, 60, 'and the update is shown');
    is info($inst)->{uid}, $uid, 'the same pod runs on';

    ### When the cluster does not play along

    for (
        [403, 502, 'cluster-refuses'],
        [500, 502, 'cluster-unavailable'],
    ) {
        my ($status, $answer, $code) = @$_;
        $t->faults([{ method => 'DELETE', path => 'pods', action => { status => $status, body => '{}' } }]);
        my $r = $bob->api('POST', $inst->path . '/update');
        is $r->code, $answer, "the API server says $status: $answer";
        is $r->problem->{code}, $code, "… $code";
    }
    is info($inst)->{uid}, $uid, 'the pod runs on';

    # the pod that the table knows has been replaced meanwhile
    $t->faults([{ path => 'pods$', query => 'watch=true', action => { stallAfterBytes => 0 } },
        { path => 'gameservers$', query => 'watch=true', action => { stallAfterBytes => 0 } }]);
    $t->cut_connections;
    $t->kubectl('delete', 'pod', $inst->pod);
    my $other = sub { my $p = $t->kube_get('pods', $inst->pod); $p && $p->{metadata}{uid} ne $uid && $p };
    $t->wait_for($other, 20, 'another pod');
    my $is = $other->()->{metadata}{uid};
    is $bob->api('POST', $inst->path . '/update')->code, 202, 'a pod that has taken its place: 202';
    is $other->()->{metadata}{uid}, $is, '… is left alone';
    ok !$other->()->{metadata}{deletionTimestamp}, '… and not being deleted';
    $t->no_faults;
    $t->cut_connections;
    $t->wait_for(sub { !$inst->look->data->{updateAvailable} }, 60, 'which the table learns');
    $t->allow_log(qr/was not deleted for its update|the watch of \w+ ended/);
}

done_testing;

sub info { my ($inst) = @_; return $inst->client->get($inst->url('/info'))->json }

sub image_of { my ($inst) = @_; return (eval { info($inst) } // {})->{image} // '' }

sub template {
    my ($client, $name) = @_;
    my ($t) = grep { $_->{name} eq $name } @{ $client->api('GET', '/api/v1/templates')->json->{templates} };
    return $t;
}

sub image {
    my ($t, $name, $image) = @_;
    $t->kubectl('patch', 'gss', $name, '--type=json', '-p', JSON::PP->new->encode([{ op => 'replace',
        path => '/spec/gameServerTemplate/spec/containers/0/image', value => $image }]));
}

# Does the table know which revision each pod has, and should have?
sub revisions {
    my ($t, $name) = @_;
    my $table = $t->table;
    my ($tmpl) = grep { $_->{name} eq $name } @{ $table->{templates} };
    return $tmpl->{revision} && !grep { $_->{template} eq $name && $_->{pod}{revision} ne $tmpl->{revision} }
        @{ $table->{instances} };
}
