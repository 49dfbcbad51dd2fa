# t/dashboard.t — what a person does in the dashboard, in a browser: sign in,
# install, visit, release, start, uninstall; and what appears there by itself

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

my $t    = AIGC::Stack->start;
my $b    = $t->browser;
my $name = 'stable-diffusion-cpu';
my $sd   = card($name);

# Files on the disk, by a page of the instance itself.
sub write_file { $b->await('return fetch("/disk/note", { method: "PUT", body: arguments[0] }).then(r => r.status)', @_) }
sub read_file  { $b->await('return fetch("/disk/note").then(r => r.ok ? r.text() : r.status)') }

sub visit {
    $b->click(shown($sd, 'visit'));
    $b->wait_url(qr{^https?://instances0-cpu\.});
    $b->wait_text("$name, instance 0");
}

sub leave {
    $b->back;
    wait_state($b, $sd, 'ready');
    $b->run('window.still = "here"');
}

subtest 'alice signs in' => sub {
    $b->go('/?from=mail');
    $b->find('[data-test=stranger] [data-test=sign-in]');
    like $b->url, qr{/\?from=mail$}, 'a stranger is asked, not sent away';

    sign_in($b, 'alice');
    $b->find($sd);
    is $b->url, $t->url('/?from=mail'), 'and comes back to the page that was asked for';
    is $b->text('[data-test=user]'), 'Alice', 'the page says who is signed in';
    like $b->text($sd), qr{50 GiB disk.*Nobody uses it yet}s, 'the card says what one gets';
    is offers($b, $sd), 'install', 'it offers Install, and nothing else';
    is $b->find("$sd [data-test=install]")->role, 'button', 'a real button';
    $b->run('window.still = "here"');
};

subtest 'install, visit' => sub {
    my $mark = $t->audit_mark;
    double_click($b, shown($sd, 'install'));
    wait_state($b, $sd, 'ready');
    is offers($b, $sd), 'visit release more', 'a ready instance can be visited and released';
    is_deeply $t->gateway_writes($mark), { $name => 1 }, 'a double click is one install, and no release';
    like $b->text($sd), qr/Yours since \S/, 'the card says since when it is hers';
    is $b->text('[data-test=said]') =~ s/.*: //r, 'Ready', 'a screen reader is told, too';

    visit();
    is $b->url, $t->at('instances0-cpu.' . $t->root) . '/', 'Visit leads to her own host, served by her pod';
    is write_file('written before'), 204, 'she writes a file on her disk';
    leave();
};

subtest 'release, start' => sub {
    my $href = $b->find(shown($sd, 'visit'))->attr('href');

    $b->click(shown($sd, 'release'));
    wait_state($b, $sd, 'released');
    is offers($b, $sd), 'start more', 'what is released can be started';
    like $b->text($sd), qr/Your disk and its files are kept/, 'the card says that the disk stays';
    is scalar(() = $t->kube_list('pods')), 0, 'its pod is gone';

    $b->click(shown($sd, 'start'));
    wait_state($b, $sd, 'ready');
    is $b->find(shown($sd, 'visit'))->attr('href'), $href, 'the same host again';
    visit();
    is read_file(), 'written before', 'the file is there';
    leave();
};

subtest 'restart, update' => sub {
    my ($pod) = $t->kube_list('pods');
    menu($b, $sd, 'restart');
    $t->wait_for(sub { my ($p) = $t->kube_list('pods'); $p && $p->{metadata}{uid} ne $pod->{metadata}{uid} }, 20, 'another pod');
    wait_state($b, $sd, 'ready');

    $t->kube_patch('gss', $name, { spec => { updateStrategy => { type => 'OnDelete', rollingUpdate => undef } } });
    ($pod) = $t->kube_list('pods');
    $t->kube_patch('gss', $name, { spec => { gameServerTemplate => { metadata => { labels => { revision => 'next' } } } } });
    like $b->find("$sd [data-test=update-available]", undef, 20)->text, qr/new version/, 'a new version is told';
    $b->click(shown($sd, 'update'));
    $t->wait_for(sub { my ($p) = $t->kube_list('pods'); $p && ($p->{metadata}{labels}{revision} // '') eq 'next' }, 20, 'the new revision');
    wait_state($b, $sd, 'ready');
    $b->wait(sub { !$b->all("$sd [data-test=update-available]") }, 20, 'the note goes');
    pass 'and can be had by a click';
};

subtest 'uninstall asks once, and says what becomes of the disk' => sub {
    my $ask = '[data-test=ask-uninstall]';

    menu($b, $sd, 'uninstall');
    like $b->find($ask)->text, qr/instances0-cpu.*50 GiB.*Keep the disk.*Delete the disk.*cannot be undone/s, 'it says what goes';
    is $b->find($ask)->role, 'alertdialog', 'a real dialog';
    $b->press('escape');
    $b->wait(sub { !$b->all($ask) }, 5, 'Escape closes it');
    is state($b, $sd), 'ready', 'and nothing is done';

    menu($b, $sd, 'uninstall');
    $b->find($ask);
    is $b->find('[data-test=disk-keep]')->attr('aria-checked'), 'true', 'by itself nothing is deleted';
    $b->click('[data-test=confirm]');
    wait_state($b, $sd, 'none', 30);
    is scalar(() = $t->kube_list('pvcs')), 1, 'the disk stays';
    $b->click(shown($sd, 'install'));
    wait_state($b, $sd, 'ready');
    visit();
    is read_file(), 'written before', 'and is there for the next install, file and all';
    leave();

    menu($b, $sd, 'uninstall');
    $b->click('[data-test=disk-drop]');
    like $b->find('[data-test=confirm]')->text, qr/delete the disk/, 'the button says what it does';
    $b->click('[data-test=confirm]');
    wait_state($b, $sd, 'none', 30);
    $t->wait_for(sub { !(() = $t->kube_list('pvcs')) }, 20, 'the disk goes');
    is scalar(my @dialogs = $b->all($ask)), 0, 'it asks no second time';
    $b->click(shown($sd, 'install'));
    wait_state($b, $sd, 'ready');
};

subtest 'cards come and go' => sub {
    my $evil = '<img src=/x onerror="window.evil = 1">';
    my $dot  = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
    my $new  = card('notebook');
    my $bad  = card('bad-host');

    $t->apply_template('notebook', { metadata => { annotations => {
        'aigc-gateway.io/title' => $evil, 'aigc-gateway.io/icon' => $dot } } });
    $b->find($new);
    like $b->text($new), qr/\Q$evil\E.*Jupyter.*2 CPU.*4 GiB/s, 'a template that is applied appears, its title as text';
    is offers($b, $new), 'install', 'and can be installed';
    is $b->find("$new img:not([hidden])")->attr('src'), $dot, 'with its icon';

    $t->apply_template('notebook', { metadata => { name => 'bad-host' } }, sub {
        $_->{value} = 'notebook.' . $t->root for grep { $_->{name} eq 'Host' } @{ $_[0]{spec}{network}{networkConf} };
    });
    $b->click("$bad summary");
    like $b->find("$bad [data-test=misconfigured]")->text, qr/Cannot be installed.*Host .* has no <id>/s, 'what is wrong with a template is said';
    is offers($b, $bad), '', 'and it cannot be installed';

    $t->kubectl('delete', 'gameserverset', 'notebook', 'bad-host');
    $b->wait(sub { !$b->all("$new, $bad") }, 10, 'both cards go');
    is $b->run('return window.still'), 'here', 'all without a reload';
    is $b->run('return window.evil'), undef, 'and nothing of a template runs';
};

subtest 'it listens, and need not ask' => sub {
    my $lines = sub { requests($t, qr{ /api/v1/(?:instances|templates) }) };
    $b->wait(sub { my $n = $lines->(); sleep 6; $n == $lines->() }, 20, 'it asks no more');
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => 'Told' } } });
    my $n = $lines->();
    $b->find("$sd h2", 'Told', 2);
    is scalar($lines->()), $n, 'what changes shows at once, and nothing was asked for';

    $t->reload;                                 # ends the stream
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => 'Told again' } } });
    $b->find("$sd h2", 'Told again', 10);
    $b->wait(sub { my $n = $lines->(); sleep 6; $n == $lines->() }, 30, 'it listens again');
    is $b->run('return window.still'), 'here', 'also after a reload of nginx';
};

