# t/dashboard_trouble.t — when something does not work the dashboard says so, in
# words, and loses nothing of what its user was about

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

my $t = AIGC::Stack->start(faults => 1, templates => [qw(stable-diffusion-cpu notebook)],
    directives => { aigc_limits => 'user_total=1' });
my $b     = $t->browser;
my $sd    = card('stable-diffusion-cpu');
my $note  = card('notebook');
my $patch = '^/apis/game.kruise.io/.*/gameserversets/';

sub error { my ($card) = @_; return $b->find("$card [data-test=error]", undef, 20) }

sub problem {
    my ($status, $code) = @_;
    return qq(Promise.resolve(new Response(JSON.stringify({ status: $status, code: "$code", detail: "The gateway says $code." }),
        { status: $status, headers: { "Retry-After": "1" } })));
}

# What fetch() gives for the calls of the API that match.
sub answer {
    my ($test, $answer) = @_;
    $b->run("window.real ??= window.fetch; window.fetch = (url, o) => ($test) ? $answer : window.real(url, o)");
}

sub answer_really { $b->run('window.fetch = window.real') }

sign_in($b->go('/'), 'alice');
$b->find($sd);
$b->click(shown($sd, 'install'));
wait_state($b, $sd, 'ready');

subtest 'the cluster refuses' => sub {
    $t->faults([{ method => 'PATCH', path => $patch, action => { status => 403,
        body => '{"kind":"Status","status":"Failure","reason":"Forbidden","code":403,"message":"no"}',
        contentType => 'application/json' } }]);
    $b->click(shown($sd, 'release'));
    like error($sd)->text, qr/cluster refuses it/i, 'the card says so';
    is error($sd)->role, 'alert', 'a screen reader, too';
    my (undef, @violations) = axe($b);
    is_deeply \@violations, [], 'axe-core has nothing against it';
    is offers($b, $sd), 'visit release more', 'nothing is lost';
    ok $b->find(shown($sd, 'release'))->enabled, 'and it can be tried again';
    $b->click('[data-test=language]');
    $b->wait(sub { error($sd)->text =~ /集群拒绝/ }, 5, 'in the other language, too');
    $b->click('[data-test=language]');
    $t->no_faults;
    $b->click("$sd [data-test=error] button");
    $b->wait(sub { !$b->all("$sd [data-test=error]") }, 5, 'it can be put away');
};

subtest 'the API server is away' => sub {
    $b->type('[data-test=search]', 'stable');
    menu($b, $sd, 'uninstall');
    $t->apiserver_down;
    $b->find('[data-test=ask-uninstall]');
    $b->click('[data-test=confirm]');
    like error($sd)->text, qr/cluster (?:cannot be reached|is busy)/i, 'the card says so';
    is $b->find('[data-test=search]')->prop('value'), 'stable', 'what was searched for stays';
    is state($b, $sd), 'ready', 'and so does the card';
    $t->apiserver_up;
    $t->wait_for(sub { $t->ready }, 30, 'it is back');
    $b->click('[data-test=filter-all]');
    $b->run('document.querySelector("[data-test=search]").focus()');
    $b->press('escape');
};

subtest 'the limit is reached' => sub {
    $b->click(shown($note, 'install'));
    like error($note)->text, qr/as many applications as you may have/, 'the card says so, and what to do';
    is error($note)->attr('data-code'), 'limit-user-total', 'by the gateway\'s own code';
    is state($b, $note), 'none', 'nothing was installed';
};

subtest 'busy: it is tried again' => sub {
    $b->run('window.posts = 0');
    answer('o.method === "POST" && ++window.posts < 3', problem(503, 'cluster-busy'));
    $b->click(shown($sd, 'release'));
    $b->wait_text('The cluster is busy. Trying again');
    ok !$b->find("$sd [data-test=release]")->enabled, 'a button is disabled while its call is under way';
    wait_state($b, $sd, 'released');
    is $b->run('return window.posts'), 3, '503 with Retry-After is tried again';
    is scalar(my @error = $b->all("$sd [data-test=error]")), 0, 'and no error is left';
    answer_really();
};

