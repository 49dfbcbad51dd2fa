# t/late_disk.t — a disk with a higher id than any that was given (restored from a
# backup, say) comes while nothing else happens: the template's writes go on

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $t    = AIGC::Stack->start;
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $inst = $alice->install($name)->wait_ready;

sub template { my ($x) = grep { $_->{name} eq $name } @{ $t->table->{templates} }; return $x }
$t->wait_for(sub { template()->{settled} }, 30, 'OpenKruiseGame has digested the install');

$t->apply({ apiVersion => 'v1', kind => 'PersistentVolumeClaim',
    metadata => { name => "user-data-$name-7", labels => { 'game.kruise.io/owner-gss' => $name } },
    spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } });
$t->wait_for(sub { template()->{top} == 7 }, 10, 'the disk is seen');

is $inst->try('release')->code, 202, 'a release is written';
$inst->wait_state('released');
is $t->reserved($name), join(',', 0 .. 7), 'and keeps the id of the disk from everybody';
$inst->start->wait_ready;
is $bob->install($name)->wait_ready->id, 8, 'the next install has an id above it';

done_testing;
