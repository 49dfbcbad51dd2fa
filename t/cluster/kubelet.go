// kubelet.go: the pretended kubelet and scheduler: node "fake", on which every
// pod gets an own loopback address and runs the demo application.
//
// sync is level-based: it looks at one pod and at what runs for it, takes the
// next step, and writes the status (podstatus.go) when that changed.
package main

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"ngx-aigc/cluster/demo"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
)

const (
	nodeName     = "fake"
	claimPoll    = 50 * time.Millisecond
	restartTime  = 100 * time.Millisecond // from one container to the next
	readinessLag = 50 * time.Millisecond  // from Running to Ready
	teardownTime = 300 * time.Millisecond // from a container's end to its address being free
)

// Annotations on a pod that steer it; see README.md.
const (
	aStartDelay    = "fake/start-delay"
	aStopDelay     = "fake/stop-delay"
	aHold          = "fake/hold"
	aUnschedulable = "fake/unschedulable"
	aAttach        = "fake/attach"
	aWaiting       = "fake/waiting"
	aCrash         = "fake/crash"
	aPort          = "fake/port"
)

type kubelet struct {
	w      *world
	pool   *addressPool
	events record.EventRecorder
	mu     sync.Mutex
	runs   map[string]*podRun // by namespace/name
}

// podRun is what the kubelet knows of a pod beyond its status.
type podRun struct {
	mu       sync.Mutex
	uid      types.UID
	address  netip.Addr // zero: none yet
	app      *demo.App  // nil: not serving
	since    time.Time  // scheduled here
	stopped  time.Time  // stopped for good, its sandbox is being taken down
	started  time.Time  // the container's start, zero: it does not run
	ready    time.Time  // zero: not Ready
	restarts int32
	images   map[string]string // what the containers run
	exit     *v1.ContainerStateTerminated
	resumeAt time.Time // a restarting container starts again then
	said     map[string]string
}

func newKubelet(w *world, pool *addressPool, events record.EventRecorder) *kubelet {
	return &kubelet{w: w, pool: pool, events: events, runs: map[string]*podRun{}}
}

func (k *kubelet) run(key string) *podRun {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.runs[key]
}

// registerNode makes the one node and says that it is Ready.
func (k *kubelet) registerNode(ctx context.Context) error {
	nodes := k.w.kl.CoreV1().Nodes()
	n := &v1.Node{ObjectMeta: metav1.ObjectMeta{Name: nodeName, Labels: map[string]string{"kubernetes.io/hostname": nodeName}}}
	if _, err := nodes.Create(ctx, n, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	now := metav1.Now()
	return k.patchStatus(ctx, func(b []byte) error {
		_, err := nodes.Patch(ctx, nodeName, types.StrategicMergePatchType, b, metav1.PatchOptions{}, "status")
		return err
	}, map[string]any{"status": v1.NodeStatus{
		Addresses: []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "127.0.0.1"}},
		Conditions: []v1.NodeCondition{{Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "KubeletReady",
			LastHeartbeatTime: now, LastTransitionTime: now}}}})
}

// adopt claims the addresses of pods that ran before this start, before any new
// pod can get one.
func (k *kubelet) adopt() {
	for _, o := range k.w.pods.List() {
		p := o.(*v1.Pod)
		if a, err := netip.ParseAddr(p.Status.PodIP); err == nil && k.pool.claim(a) {
			k.open(p).address = a
		}
	}
}

// open returns the pod's run, a new one with what its status remembers.
func (k *kubelet) open(p *v1.Pod) *podRun {
	key := p.Namespace + "/" + p.Name
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.runs[key]
	if r == nil {
		r = &podRun{uid: p.UID, since: time.Now(), said: map[string]string{}}
		for _, c := range p.Status.ContainerStatuses {
			r.restarts = max(r.restarts, c.RestartCount)
			if c.State.Running != nil {
				r.started = k.recallBoot(p, c.State.Running.StartedAt.Time)
			}
			if r.images == nil {
				r.images = map[string]string{}
			}
			r.images[c.Name] = c.Image
		}
		if c := condition(&p.Status, v1.PodReady); c != nil && c.Status == v1.ConditionTrue {
			r.ready = c.LastTransitionTime.Time
		}
		k.runs[key] = r
	}
	return r
}

func (k *kubelet) sync(ctx context.Context, key string) error {
	p := k.w.pod(key)
	if r := k.run(key); r != nil && (p == nil || p.UID != r.uid) {
		k.close(key, r) // gone, or replaced by another of the same name
	}
	if p == nil {
		return nil
	}
	if p.DeletionTimestamp != nil {
		return k.stop(ctx, key, p)
	}
	if p.Spec.NodeName == "" {
		return k.schedule(ctx, p)
	}
	if p.Spec.NodeName != nodeName || p.Status.Phase == v1.PodFailed || p.Status.Phase == v1.PodSucceeded {
		return nil
	}
	r := k.open(p)
	r.mu.Lock()
	defer r.mu.Unlock()
	wait, err := k.step(p, r)
	if err != nil {
		return err
	}
	if err := k.writeStatus(ctx, p, r); err != nil {
		return err
	}
	if wait > 0 {
		return later(wait)
	}
	return nil
}

