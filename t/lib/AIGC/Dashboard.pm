package AIGC::Dashboard;

# The dashboard in a browser, as its tests speak of it: cards, what stands on
# them, and what axe-core has to say about a page.

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(card state wait_state shown offers menu sign_in axe told requests double_click);

my $repo = $INC{'AIGC/Dashboard.pm'} =~ s{/t/lib/AIGC/Dashboard.pm$}{}r;
my $axe;

# The card of a template of the namespace default.
sub card { return qq([data-template="default/$_[0]"]) }

sub state { my ($b, $card) = @_; return $b->find($card)->attr('data-state') }

sub wait_state {
    my ($b, $card, $state, $seconds) = @_;
    return $b->find("$card\[data-state=$state]", undef, $seconds // 20);
}

# … and can be pressed: a button that was just pressed rests for a moment.
sub shown { return sprintf '%s [data-test=%s]:not(:disabled)', @_ }

# What stands there to be pressed.
sub offers {
    my ($b, $card) = @_;
    return join ' ', @{ $b->run('return [...document.querySelectorAll(arguments[0])].map(e => e.dataset.test)',
        "$card .buttons > [data-test]:is(a, button)") };
}

# Something in the menu "…" of a card.
sub menu {
    my ($b, $card, $item) = @_;
    $b->click(shown($card, 'more'));
    $b->click(".menu [data-test=$item]");
}

# From the page of those who are not signed in, by Logto's form.
sub sign_in {
    my ($b, $user) = @_;
    $b->click('[data-test=sign-in]');
    $b->sign_in($user);
    $b->find('[data-test=account]');
    return $b;
}

# What axe-core finds wrong with the page as it stands: a line for each rule.
sub axe {
    my ($b) = @_;
    $axe //= do {
        open my $f, '<', "$repo/dashboard/node_modules/axe-core/axe.min.js" or die "axe-core: $!";
        local $/;
        <$f>;
    };
    # axe-core judges colours: wait until none is in a transition
    $b->await('return Promise.all(document.getAnimations().filter(a =>
        a.effect.getTiming().iterations !== Infinity).map(a => a.finished.catch(() => 0)))');
    $b->run($axe . '; window.axe = axe');
    my $r = $b->await('return axe.run().then(r => ({ passes: r.passes.length, violations: r.violations.map(v =>
        v.id + ": " + v.nodes.map(n => n.target.join(" ") + " " + n.html.slice(0, 120)).join(" | ")) }))');
    return ($r->{passes}, @{ $r->{violations} });
}

# What the page has logged, but for answers that a test has provoked.
sub told {
    my ($b) = @_;
    return grep { !/\bstatus of (?:401|403|404|409|502|503)\b|ERR_INTERNET_DISCONNECTED/ } map { $_->{message} } $b->console;
}

# How many calls of the API nginx has logged.
sub requests {
    my ($t, $re) = @_;
    open my $f, '<', $t->file('log/access.log') or die $!;
    return scalar grep { m{ /api/v1/} && (!$re || $_ =~ $re) } <$f>;
}

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

1;
