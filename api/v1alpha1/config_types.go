// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ConfigSpec states how Ark works in this cluster.
// +kubebuilder:validation:XValidation:rule="!has(self.storage) || self.storage.filter(s, has(s.default) && s.default).size() <= 1",message="at most one storage location can be the default"
// +kubebuilder:validation:XValidation:rule="!has(self.defaults) || !has(self.defaults.storageLocation) || (has(self.storage) && self.storage.exists(s, s.name == self.defaults.storageLocation))",message="defaults.storageLocation must name one of the storage locations"
type ConfigSpec struct {
	// clusterName is how people call this cluster. It is written into every
	// backup; the cluster's identity is the UID of its kube-system namespace.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	ClusterName string `json:"clusterName,omitempty"`

	// mode is Full or RestoreOnly. In RestoreOnly nothing is backed up, scheduled
	// or expired. When omitted, it is Full.
	// +optional
	Mode Mode `json:"mode,omitempty"`

	// storage lists the places that hold backups.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Storage []StorageLocation `json:"storage,omitempty"`

	// defaults holds what templates leave open.
	// +optional
	Defaults *BackupDefaults `json:"defaults,omitempty"`

	// syncInterval is how often each location is listed. When omitted, it is 1m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	SyncInterval *metav1.Duration `json:"syncInterval,omitempty"`

	// gcInterval is how often expired backups are looked for. When omitted, it is 10m.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	GCInterval *metav1.Duration `json:"gcInterval,omitempty"`

	// restoreOrder lists types, such as "secrets" or "widgets.example.org", that
	// are restored first and in this order, ahead of the built-in order.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	RestoreOrder []string `json:"restoreOrder,omitempty"`

	// concurrency bounds how much is done at a time.
	// +optional
	Concurrency *Concurrency `json:"concurrency,omitempty"`

	// rules apply to every backup and every restore. In selection they can only
	// exclude.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Rules []Rule `json:"rules,omitempty"`

	// requireGate denies restores that no restore rule covers. When omitted, they
	// are allowed with the warning no-gate: the worst day begins with an empty
	// cluster.
	// +optional
	RequireGate bool `json:"requireGate,omitempty"`

	// trustedKeys lists the public keys of other clusters whose signatures on
	// backups are believed.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	TrustedKeys []TrustedKey `json:"trustedKeys,omitempty"`
}

// Mode is what Ark does in a cluster.
// +kubebuilder:validation:Enum=Full;RestoreOnly
type Mode string

const (
	// ModeFull backs up, schedules, expires and restores.
	ModeFull Mode = "Full"
	// ModeRestoreOnly restores, and does nothing else.
	ModeRestoreOnly Mode = "RestoreOnly"
)

// StorageLocation is a place in object storage.
type StorageLocation struct {
	// name of the location.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name,omitempty"`

	// url of the bucket: s3://bucket?region=…, gs://bucket, azblob://container?account=…,
	// file:///directory, mem://name. s3, gs and azblob also take endpoint=https://host:port
	// for a server other than the cloud's own, which needs credentialsSecretName, and
	// plainHTTP=true with an endpoint that is not encrypted; s3 takes pathStyle.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	URL string `json:"url,omitempty"`

	// prefix is put before every key, so that a bucket can be shared.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$`
	Prefix string `json:"prefix,omitempty"`

	// credentialsSecretName names a Secret in the controller's namespace that
	// holds the credentials. Its keys are, for s3, accessKeyID, secretAccessKey and
	// perhaps sessionToken; for gs, serviceAccount.json; for azblob, accountName and
	// accountKey or sasToken. When omitted, workload identity is used.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	CredentialsSecretName string `json:"credentialsSecretName,omitempty"`

	// caSecretName names a Secret in the controller's namespace whose key ca.crt
	// holds the PEM certificates that the server's certificate is checked against.
	// +optional
	// +kubebuilder:validation:MaxLength=253
	CASecretName string `json:"caSecretName,omitempty"`

	// access is ReadWrite or ReadOnly. A ReadOnly location is never written. When
	// omitted, it is ReadWrite.
	// +optional
	Access Access `json:"access,omitempty"`

	// default makes this the location of backups that name none.
	// +optional
	Default bool `json:"default,omitempty"`

	// signing says how the backups written here are signed.
	// +optional
	Signing *Signing `json:"signing,omitempty"`

	// foreign says which backups of other clusters get a Backup object here. When
	// omitted, the newest 1,000 do.
	// +optional
	Foreign *ForeignBackups `json:"foreign,omitempty"`
}

