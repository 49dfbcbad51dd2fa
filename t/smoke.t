# t/smoke.t — the stack starts, and a user can sign in

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start;

is $t->status('/readyz')->code, 200, 'the gateway is ready';
is $t->plain('GET', $t->port, '/')->code, 404, 'a host that is nobody\'s is not found';

my $alice = $t->sign_in('alice');
my $me    = $alice->api('GET', '/api/v1/me');

is $me->code, 200, 'alice is signed in';
is $me->json->{name}, 'Alice', 'by her name';
is $t->stranger->api('GET', '/api/v1/me')->code, 401, 'a stranger is not';

done_testing;
