// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// BackupSpec states what one backup covers and how long it is kept. It is a
// record: what was taken cannot be changed afterwards.
// +kubebuilder:validation:XValidation:rule="!(has(self.template) && has(self.policyName))",message="set template or policyName, not both"
// +kubebuilder:validation:XValidation:rule="has(self.template) == has(oldSelf.template) && (!has(self.template) || self.template == oldSelf.template)",message="template is immutable: create a new Backup instead"
// +kubebuilder:validation:XValidation:rule="has(self.policyName) == has(oldSelf.policyName) && (!has(self.policyName) || self.policyName == oldSelf.policyName)",message="policyName is immutable: create a new Backup instead"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.ttl) || (has(self.ttl) && duration(self.ttl) >= duration(oldSelf.ttl))",message="ttl may only grow: to remove a backup early, set spec.deletion"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.deletion) || (has(self.deletion) && self.deletion == oldSelf.deletion)",message="deletion cannot be taken back or changed"
// +kubebuilder:validation:XValidation:rule="!(has(self.deletion) && has(self.hold) && self.hold)",message="a backup on hold cannot be deleted: set hold to false first"
type BackupSpec struct {
	// template states what the backup covers and how it is kept. When it and
	// policyName are omitted, the backup covers everything.
	// +optional
	Template *BackupTemplate `json:"template,omitempty"`

	// policyName names the BackupPolicy whose template and rules are used.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PolicyName string `json:"policyName,omitempty"`

	// ttl is how long the backup is kept, counted from its creation. It overrides
	// the template's and may only grow.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	TTL *metav1.Duration `json:"ttl,omitempty"`

	// hold keeps the backup, whatever ttl says, until it is set to false. When
	// omitted, what was recorded stays: a manifest in Git that never spoke of a
	// hold does not release one.
	// +optional
	Hold *bool `json:"hold,omitempty"`

	// deletion asks for the backup's data to be deleted. Deleting the Backup
	// object alone never deletes data.
	// +optional
	Deletion *Deletion `json:"deletion,omitempty"`
}

// Deletion is a recorded request to delete a backup's data.
type Deletion struct {
	// reason is why, for the record.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	Reason string `json:"reason,omitempty"`
}

// BackupStatus is what the controllers last observed.
type BackupStatus struct {
	// observedGeneration is the generation that conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready, and Reconciling or Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// completeness says how much of what was asked for is stored.
	// +optional
	Completeness Completeness `json:"completeness,omitempty"`

	// template is what the backup covers, with every default resolved.
	// +optional
	Template *BackupTemplate `json:"template,omitempty"`

	// policy is the revision of the rules that selected.
	// +optional
	Policy *PolicyRevision `json:"policy,omitempty"`

	// origin says which cluster took the backup, and under which name.
	// +optional
	Origin *BackupOrigin `json:"origin,omitempty"`

	// storageLocations names the locations that hold the backup.
	// +optional
	// +listType=set
	StorageLocations []string `json:"storageLocations,omitempty"`

	// verification says what the signatures of the backup are worth in this cluster:
	// Verified, Unsigned, UnknownKey or Tampered. A backup that is Tampered is not
	// restored.
	// +optional
	Verification Verification `json:"verification,omitempty"`

	// attempt identifies the attempt that runs or was committed.
	// +optional
	Attempt string `json:"attempt,omitempty"`

	// attempts is how many were made.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`

	// interrupted is how many of them ended because the controller was told to stop.
	// They are not counted as failed.
	// +optional
	Interrupted int32 `json:"interrupted,omitempty"`

	// startTime is when the attempt began.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the backup was committed, or failed for good.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// expirationTime is when ttl runs out.
	// +optional
	ExpirationTime *metav1.Time `json:"expirationTime,omitempty"`

	// held says that the hold is recorded in storage.
	// +optional
	Held bool `json:"held,omitempty"`

	// progress tells how far the run is.
	// +optional
	Progress *BackupProgress `json:"progress,omitempty"`

	// objects counts what was seen.
	// +optional
	Objects *ObjectCounts `json:"objects,omitempty"`

	// size is the number of bytes stored.
	// +optional
	Size int64 `json:"size,omitempty"`

	// excludedBy counts the excluded objects by reason code, the most frequent
	// first, at most 32.
	// +optional
	// +listType=atomic
	ExcludedBy []CodeCount `json:"excludedBy,omitempty"`

	// warnings are the first 16 things worth knowing. All are in the results.
	// +optional
	// +listType=atomic
	Warnings []string `json:"warnings,omitempty"`

	// errors are the first 16 things that failed. All are in the results.
	// +optional
	// +listType=atomic
	Errors []string `json:"errors,omitempty"`
}

