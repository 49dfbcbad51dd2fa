package AIGC::Chaos::Duties;

# What the control plane of two gateways has to do by itself, asked for as soon
# as the last fault is over.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use constant {
    WITHIN => 10,               # s
    LEASE  => '/apis/coordination.k8s.io/v1/namespaces/aigc-gateway/leases/aigc-gateway',
};

# Each duty, once: [what, seconds until it was seen, '' or why it was not].
sub all {
    my ($chaos) = @_;
    my $t = $chaos->stack;
    my $begin = time;
    my @duties;

    my $metric = sub {
        my ($number, $name) = @_;
        my $port = $number == 1 ? $t->port : $chaos->{second};
        return $t->plain('GET', $port + 1, '/metrics')->content =~ /^aigc_$name (\d+)$/m ? $1 : die "no $name\n";
    };
    my $duty = sub {
        my ($what, $test) = @_;
        my $good = eval { $t->wait_for(sub { eval { $test->() } }, WITHIN, $what) };
        push @duties, [$what, time - $begin, $good ? '' : $@];
    };
    my $client = sub {
        my ($number, $user) = @_;
        my $client = AIGC::Client->new(stack => $t, user => $user);
        $client->sign_in(from => ($chaos->gateways)[ $number - 1 ] . '/sign-in');
        return defined $client->cookie('aigc-session') ? $client : undef;
    };
    my $me = sub { my ($c, $number) = @_; return $c->api('GET', ($chaos->gateways)[ $number - 1 ] . '/api/v1/me')->code };

    my (%events, %renewed, %who);
    my $lease = sub { $t->kube_get(LEASE)->{spec}{renewTime} };
    my $was   = $lease->();
    for my $number (1, 2) {
        $duty->("gateway $number is ready", sub { $t->plain('GET', ($number == 1 ? $t->port : $chaos->{second}) + 1, '/readyz')->code == 200 });
    }
    $events{$_} = eval { $metric->($_, 'events_total') } // 0 for 1, 2;
    $t->kube_patch('gss', 'notebook', { metadata => { annotations => { heard => 'at ' . time } } });
    for my $number (1, 2) {
        $duty->("gateway $number hears of a change", sub { $metric->($number, 'events_total') > $events{$number} });
        $duty->("gateway $number signs people in", sub { $who{$number} = $client->($number, "user2$number") });
    }
    $duty->('one of them leads', sub { $metric->(1, 'leader') + $metric->(2, 'leader') == 1 });
    $duty->('the Lease is renewed', sub { $lease->() ne $was });
    for my $number (1, 2) {
        $renewed{$number} = $metric->($number, 'sessions_renewed_total');
        $chaos->tokens(-26);
        my $late;
        $duty->("gateway $number renews a session", sub {
            $late //= $client->($number, "user3$number");
            $me->($late, $number) == 200 && $metric->($number, 'sessions_renewed_total') > $renewed{$number} });
        $chaos->tokens;
        my $thief = $who{$number}->copy;
        $who{$number}->post(($chaos->gateways)[ $number - 1 ] . '/sign-out', headers => [Origin => $t->origin]);
        $duty->("a sign-out at gateway $number counts at the other", sub { $me->($thief, 3 - $number) == 401 });
    }
    return @duties;
}

1;
