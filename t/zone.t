# t/zone.t — the zone's limits: full, many templates, a host claimed twice, the
# gateway's own host, selectors and namespaces

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();
use Time::HiRes qw(sleep time);

my $gss = '/apis/game.kruise.io/v1alpha1/namespaces/%s/gameserversets';

my $t = AIGC::Stack->start(workers => 2);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $me    = $alice->api('GET', '/api/v1/me')->json->{user};
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $base  = $t->template('stable-diffusion-cpu');

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : undef }

# A template of that name and host; released instances with these ids.
sub template {
    my ($name, $host, $owner, @ids) = @_;
    my $new = JSON::PP->new->decode(JSON::PP->new->encode($base));
    $new->{metadata} = { name => $name };
    $_->{value} = $host for grep { $_->{name} eq 'Host' } @{ $new->{spec}{network}{networkConf} };
    $new->{metadata}{annotations}{"instance.aigc-gateway.io/$_"} = claim($owner) for @ids;
    return $new;
}

sub claim {
    my ($owner, $state) = @_;
    return qq({"owner":"$owner","state":"@{[ $state // 'released' ]}","since":"2026-01-01T00:00:00Z","gss":"0"});
}

# Reloads; afterwards nobody but the new workers answers.
sub renew {
    my @old = $t->worker_pids;
    $t->reload;
    $t->wait_for(sub { !grep { kill 0, $_ } @old }, 10, 'the old workers have ended');
    $t->wait_ready;
}

