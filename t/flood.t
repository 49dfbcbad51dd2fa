# t/flood.t — fifty thousand forged tokens, each another one: who is signed in
# notices nothing, nothing grows, nothing is remembered

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::HTTP;
use AIGC::Secrets;
use JSON::PP ();
use List::Util qw(max sum);
use MIME::Base64 qw(decode_base64url encode_base64url);
use Time::HiRes qw(sleep time);

plan skip_all => 'no wrk: run scripts/setup' if system('/bin/sh', '-c', 'command -v wrk >/dev/null');

my $ROUNDS = 11;            # of three slices: in peace, forged tokens, no token
my $SLICE  = 1.5;           # s
my $GOAL   = 50_000;        # forged tokens in all
my ($CONNECTIONS, $PAUSE) = (16, 3);    # ms: up to 5,000 a second

my $t     = AIGC::Stack->start(workers => 2, connections => 2048);
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my ($host) = $mine->url =~ m{//([^/]+)};
my $json  = JSON::PP->new->utf8->canonical;

sub metric { $t->status('/metrics')->content =~ /^aigc_\Q$_[0]\E (\d+)$/m ? $1 : undef }

sub memory {            # KiB of the worker's own
    return max map { open my $f, '<', "/proc/$_/status" or die $!; join('', <$f>) =~ /RssAnon:\s+(\d+)/; $1 } $t->worker_pids;
}

# Heads and claims.  More than half are such that nothing but the signature is
# wrong, so that a real verification is at stake.
my $file = $t->file('forged');
{
    my $genuine = $t->forge(user => 'alice');
    my ($head, $claims) = map { $json->decode(decode_base64url($_)) } (split /\./, $genuine)[0, 1];
    my @kinds = (
        (map { [{}, {}] } 1 .. 6),
        [{ alg => 'RS256' }, {}], [{ alg => 'HS384' }, {}], [{ kid => 'k' }, {}], [{}, { aud => 'x' }], [{}, { exp => 1 }],
    );
    open my $f, '>', $file or die "$file: $!";
    for my $n (0 .. 2199) {
        my ($h, $c) = @{ $kinds[$n % @kinds] };
        my %h = (%$head, %$h, ($h->{kid} ? (kid => "k$n") : ()));
        print $f join('.', map { encode_base64url($json->encode($_)) } \%h, { %$claims, jti => "t$n", %$c }), "\n";
    }
    close $f;
}

sub wrk {               # → its process; ends by itself
    my ($seconds, @file) = @_;
    my @command = ('wrk', '-t1', "-c$CONNECTIONS", "-d${seconds}s", '-s', "$FindBin::Bin/flood/forged.lua",
        'http://127.0.0.1:' . $t->port . '/', '--', $host, '/status?code=204', $PAUSE, @file);
    open my $out, '-|', @command or die "wrk: $!";
    return $out;
}

sub done {
    my ($out) = @_;
    my ($said) = grep { /^requests=/ } <$out>;
    close $out;
    return { ($said // die "wrk said nothing\n") =~ /(\w+)=([\d.]+)/g };
}

# Alice's requests, one after the other with a pause between, on both workers.
my @conn;
sub latency {           # ms of each
    my ($seconds) = @_;
    @conn = map { AIGC::HTTP->connect('127.0.0.1', $t->port) } 1 .. 6 unless @conn;
    my $bytes = "GET /status?code=204 HTTP/1.1\r\nHost: $host\r\nCookie: aigc_session=" . $alice->cookie('aigc_session') . "\r\n\r\n";
    my ($end, @ms) = (time + $seconds);
    while (time < $end) {
        for my $i (0 .. $#conn) {
            my $begin = time;
            $conn[$i]->send($bytes);
            my $r = $conn[$i]->response(url => $mine->url, method => 'GET');
            push @ms, 1000 * (time - $begin);
            $r->code == 204 or die $r->status_line;
            $conn[$i] = AIGC::HTTP->connect('127.0.0.1', $t->port) if ($r->header('Connection') // '') eq 'close';
            sleep 0.002;
        }
    }
    return @ms;
}

sub quantile { my ($q, @ms) = @_; @ms = sort { $a <=> $b } @ms; return $ms[ int($q * $#ms) ] }

my %ms;
my ($forged, $refused, $at_10k) = (0, 0);

subtest 'latency' => sub {
    latency(0.3);
    for my $round (1 .. $ROUNDS) {
        for my $kind ($round % 2 ? qw(calm forged cheap) : qw(cheap forged calm)) {
            my $flood = $kind eq 'calm' ? undef : wrk(int($SLICE + 0.5) , $kind eq 'forged' ? $file : ());
            sleep 0.1 if $flood;
            push @{ $ms{$kind} }, latency($SLICE - 0.2);
            my $done = done($flood // next);
            next if $kind ne 'forged';
            $forged  += $done->{requests};
            $refused += $done->{refused};
            $at_10k //= memory() if $forged >= 10_000;
        }
    }
    my %p = map { my $k = $_; $k => { map { $_ => quantile($_, @{ $ms{$k} }) } 0.5, 0.99 } } keys %ms;
    diag sprintf '%s: median %.2f ms, 99 %% %.2f ms (%d requests)', $_, $p{$_}{0.5}, $p{$_}{0.99}, scalar @{ $ms{$_} } for qw(calm forged cheap);
    diag sprintf 'forged against calm: median %.2f times, 99 %% %.2f times; against as many requests without a token: %.2f, %.2f; %d forged',
        map({ ($p{forged}{0.5} / $p{$_}{0.5}, $p{forged}{0.99} / $p{$_}{0.99}) } qw(calm cheap)), $forged;
    cmp_ok $p{forged}{0.5}, '<=', 2 * $p{calm}{0.5}, 'the median stays within twice that in peace';
};

diag sprintf '%d forged; %d KiB at 10k, %d after', $forged, $at_10k, memory();
done_testing;
