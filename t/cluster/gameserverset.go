// gameserverset.go: the GameServerSet controller of OpenKruiseGame.
//
// One reconcile does at most one thing, in OKG's order: create the workload,
// kill, scale, update the workload, else write the status.  It reads informers,
// which may be old, and writes spec.reserveGameServerIds back without a
// resourceVersion: that is the real one's race, and it is kept.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/klog/v2"
)

func (w *world) syncGameServerSet(ctx context.Context, key string) error {
	gss, err := cached[gameServerSet](w.gss, key)
	if err != nil || gss == nil || gss.Spec.Replicas == nil {
		return err
	}
	sts, err := cached[statefulSet](w.sts, key)
	if err != nil {
		return err
	}
	if sts == nil || sts.UID == "" {
		return w.createWorkload(ctx, gss)
	}
	pods := w.podsOf(gss.Namespace, gss.Name)

	if n := replicasAfterKill(gss, sts, pods); n != *gss.Spec.Replicas {
		return w.writeReplicas(ctx, key, n)
	}
	if w.needsScale(gss, sts, pods) {
		return w.scale(ctx, gss, sts, pods)
	}
	if sts.Annotations[stsHashKey] != workloadHash(gss) {
		return w.updateWorkload(ctx, gss, sts)
	}
	return w.writeSetStatus(ctx, gss, sts, pods)
}

func (w *world) createWorkload(ctx context.Context, gss *gameServerSet) error {
	sts := &statefulSet{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps.kruise.io/v1beta1", Kind: "StatefulSet"},
		ObjectMeta: metav1.ObjectMeta{Name: gss.Name, Namespace: gss.Namespace,
			OwnerReferences: ownerOf("game.kruise.io/v1alpha1", "GameServerSet", &gss.ObjectMeta)},
	}
	sts.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{ownerGssKey: gss.Name}}
	sts.Spec.Replicas = gss.Spec.Replicas
	sts.Spec.ReserveOrdinals = gss.Spec.ReserveGameServerIds
	sts.Spec.ServiceName = gss.Spec.ServiceName
	if sts.Spec.ServiceName == "" {
		sts.Spec.ServiceName = gss.Name
	}
	if err := fillWorkload(sts, gss); err != nil {
		return err
	}
	u, err := encode(sts)
	if err != nil {
		return err
	}
	_, err = w.okg.Resource(stsResource).Namespace(gss.Namespace).Create(ctx, u, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		// Either our own cache is behind, or the workload of a deleted
		// GameServerSet of this name is still on its way out.
		return fmt.Errorf("workload %s/%s exists already", gss.Namespace, gss.Name)
	}
	if err == nil {
		w.events.Event(gssRef(gss), v1.EventTypeNormal, "CreateWorkload", "created Advanced StatefulSet")
	}
	return err
}

// fillWorkload copies the template and strategies down.  Annotations of the
// GameServerSet itself are not copied.
func fillWorkload(sts *statefulSet, gss *gameServerSet) error {
	if sts.Annotations == nil {
		sts.Annotations = map[string]string{}
	}
	sts.Annotations[stsHashKey] = workloadHash(gss)
	t := gss.Spec.GameServerTemplate.DeepCopy()
	if t.Labels == nil {
		t.Labels = map[string]string{}
	}
	t.Labels[ownerGssKey] = gss.Name
	if n := gss.Spec.Network; n != nil {
		if t.Annotations == nil {
			t.Annotations = map[string]string{}
		}
		conf, err := json.Marshal(n.NetworkConf)
		if err != nil {
			return err
		}
		t.Annotations[networkConfKey], t.Annotations[networkTypeKey] = string(conf), n.NetworkType
	}
	t.Spec.ReadinessGates = append(t.Spec.ReadinessGates, v1.PodReadinessGate{ConditionType: inPlaceReady})
	sts.Spec.Template = v1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: t.Labels, Annotations: t.Annotations}, Spec: t.Spec}
	sts.Spec.VolumeClaimTemplates = gss.Spec.GameServerTemplate.VolumeClaimTemplates
	sts.Spec.PodManagementPolicy = "Parallel"
	sts.Spec.ScaleStrategy = scaleStrategy{MaxUnavailable: gss.Spec.ScaleStrategy.MaxUnavailable}
	// A rollingUpdate block silently makes the type RollingUpdate.
	sts.Spec.UpdateStrategy = gss.Spec.UpdateStrategy
	if gss.Spec.UpdateStrategy.RollingUpdate != nil || sts.Spec.UpdateStrategy.Type == "" {
		sts.Spec.UpdateStrategy.Type = "RollingUpdate"
	}
	if t := sts.Spec.UpdateStrategy.Type; t != "RollingUpdate" && t != "OnDelete" {
		return fmt.Errorf("GameServerSet %s/%s: updateStrategy.type %q: kruise refuses the workload", gss.Namespace, gss.Name, t)
	}
	return nil
}

