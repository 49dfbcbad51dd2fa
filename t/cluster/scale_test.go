// scale_test.go: the rules of OpenKruiseGame by which ids are chosen.
package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
)

func pods(ids ...int) (out []*v1.Pod) {
	for _, id := range ids {
		out = append(out, &v1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("a-b-%d", id), Labels: map[string]string{}}})
	}
	return out
}

func label(p *v1.Pod, kv ...string) *v1.Pod {
	for i := 0; i < len(kv); i += 2 {
		p.Labels[kv[i]] = kv[i+1]
	}
	return p
}

func TestScale10(t *testing.T) {
	dying, leaving := pods(0, 1), pods(0, 1)
	now := metav1.Now()
	dying[0].DeletionTimestamp = &now
	label(leaving[0], lifecycleKey, preparingDelete)
	killed, prio := pods(0, 1, 2), pods(0, 1, 2)
	label(killed[0], gsOpsStateKey, "WaitToBeDeleted")
	label(killed[2], gsOpsStateKey, "Maintaining")
	label(prio[1], gsDeletePrioKey, "10")
	tests := []struct {
		name                  string
		spec, noted, implicit []int
		replicas              int
		pods                  []*v1.Pod
		keep, reserve         []int
	}{
		{"the smallest free id is added", nil, nil, nil, 2, pods(1), []int{0, 1}, nil},
		{"an id that was left out comes back first", nil, nil, []int{0}, 3, pods(1), []int{0, 1, 2}, nil},
		{"a reserved id is never chosen", []int{0, 2}, nil, nil, 2, nil, []int{1, 3}, []int{0, 2}},
		{"a reserved id loses its pod", []int{0}, nil, nil, 1, pods(0, 1), []int{1}, []int{0}},
		{"reserving without lowering replicas moves on to the next id", []int{0}, nil, nil, 2, pods(0, 1), []int{1, 2}, []int{0}},
		{"an id that is reserved no longer is a hole", nil, []int{1}, nil, 1, pods(0), []int{0}, []int{1}},
		{"the highest id goes first", nil, nil, nil, 1, pods(0, 1, 2), []int{0}, []int{1, 2}},
		{"opsState comes before the id", nil, nil, nil, 1, killed, []int{2}, []int{0, 1}},
		{"deletionPriority comes before the id", nil, nil, nil, 2, prio, []int{0, 2}, []int{1}},
		{"a terminating pod does not count, its id is free", nil, nil, nil, 2, dying, []int{0, 1}, nil},
		{"an id in PreparingDelete is not free", nil, nil, nil, 2, leaving, []int{1, 2}, nil},
		{"release and install in one patch", []int{0}, nil, nil, 2, pods(0, 1), []int{1, 2}, []int{0}},
		{"a repeated scale drops an id that it has just started", []int{0, 2}, []int{0, 1, 2}, nil, 2, pods(1, 3), []int{1, 3}, []int{0, 1, 2}},
		{"all pods go", nil, nil, nil, 0, pods(0, 1, 2), []int{}, []int{0, 1, 2}},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			keep, reserve := scale10(sets.New(c.spec...), sets.New(c.noted...), sets.New(c.implicit...), c.replicas, c.pods)
			if got := sets.List(keep); !slices.Equal(got, c.keep) {
				t.Errorf("keeps %v, want %v", got, c.keep)
			}
			if got := sets.List(reserve); !slices.Equal(got, c.reserve) {
				t.Errorf("leaves out %v, want %v", got, c.reserve)
			}
		})
	}
}

