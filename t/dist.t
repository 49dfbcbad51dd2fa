# t/dist.t — what make dist hands out: the source, the chart, the manifests, and their checksums

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use Test::More;

chdir "$FindBin::Bin/..";

my $said = qx{scripts/dist 2>&1};
is $?, 0, 'make dist' or BAIL_OUT($said);

my ($version) = qx{grep NGX_HTTP_AIGC_VERSION ngx_aigc_module/base/ngx_http_aigc_conf.h} =~ /"(.*)"/;
my @files = map { s{.*/}{}r } glob 'build/dist/*';
is_deeply [sort @files], ['SHA256SUMS', "aigc-gateway-$version.tgz", "aigc-gateway-$version.yaml", "ngx_aigc_module-$version.tar.gz"], "four files: @files";
is system('cd build/dist && sha256sum --quiet -c SHA256SUMS'), 0, 'the checksums are theirs';
is scalar(() = qx{cat build/dist/SHA256SUMS} =~ /^\w{64}  \S+$/mg), 3, '… of all but themselves';

my @source = sort grep { length && !m{/$} } map { chomp; s{^ngx_aigc_module-\Q$version\E/}{}r } qx{tar tzf build/dist/ngx_aigc_module-$version.tar.gz};
chomp(my @commit = sort split /\n/, qx{git ls-tree -r --name-only HEAD});
is_deeply \@source, \@commit, 'the source is that of the last commit, below a folder of its own';

my $chart = qx{build/bin/helm show chart build/dist/aigc-gateway-$version.tgz 2>&1};
like $chart, qr/^name: aigc-gateway$/m, 'Helm knows the chart';
like $chart, qr/^appVersion: "?\Q$version\E"?$/m, '… as that of this version';
my $rendered = qx{build/bin/helm template x build/dist/aigc-gateway-$version.tgz --values docker/kubernetes/chart/ci/logto-values.yaml 2>&1};
is $?, 0, '… and it renders' or diag $rendered;

my $manifests = do { local $/; open my $f, '<', "build/dist/aigc-gateway-$version.yaml" or die $!; <$f> };
my %kind;
$kind{$1}++ while $manifests =~ /^kind: (\w+)$/mg;
cmp_ok $kind{$_} // 0, '>', 0, "the manifests have a $_" for qw(Namespace ServiceAccount ConfigMap Deployment Service PodDisruptionBudget NetworkPolicy ClusterRole RoleBinding);
# kustomize puts a checksum to a ConfigMap's name wherever that name stands
is_deeply [$manifests =~ /^  - (aigc-gateway-\w{10})$/mg], [], 'the rights are for the names that the gateway uses';
like $manifests, qr/^  resourceNames:\n  - aigc-gateway\n  resources:\n  - leases$/m, '… its Lease is one of them';
like $manifests, qr{^ *(?:- )?image: \S*aigc-gateway:\Q$version\E$}m, '… and the image of this version';

done_testing;
