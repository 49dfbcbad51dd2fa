// faultrules.go: which request goes wrong and how, and the log of all requests.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"
)

// faultRule applies to requests of this method, path and query (regular
// expressions; empty: any), after skip of them, to times of them (0: to all).
type faultRule struct {
	Method string      `json:"method,omitempty"`
	Path   string      `json:"path,omitempty"`
	Query  string      `json:"query,omitempty"`
	Skip   int         `json:"skip,omitempty"`
	Times  int         `json:"times,omitempty"`
	Action faultAction `json:"action"`

	Seen int `json:"seen"` // matching requests so far
	Hit  int `json:"hit"`  // those that the action was applied to

	path, query *regexp.Regexp
}

// faultAction: delayMs comes first, then the first of close, watchGone,
// forwardThenStatus, status, cutAfterBytes and stallAfterBytes that is set;
// with delayMs alone the request is forwarded.  thenMs: between
// forwardThenStatus's two.  dateSeconds: the Date of what is
// forwarded is so much later, as if that time had passed.  before: a file that
// comes before the body of what is forwarded, objects of a list say.
type faultAction struct {
	Status            int    `json:"status,omitempty"`
	Body              string `json:"body,omitempty"`
	ContentType       string `json:"contentType,omitempty"`
	DelayMS           int    `json:"delayMs,omitempty"`
	CutAfterBytes     *int   `json:"cutAfterBytes,omitempty"`
	StallAfterBytes   *int   `json:"stallAfterBytes,omitempty"`
	Close             bool   `json:"close,omitempty"`
	ForwardThenStatus bool   `json:"forwardThenStatus,omitempty"`
	ThenMS            int    `json:"thenMs,omitempty"`
	WatchGone         bool   `json:"watchGone,omitempty"`
	DateSeconds       int    `json:"dateSeconds,omitempty"`
	Before            string `json:"before,omitempty"`
}

type faultRules struct {
	mu    sync.Mutex
	rules []*faultRule
}

func (f *faultRules) set(rules []*faultRule) error {
	for i, r := range rules {
		var err error
		if r.path, err = regexp.Compile(r.Path); err != nil {
			return fmt.Errorf("rule %d, path: %w", i, err)
		}
		if r.query, err = regexp.Compile(r.Query); err != nil {
			return fmt.Errorf("rule %d, query: %w", i, err)
		}
		if s := r.Action.Status; s != 0 && (s < 200 || s > 999) {
			return fmt.Errorf("rule %d, status: %d is none", i, s)
		}
		r.Seen, r.Hit = 0, 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = rules
	return nil
}

func (f *faultRules) list() []faultRule {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := []faultRule{}
	for _, r := range f.rules {
		out = append(out, *r)
	}
	return out
}

// match returns the action of the first rule that applies; a rule that skips a
// request, or is used up, leaves it to the next.
func (f *faultRules) match(q *http.Request) *faultAction {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if (r.Method != "" && r.Method != q.Method) || !r.path.MatchString(q.URL.Path) || !r.query.MatchString(q.URL.RawQuery) {
			continue
		}
		r.Seen++
		if r.Seen <= r.Skip || (r.Times > 0 && r.Hit >= r.Times) {
			continue
		}
		r.Hit++
		a := r.Action
		return &a
	}
	return nil
}

const logLimit = 1000

type logEntry struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Query  string `json:"query"`
	Status int    `json:"status"` // 0: no answer (yet)
	MS     int64  `json:"ms"`     // -1: not finished
	began  time.Time
}

type requestLog struct {
	mu      sync.Mutex
	counts  map[string]int
	entries []*logEntry
}

func (l *requestLog) begin(r *http.Request) *logEntry {
	e := &logEntry{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, MS: -1, began: time.Now()}
	class := r.Method + " " + pathClass(r.URL.Path)
	if r.URL.Query().Get("watch") != "" {
		class += " watch"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.counts == nil {
		l.counts = map[string]int{}
	}
	l.counts[class]++
	l.entries = append(l.entries, e)
	if len(l.entries) > logLimit {
		l.entries = slices.Delete(l.entries, 0, len(l.entries)-logLimit)
	}
	return e
}

func (l *requestLog) status(e *logEntry, code int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.Status = code
}

func (l *requestLog) end(e *logEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.MS = time.Since(e.began).Milliseconds()
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts, l.entries = nil, nil
}

func (l *requestLog) write(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts, entries := l.counts, l.entries
	if counts == nil {
		counts, entries = map[string]int{}, []*logEntry{}
	}
	json.NewEncoder(w).Encode(map[string]any{"counts": counts, "requests": entries})
}
