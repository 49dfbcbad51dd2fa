// disk.go: a folder for each PersistentVolumeClaim under DIR/disks.  It appears
// when the claim is bound, outlives every pod, and goes when the claim is gone.
package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

type disks struct{ w *world }

func newDisks(w *world) *disks { return &disks{w} }

func (d *disks) folder(ns, claim string) string { return d.w.o.path("disks", ns, claim) }

// owner is the file that says which claim (by uid) a folder belongs to, so that
// a claim re-created under the same name never meets the old one's data.
func (d *disks) owner(ns, claim string) string { return d.w.o.path("disk-owners", ns, claim) }

func (d *disks) sync(ctx context.Context, key string) error {
	ns, name := filepath.Split(key)
	ns = filepath.Clean(ns)
	folder, owner := d.folder(ns, name), d.owner(ns, name)
	o, found, err := d.w.claims.GetByKey(key)
	if err != nil {
		return err
	}
	if !found {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
		return os.RemoveAll(owner)
	}
	c := o.(*v1.PersistentVolumeClaim)
	if uid, err := os.ReadFile(owner); err != nil || string(uid) != string(c.UID) {
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
		for _, f := range []string{folder, filepath.Dir(owner)} {
			if err := os.MkdirAll(f, 0o755); err != nil {
				return err
			}
		}
		if err := writeFileAtomic(owner, []byte(c.UID), 0o644); err != nil {
			return err
		}
	}
	if c.Status.Phase == v1.ClaimBound || c.DeletionTimestamp != nil {
		return nil
	}
	b, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": c.UID}, "status": v1.PersistentVolumeClaimStatus{
		Phase: v1.ClaimBound, AccessModes: c.Spec.AccessModes,
		Capacity: v1.ResourceList{v1.ResourceStorage: c.Spec.Resources.Requests[v1.ResourceStorage]}}})
	if err != nil {
		return err
	}
	_, err = d.w.kl.CoreV1().PersistentVolumeClaims(c.Namespace).
		Patch(ctx, c.Name, types.MergePatchType, b, metav1.PatchOptions{}, "status")
	if apierrors.IsConflict(err) {
		return nil // another claim of this name by now
	}
	return err
}

// forget removes the folders of claims that went while nobody looked.
func (d *disks) forget(ctx context.Context) {
	owners, _ := filepath.Glob(d.w.o.path("disk-owners", "*", "*"))
	for _, f := range owners {
		key := filepath.Base(filepath.Dir(f)) + "/" + filepath.Base(f)
		if _, found, err := d.w.claims.GetByKey(key); err == nil && !found {
			_ = d.sync(ctx, key)
		}
	}
}

// ready says whether every claim of the pod is bound, and which folder is its data disk.
func (d *disks) ready(p *v1.Pod) (folder, waitingFor string) {
	for _, v := range p.Spec.Volumes {
		if v.PersistentVolumeClaim == nil {
			continue
		}
		claim := v.PersistentVolumeClaim.ClaimName
		o, found, err := d.w.claims.GetByKey(p.Namespace + "/" + claim)
		if err != nil || !found || o.(*v1.PersistentVolumeClaim).Status.Phase != v1.ClaimBound {
			return "", claim
		}
		if folder == "" {
			folder = d.folder(p.Namespace, claim)
		}
	}
	return folder, ""
}
