#!/usr/bin/env bash
# Builds cluster and kubectl into OUTDIR; quick when nothing changed.
#   t/cluster/build.sh OUTDIR
set -euo pipefail

out=$(realpath -m "${1:?usage: build.sh OUTDIR}")
cd "$(dirname "$0")"
mkdir -p "$out"

# The API server and kubectl compare versions: both must say which they are.
kubernetes=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\)$#\1#p' go.mod)
major=${kubernetes#v} minor=${kubernetes#v*.}
base=k8s.io/component-base/version
flags="-s -w -X $base.gitVersion=$kubernetes -X $base.gitMajor=${major%%.*} -X $base.gitMinor=${minor%%.*}"
flags+=" -X $base.gitCommit=unknown -X $base.gitTreeState=clean -X $base.buildDate=2026-01-01T00:00:00Z"

go build -trimpath -buildvcs=false -ldflags "$flags" -o "$out/cluster" .
go build -trimpath -buildvcs=false -ldflags "$flags" -o "$out/kubectl" k8s.io/kubernetes/cmd/kubectl
