// version04_test.go: what OpenKruiseGame 0.4 does otherwise, and the races that
// a wider window shows; and the fault proxy.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestVersion04(t *testing.T) {
	ports := freePorts(t, 10)
	r := startCluster(t, "127.202.0.0/16", "-okg", "0.4", "-quirks", "stale-reserve-ms=400",
		"-fault-port", fmt.Sprint(ports+6), "-fault-control-port", fmt.Sprint(ports+7))
	t.Run("group", func(t *testing.T) {
		for name, run := range map[string]func(*testing.T, *running){
			"the list holds integers":                            integers04,
			"observedGeneration runs ahead while a scale waits":  observedEarly,
			"a GameServer outlives a pod that is merely deleted": gameServerStays,
			"a write within the window of a scale is lost":       staleReserve,
		} {
			t.Run(name, func(t *testing.T) { t.Parallel(); run(t, r) })
		}
	})
	t.Run("the fault proxy", func(t *testing.T) { faults(t, r, ports+6, ports+7) })
}

func integers04(t *testing.T, r *running) {
	s := r.newSet(t, "ints", nil)
	s.truth(4)
	s.ids(0, 1, 2, 3)
	s.settled()
	s.truth(1, 2, 0, 1)
	s.ids(3)
	s.eventually(15*time.Second, "the annotation follows, in the list's order", func() bool {
		return s.get().Annotations[reserveIdsKey] == "2,0,1"
	})
	if got := s.reserve(); got != "[2,0,1]" {
		t.Errorf("list %s", got)
	}
	_, err := r.dyn.Resource(gssResource).Namespace("default").Patch(bg, s.name, types.MergePatchType,
		[]byte(`{"spec":{"reserveGameServerIds":["0-2"]}}`), metav1.PatchOptions{})
	if err == nil {
		t.Error("a range is accepted")
	}
	if ref := metav1.GetControllerOf(s.gs(3)); ref.Kind != "GameServerSet" {
		t.Errorf("owner %s", ref.Kind)
	}
}

func observedEarly(t *testing.T, r *running) {
	s := r.newSet(t, "early", map[string]string{aStopDelay: "4s"})
	s.truth(3)
	s.ids(0, 1, 2)
	s.settled()
	s.truth(2, 0)
	// Past the window in which the first write's list is written back.
	s.eventually(15*time.Second, "the first release is noted", func() bool { return s.get().Annotations[reserveIdsKey] == "0" })
	one := s.pod(1)
	s.rush(1, 0, 1)
	early := false
	s.eventually(15*time.Second, "the second release is carried out", func() bool {
		g, p := s.get(), s.pod(1)
		gone := p == nil || p.UID != one.UID || p.DeletionTimestamp != nil
		if s.pod(0) != nil { // asked after pod 1, so it was there then, too
			early = early || g.Status.ObservedGeneration == g.Generation
			if gone {
				t.Error("the scale did not wait for pod 0")
			}
		}
		return gone
	})
	if !early {
		t.Error("observedGeneration never ran ahead")
	}
	s.ids(2)
}

