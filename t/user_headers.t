# t/user_headers.t — an application can be told who its user is, by the
# gateway's choice, and by nobody else

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

# A second server of the same instances, where the administrator has chosen.
my $t = AIGC::Stack->start(tls => 1, edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+) default_server;/;
    my ($chosen, $h2) = ($port + 10, $port + 11);
    $text =~ s{\}\s*\z}{
    server {
        listen 127.0.0.1:$chosen;
        listen 127.0.0.1:$h2 http2;
        server_name *.aigc.localhost;
        proxy_set_header X-Forwarded-User nobody;       # not inherited: the location has its own
        location / {
            include aigc/instance.conf;
            proxy_set_header X-Forwarded-User \$aigc_user;
            proxy_set_header X-Forwarded-Email \$aigc_user\@users.example.com;
            proxy_set_header X-Own-Name \$aigc_user;
        }
    }
\}
};
    return $text;
});

my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my ($plain, $chosen, $h2) = ($t->port, $t->port(10), $t->port(11));
my $url = $mine->url('/headers');
my $sub = $mine->owner;

# What the shipped instance.conf never passes on from a client.
my @names = map { (map({ "X-Forwarded-$_" } @$_), map({ "X-Auth-Request-$_" } @$_)) }
    [qw(User Email Groups Preferred-Username Access-Token)];
push @names, qw(X-WebAuth-User X-Remote-User Remote-User Remote-Name Remote-Email Remote-Groups);

# In which ways a client may spell a name.
sub spellings {
    my ($name) = @_;
    return ($name, lc $name, uc $name, $name =~ tr/-/_/r, uc($name =~ tr/-/_/r), $name =~ s/-/_/r);
}

sub at {
    my ($port, $who, @headers) = @_;
    return $who->get($url =~ s/:$plain\b/:$port/r, headers => \@headers);
}

sub told {              # what of it reached the pod: { folded name => [values] }
    my ($r) = @_;
    my %own = map { lc($_) => 1 } @names, 'X-Own-Name';
    my %told;
    $r->code == 200 or die $r->status_line;
    for (@{ ref $r->json->{headers} ? $r->json->{headers} : [] }) {
        my $name = lc($_->[0]) =~ tr/_/-/r;
        push @{ $told{$name} }, $_->[1] if $own{$name};
    }
    return \%told;
}

my $known = { 'x-forwarded-user' => [$sub], 'x-forwarded-email' => ["$sub\@users.example.com"], 'x-own-name' => [$sub] };

subtest 'unless chosen nothing is told' => sub {
    is_deeply told(at($plain, $alice)), {}, 'not by the gateway';
    for my $name (@names) {
        is_deeply told(at($plain, $alice, map { ($_ => 'bob') } spellings($name))), {}, "nor by the client: $name";
    }
    is_deeply told(at($plain, $alice, map { ($_ => 'bob', $_ => 'carol') } @names)), {}, 'nor with all of them twice';
    is_deeply told($alice->get($url, http => '1.0', headers => [ map { ($_ => 'bob') } @names ])), {}, 'nor by HTTP/1.0';
};

subtest 'chosen, it is the gateway that tells' => sub {
    is_deeply told(at($chosen, $alice)), $known, 'who is signed in';
    is_deeply told(at($chosen, $t->stranger, Authorization => 'Bearer ' . $t->forge)), $known, '… by token, too';
    for my $name (qw(X-Forwarded-User X-Forwarded-Email X-Own-Name)) {
        is_deeply told(at($chosen, $alice, $_ => 'bob')), $known, "a client's $_ counts for nothing" for spellings($name);
        is_deeply told(at($chosen, $alice, map { ($_ => 'bob', $_ => '') } spellings($name))), $known, '… nor all at once';
    }
    is_deeply told(at($chosen, $alice, Upgrade => 'x', 'X-Forwarded-User' => 'bob')), $known, 'with an upgrade';
    is_deeply told(at($chosen, $alice, Connection => 'close, X-Forwarded-User')), $known, 'Connection takes none away';
    is_deeply told(at($chosen, $alice, 'X-Forwarded-Groups' => 'admins')), $known, 'what is not chosen stays away';
};

subtest 'HTTP/2' => sub {
    my $ask = sub {
        my ($port, @headers) = @_;
        my ($status, $text) = $alice->curl('--http2-prior-knowledge', map({ ('-H', $_) } @headers), $url =~ s/:$plain\b/:$port/r);
        return told(AIGC::HTTP::Response->new(code => $status ? 0 : 200, content => $text, headers => [], url => $url,
            status_line => "curl: $status"));
    };
    is_deeply $ask->($h2), $known, 'the gateway tells';
    for my $name (qw(X-Forwarded-User X-Forwarded-Email X-Own-Name)) {
        is_deeply $ask->($h2, map { "$_: bob" } spellings($name)), $known, "a client's $name does not";
    }
    is_deeply $ask->($h2, map { "$_: bob" } map { spellings($_) } @names), $known, 'nor all of them';
};

done_testing;
