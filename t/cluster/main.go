// cluster: a Kubernetes control plane for development and tests, in one program.
//
// etcd, kube-apiserver and the garbage collector are the real ones; the
// OpenKruiseGame and kruise controllers and the kubelet are our own (see
// README.md).  This file holds the command line, the order of start, and the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// options is the command line, checked.
type options struct {
	dir           string
	port          int
	etcdPort      int
	podCIDR       string
	node          string // a real one: nothing pretends to be a kubelet
	okg           string // "1.0" or "0.4"
	apply         []string
	faultPort     int // 0: no fault proxy
	faultControl  int
	tokenLifetime time.Duration
	tokenRotate   time.Duration
	okgQPS        int // of OKG's client for each kind
	okgBurst      int
	networkEvery  time.Duration // between OKG's probes of a network
	webhookDelay  time.Duration // the workload's decision → its new pods
	lostServices  int           // quirk: one pod of so many gets no Service, ever
	staleReserve  time.Duration // quirk: between reading a GameServerSet and rewriting its reserve list
	statusDelay   time.Duration // quirk: before a GameServerSet's status is written
	bare          bool          // no controllers, no kubelet: what is stored is served
	apiserver     []string      // extra kube-apiserver flags
}

type fileList []string

func (l *fileList) String() string     { return strings.Join(*l, ",") }
func (l *fileList) Set(s string) error { *l = append(*l, s); return nil }

// fail ends the program with one line that says what to do.
func fail(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "cluster: "+format+"\n", args...)
	os.Exit(1)
}

func must(err error, doing string) {
	if err != nil {
		fail("%s: %v", doing, err)
	}
}

func parseOptions() *options {
	o := &options{}
	quirks := ""
	flag.StringVar(&o.dir, "dir", "", "state folder; kept between starts")
	flag.IntVar(&o.port, "port", 6443, "API server's port on 127.0.0.1")
	flag.IntVar(&o.etcdPort, "etcd-port", 0, "etcd's client port, its peer port is one more (default: -port + 1)")
	flag.StringVar(&o.podCIDR, "pod-cidr", "127.10.0.0/16", "loopback range for pod addresses")
	flag.StringVar(&o.node, "node", "", "name of a real node: pods, disks and scheduling are left to the programs that t/node starts")
	flag.StringVar(&o.okg, "okg", "1.0", "behave like OpenKruiseGame 1.0 or 0.4")
	flag.Var((*fileList)(&o.apply), "apply", "YAML file to apply at start; may be repeated")
	flag.IntVar(&o.faultPort, "fault-port", 0, "port of the fault proxy in front of the API server (default: none)")
	flag.IntVar(&o.faultControl, "fault-control-port", 0, "port of the fault proxy's control")
	flag.DurationVar(&o.tokenLifetime, "token-lifetime", 600*time.Second, "lifetime of the gateway's token, at least 600s")
	flag.DurationVar(&o.tokenRotate, "token-rotate", 60*time.Second, "how often the gateway's token is renewed")
	flag.IntVar(&o.okgQPS, "okg-qps", 5, "requests a second of OpenKruiseGame's client for each kind of object")
	flag.IntVar(&o.okgBurst, "okg-burst", 10, "requests that it may send at once")
	flag.DurationVar(&o.networkEvery, "network-interval", 5*time.Second, "between OpenKruiseGame's looks at a network that is not Ready")
	flag.DurationVar(&o.webhookDelay, "webhook-delay", 100*time.Millisecond, "what admission webhooks take before pods are created")
	flag.BoolVar(&o.bare, "bare", false, "etcd and the API server alone, without controllers and kubelet: for more objects than these could follow")
	flag.StringVar(&quirks, "quirks", "", "comma-separated: stale-reserve-ms=N, status-delay-ms=N, lost-services=N")
	flag.Parse()

	o.apiserver = flag.Args()
	if o.etcdPort == 0 {
		o.etcdPort = o.port + 1
	}
	if o.dir == "" {
		fail("-dir is needed: a folder for the cluster's state")
	}
	dir, err := filepath.Abs(o.dir)
	must(err, "-dir")
	o.dir = dir
	if o.okg != "1.0" && o.okg != "0.4" {
		fail("-okg %q: use 1.0 or 0.4", o.okg)
	}
	if o.tokenLifetime < 600*time.Second {
		fail("-token-lifetime %s: the API server issues no token for less than 600s", o.tokenLifetime)
	}
	if o.okgQPS < 1 || o.okgBurst < 1 {
		fail("-okg-qps and -okg-burst: at least 1")
	}
	if (o.faultPort == 0) != (o.faultControl == 0) {
		fail("-fault-port and -fault-control-port go together")
	}
	must(o.parseQuirks(quirks), "-quirks")
	return o
}

func (o *options) parseQuirks(s string) error {
	for _, q := range strings.Split(s, ",") {
		if q == "" {
			continue
		}
		name, value, _ := strings.Cut(q, "=")
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("%q: a number is needed", q)
		}
		switch d := time.Duration(n) * time.Millisecond; name {
		case "lost-services":
			o.lostServices = n
		case "stale-reserve-ms":
			o.staleReserve = d
		case "status-delay-ms":
			o.statusDelay = d
		default:
			return fmt.Errorf("%q is unknown: use stale-reserve-ms, status-delay-ms or lost-services", name)
		}
	}
	return nil
}

func (o *options) path(name ...string) string {
	return filepath.Join(append([]string{o.dir}, name...)...)
}

// checkPorts says which port is taken before anything is started, because
// etcd and the API server say it late and at length.
func (o *options) checkPorts() {
	ports := []struct {
		flag string
		n    int
	}{
		{"-port", o.port}, {"-etcd-port", o.etcdPort}, {"-etcd-port (+1, peer)", o.etcdPort + 1},
		{"-fault-port", o.faultPort}, {"-fault-control-port", o.faultControl},
	}
	for _, p := range ports {
		if p.n == 0 {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p.n))
		if err != nil {
			fail("port %d is taken: choose another %s (%v)", p.n, p.flag, err)
		}
		l.Close()
	}
}

// lockDir keeps two clusters from sharing a folder; the lock ends with the process.
func (o *options) lockDir() {
	must(os.MkdirAll(o.dir, 0o755), "-dir")
	f, err := os.OpenFile(o.path("cluster.pid"), os.O_RDWR|os.O_CREATE, 0o644)
	must(err, "cluster.pid")
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		fail("%s is in use by another cluster: stop it or choose another -dir", o.dir)
	}
	must(f.Truncate(0), "cluster.pid")
	fmt.Fprintf(f, "%d\n", os.Getpid())
	// f stays open: closing it would give the lock up.
	lockFile = f
}

var lockFile *os.File

func main() {
	started := time.Now()
	o := parseOptions()
	o.lockDir()
	os.Remove(o.path("ready"))
	o.checkPorts()
	pool, err := newAddressPool(o.podCIDR)
	must(err, "-pod-cidr")

	makePKI(o)
	e := startEtcd(o)
	ctx, wait := startAPIServer(o)
	go func() {
		must(runControllers(ctx, o, pool, started), "start")
	}()
	go func() {
		// Open watches hold the API server's own shutdown for a minute, and
		// etcd's Close can take ten seconds; the WAL is enough to start again.
		<-ctx.Done()
		os.Remove(o.path("ready"))
		time.Sleep(500 * time.Millisecond)
		os.Exit(0)
	}()
	err = wait()
	e.Close()
	must(err, "kube-apiserver")
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
