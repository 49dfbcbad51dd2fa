# t/orders.t — two users and a template, in every order: install, uninstall with
# and without the disk, the template deleted and made again.  No disk reaches
# somebody else, and as long as a template lives no id does.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

#   A B: install; a b: uninstall; k l: uninstall, the disk is kept; x: the
#   template is deleted and made again
my %user = (A => 'alice', a => 'alice', k => 'alice', B => 'bob', b => 'bob', l => 'bob');
my ($t, %who, %disk);       # the stack, who signs in there, whose a disk is
my (%visitor, %visits);     # see visitor()

sub stack {
    $t->stop if $t;
    $t    = AIGC::Stack->start(workers => 2, templates => [], @_);
    %who  = map { $_ => $t->sign_in($_) } qw(alice bob);
    %disk = ();             # by the uid of the claim
    %visits = ();
}

# Every order of so many steps, of which each does something, and whose last one
# is an install: that is where it would show.  Alice begins: bob is her mirror.
sub orders {
    my ($length) = @_;
    my @open = (['A', { alice => 1 }]);
    my @all;
    for (2 .. $length) {
        my @next;
        for (@open) {
            my ($order, $has) = @$_;
            for my $step (qw(A B a b k l x)) {
                my $u = $user{$step};
                my $install = $step =~ /[AB]/ ? 1 : 0;
                next if $u ? $install == ($has->{$u} // 0) : $order =~ /x$/;
                push @next, ["$order$step", $u ? { %$has, $u => $install } : {}];
            }
        }
        push @all, grep { /[AB]$/ && /[abklx]/ } map { $_->[0] } @next;
        @open = @next;
    }
    return @all;
}

# The user in a browser; a session may enter 64 hosts in half a minute.
sub visitor {
    my ($u) = @_;
    $visitor{$u} = $t->sign_in($u) if $visits{$u}++ % 20 == 0;
    return $visitor{$u};
}

sub template {
    my ($name) = @_;
    return $t->template_text('notebook') =~ s/name: notebook$/name: $name/mr =~ s/notebook<id>/$name<id>/r;
}

sub make {
    my (@names) = @_;
    return unless @names;
    $t->apply(join "---\n", map { template($_) } @names);
    $t->wait_for(sub { my %is = map { $_->{name} => 1 } @{ $t->table->{templates} }; !grep { !$is{$_} } @names },
        30, 'the gateway knows them');
}

# Gone, with all pods; the gateway has seen it.
sub unmake {
    my (@names) = @_;
    return unless @names;
    my %is = map { $_ => 1 } @names;
    $t->kubectl('delete', 'gss', @names);
    my $of = sub { $_[0]{metadata}{name} =~ /^(.*)-\d+$/ && $is{$1} };
    $t->wait_for(sub { !grep { $of->($_) } $t->kube_list('pods'), $t->kube_list('gs') }, 60, 'the pods are gone');
    $t->wait_for(sub { my $x = $t->table; !grep({ $is{ $_->{name} } } @{ $x->{templates} })
        && !grep { $is{ $_->{template} } && ($_->{routed} || $_->{state} ne 'unknown') } @{ $x->{instances} } },
        30, 'and the gateway knows it');
}

# Sends all of them, a few at a time (a user may have so many in the queue);
# [test, method, path] each, again as long as it is answered with 409.
sub all_of {
    my (@calls) = @_;
    my $end = time + 60;
    while (@calls) {
        my @now  = splice @calls, 0, 10;
        my @sent = map { $_->{who}->begin_api($_->{method}, $_->{path}) } @now;
        for my $call (@now) {
            my $r = (shift @sent)->response;
            if ($r->code == 409 && time < $end) { push @calls, $call }
            else { $call->{answer} = $r }
        }
    }
}

sub look_at_disks {
    my @wrong;
    for my $pvc ($t->kube_list('pvcs')) {
        my $owner = $pvc->{metadata}{annotations}{'aigc-gateway.io/owner'} // next;
        my $first = $disk{ $pvc->{metadata}{uid} } //= $owner;
        push @wrong, "$pvc->{metadata}{name} was ${first}'s and is ${owner}'s" if $first ne $owner;
    }
    return @wrong;
}

sub try_all {
    my ($what, $hasty, @orders) = @_;
    my $n = 0;
    my @tests = map { +{ order => $_, name => ($hasty ? 'h' : 'o') . ++$n, wrong => [], id => {}, left => {}, was => {} } } @orders;
    my %by = map { $_->{name} => $_ } @tests;
    my $longest = (sort { $b <=> $a } map { length } @orders)[0];

    make(map { $_->{name} } @tests);
    for my $i (0 .. $longest - 1) {
        my (@calls, @again);
        for my $test (@tests) {
            next if $i >= length $test->{order};
            my $step = substr $test->{order}, $i, 1;
            if ($step eq 'x') { push @again, $test->{name}; next }
            my ($u, $name) = ($user{$step}, $test->{name});
            push @calls, { test => $test, step => $step, user => $u, who => $who{$u}, $step =~ /[AB]/
                ? (method => 'POST', path => "/api/v1/templates/default/$name/install")
                : (method => 'DELETE', path => "/api/v1/instances/default/$name/$test->{id}{$u}"
                    . ($step =~ /[kl]/ ? '' : '?delete_disk=true')) };
        }
        all_of(@calls);
        for my $call (@calls) {
            my ($test, $r) = @$call{qw(test answer)};
            my $wrong = $test->{wrong};
            push(@$wrong, "step $i: " . $r->code . ' ' . $r->content), next unless $r->ok;
            $call->{inst} = AIGC::Instance->new($call->{who}, $r->json);
        }
        @calls = grep { $_->{inst} } @calls;

        # As it should be after an uninstall; the hasty do not wait for it.
        for my $call (grep { $_->{step} !~ /[AB]/ } @calls) {
            my ($test, $u) = @$call{qw(test user)};
            $call->{inst}->wait_gone(60) unless $hasty;
            $test->{left}{$u} = $call->{step} =~ /[kl]/ ? 'kept' : 'gone';
        }
        unmake(@again);
        make(@again);
        for my $name (@again) {
            $by{$name}{was} = {};                   # another template, its ids begin anew
            $by{$name}{left}{$_} = 'either' for grep { $hasty || !$by{$name}{left}{$_} } qw(alice bob);
        }
        for my $call (grep { $_->{step} =~ /[AB]/ } @calls) {
            my ($test, $u, $inst) = @$call{qw(test user inst)};
            $inst->wait_ready(60);
            push @{ $test->{wrong} }, look($test, $u, $inst, $i);
            $test->{id}{$u} = $inst->id;
            delete $test->{left}{$u};
        }
        push @{ $tests[0]{wrong} }, look_at_disks();
    }
    ok !@{ $_->{wrong} }, "$what, $_->{order}" or diag join "\n", @{ $_->{wrong} } for @tests;
    $t->kubectl('delete', 'gss', '--wait=false', map { $_->{name} } @tests);
}

# A new instance of a user's: what is wrong with it.
sub look {
    my ($test, $u, $inst, $i) = @_;
    my ($other) = grep { $_ ne $u } keys %who;
    my @wrong;
    my $first = $test->{was}{ $inst->id } //= $u;
    push @wrong, "step $i: $u got the id of $first, @{[ $inst->id ]}" if $first ne $u;

    my $visitor = visitor($u);
    my $r = $visitor->get($inst->url('/disk/name'));
    my $left = $test->{left}{$u} // 'nothing';
    push @wrong, "step $i: $u reads what is ${\ $r->content}'s" if $r->code == 200 && $r->content ne $u;
    push @wrong, "step $i: $u kept the disk, but it is not there: " . $r->code if $left eq 'kept' && $r->code != 200;
    push @wrong, "step $i: $u gave the disk up, but it is there" if $left eq 'gone' && $r->code != 404;
    $visitor->put($inst->url('/disk/name'), body => $u, headers => { Origin => $inst->url =~ s{/$}{}r });

    my $code = visitor($other)->get($inst->url)->code;
    push @wrong, "step $i: $other gets $code on ${u}'s" if $code != 403;
    return @wrong;
}

stack();
my @all = orders(5);
note scalar(@all) . ' orders of up to five steps';
try_all('one after the other', 0, splice @all, 0, 44) while @all;

stack(okg => '0.4');
try_all('OKG 0.4, without waiting for the end of an uninstall', 1, grep { /[abkl]./ } orders(4));

done_testing;
