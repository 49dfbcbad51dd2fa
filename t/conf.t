# t/conf.t — nginx -t: a good configuration is taken, a wrong one is refused
# with the directive, the value and the fix, and no secret is printed

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use Cwd qw(abs_path);
use File::Path qw(make_path);
use File::Temp qw(tempdir);

my $repo   = abs_path("$FindBin::Bin/..");
my $module = $ENV{AIGC_MODULE} // "$repo/build/"
    . ($ENV{AIGC_ASAN} ? 'asan' : 'module') . '/ngx_http_aigc_module.so';
my $dir    = tempdir('aigc-conf-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $secret = 'Zm9yLW5vYm9keS1lbHNl';

make_path("$dir/aigc", "$dir/temp");
symlink $_, "$dir/aigc/" . s{.*/}{}r for glob "$repo/ngx_aigc_module/conf/*.conf";

file('token', "token.of.a.service.account\n", 0644);
file('key', ('0123456789abcdef' x 4) . "\n");
file('secret', "$secret\n");
file('namespace', 'aigc-gateway', 0644);
file('aigc/kubernetes.conf', <<"END", 0644);
proxy_ssl_trusted_certificate $dir/ca.crt;
proxy_ssl_name kubernetes.default.svc;
proxy_ssl_verify on;
END
system('/bin/sh', '-c', 'exec "$@" 2>/dev/null', 'sh', 'openssl', 'req', '-x509',
    '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-batch',
    '-subj', '/CN=test', '-keyout', "$dir/ca.key", '-out', "$dir/ca.crt") == 0
    or die "openssl req\n";

sub file {
    my ($name, $text, $mode) = @_;
    open my $f, '>', "$dir/$name" or die "$dir/$name: $!";
    print $f $text;
    close $f;
    chmod $mode // 0600, "$dir/$name";
    return "$dir/$name";
}

# All directives as they should be; replaced by name, undef takes one away.
sub conf {
    my (%o) = @_;
    my %d = (
        aigc_zone       => 'gateway:16m',
        aigc_kubernetes => "https://127.0.0.1:6443 namespaces=default "
            . 'token_file=token ca_file=ca.crt',
        aigc_logto      => 'https://logto.example.com app_id=app app_secret_file=secret',
        aigc_session    => 'key_file=key domain=example.com',
        aigc_gateway    => 'https://dashboard.example.com',
        %{ $o{directives} // {} },
    );
    my $directives = $o{only} // join "\n    ",
        map { "$_ $d{$_};" } grep { defined $d{$_} } sort keys %d;
    my $upstream = $o{upstream} // 'upstream instances { aigc_instances; keepalive 64; keepalive_timeout 4s; }';
    my $servers  = $o{servers} // <<"END";
    server { server_name dashboard.example.com; include aigc/gateway.conf; }
    server { server_name *.example.com; location / { include aigc/instance.conf; @{[ $o{instance} // '' ]} } }
    server { listen 127.0.0.1:1; include aigc/status.conf; }
END
    my $http = $o{http} // '';
    return <<"END";
load_module $module;
pid $dir/nginx.pid;
error_log stderr info;
events { @{[ $o{events} // '' ]} }
http {
    client_body_temp_path temp/body; proxy_temp_path temp/proxy;
    fastcgi_temp_path temp/f; uwsgi_temp_path temp/u; scgi_temp_path temp/s;
    access_log off;
    $http
    $directives
    $upstream
    $servers
}
END
}

# (exit status, what it said) of nginx -t
sub nginx_t {
    my ($text, @as) = @_;
    file('nginx.conf', $text, 0644);
    local $ENV{LD_PRELOAD} = $ENV{AIGC_ASAN} ? `gcc -print-file-name=libasan.so` =~ s/\n//r : '';
    local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
    open my $out, '-|', '/bin/sh', '-c', 'exec "$@" 2>&1', 'sh',
        @as, $ENV{AIGC_NGINX} // '/usr/sbin/nginx', '-p', "$dir/", '-c', "$dir/nginx.conf",
        '-e', 'stderr', '-t' or die $!;
    my $said = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $said);
}

sub good {
    my ($what, $text) = @_;
    my ($status, $said) = nginx_t($text);
    my ($line) = $said =~ /(.*\[(?:warn|emerg|alert|crit|error)\].*)/;
    ok $status == 0 && !defined $line, "$what: nothing to complain of"
        or diag $said;
}

# Each pattern must stand in the one [emerg] line, which names file and line.
sub bad {
    my ($what, $text, @patterns) = @_;
    my ($status, $said) = nginx_t($text);
    my ($line) = $said =~ /\[emerg\] \d+#\d+: (.*)/;
    $line //= "(no error) $said";
    my @missing = grep { $line !~ $_ } @patterns;
    ok $status == 1 && !@missing && $said !~ /\Q$secret\E/, "$what is refused, and why is said"
        or diag "$line\nmissing: @missing";
}

# One directive with another value.
sub wrong {
    my ($what, $name, $value, @patterns) = @_;
    bad("$name: $what", conf(directives => { $name => $value }), qr/$name/, @patterns);
}

subtest 'what is right' => sub {
    good('all directives', conf());
    good('the module loaded and not used', conf(only => '', upstream => '',
        servers => 'server { listen 127.0.0.1:1; return 200; }'));
    good('all namespaces, a selector, max_stale', conf(directives => {
        aigc_kubernetes => 'https://localhost:6443 "selector=tier in (a,b)" max_stale=20m token_file=token ca_file=ca.crt' }));
    good('sixteen namespaces', conf(directives => { aigc_kubernetes =>
        'https://127.0.0.1:6443 token_file=token ca_file=ca.crt namespaces=' . join ',', map { "ns$_" } 1 .. 16 }));
    good('the smallest zone', conf(directives => { aigc_zone => 'a:2m' }));
    good('management application and audience', conf(directives => {
        aigc_logto => 'https://logto.example.com:3001 app_id=a app_secret_file=secret '
            . 'm2m_app_id=b m2m_app_secret_file=secret webhook_key_file=secret audience=https://api ca_file=ca.crt' }));
    good('a cookie and a lifetime of one\'s own', conf(directives => {
        aigc_session => 'key_file=key domain=Example.com cookie=__Secure-aigc lifetime=7d secure=on' }));
    good('grace', conf(directives => {
        aigc_logto => "https://logto.example.com app_id=a app_secret_file=secret grace=$_" })) for qw(30m off);
    good('keepalive', conf(upstream => 'upstream instances { aigc_instances; keepalive 4; keepalive_timeout 5s; }'));
    good('no keepalive', conf(upstream => 'upstream instances { aigc_instances; }'));
    good('satisfy all', conf(instance => 'satisfy all; deny all;'));

    my ($status, $said) = nginx_t(conf(directives => {
        aigc_session => 'key_file=key domain=example.com secure=off',
        aigc_gateway => 'http://dashboard.example.com:8080' }));
    my @lines = $said =~ /(\[(?:warn|error|emerg)\].*)/g;
    is $status, 0, 'plain HTTP, for development, is taken';
    is scalar @lines, 1, 'with one warning';
    like $lines[0], qr/aigc_session secure=off.*plain HTTP, for development only/, 'that says why';
};

subtest 'what is missing' => sub {
    for my $name (qw(aigc_zone aigc_kubernetes aigc_logto aigc_session aigc_gateway)) {
        my $servers = $name eq 'aigc_kubernetes'   # whose upstream gateway.conf names
            ? 'server { location / { aigc_access on; } }' : undef;
        bad("without $name", conf(directives => { $name => undef }, servers => $servers),
            qr/"$name" is missing: add it to the http block/);
    }
    for my $use ('aigc_access on', 'aigc_readyz', 'aigc_auth', 'aigc_api') {
        bad("$use alone", conf(only => '', upstream => '', servers => "server { location / { $use; } }"),
            qr/"aigc_zone" is missing/);
    }
    bad('aigc_instances alone', conf(only => '', servers => ''), qr/"aigc_zone" is missing/);
    bad('aigc_guard alone', conf(only => 'aigc_guard on;', upstream => '', servers => ''), qr/"aigc_zone" is missing/);
};

subtest 'worker_connections' => sub {
    my $many = { aigc_kubernetes => 'https://127.0.0.1:6443 token_file=token ca_file=ca.crt namespaces='
        . join ',', map { "ns$_" } 1 .. 16 };
    good('56 for one namespace', conf(events => 'worker_connections 56;'));
    bad('55', conf(events => 'worker_connections 55;'),
        qr/"worker_connections" 55 are too few: the gateway keeps 28 of them for its own calls: set at least 56/);
    good('236 for sixteen', conf(events => 'worker_connections 236;', directives => $many));
    bad('235', conf(events => 'worker_connections 235;', directives => $many), qr/"worker_connections" 235.*set at least 236/);
    good('any number without the module\'s directives', conf(events => 'worker_connections 8;', only => '', upstream => '',
        servers => 'server { listen 127.0.0.1:1; return 200; }'));
};

subtest 'what remembers answers' => sub {
    my $zone = 'proxy_cache_path cache keys_zone=z:1m;';
    my $cached = sub { return conf(http => $zone, instance => $_[0]) };
    my $why = qr/location "\/", in front of instances, would give one user's answers to another/;
    bad('proxy_cache with nginx\'s key', $cached->('proxy_cache z;'), qr/"proxy_cache" in $why/,
        qr/let "\$aigc_instance" be in its key, as in proxy_cache_key "\$aigc_instance \$request_uri", or remove it/);
    bad("the key $_", $cached->("proxy_cache z; proxy_cache_key $_;"), qr/"proxy_cache" in $why: let "\$aigc_instance" be/)
        for qw($request_uri $scheme$proxy_host$request_uri aigc_instance $aigc_user ${aigc_user}_instance);
    bad("the key $_", $cached->("proxy_cache z; proxy_cache_key $_;"), qr/"proxy_cache" in $why: let "\$aigc_instance" come first/)
        for qw($args$aigc_instance$uri $http_a-$aigc_instance-$cookie_b);
    good("the key $_", $cached->("proxy_cache z; proxy_cache_key $_;")) for '"$aigc_instance $request_uri"',
        qw($aigc_instance$request_uri "${aigc_instance}$uri" $scheme$proxy_host$aigc_instance$request_uri
           $scheme$proxy_host$request_uri$aigc_instance $host/$aigc_instance/$uri$is_args$args);
    bad('proxy_store', conf(instance => "proxy_store $_;"), qr/"proxy_store" in $why: remove it/)
        for 'on', '/tmp/x$uri', '/tmp/$aigc_instance$uri';

    my $servers = sub { return conf(http => $zone . ($_[1] // ''), servers => <<"END") };
    server { server_name dashboard.example.com; include aigc/gateway.conf; }
    server { server_name *.example.com; $_[0] }
END
    bad('inherited', $servers->('location / { include aigc/instance.conf; }', 'proxy_cache z;'), $why);
    bad('inherited, with a key of its own', $servers->('location / { include aigc/instance.conf; proxy_cache_key $uri; }',
        'proxy_cache z; proxy_cache_key $aigc_instance$uri;'), $why);
    good('a key that is inherited', $servers->('location / { include aigc/instance.conf; }',
        'proxy_cache z; proxy_cache_key $aigc_instance$uri;'));
    good('off again', $servers->('location / { include aigc/instance.conf; proxy_cache off; }', 'proxy_cache z;'));
    bad('in a location within', $servers->('location / { include aigc/instance.conf; location /x { proxy_pass http://instances; proxy_cache z; } }'),
        qr/location "\/x"/);
    bad('a named location', $servers->('location / { include aigc/instance.conf; error_page 404 = @x; } location @x { proxy_pass http://instances; proxy_cache z; }'),
        qr/location "\@x"/);
    bad('without aigc_access', $servers->('location /x { proxy_pass http://instances; proxy_cache z; }'), qr/location "\/x"/);
    bad('behind aigc_access, another upstream', $servers->('location /x { aigc_access on; proxy_pass http://127.0.0.1:1; proxy_cache z; }'),
        qr/location "\/x"/);
    good('elsewhere', $servers->('location /x { proxy_pass http://127.0.0.1:1; proxy_cache z; } location / { include aigc/instance.conf; }'));
    for my $kind (qw(fastcgi uwsgi scgi)) {
        my $with = sub { return conf(http => "${kind}_cache_path cache keys_zone=z:1m;",
            servers => "server { include aigc/gateway.conf; } server { server_name i; location / { aigc_access on; ${kind}_pass instances; $_[0] } }") };
        bad("${kind}_cache", $with->("${kind}_cache z; ${kind}_cache_key \$uri;"), qr/"${kind}_cache" in $why/,
            qr/${kind}_cache_key "\$aigc_instance/);
        good("${kind}_cache with a safe key", $with->("${kind}_cache z; ${kind}_cache_key \$aigc_instance\$uri;"));
        bad("${kind}_store", $with->("${kind}_store on;"), qr/"${kind}_store" in $why/);
    }
};

subtest 'twice' => sub {
    my %again = (
        aigc_zone => 'other:16m', aigc_kubernetes => 'https://127.0.0.2 token_file=token ca_file=ca.crt',
        aigc_logto => 'https://l.example.com app_id=a app_secret_file=secret',
        aigc_session => 'key_file=key domain=example.com', aigc_gateway => 'https://d.example.com',
        aigc_limits => 'user_total=3; aigc_limits user_total=3',
    );
    bad("$_ twice", conf(http => "$_ $again{$_};"), qr/"$_" directive is duplicate/)
        for sort keys %again;
    bad('aigc_instances twice', conf(upstream => 'upstream instances { aigc_instances; aigc_instances; }'),
        qr/"aigc_instances" directive is duplicate/);
    bad('aigc_access twice', conf(instance => 'aigc_access on;'), qr/"aigc_access" directive is duplicate/);
    bad('a zone of another module\'s name', conf(http => 'limit_req_zone $host zone=gateway:16m rate=1r/s;'),
        qr/zone "gateway" is already (?:declared|bound)|conflict/);
};

subtest 'aigc_limits' => sub {
    good("aigc_limits $_", conf(directives => { aigc_limits => $_ }))
        for qw(user_template=1 user_template=2500 user_total=0 user_total=100000), 'user_template=3 user_total=5';
    for my $value (qw(0 -1 2501 many 1.5 1k), '', '9' x 30) {
        wrong("user_template=$value", aigc_limits => "user_template=$value",
            qr/"user_template=\Q$value\E": it takes a number from 1 to 2500/);
    }
    for my $value (qw(-1 100001 off 0x1), '', '9' x 30) {
        wrong("user_total=$value", aigc_limits => "user_total=$value",
            qr/"user_total=\Q$value\E": it takes a number from 0 to 100000/);
    }
    wrong('unknown', aigc_limits => 'total=5', qr/"total": it takes user_template=, user_total=/);
    wrong('nothing', aigc_limits => '', qr/invalid number of arguments/);
    bad('aigc_limits in a server', conf(servers => 'server { aigc_limits user_total=1; }'),
        qr/"aigc_limits" directive is not allowed here/);
};

subtest 'aigc_zone' => sub {
    wrong('no size', aigc_zone => 'gateway', qr/no size in "gateway".*gateway:16m/);
    wrong('no name', aigc_zone => ':16m', qr/":16m"/);
    wrong('too small', aigc_zone => 'gateway:1m', qr/"1m".*at least 2m/);
    wrong('no number', aigc_zone => 'gateway:big', qr/"big".*at least 2m/);
    wrong('negative', aigc_zone => 'gateway:-5m', qr/"-5m"/);
    wrong('nothing behind the colon', aigc_zone => 'gateway:', qr/size of ""/);
    wrong('two arguments', aigc_zone => 'gateway 16m', qr/invalid number of arguments/);
};

subtest 'URLs' => sub {
    my %rest = (
        aigc_kubernetes => ' token_file=token ca_file=ca.crt',
        aigc_logto => ' app_id=a app_secret_file=secret',
        aigc_gateway => '',
    );
    for my $name (sort keys %rest) {
        for my $url (qw(dashboard.example.com ftp://dashboard.example.com https://
            https://dashboard.example.com/path https://dashboard.example.com/?a
            https://user:word@dashboard.example.com https://dashboard.example.com:99999
            https://dash_board..example.com https:/dashboard.example.com))
        {
            wrong($url, $name => $url . $rest{$name}, qr/has "\Q$url\E": it takes a URL without a path/);
        }
    }
    wrong('plain HTTP', aigc_kubernetes => "http://127.0.0.1:6443$rest{aigc_kubernetes}", qr/http:.*takes https/);
    wrong('a name that does not resolve', aigc_kubernetes => "https://nowhere.invalid$rest{aigc_kubernetes}",
        qr/nowhere\.invalid/);
};

subtest 'unknown parameters' => sub {
    wrong('unknown', aigc_kubernetes => "https://127.0.0.1 tokn_file=$secret", qr/"tokn_file": it takes namespaces=, /);
    wrong('unknown', aigc_logto => "https://l.example.com app_id=a app_secret=$secret", qr/"app_secret": it takes app_id=, app_secret_file=/);
    wrong('unknown', aigc_session => "key=$secret domain=example.com", qr/"key": it takes key_file=/);
    wrong('secure=maybe', aigc_session => 'key_file=key domain=example.com secure=maybe', qr/"secure".*secure=on/);
};

subtest 'aigc_kubernetes' => sub {
    my $url = 'https://127.0.0.1:6443 token_file=token ca_file=ca.crt';
    for my $ns ('Default', 'a,,b', 'a,', ',a', 'a b', 'a/../b', 'a,a', '', 'x' x 64, join(',', map { "n$_" } 1 .. 17)) {
        wrong("namespaces=$ns", aigc_kubernetes => qq{$url "namespaces=$ns"}, qr/namespaces=.*at most 16 different names/);
    }
    wrong('max_stale', aigc_kubernetes => "$url max_stale=$_", qr/"max_stale=$_", which is not a time: write for example 10m/)
        for qw(soon 0 -1);

    my %files = (missing => 'cannot be opened', aigc => 'is not a regular file', empty => 'is empty');
    file('empty', '');
    for my $param (qw(token_file ca_file)) {
        wrong("$param is $_", aigc_kubernetes => "https://127.0.0.1:6443 token_file=token ca_file=ca.crt $param=$_",
            qr{$param=: "\Q$dir\E/$_" $files{$_}}) for sort keys %files;
    }
    for my $lease ('', 'a', '/a', 'a/', 'a/b/c', 'A/b', 'a/B', '../b', 'a/../b', 'x' x 64 . '/b', 'a/' . 'x' x 254) {
        wrong("lease=$lease", aigc_kubernetes => "$url lease=$lease",
            qr{"aigc_kubernetes" has lease=\Q$lease\E: it takes a namespace and a name, such as lease=aigc-gateway/aigc-gateway});
    }
    mkdir "$dir/pod";
    file('pod/token', "token\n");
    my $pod = 'https://127.0.0.1:6443 token_file=pod/token ca_file=ca.crt';
    for my $ns (undef, '', "\n", 'A', 'a/b', 'x' x 64) {
        file('pod/namespace', $ns, 0644) if defined $ns;
        wrong('the namespace is ' . ($ns // 'missing'), aigc_kubernetes => $pod,
            qr{gateway's namespace, "\Q$dir\E/pod/namespace" does not name it: give the leader's Lease, such as lease=});
    }
    good('with lease= it need not be known', conf(directives => { aigc_kubernetes => "$pod lease=team/gate.way" }));
    file('pod/namespace', 'x' x 63 . "\n", 0644);
    good('a namespace with a line end', conf(directives => { aigc_kubernetes => $pod }));
    wrong('no pod around it', aigc_kubernetes => 'https://127.0.0.1:6443',
        qr{token_file=: "/var/run/secrets/kubernetes.io/serviceaccount/token" cannot be opened})
        unless -e '/var/run/secrets/kubernetes.io/serviceaccount/token';
};

subtest 'aigc_oidc' => sub {
    my $good = 'issuer=https://id.example.com/realms/x client_id=a client_secret_file=secret';
    my %o = (aigc_logto => undef);
    my $oidc = sub { my ($name, $value, $why) = @_; bad($name, conf(directives => { %o, aigc_oidc => $value }), $why) };

    good($_, conf(directives => { %o, aigc_oidc => "$good $_" })) for '', 'roles_claim=realm_access.roles',
        'roles_claim=resource_access.my\.client.roles name_claim=https://example\.com/name', '"scope=openid groups"',
        'audience=https://a.example/api required_scope=use', 'prompt=consent id_token_hint=on grace=off admin_role=/ops ca_file=ca.crt';
    good('an issuer with a slash at its end', conf(directives => { %o, aigc_oidc => $good =~ s{/x}{/x/}r }));

    $oidc->("no $_", $good =~ s/$_=\S+ ?//r, qr/needs issuer=, client_id= and client_secret_file= of a confidential client/)
        for qw(issuer client_id client_secret_file);
    $oidc->("issuer=$_", "issuer=$_ client_id=a client_secret_file=secret",
        qr{has issuer=\Q$_\E: it takes an http or https URL of at most 512 bytes, exactly as "issuer" in})
        for 'id.example.com', 'ftp://id.example.com', 'https://id.example.com/?a', 'https://id.example.com/#a', 'https://' . 'x' x 60 . '.com/' . 'x' x 512;
    $oidc->("scope=$_", qq{$good "scope=$_"}, qr/has scope=\Q$_\E: it takes the scopes of a sign-in .* openid among them/)
        for '', 'profile', 'openidx', "openid \xc3\xa4", 'openid ' . 'x' x 512;
    $oidc->("roles_claim=$_", "$good roles_claim=$_", qr/has roles_claim=\Q$_\E: it takes names with dots between them, such as realm_access.roles, and "\\\."/)
        for '', 'a..b', '.a', 'a.', 'a\b', 'x' x 257;
    $oidc->('name_claim', "$good name_claim=a..b", qr/has name_claim=a\.\.b: it takes names/);
    $oidc->("prompt=$_", "$good prompt=$_", qr/has prompt=$_: it takes login, consent or select_account/) for 'none', '';
    $oidc->('id_token_hint', "$good id_token_hint=yes", qr/"id_token_hint=yes": it takes on or off/);
    $oidc->('an empty admin_role', "$good admin_role=", qr/empty admin_role=: give the name of a role or group/);
    $oidc->('required_scope without audience', "$good required_scope=use", qr/required_scope= without audience=/);
    $oidc->('a bad required_scope', qq{$good audience=a "required_scope=a b"}, qr/has required_scope=a b: it takes one scope .* or required_scope=off/);
    file('blank', "\n");
    $oidc->('no secret in its file', $good =~ s/=secret/=blank/r,
        qr{"aigc_oidc" client_secret_file=: "\Q$dir\E/blank" does not hold a secret in one line});
    $oidc->('unknown', "$good client_secret=$secret", qr/"client_secret": it takes issuer=, client_id=, client_secret_file=/);

    $oidc->("$_ is Logto's", "$good $_=secret", qr/"aigc_oidc" has $_=, which only Logto knows: remove it, or use "aigc_logto"/)
        for qw(m2m_app_id m2m_app_secret_file m2m_resource webhook_key_file custom_data);
    $oidc->("$_ has another name", "$good $_=secret", qr/"aigc_oidc" has $_=, which is client_/) for qw(app_id app_secret_file);
    $oidc->('twice', "$good;\n    aigc_oidc $good", qr/"aigc_oidc" directive is duplicate/);

    my $both = qr/"aigc_oidc" stands beside "aigc_logto": users sign in at one provider: remove one of them/;
    my $logto = 'https://l.example.com app_id=a app_secret_file=secret';
    bad('both', conf(directives => { aigc_oidc => $good }), $both);
    bad('both, the other way round', conf(directives => { %o, aigc_oidc => "$good;\n    aigc_logto $logto" }), $both);
    bad('neither', conf(directives => { %o }), qr/"aigc_logto" is missing: add it to the http block; for another provider, "aigc_oidc"/);
};

subtest 'aigc_logto' => sub {
    wrong('no secret', aigc_logto => 'https://l.example.com app_id=a', qr/needs app_id= and app_secret_file=/);
    wrong('no app_id', aigc_logto => 'https://l.example.com app_secret_file=secret', qr/needs app_id= and app_secret_file=/);
    wrong('an empty app_id', aigc_logto => 'https://l.example.com app_id= app_secret_file=secret', qr/needs app_id=/);
    wrong('grace', aigc_logto => "https://l.example.com app_id=a app_secret_file=secret grace=$_",
        qr/"grace=$_", which is not a time: write for example 10m/) for '', qw(0 soon on -1h);
    wrong('nothing but the URL', aigc_logto => 'https://l.example.com', qr/invalid number of arguments/);

    my $good = 'https://l.example.com app_id=a app_secret_file=secret';
    wrong('an m2m_app_id without its secret', aigc_logto => "$good m2m_app_id=m", qr/m2m_app_id= and m2m_app_secret_file= without the other: give both/);
    wrong('an m2m secret without its id', aigc_logto => "$good m2m_app_secret_file=secret", qr/without the other: give both/);
    wrong('custom_data without m2m', aigc_logto => "$good custom_data=on", qr/custom_data=on: that needs m2m_app_id= and m2m_app_secret_file=/);
    wrong("custom_data=$_", aigc_logto => "$good custom_data=$_", qr/"custom_data=$_": it takes on or off/) for '', 'yes', 'On';
    wrong("m2m_resource=$_", aigc_logto => "$good m2m_app_id=m m2m_app_secret_file=secret m2m_resource=$_", qr{m2m_resource=\Q$_\E: beside m2m_app_id= it takes the indicator of Logto's Management API, https://<tenant>})
        for '', 'tenant', 'ftp://tenant.logto.app/api';
    wrong('m2m_resource without m2m', aigc_logto => "$good m2m_resource=https://t.logto.app/api", qr/beside m2m_app_id= it takes/);
    wrong('scope without audience', aigc_logto => "$good scope=$_", qr/scope= without audience=: only tokens for an API resource have one/) for 'use', 'off';
    wrong("scope=$_", aigc_logto => qq{$good audience=https://a.example/api "scope=$_"}, qr/it takes one scope of the API resource, such as scope=aigc, or scope=off/)
        for '', 'a b', "\xc3\xa4", 'x' x 129;
    wrong('an empty admin_role', aigc_logto => "$good admin_role=", qr/empty admin_role=: give the name of a Logto role/);

    wrong('what another provider calls so', aigc_logto => "$good client_id=a", qr/"client_id": it takes app_id=, /);

    file('open', "$secret\n", 0644);
    file('long', 's' x 513 . "\n");
    file('lines', "$secret\n$secret\n");
    file('blank', "\n");
    file('binary', "$secret\x80\n");
    my %files = (missing => 'cannot be opened', empty => 'is empty', open => 'is readable by others: chmod 600',
        aigc => 'not a regular file', map { $_ => 'does not hold a secret in one line of at most 512 bytes' }
        qw(long lines blank binary));
    for my $param (qw(app_secret_file m2m_app_secret_file webhook_key_file)) {
        wrong("$param is $_", aigc_logto => "https://l.example.com app_id=a app_secret_file=secret $param=$_",
            qr{$param=: "\Q$dir\E/$_" .*$files{$_}}) for sort keys %files;
    }
};

subtest 'aigc_session' => sub {
    wrong('no key', aigc_session => 'domain=example.com lifetime=1d', qr/needs key_file= and domain=/);
    wrong('no domain', aigc_session => 'key_file=key lifetime=1d', qr/needs key_file= and domain=/);
    wrong("domain=$_", aigc_session => "key_file=key domain=$_", qr/domain=\Q$_\E.*domain=example\.com/)
        for qw(https://example.com example.com:80 exa*mple.com a/b .);
    wrong('lifetime', aigc_session => "key_file=key domain=example.com lifetime=$_", qr/"lifetime=$_", which is not a time/)
        for qw(long 0);
    wrong("cookie=$_", aigc_session => qq{key_file=key domain=example.com "cookie=$_"}, qr/cookie=.*it takes a name/)
        for '', 'a b', 'a;b', 'a=b', 'a,b', '__Host-aigc', "\x{e4}", 'c' x 65;

    my $hex = '0123456789abcdef' x 4;
    chown 0, 65534, file('shared', "$hex\n", 0640) or die $!;
    file('short', substr($hex, 2) . "\n");
    file('empty', '');
    file('letters', ('g' x 64) . "\n");
    file('comment', "# none\n\n");
    file('double', "$hex\n$hex\n");
    file('many', join '', map { sprintf "%064x\n", $_ } 1 .. 9);
    my %files = (missing => 'cannot be opened', shared => 'is readable by others: chmod 600',
        short => 'line 1 is not 64 hexadecimal digits', letters => 'line 1 is not 64 hexadecimal digits',
        comment => 'has no key', double => 'line 2 repeats a key', many => 'line 9 is one key too many',
        empty => 'has no key', aigc => 'not a regular file');
    wrong("key_file is $_", aigc_session => "key_file=$_ domain=example.com",
        qr{"\Q$dir\E/$_" .*$files{$_}}) for sort keys %files;
};

# As Kubernetes mounts a Secret with fsGroup: root's, the pod's group, 0440.
# At the bound, and one past it; NGX_HTTP_AIGC_ASK_MAX is the "scope=" of a sign-in.
subtest 'bounds' => sub {
    my %o = (aigc_logto => undef);
    my $id = 'issuer=https://id.example.com client_id=a client_secret_file=secret';
    my $kubernetes = 'https://127.0.0.1:6443 token_file=token ca_file=ca.crt';
    my $fill = sub { my ($begin, $bytes) = @_; return $begin . 'x' x ($bytes - length $begin) };
    my @bound = (
        [AIGC_LEASE_NAME_MAX  => 253, aigc_kubernetes => sub { "$kubernetes namespaces=default lease=aigc-gateway/" . $fill->('', $_[0]) }, qr/has lease=/],
        [AIGC_NAMESPACES_MAX  => 16,  aigc_kubernetes => sub { "$kubernetes namespaces=" . join ',', map { "n$_" } 1 .. $_[0] }, qr/at most 16 different names/],
        [AIGC_SCOPE_MAX       => 128, aigc_oidc => sub { "$id audience=a required_scope=" . $fill->('', $_[0]) }, qr/has required_scope=/],
        [HTTP_AIGC_ASK_MAX    => 512, aigc_oidc => sub { qq{$id "scope=} . $fill->('openid ', $_[0]) . '"' }, qr/has scope=/],
        [AIGC_CLAIM_MAX       => 256, aigc_oidc => sub { "$id roles_claim=" . $fill->('', $_[0]) }, qr/has roles_claim=/],
        [AIGC_ENDPOINT_MAX    => 512, aigc_oidc => sub { 'issuer=' . $fill->('https://id.example.com/', $_[0]) . ' client_id=a client_secret_file=secret' }, qr/has issuer=/],
        [AIGC_SECRET_MAX      => 512, aigc_oidc => sub { file('long', $fill->('', $_[0])); 'issuer=https://id.example.com client_id=a client_secret_file=long' }, qr/one line of at most 512 bytes/],
    );
    for (@bound) {
        my ($name, $max, $directive, $value, $why) = @$_;
        my $with = sub { conf(directives => { ($directive eq 'aigc_oidc' ? %o : ()), $directive => $value->($_[0]) }) };
        good("$name, $max", $with->($max));
        bad("$name, one more", $with->($max + 1), $why);
    }
};

subtest 'who may read a secret' => sub {
    my @in = ('setpriv', '--clear-groups');
    my @of = ('setpriv', '--groups', '40,4242');
    for (['root alone', 0, 0, 0400, ''], ['root and its group', 0, 0, 0640, ''],
        ['a group of this process', 0, 4242, 0440, '', @of],
        ['a foreign group', 0, 4242, 0440, qr/is readable by others: chmod 600, or 440 with a group/, @in],
        ['a group that may write', 0, 0, 0660, qr/is readable by others/],
        ['others', 0, 0, 0404, qr/is readable by others/],
        ['another owner', 65534, 0, 0400, qr/belongs to another user: chown it to root/])
    {
        my ($who, $uid, $gid, $mode, $why, @as) = @$_;
        for (['key_file', aigc_session => 'key_file=mine domain=example.com', '0123456789abcdef' x 4],
            ['app_secret_file', aigc_logto => 'https://l.example.com app_id=a app_secret_file=mine', $secret])
        {
            my ($param, $directive, $value, $text) = @$_;
            chown $uid, $gid, file('mine', "$text\n", 0600) or die $!;
            chmod $mode, "$dir/mine" or die $!;
            my ($status, $said) = nginx_t(conf(directives => { $directive => $value }), @as);
            ok $why ? $status && $said =~ m{"\Q$dir\E/mine" $why} : !$status, "$param: $who" or diag $said;
            unlike $said, qr/\Q$text/, 'nothing of it is told';
            unlink "$dir/mine";
        }
    }
};

subtest 'the name of version 1.0\'s session cookie' => sub {
    for my $name ('aigc-bind', (map { ($_, "__Secure-$_") } qw(aigc-session aigc-instance aigc-nonce)), 'aigc-login-0', 'aigc-login-AZaz09-_AZaz09-_AZaz09', '__Secure-aigc-login-AZaz09-_AZaz09-_AZaz09.0', '__Secure-aigc-bind') {
        wrong("cookie=$name", aigc_session => "key_file=key domain=example.com cookie=$name",
            qr/cookie=\Q$name\E, which is the name of another cookie of the gateway's own: choose/);
    }
    good("cookie=$_", conf(directives => { aigc_session => "key_file=key domain=example.com cookie=$_" }))
        for qw(aigc_session aigc-sessions aigc-binding aigc-login aigc-login-session __Secure-aigc);
};

subtest 'what does not go together' => sub {
    good("the gateway on $_, outside of the instances' domain", conf(directives => { aigc_gateway => "https://$_" }))
        for qw(dashboard.example.org example.com.evil.org notexample.com);
    good("the gateway on $_, of the instances' domain", conf(directives => { aigc_gateway => "https://$_" }))
        for qw(example.com dashboard.example.com a.b.example.com);
    bad('https with secure=off', conf(directives => { aigc_session => 'key_file=key domain=example.com secure=off' }),
        qr/"aigc_gateway" is https, but "aigc_session" has secure=off.*https goes with secure=on/);
    wrong('http with secure=on', aigc_gateway => 'http://dashboard.example.com',
        qr/"aigc_gateway" is http, but "aigc_session" has secure=on/);

    bad('satisfy any', conf(instance => 'satisfy any;'), qr/"aigc_access".*"satisfy any".*location "\/".*remove "satisfy any"/);
    bad('satisfy any above', conf(http => 'satisfy any;'), qr/"aigc_access".*"satisfy any"/);
    bad('satisfy any inside', conf(http => 'aigc_access on;',
        servers => 'server { location / { aigc_access off; location /a { aigc_access on; satisfy any; } } }'),
        qr/"satisfy any" in location "\/a"/);

    good("aigc_auth dialect=$_", conf(servers => "server { location / { aigc_auth dialect=$_; } }")) for qw(nginx envoy traefik);
    bad('another dialect', conf(servers => 'server { location / { aigc_auth dialect=caddy; } }'), qr/"aigc_auth" does not know "dialect": it takes dialect=nginx\|envoy\|traefik/);
    bad('aigc_auth twice', conf(servers => 'server { location / { aigc_auth dialect=envoy; aigc_auth; } }'), qr/"aigc_auth" directive is duplicate/);

    good('aigc_guard', conf(directives => { aigc_guard => 'on' }));
    bad('aigc_guard in a server', conf(servers => 'server { aigc_guard on; }'), qr/"aigc_guard" directive is not allowed here/);
    bad('aigc_guard with another value', conf(directives => { aigc_guard => 'yes' }), qr/invalid value "yes" in "aigc_guard" directive, it must be "on" or "off"/);
    bad('aigc_guard beside underscores_in_headers', conf(directives => { aigc_guard => 'on' }, servers => 'server { underscores_in_headers on; }'),
        qr/"underscores_in_headers on" stands beside "aigc_guard"/);

    for my $names ('underscores_in_headers on', 'ignore_invalid_headers off') {
        my $never = qr/"$names" stands beside "aigc_access".*X_Forwarded_User.*remove it from every server/;
        bad($names, conf(http => "$names;"), $never);
        bad("$names in another server", conf(servers => "server { listen 127.0.0.1:2; $names; } "
            . 'server { location / { include aigc/instance.conf; } }'), $never);
        good("$names where no instance is guarded", conf(servers => "server { $names; include aigc/gateway.conf; }"));
    }

    for my $other ('least_conn', 'ip_hash', 'hash $uri', 'random', 'keepalive 4') {
        bad("aigc_instances after $other", conf(upstream => "upstream instances { $other; aigc_instances; }"),
            qr/"aigc_instances" comes after another balancer.*be the first/);
    }
    for my $other ('least_conn', 'ip_hash', 'hash $uri', 'random') {
        bad("aigc_instances before $other", conf(upstream => "upstream instances { aigc_instances; $other; }"),
            qr/"aigc_instances" is followed by another balancer.*remove that one/);
    }
    bad('aigc_instances at http level', conf(http => 'aigc_instances;'), qr/"aigc_instances" directive is not allowed here/);
    bad('aigc_zone in a server', conf(servers => 'server { aigc_zone a:2m; }'), qr/"aigc_zone" directive is not allowed here/);
};

subtest 'the module loaded and not used' => sub {
    my $t = AIGC::Stack->start(bare => 1, main => "load_module $module;");
    $t->{opt}{server} = 'server { listen 127.0.0.1:' . $t->port . '; return 200 "served"; }';
    $t->reload;
    is $t->plain('GET', $t->port, '/')->content, 'served', 'nginx serves as if it were not there';
};

subtest "README's synopsis" => sub {
    open my $f, '<', "$repo/README.md" or die $!;
    my $readme = do { local $/; <$f> };
    my ($text) = $readme =~ /^```nginx\n(load_module.*?)^```/ms or die 'no synopsis';
    my %own = (             # what a machine of its own has elsewhere
        'modules/ngx_http_aigc_module.so' => $module,
        '/etc/aigc/app_secret'            => "$dir/secret",
        '/etc/aigc/session.key'           => "$dir/key",
        'https://kubernetes.default.svc'  => 'https://127.0.0.1:6443',
        'namespaces=default'              => 'namespaces=default token_file=token ca_file=ca.crt',
        'listen 443'                      => 'listen 127.0.0.1:1443',
        'listen 127.0.0.1:9145'           => 'listen 127.0.0.1:1',
        'http {'                          => "pid $dir/nginx.pid; error_log stderr info; events {}\nhttp {"
            . " ssl_certificate ca.crt; ssl_certificate_key ca.key; access_log off;"
            . " client_body_temp_path temp/body; proxy_temp_path temp/proxy; fastcgi_temp_path temp/f;"
            . " uwsgi_temp_path temp/u; scgi_temp_path temp/s;",
    );
    for my $was (sort keys %own) {
        ok $text =~ s/\Q$was\E/$own{$was}/g, "it has $was";
    }
    good('it works', $text);
};

done_testing;
