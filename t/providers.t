# t/providers.t — aigc_oidc: whoever has another provider than Logto signs in,
# reaches his instance, is an administrator by his role, and signs out.  The
# stand-in plays the documented shapes of Keycloak, of Dex, and of one that does
# all else in another way (t/logto/shapes.mjs)

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;
use JSON::PP ();
use MIME::Base64 qw(decode_base64url);
use Time::HiRes qw(sleep time);

my $SKEW = 30;              # s that an expired token is still taken
my $LATE = 27;              # s that ID tokens are issued too late here
my $name = 'stable-diffusion-cpu';
my $FOREIGN = '400 The answer is not from the sign-in service of this site.';

# A gateway at a provider of that shape; path: where its issuer is.
sub provider {
    my ($like, $path, $more) = @_;
    my $t = AIGC::Stack->start(workers => 2, logto => ['--like', $like], edit => sub {
        my ($text) = @_;
        $text =~ s{aigc_logto (\S+) app_id=(\S+) .*? app_secret_file=(\S+) [^;]*;}
                  {aigc_oidc issuer=$1$path client_id=$2 client_secret_file=$3 $more;} or die $text;
        return $text;
    });
    return $t;
}

sub me { return $_[0]->get('/api/v1/me') }

# What the browser is sent to the provider with.
sub asked {
    my ($t) = @_;
    my $to = $t->stranger->browse('/sign-in')->location;
    my ($url, $query) = split /\?/, $to, 2;
    return ($url, { map { my ($k, $v) = split /=/, $_, 2; ($k => $v =~ s/%(..)/chr hex $1/ger) } split /&/, $query });
}

sub sign_out { return $_[0]->post('/sign-out', headers => [Origin => $_[0]->stack->origin]) }

sub session { $_[0]->cookie('aigc-session') }

# A user whose ID token has just expired.
sub expired {
    my ($t, $user) = @_;
    $t->logto_control(lifetimes => { id_token => -$LATE });
    my $client = $t->sign_in($user);
    $t->logto_control(lifetimes => { id_token => undef });
    my $end = int(time) + 1 + $SKEW - $LATE;
    $t->wait_for(sub { time >= $end }, 10, 'the token has expired');
    return $client;
}

# The three of each provider: who owns, who does not, who administrates.
sub people {
    my ($t, $id, $shown) = @_;
    my ($alice, $bob, $carol) = map { $t->sign_in($_) } qw(alice bob carol);

    my $r = me($alice);
    is $r->code, 200, 'alice signs in';
    like $r->json->{user}, $id, '… under the provider\'s id: ' . $r->json->{user};
    is $r->json->{name}, $shown, '… with her name';

    my $inst = $alice->install($name)->wait_ready;
    is $alice->get($inst->url)->code, 200, 'her instance lets her in';
    is $bob->get($inst->url)->code, 403, '… and nobody else';
    my ($annotation) = grep { /"owner"/ } values %{ $t->kube_get('gss', $name)->{metadata}{annotations} };
    is JSON::PP::decode_json($annotation)->{owner}, $r->json->{user}, 'the annotation names her';

    is $carol->api('GET', '/api/v1/admin/status')->code, 200, 'who has the role administrates';
    is $alice->api('GET', '/api/v1/admin/status')->code, 403, '… others do not';
    return ($alice, $inst);
}

# Of what only Logto has, nothing is there.
sub no_logto {
    my ($t) = @_;
    my $carol = $t->sign_in('carol');
    is $t->stranger->post('/webhook', body => '{}')->code, 404, 'there is no webhook';
    is $carol->api('POST', '/api/v1/admin/adopt', {})->problem->{code}, 'no-custom-data', '… and no custom data';
    my $r = $carol->api('GET', '/api/v1/admin/users');
    is $r->code, 200, 'who owns what is shown all the same';
    is $_->{status}, 'unknown', "… of $_->{user} no more" for @{ $r->json->{users} };
    unlike $t->error_log, qr/Logto/, 'the log speaks of no Logto';
}

