# t/docs_run.t — what the documents show is true: every block of sh is run, or
# says in its first line what it needs; Kubernetes objects pass a dry run of the
# API server, nginx's configuration passes nginx -t
#
# The first line of a block of sh may be a mark:
#   # needs a cloud     a real cluster, a registry, DNS, Logto's Console
#   # run by FILE       FILE, a test or a script, has each of its commands
# Anything else is run here, in the order of the pages, in the folder of a stack.

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use Cwd qw(abs_path);
use JSON::PP ();
use POSIX qw(_exit);

my $repo = abs_path("$FindBin::Bin/..");
my @docs = map { s{^\Q$repo\E/}{}r } "$repo/README.md", sort glob("$repo/docs/*.md");
my $json = JSON::PP->new->utf8->canonical;

sub text { my ($file) = @_; open my $f, '<', $file or die "$file: $!"; local $/; return <$f> }
sub put { my ($file, $text) = @_; open my $f, '>', $file or die "$file: $!"; print $f $text; close $f or die $!; return $file }

# { doc, under (its heading), lang, text, line }, in the order of the page
sub blocks {
    my ($doc, $text) = @_;
    my ($under, @blocks, $open) = ('');
    my $n = 0;
    for my $line (split /^/, $text) {
        $n++;
        if ($open) {
            if ($line =~ /^\s*```\s*$/) { push @blocks, $open; undef $open; next }
            $line =~ s/^\Q$open->{indent}\E//;
            $open->{text} .= $line;
        }
        elsif ($line =~ /^(\s*)```(.*?)\s*$/) {
            $open = { doc => $doc, under => $under, indent => $1, lang => $2, text => '', line => $n };
        }
        elsif ($line =~ /^#+ (.+?)\s*$/) { $under = $1 }
    }
    die "$doc: a block that begins in line $open->{line} has no end\n" if $open;
    return @blocks;
}

### The stack: alice has an instance, carol is the administrator

my ($cpu, $gpu) = ('stable-diffusion-cpu', 'stable-diffusion-gpu');
my $t     = AIGC::Stack->start(templates => [$cpu, $gpu]);
my $dir   = $t->file('docs');
my $alice = $t->sign_in('alice');
my $inst  = $alice->install($cpu)->wait_ready;

mkdir $_ for $dir, "$dir/bin", "$dir/aigc";
symlink "$repo/$_", "$dir/$_" for qw(docker docs t);
for my $file (qw(session.key)) { put("$dir/$file", text($t->file($file))); chmod 0600, "$dir/$file" }

# README and quick start start stacks of their own, in the clone.
my %clone = map { $_ => 1 } 'README.md', 'docs/quickstart.md';
my ($port, undef, $lock)   = AIGC::Ports::claim();
my ($other, undef, $lock2) = AIGC::Ports::claim();
# (no kubelet is here, so nothing rolls out: that the Deployment is there must do)
put("$dir/bin/kubectl", <<"END");
#!/bin/sh
export KUBECONFIG='@{[ $t->file('kubeconfig') ]}'
case "\$*" in *' rollout status deployment aigc-gateway') sleep 2; set -- -n aigc-gateway get deployment aigc-gateway ;; esac
exec '$repo/build/bin/kubectl' "\$@"
END
put("$dir/bin/curl", "#!/bin/sh\nexec /usr/bin/curl -sS --fail-with-body --max-time 30 \"\$@\"\n");
put("$dir/bin/nginx", "#!/bin/sh\nexec @{[ $t->nginx_command ]} \"\$@\"\n");
chmod 0755, glob "$dir/bin/*";
system('/bin/sh', '-c', "cd '$repo' && STATE='@{[ $t->file('') ]}' ROOT= PORT= scripts/dev-login carol > '$dir/jar'") == 0 or die 'dev-login';

# make run stays in the foreground: it is ended when it is ready.  What takes hours is looked at by make -n.
put("$dir/bin/prelude", <<'END');
APP_SECRET=of-the-application M2M_APP_SECRET=of-the-other WEBHOOK_KEY=of-the-webhook
make() {
    case $*,${TESTS-} in
    run,*)
        command make run > "$AT/run.log" 2>&1 &
        for i in $(seq 300); do grep -q 'Ctrl-C ends it' "$AT/run.log" && break; sleep 0.2; done
        cat "$AT/run.log"
        grep -q 'Ctrl-C ends it' "$AT/run.log"
        kill $!
        wait $! || true ;;
    test,|bench,) command make -n "$@" > /dev/null ;;
    *) command make "$@" ;;
    esac
}
END