// schedule binds the pod to the node once its claims are bound.
func (k *kubelet) schedule(ctx context.Context, p *v1.Pod) error {
	message := p.Annotations[aUnschedulable]
	if message == "" {
		if _, claim := k.w.byClaim.ready(p); claim != "" {
			return later(claimPoll)
		}
		err := k.w.kl.CoreV1().Pods(p.Namespace).Bind(ctx, &v1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: p.Name, UID: p.UID},
			Target:     v1.ObjectReference{Kind: "Node", Name: nodeName}}, metav1.CreateOptions{})
		if err == nil {
			k.events.Eventf(p, v1.EventTypeNormal, "Scheduled", "Successfully assigned %s/%s to %s", p.Namespace, p.Name, nodeName)
		}
		return err
	}
	if c := condition(&p.Status, v1.PodScheduled); c != nil && c.Message == message {
		return nil
	}
	k.events.Event(p, v1.EventTypeWarning, "FailedScheduling", message)
	return k.patchPodStatus(ctx, p, v1.PodStatus{Phase: v1.PodPending, Conditions: []v1.PodCondition{{
		Type: v1.PodScheduled, Status: v1.ConditionFalse, Reason: v1.PodReasonUnschedulable, Message: message,
		LastTransitionTime: metav1.Now()}}})
}

// step takes the next step of a pod's life and says when to look again.
func (k *kubelet) step(p *v1.Pod, r *podRun) (time.Duration, error) {
	running := !r.started.IsZero()
	if code := p.Annotations[aCrash]; code != "" {
		if running || r.exit == nil || !r.resumeAt.IsZero() {
			k.halt(r, exitOf(p, code, r.started))
			r.restarts++
			k.say(p, r, v1.EventTypeWarning, "BackOff", "Back-off restarting failed container")
		}
		return 0, nil
	}
	if running && imagesChanged(p, r) {
		k.say(p, r, v1.EventTypeNormal, "Killing", "Container definition changed, will be restarted")
		k.halt(r, exitOf(p, "0", r.started))
		r.restarts++
		r.resumeAt = time.Now().Add(max(restartTime, duration(p, aStartDelay)))
		running = false
	}
	if message := p.Annotations[aAttach]; message != "" && !running {
		k.say(p, r, v1.EventTypeWarning, "FailedAttachVolume", message)
		return 0, nil // its status says ContainerCreating, and nothing of the volume
	}
	if reason := p.Annotations[aWaiting]; reason != "" && !running {
		name, message, _ := strings.Cut(reason, ":")
		k.say(p, r, v1.EventTypeWarning, "Failed", strings.TrimSpace(name+": "+message))
		return 0, nil
	}
	if !running {
		start := r.since.Add(duration(p, aStartDelay))
		if !r.resumeAt.IsZero() {
			start = r.resumeAt
		} else if r.exit != nil { // the crash annotation was taken away
			start = time.Now()
		}
		if wait := time.Until(start); wait > 0 {
			return wait, nil
		}
		return readinessLag, k.start(p, r)
	}
	if r.app == nil { // a restart of this program: the pod goes on as it was
		return 0, k.serve(p, r)
	}
	lag := time.Until(r.started.Add(readinessLag))
	if isReady(p, r) && lag <= 0 {
		if r.ready.IsZero() {
			r.ready = time.Now()
		}
		return 0, nil
	}
	r.ready = time.Time{}
	return max(0, lag), nil
}

// isReady: not held back, and every readiness gate is open.
func isReady(p *v1.Pod, r *podRun) bool {
	if p.Annotations[aHold] == "true" {
		return false
	}
	for _, g := range p.Spec.ReadinessGates {
		if !isTrue(&p.Status, g.ConditionType) {
			return false
		}
	}
	return true
}

func imagesChanged(p *v1.Pod, r *podRun) bool {
	for _, c := range p.Spec.Containers {
		if r.images[c.Name] != c.Image {
			return true
		}
	}
	return false
}

func (k *kubelet) start(p *v1.Pod, r *podRun) error {
	r.started, r.resumeAt = time.Now(), time.Time{}
	if err := k.rememberBoot(r); err != nil {
		return err
	}
	r.images = map[string]string{}
	for _, c := range p.Spec.Containers {
		r.images[c.Name] = c.Image
	}
	if err := k.serve(p, r); err != nil {
		r.started = time.Time{}
		return err
	}
	k.say(p, r, v1.EventTypeNormal, "Started", "Started container")
	return nil
}

