// disks.go: real disks for claims: a folder of the node as a local
// PersistentVolume for each claim of the StorageClass, and away with the folder
// when the claim is gone.  Binding them is Kubernetes' own controller's work.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	v1 "k8s.io/api/core/v1"
	storage "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/reference"
)

const (
	provisioner    = "aigc-node/disks"
	provisionerKey = "volume.kubernetes.io/storage-provisioner" // the binder asks for a disk
	selectedKey    = "volume.kubernetes.io/selected-node"       // the scheduler says where
	madeByKey      = "pv.kubernetes.io/provisioned-by"
)

func newDisksCommand() *cobra.Command {
	var config, dir string
	c := &cobra.Command{Use: "disks", SilenceUsage: true, RunE: func(c *cobra.Command, _ []string) error {
		cfg, err := clientcmd.BuildConfigFromFlags("", config)
		if err != nil {
			return err
		}
		cs, err := kubernetes.NewForConfig(cfg)
		if err != nil {
			return err
		}
		return provide(c.Context(), cs, dir)
	}}
	c.Flags().StringVar(&config, "kubeconfig", "", "who it is")
	c.Flags().StringVar(&dir, "dir", "", "where the folders are")
	return c
}

// provide looks twice a second: one node has few claims, and a list says
// everything that a watch could miss.
func provide(ctx context.Context, cs kubernetes.Interface, dir string) error {
	if err := makeClass(ctx, cs); err != nil {
		return err
	}
	for {
		if err := look(ctx, cs, dir); err != nil {
			fmt.Fprintln(os.Stderr, "disks:", err)
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// makeClass makes the default class: claims that name none get it.
func makeClass(ctx context.Context, cs kubernetes.Interface) error {
	wait := storage.VolumeBindingWaitForFirstConsumer
	_, err := cs.StorageV1().StorageClasses().Create(ctx, &storage.StorageClass{
		ObjectMeta: metav1.ObjectMeta{Name: "local",
			Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"}},
		Provisioner: provisioner, VolumeBindingMode: &wait}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func look(ctx context.Context, cs kubernetes.Interface, dir string) error {
	claims, err := cs.CoreV1().PersistentVolumeClaims("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for i := range claims.Items {
		c := &claims.Items[i]
		if c.Spec.VolumeName != "" || c.DeletionTimestamp != nil || c.Annotations[provisionerKey] != provisioner {
			continue
		}
		if node := c.Annotations[selectedKey]; node != "" {
			if err := makeDisk(ctx, cs, dir, c, node); err != nil {
				return err
			}
		}
	}
	volumes, err := cs.CoreV1().PersistentVolumes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, v := range volumes.Items {
		if v.Annotations[madeByKey] != provisioner || v.Status.Phase != v1.VolumeReleased {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, v.Name)); err != nil {
			return err
		}
		if err := cs.CoreV1().PersistentVolumes().Delete(ctx, v.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	return nil
}

func makeDisk(ctx context.Context, cs kubernetes.Interface, dir string, c *v1.PersistentVolumeClaim, node string) error {
	name := "pvc-" + string(c.UID)
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(path, 0o777); err != nil {
		return err
	}
	// whoever the pod runs as, fsGroup or not, as disks of many clouds are
	if err := os.Chmod(path, 0o777); err != nil {
		return err
	}
	ref, err := reference.GetReference(scheme.Scheme, c)
	if err != nil {
		return err
	}
	_, err = cs.CoreV1().PersistentVolumes().Create(ctx, &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{madeByKey: provisioner}},
		Spec: v1.PersistentVolumeSpec{
			Capacity:                      v1.ResourceList{v1.ResourceStorage: c.Spec.Resources.Requests[v1.ResourceStorage]},
			AccessModes:                   c.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: v1.PersistentVolumeReclaimRetain, // Kubernetes leaves the folder to us
			StorageClassName:              *c.Spec.StorageClassName,
			ClaimRef:                      ref,
			PersistentVolumeSource:        v1.PersistentVolumeSource{Local: &v1.LocalVolumeSource{Path: path}},
			NodeAffinity: &v1.VolumeNodeAffinity{Required: &v1.NodeSelector{NodeSelectorTerms: []v1.NodeSelectorTerm{{
				MatchExpressions: []v1.NodeSelectorRequirement{{Key: v1.LabelHostname, Operator: v1.NodeSelectorOpIn, Values: []string{node}}}}}}},
		}}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
