# t/long_owner.t — an instance whose annotation has no room for a change: that
# change is refused, and no other one that goes out with it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
# custom_data: Logto does not know that owner, and who is deleted is released
my $t    = AIGC::Stack->start(faults => 1, custom_data => 'off');
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install($name)->wait_ready;
my $his  = $bob->install($name)->wait_ready;

# Whatever the gateway writes has room in the 384 bytes of an annotation, with
# the longest name, too: 128 quotes are 256 bytes in JSON.  An administrator's
# time with nanoseconds leaves none for "disk":"keep".
my $odd   = $t->stranger;
my $token = $t->forge(claims => { sub => '"' x 128 });
sub odd { my ($method, $path, %o) = @_; return $odd->$method("/api/v1$path", headers => [Authorization => "Bearer $token"], %o) }

my $r = odd(post => "/templates/default/$name/install");
is $r->code, 202, 'an owner with a name of 128 quotes' or diag $r->content;
my $id   = $r->json->{id};
my $path = "/instances/default/$name/$id";
$t->wait_for(sub { odd(get => $path)->json->{state} eq 'ready' }, 30, 'it runs');

my $annotation = "instance.aigc-gateway.io/$id";
my $value = $t->kube_get('gss', $name)->{metadata}{annotations}{$annotation} =~ s/("since":")[^"]*/${1}2026-01-01T00:00:00.000000000+00:00/r;
$t->kube_patch('gss', $name, { metadata => { annotations => { $annotation => $value } } });
$t->wait_for(sub { odd(get => $path)->json->{since} eq '2026-01-01T00:00:00Z' }, 10, 'an administrator has written it');

$r = odd(delete => "$path");
is $r->code . ' ' . $r->problem->{code}, '409 annotation-too-long', 'what has no room is refused';
is odd(get => $path)->json->{desired}, 'running', '… and changes nothing';

# All that waits while a patch is under way goes out with the next.
$t->faults([{ method => 'PATCH', path => "gameserversets/$name", action => { delayMs => 1500 }, times => 1 }]);
my $first = $alice->begin_api('POST', $hers->path . '/release');
$t->wait_for(sub { grep { /^PATCH/ } keys %{ $t->fault_log->{counts} } }, 10, 'one is under way');
my $mark = $t->audit_mark;
my @both = ($odd->begin('DELETE', "/api/v1$path", headers => [Authorization => "Bearer $token"]),
    $bob->begin_api('POST', $his->path . '/release'));
is $first->response->code, 202, 'while a patch is under way two more wait';
is join(' ', map { $_->response->code } @both), '409 202', 'one is refused, the other done';
$t->no_faults;
$his->wait_state('released');
is odd(get => $path)->json->{state}, 'ready', 'what was refused runs on';
$t->wait_agree($name);

is odd(post => "$path/release")->code, 202, 'what has room is done';

done_testing;