subtest 'nobody sees another one\'s' => sub {
    my $bob = $t->browser;
    sign_in($bob->go('/'), 'bob');
    $bob->find($sd);
    is $bob->text('[data-test=user]'), 'Bob', 'bob is bob';
    is state($bob, $sd), 'none', 'he has none';
    is offers($bob, $sd), 'install', 'and sees neither Visit nor Release';
    like $bob->text($sd), qr/1 in use/, 'though one runs';
    unlike $bob->source, qr/instances\d-cpu/, 'her host is nowhere in his page';

    my ($inst) = map { $_->{metadata}{name} =~ /(\d+)$/ } $t->kube_list('pods');
    $bob->go($t->at("instances$inst-cpu." . $t->root) . '/');
    $bob->wait_text('belongs to somebody else');
    unlike $bob->text, qr/\Q$name\E/, 'her host refuses him, in words, and says nothing of what is there';
    $bob->quit;
};

subtest 'a page that nobody looks at asks nothing' => sub {
    # Headless, every page is visible: the page is told otherwise.
    my $hide = sub { $b->run('
        Object.defineProperty(document, "hidden", { value: arguments[0], configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));', $_[0] ? \1 : \0) };
    $hide->(1);
    sleep 1;                                    # for what is under way
    my $before = requests($t);
    sleep 6;                                    # longer than the 5 s of a calm page
    is requests($t) - $before, 0, 'hidden: no request';
    $hide->(0);
    $b->wait(sub { requests($t) > $before }, 2, 'at once when it is looked at again');
    pass 'at once when it is looked at again';
};

subtest 'without events it asks' => sub {
    my $poll = $t->browser;
    sign_in($poll->go('/'), 'carol');
    $poll->cdp('Page.addScriptToEvaluateOnNewDocument', { source => '
        window.EventSource = class extends EventTarget {
            static CLOSED = 2;
            readyState = 2;
            constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error"))) }
            close() {}
        }' });
    $poll->refresh;
    $poll->click(shown($sd, 'install'));
    wait_state($poll, $sd, 'ready', 30);
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => 'Asked' } } });
    $poll->find("$sd h2", 'Asked', 15);
    pass 'and shows the same, a little later';
    $poll->quit;
};

