// token.go: the gateway's ServiceAccount token, as a kubelet would project it:
// short-lived, and replaced by rename.
package main

import (
	"context"
	"os"
	"time"

	authv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

const gatewayName = "aigc-gateway" // namespace and ServiceAccount, see docker/kubernetes/rbac.yaml

// keepToken writes the token once and goes on renewing it.  Without the
// ServiceAccount (no -apply of it) there is none until somebody creates it.
func keepToken(ctx context.Context, o *options, cs kubernetes.Interface) error {
	if err := os.MkdirAll(o.path("serviceaccount"), 0o755); err != nil {
		return err
	}
	ca, err := os.ReadFile(o.path("pki", "ca.crt"))
	if err != nil {
		return err
	}
	if err := writeFileAtomic(o.path("serviceaccount", "ca.crt"), ca, 0o644); err != nil {
		return err
	}
	if err := writeFileAtomic(o.path("serviceaccount", "namespace"), []byte(gatewayName), 0o644); err != nil {
		return err
	}
	err = writeToken(ctx, o, cs)
	if apierrors.IsNotFound(err) {
		klog.InfoS("no token: ServiceAccount aigc-gateway/aigc-gateway does not exist; -apply docker/kubernetes/rbac.yaml")
	} else if err != nil {
		return err
	}
	go func() {
		failed := err != nil
		for {
			wait := o.tokenRotate
			if failed {
				wait = time.Second
			}
			if sleep(ctx, wait); ctx.Err() != nil {
				return
			}
			err := writeToken(ctx, o, cs)
			if err != nil && !apierrors.IsNotFound(err) {
				klog.ErrorS(err, "token")
			}
			failed = err != nil
		}
	}()
	return nil
}

func writeToken(ctx context.Context, o *options, cs kubernetes.Interface) error {
	seconds := int64(o.tokenLifetime / time.Second)
	t, err := cs.CoreV1().ServiceAccounts(gatewayName).CreateToken(ctx, gatewayName,
		&authv1.TokenRequest{Spec: authv1.TokenRequestSpec{ExpirationSeconds: &seconds}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	return writeFileAtomic(o.path("serviceaccount", "token"), []byte(t.Status.Token), 0o600)
}