subtest 'Keycloak' => sub {
    my $t = provider('keycloak', '/realms/aigc', 'roles_claim=realm_access.roles');
    my ($url, $asked) = asked($t);

    is $url, $t->logto_url('/realms/aigc/protocol/openid-connect/auth'), 'the endpoint is as announced';
    is $asked->{scope}, 'openid profile email offline_access', 'offline_access is asked for where it is announced';
    ok !exists $asked->{prompt}, '… and no consent';
    my $r = $t->stranger->get("/sign-in-callback?code=x&state=$asked->{state}");
    is $r->code . ' ' . (($r->problem // {})->{detail} // ''), $FOREIGN, 'an answer that names no issuer is refused where it is announced';

    my ($alice, $inst) = people($t, qr/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, 'Alice');
    is scalar(grep { $_ eq 'default-roles-aigc' } @{ me($alice)->json->{roles} }), 1, 'roles are those of the realm';

    my $late = expired($t, 'alice');
    my $old = session($late);
    $t->clear_logto_requests;
    is $late->get($inst->url)->code, 200, 'a session is renewed';
    isnt session($late), $old, '… with a new cookie';
    is $t->logto_requests->{grants}{refresh_token}, 1, '… by its refresh token';

    my %bearer = map { $_ => $t->forge(claims => { sub => me($alice)->json->{user}, azp => $_ }) } $asked->{client_id}, 'another';
    my %code = map { $_ => $t->stranger->get('/api/v1/me', headers => [Authorization => "Bearer $bearer{$_}"])->code } keys %bearer;
    is $code{$asked->{client_id}}, 200, 'a program shows an ID token';
    is $code{another}, 401, '… and not one that another client asked for, though it is for this one as well';

    my $thief = $alice->copy;
    $r = sign_out($alice);
    is $r->code, 303, 'she signs out';
    my $gateway = AIGC::Client::escape($t->origin . '/');
    is $r->location, $t->logto_url('/realms/aigc/protocol/openid-connect/logout')
        . "?client_id=$asked->{client_id}&post_logout_redirect_uri=$gateway", '… at Keycloak, too, without a token in the URL';
    is me($thief)->code, 401, '… and a copied cookie is worth nothing';

    my $again = $t->sign_in('bob');
    my $copy = $again->copy;
    my $f = AIGC::Client::form($again->get($t->logto_url('/realms/aigc/protocol/openid-connect/logout')));
    $f->{fields}{logout} = 'yes';
    $again->submit($f);
    $t->wait_for(sub { me($copy)->code == 401 }, 10, 'he is out');
    pass 'a session that ends at Keycloak ends here (back-channel logout)';
    no_logto($t);
};

subtest 'Dex' => sub {
    my $t = provider('dex', '/dex', '"scope=openid profile email groups" roles_claim=groups');
    my ($url, $asked) = asked($t);

    is $url, $t->logto_url('/dex/auth'), 'the endpoint is as announced';
    is $asked->{scope}, 'openid profile email groups', 'what scope= says is asked for, and no more';
    my $r = $t->stranger->get("/sign-in-callback?code=x&state=$asked->{state}&iss=https%3A%2F%2Fevil.example");
    is $r->code . ' ' . (($r->problem // {})->{detail} // ''), $FOREIGN, 'an answer that names another issuer is refused, announced or not';

    my ($alice, $inst) = people($t, qr/^CiQ[\w-]{50,}$/, 'Alice');

    my $late = expired($t, 'alice');
    my $old = session($late);
    is me($late)->code, 401, 'without a refresh token a session ends with its ID token';
    $r = $late->browse($inst->url, follow => 10);
    is $r->code, 200, '… and a new sign-in follows by itself, without a form';
    is $r->url =~ s{/$}{}r, $inst->url =~ s{/$}{}r, '… back to where she was';
    isnt session($late), $old, '… with a session of its own';

    my $thief = $alice->copy;
    $r = sign_out($alice);
    is $r->code . ' ' . $r->location, '303 ' . $t->origin, 'signing out ends on the front page: Dex has no address for it';
    is me($thief)->code, 401, '… and a copied cookie is worth nothing';
    no_logto($t);
};

subtest 'another one' => sub {
    my $t = provider('other', '/', 'roles_claim=https://aigc\.example/roles name_claim=nickname prompt=login id_token_hint=on');
    my ($url, $asked) = asked($t);

    is $asked->{scope}, 'openid profile email', 'offline_access is not asked for where nothing is said of it';
    is $asked->{prompt}, 'login', 'prompt= is asked for';
    my ($alice) = people($t, qr/^auth0\|[0-9a-f]{24}$/, 'alice');

    my $r = sign_out($alice);
    my ($to, $hint) = $r->location =~ /^(.*)&id_token_hint=([\w.-]+)$/;
    is $to, $t->logto_url("/logout?federated&client_id=$asked->{client_id}&post_logout_redirect_uri=")
        . AIGC::Client::escape($t->origin . '/'), 'the address of signing out has a query already';
    like decode_base64url((split /\./, $hint // '..')[1]), qr/"nickname":"alice"/, '… and the ID token is shown where it is to be';
};

done_testing;
