// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ScheduleSpec states when backups are taken, and of what.
// +kubebuilder:validation:XValidation:rule="has(self.template) != has(self.policyName)",message="set exactly one of template and policyName"
type ScheduleSpec struct {
	// cron is when backups are taken, such as "0 3 * * *": minute, hour, day of
	// month, month, day of week; or @hourly, @daily, @weekly, @monthly, @yearly.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	Cron string `json:"cron,omitempty"`

	// timeZone is the IANA time zone that cron is read in, such as
	// "Europe/Berlin". When omitted, it is UTC.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	TimeZone string `json:"timeZone,omitempty"`

	// template states what each backup covers.
	// +optional
	Template *BackupTemplate `json:"template,omitempty"`

	// policyName names the BackupPolicy whose template and rules each backup uses.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PolicyName string `json:"policyName,omitempty"`

	// suspend stops the schedule. What is stored stays.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// startingDeadline is how late a backup may start. A firing missed by more is
	// skipped. When omitted, a missed firing is always made up for, once.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	StartingDeadline *metav1.Duration `json:"startingDeadline,omitempty"`

	// concurrencyPolicy says what happens when a backup is due while the last one
	// runs: Forbid waits for it, Allow starts a second one. When omitted, it is
	// Forbid.
	// +optional
	ConcurrencyPolicy ConcurrencyPolicy `json:"concurrencyPolicy,omitempty"`

	// retention says which backups are kept beyond their ttl.
	// +optional
	Retention *Retention `json:"retention,omitempty"`
}

// ConcurrencyPolicy says whether backups of one Schedule may overlap. There is
// no Replace: a backup that takes longer than the interval would never finish.
// +kubebuilder:validation:Enum=Forbid;Allow
type ConcurrencyPolicy string

const (
	// ConcurrencyForbid starts no backup while one of the same Schedule runs.
	ConcurrencyForbid ConcurrencyPolicy = "Forbid"
	// ConcurrencyAllow lets backups of the same Schedule overlap.
	ConcurrencyAllow ConcurrencyPolicy = "Allow"
)

// ScheduleStatus is what the controllers last observed.
type ScheduleStatus struct {
	// observedGeneration is the generation that conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready, Healthy, and Reconciling or Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// inForce is the cron expression and time zone that firings are counted by, and
	// since when.
	// +optional
	InForce *FiringRule `json:"inForce,omitempty"`

	// lastScheduleTime is the last firing that a backup was made for.
	// +optional
	LastScheduleTime *metav1.Time `json:"lastScheduleTime,omitempty"`

	// nextScheduleTime is the next firing.
	// +optional
	NextScheduleTime *metav1.Time `json:"nextScheduleTime,omitempty"`

	// lastBackupName is the backup made for the last firing.
	// +optional
	LastBackupName string `json:"lastBackupName,omitempty"`

	// lastSuccessfulTime is when the newest complete backup was finished.
	// +optional
	LastSuccessfulTime *metav1.Time `json:"lastSuccessfulTime,omitempty"`

	// missed is how many firings the last backup made up for, or the deadline
	// skipped.
	// +optional
	Missed int32 `json:"missed,omitempty"`
}

// FiringRule is a cron expression in a time zone, and since when it is in force.
type FiringRule struct {
	// cron is the expression.
	// +optional
	Cron string `json:"cron,omitempty"`

	// timeZone is the zone that it is read in.
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// since is when the Schedule was created or the two were last changed. A time
	// before that was no firing, and is not made up for.
	// +optional
	Since metav1.Time `json:"since,omitzero"`
}

// Schedule takes backups at the times of a cron expression.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=schedules,singular=schedule,shortName=arks,categories=ark
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 32",fieldPath=".metadata",message="the name of a Schedule can have at most 32 characters, so that the names of its backups and of their restores fit a label"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Healthy",type=string,JSONPath=`.status.conditions[?(@.type=="Healthy")].status`
// +kubebuilder:printcolumn:name="Cron",type=string,JSONPath=`.spec.cron`
// +kubebuilder:printcolumn:name="Last Backup",type=date,JSONPath=`.status.lastScheduleTime`
// +kubebuilder:printcolumn:name="Next",type=string,JSONPath=`.status.nextScheduleTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type Schedule struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is when backups are taken, and of what.
	// +required
	Spec ScheduleSpec `json:"spec,omitzero"`
	// status is what the controllers last observed.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status ScheduleStatus `json:"status,omitzero"`
}

// ScheduleList is a list of Schedule objects.
// +kubebuilder:object:root=true
type ScheduleList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	// items of the list.
	Items []Schedule `json:"items"`
}
