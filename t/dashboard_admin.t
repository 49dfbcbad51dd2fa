# t/dashboard_admin.t — what an administrator sees in the dashboard: everybody's
# instances, who holds which GPU, how the gateway is; and what can be done there

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

my ($cpu, $gpu) = ('stable-diffusion-cpu', 'stable-diffusion-gpu');
my $t = AIGC::Stack->start(faults => 1, templates => [$cpu, $gpu]);
my $b = $t->browser;
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $hers = $alice->install($gpu)->wait_ready;
my $his  = $bob->install($cpu)->wait_ready;

sub row { my ($inst) = @_; return sprintf '[data-instance="default/%s/%d"]', $inst->template, $inst->id }
sub tab { $b->click("[data-test=tab-$_[0]]"); $b->find("[data-test=tab-$_[0]][aria-selected=true]") }

sub no_violation {
    my ($what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($passes, @violations) = axe($b);
    diag "axe-core, $what: $_" for @violations;
    is scalar(@violations), 0, "axe-core has nothing against $what ($passes rules hold)";
}

subtest 'for administrators' => sub {
    my $a = $t->browser;
    sign_in($a->go('/'), 'alice');
    $a->find(card($gpu));
    is scalar(my @links = $a->all('[data-test=admin]')), 0, 'who is none sees no way there';
    $a->go('/admin');
    $a->find('[data-test=screen-forbidden]');
    pass 'and is told, where there is one';
    $a->quit;

    sign_in($b->go('/'), 'carol');
    $b->click('[data-test=admin]');
    $b->find('[data-test=gpus]');
    is $b->url, $t->url('/admin'), 'who is one has a page of its own';
    $b->refresh;
    $b->find('[data-test=gpus]');
    pass 'a reload stays there';
};

subtest 'who holds a GPU' => sub {
    $b->wait(sub { $b->text('[data-test=gpus]') =~ /Alice/ }, 15, 'the holder');
    like $b->text('[data-test=gpus] tbody'), qr/Alice.*\Q@{[ $hers->host ]}\E.*1 × NVIDIA.*\d (?:second|minute)/s, 'who, what, how many, since when';
    unlike $b->text('[data-test=gpus]'), qr/Bob/, 'and who holds none is not there';
    is $b->text('[data-test=tile-gpus] dd'), 1, 'one in use';
    is $b->text('[data-test=tile-running] dd'), 2, 'two run';
    is $b->text('[data-test=tile-people] dd'), 2, 'of two people';
};

subtest 'how the gateway is' => sub {
    like $b->text('[data-test=leader]'), qr/\S+.*this gateway/s, 'who leads';
    like $b->text('[data-test=watches]'), qr/gameserversets.*yes.*(?:second|minute)s? ago/s, 'what is watched, and how old it is';
    like $b->text('[data-test=gateway]'), qr/fetched .* ago.*2 of \d+.*Version/s, 'keys, room, version';
    $b->find('[data-test=no-problems]');
    no_violation('the overview');

    $t->kube_patch('gss', $cpu, { metadata => { annotations => { 'instance.aigc-gateway.io/7' => 'x' } } });
    $b->wait(sub { $b->text('[data-test=problems]') =~ /Annotations that cannot be read\s*1/ }, 20, 'a problem');
    pass 'what only an administrator can mend is said in words';
    $t->kube_patch('gss', $cpu, { metadata => { annotations => { 'instance.aigc-gateway.io/7' => undef } } });
    $b->find('[data-test=no-problems]', undef, 30);
};

subtest 'all instances, and releasing one' => sub {
    tab('instances');
    like $b->find(row($hers))->text, qr/Alice.*Ready.*1 × NVIDIA/s, 'hers';
    like $b->find(row($his))->text, qr/Bob.*Ready/s, 'his';
    no_violation('the instances');
    $b->type('[data-test=admin-search]', 'bob');
    $b->wait(sub { !$b->all(row($hers)) }, 5, 'a search');
    $b->find(row($his));
    $b->run('document.querySelector("[data-test=admin-search]").focus()');
    $b->type('[data-test=admin-search]', 'alice');
    $b->click(row($hers) . ' [data-test=admin-release]');
    $b->find('[data-test=ask-release]');
    like $b->text('[data-test=ask-release]'), qr/Release .* of Alice\?.*disk stays/s, 'it asks, and says what goes';
    no_violation('the question');
    is $hers->look->desired, 'running', 'until then nothing is done';
    $b->click('[data-test=ask-release] [data-test=confirm]');
    $b->find(row($hers) . '[data-state=released]', undef, 20);
    is $hers->look->desired, 'released', 'hers is released';
    is scalar(my @again = $b->all(row($hers) . ' [data-test=admin-release]')), 0, 'and cannot be once more';
};

subtest 'users, kept disks' => sub {
    $his->uninstall->wait_gone;
    $b->find('[data-test=kept]', undef, 20);
    like $b->text('[data-test=kept]'), qr/Bob.*user-data/s, 'a disk without an instance is shown, with its owner';
    tab('users');
    like $b->text('[data-test=users]'), qr/Alice\s+alice0*\s+active\s+0\s+1\s+1.*Bob\s+bob0*\s+active\s+0\s+0\s+1/s, 'who has what';
    no_violation('the users');
};

subtest 'adopting' => sub {
    tab('adopt');
    my $mark = $t->audit_mark;
    $t->custom_data('user03', { "default-$gpu" => { ID => '41', Name => $gpu, Namespace => 'default', Type => '' } });
    $b->click('[data-test=adopt-look]');
    $b->find('[data-test=adoptConflicts]', undef, 30);
    like $b->text('[data-test=adoptConflicts]'), qr/41.*no such instance/s, 'what is not adopted is shown, and why';
    is_deeply $t->gateway_writes($mark), {}, 'and nothing was written';
    no_violation('the list');
};

subtest 'in Chinese; when the cluster is away' => sub {
    $b->click('[data-test=language]');
    tab('overview');
    $b->find('.panel-title', 'GPU 占用情况');
    no_violation('the overview in Chinese');
    $b->click('[data-test=language]');
    $b->run('window.real = window.fetch; window.fetch = (url, o) => url.includes("/admin/")
        ? Promise.reject(new TypeError("away")) : real(url, o)');
    $b->find('[data-test=notice]', undef, 20);
    $b->find('[data-test=gpus]');
    pass 'what was there stays, and it is told';
    $b->run('window.fetch = window.real');
    $b->wait(sub { !$b->all('[data-test=notice]') }, 20, 'it goes on by itself');
};

is_deeply [ told($b) ], [], 'all that time the page did nothing that its policy forbids';

done_testing;
