// update.go: how a running pod gets a new revision: in place when only images
// (and metadata) differ and the policy allows it, else by being deleted.
package main

import (
	"context"
	"encoding/json"
	"sort"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes"
)

// inPlaceState is what kruise writes on the pod before it changes an image.
type inPlaceState struct {
	Revision              string                     `json:"revision"`
	UpdateTimestamp       metav1.Time                `json:"updateTimestamp"`
	LastContainerStatuses map[string]inPlaceLastSeen `json:"lastContainerStatuses"`
}

type inPlaceLastSeen struct {
	ImageID string `json:"imageID"`
}

func (w *world) updatePods(ctx context.Context, sts *statefulSet, pods map[int]*v1.Pod, wanted []int, update string) error {
	r := sts.Spec.UpdateStrategy.RollingUpdate
	if sts.Spec.UpdateStrategy.Type != "RollingUpdate" || r == nil || r.Paused {
		return nil
	}
	var old []*v1.Pod
	unavailable := 0
	for _, id := range wanted {
		p := pods[id]
		if !isAvailable(p) {
			unavailable++
		}
		if p != nil && p.DeletionTimestamp == nil && p.Labels[revisionKey] != update {
			old = append(old, p)
		}
	}
	sort.Slice(old, func(i, j int) bool { return idOfName(old[i].Name) > idOfName(old[j].Name) })
	if n := len(old) - int(*r.Partition); n < len(old) {
		old = old[:max(0, n)]
	}
	limit, err := intstr.GetScaledValueFromIntOrPercent(r.MaxUnavailable, int(*sts.Spec.Replicas), true)
	if err != nil {
		return err
	}
	limit = max(limit, 1)
	for _, p := range old {
		if isAvailable(p) {
			if unavailable >= limit {
				break
			}
			unavailable++
		}
		if err := w.updatePod(ctx, sts, p, update); err != nil {
			return err
		}
	}
	return nil
}

func isAvailable(p *v1.Pod) bool {
	return p != nil && p.DeletionTimestamp == nil && p.Status.Phase == v1.PodRunning && isTrue(&p.Status, v1.PodReady)
}

func (w *world) updatePod(ctx context.Context, sts *statefulSet, p *v1.Pod, update string) error {
	policy := sts.Spec.UpdateStrategy.RollingUpdate.PodUpdatePolicy
	if policy != "InPlaceIfPossible" && policy != "InPlaceOnly" {
		return w.deletePod(ctx, p)
	}
	from, err := w.template(ctx, sts, p.Labels[revisionKey])
	if err != nil {
		return err
	}
	to, err := w.template(ctx, sts, update)
	if err != nil {
		return err
	}
	images, possible := imageChanges(from, to)
	if !possible {
		if policy == "InPlaceOnly" {
			return nil
		}
		return w.deletePod(ctx, p)
	}
	// First the pod is taken out of service, and seen to be; then it is changed.
	if len(images) > 0 && isTrue(&p.Status, inPlaceReady) {
		return w.setInPlaceReady(ctx, p, v1.ConditionFalse)
	}
	return w.changePod(ctx, p, from, to, update, images)
}

// imageChanges says which containers get another image, and whether that, and
// metadata, is all that differs.
func imageChanges(from, to *v1.PodTemplateSpec) (map[string]string, bool) {
	a, b := from.Spec.DeepCopy(), to.Spec.DeepCopy()
	images := map[string]string{}
	if len(a.Containers) != len(b.Containers) {
		return nil, false
	}
	for i := range b.Containers {
		if a.Containers[i].Image != b.Containers[i].Image {
			images[b.Containers[i].Name] = b.Containers[i].Image
			a.Containers[i].Image = b.Containers[i].Image
		}
	}
	return images, equality.Semantic.DeepEqual(a, b)
}

