# t/install_rush.t — a hundred users press Install at one moment, by one gateway
# and by two; and one user presses it ten times

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Secrets;
use Time::HiRes qw(time);

# Logto knows none of these users: with the Management API it would be asked,
# and what they run released
my $users = 100;
my $t     = AIGC::Stack->start(workers => 2, custom_data => 'off', templates => [qw(stable-diffusion-cpu notebook)]);
my $nobody = $t->stranger;

# More people than the stand-in has accounts: by Logto's own key.
my @subs   = map { sprintf 'rush%03d00000', $_ } 0 .. $users - 1;
my $tokens = $t->logto_control('sign-token', { tokens => [ map { { claims => { sub => $_ } } } @subs ] })->{tokens};
AIGC::Secrets::note($_, 'forged token') for @$tokens;

sub press {
    my ($name, $token, $gateway) = @_;
    return $nobody->begin('POST', ($gateway // '') . "/api/v1/templates/default/$name/install",
        headers => [Authorization => "Bearer $token"]);
}

sub owners {    # whose an id is: { id => sub }
    my $claims = $t->claims($_[0]);
    return { map { $_ => $claims->{$_}{owner} } keys %$claims };
}

# Everybody installs the template, by these gateways in turn.
sub rush {
    my ($name, @gateways) = @_;
    for my $gateway (@gateways) {       # signed in: this is not about tokens
        $_->response for map { $nobody->begin('GET', "$gateway/api/v1/me", headers => [Authorization => "Bearer $_"]) } @$tokens;
    }
    my $mark  = $t->audit_mark;
    my $begin = time;
    my @begun = map { press($name, $tokens->[$_], $gateways[$_ % @gateways]) } 0 .. $users - 1;
    my $sent  = time - $begin;
    my @took;
    my @answers = map { my $r = $_->response; push @took, time - $begin; $r } @begun;
    diag sprintf '%d installs: sent within %.2f s, the first answer after %.2f s, the last after %.2f s',
        $users, $sent, @took[0, -1];

    is_deeply { map { $_->code => 1 } @answers }, { 202 => 1 }, 'all are accepted'
        or diag map { $_->code . ' ' . substr($_->content, 0, 200) . "\n" } grep { $_->code != 202 } @answers;
    is_deeply [sort { $a <=> $b } map { $_->json->{id} } @answers], [0 .. $users - 1], 'as many ids, without a hole';
    is_deeply [map { $_->json->{owner} } @answers], \@subs, 'each is its owner\'s own';
    is_deeply owners($name), { map { $_->json->{id} => $_->json->{owner} } @answers }, 'and so the cluster has it';

    my $wrote = $t->gateway_writes($mark)->{$name};
    my @tried = $t->gateway_calls(since => $mark, verb => qr/patch/, resource => 'gameserversets');
    my @read  = $t->gateway_calls(since => $mark, verb => qr/get|list/);
    diag sprintf '%d writes, %d attempts', $wrote, scalar @tried;
    cmp_ok $wrote, '<=', 10, 'at most ten writes';
    is scalar @read, 0, 'and no read';

    my @bad = grep { /^(?:replicas|reserved|\w+ has|\d+ is)/ } $t->disagreements($name);
    is_deeply \@bad, [], 'annotations, replicas and reserve list agree';
    return $begin;
}

sub repairs { return $t->status('/metrics')->content =~ /^aigc_repairs_total (\d+)$/m ? $1 : '?' }

subtest "$users users at one moment" => sub {
    my $name  = 'stable-diffusion-cpu';
    my $begin = rush($name, $t->origin);
    $t->wait_agree($name, 120);         # a hundred pods take their time
    is_deeply [$t->disagreements($name)], [], 'and so do pods, GameServers and disks';
    diag sprintf 'after %.1f s', time - $begin;
    is repairs(), 0, 'nothing had to be repaired';
};

subtest 'ten times at one moment' => sub {
    my $name   = 'stable-diffusion-cpu';
    my $before = owners($name);
    my $token  = $t->forge(claims => { sub => 'hasty0000000' });
    my $mark   = $t->audit_mark;
    my @answers = map { $_->response } map { press($name, $token) } 1 .. 10;
    is_deeply [grep { !/^20[02]$/ } map { $_->code } @answers], [], 'all are answered';
    is_deeply { map { $_->json->{id} => 1 } @answers }, { $users => 1 }, 'with one instance';
    is_deeply owners($name), { %$before, $users => 'hasty0000000' }, 'and no more are there';
    is $t->gateway_writes($mark)->{$name}, 1, 'for one write';

    # again: it is there
    @answers = map { $_->response } map { press($name, $token) } 1 .. 10;
    is_deeply { map { $_->code . ' ' . $_->json->{id} => 1 } @answers }, { "200 $users" => 1 }, 'and stays the one';
};

subtest 'by two gateways' => sub {
    my $other = $t->second_nginx;
    rush('notebook', $t->origin, 'http://' . $t->host . ":$other");
};

done_testing;
