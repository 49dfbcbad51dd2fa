// apiserver.go: the embedded etcd and kube-apiserver, and the audit policy.
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

// controllerUser is who our controllers are at the API server; their reads are
// not audited, so that the audit log shows what tests ask it for.
const controllerUser = "system:cluster-controllers"

const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [` + controllerUser + `, "system:apiserver"]
  verbs: [get, list, watch]
- level: None
  users: [` + controllerUser + `, "system:apiserver"]
  resources:
  - group: ""
    resources: [events, nodes, nodes/status]
  - group: coordination.k8s.io
- level: None
  users: [` + controllerUser + `, "system:apiserver"]
  nonResourceURLs: ["*"]
- level: Metadata
`

func startEtcd(o *options) *embed.Etcd {
	c := embed.NewConfig()
	c.Dir = o.path("etcd")
	client := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", o.etcdPort)}
	peer := url.URL{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", o.etcdPort+1)}
	c.ListenClientUrls, c.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	c.ListenPeerUrls, c.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.LogLevel = "error"
	c.UnsafeNoFsync = true // a development cluster survives its process, not a power cut
	c.QuotaBackendBytes = 8 << 30
	e, err := embed.StartEtcd(c)
	must(err, "etcd")
	select {
	case <-e.Server.ReadyNotify():
	case <-time.After(30 * time.Second):
		fail("etcd is not ready after 30 s: see its messages above")
	}
	return e
}

// startAPIServer returns a context that ends at SIGTERM or SIGINT (the API
// server's own handler), and a function that serves until then.
func startAPIServer(o *options) (context.Context, func() error) {
	p := func(name string) string { return o.path("pki", name) }
	must(os.WriteFile(o.path("audit-policy.yaml"), []byte(auditPolicy), 0o644), "audit policy")
	cmd := app.NewAPIServerCommand()
	args := []string{
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", o.etcdPort),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1",
		fmt.Sprintf("--secure-port=%d", o.port),
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/16",
		"--tls-cert-file=" + p("apiserver.crt"), "--tls-private-key-file=" + p("apiserver.key"),
		"--client-ca-file=" + p("ca.crt"),
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + p("sa.key"), "--service-account-signing-key-file=" + p("sa.key"),
		"--audit-policy-file=" + o.path("audit-policy.yaml"), "--audit-log-path=" + o.path("audit.log"),
		"--enable-priority-and-fairness=false", "--profiling=false",
		"--shutdown-delay-duration=0s",
		"--allow-privileged=true",
	}
	cmd.SetArgs(append(args, o.apiserver...))
	return cmd.Context(), cmd.Execute
}
