// statefulset.go: kruise's Advanced StatefulSet, as OpenKruiseGame uses it:
// parallel, with reserved ordinals, revisions, claims that nobody owns.
// Updates of running pods are in update.go.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func (w *world) syncStatefulSet(ctx context.Context, key string) error {
	sts, err := cached[statefulSet](w.sts, key)
	if err != nil || sts == nil || sts.DeletionTimestamp != nil {
		return err
	}
	setDefaults(sts)
	update, err := w.ensureRevision(ctx, sts)
	if err != nil {
		return err
	}
	current := sts.Status.CurrentRevision
	if current == "" {
		current = update
	}

	pods := map[int]*v1.Pod{}
	for _, p := range w.podsOf(sts.Namespace, sts.Name) {
		if ref := metav1.GetControllerOf(p); ref != nil && ref.UID == sts.UID {
			pods[idOfName(p.Name)] = p
		}
	}
	wanted := wantedOrdinals(int(*sts.Spec.Replicas), expandIds(sts.Spec.ReserveOrdinals))
	var first error
	keep := func(err error) {
		if first == nil && err != nil && !apierrors.IsNotFound(err) {
			first = err
		}
	}
	// kruise's order: what is missing is made first, by its id.  The first pod
	// that cannot be made ends the round, and nothing is deleted in it.
	admitted := false
	for _, id := range wanted {
		p := pods[id]
		switch {
		case p == nil:
			// On a real cluster kruise's and OKG's webhooks stand before every
			// new pod.  Without that time a pod could be there before OKG has
			// seen its own write, which happens there, but hardly ever.
			if !admitted {
				sleep(ctx, w.o.webhookDelay)
				admitted = true
			}
			if err := w.createPod(ctx, sts, id, w.revisionForNew(sts, pods, current, update)); err != nil {
				failed := []stsCondition{{Type: "FailedCreatePod", Status: v1.ConditionTrue,
					Message: "StatefulPodControl failed to create Pod error: " + err.Error()}}
				if w.o.okg == "0.4" {
					return err // the kruise of its time wrote no status then
				}
				keep(w.writeWorkloadStatus(ctx, sts, pods, wanted, current, update, failed))
				return err
			}
		case p.DeletionTimestamp != nil: // its name is free only when it is gone
		case p.Status.Phase == v1.PodFailed || p.Status.Phase == v1.PodSucceeded:
			keep(w.deletePod(ctx, p))
		default:
			keep(w.refreshPod(ctx, p))
		}
	}
	for _, p := range condemned(pods, wanted) {
		err := w.deletePod(ctx, p)
		w.podEvent(sts, "delete", "Pod "+p.Name, err)
		keep(err)
	}
	keep(w.updatePods(ctx, sts, pods, wanted, update))
	keep(w.writeWorkloadStatus(ctx, sts, pods, wanted, current, update, nil))
	return first
}

func setDefaults(sts *statefulSet) {
	u := &sts.Spec.UpdateStrategy
	if u.Type == "RollingUpdate" {
		if u.RollingUpdate == nil {
			u.RollingUpdate = &rollingUpdate{}
		}
		if u.RollingUpdate.Partition == nil {
			u.RollingUpdate.Partition = new(int32)
		}
		if u.RollingUpdate.MaxUnavailable == nil {
			one := intstr.FromInt32(1)
			u.RollingUpdate.MaxUnavailable = &one
		}
		if u.RollingUpdate.PodUpdatePolicy == "" {
			u.RollingUpdate.PodUpdatePolicy = "ReCreate"
		}
	}
}

// condemned are pods that are not wanted any more, highest id first.
func condemned(pods map[int]*v1.Pod, wanted []int) (out []*v1.Pod) {
	want := map[int]bool{}
	for _, id := range wanted {
		want[id] = true
	}
	for id, p := range pods {
		if !want[id] && p.DeletionTimestamp == nil {
			out = append(out, p)
		}
	}
	sort.Slice(out, func(i, j int) bool { return idOfName(out[i].Name) > idOfName(out[j].Name) })
	return out
}

func (w *world) deletePod(ctx context.Context, p *v1.Pod) error {
	return w.cs.CoreV1().Pods(p.Namespace).Delete(ctx, p.Name,
		metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &p.UID}})
}

