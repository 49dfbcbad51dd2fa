# t/headers_http2.t — over HTTP/2 the same passes between browser and pod, and
# the same does not

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t     = AIGC::Stack->start(tls => 1);
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $session = $alice->host_session($mine->url);
my $nobody  = $t->stranger;
my $calls   = 0;

# A request with exactly these fields, in this order: several of one name stay
# several, as a browser splits its cookies (RFC 9113 8.2.3).
sub h2 {
    my ($path, @fields) = @_;
    my $file = $t->file('run/curl-' . ++$calls);
    open my $f, '>', $file or die "$file: $!";
    printf $f qq{header = "%s"\n}, s/(["\\])/\\$1/gr for @fields;
    close $f;
    (my $url = $mine->url($path)) =~ s{^http://([^:/]+)(?::\d+)?}{"https://$1:" . $t->port(8)}e;
    my ($status, $text) = $nobody->curl('--http2', '-i', '-K', $file, $url);
    unlink $file;
    $status == 0 or die "curl: $status $text";
    my ($code, $head, $body) = $text =~ m{\AHTTP/2 (\d+) ?\r\n(.*?)\r\n\r\n(.*)\z}s or die "not HTTP/2: $text";
    return AIGC::HTTP::Response->new(url => $url, code => $code, status_line => "HTTP/2 $code", content => $body,
        headers => [ map { [ /^([^:]+):\s*(.*?)\s*$/ ] } split /\r\n/, $head ]);
}

sub pod {
    my ($r, $name) = @_;
    $r->code == 200 or die $r->status_line . ' ' . $r->content;
    return [ map { $_->[1] } grep { lc $_->[0] eq lc $name } @{ $r->json->{headers} } ];
}

subtest 'cookies to the pod' => sub {
    my $s = "aigc-instance=$session";
    for ([[$s], ''], [[$s, 'a=1', 'b=2'], 'a=1; b=2'], [['a=1', $s, 'b=2'], 'a=1; b=2'], [['a=1', 'b=2', $s], 'a=1; b=2'],
        [["a=1; $s", 'b=2'], 'a=1; b=2'], [['a=1', "$s; b=2", 'aigc-nonce=x'], 'a=1; b=2'],
        [['__Host-aigc-bind=x', 'aigc-login-0=y', $s, 'aigc-session=x', '__Host-aigc-session=x', '__Host-aigc-instance=x', '__Host-aigc-nonce=x', 'aigc_session=x'], ''], [['a=1', $s, 'aigc_session2=b', 'aigc-instance2=c'], 'a=1; aigc_session2=b; aigc-instance2=c'],
        [[$s, map { "c$_=v$_" } 1 .. 90], join '; ', map { "c$_=v$_" } 1 .. 90])
    {
        my ($sent, $got) = @$_;
        my $r = h2('/headers', map { "cookie: $_" } @$sent);
        is join('; ', @{ pod($r, 'Cookie') }), $got, @$sent . ' fields: ' . substr join(' | ', map { /=.{30}/ ? 'ours' : $_ } @$sent), 0, 50;
        unlike $r->content, qr/\Q$session\E|aigc-bind|aigc-nonce|aigc-(?:session|instance)=|aigc-login/, '… and nothing of ours is there';
    }

    my @large = map { "c$_=" . 'v' x 96 } 10 .. 89;
    is_deeply pod(h2('/headers', map { "cookie: $_" } @large[0 .. 39], $s, @large[40 .. 79]), 'Cookie'), [join '; ', @large],
        '8 KB of others, in many fields, pass whole';
    is_deeply pod(h2('/headers', 'cookie: ' . join '; ', @large, $s), 'Cookie'), [join '; ', @large], '… in one';
};

subtest 'tokens' => sub {
    my $token = $t->forge;
    my $r = h2('/headers', "authorization: Bearer $token", 'x-own: kept');
    is_deeply pod($r, 'Authorization'), [], 'one that opened the door stays outside';
    unlike $r->content, qr/\Q$token\E/, '… under any name';
    is_deeply pod($r, 'X-Own'), ['kept'], '… the rest passes';
    is_deeply pod(h2('/headers', "cookie: aigc-instance=$session", "authorization: $_"), 'Authorization'), [$_],
        'beside a session the application\'s own is untouched' for 'Bearer sk-0123456789', 'Basic dXNlcjpwYXNz', 'Token  x';
    is h2('/headers', 'authorization: Bearer x', 'authorization: Bearer y')->code, 400, 'two are refused';
};

subtest 'cookies from the pod' => sub {
    my $root = $t->root;
    my @own = ('app=1; Path=/', 'aigc_session2=2', 'aigc-theme=3', 'a=aigc_session=4');
    my @bad = ("aigc_session=evil; Domain=$root; Path=/", 'aigc_session=; Max-Age=0', 'aigc_session', 'aigc-bind=x',
        "aigc-login-3=x; Domain=$root", '__Host-aigc-bind=x; Secure; Path=/', "=aigc_session=evil; Domain=$root",
        map { ("aigc-$_=x", "__Host-aigc-$_=x; Secure; Path=/", "aigc-$_=; Max-Age=0", "=__Host-aigc-$_=x") } qw(session instance nonce));
    my $query = join '&', map { 'header=' . AIGC::Client::escape("Set-Cookie:$_") } map { ($bad[$_], $own[$_] // ()) } 0 .. $#bad;
    my $r = h2("/respond?$query", "cookie: aigc-instance=$session");
    is_deeply [ $r->headers('set-cookie') ], \@own, 'ours are dropped, the application\'s pass';
    is_deeply [ h2('/respond?header=' . AIGC::Client::escape("Set-Cookie:a=1; Domain=$root"), "cookie: aigc-instance=$session")->headers('set-cookie') ],
        ['a=1'], 'a cookie for all hosts becomes one of this host';
};

subtest 'what a pod may say to a browser' => sub {
    my @said = ('Clear-Site-Data:"cache", "cookies"', 'Clear-Site-Data:"*"', 'Alt-Svc:h3=":443"', 'Strict-Transport-Security:max-age=0', 'NEL:{}',
        'Origin-Agent-Cluster:?1');
    my $r = h2('/respond?' . join('&', map { 'header=' . AIGC::Client::escape($_) } @said), "cookie: aigc-instance=$session");
    is_deeply { map { $_ => [ $r->headers($_) ] } qw(clear-site-data alt-svc strict-transport-security nel origin-agent-cluster) },
        { 'clear-site-data' => ['"cache"'], 'alt-svc' => [], 'strict-transport-security' => [], nel => [], 'origin-agent-cluster' => ['?1'] },
        'what would hold for more than its own host does not come through';
};

done_testing;