// serve opens the demo application at the pod's address, a new one if there is
// none yet or if somebody else on this machine holds it.
func (k *kubelet) serve(p *v1.Pod, r *podRun) error {
	folder, claim := k.w.byClaim.ready(p)
	if claim != "" {
		return errors.New("claim " + claim + " is not bound")
	}
	if folder == "" {
		folder = k.w.o.path("scratch", string(p.UID))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
	}
	for {
		fresh := !r.address.IsValid()
		if fresh && p.Spec.HostNetwork {
			r.address = k.pool.node
		} else if fresh {
			a, err := k.pool.take()
			if err != nil {
				return err
			}
			r.address = a
		}
		app, err := serveDemo(p, r.address, folder, r.started)
		if err == nil {
			r.app = app
			return nil
		}
		if p.Spec.HostNetwork || !errors.Is(err, syscall.EADDRINUSE) {
			if fresh {
				k.pool.put(r.address)
				r.address = netip.Addr{}
			}
			return err // two pods of the node's that want one port: one of them waits
		}
		// Taken by another program: it stays marked as used, and so out of reach.
		klog.InfoS("pod address is in use, taking the next", "pod", klog.KObj(p), "address", r.address)
		r.address = netip.Addr{}
	}
}

// halt stops the container; the address stays with the pod.
func (k *kubelet) halt(r *podRun, exit *v1.ContainerStateTerminated) {
	if r.app != nil {
		r.app.Close()
		r.app = nil
	}
	r.started, r.ready, r.exit = time.Time{}, time.Time{}, exit
}

// stop ends a terminating pod: application, then, as long as a real kubelet and
// network plugin need to take the sandbox down, nothing, then object and address.
func (k *kubelet) stop(ctx context.Context, key string, p *v1.Pod) error {
	asked := p.DeletionTimestamp.Time // the request plus the grace period
	grace := time.Duration(0)
	if g := p.DeletionGracePeriodSeconds; g != nil {
		grace = time.Duration(*g) * time.Second
		asked = asked.Add(-grace)
	}
	if wait := time.Until(asked.Add(min(grace, duration(p, aStopDelay)))); wait > 0 {
		return later(wait)
	}
	r := k.run(key)
	if r != nil {
		r.mu.Lock()
		first := r.stopped.IsZero()
		if first {
			r.stopped = time.Now()
			k.halt(r, nil)
		}
		wait := time.Until(r.stopped.Add(teardownTime))
		r.mu.Unlock()
		if first {
			k.say(p, r, v1.EventTypeNormal, "Killing", "Stopping container")
		}
		if wait > 0 {
			return later(wait)
		}
	}
	now := int64(0)
	err := k.w.kl.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name,
		metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
		return err
	}
	if r != nil {
		k.close(key, r)
	}
	return nil
}

// close forgets a pod: its application has ended before its address is free.
func (k *kubelet) close(key string, r *podRun) {
	k.mu.Lock()
	if k.runs[key] == r {
		delete(k.runs, key)
	}
	k.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	k.halt(r, nil)
	if r.address.IsValid() {
		k.pool.put(r.address)
		r.address = netip.Addr{}
	}
	os.RemoveAll(k.w.o.path("scratch", string(r.uid)))
	os.Remove(k.w.o.path("boots", string(r.uid)))
}

// rememberBoot keeps a container's start to the nanosecond, for after a restart
// of this program; the API keeps whole seconds.
func (k *kubelet) rememberBoot(r *podRun) error {
	if err := os.MkdirAll(k.w.o.path("boots"), 0o755); err != nil {
		return err
	}
	return writeFileAtomic(k.w.o.path("boots", string(r.uid)), []byte(r.started.Format(time.RFC3339Nano)), 0o644)
}

func (k *kubelet) recallBoot(p *v1.Pod, reported time.Time) time.Time {
	b, _ := os.ReadFile(k.w.o.path("boots", string(p.UID)))
	if t, err := time.Parse(time.RFC3339Nano, string(b)); err == nil && t.Truncate(time.Second).Equal(reported) {
		return t
	}
	return reported
}

// say emits an event, once for each message and restart.
func (k *kubelet) say(p *v1.Pod, r *podRun, kind, reason, message string) {
	mark := message + string(rune(r.restarts))
	if r.said[reason] == mark {
		return
	}
	r.said[reason] = mark
	k.events.Event(p, kind, reason, message)
}

func duration(p *v1.Pod, annotation string) time.Duration {
	d, err := time.ParseDuration(p.Annotations[annotation])
	if err != nil {
		return 0
	}
	return d
}
