# t/turns.t — what the API server refuses for ever keeps out nothing else: the
# leader's calls go round, so that everything has its turn

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $t    = AIGC::Stack->start(faults => 1);
my $refused = { status => 403, contentType => 'application/json',
    body => '{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}' };
$t->allow_log(qr/a disk's owner could not be recorded: status 403/);

# More of them than the leader has calls at one time.
my @users = map { $t->sign_in($_) } qw(alice bob carol), map { sprintf 'user%02d', $_ } 1 .. 7;
my $last  = pop @users;

sub disks { return map { ($_->{metadata}{name} => $_->{metadata}{annotations}{'aigc-gateway.io/owner'}) } $t->kube_list('pvcs') }

$t->faults([{ method => 'PATCH', path => 'persistentvolumeclaims/', action => $refused }]);
my @inst = map { $_->install($name) } @users;
$_->wait_ready for @inst;
$t->wait_for(sub { my %d = disks(); keys %d >= @inst }, 20, 'their disks');
my %refused = disks();
is scalar(grep { defined } values %refused), 0, scalar(keys %refused) . ' disks cannot be recorded';
$t->faults([ map { { method => 'PATCH', path => "persistentvolumeclaims/$_", action => $refused } } keys %refused ]);

my $mine = $last->install($name)->wait_ready;
my @new;
$t->wait_for(sub { my %d = disks(); @new = grep { !exists $refused{$_} && defined $d{$_} } keys %d }, 30,
    'another one\'s disk is recorded all the same');
pass 'another one\'s disk is recorded all the same';
my %now = disks();
is scalar(grep { defined $now{$_} } keys %refused), 0, '… while theirs still cannot';

$mine->uninstall(delete_disk => 'true');
$mine->wait_gone;
pass 'and what another one uninstalls is gone';

$t->no_faults;
$t->wait_for(sub { my %d = disks(); !grep { !defined $d{$_} } keys %refused }, 30, 'theirs are recorded');
pass 'theirs are recorded as soon as they can be';

done_testing;
