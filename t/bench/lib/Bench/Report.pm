package Bench::Report;

# What came out: a table and ratios on stdout, the same as CSV, a plot as SVG.

use strict;
use warnings;
use utf8;

use Carp qw(croak);

use Bench::Slices;

sub new { my ($class, $dir) = @_; return bless { dir => $dir, rows => [], ratios => [], figures => [] }, $class }

# All variants of some slices, under a title, beside the one named base.
sub scene {
    my ($self, $title, $slices, $base, %about) = @_;
    my ($first) = grep { $_->{name} eq $base } $slices->variants;
    my @rows;

    for my $v (grep { $_->{round} } $slices->variants) {
        my $name = $v->{name};
        my ($cpu, $low, $high) = Bench::Slices::middle($slices->cpu($name));
        my $of = $v->{beside} // $base;
        my ($times) = Bench::Slices::middle($slices->compare('cpu', [$name, $of], sub { $_[0] / $_[1] }));
        my ($rate)  = Bench::Slices::middle($slices->rate($name));
        push @rows, { title => $title, name => $name, what => $v->{what}, %about, cpu => $cpu, cpu_low => $low, cpu_high => $high,
            times => $times, of => $of, rate => $rate, (map { $_ => scalar((Bench::Slices::middle(@{ $v->{$_} // [] }))[0]) } qw(p50 p99)),
            slices => scalar(grep { $_ } @{ $v->{round} }), answers => join ' ', map { "$_:$v->{codes}{$_}" } sort keys %{ $v->{codes} // {} } };
    }
    push @{ $self->{rows} }, @rows;
    return @rows;
}

# name, the list over the rounds, and what the goal is: [at least or at most, value].
sub ratio {
    my ($self, $name, $goal, @list) = @_;
    my ($value, $low, $high) = Bench::Slices::middle(@list);
    push @{ $self->{ratios} }, { name => $name, value => $value, low => $low, high => $high, goal => $goal };
}

sub figure {        # a single figure: in words, value, unit
    my ($self, $what, $value, $unit) = @_;
    push @{ $self->{figures} }, { what => $what, value => $value, unit => $unit // '' };
}

sub _number { my ($n) = @_; return !defined $n ? '' : $n >= 1000 ? sprintf '%.0f', $n : sprintf '%.*f', $n < 100 ? 2 : 1, $n }
sub _us     { my ($n) = @_; return !defined $n ? '' : $n >= 1000 ? sprintf '%.1f ms', $n / 1000 : sprintf '%.0f µs', $n }

sub print_table {
    my ($self) = @_;
    my $title = '';
    for my $r (@{ $self->{rows} }) {
        if ($r->{title} ne $title) {
            $title = $r->{title};
            printf "\n%s\n%-9s %-46s %9s %17s %13s %9s %9s %9s\n", $title, '', '',
                'front CPU', 'quartiles', 'times', 'answers/s', 'p50', 'p99';
        }
        printf "%-9s %-46s %6s µs %8s–%-8s %6.2f × %-3s %9s %9s %9s\n", @$r{qw(name what)},
            map({ _number($r->{$_}) } qw(cpu cpu_low cpu_high)), @$r{qw(times of)},
            defined $r->{rate} ? sprintf('%.0f', $r->{rate}) : '', map { _us($r->{$_}) } qw(p50 p99);
    }
    print "\n" if @{ $self->{rows} };
}

sub print_figures {
    my ($self) = @_;
    printf "%-72s %s %s\n", $_->{what}, _number($_->{value}), $_->{unit} for @{ $self->{figures} };
    print "\n" if @{ $self->{figures} };
}

sub print_ratios {
    my ($self) = @_;
    for my $r (@{ $self->{ratios} }) {
        printf "# %s: quartiles %.3f to %.3f%s\n", $r->{name}, @$r{qw(low high)}, $r->{goal}
            ? sprintf(', goal %s %s', $r->{goal}[0] eq 'least' ? '>=' : '<=', $r->{goal}[1]) : '';
    }
    printf "ratio %s %.3f\n", @$_{qw(name value)} for @{ $self->{ratios} };
}

### Files

sub write_files {
    my ($self) = @_;
    my @columns = qw(title instances workers name what cpu cpu_low cpu_high times of rate p50 p99 slices answers);
    $self->_csv('bench.csv', \@columns, $self->{rows});
    $self->_csv('ratios.csv', [qw(name value low high)], $self->{ratios});
    $self->_csv('figures.csv', [qw(what value unit)], $self->{figures});
    $self->_write('bench.md', $self->_markdown);
    $self->_write('bench.svg', $self->_svg);
}

sub _csv {
    my ($self, $name, $columns, $rows) = @_;
    my $field = sub {
        my ($text) = @_;
        $text = '' unless defined $text;
        $text = sprintf '%.6g', $text if $text =~ /^-?\d+\.\d+(?:e[+-]?\d+)?$/;
        return $text =~ /[",\n]/ ? '"' . $text =~ s/"/""/gr . '"' : $text;
    };
    $self->_write($name, join '', map { join(',', @$_) . "\n" } $columns,
        map { my $r = $_; [ map { $field->($r->{$_}) } @$columns ] } @$rows);
}

sub _write {
    my ($self, $name, $text) = @_;
    my $file = "$self->{dir}/$name";
    open my $f, '>:encoding(UTF-8)', $file or croak "$file: $!";
    print $f $text;
    close $f or croak "$file: $!";
}

sub _markdown {     # for docs/performance.md
    my ($self) = @_;
    my ($text, $title) = ('', '');

    for my $r (@{ $self->{rows} }) {
        if ($r->{title} ne $title) {
            $title = $r->{title};
            $text .= "\n**$title**\n\n| | | front CPU, µs | quartiles | times | answers/s | p50 | p99 |\n|---|---|--:|--:|--:|--:|--:|--:|\n";
        }
        $text .= sprintf "| %s | %s | %s | %s–%s | %.2f × %s | %s | %s | %s |\n", @$r{qw(name what)},
            map({ _number($r->{$_}) } qw(cpu cpu_low cpu_high)), @$r{qw(times of)},
            $r->{rate} ? sprintf('%.0f', $r->{rate}) : '', map { _us($r->{$_}) } qw(p50 p99);
    }
    $text .= "\n| ratio | | quartiles | goal |\n|---|--:|--:|--:|\n" . join '', map {
        sprintf "| %s | %.3f | %.3f–%.3f | %s |\n", @$_{qw(name value low high)},
            $_->{goal} ? ($_->{goal}[0] eq 'least' ? '≥ ' : '≤ ') . $_->{goal}[1] : '' } @{ $self->{ratios} };
    $text .= "\n| | |\n|---|--:|\n" . join '', map { "| $_->{what} | " . _number($_->{value}) . " $_->{unit} |\n" } @{ $self->{figures} };
    return $text;
}

# A bar for each variant of each scene: front CPU a request, from nothing to the
# median, with a line from quartile to quartile.  Long bars are cut, and say so.
sub _svg {
    my ($self) = @_;
    my ($left, $width, $line) = (330, 560, 20);
    my ($y, $title, $svg, $scale) = (10, '', '', 1);
    my $text = sub {
        my ($x, $at, $words, $class) = @_;
        $words =~ s/([&<>])/'&#' . ord($1) . ';'/ge;
        $svg .= qq(<text x="$x" y="$at" class="$class">$words</text>\n);
    };

    for my $r (@{ $self->{rows} }) {
        if ($r->{title} ne $title) {
            $title = $r->{title};
            my ($base) = grep { $_->{title} eq $title && $_->{name} eq $_->{of} } @{ $self->{rows} };
            $scale = $width / (4 * ($base // $r)->{cpu});
            $y += 2 * $line;
            $text->(10, $y, "$title: front CPU a request, µs", 'title');
            $y += 8;
        }
        $y += $line;
        my $long = $r->{cpu} * $scale > $width;
        my $bar  = $long ? $width : $r->{cpu} * $scale;
        $text->($left - 8, $y, "$r->{name}  $r->{what}", 'name');
        $svg .= sprintf qq(<rect x="%d" y="%d" width="%.1f" height="%d" class="%s"/>\n), $left, $y - 12, $bar, 15,
            $r->{name} eq $r->{of} ? 'base' : $r->{name} =~ /^[bcd]/ ? 'ours' : 'other';
        $svg .= sprintf qq(<path d="M%.1f %d H%.1f"/>\n), $left + $r->{cpu_low} * $scale, $y - 4, $left + $r->{cpu_high} * $scale
            unless $long;
        my $line_end = $r->{cpu_high} * $scale;
        $text->($left + ($long || $bar > $line_end ? $bar : $line_end) + 8, $y, _number($r->{cpu}) . ($long ? ' (cut)' : ''), 'value');
    }
    my ($w, $h) = ($left + $width + 90, $y + $line);
    return <<"END";
<svg xmlns="http://www.w3.org/2000/svg" width="$w" height="$h" viewBox="0 0 $w $h" font-family="sans-serif" font-size="12">
<style>
text { fill: #222 } .title { font-weight: bold; font-size: 14px } .name { text-anchor: end }
.base { fill: #8a8f98 } .ours { fill: #2f7d4f } .other { fill: #b9c3d6 } path { stroke: #111; stroke-width: 1.5 }
</style>
<rect width="$w" height="$h" fill="#fff"/>
$svg</svg>
END
}

1;