func TestScale04(t *testing.T) {
	tests := []struct {
		name                  string
		spec, noted, implicit []int
		replicas              int
		pods                  []*v1.Pod
		backfill              bool
		keep, reserve         []int
	}{
		{"from nothing", nil, nil, nil, 2, nil, true, []int{0, 1}, nil},
		{"a reserved id loses its pod", []int{0}, nil, nil, 1, pods(0, 1), true, []int{1}, []int{0}},
		{"it comes back", nil, []int{0}, nil, 2, pods(1), true, []int{0, 1}, nil},
		{"ids above the highest, but for reserved ones", []int{2}, []int{2}, nil, 3, pods(0, 1), true, []int{0, 1, 3}, []int{2}},
		{"deleted ids are appended as they come", []int{7}, []int{7}, nil, 1, pods(0, 1, 2), true, []int{0}, []int{7, 2, 1}},
		{"without ReserveIds the holes are left out", nil, nil, nil, 1, label3(), false, []int{2}, []int{0, 1}},
		{"an id that is reserved no longer waits until it is needed", nil, []int{0}, nil, 1, pods(1), true, []int{1}, nil},
	}
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			keep, reserve := scale04(c.spec, c.noted, c.implicit, c.replicas, c.pods, c.backfill)
			if !slices.Equal(keep, c.keep) {
				t.Errorf("keeps %v, want %v", keep, c.keep)
			}
			if !slices.Equal(reserve, c.reserve) {
				t.Errorf("leaves out %v, want %v", reserve, c.reserve)
			}
		})
	}
}

func label3() []*v1.Pod {
	p := pods(0, 1, 2)
	label(p[2], gsOpsStateKey, "Allocated")
	return p
}

