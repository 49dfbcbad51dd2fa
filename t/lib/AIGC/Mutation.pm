package AIGC::Mutation;

# A patch of t/mutation: which defence it takes out, and which test shows that.

use strict;
use warnings;
use utf8;

use Encode ();

# The lines before the diff, "Word: value", are what the patch is about:
#   Threat: the first cell of a row of docs/security.md; one line for each row
#   Fails:  t/x.t "a subtest", "another": all of them have to fail
#   Passes: "a subtest" of the same file that goes on as before
#   Needs:  "a subtest" that these need to have run before
sub read {
    my ($class, $file) = @_;
    my $self = bless { file => $file, threats => [], fails => [], passes => [], needs => [] }, $class;
    ($self->{slug}) = $file =~ m{([^/]+)\.patch$};

    open my $in, '<:utf8', $file or die "$file: $!\n";
    while (my $line = <$in>) {
        push @{ $self->{files} }, $1 if $line =~ m{^\+\+\+ b/(\S+)};
        next if $self->{files} || $line =~ /^--- /;
        chomp $line;
        my ($word, $value) = $line =~ /^(\w+):\s+(.*)$/ or next;
        my @names = $value =~ /"([^"]+)"/g;
        if ($word eq 'Threat') {
            push @{ $self->{threats} }, $value;
        } elsif ($word eq 'Fails') {
            ($self->{test}) = $value =~ /^(\S+)/;
            $self->{fails} = \@names;
        } elsif ($word eq 'Passes') {
            $self->{passes} = \@names;
        } elsif ($word eq 'Needs') {
            $self->{needs} = \@names;
        } else {
            die "$file: $line\n";
        }
    }
    $self->{test} && @{ $self->{fails} } or die "$file: which test fails?\n";
    return $self;
}

sub slug    { $_[0]{slug} }
sub file    { $_[0]{test} }
sub threats { @{ $_[0]{threats} } }
sub fails   { @{ $_[0]{fails} } }
sub passes  { @{ $_[0]{passes} } }
sub touches { my ($self, $begin) = @_; return scalar grep { /^\Q$begin\E/ } @{ $self->{files} } }
sub names   { map { @{ $_[0]{$_} } } qw(fails passes needs) }
sub tests   { my $self = shift; return "$self->{test} " . join ', ', map { qq("$_") } $self->fails }

# The command that runs its test.
sub command {
    my $self = shift;
    my ($suite) = $self->{test} =~ m{^t/unit/(\w+)_test\.c$};
    return map { Encode::encode_utf8($_) } 'env',
        $suite ? ("AIGC_UNIT=$suite", 'perl', 't/unit.t')
        : ('AIGC_ONLY=' . join("\n", $self->names), 'perl', $self->{test});
}

# Whether it applies to the sources in this folder, or has been; nothing is changed.
sub applies { _patch(@_, '-N', '--dry-run') }
sub applied { _patch(@_, '-R', '-f', '--dry-run') }

sub apply { _patch(@_, '-N') }

sub _patch {
    my ($self, $tree, @options) = @_;
    my $pid = fork // die "fork: $!\n";
    if ($pid == 0) {
        open STDIN, '<', $self->{file} or die "$self->{file}: $!\n";
        open STDOUT, '>', '/dev/null';
        exec 'patch', '-d', $tree, '-p1', '-F0', '--no-backup-if-mismatch', '-r', '-', @options or die "patch: $!\n";
    }
    waitpid $pid, 0;
    return $? == 0;
}

# The one of the names that a line of TAP is about: t/lib's at_once puts who it
# was before it, and the tests "… ".
sub match {
    my ($line, $names) = @_;
    for my $name ($line, $line =~ s/^… //r, $line =~ s/^[^:]+: //r) {
        return $name if exists $names->{$name};
    }
    return;
}

1;
