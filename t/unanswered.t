# t/unanswered.t — a pod that gives no answer: a page that asks again, or
# problem details; what a pod says itself is the application's

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Socket;

my $t = AIGC::Stack->start(workers => 1, http => 'error_page 404 /nowhere;', instance => <<'END');
    location = /own-page { include aigc/instance.conf; rewrite ^ /hangup break; error_page 502 /own.html; }
    location = /own-name { include aigc/instance.conf; rewrite ^ /hangup break; error_page 502 = @own; }
    location = /own.html { aigc_access on; return 502 "a page of the administrator's"; }
    location @own { return 200 "a location of the administrator's"; }
    location = /late {
        aigc_access on;
        proxy_pass http://instances;
        proxy_set_header Host $http_host;
        proxy_read_timeout 300ms;
        rewrite ^ /slow?ms=5000 break;
    }
END
$t->allow_log(qr/upstream|is not passed on/);
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $pod   = $t->kube_get('pods', $mine->pod)->{status}{podIP};
my $keys  = 0;

sub dies { return $mine->url($_[0] // '/hangup') . '?times=99&key=' . ++$keys }

sub raw { return $mine->url('/raw?close=1' . join '', map { '&part=' . AIGC::Client::escape($_) } @_) }

sub is_page {
    my ($r, $code, $what) = @_;
    is $r->code, $code, "$what: $code";
    is $r->type, 'text/html', '… with a page';
    like $r->content, $code == 502 ? qr{data-code="no-answer"} : qr{data-code="late-answer"}, '… that says what it is';
    like $r->content, qr{href="\Q@{[ $t->origin ]}\E/"}, '… and leads to the dashboard';
    like $r->header('Content-Security-Policy'), qr/default-src 'none'/, '… with the policy of ours';
    is $r->header('Cache-Control'), 'no-store', '… and is not kept';
    unlike $r->content, qr/nginx/, '… none of nginx\'s';
}

sub is_problem {
    my ($r, $code, $what) = @_;
    is $r->code, $code, "$what: $code";
    is $r->type, 'application/problem+json', '… problem details';
    is $r->json->{code}, $code == 502 ? 'no-answer' : 'late-answer', '… that say what it is';
    is $r->json->{status}, $code, '… likewise';
    like $r->header('Retry-After'), qr/^\d+$/, '… when to ask again';
}

subtest 'a process that dies' => sub {
    my $r = $alice->browse(dies());
    is_page($r, 502, 'a person');
    like $r->content, qr/data-again="\d+"/, '… which asks again by itself';
    like $r->content, qr/data-now="The instance does not answer/, '… until it says something else';
    like $r->content, qr/>stable-diffusion-cpu</, '… about what';
    like $alice->browse(dies(), headers => ['Accept-Language' => 'zh-CN'])->content, qr/lang="zh-CN"/, '… in the browser\'s language';
    is_problem($alice->get(dies()), 502, 'a program');
    is_problem($alice->get(dies(), http => '1.0'), 502, '… of HTTP/1.0');
    $r = $alice->head(dies());
    is $r->code . $r->content, '502', 'HEAD: the header alone';
    like $r->header('Content-Length'), qr/^\d\d/, '… as of GET';

    my $conn = $alice->connect($mine->url);
    is $alice->browse(dies(), on => $conn)->code, 502, 'the connection';
    is $alice->get($mine->url('/info'), on => $conn)->json->{instance}, $mine->id, '… goes on with the next request';
};

subtest 'a form' => sub {
    my $r = $alice->post(dies(), body => 'a=1', headers => ['Sec-Fetch-Mode' => 'navigate', Accept => 'text/html', Origin => $mine->url('') =~ s{/$}{}r]);
    is_page($r, 502, 'a person\'s');
    unlike $r->content, qr/data-again|http-equiv="refresh"/, '… is never sent again by the page';
    like $r->content, qr/may have arrived/, '… which says that it may have been';
    is_problem($alice->post(dies(), body => '{}', headers => ['Content-Type' => 'application/json']), 502, 'a program\'s');
    is_problem($alice->put(dies(), body => 'x' x 200_000), 502, 'an upload');
};

subtest 'what is no answer' => sub {
    is_page($alice->browse(raw($_)), 502, substr s/[^ -~]/./gr, 0, 30)
        for 'no status line', "HTTP/1.1 999999 X\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Half: 1\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nX-Evil: 1\r\nSet-Cookie: a=b\r\n\r\n";
    my $r = $alice->get(raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nX-Evil: 1\r\nSet-Cookie: a=b\r\nContent-Length: 99\r\n\r\n"));
    is_problem($r, 502, 'one that was refused');
    is $r->header($_), undef, "… of which nothing is left: $_" for qw(X-Evil Set-Cookie Upgrade);
};

subtest 'nobody listens' => sub {
    # The process is gone, Kubernetes has not noticed yet: nginx connects to a
    # port where nobody is.  The same address, another table would take longer.
    $t->kubectl('annotate', 'pod', $mine->pod, 'fake/crash=137');
    $t->wait_for(sub { my $s; socket $s, PF_INET, SOCK_STREAM, 0; !connect $s, pack_sockaddr_in(7860, inet_aton($pod)) }, 10, 'the process has gone');
    my $r = $alice->browse($mine->url('/info'));
    like $r->code, qr/^50[23]$/, 'no bare page of nginx: ' . $r->code;
    like $r->content, qr/data-code="(?:no-answer|starting|failing)"/, '… but one of ours';
    $t->kubectl('annotate', 'pod', $mine->pod, 'fake/crash-');
    $mine->wait_ready;
};

subtest 'no answer in time' => sub {
    is_page($alice->browse($mine->url('/late')), 504, 'a person');
    is_problem($alice->get($mine->url('/late')), 504, 'a program');
};

subtest 'what a pod says itself' => sub {
    for my $code (500, 502, 503, 504) {
        my $r = $alice->browse(raw("HTTP/1.1 $code Own\r\nX-Own: 1\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nown"));
        is $r->code . $r->content . $r->header('X-Own'), $code . 'own1', "$code passes untouched";
    }
};

subtest 'an error_page of the administrator\'s own' => sub {
    is $alice->browse(dies('/own-name'))->content, 'a location of the administrator\'s', 'comes first';
    my $r = $alice->browse(dies('/own-page'));
    is $r->code . $r->content, '502a page of the administrator\'s', '… under the same status too';
};

subtest 'in a browser' => sub {
    my $b = $t->browser;
    $b->go($mine->url('/info'))->sign_in('alice')->wait_text('"instance"', 60);

    my $url = $mine->url('/hangup') . '?times=6&key=' . ++$keys;
    $b->go($url)->wait_text('It does not answer', 30);
    $b->wait_text('"seen"', 60);
    is $b->url, $url, 'the page gives way to the application as soon as it answers';

    $url = $mine->url('/hangup') . '?times=99&key=' . ++$keys;
    $b->go($mine->url('/info'))->wait_text('"instance"', 30);
    $b->run('const f = document.createElement("form"); f.method = "post"; f.action = arguments[0]; document.body.append(f); f.submit()', $url);
    $b->wait_text('may have arrived', 30);
    sleep 7;                                # twice as long as other pages take to ask
    is "@{ $alice->get(\"$url&look=1\")->json->{seen} }", 'POST', 'a form is sent once, and its page asks nothing';
    $b->quit;
};

subtest 'nobody else' => sub {
    is $t->sign_in('bob')->browse(dies())->code, 403, 'another user learns nothing of it';
    is $t->stranger->get(dies())->code, 401, 'a stranger neither';
};

done_testing;
