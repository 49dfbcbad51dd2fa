# t/dashboard.t — what a person does in the dashboard, in a browser: sign in,
# install, visit, release, start; and what appears there by itself

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t    = AIGC::Stack->start(faults => 1);
my $b    = $t->browser;
my $name = 'stable-diffusion-cpu';
my $sd   = card($name);
my $patch = '^/apis/game.kruise.io/.*/gameserversets/';

sub card  { return qq([data-template="default/$_[0]"]) }
sub state { my ($b, $card) = @_; $b->find("$card [data-test=state]")->attr('data-state') }
sub wait_state {
    my ($b, $card, $state) = @_;
    $b->find("$card [data-test=state][data-state=$state]", undef, 20);
}
# … and can be pressed: a button that was just pressed rests for a moment.
sub shown { return sprintf '%s [data-test=%s]:not([hidden], :disabled)', @_ }

# What stands there to be pressed.
sub offers {
    my ($b, $card) = @_;
    return join ' ', @{ $b->run('return [...document.querySelectorAll(arguments[0])].map(e => e.dataset.test)',
        "$card .buttons > :not([hidden])") };
}

subtest 'alice signs in' => sub {
    $b->go('/?from=mail');
    $b->find('[data-test=sign-in]:is(#stranger:not([hidden]) *)');
    like $b->url, qr{/\?from=mail$}, 'a stranger is asked, not sent away';

    $b->click('[data-test=sign-in]');
    $b->sign_in('alice');
    $b->find($sd);
    is $b->url, $t->url('/?from=mail'), 'and comes back to the page that was asked for';
    is $b->text('[data-test=user]'), 'Alice', 'the page says who is signed in';
    like $b->text($sd), qr{stable-diffusion:v1.0.0-cpu.*50 GiB.*0 running, 0 released}s, 'the card says what one gets';
    is offers($b, $sd), 'install', 'it offers Install, and nothing else';
    is $b->find("$sd [data-test=install]")->role, 'button', 'a real button';
    $b->run('window.still = "here"');
};

