// rights_test.go: the gateway's token and rights, and what a restart keeps.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"
)

func parseYAML(t *testing.T, text []byte) *unstructured.Unstructured {
	t.Helper()
	b, err := yaml.YAMLToJSON(text)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(b); err != nil {
		t.Fatal(err)
	}
	return u
}

// gateway is a client with nothing but the token.
func (r *running) gateway(t *testing.T) kubernetes.Interface {
	t.Helper()
	token, err := os.ReadFile(filepath.Join(r.dir, "serviceaccount", "token"))
	if err != nil {
		t.Fatal(err)
	}
	return kubernetes.NewForConfigOrDie(&rest.Config{Host: fmt.Sprintf("https://127.0.0.1:%d", r.port), BearerToken: string(token), QPS: 500, Burst: 500,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(r.dir, "serviceaccount", "ca.crt")}})
}

func rights(t *testing.T, r *running) {
	granted := map[string]string{
		"game.kruise.io/gameserversets": "get list watch patch",
		"game.kruise.io/gameservers":    "list watch",
		"apps.kruise.io/statefulsets":   "list watch",
		"/pods":                         "get list watch delete",
		"/persistentvolumeclaims":       "list watch patch delete",
		"/events":                       "list watch create",
	}
	others := []string{"/pods/status", "/pods/exec", "/secrets", "/configmaps", "/services", "game.kruise.io/gameserversets/status",
		"game.kruise.io/gameservers/status", "networking.k8s.io/ingresses", "apps.kruise.io/statefulsets/status",
		"coordination.k8s.io/leases"}
	cs := r.gateway(t)
	may := func(ns, resource, verb string, object ...string) bool {
		group, name, _ := strings.Cut(resource, "/")
		name, sub, _ := strings.Cut(name, "/")
		a, err := cs.AuthorizationV1().SelfSubjectAccessReviews().Create(bg, &authv1.SelfSubjectAccessReview{
			Spec: authv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authv1.ResourceAttributes{
				Namespace: ns, Group: group, Resource: name, Subresource: sub, Verb: verb,
				Name: strings.Join(object, "")}}}, metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return a.Status.Allowed
	}
	for _, verb := range []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} {
		for resource, verbs := range granted {
			want := strings.Contains(" "+verbs+" ", " "+verb+" ")
			if may("default", resource, verb) != want {
				t.Errorf("%s %s: %v is wanted", verb, resource, want)
			}
			if may("kube-system", resource, verb) || may("", resource, verb) {
				t.Errorf("%s %s is allowed outside its namespace", verb, resource)
			}
		}
		if may("aigc-gateway", "coordination.k8s.io/leases", verb) != (verb == "create") {
			t.Errorf("%s of any lease in its own namespace is wrong", verb)
		}
		if may("aigc-gateway", "coordination.k8s.io/leases", verb, "aigc-gateway") != strings.Contains(" get create update ", " "+verb+" ") {
			t.Errorf("%s of its lease is wrong", verb)
		}
		if may("aigc-gateway", "/configmaps", verb) != (verb == "create") {
			t.Errorf("%s of any ConfigMap in its own namespace is wrong", verb)
		}
		if may("aigc-gateway", "/configmaps", verb, "aigc-revocations") != strings.Contains(" list watch create patch ", " "+verb+" ") {
			t.Errorf("%s of the revocations is wrong", verb)
		}
		if may("aigc-gateway", "/secrets", verb) {
			t.Errorf("%s of any Secret in its own namespace is allowed", verb)
		}
		if may("aigc-gateway", "/secrets", verb, "aigc-sessions") != strings.Contains(" get list watch patch ", " "+verb+" ") {
			t.Errorf("%s of the refresh tokens is wrong", verb)
		}
		for _, resource := range others {
			if may("default", resource, verb) {
				t.Errorf("%s %s is allowed", verb, resource)
			}
		}
	}
}

func restart(t *testing.T, r *running) {
	s := r.newSet(t, "stays", nil)
	s.truth(2)
	s.ids(0, 1)
	s.call(0, "PUT", "/disk/f", "x")
	before := s.pod(0)
	_, info := s.call(0, "GET", "/info", "")
	cs := r.gateway(t)

	if d := r.stop(); d > 2500*time.Millisecond {
		t.Errorf("the end took %s", d)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "ready")); err == nil {
		t.Error("ready is still there")
	}
	if code, _ := call(before.Status.PodIP, "GET", "/", ""); code != 0 {
		t.Errorf("a pod answers %d without its cluster", code)
	}
	r.start()
	s.running, s.running.t = r, t
	s.eventually(15*time.Second, "the pods are served again", func() bool {
		_, now := s.call(0, "GET", "/info", "")
		return now == info
	})
	s.ids(0, 1)
	p := s.pod(0)
	if p.UID != before.UID || p.Status.PodIP != before.Status.PodIP || p.Status.ContainerStatuses[0].RestartCount != 0 {
		t.Error("the pod is another one")
	}
	if _, body := s.call(0, "GET", "/disk/f", ""); body != "x" {
		t.Errorf("disk %q", body)
	}
	if _, err := cs.Discovery().ServerVersion(); err != nil {
		t.Errorf("a token from before: %v", err)
	}
	s.truth(1, 0)
	s.ids(1)
	audit, err := os.ReadFile(filepath.Join(r.dir, "audit.log"))
	if err != nil {
		t.Fatal(err)
	}
	token, _ := os.ReadFile(filepath.Join(r.dir, "serviceaccount", "token"))
	if !strings.Contains(string(audit), `"verb":"patch"`) || strings.Contains(string(audit), string(token)) || strings.Contains(string(audit), "RequestReceived") {
		t.Error("audit.log: patches, no token and no RequestReceived are wanted")
	}
}
