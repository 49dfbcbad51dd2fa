// network.go: OpenKruiseGame's network plugin Kubernetes-Ingress: a Service and
// an Ingress per instance, and the network state that follows them.
//
// The real plugin runs in the admission webhook of each change of a pod.  It
// first notes NotReady, and while that lasts OKG changes an annotation of the
// pod every -network-interval, for a minute, so that the plugin runs again.  The
// pod's own state is nothing to it, nor is the Ingress's address.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	netv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const ingressNetwork = "Kubernetes-Ingress"

type ingressConf struct {
	Paths         []string
	PathTypes     []string
	Ports         []int32
	Host          string
	Class         *string
	TLSHosts      []string
	TLSSecretName string
	Annotations   map[string]string
	Fixed         bool
}

// parseIngress reads networkConf for one instance.  <id> may stand once in Host
// and in each Path; the last Host wins.
func parseIngress(conf []param, id int) (*ingressConf, error) {
	c := &ingressConf{Annotations: map[string]string{}}
	expand := func(s string) (string, error) {
		if strings.Count(s, "<id>") > 1 {
			return "", fmt.Errorf("networkConf: <id> may stand once in %q", s)
		}
		return strings.Replace(s, "<id>", strconv.Itoa(id), 1), nil
	}
	var err error
	for _, p := range conf {
		switch p.Name {
		case "Host":
			if c.Host, err = expand(p.Value); err != nil {
				return nil, err
			}
		case "Path":
			path, err := expand(p.Value)
			if err != nil {
				return nil, err
			}
			c.Paths = append(c.Paths, path)
		case "PathType":
			c.PathTypes = append(c.PathTypes, p.Value)
		case "Port":
			n, _ := strconv.ParseInt(p.Value, 10, 32)
			c.Ports = append(c.Ports, int32(n))
		case "IngressClassName":
			class := p.Value
			c.Class = &class
		case "TlsHosts":
			c.TLSHosts = strings.Split(p.Value, ",")
		case "TlsSecretName":
			c.TLSSecretName = p.Value
		case "Annotation":
			kv := strings.Split(p.Value, ": ")
			if len(kv) != 2 {
				return nil, fmt.Errorf("networkConf: Annotation %q is not \"key: value\"", p.Value)
			}
			c.Annotations[kv[0]] = kv[1]
		case "Fixed":
			c.Fixed, _ = strconv.ParseBool(p.Value)
		}
	}
	if len(c.Paths) == 0 || len(c.PathTypes) == 0 || len(c.Ports) == 0 {
		return nil, fmt.Errorf("networkConf: Path, PathType and Port are needed")
	}
	for len(c.PathTypes) < len(c.Paths) {
		c.PathTypes = append(c.PathTypes, c.PathTypes[0])
	}
	for len(c.Ports) < len(c.Paths) {
		c.Ports = append(c.Ports, c.Ports[0])
	}
	return c, nil
}

func (w *world) syncNetwork(ctx context.Context, key string) error {
	pod := w.pod(key)
	if pod == nil {
		w.probes.forget(key)
		return nil
	}
	if pod.DeletionTimestamp != nil || pod.Annotations[networkTypeKey] != ingressNetwork {
		return nil // while a pod terminates its network stays as it was
	}
	var conf []param
	if err := json.Unmarshal([]byte(pod.Annotations[networkConfKey]), &conf); err != nil {
		return nil
	}
	c, err := parseIngress(conf, idOfName(pod.Name))
	if err != nil {
		w.events.Event(pod, v1.EventTypeWarning, "NetworkConfig", err.Error())
		return w.noteNetwork(ctx, pod, &networkStatus{CurrentNetworkState: "NotReady"})
	}
	noted := notedNetwork(pod)
	wait, goOn := w.probes.look(key, pod.UID, w.o)
	if noted == nil {
		return w.noteNetwork(ctx, pod, &networkStatus{CurrentNetworkState: "NotReady"})
	}
	if noted.CurrentNetworkState != "Ready" {
		if !goOn {
			return nil
		}
		if wait > 0 {
			return later(wait)
		}
	}
	owner := ownerOf("v1", "Pod", &pod.ObjectMeta)
	if c.Fixed {
		gss, err := cached[gameServerSet](w.gss, pod.Namespace+"/"+pod.Labels[ownerGssKey])
		if err != nil || gss == nil {
			return err
		}
		owner = ownerOf("game.kruise.io/v1alpha1", "GameServerSet", &gss.ObjectMeta)
	}
	if done, err := w.ensureService(ctx, pod, c, owner); !done || err != nil {
		return err
	}
	if ing, err := w.ensureIngress(ctx, pod, c, owner); ing == nil || err != nil {
		return err
	}
	var ports []networkPort
	for i, path := range c.Paths {
		ports = append(ports, networkPort{Name: path, Port: intstr.FromInt32(c.Ports[i])})
	}
	return w.noteNetwork(ctx, pod, &networkStatus{CurrentNetworkState: "Ready",
		InternalAddresses: []networkAddress{{IP: pod.Status.PodIP, Ports: ports}},
		ExternalAddresses: []networkAddress{{EndPoint: c.Host, Ports: ports}}})
}

// probes remembers since when each pod's network is awaited.  A program that
// starts again begins anew.
type probes struct {
	mu    sync.Mutex
	pods  map[string]probe // by namespace/name
	count int
}

type probe struct {
	uid   types.UID
	began time.Time
	lost  bool // its Service is never made
}

const networkTotalWait = 60 * time.Second

