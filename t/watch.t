# t/watch.t — the table follows the cluster, whatever happens to its watches

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use MIME::Base64 qw(decode_base64url);
use Time::HiRes qw(sleep time);

my $gss = '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets';
my $gs  = '/apis/game.kruise.io/v1alpha1/namespaces/default/gameservers';
my $pvc = '/api/v1/namespaces/default/persistentvolumeclaims';
my %path = (GameServerSets => 'gameserversets', GameServers => 'gameservers',
    PersistentVolumeClaims => 'persistentvolumeclaims');

# those that the table cannot do without: the others are in reason.t
my $core = '(?:gameserversets|gameservers|persistentvolumeclaims)$';

my $t = AIGC::Stack->start(faults => 1, workers => 2,
    cluster => [qw(-token-lifetime 600s -token-rotate 5s)]);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : undef }
sub lists  { scalar(() = $t->error_log =~ /aigc: (?:GameServer\w*|Persistent\w+) of default listed/g) }

# Every watch ends and begins anew under these rules.
sub under {
    my ($rules, $code) = @_;
    $t->faults($rules);
    $t->cut_connections;
    $code->();
    $t->no_faults;
}

# A changed template, a new pod get into the table.
my $n = 0;
sub follows {
    my ($what, %o) = @_;
    my $name = 'title ' . ++$n;
    $t->kube_patch('gss', 'stable-diffusion-cpu', { metadata => { annotations => { 'aigc-gateway.io/title' => $name } } });
    $t->wait_for(sub { title() eq $name }, 20, "$what: a changed template is seen");
    return pass "$what: the table follows the cluster" if $o{template_only};
    my $old;
    $t->wait_for(sub { defined($old = pod_uid()) }, 20, "$what: the pod is reached");
    $t->kubectl('delete', 'pod', $inst->pod, '--wait=false');
    $t->wait_for(sub { (pod_uid() // $old) ne $old }, 20, "$what: the new pod is reached");
    is $alice->get($inst->url)->code, 200, "$what: the table follows the cluster";
}

# a short one, for the log is long
sub said { my ($re, $what) = @_; ok scalar($t->error_log =~ $re), $what }

sub title  { $alice->api('GET', '/api/v1/templates')->json->{templates}[0]{title} // '' }
sub pod_uid { my $r = $alice->get($inst->url('/info')); $r->code == 200 ? $r->json->{uid} : undef }

subtest 'before the first list is complete' => sub {
    AIGC::HTTP::close_all();
    $t->quit_nginx(3);
    $t->faults([{ path => 'gameservers$', action => { status => 500, body => 'no' } }]);
    $t->start_nginx;
    $t->wait_for(sub { eval { $t->status('/readyz') } && @{ $t->table->{templates} } && @{ $t->table->{disks} } }, 10,
        'all but the GameServers are listed');

    my $ready = $t->status('/readyz');
    is $ready->code, 503, '/readyz is 503';
    ok !$ready->json->{synced}, 'because the lists are not complete';
    is $t->status('/healthz')->code, 200, '/healthz is 200';
    my $nobody = $inst->url =~ s/instances\d+-/instances77-/r;
    for ([owner => $alice, $inst->url], [other => $bob, $inst->url], [stranger => $t->stranger, $inst->url],
        [unknown => $alice, $nobody])
    {
        my ($who, $client, $url) = @$_;
        my $r = $client->get($url, headers => { Accept => 'application/json' });
        is $r->code, 503, "the host of an instance is 503 for: $who";
        ok $r->header('Retry-After'), 'with Retry-After';
    }
    my $r = $bob->api('POST', '/api/v1/templates/default/stable-diffusion-cpu/install');
    is $r->code, 503, 'an install too';
    said qr/the watch of GameServers ended: status 500/, 'the log says which list is missing';
    $t->no_faults;
    $t->wait_ready;
    is $alice->get($inst->url)->code, 200, 'then the owner is let in';
    is $alice->get($nobody)->code, 404, 'and an unknown host is 404';
};

subtest 'connections' => sub {
    $t->cut_connections;
    follows('cut');
    under([{ path => $core, query => 'watch=true', times => 6, action => { close => \1 } }], sub { follows('closed unanswered') });
    for my $bytes (0, 1, 300, 2000) {
        under([{ path => $core, query => 'watch=true', times => 3, action => { cutAfterBytes => $bytes } }],
            sub { follows("cut after $bytes bytes", template_only => $bytes < 300) });
    }
    under([{ path => $core, query => 'watch=true', times => 3, action => { delayMs => 400 } }], sub { follows('slow') });
};

subtest 'the API server starts again' => sub {
    my $lists = lists();
    $t->apiserver_down;
    $t->wait_for(sub { $t->error_log =~ /the watch of \w+ ended: .*(?:refused|connect)/i }, 15, 'it is gone');
    $t->apiserver_up;
    follows('started again');
    is lists(), $lists, 'nothing had to be listed again';
};

subtest '410 Gone' => sub {
    # events are missed while the watch cannot be made: they come by the list
    for my $how ('as an answer', 'as an event') {
        my $gone = $how eq 'as an answer' ? { status => 410, body => '{"kind":"Status","code":410}' } : { watchGone => \1 };
        my $lists = lists();

        $t->apply($t->template('stable-diffusion-cpu', { metadata => { name => 'passing' } }, sub {
            $_[0]{spec}{network}{networkConf} = [ map { $_->{name} eq 'Host'
                ? { name => 'Host', value => 'passing<id>.' . $t->root } : $_ } @{ $_[0]{spec}{network}{networkConf} } ];
        }));
        $t->wait_template('passing');
        my $his = $bob->install('passing')->wait_ready;
        is $bob->get($his->url)->code, 200, 'there is an instance more';

        $t->apiserver_down;
        $t->kubectl('delete', 'gss', 'passing', '--cascade=foreground');
        my $left = sub { grep { $_->{metadata}{name} =~ /passing/ } map { $t->kube_list($_) } @_ };
        $t->wait_for(sub { !$left->('gss', 'gs', 'pods') }, 20, 'it is gone');
        $t->kubectl('delete', 'pvc', '-l', 'game.kruise.io/owner-gss=passing');
        $t->wait_for(sub { !$left->('pvcs') }, 20, 'its disk too');
        $t->faults([{ path => $core, query => 'resourceVersion=', times => 3, action => $gone }]);
        $t->apiserver_up;
        $t->wait_for(sub { lists() >= $lists + 3 }, 20, 'all three are listed again');
        $t->wait_for(sub { $t->status('/table')->content !~ /passing/ }, 10,
            sub { 'nothing of it is left: ' . $t->status('/table')->content });
        pass "410 $how: what vanished meanwhile is swept";
        said qr/too old \(410\): listing again/, 'and the log says why';
        is $bob->get($his->url)->code, 404, 'its host is unknown now';
        $t->no_faults;
        follows("after 410 $how");
    }
};

subtest '410 without an end' => sub {
    $t->faults([{ query => 'watch=true', action => { watchGone => \1 } }]);
    $t->clear_fault_log;
    $t->cut_connections;
    sleep 2;
    my $asked = 0;
    my $counts = $t->fault_log->{counts};
    $asked += $counts->{$_} for grep { /watch/ } keys %$counts;
    cmp_ok $asked, '<', 40, 'it is not asked all the time';
    is $alice->get($inst->url)->code, 200, 'owners keep working';
    $t->no_faults;
    follows('after 410 without an end');
};

subtest 'what is no event' => sub {
    my %body = (
        'HTML'             => "<html><body>502 Bad Gateway</body></html>\n",
        'half a line'      => '{"type":"MODIFIED","object":{"kind":"GameServerSet","metadata":{"na',
        'garbage'          => "\x00\xff\xfe garbage\n\n\n{}\n",
        'wrong JSON'       => qq({"type":"ADDED","object":[]}\n{"type":7}\n[]\nnull\n),
        'an unknown type'  => qq({"type":"REPLACED","object":{"metadata":{"resourceVersion":"1"}}}\n),
        'an ERROR event'   => qq({"type":"ERROR","object":{"kind":"Status","code":500,"message":"no"}}\n),
        'nothing'          => '',
    );
    for my $what (sort keys %body) {
        under([{ path => 'gameserversets$', query => 'watch=true', times => 2, action => { status => 200, contentType => 'application/json', body => $body{$what} } }], sub {
            follows($what, template_only => $what ne 'HTML');
        });
    }
    for my $status (301, 401, 403, 404, 500, 503) {
        under([{ path => 'gameserversets$', query => 'watch=true', times => 2, action => { status => $status, body => 'no' } }], sub {
            follows("status $status", template_only => 1);
        });
    }
};

subtest 'an event over the bound' => sub {
    my $line = '{"type":"MODIFIED","object":{"x":"' . 'x' x (4.5 * 1024 * 1024) . "\"}}\n";
    under([{ path => 'gameserversets$', query => 'watch=true', times => 1, action => { status => 200, body => $line } }], sub {
        follows('an event of 4.5 MiB');
        said qr/the watch of GameServerSets ended: an event is too large/, 'and it is said';
    });
};

subtest 'a watch that stalls' => sub {
    my $errors = metric('watch_errors_total');
    $t->faults([{ path => 'gameserversets$', query => 'watch=true', times => 1, action => { stallAfterBytes => 0 } }]);
    $t->cut_connections;
    sleep 0.5;
    is $alice->get($inst->url)->code, 200, 'owners keep working';
    cmp_ok $t->status('/readyz')->json->{age}, '>=', 0, 'the age says since when nothing was heard';
    $t->no_faults;
    $t->cut_connections;    # (by itself after NGX_AIGC_WATCH_SILENCE, 150 s)
    follows('after a stall');
};

subtest 'a rotated token' => sub {
    my $file = $t->file('cluster/serviceaccount/token');
    my $read = sub { open my $f, '<', $file or return ''; local $/; <$f> };
    my $id_of = sub { JSON::PP->new->decode(decode_base64url((split /\./, $_[0])[1]))->{jti} };
    my $old  = $read->();
    $t->wait_for(sub { $read->() ne $old }, 30, 'the token has rotated');
    # the token's id stands in the audit log
    my $mark = $t->audit_mark;
    my $id = sub {
        my %ids = map { ($_->{user}{extra}{'authentication.kubernetes.io/credential-id'}[0] // '?') => 1 }
            $t->gateway_calls(since => $mark, @_);
        return join ' ', sort keys %ids;
    };
    my $new = $id_of->($read->());
    $t->wait_for(sub {
        $t->cut_connections;        # an old token is used for ten seconds at most
        sleep 0.3;
        $new = $id_of->($read->()) unless $id->() =~ /$new/;
        $id->(verb => qr/watch|list/) =~ /$new/;
    }, 25, 'watches are made with the new token');
    follows('with the new token');
    $inst->release->wait_state('released');
    $inst->start->wait_ready;
    is $alice->get($inst->url)->code, 200, 'writes go on';
};

subtest 'a server without streaming lists, many objects' => sub {
    my @templates = map { sprintf 'page-%02d', $_ } 1 .. 9;
    my $base = $t->template('stable-diffusion-cpu');
    my @codes = $t->kube_send([ (map {
        my $name = $_;
        my $new = JSON::PP->new->decode(JSON::PP->new->encode($base));
        $new->{metadata}{name} = $name;
        $_->{value} = "$name-<id>." . $t->root for grep { $_->{name} eq 'Host' } @{ $new->{spec}{network}{networkConf} };
        ['POST', $gss, $new];
    } @templates), (map { ['POST', $pvc, disk($_)] } 1 .. 230) ], any => 1);
    is scalar(grep { $_ == 201 } @codes), 239, 'nine more templates and 230 disks';
    $t->wait_for(sub { metric('templates') == 10 && metric('disks') >= 231 }, 20, 'the watch brings them');

    for my $status (400, 422) {
        my $lists = lists();
        $t->faults([{ query => 'sendInitialEvents', action => { status => $status, body => '{"kind":"Status"}' } }]);
        $t->clear_fault_log;
        $t->kill_worker(0);
        $t->wait_for(sub { lists() >= $lists + 3 }, 20, 'all is listed');
        my @pages = grep { /limit=/ } map { $_->{query} // $_->{uri} // $_->{path} // '' } @{ $t->fault_log->{requests} };
        cmp_ok scalar(grep { /limit=4\b/ } @pages), '==', 3, "$status: templates come in pages of four";
        cmp_ok scalar(grep { /limit=100\b/ } @pages), '>=', 4, 'the others in pages of a hundred';
        cmp_ok scalar(grep { /continue=/ } @pages), '>=', 4, 'with continue tokens';
        is metric('templates'), 10, 'all templates are there';
        is metric('disks'), scalar($t->kube_list('pvcs')), 'and all disks';
        said qr/has no streaming lists: \w+ are listed page by page/, 'which is said';
        follows("pages after $status");
    }

    # a token that has become too old in the middle
    my $lists = lists();
    $t->faults([
        { query => 'sendInitialEvents', action => { status => 400, body => '{}' } },
        { path => $core, query => 'continue=', times => 2, action => { status => 410, body => '{"kind":"Status","code":410}' } },
    ]);
    $t->kill_worker(0);
    $t->wait_for(sub { lists() >= $lists + 3 }, 20, 'all is listed');
    is metric('templates'), 10, '410 on a page: begun anew, all templates are there';
    is metric('disks'), scalar($t->kube_list('pvcs')), 'and all disks';
    is $alice->get($inst->url)->code, 200, 'the owner is let in';

    # half a page, and a page that is none: nothing is swept
    $lists = lists();
    $t->faults([
        { query => 'sendInitialEvents', action => { status => 400, body => '{}' } },
        { path => $core, query => 'limit=', times => 3, action => { cutAfterBytes => 500 } },
        { path => $core, query => 'continue=', times => 1, action => { status => 200, body => '{"items":[],"metadata":{}}' } },
        { path => $core, query => 'continue=', times => 1, action => { status => 200, body => '<html>' } },
    ]);
    $t->kill_worker(0);
    my $min = 99;
    $t->wait_for(sub { my $m = metric('templates') // 99; $min = $m if $m < $min; lists() >= $lists + 3 }, 30, 'all is listed');
    is $min, 10, 'a page that is none sweeps nothing';
    $t->no_faults;
};

sub disk {
    my ($i) = @_;
    return { apiVersion => 'v1', kind => 'PersistentVolumeClaim', metadata => { name => "user-data-page-01-$i",
            labels => { 'game.kruise.io/owner-gss' => 'page-01' } },
        spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } };
}

done_testing;
