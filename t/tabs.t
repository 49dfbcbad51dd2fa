# t/tabs.t — people sign in as browsers have it: many tabs, long addresses,
# "Cancel"; in Chromium, with the cookies of production

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start(https => 1);
my $gateway = $t->origin;
my $b = $t->browser;

# Signed out on both sides.
sub forget { $b->cdp('Network.clearBrowserCookies') }

sub logins { return grep { $_->{name} =~ /login/ } $b->all_cookies }

sub api {
    my ($method, $path) = @_;
    return $b->await('return fetch(arguments[1], { method: arguments[0] }).then(async r => ({ status: r.status, body: await r.json() }))',
        $method, "/api/v1/$path");
}

# Tabs of these addresses, as they are when a browser restores them.
sub tabs {
    my @urls = @_;
    my @tab;
    for my $url (@urls) {
        my $tab = $b->_do('POST', '/window/new', { type => 'tab' })->{handle};
        $b->window($tab)->go($url);
        push @tab, $tab;
    }
    return @tab;
}

$b->go('/')->click('[data-test=sign-in]');
$b->sign_in('alice');
$b->find('[data-template]');
my $inst = api('POST', 'templates/default/stable-diffusion-cpu/install')->{body};
$t->wait_for(sub { api('GET', "instances/default/stable-diffusion-cpu/$inst->{id}")->{body}{state} eq 'ready' }, 60, 'it is ready');
(my $origin = $inst->{url}) =~ s{/$}{};
my ($first) = $b->windows;

subtest 'a long address' => sub {
    for my $n (300, 2_000, 8_192) {
        forget();
        my $url = "$origin/info?q=" . 'a,;%22%E4%BD%A0&' x 1000;
        $url = substr $url, 0, $n;
        $url =~ s/%.?$//;
        $url .= 'x' while length $url < $n;
        $b->go($url);
        $b->sign_in('alice');
        $b->wait_url(qr{^\Q$origin\E/info});
        is $b->url, $url, length($url) . ' bytes: she ends where she wanted to';
        is scalar(logins()), 0, '… nothing is left of it';
    }
    forget();
    $b->go("$origin/info?q=" . 'a' x 9_000);
    is $b->run('return document.querySelector("main").dataset.code'), 'rd-too-long', 'more than that: a page says so';
    $b->click('#sign-in');
    $b->sign_in('alice');
    $b->wait_url(qr{^\Q$origin\E/$});
    pass '… and leads to the front page of that very application';
};

subtest 'several tabs' => sub {
    forget();
    my @tab = tabs(map { "$origin/info?tab=$_" } 1 .. 3);
    is scalar(logins()), 3, 'three tabs, a sign-in each';

    $b->window($tab[0]);
    $b->sign_in('alice');
    $b->wait_url(qr{^\Q$origin\E/info\?tab=3$});
    pass 'Logto: the first one\'s password leads to the last one\'s page';
    $b->window($tab[1])->sign_in('alice');
    $b->wait_text(qr/expired/);
    pass '… and its own form knows nothing of the second';
    for my $n (1, 2) {
        $b->go("$origin/info?tab=$n");
        is $b->url, "$origin/info?tab=$n", "tab $n is in by now";
    }
    cmp_ok scalar(logins()), '<=', 2, 'what was not finished is two cookies';

    # Signed in at Logto, but not here: each goes through by itself.
    $b->cdp('Network.deleteCookies', { name => $_->{name}, domain => $_->{domain} })
        for grep { $_->{name} =~ /session|bind/ && $_->{domain} !~ /^127/ } $b->all_cookies;
    my @more = tabs(map { "$origin/info?more=$_" } 1 .. 4);
    for my $n (1 .. 4) {
        $b->window($more[$n - 1]);
        $b->wait_url(qr{^\Q$origin\E/info\?more=$n$});
        pass "tab $n of four comes to its own page";
    }

    $b->window($more[3])->back;
    $b->wait_url(qr{^\Q$origin\E/|^\Q$gateway\E/|about:blank|data:});
    unlike $b->url, qr/callback/, 'the way back is no dead end: ' . ($b->url =~ s/\?.*//r);
    for my $tab (@tab, @more) {
        $b->window($tab)->_do('DELETE', '/window');
    }
    $b->window($first);
};

subtest 'cancelled' => sub {
    for my $how ('', '?how=error') {
        forget();
        $b->go("$origin/info?here=1");
        my ($logto) = $b->url =~ m{^(http://[^/]+)};
        $b->go("$logto/sign-in/cancel$how");
        is $b->run('return document.querySelector("main").dataset.code'), 'sign-in-cancelled', 'Cancel' . ($how && ' by an error') . ' says so';
        $b->click('#sign-in');
        $b->sign_in('alice');
        $b->wait_url($how ? qr{^\Q$origin\E/info\?here=1$} : qr{^\Q$gateway\E/$});
        pass '… and the button leads on';
    }
};

done_testing;
