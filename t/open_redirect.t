# t/open_redirect.t — where a sign-in returns to (rd) is a page of this site,
# however it is written: by the gateway's word, by a URL parser's, and by where
# Chromium ends up

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start;
my ($origin, $root, $port) = ($t->origin, $t->root, $t->port);
my $host = $t->host;
my $b = $t->browser;

# What an attacker writes to have a browser go to evil.example.
my @evil = (
    # plainly
    'http://evil.example', 'https://evil.example/', "http://evil.example:$port/", 'HTTP://EVIL.EXAMPLE/', 'hTtP://evil.example/', 'ftp://evil.example/',
    # scheme-relative, and what browsers take for it
    '//evil.example', '///evil.example', '////evil.example', '//evil.example/..', '/%2f/evil.example', '\\\\evil.example', '/\\evil.example', '\\/evil.example', '/\\/evil.example',
    '\\\\\\evil.example', "/\t/evil.example", "/\n/evil.example", "/\r/evil.example", "\t//evil.example", "\r\n//evil.example", ' //evil.example', "//\tevil.example", '// evil.example',
    "\x0b//evil.example", "\x0c//evil.example", "\xc2\xa0//evil.example", "\xe2\x80\xa8//evil.example", '/.//evil.example', '/..//evil.example', './/evil.example',
    # slashes too few or too many, backslashes among them
    'http:evil.example', 'http:/evil.example', 'http:///evil.example', 'http:////evil.example', 'http:\\\\evil.example', 'http:/\\evil.example', 'http:\\/evil.example', "http:\t//evil.example", "ht\ntp://evil.example", "http://\nevil.example",
    # userinfo
    "http://$host:$port\@evil.example/", "http://$host\@evil.example:$port/", "http://$host%40evil.example:$port/", "http://$host:$port%40evil.example/", "http://x:y\@evil.example:$port/", "http://\@evil.example:$port/",
    "http://evil.example\\\@$host:$port/", "http://$host:$port\\\@evil.example/", "http://$host:$port;\@evil.example/", "http://$host:$port/\\\@evil.example\@evil.example/" =~ s{/\\}{\\}r, "http://evil.example:$port\@$host:$port\@evil.example:$port/",
    # names that begin or end like ours
    "http://evil$root:$port/", "http://evil-$root:$port/", "http://$root.evil.example:$port/", "http://$host.evil.example:$port/", "http://x.$root.evil.example:$port/", "http://$host-evil.example:$port/", "http://$root\@evil.example:$port",
    "http://evil.example#.$root:$port/", "http://evil.example?.$root:$port/", "http://evil.example/.$root:$port", "http://evil.example;.$root:$port/", "http://evil.example:$port#\@$host:$port/", "http://evil.example:$port?\@$host:$port/", "http://evil.example\\.$root:$port/",
    "http://evil.example%23.$root:$port/", "http://evil.example%2f.$root:$port/", "http://evil.example%5c.$root:$port/", "http://evil.example%00.$root:$port/", "http://evil.example%0a.$root:$port/", "http://evil.example%20.$root:$port/",
    "http://evil.example\t.$root:$port/", "http://evil.example\0.$root:$port/", "http://evil.example .$root:$port/", "http://evil.example,$host:$port/", "http://evil.example|.$root:$port/", "http://evil.example^.$root:$port/",
    # other dots, letters and numbers
    "http://evil.example\xe3\x80\x82$root:$port/", "http://evil\xe3\x80\x82example:$port/", "http://evil\xef\xbc\x8eexample:$port/", "http://evil.example\xef\xbc\x8f.$root:$port/", "http://evil.example\xef\xbc\x9f.$root:$port/", "http://evil.example\xef\xbc\x83.$root:$port/",
    "http://\xe2\x93\x94\xe2\x93\xa5\xe2\x93\x98\xe2\x93\x9b.example:$port/", "http://evil.example\xc2\xad.$root:$port/", "http://evil.example\xe2\x84\x80.$root:$port/", "\xef\xbc\x8f\xef\xbc\x8fevil.example", "http\xef\xbc\x9a//evil.example",
    "http://127.0.0.1:$port/", "http://0x7f.1:$port/", "http://2130706433:$port/", "http://017700000001:$port/", "http://127.1:$port/", "http://[::1]:$port/", "http://[::ffff:127.0.0.1]:$port/", "http://[$host]:$port/", "http://[evil.example]:$port/", "http://[::1].$root:$port/", "http://127.0.0.1.:$port/",
    # our host, but another port or scheme
    "http://$host:1/", "http://$host/", "http://$host:/", "http://$host:0$port/", "http://$host:${port}0/", "http://$host:$port:80/", "https://$host:$port/", "http://$host:+$port/", "http://$host: $port/", "ws://$host:$port/", "http://$host..:$port/", "http://..$root:$port/", "http://.$root:$port/", "http://$host:$port,evil.example/" ,
    # no page at all
    'javascript:alert(1)', 'JavaScript://%0aalert(1)', "java\nscript:alert(1)", "\x01javascript:alert(1)", "javascript://$host:$port/%0aalert(1)", 'data:text/html,<script>alert(1)</script>', "data://$host:$port/,x", 'vbscript:x', 'file:///etc/passwd', "file://$host:$port/", "blob:$origin/x", "view-source:$origin/", 'about:blank', 'mailto:x@evil.example', "filesystem:$origin/x", "intent://$host:$port/#Intent;end", 'tel:1',
    # a second header, a second URL
    "/x\r\nSet-Cookie: a=b", "/x\nLocation: http://evil.example", "/x\r\n\r\n<script>", "/x\0", "$origin/x\r\nLocation: http://evil.example/", "$origin/ http://evil.example/", "$origin\@evil.example", "$origin.evil.example/", "$origin,http://evil.example/",
    # escaped once more than the query is
    '%2f%2fevil.example', '%2F%2Fevil.example', 'http%3A%2F%2Fevil.example', 'http%3a//evil.example', '%5c%5cevil.example', '%09//evil.example', '%0d%0a//evil.example', '%252f%252fevil.example', '%68ttp://evil.example', "http://%65vil.example:$port/", 'http:%2f%2fevil.example', '/%5cevil.example', '/%09/evil.example', '/%0a/evil.example', '/%00/evil.example', '/%252f%252fevil.example', '%00//evil.example', '%ff//evil.example', '%u002f%u002fevil.example', '&#47;&#47;evil.example',
    # odd, and empty
    'evil.example', '@evil.example', '?x', '#x', '.', '..', '*', ';//evil.example', "'//evil.example", '"//evil.example', '<//evil.example>', '/' . 'a' x 3000, 'http://' . 'a.' x 200 . "$root:$port/", "http://" . 'a' x 64 . ".$root:$port/",
);

