// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BackupPolicySpec states what is backed up, when, and under which rules.
type BackupPolicySpec struct {
	// suspend stops the policy's Schedules. What is stored stays.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// schedules says when backups are taken. Each entry becomes a Schedule named
	// <policy>.<entry>.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Schedules []PolicySchedule `json:"schedules,omitempty"`

	// template states what a backup covers and how it is kept. When omitted, it
	// covers everything.
	// +optional
	Template *BackupTemplate `json:"template,omitempty"`

	// selection is OptOut, where everything the template covers is taken unless a
	// rule excludes it, or OptIn, where only what an include rule names is taken.
	// When omitted, it is OptOut.
	// +optional
	Selection SelectionMode `json:"selection,omitempty"`

	// onRuleError says what becomes of an object that the rules fail on. With
	// Include it is taken, and the backup is PartiallyFailed; with Fail the
	// backup fails. When omitted, it is Include.
	// +optional
	OnRuleError RuleErrorAction `json:"onRuleError,omitempty"`

	// rules select what is backed up, and gate restores into the namespaces that
	// the template covers.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Rules []Rule `json:"rules,omitempty"`
}

// SelectionMode is where selection starts from.
// +kubebuilder:validation:Enum=OptOut;OptIn
type SelectionMode string

const (
	// SelectionOptOut takes what no rule excludes.
	SelectionOptOut SelectionMode = "OptOut"
	// SelectionOptIn takes what a rule includes and none excludes.
	SelectionOptIn SelectionMode = "OptIn"
)

// RuleErrorAction is the fate of an object that the rules fail on.
// +kubebuilder:validation:Enum=Include;Fail
type RuleErrorAction string

const (
	// RuleErrorInclude takes the object: losing data is worse than keeping it.
	RuleErrorInclude RuleErrorAction = "Include"
	// RuleErrorFail fails the backup.
	RuleErrorFail RuleErrorAction = "Fail"
)

// PolicySchedule says when backups of a policy are taken.
type PolicySchedule struct {
	// name of the entry. With the policy's name and a dot it is the Schedule's
	// name, at most 32 characters.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=30
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

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

	// startingDeadline is how late a backup may start. A firing missed by more is
	// skipped. When omitted, a missed firing is always made up for, once.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	StartingDeadline *metav1.Duration `json:"startingDeadline,omitempty"`

	// retention says which backups are kept beyond their ttl.
	// +optional
	Retention *Retention `json:"retention,omitempty"`
}

// BackupPolicyStatus is what the controllers last observed.
type BackupPolicyStatus struct {
	// observedGeneration is the generation that conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready, Healthy, and Reconciling or Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// policy is the revision of the rules that is in force. It stays the last good
	// one while spec.rules do not compile.
	// +optional
	Policy *PolicyRevision `json:"policy,omitempty"`

	// schedules names the Schedules made for this policy.
	// +optional
	// +listType=set
	Schedules []string `json:"schedules,omitempty"`

	// lastBackupName is the policy's newest finished backup.
	// +optional
	LastBackupName string `json:"lastBackupName,omitempty"`

	// lastBackupTime is when that backup was finished.
	// +optional
	LastBackupTime *metav1.Time `json:"lastBackupTime,omitempty"`
}

// BackupPolicy states what is backed up, when, and under which rules.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=backuppolicies,singular=backuppolicy,shortName=arkp,categories=ark
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || (size(self.metadata.name) <= 200 && self.metadata.name.matches('^[^.]{1,63}([.][^.]{1,63})*$'))",optionalOldSelf=true,fieldPath=".metadata",message="the name of a BackupPolicy can have at most 200 characters, and no part of more than 63 between its dots: choose a shorter one"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.schedules) || self.spec.schedules.all(s, size(self.metadata.name) + 1 + size(s.name) <= 32)",fieldPath=".spec.schedules",message="the policy's name, a dot and a schedule entry's name must together have at most 32 characters"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Healthy",type=string,JSONPath=`.status.conditions[?(@.type=="Healthy")].status`
// +kubebuilder:printcolumn:name="Last Backup",type=date,JSONPath=`.status.lastBackupTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type BackupPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what to back up, when, and under which rules.
	// +required
	Spec BackupPolicySpec `json:"spec"`
	// status is what the controllers last observed.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status BackupPolicyStatus `json:"status,omitzero"`
}

// BackupPolicyList is a list of BackupPolicy objects.
// +kubebuilder:object:root=true
type BackupPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	// items of the list.
	Items []BackupPolicy `json:"items"`
}
