# t/logto.t — Logto's stand-in answers like a real Logto, and its switches work
#
# Shapes (status, headers, keys, types, claims) are held against answers recorded from Logto
# 1.41, in t/logto/answers.json; known differences are listed below, nothing else may differ.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex sha256);
use FindBin qw($Bin);
use File::Temp qw(tempdir);
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json encode_json);
use MIME::Base64 qw(decode_base64url encode_base64 encode_base64url);
use POSIX qw(:sys_wait_h);
use Test::More;
use Time::HiRes qw(sleep time);

my $logto = "$Bin/logto";

plan skip_all => 'no node in PATH' if system('node --version >/dev/null 2>&1');
plan skip_all => 'no t/logto/node_modules: run "npm ci" in t/logto'
    unless -d "$logto/node_modules/oidc-provider";

# what differs from the recorded answers, and why
my %differs = (
    'openid-configuration/grant_types_supported' => 'no implicit, no token exchange',
    'openid-configuration/token_endpoint_auth_signing_alg_values_supported' => 'never used',
);

my $dir     = tempdir(CLEANUP => 1);
my $port    = free_port();
my $base    = "http://127.0.0.1:$port";
my $gateway = 'http://dashboard.aigc.localhost:8080';
my $cb      = "$gateway/sign-in-callback";
my $scope   = 'openid profile email custom_data offline_access roles';
my $api     = 'https://default.logto.app/api';
my $inbox   = "$dir/inbox";
my $inport  = free_port();
my ($server, $receiver, %answers, %app);

END {
    my $status = $?;
    for my $pid (grep { defined } $server, $receiver) {
        kill TERM => $pid;
        waitpid $pid, 0;
    }
    $? = $status;
}

# --- the server ---

sub free_port {
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) or die $!;
    return $s->sockport;
}

sub start {
    $server = fork // die $!;
    if (!$server) {
        open STDOUT, '>>', "$dir/out";
        open STDERR, '>>', "$dir/out";
        exec 'node', "$logto/server.mjs", '--port', $port, '--dir', "$dir/state",
            '--gateway', $gateway, '--webhook', "http://hooks.localhost:$inport/hook",
            '--backchannel', "http://127.0.0.1:$inport/backchannel", @_;
        die "node: $!";
    }
    for (1 .. 200) {
        return if -e "$dir/state/ready";
        last if waitpid($server, WNOHANG) == $server;
        sleep 0.1;
    }
    undef $server;
    BAIL_OUT("the server did not start: " . slurp("$dir/out"));
}

sub stop {
    kill TERM => $server;
    waitpid $server, 0;
    undef $server;
}

sub slurp {
    open my $fh, '<:raw', $_[0] or return '';
    local $/;
    return scalar <$fh>;
}

# Takes what Logto sends by itself; each request becomes a file in the inbox.
sub start_receiver {
    mkdir $inbox;
    my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $inport,
        Listen => 5, ReuseAddr => 1) or die $!;
    $receiver = fork // die $!;
    return if $receiver;
    $SIG{TERM} = sub { POSIX::_exit(0) };
    for (my $n = 1; my $c = $s->accept; $n++) {
        my $text = '';
        while (defined(my $line = <$c>)) {
            $text .= $line;
            last if $line eq "\r\n";
        }
        my ($length) = $text =~ /^content-length: (\d+)/im;
        read $c, my $body, $length // 0;
        print $c "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        close $c;
        open my $fh, '>:raw', "$inbox/tmp" or next;
        print $fh $text, $body;
        close $fh;
        rename "$inbox/tmp", sprintf '%s/%03d', $inbox, $n;
    }
    POSIX::_exit(0);
}

sub received {
    for (1 .. 50) {
        my ($file) = sort grep { !/tmp$/ } glob "$inbox/*";
        if ($file) {
            my ($head, $body) = split /\r\n\r\n/, slurp($file), 2;
            unlink $file;
            my ($line, @head) = split /\r\n/, $head;
            return { line => $line, body => $body,
                headers => { map { my ($k, $v) = split /: /, $_, 2; (lc $k, $v) } @head } };
        }
        sleep 0.1;
    }
    return { line => 'nothing came', body => '', headers => {} };
}

# --- requests ---

