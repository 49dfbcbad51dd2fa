#!/usr/bin/env bash
# Builds helm, helm-docs, kubeconform and promtool into OUTDIR, and brings the
# CustomResourceDefinition of HTTPRoutes there; quick when nothing changed.
#   t/chart/build.sh OUTDIR
set -euo pipefail

out=$(realpath -m "${1:?usage: build.sh OUTDIR}")
cd "$(dirname "$0")"
mkdir -p "$out"

build() { nice go build -trimpath -buildvcs=false -o "$out/" "$@"; }

# helm judges charts by the version of Kubernetes that it was built with.
client=$(go list -m -f '{{.Version}}' k8s.io/client-go)
minor=${client#v0.} minor=${minor%%.*}
base=helm.sh/helm/v3
version=$(go list -m -f '{{.Version}}' $base)
flags="-s -w -X $base/internal/version.version=$version -X $base/internal/version.metadata="
for package in $base/pkg/lint/rules $base/pkg/chartutil; do
    flags+=" -X $package.k8sVersionMajor=1 -X $package.k8sVersionMinor=$minor"
done
build -ldflags "$flags" $base/cmd/helm
build -ldflags '-s -w' github.com/yannh/kubeconform/cmd/kubeconform
build -ldflags '-s -w' github.com/norwoodj/helm-docs/cmd/helm-docs
install -m 644 "$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/standard/gateway.networking.k8s.io_httproutes.yaml" \
    "$out/httproutes.yaml"

# promtool brings the clients of every cloud, to discover what to scrape: minutes
# of compiling.  A copy without the file that registers them does without.
prometheus=github.com/prometheus/prometheus
copy=$(mktemp -d)
trap 'chmod -R u+w "$copy"; rm -rf "$copy"' EXIT
cp -R "$(go list -m -f '{{.Dir}}' $prometheus)" "$copy/prometheus"
chmod -R u+w "$copy"
rm "$copy/prometheus/plugins/plugins.go"
cp go.mod go.sum "$copy"
go mod edit -replace "$prometheus=$copy/prometheus" "$copy/go.mod"
build -modfile "$copy/go.mod" -ldflags '-s -w' $prometheus/cmd/promtool