// ensureRevision records the pod template as a ControllerRevision.
func (w *world) ensureRevision(ctx context.Context, sts *statefulSet) (string, error) {
	name := sts.Name + "-" + hashOf(sts.Spec.Template)
	if sts.Status.UpdateRevision == name {
		return name, nil
	}
	data, err := json.Marshal(sts.Spec.Template)
	if err != nil {
		return "", err
	}
	rev := &appsv1.ControllerRevision{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: sts.Namespace, Labels: map[string]string{ownerGssKey: sts.Name},
			OwnerReferences: ownerOf("apps.kruise.io/v1beta1", "StatefulSet", &sts.ObjectMeta)},
		Data: runtime.RawExtension{Raw: data}, Revision: sts.Generation,
	}
	_, err = w.cs.AppsV1().ControllerRevisions(sts.Namespace).Create(ctx, rev, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		old, err := w.cs.AppsV1().ControllerRevisions(sts.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		if ref := metav1.GetControllerOf(old); ref == nil || ref.UID != sts.UID {
			// Of an earlier set of this name; the garbage collector is on its way.
			return "", fmt.Errorf("revision %s belongs to an earlier set", name)
		}
		return name, nil
	}
	return name, err
}

func (w *world) template(ctx context.Context, sts *statefulSet, revision string) (*v1.PodTemplateSpec, error) {
	if revision == sts.Name+"-"+hashOf(sts.Spec.Template) {
		return sts.Spec.Template.DeepCopy(), nil
	}
	rev, err := w.cs.AppsV1().ControllerRevisions(sts.Namespace).Get(ctx, revision, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	t := &v1.PodTemplateSpec{}
	return t, json.Unmarshal(rev.Data.Raw, t)
}

// revisionForNew: a new pod takes the new revision, but for as many pods as
// partition holds back.
func (w *world) revisionForNew(sts *statefulSet, pods map[int]*v1.Pod, current, update string) string {
	r := sts.Spec.UpdateStrategy.RollingUpdate
	if sts.Spec.UpdateStrategy.Type != "RollingUpdate" || r == nil {
		return update
	}
	old := int32(0)
	for _, p := range pods {
		if p.Labels[revisionKey] != update {
			old++
		}
	}
	if old < *r.Partition {
		return current
	}
	return update
}

func (w *world) createPod(ctx context.Context, sts *statefulSet, id int, revision string) error {
	t, err := w.template(ctx, sts, revision)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s-%d", sts.Name, id)
	p := &v1.Pod{ObjectMeta: t.ObjectMeta, Spec: t.Spec}
	p.Name, p.Namespace = name, sts.Namespace
	p.OwnerReferences = ownerOf("apps.kruise.io/v1beta1", "StatefulSet", &sts.ObjectMeta)
	if p.Labels == nil {
		p.Labels = map[string]string{}
	}
	p.Labels[revisionKey], p.Labels[podNameKey] = revision, name
	p.Labels[podIndexKey], p.Labels[lifecycleKey] = strconv.Itoa(id), lifecycleNormal
	p.Spec.Hostname, p.Spec.Subdomain = name, sts.Spec.ServiceName

	for i := range sts.Spec.VolumeClaimTemplates {
		c := sts.Spec.VolumeClaimTemplates[i].DeepCopy()
		volume := c.Name
		c.Name, c.Namespace = fmt.Sprintf("%s-%s", c.Name, name), sts.Namespace
		if err := w.ensureClaim(ctx, sts, c); err != nil {
			w.podEvent(sts, "create", "Claim "+c.Name+" for Pod "+name, err)
			return err
		}
		setVolume(&p.Spec, volume, c.Name)
	}
	if p.Annotations[networkTypeKey] == ingressNetwork {
		// OKG's webhook makes the Service before the pod has a uid: each start
		// begins with this, and the next look makes it.
		w.events.Eventf(&v1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: sts.Namespace, Name: name},
			v1.EventTypeWarning, "apiCallError", "Failed to CREATE pod %s/%s ,because of Service %q is invalid: "+
				"metadata.ownerReferences.uid: Invalid value: \"\": must not be empty", sts.Namespace, name, name)
	}
	_, err = w.cs.CoreV1().Pods(sts.Namespace).Create(ctx, p, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil // our cache is behind, or the name is not free yet; its event comes
	}
	w.podEvent(sts, "create", "Pod "+name, err)
	return err
}