func newProbes() *probes { return &probes{pods: map[string]probe{}} }

// look: how long until the pod's network is looked at; false: never.
func (p *probes) look(key string, uid types.UID, o *options) (time.Duration, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, ok := p.pods[key]
	if !ok || b.uid != uid {
		p.count++
		b = probe{uid: uid, began: time.Now(), lost: o.lostServices > 0 && p.count%o.lostServices == 0}
		p.pods[key] = b
	}
	awaited := time.Since(b.began)
	return o.networkEvery - awaited, !b.lost && awaited < max(networkTotalWait, 2*o.networkEvery)
}

func (p *probes) forget(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pods, key)
}

func notedNetwork(pod *v1.Pod) *networkStatus {
	s := &networkStatus{}
	if json.Unmarshal([]byte(pod.Annotations[networkStatusKey]), s) != nil {
		return nil
	}
	return s
}

func (w *world) noteNetwork(ctx context.Context, pod *v1.Pod, s *networkStatus) error {
	s.NetworkType = ingressNetwork
	if old := notedNetwork(pod); old != nil && reflect.DeepEqual(old, s) {
		return nil
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	err = patchPodBy(ctx, w.okgs.pods, pod, map[string]any{"metadata": map[string]any{"uid": pod.UID,
		"annotations": map[string]string{networkStatusKey: string(b)}}}, "")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

// mine says whether an object found under the instance's name belongs to this
// very pod (or, with Fixed, to the set) and not to a predecessor.
func mine(o metav1.Object, owner []metav1.OwnerReference) bool {
	ref := metav1.GetControllerOf(o)
	return ref != nil && ref.UID == owner[0].UID && o.GetDeletionTimestamp() == nil
}

func (w *world) ensureService(ctx context.Context, pod *v1.Pod, c *ingressConf, owner []metav1.OwnerReference) (bool, error) {
	svc := &v1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, OwnerReferences: owner,
			Annotations: map[string]string{serviceHashKey: hashOf(c.Ports)}},
		Spec: v1.ServiceSpec{Type: v1.ServiceTypeClusterIP, Selector: map[string]string{podNameKey: pod.Name}},
	}
	seen := map[int32]bool{}
	for _, p := range c.Ports {
		if !seen[p] {
			seen[p] = true
			svc.Spec.Ports = append(svc.Spec.Ports, v1.ServicePort{Name: strconv.Itoa(int(p)), Port: p})
		}
	}
	client := w.okgs.services.CoreV1().Services(pod.Namespace)
	o, found, err := w.services.GetByKey(pod.Namespace + "/" + pod.Name)
	if err != nil {
		return false, err
	}
	if !found {
		_, err := client.Create(ctx, svc, metav1.CreateOptions{})
		return false, later(0).unless(err)
	}
	have := o.(*v1.Service)
	if !mine(have, owner) {
		return false, later(100 * time.Millisecond) // the garbage collector is on its way
	}
	if have.Annotations[serviceHashKey] != svc.Annotations[serviceHashKey] {
		b, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": svc.Annotations},
			"spec": map[string]any{"ports": svc.Spec.Ports}})
		if err != nil {
			return false, err
		}
		_, err = client.Patch(ctx, svc.Name, types.MergePatchType, b, metav1.PatchOptions{})
		return false, err
	}
	return true, nil
}

// unless lets a create that raced with our own cache pass.
func (d later) unless(err error) error {
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	if d == 0 {
		return nil // the informer's event brings us back
	}
	return d
}

func (w *world) ensureIngress(ctx context.Context, pod *v1.Pod, c *ingressConf, owner []metav1.OwnerReference) (*netv1.Ingress, error) {
	hash := hashOf(c)
	ing := &netv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace, OwnerReferences: owner,
			Annotations: merged(c.Annotations, map[string]string{ingressHashKey: hash})},
		Spec: netv1.IngressSpec{IngressClassName: c.Class},
	}
	rule := &netv1.HTTPIngressRuleValue{}
	for i, path := range c.Paths {
		kind := netv1.PathType(c.PathTypes[i])
		rule.Paths = append(rule.Paths, netv1.HTTPIngressPath{Path: path, PathType: &kind,
			Backend: netv1.IngressBackend{Service: &netv1.IngressServiceBackend{Name: pod.Name,
				Port: netv1.ServiceBackendPort{Number: c.Ports[i]}}}})
	}
	ing.Spec.Rules = []netv1.IngressRule{{Host: c.Host, IngressRuleValue: netv1.IngressRuleValue{HTTP: rule}}}
	if c.TLSHosts != nil || c.TLSSecretName != "" {
		ing.Spec.TLS = []netv1.IngressTLS{{Hosts: c.TLSHosts, SecretName: c.TLSSecretName}}
	}
	client := w.okgs.ingresses.NetworkingV1().Ingresses(pod.Namespace)
	o, found, err := w.routes.GetByKey(pod.Namespace + "/" + pod.Name)
	if err != nil {
		return nil, err
	}
	if !found {
		_, err := client.Create(ctx, ing, metav1.CreateOptions{})
		return nil, later(0).unless(err)
	}
	have := o.(*netv1.Ingress)
	if !mine(have, owner) {
		return nil, later(100 * time.Millisecond)
	}
	if have.Annotations[ingressHashKey] != hash {
		ing.ResourceVersion = have.ResourceVersion
		_, err := client.Update(ctx, ing, metav1.UpdateOptions{})
		return nil, err
	}
	return have, nil
}
