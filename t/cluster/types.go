// types.go: the objects of OpenKruiseGame and kruise, as far as our controllers
// read and write them, and their way from and to the API.
package main

import (
	"encoding/json"
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
)

var (
	gssResource = schema.GroupVersionResource{Group: "game.kruise.io", Version: "v1alpha1", Resource: "gameserversets"}
	gsResource  = schema.GroupVersionResource{Group: "game.kruise.io", Version: "v1alpha1", Resource: "gameservers"}
	stsResource = schema.GroupVersionResource{Group: "apps.kruise.io", Version: "v1beta1", Resource: "statefulsets"}
)

// Labels and annotations of OpenKruiseGame and kruise.
const (
	ownerGssKey       = "game.kruise.io/owner-gss"
	reserveIdsKey     = "game.kruise.io/reserve-ids"
	stsHashKey        = "game.kruise.io/asts-hash"
	metadataHashKey   = "game.kruise.io/gsTemplate-metadata-hash"
	gsStateKey        = "game.kruise.io/gs-state"
	gsOpsStateKey     = "game.kruise.io/gs-opsState"
	gsUpdatePrioKey   = "game.kruise.io/gs-update-priority"
	gsDeletePrioKey   = "game.kruise.io/gs-delete-priority"
	gsDeletingKey     = "game.kruise.io/gs-deleting"
	networkTypeKey    = "game.kruise.io/network-type"
	networkConfKey    = "game.kruise.io/network-conf"
	networkStatusKey  = "game.kruise.io/network-status"
	networkOffKey     = "game.kruise.io/network-disabled"
	ingressHashKey    = "game.kruise.io/ingress-hash"
	serviceHashKey    = "game.kruise.io/svc-hash"
	lifecycleKey      = "lifecycle.apps.kruise.io/state"
	inPlaceStateKey   = "apps.kruise.io/inplace-update-state"
	revisionKey       = "controller-revision-hash"
	podNameKey        = "statefulset.kubernetes.io/pod-name"
	podIndexKey       = "apps.kubernetes.io/pod-index"
	inPlaceReady      = v1.PodConditionType("InPlaceUpdateReady")
	lifecycleNormal   = "Normal"
	lifecycleUpdating = "Updating"
	preparingDelete   = "PreparingDelete"
)

type gameServerSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              gssSpec   `json:"spec"`
	Status            gssStatus `json:"status"`
}

type gssSpec struct {
	Replicas             *int32               `json:"replicas"`
	GameServerTemplate   gsTemplate           `json:"gameServerTemplate"`
	ReserveGameServerIds []intstr.IntOrString `json:"reserveGameServerIds"`
	UpdateStrategy       updateStrategy       `json:"updateStrategy"`
	ScaleStrategy        scaleStrategy        `json:"scaleStrategy"`
	Network              *networkSpec         `json:"network"`
	ServiceName          string               `json:"serviceName"`
}

type gsTemplate struct {
	v1.PodTemplateSpec   `json:",inline"`
	VolumeClaimTemplates []v1.PersistentVolumeClaim `json:"volumeClaimTemplates"`
	ReclaimPolicy        string                     `json:"reclaimPolicy"`
}

type updateStrategy struct {
	Type          string         `json:"type,omitempty"`
	RollingUpdate *rollingUpdate `json:"rollingUpdate,omitempty"`
}

type rollingUpdate struct {
	Partition       *int32              `json:"partition,omitempty"`
	MaxUnavailable  *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	PodUpdatePolicy string              `json:"podUpdatePolicy,omitempty"`
	Paused          bool                `json:"paused,omitempty"`
	MinReadySeconds *int32              `json:"minReadySeconds,omitempty"`
}

type scaleStrategy struct {
	MaxUnavailable        *intstr.IntOrString `json:"maxUnavailable,omitempty"`
	ScaleDownStrategyType string              `json:"scaleDownStrategyType,omitempty"`
}

type networkSpec struct {
	NetworkType string  `json:"networkType"`
	NetworkConf []param `json:"networkConf"`
}

type param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type gssStatus struct {
	Replicas                int32  `json:"replicas"`
	ReadyReplicas           int32  `json:"readyReplicas"`
	AvailableReplicas       int32  `json:"availableReplicas"`
	CurrentReplicas         int32  `json:"currentReplicas"`
	UpdatedReplicas         int32  `json:"updatedReplicas"`
	UpdatedReadyReplicas    int32  `json:"updatedReadyReplicas"`
	MaintainingReplicas     int32  `json:"maintainingReplicas"`
	WaitToBeDeletedReplicas int32  `json:"waitToBeDeletedReplicas"`
	LabelSelector           string `json:"labelSelector,omitempty"`
	ObservedGeneration      int64  `json:"observedGeneration,omitempty"`
}

// statefulSet is kruise's Advanced StatefulSet: the step between a
// GameServerSet and its pods, and the memory of what was scaled last.
type statefulSet struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              stsSpec   `json:"spec"`
	Status            stsStatus `json:"status"`
}