sub create { my ($ns, @new) = @_; return $t->kube_send([ map { ['POST', sprintf($gss, $ns), $_] } @new ], any => 1) }
sub drop   { $t->kubectl('delete', 'gss', '--wait=true', @_) }
sub host   { (my $url = $inst->url) =~ s{^http://[^.]+\.}{http://$_[0].}; $url }
sub code   { my ($who, $host) = @_; $who->get(host($host), headers => { Accept => 'application/json' })->code }

subtest 'a host that two templates claim' => sub {
    create(default => template('first', 'twin<id>.' . $t->root, $me, 0, 1));
    $t->wait_for(sub { code($bob, 'twin0') == 403 && code($bob, 'twin1') == 403 }, 10, 'the first has it');
    is code($alice, 'twin0'), 503, 'its owner gets the page of an instance that does not run';
    my $before = metric('collisions_total');
    create(default => template('second', 'twin<id>.' . $t->root, $me, 1, 2));
    $t->wait_for(sub { code($alice, 'twin1') == 403 }, 10, 'it is refused');
    pass 'then it is refused to the owner of both';
    like $alice->get(host('twin1'), headers => { Accept => 'application/json' })->problem->{type}, qr/host-collision/, 'and why is said';
    is code($bob, 'twin1'), 403, 'to others as ever';
    is code($alice, 'twin0'), 503, 'what only one of them claims is not touched';
    is code($alice, 'twin2'), 503, 'in the other one neither';
    cmp_ok metric('collisions_total'), '>', $before, 'the metric says so';
    drop('first');
    $t->wait_for(sub { code($alice, 'twin1') == 503 }, 10, 'it is resolved');
    pass 'when one goes, it is the other one\'s';
    is code($alice, 'twin0'), 404, 'and what the first one had is unknown';
    drop('second');
};

subtest 'hosts that are none of an instance' => sub {
    create(default => template('usurper', 'dash<id>.' . $t->root, $bob->api('GET', '/api/v1/me')->json->{user}, 0),
        template('fixed', 'dashboard.' . $t->root, $me, 0), template('plain', 'board.' . $t->root, $me, 0),
        template('outside', 'x<id>.example.org', $me, 0));
    $t->wait_for(sub { metric('templates') == 5 }, 10, 'four more');
    is $bob->api('GET', '/api/v1/me')->code, 200, 'the gateway\'s own host stays the gateway\'s';
    my %wrong = map { $_->{name} => $_->{misconfigured} } @{ $t->table->{templates} };
    ok $wrong{fixed} && $wrong{plain}, 'a Host without <id> is misconfigured' or diag explain \%wrong;
    is code($alice, 'board'), 404, 'and gives no host';
    for my $name (qw(fixed plain)) {
        my $r = $bob->api('POST', "/api/v1/templates/default/$name/install");
        is $r->code, 409, 'nor an install' or diag $r->content;
    }
    drop(qw(usurper fixed plain outside));
};

subtest 'namespaces and selector' => sub {
    $t->kubectl('create', 'namespace', 'more');
    $t->kubectl('create', 'rolebinding', 'aigc-gateway', '-n', 'more', '--clusterrole=aigc-gateway',
        '--serviceaccount=aigc-gateway:aigc-gateway');
    create(more => template('other', 'more<id>.' . $t->root, $me, 0));
    create(default => template('plain', 'plain<id>.' . $t->root, $me, 0));
    $t->wait_for(sub { code($alice, 'plain0') == 503 }, 10, 'the own namespace is watched');
    is code($alice, 'more0'), 404, 'a namespace that is not watched is not seen';

    my ($line) = $t->conf =~ /aigc_kubernetes (.*?);/;
    my $use = sub {
        $t->{opt}{directives}{aigc_kubernetes} = $line =~ s/namespaces=default/$_[0]/r;
        renew();
    };
    $use->('namespaces=default,more');
    is code($alice, 'more0'), 503, 'two namespaces: both are seen';
    is code($alice, 'plain0'), 503, 'the first one too';
    is code($bob, 'more0'), 403, 'and guarded';
    is $alice->get($inst->url)->code, 200, 'the instance is reached';

    $use->('namespaces=more');
    is code($alice, 'plain0'), 404, 'one of them again: what the other held is gone';
    is $alice->get($inst->url)->code, 404, 'instances too';
    is code($alice, 'more0'), 503, 'and the one is there';

    $use->('namespaces=default selector=shown=yes');
    is code($alice, 'plain0'), 404, 'a selector: what it does not name is not seen';
    $t->kubectl('label', 'gss', 'plain', 'shown=yes');
    $t->wait_for(sub { code($alice, 'plain0') == 503 }, 10, 'it is seen');
    pass 'what it names is';
    $t->kubectl('label', 'gss', 'plain', 'shown-');
    $t->wait_for(sub { code($alice, 'plain0') == 404 }, 10, 'it is not seen');
    pass 'until it names it no more';
    $use->('namespaces=default');
    is $alice->get($inst->url)->code, 200, 'all as before';
    drop('plain');
    $t->kubectl('delete', 'gss', 'other', '-n', 'more');
};

subtest 'an instance of the gateway\'s own name' => sub {
    create(default => template('named', 'gw<id>.' . $t->root, $me, 0, 1));
    $t->wait_for(sub { code($alice, 'gw0') == 503 && code($alice, 'gw1') == 503 }, 10, 'there are two');
    local $t->{opt}{directives}{aigc_gateway} = 'http://gw0.' . $t->root;
    renew();
    my $host = sub { my ($id) = @_; (grep { $_->{template} eq 'named' && $_->{id} == $id } @{ $t->table->{instances} })[0]{host} };
    $t->wait_for(sub { $host->(0) eq '' }, 10, 'it has no host');
    is $host->(1), 'gw1.' . $t->root, 'the gateway\'s own host is never an instance, another one is';
    delete $t->{opt}{directives}{aigc_gateway};
    renew();
    drop('named');
};

# A session may enter 64 hosts in half a minute.
sub anew { return map { $t->sign_in($_) } qw(alice bob) }

subtest 'many templates' => sub {
    my ($alice, $bob) = anew();
    my $n = 60;
    my @codes = create(default => map { template("many-$_", "many$_-<id>." . $t->root, $me, 0, 3) } 1 .. $n);
    is scalar(grep { $_ == 201 } @codes), $n, "$n templates";
    $t->wait_for(sub { metric('templates') == $n + 1 }, 20, 'all are known');
    is scalar(grep { code($alice, "many$_-3") != 503 || code($bob, "many$_-0") != 403 } 1 .. $n), 0, 'each instance has its host';
    is scalar(@{ $alice->api('GET', '/api/v1/templates')->json->{templates} }), $n + 1, 'and each its card';
    drop(map { "many-$_" } 1 .. $n);
    $t->wait_for(sub { metric('templates') == 1 && metric('instances') == 1 }, 20, 'all are gone');
    is metric('table_full_total'), 0, 'there was room';
};

subtest 'a template with 500 instances' => sub {
    my ($alice, $bob) = anew();
    create(default => template('large', 'large<id>.' . $t->root, $me, 0 .. 499));
    $t->wait_for(sub { metric('instances') == 501 }, 10, 'all are known');
    is code($alice, 'large499'), 503, 'the last one has its host';
    $t->wait_for(sub { my ($l) = grep { $_->{name} eq 'large' } @{ $t->table->{templates} }; $l->{agrees} }, 15, 'spec agrees');

    my ($pid) = $t->worker_pids;
    my $cpu = sub { open my $f, '<', "/proc/$pid/schedstat" or return 0; (split ' ', <$f>)[0] / 1e6 };
    my ($events, $begin) = (metric('events_total'), $cpu->());
    $t->kube_send([ map { ['PATCH', sprintf("$gss/large", 'default'), { metadata => { annotations => { poke => "p$_" } } }] } 1 .. 50 ]);
    $t->wait_for(sub { metric('events_total') >= $events + 50 }, 10, 'fifty changes are seen');
    my $ms = ($cpu->() - $begin) / (metric('events_total') - $events);
    diag sprintf 'an event of a template with 500 instances: %.1f ms of worker 0', $ms;
    cmp_ok $ms, '<', 50, 'an event is applied in little time' unless $ENV{AIGC_ASAN};
    drop('large');
};

subtest 'a zone that is full' => sub {
    # of several sizes: how many instances a zone takes
    my %takes;
    for my $size (qw(2m 4m 16m 64m)) {
        $t->{opt}{directives}{aigc_zone} = "gateway:$size";
        renew();
        $takes{$size} = metric('instances_max');
    }
    diag "instances: ", join ', ', map { "$_ takes $takes{$_}" } qw(2m 4m 16m 64m);
    diag sprintf '%.0f bytes each', (48 << 20) / ($takes{'64m'} - $takes{'16m'});
    cmp_ok $takes{'16m'}, '>=', 9000, 'as many as the documents say';
    cmp_ok 16 * 1048576 / $takes{'16m'}, '<=', 2048, 'all parts of the zone taken together, no more than 2 KB each';

    $t->{opt}{directives}{aigc_zone} = 'gateway:2m';
    renew();
    is $alice->get($inst->url)->code, 200, 'the smallest zone serves';

    my $max = metric('instances_max');
    my $mark = length $t->error_log;
    create(default => template('huge', 'huge<id>.' . $t->root, $me, 0 .. $max + 20));
    $t->wait_for(sub { metric('table_full_total') > 0 }, 10, 'the metric says that there is no room');
    is metric('instances'), $max, 'all that fits is in';
    like substr($t->error_log, $mark), qr/\[error\].*no room in zone "gateway" for instances of default\/huge: make "aigc_zone" larger/, 'the log says what to do';
    is $alice->get($inst->url)->code, 200, 'who is in is served';
    is $bob->get($inst->url)->code, 403, 'and guarded';

    my %in = map { $_->{id} => 1 } grep { $_->{template} eq 'huge' } @{ $t->table->{instances} };
    my ($in, $out) = ((sort { $a <=> $b } keys %in)[0], (grep { !$in{$_} } 0 .. $max + 20)[0]);
    is code($alice, "huge$in"), 503, 'one of the new ones that is in: not running';
    is code($bob, "huge$in"), 403, 'and refused to others';
    is code($alice, "huge$out"), 503, 'one that is not in: 503, not 404';
    is code($t->stranger, "huge$out"), 503, 'for anybody';
    is code($alice, 'nothing-like-it'), 503, 'nobody can tell what is missing';

    my $mark2 = $t->audit_mark;
    my $r = $bob->api('POST', '/api/v1/templates/default/huge/install');
    cmp_ok $r->code, '>=', 500, 'what is half known is not written';
    is scalar($t->gateway_calls(since => $mark2, verb => qr/patch/, name => qr/huge/)), 0, 'not by anybody';
    $inst->release->wait_state('released');
    $inst->start->wait_ready;
    is $alice->get($inst->url)->code, 200, 'who is in can be released and started';

    my @lines = substr($t->error_log, $mark) =~ /(no room in zone)/g;
    cmp_ok scalar @lines, '<=', 4, 'with a line now and then';

    drop('huge');
    $t->wait_for(sub { metric('instances') == 1 }, 10, 'there is room again');
    $t->wait_for(sub { code($alice, 'nothing-like-it') == 404 }, 10, 'all is listed anew');
    pass 'an unknown host is 404 again by itself';
    like substr($t->error_log, $mark), qr/\[notice\].*there is room in zone "gateway" again: what found none is listed anew/, 'as the log says';
    is $t->status('/readyz')->code, 200, 'and nothing was cold meanwhile';
};

# The strings give out before the slots: hosts, owners and annotations as long
# as they may be.
subtest 'a zone whose strings are full' => sub {
    # (the owners are nobody's: Logto is not asked for them)
    $t->{opt}{custom_data} = 'off';
    renew();
    my ($mark, $full) = (length $t->error_log, metric('table_full_total'));
    my $suffix = join '.', map({ $_ x 60 } qw(a b c)), $t->root;
    $suffix = substr $suffix, length($suffix) - 235 if length $suffix > 235;
    my $claim = sub {
        my $owner = sprintf '%s%06d', 'o' x 122, $_[0];
        my $text = claim($owner);
        return $text =~ s/"gss":"0"/sprintf '"gss":"0","note":"%s"', 'n' x (384 - length($text) - 10)/er;
    };
    for my $n (1, 2) {
        my $new = template("long$n", "long$n-<id>.$suffix", $me);
        $new->{metadata}{annotations}{"instance.aigc-gateway.io/$_"} = $claim->(1000 * $n + $_) for 0 .. 310;
        create(default => $new);
    }
    $t->wait_for(sub { metric('table_full_total') > $full }, 10, 'the metric says that there is no room');
    cmp_ok metric('instances'), '<', metric('instances_max'), 'there are slots left';
    cmp_ok metric('strings_bytes'), '>', 0.9 * metric('strings_max_bytes'), 'but no strings';
    like substr($t->error_log, $mark), qr/\[error\].*no room in zone "gateway" for instances of default\/long[12]: make "aigc_zone" larger/, 'the log says what to do';
    is $alice->get($inst->url)->code, 200, 'who is in is served';
    is $bob->get($inst->url)->code, 403, 'and guarded';
    my %codes;
    for my $n (1, 2) {
        $codes{ $bob->get(host("long$n-$_") =~ s{\.[^:/]+}{.$suffix}r, headers => { Accept => 'application/json' })->code }++ for 310, map { 13 * $_ } 0 .. 22;
    }
    is join(' ', sort keys %codes), '403 503', 'of the others each is somebody\'s, or 503' or diag explain \%codes;
    my $mark2 = $t->audit_mark;
    cmp_ok $bob->api('POST', '/api/v1/templates/default/long2/install')->code, '>=', 500, 'what is half known is not written';
    is scalar($t->gateway_calls(since => $mark2, verb => qr/patch/, name => qr/long2/)), 0, 'not by anybody';
    drop('long1', 'long2');
    $t->wait_for(sub { code($alice, 'nothing-like-it') == 404 }, 10, 'all is listed anew');
    cmp_ok metric('strings_bytes'), '<', 0.1 * metric('strings_max_bytes'), 'the strings went with who had them';
};

done_testing;
