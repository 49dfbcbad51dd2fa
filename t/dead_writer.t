# t/dead_writer.t — worker 0 dies in the middle of a change of the table, its
# lock held: for a moment nobody is told anything, never anything wrong (gdb)

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(sleep);

plan(skip_all => 'needs gdb') unless grep { -x "$_/gdb" } split /:/, $ENV{PATH};
plan(skip_all => 'gdb and ASan do not go together') if $ENV{AIGC_ASAN};

my $t     = AIGC::Stack->start(workers => 2);
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;
my %ask   = (owner => [$alice, $inst->url], other => [$bob, $inst->url],
    unknown => [$alice, $inst->url =~ s/instances\d+-/instances999-/r]);
my %right = (owner => 200, other => 403, unknown => 404);
my $n     = 0;

sub code { my ($who) = @_; my $r = eval { $ask{$who}[0]->get($ask{$who}[1], timeout => 5) }; $r ? $r->code : 0 }

# Changes a GameServer; or adds an instance, which is a new slot and new chains.
my $game = '/apis/game.kruise.io/v1alpha1/namespaces/default';
sub change { return ['PATCH', "$game/gameservers/" . $inst->pod, { metadata => { annotations => { change => 'c' . ++$n } } }] }
sub add {
    return ['PATCH', "$game/gameserversets/stable-diffusion-cpu", { metadata => { annotations => { change => 'c' . ++$n,
        'instance.aigc-gateway.io/7' => '{"owner":"nobody","state":"released","since":"2026-01-01T00:00:00Z","gss":"0"}' } } }];
}

# Where it dies: inside a slot, with the lock before and after it, in a chain.
my @deaths = ([ngx_aigc_slot_set => \&change, 1], [ngx_aigc_table_put_gs => \&change, 1],
    [ngx_aigc_record_update => \&change, 1], [ngx_aigc_write_end => \&change, 1], [ngx_aigc_link => \&add, 2],
    [ngx_aigc_string_set => \&add, 2]);

for my $death (@deaths) {
    my ($where, $trigger, $instances) = @$death;
    my ($pid) = $t->worker_pids;
    my $said  = $t->file("run/gdb-$where");
    $t->allow_log(qr/worker process $pid exited on signal|was locked by $pid/);
    my $load = $t->background(sub {
        my ($go_on) = @_;
        my %seen;
        while ($go_on->()) { $seen{$_}{ code($_) }++ for sort keys %ask }
        return \%seen;
    });

    my @streams = map { $alice->events } 1 .. 8;        # some of them in worker 1
    $_->snapshot for @streams;

    my $gdb = fork // die "fork: $!";
    if ($gdb == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $said;
        open STDERR, '>&', \*STDOUT;
        exec 'gdb', '-q', '-batch', '-p', $pid, '-ex', "break $where",
            '-ex', 'continue', '-ex', 'kill' or POSIX::_exit(127);
    }
    my $text = sub { open my $f, '<', $said or return ''; local $/; <$f> // '' };
    $t->wait_for(sub { $text->() =~ /Breakpoint 1 at/ }, 30, "a breakpoint in $where");
    # until it is hit: gdb may just not have let the process go on yet
    $t->wait_for(sub {
        $t->kube_send([$trigger->()]);
        $text->() =~ /Breakpoint 1(?:\.\d)?, .*\Q$where\E/;
    }, 20, "worker 0 is in $where");
    waitpid $gdb, 0;
    $t->wait_for(sub { my ($new) = $t->worker_pids; $new && $new != $pid }, 10, 'its successor is there');
    $t->wait_for(sub { !grep { code($_) != $right{$_} } keys %right }, 10, 'all is well');

    is scalar(grep { $_->{event} =~ /gone/ } map { $_->events } @streams), 0, "dead in $where: no stream says that anything is gone";
    is scalar @{ $alice->events->snapshot->{instances} }, 1, '… and a new one shows it';
    $_->close for @streams;

    my $seen = $load->stop;
    for my $who (sort keys %right) {
        my @wrong = grep { !/^(?:$right{$who}|503|0)$/ } keys %{ $seen->{$who} };
        is "@wrong", '', "dead in $where: the $who never gets anything but $right{$who} or 503";
        note "$who: " . join ', ', map { "$_: $seen->{$who}{$_}" } sort keys %{ $seen->{$who} };
    }
    is scalar @{ $t->table->{instances} }, $instances, 'the table is whole again';
    like $t->status('/metrics')->content, qr/^aigc_instances $instances$/m, 'and no slot is lost';
}

# Its lock is taken from it, and its successor is not there yet: an install that
# waits holds up nobody.  (gdb does what the master does, at a moment that lasts.)
{
    my ($pid) = $t->worker_pids;
    my ($said, $go) = map { $t->file("run/gdb-$_") } 'stays', 'go';
    $t->allow_log(qr/worker process $pid exited on signal|was locked by $pid/);
    my $gdb = fork // die "fork: $!";
    if ($gdb == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $said;
        open STDERR, '>&', \*STDOUT;
        exec 'gdb', '-q', '-batch', '-p', $pid, '-ex', 'break ngx_aigc_gs_put',
            '-ex', 'continue', '-ex', 'break ngx_aigc_slot_set', '-ex', 'continue',
            '-ex', "print ((int (*)(void *, int)) ngx_shmtx_force_unlock)(&zone->shpool->mutex, $pid)", '-ex', 'up',
            '-ex', "shell while [ ! -e $go ]; do sleep 0.1; done", '-ex', 'kill' or POSIX::_exit(127);
    }
    my $text = sub { open my $f, '<', $said or return ''; local $/; <$f> // '' };
    $t->wait_for(sub { $text->() =~ /Breakpoint 1 at/ }, 30, 'a breakpoint');
    $t->wait_for(sub { $t->kube_send([change()]); $text->() =~ /^#1 /m }, 20, 'worker 0 stays in a record, without the lock');
    like $text->(), qr/^\$1 = 1\n.*^#1 .* in ngx_aigc_record_disk /ms, 'the record is half-written, and the lock free';

    is code('owner'), 503, 'its owner is told to wait, whatever is in it';

    # only worker 1 answers; what it does meanwhile it does between two looks of the install's
    my $install = $bob->begin_api(POST => '/api/v1/templates/default/stable-diffusion-cpu/install');
    my $ready = sub { my $c = $install->{conn}; length $c->{in} || eval { $c->fill(0) } };
    my $answered = 0;
    until ($ready->() || $answered == 100) {
        $answered++ if eval { $alice->get('/api/v1/me', timeout => 20)->code } // 0;
    }
    is $answered, 100, 'a hundred requests are answered while the install waits';
    ok !$ready->(), '… which is not done yet';
    open my $f, '>', $go or die "$go: $!";
    close $f;
    waitpid $gdb, 0;
    my $code = $install->response->code;
    ok $code == 202 || $code == 503, "it is, when there is a worker 0 again ($code)";
    $t->wait_for(sub { !grep { code($_) != $right{$_} } keys %right }, 10, 'all is well');
}

done_testing;
