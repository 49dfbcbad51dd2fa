// gameserver.go: the GameServer controller of OpenKruiseGame: one GameServer
// per pod, its spec copied to the pod's labels and the pod's state copied back.
package main

import (
	"context"
	"encoding/json"
	"strconv"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (w *world) syncGameServer(ctx context.Context, key string) error {
	pod := w.pod(key)
	gs, err := cached[gameServer](w.gs, key)
	if err != nil {
		return err
	}
	if pod == nil {
		// 1.0: the garbage collector takes it away with its pod.  0.4: only the
		// label, written by a scale, does; a pod that was merely deleted keeps it.
		if gs == nil || gs.Labels[gsDeletingKey] != "true" {
			return nil
		}
		return w.okg.Resource(gsResource).Namespace(gs.Namespace).Delete(ctx, gs.Name,
			metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &gs.UID}})
	}
	set := pod.Labels[ownerGssKey]
	if set == "" {
		return nil
	}
	gss, err := cached[gameServerSet](w.gss, pod.Namespace+"/"+set)
	if err != nil || gss == nil {
		return err
	}
	if gs == nil {
		return w.createGameServer(ctx, gss, pod)
	}
	if gs.DeletionTimestamp != nil {
		return nil
	}
	if err := w.syncToPod(ctx, gs, pod); err != nil {
		return err
	}
	return w.syncFromPod(ctx, gss, gs, pod)
}

