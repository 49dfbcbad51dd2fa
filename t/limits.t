# t/limits.t — how many instances there may be: of a user, and of a template

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $more = { another => JSON::PP::true };

sub code { my ($r) = @_; return ($r->problem // {})->{code} // $r->code }

sub install {
    my ($client, $tmpl, $body) = @_;
    return $client->api('POST', "/api/v1/templates/default/$tmpl/install", $body);
}

# What a refusal must leave as it was: all that an install would have written.
sub state_of {
    my ($t, @templates) = @_;
    return { pvcs => [sort map { $_->{metadata}{name} } $t->kube_list('pvcs')],
        map { my $gss = $t->kube_get('gss', $_);
            ($_ => { reserved => $t->reserved($gss), claims => $t->claims($gss),
                replicas => $gss->{spec}{replicas}, top => $gss->{metadata}{annotations}{'aigc-gateway.io/top'} }) } @templates };
}

sub refused {
    my ($t, $what, $do, $problem, $number) = @_;
    $t->wait_agree($_) for my @templates = map { $_->{name} } grep { $_->{written} } @{ $t->table->{templates} };
    my $before = state_of($t, @templates);
    my $mark   = $t->audit_mark;
    my $r = $do->();
    is $r->code, 409, "$what: refused";
    is code($r), $problem, 'it says which limit';
    like $r->problem->{detail}, qr/\($number\)/, "and that it is $number";
    is_deeply $t->gateway_writes($mark), {}, 'nothing was written';
    is_deeply state_of($t, @templates), $before, 'neither an id nor a disk is left behind';
}

sub limit_template {
    my ($t, $tmpl, $value) = @_;
    $t->kubectl('annotate', '--overwrite', 'gss', $tmpl, defined $value
        ? "aigc-gateway.io/max-instances=$value" : 'aigc-gateway.io/max-instances-');
    my $bad = defined $value && ($value !~ /^\d+$/ || $value > 2500);
    $t->kubectl('label', '--overwrite', 'gss', $tmpl, 'mark=x' . ++$t->{marks});
    $t->wait_for(sub { my ($is) = grep { $_->{name} eq $tmpl } @{ $t->table->{templates} };
        $is->{max} == ($bad ? 0 : $value // 800) }, 10, "$tmpl has its limit");
}

### One of each template, as long as nothing is said

my $t = AIGC::Stack->start;
my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);

my $one = $alice->install($name);
is install($alice, $name)->code, 200, 'a second install is the first instance';
is install($alice, $name, { another => JSON::PP::false })->code, 200, 'also in so many words';
refused($t, 'another one', sub { install($alice, $name, $more) }, 'limit-user-template', 1);
is install($bob, $name, $more)->code, 202, 'another one than none is the first';
for my $bad ('yes', 1, 0, [], {}, undef) {
    is install($alice, $name, { another => $bad })->code, 400,
        'another is a boolean, not ' . JSON::PP->new->allow_nonref->canonical->encode($bad);
}
is $alice->post("/api/v1/templates/default/$name/install", body => '{"another":true,"another":true}',
    headers => { Origin => $t->origin })->code, 400, 'nor is it there twice';

### A template's own limit

limit_template($t, $name, 2);
refused($t, 'a third one', sub { install($carol, $name) }, 'limit-template', 2);
is install($alice, $name)->code, 200, 'who has one is still told of it';
$one->look->wait_ready->release->wait_state('released');
refused($t, 'a released one counts', sub { install($carol, $name) }, 'limit-template', 2);
is $one->try('start')->code, 202, 'and can be started';
$one->look->wait_ready;
limit_template($t, $name, 1);
refused($t, 'below what there is', sub { install($carol, $name) }, 'limit-template', 1);
is $one->release->wait_state('released')->try('start')->code, 202, 'which goes on';
limit_template($t, $name, 0);
refused($t, 'a closed template', sub { install($carol, $name) }, 'limit-template', 0);
for my $bad ('many', '2501', '-1', '') {
    limit_template($t, $name, $bad);
    is code(install($carol, $name)), 'template-misconfigured', "a limit that is none, '$bad', lets nobody in";
}
limit_template($t, $name, 3);
is install($carol, $name)->code, 202, 'a higher one lets the next in';
limit_template($t, $name, undef);
is install($t->sign_in('user01'), $name)->code, 202, 'as none does';

# Many at once for the last places.
limit_template($t, $name, 7);
my @crowd = map { $t->sign_in(sprintf 'user%02d', $_) } 2 .. 9;
my @answers = map { $_->response } map { $_->begin_api('POST', "/api/v1/templates/default/$name/install") } @crowd;
is_deeply [sort map { code($_) } @answers], [(202) x 3, ('limit-template') x 5], 'eight for the last three places: three';
$t->wait_agree($name);
is scalar keys %{ $t->claims($name) }, 7, 'and seven in all';
$t->stop;

### More of one template, and of all together

$t = AIGC::Stack->start(workers => 2, faults => 1, several => 1, templates => [$name, 'notebook'],
    directives => { aigc_limits => 'user_template=2 user_total=3' });
($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);

$one = $alice->install($name);
is install($alice, $name)->json->{id}, $one->id, 'without a word it is the one that there is';
my $two = $alice->install($name, another => 1);
isnt $two->id, $one->id, 'another one is another one';
$_->wait_ready for $one, $two;
isnt $alice->get($one->url('/info'))->json->{uid}, $alice->get($two->url('/info'))->json->{uid}, 'with a pod of its own';
is $bob->get($two->url)->code, 403, 'and nobody else\'s';
refused($t, 'a third one of the template', sub { install($alice, $name, $more) }, 'limit-user-template', 2);
is $alice->install('notebook')->template, 'notebook', 'of another template it is the first';
refused($t, 'a fourth one of all', sub { install($alice, 'notebook', $more) }, 'limit-user-total', 3);
is install($bob, 'notebook', $more)->code, 202, 'each user has limits of his own';

# What is being uninstalled is still there.
$t->kubectl('annotate', 'pod', $one->pod, 'fake/stop-delay=2s');
$one->uninstall;
refused_now($alice, 'limit-user-total');
is install($alice, $name)->json->{id}, $two->id, 'the one that stays is the one that there is';
$t->wait_for(sub { !$t->claims($name)->{ $one->id } }, 20, 'it is gone');
$t->wait_for(sub { install($alice, 'notebook', $more)->code == 202 }, 10, 'then there is room');
pass 'when it is gone there is room for another';

sub refused_now { my ($who, $code) = @_; is code(install($who, 'notebook', $more)), $code, 'as long as it goes it counts' }

# Presses of one user at one moment, on two templates and two workers.
my @p = map { my $tmpl = $_; map { $carol->begin_api('POST', "/api/v1/templates/default/$tmpl/install", $more) } 1 .. 3 }
    $name, 'notebook';
my @codes = sort map { code($_->response) } @p;
is scalar(grep { $_ eq '202' } @codes), 3, "six presses for three places: three (@codes)";
is scalar(grep { !/^202$|^limit-user-/ } @codes), 0, 'the others are told of the limit';
$t->wait_agree($_) for $name, 'notebook';
is owned($t, 'carol'), 3, 'and there are three';

# Written, and its answer lost: it is known by what was written, not by whose it is.
my $dave = $t->sign_in('user05');
for my $n (1, 2) {
    $t->faults([{ method => 'PATCH', path => 'gameserversets', times => 1,
        action => { forwardThenStatus => JSON::PP::true, status => 500 } }]);
    $t->allow_log(qr/a write was not taken|upstream/);
    my $r = install($dave, $name, $more);
    is $r->code, 202, "number $n is written, its answer is lost: it is found";
    is owned($t, 'user05'), $n, 'and there is no other';
}
$t->faults([{ method => 'PATCH', path => 'gameserversets', times => 2, action => { close => JSON::PP::true } }]);
is install($dave, 'notebook')->code, 202, 'two connections are cut: the third try is taken';
is owned($t, 'user05'), 3, 'once';
$t->no_faults;

# A client that goes away has what it asked for, and it counts at once.
my $eve = $t->sign_in('user06');
$t->faults([{ method => 'PATCH', path => "gameserversets/$name", action => { delayMs => 700 } }]);
my ($patches) = $t->status('/metrics')->content =~ /aigc_patches_total (\d+)/;
my @gone = map { $eve->begin_api('POST', "/api/v1/templates/default/$name/install", $more) } 1 .. 2;
$t->wait_for(sub { ($t->status('/metrics')->content =~ /aigc_patches_total (\d+)/)[0] > $patches }, 5, 'one is sent');
$_->conn->close for @gone;
my @rest = map { $eve->begin_api('POST', '/api/v1/templates/default/notebook/install', $more) } 1 .. 3;
$_->response for @rest;
$t->no_faults;
cmp_ok owned($t, 'user06'), '<=', 3, 'a client that goes away does not get one more';
$t->wait_for(sub { !grep { !$_->{agrees} } @{ $t->table->{templates} } }, 20, 'all agrees');

sub owned {
    my ($t, $user) = @_;
    return scalar grep { ($_->{owner} // '') =~ /^\Q$user\E0/ } map { values %{ $t->claims($_) } } $name, 'notebook';
}
done_testing;
