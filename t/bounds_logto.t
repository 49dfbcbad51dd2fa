# t/bounds_logto.t — the most that is taken of what Logto's Management API says
# (base/ngx_aigc_bounds.h): each at its bound, and one past it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my %max;
for (split /\n/, slurp("$FindBin::Bin/../ngx_aigc_module/base/ngx_aigc_bounds.h")) {
    $max{$1} = eval $2 if /^#define NGX_((?:HTTP_)?AIGC_\w+)  ([\d() *]+)$/;
}

my $name = 'stable-diffusion-cpu';
my $t = AIGC::Stack->start(workers => 1, templates => [$name, 'notebook']);
$t->allow_log(qr/Logto|answer/);
my ($alice, $carol) = map { $t->sign_in($_) } qw(alice carol);
$alice->install($name)->wait_ready->release->wait_state('released');
my $json = JSON::PP->new->canonical;

sub slurp  { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return <$f> }
sub users  { return $carol->api('GET', '/api/v1/admin/users', undef, timeout => 60)->json->{users} }
sub who    { my ($user) = grep { $_->{user} eq 'alice0000000' } @{ users() }; return $user }
sub adopt  { return $carol->api('POST', '/api/v1/admin/adopt', undef, timeout => 120) }
sub since  { my ($mark) = @_; return substr $t->error_log, $mark }

# The next so many answers to these paths; 0: all.
sub answer {
    my ($paths, $body, $times, $pad) = @_;
    $t->logto_control(outage => { mode => 'answer', paths => $paths, status => 200, headers => { 'content-type' => 'application/json' }, body => $body,
        $times ? (times => $times) : (), $pad ? (pad => $pad) : () });
}
sub off { $t->logto_control(outage => { mode => 'off' }) }

# The worker's token of its own goes with it.
sub anew { $t->kill_worker(0); $t->wait_ready }