func (w *world) changePod(ctx context.Context, p *v1.Pod, from, to *v1.PodTemplateSpec, update string, images map[string]string) error {
	labels := mapDiff(from.Labels, to.Labels)
	labels[revisionKey] = update
	annotations := mapDiff(from.Annotations, to.Annotations)
	patch := map[string]any{"metadata": map[string]any{"uid": p.UID, "labels": labels, "annotations": annotations}}
	if len(images) > 0 {
		state := inPlaceState{Revision: update, UpdateTimestamp: metav1.Now(), LastContainerStatuses: map[string]inPlaceLastSeen{}}
		for _, c := range p.Status.ContainerStatuses {
			if images[c.Name] != "" {
				state.LastContainerStatuses[c.Name] = inPlaceLastSeen{c.ImageID}
			}
		}
		b, err := json.Marshal(state)
		if err != nil {
			return err
		}
		annotations[inPlaceStateKey] = string(b)
		labels[lifecycleKey] = lifecycleUpdating
		var containers []map[string]string
		for name, image := range images {
			containers = append(containers, map[string]string{"name": name, "image": image})
		}
		patch["spec"] = map[string]any{"containers": containers}
	}
	return w.patchPod(ctx, p, patch, "")
}

// refreshPod brings the readiness gate and the lifecycle label up to date.
func (w *world) refreshPod(ctx context.Context, p *v1.Pod) error {
	if p.Labels[lifecycleKey] == lifecycleUpdating {
		if !inPlaceDone(p) {
			return nil
		}
		return w.patchPod(ctx, p, map[string]any{"metadata": map[string]any{
			"labels": map[string]any{lifecycleKey: lifecycleNormal}}}, "")
	}
	c := condition(&p.Status, inPlaceReady)
	if c == nil || (c.Status != v1.ConditionTrue && p.Annotations[inPlaceStateKey] != "" && inPlaceDone(p)) {
		return w.setInPlaceReady(ctx, p, v1.ConditionTrue)
	}
	return nil
}

// inPlaceDone: every container that was to change runs another image now.
func inPlaceDone(p *v1.Pod) bool {
	var s inPlaceState
	if json.Unmarshal([]byte(p.Annotations[inPlaceStateKey]), &s) != nil || s.Revision != p.Labels[revisionKey] {
		return false
	}
	for name, last := range s.LastContainerStatuses {
		done := false
		for _, c := range p.Status.ContainerStatuses {
			done = done || (c.Name == name && c.ImageID != last.ImageID && c.State.Running != nil)
		}
		if !done {
			return false
		}
	}
	return true
}

// setInPlaceReady writes the gate; a pod taken out of service is not Ready in the same write.
func (w *world) setInPlaceReady(ctx context.Context, p *v1.Pod, s v1.ConditionStatus) error {
	now := metav1.Now()
	conditions := []v1.PodCondition{{Type: inPlaceReady, Status: s, LastTransitionTime: now}}
	if s == v1.ConditionFalse {
		conditions = append(conditions, v1.PodCondition{Type: v1.PodReady, Status: s, LastTransitionTime: now,
			Reason: "StartInPlaceUpdate"})
	}
	return w.patchPod(ctx, p, map[string]any{"metadata": map[string]any{"uid": p.UID},
		"status": map[string]any{"conditions": conditions}}, "status")
}

func (w *world) patchPod(ctx context.Context, p *v1.Pod, patch map[string]any, sub string) error {
	return patchPodBy(ctx, w.cs, p, patch, sub)
}

func patchPodBy(ctx context.Context, client kubernetes.Interface, p *v1.Pod, patch map[string]any, sub string) error {
	b, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	var subs []string
	if sub != "" {
		subs = []string{sub}
	}
	_, err = client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, b, metav1.PatchOptions{}, subs...)
	return err
}

// mapDiff is the merge patch from a to b.
func mapDiff(a, b map[string]string) map[string]any {
	d := map[string]any{}
	for k, v := range b {
		if a[k] != v {
			d[k] = v
		}
	}
	for k := range a {
		if _, ok := b[k]; !ok {
			d[k] = nil
		}
	}
	return d
}
