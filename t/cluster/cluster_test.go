// cluster_test.go: starts the program itself (the test binary again) and holds
// the promises of README.md against it.  The helpers are here; what is tested
// is in behaviour_test.go and version04_test.go.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const asProgram = "CLUSTER_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	flag.Parse()
	flag.Set("test.parallel", "10") // they wait more than they work
	os.Exit(m.Run())
}

// running is one started cluster.
type running struct {
	t    *testing.T
	dir  string
	port int
	args []string
	cmd  *exec.Cmd
	exit chan error
	cs   kubernetes.Interface
	dyn  dynamic.Interface
}

// freePorts finds n ports in a row.
func freePorts(t *testing.T, n int) int {
	for base := 17100 + os.Getpid()%500*16; base < 32000; base += 16 {
		free := true
		for i := 0; i < n && free; i++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+i))
			if free = err == nil; free {
				l.Close()
			}
		}
		if free {
			return base
		}
	}
	t.Fatal("no free ports")
	return 0
}

// stateDir is kept when CLUSTER_TEST_KEEP names a folder for it.
func stateDir(t *testing.T) string {
	if keep := os.Getenv("CLUSTER_TEST_KEEP"); keep != "" {
		return filepath.Join(keep, t.Name())
	}
	return t.TempDir()
}

// quick: OpenKruiseGame without its slowness, which slow_test.go is about.
var quick = []string{"-okg-qps", "1000", "-okg-burst", "2000", "-network-interval", "200ms"}

func startCluster(t *testing.T, cidr string, args ...string) *running {
	t.Helper()
	r := &running{t: t, dir: stateDir(t), port: freePorts(t, 5)}
	r.args = append([]string{"-dir", r.dir, "-port", fmt.Sprint(r.port), "-pod-cidr", cidr,
		"-apply", "../../docker/kubernetes/rbac.yaml"}, append(quick, args...)...)
	r.start()
	t.Cleanup(func() { r.stop() })
	return r
}

func (r *running) start() {
	r.t.Helper()
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	out, err := os.OpenFile(filepath.Join(r.dir, "log"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		r.t.Fatal(err)
	}
	r.cmd = exec.Command(os.Args[0], r.args...)
	r.cmd.Env = append(os.Environ(), asProgram+"=1")
	r.cmd.Stdout, r.cmd.Stderr = out, out
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.exit = make(chan error, 1)
	go func() { r.exit <- r.cmd.Wait() }()
	r.eventually(30*time.Second, "the cluster is ready", func() bool {
		_, err := os.Stat(filepath.Join(r.dir, "ready"))
		return err == nil
	})
	cfg, err := clientcmd.BuildConfigFromFlags("", filepath.Join(r.dir, "kubeconfig"))
	if err != nil {
		r.t.Fatal(err)
	}
	cfg.QPS, cfg.Burst = 500, 500
	r.cs, r.dyn = kubernetes.NewForConfigOrDie(cfg), dynamic.NewForConfigOrDie(cfg)
}

// stop returns how long it took; 0 when it was not running.
func (r *running) stop() time.Duration {
	if r.cmd == nil {
		return 0
	}
	began := time.Now()
	r.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-r.exit:
	case <-time.After(10 * time.Second):
		r.cmd.Process.Kill()
		<-r.exit
	}
	r.cmd = nil
	return time.Since(began)
}

func (r *running) eventually(limit time.Duration, what string, ok func() bool) {
	r.t.Helper()
	limit *= 4 // a busy machine is no reason to fail
	for end := time.Now().Add(limit); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(r.dir, "log"))
			lines := strings.Split(string(log), "\n")
			r.t.Fatalf("not within %s: %s\n%s", limit, what, strings.Join(lines[max(0, len(lines)-12):], "\n"))
		}
	}
}

// set is one GameServerSet under test.
type set struct {
	*running
	t    *testing.T
	name string
}

const setYAML = `{"apiVersion":"game.kruise.io/v1alpha1","kind":"GameServerSet","metadata":{"name":%q},"spec":{
"replicas":0,"scaleStrategy":{"scaleDownStrategyType":"ReserveIds"},
"gameServerTemplate":{"metadata":{"annotations":%s},"spec":{"containers":[{"name":"main","image":"demo:v1"}]},
"volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"any","resources":{"requests":{"storage":"1Gi"}}}}]},
"updateStrategy":{"rollingUpdate":{"podUpdatePolicy":"InPlaceIfPossible","maxUnavailable":"100%%"}},
"network":{"networkType":"Kubernetes-Ingress","networkConf":[{"name":"IngressClassName","value":"nginx"},{"name":"Port","value":"7860"},
{"name":"Host","value":"h<id>.example.test"},{"name":"Path","value":"/"},{"name":"PathType","value":"Prefix"}]}}}`

