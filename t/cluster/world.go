// world.go: what our controllers share: clients, informers, queues, events.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/klog/v2"
)

type world struct {
	o       *options
	okg     perKind              // OpenKruiseGame's, slow as its own are
	okgs    okgClients           // likewise, for Kubernetes' own kinds
	kruises dynamic.Interface    // kruise's
	cs      kubernetes.Interface // likewise
	kl      kubernetes.Interface // the kubelet's
	events  record.EventRecorder // of OpenKruiseGame
	kruise  record.EventRecorder

	gss, gs, sts                   cache.Indexer
	pods, claims, services, routes cache.Indexer
	byClaim                        *disks
	kubelet                        *kubelet
	probes                         *probes
	loops                          []*loop
}

const bySetIndex = "gss"

// newWorld sets up clients and informers; nothing runs before start.
func newWorld(ctx context.Context, o *options, cfg *rest.Config, pool *addressPool,
	inf informers.SharedInformerFactory, dinf dynamicinformer.DynamicSharedInformerFactory) *world {
	as := func(agent string) *rest.Config {
		c := rest.CopyConfig(cfg)
		c.UserAgent = agent
		return c
	}
	w := &world{o: o,
		okg:     newPerKind(o, as("openkruise-game")),
		okgs:    newOkgClients(o, as("openkruise-game")),
		kruises: dynamic.NewForConfigOrDie(as("kruise")),
		cs:      kubernetes.NewForConfigOrDie(as("kruise")),
		kl:      kubernetes.NewForConfigOrDie(as("kubelet")),
		probes:  newProbes()}
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: w.kl.CoreV1().Events("")})
	w.events = broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "gameserver-controller"})

	w.kruise = broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "statefulset-controller"})

	pods := inf.Core().V1().Pods().Informer()
	if err := pods.AddIndexers(cache.Indexers{bySetIndex: func(o any) ([]string, error) {
		p := o.(*v1.Pod)
		if set := p.Labels[ownerGssKey]; set != "" {
			return []string{p.Namespace + "/" + set}, nil
		}
		return nil, nil
	}}); err != nil {
		fail("pod index: %v", err)
	}
	claims := inf.Core().V1().PersistentVolumeClaims().Informer()
	services := inf.Core().V1().Services().Informer()
	routes := inf.Networking().V1().Ingresses().Informer()
	gss := dinf.ForResource(gssResource).Informer()
	gs := dinf.ForResource(gsResource).Informer()
	sts := dinf.ForResource(stsResource).Informer()
	w.gss, w.gs, w.sts = gss.GetIndexer(), gs.GetIndexer(), sts.GetIndexer()
	w.pods, w.claims, w.services, w.routes = pods.GetIndexer(), claims.GetIndexer(), services.GetIndexer(), routes.GetIndexer()

	w.byClaim = newDisks(w)
	w.kubelet = newKubelet(w, pool, broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "kubelet", Host: nodeName}))

	sets := w.loop("gameserverset", 10, w.syncGameServerSet)
	workloads := w.loop("statefulset", 32, w.syncStatefulSet)
	servers := w.loop("gameserver", 10, w.syncGameServer)
	network := w.loop("network", 8, w.syncNetwork)

	self := func(o metav1.Object) string { return o.GetNamespace() + "/" + o.GetName() }
	set := func(o metav1.Object) string {
		if name := o.GetLabels()[ownerGssKey]; name != "" {
			return o.GetNamespace() + "/" + name
		}
		return ""
	}
	game := func(o metav1.Object) string {
		if o.GetLabels()[ownerGssKey] == "" {
			return ""
		}
		return self(o)
	}
	sets.watch(gss, self)
	sets.watch(sts, self)
	sets.watch(pods, set)
	workloads.watch(sts, self)
	workloads.watch(pods, set)
	servers.watch(gs, self)
	servers.watch(pods, game)
	network.watch(pods, game)
	network.watch(routes, self)
	network.watch(services, self)
	if o.node == "" {
		w.loop("kubelet", 8, w.kubelet.sync).watch(pods, self)
		w.loop("disks", 2, w.byClaim.sync).watch(claims, self)
	}
	// A claim that is gone or bound lets the pods that wait for it go on.
	workloads.watch(claims, set)
	return w
}

