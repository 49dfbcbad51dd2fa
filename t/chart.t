# t/chart.t — the Helm chart and the plain manifests: what they make of every
# file of values is what Kubernetes, nginx and Prometheus take

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

use AIGC::Chart qw(run helm render objects ci_values $CHART $BIN);
use File::Path qw(make_path);
use JSON::PP ();

my $repo = "$FindBin::Bin/..";
my $json = JSON::PP->new->utf8->canonical;

sub text {
    my ($file) = @_;
    open my $f, '<', $file or die "$file: $!";
    local $/;
    return scalar <$f>;
}

sub write_file {
    my ($file, $text, $mode) = @_;
    open my $f, '>', $file or die "$file: $!";
    print $f $text;
    close $f;
    chmod $mode, $file if $mode;
}

sub short { return $_[0] =~ s{.*/}{}r }

my @values = ci_values();
cmp_ok scalar @values, '>=', 15, scalar(@values) . ' files of values';

subtest 'one version' => sub {
    my ($module) = text("$repo/ngx_aigc_module/base/ngx_http_aigc_conf.h") =~ /NGX_HTTP_AIGC_VERSION\s+"([\d.]+)"/;
    my $chart = text("$CHART/Chart.yaml");
    is +($chart =~ /^version: (.*)$/m)[0], $module, 'the chart has that of the module';
    is +($chart =~ /^appVersion: "(.*)"$/m)[0], $module, '… and so has what it installs';
    is +(text("$repo/CHANGELOG.md") =~ /^## (\S+)/m)[0], $module, 'the newest in CHANGELOG.md is that one';
};

subtest 'what is made of the chart' => sub {
    my ($status, $said) = run("$repo/scripts/manifests", 'check');
    is $said, '', 'is up to date';
    is $status, 0, '… says scripts/manifests check';
    my @rows = grep { /^\| \w/ && !/^\| Key/ } split /\n/, text("$CHART/README.md");
    cmp_ok scalar @rows, '>', 100, scalar(@rows) . ' values in its README';
    is join("\n", grep { /\|\s*\|$/ } @rows), '', '… each with what it is';
};

### Values

subtest 'values' => sub {
    my @least = map { ('--set', $_) } 'gateway.url=https://a.example.com', 'gateway.domain=b.example.com',
        'logto.endpoint=https://l.example.com', 'logto.appId=x', 'secrets.appSecret.value=s';
    my $try = sub { my ($status, $said) = helm(undef, 'template', 'a', $CHART, '-n', 'a', @least, map { ('--set', $_) } @_); $status ? $said : 'rendered' };
    is $try->() =~ /^rendered$/ ? 'rendered' : '', 'rendered', 'the least';
    for (
        ['gateway.ulr=x',                              qr/'\/gateway'.*additional properties 'ulr' not allowed/s],
        ['gatway.url=x',                               qr/additional properties 'gatway' not allowed/],
        ['nginx.snippets.httq=x',                      qr/additional properties 'httq' not allowed/],
        ['networkPolicy.instances.enable=true',        qr/additional properties 'enable' not allowed/],
        ['gateway.url=https://a.example.com/path',     qr/'\/gateway\/url'/],
        ['gateway.url=ftp://a.example.com',            qr/'\/gateway\/url'/],
        ['gateway.domain=*.example.com',               qr/'\/gateway\/domain'/],
        ['gateway.domain=b.example.com; include x',    qr/'\/gateway\/domain'/],
        ['logto.endpoint=https://l.example.com; x',    qr/'\/logto\/endpoint'/],
        ["logto.appId=a\nb",                           qr/'\/logto\/appId'/],
        ['gateway.session.lifetime=nine days',         qr/'\/gateway\/session\/lifetime'/],
        ['templates.namespaces={A}',                   qr/'\/templates\/namespaces\/0'/],
        ['kubernetes.url=http://10.0.0.1',             qr/'\/kubernetes\/url'/],
        ['secrets.sessionKey.value=abc',               qr/'\/secrets\/sessionKey\/value'/],
        ['service.type=ExternalName',                  qr/'\/service\/type'/],
        ['replicas=-1',                                qr/'\/replicas'/],
        ['realIP.trusted={everybody}',                 qr/'\/realIP\/trusted\/0'/],
        ['gateway.url=',                               qr/gateway\.url: set the gateway's public URL/],
        ['gateway.domain=',                            qr/gateway\.domain: set the domain/],
        ['logto.endpoint=',                            qr/logto\.endpoint or oidc\.issuer: set one of them/],
        ['oidc.issuer=https://id.example.com',         qr/only one of them can be set/],
        ['logto.appId=',                               qr/logto\.appId: set the id/],
        ['secrets.appSecret.value=',                   qr/secrets\.appSecret: set value, or existingSecret/],
        ['logto.webhook=true',                         qr/secrets\.webhookKey: set value, or existingSecret/],
        ['logto.m2mAppId=m',                           qr/secrets\.m2mAppSecret: set value, or existingSecret/],
        ['tls.enabled=true',                           qr/tls\.existingSecret, or tls\.certManager\.enabled/],
        ['httpRoute.enabled=true',                     qr/httpRoute\.parentRefs: name the Gateway/],
        ['prePuller.enabled=true',                     qr/prePuller\.images: name the images/],
        ['shutdown.graceSeconds=20',                   qr/shutdown\.graceSeconds: has to be at least preStopSeconds \+ 16/],
    ) {
        my ($set, $want) = @$_;
        like $try->($set), $want, $set =~ s/\n/\\n/r . ' is refused';
    }
    my $one = render(@least);
    isnt +($one =~ /session-key: (\S+)/)[0], (render(@least) =~ /session-key: (\S+)/)[0], 'a session key of its own for each installation';
    is length(+($one =~ /session-key: (\S+)/)[0]), 88, '… of 32 bytes';
};

subtest 'helm lint' => sub {
    for my $file (@values) {
        my ($status, $said) = helm(undef, 'lint', '--strict', $CHART, '-f', $file);
        is $status, 0, short($file) or diag $said;
    }
    my ($status) = helm(undef, 'lint', '--strict', $CHART, '--set', 'gateway=1', '-f', $values[0]);
    isnt $status, 0, 'and it can complain';
};

my %rendered = map { $_ => render('-f', $_) } @values;
my (undef, $base) = run("$BIN/kubectl", 'kustomize', "$repo/docker/kubernetes/base");
my (undef, $overlay) = run("$BIN/kubectl", 'kustomize', "$repo/docker/kubernetes/overlay-example");
$rendered{'base'} = $base;
$rendered{'overlay-example'} = $overlay;

subtest 'every feature is in some file of values' => sub {
    my $all = join '', values %rendered;
    my %kind = map { $_ => 1 } $all =~ /^kind: (\w+)$/mg;
    is join(' ', grep { !$kind{$_} } qw(Deployment Service ConfigMap Secret ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding
        NetworkPolicy PodDisruptionBudget HorizontalPodAutoscaler HTTPRoute Ingress Certificate ServiceMonitor PrometheusRule DaemonSet
        ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding Pod)), '', 'every kind of object';
    my @params = grep { $_ ne 'endpoint' } map { text("$repo/ngx_aigc_module/ngx_http_aigc_set_$_.c") =~ /^    \{ "(\w+)"/mg } qw(logto oidc);
    cmp_ok scalar @params, '>', 20, scalar(@params) . ' parameters of aigc_logto and aigc_oidc';
    is join(' ', grep { $all !~ /^\s+"?$_=/m } @params), '', '… all of them';
};

subtest 'what belongs together' => sub {
    for my $file (@values) {
        my ($deployment) = grep { /^kind: Deployment$/m } objects($rendered{$file});
        my ($grace) = $deployment =~ /terminationGracePeriodSeconds: (\d+)/;
        my ($stop) = $deployment =~ /\[sleep, "(\d+)"\]/;
        my ($timeout) = $rendered{$file} =~ /worker_shutdown_timeout\s+(\d+)s;/;
        cmp_ok $stop + $timeout, '<', $grace, short($file) . ': preStop and worker_shutdown_timeout end before the grace';
    }
    my ($scaled) = grep { /^kind: Deployment$/m } objects($rendered{"$CHART/ci/autoscaling-values.yaml"});
    unlike $scaled, qr/^  replicas:/m, 'an autoscaler alone says how many';
    my ($sum) = $rendered{"$CHART/ci/logto-full-values.yaml"} =~ m{checksum/config: (\w+)};
    isnt +(render('-f', "$CHART/ci/logto-full-values.yaml", '--set', 'gateway.zone=32m') =~ m{checksum/config: (\w+)})[0], $sum, 'another configuration is another pod';
};

### Kubernetes

my $t = AIGC::Stack->start(nginx => 0, templates => []);

subtest 'the API server' => sub {
    $t->kubectl('apply', '--server-side', '-f', $_) for "$BIN/httproutes.yaml", "$repo/t/chart/crds/operators.yaml";
    $t->kubectl('create', 'namespace', 'team-a');
    $t->kubectl('label', 'namespace', 'aigc-gateway', map { "pod-security.kubernetes.io/$_=restricted" } qw(enforce warn));
    $t->wait_for(sub { (run({ env => { KUBECONFIG => $t->file('kubeconfig') } }, "$BIN/kubectl", 'get', '--raw', '/openapi/v2'))[1] =~ /"PrometheusRule"/ }, 30, 'its document has the new kinds');
    my $openapi = $t->kubectl('get', '--raw', '/openapi/v2');
    my $schemas = $t->file('schemas');
    my ($status, $said) = run({ in => $openapi }, '/usr/bin/env', 'node', "$repo/t/chart/schemas.mjs", $schemas);
    is $status, 0, 'its document becomes schemas' or diag $said;
    my @conform = ("$BIN/kubeconform", '-strict', '-summary', '-schema-location', "$schemas/{{.ResourceKind}}_{{.Group}}_{{.ResourceAPIVersion}}.json", '-');

    for my $what (sort keys %rendered) {
        my $name = short($what);
        ($status, $said) = run({ in => $rendered{$what} }, @conform);
        my $n = objects($rendered{$what});
        like $said, qr/ - Valid: $n, Invalid: 0, Errors: 0, Skipped: 0/, "$name: $n objects, by their schemas" or diag $said;
        my ($failed, undef, $err) = $t->try_kubectl({ in => $rendered{$what} }, 'apply', '--server-side', '--force-conflicts', '--dry-run=server', '--validate=strict', '-f', '-');
        is $failed, 0, '… and by the API server' or diag $err;
        is $err, '', '… without a warning of Pod Security "restricted"';
    }

    # both can complain
    my ($deployment) = grep { /^kind: Deployment$/m } objects($rendered{ $values[0] });
    my $wrong = $deployment =~ s/readOnlyRootFilesystem/readOnlyRootFileSystem/r;
    ($status, $said) = run({ in => $wrong }, @conform);
    like $said, qr/readOnlyRootFileSystem/, 'a misspelt member is refused by its schema';
    like +($t->try_kubectl({ in => $wrong }, 'apply', '--server-side', '--dry-run=server', '-f', '-'))[2], qr/readOnlyRootFileSystem/, '… and by the API server';
    my $loose = $deployment =~ s/allowPrivilegeEscalation: false/allowPrivilegeEscalation: true/r;
    like +($t->try_kubectl({ in => $loose }, 'apply', '--server-side', '--dry-run=server', '-f', '-'))[2], qr/PodSecurity "restricted.*allowPrivilegeEscalation/, 'what is not restricted is warned of';
};

### nginx

# The image's nginx.conf with the ConfigMap's files and those of a pod; its paths
# become those of a folder here.
sub nginx_test {
    my ($name, $conf, $main) = @_;
    my $dir = $t->file("nginx-$name");
    make_path(map { "$dir/$_" } qw(aigc conf.d main.d secrets tls ca tmp account));
    symlink $_, "$dir/aigc/" . short($_) for glob "$repo/ngx_aigc_module/conf/*.conf";
    symlink '/etc/nginx/mime.types', "$dir/mime.types";
    write_file("$dir/secrets/$_", 'a' x 64 . "\n", 0400) for qw(app_secret m2m_app_secret webhook_key session.key);
    my $ca = text($t->file('cluster/pki/ca.crt'));
    write_file("$dir/$_", $ca) for qw(ca/ca.crt account/ca.crt tls/tls.crt);
    write_file("$dir/account/token", 'token');
    write_file("$dir/account/namespace", 'aigc-gateway');
    write_file("$dir/aigc/kubernetes.conf", text("$repo/docker/kubernetes.conf") =~ s{/var/run/secrets/kubernetes.io/serviceaccount}{$dir/account}r);

    # the API server's name is known in a cluster only
    $conf =~ s{(aigc_kubernetes\s+)[^\s;]+}{${1}https://127.0.0.1:6443 token_file=$dir/account/token ca_file=$dir/account/ca.crt} or die;
    $conf =~ s{/etc/aigc/}{$dir/}g;
    write_file("$dir/conf.d/aigc.conf", $conf);
    write_file("$dir/main.d/main.conf", $main);
    my $nginx = text("$repo/docker/nginx.conf");
    $nginx =~ s{/usr/lib/nginx/modules/ngx_http_aigc_module.so}{ $t->module_file }e or die;
    $nginx =~ s{/etc/nginx/}{$dir/}g;
    $nginx =~ s{/tmp/}{$dir/tmp/}g;
    write_file("$dir/nginx.conf", ($> == 0 ? "user root root;\n" : '') . $nginx);
    return run($ENV{AIGC_NGINX} // '/usr/sbin/nginx', '-t', '-c', "$dir/nginx.conf", '-e', 'stderr');
}

# A file of the ConfigMap.
sub part {
    my ($rendered, $file) = @_;
    my ($map) = grep { /^kind: ConfigMap$/m && /^  \Q$file\E: \|/m } objects($rendered) or die "no $file";
    my ($block) = $map =~ /^  \Q$file\E: \|-?\n((?:(?:    .*)?\n)*)/m or die "no $file";
    return $block =~ s/^    //mgr;
}

subtest 'nginx -t' => sub {
    for my $what (sort keys %rendered) {
        my $name = short($what);
        my ($status, $said) = nginx_test($name =~ s/\W/-/gr, map { part($rendered{$what}, $_) } qw(aigc.conf main.conf));
        is $status, 0, $name or diag $said;
        unlike $said, qr/\[emerg\]/, '… nothing is wrong';
        my @warn = grep { !/scope=off|secure=off|"listen \.\.\. http2" directive is deprecated/ } $said =~ /^(.*\[warn\].*)$/mg;
        is "@warn", '', '… or worth a warning';
    }
    my ($status, $said) = nginx_test('wrong', part($rendered{ $values[0] }, 'aigc.conf') =~ s/aigc_limits/aigc_limit/r, '');
    isnt $status, 0, 'and it can complain';
};

### Prometheus

my $live = AIGC::Stack->start(workers => 1);

subtest 'metrics' => sub {
    my $metrics = $live->status('/metrics');
    is $metrics->type, 'text/plain', 'text';
    like $metrics->content, qr/^aigc_build_info\{version="[\d.]+",nginx="[\d.]+"\} 1$/m, 'with the versions of module and nginx';
    my ($status, $said) = run({ in => $metrics->content }, "$BIN/promtool", 'check', 'metrics');
    # (their values are integers, which seconds would not be)
    is join("\n", grep { !/^aigc_\w+_(milli|micro)seconds use base unit "seconds" instead of "\1seconds"$/ } split /\n/, $said), '',
        'Prometheus reads it, and has no remark but about units';
    is $status, $said eq '' ? 0 : 3, '… says promtool';
    ($status) = run({ in => $metrics->content . "aigc_leader 1\naigc-leader 1\n" }, "$BIN/promtool", 'check', 'metrics');
    is $status, 1, 'and it can complain';

    my $alerts = text("$CHART/files/alerts.yaml");
    my %has = map { $_ => 1 } $metrics->content =~ /^# TYPE (\w+) /mg;
    for (['alerts', $alerts =~ s/^\s+runbook:.*$//mgr], ['the dashboard', text("$CHART/files/dashboard.json")]) {
        my ($what, $text) = @$_;
        my %asked = map { $_ => 1 } $text =~ /\b(aigc_\w+)/g;
        cmp_ok scalar keys %asked, '>', 20, "$what ask for " . keys(%asked) . ' metrics';
        is join(' ', grep { !$has{$_} } sort keys %asked), '', '… and all of these are there';
    }
};

subtest 'helm test' => sub {
    my ($pod) = grep { /helm.sh\/hook: test/ } objects(render('--set', 'secrets.existingSecret=x,logto.endpoint=https://l.example.com,logto.appId=x',
        '--set', 'gateway.url=' . $live->origin, '--set', 'gateway.domain=' . $live->domain, '--set', 'service.ports.http=' . $live->port));
    my ($script) = $pod =~ /^    - \|\n((?:      .*\n)+)/m or die $pod;
    $script =~ s/aigc-gateway-status 9145/'127.0.0.1 ' . $live->port(1)/ge or die;
    $script =~ s/ aigc-gateway \$port/ 127.0.0.1 \$port/g or die;
    my @try = ('/usr/bin/env', 'bash', '-euc', $script =~ s/^      //mgr);
    my ($status, $said) = run(@try);
    is $status, 0, 'asks a gateway that runs' or diag $said;
    is scalar(() = $said =~ /^ok: /mg), 5, '… five things';
    $live->stop_nginx;
    ($status, $said) = run(@try);
    is $status, 1, 'and fails where there is none';
    is scalar(() = $said =~ /^FAILED: /mg), 5, '… with what is wrong';
};

subtest 'alerts' => sub {
    my ($status, $said) = run("$BIN/promtool", 'check', 'rules', '--lint-fatal', "$CHART/files/alerts.yaml");
    is $status, 0, 'they are rules of Prometheus' or diag $said;
    ($status, $said) = run("$BIN/promtool", 'test', 'rules', "$repo/t/chart/alerts.yaml");
    is $status, 0, 'they speak when something is wrong, and are silent else' or diag $said;
    my $alerts = text("$CHART/files/alerts.yaml");
    my @names = $alerts =~ /- alert: (\w+)/g;
    my $tests = text("$repo/t/chart/alerts.yaml");
    is join(' ', grep { $tests !~ /alertname="$_"/ } @names), '', 'each has a case';
    is scalar(() = $alerts =~ /^      runbook: "/mg), scalar @names, 'and says what to do';
    my ($rule) = grep { /^kind: PrometheusRule$/m } objects($rendered{"$CHART/ci/monitoring-values.yaml"});
    is scalar(() = $rule =~ /- alert: /g), scalar @names, 'all are in the PrometheusRule';
};

subtest 'the dashboard' => sub {
    my $dashboard = eval { $json->decode(text("$CHART/files/dashboard.json")) } or diag $@;
    is $dashboard->{uid}, 'aigc-gateway', 'is JSON';
    my @expr = map { map { $_->{expr} } @{ $_->{targets} // [] } } @{ $dashboard->{panels} };
    my $rules = "groups:\n- name: dashboard\n  rules:\n" . join '', map { my $n = $_;
        sprintf "  - {record: 'a:%d', expr: %s}\n", $n, $json->allow_nonref->encode($expr[$n] =~ s/\$namespace/.*/r) } 0 .. $#expr;
    my $file = $t->file('dashboard-rules.yaml');
    write_file($file, $rules);
    my ($status, $said) = run("$BIN/promtool", 'check', 'rules', $file);
    is $status, 0, scalar(@expr) . ' queries that Prometheus reads' or diag $said;
};

done_testing;
