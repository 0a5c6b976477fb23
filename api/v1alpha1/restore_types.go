// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RestoreSpec states what is put back, from which backup, and how. It is a
// record: a restore runs once.
// +kubebuilder:validation:XValidation:rule="self == oldSelf",message="spec is immutable: create a new Restore instead"
// +kubebuilder:validation:XValidation:rule="[has(self.backupName), has(self.scheduleName), has(self.policyName)].filter(x, x).size() == 1",message="set exactly one of backupName, scheduleName and policyName"
// +kubebuilder:validation:XValidation:rule="!(has(self.labelSelector) && has(self.orLabelSelectors))",message="set labelSelector or orLabelSelectors, not both"
// +kubebuilder:validation:XValidation:rule="!has(self.namespaceMapping) || self.namespaceMapping.all(a, self.namespaceMapping.all(b, a == b || self.namespaceMapping[a] != self.namespaceMapping[b]))",message="two namespaces cannot be mapped onto one"
type RestoreSpec struct {
	// backupName names the Backup to restore from.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	BackupName string `json:"backupName,omitempty"`

	// scheduleName restores from the latest backup of this Schedule.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	ScheduleName string `json:"scheduleName,omitempty"`

	// policyName restores from the latest backup of this BackupPolicy.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	PolicyName string `json:"policyName,omitempty"`

	// includedNamespaces lists the archived namespaces to restore, by name or
	// glob. When omitted, all are restored.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*?]([-a-z0-9*?]*[a-z0-9*?])?$`
	IncludedNamespaces []string `json:"includedNamespaces,omitempty"`

	// excludedNamespaces lists archived namespaces, by name or glob, to leave out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9*?]([-a-z0-9*?]*[a-z0-9*?])?$`
	ExcludedNamespaces []string `json:"excludedNamespaces,omitempty"`

	// includedResources lists the types to restore: "deployments",
	// "deployments.apps", a kind, "*.apps" for a group, or "*". When omitted, all
	// types are restored that a controller does not remake.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	IncludedResources []string `json:"includedResources,omitempty"`

	// excludedResources lists types to leave out.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	ExcludedResources []string `json:"excludedResources,omitempty"`

	// labelSelector restricts the restore to objects whose archived labels match.
	// +optional
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`

	// orLabelSelectors restricts the restore to objects whose archived labels
	// match at least one of these selectors.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	OrLabelSelectors []metav1.LabelSelector `json:"orLabelSelectors,omitempty"`

	// names restricts the restore to objects with these names, or globs.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=256
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Names []string `json:"names,omitempty"`

	// includeClusterResources says whether cluster-scoped objects are restored.
	// When omitted, they are when all namespaces are, and otherwise only those
	// that the selected objects need.
	// +optional
	IncludeClusterResources *bool `json:"includeClusterResources,omitempty"`

	// namespaceMapping maps archived namespaces to those they are restored into.
	// +optional
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 63)",message="namespaces have 1 to 63 characters"
	// +mapType=atomic
	NamespaceMapping map[string]NamespaceName `json:"namespaceMapping,omitempty"`

	// existingResourcePolicy says what happens to an object that exists and
	// differs: None leaves it, Update writes the archived object over it, Recreate
	// deletes it first where that is safe. When omitted, it is None.
	// +optional
	ExistingResourcePolicy ExistingResourcePolicy `json:"existingResourcePolicy,omitempty"`

	// preserveNodePorts keeps the node ports of Services that the API server chose.
	// When omitted, only those that a user set are kept.
	// +optional
	PreserveNodePorts bool `json:"preserveNodePorts,omitempty"`

	// restoreStatus lists the types whose status is restored too, written as in
	// includedResources. Status of types without a status subresource is always.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	RestoreStatus []string `json:"restoreStatus,omitempty"`

	// workloads is AsArchived, or Paused: Deployments, StatefulSets and ReplicaSets
	// come back with no replicas, Jobs and CronJobs suspended, and an annotation
	// tells what they had. When omitted, it is AsArchived.
	// +optional
	Workloads WorkloadState `json:"workloads,omitempty"`

	// modifiers change objects on their way back, in this order.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Modifiers []Modifier `json:"modifiers,omitempty"`

	// dryRun plans and gates the restore, reports, and writes nothing.
	// +optional
	DryRun bool `json:"dryRun,omitempty"`
}

// NamespaceName is the name of a namespace.
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
type NamespaceName string

// ExistingResourcePolicy is the fate of an object that exists and differs.
// +kubebuilder:validation:Enum=None;Update;Recreate
type ExistingResourcePolicy string

const (
	// ExistingResourceNone leaves the object, and says so.
	ExistingResourceNone ExistingResourcePolicy = "None"
	// ExistingResourceUpdate writes the archived object over the live one.
	ExistingResourceUpdate ExistingResourcePolicy = "Update"
	// ExistingResourceRecreate deletes the live object and creates the archived one.
	ExistingResourceRecreate ExistingResourcePolicy = "Recreate"
)

// WorkloadState says in which state workloads come back.
// +kubebuilder:validation:Enum=AsArchived;Paused
type WorkloadState string

const (
	// WorkloadsAsArchived restores workloads as they were.
	WorkloadsAsArchived WorkloadState = "AsArchived"
	// WorkloadsPaused restores workloads so that no pod starts.
	WorkloadsPaused WorkloadState = "Paused"
)

// Modifier changes the objects it selects with a JSON patch.
type Modifier struct {
	// name of the modifier, for results.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// target selects objects. When omitted, all are changed.
	// +optional
	Target *ModifierTarget `json:"target,omitempty"`

	// patch is a JSON patch (RFC 6902), as JSON or YAML: a list of operations. It
	// sees the object after namespaces were mapped.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=16384
	Patch string `json:"patch,omitempty"`
}

// ModifierTarget selects objects: those that match every field given.
type ModifierTarget struct {
	// resources lists types, written as in includedResources.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Resources []string `json:"resources,omitempty"`

	// namespaces lists archived namespaces, by name or glob.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=63
	Namespaces []string `json:"namespaces,omitempty"`

	// names lists object names, or globs.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	Names []string `json:"names,omitempty"`

	// labelSelector selects by archived labels.
	// +optional
	LabelSelector *metav1.LabelSelector `json:"labelSelector,omitempty"`
}

// RestoreStatus is what the controllers last observed.
type RestoreStatus struct {
	// observedGeneration is the generation that conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready, and Reconciling or Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// completeness says how much of what was asked for is back.
	// +optional
	Completeness Completeness `json:"completeness,omitempty"`

	// backup identifies the backup that is restored.
	// +optional
	Backup *RestoredBackup `json:"backup,omitempty"`

	// attempts is how many were made: a restart resumes as a new attempt, which
	// finds what is back already.
	// +optional
	Attempts int32 `json:"attempts,omitempty"`

	// interrupted is how many of them ended because the controller was told to stop.
	// They are not counted as failed.
	// +optional
	Interrupted int32 `json:"interrupted,omitempty"`

	// startTime is when the last attempt began.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`

	// completionTime is when the run ended.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`

	// planned counts the plan by action.
	// +optional
	Planned *PlanCounts `json:"planned,omitempty"`

	// results counts what became of the plan.
	// +optional
	Results *ResultCounts `json:"results,omitempty"`

	// denials are the first 16 reasons why the restore was denied.
	// +optional
	// +listType=atomic
	Denials []Denial `json:"denials,omitempty"`

	// skippedBy counts the objects left out by reason code, the most frequent
	// first, at most 32.
	// +optional
	// +listType=atomic
	SkippedBy []CodeCount `json:"skippedBy,omitempty"`

	// warnings are the first 16 things worth knowing. All are in the results.
	// +optional
	// +listType=atomic
	Warnings []string `json:"warnings,omitempty"`

	// errors are the first 16 things that failed. All are in the results.
	// +optional
	// +listType=atomic
	Errors []string `json:"errors,omitempty"`

	// record is where plan and results are stored: the key in the backup's
	// location, or the ConfigMap in the controller's namespace.
	// +optional
	Record string `json:"record,omitempty"`
}

