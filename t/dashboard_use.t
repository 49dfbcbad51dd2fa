# t/dashboard_use.t — everybody can use the dashboard: in Chinese and English,
# on a phone, by keyboard alone, by a screen reader, in the dark; and it is light

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

my $t    = AIGC::Stack->start(templates => [qw(stable-diffusion-cpu stable-diffusion-gpu notebook)]);
my $sd   = card('stable-diffusion-gpu');
my $note = card('notebook');
my $b    = $t->browser;

sub colours { $_[0]->cdp('Emulation.setEmulatedMedia', { features => [{ name => 'prefers-color-scheme', value => $_[1] }] }) }

sub no_violation {
    my ($b, $what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($passes, @violations) = axe($b);
    note "axe-core, $what: $passes rules hold, " . @violations . ' do not';
    diag "axe-core, $what: $_" for @violations;
    is scalar(@violations), 0, "axe-core has nothing against $what ($passes rules hold)";
}

# What the search and the filter leave.
sub cards { join ' ', @{ $_[0]->run('return [...document.querySelectorAll("[data-template]")].map(e => e.dataset.template.slice(8))') } }

subtest 'the first load is light' => sub {
    $b->go('/');
    $b->find('[data-test=sign-in]');
    my $sizes = $b->run('return performance.getEntries()
        .filter(e => e.entryType === "navigation" || e.entryType === "resource")
        .map(e => [new URL(e.name).pathname, e.encodedBodySize]).sort((a, b) => b[1] - a[1])');
    my $sum = 0;
    for (@$sizes) {
        note sprintf '%7d bytes  %s', $_->[1], $_->[0];
        $sum += $_->[1];
    }
    diag sprintf 'first load: %.1f KB in %d requests', $sum / 1000, scalar @$sizes;
    cmp_ok $sum, '<=', 250_000, 'at most 250 KB come over the wire';
    is_deeply [ grep { !m{^/} } map { $_->[0] } @$sizes ], [], 'all of it from here';
    my $policy = $t->stranger->get('/')->header('Content-Security-Policy');
    like $policy, qr/default-src 'none'/, 'the policy forbids by itself';
    unlike $policy, qr/unsafe|\*/, 'and has no exception';
    my ($asset) = map { $_->[0] } grep { $_->[0] =~ /^\/assets/ } @$sizes;
    like $t->stranger->get($asset)->header('Cache-Control'), qr/immutable/, 'its parts are kept by the browser';
    is $t->stranger->get('/assets/old.js')->code, 404, 'a part that is not there is no page';
};

subtest 'axe-core' => sub {
    no_violation($b, 'the page of those who are not signed in');
    colours($b, 'dark');
    no_violation($b, '… in the dark');
    colours($b, 'light');
    sign_in($b, 'alice');
    $b->find($sd);
    $b->click(shown($sd, 'install'));
    wait_state($b, $sd, 'ready');
    $b->click(shown($note, 'install'));
    wait_state($b, $note, 'ready');
    $b->click(shown($note, 'release'));
    wait_state($b, $note, 'released');
    no_violation($b, 'the cards');
    colours($b, 'dark');
    no_violation($b, 'the cards in the dark');
    colours($b, 'light');
    $b->click(shown($sd, 'more'));
    $b->find('.menu');
    no_violation($b, 'an open menu');
    $b->click('.menu [data-test=uninstall]');
    $b->find('[data-test=ask-uninstall]');
    no_violation($b, 'the question before an uninstall');
    $b->press('escape');
    $b->wait(sub { !$b->all('[data-test=ask-uninstall]') }, 5, 'it goes');
    $b->type('[data-test=search]', 'nothing of that kind');
    $b->find('[data-test=empty-nothing]');
    no_violation($b, 'a search that finds nothing');
    $b->click('[data-test=show-all]');
};

subtest 'search and filter' => sub {
    is cards($b), 'notebook stable-diffusion-gpu stable-diffusion-cpu', 'all, by their titles';
    $b->type('[data-test=search]', 'DIFF gpu');
    $b->wait(sub { cards($b) eq 'stable-diffusion-gpu' }, 5, 'each word counts');
    like $b->url, qr/q=DIFF/, 'the address has it';
    $b->refresh;
    $b->find($sd);
    is cards($b), 'stable-diffusion-gpu', 'and a reload loses nothing';
    $b->find('[data-test=search]');
    $b->run('document.querySelector("[data-test=search]").focus()');
    $b->press('escape');
    $b->wait(sub { cards($b) =~ /notebook/ }, 5, 'Escape clears it');
    $b->click('[data-test=filter-gpu]');
    $b->wait(sub { cards($b) eq 'stable-diffusion-gpu' }, 5, 'what needs a GPU');
    $b->click('[data-test=filter-mine]');
    $b->wait(sub { cards($b) eq 'notebook stable-diffusion-gpu' }, 5, 'what is hers');
    is $b->find('[data-test=filter-mine]')->attr('aria-pressed'), 'true', 'a screen reader hears which';
    $b->click('[data-test=filter-all]');
};

subtest 'why it hangs' => sub {
    my @hangs = (
        [place => 'fake/unschedulable', '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.', qr/No GPU is free/],
        [prepare => 'fake/attach', 'Multi-Attach error for volume "pvc-1"', qr/disk cannot be attached yet/],
        [prepare => 'fake/waiting', 'ImagePullBackOff: Back-off pulling image "demo:v9"', qr/image cannot be loaded/],
        [run => 'fake/crash', '137', qr/used up its memory/],
    );
    for (@hangs) {
        my ($step, $how, $says, $words) = @$_;
        my $name = 'hangs-' . $how =~ s{.*/}{}r;
        my $card = card($name);
        $t->apply_template('notebook', { metadata => { name => $name },
            spec => { gameServerTemplate => { metadata => { annotations => { $how => $says } } } } }, sub {
            $_->{value} = "$name<id>." . $t->root for grep { $_->{name} eq 'Host' } @{ $_[0]{spec}{network}{networkConf} };
        });
        $b->click(shown($card, 'install'));
        $b->find("$card [data-test=reason]", undef, 30);
        $b->wait(sub { $b->text("$card [data-test=reason]") =~ $words }, 20, 'the words');
        like $b->text("$card [data-test=reason]"), $words, "$how: in words";
        is $b->find("$card [data-test=steps]")->attr('data-step'), $step, '… at its step';
        $b->click("$card [data-test=reason] summary");
        like $b->text("$card [data-test=reason] code"), qr/^\w+: \S/, '… and the cluster\'s own';
        my $time = $b->text("$card [data-test=elapsed]");
        like $time, qr/^\d+:\d\d$/, '… and for how long';
        $b->wait(sub { $b->text("$card [data-test=elapsed]") ne $time }, 5, 'the clock goes on');
        no_violation($b, "a card that hangs ($how)");
        menu($b, $card, 'uninstall');
        $b->click('[data-test=disk-drop]');
        $b->click('[data-test=confirm]');
        wait_state($b, $card, 'none', 40);
        $t->kubectl('delete', 'gameserverset', $name);
    }
};

subtest 'Chinese and English' => sub {
    $b->click('[data-test=language]');
    $b->find("$sd [data-test=release]", '释放');
    is $b->run('return document.documentElement.lang'), 'zh-CN', 'the page says that it is Chinese';
    is $b->title, 'AI 应用', '… its title, too';
    like $b->text('main'), qr/应用.*搜索|按需安装/s, 'and is it';
    unlike $b->text("$sd .below"), qr/\b(Visit|Release|Yours)\b/, 'all of it';
    is $b->find('[data-test=language]')->text, 'English', 'the other one is a click away';
    no_violation($b, 'the Chinese page');
    $b->refresh;
    $b->find("$sd [data-test=release]", '释放');
    pass 'it is remembered';

    my $zh = $t->browser(languages => 'fr-FR,zh-CN,en');
    $zh->go('/');
    $zh->find('[data-test=sign-in]', '登录');
    pass 'by itself it is what the browser likes best of the two';
    $zh->quit;
    $b->click('[data-test=language]');
    $b->find("$sd [data-test=release]", 'Release');
};

subtest 'light and dark' => sub {
    my $page = sub { $b->run('return getComputedStyle(document.body).backgroundColor') };
    colours($b, 'light');
    my $light = $page->();
    colours($b, 'dark');
    $b->wait(sub { $page->() ne $light }, 5, 'by itself it is as the system');
    $b->click('[data-test=theme]');
    $b->click('.menu-item', 'Light');
    $b->wait(sub { $page->() eq $light }, 5, 'what is chosen comes first');
    $b->refresh;
    $b->find($sd);
    is $page->(), $light, 'and is remembered';
};

subtest 'a phone' => sub {
    $b->cdp('Emulation.setDeviceMetricsOverride', { width => 360, height => 740, deviceScaleFactor => 2, mobile => \1 });
    ok $b->run('return document.documentElement.scrollWidth <= innerWidth'), 'nothing sticks out';
    my $small = $b->run('return [...document.querySelectorAll("main .buttons .button, header button")]
        .filter(e => Math.round(e.getBoundingClientRect().height) < 44).map(e => e.outerHTML.slice(0, 80))');
    is_deeply $small, [], 'each button is a finger\'s width';
    no_violation($b, 'the page on a phone');
    $b->run('document.querySelector(arguments[0]).scrollIntoView({ block: "center" })', "$sd .buttons");
    menu($b, $sd, 'uninstall');
    $b->find('[data-test=ask-uninstall]');
    ok $b->run('const r = document.querySelector("[data-test=ask-uninstall]").getBoundingClientRect();
        return r.left >= 0 && r.right <= innerWidth && r.top >= 0 && r.bottom <= innerHeight'), 'a dialog fits';
    $b->press('escape');
    $b->cdp('Emulation.clearDeviceMetricsOverride');
};

subtest 'by keyboard alone' => sub {
    my $k = $t->browser;
    my $focus = sub { $k->run('const e = document.activeElement; return e.dataset.test || e.tagName.toLowerCase()') };
    my $tab_to = sub {
        my ($what, $within) = @_;
        for (1 .. 40) {
            return 1 if $focus->() eq $what
                && (!$within || $k->run('return !!document.activeElement.closest(arguments[0])', $within));
            $k->press('tab');
        }
        return 0;
    };

    $k->go('/');
    $k->find('[data-test=sign-in]');
    $k->press('tab');
    is $k->run('return document.activeElement.hash'), '#main', 'the first stop skips what is on top';
    ok $tab_to->('sign-in'), 'Tab comes to Sign in';
    $k->press('enter');
    $k->find('input[name=username]');
    $k->sign_in('bob');
    $k->find($note);

    ok $tab_to->('install', $note), 'Tab comes to Install';
    $k->press('enter');
    wait_state($k, $note, 'ready');
    isnt $focus->(), 'body', 'the focus is not lost';
    ok $k->run('return !!document.activeElement.closest(arguments[0])', $note), '… and stays on the card';
    ok $tab_to->('more', $note), 'Tab comes to the menu';
    $k->press('enter');
    $k->find('.menu');
    $k->press('down', 'enter');
    $k->find('[data-test=ask-uninstall]');
    $k->wait(sub { $k->run('return !!document.activeElement.closest("[data-test=ask-uninstall]")') }, 5, 'the dialog has the focus');
    ok $tab_to->('disk-keep'), 'Tab comes to the choice';
    $k->press('down');
    $k->wait(sub { $k->find('[data-test=disk-drop]')->attr('aria-checked') eq 'true' }, 5, 'an arrow chooses');
    ok $tab_to->('confirm'), 'Tab comes to the end of the dialog';
    $k->press('tab') for 1 .. 8;
    ok $k->run('return !!document.activeElement.closest("[data-test=ask-uninstall]")'), 'and never out of it';
    ok $tab_to->('confirm'), 'once around';
    $k->press('enter');
    wait_state($k, $note, 'none', 30);
    pass 'installed and uninstalled without a mouse';
    $k->quit;
};

is_deeply [ told($b) ], [], 'all that time the page did nothing that its policy forbids';

subtest 'who it is, while events come' => sub {
    # a minute is half a second here, and each time-out is written down
    my $source = $b->cdp('Page.addScriptToEvaluateOnNewDocument', { source => q{
        window.delays = []
        const real = window.setTimeout
        window.setTimeout = (f, ms, ...rest) => {
            window.delays.push(ms)
            return real(f, ms === 60000 ? 500 : ms, ...rest)
        }
        window.asked = () => performance.getEntriesByType('resource').map(e => new URL(e.name).pathname)
    } });
    $b->refresh;
    $b->find($note);
    $b->wait(sub { $b->run('return delays.filter(ms => ms === 60000).length') >= 3 }, 20, 'it asks once a minute');
    is_deeply $b->run('return delays.slice(delays.indexOf(60000)).filter(ms => ms > 1000 && ms < 60000)'), [], 'and not sooner';
    my $lists = q{return asked().filter(path => /(?:templates|instances)$/.test(path)).length};
    my ($before, $me) = ($b->run($lists), $b->run('return asked().filter(path => /me$/.test(path)).length'));
    $b->wait(sub { $b->run('return asked().filter(path => /me$/.test(path)).length') > $me + 1 }, 20, 'for /me');
    is $b->run($lists), $before, 'and for nothing else: the events tell it';
    $b->cdp('Page.removeScriptToEvaluateOnNewDocument', $source);
};

done_testing;
