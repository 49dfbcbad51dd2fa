# t/mirror.t — a user's instances stand in the user's custom data at Logto

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $key  = "default-$name";

sub entry { my ($id, $n, $ns) = @_; return { ID => "$id", Name => $n // $name, Type => '', Namespace => $ns // 'default' } }

sub metric {
    my ($t, $what) = @_;
    return $t->status('/metrics')->content =~ /^aigc_mirror_$what (\d+)$/m ? $1 : die "no aigc_mirror_$what";
}

sub wait_data {
    my ($t, $user, $want, $what, $seconds) = @_;
    my $is;
    eval { $t->wait_for(sub { $is = $t->custom_data($user); Test::More::eq_hash($is, $want) }, $seconds // 60, $what) };
    is_deeply $is, $want, $what;
}

# Everything is written, and a pass has looked at it since.
sub wait_idle { my ($t) = @_; $t->wait_for(sub { metric($t, 'pending') == 0 }, 30, 'nothing waits') }

sub calls {         # to the Management API, by path, since the last clear
    my ($t) = @_;
    my $paths = $t->logto_requests->{paths};
    return { map { $_ => $paths->{$_} } grep { m{^/api/} } keys %$paths };
}

my $t     = AIGC::Stack->start;
my $alice = $t->sign_in('alice');

### Written

my %own = %{ $t->custom_data('alice', { mine => [1, 2.5, 12345678901234567890, "\x{fc}"], deep => { a => undef } }) };
my $a   = $alice->install($name)->wait_ready;
wait_data($t, 'alice', { %own, $key => entry($a->id) }, 'an install is mirrored, beside what is the user\'s own');
is metric($t, 'writes_total'), 1, 'by one write';
is_deeply $t->custom_data('bob'), {}, 'and nobody else\'s data is touched';

wait_idle($t);
$t->clear_logto_requests;
$a->release->wait_state('released');
$a->start->wait_ready;
is_deeply calls($t), {}, 'a release and a start are no change: not a single call';
is_deeply $t->custom_data('alice'), { %own, $key => entry($a->id) }, 'the entry stays';

$t->reload;
$t->wait_ready;
wait_idle($t);
is metric($t, 'writes_total'), 1, 'nor is a reload a reason to write';

# What the user has tampered with is put right by the scan of a new leader.
$t->custom_data('alice', { %own, $key => entry(7), 'default-none' => entry(0, 'none'), 'other-x' => entry(0, 'x', 'other') });
$t->reload;
wait_data($t, 'alice', { %own, $key => entry($a->id), 'other-x' => entry(0, 'x', 'other') },
    'an entry is put right, one of a template that is gone goes, and one of a namespace that is not watched stays');

### Only what is the mirror's is removed

my $bob = $t->sign_in('bob');
my $b   = $bob->install($name)->wait_ready;
wait_data($t, 'bob', { $key => entry($b->id) }, 'bob has his');
my %odd = (
    'default-none'  => { ID => 0, Name => 'none', Type => '', Namespace => 'default' },
    'default-none2' => { ID => '0', Name => 'none2', Namespace => 'default' },
    'default-none3' => { ID => '0', Name => 'none3', Type => '', Namespace => 'default', more => 1 },
    'default-none4' => { ID => '00', Name => 'none4', Type => '', Namespace => 'default' },
    'default_none'  => entry(0, 'none'), list => [entry(0)], text => 'x', true => JSON::PP::true,
);
$t->custom_data('bob', { %odd, $key => entry($b->id), 'default-gone' => entry(0, 'gone') });
$t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . $b->id . '-');
wait_data($t, 'bob', \%odd, 'without his annotation his entry goes, and with it what else is stale, and nothing that only looks like it');

### A user's edit between reading and merging

my $carol = $t->sign_in('carol');
$t->logto_control('latency', { ms => 700, paths => '^/api/users/carol' });
$t->clear_logto_requests;
my $c = $carol->install($name);
my $data = '/api/users/carol0000000/custom-data';
$t->wait_for(sub { ($t->logto_requests->{paths}{$data} // 0) >= 2 }, 10, 'custom data is read and about to be written');
$t->custom_data('carol', { late => 1 });
wait_data($t, 'carol', { late => 1, $key => entry($c->id) }, 'what the user writes meanwhile survives an entry that is added');
$t->logto_control('latency', { ms => 0 });

### The token

wait_idle($t);
$t->clear_logto_requests;
$t->logto_control('rotate-keys', { mode => 'rotate' });
$t->logto_control('rotate-keys', { mode => 'drop-previous' });      # all tokens are worth nothing now
my $before = metric($t, 'errors_total');
$t->wait_for(sub { eval { $t->sign_in('user01')->install($name) } }, 20, 'the gateway has the new keys');
wait_data($t, 'user01', { $key => entry(($t->sign_in('user01')->instances)[0]->id) }, 'a token that is refused is replaced by a new one');
is $t->logto_requests->{grants}{client_credentials}, 1, 'by one';

$t->logto_control('lifetimes', { access_token => 4 });
$t->logto_control('outage', { mode => 'answer', status => 401, body => '{}', paths => '^/api/users/user02', times => 1 });
my $two = $t->sign_in('user02')->install($name);
wait_data($t, 'user02', { $key => entry($two->id) }, 'also in the middle');
is metric($t, 'errors_total'), $before, 'at once: that is no error';
$t->clear_logto_requests;
my $n = 40;
$t->wait_for(sub {
    $t->sign_in('user' . ++$n)->install($name) if $n < 50;
    wait_idle($t);
    select undef, undef, undef, 0.3;
    ($t->logto_requests->{grants}{client_credentials} // 0) >= 1;
}, 30, 'a token is replaced before it expires');
is $t->logto_requests->{grants}{client_credentials}, 1, 'a short-lived token is replaced in time';
$t->logto_control('lifetimes', { access_token => undef });

### Logto is away, slow, or talks nonsense

$carol = $t->sign_in('carol');                          # her session's key is gone

for my $mode (qw(refuse 500 html garbage empty truncated)) {
    my $errors = metric($t, 'errors_total');
    $t->logto_control('outage', { mode => $mode, paths => '^/api/' });
    $t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . $c->id . '-');
    $t->wait_for(sub { metric($t, 'errors_total') > $errors }, 10, 'an error is counted');
    is metric($t, 'pending'), 1, "$mode: it waits";
    is $t->status('/readyz')->code, 200, 'the gateway is ready all the same';
    $c = $carol->install($name);                        # the kept disk, the same id
    $t->logto_control('outage', { mode => 'off' });
    wait_idle($t);
    is_deeply $t->custom_data('carol'), { late => 1, $key => entry($c->id) }, 'and then custom data is what it should be';
}

$t->logto_control('outage', { mode => 'answer', status => 429, body => '{}', paths => '^/api/', times => 2 });
$t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . $c->id . '-');
wait_data($t, 'carol', { late => 1 }, '429: later');
$c = $carol->install($name);
wait_data($t, 'carol', { late => 1, $key => entry($c->id) }, 'and again');

# A user who waits for long after many failures does not hold up what comes then, here a
# change of the user's own.
$t->logto_control('outage', { mode => 'garbage', paths => '^/api/users/carol' });
for my $i (1 .. 7) {
    my $errors = metric($t, 'errors_total');
    $t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . $c->id . '-');
    $t->wait_for(sub { metric($t, 'errors_total') > $errors }, 10, "failure $i");
    $c = $carol->install($name);
    wait_idle($t);
}
pass 'each of seven changes is tried at once';
$t->logto_control('outage', { mode => 'off' });
$t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . $c->id . '-');
wait_data($t, 'carol', { late => 1 }, 'also the first one after the outage');
$c = $carol->install($name);
wait_data($t, 'carol', { late => 1, $key => entry($c->id) }, 'and the next');

# One user's data cannot be read, the longer the more: nobody else waits.  What says so is
# the order of the calls.  While a call about the failing user is under way another one's
# instance comes: that one is read and written next.
my $late;
for my $mode (qw(500 garbage)) {
    wait_idle($t);
    $t->logto_control('outage', { mode => $mode, paths => '^/api/users/carol' });
    $t->clear_logto_requests;
    my $tried = sub { $t->logto_requests->{paths}{$data} // 0 };
    $t->kubectl('annotate', 'gss', $name, 'instance.aigc-gateway.io/' . $c->id . '-');
    my $times = $mode eq '500' ? 5 : 3;          # at least eight seconds until the next
    $t->wait_for(sub { $tried->() >= $times - 1 }, 60, $times - 1 . ' failures');
    $t->logto_control('latency', { ms => 6000, paths => '^/api/users/carol' });
    my $user = $mode eq '500' ? 'user20' : 'user21';
    my $gss = $t->kube_get('gss', $name);
    my $id = 1 + $gss->{metadata}{annotations}{'aigc-gateway.io/top'};
    $t->wait_for(sub { $tried->() >= $times }, 60, 'one more, under way');
    my $from = calls_about();
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/top' => "$id", "instance.aigc-gateway.io/$id" =>
        qq({"owner":"${user}000000","state":"released","since":"2026-01-01T00:00:00Z","gss":"$gss->{metadata}{uid}"}) } } });
    wait_data($t, $user, { $key => entry($id) }, "$mode for one user's data: another's is written");
    my $seen = sub { my @is = calls_about(); splice @is, 0, $from; return @is };
    $t->wait_for(sub { grep { /^PATCH \Q$user\E/ } $seen->() }, 60, 'which Logto has in its log');
    my @order = $seen->();
    $#order = 2 if @order > 3;
    is_deeply \@order, ['GET carol0000000', "GET ${user}000000", "PATCH ${user}000000"], '… before that one is tried once more';
    is metric($t, 'pending'), 1, '… who waits alone';
    $late = $id if $user eq 'user20';
    $t->logto_control('latency', { ms => 0 });
    $t->logto_control('outage', { mode => 'off' });
    wait_data($t, 'carol', { late => 1 }, 'and is tried again', 60);
    $c = $carol->install($name);
    wait_data($t, 'carol', { late => 1, $key => entry($c->id) }, 'also for what comes then', 60);
}