subtest 'install, visit' => sub {
    my $mark = $t->audit_mark;
    double_click($b, shown($sd, 'install'));
    wait_state($b, $sd, 'ready');
    is offers($b, $sd), 'visit release', 'a ready instance can be visited and released';
    is_deeply $t->gateway_writes($mark), { $name => 1 }, 'a double click is one install, and no release';
    like $b->text($sd), qr/1 running, 0 released/, 'the card counts it';
    like $b->text("$sd .since"), qr/since \S/, 'and says since when it is hers';

    $b->click(shown($sd, 'visit'));
    $b->wait_url(qr{^http://instances0-cpu\.});
    is $b->url, 'http://instances0-cpu.' . $t->root . ':' . $t->port . '/', 'Visit leads to her own host';
    like $b->text, qr/\Q$name\E, instance 0/, 'served by her pod';
    $b->back;
    wait_state($b, $sd, 'ready');
    $b->run('window.still = "here"');
};

subtest 'release, start' => sub {
    my $href = $b->find(shown($sd, 'visit'))->attr('href');

    $b->click(shown($sd, 'release'));
    wait_state($b, $sd, 'released');
    is offers($b, $sd), 'start', 'what is released can be started';
    is scalar(() = $t->kube_list('pods')), 0, 'its pod is gone';

    $b->click(shown($sd, 'start'));
    wait_state($b, $sd, 'ready');
    is $b->find(shown($sd, 'visit'))->attr('href'), $href, 'the same host again';
    $b->click(shown($sd, 'visit'));
    $b->wait_text("$name, instance 0");
    $b->back;
    wait_state($b, $sd, 'ready');
    $b->run('window.still = "here"');
};

subtest 'cards come and go' => sub {
    my $evil = '<img src=/x onerror="window.evil = 1">';
    my $dot  = 'data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';
    my $new  = card('notebook');
    my $bad  = card('bad-host');

    $t->apply_template('notebook', { metadata => { annotations => {
        'aigc-gateway.io/title' => $evil, 'aigc-gateway.io/icon' => $dot } } });
    $b->find($new);
    like $b->text($new), qr/\Q$evil\E.*Jupyter.*2.*4 GiB/s, 'a template that is applied appears, its title as text';
    is offers($b, $new), 'install', 'and can be installed';
    is $b->find("$new img:not([hidden])")->attr('src'), $dot, 'with its icon';

    $t->apply_template('notebook', { metadata => { name => 'bad-host' } }, sub {
        $_->{value} = 'notebook.' . $t->root for grep { $_->{name} eq 'Host' } @{ $_[0]{spec}{network}{networkConf} };
    });
    like $b->find(shown($bad, 'misconfigured'))->text, qr/Host .* has no <id>/, 'what is wrong with a template is said';
    is offers($b, $bad), '', 'and it cannot be installed';

    $t->kubectl('delete', 'gameserverset', 'notebook', 'bad-host');
    $b->wait(sub { !$b->all("$new, $bad") }, 10, 'both cards go');
    is $b->run('return [window.still, window.evil]')->[0], 'here', 'all without a reload';
    is $b->run('return window.evil'), undef, 'and nothing of a template runs';
};

subtest 'it listens, and need not ask' => sub {
    my $lines = sub { open my $f, '<', $t->file('log/access.log') or die $!; grep { m{ /api/v1/(?:instances|templates) } } <$f> };
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
    my $bob = $t->browser(width => 390, height => 800);
    $bob->go('/');
    $bob->click('[data-test=sign-in]');
    $bob->sign_in('bob');
    $bob->find($sd);
    is $bob->text('[data-test=user]'), 'Bob', 'bob is bob';
    is state($bob, $sd), 'none', 'he has none';
    is offers($bob, $sd), 'install', 'and sees neither Visit nor Release';
    like $bob->text($sd), qr/1 running/, 'though one runs';
    unlike $bob->source, qr/instances0-cpu/, 'her host is nowhere in his page';
    ok $bob->run('return document.documentElement.scrollWidth <= innerWidth'), 'the page fits a phone';
    $bob->quit;
};

subtest 'when it does not work' => sub {
    $t->faults([{ method => 'PATCH', path => $patch, action => { status => 403,
        body => '{"kind":"Status","status":"Failure","reason":"Forbidden","code":403,"message":"no"}',
        contentType => 'application/json' } }]);
    $b->click(shown($sd, 'release'));
    like $b->find(shown($sd, 'error'))->text, qr/cluster refuses it/, 'the gateway\'s words stand in the card';
    is offers($b, $sd), 'visit release', 'nothing is lost';
    ok $b->find(shown($sd, 'release'))->enabled, 'and it can be tried again';
    $t->no_faults;

    # The first two answers are 503, as a gateway that is busy gives them.
    $b->run('
        const real = window.fetch;
        window.posts = 0;
        window.fetch = (url, o) => o.method === "POST" && ++window.posts < 3
            ? Promise.resolve(new Response(JSON.stringify({ detail: "The cluster is busy." }),
                { status: 503, headers: { "Retry-After": "1" } }))
            : real(url, o);');
    $b->click(shown($sd, 'release'));
    $b->wait_text('The cluster is busy. Trying again');
    ok !$b->find("$sd [data-test=release]")->enabled, 'a button is disabled while its call is under way';
    wait_state($b, $sd, 'released');
    is $b->run('return window.posts'), 3, '503 with Retry-After is tried again';
    is scalar(my @error = $b->all(shown($sd, 'error'))), 0, 'and no error is left';

    $b->run('
        window.real = window.fetch;
        window.gets = 0;
        window.fetch = () => { window.gets++; return Promise.reject(new TypeError("offline")) };');
    $b->find('[data-test=notice]:not([hidden])', 'does not answer');
    $b->find($sd);
    pass 'a gateway that is gone is told, and the cards stay';
    $b->run('window.fetch = window.real');
    $b->wait(sub { !$b->all('[data-test=notice]:not([hidden])') }, 20, 'the notice goes by itself');
};

subtest 'a page that nobody looks at asks nothing' => sub {
    # Headless, every page is visible: the page is told otherwise.
    my $hide = sub { $b->run('
        Object.defineProperty(document, "hidden", { value: arguments[0], configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));', $_[0] ? \1 : \0) };
    $hide->(1);
    sleep 1;                                    # for what is under way
    my $before = requests();
    sleep 6;                                    # longer than the 5 s of a calm page
    is requests() - $before, 0, 'hidden: no request';
    $hide->(0);
    $b->wait(sub { requests() > $before }, 2, 'at once when it is looked at again');
    pass 'at once when it is looked at again';
};

sub requests {
    open my $f, '<', $t->file('log/access.log') or die $!;
    return scalar grep { m{ /api/v1/} } <$f>;
}

subtest 'sign out' => sub {
    is_deeply [ grep { !/\bstatus of (?:401|404|502)\b/ } map { $_->{message} } $b->console ], [],
        'until here the page did nothing that its policy forbids';

    $b->click('[data-test=sign-out]');
    $b->find('#stranger:not([hidden])');
    is $b->run('return document.querySelectorAll("[data-template]").length'), 0, 'nothing of hers is left on the page';
    my $back = $b->url;
    $b->click('[data-test=sign-in]');
    my $asked = eval { $b->find('input[name=password]', undef, 5) };

    TODO: {
        # A browser holds a form's redirects against form-action, too.
        local $TODO = "form-action 'self' keeps the browser from Logto's end of the session"
            if $t->stranger->get('/')->header('Content-Security-Policy') =~ /form-action 'self'\s*;/;
        is $back, $t->url('/'), 'Logto sends back to the dashboard';
        ok $asked, 'and the next one has to give a password';
    }

    $b->sign_in('alice') if $asked;
    $b->find($sd);
    my $url = $b->url;
    $b->_do('DELETE', '/cookie');
    $b->find('#stranger:not([hidden])');
    is $b->url, $url, 'a session that has ended is told, and nobody is sent away';
};

done_testing;

# As a hand does it: both at the same place, whatever stands there meanwhile.
sub double_click {
    my ($b, $css) = @_;
    my $at = $b->run('const r = document.querySelector(arguments[0]).getBoundingClientRect();
        return [Math.round(r.x + r.width / 2), Math.round(r.y + r.height / 2)]', $css);
    my @click = ({ type => 'pointerDown', button => 0 }, { type => 'pointerUp', button => 0 });
    $b->_do('POST', '/actions', { actions => [{ type => 'pointer', id => 'mouse', actions => [
        { type => 'pointerMove', x => $at->[0], y => $at->[1], duration => 0 },
        @click, { type => 'pause', duration => 300 }, @click ] }] });
}
