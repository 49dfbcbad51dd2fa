// tap.go: remembers the bytes of a request's head, because net/http sorts and
// respells headers and /headers must tell what really arrived.
package demo

import (
	"bytes"
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
)

const tapLimit = 256 << 10

type tap struct {
	mu   sync.Mutex
	seen []byte
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	// The head is wanted, not a body of many MiB behind it: drop the oldest
	// half, which by then can only be bodies.
	if c.seen = append(c.seen, b[:n]...); len(c.seen) > tapLimit {
		c.seen = append([]byte(nil), c.seen[len(c.seen)/2:]...)
	}
	return n, err
}

type tapKey struct{}

func withTap(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, tapKey{}, c)
}

// Quiet is a log that keeps silent: what clients do wrong is no news in a test.
var Quiet = log.New(io.Discard, "", 0)

// rawHeaders returns [name, value] pairs as received; called before the body
// is read.  Should the head have been lost, net/http's view of it.
func rawHeaders(r *http.Request) [][2]string {
	if c, ok := r.Context().Value(tapKey{}).(*conn); ok {
		c.tap.mu.Lock()
		i := bytes.LastIndex(c.seen, []byte(r.Method+" "+r.RequestURI+" HTTP/1."))
		var head []byte
		if i >= 0 {
			if j := bytes.Index(c.seen[i:], []byte("\r\n\r\n")); j >= 0 {
				head = append(head, c.seen[i:i+j]...)
			}
		}
		c.tap.mu.Unlock()
		if lines := strings.Split(string(head), "\r\n"); len(lines) > 1 {
			out := [][2]string{}
			for _, l := range lines[1:] {
				name, value, _ := strings.Cut(l, ":")
				out = append(out, [2]string{name, strings.TrimSpace(value)})
			}
			return out
		}
	}
	out := [][2]string{{"Host", r.Host}}
	for name, values := range r.Header {
		for _, v := range values {
			out = append(out, [2]string{name, v})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i][0] < out[j][0] })
	return out
}
