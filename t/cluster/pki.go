// pki.go: certificates, the service-account key and the kubeconfigs under DIR.
// What an earlier start has written is kept, so that tokens stay valid.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const certLifetime = 10 * 365 * 24 * time.Hour

type authority struct {
	dir    string
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	serial int64
}

func makePKI(o *options) {
	dir := o.path("pki")
	must(os.MkdirAll(dir, 0o700), "pki")
	if _, err := os.Stat(filepath.Join(dir, "complete")); err != nil {
		a := newAuthority(dir)
		loopback := []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 96, 0, 1)} // and what pods know it by
		names := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
		a.issue("apiserver", pkix.Name{CommonName: "kube-apiserver"}, x509.ExtKeyUsageServerAuth, names, loopback)
		masters := []string{"system:masters"}
		a.issue("admin", pkix.Name{CommonName: "admin", Organization: masters}, x509.ExtKeyUsageClientAuth, nil, nil)
		a.issue("controllers", pkix.Name{CommonName: controllerUser, Organization: masters}, x509.ExtKeyUsageClientAuth, nil, nil)
		if o.node != "" {
			a.issue("node", pkix.Name{CommonName: "system:node:" + o.node, Organization: []string{"system:nodes"}}, x509.ExtKeyUsageClientAuth, nil, nil)
		}
		newKey(filepath.Join(dir, "sa.key"))
		must(os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600), "pki")
	}
	// The port may have changed since the last start.
	writeKubeconfig(o, o.path("kubeconfig"), "admin")
	writeKubeconfig(o, filepath.Join(dir, "controllers.kubeconfig"), "controllers")
	if o.node != "" {
		writeKubeconfig(o, filepath.Join(dir, "node.kubeconfig"), "node")
	}
}

func newAuthority(dir string) *authority {
	a := &authority{dir: dir, key: newKey(filepath.Join(dir, "ca.key")), serial: 1}
	now := time.Now()
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "development cluster CA"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLifetime),
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, &a.key.PublicKey, a.key)
	must(err, "CA certificate")
	writePEM(filepath.Join(dir, "ca.crt"), "CERTIFICATE", der, 0o644)
	return a
}

func (a *authority) issue(name string, subject pkix.Name, use x509.ExtKeyUsage, dns []string, ips []net.IP) {
	a.serial++
	now := time.Now()
	key := newKey(filepath.Join(a.dir, name+".key"))
	cert := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: subject,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certLifetime),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{use},
		DNSNames: dns, IPAddresses: ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, a.cert, &key.PublicKey, a.key)
	must(err, name+" certificate")
	writePEM(filepath.Join(a.dir, name+".crt"), "CERTIFICATE", der, 0o644)
}

func newKey(path string) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err, path)
	der, err := x509.MarshalECPrivateKey(key)
	must(err, path)
	writePEM(path, "EC PRIVATE KEY", der, 0o600)
	return key
}

func writePEM(path, kind string, der []byte, mode os.FileMode) {
	must(os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode), path)
}

func writeKubeconfig(o *options, path, user string) {
	p := func(name string) string { return o.path("pki", name) }
	text := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: dev, cluster: {server: "https://127.0.0.1:%d", certificate-authority: %q}}]
users: [{name: %s, user: {client-certificate: %q, client-key: %q}}]
contexts: [{name: dev, context: {cluster: dev, user: %s}}]
current-context: dev
`, o.port, p("ca.crt"), user, p(user+".crt"), p(user+".key"), user)
	must(writeFileAtomic(path, []byte(text), 0o600), path)
}

// writeFileAtomic replaces path in one step, as the kubelet does with a token.
func writeFileAtomic(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".new"
	if err := os.WriteFile(tmp, data, mode); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