// ForeignBackups bounds what is shown of the backups of other clusters: whoever
// writes into a bucket must not fill every cluster that reads it. All of them can be
// read from storage, whatever is shown.
// +kubebuilder:validation:XValidation:rule="!has(self.show) || self.show != 'Listed' || has(self.clusters)",message="show Listed needs clusters: list the UIDs of the clusters whose backups are to be shown"
type ForeignBackups struct {
	// show is None, Listed (only the backups of clusters) or All. When omitted, it is All.
	// +optional
	Show ForeignShow `json:"show,omitempty"`

	// clusters lists clusters by the UID of their kube-system namespace. With All, their
	// backups are shown before those of others.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=36
	// +kubebuilder:validation:items:Pattern=`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`
	Clusters []string `json:"clusters,omitempty"`

	// max is how many backups of other clusters are shown: the newest of each cluster,
	// in turn. As many of this cluster are shown that storage holds, no object speaks of
	// and no signature vouches for. When omitted, it is 1000.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	Max int32 `json:"max,omitempty"`
}

// ForeignShow says of which other clusters the backups are shown.
// +kubebuilder:validation:Enum=None;Listed;All
type ForeignShow string

const (
	// ForeignShowNone shows none.
	ForeignShowNone ForeignShow = "None"
	// ForeignShowListed shows those of the clusters that are listed.
	ForeignShowListed ForeignShow = "Listed"
	// ForeignShowAll shows those of every cluster.
	ForeignShowAll ForeignShow = "All"
)

// Access says whether a location may be written.
// +kubebuilder:validation:Enum=ReadWrite;ReadOnly
type Access string

const (
	// AccessReadWrite allows reading and writing.
	AccessReadWrite Access = "ReadWrite"
	// AccessReadOnly allows reading only.
	AccessReadOnly Access = "ReadOnly"
)

// Signing names the key that backups are signed with.
type Signing struct {
	// secretName names a Secret in the controller's namespace whose key
	// ed25519.key holds a PEM-encoded PKCS #8 Ed25519 private key. It is made when
	// absent, but not in the place of one that was used: name another Secret for
	// another key.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	SecretName string `json:"secretName,omitempty"`
}

// TrustedKey is a public key whose signatures are believed.
type TrustedKey struct {
	// name of the key, for people.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name,omitempty"`

	// publicKey is the base64 of the 32 bytes of an Ed25519 public key, as shown
	// in the other cluster's Config status.
	// +required
	// +kubebuilder:validation:MaxLength=44
	// +kubebuilder:validation:XValidation:rule="self.matches('^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$')",message="write the base64 of the 32 bytes of an Ed25519 public key, as status.storage[].publicKey of the other cluster's Config shows it"
	PublicKey string `json:"publicKey,omitempty"`
}

// BackupDefaults is what holds where a template says nothing.
type BackupDefaults struct {
	// ttl is how long backups are kept. When omitted, it is 720h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]{1,6}([.][0-9]{1,9})?h)?([0-9]{1,6}([.][0-9]{1,9})?m)?([0-9]{1,6}([.][0-9]{1,9})?s)?([0-9]{1,6}([.][0-9]{1,9})?ms)?$') && size(self) > 0 && duration(self) > duration('0s')",message="write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days"
	TTL *metav1.Duration `json:"ttl,omitempty"`

	// storageLocation names the default location. When omitted, it is the one
	// marked default, or the only one.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	StorageLocation string `json:"storageLocation,omitempty"`
}

// Concurrency bounds how much is done at a time.
type Concurrency struct {
	// backups is how many backups run at a time. When omitted, it is 4.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	Backups int32 `json:"backups,omitempty"`

	// restores is how many restores run at a time. When omitted, it is 4.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=16
	Restores int32 `json:"restores,omitempty"`

	// lists is how many list streams a backup reads at a time. When omitted, it is 4.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=64
	Lists int32 `json:"lists,omitempty"`

	// writes is how many objects a restore writes at a time, if the API server takes as
	// many. When omitted, it is 32.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=128
	Writes int32 `json:"writes,omitempty"`
}

// ConfigStatus is what the controllers last observed.
type ConfigStatus struct {
	// observedGeneration is the generation that conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Ready, and Reconciling or Stalled.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// clusterUID is the identity of this cluster: the UID of its kube-system namespace.
	// +optional
	ClusterUID string `json:"clusterUID,omitempty"`

	// storage tells the state of each location.
	// +optional
	// +listType=map
	// +listMapKey=name
	Storage []StorageLocationStatus `json:"storage,omitempty"`

	// policy is the revision of spec.rules that is in force.
	// +optional
	Policy *PolicyRevision `json:"policy,omitempty"`

	// concurrency is how much is done at a time: what spec says, and what holds where it
	// says nothing.
	// +optional
	Concurrency *Concurrency `json:"concurrency,omitempty"`

	// mode is the mode in force.
	// +optional
	Mode Mode `json:"mode,omitempty"`
}

