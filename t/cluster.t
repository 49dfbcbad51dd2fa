#!/usr/bin/perl

# cluster.t - the development cluster keeps its promises (go vet, go test).

use strict;
use warnings;

use File::Basename qw(dirname);
use Test::More;

my $dir = dirname(__FILE__) . '/cluster';

chomp(my $go = `command -v go 2>/dev/null` // '');
plan skip_all => 'go is not installed' if $go eq '';
plan tests => 2;

# The flags of build.sh: with others everything would be compiled once more.
my $flags = '-trimpath -buildvcs=false';

sub passes {
    my ($name, $command) = @_;
    my $out = `cd '$dir' && $command 2>&1`;
    ok $? == 0, $name or diag join "\n", grep { !/^I\d{4} / } split /\n/, $out;
}

passes('go vet', "go vet $flags .");
passes('go test', "go test $flags -timeout 180s .");
