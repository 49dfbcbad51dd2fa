# t/leaks.t — nothing that the module allocates is lost, and nothing is read or
# written that is not its own, from the start to the last worker's end (valgrind)

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);

plan(skip_all => 'needs valgrind') unless grep { -x "$_/valgrind" } split /:/, $ENV{PATH};
plan(skip_all => 'valgrind and ASan do not go together') if $ENV{AIGC_ASAN};

# What a worker keeps for as long as it lives is held by variables of the module: these
# have to be there yet when valgrind looks, so nginx does not unload it at its end.
my $dir = tempdir(CLEANUP => 1);
system('gcc', '-shared', '-fPIC', '-o', "$dir/stay.so", "$FindBin::Bin/preload/stay.c") == 0 or die 'gcc';

# In place of nginx: each of its processes writes a report when it exits.
my $nginx = AIGC::Nginx::binary();
my $supp  = abs_path("$FindBin::Bin/valgrind.supp");
open my $f, '>', "$dir/nginx" or die "$dir/nginx: $!";
print $f <<"END";
#!/bin/sh
case \$1 in -v) exec $nginx "\$@" ;; esac
export LD_PRELOAD=$dir/stay.so
exec valgrind --quiet --keep-debuginfo=yes --num-callers=20 --suppressions=$supp \\
    --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite \\
    --log-file=$dir/report.%p $nginx "\$@"
END
close $f;
chmod 0755, "$dir/nginx";
$ENV{AIGC_NGINX} = "$dir/nginx";

my $t = AIGC::Stack->start(workers => 2);
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $events = $alice->events;
my $inst   = $alice->install('stable-diffusion-cpu')->wait_ready;

is $alice->get($inst->url)->code,       200, 'the owner is let in';
is $bob->get($inst->url)->code,         403, 'another one is not';
is $t->stranger->get($inst->url)->code, 401, 'a stranger neither';
is $t->stranger->get($inst->url, headers => { Authorization => "Bearer $_" })->code, 401, 'nor a bearer of anything'
    for 'x', 'x.y.z', 'eyJhbGciOiJub25lIn0.e30.';
is $t->stranger->browse($inst->url)->code, 302, 'a browser is sent to sign in';
is $alice->api(POST => '/api/v1/templates/default/nothing/install')->code, 404, 'a template that there is not';
my $ws = $alice->websocket($inst->url('/ws'));
note 'a WebSocket: ', $ws->code;

$t->reload;
is $alice->get($inst->url)->code, 200, 'after a reload, too';
$inst->release->wait_state('released');
is $alice->get($inst->url)->code, 503, 'released';
$inst->uninstall(delete_disk => 'true')->wait_gone;
$_->close for $ws, $events;
is $alice->post('/sign-out', headers => [Origin => $t->origin])->code, 303, 'signed out';
ok $t->quit_nginx(30), 'it quits';

my @reports = glob "$dir/report.*";
cmp_ok scalar @reports, '>=', 5, 'master, two workers, and two after the reload have told';
for my $report (@reports) {
    open my $f, '<', $report or die "$report: $!";
    my $text = do { local $/; <$f> };
    is $text, '', 'nothing lost, nothing read or written that is not its own';
}

done_testing;
