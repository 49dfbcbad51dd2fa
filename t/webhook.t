# t/webhook.t — Logto's webhook: a deleted or suspended user is out at once, the
# instances are released and keep their disks; nobody else can send one

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use Digest::SHA qw(hmac_sha256_hex);
use JSON::PP ();
use POSIX qw(strftime);

my $t = AIGC::Stack->start(workers => 2, templates => ['stable-diffusion-cpu', 'notebook']);
my $other = $t->second_nginx;               # its port
$t->logto_control('hooks', { webhook_url => $t->url('/webhook'),
    webhook_events => ['User.Deleted', 'User.SuspensionStatus.Updated', 'User.Data.Updated'] });

my $json = JSON::PP->new->utf8->canonical;
open my $f, '<', $t->file('logto/webhook_key') or die $!;
chomp(my $key = <$f>);

sub me {
    my ($c, $port) = @_;
    my $url = $port ? "http://@{[ $t->host ]}:$port" : '';
    return $c->get("$url/api/v1/me")->code;
}

# What the host of an instance says on both gateways; who is in by then has a
# session of that host: "200 200" to the owner, "403 403" to others.
sub at {
    my ($c, $inst) = @_;
    return join ' ', map { my $port = $_; $c->get($inst->url =~ s/:\d+/:$port/r)->code } $t->port, $other;
}

sub soon_out {              # on both gateways
    my ($c) = @_;
    return eval { $t->wait_for(sub { me($c) == 401 && me($c, $other) == 401 }, 5, 'out') };
}