{   # a cookie jar as HTTP::Tiny wants one
    package Jar;
    sub new { bless {}, shift }
    sub add {
        my ($self, $url, $cookie) = @_;
        my ($name, $value) = $cookie =~ /^([^=]+)=([^;]*)/ or return;
        my ($path) = $cookie =~ /;\s*path=([^;]*)/i;
        $self->{"$name $path"} = $cookie =~ /expires=Thu, 01 Jan 1970/i ? '' : $value;
    }
    sub cookie_header {
        my ($self, $url) = @_;
        my ($at) = $url =~ m{^http://[^/]+([^?]*)};
        return join '; ', map { my ($name) = split / /; "$name=$self->{$_}" }
            grep { my (undef, $path) = split / /; $self->{$_} ne '' && index($at, $path) == 0 }
            sort keys %$self;
    }
}

my $ua = HTTP::Tiny->new(max_redirect => 0, timeout => 15);

sub request {
    my ($agent, $method, $path, %opt) = @_;
    my %h = %{ $opt{headers} // {} };
    my $content = $opt{form} ? $ua->www_form_urlencode($opt{form})
        : $opt{json} ? encode_json($opt{json}) : undef;
    $h{'content-type'} = 'application/x-www-form-urlencoded' if $opt{form};
    $h{'content-type'} = 'application/json' if $opt{json};
    $h{authorization} = "Bearer $opt{bearer}" if $opt{bearer};
    $h{authorization} = 'Basic ' . encode_base64("$opt{basic}[0]:$opt{basic}[1]", '')
        if $opt{basic};
    my $url = $path =~ /^http/ ? $path : "$base$path";
    my $r = $agent->request($method, $url,
        { headers => \%h, (defined $content ? (content => $content) : ()) });
    $r->{json} = eval { decode_json($r->{content}) } if $r->{content} =~ /^[{\[]/;
    return $r;
}

sub control {
    my ($method, $path, $body) = @_;
    my $r = request($ua, $method, "/_control/$path", ($body ? (json => $body) : ()));
    diag "/_control/$path: $r->{status} $r->{content}" if $r->{status} != 200;
    return $r->{json};
}

sub browser { HTTP::Tiny->new(max_redirect => 0, timeout => 15, cookie_jar => Jar->new) }

my $verifier = 'v' x 50;

sub auth_url {
    my (%p) = @_;
    my %q = (client_id => $app{id}, redirect_uri => $cb, response_type => 'code', scope => $scope,
        state => 's', prompt => 'consent', code_challenge_method => 'S256',
        code_challenge => encode_base64url(sha256($verifier)), %p);
    delete @q{ grep { !defined $q{$_} } keys %q };
    return '/oidc/auth?' . $ua->www_form_urlencode(\%q);
}

# Follows the redirects on the server; returns the answer that stops them.
sub follow {
    my ($b, $r) = @_;
    for (1 .. 8) {
        my $to = $r->{headers}{location} or return $r;
        return $r if $to =~ /^\Q$cb\E/;
        $r = request($b, GET => $to);
    }
    return $r;
}

sub submit {
    my ($b, $form, $user, $password) = @_;
    my ($uid) = $form->{content} =~ /name="uid" value="([^"]+)"/;
    return request($b, POST => '/sign-in', form =>
        { uid => $uid // '', username => $user, password => $password // "$user-pass" });
}

sub code_of { my ($r) = @_; return ($r->{headers}{location} // '') =~ /[?&]code=([^&]+)/ ? $1 : '' }

# Signs in by the form; returns the code (and uses the browser's session if it has one).
sub code_for {
    my ($user, $b, %p) = @_;
    my $r = follow($b, request($b, GET => auth_url(%p)));
    $r = follow($b, submit($b, $r, $user)) if $r->{content} =~ /<form method="post" action="\/sign-in"/;
    return code_of($r);
}

sub token {
    my (%form) = @_;
    return request($ua, POST => '/oidc/token', basic => [ @app{qw(id secret)} ], form => \%form);
}

sub redeem {
    my ($code, %form) = @_;
    return token(grant_type => 'authorization_code', code => $code, redirect_uri => $cb,
        code_verifier => $verifier, %form);
}

sub refresh { my ($t, %p) = @_; return token(grant_type => 'refresh_token', refresh_token => $t, %p) }

sub sign_in {
    my ($user, %p) = @_;
    my $b = delete $p{browser} // browser();
    return redeem(code_for($user, $b, %p))->{json};
}

sub m2m {
    my ($id, $secret, %form) = @_;
    return request($ua, POST => '/oidc/token', basic => [ $id, $secret ],
        form => { grant_type => 'client_credentials', resource => $api, scope => 'all', %form });
}

sub me { return request($ua, GET => '/oidc/me', ($_[0] ? (bearer => $_[0]) : ())) }

sub jwt { return map { decode_json(decode_base64url($_)) } (split /\./, $_[0])[ 0, 1 ] }

# --- shapes ---

my %exact = map { $_ => 1 } qw(alg typ token_type expires_in scope error error_uri
    error_description code message details issue event method matchedRoute issuer kty use crv);

sub shape {
    my ($v, $key) = @_;
    if (ref $v eq 'HASH')  { return { map { $_ => shape($v->{$_}, $_) } keys %$v } }
    if (ref $v eq 'ARRAY') { return [ map { shape($_) } @$v ] }
    return 'null' unless defined $v;
    return 'boolean' if JSON::PP::is_bool($v);
    return $v if defined $key && $exact{$key};
    return 'number' if encode_json([$v]) !~ /^\["/;
    return "opaque $1" if $v =~ /^<opaque, (\d+) characters>$/;
    return { header => shape(decode_json($1)), claims => shape(decode_json($2)) }
        if $v =~ /^<JWT (\{.*?\}) (\{.*\})>$/;
    if ($v =~ /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/) {
        my ($header, $claims) = jwt($v);
        return { header => shape($header), claims => shape($claims) };
    }
    return 'opaque 43' if $v =~ /^[\w-]{43}$/;
    return 'string';
}

sub answer { my ($name) = @_; return $answers{$name} // die "no recorded answer $name" }

# the body (or any value) as recorded
sub same_shape {
    my ($got, $want, $name) = @_;
    if (ref $got eq 'HASH' && ref $want eq 'HASH') {
        my ($short) = split / /, $name;
        delete @$_{ map { m{^\Q$short\E/(.*)} ? $1 : () } keys %differs } for $got, $want;
    }
    return is_deeply(shape($got), shape($want), $name);
}

# the whole answer as recorded: status, the recorded headers, body
sub as_recorded {
    my ($r, $name) = @_;
    my $want = answer($name);
    subtest $name => sub {
        is $r->{status}, $want->{status}, 'status' if $want->{status};
        for my $h (sort keys %{ $want->{headers} // {} }) {
            is $r->{headers}{$h}, $want->{headers}{$h}, "header $h";
        }
        if (ref $want->{body}) { same_shape($r->{json}, { %{ $want->{body} } }, $name) }
        else                   { is $r->{content} // '', $want->{body}, 'body' }
    };
}

start();
start_receiver();
$app{$_} = slurp("$dir/state/app_$_") for qw(id secret);
$app{m2m} = [ map { slurp("$dir/state/m2m_app_$_") } qw(id secret) ];
$app{norole} = [ map { slurp("$dir/state/m2m_norole_app_$_") } qw(id secret) ];
{
    my $text = slurp("$logto/answers.json");
    $text =~ s{http://localhost:3001}{$base}g;
    %answers = %{ decode_json($text) };
}

subtest 'files' => sub {
    is sprintf('%o', (stat "$dir/state/$_")[2] & 0777), '600', "$_ is private"
        for qw(app_secret m2m_app_secret webhook_key users.json state.json access.log);
    my $users = decode_json(slurp("$dir/state/users.json"));
    is keys %$users, 53, 'alice, bob, carol and 50 for load';
    is_deeply $users->{alice}, { id => 'alice0000000', password => 'alice-pass', roles => ['gwuser'] },
        'alice';
    is_deeply $users->{carol}{roles}, ['aigc-admin'], 'carol is an administrator';
};

subtest 'discovery and keys' => sub {
    same_shape(request($ua, GET => '/oidc/.well-known/openid-configuration')->{json},
        answer('openid-configuration'), 'openid-configuration');
    my $r = request($ua, GET => '/oidc/jwks');
    same_shape($r->{json}, answer('jwks'), 'jwks');
    my $want = answer('jwks-response-headers');
    is_deeply [ grep { !exists $r->{headers}{$_} } grep { $_ ne 'etag' } sort keys %$want ], [],
        'no header of the recorded ones is missing (but etag)';
    is $r->{headers}{$_}, $want->{$_}, $_ for qw(content-type cache-control);
};

my ($alice, $b);

subtest 'sign-in and tokens' => sub {
    $b = browser();
    my $r = request($b, GET => auth_url());
    is $r->{status}, 303, 'auth redirects';
    is $r->{headers}{location}, "/sign-in?app_id=$app{id}", 'to the form';
    my $form = follow($b, $r);

    $r = submit($b, $form, 'alice', 'wrong');
    is $r->{status}, 422, 'a wrong password is 422';
    like $r->{content}, qr/Incorrect account or password.*name="uid"/s, 'with a message and the form';
    is submit($b, $form, 'nobody')->{status}, 422, 'so is an unknown user';

    $r = submit($b, $form, 'alice');
    is $r->{status}, 303, 'the right one goes on';
    $r = request($b, GET => $r->{headers}{location});
    is "$r->{status} $r->{headers}{location}", "303 /consent?app_id=$app{id}", 'to consent';
    $r = request($b, GET => $r->{headers}{location});
    is $r->{status}, 302, 'which is automatic';
    $r = request($b, GET => $r->{headers}{location});
    like $r->{headers}{location}, qr/^\Q$cb\E\?code=[\w-]{43}&state=s&iss=http%3A%2F%2F127/,
        'and back with code, state and iss';

    $r = redeem(code_of($r));
    as_recorded($r, 'token-authorization_code');
    $alice = $r->{json};
    my ($header, $claims) = jwt($alice->{id_token});
    is $claims->{sub}, 'alice0000000', 'the ID token is hers';
    is $claims->{exp} - $claims->{iat}, 3600, 'for an hour';
    ok abs($claims->{updated_at} / 1000 - time) < 60, 'updated_at is in milliseconds';
    is length $claims->{sid}, 21, 'sid';

    my $nonce = sign_in('alice', browser => $b, nonce => 'n-123', max_age => 600);
    same_shape({ claims => (jwt($nonce->{id_token}))[1] },
        { claims => answer('id-token-with-nonce-max_age')->{claims} }, 'id-token-with-nonce-max_age');
    same_shape({ claims => (jwt(refresh($nonce->{refresh_token})->{json}{id_token}))[1] },
        { claims => answer('id-token-from-refresh')->{claims} }, 'id-token-from-refresh');

    (my $short = $scope) =~ s/ offline_access//;
    as_recorded(redeem(code_for('alice', browser(), prompt => undef)),
        'token-authorization_code-offline_access-without-prompt-consent');
    as_recorded(redeem(code_for('alice', browser(), prompt => undef,
        scope => 'openid profile email custom_data')), 'token-authorization_code-without-offline_access');
    as_recorded(redeem(code_for('alice', browser(), code_challenge => undef,
        code_challenge_method => undef), code_verifier => ''), 'token-authorization_code-without-pkce');

    my %resource = (resource => 'https://gateway.example/api', scope => "$scope use");
    $r = redeem(code_for('alice', browser(), %resource), resource => $resource{resource});
    as_recorded($r, 'token-authorization_code-resource');
    same_shape((jwt($r->{json}{access_token}))[1], answer('access-token-resource')->{claims},
        'access-token-resource');
    $r = redeem(code_for('alice', browser(), %resource));
    as_recorded($r, 'token-authorization_code-with-granted-resource');
    as_recorded(refresh($r->{json}{refresh_token}, resource => $resource{resource}),
        'token-refresh_token-resource');
};

subtest 'sessions' => sub {
    my $r = follow($b, request($b, GET => auth_url(prompt => undef)));
    ok code_of($r), 'an existing session signs in silently';
    $r = follow($b, request($b, GET => auth_url(prompt => 'login')));
    like $r->{content}, qr/name="password"/, 'prompt=login shows the form';
    $r = follow(browser(), request($ua, GET => auth_url(prompt => 'none')));
    like $r->{headers}{location}, qr/error=login_required/, 'prompt=none without a session';

    my $tabs = browser();
    my @forms = map { follow($tabs, request($tabs, GET => auth_url(state => "t$_"))) } 1 .. 3;
    $r = follow($tabs, submit($tabs, $forms[0], 'bob'));
    like $r->{headers}{location}, qr/state=t1/, 'the first of three tabs signs in';
    is submit($tabs, { content => '' }, 'bob')->{status}, 400, 'a form without an interaction: 400';
};

subtest 'bad codes' => sub {
    my %bad = (
        'code-unknown'            => sub { redeem('nosuch') },
        'code-wrong-verifier'     => sub { redeem(code_for('alice', $b), code_verifier => 'w' x 50) },
        'code-wrong-redirect_uri' => sub { redeem(code_for('alice', $b), redirect_uri => "$gateway/x") },
        'code-wrong-client-secret' => sub {
            request($ua, POST => '/oidc/token', basic => [ $app{id}, 'wrong' ], form => {
                grant_type => 'authorization_code', code => code_for('alice', $b),
                redirect_uri => $cb, code_verifier => $verifier });
        },
        'client-unknown' => sub {
            request($ua, POST => '/oidc/token', basic => [ 'nosuchclient', 'x' ],
                form => { grant_type => 'authorization_code', code => 'x' });
        },
        'code-expired' => sub {
            control(POST => 'lifetimes', { code => 1 });
            my $code = code_for('alice', $b);
            control(POST => 'lifetimes', { code => undef });
            sleep 2.1;
            redeem($code);
        },
        'refresh-unknown' => sub { refresh('nosuch') },
        'resource-unknown' => sub { redeem(code_for('alice', $b), resource => 'https://no.such') },
    );
    as_recorded($bad{$_}->(), $_) for sort keys %bad;

    my $code = code_for('alice', browser());
    my $t = redeem($code)->{json};
    as_recorded(redeem($code), 'code-replay');
    as_recorded(refresh($t->{refresh_token}), 'refresh-after-code-replay');
    as_recorded(me($t->{access_token}), 'me-after-code-replay');
};

subtest 'refresh' => sub {
    my $t = sign_in('user01');
    my $t0 = $t->{refresh_token};
    my $r = refresh($t0);
    as_recorded($r, 'token-refresh_token');
    is $r->{json}{refresh_token}, $t0, 'a young token comes back';

    control(POST => 'age', { user => 'user01', seconds => int(14 * 86400 * 0.71) });
    my $t1 = refresh($t0)->{json}{refresh_token};
    isnt $t1, $t0, 'after 70 % of its life it rotates';
    my $again = refresh($t0);
    is $again->{status}, 200, 'the rotated one is taken again at once';
    isnt $again->{json}{refresh_token}, $t0, 'and rotates once more';
    is refresh($t1)->{status}, 200, 'the newest works';

    control(POST => 'age', { user => 'user01', seconds => 4 });
    as_recorded(refresh($t0), 'refresh-unknown');
    as_recorded(refresh($t1), 'refresh-unknown');

    $t = sign_in('user02');
    as_recorded(request($ua, POST => '/oidc/token/introspection', basic => [ @app{qw(id secret)} ],
        form => { token => $t->{access_token} }), 'introspection');
    as_recorded(request($ua, POST => '/oidc/token/revocation', basic => [ @app{qw(id secret)} ],
        form => { token => $t->{refresh_token} }), 'revocation');
    as_recorded(refresh($t->{refresh_token}), 'refresh-after-revocation');

    control(POST => 'lifetimes', { id_token => 7, access_token => 8 });
    my (undef, $claims) = jwt(sign_in('user02')->{id_token});
    is $claims->{exp} - $claims->{iat}, 7, 'an ID token for 7 seconds';
    control(POST => 'lifetimes', { id_token => undef, access_token => undef });
};

subtest 'userinfo' => sub {
    my $t = sign_in('alice');
    control(POST => 'user', { user => 'alice', customData => { 'default-sd' =>
        { ID => '0', Name => 'sd', Type => '', Namespace => 'default' } } });
    as_recorded(me($t->{access_token}), 'me-with-custom-data');
    as_recorded(me('nosuch'), 'me-bad-token');
    as_recorded(me(), 'me-no-token');
};

my $key;

subtest 'client credentials' => sub {
    my @m2m = @{ $app{m2m} };
    my $r = m2m(@m2m);
    $key = $r->{json}{access_token};
    as_recorded($r, 'token-client_credentials');
    same_shape((jwt($key))[1], answer('m2m-access-token')->{claims}, 'm2m-access-token');
    as_recorded(m2m(@{ $app{norole} }), 'token-client_credentials-norole');
    as_recorded(m2m($m2m[0], 'wrong'), 'token-client_credentials-badsecret');
    as_recorded(m2m(@m2m, resource => 'https://no.such'), 'token-client_credentials-unknown-resource');
    as_recorded(m2m(@m2m, scope => 'nosuch'), 'token-client_credentials-unknown-scope');
    my %form = (grant_type => 'client_credentials', scope => 'all');
    as_recorded(request($ua, POST => '/oidc/token', basic => \@m2m, form => \%form),
        'token-client_credentials-noresource');
    as_recorded(request($ua, POST => '/oidc/token', form => { %form, resource => $api,
        client_id => $m2m[0], client_secret => $m2m[1] }), 'token-client_credentials-client_secret_post');
};

sub api { my ($method, $path, %opt) = @_; return request($ua, $method, "/api$path", bearer => $key, %opt) }

subtest 'management API' => sub {
    my $id = 'alice0000000';
    my $t = sign_in('bob', resource => 'https://gateway.example/api', scope => 'openid use');
    my $norole = m2m(@{ $app{norole} })->{json}{access_token};

    as_recorded(api(GET => "/users/$id"), 'api-user-get');
    as_recorded(api(GET => '/users/nosuch'), 'api-user-get-404');
    as_recorded(api(PATCH => '/users/nosuch/custom-data', json => { customData => {} }),
        'api-custom-data-404');
    as_recorded(request($ua, GET => "/api/users/$id"), 'api-user-get-no-token-401');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => 'x'), 'api-user-get-bad-token-401');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => $t->{access_token}),
        'api-user-get-user-opaque-token-401');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => $norole), 'api-user-get-no-scope-403');
    as_recorded(request($ua, GET => "/api/users/$id", bearer => redeem(code_for('bob', browser(),
        resource => 'https://gateway.example/api', scope => "$scope use"),
        resource => 'https://gateway.example/api')->{json}{access_token}), 'api-user-get-wrong-audience');
    as_recorded(api(PATCH => "/users/$id", json => { primaryEmail => 5 }),
        'api-user-patch-bad-body-400');

    for my $step (@{ answer('api-custom-data-merge') }) {
        if (my $body = $step->{put_customData_via_PATCH_user}) {
            my $r = api(PATCH => "/users/$id", json => $body);
            same_shape($r->{json}, $step->{response}, 'PATCH of the user');
        }
        else {
            my $r = api(PATCH => "/users/$id/custom-data", json => $step->{patch});
            is $r->{status}, $step->{status}, 'PATCH ' . encode_json($step->{patch});
            is_deeply $r->{json}, $step->{response}, '… answers as recorded';
        }
        is_deeply api(GET => "/users/$id/custom-data")->{json}, $step->{afterwards}, '… and is kept';
    }

    my $r = api(GET => '/users?page=2&page_size=20');
    is scalar @{ $r->{json} }, 20, 'a page of users';
    is $r->{headers}{'total-number'}, 53, 'their number';
    like $r->{headers}{link}, qr/page=3&page_size=20>; rel="next"/, 'the next page';
    is scalar @{ api(GET => '/users?page=3&page_size=20')->{json} }, 13, 'the last page';

    $r = api(POST => '/users', json => { username => 'dave', password => 'dave-pass',
        primaryEmail => 'dave@example.com', name => 'Dave' });
    as_recorded($r, 'api-user-create');
    is api(POST => '/users', json => { username => 'dave' })->{status}, 422, 'a name once only';

    my $erin = api(POST => '/users', json => { username => 'erin', password => 'erin-pass',
        customData => { k => 2 } })->{json}{id};
    $t = sign_in('erin');

    as_recorded(api(PATCH => "/users/$erin/is-suspended", json => { isSuspended => JSON::PP::true }),
        'api-user-is-suspended');
    my $hook = received();
    is decode_json($hook->{body})->{event}, 'User.SuspensionStatus.Updated', 'the webhook tells';
    as_recorded(me($t->{access_token}), 'suspended-me');
    as_recorded(refresh($t->{refresh_token}), 'suspended-refresh');
    my $sb = browser();
    $r = submit($sb, follow($sb, request($sb, GET => auth_url())), 'erin');
    is $r->{status}, 401, 'a suspended user cannot sign in';
    like $r->{content}, qr/This account is suspended/, 'and is told why';

    api(PATCH => "/users/$erin/is-suspended", json => { isSuspended => JSON::PP::false });
    received();
    $t = sign_in('erin');
    as_recorded(api(DELETE => "/users/$erin"), 'api-user-delete');
    as_recorded(api(GET => "/users/$erin"), 'deleted-api-get');
    as_recorded(me($t->{access_token}), 'deleted-me');
    as_recorded(refresh($t->{refresh_token}), 'deleted-refresh');

    $hook = received();
    my $want = answer('webhook-User.Deleted')->[0];
    same_shape(decode_json($hook->{body}), decode_json($want->{rawBody}), 'webhook-User.Deleted');
    is $hook->{headers}{'logto-signature-sha-256'},
        hmac_sha256_hex($hook->{body}, slurp("$dir/state/webhook_key")), 'is signed';
};

subtest 'sign-out' => sub {
    my $sb = browser();
    my $t = sign_in('user03', browser => $sb);
    my (undef, $claims) = jwt($t->{id_token});
    my %q = (id_token_hint => $t->{id_token}, client_id => $app{id},
        post_logout_redirect_uri => "$gateway/", state => 's1');
    my $end = sub { '/oidc/session/end?' . $ua->www_form_urlencode({ @_ }) };

    my $r = request($sb, GET => $end->(%q, post_logout_redirect_uri => 'https://evil.example/'));
    is $r->{status}, 400, 'an unregistered URI is refused';
    is_deeply $r->{json}, answer('session-end')->[1]{body}, '… as recorded';
    like request(browser(), GET => '/oidc/session/end')->{content},
        qr/name="logout" value="yes"/, 'without a session a form that submits itself';

    $r = request($sb, GET => $end->(%q));
    my ($xsrf) = $r->{content} =~ /name="xsrf" value="([^"]+)"/;
    like $r->{content}, qr/onload=.*op\.logoutForm.*name="logout"/s, 'with one likewise';
    $r = request($sb, POST => '/oidc/session/end/confirm', form => { xsrf => $xsrf, logout => 'yes' });
    is "$r->{status} $r->{headers}{location}", "303 $gateway/?state=s1", 'ends at the gateway';

    my $got = received();
    like $got->{line}, qr{^POST /backchannel }, 'the back channel is told';
    my ($token) = $got->{body} =~ /^logout_token=(.*)/;
    my ($header, $body) = jwt($token);
    same_shape({ header => $header, claims => $body }, answer('logout-token'), 'logout-token');
    is $body->{sid}, $claims->{sid}, 'with the session of the ID token';

    as_recorded(refresh($t->{refresh_token}), 'refresh-after-session-end');
    is me($t->{access_token})->{status}, 200, 'a grant with offline_access outlives it';
    like follow($sb, request($sb, GET => auth_url()))->{content}, qr/name="password"/,
        'the session is gone';
};

subtest 'keys' => sub {
    my $kids = sub { [ map { $_->{kid} } @{ request($ua, GET => '/oidc/jwks')->{json}{keys} } ] };
    my $kid = sub { (jwt(sign_in('bob')->{id_token}))[0]{kid} };
    my $first = $kids->()[0];
    my $t = sign_in('bob');

    control(POST => 'rotate-keys', { mode => 'next' });
    my ($current, $next) = @{ $kids->() };
    is $current, $first, 'a next key is published';
    is $kid->(), $first, 'but does not sign';
    control(POST => 'rotate-keys', { mode => 'rotate' });
    is_deeply $kids->(), [ $next, $first ], 'it becomes the current one';
    is $kid->(), $next, 'and signs';
    is refresh($t->{refresh_token})->{status}, 200, 'grants stay';
    control(POST => 'rotate-keys', { mode => 'drop-previous' });
    is_deeply $kids->(), [$next], 'the previous one goes';

    for my $alg (qw(ES256 ES512 RS256 PS256 EdDSA ES384 ES384)) {
        control(POST => 'rotate-keys', { alg => $alg, mode => 'rotate' });
        is((jwt(sign_in('bob')->{id_token}))[0]{alg}, $alg, "signs with $alg");
    }
    is request($ua, POST => '/_control/rotate-keys', json => { alg => 'HS256' })->{status}, 400,
        'no other algorithm';

    control(POST => 'like', { version => '1.42' });
    my ($header, $claims) = jwt(sign_in('bob')->{id_token});
    ok !exists $header->{typ} && !exists $claims->{at_hash}, 'as 1.42: neither typ nor at_hash';
    control(POST => 'like', { version => '1.41' });
};

# The stand-in's own verifier of id_token_hint judges the forgeries.
sub hint_status {
    return request($ua, GET => '/oidc/session/end?'
        . $ua->www_form_urlencode({ id_token_hint => $_[0] }))->{status};
}

subtest 'forged tokens' => sub {
    my @orders = (
        [ 200, 'genuine',            {} ],
        [ 200, 'of the previous key', { key => 'previous' } ],
        [ 400, 'of an unknown key',  { key => 'unknown' } ],
        [ 400, 'under the known kid', { key => 'attacker' } ],
        [ 400, 'unsigned',           { key => 'none' } ],
        [ 400, 'embedded key',       { key => 'unknown', header => { jwk => JSON::PP::true,
            jku => JSON::PP::true, x5u => JSON::PP::true, x5c => JSON::PP::true } } ],
        [ 400, 'a bit flipped',      { signature => 'flip' } ],
        [ 400, 'all zero',           { signature => 'zero' } ],
        [ 400, 'DER',                { signature => 'der' } ],
        [ 400, 'empty',              { signature => 'empty' } ],
        [ 400, 'cut',                { signature => 'short' } ],
        [ 400, 'wrong issuer',       { claims => { iss => 'https://evil.example/oidc' } } ],
        (map { [ 400, "HMAC, $_", { key => 'hmac-public-key', form => $_, header => { alg => 'HS384' } } ] }
            qw(pem pem-no-newline pem-crlf der jwk jwk-x empty)),
    );
    my $tokens = control(POST => 'sign-token', { tokens => [ map { $_->[2] } @orders ] })->{tokens};
    for my $i (0 .. $#orders) {
        is hint_status($tokens->[$i]), $orders[$i][0], $orders[$i][1];
    }

    my ($header, $claims) = jwt(control(POST => 'sign-token', { user => 'bob', drop => ['header.typ',
        'claims.sid'], claims => { exp => 'now-5', nbf => 'now+60', aud => 'x' } })->{token});
    is $claims->{sub}, 'bob000000000', 'for another user';
    ok abs($claims->{exp} - time + 5) < 3 && abs($claims->{nbf} - time - 60) < 3, 'with other times';
    ok !exists $header->{typ} && !exists $claims->{sid}, 'without some members';
    my $genuine = (jwt(sign_in('bob')->{id_token}))[1];
    my $made = (jwt(control(POST => 'sign-token', { user => 'bob' })->{token}))[1];
    is_deeply shape($made), shape($genuine), 'the claims of a genuine one';
};

subtest 'outage and latency' => sub {
    my $jwks = sub { request($ua, GET => '/oidc/jwks') };
    my $mode = sub { control(POST => 'outage', { mode => shift, paths => '^/oidc/jwks', @_ }) };

    $mode->('refuse');
    is $jwks->()->{status}, 599, 'refuse: closed without an answer';
    is request($ua, GET => '/oidc/.well-known/openid-configuration')->{status}, 200, 'other paths work';
    $mode->('500');
    is $jwks->()->{status}, 500, 'mode 500';
    $mode->('html');
    like $jwks->()->{content}, qr/<html>/, 'html';
    $mode->('garbage');
    is $jwks->()->{json}, undef, 'garbage: 200, but no JSON';
    $mode->('empty-jwks');
    is_deeply $jwks->()->{json}, { keys => [] }, 'empty-jwks';
    $mode->('truncated');
    my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die $!;
    print $s "GET /oidc/jwks HTTP/1.1\r\nHost: 127.0.0.1:$port\r\n\r\n";
    my $raw = do { local $/; <$s> };
    my ($length) = $raw =~ /^content-length: (\d+)/im;
    my (undef, $half) = split /\r\n\r\n/, $raw, 2;
    is length $half, $length >> 1, 'truncated: half of the body';
    $mode->('answer', status => 418, headers => { 'x-a' => 'b' }, body => { a => 1 }, times => 1);
    is $jwks->()->{status}, 418, 'an answer of the test\'s own';
    is $jwks->()->{status}, 200, 'once';

    $mode->('hang');
    my $impatient = HTTP::Tiny->new(timeout => 1);
    is $impatient->get("$base/oidc/jwks")->{status}, 599, 'hang';
    $mode->('off');
    is $jwks->()->{status}, 200, 'off';

    control(POST => 'latency', { ms => 300, paths => 'jwks' });
    my $t0 = time;
    $jwks->();
    ok time - $t0 >= 0.29, 'latency';
    control(POST => 'latency', { ms => 0 });

    control(DELETE => 'requests');
    $jwks->() for 1 .. 3;
    refresh('nosuch');
    my $counts = control(GET => 'requests');
    is_deeply $counts->{paths}, { '/oidc/jwks' => 3, '/oidc/token' => 1 }, 'counted by path';
    is $counts->{grants}{refresh_token}, 1, 'by grant';
    is $counts->{total}, 4, 'and in all';
    is request($ua, GET => '/_control/keys', headers => { origin => $base })->{status}, 403,
        'no browser reaches the switches';
};

subtest 'users by switch' => sub {
    $key = m2m(@{ $app{m2m} })->{json}{access_token};
    my $t = sign_in('user04');
    control(POST => 'suspend', { user => 'user04' });
    is refresh($t->{refresh_token})->{status}, 400, 'suspended';
    control(POST => 'unsuspend', { user => 'user04' });
    ok sign_in('user04')->{id_token}, 'and back';
    control(POST => 'delete', { user => 'user04' });
    is api(GET => '/users/user04000000')->{status}, 404, 'deleted';
    is control(POST => 'restore', { user => 'user04' })->{id}, 'user04000000', 'restored under his id';
    is control(POST => 'webhook', { event => 'User.Deleted', user => 'user04' })->{status}, 200,
        'a webhook by hand';
    is decode_json(received()->{body})->{params}{userId}, 'user04000000', 'it came';
    sign_in('user04') for 1 .. 2;
    is scalar @{ control(POST => 'backchannel', { user => 'user04' })->{deliveries} }, 2,
        'a logout token for each of his sessions';
    received() for 1 .. 2;
};

subtest 'restart' => sub {
    my $t = sign_in('user05');
    my $keys = request($ua, GET => '/oidc/jwks')->{json};

    my $out = `node "$logto/server.mjs" --port $port --dir "$dir/other" --gateway $gateway 2>&1`;
    is $? >> 8, 1, 'a taken port: exit 1';
    like $out, qr/^logto: port $port on 127\.0\.0\.1 is in use[^\n]*\n\z/, 'one clear line';
    ok !-e "$dir/other", 'and nothing written';

    my $t0 = time;
    stop();
    ok time - $t0 < 1, 'SIGTERM ends it at once';
    ok !-e "$dir/state/ready", 'ready is gone';
    start();
    is_deeply request($ua, GET => '/oidc/jwks')->{json}, $keys, 'the keys stay';
    is refresh($t->{refresh_token})->{status}, 200, 'grants stay';
    is m2m(@{ $app{m2m} })->{status}, 200, 'secrets stay';
    is api(GET => '/users/alice0000000')->{json}{customData}{fresh}, 1, 'users stay';
};

my $log = slurp("$dir/state/access.log");
ok !grep({ !eval { decode_json($_) } } split /\n/, $log), 'the access log is JSON lines';
unlike $log, qr/eyJ|code=|-pass|uid=|xsrf|id_token_hint|state=/, 'and holds no secret';
unlike slurp("$dir/out"), qr/Error|WARN/i, 'the server has nothing to complain of';

done_testing;
