# t/docs.t — the documents name files and tests that exist

use strict;
use warnings;
use FindBin;
use Test::More;

my $repo = "$FindBin::Bin/..";

sub text { my ($file) = @_; open my $f, '<', "$repo/$file" or return; local $/; return <$f> }

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
    for my $doc ('README.md', map { s{^\Q$repo\E/}{}r } glob("$repo/docs/*.md $repo/t/*/README.md")) {
        my %file = map { $_ => 1 } text($doc) =~ m{`(t/[\w/]+\.t)`}g;
        ok -f "$repo/$_", "$doc: $_" for sort keys %file;
    }
    pass 'names tests that exist';
};

done_testing;