// loop is a work queue with its workers; a sync that fails is tried again.
type loop struct {
	name    string
	workers int
	sync    func(context.Context, string) error
	queue   workqueue.TypedRateLimitingInterface[string]
}

func (w *world) loop(name string, workers int, sync func(context.Context, string) error) *loop {
	limit := workqueue.NewTypedItemExponentialFailureRateLimiter[string](5*time.Millisecond, 5*time.Second)
	l := &loop{name: name, workers: workers, sync: sync, queue: workqueue.NewTypedRateLimitingQueue(limit)}
	w.loops = append(w.loops, l)
	return l
}

func (l *loop) watch(inf cache.SharedIndexInformer, key func(metav1.Object) string) {
	add := func(o any) {
		if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
			o = gone.Obj
		}
		if m, ok := o.(metav1.Object); ok {
			if k := key(m); k != "" {
				l.queue.Add(k)
			}
		}
	}
	_, err := inf.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: add, UpdateFunc: func(_, o any) { add(o) }, DeleteFunc: add})
	must(err, l.name)
}

// later asks for another sync of the same key; a sync returns it as its error.
type later time.Duration

func (d later) Error() string { return "again in " + time.Duration(d).String() }

func (l *loop) run(ctx context.Context) {
	go func() { <-ctx.Done(); l.queue.ShutDown() }()
	for range l.workers {
		go func() {
			for {
				key, stop := l.queue.Get()
				if stop {
					return
				}
				l.step(ctx, key)
			}
		}()
	}
}

func (l *loop) step(ctx context.Context, key string) {
	defer l.queue.Done(key)
	err := l.sync(ctx, key)
	if d, ok := err.(later); ok {
		l.queue.Forget(key)
		l.queue.AddAfter(key, time.Duration(d))
		return
	}
	if err == nil || ctx.Err() != nil {
		l.queue.Forget(key)
		return
	}
	if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && l.queue.NumRequeues(key) > 2 {
		klog.ErrorS(err, "sync failed, trying again", "controller", l.name, "key", key)
	}
	l.queue.AddRateLimited(key)
}

// cached reads an object of the dynamic informers; nil when it is not there.
func cached[T any](ix cache.Indexer, key string) (*T, error) {
	o, found, err := ix.GetByKey(key)
	if err != nil || !found {
		return nil, err
	}
	return decode[T](asUnstructured(o).DeepCopy())
}

func asUnstructured(o any) *unstructured.Unstructured { return o.(*unstructured.Unstructured) }

func (w *world) pod(key string) *v1.Pod {
	o, found, err := w.pods.GetByKey(key)
	if err != nil || !found {
		return nil
	}
	return o.(*v1.Pod)
}

// podsOf returns every pod of a GameServerSet, terminating ones too.
func (w *world) podsOf(ns, set string) []*v1.Pod {
	list, err := w.pods.ByIndex(bySetIndex, ns+"/"+set)
	if err != nil {
		return nil
	}
	pods := make([]*v1.Pod, 0, len(list))
	for _, o := range list {
		pods = append(pods, o.(*v1.Pod))
	}
	return pods
}

func hashOf(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		b, _ := json.Marshal(p)
		h.Write(append(b, 0))
	}
	return hex.EncodeToString(h.Sum(nil))[:10]
}

func splitComma(s string) (out []string) {
	for _, e := range strings.Split(s, ",") {
		if e = strings.TrimSpace(e); e != "" {
			out = append(out, e)
		}
	}
	return out
}

func condition(s *v1.PodStatus, t v1.PodConditionType) *v1.PodCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == t {
			return &s.Conditions[i]
		}
	}
	return nil
}

func isTrue(s *v1.PodStatus, t v1.PodConditionType) bool {
	c := condition(s, t)
	return c != nil && c.Status == v1.ConditionTrue
}
