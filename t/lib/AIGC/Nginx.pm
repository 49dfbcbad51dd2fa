package AIGC::Nginx;

# The stack's nginx: its configuration, its workers, its log.

use strict;
use warnings;

use Carp qw(croak);
use File::Path qw(make_path);
use Time::HiRes qw(sleep time);

use AIGC::HTTP;
use AIGC::Ports;
use AIGC::Preload;
use AIGC::Process;

sub binary { $ENV{AIGC_NGINX} // '/usr/sbin/nginx' }

sub nginx { $_[0]{process}{nginx} }

# AIGC_MODULE is another module, or empty: AIGC_NGINX has it built in.
sub module_file {
    my $self = shift;
    return '' if ($ENV{AIGC_MODULE} // '-') eq '';
    my $file = $ENV{AIGC_MODULE}
        // $self->repo($ENV{AIGC_ASAN} ? 'build/asan' : 'build/module')
        . '/ngx_http_aigc_module.so';
    -e $file or croak "$file is missing: make module"
        . ($ENV{AIGC_ASAN} ? ' SANITIZE=1' : '');
    return $file;
}

# Of the nginx that the tests run with: at_least('1.29') is true from 1.29.0 on.
sub at_least {
    my ($self, $version) = @_;
    my ($have) = qx(@{[ binary() ]} -v 2>&1) =~ m{/([\d.]+)} or croak binary() . " -v tells no version";
    return version->parse("v$have") >= version->parse("v$version");
}

### Configuration

sub write_conf {
    my $self = shift;
    my $dir  = $self->file('nginx');

    make_path("$dir/aigc", "$dir/temp", $self->file('log'));
    for my $file (glob $self->repo('ngx_aigc_module/conf/*.conf')) {
        my ($name) = $file =~ m{([^/]+)$};
        unlink "$dir/aigc/$name";
        symlink $file, "$dir/aigc/$name" or croak "$dir/aigc/$name: $!";
    }
    unlink "$dir/aigc/kubernetes.conf";
    _write("$dir/aigc/kubernetes.conf", <<"END");
proxy_ssl_trusted_certificate @{[ $self->file('cluster/pki/ca.crt') ]};
proxy_ssl_name kubernetes.default.svc;
proxy_ssl_verify on;
END

    $self->_write_session_key unless -e $self->file('session.key');
    $self->_write_certificate if ($self->{opt}{tls} || $self->{opt}{https}) && !-e $self->file('tls.crt');

    my $text = $self->conf;
    $text = $self->{opt}{edit}->($text) if $self->{opt}{edit};
    ($self->{workers}) = $text =~ /^\s*worker_processes\s+(\d+)/m;
    _write("$dir/nginx.conf", $text);
}

sub conf {
    my $self = shift;
    my %o = %{ $self->{opt} };
    $_ //= '' for @o{qw(main http gateway instance server)};

    my $module = $o{bare} ? '' : $self->module_file;

    return <<"END";
@{[ $module ? "load_module $module;" : '' ]}
@{[ $> == 0 ? 'user root root;' : '' ]}
worker_processes @{[ $o{workers} // 2 ]};
@{[ $o{master_process} ? "master_process $o{master_process};" : '' ]}
daemon off;
pid       @{[ $self->file('nginx/nginx.pid') ]};
lock_file @{[ $self->file('nginx/nginx.lock') ]};
error_log @{[ $self->error_log_file ]} @{[ $o{log_level} // 'info' ]};
$o{main}

events { worker_connections @{[ $o{connections} // 1024 ]}; }

http {
    default_type application/octet-stream;
    include /etc/nginx/mime.types;
    large_client_header_buffers 4 32k;
    client_body_temp_path temp/body;
    proxy_temp_path       temp/proxy;
    fastcgi_temp_path     temp/fastcgi;
    uwsgi_temp_path       temp/uwsgi;
    scgi_temp_path        temp/scgi;
    log_format stack '\$remote_addr \$time_iso8601 \$host \$request_method \$uri '
                     '\$status \$body_bytes_sent \$request_time \$upstream_addr';
    access_log @{[ $self->file('log/access.log') ]} stack;

    $o{http}
@{[ $o{bare} ? '' : $self->_gateway_conf(%o) ]}
    $o{server}
}
END
}

sub _gateway_conf {
    my ($self, %o) = @_;
    my ($port, $root, $logto) = ($self->port, $self->root, $self->file('logto'));
    my $api     = $self->port($o{faults} ? 6 : 3);
    my $account = $self->file('cluster/serviceaccount');

    my %d = (
        aigc_zone => 'gateway:16m',
        aigc_kubernetes => "https://127.0.0.1:$api namespaces=default "
            . "token_file=$account/token ca_file=$account/ca.crt",
        aigc_logto => "http://127.0.0.1:@{[ $self->port(2) ]}"
            . join('', map { " $_=" . _read("$logto/$_") } qw(app_id m2m_app_id))
            . join('', map { " ${_}_file=$logto/$_" } qw(app_secret m2m_app_secret webhook_key))
            . ($o{custom_data} ? " custom_data=$o{custom_data}" : ''),
        aigc_session => "key_file=@{[ $self->file('session.key') ]} domain=@{[ $self->domain ]}" . ($o{https} ? '' : ' secure=off'),
        aigc_gateway => $self->origin,
        %{ $o{directives} // {} },
    );
    my $directives = join "\n    ", map { "$_ $d{$_};" } grep { defined $d{$_} } sort keys %d;

    my $listen = "listen 127.0.0.1:$port";
    my ($tls, $certificate) = ('', '');
    if ($o{tls} || $o{https}) {
        $tls = "listen 127.0.0.1:@{[ $self->port(8) ]} ssl http2;";
        $certificate = "ssl_certificate @{[ $self->file('tls.crt') ]};\n    "
            . "ssl_certificate_key @{[ $self->file('tls.key') ]};";
    }

    return <<"END";
    $directives
    $certificate

    upstream instances { aigc_instances; keepalive 64; keepalive_timeout 4s; }

    server {                                    # any other host
        $listen default_server; $tls
        return 404;
    }
    server {
        $listen; $tls
        server_name dashboard.$root;
        root @{[ $self->repo('build/dashboard') ]};
        include aigc/gateway.conf;
        $o{gateway}
    }
    server {
        $listen; $tls
        server_name *.@{[ $self->domain ]};
        $o{instance}
        location / { include aigc/instance.conf; }
    }
    server {
        listen 127.0.0.1:@{[ $self->port(1) ]};
        include aigc/status.conf;
    }
END
}

sub _write_session_key {
    my $self = shift;
    my $file = $self->file('session.key');
    open my $random, '<', '/dev/urandom' or croak $!;
    read $random, my $key, 32;
    my $umask = umask 077;
    _write($file, unpack('H*', $key) . "\n");
    umask $umask;
}

sub _write_certificate {
    my $self = shift;
    my $root = $self->root;
    my $names = join ',', map { "DNS:$_,DNS:*.$_" } $root, $self->domain;
    my @command = ('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
        'ec_paramgen_curve:P-256', '-nodes', '-days', 2, '-subj', "/CN=$root",
        '-addext', "subjectAltName=$names", '-batch',
        '-keyout', $self->file('tls.key'), '-out', $self->file('tls.crt'));
    system('/bin/sh', '-c', 'exec "$@" 2>"$0"', $self->file('run/openssl.err'), @command) == 0
        or croak 'openssl req: see ' . $self->file('run/openssl.err');
}

sub _write {
    my ($file, $text) = @_;
    open my $f, '>', $file or croak "$file: $!";
    print $f $text;
    close $f;
}

sub _read {
    my ($file) = @_;
    open my $f, '<', $file or croak "$file: $!";
    chomp(my $line = <$f> // '');
    return $line;
}

# nginx -t on the stack's configuration: (exit status, what it said).
sub test_conf {
    my $self = shift;
    my %env = %{ $self->_env };
    open my $out, '-|', '/bin/sh', '-c', 'exec env "$@" 2>&1', 'sh',
        map({ "$_=$env{$_}" } sort keys %env), $self->nginx_command, '-t'
        or croak $!;
    my $text = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $text);
}

sub nginx_command {
    my $self = shift;
    my $dir  = $self->file('nginx');
    return (binary(), '-p', "$dir/",
        '-c', "$dir/nginx.conf", '-e', $self->error_log_file);
}

### Running

sub start_nginx {
    my $self = shift;
    $self->write_conf;
    $self->{process}{nginx} = AIGC::Process->start(name => 'nginx',
        command => [ $self->nginx_command ], env => $self->_env,
        log => $self->error_log_file, $self->process_options('nginx'));
}

sub _env {
    my $self = shift;
    my %env  = $self->{opt}{preload} ? AIGC::Preload::env($self) : ();
    return \%env unless $ENV{AIGC_ASAN};

    # What it finds, it says on stderr: that is nginx's log.
    chomp(my $lib = `gcc -print-file-name=libasan.so`);
    return { %env, LD_PRELOAD => join(' ', $lib, $env{LD_PRELOAD} // ()),
        ASAN_OPTIONS  => 'detect_leaks=0', UBSAN_OPTIONS => 'print_stacktrace=1' };
}

# With preload => 1: AIGC::Preload.
sub preload { my ($self, %what) = @_; return AIGC::Preload::set($self, %what) }

# nginx -s quit; has it ended within so many seconds?
sub quit_nginx {
    my ($self, $seconds) = @_;
    $self->nginx->signal('QUIT');
    return eval { $self->wait_for(sub { !$self->nginx->alive }, $seconds // 5, 'the end') };
}

# Ends gracefully, so that a descriptor that nobody closed is told of; unless a
# client, a browser say, holds a connection open for long.
sub stop_nginx {
    my $self = shift;
    if (my $second = delete $self->{process}{nginx2}) {
        my @killed = $second->stop(QUIT => 3, TERM => 5);
        push @{ $self->{problems} }, "the second nginx did not end: killed @killed" if @killed;
    }
    return unless $self->nginx;

    # no patience: it has its 3 s, then it is told again
    $self->quit_nginx(3 / $AIGC::Process::PATIENCE) || $self->allow_log(qr/open socket #\d+ left in connection|: aborting$/);
    my @killed = delete($self->{process}{nginx})->stop(TERM => 5);
    push @{ $self->{problems} }, "nginx did not end: killed @killed" if @killed;
}

sub restart_nginx {
    my $self = shift;
    $self->stop_nginx;
    $self->start_nginx;
    $self->wait_ready;
}

# An independent nginx with a zone of its own, before the same cluster and Logto
# and with the same keys: a second replica.  edit => sub { … } changes the text of
# its configuration; under => [command …] runs it.  Returns its port; its status
# is at the next one.
sub second_nginx {
    my ($self, %o) = @_;
    my ($port, undef, $lock) = AIGC::Ports::claim();
    my $dir  = $self->file('nginx2');

    make_path("$dir/temp");
    symlink $self->file('nginx/aigc'), "$dir/aigc" unless -e "$dir/aigc";
    my $text = _read_all($self->file('nginx/nginx.conf'));
    for my $n (0, 1, 8) {
        my ($from, $to) = ($self->port($n), $port + $n);
        $text =~ s/(listen 127\.0\.0\.1:)$from\b/$1$to/g;
    }
    $text =~ s{/nginx/nginx\.(pid|lock)}{/nginx2/nginx.$1}g;
    $text =~ s{/log/(access|error)\.log}{/log/${1}2.log}g;
    $text = $o{edit}->($text) if $o{edit};
    _write("$dir/nginx.conf", $text);
    my $log = $self->file('log/error2.log');
    $self->{process}{nginx2} = AIGC::Process->start(name => 'the second nginx',
        command => [@{ $o{under} // [] }, binary(), '-p', "$dir/",
            '-c', "$dir/nginx.conf", '-e', $log], env => $self->_env,
        log => $log, $self->process_options('nginx2'));
    $self->{second_lock} = $lock;
    $self->wait_for(sub { eval { $self->plain('GET', $port + 1, '/readyz')->code == 200 } },
        30, 'the second nginx is ready', $self->{process}{nginx2});
    return $port;
}

# nginx -s reload, until all new workers run.  Old ones may serve on.
sub reload {
    my $self = shift;
    my @old  = $self->worker_pids;
    my $mark = length $self->error_log;

    $self->write_conf;
    $self->nginx->signal('HUP');
    $self->wait_for(sub {
        my $said = substr $self->error_log, $mark;
        croak "reload: $1" if $said =~ /(\[emerg\].*)/;
        my @new = $self->worker_pids;
        return @new == $self->{workers} && $new[0] != $old[0] && !grep { !defined } @new;
    }, 10, 'nginx has reloaded');
    return $self;
}

sub reopen { $_[0]->nginx->signal('USR1') }

# The pids of the present workers by their number in nginx, undef for one that
# has died and not been replaced.  nginx starts them in the order of their
# numbers and a new one takes a dead one's, all of which the log tells.
sub worker_pids {
    my $self = shift;

    return $self->nginx->pid if ($self->{opt}{master_process} // '') eq 'off';
    return _workers($self->error_log);
}

sub second_worker_pids { return _workers(_read_all($_[0]->file('log/error2.log'))) }

sub _workers {
    my ($log) = @_;
    my @pids;

    for (split /\n/, $log) {
        if (/\]\s+\d+#\d+: start worker processes$/) {
            @pids = ();
        } elsif (/\]\s+\d+#\d+: start worker process (\d+)$/) {
            my ($free) = grep { !defined $pids[$_] } 0 .. $#pids;
            $pids[ $free // @pids ] = $1;
        } elsif (/worker process (\d+) exited/) {
            for (@pids) { $_ = undef if defined && $_ == $1 }
        }
    }
    return @pids;
}

# Kills the worker of that number and waits for its successor.  Returns both.
sub kill_worker {
    my ($self, $number, $signal) = @_;
    my $pid = ($self->worker_pids)[$number] // croak "no worker $number";

    $self->allow_log(qr/\[alert\].*(?:worker process $pid exited on signal|"gateway" was locked by $pid\b)/);
    kill $signal // 'KILL', $pid or croak "worker $number, pid $pid: $!";
    my $new;
    $self->wait_for(sub {
        $new = ($self->worker_pids)[$number];
        defined $new && $new != $pid;
    }, 10, "worker $number is there again");
    return ($pid, $new);
}

### The log

sub error_log_file { $_[0]->file('log/error.log') }

sub error_log { my $self = shift; return _read_all($self->error_log_file) }

sub _read_all {
    my ($file) = @_;
    open my $f, '<', $file or return '';
    local $/;
    return <$f> // '';
}

# What matches is no failure at the end of the test.
sub allow_log { my $self = shift; push @{ $self->{allowed} }, @_; return $self }

sub bad_log_lines {
    my $self = shift;
    my @allowed = @{ $self->{allowed} // [] };
    my @bad;

    for my $line (split /\n/, $self->error_log . _read_all($self->file('log/error2.log'))) {
        next unless $line =~ /\[(?:alert|emerg|crit)\]|exited on signal|AddressSanitizer|runtime error/;
        next if grep { $line =~ $_ } @allowed;
        push @bad, $line;
    }
    return @bad;
}

1;