# All of Logto's API is away: many users wait, and there are few calls, whoever's.
wait_idle($t);
$t->logto_control('outage', { mode => '500', paths => '^/api/' });
my $all = $t->kube_get('gss', $name)->{metadata};
my $top = $all->{annotations}{'aigc-gateway.io/top'};
$t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/top' => $top + 20 . '', map {
    ('instance.aigc-gateway.io/' . ($top + $_) => sprintf '{"owner":"user%02d000000","state":"released","since":"2026-01-01T00:00:00Z","gss":"%s"}', 20 + $_, $all->{uid})
} 2 .. 20 } } });
$t->wait_for(sub { metric($t, 'pending') == 19 }, 10, 'nineteen wait');
my ($errors, $from) = (metric($t, 'errors_total'), time);
$t->wait_for(sub { metric($t, 'errors_total') >= $errors + 5 }, 60, 'five calls more');
cmp_ok time - $from, '>=', 4, 'an outage of it all: a call every two seconds';
$t->logto_control('outage', { mode => 'off' });
wait_idle($t);
is_deeply $t->custom_data("user$_"), { $key => entry($top + $_ - 20) }, "user$_ has it" for 22, 40;

### Users who are deleted

$t->logto_control('delete', { user => 'user20' });
$t->kubectl('annotate', 'gss', $name, "instance.aigc-gateway.io/$late-");
wait_idle($t);
pass 'a user whom Logto does not know any more is forgotten';

