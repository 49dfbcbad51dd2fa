# t/image.t — what make image builds: a whole gateway as uid 101 on a read-only root, with
# secrets as Kubernetes mounts them, and an SBOM that names all of it
#
# Needs root (buildah, runc, a network namespace of its own: the image's ports are fixed).
# It builds the image if it is not there or old: five minutes the first time.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Container;
use File::Find ();
use File::Path qw(make_path);
use JSON::PP ();
use Time::HiRes qw(sleep time);

plan(skip_all => 'needs root') if $> != 0;
chdir "$FindBin::Bin/..";
if (!$ENV{AIGC_IMAGE_NETWORK}) {
    # while the machine's network is there: packages and what the dashboard is built of
    system('scripts/image') == 0 or die "scripts/image has failed\n";
    $ENV{AIGC_IMAGE_NETWORK} = 1;
    exec 'unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', $^X, $0 or die "unshare: $!";
}

my $t     = AIGC::Stack->start(port => 8080, nginx => 0);
my $image = AIGC::Container->image($t->file('image'));
my $root  = $image->{root};
my $json  = JSON::PP->new->utf8;

sub text { my ($file) = @_; open my $f, '<', $file or return; local $/; return scalar <$f> }

# folder($name, { file => text }, mode): root's, of group 101, as fsGroup makes it
sub folder {
    my ($name, $files, $mode, $gid) = @_;
    my $dir = $t->file("mount/$name");
    make_path($dir);
    for my $file (keys %$files) {
        open my $f, '>', "$dir/$file" or die "$dir/$file: $!";
        print $f $files->{$file};
        close $f;
        chown 0, $gid // 101, "$dir/$file";
        chmod $mode // 0440, "$dir/$file";
    }
    return $dir;
}

