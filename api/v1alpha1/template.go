// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BackupTemplate states what a backup covers and how it is kept. It is a
// ceiling: rules select within it and never beyond it.
// +kubebuilder:validation:XValidation:rule="!(has(self.labelSelector) && has(self.orLabelSelectors))",message="set labelSelector or orLabelSelectors, not both"
type BackupTemplate struct {
	// includedNamespaces lists the namespaces to cover, by name or glob ("*" any
	// characters, "?" one). When omitted, all namespaces are covered.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*?]([-a-z0-9*?]*[a-z0-9*?])?$`
	IncludedNamespaces []string `json:"includedNamespaces,omitempty"`

	// excludedNamespaces lists namespaces, by name or glob, to leave out of what
	// includedNamespaces covers.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*?]([-a-z0-9*?]*[a-z0-9*?])?$`
	ExcludedNamespaces []string `json:"excludedNamespaces,omitempty"`

	// includedResources lists the types to cover: "deployments", "deployments.apps",
	// a short name or kind, "*.apps" for a group, or "*". When omitted, all types
	// are covered.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	IncludedResources []string `json:"includedResources,omitempty"`

	// excludedResources lists types, written as in includedResources, to leave out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	ExcludedResources []string `json:"excludedResources,omitempty"`

	// labelSelector restricts the backup to objects whose labels match.
	// +optional
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`

	// orLabelSelectors restricts the backup to objects whose labels match at
	// least one of these selectors.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	OrLabelSelectors []metav1.LabelSelector `json:"orLabelSelectors,omitempty"`

	// includeClusterResources says whether cluster-scoped objects are covered.
	// When omitted, they are when all namespaces are covered, and otherwise only
	// those that the selected objects need: their Namespace, the PersistentVolume
	// of a claim, the CustomResourceDefinition of a custom resource, the cluster
	// roles and bindings of a service account.
	// +optional
	IncludeClusterResources *bool `json:"includeClusterResources,omitempty"`

	// pointInTime says whether all types are backed up as they were at one moment, so
	// that objects belong together. Valid values are BestEffort and Off. When omitted,
	// it is BestEffort: types that lie in another etcd, or behind an aggregated API,
	// are backed up as they are when their turn comes, and so is the rest when etcd
	// forgets that moment before the backup ends; the backup tells which.
	// +optional
	PointInTime PointInTime `json:"pointInTime,omitempty"`

	// allowEmpty says that a backup may contain nothing. When omitted, one that does is
	// Partial: a name was misspelled, or what was to be backed up is not there any more.
	// +optional
	AllowEmpty bool `json:"allowEmpty,omitempty"`

	// ttl is how long the backup is kept, such as "720h". When omitted, the
	// Config's default holds, and without one 720h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	TTL *metav1.Duration `json:"ttl,omitempty"`

	// storageLocation names the Config's location that receives the backup. When
	// omitted, the default location does.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	StorageLocation string `json:"storageLocation,omitempty"`
}

// PointInTime says whether a backup is of one moment.
// +kubebuilder:validation:Enum=BestEffort;Off
type PointInTime string

const (
	// PointInTimeBestEffort backs up all types as they were at one moment, as far as
	// that is possible.
	PointInTimeBestEffort PointInTime = "BestEffort"
	// PointInTimeOff backs up each type as it is when its turn comes.
	PointInTimeOff PointInTime = "Off"
)

// Retention says which backups of a Schedule are kept beyond their ttl. Only
// backups that this cluster took count. A period's slot is filled by its newest
// complete backup, else by its newest partial one.
// +kubebuilder:validation:MinProperties=1
type Retention struct {
	// keepLast is how many of the newest good backups never expire by ttl alone.
	// When omitted, it is 1; 0 lets even the last good backup expire.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10000
	KeepLast *int32 `json:"keepLast,omitempty"`

	// keepHourly is for how many of the latest hours with a backup one is kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	KeepHourly int32 `json:"keepHourly,omitempty"`

	// keepDaily is for how many of the latest days with a backup one is kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	KeepDaily int32 `json:"keepDaily,omitempty"`

	// keepWeekly is for how many of the latest ISO weeks with a backup one is kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	KeepWeekly int32 `json:"keepWeekly,omitempty"`

	// keepMonthly is for how many of the latest months with a backup one is kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	KeepMonthly int32 `json:"keepMonthly,omitempty"`

	// keepYearly is for how many of the latest years with a backup one is kept.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	KeepYearly int32 `json:"keepYearly,omitempty"`
}
