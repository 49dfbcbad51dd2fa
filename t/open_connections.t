# t/open_connections.t — what is open ends when its user may not be there any
# more: WebSockets, long answers and uploads, of a session that is signed out or
# over, of a user who is gone, of an instance that is released

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start(workers => 2);
my $other = $t->second_nginx;               # its port

sub sign_out { return $_[0]->post('/sign-out', headers => [Origin => $t->origin])->code }
sub next_second { my $s = time; $t->wait_for(sub { time > $s }, 3, 'the next second') }

sub closed_total {
    my ($n) = $t->status('/metrics')->content =~ /^aigc_closed_total (\d+)$/m;
    return $n;
}

# What is left of a long answer when it ends: its bytes.
sub slow {
    my ($c, $inst) = @_;
    return $c->begin('GET', $inst->url('/slow?ms=20000&chunks=200'), timeout => 25);
}

# A WebSocket by way of the other gateway; its pages are those of the first.
sub far {
    my ($c, $inst) = @_;
    my $url = $inst->url('/ws');
    my ($origin) = $url =~ m{^(http://[^/]+)};
    return $c->websocket($url =~ s/:\d+/:$other/r, headers => { Origin => $origin });
}

my $owner = $t->sign_in('alice');
my $inst = $owner->install('stable-diffusion-cpu')->wait_ready;
my $bob = $t->sign_in('bob');
my $his = $bob->install('stable-diffusion-cpu')->wait_ready;
my $bobs = $bob->websocket($his->url('/ws'));
ok $bobs->echoes, 'somebody else has a WebSocket open through all of this';

subtest 'signing out' => sub {
    my $alice = $t->sign_in('alice');
    my @ws = map { $alice->websocket($inst->url('/ws')) } 1 .. 6;     # on both workers
    my $far = far($alice, $inst);
    my $laptop = $owner->websocket($inst->url('/ws'));
    ok $_->echoes, 'a WebSocket is open' for @ws, $far, $laptop;
    my ($stream, $stays) = map { $_->events } $alice, $owner;
    $_->snapshot for $stream, $stays;
    my $answer = slow($alice, $inst);
    my $upload = $alice->connect($inst->url);
    my $host = $inst->host . ':' . $t->port;
    $upload->send("PUT /disk/f HTTP/1.1\r\nHost: $host\r\nCookie: @{[ $alice->cookie_header($inst->url) ]}\r\n"
        . "Content-Length: 1000000\r\n\r\n" . 'x' x 1000);

    $t->wait_for(sub { $answer->conn->readable }, 10, 'the long answer has begun');
    my $before = closed_total();
    is sign_out($alice), 303, 'she signs out';
    is $_->closed(5), 1006, 'it is closed' for @ws;
    is $far->closed(5), 1006, '… on the other gateway, too';
    isnt $stream->end(5), '', 'an event stream ends';
    is $stays->ended(0.5), '', '… but not that of another session';
    my $r = eval { $answer->response };
    ok !$r || $r->truncated, 'a long answer is cut';
    $upload->{timeout} = 20;
    is eval { $upload->take(1) } // '', '', 'an upload, too';
    ok $laptop->echoes, 'her other session goes on';
    ok $bobs->echoes, '… and what others have open';
    cmp_ok closed_total() - $before, '>=', 8, 'a metric counts them';
    like $t->error_log, qr/a connection of "alice0000000" to default\/stable-diffusion-cpu\/\d+ is closed: its session was revoked/,
        'and the log says why';
    $laptop->close;
};

subtest 'a token that expires' => sub {
    $t->logto_control('lifetimes', { id_token => 2 });
    my $alice = $t->sign_in('alice');
    $t->logto_control('lifetimes', { id_token => undef });
    my $ws = $alice->websocket($inst->url('/ws'));
    my $end = time + 35;                        # the tolerance between clocks is 30 s
    ok $ws->echoes, 'a WebSocket is open';
    $t->wait_for(sub { time > $end }, 40, 'the token is old');
    ok $ws->echoes, 'that ends no WebSocket';
    $ws->close;
};

subtest 'a release' => sub {
    next_second();
    my $alice = $t->sign_in('alice');
    my $ws = $alice->websocket($inst->url('/ws'));
    my $program = $t->stranger->websocket($inst->url('/ws'),
        headers => [Authorization => 'Bearer ' . $t->forge(user => 'alice')]);
    ok $_->echoes, 'it is open' for $ws, $program;
    my ($mine) = $alice->instances;
    $mine->release;
    is $_->closed(10), 1006, 'a released instance has none' for $ws, $program;
    $mine->start->wait_ready;
    ok $bobs->echoes, 'another\'s is as it was';
};

subtest 'another owner' => sub {
    my $alice = $t->sign_in('alice');
    my ($mine) = $alice->instances;
    my $ws = $alice->websocket($mine->url('/ws'));
    ok $ws->echoes, 'it is open';
    my ($id) = $mine->id;
    my $key = "instance.aigc-gateway.io/$id";
    my $was = $t->kube_get('gss', 'stable-diffusion-cpu')->{metadata}{annotations}{$key};
    my $now = $was =~ s/alice0000000/user01000000/r;
    $t->kube_patch('gss', 'stable-diffusion-cpu', { metadata => { annotations => { $key => $now } } });
    is $ws->closed(5), 1006, 'an instance that is another\'s by now';
    $t->kube_patch('gss', 'stable-diffusion-cpu', { metadata => { annotations => { $key => $was } } });
    $t->wait_for(sub { $alice->api('GET', $mine->path)->code == 200 }, 10, 'it is hers again');
    $mine->wait_ready;
};

subtest 'a user who is gone' => sub {
    next_second();
    my $alice = $t->sign_in('alice');
    my $ws = $alice->websocket($inst->url('/ws'));
    my $far = far($alice, $inst);
    my $program = $t->stranger->websocket($inst->url('/ws'),
        headers => [Authorization => 'Bearer ' . $t->forge(user => 'alice')]);
    ok $_->echoes, 'it is open' for $ws, $far, $program;
    is $t->logto_control('webhook', { event => 'User.Deleted', user => 'alice', url => $t->url('/webhook') })->{status},
        200, 'Logto tells it';
    is $_->closed(5), 1006, 'it is closed' for $ws, $program, $far;
    ok $bobs->echoes, 'another\'s is as it was';
};

subtest 'the end of a session' => sub {
    my $short = AIGC::Stack->start(directives => { aigc_session =>
        'key_file=' . $t->file('session.key') . ' domain=aigc.localhost secure=off lifetime=10s' });
    my $user = $short->sign_in('user02');
    my $i = $user->install('stable-diffusion-cpu')->wait_ready;
    my $begin = time;
    $user = $short->sign_in('user02');
    my $ws = $user->websocket($i->url('/ws'));
    ok $ws->echoes, 'it is open';
    is $ws->closed(15), 1006, 'its lifetime ends it';
    cmp_ok time - $begin, '>=', 9, '… not earlier';
};

done_testing;
