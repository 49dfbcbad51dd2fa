// address.go: pod addresses, one free list for the whole cluster.
//
// The address freed last is given out first, so that an address meets its next
// owner as soon as it can, in whichever template: what a gateway must survive.
package main

import (
	"fmt"
	"net/netip"
	"sync"
)

type addressPool struct {
	mu     sync.Mutex
	prefix netip.Prefix
	node   netip.Addr // the node's own: all pods with hostNetwork have it
	next   netip.Addr // the lowest address that was never used
	free   []netip.Addr
	used   map[netip.Addr]bool
}

func newAddressPool(cidr string) (*addressPool, error) {
	p, err := netip.ParsePrefix(cidr)
	if err != nil {
		return nil, fmt.Errorf("%q: write it like 127.10.0.0/16", cidr)
	}
	p = p.Masked()
	if !p.Addr().Is4() || !p.Addr().IsLoopback() || p.Bits() < 9 || p.Bits() > 30 {
		return nil, fmt.Errorf("%q: a range inside 127.0.0.0/8 is needed, /9 to /30", cidr)
	}
	return &addressPool{prefix: p, node: p.Addr(), next: p.Addr().Next(), used: map[netip.Addr]bool{}}, nil
}

// take gives the most recently freed address, else a new one.
func (p *addressPool) take() (netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) > 0 {
		a := p.free[len(p.free)-1]
		p.free = p.free[:len(p.free)-1]
		if !p.used[a] {
			p.used[a] = true
			return a, nil
		}
	}
	for ; p.prefix.Contains(p.next.Next()); p.next = p.next.Next() {
		if a := p.next; !p.used[a] {
			p.used[a] = true
			p.next = p.next.Next()
			return a, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("no free pod address in %s", p.prefix)
}

// claim marks an address that a pod has had since an earlier start.
func (p *addressPool) claim(a netip.Addr) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a == p.node {
		return true
	}
	if !p.prefix.Contains(a) || p.used[a] {
		return false
	}
	p.used[a] = true
	return true
}

// put gives an address back; the next pod gets it.
func (p *addressPool) put(a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.used[a] {
		delete(p.used, a)
		p.free = append(p.free, a)
	}
}