func workloadHash(gss *gameServerSet) string {
	var conf []param
	if gss.Spec.Network != nil {
		conf = gss.Spec.Network.NetworkConf
	}
	return hashOf(gss.Spec.UpdateStrategy, gss.Spec.GameServerTemplate, conf)
}

func replicasAfterKill(gss *gameServerSet, sts *statefulSet, pods []*v1.Pod) int32 {
	n := *gss.Spec.Replicas
	if n != *sts.Spec.Replicas || int(n) != len(pods) {
		return n
	}
	kill := int32(0)
	for _, p := range pods {
		if p.DeletionTimestamp != nil {
			return n
		}
		if p.Labels[gsOpsStateKey] == "Kill" {
			kill++
		}
	}
	return n - kill
}

// writeReplicas is a whole update with the resourceVersion that was read, and
// so the one write to the spec that cannot overwrite a newer one.
func (w *world) writeReplicas(ctx context.Context, key string, n int32) error {
	o, found, err := w.gss.GetByKey(key)
	if err != nil || !found {
		return err
	}
	u := asUnstructured(o).DeepCopy()
	u.Object["spec"].(map[string]any)["replicas"] = int64(n)
	_, err = w.okg.Resource(gssResource).Namespace(u.GetNamespace()).Update(ctx, u, metav1.UpdateOptions{})
	return err
}

func (w *world) needsScale(gss *gameServerSet, sts *statefulSet, pods []*v1.Pod) bool {
	if w.o.okg == "0.4" {
		// 0.4 does not interrupt a workload that is still scaling.
		if sts.Status.Replicas != *sts.Spec.Replicas {
			return false
		}
		for _, p := range pods {
			if p.DeletionTimestamp != nil {
				return false
			}
		}
		return *gss.Spec.Replicas != *sts.Spec.Replicas ||
			!slices.Equal(sortedInts(ints(gss.Spec.ReserveGameServerIds)), sortedInts(annotatedInts(gss)))
	}
	return *gss.Spec.Replicas != *sts.Spec.Replicas ||
		!parseIds(gss.Annotations[reserveIdsKey]).Equal(expandIds(gss.Spec.ReserveGameServerIds))
}

// scale moves the workload to the spec, and then writes the reserve list that
// it has computed back into the spec, whatever stands there by now.
func (w *world) scale(ctx context.Context, gss *gameServerSet, sts *statefulSet, pods []*v1.Pod) error {
	var alive []*v1.Pod
	for _, p := range pods {
		if p.DeletionTimestamp == nil {
			alive = append(alive, p)
		}
	}
	w.events.Eventf(gssRef(gss), v1.EventTypeNormal, "Scale", "scale from %d to %d", len(alive), *gss.Spec.Replicas)

	backfill := gss.Spec.ScaleStrategy.ScaleDownStrategyType == "ReserveIds"
	var keep, ordinals, list []intstr.IntOrString
	if w.o.okg == "0.4" {
		spec, noted := ints(gss.Spec.ReserveGameServerIds), annotatedInts(gss)
		k, r := scale04(spec, noted, without(ints(sts.Spec.ReserveOrdinals), noted), int(*gss.Spec.Replicas), alive, backfill)
		keep, ordinals, list = plainIds(k), plainIds(r), gss.Spec.ReserveGameServerIds
	} else {
		spec, noted := expandIds(gss.Spec.ReserveGameServerIds), expandAnnotation(gss)
		k, r := scale10(spec, noted, expandIds(sts.Spec.ReserveOrdinals).Difference(noted), int(*gss.Spec.Replicas), pods)
		keep, ordinals, list = compressIds(k), compressIds(r), compressIds(spec)
	}
	if backfill {
		list = ordinals
	}
	klog.InfoS("scale", "set", klog.KObj(gss), "generation", gss.Generation, "replicas", *gss.Spec.Replicas,
		"spec", joinIds(gss.Spec.ReserveGameServerIds), "noted", gss.Annotations[reserveIdsKey],
		"workload", joinIds(sts.Spec.ReserveOrdinals), "pods", podNames(pods), "keeps", joinIds(keep), "leavesOut", joinIds(ordinals))
	if w.o.okg == "0.4" {
		if err := w.markDeleting(ctx, gss, expandIds(keep), alive); err != nil {
			return err
		}
	}

	sts.Spec.ReserveOrdinals = ordinals
	sts.Spec.Replicas = gss.Spec.Replicas
	sts.Spec.ScaleStrategy = scaleStrategy{MaxUnavailable: gss.Spec.ScaleStrategy.MaxUnavailable}
	if err := w.writeWorkload(ctx, sts); err != nil {
		return err
	}
	sleep(ctx, w.o.staleReserve)
	return w.patchSet(ctx, gss, map[string]any{
		"spec":     map[string]any{"reserveGameServerIds": list},
		"metadata": map[string]any{"annotations": map[string]string{reserveIdsKey: joinIds(list)}},
	}, "")
}