func (w *world) createGameServer(ctx context.Context, gss *gameServerSet, pod *v1.Pod) error {
	zero := intstr.FromInt32(0)
	gs := &gameServer{
		TypeMeta: metav1.TypeMeta{APIVersion: "game.kruise.io/v1alpha1", Kind: "GameServer"},
		ObjectMeta: metav1.ObjectMeta{Name: pod.Name, Namespace: pod.Namespace,
			Labels:      merged(gss.Spec.GameServerTemplate.Labels, map[string]string{ownerGssKey: gss.Name}),
			Annotations: merged(gss.Spec.GameServerTemplate.Annotations, map[string]string{metadataHashKey: metadataHash(gss)}),
		},
		Spec: gsSpec{OpsState: "None", UpdatePriority: &zero, DeletionPriority: &zero},
	}
	if w.o.okg == "0.4" {
		gs.OwnerReferences = ownerOf("game.kruise.io/v1alpha1", "GameServerSet", &gss.ObjectMeta)
	} else {
		gs.OwnerReferences = ownerOf("v1", "Pod", &pod.ObjectMeta)
	}
	u, err := encode(gs)
	if err != nil {
		return err
	}
	_, err = w.okg.Resource(gsResource).Namespace(pod.Namespace).Create(ctx, u, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func metadataHash(gss *gameServerSet) string {
	return hashOf(gss.Spec.GameServerTemplate.Labels, gss.Spec.GameServerTemplate.Annotations)
}

// stateOf is OKG's reading of a pod.
func stateOf(p *v1.Pod) string {
	switch p.Status.Phase {
	case v1.PodRunning:
		if p.DeletionTimestamp != nil {
			return "Deleting"
		}
		switch p.Labels[lifecycleKey] {
		case lifecycleUpdating:
			return "Updating"
		case "PreparingUpdate":
			return "PreUpdate"
		case preparingDelete:
			return "PreDelete"
		}
		switch c := condition(&p.Status, v1.PodReady); {
		case c == nil:
			return ""
		case c.Status == v1.ConditionTrue:
			return "Ready"
		default:
			return "NotReady"
		}
	case v1.PodFailed:
		return "Crash"
	case v1.PodPending:
		return "Creating"
	}
	return "Unknown"
}

// syncToPod keeps the state in the pod's labels, where the next reconcile reads
// it: status therefore follows the pod one step behind.
func (w *world) syncToPod(ctx context.Context, gs *gameServer, pod *v1.Pod) error {
	labels := map[string]string{}
	put := func(key, value string) {
		if pod.Labels[key] != value {
			labels[key] = value
		}
	}
	put(gsDeletePrioKey, prio(gs.Spec.DeletionPriority))
	put(gsUpdatePrioKey, prio(gs.Spec.UpdatePriority))
	put(gsOpsStateKey, gs.Spec.OpsState)
	put(networkOffKey, strconv.FormatBool(gs.Spec.NetworkDisabled))
	state := stateOf(pod)
	put(gsStateKey, state)
	if len(labels) == 0 {
		return nil
	}
	if old := pod.Labels[gsStateKey]; old != "" && old != state {
		kind := v1.EventTypeNormal
		if state == "Crash" {
			kind = v1.EventTypeWarning
		}
		w.events.Eventf(&v1.ObjectReference{APIVersion: "game.kruise.io/v1alpha1", Kind: "GameServer", Namespace: gs.Namespace,
			Name: gs.Name, UID: gs.UID}, kind, "GsStateChanged", "State turn from %s to %s ", old, state)
	}
	err := patchPodBy(ctx, w.okgs.pods, pod, map[string]any{"metadata": map[string]any{"uid": pod.UID, "labels": labels}}, "")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // the pod has gone; the status below still tells what was seen
	}
	return err
}

func prio(p *intstr.IntOrString) string {
	if p == nil {
		return ""
	}
	return p.String()
}

func (w *world) syncFromPod(ctx context.Context, gss *gameServerSet, gs *gameServer, pod *v1.Pod) error {
	client := w.okg.Resource(gsResource).Namespace(gs.Namespace)
	if gs.Annotations[metadataHashKey] != metadataHash(gss) {
		// As an ObjectMeta: no labels are left out, and do not take away the owner's.
		b, err := json.Marshal(map[string]any{"metadata": metav1.ObjectMeta{
			Labels:      gss.Spec.GameServerTemplate.Labels,
			Annotations: merged(gss.Spec.GameServerTemplate.Annotations, map[string]string{metadataHashKey: metadataHash(gss)}),
		}})
		if err != nil {
			return err
		}
		if _, err := client.Patch(ctx, gs.Name, types.MergePatchType, b, metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	update, deletion := intstr.FromString(pod.Labels[gsUpdatePrioKey]), intstr.FromString(pod.Labels[gsDeletePrioKey])
	s := gsStatus{
		DesiredState: "Ready", CurrentState: pod.Labels[gsStateKey],
		NetworkStatus: networkStatusOf(gs, pod), PodStatus: pod.Status,
		UpdatePriority: &update, DeletionPriority: &deletion,
		LastTransitionTime: gs.Status.LastTransitionTime,
		Conditions:         conditionsOf(gs, pod),
	}
	if equality.Semantic.DeepEqual(s, gs.Status) {
		return nil
	}
	now := metav1.Now()
	s.LastTransitionTime = &now
	b, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": gs.UID}, "status": s})
	if err != nil {
		return err
	}
	_, err = client.Patch(ctx, gs.Name, types.MergePatchType, b, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // deleted, or a new one of the same name
	}
	return err
}

// networkStatusOf: the desired state and times are the GameServer's own, the
// rest is what the network plugin noted on the pod.
func networkStatusOf(gs *gameServer, pod *v1.Pod) *networkStatus {
	if pod.Annotations[networkTypeKey] == "" {
		return nil
	}
	now := metav1.Now()
	if gs.Status.NetworkStatus == nil {
		return &networkStatus{NetworkType: pod.Annotations[networkTypeKey], DesiredNetworkState: "Ready",
			CreateTime: &now, LastTransitionTime: &now}
	}
	s := *gs.Status.NetworkStatus
	var noted networkStatus
	if json.Unmarshal([]byte(pod.Annotations[networkStatusKey]), &noted) != nil {
		if s.CurrentNetworkState != "NotReady" {
			s.CurrentNetworkState, s.LastTransitionTime = "NotReady", &now
		}
		return &s
	}
	s.InternalAddresses, s.ExternalAddresses = noted.InternalAddresses, noted.ExternalAddresses
	s.CurrentNetworkState = noted.CurrentNetworkState
	desired := "Ready"
	if pod.Labels[networkOffKey] == "true" {
		desired = "NotReady"
	}
	if s.DesiredNetworkState != desired {
		s.DesiredNetworkState, s.LastTransitionTime = desired, &now
	}
	return &s
}

func conditionsOf(gs *gameServer, pod *v1.Pod) []gsCondition {
	c := gsCondition{Type: "PodNormal", Status: v1.ConditionTrue}
	if s := condition(&pod.Status, v1.PodScheduled); s != nil && s.Status == v1.ConditionFalse {
		c.Status, c.Reason, c.Message = v1.ConditionFalse, s.Reason, s.Message
	}
	for _, k := range pod.Status.ContainerStatuses {
		if k.State.Waiting != nil && k.State.Waiting.Reason != "ContainerCreating" {
			c.Status, c.Reason, c.Message = v1.ConditionFalse, k.State.Waiting.Reason, k.State.Waiting.Message
		}
	}
	for _, old := range gs.Status.Conditions {
		if old.Type == c.Type && old.Status == c.Status && old.Reason == c.Reason && old.Message == c.Message {
			return gs.Status.Conditions
		}
	}
	now := metav1.Now()
	c.LastTransitionTime = &now
	return []gsCondition{c}
}

func merged(a, b map[string]string) map[string]string {
	m := map[string]string{}
	for k, v := range a {
		m[k] = v
	}
	for k, v := range b {
		m[k] = v
	}
	return m
}
