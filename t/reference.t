# t/reference.t — docs/reference.md and the module name the same things: what
# aigc_describe prints stands there, with its default, its context and its words,
# and nothing else does

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $repo = "$FindBin::Bin/..";

sub text {
    my ($file) = @_;
    open my $f, '<:encoding(UTF-8)', "$repo/$file" or die "$file: $!";
    local $/;
    return <$f>;
}

### The document: sections of rows "syntax | default | context | what it does"

my ($section, $directive, %rows, @bad);

for (split /\n/, text('docs/reference.md')) {
    if (/^## (.+)/)        { ($section, $directive) = ($1, undef) }
    elsif (/^### (.+)/)    { $directive = $1 }
    elsif (/^#### /)       { $directive = undef }
    next unless defined $section && /^\| `/;
    my $row = s/\\\|/\x{1}/gr;
    my @cell = $row =~ /^\| (.+?) \| (.+?) \| (.+?) \| (.+) \|$/ or next;   # (another table)
    s/\x{1}/|/g for @cell;
    my $name = $cell[0] =~ s/^`(.+)`$/$1/r;
    $name = "$directive $name" if $section eq 'Directives' && $name !~ /^aigc_/;
    push @bad, "$section: $name stands there twice" if $rows{$section}{$name};
    $rows{$section}{$name} = { default => $cell[1], context => $cell[2], what => $cell[3], under => $directive };
}

is "@bad", '', 'no entry stands there twice';

### What the module says

my $t = AIGC::Stack->start;
my $module = $t->status('/describe')->json;

my %want;

for my $d (@{ $module->{directives} }) {
    my @syntax = $d->{name};
    push @syntax, 'on|off' if $d->{arguments} eq 'on or off';
    for my $p (@{ $d->{parameters} }) {
        if (!defined $p->{value}) { push @syntax, $p->{name}; next }
        push @syntax, $p->{required} ? "$p->{name}=$p->{value}" : "[$p->{name}=$p->{value}]";
        $want{Directives}{"$d->{name} $p->{name}=$p->{value}"} = {
            context => "`$d->{name}`",
            default => $p->{required} ? 'required' : defined $p->{default} ? "`$p->{default}`" : undef,
        };
    }
    $want{Directives}{"@syntax"} = {
        default => defined $d->{default} ? "`$d->{default}`" : '—',
        context => join(', ', @{ $d->{contexts} }),
        under   => $d->{name},
    };
}

$want{Variables}{"\$$_"} = {} for @{ $module->{variables} };

for my $file (qw(gateway.conf status.conf)) {
    my $conf = text("ngx_aigc_module/conf/$file") =~ s/#.*//gr;
    $conf =~ s{include aigc/(endpoints|dashboard)\.conf;}{text("ngx_aigc_module/conf/$1.conf") =~ s/#.*//gr}ge;
    $want{Endpoints}{$1} = { default => "`$2`", context => "`$file`" }
        while $conf =~ /location\s+(?:(?:=|\^~)\s+)?(\S+)\s*\{\s*(aigc_\w+);/g;
}

for (@{ $module->{routes} }) {
    $want{'API calls'}{"$_->{method} $_->{path}"} = {};
}

for (@{ $module->{metrics} }) {
    my $name = $_->{name} . ($_->{labels} ? '{' . join(',', map { qq[$_="…"] } @{ $_->{labels} }) . '}' : '');
    $want{Metrics}{$name} = { default => $_->{type}, context => '`/metrics`', what => $_->{help} };
}

for (@{ $module->{codes} }) {
    $want{'Problem codes'}{ $_->{code} } = {
        default => $_->{status} . ($_->{retryAfter} ? ", retry after $_->{retryAfter} s" : ''),
        context => $_->{api} ? 'pages, API' : 'pages',
        what    => $_->{detail},
    };
}

for (@{ $module->{annotations} }) {
    my $name = $_->{name} . ($_->{name} =~ m{/$} ? '<id>' : '');
    $want{Annotations}{$name} = { context => "$_->{object}; " . join ', ', ($_->{read} ? 'read' : ()), ($_->{written} ? 'written' : ()) };
}

### Both ways

for my $section ('Directives', 'Variables', 'Endpoints', 'API calls', 'Metrics', 'Problem codes', 'Annotations') {
    subtest $section => sub {
        my ($want, $have) = ($want{$section}, $rows{$section} // {});
        cmp_ok scalar keys %$want, '>', 4, scalar(keys %$want) . ' entries';
        is join("\n", grep { !$have->{$_} } sort keys %$want), '', 'the reference has all that the module has';
        is join("\n", grep { !$want->{$_} } sort keys %$have), '', '… and nothing else';
        for my $name (grep { $have->{$_} } sort keys %$want) {
            my ($w, $h) = ($want->{$name}, $have->{$name});
            for my $cell (grep { defined $w->{$_} } sort keys %$w) {
                is $h->{$cell}, $w->{$cell}, "$name: $cell";
            }
        }
    };
}

subtest 'words that things can have' => sub {
    my $text = text('docs/reference.md');
    my ($decisions) = $text =~ /^(`\$aigc_decision` is one of.*)/m;
    is_deeply [sort(($decisions // '') =~ /`([a-z-]+)`/g)], [sort map { $_->{decision} } @{ $module->{decisions} }],
        'decisions';
    my ($kinds) = $text =~ /^(The kinds of `aigc_problems`.*)/m;
    my ($problems) = grep { $_->{values} } @{ $module->{metrics} };
    is_deeply [sort grep { $_ ne 'aigc_problems' } ($kinds // '') =~ /`([a-z_]+)`/g], [sort @{ $problems->{values} }],
        'kinds of problems';
    my %told = map { $_ => 1 } text('docs/troubleshooting.md') =~ /^\| `\w+` \| `(\w+)` \|/mg;
    is join(' ', grep { !$told{$_} } @{ $problems->{values} }), '', '… each with what to do, in troubleshooting.md';
};

subtest 'what is watched' => sub {
    my @kinds = @{ $module->{kinds} };
    my %granted;        # {where}{group/resource}{verb}; in its own namespace, of single objects, too
    for my $role (split /^---$/m, text('docker/kubernetes/rbac.yaml')) {
        my ($where) = $role =~ /^kind: (ClusterRole|Role)$/m or next;
        for my $rule (split /^- /m, $role) {
            my %list = $rule =~ /(\w+): \[([^\]]*)\]/g;
            $granted{$where}{"$list{apiGroups}/$list{resources}"}{$_} = 1 for $list{resourceNames} && $where ne 'Role' ? () : split /, /, $list{verbs} // '';
        }
    }
    for my $kind (@kinds) {
        my $resource = ($kind->{api} =~ m{^/apis/(.+)/} ? $1 : '""') . "/$kind->{kind}";
        my $verbs = $granted{ $kind->{own} ? 'Role' : 'ClusterRole' }{$resource};
        ok $verbs->{list} && $verbs->{watch}, "rbac.yaml lets $resource be listed and watched";
    }
    my ($enum) = text('docs/openapi.yaml') =~ /^    Status:\n.*?^ {14}kind:\n {16}enum:\n((?: {18}- \w+\n)+)/ms;
    is_deeply [sort(($enum // '') =~ /- (\w+)/g)], [sort map { $_->{kind} } @kinds], 'openapi.yaml names each';
};

subtest 'what stands in /metrics' => sub {
    my $text = $t->status('/metrics')->content;
    my %type = $text =~ /^# TYPE (\w+) (\w+)$/mg;
    is_deeply \%type, { map { $_->{name} => $_->{type} } @{ $module->{metrics} } }, 'names and types';
    my %help = $text =~ /^# HELP (\w+) (.+)$/mg;
    is_deeply \%help, { map { $_->{name} => $_->{help} } @{ $module->{metrics} } }, 'and what they count';
};

done_testing;
