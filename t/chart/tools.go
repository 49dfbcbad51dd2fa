//go:build tools

// tools.go keeps the modules of the tools in go.mod; build.sh builds them.
package main

import (
	_ "github.com/prometheus/prometheus/cmd/promtool"
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v3/cmd/helm"
)
