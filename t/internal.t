# t/internal.t — the locations that are for the gateway's own subrequests are
# nobody else's, however they are asked for, and no call's path leads out of what
# the call is about

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use AIGC::HTTP2;

# What reaches the API server is seen on its way, by a server in front of it that
# has its certificate.
my $t = AIGC::Stack->start(http => q{log_format kubernetes '$request_method $uri own=$http_x_own cookie=$http_cookie';}, edit => sub {
    my ($text) = @_;
    my ($port) = $text =~ /listen (?:127\.0\.0\.1:)?(\d+)/;
    my ($h2, $seen) = ($port + 10, $port + 11);
    my ($api, $cluster) = $text =~ m{aigc_kubernetes https://127\.0\.0\.1:(\d+) .*ca_file=(\S+)/serviceaccount/};
    $text =~ s{(aigc_kubernetes https://127\.0\.0\.1:)\d+}{$1$seen};
    $text =~ s{\}\s*\z}{
    server {
        listen 127.0.0.1:$seen ssl;
        ssl_certificate $cluster/pki/apiserver.crt;
        ssl_certificate_key $cluster/pki/apiserver.key;
        access_log kubernetes.log kubernetes;
        location / { proxy_pass https://127.0.0.1:$api; proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h; }
    }
\}
};
    $text =~ s/listen 127\.0\.0\.1:$port\b( default_server)?;/$& listen 127.0.0.1:$h2 http2@{[ $1 \/\/ '' ]};/g;
    return $text;
});
my $alice = $t->sign_in('alice');
my $mine  = $alice->install('stable-diffusion-cpu')->wait_ready;
my $dash  = $t->host . ':' . $t->port;
my $mark  = $t->audit_mark;

# Every one that gateway.conf has: endpoints.conf, which it includes.
open my $conf, '<', $t->repo('ngx_aigc_module/conf/endpoints.conf') or die $!;
my $text = do { local $/; <$conf> };
my @internal = map { m{^location\s+(?:=\s+|\^~\s+)?(\S+)\s*\{[^{}]*\binternal;}s ? $1 : () } split /^(?=location)/m, $text;
is join(' ', @internal), '/_aigc/too-large /_aigc/kubernetes/', 'the internal locations of gateway.conf';
my @path = ('/_aigc/too-large', '/_aigc/kubernetes', '/_aigc/kubernetes/', '/_aigc/kubernetes/version', '/_aigc/kubernetes/api/v1/namespaces/default/secrets', '/_aigc/kubernetes/api/v1/namespaces/default/pods');

sub all_escaped { my ($path) = @_; return join '/', map { s/(.)/sprintf '%%%02x', ord $1/ger } split m{/}, $path, -1 }

sub written {           # other ways to write a path
    my ($p) = @_;
    my $q = substr $p, 1;
    return ($p, "/$p", "//$p", "/.$p", "/x/..$p", "/x/%2e%2e$p", "/x/.%2e$p", "/api/v1/..$p" =~ s{v1/\.\.}{v1/../..}r, "/index.html/..$p", $p =~ s{/}{//}gr, $p =~ s{(?<=.)/}{/./}gr,
        all_escaped($p), $p =~ s/_/%5f/r, $p =~ s/_/%255f/r, $p =~ s{(?<=.)/}{%2f}gr, $p =~ s{(?<=.)/}{%252f}gr, "/%2f$q", "/%2e/$q", uc $p, "/_AIGC" . substr($p, 6), "/;$p", "/..;$p", "/x/..;$p", "/;x=y/$q", $p =~ s{(?<=.)/}{;/}gr,
        "$p?x=1", "$p?", "$p#x", "$p;x", "$p%00", "$p%20", "$p.", "$p%0a", "$p%3f", "$p/..$p", $p =~ s{(?<=.)/}{\\}gr, "/\\$q", "\\$q", "/%5c$q", "/%c0%af$q", "/%u002f$q", "/$q/", "$p//");
}

my $kubernetes = qr/gitVersion|"kind"\s*:|PodList|SecretList|body-too-large/;

sub harmless {
    my ($code, $content) = @_;
    return 'Kubernetes answers' if $content =~ $kubernetes;
    return $code =~ /^(?:0|40[0-5]|403|501)$/ || $code == 200 && $content =~ /<title>AI applications/ ? '' : $code;
}

subtest 'however it is written' => sub {
    for my $p (@path) {
        my @bad;
        my @ways = written($p);
        for my $way (@ways) {
            for my $target ($way, ($way =~ m{^/} ? ("http://$dash$way", "http://$dash" . uc($way)) : ())) {
                my $r = $alice->get('/', target => $target);
                my $bad = harmless($r->code, $r->content);
                push @bad, "$target: $bad" if $bad;
            }
            my $r = $alice->get('/', target => $way, http => '1.0');
            my $bad = harmless($r->code, $r->content);
            push @bad, "$way, HTTP/1.0: $bad" if $bad;
            $r = $alice->get($mine->url, target => $way);
            push @bad, "$way on an instance's host: " . $r->code if $r->content =~ $kubernetes || $r->code !~ /^(?:40[0-4])$/;
        }
        is join("\n", @bad), '', "$p, in " . @ways . ' ways';
    }
};

subtest 'by any method, header, or HTTP/2' => sub {
    for my $p (@path) {
        my %is;
        $is{$_} = harmless($alice->request($_, $p, headers => [Origin => $t->origin])->code, '') for qw(GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND MKCOL MOVE COPY LOCK SEARCH);
        is join(' ', map { "$_ $is{$_}" } grep { $is{$_} } sort keys %is), '', "$p by every method";
        my $r = $alice->post($p, body => '{}', headers => [Origin => $t->origin, 'Content-Type' => 'application/json-patch+json']);
        is harmless($r->code, $r->content), '', '… with a body';
        for my $name (qw(X-Accel-Redirect X-Original-URL X-Rewrite-URL X-Sendfile X-Original-URI X-Forwarded-Uri Destination Referer)) {
            $r = $alice->get('/api/v1/nothing', headers => [$name => $p]);
            is $r->code, 404, "… by the request header $name";
        }
        $r = $alice->get($p, headers => [Authorization => 'Bearer ' . $t->forge]);
        is $r->code, 404, '… by token';
        for my $way (grep { !/[#\\]/ } written($p)) {
            my $h2 = AIGC::HTTP2->connect('127.0.0.1', $t->port(10))->request([':method' => 'GET', ':scheme' => 'http', ':path' => $way,
                ':authority' => $dash, cookie => $alice->cookie_header($t->url)]);
            my $bad = $h2->{reset} ? '' : harmless($h2->{code}, $h2->{content});
            fail "HTTP/2: $way: $bad" if $bad;
        }
        pass '… by HTTP/2';
    }
    is $alice->post('/api/v1/me', headers => [Origin => $t->origin], body => 'x' x 20_000)->code, 413, 'an error page is the one way to one of them';
};

subtest 'by what a page or a pod includes' => sub {
    # nginx's own includes (SSI), and links of a pod: text, for nginx.
    my $include = '<!--#include virtual="/_aigc/kubernetes/version" --><!--# include file="/etc/passwd" --><esi:include src="/_aigc/kubernetes/version"/>';
    is $alice->put($mine->url('/disk/x.html'), body => $include)->code, 204, 'a page with includes';
    is $alice->get($mine->url('/disk/x.html'))->content, $include, '… is passed on as it is';
    for my $p (@path) {
        my $r = $alice->get($mine->url("/respond?code=302&header=Location:$p&header=Refresh:0;url=$p&header=Link:<$p>;rel=preload&header=Content-Location:$p&header=X-Sendfile:$p&header=X-Accel-Redirect:$p"));
        is $r->code . ' ' . $r->content, "302 respond\n", "what a pod says of $p nginx does not follow";
    }
};

subtest 'paths of calls' => sub {
    my $name = $mine->template;
    my $id   = $mine->id;
    my @id = ('..', '.', "$id/..", "$id%2f..", "$id%2f..%2f..%2fsecrets", "$id%3fx=y", "$id%23", "$id%00", "$id%0d%0a", "$id%20", " $id", "0$id", "+$id", "-$id", "-1", "${id}e0", '0x0', "$id;x", "$id,$id", '99999999999999999999', '4294967296', '18446744073709551616', "$id.", "\xd9\xa0", '%d9%a0', '*', '%2a', '');
    my @name = ('..', '.', "$name%2f..", "..%2f$name", "$name%2f..%2f..%2fpods", "$name%3fdryRun=All", "$name%23", "$name%00", "$name%0a", uc $name, "$name%20", '%2e%2e', '*', "$name;x", "$name-", 'x' x 254, '');
    my $before = $t->gateway_writes($mark);
    for my $verb (qw(release restart update start)) {
        for my $bad (map({ "default/$name/$_" } @id), map({ ("default/$_/$id", "$_/$name/$id") } @name)) {
            next if $bad =~ / /;
            my $r = $alice->request('POST', '/', target => "/api/v1/instances/$bad/$verb", headers => [Origin => $t->origin]);
            # What nginx makes a plain path of, is one: such as "default/./x".
            fail "$bad/$verb: " . $r->code unless $r->code =~ /^(?:400|404|405)$/;
        }
    }
    for my $bad (map { ("default/$_", "$_/$name") } @name) {
        my $r = $alice->request('POST', '/', target => "/api/v1/templates/$bad/install", headers => [Origin => $t->origin]);
        fail "$bad/install: " . $r->code unless $r->code =~ /^(?:400|404|405)$/;
    }
    pass 'none is found';
    is_deeply $t->gateway_writes($mark), $before, 'nothing was written';
    is $mine->look->state, 'ready', 'the instance is as it was';
};

subtest 'what a call takes along' => sub {
    is $t->sign_in('bob')->post('/api/v1/templates/default/stable-diffusion-cpu/install',
        headers => [Origin => $t->origin, 'X-Own' => 'his'])->code, 202, 'a call of the API, which becomes one of Kubernetes';
    my @patch;
    $t->wait_for(sub { open my $f, '<', $t->file('nginx/kubernetes.log') or return; @patch = grep { m{^PATCH .*/gameserversets/} } <$f> }, 10, 'it was seen');
    is_deeply [ grep { !/ own=- cookie=-$/ } @patch ], [], 'nothing of the client\'s goes with it';
};

my @calls = $t->gateway_calls(since => $mark, verb => qr/(?!watch).*/, uri => qr{.*/(?:version|pods|secrets)(?:/.*)?(?:\?.*)?});
is_deeply [ map { "$_->{verb} $_->{requestURI}" } @calls ], [], 'the API server was asked none of it';

done_testing;