subtest 'a token of the gateway\'s own' => sub {
    for my $life ($max{AIGC_MANAGEMENT_LIFE}, $max{AIGC_MANAGEMENT_LIFE} + 1, 30 * 86400) {
        $t->logto_control(lifetimes => { access_token => $life });
        anew();
        is who()->{status}, 'active', "that lives for $life s is used";
    }
    $t->logto_control(lifetimes => { access_token => undef });
    for my $past (0, 1) {
        my $bytes = $max{AIGC_MANAGEMENT_TOKEN} + $past;
        answer('/oidc/token$', $json->encode({ access_token => 'x' x $bytes, token_type => 'Bearer', expires_in => 3600, scope => 'all' }));
        anew();
        $t->clear_logto_requests;
        is who()->{status}, 'unknown', "one of $bytes bytes, which Logto has not made";
        my $asked = grep { m{^/api/users} } keys %{ $t->logto_requests->{paths} };
        is $asked ? 1 : 0, 1 - $past, $past ? 'is not sent' : 'is sent';
        off();
    }
    $t->clear_logto_requests;
    anew();
    is who()->{status}, 'active', 'then all is well';

    # the next answers are for what is tried: not for the leader's own walk over all users
    my $walked = sub { $t->logto_requests->{paths}{'/api/users'} // 0 };
    $t->wait_for($walked, 20, 'the new leader looks at all users');
    my $n = 0;
    $t->wait_for(sub { my $now = $walked->(); my $same = $n == $now; $n = $now; sleep 1 unless $same; return $same }, 20, '… and has done so');
};

subtest 'a user\'s name' => sub {
    my $max = $max{HTTP_AIGC_OWNERS_NAME};
    for my $bytes ($max, $max + 1) {
        $t->logto_control(user => { user => 'alice', name => 'n' x $bytes });
        is length who()->{name}, $max, "$bytes bytes: $max are shown";
    }
};

subtest 'a page of users' => sub {
    my $max = $max{AIGC_MANAGEMENT_ANSWER};
    $t->clear_logto_requests;
    answer('^/api/users', '[]', 1, $max);
    my $mark = length $t->error_log;
    is adopt()->code, 200, "$max bytes are taken";
    unlike since($mark), qr/left out/, '… as they are';
    answer('^/api/users', '[]', 3, $max + 1);
    $mark = length $t->error_log;
    is adopt()->code, 200, 'one more: fewer users are asked for';
    like since($mark), qr/user 1 of Logto's list has more custom data than $max bytes: left out/, '… at last the first of them is left out, which is said';
    off();
};

my @owners = map { sprintf 'x%011d', $_ } 0 .. 300;
sub template_of {       # released instances, each of another user
    my ($n) = @_;
    my $gss = $json->decode($json->encode($t->template('notebook')));
    $gss->{metadata} = { name => "of$n", annotations => { 'aigc-gateway.io/top' => '' . ($n - 1), map { ("instance.aigc-gateway.io/$_" =>
        qq({"owner":"$owners[$_]","state":"released","since":"2026-01-01T00:00:00Z","gss":"a89c0f3e-9f44-4f4c-8b2f-2b5a4f9e0c11"})) } 0 .. $n - 1 } };
    $_->{value} = "of$n-<id>." . $t->root for grep { $_->{name} eq 'Host' } @{ $gss->{spec}{network}{networkConf} };
    $gss->{spec}{reserveGameServerIds} = [0 .. $n - 1];
    is_deeply [$t->kube_send([['POST', '/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets', $gss]])], [201], "$n owners";
    $t->wait_for(sub { my ($is) = grep { $_->{name} eq "of$n" } @{ $carol->api('GET', '/api/v1/templates')->json->{templates} }; $is && $is->{instances} }, 20, 'they are known');
}

subtest 'users whose names are asked for' => sub {
    my $ask = $max{HTTP_AIGC_USERS_ASK};
    my $kinds = sub {
        $t->clear_logto_requests;
        users();
        my $paths = $t->logto_requests->{paths};
        my ($single, $pages) = (0, $paths->{'/api/users'} // 0);
        $single += $paths->{$_} for grep { m{^/api/users/[^/]+$} } keys %$paths;
        return ($single, $pages);
    };
    template_of($ask - 1);                              # and alice
    my ($single, $pages) = $kinds->();
    is $single, $ask, "$ask are asked for one by one";
    my $extra = template_of($ask + 1);
    ($single, $pages) = $kinds->();
    cmp_ok $pages, '>', 0, 'more are read in pages';
    cmp_ok $single, '<=', $ask, "… and at most $ask of the rest one by one";

    answer('^/api/users$', $json->encode([ map { { id => sprintf('y%011d', $_), name => 'n' } } 1 .. $max{AIGC_MANAGEMENT_PAGE} ]));
    $t->clear_logto_requests;
    users();
    is $t->logto_requests->{paths}{'/api/users'}, $max{HTTP_AIGC_USERS_READ} / $max{AIGC_MANAGEMENT_PAGE}, "at most $max{HTTP_AIGC_USERS_READ} are read";
    off();
};

subtest 'adoption' => sub {
    my $page = $max{AIGC_MANAGEMENT_PAGE};
    my $of = sub { my ($entries) = @_; return $json->encode([ map { { id => sprintf('z%011d', $_), customData => $entries } } 1 .. $page ]) };
    my $on = sub { my ($template, $id) = @_; return { ID => "$id", Name => $template, Namespace => 'default', Type => '' } };

    # everybody of some pages claims her instance; the last page is Logto's own
    my $most = $max{HTTP_AIGC_ADOPT_CONFLICTS};
    answer('^/api/users$', $of->({ "default-$name" => $on->($name, 0) }), $most / $page);
    my $r = adopt()->json;
    is scalar @{ $r->{conflicts} }, $most, "$most conflicts are shown";
    is $r->{conflictsLeftOff}, 0, '… which are all';
    answer('^/api/users$', $of->({ "default-$name" => $on->($name, 0) }), $most / $page + 1);
    $r = adopt()->json;
    is scalar @{ $r->{conflicts} }, $most, 'of more no more';
    is $r->{conflictsLeftOff}, $page, 'the others are counted';

    my $each = $max{AIGC_ENTRIES_MAX};
    my $one = sub { return $json->encode([ { id => 'z00000000001', customData => { map { ("default-none$_" => $on->("none$_", 0)) } 1 .. $_[0] } }, map { { id => sprintf('z%011d', $_) } } 2 .. $page ]) };
    answer('^/api/users$', $one->($each), 1);
    my $base = adopt()->json;
    answer('^/api/users$', $one->($each + 1), 1);
    $r = adopt()->json;
    is @{ $r->{conflicts} } + $r->{conflictsLeftOff}, @{ $base->{conflicts} } + $base->{conflictsLeftOff} + 1, "of a user's entries $each are looked at, and that there are more is said";

    my $all = $max{HTTP_AIGC_ADOPT_USERS};
    my $empty = $json->encode([ map { { id => sprintf 'z%011d', $_ } } 1 .. $page ]);
    answer('^/api/users$', $empty, $all / $page - 1);
    is adopt()->code, 200, ($all - $page) . ' users and a last page are read';
    answer('^/api/users$', $empty, $all / $page);
    $r = adopt();
    is join(' ', $r->code, $r->problem->{code}), '507 too-many-users', "$all are too many";
    off();
};

done_testing;
