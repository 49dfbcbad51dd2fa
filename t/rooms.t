#!/usr/bin/perl

# The rooms of ngx_aigc_module/ (docs/architecture.md): a file uses only files
# of its own room and of those that the table allows, and no two files use each
# other in a circle.  To use is to include, or to call: the symbols that one
# object file lacks and another has.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname basename);
use Test::More;

# What is not true yet: 'user -> used'.  The list may only become shorter: a
# line that is true already fails.
my @known = (
);

my %may = (
    base      => '',
    kube      => 'base',
    oidc      => 'base',
    instances => 'base kube',
    logto     => 'base kube oidc instances',
    gateway   => 'base kube oidc instances logto',
    api       => 'base kube oidc instances logto gateway',
    root      => 'base kube oidc instances logto gateway api',
);

my $top = abs_path(dirname(__FILE__) . '/..') . '/ngx_aigc_module';
my $obj = "$top/../build/module/obj/addon";

my %uses;       # {user}{used} = why
includes();
calls();

cmp_ok scalar keys %uses, '>', 200, 'the files are there';

my %known = map { $_ => 1 } @known;
my (%needed, @upward);

for my $user (sort keys %uses) {
    for my $used (sort keys %{ $uses{$user} }) {
        next if allowed(room($user), room($used));
        $needed{"$user -> $used"} = 1;
        push @upward, "$user -> $used: $uses{$user}{$used}" unless $known{"$user -> $used"};
    }
}

is join("\n", @upward), '', 'nothing is used from a room above';

my @uses = map { my $user = $_; map { "$user -> $_" } keys %{ $uses{$user} } } keys %uses;
$needed{$_} = 1 for circular(@uses);
is join("\n", circular(grep { !$known{$_} } @uses)), '', 'no files use each other in a circle';
is_deeply [ grep { !$needed{$_} } @known ], [], 'what is listed as not true yet is not';

# the checks themselves can fail
ok !allowed('base', 'kube') && !allowed('kube', 'oidc') && !allowed('oidc', 'kube') && !allowed('oidc', 'instances') && !allowed('api', 'root'),
    'a room above is refused';
is_deeply [ circular('a -> b', 'a -> x', 'b -> c', 'c -> a') ], ['a -> b', 'b -> c', 'c -> a'], 'a circle is found';

done_testing;


sub room { return $_[0] =~ m{(.*)/} ? $1 : 'root' }

sub allowed {
    my ($user, $used) = @_;
    return $user eq $used || grep { $_ eq $used } split ' ', $may{$user} // die "$user is no room\n";
}

sub includes {
    for my $path (glob "$top/*.[ch] $top/*/*.[ch]") {
        my $file = substr $path, 1 + length $top;
        my $dir = $file =~ m{(.*/)} ? $1 : '';
        open my $f, '<', $path or die "$path: $!\n";
        while (<$f>) {
            next unless /^#include "([^"]+)"/;
            my ($used) = grep { -e "$top/$_" } "$dir$1", $1;
            $uses{$file}{$used} = 'included' if $used;
        }
    }
}

# ngx_http_aigc_module is nginx's handle of the whole: a name, not a call
sub calls {
    my (%lacks, %has);
    open my $nm, '-|', 'nm', '-A', glob("$obj/*/*.o") or die "nm: $!\n";
    while (<$nm>) {
        my ($object, $type, $symbol) = /^(.*):[0-9a-f]* +(\w) (\S+)$/ or next;
        next if $symbol eq 'ngx_http_aigc_module';
        my $room = basename(dirname($object));
        my $file = ($room eq 'ngx_aigc_module' ? '' : "$room/") . basename($object, '.o') . '.c';
        next unless -e "$top/$file";
        if ($type eq 'U') { push @{ $lacks{$file} }, $symbol }
        elsif ($type =~ /[A-Z]/) { $has{$symbol} = $file }
    }
    close $nm or die "nm failed\n";
    for my $user (keys %lacks) {
        for (grep { $has{$_} } sort @{ $lacks{$user} }) {
            $uses{$user}{ $has{$_} } .= " $_";
        }
    }
}

# those of the uses that are part of a circle
sub circular {
    my (%next, %reach);
    for (@_) {
        my ($user, $used) = split / -> /;
        push @{ $next{$user} }, $used;
    }
    for my $from (keys %next) {
        my @todo = @{ $next{$from} };
        while (defined(my $to = shift @todo)) {
            push @todo, @{ $next{$to} // [] } unless $reach{$from}{$to}++;
        }
    }
    return sort grep { my ($user, $used) = split / -> /; $reach{$used}{$user} } @_;
}
