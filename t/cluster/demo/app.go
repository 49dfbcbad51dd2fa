// Package demo is the application that every pod serves: in the cluster's own
// program at an address of the pod's, on a real node (t/node) as the only program
// of an image.  See t/cluster/README.md for its pages.
package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// App is one running application.
type App struct {
	Template  string `json:"template"`
	Instance  int    `json:"instance"`
	Namespace string `json:"namespace"`
	Pod       string `json:"pod"`
	UID       string `json:"uid"`
	Image     string `json:"image"`
	Boot      string `json:"boot"`
	Address   string `json:"address"`

	Exit func(code int) `json:"-"` // ends the program, where it is one of its own

	folder    string
	server    *http.Server
	listeners []*Listener

	mu   sync.Mutex
	seen map[string][]string // by the key of /hangup: the methods that came
}

// Serve opens the application at that address on each of the ports.  The data
// disk is folder.
func (a *App) Serve(address string, ports []int, folder string) error {
	a.Address, a.folder = address, folder
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
		if err != nil {
			a.Close()
			return err
		}
		a.listeners = append(a.listeners, NewListener(l))
	}
	a.server = &http.Server{Handler: a, ConnContext: withTap, ErrorLog: Quiet}
	for _, l := range a.listeners {
		go a.server.Serve(l)
	}
	return nil
}

// Close ends the listeners and every connection, WebSockets included, before it returns.
func (a *App) Close() {
	if a.server != nil {
		a.server.Close()
	}
	for _, l := range a.listeners {
		l.Close()
		l.CloseAll()
	}
}

// ServeHTTP does not use ServeMux, which would redirect an unclean path: this
// application takes every path as it came.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case path == "/":
		a.home(w, r)
	case path == "/info":
		WriteJSON(w, http.StatusOK, struct {
			*App
			Asked string `json:"asked,omitempty"`
		}{a, r.URL.Query().Get("asked")})
	case strings.HasPrefix(path, "/disk/"):
		a.disk(w, r)
	case path == "/ws":
		echoSocket(w, r)
	case path == "/headers":
		showHeaders(w, r)
	case path == "/slow":
		slow(w, r)
	case path == "/large":
		large(w, r)
	case path == "/status":
		status(w, r)
	case path == "/respond":
		respond(w, r)
	case path == "/echo":
		echo(w, r)
	case path == "/raw":
		raw(w, r)
	case path == "/hangup":
		a.hangup(w, r)
	case path == "/dial":
		dial(w, r)
	case path == "/exit" && a.Exit != nil:
		a.Exit(number(r, "code", 1))
	default:
		http.NotFound(w, r)
	}
}