sub send_body {
    my ($body, %o) = @_;
    my $text = ref $body ? join '', @$body : $body;
    my $signature = exists $o{signature} ? $o{signature} : hmac_sha256_hex($text, $o{key} // $key);
    return $t->stranger->post('/webhook', body => $body, headers => ['Content-Type' => 'application/json',
        defined $signature ? ('Logto-Signature-SHA-256' => $signature) : ()]);
}

sub event {
    my ($event, $user, %o) = @_;
    my $id = sprintf '%s%s', $user, '0' x (12 - length $user);
    my %e = (event => $event, createdAt => strftime('%Y-%m-%dT%H:%M:%S.000Z', gmtime(time + ($o{age} ? -$o{age} : 0))),
        params => { userId => $id }, data => { id => $id, isSuspended => JSON::PP::true }, hookId => 'x', %{ $o{with} // {} });
    delete @e{ @{ $o{drop} // [] } };
    return $json->encode(\%e);
}

sub next_second { my $s = time; $t->wait_for(sub { time > $s }, 3, 'the next second') }

sub pvcs { return join ' ', sort map { $_->{metadata}{name} } grep { $_->{metadata}{name} =~ /-$_[0]$/ } $t->kube_get('pvcs')->{items}->@* }

my $suspended = 'User.SuspensionStatus.Updated';

subtest 'a user who is suspended' => sub {
    my $alice = $t->sign_in('alice');
    my $bob = $t->sign_in('bob');
    my @hers = map { $alice->install($_)->wait_ready } 'stable-diffusion-cpu', 'notebook';
    my $his = $bob->install('stable-diffusion-cpu')->wait_ready;
    my $disks = join ' ', sort map { $_->{metadata}{name} } @{ $t->kube_get('pvcs')->{items} };
    is join(', ', map { at($alice, $_) } @hers, $his), '200 200, 200 200, 403 403', 'she is in where she may be';
    is at($bob, $his), '200 200', '… and he';

    my $sent = $t->logto_control('suspend', { user => 'alice' })
        && $t->logto_control('webhook', { event => $suspended, user => 'alice' });
    is $sent->{status}, 200, 'Logto tells it';
    ok soon_out($alice), 'she is out on both gateways';
    is join(', ', map { at($alice, $_) } @hers, $his), '401 401, 401 401, 401 401', '… and of all instances\' hosts';
    is me($bob, $other), 200, 'he is not';

    my $states = sub { join ' ', map { "$_->{desired}" }
        grep { $_->{owner} =~ /^alice/ } @{ $t->table->{instances} } };
    $t->wait_for(sub { $states->() eq 'released released' }, 60, 'her instances are released');
    is $states->(), 'released released', 'her instances are released';
    is join(' ', sort map { $_->{metadata}{name} } @{ $t->kube_get('pvcs')->{items} }), $disks, 'their disks are kept';
    is at($bob, $his), '200 200', 'his runs on';
    $t->wait_agree($_) for 'stable-diffusion-cpu', 'notebook';
    my $log = $t->error_log . do { local (@ARGV, $/) = $t->file('log/error2.log'); <> };
    like $log, qr/instance default\/$_\/\d+ is released, its disks stay: its user "alice0000000"/, "the log lists $_"
        for 'stable-diffusion-cpu', 'notebook';
    my ($n) = map { $t->plain('GET', $_, '/metrics')->content =~ /^aigc_user_releases_total ([1-9]\d*)$/m } $t->port(1), $other + 1;
    is $n, 2, 'a metric counts them';
    my @events = grep { $_->{reason} eq 'UserGone' } @{ $t->kube_get('events')->{items} };
    is scalar @events, 2, 'and an Event says so on each template';

    my $data = sub { ($t->kube_get('/api/v1/namespaces/aigc-gateway/configmaps/aigc-revocations') // {})->{data} // {} };
    $t->wait_for(sub { grep { / released$/ } values %{ $data->() } }, 30, 'the ConfigMap says so');

    $t->logto_control('unsuspend', { user => 'alice' });
    next_second();
    $alice = $t->sign_in('alice');
    is me($alice), 200, 'allowed again she signs in';
    my ($again) = grep { $_->host eq $hers[1]->host } $alice->instances;
    $again->start->wait_ready;
    is $alice->get($again->url)->code, 200, '… and starts what she had';
    $t->wait_for(sub { $states->() =~ /running/ }, 5, 'it runs');
    my $mark = time;
    $t->wait_for(sub { time > $mark + 4 }, 6, 'two passes of the leader');
    like $states->(), qr/running/, '… which stays so';
};

# Each instance has an Event of its own; only four are sent at one time.
subtest 'a user with many instances' => sub {
    my $t = AIGC::Stack->start(several => 1, directives => { aigc_limits => 'user_template=9' });
    my $alice = $t->sign_in('alice');
    $alice->install('stable-diffusion-cpu', another => 1) for 1 .. 9;
    $t->wait_agree('stable-diffusion-cpu');
    $t->logto_control('suspend', { user => 'alice' });
    $t->logto_control('hooks', { webhook_url => $t->url('/webhook'), webhook_events => [$suspended] });
    $t->logto_control('webhook', { event => $suspended, user => 'alice' });
    my $told = sub { join ' ', sort map { $_->{message} =~ /^instance (\d+):/ } grep { $_->{reason} eq 'UserGone' } $t->kube_list('events') };
    $t->wait_for(sub { $told->() eq '0 1 2 3 4 5 6 7 8' }, 60, sub { 'all are told of, are: ' . $told->() });
    is $told->(), '0 1 2 3 4 5 6 7 8', 'each release is told of';
};

subtest 'a user who is deleted' => sub {
    my $carol = $t->sign_in('user07');
    my $inst = $carol->install('notebook')->wait_ready;
    is at($carol, $inst), '200 200', 'a user has something';
    my $sent = $t->logto_control('webhook', { event => 'User.Deleted', user => 'user07' });
    is $sent->{status}, 200, 'Logto tells it';
    ok soon_out($carol), 'and the user is out';
    is at($carol, $inst), '401 401', '… of the instance, too';
    my $hers = sub { grep { $_->{owner} =~ /^user07/ } @{ $t->table->{instances} } };
    $t->wait_for(sub { ($hers->())[0]{desired} eq 'released' }, 60, 'the instance is released');
    ok scalar(grep { $_->{name} =~ /-notebook-@{[ ($hers->())[0]{id} ]}$/ } @{ $t->table->{disks} }), 'the instance is released, its disk stays';
};

subtest 'what it does not end' => sub {
    next_second();
    my $c = $t->sign_in('user08');
    is send_body(event('User.Data.Updated', 'user08'))->code, 200, 'another event';
    is send_body(event('PostSignIn', 'user08'))->code, 200, 'one that nobody knows';
    is send_body(event($suspended, 'user08', with => { data => { isSuspended => JSON::PP::false } }))->code, 200, 'a suspension that ends';
    is send_body(event($suspended, 'user08', age => 3600))->code, 200, 'a message of an hour ago';
    is send_body(event($suspended, 'user08', age => 40 * 86400))->code, 200, 'one of forty days ago';
    is send_body(event($suspended, 'user09'))->code, 200, 'another user\'s';
    is me($c), 200, 'the user is in after all that';
};

# Logto sends a webhook once.  Here it is never sent: /_control/suspend and
# /delete do it behind everybody's back.
subtest 'a webhook that never came' => sub {
    next_second();
    my %who = (user11 => 'suspend', user12 => 'delete', user13 => 'suspend', user14 => undef);
    my %c = map { $_ => $t->sign_in($_) } sort keys %who;
    my %instance = map { $_ => $c{$_}->install('notebook') } qw(user11 user12 user14);
    my $desired = sub { my ($user) = @_; join ' ', map { $_->{desired} } grep { $_->{owner} =~ /^$user/ } @{ $t->table->{instances} } };
    $t->wait_for(sub { $desired->($_) eq 'running' }, 20, "$_ runs something") for sort keys %instance;

    $instance{$_}->wait_ready for sort keys %instance;
    is at($c{$_}, $instance{$_}), '200 200', "$_ is in" for sort keys %instance;

    next_second();
    $t->logto_control($who{$_}, { user => $_ }) for grep { $who{$_} } sort keys %who;
    is me($c{$_}), 200, "$_ is gone, and nobody knows" for 'user11', 'user12', 'user13';

    $t->kill_worker(0);             # a leader that starts looks at everybody
    for my $user (grep { $who{$_} } sort keys %who) {
        $t->wait_for(sub { me($c{$user}) == 401 && me($c{$user}, $other) == 401 }, 60, "$user is out");
        pass "$who{$user}: $user is out on both gateways";
        is at($c{$user}, $instance{$user}), '401 401', '… and of the instance' if $instance{$user};
    }
    for my $user ('user11', 'user12') {
        $t->wait_for(sub { $desired->($user) eq 'released' }, 60, "what $user runs is released");
        pass "… and what $user runs is released";
    }
    is me($c{user14}), 200, 'another user is in';
    is $desired->('user14'), 'running', '… and runs what he ran';
    my $log = $t->error_log . do { local (@ARGV, $/) = $t->file('log/error2.log'); <> };
    like $log, qr/user "user110+" is suspended in Logto, which no webhook has told/, 'the log says who is suspended';
    like $log, qr/user "user120+" is deleted in Logto, which no webhook has told/, '… and deleted';
    my $lines = () = $log =~ /which no webhook has told/g;
    is $lines, 3, '… once each';
};

subtest 'nor at a refresh' => sub {
    next_second();
    $t->logto_control('lifetimes', { id_token => 1 });
    my $c = $t->sign_in('user15');
    $t->logto_control('lifetimes', { id_token => undef });
    my $more = $t->sign_in('user15');
    $c->install('notebook');
    my $desired = sub { join ' ', map { $_->{desired} } grep { $_->{owner} =~ /^user15/ } @{ $t->table->{instances} } };
    $t->wait_for(sub { $desired->() eq 'running' }, 20, 'the user runs something');
    next_second();
    $t->logto_control('suspend', { user => 'user15' });
    is me($more), 200, 'a user is suspended, and nobody knows';
    $t->wait_for(sub { me($c) == 401 }, 90, 'Logto will not renew one of the sessions');
    ok eval { $t->wait_for(sub { me($more) == 401 && me($more, $other) == 401 }, 30, 'out') }, 'then the other one ends, too';
    $t->wait_for(sub { $desired->() eq 'released' }, 60, 'what the user runs is released');
    pass 'and what the user runs is released';
};

subtest 'whatever its user has written into it' => sub {
    next_second();
    my $c = $t->sign_in('user10');
    # as Logto sends it: the whole user, custom data and all
    my $whole = event($suspended, 'user10', with => { data => { customData => 'HERE', id => 'user100000000' =~ s/0$//r, isSuspended => JSON::PP::true } });
    my $with = sub { $whole =~ s/"HERE"/$_[0]/r };
    my %odd = ('a number that no integer holds' => '{"n":100000000000000000000}', 'one that no double holds' => '{"n":1e99999}',
        'thousands of brackets' => '[' x 5000 . ']' x 5000, 'members of the same names' => '{"id":"bob000000000","isSuspended":false,"event":"x"}');
    for (sort keys %odd) {
        is send_body($with->($odd{$_}))->code, 200, $_;
        ok soon_out($c), '… and the user is out';
        next_second();
        $c = $t->sign_in('user10');
    }
    my $fill = sub { my $n = shift; my $w = $with->('""'); $with->('"' . 'x' x ($n - length $w) . '"') };
    is length $fill->(1 << 20), 1 << 20, 'a body of a megabyte';
    is send_body($fill->((1 << 20) + 1))->code, 413, 'one byte more is refused';
    is send_body([unpack '(a65536)*', $fill->((1 << 20) + 1)])->code, 413, '… in chunks';
    is send_body($fill->(1 << 20), signature => '0' x 64)->code, 403, 'with another signature it counts for nothing';
    is me($c), 200, 'the user is in after that';
    is send_body($fill->(1 << 20))->code, 200, 'a megabyte, most of it in a file';
    ok soon_out($c), '… and the user is out';
    next_second();
    $c = $t->sign_in('user10');
    is send_body([unpack '(a65536)*', $fill->(1 << 20)])->code, 200, '… in chunks';
    ok soon_out($c), '… likewise';
};

subtest 'the Console tries it' => sub {
    next_second();
    my $c = $t->sign_in('user08');
    my $entries = sub { scalar keys %{ ($t->kube_get('/api/v1/namespaces/aigc-gateway/configmaps/aigc-revocations') // {})->{data} // {} } };
    my $before = $entries->();
    for my $event ('User.Deleted', $suspended) {
        my $test = event($event, 'user08', with => { params => { id => 'fake-id' }, data => { result => 'success' } });
        my $answer = send_body($test);
        is $answer->code, 204, "$event: 204";
        is $answer->content, '', '… without a body';
        is send_body($test, key => 'another')->code, 403, '… but 403 with another key';
    }
    is me($c), 200, 'nobody is out';
    is $entries->(), $before, 'and nothing is revoked';
};

subtest 'what is refused' => sub {
    next_second();
    my $c = $t->sign_in('user08');
    my $good = event($suspended, 'user08');
    is send_body($good, key => 'another')->code, 403, 'another key';
    is send_body($good, signature => undef)->code, 403, 'no signature';
    is send_body($good, signature => '')->code, 403, 'an empty one';
    is send_body($good, signature => hmac_sha256_hex("$good ", $key))->code, 403, 'another body\'s';
    is send_body($good, signature => uc hmac_sha256_hex($good, $key))->code, 403, 'in capitals';
    is send_body($good, signature => 'sha256=' . hmac_sha256_hex($good, $key))->code, 403, 'with a prefix';
    is send_body($good, signature => substr(hmac_sha256_hex($good, $key), 0, 63))->code, 403, 'a digit short';
    is send_body($_)->code, 400, 'not an event: ' . substr $_, 0, 40 for '', '{', '[]', '{}', '"x"', '{"event":1}', "\xff\xfe",
        event($suspended, 'user08', drop => ['createdAt']),
        event($suspended, 'user08', with => { createdAt => 'yesterday' }),
        event($suspended, 'user08', age => -3600),
        event($suspended, 'user08', with => { params => { userId => 'bob000000000' } }),
        event($suspended, 'user08', with => { params => {}, data => { isSuspended => JSON::PP::true } }),
        event($suspended, 'user08', with => { params => { userId => "x\ny" }, data => { isSuspended => JSON::PP::true } }),
        event($suspended, 'user08', with => { params => { userId => 'x' x 200 }, data => { isSuspended => JSON::PP::true } }),
        event($suspended, 'user08', with => { data => { id => 'user08000000' } }),
        $good =~ s/\}$/,"event":"User.Deleted"}/r;
    is $t->stranger->get('/webhook')->code, 405, 'GET';
    is me($c), 200, 'the user is in after all that';
    is send_body($good)->code, 200, 'the good one';
    ok soon_out($c), '… it counts';
};

done_testing;
