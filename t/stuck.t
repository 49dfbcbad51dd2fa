# t/stuck.t — a pod that does not end (its node is lost, a finalizer holds it)
# traps nobody: it is told to its user and to the administrator, and counts for
# no limit as long as that lasts

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;

my $name = 'notebook';
my $t = AIGC::Stack->start(workers => 2, faults => 1, templates => [$name, 'stable-diffusion-cpu'],
    directives => { aigc_limits => 'user_template=1 user_total=1' });
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my $b = $t->browser;

# Without a disk: what is installed in a time of the test's own would be younger
# than its disk, which the real clock dates.
my ($app) = @{ $t->kube_get('gss', $name)->{spec}{gameServerTemplate}{spec}{containers} };
delete $app->{volumeMounts};
$t->kube_patch('gss', $name, { spec => { gameServerTemplate => { volumeClaimTemplates => undef, spec => { containers => [$app] } } } });

sub code { my ($inst) = @_; my $r = $inst->look->reason; return $r ? $r->{code} : '' }
sub wait_code { my ($inst, $code) = @_; $t->wait_for(sub { code($inst) eq $code }, 20, sub { "the reason is '$code', not '" . code($inst) . q(') }) }

sub press { my ($client, $tmpl, %o) = @_; $client->api('POST', "/api/v1/templates/default/$tmpl/install", %o ? { another => JSON::PP::true } : undef) }
sub said  { my ($r) = @_; return join ' ', $r->code, ($r->problem // {})->{code} // $r->json->{id} }

# That much has passed, says the API server.
sub later {
    my ($seconds) = @_;
    $t->faults([{ path => '/leases/', action => { dateSeconds => $seconds } }]);
}

sub hold    { my ($inst) = @_; $t->kube_patch('pod', $inst->pod, { metadata => { finalizers => ['example.org/hold'] } }) }
sub let_go  { my ($inst) = @_; $t->kube_patch('pod', $inst->pod, { metadata => { finalizers => undef } }) }
sub problem { $t->status('/metrics')->content =~ /^aigc_problems\{kind="stuck_terminating"\} (\d+)$/m ? $1 : -1 }
sub events  { grep { $_->{reason} eq 'StuckTerminating' && ($_->{source}{component} // '') eq 'aigc-gateway' } $t->kube_list('events') }

$b->go('/');
sign_in($b, 'alice');
my $card = card($name);
my ($one, $two);

subtest 'as long as it may still end' => sub {
    $one = $alice->install($name)->wait_ready;
    hold($one);
    $one->release;
    $one->wait_state('stopping');
    $t->wait_for(sub { ($t->kube_get('pods', $one->pod) // {})->{metadata}{deletionTimestamp} }, 10, 'its pod is to end');
    is code($one), '', 'within its grace period there is nothing to tell';
    later(60);
    wait_code($one, 'Terminating');
    is said(press($alice, $name, another => 1)), '409 limit-user-template', 'it counts for the limit of a template';
    is said(press($alice, 'stable-diffusion-cpu')), '409 limit-user-total', '… and for that of all';
    is problem(), 0, 'it is no problem yet';
    is offers($b, $card), 'start more', 'the dashboard offers no other one';
};

subtest 'released, and it does not end' => sub {
    my $stream = $alice->events;
    $stream->snapshot;
    later(400);
    wait_code($one, 'StuckTerminating');
    like $one->reason->{message}, qr/should have ended by \d{4}-.*an administrator has to end it$/, 'since when, and who can do something';
    ok $stream->wait_event(sub { $_->{event} eq 'instance' && ($_->{data}{reason} // { code => '' })->{code} eq 'StuckTerminating' }, 10),
        'an event stream is told, though only time has passed';
    $stream->close;
    like $alice->browse($one->url)->content, qr/id="reason"[^>]*>StuckTerminating:/, 'so is the page of its host';
    $t->wait_for(sub { problem() == 1 }, 10, 'it is a problem of the administrator');
    $t->wait_for(sub { events() }, 20, 'who is told');
    is +(events())[0]{involvedObject}{name}, $name, '… by an Event on the template';
    like +(events())[0]{message}, qr/its pod is still there/, '… that says what it is';
    $b->find("$card [data-test=reason][data-code=StuckTerminating]", undef, 20);
    like $b->text("$card [data-test=reason]"), qr/does not end. Tell your administrator/, 'the dashboard says it';

    is said(press($alice, $name)), '200 ' . $one->id, 'it is still hers, and what an install finds';
    $b->click(shown($card, 'install'));
    $t->wait_for(sub { 2 == $alice->instances }, 20, 'the dashboard installs another one');
    ($two) = grep { $_->id != $one->id } $alice->instances;
    $two->wait_ready;
    is $alice->get($two->url)->code, 200, 'which she reaches';
    is said(press($alice, $name)), '200 ' . $two->id, 'now that is what an install finds';
    is said(press($alice, $name, another => 1)), '409 limit-user-template', 'it counts';
    is said(press($alice, 'stable-diffusion-cpu')), '409 limit-user-total', '… for all together, too';
};

subtest 'it ends at last' => sub {
    let_go($one);
    $one->wait_state('released');
    is $one->look->reason, undef, 'it is what it was asked to be';
    $t->wait_for(sub { problem() == 0 }, 10, 'the problem is over');
    is said(press($alice, $name, another => 1)), '409 limit-user-template', 'it counts again';
    $one->start->wait_ready;
    is $alice->get($one->url)->code, 200, 'one too many by now: nothing is taken away';
    $one->uninstall->wait_gone;
};

subtest 'uninstalled, and it does not end' => sub {
    later(60);
    hold($two);
    $two->uninstall;
    wait_code($two, 'Terminating');
    is said(press($alice, $name)), '409 uninstalling', 'as long as it may still end she waits';
    later(400);
    wait_code($two, 'StuckTerminating');
    my $three = $alice->install($name);
    isnt $three->id, $two->id, 'then she gets another one';
    $three->wait_ready;
    is said(press($alice, $name)), '200 ' . $three->id, '… once';
    is said(press($alice, $name, another => 1)), '409 limit-user-template', '… which counts';
    is $two->look->state, 'uninstalling', 'the former goes on waiting';
    let_go($two);
    $two->wait_gone;
    is $t->claims($name)->{ $two->id }, undef, '… and is forgotten when its pod has ended';
    is $three->look->state, 'ready', 'the other one stays';
};

subtest 'restarted, and it does not end' => sub {
    my $inst = $bob->install($name)->wait_ready;
    later(400);
    hold($inst);
    $inst->restart;
    wait_code($inst, 'StuckTerminating');
    is said(press($bob, $name, another => 1)), '409 limit-user-template', 'who wants it to run has it counted';
    $inst->release;
    is said(press($bob, $name, another => 1)) =~ s/ .*//r, 202, 'who gives it up has not';
    let_go($inst);
    $inst->wait_state('released');
};

done_testing;