# What stands in the documents, and what it is here.
sub here {
    my ($text) = @_;
    my $origin = $t->origin;
    $text =~ s{https?://dashboard\.example\.com}{$origin}g;
    $text =~ s{127\.0\.0\.1:9145}{'127.0.0.1:' . $t->port(1)}ge;
    $text =~ s{/etc/aigc/session\.key}{session.key}g;
    $text =~ s{aigc\.localhost:8080}{aigc.localhost:$port}g;
    $text =~ s{127\.0\.0\.1:8081}{'127.0.0.1:' . ($port + 1)}ge;
    $text =~ s{PORT=9000}{PORT=$other}g;
    $text =~ s{build/(dev|second)\b}{$dir/$1}g;
    return $text;
}

# What has to be there before a block is run.
my %before = (
    'kubectl annotate pvc user-data-stable-diffusion-gpu-7' => sub {
        $t->apply({ apiVersion => 'v1', kind => 'PersistentVolumeClaim',
            metadata => { name => "user-data-$gpu-7", labels => { 'game.kruise.io/owner-gss' => $gpu } },
            spec => { accessModes => ['ReadWriteOnce'], resources => { requests => { storage => '1Gi' } } } });
    },
    'instances/default/stable-diffusion-cpu/0/release' => sub { settled() },
    '-o json > backup.json' => sub { $inst->look; $inst->start if $inst->state ne 'ready'; $inst->wait_ready },
    '-f stable-diffusion-cpu.yaml' => sub {         # the page's own template, beside the stack's
        my ($yaml) = map { $_->{text} } grep { $_->{lang} eq 'yaml' && $_->{text} =~ /^kind: GameServerSet/m } blocks('', text("$repo/docs/templates.md"));
        my $domain = $t->domain;
        put("$dir/stable-diffusion-cpu.yaml", $yaml =~ s/name: stable-diffusion-cpu\b/name: of-the-page/r =~ s/instances<id>-cpu\.example\.com/page<id>.$domain/r);
    },
    'get secret aigc-secrets' => sub {           # cluster.md has made it
        $t->apply({ apiVersion => 'apps/v1', kind => 'Deployment', metadata => { name => 'aigc-gateway', namespace => 'aigc-gateway' },
            spec => { selector => { matchLabels => { a => 'b' } }, template => { metadata => { labels => { a => 'b' } },
                spec => { containers => [{ name => 'c', image => 'registry.example/i' }] } } } });
    },
    'kubectl delete gss notebook' => sub { $t->apply_template('notebook') },
    'kubectl apply --server-side --force-conflicts -f templates.json' => sub { settled(); $t->kubectl('delete', 'gss', $cpu) },
    'kubectl delete pod stable-diffusion-gpu-7 --force' => sub { stuck() },
    'kubectl patch pod stable-diffusion-gpu-7' => sub {
        stuck('example.com/gone');
        $t->kubectl('delete', 'pod', "$gpu-7", '--wait=false');
    },
);

# … and what has to have come of it
my %after = (
    'kubectl apply --server-side --force-conflicts -f templates.json' => sub {
        is $inst->wait_ready->data->{id}, 0, 'the instance is back, and still hers';
    },
    '-f stable-diffusion-cpu.yaml' => sub {
        my $card = sub { grep { $_->{name} eq 'of-the-page' && !$_->{misconfigured} } @{ $alice->api('GET', '/api/v1/templates')->json->{templates} } };
        ok $t->wait_for($card, 10, 'the card of the template'), 'a card appears, and it can be installed';
    },
    'get secret aigc-secrets' => sub {
        my @keys = split /\n/, $t->kubectl('-n', 'aigc-gateway', 'get', 'secret', 'aigc-secrets', '-o', 'go-template={{index .data "session-key" | base64decode}}');
        chomp(my $old = text("$dir/session.key"));
        ok @keys == 2 && $keys[0] =~ /^[0-9a-f]{64}$/ && $keys[0] ne $old && $keys[1] eq $old, 'the new key seals, the old one opens';
        unlink "$dir/$_" for qw(first.key second.key);
    },
);

sub settled {
    $t->wait_for(sub { my ($x) = grep { $_->{name} eq $cpu } @{ $t->table->{templates} }; $x && $x->{settled} }, 30, 'OpenKruiseGame has digested it');
}

sub stuck {
    $t->apply({ apiVersion => 'v1', kind => 'Pod', metadata => { name => "$gpu-7", finalizers => [@_] },
        spec => { containers => [{ name => 'c', image => 'registry.example/i' }] } });
}

sub run {
    my ($text, $doc) = @_;
    my ($begin, $end) = map { my $of = $_; grep { index($text, $_) >= 0 } sort keys %$of } \%before, \%after;
    $before{$begin}->() if $begin;
    my $cwd = $clone{ $doc // '' } ? $repo : $dir;
    $text =~ s{(?<=[> ])jar\b}{$dir/alice.jar}g if $cwd eq $repo;
    put("$dir/block.sh", ". '$dir/bin/prelude'\n" . here($text));
    my $said = qx{cd '$cwd' && export AT='$dir' STATE='$dir/dev' PORT=$port PATH="$dir/bin:\$PATH" && timeout 120 bash -euo pipefail '$dir/block.sh' 2>&1 </dev/null};
    return "it ends with $?: $said" if $?;
    $after{$end}->() if $end;
    return '';
}

### What is wrong with a block: '' if nothing

sub sh {
    my ($b) = @_;
    my ($mark) = $b->{text} =~ /\A# ([^\n]*)/;
    $mark //= '';
    put("$dir/block.sh", $b->{text});
    my $said = qx{bash -n '$dir/block.sh' 2>&1};
    return "no shell: $said" if $?;
    return '' if $mark eq 'needs a cloud';
    if ($mark =~ /^run by (\S+)$/) {
        my $file = $1;
        return "$file is not there" unless -f "$repo/$file";
        my $code = text("$repo/$file") =~ s/\s+/ /gr;
        my $commands = $b->{text} =~ s/\\\n//gr;
        for my $line (split /\n/, $commands) {
            $line =~ s/(?:^|\s+)#.*//;
            $line =~ s/\s+/ /g;
            return "$file does not run: $line" if $line =~ /\S/ && index($code, $line) < 0;
        }
        return '';
    }
    return run($b->{text}, $b->{doc});
}

my $domain = $t->domain;

# A whole object goes to the API server as it is.  Its first line may say whose
# kinds it needs; then the server must not know them.  What begins with "spec:" or
# "metadata:" is a piece of a template, merged into one; "# values.yaml" is for the chart.
sub yaml {
    my ($b) = @_;
    my $text = $b->{text} =~ s/\bexample\.com\b/$domain/gr;
    my $file = put("$dir/block.yaml", $text);
    if ($text =~ /\A# values\.yaml/) {
        return values_yaml($file);
    }
    if ($text =~ /^kind: /m) {
        my ($status, $out, $err) = $t->try_kubectl('apply', '--dry-run=server', '--validate=strict', '-o', 'json', '-f', $file);
        my @unknown = $err =~ /no matches for kind/g;
        if ($text =~ /\A# needs the kinds of /) {
            return @unknown ? '' : "its kinds are known here: take the mark away. $err";
        }
        return $err if $status;
        for my $o (map { @{ $_->{items} // [$_] } } $json->incr_parse($out)) {
            next if $o->{kind} ne 'GameServerSet';
            my $why = pod($o);
            return $why if $why;
        }
        return '';
    }
    return 'neither an object nor a piece of a template' unless $text =~ /^(?:spec|metadata):/m && $text !~ /^ /;
    my ($status, $out, $err) = $t->try_kubectl('patch', 'gss', $cpu, '--type=merge', '--dry-run=server', '-o', 'json', '--patch-file', $file);
    return $status ? $err : pod($json->decode($out));
}

# Custom resources do not look into a pod's template: the API server does, in a pod.
sub pod {
    my ($gss) = @_;
    my %spec = %{ $gss->{spec}{gameServerTemplate}{spec} };
    $_->{image} //= 'registry.example/i' for @{ $spec{containers} };
    my $claims = $gss->{spec}{gameServerTemplate}{volumeClaimTemplates} // [];
    push @{ $spec{volumes} }, map { { name => $_->{metadata}{name}, emptyDir => {} } } @$claims;
    my ($status, $out, $err) = $t->try_kubectl({ in => $json->encode({ apiVersion => 'v1', kind => 'Pod',
        metadata => { %{ $gss->{spec}{gameServerTemplate}{metadata} // {} }, name => 'of-the-documents' }, spec => \%spec }) },
        'create', '--dry-run=server', '--validate=strict', '-f', '-');
    return $status ? "its pod: $err" : '';
}

# By the chart's own schema, over the least that it needs.
sub values_yaml {
    my ($file) = @_;
    my ($chart, $helm) = ("$repo/docker/kubernetes/chart", "$repo/build/bin/helm");
    my $said = qx{'$helm' template aigc-gateway '$chart' -n aigc-gateway -f '$chart/ci/logto-values.yaml' -f '$file' 2>&1 >/dev/null};
    return $? == 0 ? '' : $said;
}

# nginx -t, in the place that the block is for: a whole file, the http block, a
# location of the instances' server, or aigc/kubernetes.conf
sub nginx {
    my ($b) = @_;
    my $text = $b->{text};
    my $whole = $text =~ /^load_module/m;
    my %d = map { $_->[0] => "$_->[0] $_->[1];" } ([aigc_zone => 'gateway:16m'],
        [aigc_kubernetes => 'https://kubernetes.default.svc namespaces=default'],
        [aigc_logto => 'https://logto.example.com app_id=gateway app_secret_file=/etc/aigc/app_secret'],
        [aigc_session => 'key_file=/etc/aigc/session.key domain=example.com'],
        [aigc_gateway => 'https://dashboard.example.com']);
    delete $d{$_} for $text =~ /^\s*(aigc_\w+)\s/mg;
    delete $d{aigc_logto} if $text =~ /^\s*aigc_oidc\s/m;
    my $location = $text =~ /\A(?:\s*#[^\n]*\n)*location / ? $text : 'location / { include aigc/instance.conf; }';
    my $proxy = $text =~ /\Aproxy_/ ? "location = /x { $text }" : '';
    my $http = $location ne $text && !$proxy ? $text : '';
    my $servers = $http =~ /^\s*server\s*\{/m ? '' : <<"END";
    server { listen 443; server_name dashboard.example.com; include aigc/gateway.conf; $proxy }
    server { listen 443; server_name *.example.com; $location }
    server { listen 9145; include aigc/status.conf; }
END
    my $upstream = $http =~ /^\s*upstream instances/m ? '' : 'upstream instances { aigc_instances; keepalive 64; keepalive_timeout 4s; }';
    my $more = join ' ', map({ "${_}_temp_path temp/$_;" } qw(client_body proxy fastcgi uwsgi scgi)),
        'access_log off;', 'ssl_certificate cert.crt; ssl_certificate_key cert.key;';
    $more .= ' proxy_cache_path temp/cache keys_zone=assets:10m;' if $text =~ /proxy_cache\s+assets/ && $text !~ /^\s*proxy_cache_path/m;
    my $conf = $whole ? $text =~ s/^(\s*http \{)/events { }\n$1 $more/mr
        : "load_module modules/ngx_http_aigc_module.so;\nevents { }\nhttp { $more\n@{[ join qq(\n), values %d ]}\n$upstream\n$http\n$servers }\n";
    $conf =~ s{load_module modules/ngx_http_aigc_module.so}{'load_module ' . $t->module_file}e;
    $conf =~ s{https://kubernetes\.default\.svc}{'https://127.0.0.1:' . $t->port(3)}ge;
    $conf =~ s{proxy_pass(\s+)https://dashboard\.example\.com}{proxy_pass$1https://127.0.0.1}g;
    $conf =~ s{/etc/aigc/}{$dir/aigc/}g;
    $conf =~ s{/var/run/secrets/kubernetes\.io/serviceaccount/ca\.crt}{$dir/cert.crt}g;
    $conf =~ s{^(\s*aigc_kubernetes [^;]*)}{$1 token_file=$dir/aigc/token ca_file=$dir/cert.crt}mg;
    $conf =~ s{listen (?:127\.0\.0\.1:)?9145}{listen 127.0.0.1:@{[ $t->port(7) ]}}g;
    $conf =~ s{listen (?:127\.0\.0\.1:)?(?:443|8443|8080)}{listen 127.0.0.1:@{[ $t->port(9) ]}}g;
    put("$dir/nginx.conf", "pid $dir/nginx.pid;\n$conf");
    my $said = qx{@{[ $ENV{AIGC_NGINX} // '/usr/sbin/nginx' ]} -p '$dir/' -c '$dir/nginx.conf' -e stderr -t 2>&1};
    return $? == 0 && $said !~ /\[(?:warn|emerg|alert|crit|error)\]/ ? '' : $said;
}
{
    my $key = text($t->file('session.key'));
    my $old = umask 077;
    put("$dir/aigc/$_", $_ eq 'session.key' ? $key : "secret\n")
        for qw(session.key app_secret m2m_app_secret client_secret webhook_key token);
    put("$dir/aigc/namespace", 'aigc-gateway');
    umask $old;
    mkdir "$dir/temp";
    symlink $_, "$dir/aigc/" . s{.*/}{}r for glob "$repo/ngx_aigc_module/conf/*.conf";
    put("$dir/aigc/kubernetes.conf", "proxy_ssl_trusted_certificate $dir/cert.crt; proxy_ssl_name kubernetes.default.svc; proxy_ssl_verify on;\n");
    system('/bin/sh', '-c', 'exec "$@" 2>/dev/null', 'sh', 'openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-batch', '-subj', '/CN=test', '-keyout', "$dir/cert.key", '-out', "$dir/cert.crt") == 0 or die;
}

my %judge = (sh => \&sh, yaml => \&yaml, nginx => \&nginx, text => sub { '' },
    json => sub { eval { $json->decode($_[0]{text}) } ? '' : "$@" });

sub wrong {
    my ($b) = @_;
    my $judge = $judge{ $b->{lang} } or return "```$b->{lang} is none of: @{[ map { qq(```$_) } sort keys %judge ]}";
    return $judge->($b);
}

### That a wrong block is found

subtest 'what would be found' => sub {
    my $made = sub { return wrong({ lang => $_[0], text => $_[1] }) };
    is $made->(sh => "true\n"), '', 'a command that works is none';
    like $made->(sh => "false\n"), qr/ends with/, 'a command that fails';
    like $made->(sh => "kubectl get nothing-of-the-kind\n"), qr/nothing-of-the-kind/, '… in the cluster';
    like $made->(sh => "curl http://127.0.0.1:9145/nowhere\n"), qr/404/, '… or at the gateway';
    is $made->(sh => "# needs a cloud\nhelm install nothing\n"), '', 'what is marked is not run';
    like $made->(sh => "# needs a cloud\nif\n"), qr/no shell/, '… but is shell';
    like $made->(sh => "# run by t/none.t\ntrue\n"), qr/not there/, 'a test that is not there';
    like $made->(sh => "# run by t/docs.t\nhelm install x\n"), qr/does not run: helm/, '… or does not run it';
    like $made->(bash => "true\n"), qr/none of/, 'another language';
    like $made->(yaml => "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndato: {}\n"), qr/dato/, 'a field that is none';
    like $made->(yaml => "apiVersion: a/v1\nkind: Thing\nmetadata:\n  name: x\n"), qr/no matches/, 'a kind that is none';
    like $made->(yaml => "# needs the kinds of X\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n"), qr/are known/, 'a mark without need';
    like $made->(yaml => "spec:\n  gameServerTemplate:\n    spec:\n      contianers: []\n"), qr/contianers/, 'a pod that is none';
    like $made->(yaml => "a: b\n"), qr/neither/, 'a piece of nothing';
    like $made->(yaml => "# values.yaml\ngatewya: {}\n"), qr/gatewya/, 'a value that the chart does not have';
    like $made->(nginx => "aigc_nothing on;\n"), qr/aigc_nothing/, 'a directive that is none';
    like $made->(json => "{\n"), qr/\S/, 'JSON that is none';
};

my %n;
for my $doc (@docs) {
    my @blocks = blocks($doc, text("$repo/$doc")) or next;
    subtest $doc => sub {
        for my $b (@blocks) {
            my $mark = $b->{lang} eq 'sh' && $b->{text} =~ /\A# ((?:needs|run by)[^\n]*)/ ? " ($1)" : '';
            my $why = wrong($b);
            $n{ $b->{lang} . ($mark =~ /needs/ ? ', needs a cloud' : '') }++;
            is $why, '', "$b->{under}: line $b->{line}, $b->{lang}$mark";
        }
    };
}
note "$_: $n{$_}" for sort keys %n;
cmp_ok $n{sh} // 0, '>=', 5, 'some commands are run';

done_testing;
