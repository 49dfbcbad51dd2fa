# t/waiting.t — what stands on an instance's own host when it is not there: why,
# in Chinese and English, and a way to start it that no other page can take

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::Dashboard;
use Encode qw(decode);

my $name  = 'stable-diffusion-cpu';
my $t     = AIGC::Stack->start;
my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $inst  = $alice->install($name)->wait_ready;
my $b     = $t->browser;

sub html { decode('UTF-8', $_[0]->content) }

sub page {
    my ($client, $languages) = @_;
    return $client->browse($inst->url, $languages ? (headers => { 'Accept-Language' => $languages }) : ());
}

sub no_violation {
    my ($what) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    my ($passes, @violations) = axe($b);
    diag "axe-core, $what: $_" for @violations;
    is scalar(@violations), 0, "axe-core has nothing against $what ($passes rules hold)";
}

sign_in($b->go('/'), 'alice');

subtest 'released' => sub {
    $inst->release->wait_state('released');
    my $r = page($alice);
    is $r->code, 503, 'a page that says that it is not there';
    like html($r), qr/<html lang="en">.*Released.*its disk is kept/s, 'in words';
    my $policy = $r->header('Content-Security-Policy');
    like $policy, qr/default-src 'none'; style-src 'sha256-[^;]*'; script-src 'sha256-/, 'its policy knows its one style and one script';
    unlike $policy, qr/unsafe/, 'and no other';
    unlike $r->content, qr/src=|url\(|\bon\w+=/, 'it needs nothing from anywhere';
    like html(page($alice, 'zh-CN,zh;q=0.9,en;q=0.1')), qr/<html lang="zh-CN">.*已释放.*数据盘已保留/s, 'in Chinese to who reads that';
    like html(page($alice, 'zh;q=0.1,en')), qr/<html lang="en">/, 'and to nobody else';

    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => '<b>"Bilder"</b>' } } });
    $t->wait_for(sub { page($alice)->content =~ /Bilder/ }, 10, 'its title');
    like page($alice)->content, qr/&lt;b&gt;&quot;Bilder&quot;&lt;\/b&gt;/, 'a template\'s title is text';
    $t->kube_patch('gss', $name, { metadata => { annotations => { 'aigc-gateway.io/title' => undef } } });
};

subtest 'Start leads to the dashboard, which asks' => sub {
    $b->go($inst->url);
    no_violation('the waiting page');
    my $mark = $t->audit_mark;
    $b->click('a.first', 'Start');
    $b->wait_url(qr{^\Q@{[ $t->origin ]}\E/\?start=default}, 10);
    $b->find('[data-test=ask-start][data-kind=ask]');
    like $b->text('[data-test=ask-start]'), qr/Start \Q$name\E\?.*instances0-cpu/s, 'it asks';
    no_violation('the question');
    sleep 1;
    is_deeply $t->gateway_writes($mark), {}, 'the address alone starts nothing';
    $b->click('[data-test=ask-start] .button', 'Cancel');
    $b->wait_url(qr{/$}, 5);
    is state($b, card($name)), 'released', 'No is no';

    $b->go($inst->url);
    $b->click('a.first');
    $b->click('[data-test=ask-start] [data-test=confirm]:not(:disabled)');
    wait_state($b, card($name), 'ready');
    is_deeply $t->gateway_writes($mark), { $name => 1 }, 'Yes is one start';
    unlike $b->url, qr/start=/, 'a reload does not ask again';
    $b->go($inst->url);
    $b->wait_text("$name, instance 0");
};

subtest 'another page cannot press it' => sub {
    my $id = $inst->id;
    my $mark = $t->audit_mark;
    $inst->release->wait_state('released');
    is $alice->post("/api/v1/instances/default/$name/$id/start", headers => { Origin => $t->at('instances1-cpu.' . $t->root) })->code,
        403, 'the API takes it from the gateway\'s own pages only';
    is $t->stranger->get('/')->header('Content-Security-Policy') =~ /frame-ancestors 'none'/, 1, 'nobody puts the question into a frame';
    is $b->go("/?start=default/$name/$id")->find('[data-test=ask-start]')->attr('data-kind'), 'ask', 'who comes by a link is asked';
    is $b->go("/?start=default/$name/99")->find('[data-test=ask-start]')->attr('data-kind'), 'unknown', 'what is not hers is not there';
    $b->click('[data-test=ask-start] .button');
    is_deeply $t->gateway_writes($mark), { $name => 1 }, 'nothing was written but the release';
};

