// app.go: a pod's demo application (package demo), at the pod's own address.
package main

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"ngx-aigc/cluster/demo"

	v1 "k8s.io/api/core/v1"
)

const defaultPort = 7860

// appPorts: the containers' ports and their probes', else fake/port, else 7860.
func appPorts(p *v1.Pod) []int {
	var ports []int
	add := func(n int) {
		if n > 0 && !slices.Contains(ports, n) {
			ports = append(ports, n)
		}
	}
	for _, c := range p.Spec.Containers {
		for _, port := range c.Ports {
			add(int(port.ContainerPort))
		}
		for _, probe := range []*v1.Probe{c.ReadinessProbe, c.LivenessProbe} {
			if probe != nil && probe.TCPSocket != nil {
				add(probe.TCPSocket.Port.IntValue())
			}
			if probe != nil && probe.HTTPGet != nil {
				add(probe.HTTPGet.Port.IntValue())
			}
		}
	}
	if n, err := strconv.Atoi(p.Annotations[aPort]); err == nil && len(ports) == 0 {
		add(n)
	}
	if len(ports) == 0 {
		add(defaultPort)
	}
	return ports
}

func serveDemo(p *v1.Pod, address netip.Addr, folder string, boot time.Time) (*demo.App, error) {
	a := &demo.App{
		Template: p.Labels[ownerGssKey], Instance: idOfName(p.Name), Namespace: p.Namespace, Pod: p.Name,
		UID: string(p.UID), Boot: boot.UTC().Format(time.RFC3339Nano),
	}
	if len(p.Spec.Containers) > 0 {
		a.Image = p.Spec.Containers[0].Image
	}
	return a, a.Serve(address.String(), appPorts(p), folder)
}
