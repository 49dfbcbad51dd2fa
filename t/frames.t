# t/frames.t — a page of an instance that frames the user's other instance, in
# Chromium: on one site it enters there by itself, and nobody signs in in a frame

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

my $t = AIGC::Stack->start(https => 1, templates => ['stable-diffusion-cpu', 'notebook']);
my $b = $t->browser;

$b->go('/');
sign_in($b, 'alice');
for my $template ('stable-diffusion-cpu', 'notebook') {
    $b->click(shown(card($template), 'install'));
    wait_state($b, card($template), 'ready');
}
my %url = map { $_ => $b->find(card($_) . ' [data-test=visit]')->prop('href') } 'stable-diffusion-cpu', 'notebook';

# What a frame of the page shows: its text.
sub framed {
    my ($url) = @_;
    $b->await('
        document.querySelectorAll("iframe").forEach(f => f.remove());
        const f = document.createElement("iframe");
        const end = new Promise(done => f.onload = done);
        f.src = arguments[0];
        document.body.append(f);
        return end;', $url);
    $b->frame('iframe');
    my $text = $b->text;
    $b->frame(undef);
    return $text;
}

sub of_gateway { return grep { $_->{domain} eq $t->host } $b->all_cookies }

$b->go($url{'stable-diffusion-cpu'});
like framed($url{notebook} . '?x=1'), qr/^notebook, instance/, 'an instance that was never visited is shown in a frame';
is join(' ', map { $_->{name} } of_gateway()), '__Host-aigc-session', '… without a sign-in';
like framed($url{notebook}), qr/^notebook, instance/, '… and shown again';

# Without a session on the gateway's host, and on the framed one.
my ($notebook) = $url{notebook} =~ m{//([^:/]+)};
for ([$t->host, '__Host-aigc-session'], [$notebook, '__Host-aigc-instance']) {
    my ($domain, $name) = @$_;
    $b->cdp('Network.deleteCookies', { name => $name, domain => $domain });
}
unlike framed($url{notebook}), qr/instance/, 'who is not signed in on the gateway does not see it';
is_deeply [ of_gateway() ], [], '… and begins no sign-in in a frame';
$b->go($url{notebook});
$b->find('#instance');
pass '… but in a window';

done_testing;
