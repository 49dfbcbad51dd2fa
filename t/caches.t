# t/caches.t — nothing that nginx remembers of one user's instance is another's

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

# A proxy_pass by a variable: nginx -t cannot know what it leads to, so that
# what it would refuse has to be seen when a request comes.
my $cache = 'proxy_cache remembered; proxy_cache_valid any 10m; proxy_ignore_headers Cache-Control Expires Vary;';
my $t = AIGC::Stack->start(
    workers => 2,
    http => <<'END',
proxy_cache_path cache levels=1 keys_zone=remembered:1m;
    map $uri $whoever { default instances; }
END
    instance => <<"END",
add_header X-Cache \$upstream_cache_status always;
        location /default/ { aigc_access on; proxy_pass http://\$whoever/info?; $cache }
        location /lock/ { aigc_access on; proxy_pass http://\$whoever/info?; $cache
            proxy_cache_lock on; proxy_cache_use_stale updating error; proxy_cache_background_update on; }
        location /of-the-client/ { aigc_access on; proxy_pass http://\$whoever/info?; $cache proxy_cache_key \$arg_key; }
        location /stored/ { aigc_access on; proxy_pass http://\$whoever/info?; proxy_store \$document_root/stored/\$uri; }
        location /head/ { aigc_access on; proxy_pass http://\$whoever/info?; $cache
            proxy_cache_convert_head off; proxy_cache_key \$request_method\$uri; }
        location /copied/ { aigc_access on; mirror /mirrored; proxy_pass http://\$whoever/info?; }
        location /mirrored { internal; proxy_pass http://\$whoever/info?; $cache proxy_cache_key x; }
        location /open/ { proxy_pass http://\$whoever/info?; $cache proxy_cache_key \$arg_key; }
        location /kept/ { include aigc/instance.conf; location /kept/safe/ { proxy_pass http://instances/; proxy_buffering on;
            $cache proxy_cache_key "\$aigc_instance \$request_uri"; } }
        location /safe-too/ { aigc_access on; proxy_pass http://\$whoever/info?; $cache
            proxy_cache_key \$scheme\$proxy_host\$request_uri\$aigc_instance; }
END
);
$t->allow_log(qr/would give one user's answers to another|without "aigc_access on"/);
my ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
my ($hers, $his)  = map { $_->install('stable-diffusion-cpu') } $alice, $bob;
$_->wait_ready for $hers, $his;

sub hers { return $alice->get($hers->url($_[0])) }
sub his  { return $bob->get($his->url($_[0])) }
sub lines { return scalar(() = $t->error_log =~ /would give one user's answers to another/g) }

subtest 'under a key that does not tell instances apart' => sub {
    for my $path ('/default/x', '/lock/x', '/of-the-client/x?key=k') {
        my $before = lines();
        is hers($path)->code, 500, "$path: nothing is passed";
        $t->wait_for(sub { lines() > $before }, 5, 'a line');
        is lines() - $before, 1, '… and one line says why';
        is his($path)->code, 500, '… nor is there anything to remember';
    }
    is $alice->head($hers->url('/head/x'))->code, 500, 'HEAD';
    is $alice->post($hers->url('/default/x'), body => 'x')->code, 200, 'what nginx never remembers goes on: POST';
};

subtest 'a key that a client writes' => sub {
    my $name = join '/', 'default', 'stable-diffusion-cpu', $hers->id;
    my $path = "/of-the-client/x?key=$name";
    is hers($path)->json->{instance}, $hers->id, 'her own instance is in it: passed, and remembered';
    is hers($path)->header('X-Cache'), 'HIT', '… for her';
    my $r = his($path);
    is $r->code, 500, '… for nobody else';
    unlike $r->content, qr/"instance"/, '… not a byte of it';
    is hers("${path}0")->code, 500, 'the name of an instance that only begins like hers is not hers';
    $r = $t->stranger->get($hers->url($path =~ s/of-the-client/open/r));
    is $r->code, 500, 'what is remembered is not for a location without aigc_access';
    unlike $r->content, qr/"instance"/, '… not a byte of it';
};

subtest 'other things that remember' => sub {
    is hers('/stored/x')->code, 500, 'proxy_store';
    is his('/stored/x')->code, 500, '… for nobody';
    is hers('/copied/x')->json->{instance}, $hers->id, 'a mirror is another request, to the same pod';
    is his('/copied/x')->json->{instance}, $his->id, '… each to one\'s own';
    my $r = $alice->auth($hers->url('/'));
    is_deeply [ $r->code, $r->header('Cache-Control') ], [200, 'no-store'], 'the decision of /auth is nothing to be remembered';
};

subtest 'under a key with the instance in it' => sub {
    for my $path ('/kept/safe/info', '/safe-too/x') {
        for my $round (1, 2) {
            my ($a, $b) = (hers($path), his($path));
            is_deeply [ map { $_->json->{instance} } $a, $b ], [ $hers->id, $his->id ], "$path: each sees one's own";
            is_deeply [ map { $_->header('X-Cache') } $a, $b ], [ ($round == 1 ? 'MISS' : 'HIT') x 2 ], '… remembered: '
                . ($round == 1 ? 'not yet' : 'yes');
        }
        is $bob->get($hers->url($path))->code, 403, 'what is remembered is still the owner\'s alone';
        is $t->stranger->get($hers->url($path))->code, 401, '… and nobody else\'s';
    }
};

subtest 'a release' => sub {
    $hers->release->wait_state('released');
    is hers('/kept/safe/info')->code, 503, 'a released instance answers nothing, from no cache';
};

done_testing;
