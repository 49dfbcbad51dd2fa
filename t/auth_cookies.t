# t/auth_cookies.t — an answer of /auth sets one cookie at a time: ingress-nginx
# reads $upstream_http_set_cookie, where two lines become one that no browser
# understands, or the second is lost

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start;
my $alice = $t->sign_in('alice');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $page  = $inst->url('/info');

# /auth's answer for a URL, to a browser with these cookies: its status and what
# it sets, "name" or "-name" for one that it clears.
sub auth {
    my ($url, @cookies) = @_;
    my $r = $t->stranger->get('/auth', headers => ['X-Original-URL' => $url, @cookies ? (Cookie => join '; ', @cookies) : ()]);
    my @set = $r->set_cookies;
    return (join(' ', $r->code, map { (length $_->{value} ? '' : '-') . $_->{name} } @set), @set);
}

# A URL as ingress-nginx' auth-signin brings the browser back to it.
sub with_ticket {
    my $r = ($_[0] // $alice)->browse('/sign-in?rd=' . AIGC::Client::escape($page));
    my $url = $r->location // '';
    $url =~ /^\Q$page\E\?aigc_ticket=[\w-]+$/ or die $r->status_line;
    return $url;
}

my ($said, $set) = auth(with_ticket());
is $said, '200 aigc-instance', 'a ticket: the session of the host';
is((auth(with_ticket(), 'aigc_session=old', 'aigc-bind=old'))[0], '200 aigc-instance', '… and nothing else, though version 1.0 has left a cookie');
my $session = "aigc-instance=$set->{value}";

($said, $set) = auth($page, 'aigc_session=old', $session);
is $said, '200 -aigc_session', 'which the next answer clears (browsers send the older cookie first)';
is $set->{domain}, $t->domain, '… where it was';
is((auth($page, $session))[0], '200', 'then nothing is set any more');
is((auth($page, 'aigc_session=old'))[0], '401', 'for nobody nothing is cleared');

# A session whose ID token is 27 s late already, of the 30 that clocks may differ.
$t->logto_control(lifetimes => { id_token => -27 });
($said, $set) = auth(with_ticket($t->sign_in('alice')));
is $said, '200 aigc-instance', 'a session that is soon to be renewed';
$t->logto_control(lifetimes => { id_token => undef });
my $end = int(time) + 5;
$t->wait_for(sub { time >= $end }, 10, 'its ID token has expired');
($said, $set) = auth($page, 'aigc_session=old', "aigc-instance=$set->{value}");
is $said, '200 aigc-instance', '… is, and that is all that this answer sets';
is((auth($page, 'aigc_session=old', "aigc-instance=$set->{value}"))[0], '200 -aigc_session', '… the next one clears the old one');

done_testing;
