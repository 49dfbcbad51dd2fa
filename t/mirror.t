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
    eval { $t->wait_for(sub { $is = $t->custom_data($user); Test::More::eq_hash($is, $want) }, $seconds // 15, $what) };
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

done_testing;