my %logto   = map { $_ => text($t->file("logto/$_")) =~ s/\s+\z//r } qw(app_id m2m_app_id app_secret m2m_app_secret webhook_key);
my $account = folder('account', { namespace => 'aigc-gateway', map { $_ => text($t->file("cluster/serviceaccount/$_")) } qw(token ca.crt) });
my %secrets = ('session.key' => unpack('H*', join '', map { chr rand 256 } 1 .. 32) . "\n", map { $_ => $logto{$_} } qw(app_secret m2m_app_secret webhook_key));
my $secrets = folder('secrets', \%secrets);
my @mounts  = ([$secrets, '/etc/aigc/secrets'], [$account, '/var/run/secrets/kubernetes.io/serviceaccount']);
my %env     = (AIGC_GATEWAY_URL => $t->origin, AIGC_DOMAIN => $t->domain, AIGC_LOGTO_ENDPOINT => $t->logto_url,
    AIGC_APP_ID => $logto{app_id}, AIGC_M2M_APP_ID => $logto{m2m_app_id},
    AIGC_KUBERNETES_URL => 'https://127.0.0.1:' . $t->port(3), NGINX_WORKER_PROCESSES => 2);

subtest 'what the image says of itself' => sub {
    my $c = $image->{config};
    my $config = text('ngx_aigc_module/base/ngx_http_aigc_conf.h');
    my ($version) = $config =~ /NGX_HTTP_AIGC_VERSION\s+"(.*)"/;
    is $c->{User}, '101:101', 'its user';
    is $c->{StopSignal}, 'SIGQUIT', 'its stop signal';
    is_deeply $c->{Entrypoint}, ['/docker-entrypoint.sh'], 'its entrypoint';
    is_deeply $c->{Cmd}, ['nginx', '-g', 'daemon off;'], 'its command';
    is_deeply [sort keys %{ $c->{ExposedPorts} }], [qw(8080/tcp 8443/tcp 9145/tcp)], 'its ports';
    is $c->{Labels}{'org.opencontainers.image.version'}, $version, 'its version is the module\'s';
    is $c->{Labels}{'org.opencontainers.image.licenses'}, 'Apache-2.0', 'its licence';
    like $c->{Labels}{'org.opencontainers.image.revision'}, qr/^[0-9a-f]{40}(?:-dirty)?$/, 'its commit';
    is_deeply [grep { !/^PATH=/ } @{ $c->{Env} }], [], 'nothing of the machine in its environment';
    is_deeply $image->{manifest}{RepoTags}, ["localhost/aigc-gateway:$version"], 'its name';
    diag sprintf 'the image: %.0f MB, %.0f MB by gzip -1', (-s 'build/image/aigc-gateway.tar') / 1e6,
        qx{gzip -1 -c build/image/aigc-gateway.tar | wc -c} / 1e6;
};

subtest 'its files' => sub {
    my (@writable, @setuid, $n);
    File::Find::find({ no_chdir => 1, wanted => sub {
        my ($mode, $uid, $gid) = (lstat $_)[2, 4, 5];
        my $name = substr $_, length $root;
        $n++;
        return unless grep { ($mode & 0170000) == $_ } 0100000, 0040000;    # no devices: a container has its own
        push @writable, $name if $mode & 0002 || $uid == 101 && $mode & 0200 || $gid == 101 && $mode & 0020;
        push @setuid, $name if ($mode & 0170000) == 0100000 && $mode & 06000;
    } }, $root);
    cmp_ok $n, '>', 1000, "$n of them";
    is_deeply [sort grep { !m{^/(?:var/)?tmp$|^/run/lock$} } @writable], [], 'user 101 may write none, but in folders that are everybody\'s';
    is_deeply \@setuid, [], 'none is setuid or setgid';
    is_deeply [grep { -e "$root$_" } map { ("/usr/bin/$_", "/usr/sbin/$_") } qw(gcc cc make curl wget git npm node)], [], 'there is no compiler, and no client for the web';
    is_deeply [grep { !m{^$root/etc/apt/(?:apt.conf.d|preferences.d|trusted.gpg.d|auth.conf.d|keyrings|sources.list.d)$} } glob "$root/etc/apt/*"], ["$root/etc/apt/sources.list"], 'of apt\'s configuration the sources';
    is_deeply [grep { !m{^deb http://deb\.debian\.org/} } split /\n/, text("$root/etc/apt/sources.list")], [], '… which are Debian\'s own';
    is join(' ', glob("$root/etc/apt/sources.list.d/* $root/usr/local/share/ca-certificates/* $root/var/lib/apt/lists/*_* $root/tmp/* $root/run/*")), '', 'nothing is left of how it was built';
    for my $file (glob 'ngx_aigc_module/conf/*.conf') {
        my ($name) = $file =~ m{([^/]+)$};
        is text("$root/etc/nginx/aigc/$name"), text($file), "aigc/$name is the one that is shipped";
    }
};

subtest 'its SBOM' => sub {
    my $sbom = $json->decode(text('build/image/aigc-gateway.spdx.json'));
    is $sbom->{spdxVersion}, 'SPDX-2.3', 'SPDX 2.3';
    my $said = qx{PYTHONPATH=build/image/tools python3 -m spdx_tools.spdx.clitools.pyspdxtools -i build/image/aigc-gateway.spdx.json 2>&1};
    is $?, 0, 'the validator of SPDX takes it' or diag substr $said, 0, 1000;
    my %has = map { ("$_->{name} $_->{versionInfo}" => $_) } grep { $_->{versionInfo} } @{ $sbom->{packages} };
    my @debian = map { [split / /, $_, 2] } split /\n/, qx{dpkg-query --admindir=$root/var/lib/dpkg -W -f '\${Package} \${Version}\\n'};
    cmp_ok scalar @debian, '>', 80, scalar(@debian) . ' packages of Debian\'s';
    is_deeply [map { "@$_" } grep { !$has{"$_->[0] $_->[1]"} } @debian], [], '… are all in it, by name and version';
    my @licensed = grep { ($has{"$_->[0] $_->[1]"}{licenseDeclared} // 'NOASSERTION') ne 'NOASSERTION' } @debian;
    cmp_ok @licensed / @debian, '>', 0.9, '… most with their licence: ' . @licensed;
    is $has{'ngx_aigc_module 1.0.0'}{licenseDeclared}, 'Apache-2.0', 'the module is in it';
    my $package = $json->decode(text('dashboard/package.json'));
    for my $name (sort keys %{ $package->{dependencies} }) {
        is $has{"$name $package->{dependencies}{$name}"}{licenseDeclared} // 'not there', $name eq '@lucide/vue' ? 'ISC' : 'MIT', "$name is in it, with its licence";
    }
    # (TypeScript is vue's own, too, as npm sees it)
    is_deeply [grep { $_ ne 'typescript' && $has{"$_ $package->{devDependencies}{$_}"} } sort keys %{ $package->{devDependencies} }], [], 'what only builds the dashboard is not';
};

my $c;
subtest 'it starts' => sub {
    $c = AIGC::Container->start($image, env => \%env, mounts => \@mounts, log => $t->file('log/container'));
    $t->wait_for(sub { eval { $t->plain('GET', 9145, '/readyz')->code == 200 } }, 30, sub { 'the image is ready, it says: ' . $c->out . $c->err }, $c->process);
    diag sprintf 'from runc to /readyz: %.1f s', time - $c->{began};
    is $t->plain('GET', 9145, '/healthz')->code, 200, 'it is alive';
    my $check = $image->{config}{Healthcheck}{Test};
    is shift @$check, 'CMD', 'it brings a check of its health';
    is_deeply [$c->exec(@$check)], [0, ''], '… which is content';
    is_deeply [$c->exec(@$check, '/readyz')], [0, ''], '… and with readiness, if it is asked';
    is +($c->exec(@$check, '/nowhere'))[0], 1, '… and not with a path that is not 200';
    like $c->out, qr{^/docker-entrypoint\.sh: /docker-entrypoint\.d/20-envsubst-on-templates\.sh$}m, 'the entrypoint says what it does';
    my ($rc, $id) = $c->exec('id');
    like $id, qr/^uid=101\(nginx\) gid=101\(nginx\) groups=101\(nginx\)$/, 'it runs as nginx';
    isnt +($c->exec('touch', '/etc/nginx/x'))[0], 0, 'its root is read-only';
    my ($status, $ps) = $c->exec('sh', '-c', 'for p in /proc/[0-9]*; do tr "\\0" " " <$p/cmdline 2>/dev/null; sed -n "s/^Uid:\t\\([0-9]*\\).*/ \\1/p" $p/status; done');
    like $ps, qr/^nginx: worker process\s+101$/m, '… and so do nginx\'s workers';
    is scalar(() = $c->err =~ /start worker process \d/g), 2, 'NGINX_WORKER_PROCESSES says how many';
};

my ($alice, $bob, $mine);
subtest 'it is a gateway' => sub {
    ($alice, $bob) = map { $t->sign_in($_) } qw(alice bob);
    is $alice->api('GET', '/api/v1/me')->json->{name}, 'Alice', 'alice signs in';
    like $alice->browse('/')->content, qr{<script type="module".*src="/assets/}, 'the dashboard is there';
    $mine = $alice->install('stable-diffusion-cpu')->wait_ready;
    is $alice->get($mine->url('/info?x=1'))->code, 200, 'her instance lets her in';
    is $bob->get($mine->url('/info'))->code, 403, '… and bob not';
    is $t->stranger->get($mine->url('/info'))->code, 401, '… nor anybody';
    my $ws = $alice->websocket($mine->url('/ws'));
    is $ws->code, 101, 'a WebSocket opens';
    $ws->close;
    is $t->plain('GET', 8080, '/', headers => [Host => 'elsewhere.example'])->code, 404, 'another host is not found';
};

subtest 'its log' => sub {
    my $line;
    my $lines = sub { grep { /^\{/ } split /\n/, $c->out };
    $t->wait_for(sub { ($line) = grep { m{"uri":"/info"} && m{"status":200\b} } $lines->(); $line }, 10, 'a line of the visit');
    my @parsed = map { eval { $json->decode($_) } // $_ } $lines->();
    is_deeply [grep { !ref } @parsed], [], scalar(@parsed) . ' lines are all JSON';
    my $entry = $json->decode($line);
    is $entry->{user}, $alice->api('GET', '/api/v1/me')->json->{user}, 'with the user';
    is $entry->{instance}, 'default/stable-diffusion-cpu/' . $mine->id, '… the instance';
    is_deeply [@$entry{qw(decision method host uri)}], ['allow', 'GET', $mine->host =~ s/:\d+$//r, '/info'], '… decision, method, host and address';
    like $entry->{upstream}, qr/^127\.\d+\.\d+\.\d+:\d+$/, '… the pod';
    is_deeply [grep { /aigc_ticket|[?]|[&]code=/ } map { s/"user_agent":.*//r } $lines->()], [], 'no line has a query';
    $alice->get($mine->url('/info'), headers => ['User-Agent' => 'a"b\\c']);
    $t->wait_for(sub { ($line) = grep { /a\\"b/ } $lines->(); $line }, 10, 'a line of an agent with a quote');
    is $json->decode($line)->{user_agent}, 'a"b\\c', 'what clients say is escaped';
    is_deeply [grep { m{/readyz|/healthz} } $lines->()], [], 'probes are not logged';
};

subtest 'it ends gracefully' => sub {
    my $slow = $alice->begin('GET', $mine->url('/slow?ms=1500'));
    sleep 0.5;
    $c->signal($image->{config}{StopSignal});
    is $slow->response->code, 200, 'a request that was open gets its answer';
    is $c->wait_end(15), 0, 'and then it ends';
    my $holder = $t->kube_get('/apis/coordination.k8s.io/v1/namespaces/aigc-gateway/leases/aigc-gateway');
    is $holder->{spec}{holderIdentity} // '', '', 'its Lease is free';
    is_deeply [grep { /\[(?:alert|emerg|crit|warn)\]/ && !/for development only/ } split /\n/, $c->err], [], 'nothing to complain of in its log';
    is_deeply [$c->delete], [], 'no process is left';
};

# What it says where it cannot start: (status, stdout, stderr)
my $tries = 0;
sub try_it { my (%o) = @_; return AIGC::Container->run($image, env => \%env, mounts => \@mounts, args => ['nginx', '-t'], log => $t->file('log/try' . ++$tries), %o) }
sub without { my ($gone, %more) = @_; my %e = (%env, %more); delete @e{ ref $gone ? @$gone : $gone }; return \%e }

subtest 'what is missing is named, with the cure' => sub {
    my @try = try_it();
    is $try[0], 0, 'nothing is' or diag "@try";
    for (['AIGC_GATEWAY_URL', qr/AIGC_GATEWAY_URL is missing.*AIGC_GATEWAY_URL=https/], ['AIGC_DOMAIN', qr/AIGC_DOMAIN is missing/],
        ['AIGC_APP_ID', qr/AIGC_APP_ID is missing/], ['AIGC_LOGTO_ENDPOINT', qr/AIGC_LOGTO_ENDPOINT is missing.*or AIGC_OIDC_ISSUER/]) {
        my ($status, undef, $err) = try_it(env => without($_->[0], NGINX_ENTRYPOINT_QUIET_LOGS => 1));
        isnt $status, 0, "without $_->[0] it does not start";
        like $err, $_->[1], '… and says so, also when it is to be quiet';
    }
    for (["a;b", AIGC_DOMAIN => qr/AIGC_DOMAIN has a character/], ["dashboard.example.com", AIGC_GATEWAY_URL => qr/is no URL: begin it with/],
        ["https://id.example", AIGC_OIDC_ISSUER => qr/both set.*remove one/], ['many', NGINX_WORKER_PROCESSES => qr/neither a number nor auto: correct it/]) {
        my ($status, undef, $err) = try_it(env => { %env, $_->[1] => $_->[0] });
        isnt $status, 0, "with $_->[1]=$_->[0] it does not start";
        like $err, $_->[2], '… and says so';
    }
    my %tmpfs = (tmpfs => ['/tmp']);
    my ($status, undef, $err) = try_it(%tmpfs);
    isnt $status, 0, 'with nothing to make a configuration in it does not start';
    like $err, qr{/etc/nginx/conf\.d is not writable and holds no configuration: mount an emptyDir}, '… and says what to mount';
    ($status, undef, $err) = try_it(tmpfs => ['/etc/nginx/conf.d']);
    isnt $status, 0, 'nor without a /tmp';
    like $err, qr{/tmp/\S+ cannot be written: mount an emptyDir}, '… and says what to mount';
};

subtest 'secrets' => sub {
    my $with = sub { my ($name, $files, @o) = @_; return (mounts => [[folder($name, $files, @o), '/etc/aigc/secrets'], $mounts[1]]) };
    my ($status, undef, $err) = try_it($with->('closed', \%secrets, 0400));
    isnt $status, 0, 'root\'s alone (0400, no fsGroup): it does not start';
    like $err, qr{/etc/aigc/secrets/session\.key.*cannot be read by uid 101.*fsGroup 101}, '… and names the cure';
    ($status, undef, $err) = try_it($with->('open', \%secrets, 0444));
    isnt $status, 0, 'readable by everybody: it does not start';
    like $err, qr{/etc/aigc/secrets/\S+" is readable by others: chmod}, '… and names the cure';
    ($status, undef, $err) = try_it($with->('few', { map { $_ => $secrets{$_} } qw(session.key app_secret) }));
    like $err, qr{m2m_app_secret is missing.*AIGC_M2M_APP_ID}, 'one that is asked for and not there';
    ($status, undef, $err) = try_it($with->('few', { map { $_ => $secrets{$_} } qw(session.key app_secret) }), env => without('AIGC_M2M_APP_ID'));
    is $status, 0, 'two of them are enough' or diag $err;
    ($status, undef, $err) = try_it(env => without(['AIGC_LOGTO_ENDPOINT', 'AIGC_M2M_APP_ID'], AIGC_OIDC_ISSUER => $t->logto_url('/oidc'), AIGC_OIDC_SCOPE => 'openid profile', AIGC_PROVIDER_OPTIONS => 'roles_claim=groups admin_role=team'));
    is $status, 0, 'another provider, with parameters of its own' or diag $err;
};

subtest 'templates and configurations of one\'s own' => sub {
    my ($status, $out, $err) = try_it(env => { %env, NGINX_ENTRYPOINT_QUIET_LOGS => 1 });
    is $status, 0, 'the quiet switch' or diag $err;
    is $out, '', '… leaves nothing to say';

    my $templates = folder('templates', { 'own.conf.template' => "server { listen 8088; return 200 '\${WORD} \$host\${scheme}'; }\n" }, 0444);
    my $own = AIGC::Container->start($image, env => { WORD => 'hello' }, mounts => [[$templates, '/etc/nginx/templates']], log => $t->file('log/own'));
    $t->wait_for(sub { eval { $t->plain('GET', 8088, '/')->code == 200 } }, 20, sub { 'a template of one\'s own: ' . $own->err }, $own->process);
    my (undef, $made) = $own->exec('cat', '/etc/nginx/conf.d/own.conf');
    is $made, "server { listen 8088; return 200 'hello \$host\${scheme}'; }\n", 'a template: what is defined is replaced, all else stays';
    $own->signal('QUIT');
    is $own->wait_end(10), 0, '… and it ends';
    $own->delete;

    my $conf = folder('conf', { 'own.conf' => "server { listen 8088; return 200 mounted; }\n" }, 0444);
    my $main = folder('main', { 'own.conf' => "env WORD;\n" }, 0444);
    $own = AIGC::Container->start($image, tmpfs => ['/tmp'], mounts => [[$conf, '/etc/nginx/conf.d'], [$main, '/etc/nginx/main.d']], log => $t->file('log/mounted'));
    $t->wait_for(sub { eval { $t->plain('GET', 8088, '/')->code == 200 } }, 20, sub { 'a mounted configuration: ' . $own->err }, $own->process);
    is $t->plain('GET', 8088, '/')->content, 'mounted', 'a mounted configuration is used as it is, without a variable set';
    like $own->out, qr{/etc/nginx/conf\.d is not writable: it is used as it is}, '… and the entrypoint says so';
    $own->signal('QUIT');
    is $own->wait_end(10), 0, '… and it ends';
    $own->delete;
};

subtest 'the configuration of chart and manifests' => sub {
    my %at = (aigc => '/etc/nginx/conf.d', main => '/etc/nginx/main.d');
    my $hosts = folder('hosts', { hosts => "127.0.0.1 kubernetes.default.svc\n" }, 0444);
    my ($status, $out, $err) = try_it(env => { NGINX_ENTRYPOINT_QUIET_LOGS => 1, NGINX_WORKER_PROCESSES => 2 }, tmpfs => ['/tmp'],
        mounts => [@mounts, ["$hosts/hosts", '/etc/hosts'], map { [folder("base-$_", { "$_.conf" => text("docker/kubernetes/base/$_.conf") }, 0444), $at{$_}] } sort keys %at]);
    is $status, 0, 'is one that the image takes, with no other variable set' or diag $err;
    unlike $err, qr/\[(?:warn|error|crit|alert|emerg)\]/, '… without a word';
};

subtest 'workers' => sub {
    my $workers = sub {
        my ($files) = @_;
        my ($status, $out, $err) = try_it(env => without('NGINX_WORKER_PROCESSES'), mounts => [@mounts, $files ? [folder('cpu' . ++$tries, $files, 0444), '/sys/fs/cgroup'] : ()]);
        return $out =~ /^\S+: worker_processes (\S+)$/m ? $1 : $err;
    };
    chomp(my $cpus = qx{nproc});
    is $workers->(), $cpus, 'without a limit, one for each CPU';
    is $workers->({ 'cpu.max' => "max 100000\n" }), $cpus, 'likewise where the limit is none';
    is $workers->({ 'cpu.max' => "50000 100000\n" }), 1, 'half a CPU is one worker';
    is $workers->({ 'cpu.max' => "6400000 100000\n" }), $cpus, 'never more than the machine has';
};

subtest 'TLS' => sub {
    my ($crt, $key) = map { $t->file("tls.$_") } qw(crt key);
    system('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', 2, '-batch',
        '-subj', '/CN=' . $t->host, '-addext', 'subjectAltName=DNS:' . $t->host, '-keyout', $key, '-out', $crt) == 0 or die 'openssl';
    my $tls = folder('tls', { 'tls.crt' => text($crt), 'tls.key' => text($key) });
    my %https = (env => { %env, AIGC_GATEWAY_URL => 'https://' . $t->host, AIGC_REAL_IP_FROM => '127.0.0.0/8' }, mounts => [@mounts, [$tls, '/etc/aigc/tls']]);
    my $c = AIGC::Container->start($image, %https, log => $t->file('log/tls'));
    $t->wait_for(sub { eval { $t->plain('GET', 9145, '/readyz')->code == 200 } }, 30, sub { 'it is ready: ' . $c->out . $c->err }, $c->process);
    my $said = qx{curl -sS --http2 --cacert $crt --resolve @{[ $t->host ]}:8443:127.0.0.1 -H 'X-Forwarded-For: 192.0.2.7' -o /dev/null -w '%{http_code} %{http_version}' https://@{[ $t->host ]}:8443/sign-in 2>&1};
    is $said, '302 2', 'with a certificate mounted, TLS and HTTP/2 at 8443';
    is $t->plain('GET', 8080, '/', headers => [Host => $t->host])->code, 200, '… and HTTP at 8080, for a load balancer that ends TLS';
    $t->wait_for(sub { $c->out =~ m{"uri":"/sign-in"} }, 10, 'its line');
    like $c->out, qr{"remote_addr":"192\.0\.2\.7".*"uri":"/sign-in"}, 'AIGC_REAL_IP_FROM: the client\'s own address is seen';
    $c->signal('QUIT');
    is $c->wait_end(15), 0, 'it ends';
    $c->delete;
};

done_testing;
