package AIGC::Test;

# What every test begins with: strict, Test::More, a stack, and an end that
# looks at what the test has left behind.

use strict;
use warnings;
use utf8 ();

use Test::More ();

use AIGC::Stack;

sub import {
    my $caller = caller;

    strict->import;
    warnings->import;
    utf8->import;
    AIGC::Stack::on_signals();

    eval "package $caller; Test::More->import; 1" or die $@;
    no strict 'refs';
    no warnings 'redefine';
    *{"${caller}::done_testing"} = \&done_testing;

    my $builder = Test::More->builder;
    binmode $builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);
}

# The last line of a test: also the end of its stacks, as a test of its own.
sub done_testing {
    my $builder = Test::More->builder;
    local $Test::Builder::Level = $Test::Builder::Level + 1;

    if (AIGC::Stack::alive_stacks()) {
        Test::More::ok(AIGC::Stack->stop_all($builder->is_passing),
            'nothing is left behind: no crash, no alert, no secret in a log');
    }
    $builder->done_testing;
}

1;
