// throttle.go: the clients of OpenKruiseGame, which write as slowly as its own
// do: controller-runtime makes a client for each kind, and each of them has its
// own budget, 5 requests a second with a burst of 10.  Reads come from informers.
package main

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// perKind is a dynamic client for each kind.
type perKind map[schema.GroupVersionResource]dynamic.Interface

func (k perKind) Resource(r schema.GroupVersionResource) dynamic.NamespaceableResourceInterface {
	return k[r].Resource(r)
}

// okgClients are OpenKruiseGame's for Kubernetes' own kinds.
type okgClients struct {
	pods, services, ingresses kubernetes.Interface
}

func throttled(o *options, cfg *rest.Config) *rest.Config {
	c := rest.CopyConfig(cfg)
	c.RateLimiter = nil // each client makes one of its own
	c.QPS, c.Burst = float32(o.okgQPS), o.okgBurst
	return c
}

func newPerKind(o *options, cfg *rest.Config) perKind {
	k := perKind{}
	for _, r := range []schema.GroupVersionResource{gssResource, gsResource, stsResource} {
		k[r] = dynamic.NewForConfigOrDie(throttled(o, cfg))
	}
	return k
}

func newOkgClients(o *options, cfg *rest.Config) okgClients {
	client := func() kubernetes.Interface { return kubernetes.NewForConfigOrDie(throttled(o, cfg)) }
	return okgClients{pods: client(), services: client(), ingresses: client()}
}
