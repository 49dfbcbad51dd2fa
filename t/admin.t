# t/admin.t — the administrators' calls: everything of everybody for who has the
# role, and nothing for anybody else

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my ($cpu, $gpu) = ('stable-diffusion-cpu', 'stable-diffusion-gpu');
my $t = AIGC::Stack->start(workers => 2, templates => [$cpu, $gpu, 'notebook']);
my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);

sub id { my ($user) = @_; return $user . '0' x (12 - length $user) }
sub all { my ($what) = @_; return $carol->api('GET', "/api/v1/admin/$what")->json }
sub of { my ($list, %want) = @_; return grep { my $i = $_; !grep { $i->{$_} ne $want{$_} } keys %want } @$list }

my $time = qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

subtest 'the role' => sub {
    is $carol->api('GET', '/api/v1/me')->json->{admin}, 1, 'who has it is told so';
    is $alice->api('GET', '/api/v1/me')->json->{admin}, 0, 'who has not, too';
    for my $what ('instances') {
        my $r = $alice->api('GET', "/api/v1/admin/$what");
        is $r->code . ' ' . $r->problem->{code}, '403 not-admin', "$what: who has it not is refused";
        is $t->stranger->api('GET', "/api/v1/admin/$what")->code, 401, "$what: nobody is asked to sign in";
        my $unbound = $carol->copy;
        $unbound->drop_cookie('aigc-bind');
        is $unbound->api('GET', "/api/v1/admin/$what")->code, 401, "$what: a session of another browser is nobody's";
    }
};

is_deeply all('instances'), { instances => [], disks => [] }, 'nothing is there';

my $hers = $alice->install($gpu)->wait_ready;
my $his  = $bob->install($cpu)->wait_ready;

subtest 'all instances' => sub {
    my $all = all('instances');
    is_deeply [sort map { "$_->{owner} $_->{template}" } @{ $all->{instances} }],
        [id('alice') . " $gpu", id('bob') . " $cpu"], 'of all users';
    my ($i) = of($all->{instances}, owner => id('alice'));
    my %usual = %$i;
    my %more = map { $_ => delete $usual{$_} } qw(gpu runningSince disks);
    is_deeply \%usual, $hers->look->data, 'each as its owner sees it';
    is_deeply $more{gpu}, { kind => 'nvidia.com/gpu', count => 1 }, '… and the GPU that it holds';
    like $more{runningSince}, $time, '… since when';
    is_deeply $more{disks}, [{ name => "user-data-$gpu-" . $hers->id, owner => id('alice') }], '… and its disk';
    ($i) = of($all->{instances}, owner => id('bob'));
    is $i->{gpu}, undef, 'what needs none holds none';
    like $i->{runningSince}, $time, '… and runs since then';
    is_deeply $all->{disks}, [], 'no disk is without an instance';
    is $carol->head('/api/v1/admin/instances')->content, '', 'HEAD has no body';
};

subtest 'what is released holds nothing but its disk' => sub {
    $hers->release->wait_state('released');
    my ($i) = of(all('instances')->{instances}, owner => id('alice'));
    is "$i->{desired} $i->{state}", 'released released', 'it is shown';
    is_deeply [$i->{gpu}, $i->{runningSince}], [undef, undef], 'without a GPU';
    is scalar @{ $i->{disks} }, 1, 'with its disk';
};

subtest 'what is kept without an instance' => sub {
    $his->uninstall(keep_disk => 'true')->wait_gone;
    my $all = all('instances');
    is_deeply [of($all->{instances}, owner => id('bob'))], [], 'the instance is gone';
    is_deeply $all->{disks}, [{ namespace => 'default', template => $cpu, id => $his->id,
        name => "user-data-$cpu-" . $his->id, owner => id('bob') }], 'the disk is shown';
};

done_testing;
