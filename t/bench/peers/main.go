// What stands beside nginx in the benchmark: the original gateway's work for a
// request, and an echo of WebSocket messages.
//
//	peers original -listen ADDR -userinfo URL -token FILE
//	    -kubernetes URL -ca FILE -account FILE -instances NS/NAME,…
//	peers echo -listen ADDR
package main

import (
	"bufio"
	"crypto/sha1"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("peers original|echo …")
	}
	listen := flag.String("listen", "", "address")
	o := original{}
	flag.StringVar(&o.userinfo, "userinfo", "", "Logto's userinfo endpoint")
	token := flag.String("token", "", "file with the user's access token")
	flag.StringVar(&o.kubernetes, "kubernetes", "", "the API server")
	ca := flag.String("ca", "", "its CA")
	account := flag.String("account", "", "file with the service account's token")
	instances := flag.String("instances", "", "the user's instances")
	flag.CommandLine.Parse(os.Args[2:])

	switch os.Args[1] {
	case "echo":
		log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(echo)))
	case "original":
		o.token, o.account = read(*token), read(*account)
		o.instances = strings.Split(*instances, ",")
		o.setUp(*ca)
		log.Fatal(http.ListenAndServe(*listen, &o))
	default:
		log.Fatal("peers original|echo …")
	}
}

func read(name string) string {
	text, err := os.ReadFile(name)
	if err != nil {
		log.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// original answers as the original's /auth does: it asks Logto who the user
// is, and Kubernetes for the GameServer of each instance that Logto's custom
// data name, one after the other; 200 when all of it succeeds.  Connections
// are kept; nothing else is remembered.
type original struct {
	userinfo, token     string
	kubernetes, account string
	instances           []string
	client              http.Client
}

func (o *original) setUp(ca string) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(read(ca))) {
		log.Fatalf("%s: no certificate", ca)
	}
	o.client.Transport = &http.Transport{
		MaxIdleConnsPerHost: 64,
		TLSClientConfig:     &tls.Config{RootCAs: pool, ServerName: "kubernetes.default.svc"},
	}
}

func (o *original) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Cookie") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if err := o.get(o.userinfo, o.token); err != nil {
		log.Print(err)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	for _, instance := range o.instances {
		namespace, name, _ := strings.Cut(instance, "/")
		url := fmt.Sprintf("%s/apis/game.kruise.io/v1alpha1/namespaces/%s/gameservers/%s",
			o.kubernetes, namespace, name)
		if err := o.get(url, o.account); err != nil {
			log.Print(err)
			w.WriteHeader(http.StatusForbidden)
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

func (o *original) get(url, token string) error {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := o.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, answer.Status)
	}
	return nil
}

// echo upgrades to a WebSocket and sends each small frame back, unmasked.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, stream, err := w.(http.Hijacker).Hijack()
	if err != nil {
		log.Print(err)
		return
	}
	defer conn.Close()
	key := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\n\r\n", base64.StdEncoding.EncodeToString(key[:]))
	for echoFrame(conn, stream.Reader) == nil {
	}
}

func echoFrame(conn net.Conn, in *bufio.Reader) error {
	var head [6]byte // flags, length below 126, mask
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return err
	}
	n := int(head[1] & 0x7f)
	if n > 125 {
		return fmt.Errorf("a frame of more than 125 bytes")
	}
	out := make([]byte, 2+n)
	out[0], out[1] = head[0], byte(n)
	if _, err := io.ReadFull(in, out[2:]); err != nil {
		return err
	}
	for i := range out[2:] {
		out[2+i] ^= head[2+i%4]
	}
	_, err := conn.Write(out)
	return err
}
