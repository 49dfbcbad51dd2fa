# t/sign_out.t — who signs out is out everywhere: on every worker, on every
# gateway, with a copied cookie, and whatever the cluster says

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use Digest::SHA qw(sha256);
use MIME::Base64 qw(encode_base64url);

my $t = AIGC::Stack->start(workers => 2, faults => 1);
my $other = $t->second_nginx;               # its port
my $ns = '/api/v1/namespaces/aigc-gateway/configmaps';

# What the dashboard of this gateway (or of the one at a port) says to her.
sub me {
    my ($c, $port) = @_;
    my $url = $port ? "http://@{[ $t->host ]}:$port" : '';
    return $c->get("$url/api/v1/me")->code;
}

# All answers of n requests, each on a connection of its own: of all workers.
sub everywhere {
    my ($c, $n) = @_;
    my %seen;
    $seen{$_->response->code}++ for map { $c->begin('GET', '/api/v1/me') } 1 .. $n // 20;
    return join ' ', sort keys %seen;
}

sub sign_out { return $_[0]->post('/sign-out', headers => [Origin => $t->origin])->code }

sub revocations { return ($t->kube_get("$ns/aigc-revocations") // {})->{data} // {} }

my $inst = $t->sign_in('alice')->install('stable-diffusion-cpu')->wait_ready;

subtest 'one session' => sub {
    my $alice = $t->sign_in('alice');
    my $laptop = $t->sign_in('alice');
    is $_->get($inst->url)->code, 200, 'she is in at her instance' for $alice, $laptop;
    my $thief = $alice->copy;
    my $at = sub { my ($c, $port) = @_; return $c->get($inst->url =~ s/:\d+/:@{[ $port || $t->port ]}/r)->code };
    ok $thief->host_cookie('aigc-instance', $inst->host), 'a thief has the cookie of its host, too';
    is $at->($_, $other), 200, '… which is good on the other gateway' for $alice, $laptop, $thief;

    # a ticket that is issued before, and taken after
    my $nonce = 'nonce-of-this-browser0';
    my ($late) = map { $_->location } $thief->browse('/sign-in?rd=' . AIGC::Client::escape($inst->url('/'))
        . '&nonce=' . encode_base64url(sha256($nonce)));
    like $late, qr/aigc_ticket=/, '… and a ticket';

    is me($_, $other), 200, 'she is in on the other gateway, too' for $alice, $laptop;
    is everywhere($thief), '200', 'every worker knows the cookie, and remembers it';

    is sign_out($alice), 303, 'she signs out';
    is everywhere($thief), '401', '… and from the very next request a copied cookie is nobody\'s on every worker';
    is join(' ', map { $at->($_) } ($thief, $alice) x 10), join(' ', (401) x 20), '… nor at her instance, whose host has cleared no cookie';
    my $r = $t->stranger->browse($late, headers => [Cookie => "aigc-nonce=$nonce"]);
    my ($made) = grep { $_->{name} eq 'aigc-instance' } $r->set_cookies;
    is $t->stranger->get($inst->url, headers => [Cookie => 'aigc-instance=' . ($made ? $made->{value} : '')])->code, 401,
        '… nor by the ticket';
    is sign_out($thief->copy), 303, '… though it may sign out once more';
    $t->wait_for(sub { me($thief, $other) == 401 }, 5, 'the other gateway refuses it, too');
    is $at->($_, $other), 401, '… and on the other gateway soon, at her instance as well' for $thief, $alice;
    is everywhere($laptop), '200', 'her other session goes on';
    is me($laptop, $other), 200, '… there as well';
    is join(' ', map { $at->($laptop, $_) } $t->port, $other), '200 200', '… and at her instance';
};

subtest 'what is recorded' => sub {
    my $alice = $t->sign_in('alice');
    my $before = revocations();
    my $now = time;
    sign_out($alice);
    $t->wait_for(sub { keys %{ revocations() } > keys %$before }, 5, 'it is in the ConfigMap');
    my $data = revocations();
    my ($new) = grep { !exists $before->{$_} } keys %$data;

    like $new, qr/^[A-Za-z0-9_-]{43}$/, 'a digest';
    like $data->{$new}, qr/^\d+$/, '… and the time';
    cmp_ok abs($data->{$new} - $now), '<=', 2, '… of the sign-out';
    my $object = $t->kube_get("$ns/aigc-revocations");
    cmp_ok length JSON::PP->new->encode($object->{metadata}{managedFields} // []), '<', 1000,
        'the server keeps no second list of them';
};

subtest 'a sign-out that the cluster does not hear of at once' => sub {
    my $alice = $t->sign_in('alice');
    my $thief = $alice->copy;
    is me($thief, $other), 200, 'she is in';
    $t->faults([{ path => '/configmaps', method => 'PATCH', action => { status => 500 } }]);
    is sign_out($alice), 303, 'signing out works while the ConfigMap cannot be written';
    is everywhere($thief), '401', '… and holds here at once';
    $t->wait_for(sub { $t->error_log =~ /ConfigMap aigc-gateway\/aigc-revocations could not be written: status 500/ }, 5,
        'the log says so');
    $t->no_faults;
    $t->wait_for(sub { me($thief, $other) == 401 }, 20, 'the other gateway refuses it');
    pass 'afterwards it is written, and holds there';
};

subtest 'a reload, a dead worker' => sub {
    my $alice = $t->sign_in('alice');
    is $alice->get($inst->url)->code, 200, 'she is in';
    my $thief = $alice->copy;
    sign_out($alice);
    $t->reload;
    is everywhere($thief), '401', 'a reload forgets nothing';
    is $thief->get($inst->url)->code, 401, '… nor at her instance';
    $t->allow_log(qr/shared memory zone "gateway" was locked by/);
    $t->kill_worker(0);
    is everywhere($thief), '401', 'nor does a worker that dies';
};

subtest 'a session that has to be renewed' => sub {
    # good for five seconds more, by the tolerance between clocks
    $t->logto_control('lifetimes', { id_token => -25 });
    my ($bob, $carol) = map { $t->sign_in($_) } qw(bob carol);
    $t->logto_control('lifetimes', { id_token => undef });
    my $thief = $bob->copy;
    my $calls = sub { $t->logto_requests->{grants}{refresh_token} // 0 };
    my $before = $calls->();
    my $end = time + 6;
    is sign_out($bob), 303, 'can be signed out';
    $t->wait_for(sub { time > $end }, 10, 'the ID tokens have expired');
    is everywhere($thief), '401', 'and is not renewed any more';
    is $calls->(), $before, '… Logto is not even asked';
    is everywhere($carol), '200', 'one that is not signed out is';
    is $calls->(), $before + 1, '… by Logto';
};

subtest 'somebody deletes the ConfigMap' => sub {
    my $before = revocations();
    my $whole = sub { my $now = revocations(); return !grep { !exists $now->{$_} } keys %$before };
    $t->kubectl('-n', 'aigc-gateway', 'delete', 'configmap', 'aigc-revocations');
    $t->wait_for($whole, 10, 'it is there again');
    ok $whole->(), 'the gateways write it again, whole';
};

subtest 'what is past' => sub {
    my $old = encode_base64url(sha256('a session of 2001'));
    my $odd = encode_base64url(sha256('written by hand'));
    $t->kubectl('-n', 'aigc-gateway', 'patch', 'configmap', 'aigc-revocations', '--type=merge', '-p',
        qq({"data":{"$old":"1000000000","$odd":"yesterday","note":"1"}}));
    $t->wait_for(sub { !exists revocations()->{$old} }, 40, 'it is removed');
    my $data = revocations();
    ok !exists $data->{$old}, 'what no session can be older than is removed';
    is $data->{$odd}, 'yesterday', 'what is not the gateway\'s is left alone';
    cmp_ok scalar keys %$data, '>', 3, '… and what counts stays';
};

subtest 'the floor' => sub {
    my $alice = $t->sign_in('alice');
    is me($alice, $other), 200, 'she is in';
    my $now = time;
    $t->kubectl('-n', 'aigc-gateway', 'patch', 'configmap', 'aigc-revocations', '--type=merge', '-p',
        qq({"data":{"floor":"$now"}}));
    $t->wait_for(sub { me($alice) == 401 && me($alice, $other) == 401 }, 5, 'she is out');
    pass 'whoever began until then is out';
    $t->wait_for(sub { time > $now }, 3, 'the next second');
    is me($t->sign_in('alice'), $other), 200, '… and whoever begins after it is in';
};

subtest 'a gateway that starts' => sub {
    my $alice = $t->sign_in('alice');
    my $thief = $alice->copy;
    sign_out($alice);
    $t->wait_for(sub { me($thief, $other) == 401 }, 5, 'the other gateway knows');
    $t->restart_nginx;                      # ends the other one, too
    is everywhere($thief), '401', 'learns before it is ready who is out';
};

done_testing;
