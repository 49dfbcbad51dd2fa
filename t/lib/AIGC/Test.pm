package AIGC::Test;

# What every test begins with: strict, Test::More, a stack, and an end that
# looks at what the test has left behind.

use strict;
use warnings;
use Encode ();
use POSIX ();
use utf8 ();

use Test::More ();
use Test2::API ();
use Time::HiRes ();

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
    *{"${caller}::at_once"} = \&at_once;
    *{"${caller}::subtest"} = \&only if defined $ENV{AIGC_ONLY};

    my $builder = Test::More->builder;
    binmode $builder->$_, ':encoding(UTF-8)' for qw(output failure_output todo_output);
}

# Runs the sub for each argument, all at the same time, each in a process with
# stacks of its own; every assertion counts as the test's, its name after
# "OKG 1.0: ", or whatever the argument is.  For what mostly waits.  The test
# begins with `use Test2::IPC`.
sub at_once {
    my ($work, @each) = @_;
    my $hub = Test2::API::test2_stack()->top;
    my %pid;

    $hub->ipc or die "at_once: `use Test2::IPC` first\n";
    for my $one (@each) {
        my $pid = fork // die "fork: $!";
        if ($pid == 0) {
            Test2::API::test2_stack()->top->pre_filter(sub {
                my ($in, $event) = @_;
                $event->set_name("$one: " . ($event->name // '') =~ s/^\Q$one\E: //r)
                    if $event->isa('Test2::Event::Ok');
                return $event;
            });
            my $good = eval { $work->($one); 1 };
            Test::More::diag("$one: $@") unless $good;
            $good &&= Test::More->builder->is_passing;
            Test::More::ok(AIGC::Stack->stop_all($good), 'nothing is left behind: no crash, no alert, no secret in a log');
            exit($good ? 0 : 1);
        }
        $pid{$pid} = $one;
    }
    while (%pid) {
        $hub->cull;             # what they say, while they say it
        for my $pid (sort keys %pid) {
            waitpid($pid, POSIX::WNOHANG()) or next;
            my $status = $?;
            $hub->cull;
            Test::More::is($status, 0, "$pid{$pid}: it gets to its end");
            delete $pid{$pid};
        }
        Time::HiRes::sleep(0.1);
    }
}

# AIGC_ONLY has names, a line each: of a file's subtests only these run, all of
# them, also after one that dies.  What they need before them is the caller's to
# know.
our $within;

sub only {
    my ($name, $code) = @_;

    return 1 unless $within || grep { $_ eq $name } split /\n/, Encode::decode_utf8($ENV{AIGC_ONLY});
    local $within = 1;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return Test::More::subtest($name, sub {
        eval { $code->(); 1 } or Test::More::fail('it gets to its end'), Test::More::diag($@);
    });
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
