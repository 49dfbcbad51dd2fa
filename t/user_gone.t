# t/user_gone.t — a user who is suspended or deleted is not told that the
# applications go on: the API says which end it is, and so does the dashboard

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start;
$t->logto_control('hooks', { webhook_url => $t->url('/webhook'), webhook_events => ['User.Deleted', 'User.SuspensionStatus.Updated'] });

sub said { my ($c) = @_; my $r = $c->api('GET', '/api/v1/me'); return join ' ', $r->code, ($r->problem // {})->{code} // '-' }

subtest 'what the API says' => sub {
    my ($ended, $suspended, $deleted, $seen) = map { $t->sign_in($_) } qw(user01 user02 user03 user02);
    my $token = $t->forge(user => 'user02');
    is said($_), '200 -', 'signed in' for $ended, $suspended, $deleted;

    is $t->stranger->post('/backchannel-logout', body => 'logout_token=' . $t->forge(type => 'logout', user => 'user01', drop => ['claims.sid']),
        headers => ['Content-Type' => 'application/x-www-form-urlencoded'])->code, 200, 'all sessions of one end';
    is said($ended), '401 not-signed-in', '… who is not signed in any more';

    $t->logto_control('suspend', { user => 'user02' });
    $t->logto_control('webhook', { event => 'User.SuspensionStatus.Updated', user => 'user02' });
    $t->wait_for(sub { said($suspended) =~ /^401/ }, 10, 'out');
    is said($suspended), '401 user-gone', 'a suspended one is gone';
    is said($seen), '401 user-gone', '… in a session that had not been here yet, too';
    my $r = $t->stranger->get('/api/v1/me', headers => [Authorization => "Bearer $token"]);
    is $r->code . ' ' . $r->problem->{code}, '401 user-gone', '… and by token';

    $t->logto_control('webhook', { event => 'User.Deleted', user => 'user03' });
    $t->wait_for(sub { said($deleted) =~ /^401/ }, 10, 'out');
    is said($deleted), '401 user-gone', 'so is a deleted one';

    $t->logto_control('unsuspend', { user => 'user02' });
    $t->wait_for(sub { my $s = time; said($t->sign_in('user02')) eq '200 -' }, 10, 'who is allowed again is in');
    pass 'who is allowed again signs in again';
};

subtest 'what the dashboard says' => sub {
    my $b = $t->browser;
    $b->go('/')->click('[data-test=sign-in]');
    $b->sign_in('alice');
    $b->find('[data-template]');

    $t->logto_control('webhook', { event => 'User.Deleted', user => 'alice' });
    $b->wait_text('Your account has been suspended or deleted', 20);
    my $text = $b->text('[data-test=stranger]');
    like $text, qr/has been released; your disks are kept/, 'what became of the applications';
    unlike $text, qr/go on/, '… and not that they go on';
    $b->find('[data-test=sign-in]');

    my $bob = $t->browser(languages => 'zh-CN');
    $bob->go('/')->click('[data-test=sign-in]');
    $bob->sign_in('bob');
    $bob->find('[data-template]');
    $bob->_do('DELETE', '/cookie');
    $bob->refresh;
    $bob->find('[data-test=stranger]');
    unlike $bob->text('[data-test=stranger]'), qr/停用/, 'who is only signed out hears nothing of that';
};

done_testing;
