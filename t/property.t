# t/property.t — whatever happens in the middle, everybody has what he asked
# for: random operations of many users through two gateways, while workers are
# killed, the API server fails and an administrator applies the template anew
#
# AIGC_SEED=N repeats a run; AIGC_SLOW=1 makes it long.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Ledger;
use JSON::PP ();
use Time::HiRes qw(sleep time);

my $seed  = $ENV{AIGC_SEED} // int(time) % 1_000_000;
my $chaos = $ENV{AIGC_SLOW} ? 120 : 15;         # seconds
my $users = $ENV{AIGC_SLOW} ? 16 : 8;
my @names = qw(stable-diffusion-cpu notebook);

my $LAG = 10;       # s that a watch may be behind, with all that happens to it here

### One user: a process of its own, which tells what it did and what may be so

sub live {
    my ($client, $number, $verbs, $gateways, $go_on) = @_;
    my (@log, %id, %last);
    my %may = map { $_ => { absent => 1 } } @names;

    srand $seed * 1000 + $number;
    while ($go_on->()) {
        my $name    = $names[rand @names];
        my $gateway = $gateways->[rand @$gateways];
        my @can     = defined $id{$name} ? @$verbs : 'install';
        my $verb    = $can[rand @can];
        my $path    = $verb eq 'install' ? "/api/v1/templates/default/$name/install"
            : "/api/v1/instances/default/$name/$id{$name}" . ($verb =~ /^uninstall/ ? '' : "/$verb")
            . ($verb eq 'uninstall' ? '?delete_disk=true' : '');
        my $begin   = time;
        my $r       = eval { $client->api($verb =~ /^uninstall/ ? 'DELETE' : 'POST', $gateway . $path, undef, timeout => 40) };
        my $code    = $r ? $r->code : 0;
        my $answer  = $code =~ /^20[02]$/ ? $r->json : {};
        my $problem = $r ? ($r->problem // {})->{code} // '' : '';
        push @log, [$begin, time, $name, $verb, $gateway eq $gateways->[0] ? 1 : 2, $code, $answer->{id} // $problem];
        $id{$name} = $answer->{id} if defined $answer->{id};
        my ($other, $when) = @{ $last{$name} // [$gateway, 0] };
        AIGC::Ledger::told($may{$name}, $verb, $code, $answer, $other ne $gateway && time - $when < $LAG);
        $last{$name} = [$gateway, time] if $code != 200;
        # what was not answered may be under way for a moment
        sleep(($code =~ /^20[02]$/ ? 0 : 1) + rand 0.3);
    }
    return { log => \@log, may => \%may, id => \%id };
}

### What happens meanwhile

sub rule {
    my ($method, $path, $action, $times) = @_;
    return { method => $method, path => $path, times => $times, action => $action };
}

# How often each comes: name, weight, what it does.
sub disasters {
    my ($t) = @_;
    my $second = $t->{process}{nginx2};
    my $write  = sub { my $action = shift; sub { $t->faults([rule('PATCH', 'gameserversets', $action, 3)]) } };
    my $status = sub { { status => $_[0], contentType => 'application/json',
        body => qq({"kind":"Status","status":"Failure","code":$_[0],"reason":"$_[1]","message":"not now"}) } };
    my $kill   = sub { my ($number, @pids) = @_; kill KILL => $pids[$number] if defined $pids[$number] };

    return ((map { my $n = $_;
            ["worker $n of the first is killed"  => 2, sub { $kill->($n, $t->worker_pids) }],
            ["worker $n of the second is killed" => 2, sub { $kill->($n, $t->second_worker_pids) }] } 0, 1),
        ['the first reloads'    => 1, sub { $t->nginx->signal('HUP') }],
        ['the second reloads'   => 1, sub { $second->signal('HUP') }],
        ['writes get 409'       => 1, $write->($status->(409, 'Conflict'))],
        ['writes get 500'       => 1, $write->($status->(500, 'InternalError'))],
        ['writes get 429'       => 1, $write->($status->(429, 'TooManyRequests'))],
        ['writes find no one'   => 1, $write->({ close => JSON::PP::true })],
        ['answers are lost'     => 2, $write->({ forwardThenStatus => JSON::PP::true, status => 500 })],
        ['connections are lost' => 2, $write->({ forwardThenStatus => JSON::PP::true })],
        ['writes are slow'      => 1, $write->({ delayMs => 1500 })],
        ['watches are slow'     => 1, sub { $t->faults([rule('GET', '', { delayMs => 1500 }, 6)]); $t->cut_connections }],
        ['watches are too old'  => 1, sub { $t->faults([rule('GET', '', { watchGone => JSON::PP::true }, 6)]); $t->cut_connections }],
        ['connections are cut'  => 2, sub { $t->cut_connections }],
        ['the API server is away' => 1, sub { $t->apiserver_down; sleep 0.3 + rand 2; $t->apiserver_up }],
        ['a template is applied' => 1, sub { $t->apply($t->template_text($names[rand @names])) }],
        ['replicas are changed' => 1, sub { $t->kube_patch('gss', $names[rand @names], { spec => { replicas => int rand 6 } }) }],
        ['a pod is deleted'     => 1, sub { my @pods = $t->kube_list('pods') or return;
            $t->kubectl('delete', 'pod', '--wait=false', '--ignore-not-found', $pods[rand @pods]{metadata}{name}) }],
        ['nothing'              => 3, sub { sleep 1 }]);
}

sub havoc {
    my ($t, $seconds) = @_;
    my @all = map { my $d = $_; ($d) x $d->[1] } disasters($t);
    my $end = time + $seconds;

    while (time < $end) {
        my ($what, undef, $do) = @{ $all[rand @all] };
        note sprintf '%.2f %s', time, $what;
        $do->();
        sleep 0.2 + rand 1;
        $t->no_faults if rand() < 0.5;
    }
    $t->no_faults;
}

sub sub_of { return "$_[0]000000" }

### A run

# Which verbs there are: some a gateway of another age does not know.
sub verbs {
    my ($probe) = @_;
    my $path  = $probe->path;
    my @verbs = qw(install start start release release);
    push @verbs, 'restart' if $probe->client->api('POST', "$path/restart")->ok;
    push @verbs, qw(uninstall uninstall_keep) if $probe->client->api('DELETE', "$path?delete_disk=true")->ok;
    return \@verbs;
}

sub run {
    my ($okg) = @_;
    my $t = AIGC::Stack->start(workers => 2, okg => $okg, faults => 1, templates => \@names);
    $t->allow_log(qr/exited on signal 9|was locked by \d+/);
    my $other    = $t->second_nginx;
    my @gateways = ($t->origin, 'http://' . $t->host . ":$other");
    my %who      = map { $_ => $t->sign_in($_) } map { sprintf 'user%02d', $_ } 1 .. $users;
    my $verbs    = verbs($t->sign_in('user50')->install($names[0])->wait_ready);
    my $begin    = time;
    note "verbs: @$verbs";

    $t->wait_agree($_, 30) for @names;
    my $ledger = AIGC::Ledger->new($t, @names);

    my $n = 0;
    my %lives = map { my ($name, $client, $number) = ($_, $who{$_}, ++$n);
        ($name => $t->background(sub { live($client, $number, $verbs, \@gateways, @_) })) } sort keys %who;
    srand $seed;
    havoc($t, $chaos);
    $t->wait_for(sub { $t->ready && $t->plain('GET', $other + 1, '/readyz')->code == 200 }, 30, 'both gateways are ready');
    my %life = map { $_ => $lives{$_}->stop } sort keys %lives;

    $t->wait_for(sub { !grep { $_ eq 'uninstalling' } map { values %{ AIGC::Ledger::states($t, $_) } } @names }, 60, 'uninstalls have ended');
    my $agreed = eval { $t->wait_agree($_, 60) for @names; 1 };
    ok $agreed, "OKG $okg: annotations, replicas, reserve list, pods and disks agree" or diag $@;

    my (%codes, @wrong);
    for my $name (@names) {
        my $is = AIGC::Ledger::states($t, $name);
        for my $user (sort keys %life) {
            my $has = $is->{ sub_of($user) } // 'absent';
            my $may = $life{$user}{may}{$name};
            next if $may->{$has};
            push @wrong, "$user, $name: $has, should be " . join(' or ', sort keys %$may) . "\n"
                . join '', map { sprintf "    %.3f-%.3f %s by gateway %d: %s %s\n", @$_[0, 1, 3, 4, 5, 6] }
                grep { $_->[2] eq $name } @{ $life{$user}{log} };
        }
    }
    $codes{"$_->[3] $_->[5] " . ($_->[5] =~ /^2/ ? '' : $_->[6])}++ for map { @{ $_->{log} } } values %life;
    is scalar @wrong, 0, "OKG $okg: everybody has what he asked for last" or diag @wrong;
    diag sprintf 'OKG %s: %d operations, %d unsure at the end', $okg, scalar(map { @{ $_->{log} } } values %life),
        scalar grep { keys %$_ > 1 } map { values %{ $_->{may} } } values %life;
    note "$_: $codes{$_}" for sort keys %codes;

    ### Quiet again: what is asked for is so at once

    my @odd;
    for my $user (sort keys %who) {
        for my $name (@names) {
            my $r  = $who{$user}->api('POST', "$gateways[rand 2]/api/v1/templates/default/$name/install");
            my $id = $r->ok ? $r->json->{id} : undef;
            push @odd, "$user, install $name: " . $r->code unless $r->ok;
            my $want = rand() < 0.5 ? 'start' : 'release';
            # one that was installed by the other gateway is known here a moment later
            my $gateway = $gateways[rand 2];
            my $end = time + 5;
            do {
                $r = $who{$user}->api('POST', "$gateway/api/v1/instances/default/$name/" . ($id // 0) . "/$want");
            } while ($r->code == 404 && time < $end && sleep 0.05);
            my $is = AIGC::Ledger::states($t, $name)->{ sub_of($user) } // 'absent';
            push @odd, "$user, $want $name: " . $r->code . ", $is" unless $r->ok && $is eq $AIGC::Ledger::AFTER{$want};
        }
    }
    is_deeply \@odd, [], "OKG $okg: in quiet, everything is done as asked";
    $agreed = eval { $t->wait_agree($_, 60) for @names; 1 };
    ok $agreed, "OKG $okg: and all agrees" or diag $@;
    $ledger->stop;
    is_deeply [$ledger->contradictions], [], "OKG $okg: no id and no disk ever changed its owner";
    note sprintf 'OKG %s: %d patches, %d failed, %d repairs, %.0f s', $okg,
        (map { my $m = $_; $t->status('/metrics')->content =~ /^aigc_$m (\d+)$/m ? $1 : -1 }
            qw(patches_total patches_failed_total repairs_total)), time - $begin;
    $t->stop;
}

diag "AIGC_SEED=$seed";
run($_) for $ENV{AIGC_OKG} // ('1.0', '0.4');

done_testing;
