# t/test_e2e.t — make test-e2e tries a gateway on any cluster: here on the harness's

use FindBin;
use lib "$FindBin::Bin/lib";
use AIGC::Test;

my $t = AIGC::Stack->start;
my $template = $t->file('e2e.yaml');
open my $f, '>', $template or die $!;
print $f $t->template_text('notebook') =~ s/name: notebook$/name: aigc-e2e/mr =~ s/notebook<id>/aigc-e2e<id>/r;
close $f;

sub token {
    my (%o) = @_;
    open my $f, '>', $t->file('token') or die $!;
    print $f $t->forge(%o);
    close $f;
}

# What it prints, and its exit status.
sub run {
    my (%env) = @_;
    my %all = (KUBECONFIG => $t->file('cluster/kubeconfig'), GATEWAY => $t->origin, TOKEN_FILE => $t->file('token'), TEMPLATE => $template, STATE => '/disk/e2e',
        PATH => $t->repo('build/bin') . ":$ENV{PATH}", PATIENCE => 120, %env);
    open my $out, '-|', '/bin/sh', '-c', 'exec env "$@" 2>&1', 'sh', map({ "$_=$all{$_}" } sort keys %all), $t->repo('scripts/test-e2e') or die $!;
    my $text = do { local $/; <$out> };
    close $out;
    return ($? >> 8, $text);
}

token();
my ($rc, $text) = run();
is $rc, 0, 'an instance\'s life' or diag $text;
like $text, qr/^1\.\.21$/m, '… of so many steps' or diag $text;
unlike $text, qr/^not ok/m, '… of which none fails';
is_deeply [ grep { /aigc-e2e/ } map { $_->{metadata}{name} } $t->kube_list('gss'), $t->kube_list('pods') ], [], 'nothing is left behind';
$t->wait_for(sub { !grep { $_->{metadata}{name} =~ /aigc-e2e/ } $t->kube_list('pvcs') }, 20, '… no disk either');

($rc, $text) = run(GATEWAY => 'http://dashboard.aigc.localhost:1');
is $rc, 1, 'a gateway that does not answer';
like $text, qr/^Bail out! .* is 000/m, '… is said';
token(claims => { exp => time - 3600, iat => time - 7200 });
($rc, $text) = run();
like $text, qr/^Bail out! .* is 401 .*not past/m, 'a token that is past, likewise';
token();
$t->kubectl('apply', '-f', $template);
($rc, $text) = run();
like $text, qr/^Bail out! there is a template aigc-e2e already/m, 'somebody else\'s template is left alone';
ok scalar(grep { $_->{metadata}{name} eq 'aigc-e2e' } $t->kube_list('gss')), '… and stays';

done_testing;