subtest 'offline' => sub {
    my $net = sub { $b->cdp('Network.emulateNetworkConditions', { offline => $_[0] ? \1 : \0, latency => 0,
        downloadThroughput => -1, uploadThroughput => -1 }) };
    $b->cdp('Network.enable');
    menu($b, $sd, 'uninstall');
    $b->click('[data-test=disk-drop]');
    $net->(1);
    $b->find('[data-test=notice]', undef, 30);
    like $b->text('[data-test=notice]'), qr/offline|does not answer/, 'it is told';
    is $b->find('[data-test=disk-drop]')->attr('aria-checked'), 'true', 'the question that was open is as it was';
    $b->press('escape');
    $b->find($sd);
    $b->click(shown($sd, 'start'));
    like error($sd)->text, qr/does not answer. If it was done all the same, that will show here/, 'a button says so, too';
    $net->(0);
    $b->run('dispatchEvent(new Event("online"))');
    $b->wait(sub { !$b->all('[data-test=notice]') }, 30, 'the notice goes by itself');
    is state($b, $sd), 'released', 'nothing was done';
};

subtest 'Logto is away' => sub {
    answer('url.endsWith("/me")', problem(503, 'sign-in-unavailable'));
    $b->run('dispatchEvent(new Event("online"))');      # else it asks once a minute
    $b->find('[data-test=notice][data-screen=logto]', undef, 20);
    like $b->text('[data-test=notice]'), qr/sign-in service cannot be reached/, 'it is told';
    $b->find($sd);
    pass 'and the cards stay';
    answer_really();
    $b->wait(sub { !$b->all('[data-test=notice]') }, 30, 'the notice goes by itself');

    # … from the beginning on
    my $source = $b->cdp('Page.addScriptToEvaluateOnNewDocument', { source =>
        'window.real = window.fetch; window.fetch = (url, o) => url.startsWith("/api") ? ' . problem(503, 'sign-in-unavailable') . ' : real(url, o)' });
    $b->refresh;
    $b->find('[data-test=screen-logto]');
    like $b->text('[data-test=screen-logto]'), qr/you stay signed in/, 'a screen of its own';
    my (undef, @violations) = axe($b);
    is_deeply \@violations, [], 'axe-core has nothing against it';
    $b->cdp('Page.removeScriptToEvaluateOnNewDocument', $source);
    answer_really();
    $b->click('[data-test=again]');
    $b->find($sd);
    pass 'and it goes on';
};

subtest 'screens of their own' => sub {
    my %screen = (
        cluster => [503, 'starting', qr/cluster cannot be reached/],
        trouble => [502, 'garbage', qr/Something went wrong.*The gateway says garbage/s],
    );
    for my $kind (sort keys %screen) {
        my ($status, $code, $words) = @{ $screen{$kind} };
        my $source = $b->cdp('Page.addScriptToEvaluateOnNewDocument', { source =>
            'window.real = window.fetch; window.fetch = (url, o) => url.startsWith("/api") ? ' . problem($status, $code) . ' : real(url, o)' });
        $b->refresh;
        $b->find("[data-test=screen-$kind]");
        like $b->text("[data-test=screen-$kind]"), $words, $code;
        $b->cdp('Page.removeScriptToEvaluateOnNewDocument', $source);
    }
    $b->go('/admin');
    $b->find('[data-test=screen-forbidden]', undef, 20);
    like $b->text('[data-test=screen-forbidden]'), qr/for administrators/, 'forbidden';
    $b->click('[data-test=screen-forbidden] button');
    $b->find($sd);
};

is_deeply [ grep { !/The gateway|TypeError/ } told($b) ], [], 'all that time the page did nothing that its policy forbids';

done_testing;