func TestDeletionOrder(t *testing.T) {
	p := pods(0, 1, 2, 3, 4, 5)
	label(p[0], gsOpsStateKey, "Maintaining")
	label(p[1], gsOpsStateKey, "Allocated")
	label(p[2], gsOpsStateKey, "WaitToBeDeleted")
	label(p[3], gsOpsStateKey, "Kill")
	label(p[4], gsOpsStateKey, "None", gsDeletePrioKey, "5")
	deletionOrder(p)
	var got []int
	for _, x := range p {
		got = append(got, idOfName(x.Name))
	}
	if want := []int{3, 2, 4, 5, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestReserveList(t *testing.T) {
	tests := []struct{ in, out string }{
		{`[]`, `null`},
		{`[0]`, `[0]`},
		{`[1,0]`, `[0,1]`},
		{`[5,6,7]`, `["5-7"]`},
		{`["5-7",1,9,10]`, `[1,"5-7",9,10]`},
		{`[4,4]`, `[4]`},
		{`[-1]`, `[-1]`},
		{`["x"]`, `null`},
		{`["7-5",3]`, `null`},
	}
	for _, c := range tests {
		var in []intstr.IntOrString
		if err := json.Unmarshal([]byte(c.in), &in); err != nil {
			t.Fatal(err)
		}
		out, _ := json.Marshal(compressIds(expandIds(in)))
		if string(out) != c.out {
			t.Errorf("%s becomes %s, want %s", c.in, out, c.out)
		}
	}
	if got := joinIds(compressIds(sets.New(0, 1, 5, 6, 7))); got != "0,1,5-7" {
		t.Errorf("annotation %q", got)
	}
	if got := sets.List(parseIds("1, 3-5,x,7")); !slices.Equal(got, []int{1, 3, 4, 5, 7}) {
		t.Errorf("annotation read as %v", got)
	}
}

func TestWantedOrdinals(t *testing.T) {
	if got := wantedOrdinals(3, sets.New(0, 2)); !slices.Equal(got, []int{1, 3, 4}) {
		t.Errorf("%v", got)
	}
}

func TestParseIngress(t *testing.T) {
	conf := []param{{"Host", "old<id>.a"}, {"Host", "i<id>-cpu.a"}, {"Path", "/g<id>/"}, {"Path", "/"}, {"PathType", "Prefix"},
		{"Port", "7860"}, {"Annotation", "a: b"}, {"Annotation", "c: http://x:1/y"}, {"IngressClassName", "nginx"},
		{"TlsHosts", "x,y"}, {"TlsSecretName", "s"}, {"Fixed", "true"}}
	class := "nginx"
	want := &ingressConf{Host: "i7-cpu.a", Paths: []string{"/g7/", "/"}, PathTypes: []string{"Prefix", "Prefix"},
		Ports: []int32{7860, 7860}, Annotations: map[string]string{"a": "b", "c": "http://x:1/y"}, Class: &class,
		TLSHosts: []string{"x", "y"}, TLSSecretName: "s", Fixed: true}
	got, err := parseIngress(conf, 7)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, bad := range [][]param{
		append([]param{{"Host", "<id><id>"}}, conf[2:]...), append([]param{{"Annotation", "a:b"}}, conf...), {{"Host", "a"}},
	} {
		if _, err := parseIngress(bad, 0); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestStateOf(t *testing.T) {
	now := metav1.Now()
	ready := func(s v1.ConditionStatus) v1.PodStatus {
		return v1.PodStatus{Phase: v1.PodRunning, Conditions: []v1.PodCondition{{Type: v1.PodReady, Status: s}}}
	}
	pod := func(s v1.PodStatus, lifecycle string, gone bool) *v1.Pod {
		p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{lifecycleKey: lifecycle}}, Status: s}
		if gone {
			p.DeletionTimestamp = &now
		}
		return p
	}
	tests := []struct {
		p    *v1.Pod
		want string
	}{
		{pod(v1.PodStatus{Phase: v1.PodPending}, "Normal", false), "Creating"},
		{pod(v1.PodStatus{Phase: v1.PodPending}, "Normal", true), "Creating"},
		{pod(ready(v1.ConditionTrue), "Normal", false), "Ready"},
		{pod(ready(v1.ConditionFalse), "Normal", false), "NotReady"},
		{pod(ready(v1.ConditionTrue), "Normal", true), "Deleting"},
		{pod(ready(v1.ConditionTrue), lifecycleUpdating, false), "Updating"},
		{pod(ready(v1.ConditionTrue), "PreparingUpdate", false), "PreUpdate"},
		{pod(ready(v1.ConditionTrue), preparingDelete, false), "PreDelete"},
		{pod(v1.PodStatus{Phase: v1.PodFailed}, "Normal", false), "Crash"},
		{pod(v1.PodStatus{}, "Normal", false), "Unknown"},
	}
	for _, c := range tests {
		if got := stateOf(c.p); got != c.want {
			t.Errorf("%v %v: %s, want %s", c.p.Status.Phase, c.p.Labels, got, c.want)
		}
	}
}

func TestAddressPool(t *testing.T) {
	p, err := newAddressPool("127.9.0.0/30")
	if err != nil {
		t.Fatal(err)
	}
	a, _ := p.take()
	b, _ := p.take()
	if a.String() != "127.9.0.1" || b.String() != "127.9.0.2" {
		t.Fatalf("%s %s", a, b)
	}
	if x, err := p.take(); err == nil {
		t.Errorf("%s out of a full pool: neither network nor broadcast address are a pod's", x)
	}
	p.put(a)
	p.put(b)
	if x, _ := p.take(); x != b {
		t.Errorf("%s, want %s: the one freed last comes first", x, b)
	}
	if p.claim(b) || !p.claim(a) {
		t.Error("claim takes what is free and nothing else")
	}
	for _, bad := range []string{"10.0.0.0/8", "127.0.0.0/8", "127.1.0.0/31", "x", "::1/64"} {
		if _, err := newAddressPool(bad); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestPathClass(t *testing.T) {
	for in, want := range map[string]string{
		"/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets/a": "/apis/game.kruise.io/v1alpha1/namespaces/*/gameserversets/*",
		"/api/v1/namespaces/x/pods/y/status":                                "/api/v1/namespaces/*/pods/*/status",
		"/api/v1/pods":                                                      "/api/v1/pods", "/readyz": "/readyz", "/apis/game.kruise.io/v1alpha1/gameservers": "/apis/game.kruise.io/v1alpha1/gameservers",
	} {
		if got := pathClass(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
