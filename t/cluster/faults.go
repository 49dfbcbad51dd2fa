// faults.go: a TLS proxy in front of the API server that goes wrong on demand,
// and the plain HTTP control that says when.  HTTP/1.1 only, so that a cut
// connection is one request's.  The rules and the log are in faultrules.go.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"ngx-aigc/cluster/demo"

	"k8s.io/klog/v2"
)

type faultProxy struct {
	address string
	tls     *tls.Config
	proxy   *httputil.ReverseProxy
	rules   faultRules
	log     requestLog

	mu       sync.Mutex
	listener *demo.Listener // nil: down
	server   *http.Server
}

func runFaults(ctx context.Context, o *options) error {
	p := func(name string) string { return o.path("pki", name) }
	cert, err := tls.LoadX509KeyPair(p("apiserver.crt"), p("apiserver.key"))
	if err != nil {
		return err
	}
	pem, err := os.ReadFile(p("ca.crt"))
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	target := &url.URL{Scheme: "https", Host: fmt.Sprintf("127.0.0.1:%d", o.port)}
	f := &faultProxy{
		address: fmt.Sprintf("127.0.0.1:%d", o.faultPort),
		tls:     &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}},
		proxy: &httputil.ReverseProxy{
			Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
			FlushInterval: -1, // watches pass event by event
			ErrorLog:      demo.Quiet,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableCompression: true,
				MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute},
			ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		},
	}
	if err := f.up(); err != nil {
		return err
	}
	control, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.faultControl))
	if err != nil {
		return err
	}
	go http.Serve(control, f.control())
	klog.InfoS("fault proxy", "address", f.address, "control", control.Addr().String())
	return nil
}

// up opens the port; harmless when it is open.
func (f *faultProxy) up() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", f.address)
	if err != nil {
		return err
	}
	f.listener = demo.NewListener(l)
	f.server = &http.Server{Handler: http.HandlerFunc(f.serve), ErrorLog: demo.Quiet,
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	go f.server.Serve(tls.NewListener(f.listener, f.tls))
	return nil
}

// down closes the port and every connection: new ones are refused.
func (f *faultProxy) down() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener != nil {
		f.listener.Close()
		f.listener.CloseAll()
		f.server.Close()
		f.listener, f.server = nil, nil
	}
}

func (f *faultProxy) cut() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.listener == nil {
		return 0
	}
	return f.listener.CloseAll()
}

// serve answers one request: as the rules say, else by forwarding it.
func (f *faultProxy) serve(w http.ResponseWriter, r *http.Request) {
	entry := f.log.begin(r)
	out := &faultWriter{ResponseWriter: w, entry: entry, log: &f.log, done: r.Context().Done()}
	defer f.log.end(entry)
	a := f.rules.match(r)
	if a == nil {
		f.proxy.ServeHTTP(out, r)
		return
	}
	if a.DelayMS > 0 {
		// Only once the body is read does net/http hear of a client that goes away; what
		// it gave up is not to arrive.
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		sleep(r.Context(), time.Duration(a.DelayMS)*time.Millisecond)
		if r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case a.Close:
		panic(http.ErrAbortHandler)
	case a.WatchGone:
		answer(out, http.StatusOK, "application/json", goneEvent)
	case a.ForwardThenStatus:
		f.forwardBlind(r)
		sleep(r.Context(), time.Duration(a.ThenMS)*time.Millisecond)
		if a.Status == 0 {
			panic(http.ErrAbortHandler) // the answer is lost altogether
		}
		answer(out, a.Status, a.ContentType, a.Body)
	case a.Status != 0:
		io.Copy(io.Discard, r.Body)
		answer(out, a.Status, a.ContentType, a.Body)
	default:
		out.cutAfter, out.stallAfter = a.CutAfterBytes, a.StallAfterBytes
		out.before = a.Before
		out.later = time.Duration(a.DateSeconds) * time.Second
		f.proxy.ServeHTTP(out, r)
	}
}

// forwardBlind lets the API server act on the request and drops its answer.
func (f *faultProxy) forwardBlind(r *http.Request) {
	sink := &discardWriter{header: http.Header{}}
	defer func() { _ = recover() }()
	f.proxy.ServeHTTP(sink, r)
}

