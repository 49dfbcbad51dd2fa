#!/usr/bin/perl

# t/fuzz.t — whatever bytes come, the readers of outside bytes keep what they
# promise: the corpora of t/fuzz and mutations of them, the same in every run,
# under ASan and UBSan.  make fuzz goes on from there with libFuzzer.
#
#   AIGC_FUZZ=url      one target only
#   MUTATIONS=100000   of each file of its corpus

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

chdir dirname(abs_path(__FILE__)) . '/..' or die "$!\n";

my @targets = split ' ', $ENV{AIGC_FUZZ} // '';

delete $ENV{AIGC_FUZZ};
exec 'scripts/fuzz', 'replay', @targets or die "scripts/fuzz: $!\n";