// RestoredBackup identifies the backup that a Restore chose.
type RestoredBackup struct {
	// name of the Backup.
	// +optional
	Name string `json:"name,omitempty"`

	// storageLocation that it was read from.
	// +optional
	StorageLocation string `json:"storageLocation,omitempty"`

	// clusterName is the cluster that took it.
	// +optional
	ClusterName string `json:"clusterName,omitempty"`

	// completeness of the backup.
	// +optional
	Completeness Completeness `json:"completeness,omitempty"`

	// completionTime is how old it is.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
}

// PlanCounts counts a plan by what is to be done with each object.
type PlanCounts struct {
	// create is the number of objects that do not exist.
	// +optional
	Create int64 `json:"create"`

	// update is the number of objects that exist, differ, and will be changed.
	// +optional
	Update int64 `json:"update"`

	// keep is the number of objects that exist and stay as they are.
	// +optional
	Keep int64 `json:"keep"`

	// skip is the number of objects left out by rules or because a controller
	// remakes them.
	// +optional
	Skip int64 `json:"skip"`
}

// ResultCounts counts what became of the objects of a restore.
type ResultCounts struct {
	// created is the number of objects created.
	// +optional
	Created int64 `json:"created"`

	// updated is the number of existing objects changed.
	// +optional
	Updated int64 `json:"updated"`

	// unchanged is the number of objects that were there as archived.
	// +optional
	Unchanged int64 `json:"unchanged"`

	// existing is the number of objects that exist, differ, and were left alone.
	// +optional
	Existing int64 `json:"existing"`

	// skipped is the number of objects left out.
	// +optional
	Skipped int64 `json:"skipped"`

	// failed is the number of objects that failed.
	// +optional
	Failed int64 `json:"failed"`
}

