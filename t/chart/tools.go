//go:build tools

// tools.go keeps in go.mod the modules of the tools that build.sh builds, and one
// whose CustomResourceDefinition the tests apply.
package main

import (
	_ "github.com/norwoodj/helm-docs/cmd/helm-docs"
	_ "github.com/prometheus/prometheus/cmd/promtool"
	_ "github.com/yannh/kubeconform/cmd/kubeconform"
	_ "helm.sh/helm/v3/cmd/helm"
	_ "sigs.k8s.io/gateway-api/apis/v1"
)
