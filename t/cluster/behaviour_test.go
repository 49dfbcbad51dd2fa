// behaviour_test.go: what OpenKruiseGame 1.0, kruise and the kubelet do, seen
// from outside.  One cluster; each subtest has a GameServerSet of its own.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"ngx-aigc/cluster/demo"

	"github.com/gorilla/websocket"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var bg = context.Background()

func TestCluster(t *testing.T) {
	r := startCluster(t, "127.201.0.0/16")
	tests := []struct {
		name string
		run  func(*testing.T, *running)
	}{
		{"the seed's template installs", seedTemplate},
		{"release takes exactly that pod, start brings the disk back", releaseAndStart},
		{"while Deleting the network still is Ready", networkLast},
		{"pods of the node's own network share its address", hostNetwork},
		{"the reserve list is rewritten: ranges, backfill, absent", reserveRewritten},
		{"an image change is made in place", inPlaceUpdate},
		{"another change re-creates the pod", recreateUpdate},
		{"OnDelete without rollingUpdate keeps running pods", onDelete},
		{"paused keeps running pods", paused},
		{"a terminating claim blocks its pod, and every deletion", terminatingClaim},
		{"deleting the set leaves the claims, and a new one takes them", deleteSet},
		{"a claim that is gone takes its data along", claimGone},
		{"the lists [4,4], [-1] and [\"x\"] are accepted", acceptedSlips},
		{"annotations steer the kubelet", steering},
		{"a volume that does not attach", attach},
		{"metadata of the template reaches GameServers", templateMetadata},
		{"addresses are reused at once, after every connection has ended", addresses},
		{"a deleted pod comes back under its id", deletedPod},
		{"opsState and deletionPriority choose who goes", whoGoes},
		{"Kill lowers replicas", kill},
		{"the demo application", application},
		{"the gateway's rights are exactly these", rights},
	}
	t.Run("group", func(t *testing.T) {
		for _, c := range tests {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, r)
			})
		}
	})
	t.Run("a stop and a start change nothing", func(t *testing.T) { restart(t, r) })
}

