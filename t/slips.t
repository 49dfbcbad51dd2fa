# t/slips.t — what an administrator's hand may do to annotations, and OpenKruiseGame's own
# race to ids: told in Events and metrics, once, and never a wrong owner

use FindBin;
use lib "$FindBin::Bin/lib";
use Test2::IPC;
use AIGC::Test;

my $name = 'stable-diffusion-cpu';
my $key  = 'instance.aigc-gateway.io';

at_once(sub {
    my ($part) = @_;
    return $part =~ /race/ ? race() : slips($part =~ /(\d\.\d)/);
}, 'OKG 1.0', 'OKG 0.4', 'the race of OKG 1.0');

done_testing;

sub slips {
    my ($okg) = @_;
    my $t = AIGC::Stack->start(pace => 'real', okg => $okg);
    my @user = map { $t->sign_in($_) } qw(alice bob carol);
    my @inst = map { $_->install($name) } @user;
    $_->wait_ready for @inst;
    my ($alice, $bob, $carol) = @user;
    $t->wait_agree($name);

    my $told = sub { my ($reason) = @_; grep { $_->{reason} eq $reason } $t->kube_list('events') };
    my $problems = sub { my ($kind) = @_;
        $t->status('/metrics')->content =~ /^aigc_problems\{kind="$kind"\} (\d+)$/m ? $1 : die "no $kind" };
    my $wait_problems = sub { my ($kind, $n) = @_;
        $t->wait_for(sub { $problems->($kind) == $n }, 60, sub { "$kind: $n, is " . $problems->($kind) }) };
    my $wait_told = sub { my ($reason, $n) = @_;
        $t->wait_for(sub { $n == (() = $told->($reason)) }, 60, sub { "Events $reason: $n, are " . scalar(() = $told->($reason)) }) };
    my $annotate = sub { $t->kubectl('annotate', '--overwrite', 'gss', $name, @_) };
    my $was = sub { $t->kube_get('gss', $name)->{metadata}{annotations} };
    my $disk = sub { ($t->kube_get('pvcs', "user-data-$name-$_[0]") // {})->{metadata}{uid} };

    # An Event of which other ones may stand beside it: OKG 1.0 also starts what nobody asked for.
    my $wait_said = sub { my ($reason, $text) = @_; my ($e);
        $t->wait_for(sub { ($e) = grep { $_->{message} =~ $text } $told->($reason) }, 60,
            sub { join "\n  ", "an Event $reason like $text", map { "$_->{reason}: $_->{message}" } $t->kube_list('events') });
        return $e };
    # OKG's GameServers come late: until then one may seem to run unasked.
    $wait_problems->($_ => 0), is $problems->($_), 0, "OKG $okg: $_: none" for qw(host_collision foreign_disk
        unreadable_annotation removed_annotation no_annotation disks_annotation);

    ### An annotation is removed while pod and disk are there

    $t->wait_for(sub { 3 == grep { ($_->{metadata}{annotations} // {})->{'aigc-gateway.io/owner'} } $t->kube_list('pvcs') },
        60, 'the disks are stamped');
    my $uid = $disk->(1);
    my $bobs = $was->()->{"$key/1"};
    $annotate->("$key/1-");
    $wait_told->(RemovedAnnotation => 1);
    my ($event) = $told->('RemovedAnnotation');
    like $event->{message}, qr/^instance 1: its annotation was removed/, 'a removed annotation is told of';
    is $event->{involvedObject}{name}, $name, 'on the template';
    is $event->{type}, 'Warning', 'as a warning';
    $wait_problems->(removed_annotation => 1);
    isnt $_->get($inst[1]->url)->code, 200, $_->user . ' does not get in' for @user;
    $t->wait_agree($name);
    my $new = $t->sign_in('user01')->install($name);
    cmp_ok $new->id, '>', 2, 'somebody new gets another id';
    $new->wait_ready;
    is scalar(() = $told->('RemovedAnnotation')), 1, 'it is told once, while it lasts';
    is $bob->install($name)->id, 1, 'its owner has it back';
    $inst[1]->look->wait_ready;
    is $disk->(1), $uid, 'with the disk';
    $wait_problems->(removed_annotation => 0);

    # The administrator himself may put it back, too.
    $annotate->("$key/1-");
    $wait_told->(RemovedAnnotation => 2);
    $annotate->("$key/1=$bobs");
    $wait_problems->(removed_annotation => 0);
    $t->wait_agree($name);
    $inst[1]->look->wait_ready;
    is $bob->get($inst[1]->url)->code, 200, 'put back by hand: bob is back';

    ### All at once: kubectl replace wipes them

    my $gss = $t->template($name);
    $t->kubectl({ in => JSON::PP->new->encode($gss) }, 'replace', '-f', '-');
    $wait_problems->(removed_annotation => 4);
    $wait_told->(RemovedAnnotation => 3);
    ($event) = grep { $_->{message} =~ /^instances/ } $told->('RemovedAnnotation');
    my $all = join ', ', 0, 1, 2, $new->id;
    like $event->{message}, qr/^instances $all, each: /, 'many slips are one Event';
    isnt $_->get($inst[0]->url)->code, 200, $_->user . ' does not get in' for @user;
    $t->wait_for(sub { !$t->kube_list('pods') && !grep { $_->{present} } @{ $t->table->{instances} } }, 60,
        'OKG ends the pods, and the gateway knows it');
    my %first = map { $_->user => $_->install($name)->id } $carol, $bob, $alice;
    is_deeply \%first, { alice => 0, bob => 1, carol => 2 }, 'everybody gets his own id back, in whatever order';
    $_->look->wait_ready for @inst;
    $wait_problems->(removed_annotation => 1);

    ### Unreadable

    my $ann = $was->();
    $annotate->(map { "$key/$_={\"owner\":" } 0, 2);
    $wait_problems->(unreadable_annotation => 2);
    $wait_told->(UnreadableAnnotation => 1);
    ($event) = $told->('UnreadableAnnotation');
    like $event->{message}, qr/^instances 0, 2, each: its annotation cannot be read/, 'half-written annotations are told of';
    is $_->get($inst[0]->url)->code, 403, $_->user . ' does not get in' for @user;
    $annotate->(map { "$key/$_=$ann->{\"$key/$_\"}" } 0, 2);
    $wait_problems->(unreadable_annotation => 0);
    $t->wait_agree($name);
    $_->look->wait_ready for @inst;

    ### Its owner is there while its pod still ends

    $t->kubectl('annotate', 'pod', $inst[1]->pod, 'fake/stop-delay=4s');
    $annotate->("$key/1-");
    $t->wait_for(sub { my $p = $t->kube_get('pods', $inst[1]->pod); !$p || $p->{metadata}{deletionTimestamp} }, 60, 'the pod is to end');
    is $bob->install($name)->id, 1, 'its owner has it back at once, whatever is left of it';
    $inst[1]->look->wait_ready;
    is $disk->(1), $uid, 'with the disk';
    $wait_problems->(removed_annotation => 1);
    $t->wait_agree($name);

    ### A foreign disk

    $t->kubectl('annotate', '--overwrite', 'pvc', "user-data-$name-0", 'aigc-gateway.io/owner=bob000000000');
    $wait_told->(ForeignDisk => 1);
    $wait_problems->(foreign_disk => 1);
    is $_->get($inst[0]->url)->code, 403, $_->user . ' does not get in' for @user;
    $t->kubectl('annotate', '--overwrite', 'pvc', "user-data-$name-0", 'aigc-gateway.io/owner=alice0000000');
    $wait_problems->(foreign_disk => 0);
    is $alice->get($inst[0]->url)->code, 200, 'mended: she does';

    ### It runs, and nothing says whose it is

    $t->stop_nginx;
    $annotate->("$key/2-");
    $t->start_nginx;
    $t->wait_ready;
    like $wait_said->(NoAnnotation => qr/^instances? [\d, ]*\b2\b/)->{message}, qr/: it runs, and no annotation/,
        'removed while no gateway ran: told of, alone or with what OKG has started unasked';
    isnt $_->get($inst[2]->url)->code, 200, $_->user . ' does not get in' for @user;
    $t->wait_agree($name);
    $wait_problems->(no_annotation => 0) if $okg eq '1.0';
    is $carol->install($name)->id, 2, 'its owner has it back';
    $inst[2]->look->wait_ready;
    $wait_problems->(no_annotation => 0);

    ### What is no slip

    $t->kubectl('delete', 'gss', $name);
    $t->wait_for(sub { !grep { $_->{name} eq $name } @{ $t->table->{templates} } }, 60, 'the gateway knows');
    is $problems->($_), 0, "a template that is deleted is none: $_" for qw(removed_annotation no_annotation foreign_disk);
}

# OKG 1.0 may drop an id that it has just started, after a settled write, and start the
# next free one in its place: a pod and a disk that nobody asked for.
sub race {
    my $t = AIGC::Stack->start(pace => 'real', cluster => ['-webhook-delay', '0s', '-quirks', 'stale-reserve-ms=300']);
    my @user = map { $t->sign_in($_) } qw(alice bob carol);
    my @inst = map { $_->install($name) } @user;
    $t->wait_agree($name, 90);
    $_->look->wait_ready for @inst;

    my %had = map { disk_id($_) => $_->{metadata}{uid} } grep { owner($_) } $t->kube_list('pvcs');
    my $gss = $t->kube_get('gss', $name)->{metadata}{uid};
    my $repairs = sub { $t->status('/metrics')->content =~ /^aigc_repairs_total (\d+)/m ? $1 : die };
    my @stray;
    my $found = sub { @stray = grep { ($_->{metadata}{annotations} // {})->{'aigc-gateway.io/stray'} } $t->kube_list('pvcs') };
    my $rounds = 0;
    until (($repairs->() && $found->()) || $rounds++ == 20) {
        my $one = $inst[$rounds % 2];
        $one->release->wait_state('released');
        $t->wait_agree($name, 90);
        $one->start;
        $t->wait_agree($name, 90);
    }
    cmp_ok $repairs->(), '>', 0, "OKG drops a started id in some round ($rounds): repaired";
    $_->look->wait_ready for @inst;
    is_deeply [map { $_->client->get($_->url('/info'))->json->{instance} } @inst], [map { $_->id } @inst],
        'everybody has his id again, and reaches it';
    is $user[1]->get($inst[0]->url)->code, 403, 'and nobody else\'s';

    my $claims = $t->claims($name);
    is_deeply [grep { !$claims->{disk_id($_)} && owner($_) } $t->kube_list('pvcs')], [],
        'what OKG has started in its place is nobody\'s';

    ### Found, told, cleared

    cmp_ok scalar @stray, '>', 0, 'a disk of nobody\'s is found';
    is $_->{metadata}{annotations}{'aigc-gateway.io/stray'}, $gss, 'disk ' . disk_id($_) . ' is marked with its template\'s uid' for @stray;
    is_deeply [grep { exists $claims->{$_} } map { disk_id($_) } @stray], [], 'none has an id that was given';
    my $told = sub { my ($reason) = @_; join ' ', map { $_->{message} } grep { $_->{reason} eq $reason } $t->kube_list('events') };
    for my $disk (@stray) {
        my $id = disk_id($disk);
        $t->wait_for(sub { $told->('StrayDisk') =~ /\b$id\b/ }, 60, "disk $id is told of");
        $t->wait_for(sub { !grep { $_->{metadata}{uid} eq $disk->{metadata}{uid} } $t->kube_list('pvcs') }, 150, "disk $id goes");
        $t->wait_for(sub { $told->('StrayDiskDeleted') =~ /\binstance $id: / }, 60, "which is told, too");
        pass "disk $id: told of, deleted, and that is told, too";
    }
    is_deeply { map { disk_id($_) => $_->{metadata}{uid} } grep { owner($_) } $t->kube_list('pvcs') }, \%had,
        'what is somebody\'s is there, and the same';
    is $_->client->get($_->look->url('/info'))->json->{instance}, $_->id, 'and reached' for @inst;
}

sub owner   { my ($pvc) = @_; return ($pvc->{metadata}{annotations} // {})->{'aigc-gateway.io/owner'} }
sub disk_id { my ($pvc) = @_; return $pvc->{metadata}{name} =~ /(\d+)$/ ? $1 : die }
