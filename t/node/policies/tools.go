//go:build tools

// tools.go keeps kube-router in go.mod, which enforces NetworkPolicies; build.sh
// of the folder above builds it.
package main

import _ "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router"