func seedTemplate(t *testing.T, r *running) {
	for _, f := range []string{"stable-diffusion-cpu", "stable-diffusion-gpu", "notebook"} {
		text, err := os.ReadFile("templates/" + f + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		u := parseYAML(t, text)
		if _, err := r.dyn.Resource(gssResource).Namespace("default").Create(bg, u, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		copied := *r
		copied.t = t
		s := &set{running: &copied, t: t, name: f}
		s.settled()
		s.truth(2)
		s.ids(0, 1)
		ing, err := r.cs.NetworkingV1().Ingresses("default").Get(bg, f+"-1", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if h := ing.Spec.Rules[0].Host; !strings.Contains(h, "1") || !strings.HasSuffix(h, ".aigc.localhost") {
			t.Errorf("%s: host %s", f, h)
		}
		if h := s.gs(1).Status.NetworkStatus.ExternalAddresses[0].EndPoint; h != ing.Spec.Rules[0].Host {
			t.Errorf("%s: endPoint %s", f, h)
		}
		if _, err := r.cs.CoreV1().Services("default").Get(bg, f+"-0", metav1.GetOptions{}); err != nil {
			t.Error(err)
		}
	}
}

func releaseAndStart(t *testing.T, r *running) {
	s := r.newSet(t, "release", nil)
	s.truth(2)
	s.ids(0, 1)
	zero, one, claim := s.pod(0).UID, s.pod(1).UID, s.claim(0)
	if claim.OwnerReferences != nil || claim.Labels[ownerGssKey] != s.name || claim.Status.Phase != v1.ClaimBound {
		t.Errorf("claim: %v %v %s", claim.OwnerReferences, claim.Labels, claim.Status.Phase)
	}
	if code, _ := s.call(0, "PUT", "/disk/mine", "kept"); code != 204 {
		t.Fatalf("PUT: %d", code)
	}
	s.truth(1, 0)
	s.ids(1)
	if s.pod(1).UID != one {
		t.Error("the bystander was re-created")
	}
	s.eventually(15*time.Second, "Service and Ingress of 0 go", func() bool {
		_, a := r.cs.CoreV1().Services("default").Get(bg, "release-0", metav1.GetOptions{})
		_, b := r.cs.NetworkingV1().Ingresses("default").Get(bg, "release-0", metav1.GetOptions{})
		return a != nil && b != nil && s.pod(0) == nil
	})
	if s.claim(0).UID != claim.UID {
		t.Error("the claim was re-created")
	}
	if a := s.get().Annotations[reserveIdsKey]; a != "0" {
		t.Errorf("annotation %q", a)
	}
	s.truth(2)
	s.ids(0, 1)
	if s.pod(0).UID == zero || s.pod(1).UID != one || s.claim(0).UID != claim.UID {
		t.Error("start: a new pod with the old claim is wanted, and the bystander as it was")
	}
	if _, body := s.call(0, "GET", "/disk/mine", ""); body != "kept" {
		t.Errorf("disk: %q", body)
	}
	if ref := metav1.GetControllerOf(s.gs(0)); ref.Kind != "Pod" || ref.UID != s.pod(0).UID {
		t.Errorf("GameServer's owner: %v", ref)
	}
	st := s.get().Status
	if st.Replicas != 2 || st.CurrentReplicas != 2 || st.ReadyReplicas != 2 || st.AvailableReplicas != 2 ||
		st.UpdatedReplicas != 2 || st.UpdatedReadyReplicas != 2 || st.LabelSelector != ownerGssKey+"="+s.name {
		t.Errorf("status %+v", st)
	}
}

func networkLast(t *testing.T, r *running) {
	s := r.newSet(t, "network", map[string]string{aStopDelay: "300ms"})
	states, stop := s.history(0)
	defer stop()
	s.truth(1)
	s.ids(0)
	s.truth(0, 0)
	s.eventually(15*time.Second, "it is gone", func() bool { return slices.Contains(states(), "gone") })
	if !slices.Contains(states(), "Deleting/Ready") {
		t.Errorf("%v: Deleting with the network still Ready is wanted", states())
	}
}

func hostNetwork(t *testing.T, r *running) {
	one, two := r.newSet(t, "host-one", nil), r.newSet(t, "host-two", nil)
	for s, port := range map[*set]int{one: 7860, two: 7861} {
		s.merge(fmt.Sprintf(`{"spec":{"gameServerTemplate":{"spec":{"hostNetwork":true,
			"containers":[{"name":"main","image":"demo:v1","ports":[{"containerPort":%d}]}]}}}}`, port))
		s.truth(1)
	}
	one.ids(0)
	two.ids(0)
	a, b := one.pod(0), two.pod(0)
	if a.Status.PodIP != b.Status.PodIP || a.Status.PodIP == "" {
		t.Errorf("addresses %s and %s", a.Status.PodIP, b.Status.PodIP)
	}
	for p, port := range map[*v1.Pod]int{a: 7860, b: 7861} {
		resp, err := http.Get(fmt.Sprintf("http://%s:%d/info", p.Status.PodIP, port))
		if err != nil {
			t.Fatal(err)
		}
		var info struct{ Pod string }
		json.NewDecoder(resp.Body).Decode(&info)
		resp.Body.Close()
		if info.Pod != p.Name {
			t.Errorf("port %d is answered by %q, not %s", port, info.Pod, p.Name)
		}
	}
}

func reserveRewritten(t *testing.T, r *running) {
	s := r.newSet(t, "reserve", nil)
	s.truth(4)
	s.ids(0, 1, 2, 3)
	s.settled()
	if got := s.reserve(); got != "-" {
		t.Errorf("an empty list becomes %s, not absent", got)
	}
	s.truth(1, 0, 1, 2)
	s.ids(3)
	s.settled()
	if got := s.reserve(); got != `["0-2"]` {
		t.Errorf("list %s", got)
	}
	if got := s.get().Annotations[reserveIdsKey]; got != "0-2" {
		t.Errorf("annotation %s", got)
	}
	s.truth(2, 0, 2)
	s.ids(1, 3)
	// A re-applied template: replicas 0, the list as it was.  Every pod dies,
	// and ReserveIds fills the list up.
	s.merge(`{"spec":{"replicas":0}}`)
	s.ids()
	s.settled()
	if got := s.reserve(); got != `["0-3"]` {
		t.Errorf("after replicas 0: %s", got)
	}
	s.truth(2, 0, 2)
	s.ids(1, 3)
	s.merge(`{"metadata":{"annotations":{"mine":"x"}}}`)
	if g := s.get(); g.Generation != g.Status.ObservedGeneration {
		t.Error("an annotation-only patch changed the generation")
	}
}

func inPlaceUpdate(t *testing.T, r *running) {
	s := r.newSet(t, "inplace", map[string]string{aStartDelay: "200ms"})
	s.truth(1)
	s.ids(0)
	before := s.pod(0)
	s.call(0, "PUT", "/disk/f", "x")
	states, stop := s.history(0)
	defer stop()
	s.merge(`{"spec":{"gameServerTemplate":{"spec":{"containers":[{"name":"main","image":"demo:v2"}]}}}}`)
	s.eventually(10*time.Second, "the new image runs", func() bool {
		p := s.pod(0)
		return isTrue(&p.Status, v1.PodReady) && p.Status.ContainerStatuses[0].Image == "demo:v2"
	})
	s.ids(0)
	s.eventually(15*time.Second, "the GameServer is Ready again", func() bool {
		l := states()
		return len(l) > 3 && l[len(l)-1] == "Ready/Ready"
	})
	var seen []string
	for _, x := range states() {
		seen = append(seen, strings.TrimSuffix(x, "/Ready"))
	}
	if want := []string{"Ready", "NotReady", "Updating", "NotReady", "Ready"}; !slices.Equal(seen, want) && !slices.Equal(seen, want[1:]) {
		t.Errorf("states %v, want %v", seen, want)
	}
	p := s.pod(0)
	c, old := p.Status.ContainerStatuses[0], before.Status.ContainerStatuses[0]
	if p.UID != before.UID || p.Status.PodIP != before.Status.PodIP || c.RestartCount != 1 || c.ImageID == old.ImageID {
		t.Errorf("uid %s %s, restarts %d, imageID %s", before.UID, p.UID, c.RestartCount, c.ImageID)
	}
	if _, body := s.call(0, "GET", "/info", ""); !strings.Contains(body, `"image":"demo:v2"`) {
		t.Error(body)
	}
	if _, body := s.call(0, "GET", "/disk/f", ""); body != "x" {
		t.Errorf("disk %q", body)
	}
}

func recreateUpdate(t *testing.T, r *running) {
	s := r.newSet(t, "recreate", nil)
	s.truth(1)
	s.ids(0)
	before := s.pod(0).UID
	s.merge(`{"spec":{"gameServerTemplate":{"spec":{"containers":[{"name":"main","image":"demo:v1","env":[{"name":"A","value":"B"}]}]}}}}`)
	s.eventually(10*time.Second, "another pod", func() bool { p := s.pod(0); return p != nil && p.UID != before })
	s.ids(0)
}

func onDelete(t *testing.T, r *running) {
	s := r.newSet(t, "ondelete", nil)
	s.truth(2)
	s.ids(0, 1)
	s.merge(`{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":null}}}`)
	s.settled()
	keepsRunningPods(t, s)
}

func paused(t *testing.T, r *running) {
	s := r.newSet(t, "paused", nil)
	s.truth(2)
	s.ids(0, 1)
	s.merge(`{"spec":{"updateStrategy":{"rollingUpdate":{"paused":true,"partition":0}}}}`)
	s.settled()
	keepsRunningPods(t, s)
	// OnDelete beside a rollingUpdate block is RollingUpdate.
	s.merge(`{"spec":{"updateStrategy":{"type":"OnDelete","rollingUpdate":{"paused":false}}}}`)
	s.eventually(10*time.Second, "the other pod is updated after all", func() bool { return imageOf(s, 1) == "demo:v2" })
}

func keepsRunningPods(t *testing.T, s *set) {
	t.Helper()
	s.merge(`{"spec":{"gameServerTemplate":{"spec":{"containers":[{"name":"main","image":"demo:v2"}]}}}}`)
	s.settled()
	s.truth(1, 0)
	s.ids(1)
	s.truth(2)
	s.ids(0, 1)
	if a, b := imageOf(s, 0), imageOf(s, 1); a != "demo:v2" || b != "demo:v1" {
		t.Errorf("started again: %s, running: %s", a, b)
	}
}

func imageOf(s *set, id int) string {
	if p := s.pod(id); p != nil {
		return p.Spec.Containers[0].Image
	}
	return ""
}

func terminatingClaim(t *testing.T, r *running) {
	s := r.newSet(t, "blocked", nil)
	s.truth(2)
	s.ids(0, 1)
	// While the pod uses it, pvc-protection keeps the claim; add a finalizer to keep it longer.
	claims := r.cs.CoreV1().PersistentVolumeClaims("default")
	name := s.claim(0).Name
	finalizers := func(list string) {
		if _, err := claims.Patch(bg, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":`+list+`}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	finalizers(`["kubernetes.io/pvc-protection","test/hold"]`)
	if err := claims.Delete(bg, name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.truth(1, 0)
	s.ids(1)
	s.truth(1, 1)
	s.eventually(15*time.Second, "the workload says that a pod cannot be made", func() bool {
		list, err := s.cs.CoreV1().Events("default").List(bg, metav1.ListOptions{
			FieldSelector: "involvedObject.kind=StatefulSet,involvedObject.name=blocked,reason=FailedCreate"})
		return err == nil && len(list.Items) > 0 && strings.Contains(list.Items[0].Message, "Pod blocked-0 in StatefulSet blocked failed error: pvc ")
	})
	s.eventually(15*time.Second, "and so does its condition", func() bool {
		u, err := s.dyn.Resource(stsResource).Namespace("default").Get(bg, s.name, metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		sts, err := decode[statefulSet](u)
		return err == nil && len(sts.Status.Conditions) == 1 && sts.Status.Conditions[0].Type == "FailedCreatePod"
	})
	if s.pod(0) != nil {
		t.Error("a pod was created on a terminating claim")
	}
	if p := s.pod(1); p == nil || p.DeletionTimestamp != nil {
		t.Error("a pod was deleted before the missing one was made")
	}
	old := s.claim(0).UID
	finalizers(`null`)
	s.ids(0)
	if s.claim(0).UID == old {
		t.Error("still the old claim")
	}
}

func deleteSet(t *testing.T, r *running) {
	s := r.newSet(t, "deleted", nil)
	s.truth(2)
	s.ids(0, 1)
	s.call(1, "PUT", "/disk/f", "one")
	claim := s.claim(1).UID
	if err := r.dyn.Resource(gssResource).Namespace("default").Delete(bg, s.name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually(15*time.Second, "all goes but the claims", func() bool {
		_, svc := r.cs.CoreV1().Services("default").Get(bg, "deleted-0", metav1.GetOptions{})
		return s.pod(0) == nil && s.pod(1) == nil && s.gs(0) == nil && s.gs(1) == nil && svc != nil
	})
	if s.claim(0) == nil || s.claim(1) == nil {
		t.Fatal("a claim went")
	}
	s = r.newSet(t, "deleted", nil)
	s.truth(1, 0)
	s.ids(1)
	if _, body := s.call(1, "GET", "/disk/f", ""); body != "one" || s.claim(1).UID != claim {
		t.Errorf("the new set's instance 1 has %q", body)
	}
}

func claimGone(t *testing.T, r *running) {
	s := r.newSet(t, "claimgone", nil)
	s.truth(1)
	s.ids(0)
	s.call(0, "PUT", "/disk/f", "x")
	folder := filepath.Join(r.dir, "disks", "default", "data-claimgone-0")
	if _, err := os.Stat(filepath.Join(folder, "f")); err != nil {
		t.Error(err)
	}
	s.truth(0, 0)
	s.ids()
	if err := r.cs.CoreV1().PersistentVolumeClaims("default").Delete(bg, s.claim(0).Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually(15*time.Second, "the folder goes", func() bool { _, err := os.Stat(folder); return err != nil })
	s.truth(1)
	s.ids(0)
	if code, _ := s.call(0, "GET", "/disk/f", ""); code != 404 {
		t.Errorf("the new disk has the old data: %d", code)
	}
}

func acceptedSlips(t *testing.T, r *running) {
	s := r.newSet(t, "slips", nil)
	for _, list := range []string{`[4,4]`, `[-1]`, `["x"]`, `["7-5"]`} {
		s.merge(`{"spec":{"reserveGameServerIds":` + list + `}}`)
	}
	s.truth(1, 1)
	s.ids(0)
}

func steering(t *testing.T, r *running) {
	s := r.newSet(t, "steered", map[string]string{aUnschedulable: "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."})
	s.truth(1)
	annotate := func(patch string) {
		t.Helper()
		if _, err := r.cs.CoreV1().Pods("default").Patch(bg, "steered-0", types.MergePatchType,
			[]byte(`{"metadata":{"annotations":`+patch+`}}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	// Each is to be read from the GameServer, which carries the whole pod status.
	status := func() *v1.PodStatus {
		if g := s.gs(0); g != nil {
			return &g.Status.PodStatus
		}
		return &v1.PodStatus{}
	}
	container := func() v1.ContainerStatus {
		if c := status().ContainerStatuses; len(c) > 0 {
			return c[0]
		}
		return v1.ContainerStatus{}
	}
	s.eventually(15*time.Second, "it is unschedulable", func() bool {
		c := condition(status(), v1.PodScheduled)
		return c != nil && c.Reason == "Unschedulable" && strings.Contains(c.Message, "nvidia.com/gpu") && s.gs(0).Status.CurrentState == "Creating"
	})
	s.eventually(15*time.Second, "an event says so", func() bool {
		l, err := r.cs.CoreV1().Events("default").List(bg, metav1.ListOptions{FieldSelector: "involvedObject.name=steered-0,reason=FailedScheduling"})
		return err == nil && len(l.Items) > 0
	})
	annotate(`{"fake/unschedulable":null,"fake/waiting":"ImagePullBackOff: Back-off pulling image \"demo:v1\""}`)
	s.eventually(15*time.Second, "it cannot pull", func() bool {
		w := container().State.Waiting
		return w != nil && w.Reason == "ImagePullBackOff" && strings.Contains(w.Message, "Back-off")
	})
	if c := condition(status(), v1.PodScheduled); c.Status != v1.ConditionTrue || c.Message != "" {
		t.Errorf("scheduled: %+v", c)
	}
	annotate(`{"fake/waiting":null,"fake/hold":"true"}`)
	s.eventually(15*time.Second, "it runs and is not ready", func() bool {
		return s.gs(0).Status.CurrentState == "NotReady" && container().State.Running != nil
	})
	annotate(`{"fake/hold":null}`)
	s.ids(0)
	ip := s.pod(0).Status.PodIP
	annotate(`{"fake/crash":"137"}`)
	s.eventually(15*time.Second, "it crashes", func() bool {
		c := container()
		return c.State.Waiting != nil && c.State.Waiting.Reason == "CrashLoopBackOff" && c.RestartCount == 1 &&
			c.LastTerminationState.Terminated != nil && c.LastTerminationState.Terminated.ExitCode == 137 && s.gs(0).Status.CurrentState == "NotReady"
	})
	if code, _ := call(ip, "GET", "/", ""); code != 0 {
		t.Errorf("a crashed pod answers %d", code)
	}
	annotate(`{"fake/crash":null}`)
	s.ids(0)
	if s.pod(0).Status.PodIP != ip {
		t.Error("a restarted container changed the pod's address")
	}
}

// A volume that does not attach is told by an event alone.
func attach(t *testing.T, r *running) {
	s := r.newSet(t, "attach", map[string]string{aAttach: "AttachVolume.Attach failed: disk is in use"})
	s.truth(1)
	s.eventually(15*time.Second, "an event says so", func() bool {
		l, err := r.cs.CoreV1().Events("default").List(bg, metav1.ListOptions{FieldSelector: "involvedObject.name=attach-0,type=Warning,reason=FailedAttachVolume"})
		return err == nil && len(l.Items) == 1 && l.Items[0].Message == "AttachVolume.Attach failed: disk is in use" && l.Items[0].InvolvedObject.UID == s.pod(0).UID
	})
	s.eventually(15*time.Second, "its status does not", func() bool {
		c := s.pod(0).Status.ContainerStatuses
		return len(c) == 1 && c[0].State.Waiting != nil && c[0].State.Waiting.Reason == "ContainerCreating" && c[0].State.Waiting.Message == ""
	})
	if _, err := r.cs.CoreV1().Pods("default").Patch(bg, "attach-0", types.MergePatchType,
		[]byte(`{"metadata":{"annotations":{"fake/attach":null}}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.ids(0)
}

// Metadata of the template reaches GameServers, and takes no label away.
func templateMetadata(t *testing.T, r *running) {
	s := r.newSet(t, "metadata", nil)
	s.truth(1)
	s.ids(0)
	s.merge(`{"spec":{"gameServerTemplate":{"metadata":{"annotations":{"example.org/note":"x"}}}}}`)
	s.eventually(15*time.Second, "the annotation comes", func() bool { g := s.gs(0); return g != nil && g.Annotations["example.org/note"] == "x" })
	if l := s.gs(0).Labels[ownerGssKey]; l != s.name {
		t.Errorf("its owner's label is %q", l)
	}
}

func addresses(t *testing.T, r *running) {
	s := r.newSet(t, "addr", map[string]string{aStopDelay: "200ms"})
	s.truth(1)
	s.ids(0)
	ip := s.pod(0).Status.PodIP
	ws, _, err := websocket.DefaultDialer.Dial("ws://"+ip+":7860/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	ws.WriteMessage(websocket.TextMessage, []byte("hello"))
	if _, b, err := ws.ReadMessage(); err != nil || string(b) != "hello" {
		t.Errorf("echo %q %v", b, err)
	}
	s.truth(0, 0)
	ws.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, _, err := ws.ReadMessage(); err == nil {
		t.Error("the WebSocket is still open")
	}
	s.eventually(15*time.Second, "the pod goes", func() bool { return s.pod(0) == nil })
}

func deletedPod(t *testing.T, r *running) {
	s := r.newSet(t, "again", nil)
	s.truth(2)
	s.ids(0, 1)
	uid, gs, claim := s.pod(0).UID, s.gs(0).UID, s.claim(0).UID
	if err := r.cs.CoreV1().Pods("default").Delete(bg, "again-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually(15*time.Second, "another pod", func() bool { p := s.pod(0); return p != nil && p.UID != uid })
	s.ids(0, 1)
	if s.gs(0).UID == gs || s.claim(0).UID != claim {
		t.Error("a new GameServer and the old claim are wanted")
	}
}

func whoGoes(t *testing.T, r *running) {
	s := r.newSet(t, "who", nil)
	s.truth(4)
	s.ids(0, 1, 2, 3)
	spec := func(id int, patch string) {
		if _, err := r.dyn.Resource(gsResource).Namespace("default").Patch(bg, fmt.Sprintf("who-%d", id), types.MergePatchType,
			[]byte(`{"spec":`+patch+`}`), metav1.PatchOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	spec(3, `{"opsState":"Allocated"}`)
	spec(0, `{"opsState":"WaitToBeDeleted"}`)
	spec(1, `{"deletionPriority":7}`)
	s.eventually(15*time.Second, "the pods' labels follow", func() bool {
		return s.pod(3).Labels[gsOpsStateKey] == "Allocated" && s.pod(0).Labels[gsOpsStateKey] == "WaitToBeDeleted" && s.pod(1).Labels[gsDeletePrioKey] == "7"
	})
	s.eventually(15*time.Second, "the set counts them", func() bool { return s.get().Status.WaitToBeDeletedReplicas == 1 })
	for _, left := range [][]int{{1, 2, 3}, {2, 3}, {3}} {
		s.merge(fmt.Sprintf(`{"spec":{"replicas":%d}}`, len(left)))
		s.ids(left...)
		s.settled()
	}
	if got := s.reserve(); got != `["0-2"]` {
		t.Errorf("backfilled %s", got)
	}
}

func kill(t *testing.T, r *running) {
	s := r.newSet(t, "kill", nil)
	s.truth(2)
	s.ids(0, 1)
	if _, err := r.dyn.Resource(gsResource).Namespace("default").Patch(bg, "kill-0", types.MergePatchType,
		[]byte(`{"spec":{"opsState":"Kill"}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	s.ids(1)
	if n := *s.get().Spec.Replicas; n != 1 {
		t.Errorf("replicas %d", n)
	}
}

func application(t *testing.T, r *running) {
	s := r.newSet(t, "app", nil)
	s.truth(1)
	s.ids(0)
	p := s.pod(0)
	code, body := s.call(0, "GET", "/", "")
	for _, want := range []string{"app", string(p.UID), "demo:v1", p.Status.PodIP} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("home page lacks %q", want)
		}
	}
	var info demo.App
	_, body = s.call(0, "GET", "/info", "")
	if err := json.Unmarshal([]byte(body), &info); err != nil || info.Template != "app" || info.Namespace != "default" || info.UID != string(p.UID) {
		t.Errorf("%s %v", body, err)
	}
	large := strings.Repeat("0123456789abcdef", 11<<16)
	if code, _ := s.call(0, "PUT", "/disk/big", large); code != 204 {
		t.Errorf("PUT %d", code)
	}
	if _, got := s.call(0, "GET", "/disk/big", ""); got != large {
		t.Errorf("the large file came back with %d of %d bytes", len(got), len(large))
	}
	if _, got := s.call(0, "GET", "/disk/", ""); strings.TrimSpace(got) != `["big"]` {
		t.Error(got)
	}
	for path, want := range map[string]int{"/disk/..": 400, "/disk/../../pki/ca.key": 400, "/disk/%2e%2e%2fx": 400, "/disk/.hidden": 400,
		"/disk/none": 404, "/none": 404, "/status?code=503": 503} {
		if code, _ := s.call(0, "GET", path, ""); code != want {
			t.Errorf("%s: %d, want %d", path, code, want)
		}
	}
	if code, _ := s.call(0, "DELETE", "/disk/big", ""); code != 204 {
		t.Errorf("DELETE %d", code)
	}
	if _, got := s.call(0, "GET", "/large?bytes=300000", ""); len(got) != 300000 {
		t.Errorf("large: %d", len(got))
	}
	if _, got := s.call(0, "GET", "/slow?ms=30&chunks=3", ""); strings.Count(got, "\n") != 3 {
		t.Error(got)
	}
	if _, got := s.call(0, "POST", "/echo", "abc"); got != "abc" {
		t.Error(got)
	}
	req, _ := http.NewRequest("PATCH", "http://"+p.Status.PodIP+":7860/headers?x=1", strings.NewReader("12345"))
	req.Header["x-lower"] = []string{"a"}
	req.Header["X-Two"] = []string{"1", "2"}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Method, URI, Host string
		Headers           [][2]string
		BodyLength        int `json:"body_length"`
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Method != "PATCH" || got.URI != "/headers?x=1" || got.BodyLength != 5 || !slices.Contains(got.Headers, [2]string{"x-lower", "a"}) ||
		!slices.Contains(got.Headers, [2]string{"X-Two", "1"}) || !slices.Contains(got.Headers, [2]string{"X-Two", "2"}) {
		t.Errorf("%+v", got)
	}
	res, err = http.Get("http://" + p.Status.PodIP + ":7860/respond?header=X-Accel-Redirect:/x&header=Set-Cookie:a%3Db&header=Set-Cookie:c%3Dd")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Header.Get("X-Accel-Redirect") != "/x" || len(res.Header["Set-Cookie"]) != 2 {
		t.Errorf("%v", res.Header)
	}
}
