// users: thousands of browsers, and a provider that answers them at once.
//
// A provider that signs tokens at a few hundred a second would be what is
// measured; this one does what the gateway asks of Logto and no more.  Orders
// come on stdin, one a line, and each is answered by a line of JSON:
//
//	sign-in FROM TO LIFETIME PID,PID…   from /sign-in to the session cookie
//	ask FROM TO - PID,PID…              GET /api/v1/me, which may renew it
//	sign-out FROM TO - PID,PID…
//
// The figures: how many of which answer, seconds, and the CPU time of these
// processes, which are the gateway's workers.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type result struct {
	Codes   map[string]int `json:"codes"`
	Seconds float64        `json:"seconds"`
	CPU     []float64      `json:"cpu"` // s, of each process
	Calls   int64          `json:"calls"`
}

func main() {
	gateway := flag.String("gateway", "", "its address, http://127.0.0.1:PORT")
	host := flag.String("host", "", "its name and port")
	port := flag.Int("port", 0, "the provider's, on 127.0.0.1")
	client := flag.String("client", "", "the gateway's client id")
	flag.Parse()

	p := newProvider(*port, *client)
	go func() { fail(http.ListenAndServe(fmt.Sprintf("127.0.0.1:%d", *port), p.handler())) }()
	b := newBrowsers(*gateway, *host, p)
	fmt.Println("{}")

	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		var what, life, pids string
		var from, to int
		if _, err := fmt.Sscan(orders.Text(), &what, &from, &to, &life, &pids); err != nil {
			fail(fmt.Errorf("%q: %w", orders.Text(), err))
		}
		do := map[string]func(int) string{"sign-in": b.signIn, "ask": b.ask, "sign-out": b.signOut}[what]
		if what == "sign-in" {
			d, err := time.ParseDuration(life)
			fail(err)
			p.lifetime.Store(int64(d / time.Second))
		}
		r := measure(from, to, strings.Split(pids, ","), do)
		r.Calls = p.calls.Swap(0)
		fail(json.NewEncoder(os.Stdout).Encode(r))
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "users:", err)
		os.Exit(1)
	}
}

const atOnce = 32

// measure does it for each of the users, so many at once.
func measure(from, to int, pids []string, do func(int) string) result {
	r := result{Codes: map[string]int{}}
	before := cpu(pids)
	begin := time.Now()
	next := int64(from) - 1
	var all sync.WaitGroup
	var lock sync.Mutex
	for range atOnce {
		all.Add(1)
		go func() {
			defer all.Done()
			for {
				i := int(atomic.AddInt64(&next, 1))
				if i >= to {
					return
				}
				code := do(i)
				lock.Lock()
				r.Codes[code]++
				lock.Unlock()
			}
		}()
	}
	all.Wait()
	r.Seconds = time.Since(begin).Seconds()
	for i, after := range cpu(pids) {
		r.CPU = append(r.CPU, after-before[i])
	}
	return r
}

// cpu is the time that each process was on a processor, in seconds.
func cpu(pids []string) []float64 {
	var all []float64
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + pid + "/schedstat")
		fail(err)
		var ns float64
		_, err = fmt.Sscan(string(text), &ns)
		fail(err)
		all = append(all, ns/1e9)
	}
	return all
}