const goneEvent = `{"type":"ERROR","object":{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",` +
	`"message":"too old resource version: 1 (2)","reason":"Expired","code":410}}` + "\n"

func answer(w http.ResponseWriter, code int, kind, body string) {
	if kind == "" {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	io.WriteString(w, body)
}

// faultWriter passes an answer on until it is to be cut or stalled.
type faultWriter struct {
	http.ResponseWriter
	entry      *logEntry
	log        *requestLog
	done       <-chan struct{}
	cutAfter   *int
	stallAfter *int
	later      time.Duration
	before     string
	sent       int
}

func (w *faultWriter) WriteHeader(code int) {
	w.log.status(w.entry, code)
	if date, err := http.ParseTime(w.Header().Get("Date")); err == nil && w.later != 0 {
		w.Header().Set("Date", date.Add(w.later).UTC().Format(http.TimeFormat))
	}
	w.ResponseWriter.WriteHeader(code)
	if w.before == "" || code != http.StatusOK {
		return
	}
	file, err := os.Open(w.before)
	if err == nil {
		_, err = io.Copy(w.ResponseWriter, file)
		file.Close()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func (w *faultWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *faultWriter) Write(b []byte) (int, error) {
	limit := w.cutAfter
	if limit == nil {
		limit = w.stallAfter
	}
	if limit == nil || w.sent+len(b) < *limit {
		w.sent += len(b)
		return w.ResponseWriter.Write(b)
	}
	w.ResponseWriter.Write(b[:max(0, *limit-w.sent)])
	http.NewResponseController(w.ResponseWriter).Flush()
	if w.cutAfter == nil {
		<-w.done // the client gives up, or /cut, or /down
	}
	panic(http.ErrAbortHandler)
}

type discardWriter struct{ header http.Header }

func (w *discardWriter) Header() http.Header         { return w.header }
func (w *discardWriter) Write(b []byte) (int, error) { return len(b), nil }
func (w *discardWriter) WriteHeader(int)             {}

// control is what tests talk to.
func (f *faultProxy) control() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /rules", func(w http.ResponseWriter, _ *http.Request) { demo.WriteJSON(w, 200, f.rules.list()) })
	m.HandleFunc("PUT /rules", func(w http.ResponseWriter, r *http.Request) {
		d := json.NewDecoder(r.Body)
		d.DisallowUnknownFields()
		var rules []*faultRule
		err := d.Decode(&rules)
		if err == nil {
			err = f.rules.set(rules)
		}
		if err != nil {
			http.Error(w, "rules: "+err.Error(), http.StatusBadRequest)
			return
		}
		demo.WriteJSON(w, 200, f.rules.list())
	})
	m.HandleFunc("DELETE /rules", func(w http.ResponseWriter, _ *http.Request) {
		f.rules.set(nil)
		w.WriteHeader(http.StatusNoContent)
	})
	m.HandleFunc("GET /log", func(w http.ResponseWriter, _ *http.Request) {
		var b bytes.Buffer
		f.log.write(&b)
		w.Header().Set("Content-Type", "application/json")
		w.Write(b.Bytes())
	})
	m.HandleFunc("DELETE /log", func(w http.ResponseWriter, _ *http.Request) {
		f.log.clear()
		w.WriteHeader(http.StatusNoContent)
	})
	m.HandleFunc("POST /down", func(w http.ResponseWriter, _ *http.Request) {
		f.down()
		w.WriteHeader(http.StatusNoContent)
	})
	m.HandleFunc("POST /up", func(w http.ResponseWriter, _ *http.Request) {
		if err := f.up(); err != nil {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	m.HandleFunc("POST /cut", func(w http.ResponseWriter, _ *http.Request) {
		demo.WriteJSON(w, 200, map[string]int{"closed": f.cut()})
	})
	return m
}

// pathClass names a kind of request: names of namespaces and objects are left out.
func pathClass(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	skip := 2 // api/v1
	if parts[0] == "apis" {
		skip = 3 // apis/group/version
	}
	if (parts[0] != "api" && parts[0] != "apis") || len(parts) <= skip {
		return path
	}
	rest := parts[skip:]
	for i := range rest {
		if i == 1 || (i == 3 && rest[0] == "namespaces") {
			rest[i] = "*"
		}
	}
	return "/" + strings.Join(parts, "/")
}
