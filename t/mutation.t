# t/mutation.t — each threat of docs/security.md has a mutation, or a reason why
# not, and each mutation applies to the code and names tests that there are.
# That the tests fail is shown by `make mutation`.

use strict;
use warnings;
use utf8;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AIGC::Mutation;

my $repo = "$FindBin::Bin/..";
binmode Test::More->builder->$_, ':encoding(UTF-8)' for qw(output failure_output);

sub text { my ($file) = @_; open my $f, '<:encoding(UTF-8)', "$repo/$file" or return ''; local $/; return <$f> }

# A name stands in quotes in the code of its test: whole, or behind "… " or
# "what: ", or with variables in it.
sub stands {
    my ($code, $name) = @_;
    while ($code =~ /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"/g) {
        my $text = $1 // $2;
        my $re = defined $1 ? quotemeta $text =~ s/\\'/'/gr : join '.+', map { quotemeta } split /\$\w+(?:\{[^}]*\})?/, $text, -1;
        return 1 if $re =~ /\w{3}/ && "… $name" =~ /(?:^… |: )$re$/;
        return 1 if $text eq "… $name" || $text =~ /: \Q$name\E$/;
    }
    return 0;
}

my %row;                # threat => its tests
/^\| (.*?) \| .*? \| (.*) \|$/ and $row{$1} = $2
    for grep { !/^\| threat/ } text('docs/security.md') =~ /^(\| .*)$/mg;
cmp_ok scalar keys %row, '>=', 70, scalar(keys %row) . ' threats';

my %named;
for my $file (glob "$repo/t/mutation/*.patch") {
    my $m    = AIGC::Mutation->read($file);
    my $slug = $m->slug;
    my $code = text($m->file);

    ok $m->applies($repo), "$slug applies";
    for my $threat ($m->threats) {
        my $tests = $row{$threat} // (fail("$slug: $threat"), next);
        my @names = grep { index($tests, qq("$_")) >= 0 } $m->fails;
        ok index($tests, '`' . $m->file . '`') >= 0 && (@names || $tests =~ /`\Q@{[ $m->file ]}\E`(?! ")/),
            "$slug: " . $m->tests . ' is a test of this threat';
        $named{$threat} = 1;
    }
    ok scalar($m->threats), "$slug: of a threat";
    my @absent = grep { !stands($code, $_) && !stands($code, s/: \w+$//r) } $m->names;
    is join(', ', @absent), '', "$slug: @{[ $m->file ]} has these tests";
}

# What has nothing of ours that could be taken out.
my %why = map { /^\| (.*?) \| (.*) \|$/ ? ($1 => $2) : () } grep { !/^\| threat/ } text('t/mutation/README.md') =~ /^Nothing can.*/ms ? $& =~ /^(\| .*)$/mg : ();
ok $row{$_}, "the README's \"$_\" is a threat" for sort keys %why;
ok $named{$_} || $why{$_}, "$_: has a mutation" for sort keys %row;

done_testing;