// StorageLocationStatus is the state of one location.
type StorageLocationStatus struct {
	// name of the location.
	// +required
	Name string `json:"name,omitempty"`

	// available says that the location was reached, and written where it may be.
	// +optional
	Available bool `json:"available"`

	// message says what is wrong, and what to do, when the location is not available.
	// +optional
	Message string `json:"message,omitempty"`

	// storeID is the identity of the store, a UUID written into it once.
	// +optional
	StoreID string `json:"storeID,omitempty"`

	// storeAddress is the url, and after a space the prefix, at which that store was
	// found. While they stay the same, no other store is made there: a directory that
	// is not mounted looks like a new one.
	// +optional
	StoreAddress string `json:"storeAddress,omitempty"`

	// conditionalWrites says whether the store refuses to overwrite what is there. It
	// was tried when the location was attached, unless access is ReadOnly.
	// Correctness does not rest on it.
	// +optional
	ConditionalWrites *bool `json:"conditionalWrites,omitempty"`

	// publicKey is the base64 of the Ed25519 public key that backups written here
	// are signed with.
	// +optional
	PublicKey string `json:"publicKey,omitempty"`

	// publicKeySecretName names the Secret that publicKey is the key of. When that
	// Secret is gone, no other key is made in its place.
	// +optional
	PublicKeySecretName string `json:"publicKeySecretName,omitempty"`

	// lastCheckTime is when the location was last tried.
	// +optional
	LastCheckTime *metav1.Time `json:"lastCheckTime,omitempty"`

	// lastSyncTime is when the location was last listed completely.
	// +optional
	LastSyncTime *metav1.Time `json:"lastSyncTime,omitempty"`

	// backups is the number of committed backups of this cluster found at the last sync.
	// +optional
	Backups int32 `json:"backups,omitempty"`

	// foreignBackups is the number of committed backups of other clusters found at
	// the last sync.
	// +optional
	ForeignBackups int32 `json:"foreignBackups,omitempty"`

	// foreign is what holds for the backups of other clusters, defaults resolved.
	// +optional
	Foreign *ForeignBackupsStatus `json:"foreign,omitempty"`

	// problems is how many backups the last sync could not show, read or tell apart;
	// syncMessage names the first of them.
	// +optional
	Problems int32 `json:"problems,omitempty"`

	// lastCollectionTime is when data that no backup refers to was last looked for:
	// what attempts left that were cut short. It is removed once it is a day old.
	// +optional
	LastCollectionTime *metav1.Time `json:"lastCollectionTime,omitempty"`

	// orphanedAttempts is how many such attempts of this cluster were left then, and
	// unfinished uploads in a directory that could not be removed. An attempt
	// that may be a backup whose marker was lost is never removed.
	// +optional
	OrphanedAttempts int32 `json:"orphanedAttempts,omitempty"`

	// syncMessage names what the last sync could not show, and why: a marker that
	// is corrupt, a listing that failed. It says nothing of available.
	// +optional
	SyncMessage string `json:"syncMessage,omitempty"`
}

// ForeignBackupsStatus is what holds for the backups of other clusters.
type ForeignBackupsStatus struct {
	// show is what is shown.
	// +optional
	Show ForeignShow `json:"show,omitempty"`

	// max is how many are shown at most.
	// +optional
	Max int32 `json:"max,omitempty"`

	// hidden is how many backups were found that are not shown, because they are beyond
	// max or of a cluster whose backups are not shown; those of clusters that were not
	// listed are not counted.
	// +optional
	Hidden int32 `json:"hidden,omitempty"`
}

// Config states how Ark works in this cluster. There is one, named default.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:scope=Cluster,path=configs,singular=config,shortName=arkcfg,categories=ark
// +kubebuilder:validation:XValidation:rule="self.metadata.name == 'default'",fieldPath=".metadata",message="there is one Config, and its name is default"
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Mode",type=string,JSONPath=`.status.mode`
// +kubebuilder:printcolumn:name="Cluster",type=string,JSONPath=`.spec.clusterName`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type Config struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`

	// spec is how Ark should work.
	// +required
	Spec ConfigSpec `json:"spec"`
	// status is what the controllers last observed.
	// +optional
	// +kubebuilder:default={"observedGeneration":-1}
	Status ConfigStatus `json:"status,omitzero"`
}

// ConfigList is a list of Config objects.
// +kubebuilder:object:root=true
type ConfigList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitzero"`
	// items of the list.
	Items []Config `json:"items"`
}
