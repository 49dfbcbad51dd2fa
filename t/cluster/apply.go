// apply.go: server-side apply of YAML: our CRDs, and the files of -apply.
package main

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

//go:embed crds/*.yaml
var crdFiles embed.FS

type applier struct {
	dyn    dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper
}

// crds applies the CRDs and waits until they are served.  The one difference
// between the versions that a schema shows is the type of a reserved id.
func (a *applier) crds(ctx context.Context, okg string) error {
	element := "x-kubernetes-int-or-string: true"
	if okg == "0.4" {
		element = "type: integer"
	}
	entries, err := crdFiles.ReadDir("crds")
	if err != nil {
		return err
	}
	for _, e := range entries {
		b, err := crdFiles.ReadFile("crds/" + e.Name())
		if err != nil {
			return err
		}
		if err := a.yaml(ctx, []byte(strings.ReplaceAll(string(b), "RESERVED_ID_SCHEMA", element))); err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	for _, r := range []schema.GroupVersionResource{gssResource, gsResource, stsResource} {
		if !waitFor(ctx, 20*time.Millisecond, func() bool {
			_, err := a.dyn.Resource(r).List(ctx, metav1.ListOptions{Limit: 1})
			return err == nil
		}) {
			return ctx.Err()
		}
	}
	a.mapper.Reset()
	return nil
}

func (a *applier) file(ctx context.Context, path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return a.yaml(ctx, b)
}

func (a *applier) yaml(ctx context.Context, text []byte) error {
	d := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		u := &unstructured.Unstructured{}
		err := d.Decode(&u.Object)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(u.Object) == 0 {
			continue
		}
		if err := a.object(ctx, u); err != nil {
			return fmt.Errorf("%s %s: %w", u.GetKind(), u.GetName(), err)
		}
	}
}

func (a *applier) object(ctx context.Context, u *unstructured.Unstructured) error {
	gvk := u.GroupVersionKind()
	m, err := a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return err
	}
	var client dynamic.ResourceInterface = a.dyn.Resource(m.Resource)
	if m.Scope.Name() == apimeta.RESTScopeNameNamespace {
		ns := u.GetNamespace()
		if ns == "" {
			ns = "default"
		}
		client = a.dyn.Resource(m.Resource).Namespace(ns)
	}
	_, err = client.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: "cluster", Force: true})
	return err
}
