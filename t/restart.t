# t/restart.t — a new pod under the same id, with the same disk

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';

sub uid { my ($inst) = @_; return $inst->client->get($inst->url('/info'))->json->{uid} }

for my $okg ('1.0', '0.4') {
    my $t     = AIGC::Stack->start(okg => $okg, faults => 1);
    my $alice = $t->sign_in('alice');
    my $bob   = $t->sign_in('bob');
    my $inst  = $alice->install($name)->wait_ready;
    my $other = $bob->install($name)->wait_ready;

    $alice->put($inst->url('/disk/work'), body => 'hers', headers => { Origin => $inst->url =~ s{/$}{}r });

    my ($pod, $his) = map { uid($_) } $inst, $other;
    my $claims = $t->claims($name);
    my $mark   = $t->audit_mark;

    my $r = $inst->try('restart');
    is $r->code, 202, "OKG $okg: a restart is accepted";
    is $r->json->{desired}, 'running', 'it is to run';
    is $r->json->{state}, 'stopping', 'and is on its way';
    isnt $inst->look->state, 'ready', 'which is said until there is a new pod';
    $inst->wait_ready;
    isnt uid($inst), $pod, 'then it is another pod';
    is $alice->get($inst->url('/disk/work'))->content, 'hers', 'with the same disk';
    is uid($other), $his, 'nobody else has noticed';
    is_deeply $t->claims($name), $claims, 'whose it is has not changed';
    is_deeply $t->gateway_writes($mark), {}, 'and the template was not written';
    is scalar(my @d = $t->gateway_calls(since => $mark, verb => qr/delete/)), 1, 'one call did it';
    is $d[0]{objectRef}{name}, $inst->pod, 'for that pod';

    ### Again and again

    my @codes = map { $_->response->code } map { $alice->begin_api('POST', $inst->path . '/restart') } 1 .. 4;
    is_deeply [grep { !/^20[02]$/ } @codes], [], 'pressed four times: each is answered well';
    $inst->wait_ready;
    $t->wait_agree($name);

    # No pod at this moment.
    $t->faults([{ method => 'DELETE', path => 'pods/', times => 1, action => { status => 404,
        contentType => 'application/json', body => '{"kind":"Status","reason":"NotFound","code":404}' } }]);
    is $inst->try('restart')->code, 200, 'without a pod: one is on its way already';

    ### Who may not

    is $bob->api('POST', $inst->path . '/restart')->code, 403, 'not somebody else';
    is $t->stranger->api('POST', $inst->path . '/restart')->code, 401, 'nor nobody';
    is $alice->api('POST', '/api/v1/instances/default/' . "$name/77/restart")->code, 404, 'nor what is not there';
    $r = $alice->api('GET', $inst->path . '/restart');
    is $r->code, 405, 'it is not read';
    is $r->header('Allow'), 'POST', 'but posted';
    $r = $alice->post($inst->path . '/restart', headers => { Origin => 'http://evil.example' });
    is $r->code, 403, 'nor from a page of elsewhere';

    $inst->release->wait_state('released');
    $r = $inst->try('restart');
    is $r->code, 409, 'a released one is not restarted';
    is +($r->problem // {})->{code}, 'not-running', 'it is to be started';
    $inst->start->wait_ready;

    ### An API server that misbehaves

    $t->allow_log(qr/upstream|did not delete a pod/);
    $pod = uid($inst);
    for (
        [403, 502, 'cluster-refuses', { status => 403, contentType => 'application/json', body => '{}' }],
        [500, 502, 'cluster-unavailable', { status => 500, contentType => 'application/json', body => '{}' }],
        [429, 503, 'cluster-busy', { status => 429, contentType => 'application/json', body => '{}' }],
        ['200 in HTML', 502, 'cluster-unavailable', { status => 200, contentType => 'text/html', body => '<h1>' }],
        ['404 in HTML', 502, 'cluster-unavailable', { status => 404, contentType => 'text/html', body => '<h1>' }],
        ['nothing', 502, 'cluster-unavailable', { close => JSON::PP::true }],
    ) {
        my ($what, $code, $problem, $action) = @$_;
        $t->faults([{ method => 'DELETE', path => 'pods/', action => $action }]);
        $r = $inst->try('restart');
        is $r->code, $code, "the API server answers $what: $code";
        is +($r->problem // {})->{code}, $problem, $problem;
    }
    $t->no_faults;
    is uid($inst), $pod, 'the pod is the same after all this';

    $t->faults([{ method => 'DELETE', path => 'pods/', times => 1,
        action => { forwardThenStatus => JSON::PP::true, status => 500 } }]);
    is $inst->try('restart')->code, 502, 'deleted, and then 500: it is not known to be done';
    $t->wait_for(sub { my $p = $t->kube_get('pods', $inst->pod); $p && $p->{metadata}{uid} ne $pod }, 10,
        'there is a new pod');
    # it may be ready before anybody has seen that it was not
    $t->wait_for(sub { (eval { uid($inst) } // $pod) ne $pod }, 10, 'and the gateway leads to it');
    $inst->wait_ready;
    isnt uid($inst), $pod, 'but it was';

    my $p = $alice->begin_api('POST', $inst->path . '/restart');
    $p->conn->close;
    is $alice->api('GET', '/api/v1/me')->code, 200, 'a client that goes away disturbs nobody';
    $t->wait_agree($name);
    is_deeply $t->claims($name), $claims, 'nothing has changed in all this';
    $t->stop;
}

done_testing;