func (a *App) home(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	e := html.EscapeString
	fmt.Fprintf(w, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>%[1]s %[2]d</title></head><body>
<h1>%[1]s, instance %[2]d</h1>
<table>
<tr><th>template</th><td id="template">%[1]s</td></tr>
<tr><th>instance</th><td id="instance">%[2]d</td></tr>
<tr><th>pod</th><td id="pod">%[3]s/%[4]s</td></tr>
<tr><th>pod uid</th><td id="uid">%[5]s</td></tr>
<tr><th>image</th><td id="image">%[6]s</td></tr>
<tr><th>running since</th><td id="boot">%[7]s</td></tr>
<tr><th>address</th><td id="address">%[8]s</td></tr>
</table></body></html>
`, e(a.Template), a.Instance, e(a.Namespace), e(a.Pod), e(a.UID), e(a.Image), a.Boot, a.Address)
}

var diskName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$`)

// disk is a flat file store on the pod's data disk.
func (a *App) disk(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/disk/")
	if name == "" {
		a.listDisk(w, r)
		return
	}
	if !diskName.MatchString(name) {
		http.Error(w, "a file name is letters, digits, dot, dash, underscore", http.StatusBadRequest)
		return
	}
	path := filepath.Join(a.folder, name)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		f, err := os.Open(path)
		if err != nil {
			http.NotFound(w, r)
			return
		}
		defer f.Close()
		st, err := f.Stat()
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", typeOf(name))
		http.ServeContent(w, r, "", st.ModTime(), f)
	case http.MethodPut:
		if err := store(path, r.Body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		if err := os.Remove(path); err != nil {
			http.NotFound(w, r)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, PUT, DELETE")
		http.Error(w, "GET, PUT or DELETE", http.StatusMethodNotAllowed)
	}
}

// typeOf lets a test put a page on the disk, and a browser run it.
func typeOf(name string) string {
	switch filepath.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	}
	return "application/octet-stream"
}

// store writes beside the target first, so that half an upload replaces nothing.
func store(path string, body io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".upload-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if _, err := io.Copy(f, body); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

func (a *App) listDisk(w http.ResponseWriter, r *http.Request) {
	names := []string{}
	entries, err := os.ReadDir(a.folder)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	for _, e := range entries {
		if diskName.MatchString(e.Name()) {
			names = append(names, e.Name())
		}
	}
	sort.Strings(names)
	WriteJSON(w, http.StatusOK, names)
}

var upgrader = websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}

func echoSocket(w http.ResponseWriter, r *http.Request) {
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	for {
		kind, data, err := c.ReadMessage()
		if err != nil || c.WriteMessage(kind, data) != nil {
			return
		}
	}
}

// showHeaders tells what arrived, in the order and spelling in which it did.
func showHeaders(w http.ResponseWriter, r *http.Request) {
	headers := rawHeaders(r)
	n, _ := io.Copy(io.Discard, r.Body)
	WriteJSON(w, http.StatusOK, map[string]any{"method": r.Method, "uri": r.RequestURI, "host": r.Host,
		"headers": headers, "body_length": n})
}

func slow(w http.ResponseWriter, r *http.Request) {
	total := time.Duration(number(r, "ms", 1000)) * time.Millisecond
	chunks := max(1, number(r, "chunks", 1))
	w.Header().Set("Content-Type", "text/plain")
	for i := range chunks {
		sleep(r.Context(), total/time.Duration(chunks))
		if r.Context().Err() != nil {
			return
		}
		fmt.Fprintf(w, "chunk %d of %d\n", i+1, chunks)
		http.NewResponseController(w).Flush()
	}
}

// large answers bytes that a reader can check: the alphabet, over and over.
func large(w http.ResponseWriter, r *http.Request) {
	left := number(r, "bytes", 10<<20)
	w.Header().Set("Content-Length", strconv.Itoa(max(0, left)))
	w.Header().Set("Content-Type", "application/octet-stream")
	block := []byte(strings.Repeat("abcdefghijklmnopqrstuvwxyz", 2520))
	for left > 0 {
		n, err := w.Write(block[:min(left, len(block))])
		if left -= n; err != nil {
			return
		}
	}
}

// respond answers with the headers that the query asks for: ?header=Name:Value&header=…
func respond(w http.ResponseWriter, r *http.Request) {
	for _, h := range r.URL.Query()["header"] {
		if name, value, ok := strings.Cut(h, ":"); ok {
			w.Header()[strings.TrimSpace(name)] = append(w.Header()[strings.TrimSpace(name)], strings.TrimSpace(value))
		}
	}
	w.WriteHeader(number(r, "code", http.StatusOK))
	io.WriteString(w, "respond\n")
}

// raw writes each ?part=… as it is, in the place of an answer, pause=MS apart.
// {fill} becomes as many "x" as fill=N says.  The connection stays open until the
// peer closes it or sends another request; with close=1 it does not.
func raw(w http.ResponseWriter, r *http.Request) {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer c.Close()
	for i, part := range r.URL.Query()["part"] {
		if i > 0 {
			time.Sleep(time.Duration(number(r, "pause", 0)) * time.Millisecond)
		}
		part = strings.ReplaceAll(part, "{fill}", strings.Repeat("x", max(0, number(r, "fill", 0))))
		if _, err := io.WriteString(c, part); err != nil {
			return
		}
	}
	if number(r, "close", 0) == 0 {
		c.Read(make([]byte, 1))
	}
}

// hangup reads a request, waits ms, and closes the connection without an answer,
// times times for each key; the next one is told which methods came.  It is what
// a kept connection looks like whose time was over as a request went out on it.
// partly=TEXT is written before the end.
func (a *App) hangup(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	q := r.URL.Query()
	a.mu.Lock()
	if a.seen == nil {
		a.seen = map[string][]string{}
	}
	if q.Get("look") == "" {
		a.seen[q.Get("key")] = append(a.seen[q.Get("key")], r.Method)
	}
	seen := slices.Clone(a.seen[q.Get("key")])
	a.mu.Unlock()
	if q.Get("look") != "" || len(seen) > number(r, "times", 1) {
		WriteJSON(w, http.StatusOK, map[string]any{"seen": seen})
		return
	}
	sleep(r.Context(), time.Duration(number(r, "ms", 0))*time.Millisecond)
	if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
		io.WriteString(c, q.Get("partly"))
		c.Close()
	}
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func status(w http.ResponseWriter, r *http.Request) {
	code := number(r, "code", http.StatusOK)
	if code < 200 || code > 599 {
		code = http.StatusBadRequest
	}
	w.WriteHeader(code)
}

func echo(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
	http.NewResponseController(w).EnableFullDuplex()
	io.Copy(w, r.Body)
}

// dial tries to connect from here, and says what became of it: what a pod can
// reach.
func dial(w http.ResponseWriter, r *http.Request) {
	c, err := net.DialTimeout("tcp", r.URL.Query().Get("address"), time.Duration(number(r, "ms", 1000))*time.Millisecond)
	if err != nil {
		WriteJSON(w, http.StatusOK, map[string]any{"connected": false, "error": err.Error()})
		return
	}
	c.Close()
	WriteJSON(w, http.StatusOK, map[string]any{"connected": true})
}

func number(r *http.Request, name string, otherwise int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return n
}

func WriteJSON(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(v)
}

// Listener knows its open connections, hijacked ones too.
type Listener struct {
	net.Listener
	mu    sync.Mutex
	conns map[*conn]bool
}

func NewListener(l net.Listener) *Listener {
	return &Listener{Listener: l, conns: map[*conn]bool{}}
}

func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t := &conn{Conn: c, from: l}
	l.mu.Lock()
	l.conns[t] = true
	l.mu.Unlock()
	return t, nil
}

func (l *Listener) CloseAll() int {
	l.mu.Lock()
	var open []*conn
	for c := range l.conns {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	return len(open)
}

type conn struct {
	net.Conn
	from *Listener
	tap
}

func (c *conn) Close() error {
	c.from.mu.Lock()
	delete(c.from.conns, c)
	c.from.mu.Unlock()
	return c.Conn.Close()
}