### A template is deleted

$t->kubectl('delete', 'gss', $name);
wait_data($t, 'alice', { %own, 'other-x' => entry(0, 'x', 'other') }, 'with a template, the entries of its users go');
wait_data($t, $_, {}, "also $_\'s") for 'user01', 'user02';
unlike $t->error_log, qr/aigc-gateway\.io|eyJ/, 'no token and no data in the log';

### Not adopted yet

$t->apply_template('notebook', { spec => { replicas => 1 } });
$t->custom_data('user30', { 'default-notebook' => entry(0, 'notebook') });
$t->custom_data('user31', { 'default-none' => entry(0, 'none') });
$t->reload;
wait_data($t, 'user31', {}, 'a new leader reads all users');
is_deeply $t->custom_data('user30'), { 'default-notebook' => entry(0, 'notebook') },
    'an entry of the original\'s, of a template that no gateway has written, is left alone';

### An application without the role; off

my ($id) = slurp('m2m_norole_app_id') =~ /(\S+)/;
edit_logto("m2m_app_id=$id m2m_app_secret_file=" . $t->file('logto/m2m_norole_app_secret'));
$t->clear_logto_requests;
$t->wait_for(sub { metric($t, 'errors_total') > 0 && $t->error_log =~ /m2m_app_id= has no role with Logto's Management API permission "all"/ },
    20, 'a missing role is said');
pass 'a missing role is said, with what to do';
is_deeply calls($t), {}, 'the token without a scope is not even tried';

edit_logto('m2m_app_id=m2m-wrong m2m_app_secret_file=' . $t->file('logto/m2m_app_secret'));
$t->wait_for(sub { $t->error_log =~ /gives the application of m2m_app_id= no token, error "invalid_client": check m2m_app_id= and m2m_app_secret_file=/ },
    70, 'so are wrong credentials');
pass 'so are wrong credentials';

edit_logto('m2m_app_id=' . slurp('m2m_app_id') =~ s/\s//gr . ' m2m_app_secret_file=' . $t->file('logto/m2m_app_secret') . ' m2m_resource=https://tenant.logto.app/api');
$t->wait_for(sub { $t->error_log =~ /no token, error "invalid_target": check m2m_resource=/ }, 70, 'so is a resource that is not this tenant\'s');
pass 'so is a resource that is not this tenant\'s';

edit_logto("m2m_app_id=$id m2m_app_secret_file=" . $t->file('logto/m2m_norole_app_secret') . ' custom_data=off');
$t->clear_logto_requests;
$t->apply_template($name);
my $off = $t->sign_in('user40')->install($name)->wait_ready;
is metric($t, 'pending'), 0, 'custom_data=off: nothing waits';
my $asked = $t->logto_requests;
is_deeply [$asked->{grants}{client_credentials}, calls($t)], [undef, {}], 'and nothing is asked';
is $t->sign_in('carol')->api('POST', '/api/v1/admin/adopt')->code, 501, 'nor read for an adoption';

done_testing;

sub slurp { my ($f) = @_; open my $h, '<', $t->file("logto/$f") or die "$f: $!"; local $/; return <$h> }

# The calls about users' custom data that have ended, one at a time: 'GET carol0000000'.
sub calls_about {
    open my $log, '<', $t->file('logto/access.log') or die "access.log: $!";
    return map { m{"method":"(\w+)","path":"/api/users/(\w+)/custom-data"} ? "$1 $2" : () } <$log>;
}

# Other words about the machine-to-machine application, by a reload.
sub edit_logto {
    my ($words) = @_;
    $t->{opt}{edit} = sub { $_[0] =~ s/m2m_app_id=\S+ (.*?)m2m_app_secret_file=[^\s;]+/$1$words/ or die 'no m2m_app_id'; $_[0] };
    $t->reload;
    $t->wait_ready;
}
