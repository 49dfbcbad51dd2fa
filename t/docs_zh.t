# t/docs_zh.t — a page in Chinese has what its English one has: the same sections
# and tables of the same size, the same commands and configuration, and no link
# that only one of them has

use strict;
use warnings;
use FindBin;
use Test::More;

my $repo = "$FindBin::Bin/..";

sub text { my ($file) = @_; open my $f, '<:encoding(UTF-8)', $file or die "$file: $!"; local $/; return <$f> }

# Comments may be in either language, and what is not code is.
sub code {
    my ($text) = @_;
    $text =~ s/(?:^|\s+)#(?: .*)?$//mg;
    $text =~ s/[ \t]+$//mg;
    $text =~ s/^\s*\n//mg;
    return $text;
}

# The outline: "## sh yaml |4 |2": level, then in order blocks with their
# language, and tables with their number of rows.
sub outline {
    my ($text) = @_;
    my (@sections, @code);
    push @sections, '';
    while ($text =~ /\G(?:(#+) [^\n]*\n|[ ]*```(\w*)[^\n]*\n(.*?)^[ ]*```[ ]*\n|((?:^[ ]*\|[^\n]*\n)+)|[^\n]*\n|[^\n]+\z)/gmsc) {
        if (defined $1) { push @sections, $1 }
        elsif (defined $2) { $sections[-1] .= " $2"; push @code, code($3) }
        elsif (defined $4) { $sections[-1] .= ' |' . (() = $4 =~ /\n/g) }
    }
    return (\@sections, \@code);
}

# Where links lead, without language and heading.
sub links {
    my ($text) = @_;
    $text =~ s/^[ ]*```.*?^[ ]*```//gms;
    my %n;
    for my $link ($text =~ /\]\(([^)\s]+)\)/g) {
        $link =~ s/#.*// unless $link =~ /^https?:/;
        $link =~ s{^(?:\.\./)+}{};
        $link =~ s{.*/}{} unless $link =~ /^https?:/;
        $n{$link}++ if length $link;
    }
    return join "\n", map { "$n{$_} $_" } sort keys %n;
}

my @pages = map { s{.*/}{}r } grep { !/README/ } sort glob "$repo/docs/zh/*.md";
is_deeply \@pages, [map { "$_.md" } qw(cluster deployment gateways ingress-nginx migration operations quickstart templates troubleshooting)],
    'the pages for users, administrators and platform teams';

for my $page (@pages) {
    subtest $page => sub {
        my ($en, $zh) = map { text("$repo/docs/$_$page") } '', 'zh/';
        my ($esec, $ecode) = outline($en);
        my ($zsec, $zcode) = outline($zh);
        is join("\n", @$zsec), join("\n", @$esec), scalar(@$esec) . ' sections, with their blocks and tables';
        is scalar @$zcode, scalar @$ecode, scalar(@$ecode) . ' blocks';
        for my $i (0 .. $#$ecode) {
            is $zcode->[$i] // '', $ecode->[$i], 'block ' . ($i + 1) . ' says the same' if ($zcode->[$i] // '') ne $ecode->[$i];
        }
        is links($zh), links($en), 'links lead to the same pages';
        cmp_ok $zh =~ tr/\x{4e00}-\x{9fff}//, '>', 100, 'is in Chinese';
    };
}

# That a difference is found.
{
    my $one = "# A\n\n| a |\n|---|\n| b |\n\n```sh\nls   # all\n```\n";
    my ($s, $c) = outline($one);
    is_deeply [$s, $c], [['', '# |3 sh'], ["ls\n"]], 'the outline of a page';
    my ($s2, $c2) = outline($one =~ s/ls/rm/r =~ s/\| b \|\n//r);
    is_deeply [$s2, $c2], [['', '# |2 sh'], ["rm\n"]], '… and of another one';
    is code("# d
e # f
"), "e
", 'comments do not count';
    is links('[a](../x.md#y) [b](https://e/#z) [c](#here)'), "1 https://e/#z\n1 x.md", 'links';
}

done_testing;