func (r *running) newSet(t *testing.T, name string, annotations map[string]string) *set {
	t.Helper()
	a, _ := json.Marshal(annotations)
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON([]byte(fmt.Sprintf(setYAML, name, a))); err != nil {
		t.Fatal(err)
	}
	if _, err := r.dyn.Resource(gssResource).Namespace("default").Create(context.Background(), u, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	copied := *r
	copied.t = t
	s := &set{running: &copied, t: t, name: name}
	s.settled()
	return s
}

func (s *set) get() *gameServerSet {
	s.t.Helper()
	u, err := s.dyn.Resource(gssResource).Namespace("default").Get(context.Background(), s.name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	g, err := decode[gameServerSet](u)
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

func (s *set) merge(patch string) {
	s.t.Helper()
	_, err := s.dyn.Resource(gssResource).Namespace("default").
		Patch(context.Background(), s.name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
}

// truth writes the state as the gateway does: in one patch, when the set is settled.
func (s *set) truth(replicas int, reserve ...int) {
	s.t.Helper()
	s.settled()
	s.rush(replicas, reserve...)
}

// rush does not wait, and so may lose against the controller.
func (s *set) rush(replicas int, reserve ...int) {
	s.t.Helper()
	list, _ := json.Marshal(append([]int{}, reserve...))
	s.merge(fmt.Sprintf(`{"spec":{"replicas":%d,"reserveGameServerIds":%s},"metadata":{"annotations":{"written-by":"test"}}}`, replicas, list))
}

func (s *set) settled() {
	s.t.Helper()
	s.eventually(10*time.Second, s.name+" is settled", func() bool {
		g := s.get()
		return g.Status.ObservedGeneration == g.Generation
	})
}

func (s *set) gs(id int) *gameServer {
	u, err := s.dyn.Resource(gsResource).Namespace("default").Get(context.Background(), fmt.Sprintf("%s-%d", s.name, id), metav1.GetOptions{})
	if err != nil {
		return nil
	}
	g, err := decode[gameServer](u)
	if err != nil {
		s.t.Fatal(err)
	}
	return g
}

// ids waits until exactly these instances are there, and Ready with their network.
func (s *set) ids(want ...int) {
	s.t.Helper()
	s.eventually(15*time.Second, fmt.Sprintf("%s has instances %v, all Ready", s.name, want), func() bool {
		list, err := s.dyn.Resource(gsResource).Namespace("default").List(context.Background(),
			metav1.ListOptions{LabelSelector: ownerGssKey + "=" + s.name})
		if err != nil || len(list.Items) != len(want) {
			return false
		}
		for i := range list.Items {
			g, err := decode[gameServer](&list.Items[i])
			if err != nil || !slices.Contains(want, idOfName(g.Name)) || g.Status.CurrentState != "Ready" ||
				g.Status.NetworkStatus == nil || g.Status.NetworkStatus.CurrentNetworkState != "Ready" {
				return false
			}
			p := s.pod(idOfName(g.Name))
			if p == nil || p.Status.PodIP != g.Status.PodStatus.PodIP || p.DeletionTimestamp != nil {
				return false
			}
		}
		return true
	})
}

func (s *set) pod(id int) *v1.Pod {
	p, err := s.cs.CoreV1().Pods("default").Get(context.Background(), fmt.Sprintf("%s-%d", s.name, id), metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return p
}

func (s *set) claim(id int) *v1.PersistentVolumeClaim {
	c, err := s.cs.CoreV1().PersistentVolumeClaims("default").Get(context.Background(), fmt.Sprintf("data-%s-%d", s.name, id), metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return c
}

// reserve is spec.reserveGameServerIds as it is spelled, "-" when absent.
func (s *set) reserve() string {
	s.t.Helper()
	u, err := s.dyn.Resource(gssResource).Namespace("default").Get(context.Background(), s.name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	list, found, _ := unstructured.NestedSlice(u.Object, "spec", "reserveGameServerIds")
	if !found {
		return "-"
	}
	b, _ := json.Marshal(list)
	return string(b)
}

// call does one request to an instance's pod.
func (s *set) call(id int, method, path, body string) (int, string) {
	p := s.pod(id)
	if p == nil {
		return 0, "no pod"
	}
	return call(p.Status.PodIP, method, path, body)
}

func call(ip, method, path, body string) (int, string) {
	r, err := http.NewRequest(method, "http://"+ip+":7860"+path, strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// history collects the states that a GameServer goes through, in order.
func (s *set) history(id int) (states func() []string, stop func()) {
	w, err := s.dyn.Resource(gsResource).Namespace("default").Watch(context.Background(),
		metav1.ListOptions{FieldSelector: fmt.Sprintf("metadata.name=%s-%d", s.name, id)})
	if err != nil {
		s.t.Fatal(err)
	}
	seen := make(chan []string, 1)
	seen <- nil
	go func() {
		for e := range w.ResultChan() {
			g, err := decode[gameServer](e.Object)
			if err != nil {
				continue
			}
			now := g.Status.CurrentState
			if n := g.Status.NetworkStatus; n != nil {
				now += "/" + n.CurrentNetworkState
			}
			if e.Type == "DELETED" {
				now = "gone"
			}
			list := <-seen
			if len(list) == 0 || list[len(list)-1] != now {
				list = append(list, now)
			}
			seen <- list
		}
	}()
	return func() []string { l := <-seen; seen <- l; return l }, w.Stop
}
