package AIGC::Chaos::Client;

# One user of a chaos run, in a process of its own: requests, uploads,
# WebSockets and API calls at random on both gateways, and a record of what
# each was answered.  What is wrong whatever happened is said at once; the rest
# is judged by AIGC::Chaos::Model, which knows who owned what and what was done
# to the gateways.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use AIGC::Ledger;

use constant PATIENCE => 30;    # s until a request that is denied for ever is given up
use constant LAG      => 10;    # s that one gateway may be behind another, with all that happens here
use constant SENTENCE => 20;    # s that the cookies of a session that is over are tried, and that a leader may be late

# How often an action is taken, beside others.
my %WEIGHT = (
    stays => { own => 30, other => 10, stranger => 6, ghost => 6, api => 8, upload => 4, socket => 6, leave => 1 },
    moves => { verb => 10, own => 12, other => 6, stranger => 3, ghost => 6, api => 4, socket => 2, leave => 1, suspended => 1 },
);

# t, user, number, kind ('stays': its instances stay as they are; 'moves': it
# installs, releases, uninstalls), seed, gateways (two origins), templates,
# instances (those of who stays: template → AIGC::Instance), client, pause (a file),
# half (load: rests as long as it was busy).
sub new {
    my ($class, %o) = @_;
    my $self = bless { %o, asked => 0, ghosts => [], sockets => [], requests => {}, denials => [],
        allowed => {}, late => [], wrong => [], operations => [], took => [] }, $class;
    $self->{id}  = { map { $_ => $o{instances}{$_}->id } keys %{ $o{instances} } };
    $self->{may} = { map { $_ => { defined $self->{id}{$_} ? 'running' : 'absent', 1 } } @{ $o{templates} } };
    $self->{sub} = sprintf '%s%s', $o{user}, '0' x (12 - length $o{user});
    return $self;
}

sub live {
    my ($self, $go_on) = @_;
    my $weight  = $WEIGHT{ $self->{kind} };
    my @actions = map { ($_) x $weight->{$_} } sort keys %$weight;

    srand $self->{seed} * 1000 + $self->{number};
    $self->{go_on} = $go_on;
    while ($go_on->()) {
        $self->_rest;
        my $action = "_$actions[rand @actions]";
        $self->{gateway} = int rand 2;
        my $begin = time;
        $self->$action;
        sleep($self->{half} ? time - $begin : rand 0.04);
    }
    $_->{ws}{conn}->close for splice @{ $self->{sockets} };
    $self->{may}{$_}{released} = 1 for grep { $self->{unsure}{$_} } @{ $self->{templates} };
    return { map { $_ => $self->{$_} } qw(user sub kind requests denials allowed late wrong operations may took) };
}

sub _rest {                     # while there is a file of that name, nothing is asked
    my $self = shift;
    return unless -e $self->{pause};
    $_->{ws}{conn}->close for splice @{ $self->{sockets} };
    sleep 0.1 while -e $self->{pause} && $self->{go_on}->();
}

### What is asked, and by whom

sub _own {                      # its own instance
    my $self = shift;
    my $name = $self->_one_of_mine // return;
    my $since = $self->{kind} eq 'stays' ? undef : $self->_over($name);
    if ($self->{kind} eq 'stays') {
        $self->_insist(own => sub { $self->_info($self->{client}, $name, $self->{id}{$name}) });
    } else {
        # nobody can tell when it is ready; but once it was released, it is over
        my ($begin, $gateway) = (time, $self->{gateway});
        my ($code) = $self->_info($self->{client}, $name, $self->{id}{$name});
        $self->_late(released => $gateway, $since, $begin) if $code eq '200' && $since;
    }
}

sub _other {                    # whichever host comes: who gets in has to own it
    my $self = shift;
    my $name = $self->{templates}[ rand @{ $self->{templates} } ];
    my $id   = int rand 14;
    my ($begin) = time;
    my ($code, $whose) = $self->_info($self->{client}, $name, $id);
    return if $code ne '200';
    my $seen = $self->{allowed}{$whose} //= { first => $begin, n => 0 };
    $seen->{n}++;
    $seen->{last} = time;
}

