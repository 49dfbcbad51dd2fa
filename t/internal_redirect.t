# t/internal_redirect.t — nginx forgets contexts on an internal redirect; the
# owner is let in all the same, and nobody else is
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start(workers => 1, instance => <<'E2');
    location /tried   { aigc_access on; try_files /nope @pod; }
    location /error   { aigc_access on; proxy_pass http://127.0.0.1:1; error_page 502 = @pod; }
    location /open    { try_files /nope @open; }
    location @pod     { include aigc/instance.conf; }
    location @open    { proxy_pass http://instances; }
E2

my $alice = $t->sign_in('alice');
my $bob   = $t->sign_in('bob');
my $inst  = $alice->install('stable-diffusion-cpu')->wait_ready;

for my $path ('/tried/headers', '/error/headers') {
    is $alice->browse($inst->url($path))->code, 404, "$path: the owner reaches the pod, which has no such page";
    is $bob->browse($inst->url($path))->code, 403, '… somebody else does not';
    is $t->stranger->get($inst->url($path))->code, 401, '… and nobody neither';
}

# The way in leads through such a location as well.
for my $path ('/tried/headers?x=1', '/error/headers?x=1') {
    my $new = $t->sign_in('alice');
    $new->{entering} = 1;       # by itself it would go in by "/"
    my $r = $new->browse($inst->url($path), follow => 5);
    is_deeply [ $r->code, $r->url ], [404, $inst->url($path)], "$path: the owner enters there";
    ok $new->host_cookie('aigc-instance', $inst->host), '… and has a session of that host';
}

is $alice->get($inst->url('/open/info'))->code, 500,
    'a decision of no location is no decision for the next: nothing is passed';

$t->allow_log(qr/connect\(\) failed|without "aigc_access on"/);
done_testing;