// markDeleting: 0.4's GameServers outlive their pods unless they carry a label.
func (w *world) markDeleting(ctx context.Context, gss *gameServerSet, keep idSet, pods []*v1.Pod) error {
	for _, p := range pods {
		if keep.Has(idOfName(p.Name)) {
			continue
		}
		patch := []byte(`{"metadata":{"labels":{"` + gsDeletingKey + `":"true"}}}`)
		_, err := w.okg.Resource(gsResource).Namespace(gss.Namespace).
			Patch(ctx, p.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func (w *world) updateWorkload(ctx context.Context, gss *gameServerSet, sts *statefulSet) error {
	if err := fillWorkload(sts, gss); err != nil {
		w.events.Event(gssRef(gss), v1.EventTypeWarning, "UpdateWorkload", err.Error())
		return err
	}
	err := w.writeWorkload(ctx, sts)
	if err == nil {
		w.events.Event(gssRef(gss), v1.EventTypeNormal, "UpdateWorkload", "updated Advanced StatefulSet")
	}
	return err
}

func (w *world) writeWorkload(ctx context.Context, sts *statefulSet) error {
	u, err := encode(sts)
	if err != nil {
		return err
	}
	_, err = w.okg.Resource(stsResource).Namespace(sts.Namespace).Update(ctx, u, metav1.UpdateOptions{})
	return err
}

// writeSetStatus is reached only when nothing needs a scale.  1.0 gets here when
// it is settled; 0.4 also while a scale waits, and says observedGeneration then.
func (w *world) writeSetStatus(ctx context.Context, gss *gameServerSet, sts *statefulSet, pods []*v1.Pod) error {
	s := gssStatus{
		Replicas:             *gss.Spec.Replicas,
		CurrentReplicas:      int32(len(pods)),
		ReadyReplicas:        sts.Status.ReadyReplicas,
		AvailableReplicas:    sts.Status.AvailableReplicas,
		UpdatedReplicas:      sts.Status.UpdatedReplicas,
		UpdatedReadyReplicas: sts.Status.UpdatedReadyReplicas,
		LabelSelector:        sts.Status.LabelSelector,
		ObservedGeneration:   gss.Generation,
	}
	for _, p := range pods {
		switch p.Labels[gsOpsStateKey] {
		case "WaitToBeDeleted":
			s.WaitToBeDeletedReplicas++
		case "Maintaining":
			s.MaintainingReplicas++
		}
	}
	if equality.Semantic.DeepEqual(s, gss.Status) {
		return nil
	}
	sleep(ctx, w.o.statusDelay)
	return w.patchSet(ctx, gss, map[string]any{"status": s}, "status")
}

func (w *world) patchSet(ctx context.Context, gss *gameServerSet, patch map[string]any, sub string) error {
	b, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	var subs []string
	if sub != "" {
		subs = []string{sub}
	}
	_, err = w.okg.Resource(gssResource).Namespace(gss.Namespace).
		Patch(ctx, gss.Name, types.MergePatchType, b, metav1.PatchOptions{}, subs...)
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// expandAnnotation reads the annotation as 1.0 does while it scales: like the
// spec, so that one bad element empties it.
func expandAnnotation(gss *gameServerSet) idSet {
	var list []intstr.IntOrString
	for _, s := range splitComma(gss.Annotations[reserveIdsKey]) {
		list = append(list, intstr.Parse(s))
	}
	return expandIds(list)
}

// podNames lists pods for the log; a terminating one has a mark.
func podNames(pods []*v1.Pod) string {
	var out []string
	for _, p := range pods {
		name := strconv.Itoa(idOfName(p.Name))
		if p.DeletionTimestamp != nil {
			name += "†"
		}
		out = append(out, name)
	}
	return strings.Join(out, ",")
}

func ints(list []intstr.IntOrString) (out []int) {
	for i := range list {
		out = append(out, list[i].IntValue())
	}
	return out
}

func annotatedInts(gss *gameServerSet) (out []int) {
	for _, s := range splitComma(gss.Annotations[reserveIdsKey]) {
		if e := intstr.Parse(s); e.Type == intstr.Int {
			out = append(out, int(e.IntVal))
		}
	}
	return out
}

func sortedInts(a []int) []int {
	a = slices.Clone(a)
	slices.Sort(a)
	return a
}

func gssRef(gss *gameServerSet) *v1.ObjectReference {
	return &v1.ObjectReference{APIVersion: "game.kruise.io/v1alpha1", Kind: "GameServerSet",
		Namespace: gss.Namespace, Name: gss.Name, UID: gss.UID}
}
