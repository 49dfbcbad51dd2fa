// slow_test.go: OpenKruiseGame as slow as it is, which is the default.
package main

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestSlow(t *testing.T) {
	was := quick
	quick = nil
	r := startCluster(t, "127.206.0.0/16", "-quirks", "lost-services=4")
	quick = was
	const n = 12
	s := r.newSet(t, "slow", nil)
	began := time.Now()
	s.truth(n)
	r.eventually(30*time.Second, "all pods are Ready", func() bool {
		ready := 0
		for id := range n {
			if p := s.pod(id); p != nil && isAvailable(p) {
				ready++
			}
		}
		return ready == n
	})
	state := func() (ready, network int) {
		list, err := s.dyn.Resource(gsResource).Namespace("default").List(bg, metav1.ListOptions{LabelSelector: ownerGssKey + "=" + s.name})
		if err != nil {
			t.Fatal(err)
		}
		for i := range list.Items {
			g, err := decode[gameServer](&list.Items[i])
			if err != nil {
				t.Fatal(err)
			}
			if g.Status.CurrentState == "Ready" {
				ready++
			}
			if g.Status.NetworkStatus != nil && g.Status.NetworkStatus.CurrentNetworkState == "Ready" {
				network++
			}
		}
		return ready, network
	}
	if _, network := state(); network == n && time.Since(began) < 5*time.Second {
		t.Error("every network is Ready with its pod")
	}
	t.Logf("pods Ready after %s", time.Since(began).Round(100*time.Millisecond))
	r.eventually(60*time.Second, "the GameServers know, and all networks that will ever be", func() bool {
		ready, network := state()
		return ready == n && network == n*3/4
	})
	// A GameServer is created and its status written twice at the very least:
	// 36 writes, of which 10 go at once and 5 in each second after that.
	if d := time.Since(began); d < 5*time.Second {
		t.Errorf("after %s: a client of 5 requests a second cannot be that quick", d)
	}
	t.Logf("GameServers and networks after %s", time.Since(began).Round(100*time.Millisecond))
	lost := 0
	for id := range n {
		if _, err := r.cs.CoreV1().Services("default").Get(bg, s.pod(id).Name, metav1.GetOptions{}); err != nil {
			lost++
		}
	}
	if lost != n/4 {
		t.Errorf("%d of %d have no Service", lost, n)
	}
}
