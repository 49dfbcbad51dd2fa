# t/chaos_model.t — the model of t/chaos.t sees what it is there for: one wrong
# allow, one denial that nothing explains, one operation that was lost

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AIGC::Chaos::Model;

my $zone  = { kind => 'killed', gateway => 1, from => 100, to => 101, tail => 2, excuse => qr/ 503 busy$/ };
my $cut   = { kind => 'api', gateway => 0, from => 200, to => 202, tail => 0, excuse => qr/(?!)/ };
my $owners = { 'app/0' => { alice => 1 }, 'app/1' => { bob => 1 } };

# A model of one user's life, with that in it.
sub of {
    my (%o) = @_;
    return AIGC::Chaos::Model->new(owners => $owners, windows => [$zone, $cut], lives => [{ user => 'alice', sub => 'alice',
        wrong => [], allowed => {}, late => [], denials => [], operations => [], requests => {}, took => [], may => {}, %o }]);
}

sub allowed { my ($whose) = @_; return of(allowed => { $whose => { n => 1, first => 1, last => 1 } })->wrong_allows }
sub late    { return of(late => [{ user => 'alice', what => 'signed out', told => 1, @_ }])->wrong_allows }
sub denied {
    my ($gateway, @tries) = @_;
    return of(denials => [{ user => 'alice', what => 'own', gateway => $gateway, from => $tries[0][0], to => $tries[-1][1], ended => 1, tries => \@tries }]);
}

is scalar allowed('app/0'), 0, 'who was let in to an own instance may be';
is scalar(() = allowed('app/1')), 1, 'who was let in to another\'s may not';
is scalar(() = allowed('app/7')), 1, '… nor to one that nobody ever owned';
is scalar(() = of(wrong => ['a stranger reached app/0'])->wrong_allows), 1, 'what a client has seen counts';

is scalar(() = late(gateway => 1, since => 10, at => 10.1)), 1, 'a session that is over is over at once where it was ended';
is scalar(() = late(gateway => 1, since => 200, at => 201)), 1, '… whatever happens meanwhile';
is scalar(() = late(gateway => 2, since => 10, at => 11)), 0, 'another gateway may hear of it a moment later';
is scalar(() = late(gateway => 2, since => 10, at => 30)), 1, '… not long after';
is scalar(() = late(gateway => 2, since => 199, at => 211)), 0, '… but for a fault between them';
is scalar(() = late(gateway => 2, since => 199, at => 213)), 1, '… that is not over for long';

is scalar(() = denied(1, [100.5, 100.6, '503 busy'])->wrong_denies), 0, 'a denial that a fault explains';
is scalar(() = denied(1, [102.5, 102.6, '503 busy'])->wrong_denies), 0, '… while it lasts on';
is scalar(() = denied(1, [103.5, 103.6, '503 busy'])->wrong_denies), 1, '… not later';
is scalar(() = denied(2, [100.5, 100.6, '503 busy'])->wrong_denies), 1, '… not by the other gateway';
is scalar(() = denied(1, [100.5, 100.6, '403 not-owner'])->wrong_denies), 1, '… not in other words';
is scalar(() = denied(1, [100.5, 100.6, '503 busy'], [104, 104.1, '503 busy'])->wrong_denies), 1, '… and each try is asked';
is scalar(() = denied(2, [200.5, 200.6, '503 busy'])->wrong_denies), 1, 'a fault of the API server excuses nothing';

my $model = denied(1, [100.5, 100.6, '503 busy'], [100.9, 101, '503 busy']);
is scalar(() = $model->wrong_denies), 0, 'a denial of two tries';
is_deeply [$model->by_fault], [['api', 1, 2, 0, 0], ['killed', 1, 1, 1, 0.5]], '… is counted once, with its length';

my %may = (may => { app => { running => 1 } });
is scalar of(%may)->lost_operations({ app => { alice => 'running' } }), 0, 'who has what was asked for';
is scalar(() = of(%may)->lost_operations({ app => {} })), 1, 'who has not';
is scalar(() = of(%may)->lost_operations({ app => { alice => 'released' } })), 1, '… or something else';

done_testing;
