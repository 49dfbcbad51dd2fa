// controllers.go: after the API server is up: Kubernetes' own controllers, the
// CRDs, what -apply names, our controllers, the token, and DIR/ready at last.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/volume/pvcprotection"
	quotas "k8s.io/kubernetes/pkg/quota/v1/install"
)

func runControllers(ctx context.Context, o *options, pool *addressPool, started time.Time) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", o.path("pki", "controllers.kubeconfig"))
	if err != nil {
		return err
	}
	cfg.QPS, cfg.Burst = 1000, 2000
	cs, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	if !waitFor(ctx, 50*time.Millisecond, func() bool {
		b, err := cs.RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err == nil && string(b) == "ok"
	}) {
		return nil
	}
	klog.InfoS("API server is ready", "after", time.Since(started).Round(time.Millisecond))

	// The CRDs come first: the garbage collector finds them at its start then,
	// not at its next look at what resources there are.
	disco := discovery.NewDiscoveryClientForConfigOrDie(cfg)
	apply := &applier{dyn: dynamic.NewForConfigOrDie(cfg),
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))}
	if err := apply.crds(ctx, o.okg); err != nil {
		return err
	}

	if !o.bare {
		if err := startControllers(ctx, o, cfg, cs, disco, apply.dyn, pool); err != nil || ctx.Err() != nil {
			return err
		}
	}

	// Pods are refused in a namespace without its default ServiceAccount.
	if !waitFor(ctx, 20*time.Millisecond, func() bool {
		_, err := cs.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err == nil
	}) {
		return nil
	}
	for _, f := range o.apply {
		if err := apply.file(ctx, f); err != nil {
			return fmt.Errorf("-apply %s: %w", f, err)
		}
	}
	if err := keepToken(ctx, o, cs); err != nil {
		return err
	}
	if o.faultPort != 0 {
		if err := runFaults(ctx, o); err != nil {
			return err
		}
	}
	if err := os.WriteFile(o.path("ready"), []byte(time.Now().UTC().Format(time.RFC3339)+"\n"), 0o644); err != nil {
		return err
	}
	klog.InfoS("ready", "after", time.Since(started).Round(time.Millisecond), "kubeconfig", o.path("kubeconfig"))
	return nil
}

// startControllers starts Kubernetes' own controllers and ours, and returns when
// they have seen everything.
func startControllers(ctx context.Context, o *options, cfg *rest.Config, cs kubernetes.Interface,
	disco *discovery.DiscoveryClient, dyn dynamic.Interface, pool *addressPool) error {
	inf := informers.NewSharedInformerFactory(cs, 0)
	dinf := dynamicinformer.NewDynamicSharedInformerFactory(dyn, 0)
	w := newWorld(ctx, o, cfg, pool, inf, dinf)
	if err := startKubernetesControllers(ctx, cfg, cs, disco, inf); err != nil {
		return err
	}
	dinf.Start(ctx.Done())
	inf.WaitForCacheSync(ctx.Done())
	dinf.WaitForCacheSync(ctx.Done())
	if ctx.Err() != nil {
		return nil
	}
	if o.node == "" {
		if err := w.kubelet.registerNode(ctx); err != nil {
			return err
		}
		w.kubelet.adopt()
		w.byClaim.forget(ctx)
	}
	for _, l := range w.loops {
		l.run(ctx)
	}
	return nil
}

func startKubernetesControllers(ctx context.Context, cfg *rest.Config, cs kubernetes.Interface,
	disco *discovery.DiscoveryClient, inf informers.SharedInformerFactory) error {
	md := metadata.NewForConfigOrDie(cfg)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(disco))
	both := informerfactory.NewInformerFactory(inf, metadatainformer.NewSharedInformerFactory(md, 0))
	ignored := map[schema.GroupResource]struct{}{}
	for gr := range garbagecollector.DefaultIgnoredResources() {
		ignored[gr] = struct{}{}
	}
	started := make(chan struct{})
	gc, err := garbagecollector.NewGarbageCollector(ctx, cs, md, mapper, ignored, both, started)
	if err != nil {
		return err
	}
	ns := namespace.NewNamespaceController(ctx, cs, md, disco.ServerPreferredNamespacedResources,
		inf.Core().V1().Namespaces(), 5*time.Minute, v1.FinalizerKubernetes)
	sa, err := serviceaccount.NewServiceAccountsController(inf.Core().V1().ServiceAccounts(), inf.Core().V1().Namespaces(),
		cs, serviceaccount.DefaultServiceAccountsControllerOptions())
	if err != nil {
		return err
	}
	pvc, err := pvcprotection.NewPVCProtectionController(klog.FromContext(ctx),
		inf.Core().V1().PersistentVolumeClaims(), inf.Core().V1().Pods(), cs)
	if err != nil {
		return err
	}
	quota, err := newQuotaController(ctx, cs, disco, inf, both, started)
	if err != nil {
		return err
	}
	both.Start(ctx.Done())
	close(started)
	go gc.Run(ctx, 8, 10*time.Second)
	go gc.Sync(ctx, disco, 5*time.Second)
	go ns.Run(ctx, 2)
	go sa.Run(ctx, 1)
	go pvc.Run(ctx, 2)
	go quota.Run(ctx, 2)
	go quota.Sync(ctx, disco.ServerPreferredNamespacedResources, 5*time.Second)
	return nil
}

// newQuotaController keeps the used numbers of ResourceQuotas: without it the
// API server's own admission never gives back what a deleted pod had.
func newQuotaController(ctx context.Context, cs kubernetes.Interface, disco *discovery.DiscoveryClient,
	inf informers.SharedInformerFactory, both informerfactory.InformerFactory, started chan struct{}) (*resourcequota.Controller, error) {
	conf := quotas.NewQuotaConfigurationForControllers(generic.ListerFuncForResourceFunc(inf.ForResource))
	resync := func() time.Duration { return 5 * time.Minute }
	return resourcequota.NewController(ctx, &resourcequota.ControllerOptions{
		QuotaClient:               cs.CoreV1(),
		ResourceQuotaInformer:     inf.Core().V1().ResourceQuotas(),
		ResyncPeriod:              resync,
		InformerFactory:           both,
		ReplenishmentResyncPeriod: resync,
		DiscoveryFunc:             disco.ServerPreferredNamespacedResources,
		IgnoredResourcesFunc:      conf.IgnoredResources,
		InformersStarted:          started,
		Registry:                  generic.NewRegistry(conf.Evaluators()),
		UpdateFilter:              quotas.DefaultUpdateFilter(),
	})
}

// waitFor polls until ok; false means that ctx ended first.
func waitFor(ctx context.Context, every time.Duration, ok func() bool) bool {
	for !ok() {
		if sleep(ctx, every); ctx.Err() != nil {
			return false
		}
	}
	return true
}