// Denial is one reason why a restore was denied.
type Denial struct {
	// code is the reason code of the rule.
	// +required
	Code string `json:"code,omitempty"`

	// message explains it.
	// +optional
	Message string `json:"message,omitempty"`

	// policy is the BackupPolicy whose rule it is, or empty for the Config's.
	// +optional
	Policy string `json:"policy,omitempty"`

	// object is what was denied, as <resource>/<namespace>/<name>, where it was
	// not the whole request.
	// +optional
	Object string `json:"object,omitempty"`
}

// Restore puts the objects of a backup back into the cluster, once.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=restores,singular=restore,shortName=arkr,categories=ark
// +kubebuilder:validation:XValidation:rule="oldSelf.hasValue() || (size(self.metadata.name) <= 200 && self.metadata.name.matches('^[^.]{1,63}([.][^.]{1,63})*$'))",optionalOldSelf=true,fieldPath=".metadata",message="the name of a Restore can have at most 200 characters, and no part of more than 63 between its dots: choose a shorter one"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Backup",type=string,JSONPath=`.status.backup.name`
// +kubebuilder:printcolumn:name="Created",type=integer,JSONPath=`.status.results.created`
// +kubebuilder:printcolumn:name="Failed",type=integer,JSONPath=`.status.results.failed`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type Restore struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is what is put back, from which backup, and how.
	// +required
	Spec RestoreSpec `json:"spec,omitzero"`
	// status is what the controllers last observed.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status RestoreStatus `json:"status,omitzero"`
}

// RestoreList is a list of Restore objects.
// +kubebuilder:object:root=true
type RestoreList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	// items of the list.
	Items []Restore `json:"items"`
}