func gameServerStays(t *testing.T, r *running) {
	s := r.newSet(t, "outlives", nil)
	s.truth(1)
	s.ids(0)
	gs, pod := s.gs(0).UID, s.pod(0).UID
	if err := r.cs.CoreV1().Pods("default").Delete(bg, "outlives-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	s.eventually(15*time.Second, "another pod", func() bool { p := s.pod(0); return p != nil && p.UID != pod })
	s.ids(0)
	if s.gs(0).UID != gs {
		t.Error("the GameServer was re-created")
	}
	s.truth(0, 0)
	s.ids()
}

// staleReserve: why the gateway waits until its last write is digested.
func staleReserve(t *testing.T, r *running) {
	s := r.newSet(t, "stale", nil)
	s.truth(3)
	s.ids(0, 1, 2)
	s.settled()
	time.Sleep(500 * time.Millisecond)
	s.rush(2, 0)
	time.Sleep(150 * time.Millisecond) // inside the window
	s.rush(1, 0, 1)
	s.eventually(15*time.Second, "the second write's list is overwritten", func() bool { return s.reserve() == "[0]" })
}

func faults(t *testing.T, r *running, port, control int) {
	pem, err := os.ReadFile(filepath.Join(r.dir, "pki", "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	token, _ := os.ReadFile(filepath.Join(r.dir, "serviceaccount", "token"))
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{RootCAs: roots}}}
	do := func(method, query, body string) (int, string, error) {
		q, _ := http.NewRequest(method, fmt.Sprintf("https://127.0.0.1:%d/apis/game.kruise.io/v1alpha1/namespaces/default/gameserversets%s", port, query), strings.NewReader(body))
		q.Header.Set("Authorization", "Bearer "+string(token))
		q.Header.Set("Content-Type", "application/merge-patch+json")
		res, err := client.Do(q)
		if err != nil {
			return 0, "", err
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return res.StatusCode, string(b), err
	}
	tell := func(method, path, body string) string {
		t.Helper()
		q, _ := http.NewRequest(method, fmt.Sprintf("http://127.0.0.1:%d%s", control, path), bytes.NewReader([]byte(body)))
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return string(b)
	}
	rule := func(s string) { t.Helper(); tell("PUT", "/rules", "["+s+"]") }

	if code, _, err := do("GET", "", ""); code != 200 {
		t.Fatalf("without rules: %d %v", code, err)
	}
	rule(`{"method":"GET","path":"gameserversets$","skip":1,"times":1,"action":{"status":409,"body":"no"}}`)
	for i, want := range []int{200, 409, 200} {
		if code, _, _ := do("GET", "", ""); code != want {
			t.Errorf("request %d: %d, want %d", i, code, want)
		}
	}
	rule(`{"query":"watch=1","action":{"watchGone":true}}`)
	if code, body, _ := do("GET", "?watch=1", ""); code != 200 || !strings.Contains(body, `"code":410`) {
		t.Errorf("watchGone: %d %s", code, body)
	}
	rule(`{"action":{"cutAfterBytes":50}}`)
	if _, body, err := do("GET", "", ""); len(body) != 50 || err == nil {
		t.Errorf("cut: %d bytes, %v", len(body), err)
	}
	rule(`{"action":{"stallAfterBytes":50}}`)
	if _, body, err := do("GET", "", ""); len(body) != 50 || err == nil || !strings.Contains(err.Error(), "imeout") {
		t.Errorf("stall: %d bytes, %v", len(body), err)
	}
	rule(`{"action":{"close":true}}`)
	if _, _, err := do("GET", "", ""); err == nil {
		t.Error("close: an answer")
	}
	rule(`{"method":"PATCH","action":{"forwardThenStatus":true,"status":500}}`)
	if code, _, _ := do("PATCH", "/ints", `{"metadata":{"annotations":{"lost":"yes"}}}`); code != 500 {
		t.Errorf("a lost answer: %d", code)
	}
	if u, err := r.dyn.Resource(gssResource).Namespace("default").Get(bg, "ints", metav1.GetOptions{}); err != nil || u.GetAnnotations()["lost"] != "yes" {
		t.Error("a lost answer: the write did not arrive")
	}
	tell("DELETE", "/rules", "")
	tell("POST", "/down", "")
	if _, _, err := do("GET", "", ""); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("down: %v", err)
	}
	tell("POST", "/up", "")
	if code, _, _ := do("GET", "", ""); code != 200 {
		t.Errorf("up: %d", code)
	}
	if log := tell("GET", "/log", ""); !strings.Contains(log, `"PATCH /apis/game.kruise.io/v1alpha1/namespaces/*/gameserversets/*":1`) {
		t.Error(log)
	}
	if bad := tell("PUT", "/rules", `[{"oops":1}]`); !strings.Contains(bad, "unknown field") {
		t.Error(bad)
	}
}
