# t/discovery.t — where the gateway sends its secrets: to the issuer's own host,
# and with TLS where the issuer has it

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();

# Logto behind a proxy that ends TLS: the stack's own nginx.
my $t = AIGC::Stack->start(tls => 1, nginx => 0, templates => []);
my $logto = 'logto.' . $t->root . ':' . $t->port(6);

sub logto_again {
    my @flags = @_;
    $t->{process}{logto}->stop(TERM => 10);
    $t->{opt}{logto} = [@flags];
    $t->start_logto;
    $t->wait_file('logto');
}

sub proxy {                 # what it passes on
    my ($headers) = @_;
    $t->{opt}{http} = <<"END";
    server {
        listen 127.0.0.1:@{[ $t->port(6) ]} ssl;
        server_name logto.@{[ $t->root ]};
        location / {
            proxy_pass http://127.0.0.1:@{[ $t->port(2) ]};
            $headers
        }
    }
END
}

my $own = $t->file('logto');
my $read = sub { open my $f, '<', "$own/$_[0]" or die $!; my $l = <$f>; chomp $l; $l };
$t->{opt}{nginx} = 1;
$t->{opt}{directives}{aigc_logto} = "https://$logto app_id=" . $read->('app_id') . " app_secret_file=$own/app_secret m2m_app_id=" . $read->('m2m_app_id')
    . " m2m_app_secret_file=$own/m2m_app_secret ca_file=" . $t->file('tls.crt');

sub refused {
    my ($why, $what) = @_;
    my $mark = length $t->error_log;
    $t->start_nginx;
    $t->wait_for(sub { substr($t->error_log, $mark) =~ $why }, 30, "the log says: $what", $t->nginx);
    pass "$what: refused, and the log names the cure";
    my $r = $t->status('/readyz');
    is $r->code . ' ' . ($r->json->{keys} ? 'keys' : 'none'), '503 none', '… the gateway is not ready';
    is $t->stranger->browse('/sign-in')->code, 503, '… nobody is sent anywhere';
    is $t->logto_requests->{paths}{'/oidc/token'} // 0, 0, '… and no secret to anybody';
    $t->stop_nginx;
    $t->clear_logto_requests;
}

subtest 'TLS ends before Logto, which does not know' => sub {
    proxy('proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;');
    logto_again('--endpoint', "https://$logto");
    refused(qr{Logto's authorization_endpoint "http://\Q$logto\E/oidc/auth" is without TLS, "https://\Q$logto\E/oidc" is not: nothing is sent there: set TRUST_PROXY_HEADER=1},
        'http endpoints of an https issuer');
};

subtest 'the proxy hides the host' => sub {
    proxy('proxy_set_header X-Forwarded-Proto https;');
    logto_again('--endpoint', "https://$logto", '--trust-proxy');
    refused(qr{Logto's authorization_endpoint "https://127\.0\.0\.1:\d+/oidc/auth" is not at the host of "https://\Q$logto\E/oidc": nothing is sent there: have the proxy},
        'endpoints at another host');
};

subtest 'each endpoint by itself' => sub {
    proxy('proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;');
    my $good = { issuer => "https://$logto/oidc", map { $_->[0] => "https://$logto/oidc/$_->[1]" }
        ['authorization_endpoint', 'auth'], ['token_endpoint', 'token'], ['jwks_uri', 'jwks'], ['revocation_endpoint', 'token/revocation'], ['end_session_endpoint', 'session/end'] };
    my $host = $logto =~ s/:.*//r;
    my %evil = map { $_ => [$good->{$_} =~ s/^https/http/r] } grep { $_ ne 'issuer' } keys %$good;
    push @{ $evil{$_} }, "https://evil.example/oidc/x", "https://$host/oidc/x", "https://$logto.evil.example/x" for 'token_endpoint';
    push @{ $evil{$_} }, "https://evil.example/oidc/x" for 'jwks_uri';

    for my $name (sort keys %evil) {
        for my $evil (@{ $evil{$name} }) {
            $t->logto_control(outage => { mode => 'answer', paths => 'openid-configuration$', status => 200, headers => { 'content-type' => 'application/json' },
                body => JSON::PP->new->canonical->encode({ %$good, $name => $evil }) });
            my $said = $evil =~ /evil\.example\/x$/ ? qr/Logto's discovery at/ : qr{Logto's $name "\Q$evil\E" is };
            refused($said, "$name $evil");
        }
    }
    $t->logto_control(outage => { mode => 'off' });
};

subtest 'as it should be' => sub {
    $t->start_nginx;
    $t->wait_ready;
    my $sign_in = sub {
        my ($status, $head) = $t->stranger->curl('-D', '-', '-o', '/dev/null', $t->url('/sign-in'));
        return $head =~ /^location: (\S+)/mi ? $1 : $head;
    };
    like $sign_in->(), qr{^https://\Q$logto\E/oidc/auth\?}, 'the browser goes to https';
    $t->wait_for(sub { ($t->logto_requests->{grants}{client_credentials} // 0) > 0 }, 30, 'the gateway has a token of its own');
    pass 'the gateway gets tokens by https';
};

done_testing;