// Verification is what the signatures of a backup are worth.
// +kubebuilder:validation:Enum=Verified;Unsigned;UnknownKey;Tampered
type Verification string

const (
	// VerificationVerified says that a key that this cluster trusts signed the backup, and it
	// is as it was signed.
	VerificationVerified Verification = "Verified"
	// VerificationUnsigned says that nobody signed it.
	VerificationUnsigned Verification = "Unsigned"
	// VerificationUnknownKey says that a key signed it that this cluster does not trust.
	VerificationUnknownKey Verification = "UnknownKey"
	// VerificationTampered says that it is not what was signed.
	VerificationTampered Verification = "Tampered"
)

// BackupOrigin identifies a backup across clusters.
type BackupOrigin struct {
	// clusterUID is the cluster that took the backup.
	// +optional
	ClusterUID string `json:"clusterUID,omitempty"`

	// clusterName is how people called that cluster then.
	// +optional
	ClusterName string `json:"clusterName,omitempty"`

	// backupName is the backup's name in that cluster and in storage.
	// +optional
	BackupName string `json:"backupName,omitempty"`

	// foreign says that the backup belongs to another cluster, which took it or has
	// adopted it: here it is read-only.
	// +optional
	Foreign bool `json:"foreign,omitempty"`
}

// BackupProgress tells how far a backup is.
type BackupProgress struct {
	// resources is the number of types to list.
	// +optional
	Resources int32 `json:"resources,omitempty"`

	// resourcesDone is the number of types listed.
	// +optional
	ResourcesDone int32 `json:"resourcesDone,omitempty"`

	// objects is the number of objects seen so far.
	// +optional
	Objects int64 `json:"objects,omitempty"`
}

// ObjectCounts counts the objects of a backup.
type ObjectCounts struct {
	// included is the number of objects stored.
	// +optional
	Included int64 `json:"included"`

	// excluded is the number of objects seen and left out.
	// +optional
	Excluded int64 `json:"excluded"`

	// failed is the number of objects that could not be read or decided on.
	// +optional
	Failed int64 `json:"failed"`
}

// Backup is one committed archive of a cluster's objects. Deleting it deletes
// no data: storage is the source of truth, and brings it back.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=backups,singular=backup,shortName=arkb,categories=ark
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || (size(self.metadata.name) <= 200 && self.metadata.name.matches('^[^.]{1,63}([.][^.]{1,63})*$'))",optionalOldSelf=true,fieldPath=".metadata",message="the name of a Backup can have at most 200 characters, and no part of more than 63 between its dots: choose a shorter one"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Objects",type=integer,JSONPath=`.status.objects.included`
// +kubebuilder:printcolumn:name="Excluded",type=integer,JSONPath=`.status.objects.excluded`
// +kubebuilder:printcolumn:name="Expires",type=string,JSONPath=`.status.expirationTime`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.status.origin.clusterName`,priority=1
// +kubebuilder:printcolumn:name="Verification",type=string,JSONPath=`.status.verification`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type Backup struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what the backup covers and how long it is kept.
	// +required
	Spec BackupSpec `json:"spec"`
	// status is what the controllers last observed.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status BackupStatus `json:"status,omitzero"`
}

// BackupList is a list of Backup objects.
// +kubebuilder:object:root=true
type BackupList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	// items of the list.
	Items []Backup `json:"items"`
}