subtest 'starting, and why it hangs' => sub {
    $t->apply_template('notebook', { spec => { gameServerTemplate => { metadata => { annotations => {
        'fake/unschedulable' => '0/3 nodes are available: 3 Insufficient nvidia.com/gpu.' } } } } });
    $inst = $alice->install('notebook')->wait_state('starting');
    $b->go($inst->url);
    $b->wait(sub { $b->run('return document.querySelector("#reason").textContent') =~ /^Unschedulable/ }, 20, 'its pod\'s status says why');
    like $b->text('#why'), qr/No GPU is free right now/, 'why, in words';
    is $b->text('#state'), 'Starting', 'its state';
    no_violation('the page of one that hangs');
    $b->click('summary');
    like $b->text('#reason'), qr/^Unschedulable: 0\/3 nodes/, 'and the cluster\'s own words';
    like html(page($alice, 'zh')), qr/没有空闲的 GPU/, 'in Chinese, too';
    $b->run('window.still = "here"; document.querySelector("summary").focus()');
    sleep 7;                                    # longer than two looks
    is $b->run('return window.still'), 'here', 'while nothing changes, nobody who reads it is disturbed';
    $t->kubectl('annotate', 'pod', $inst->pod, 'fake/unschedulable-');
    $b->wait_text("notebook, instance 0", 30);
    pass 'the page goes on to the application by itself';
};

subtest 'failed' => sub {
    $t->kubectl('annotate', 'pod', $inst->pod, 'fake/crash=137');
    $inst->wait_state('failing');
    $b->go($inst->url);
    $b->wait_text('It does not start');
    like $b->text('#why'), qr/used up its memory/, 'with the reason, in words';
    no_violation('the page of one that has failed');
    is scalar(my @start = $b->all('a.first')), 0, 'without a button that would not help';
    $t->kubectl('annotate', 'pod', $inst->pod, 'fake/crash-');
    $inst->wait_ready;
};

subtest 'refusals are pages, too' => sub {
    my $r = page($bob);
    is $r->code, 403, 'somebody else is refused';
    like $r->content, qr/Not yours.*belongs to somebody else/s, 'in words';
    like html(page($bob, 'zh')), qr/属于其他用户/, 'in Chinese, too';
    unlike $r->content, qr/notebook|alice/, 'and learns nothing';
    is $bob->get($inst->url)->problem->{code}, 'not-owner', 'a program gets problem details';

    $r = $alice->browse($t->at('instances99-cpu.' . $t->root) . '/');
    is $r->code, 404, 'no such host';
    like $r->content, qr/no application with this address/, '… in words';
};

subtest 'a form that is refused' => sub {
    my @form = ('Content-Type' => 'application/x-www-form-urlencoded');
    my %browser = ('Sec-Fetch-Mode' => [@form, 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Site' => 'same-origin'],
        Accept => [@form, Accept => 'text/html,*/*;q=0.8']);
    my $post = sub { my ($who, $path, @headers) = @_; return $who->post($inst->url($path), headers => \@headers, body => 'a=b') };
    for my $by (sort keys %browser) {
        my $r = $post->($t->stranger, '/x', @{ $browser{$by} });
        is_deeply [ $r->code, $r->type ], [401, 'text/html'], "$by: without a session a person gets a page";
        like $r->content, qr/Sign in again.*what you sent was not passed on/s, '… that says what to do';
        is_deeply [ map { $_->code, $_->type } $post->($bob, '/x', @{ $browser{$by} }) ], [403, 'text/html'], '… somebody else, too';
        $r = $post->($alice, '/x', @{ $browser{$by} }, Origin => 'https://evil.example');
        is_deeply [ $r->code, $r->type ], [403, 'text/html'], '… and who comes from another page';
        like $r->content, qr/Not from this page/, '… which says so';
    }
    is $post->($alice, '/x', @form, Origin => 'https://evil.example')->problem->{code}, 'cross-origin', 'a program gets problem details';
    is $post->($t->stranger, '/x', @form, Accept => 'text/html', 'X-Requested-With' => 'XMLHttpRequest')->problem->{code}, 'not-signed-in', '… a script, too';
    is $post->($t->stranger, '/x', @form, 'Sec-Fetch-Mode' => 'cors', Accept => 'text/html')->problem->{code}, 'not-signed-in', '… by fetch';

    my $r = $t->stranger->post('/sign-out', headers => ['Sec-Fetch-Mode' => 'navigate', Origin => $t->origin]);
    is_deeply [ $r->code, $r->type ], [401, 'text/html'], 'the gateway\'s own form likewise';

    $inst->release->wait_state('released');
    $r = $post->($alice, '/x', 'Sec-Fetch-Mode' => 'navigate', 'Sec-Fetch-Site' => 'same-origin');
    is_deeply [ $r->code, $r->type ], [503, 'text/html'], 'of a released instance: the waiting page';
    like $r->content, qr/data-sent="1"/, '… that does not send the form again by itself';
    unlike $alice->browse($inst->url)->content, qr/data-sent/, '… as one that was only gone to may';
    is $post->($alice, '/x', @form)->problem->{detail}, 'The instance is not ready: released.', 'no blank at the end of what a program gets';
};

is_deeply [ told($b) ], [], 'no page did anything that its policy forbids';

done_testing;
