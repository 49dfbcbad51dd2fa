#!/usr/bin/env bash
# Builds the program node into OUTDIR, and beside it what goes into images; quick
# when nothing changed.
#   t/node/build.sh OUTDIR
set -euo pipefail

out=$(realpath -m "${1:?usage: build.sh OUTDIR}")
cd "$(dirname "$0")"
mkdir -p "$out"

# The API server compares versions with the kubelet's and kubectl's.
kubernetes=$(sed -n 's#^\tk8s.io/kubernetes \(v[0-9.]*\)$#\1#p' go.mod)
major=${kubernetes#v} minor=${kubernetes#v*.}
base=k8s.io/component-base/version
flags="-s -w -X $base.gitVersion=$kubernetes -X $base.gitMajor=${major%%.*} -X $base.gitMinor=${minor%%.*}"
flags+=" -X $base.gitCommit=unknown -X $base.gitTreeState=clean -X $base.buildDate=2026-01-01T00:00:00Z"

go build -trimpath -buildvcs=false -ldflags "$flags" -o "$out/node" .
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/pause" ./pause
go build -C policies -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/kube-router" github.com/cloudnativelabs/kube-router/v2/cmd/kube-router
CGO_ENABLED=0 go build -C dns -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/coredns" .
CGO_ENABLED=0 go build -C ../cluster -trimpath -buildvcs=false -ldflags "-s -w" -o "$out/aigc-demo" ./demo/aigc-demo