# Where the URL parser of browsers (WHATWG) goes with it from the gateway.
sub parse {
    my @urls = @_;
    return @{ $b->run('
        const [base, urls] = arguments;
        return urls.map(hex => {
            const text = new TextDecoder().decode(Uint8Array.from(hex.match(/../g) || [], x => parseInt(x, 16)));
            try { const u = new URL(text, base); return [u.protocol, u.hostname, u.port]; } catch (e) { return ["", "", ""]; }
        });', "$origin/sign-in", [ map { unpack 'H*', $_ } @urls ]) };
}

sub ours {              # is that, as a parser says it, a page of this site?
    my ($protocol, $hostname, $p) = @{ $_[0] };
    return $protocol eq 'http:' && $p eq $port && $hostname =~ /(?:^|\.)\Q$root\E\.?$/;
}

sub shown {
    my ($text) = @_;
    $text = substr($text, 0, 70) . '…' if length $text > 70;
    return $text =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;
}

$b->go('/');
my %kept;               # rd => where its sign-in ends, of those that are accepted

subtest 'what the gateway takes' => sub {
    my @parsed = parse(@evil);
    my $foreign = grep { !ours($parsed[$_]) } 0 .. $#evil;
    cmp_ok scalar @evil, '>=', 150, 'the list is long: ' . @evil;
    cmp_ok $foreign, '>=', 100, "$foreign of them lead elsewhere, as a browser reads them";

    my $c = $t->stranger;
    for my $rd (@evil) {
        my $r = $c->browse('/sign-in?rd=' . AIGC::Client::escape($rd));
        if ($r->code == 302) {
            $kept{$rd} = $r->location;
            like $r->location, qr{^\Q@{[ $t->logto_url('/oidc/auth?') ]}\E}, 'taken, and off to Logto: ' . shown($rd);
            unlike $r->location, qr/evil/, '… which hears nothing of it';
        } else {
            is $r->code . ' ' . ($r->problem // {})->{code}, '400 bad-rd', 'refused: ' . shown($rd);
            is join('', $r->set_cookies), '', '… and nothing is begun';
        }
    }
    # Not escaped, as some write it: bytes that can stand in a request line.
    for my $rd (grep { !/[\0-\x20#]/ } @evil) {
        my $r = $c->get("/sign-in?rd=$rd", headers => [Accept => 'text/html']);
        if ($r->code == 302) {
            (my $text = $rd) =~ s/%([0-9a-f]{2})/chr hex $1/gie;
            $text =~ s/&.*//;
            $kept{$text} = $r->location;
        } else {
            is $r->code, 400, 'refused as it stands: ' . shown($rd);
        }
    }
    my $foreign_kept = grep { !m{^(?:/|\Q$origin\E/)} } keys %kept;
    is $foreign_kept, 0, 'what is taken of all these are paths of this site: ' . join ' ', map { shown($_) } sort keys %kept;
};

# Whatever is taken has to lead to this site: those above, and those that are
# meant to be.
my @good = ('', '/', '/x/y?a=b&c=%20d', "$origin/x", $origin, "http://instances0-cpu.$root:$port/a?b=http://evil.example/", "http://instances0-cpu.$root:$port/a?b=//evil.example/",
    "HTTP://Dashboard.$root:$port/X", "$origin?x", "$origin/x#frag", "http://$root:$port/", "http://$host.:$port/", '/%0d%0aSet-Cookie:x', '/@evil.example', '/.evil.example', '/:80@x/',
    '/https://evil.example/', "$origin//evil.example/", "$origin/..//evil.example", "$origin/\@evil.example", "$origin/%5c%5cevil.example", "$origin/;//evil.example", "/?rd=http://evil.example/", "http://x_y.$root:$port/", "http://-.$root:$port/");

subtest 'where it leads' => sub {
    # Signed in at Logto, each further sign-in is a chain of redirects.
    $b->go('/sign-in')->sign_in('alice');
    $b->find('[data-template]');
    my $alice = $t->sign_in('alice');

    for my $rd (@good, sort keys %kept) {
        my $r = $alice->browse('/sign-in?rd=' . AIGC::Client::escape($rd));
        is $r->code, 302, 'taken: ' . shown($rd);
        my $end = $r;
        for (1 .. 10) {
            # who is signed in at the gateway goes to an instance at once, with a ticket
            last if $end->url =~ m{/sign-in-callback\?} || ($end->location // '') =~ /aigc_ticket=/;
            $end = $alice->browse(AIGC::Client::resolve($end->url, $end->location // die $end->status_line));
        }
        my ($parsed) = parse($end->location);
        ok $end->code == 302 && ours($parsed), '… ends on this site, as a browser reads it: ' . shown($end->location);
        unlike $end->location, qr/[\0-\x20\x7f-\xff\\]/, '… by plain ASCII';
        is scalar($end->headers('Location')), 1, '… in one Location';

        $b->go('/sign-in?rd=' . AIGC::Client::escape($rd));
        my $at = $b->run('return [location.protocol, location.hostname, location.port]');
        ok ours($at), "… and so does Chromium: @$at";
    }
};

subtest 'by the callback' => sub {
    # Only what /sign-in has sealed counts: the callback's own query does not.
    my $c = $t->sign_in('bob');
    my $r = $c->browse('/sign-in?rd=/good');
    for (1 .. 10) {
        last if $r->location =~ m{/sign-in-callback\?};
        $r = $c->browse(AIGC::Client::resolve($r->url, $r->location));
    }
    $r = $c->browse($r->location . '&rd=http://evil.example/&redirect_uri=http://evil.example/&url=//evil.example');
    is $r->location, "$origin/good", 'a query of its own changes nothing';

    for my $path ('/sign-in-callback?rd=http://evil.example/', '/sign-in-callback?error=x&rd=//evil.example', '/sign-out?rd=//evil.example') {
        is $c->browse($path)->location, undef, "$path leads nowhere";
    }
    $r = $c->post('/sign-out?rd=http://evil.example/&post_logout_redirect_uri=http://evil.example/', headers => [Origin => $origin]);
    unlike $r->location, qr/evil/, 'nor does signing out';
    like $r->location, qr{^\Q@{[ $t->logto_url('/oidc/session/end?') ]}\E}, '… which ends at Logto';
};

subtest 'paths that nginx would redirect' => sub {
    my $c = $t->sign_in('alice');
    for my $path ('//evil.example', '//evil.example/..', '/\\evil.example', '/%5cevil.example', '/%2f%2fevil.example/', '///evil.example/%2e%2e', '/http://evil.example', '/api/v1', '/_aigc/kubernetes', '//evil.example/%2f..', '/.', '/x/..') {
        my $r = $c->browse($path);
        is $r->location, undef, "$path on the gateway is no redirect";
    }
};

done_testing;
