// browsers.go: what a browser sends, and what it keeps of the answer.
package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

type browsers struct {
	gateway, host string
	provider      *provider
	client        *http.Client
	lock          sync.Mutex
	session       map[int]string // the cookie
}

func newBrowsers(gateway, host string, p *provider) *browsers {
	return &browsers{gateway: gateway, host: host, provider: p, session: map[int]string{}, client: &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: atOnce, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// send is one request; the answer's body is read and forgotten.
func (b *browsers) send(method, path, cookie string) (*http.Response, error) {
	r, err := http.NewRequest(method, b.gateway+path, nil)
	fail(err)
	r.Host = b.host
	r.Header.Set("Accept", "text/html,application/json")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Origin", "http://"+b.host)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	answer, err := b.client.Do(r)
	if err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	return answer, err
}

// keep keeps the session cookie if the answer sets it.
func (b *browsers) keep(i int, answer *http.Response) bool {
	for _, c := range answer.Cookies() {
		if c.Name == "aigc-session" && c.Value != "" {
			b.lock.Lock()
			b.session[i] = c.Name + "=" + c.Value
			b.lock.Unlock()
			return true
		}
	}
	return false
}

func (b *browsers) cookie(i int) string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.session[i]
}

func (b *browsers) signIn(i int) string {
	first, err := b.send("GET", "/sign-in", "")
	if err != nil || first.StatusCode != 302 {
		return said("sign-in", first, err)
	}
	to, err := url.Parse(first.Header.Get("Location"))
	fail(err)
	var login []string
	for _, c := range first.Cookies() {
		if c.Value != "" {
			login = append(login, c.Name+"="+c.Value)
		}
	}
	q := url.Values{"state": to.Query()["state"], "iss": {b.provider.url + "/oidc"},
		"code": {fmt.Sprintf("user%08d.%s", i, to.Query().Get("nonce"))}}
	second, err := b.send("GET", "/sign-in-callback?"+q.Encode(), strings.Join(login, "; "))
	if err == nil && b.keep(i, second) {
		return "in"
	}
	return said("callback", second, err)
}

func (b *browsers) ask(i int) string {
	answer, err := b.send("GET", "/api/v1/me", b.cookie(i))
	if err == nil && answer.StatusCode == 200 && b.keep(i, answer) {
		return "renewed"
	}
	return said("me", answer, err)
}

func (b *browsers) signOut(i int) string {
	answer, err := b.send("POST", "/sign-out", b.cookie(i))
	return said("sign-out", answer, err)
}

func said(what string, answer *http.Response, err error) string {
	if err != nil {
		return what + " " + err.Error()
	}
	return fmt.Sprint(what, " ", answer.StatusCode)
}
