package Capacity::Users;

# Thousands of users: what a sign-in, a renewal, a sign-out and a request take of
# the gateway's workers.  Browsers and provider are one program (users/).

use strict;
use warnings;
use utf8;

use Carp qw(croak);
use IPC::Open2 qw(open2);
use JSON::PP ();
use List::Util qw(sum);
use Time::HiRes qw(sleep time);

use AIGC::Stack;
use Capacity::Gateway;

use constant {
    ZONE  => $ENV{ZONE} // 64,  # MiB
    SKEW  => 60,            # s for which an expired token is still good
    SHORT => 90,            # s in which those sign in, and ask, whose tokens expire
};

my $json = JSON::PP->new->utf8;

# A stack whose Logto is that program, before a real cluster.
sub start {
    my ($class, $program) = @_;
    my $t = AIGC::Stack->start(workers => 2, templates => [], custom_data => 'off', log_level => 'notice', wait => 0,
        directives => { aigc_zone => 'gateway:' . ZONE . 'm' }, edit => sub {
            my ($text) = @_;
            my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
            return $text =~ s{aigc_logto http://127\.0\.0\.1:\K\d+}{$port + 12}er;
        });
    open my $f, '<', $t->file('logto/app_id') or croak $!;
    chomp(my $id = <$f>);
    my $self = bless { t => $t, gateway => Capacity::Gateway->new($t), rows => [] }, $class;
    $self->{pid} = open2($self->{out}, $self->{in}, $program, '-gateway', 'http://127.0.0.1:' . $t->port,
        '-host', $t->host . ':' . $t->port, '-port', $t->port(12), '-client', $id);
    $self->{in}->autoflush(1);
    readline $self->{out};
    $t->wait_ready;
    return $self;
}

sub stop {
    my ($self) = @_;
    close $self->{in};
    waitpid $self->{pid}, 0;
    $self->{t}->stop;
}

# An order to them; what they said, and ms of the workers' time for each.
sub order {
    my ($self, $what, $from, $to, $expect, $life) = @_;
    print { $self->{in} } join(' ', $what, $from, $to, $life // '-', join ',', $self->{t}->worker_pids), "\n";
    my $r = $json->decode(readline($self->{out}) // croak 'users has ended');
    my $n = $to - $from;
    $r->{each} = 1000 * sum(@{ $r->{cpu} }) / $n;
    $r->{rate} = $n / $r->{seconds};
    my @other  = map { "$_: $r->{codes}{$_}" } grep { $_ ne $expect } sort keys %{ $r->{codes} };
    push @{ $self->{gave} }, "$what of $n users: " . join ', ', @other if @other;
    return $r;
}

# Figures of so many users: [what, figure] each.
sub figures {
    my ($self, $n, $say) = @_;
    my ($t, $gateway) = @$self{qw(t gateway)};
    my (@rows, @passes);
    my $passes = sub { push @passes, sprintf '%.1f (%d)', $gateway->metric('watch_pass_longest_microseconds') / 1000, $gateway->metric('long_passes_total') };
    my $row = sub {
        my ($what, $r) = @_;
        push @rows, [$what, sprintf('%.2f', $r->{each}), sprintf('%.0f', 1000 / $r->{each}), sprintf('%.0f', $r->{rate})];
    };

    $say->("$n users sign in");
    $row->("sign-in, of $n users", $self->order('sign-in', 0, $n, 'in', '1h'));
    $say->('they ask');
    $self->order('ask', 0, $n, 'me 200') for 1 .. 2;
    my $warm = $self->order('ask', 0, $n, 'me 200');
    $row->("`GET /api/v1/me` of $n sessions in turn", $warm);

    $say->("$n more sessions, and their end");
    $self->order('sign-in', $n, 2 * $n, 'in', '1h');
    $passes->();
    my $mark  = $t->audit_mark;
    my $begin = time;
    my $out   = $self->order('sign-out', $n, 2 * $n, 'sign-out 303');
    $row->("sign-out, of $n sessions", $out);
    my $configmap = '/api/v1/namespaces/aigc-gateway/configmaps/aigc-revocations';
    $t->wait_for(sub { sleep 1; (() = $t->kubectl('get', '--raw', $configmap) =~ /"[\w-]{43}":"/g) >= $n }, 60, 'all revocations are written');
    push @rows, ['… until all are in Kubernetes, s', sprintf '%.1f', time - $begin];
    push @rows, ['… writes of the ConfigMap', scalar(grep { $_->{verb} =~ /patch|update|create/ } $t->gateway_calls(since => $mark, resource => 'configmaps'))];
    $row->("`GET /api/v1/me` of $n sessions, beside $n revocations", $self->order('ask', 0, $n, 'me 200'));
    $self->order('ask', $n, 2 * $n, 'me 401');
    $passes->();
    push @rows, ["worker 0's longest pass with libcurl, ms (those over 5 ms): after the sign-ins, at the end", join ', ', @passes];

    my $few = $n / 5;
    $say->("$few sessions expire");
    $self->order('sign-in', 2 * $n, 2 * $n + $few, 'in', SHORT - SKEW . 's');
    $self->order('ask', 2 * $n, 2 * $n + $few, 'me 200');
    sleep SHORT + 1;
    $row->("renewal, of $few sessions", $self->order('ask', 2 * $n, 2 * $n + $few, 'renewed'));
    for my $full (qw(sessions_full_total revocations_full_total tickets_full_total rotations_full_total)) {
        my $is = $gateway->metric($full) or next;
        push @{ $self->{gave} }, "aigc_$full is $is";
    }
    return @rows;
}

sub gave { return @{ $_[0]{gave} // [] } }

1;
