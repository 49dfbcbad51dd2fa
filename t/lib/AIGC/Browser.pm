package AIGC::Browser;

# Chromium by ChromeDriver's REST interface (W3C WebDriver).

use strict;
use warnings;

use Carp qw(croak);
use File::Path qw(remove_tree);
use JSON::PP ();
use MIME::Base64 qw(decode_base64);
use Time::HiRes qw(sleep time);

use AIGC::Process;
use AIGC::Secrets;

use constant ELEMENT => 'element-6066-11e4-a52e-4f735466cecf';
use constant ENTER   => "\x{e007}";

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# width, height, languages ("zh-CN,zh"), scrollbars => 0, third_party => 0 or 1
# (cookies for what a page has of other sites); several browsers of a stack share
# one driver.
sub start {
    my ($class, $stack, %o) = @_;
    my $self = bless { stack => $stack, port => $stack->port(9) }, $class;
    $self->{profile} = $stack->file('run/chromium-' . ++$stack->{profiles});

    $stack->{process}{driver} //= $self->_driver;
    my $session = $self->_call('POST', '/session', { capabilities => { alwaysMatch => {
        browserName => 'chrome', acceptInsecureCerts => JSON::PP::true,
        'goog:chromeOptions' => { binary => $self->_tied, args => [
            qw(--headless --disable-gpu --disable-quic --no-first-run
                --disable-background-networking --disable-component-update
                --disable-sync --disable-dev-shm-usage),
            ($o{scrollbars} // 1 ? () : '--hide-scrollbars'),
            ($> == 0 ? '--no-sandbox' : ()),
            '--force-prefers-reduced-motion',
            # whatever a page asks for, nothing leaves this machine
            '--host-resolver-rules=' . join(', ', map({ "MAP *.$_ 127.0.0.1, MAP *.$_. 127.0.0.1, MAP $_ 127.0.0.1" }
                $stack->root, $stack->domain), 'MAP * ~NOTFOUND', 'EXCLUDE 127.0.0.1'),
            sprintf('--window-size=%d,%d', $o{width} // 1280, $o{height} // 900),
            "--user-data-dir=$self->{profile}",
        ], prefs => { 'intl.accept_languages' => $o{languages} // 'en-US,en',
            defined $o{third_party} ? ('profile.cookie_controls_mode' => $o{third_party} ? 0 : 1) : () } },
        'goog:loggingPrefs' => { browser => 'ALL' },
    } } });
    $self->{session} = $session->{sessionId};
    return $self;
}

# ChromeDriver ends with the test, and leaves its browser running when a signal ends
# it: so the browser is started in a way that ends it with the driver.
sub _tied {
    my $self = shift;
    my $file = $self->{stack}->file('run/chromium');
    open my $f, '>', $file or croak "$file: $!";
    print $f qq(#!/bin/sh\nexec setpriv --pdeathsig KILL -- chromium "\$@"\n);
    close $f;
    chmod 0755, $file;
    return $file;
}

sub _driver {
    my $self  = shift;
    my $stack = $self->{stack};
    my $driver = AIGC::Process->start(name => 'chromedriver',
        command => ['chromedriver', "--port=$self->{port}"],
        log => $stack->file('log/chromedriver.log'), $stack->process_options('driver'));
    $stack->wait_for(sub { eval { $stack->plain('GET', $self->{port}, '/status')->ok } },
        20, 'chromedriver is ready', $driver);
    return $driver;
}

sub quit {
    my $self = shift;
    $self->{session} or return;
    eval { $self->all_cookies };                # no log may hold them
    my $session = delete $self->{session};
    eval { $self->_call('DELETE', "/session/$session") };
}

sub _call {
    my ($self, $method, $path, $body) = @_;
    my $r = $self->{stack}->plain($method, $self->{port}, $path,
        $method eq 'POST' ? (body => $json->encode($body // {}),
            headers => ['Content-Type' => 'application/json']) : ());
    my $value = $r->json->{value};
    if (!$r->ok) {
        $value->{message} =~ s/\n.*//s;
        croak "browser: $method $path: $value->{error}: $value->{message}";
    }
    return $value;
}

sub _do {
    my ($self, $method, $path, $body) = @_;
    return $self->_call($method, "/session/$self->{session}$path", $body);
}

### Pages

sub go {            # a path alone means the gateway
    my ($self, $url) = @_;
    $url = $self->{stack}->url($url) if $url =~ m{^/};
    $self->_do('POST', '/url', { url => $url });
    return $self;
}

sub url     { $_[0]->_do('GET', '/url') }
sub title   { $_[0]->_do('GET', '/title') }
sub source  { $_[0]->_do('GET', '/source') }
sub back    { $_[0]->_do('POST', '/back') }
sub refresh { $_[0]->_do('POST', '/refresh') }
sub cookies { $_[0]->_do('GET', '/cookie') }
sub text    { my ($self, $css) = @_; $self->run('return (document.querySelector(arguments[0]) || {innerText: ""}).innerText', $css // 'body') }

# JavaScript in the page, e.g. run('return arguments[0] + 1', 2).
sub run {
    my ($self, $script, @args) = @_;
    return $self->_do('POST', '/execute/sync', { script => $script, args => \@args });
}

# What a promise comes to: await('return fetch("/x").then(r => r.status)').
sub await {
    my ($self, $script, @args) = @_;
    my $r = $self->_do('POST', '/execute/async', { args => \@args, script => "
        const done = arguments[arguments.length - 1];
        Promise.resolve((function () { $script }).apply(null, arguments))
            .then(value => done({ value }), error => done({ error: String(error) }));" });
    croak "browser: $r->{error}" if defined $r->{error};
    return $r->{value};
}

# A command of the browser's own protocol, e.g.
# cdp('Emulation.setEmulatedMedia', { features => [{ name => …, value => … }] }).
sub cdp {
    my ($self, $command, $params) = @_;
    return $self->_do('POST', '/goog/cdp/execute', { cmd => $command, params => $params // {} });
}

# Keys as a hand presses them, one after the other: "a", or a name of %KEYS.
my %KEYS = (tab => "\x{e004}", enter => "\x{e007}", space => ' ', escape => "\x{e00c}", shift => "\x{e008}",
    up => "\x{e013}", down => "\x{e015}", left => "\x{e012}", right => "\x{e014}");

sub press {
    my ($self, @keys) = @_;
    my @actions = map { my $key = $KEYS{$_} // $_;
        ({ type => 'keyDown', value => $key }, { type => 'pause', duration => 40 }, { type => 'keyUp', value => $key }) } @keys;
    $self->_do('POST', '/actions', { actions => [{ type => 'key', id => 'keys', actions => \@actions }] });
    return $self;
}

# Every cookie of every site, by Chromium's own interface.
sub all_cookies {
    my $self = shift;
    my $list = $self->cdp('Network.getAllCookies')->{cookies};
    AIGC::Secrets::note($_->{value}, "cookie $_->{name}") for @$list;
    return @$list;
}

# Into a frame of the page (CSS), or back to the page.
sub frame {
    my ($self, $css) = @_;
    my $id = defined $css ? { ELEMENT() => $self->find($css)->{id} } : undef;
    $self->_do('POST', '/frame', { id => $id });
    return $self;
}

# The windows that are open; to one of them.
sub windows { @{ $_[0]->_do('GET', '/window/handles') } }
sub window  { my ($self, $handle) = @_; $self->_do('POST', '/window', { handle => $handle }); return $self }

sub console { @{ $_[0]->_do('POST', '/se/log', { type => 'browser' }) } }

sub screenshot {
    my ($self, $file) = @_;
    open my $f, '>:raw', $file or croak "$file: $!";
    print $f decode_base64($self->_do('GET', '/screenshot'));
    close $f;
}

### Elements, by CSS selector, by visible text, or by XPath

# Waits for it; `find('button', 'Install')` is the first button that says so.
sub find {
    my ($self, $css, $text, $seconds) = @_;
    my $found;
    $self->wait(sub { ($found) = $self->all($css, $text); $found },
        $seconds, "$css" . (defined $text ? " \"$text\"" : ''));
    return $found;
}

sub all {
    my ($self, $css, $text) = @_;
    my $list = $self->run('
        const [css, text] = arguments;
        return [...document.querySelectorAll(css)].filter(e => text === null
            || e.innerText.trim() === text || e.innerText.includes(text));', $css, $text);
    return map { AIGC::Browser::Element->new($self, $_->{ +ELEMENT }) } @$list;
}

# As a person does it: once it is there, shown, and stands still.
sub click { my $self = shift; $self->_hand('click', @_) }
sub type  { my ($self, $css, $text) = @_; $self->_hand(sub { $_[0]->type($text) }, $css) }

# Searches again for an element that appears, disappears or is covered just now:
# the driver refuses these before it has done anything.
sub _hand {
    my ($self, $do, @which) = @_;
    my $why = '';
    $self->wait(sub {
        my ($element) = $self->all(@which[0, 1]) or return 0;
        return 0 unless $element->still;
        return 1 if eval { $element->$do; 1 };
        $why = $@;
        return 0 if $why =~ /element not interactable|click intercepted|stale element|invalid element state/;
        $self->{broken} = $why;
        return 1;
    }, $which[2], sub { "$which[0]" . (defined $which[1] ? " \"$which[1]\"" : '') . " can be used: $why" });
    die delete $self->{broken} if $self->{broken};
    return $self;
}

sub wait_text {
    my ($self, $text, $seconds) = @_;
    my $re = ref $text ? $text : qr/\Q$text\E/;
    $self->wait(sub { $self->text =~ $re }, $seconds, "the text $text");
}

sub wait_url {
    my ($self, $re, $seconds) = @_;
    $self->wait(sub { $self->url =~ $re }, $seconds, "the address $re");
}

sub wait {
    my ($self, $test, $seconds, $what) = @_;
    # A page that is being left answers with an error: look again.
    $self->{stack}->wait_for(sub { eval { $test->() } }, $seconds // 10, sub {
        (ref $what ? $what->() : $what) . "\nat " . (eval { $self->url } // '?') . ' stands: '
            . substr(eval { $self->text } // '', 0, 800) });
    return $self;
}

# Logto's form, wherever the browser stands before it.
sub sign_in {
    my ($self, $user, $password) = @_;
    $self->type('input[name=username]', $user);
    $self->type('input[name=password]', $password // "$user-pass");
    $self->click('button[type=submit]');
    return $self;
}

package AIGC::Browser::Element;

use strict;
use warnings;

sub new { my ($class, $browser, $id) = @_; return bless { browser => $browser, id => $id }, $class }

sub _do {
    my ($self, $method, $path, $body) = @_;
    return $self->{browser}->_do($method, "/element/$self->{id}$path", $body);
}

sub click   { $_[0]->_do('POST', '/click'); $_[0]{browser} }

# Shown, enabled, and in the same place for two frames.  Two frames take as long
# as the machine needs for them.
sub still {
    my $self = shift;
    return $self->{browser}->await('
        const e = arguments[0];
        const place = () => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].join(" ") };
        const frame = () => new Promise(done => { requestAnimationFrame(done); setTimeout(done, 200) });
        return (async () => {
            const before = place();
            await frame();
            await frame();
            return e.isConnected && !e.disabled && e.checkVisibility({ visibilityProperty: true, checkVisibilityCSS: true }) && before === place();
        })()', { AIGC::Browser::ELEMENT() => $self->{id} });
}

sub enabled { $_[0]->_do('GET', '/enabled') }
sub shown   { $_[0]->_do('GET', '/displayed') }
sub attr    { my ($self, $name) = @_; $self->_do('GET', "/attribute/$name") }
sub prop    { my ($self, $name) = @_; $self->_do('GET', "/property/$name") }
sub role    { $_[0]->_do('GET', '/computedrole') }
sub label   { $_[0]->_do('GET', '/computedlabel') }

# What fades in counts as not displayed, and has no text, in its first frames.
sub text {
    my $self = shift;
    for (1 .. 20) {
        my $text = $self->_do('GET', '/text');
        return $text if length $text;
        select undef, undef, undef, 0.05;
    }
    return '';
}

sub type {
    my ($self, $text) = @_;

    # Over what is there, as a hand does it: the driver's own clearing is no input
    # event, and a page that is rendered anew before the first key brings the old
    # text back.
    $self->_do('POST', '/value', { text => "\x{E009}a\x{E000}" . (length $text ? $text : "\x{E003}") });
    return $self->{browser};
}

1;
