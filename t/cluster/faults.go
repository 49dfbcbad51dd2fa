// faults.go: a proxy in front of the API server that goes wrong on demand.
package main

import "context"

func runFaults(ctx context.Context, o *options) error { return nil }