type stsSpec struct {
	Replicas             *int32                     `json:"replicas"`
	ReserveOrdinals      []intstr.IntOrString       `json:"reserveOrdinals,omitempty"`
	Selector             *metav1.LabelSelector      `json:"selector"`
	ServiceName          string                     `json:"serviceName"`
	PodManagementPolicy  string                     `json:"podManagementPolicy,omitempty"`
	Template             v1.PodTemplateSpec         `json:"template"`
	VolumeClaimTemplates []v1.PersistentVolumeClaim `json:"volumeClaimTemplates,omitempty"`
	UpdateStrategy       updateStrategy             `json:"updateStrategy"`
	ScaleStrategy        scaleStrategy              `json:"scaleStrategy"`
}

type stsStatus struct {
	ObservedGeneration   int64  `json:"observedGeneration"`
	Replicas             int32  `json:"replicas"`
	ReadyReplicas        int32  `json:"readyReplicas"`
	AvailableReplicas    int32  `json:"availableReplicas"`
	CurrentReplicas      int32  `json:"currentReplicas"`
	UpdatedReplicas      int32  `json:"updatedReplicas"`
	UpdatedReadyReplicas int32  `json:"updatedReadyReplicas"`
	CurrentRevision      string `json:"currentRevision"`
	UpdateRevision       string `json:"updateRevision"`
	LabelSelector        string `json:"labelSelector"`

	Conditions []stsCondition `json:"conditions"` // null takes them away
}

type stsCondition struct {
	Type    string             `json:"type"`
	Status  v1.ConditionStatus `json:"status"`
	Message string             `json:"message,omitempty"`
}

type gameServer struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              gsSpec   `json:"spec"`
	Status            gsStatus `json:"status"`
}

type gsSpec struct {
	OpsState         string              `json:"opsState,omitempty"`
	UpdatePriority   *intstr.IntOrString `json:"updatePriority,omitempty"`
	DeletionPriority *intstr.IntOrString `json:"deletionPriority,omitempty"`
	NetworkDisabled  bool                `json:"networkDisabled"`
}

type gsStatus struct {
	DesiredState       string              `json:"desiredState,omitempty"`
	CurrentState       string              `json:"currentState,omitempty"`
	NetworkStatus      *networkStatus      `json:"networkStatus,omitempty"`
	PodStatus          v1.PodStatus        `json:"podStatus"`
	UpdatePriority     *intstr.IntOrString `json:"updatePriority,omitempty"`
	DeletionPriority   *intstr.IntOrString `json:"deletionPriority,omitempty"`
	LastTransitionTime *metav1.Time        `json:"lastTransitionTime,omitempty"`
	Conditions         []gsCondition       `json:"conditions,omitempty"`
}

type gsCondition struct {
	Type               string             `json:"type"`
	Status             v1.ConditionStatus `json:"status"`
	LastProbeTime      *metav1.Time       `json:"lastProbeTime,omitempty"`
	LastTransitionTime *metav1.Time       `json:"lastTransitionTime,omitempty"`
	Reason             string             `json:"reason,omitempty"`
	Message            string             `json:"message,omitempty"`
}

type networkStatus struct {
	NetworkType         string           `json:"networkType,omitempty"`
	InternalAddresses   []networkAddress `json:"internalAddresses,omitempty"`
	ExternalAddresses   []networkAddress `json:"externalAddresses,omitempty"`
	DesiredNetworkState string           `json:"desiredNetworkState,omitempty"`
	CurrentNetworkState string           `json:"currentNetworkState,omitempty"`
	CreateTime          *metav1.Time     `json:"createTime,omitempty"`
	LastTransitionTime  *metav1.Time     `json:"lastTransitionTime,omitempty"`
}

type networkAddress struct {
	IP       string        `json:"ip"`
	Ports    []networkPort `json:"ports,omitempty"`
	EndPoint string        `json:"endPoint,omitempty"`
}

type networkPort struct {
	Name string             `json:"name"`
	Port intstr.IntOrString `json:"port"`
}

// decode reads an object of the dynamic client into one of the types above.
func decode[T any](o any) (*T, error) {
	u, ok := o.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("%T is no object", o)
	}
	t := new(T)
	return t, runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, t)
}

// encode is the way back; status never travels with an object.
func encode(o any) (*unstructured.Unstructured, error) {
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(b); err != nil {
		return nil, err
	}
	unstructured.RemoveNestedField(u.Object, "status")
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	return u, nil
}

func ownerOf(apiVersion, kind string, m *metav1.ObjectMeta) []metav1.OwnerReference {
	yes := true
	return []metav1.OwnerReference{{APIVersion: apiVersion, Kind: kind, Name: m.Name, UID: m.UID,
		Controller: &yes, BlockOwnerDeletion: &yes}}
}