subtest 'sign out' => sub {
    is_deeply [ told($b) ], [], 'until here the page did nothing that its policy forbids';

    $b->click('[data-test=account]');
    $b->click('[data-test=sign-out]');
    $b->find('[data-test=stranger]');
    is scalar(my @cards = $b->all('[data-template]')), 0, 'nothing of hers is left on the page';
    is $b->url, $t->url('/'), 'Logto sends back to the dashboard';
    $b->click('[data-test=sign-in]');
    $b->find('input[name=password]');
    pass 'and the next one has to give a password';
    $b->sign_in('alice');
    $b->find($sd);
};

subtest 'a session that ends takes nothing along' => sub {
    $b->type('[data-test=search]', 'stable');
    menu($b, $sd, 'uninstall');
    $b->click('[data-test=disk-drop]');
    my $url = $b->url;
    $b->_do('DELETE', '/cookie');
    $b->wait_text('Your session has ended', 20);
    is scalar(my @cards = $b->all('[data-template], [data-test=ask-uninstall]')), 0, 'it is told, and nothing of hers is left to be seen';
    is $b->url, $url, 'nobody is sent away';

    $b->click('[data-test=sign-in]');
    $b->find($sd);                              # Logto still knows her
    is $b->find('[data-test=disk-drop]')->attr('aria-checked'), 'true', 'after the sign-in the question stands there as it was';
    $b->press('escape');
    is $b->find('[data-test=search]')->prop('value'), 'stable', 'and so does what she has searched for';
    is state($b, $sd), 'ready', 'nothing was uninstalled';
};

done_testing;
