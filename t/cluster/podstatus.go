// podstatus.go: what the kubelet reports of a pod: phase, conditions and
// container states, computed from its run and written when they differ.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// imageID looks like a pulled image's, and differs with the image.
func imageID(image string) string {
	sum := sha256.Sum256([]byte(image))
	return image + "@sha256:" + hex.EncodeToString(sum[:])
}

func exitOf(p *v1.Pod, code string, started time.Time) *v1.ContainerStateTerminated {
	n, _ := strconv.Atoi(code)
	reason := "Error"
	switch n {
	case 0:
		reason = "Completed"
	case 137:
		reason = "OOMKilled"
	}
	if started.IsZero() {
		started = p.CreationTimestamp.Time
	}
	return &v1.ContainerStateTerminated{ExitCode: int32(n), Reason: reason,
		StartedAt: metav1.NewTime(started.Truncate(time.Second)), FinishedAt: metav1.NewTime(time.Now().Truncate(time.Second))}
}

// containerState is the same for every container of a pod: one application
// serves for them all.
func containerState(p *v1.Pod, r *podRun) v1.ContainerState {
	waiting := func(reason, message string) v1.ContainerState {
		return v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason, Message: message}}
	}
	switch {
	case !r.started.IsZero():
		return v1.ContainerState{Running: &v1.ContainerStateRunning{StartedAt: metav1.NewTime(r.started.Truncate(time.Second))}}
	case p.Annotations[aCrash] != "":
		return waiting("CrashLoopBackOff", "back-off 10s restarting failed container")
	case p.Annotations[aWaiting] != "":
		reason, message, _ := strings.Cut(p.Annotations[aWaiting], ":")
		return waiting(strings.TrimSpace(reason), strings.TrimSpace(message))
	case r.exit != nil:
		return v1.ContainerState{Terminated: r.exit}
	}
	return waiting("ContainerCreating", "")
}

func podStatus(p *v1.Pod, r *podRun) v1.PodStatus {
	state := containerState(p, r)
	running, ready := state.Running != nil, !r.ready.IsZero()
	hasRun := running || r.exit != nil
	since := metav1.NewTime(r.since.Truncate(time.Second))
	if p.Status.StartTime != nil {
		since = *p.Status.StartTime
	}
	s := v1.PodStatus{Phase: v1.PodPending, StartTime: &since,
		HostIP: "127.0.0.1", HostIPs: []v1.HostIP{{IP: "127.0.0.1"}}}
	if hasRun {
		s.Phase = v1.PodRunning
	}
	if r.address.IsValid() {
		ip := r.address.String()
		s.PodIP, s.PodIPs = ip, []v1.PodIP{{IP: ip}}
	}
	for _, c := range p.Spec.Containers {
		cs := v1.ContainerStatus{Name: c.Name, Image: c.Image, State: state, Started: &running,
			Ready: running && p.Annotations[aHold] != "true", RestartCount: r.restarts}
		if image := r.images[c.Name]; hasRun && image != "" {
			cs.Image, cs.ImageID = image, imageID(image)
			cs.ContainerID = "fake://" + hashOf(p.UID, c.Name, r.restarts)
		}
		if r.restarts > 0 {
			cs.LastTerminationState = v1.ContainerState{Terminated: r.exit}
		}
		s.ContainerStatuses = append(s.ContainerStatuses, cs)
	}
	containersReady := running && p.Annotations[aHold] != "true"
	add := func(t v1.PodConditionType, ok bool, reason string) {
		c := v1.PodCondition{Type: t, Status: v1.ConditionFalse, Reason: reason, LastTransitionTime: metav1.NewTime(time.Now().Truncate(time.Second))}
		if ok {
			c.Status, c.Reason = v1.ConditionTrue, ""
		}
		if old := condition(&p.Status, t); old != nil && old.Status == c.Status {
			c.LastTransitionTime = old.LastTransitionTime
		}
		s.Conditions = append(s.Conditions, c)
	}
	add(v1.PodScheduled, true, "")
	add(v1.PodInitialized, true, "")
	add(v1.ContainersReady, containersReady, "ContainersNotReady")
	reason := "ContainersNotReady"
	if containersReady {
		reason = "ReadinessGatesNotReady"
	}
	add(v1.PodReady, ready && containersReady, reason)
	return s
}

// sameStatus compares what the kubelet owns; other conditions are not its own.
func sameStatus(have, want *v1.PodStatus) bool {
	if have.Phase != want.Phase || have.PodIP != want.PodIP ||
		!equality.Semantic.DeepEqual(have.ContainerStatuses, want.ContainerStatuses) {
		return false
	}
	for i := range want.Conditions {
		c := condition(have, want.Conditions[i].Type)
		if c == nil || c.Status != want.Conditions[i].Status || c.Message != want.Conditions[i].Message {
			return false
		}
	}
	return true
}

func (k *kubelet) writeStatus(ctx context.Context, p *v1.Pod, r *podRun) error {
	s := podStatus(p, r)
	if sameStatus(&p.Status, &s) {
		return nil
	}
	return k.patchPodStatus(ctx, p, s)
}

func (k *kubelet) patchPodStatus(ctx context.Context, p *v1.Pod, s v1.PodStatus) error {
	return k.patchStatus(ctx, func(b []byte) error {
		_, err := k.w.kl.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.StrategicMergePatchType, b, metav1.PatchOptions{}, "status")
		return err
	}, map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": statusPatch{s}})
}

// statusPatch spells out an empty reason and message of a condition: left out,
// a merge would keep the old ones.
type statusPatch struct{ v1.PodStatus }

func (s statusPatch) MarshalJSON() ([]byte, error) {
	b, err := json.Marshal(s.PodStatus)
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, err
	}
	list, _ := m["conditions"].([]any)
	for _, c := range list {
		for _, field := range []string{"reason", "message"} {
			if c := c.(map[string]any); c[field] == nil {
				c[field] = nil
			}
		}
	}
	return json.Marshal(m)
}

func (k *kubelet) patchStatus(ctx context.Context, patch func([]byte) error, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	err = patch(b)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil // the pod has gone; its event brings us back
	}
	return err
}
