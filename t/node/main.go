// node: the programs of a Kubernetes node and of its control plane that
// t/cluster has not: one program, so that they share their code and are linked
// once.  The first argument says which one to be.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/component-base/cli"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var programs = map[string]func() *cobra.Command{
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kube-controller-manager": controllers.NewControllerManagerCommand,
	"disks":                   newDisksCommand,
}

func main() {
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: node kubelet|kube-proxy|kube-scheduler|kube-controller-manager|disks FLAG…")
		os.Exit(2)
	}
	cmd := programs[os.Args[1]]()
	os.Args = os.Args[1:] // the kubelet reads them itself
	os.Exit(cli.Run(cmd))
}