// podEvent is kruise's word on each pod, on the workload: of one workload the
// client takes 25 at once, and then one in five minutes.
func (w *world) podEvent(sts *statefulSet, verb, what string, err error) {
	ref := &v1.ObjectReference{APIVersion: "apps.kruise.io/v1beta1", Kind: "StatefulSet",
		Namespace: sts.Namespace, Name: sts.Name, UID: sts.UID}
	title := strings.ToUpper(verb[:1]) + verb[1:]
	if err == nil {
		w.kruise.Eventf(ref, v1.EventTypeNormal, "Successful"+title, "%s %s in StatefulSet %s successful", verb, what, sts.Name)
		return
	}
	w.kruise.Eventf(ref, v1.EventTypeWarning, "Failed"+title, "%s %s in StatefulSet %s failed error: %v", verb, what, sts.Name, err)
}

// ensureClaim creates a claim without owner, so that it outlives everything;
// one that is on its way out blocks the pod.
func (w *world) ensureClaim(ctx context.Context, sts *statefulSet, c *v1.PersistentVolumeClaim) error {
	o, found, err := w.claims.GetByKey(c.Namespace + "/" + c.Name)
	if err != nil {
		return err
	}
	if found {
		if o.(*v1.PersistentVolumeClaim).DeletionTimestamp != nil {
			return fmt.Errorf("pvc %s is being deleted", c.Name)
		}
		return nil
	}
	if c.Labels == nil {
		c.Labels = map[string]string{}
	}
	for k, v := range sts.Spec.Selector.MatchLabels {
		c.Labels[k] = v
	}
	c.Status = v1.PersistentVolumeClaimStatus{}
	_, err = w.cs.CoreV1().PersistentVolumeClaims(c.Namespace).Create(ctx, c, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func setVolume(s *v1.PodSpec, volume, claim string) {
	src := v1.VolumeSource{PersistentVolumeClaim: &v1.PersistentVolumeClaimVolumeSource{ClaimName: claim}}
	for i := range s.Volumes {
		if s.Volumes[i].Name == volume {
			s.Volumes[i].VolumeSource = src
			return
		}
	}
	s.Volumes = append(s.Volumes, v1.Volume{Name: volume, VolumeSource: src})
}

func (w *world) writeWorkloadStatus(ctx context.Context, sts *statefulSet, pods map[int]*v1.Pod, wanted []int, current, update string, conditions []stsCondition) error {
	s := stsStatus{ObservedGeneration: sts.Generation, CurrentRevision: current, UpdateRevision: update, Conditions: conditions,
		LabelSelector: metav1.FormatLabelSelector(sts.Spec.Selector)}
	for _, p := range pods {
		s.Replicas++ // terminating pods count until they are gone
		ready := p.Status.Phase == v1.PodRunning && isTrue(&p.Status, v1.PodReady)
		if ready {
			s.ReadyReplicas++
			s.AvailableReplicas++
		}
		if p.DeletionTimestamp != nil {
			continue
		}
		if p.Labels[revisionKey] == current {
			s.CurrentReplicas++
		}
		if p.Labels[revisionKey] == update {
			s.UpdatedReplicas++
			if ready {
				s.UpdatedReadyReplicas++
			}
		}
	}
	// All pods have the new revision: it is the current one from now on.
	if int(s.UpdatedReplicas) == len(wanted) && int(s.ReadyReplicas) == len(wanted) && int(s.Replicas) == len(wanted) {
		s.CurrentRevision, s.CurrentReplicas = update, s.UpdatedReplicas
	}
	if equality.Semantic.DeepEqual(s, sts.Status) {
		return nil
	}
	b, err := json.Marshal(map[string]any{"status": s})
	if err != nil {
		return err
	}
	_, err = w.kruises.Resource(stsResource).Namespace(sts.Namespace).
		Patch(ctx, sts.Name, types.MergePatchType, b, metav1.PatchOptions{}, "status")
	return err
}
