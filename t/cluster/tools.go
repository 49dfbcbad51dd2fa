//go:build tools

// tools.go keeps kubectl's modules in go.mod; build.sh builds it.
package main

import _ "k8s.io/kubernetes/cmd/kubectl"
