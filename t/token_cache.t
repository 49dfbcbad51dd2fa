# t/token_cache.t — what workers remember of a verified token, when one of them
# dies while it writes that down, and when a key is withdrawn meanwhile (gdb)

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(sleep time);

plan(skip_all => 'needs gdb') unless grep { -x "$_/gdb" } split /:/, $ENV{PATH};
plan(skip_all => 'gdb and ASan do not go together') if $ENV{AIGC_ASAN};

my $t = AIGC::Stack->start(workers => 2, templates => []);

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : die "no $_[0]" }
sub bearer { my ($token, %o) = @_; return $t->stranger->begin('GET', '/api/v1/me', %o, headers => [Authorization => "Bearer $token"]) }
sub fetched { return $t->logto_requests->{paths}{'/oidc/jwks'} // 0 }

# A connection to the worker of that number.
sub connection_to {
    my ($number) = @_;
    my @pids = $t->worker_pids;
    for (1 .. 200) {
        my $conn = $t->stranger->connect;
        my $pid  = $t->stranger->get('/api/v1/me', on => $conn) && worker_of($conn);
        return $conn if defined $pid && $pid == $pids[$number];
        $conn->close;
    }
    die "no connection to worker $number";
}

sub worker_of {
    my ($conn) = @_;
    my @pids = grep { defined } $t->worker_pids;
    my $hex  = sprintf '%04X', $conn->{sock}->sockport;
    open my $tcp, '<', "/proc/$pids[0]/net/tcp" or return;
    my ($inode) = map { (split)[9] } grep { (split)[1] !~ /:$hex$/ && (split)[2] =~ /:$hex$/ } <$tcp>;
    my ($pid) = grep { my $p = $_; grep { (readlink // '') eq "socket:[$inode]" } glob "/proc/$p/fd/*" } @pids;
    return $pid;
}

# Stops a process where it comes to a function; go_on() lets it do what is said.
sub stop_at {
    my ($pid, $where, @then) = @_;
    my $said = $t->file("run/gdb-$where");
    my $go   = "$said.go";
    unlink $go;
    my $gdb = fork // die "fork: $!";
    if ($gdb == 0) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', $said;
        open STDERR, '>&', \*STDOUT;
        exec 'gdb', '-q', '-batch', '-p', $pid, '-ex', "break $where", '-ex', 'continue',
            '-ex', "shell while ! test -e $go; do sleep 0.05; done", map { ('-ex', $_) } @then
            or POSIX::_exit(127);
    }
    my $text = sub { open my $f, '<', $said or return ''; local $/; <$f> // '' };
    $t->wait_for(sub { $text->() =~ /Breakpoint 1 at/ }, 30, "a breakpoint in $where");
    return {
        hit   => sub { $text->() =~ /Breakpoint 1, .*\Q$where\E/ },
        go_on => sub { open my $f, '>', $go or die $!; close $f; waitpid $gdb, 0 },
    };
}

subtest 'a worker dies while it remembers a token' => sub {
    my $token = $t->forge(user => 'alice');
    my $pid   = ($t->worker_pids)[1];
    $t->allow_log(qr/worker process $pid exited on signal/);

    # worker 1 never writes the table: what it ends there is this token
    my $conn = connection_to(1);
    my $at = stop_at($pid, 'ngx_aigc_seq_end', 'kill');
    my $pending = bearer($token, on => $conn);
    $t->wait_for($at->{hit}, 30, 'it has begun to write');
    $at->{go_on}->();
    $t->wait_for(sub { my $new = ($t->worker_pids)[1]; $new && $new != $pid }, 10, 'its successor is there');

    my @codes = map { bearer($token)->response->code } 1 .. 4;
    is "@codes", '200 200 200 200', 'the token is good';
    my ($misses, $known) = (metric('token_misses_total'), metric('token_hits_total') + metric('token_memo_total'));
    @codes = map { bearer($token)->response->code } 1 .. 20;
    is "@codes", join(' ', (200) x 20), '… and good again';
    is metric('token_misses_total'), $misses, 'nobody verifies it again';
    is metric('token_hits_total') + metric('token_memo_total'), $known + 20, '… for it is remembered';
};

subtest 'its key is withdrawn while a token is verified' => sub {
    my $token = $t->forge(user => 'alice');
    my $other = connection_to(0);
    my $conn  = connection_to(1);
    my $at    = stop_at(($t->worker_pids)[1], 'ngx_http_aigc_remember', 'detach');
    my $pending = bearer($token, on => $conn);
    $t->wait_for($at->{hit}, 30, 'the token is verified, and not yet remembered');

    $t->logto_control('rotate-keys', { mode => 'rotate' });
    $t->logto_control('rotate-keys', { mode => 'drop-previous' });
    # worker 0 looks for a key that it does not know, at most every five seconds
    my $new = $t->forge(user => 'alice');
    $t->wait_for(sub { bearer($new, on => $other)->response->code == 200 }, 30, 'worker 0 has the new keys');
    $at->{go_on}->();
    is $pending->response->code, 200, 'what was good when it was asked is answered so';

    my %codes = map { bearer($token)->response->code => 1 } 1 .. 20;
    is join(' ', keys %codes), '401', 'and refused from then on, on every worker: its key has gone';
};

done_testing;
