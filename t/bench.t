# t/bench.t — the benchmark runs, and its variants are what they are called; how
# large the ratios are is not for a test on a busy machine

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time);

my $top = abs_path(dirname(__FILE__) . '/..');
my $out = tempdir(CLEANUP => 1);

sub csv {           # rows as hashes by their first column, of a file without line breaks in fields
    my ($file, $key) = @_;
    open my $f, '<', "$out/$file" or return {};
    my ($names, @rows) = map { chomp; [ map { s/^"|"$//gr =~ s/""/"/gr } /((?:"(?:[^"]|"")*"|[^,])*)(?:,|$)/g ] } <$f>;
    my @hashes = map { my $r = $_; +{ map { $names->[$_] => $r->[$_] } 0 .. $#$names - 1 } } @rows;
    return { map { $_->{$key} => $_ } @hashes };
}

my %short = (QUICK => 1, BENCH_OUT => $out, BENCH_ROUNDS => 2, BENCH_MS => 20, BENCH_TOKENS => 10);
my $begin = time;
my $said  = do { local @ENV{ keys %short } = values %short; qx($top/scripts/bench 2>&1) };
is $?, 0, 'it ends well' or diag $said;
note sprintf 'after %.0f s', time - $begin;

for my $name (qw(b/a b/an b/e f0/e0 f/en b/g d/raw)) {
    my @lines = $said =~ /^ratio \Q$name\E (\S+)$/mg;
    is scalar @lines, 1, "$name is one line";
    like $lines[0] // '', qr/^\d+\.\d{3}$/, '… with a number';
    cmp_ok $lines[0] // 0, '>', 0, '… above zero';
}

my $variants = csv('bench.csv', 'name');
my %expect = ((map { $_ => '200' } qw(a an aj b e e0 f0 en f g)), 'd-ES384' => '200', i => '40[13]|503');
for my $name (sort keys %expect) {
    my %n = ($variants->{$name}{answers} // '') =~ /(\d+):(\d+)/g;
    cmp_ok scalar(keys %n), '>', 0, "$name was answered";
    is join(' ', grep { !/^(?:$expect{$name})$/ } keys %n), '', "… with nothing but $expect{$name}";
    cmp_ok $variants->{$name}{cpu} // 0, '>', 0, '… and took the processor';
}
my %forged = ($variants->{i}{answers} // '') =~ /(\d+):(\d+)/g;
cmp_ok $forged{401} // 0, '>', 0, 'forged tokens were refused as such';
is $variants->{'raw-ES384'}{answers} // '', '', 'OpenSSL alone asked nobody';
cmp_ok $variants->{'d-ES384'}{cpu} // 0, '>', $variants->{aj}{cpu} // 1e9, 'a token never seen before took longer than a plain proxy';

my $figures = csv('figures.csv', 'what');
is sprintf('%.2f', $figures->{'calls of g to Logto, a request'}{value} // 0), '1.00', 'the original asked Logto for each request';
is sprintf('%.2f', $figures->{'calls of g to Kubernetes, a request'}{value} // 0), '1.00', '… and Kubernetes';
is sprintf('%.2f', $figures->{'requests of b, c, d that the gateway let in, of all of them'}{value} // 0), '1.00',
    'the gateway decided each request of its own variants, and no other';

ok -s "$out/bench.svg", 'there is a plot';
done_testing;
