# t/install_many.t — many at once: distinct ids, few writes, nothing lost

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Time::HiRes qw(time);

my $name  = 'stable-diffusion-cpu';
my $path  = "/api/v1/templates/default/$name/install";
my $users;

sub attempts {      # the gateway's patches of the template: all of them
    my ($t, $mark) = @_;
    return $t->gateway_calls(since => $mark, verb => qr/patch/, resource => 'gameserversets');
}

# The same with two gateways that know nothing of each other but what the
# cluster tells: every second request goes to the other one.
sub two_replicas {
    my ($t, $people, $mine) = @_;
    my $other = $t->second_nginx;
    my $n     = 0;
    my $where = sub { my ($p) = @_; $n++ % 2 ? 'http://' . $t->host . ":$other$p" : $p };
    my @new   = map { $t->sign_in(sprintf 'user%02d', $_) } 21 .. 30;

    for my $round (1 .. 2) {
        my $begin = time;
        my $mark  = $t->audit_mark;
        my @want  = map { ($_ + $round) % 3 ? 'start' : 'release' } 0 .. $#$mine;
        my @begun = (map({ $new[$_]->begin_api('POST', $where->($path)) } $round == 1 ? 0 .. 9 : ()),
            map { $mine->[$_]->client->begin_api('POST', $where->($mine->[$_]->path . "/$want[$_]")) } 0 .. $#$mine);
        my @answers = map { $_->response } @begun;
        is_deeply [grep { !/^20[02]$/ } map { $_->code } @answers], [],
            "two gateways, round $round: all is answered";
        if ($round == 1) {
            my %ids = map { $_->json->{id} => 1 } @answers[0 .. 9];
            is scalar keys %ids, 10, 'ten more installs, ten more ids';
            is scalar grep({ $_ < $users } keys %ids), 0, 'of which none was somebody\'s';
        }
        $t->wait_agree($name, 30);
        $_->look for @$mine;
        is_deeply [map { $_->desired } @$mine], [map { $_ eq 'start' ? 'running' : 'released' } @want],
            'each as it was asked, and all agrees';
        my $wrote = $t->gateway_writes($mark)->{$name};
        my @tried = attempts($t, $mark);
        cmp_ok $wrote, '<=', @begun, 'at most one write each';
        cmp_ok @tried, '<=', 3 * @begun, 'at most three attempts each';
        note sprintf 'two gateways, round %d: %.2f s, %d writes, %d attempts', $round, time - $begin,
            $wrote, scalar @tried;
    }
    is_deeply [map { ($_->instances)[0]->owner } @new], [map { sprintf 'user%02d000000', $_ } 21 .. 30],
        'each has an own';
}

sub people { my ($t) = @_; return map { $t->sign_in(sprintf 'user%02d', $_) } 1 .. $users }

# Everybody asks for what the sub says of them; the answers, in their order.
sub all_at_once {
    my ($do, @who) = @_;
    my @begun = map { [ $do->($_) ] } @who;
    return map { my ($c, @o) = @$_; $c->begin_api(@o) } @begun;
}

for my $case ([20, okg => '1.0', cluster => []],
    [8, okg => '1.0', cluster => ['-quirks', 'stale-reserve-ms=150']],
    [8, okg => '0.4', cluster => ['-quirks', 'stale-reserve-ms=150']])
{
    ($users, my %o) = @$case;
    my $what = "OKG $o{okg}" . (@{ $o{cluster} } ? ', its stale writes widened' : '');
    my $t = AIGC::Stack->start(workers => 2, %o);
    my @people = people($t);

    ### Everybody installs

    my $mark  = $t->audit_mark;
    my $begin = time;
    my @answers = map { $_->response } all_at_once(sub { $_[0], 'POST', $path }, @people);
    note sprintf '%s: %d installs answered in %.2f s', $what, $users, time - $begin;

    is_deeply { map { $_->code => 1 } @answers }, { 202 => 1 }, "$what: $users installs are accepted";
    is_deeply [sort { $a <=> $b } map { $_->json->{id} } @answers], [0 .. $users - 1],
        'with as many ids, without a hole';

    my @mine = map { AIGC::Instance->new($people[$_], $answers[$_]->json) } 0 .. $#people;
    is_deeply [map { $_->owner } @mine], [map { sprintf 'user%02d000000', $_ } 1 .. $users],
        'each is its owner\'s own';
    $_->wait_ready for @mine;
    note sprintf '%s: all ready after %.2f s', $what, time - $begin;

    my @pods = map { my $r = $_->client->get($_->url('/info')); $r->code == 200 ? $r->json->{instance} : $r->code } @mine;
    is_deeply \@pods, [map { $_->id } @mine], 'and leads to its own pod';
    is $people[0]->get($mine[1]->url)->code, 403, 'not to another\'s';

    my @tried = attempts($t, $mark);
    my $wrote = $t->gateway_writes($mark)->{$name};
    note sprintf '%s: %d writes, %d attempts', $what, $wrote, scalar @tried;
    cmp_ok $wrote, '<=', $users, 'at most one successful write each';
    cmp_ok @tried, '<=', 3 * $users, 'at most three attempts each';
    $t->wait_agree($name);
    is_deeply [$t->disagreements($name)], [], 'annotations, replicas, reserve list, pods and disks agree';

    ### Rounds of release and start, mixed with installs of those who come late

    my $uids = sub { +{ map { $_->{metadata}{name} => $_->{metadata}{uid} } $t->kube_list('pvcs') } };
    my $disks = $uids->();
    my $rounds = 3;
    for my $round (1 .. $rounds) {
        my @want = map { ($_ * 7 + $round * 3) % 5 < 2 ? 'release' : 'start' } 0 .. $#mine;
        my $n = 0;
        $begin = time;
        $mark  = $t->audit_mark;
        my @late = $round == 1 ? map { $t->sign_in($_) } qw(alice bob) : ();
        my @begun = (all_at_once(sub { my $i = $n++; $_[0], 'POST', $mine[$i]->path . "/$want[$i]" }, @people),
            all_at_once(sub { $_[0], 'POST', $path }, @late));
        my @codes = map { $_->response->code } @begun;
        is_deeply [grep { $_ !~ /^20[02]$/ } @codes], [], "$what, round $round: all is answered";
        $_->look for @mine;
        is_deeply [map { $_->desired } @mine], [map { $_ eq 'start' ? 'running' : 'released' } @want],
            'each as it was asked';
        $t->wait_agree($name, 30);
        pass 'and all agrees in the end';
        note sprintf '%s, round %d: %.2f s, %d writes, %d attempts', $what, $round, time - $begin,
            $t->gateway_writes($mark)->{$name} // 0, scalar attempts($t, $mark);
        cmp_ok $t->gateway_writes($mark)->{$name} // 0, '<=', @begun, 'with at most a write each';
    }

    $mark = $t->audit_mark;
    $_->response for all_at_once(sub { $_[0], 'POST', $path }, @people);
    $_->response for map { $_->client->begin_api('POST', $_->path . '/start') } @mine;
    $_->look->wait_ready for @mine;
    $t->wait_agree($name, 30);
    is_deeply [map { $_->id } @mine], [map { $_->json->{id} } @answers], 'everybody has the id of the first day';
    my $now = $uids->();
    is_deeply { map { $_ => $now->{$_} } keys %$disks }, $disks, 'and the disk';

    # OKG 1.0 may start a pod under an id that nobody asked for, and leave a disk.
    my @strays = grep { !$disks->{$_} && !/-(?:$users|@{[ $users + 1 ]})$/ } keys %$now;
    is_deeply [grep { !@{ $o{cluster} } || $_->{metadata}{annotations}{'aigc-gateway.io/owner'} }
        grep { my $d = $_->{metadata}{name}; grep { $_ eq $d } @strays } $t->kube_list('pvcs')], [],
        'no disk but theirs is anybody\'s';
    note "$what: stray disks: @strays" if @strays;
    two_replicas($t, \@people, \@mine) if $users == 20;
    note 'repairs: ' . ($t->status('/metrics')->content =~ /aigc_repairs_total (\d+)/ ? $1 : '?');
    $t->stop;
}

done_testing;