sub _stranger {                 # nobody: no pod is ever reached
    my $self = shift;
    my $name = $self->{templates}[ rand @{ $self->{templates} } ];
    my ($code, $whose) = $self->_info($self->{t}->stranger, $name, int rand 14);
    $self->_wrong("a stranger reached $whose") if $code eq '200';
}

sub _ghost {                    # the cookies of a session that is over
    my $self = shift;
    @{ $self->{ghosts} } = grep { time - $_->{since} < SENTENCE } @{ $self->{ghosts} };
    my $ghost = $self->{ghosts}[ rand @{ $self->{ghosts} } ] // return;
    my $name  = $self->_one_of_mine // return;
    my ($begin, $gateway) = (time, $self->{gateway});
    my ($code) = $self->_info($ghost->{client}, $name, $self->{id}{$name});
    $self->_late($ghost->{what}, $gateway, $ghost, $begin) if $code eq '200';
    my $r = eval { $ghost->{client}->api('GET', $self->_at('/api/v1/me'), undef, timeout => 20) };
    $self->_late($ghost->{what}, $gateway, $ghost, $begin) if $r && $r->code == 200;
}

sub _api {
    my $self = shift;
    my $path = ('/api/v1/me', '/api/v1/instances', '/api/v1/templates')[rand 3];
    $self->_insist(api => sub {
        my $r = eval { $self->{client}->api('GET', $self->_at($path), undef, timeout => 20) };
        return _words($r) if !$r || $r->code != 200;
        my $data = $r->json;
        my @foreign = $path =~ /me$/ ? grep { $_ ne $self->{sub} } $data->{user}
            : grep { $_ ne $self->{sub} } map { $_->{owner} } @{ $data->{instances} // [] };
        $self->_wrong("$path shows what is of @foreign") if @foreign;
        return '200';
    });
}

sub _upload {                   # what is written is what is read
    my $self = shift;
    my $name = $self->_one_of_mine // return;
    my $text = join ' ', $self->{user}, $name, ++$self->{asked}, 'x' x int rand 200_000;
    my $path = '/disk/chaos-' . int rand 3;
    my $url  = $self->_host($name, $self->{id}{$name}) . $path;
    $self->_insist(upload => sub {
        my $r = eval { $self->{client}->put($url, body => $text, timeout => 20) };
        return _words($r) if !$r || $r->code != 204;
        $r = eval { $self->{client}->get($url, timeout => 20) };
        return _words($r) if !$r || $r->code != 200 || $r->truncated;
        my ($owner) = $r->content =~ /^(\w+) /;
        $self->_wrong("$url holds what $owner wrote") if ($owner // '') ne $self->{user};
        $self->_wrong("$url lost an upload") if $r->content ne $text;
        return '200';
    });
}

sub _socket {
    my $self = shift;
    if (@{ $self->{sockets} } > int rand 3) {
        my $i = int rand @{ $self->{sockets} };
        my $socket = $self->{sockets}[$i];
        $self->{requests}{'echo on a WebSocket'}++;
        return $socket->{heard} = time if eval { $socket->{ws}->echoes("$self->{user} " . ++$self->{asked}) };
        # it was cut at some time since it was heard last
        splice @{ $self->{sockets} }, $i, 1;
        $self->_denied('open WebSocket', $socket->{gateway}, [[$socket->{heard}, time, 'cut']], 1);
        return;
    }
    return if $self->{kind} ne 'stays';
    my $name = $self->_one_of_mine // return;
    my $url  = $self->_host($name, $self->{id}{$name});
    $self->_insist(websocket => sub {
        # a page's origin has the public port, whichever gateway is reached
        my $ws = eval { $self->{client}->websocket("$url/ws", timeout => 20,
            headers => { Origin => $self->{t}->at($url =~ m{^http://([^:]+)}) }) };
        return _words($ws && $ws->response) if !$ws || $ws->code != 101;
        push @{ $self->{sockets} }, { ws => $ws, gateway => $self->{gateway}, heard => time };
        return '200';
    });
}

# Signs out, and in anew; a copy of the cookies stays behind.
sub _leave {
    my $self  = shift;
    my $thief = $self->{client}->copy;
    my $r = eval { $self->{client}->post($self->_at('/sign-out'), timeout => 20,
        headers => [Origin => $self->{t}->origin]) };
    return unless $r;
    $_->{ws}{conn}->close for splice @{ $self->{sockets} };
    push @{ $self->{ghosts} }, { what => 'signed out', client => $thief, since => time, gateway => $self->{gateway} }
        if $r->code == 303;
    $self->_sign_in;
}

# Logto suspends it, and tells one gateway; what ran of it is released.
sub _suspended {
    my $self  = shift;
    my $t     = $self->{t};
    my $thief = $self->{client}->copy;
    my $user  = { user => $self->{user} };
    my $told  = eval { $t->logto_control(suspend => $user); $t->logto_control(webhook => {
        %$user, event => 'User.SuspensionStatus.Updated', url => $self->_at('/webhook') })->{status} } // 0;
    $self->{suspended} = time;
    push @{ $self->{ghosts} }, { what => 'suspended', client => $thief, since => time, gateway => $self->{gateway} }
        if $told =~ /^2/;

    my $end = time + ($told =~ /^2/ ? 20 : 1.1);
    for my $name (@{ $self->{templates} }) {
        my $may = $self->{may}{$name};
        next unless $may->{running};
        my $is = 'running';
        while ($is eq 'running' && time < $end) {
            sleep 0.5;
            $is = eval { AIGC::Ledger::states($t, $name)->{ $self->{sub} } // 'absent' } // $is;
        }
        $may->{released} = 1;
        delete $may->{running} if $is ne 'running';
        $self->{unsure}{$name} = 1 if $is eq 'running';     # it may yet be released
    }
    sleep 1.1;                  # a session begins later than a revocation, in seconds
    $end = time + 30;
    sleep 0.2 until eval { $t->logto_control(unsuspend => $user); 1 } || time > $end;
    $self->_sign_in;
}

sub _sign_in {
    my $self = shift;
    $self->_insist('sign-in' => sub {
        my $client = AIGC::Client->new(stack => $self->{t}, user => $self->{user});
        my $r = eval { $client->sign_in(from => $self->_at('/sign-in')) };
        my ($why) = $@ =~ /HTTP\/1\.1 (\d+)/;
        return 'failed: ' . ($r ? _words($r) : $why // 'no answer') unless defined $client->cookie('aigc-session');
        $self->{client} = $client;
        for my $name ($self->{kind} eq 'stays' ? @{ $self->{templates} } : ()) {
            $client->host_session($self->_host($name, $self->{id}{$name})) // return 'no way in';
        }
        return '200';
    });
}

### Operations

sub _verb {
    my $self = shift;
    my $name = $self->{templates}[ rand @{ $self->{templates} } ];
    my $id   = $self->{id}{$name};
    my @can  = defined $id ? qw(install start start release release restart uninstall uninstall_keep) : 'install';
    my $verb = $can[rand @can];
    my $path = $verb eq 'install' ? "/api/v1/templates/default/$name/install"
        : "/api/v1/instances/default/$name/$id" . ($verb =~ /^uninstall/ ? '' : "/$verb")
        . ($verb eq 'uninstall' ? '?delete_disk=true' : '');
    my ($begin, $gateway) = (time, $self->{gateway});
    delete $self->{over}{$name};
    my $r = eval { $self->{client}->api($verb =~ /^uninstall/ ? 'DELETE' : 'POST', $self->_at($path), undef, timeout => 40) };
    my $code    = $r ? $r->code : 0;
    my $answer  = $code =~ /^20[02]$/ ? $r->json : {};
    my $problem = $r ? ($r->problem // {})->{code} // '' : '';

    $self->_wrong("$verb of $name answered with $answer->{owner}'s") if ($answer->{owner} // $self->{sub}) ne $self->{sub};
    push @{ $self->{operations} }, [$begin, time, $name, $verb, $gateway + 1, $code, $answer->{id} // $problem];
    $self->{id}{$name} = $answer->{id} if defined $answer->{id};
    my ($other, $when) = @{ $self->{last}{$name} // [$gateway, 0] };
    AIGC::Ledger::told($self->{may}{$name}, $verb, $code, $answer, $other != $gateway && time - $when < LAG);
    $self->{last}{$name} = [$gateway, time] if $code != 200;
    # a leader that is late may yet release what was started right after a suspension
    $self->{unsure}{$name} = time - ($self->{suspended} // 0) < SENTENCE if $verb =~ /^(?:install|start)/;
    $self->{over}{$name} = { since => time, gateway => $gateway }
        if $code == 202 && $verb =~ /^(?:release|uninstall)/;
    $self->_sign_in if $code == 401;
    # what was not answered may be under way for a moment
    sleep(($code =~ /^20[02]$/ ? 0 : 1) + rand 0.3);
}

# Since when, and by which gateway, its instance is released, as far as it knows.
sub _over { my ($self, $name) = @_; return $self->{over}{$name} }

### Asking

sub _one_of_mine {
    my $self = shift;
    my @mine = grep { defined $self->{id}{$_} } @{ $self->{templates} };
    return $mine[rand @mine];
}

sub _at   { my ($self, $path) = @_; return $self->{gateways}[ $self->{gateway} ] . $path }

sub _host {                     # the origin of an instance at the gateway that is asked
    my ($self, $name, $id) = @_;
    my ($port) = $self->{gateways}[ $self->{gateway} ] =~ /:(\d+)$/;
    return 'http://' . ($self->{hosts}{$name} =~ s/<id>/$id/r) . ":$port";
}

# Which pod answers at that host: ('200', "template/id"), or what there was in
# its place.  That it is this host's, and this request's answer, is checked here.
sub _info {
    my ($self, $client, $name, $id) = @_;
    my $mark  = "$self->{user}-" . ++$self->{asked};
    my $begin = time;
    my $r = eval { $client->get($self->_host($name, $id) . "/info?asked=$mark", timeout => 20) };
    $self->{requests}{'GET of an instance'}++;
    push @{ $self->{took} }, int 1e6 * (time - $begin) if $self->{took};
    my $pod = $r && $r->type eq 'application/json' && $r->content =~ /"boot"/ ? eval { $r->json } : undef;
    return _words($r) if !$pod && (!$r || $r->code != 200);

    if (!$pod || $r->code != 200) {
        $self->_wrong("$name/$id answered " . substr($r->content, 0, 200));
        return _words($r);
    }
    my $whose = "$pod->{template}/$pod->{instance}";
    $self->_wrong("at $name/$id answered the pod of $whose") if $whose ne "$name/$id";
    $self->_wrong("an answer to $pod->{asked} came to $mark") if ($pod->{asked} // '') ne $mark;
    return ('200', $whose);
}

sub _words {                    # of an answer that is none of a pod: "503 busy"
    my ($r) = @_;
    return '0' unless $r;
    return $r->code if $r->code == 200 && $r->truncated;
    my $problem = eval { $r->problem } // {};
    return join ' ', $r->code, $problem->{code} // ($r->code =~ /^30/ ? 'redirect' : ());
}

# Asks again until it is answered as it should be.  Each denial is kept with its
# time, and so is when it was over.
sub _insist {
    my ($self, $what, $ask) = @_;
    my (@tries, $words);
    my $end = time + PATIENCE;

    do {
        my $begin = time;
        $self->{requests}{$what}++ unless $what eq 'own';
        ($words) = $ask->();
        push @tries, [$begin, time, $words] if $words ne '200';
        if ($words =~ /^(?:401|302|403)/ && $what ne 'sign-in') {
            $self->_sign_in;            # its session is over, whatever ended it
        } elsif ($words ne '200') {
            sleep 0.05;
        }
    } until ($words eq '200' || time > $end || (@tries && !$self->{go_on}->()));
    $self->_denied($what, $self->{gateway}, \@tries, $words eq '200') if @tries;
}

sub _denied {
    my ($self, $what, $gateway, $tries, $ended) = @_;
    push @{ $self->{denials} }, { user => $self->{user}, what => $what, gateway => $gateway + 1,
        tries => $tries, from => $tries->[0][0],
        to => $what eq 'open WebSocket' ? $tries->[0][0] : time, ended => $ended ? 1 : 0 };
}

# Somebody was let in after it was over: since when, and by which gateway.
sub _late {
    my ($self, $what, $gateway, $over, $begin) = @_;
    push @{ $self->{late} }, { user => $self->{user}, what => $what, since => $over->{since}, at => $begin,
        told => $over->{gateway} + 1, gateway => $gateway + 1 };
}

sub _wrong { my ($self, $text) = @_; push @{ $self->{wrong} }, sprintf '%.2f %s: %s', time, $self->{user}, $text }

1;
