// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"encoding/json"
	"time"
)

// Format is the version of the layout that this package writes and reads.
const Format = 1

// Names of the files of a backup.
const (
	ContentsFile  = "contents.tar.gz"
	IndexFile     = "index.jsonl.gz"
	ResultsFile   = "results.json.gz"
	DecisionsFile = "decisions.jsonl.gz"
	LogFile       = "log.jsonl.gz"
	PolicyFile    = "policy.tar.gz"
)

// Marker is the commit marker of a backup. A backup can be described, verified
// and synced from it alone.
type Marker struct {
	// Format is the layout's version.
	Format int `json:"format"`
	// Store is the identity of the store that the marker was written to.
	Store string `json:"store"`
	// Cluster is the cluster that took the backup.
	Cluster Cluster `json:"cluster"`
	// Name of the backup, unique within its cluster.
	Name string `json:"name"`
	// Attempt is the folder that holds the files.
	Attempt string `json:"attempt"`
	// Tool is the program and version that wrote the backup, for people.
	Tool string `json:"tool,omitempty"`

	// Schedule and Policy name what the backup was made for; either may be empty.
	Schedule string `json:"schedule,omitempty"`
	Policy   string `json:"policy,omitempty"`
	// Spec is the spec of the Backup object as it was, so that it can be put back
	// to the letter: what a Git tool applies again must not differ.
	Spec json.RawMessage `json:"spec,omitempty"`
	// Template is what the backup covers, every default resolved, in the fields of
	// the API's BackupTemplate.
	Template json.RawMessage `json:"template,omitempty"`
	// Rules is the revision of the rules that selected; nil when there were none.
	Rules *Rules `json:"rules,omitempty"`

	// Created is when the Backup was asked for. Its time to live counts from here.
	Created time.Time `json:"created"`
	// Started and Completed bound the attempt.
	Started   time.Time `json:"started"`
	Completed time.Time `json:"completed"`
	// Expires is when the time to live runs out, unless records extend it.
	Expires time.Time `json:"expires"`

	// Revision is the resourceVersion that types were listed at, except those that
	// tell another; empty when each was listed as it was when its turn came.
	Revision string `json:"revision,omitempty"`
	// Completeness is "Complete" or "Partial".
	Completeness string `json:"completeness"`
	// Objects counts what was seen.
	Objects Counts `json:"objects"`
	// Resources tells of each type, by group resource.
	Resources map[string]ResourceSummary `json:"resources,omitempty"`
	// ExcludedBy counts excluded objects by reason code.
	ExcludedBy map[string]int64 `json:"excludedBy,omitempty"`
	// Warnings and Errors are the first of those in the results.
	Warnings []string `json:"warnings,omitempty"`
	Errors   []string `json:"errors,omitempty"`

	// Files are the backup's files by name, relative to the attempt's folder.
	Files map[string]File `json:"files"`
}

// Cluster identifies a cluster.
type Cluster struct {
	// UID of the kube-system namespace.
	UID string `json:"uid"`
	// Name is how people call the cluster.
	Name string `json:"name,omitempty"`
}

// Rules is the revision of a set of rules.
type Rules struct {
	// Digest is "sha256:" and 64 hexadecimal digits.
	Digest string `json:"digest"`
	// Count is the number of modules.
	Count int32 `json:"count"`
}

// Counts counts the objects of a backup or of one type.
type Counts struct {
	Included int64 `json:"included"`
	Excluded int64 `json:"excluded"`
	Failed   int64 `json:"failed"`
}

// ResourceSummary tells what became of one type.
type ResourceSummary struct {
	Counts

	Version    string `json:"version"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced,omitempty"`
	// Revision is the resourceVersion that the type was listed at.
	Revision string `json:"revision,omitempty"`
	// RestRevision is the one that the rest of it was listed at, where Revision was
	// compacted in the middle.
	RestRevision string `json:"restRevision,omitempty"`
	// OwnHistory says that the type lies in another etcd than most, or behind another
	// API server: its revisions cannot be compared with those of other types.
	OwnHistory bool `json:"ownHistory,omitempty"`
}

// File is one stored file.
type File struct {
	// Size and SHA256 are those of the stored bytes; SHA256 is hexadecimal.
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Envelope is what a marker's blob holds. Signatures are over the exact bytes
// of Marker, and name everything that could be swapped: store, cluster, name,
// attempt and the files' digests are within.
type Envelope struct {
	Marker     json.RawMessage `json:"marker"`
	Signatures []Signature     `json:"signatures,omitempty"`
}

// Signature is an Ed25519 signature (RFC 8032).
type Signature struct {
	// PublicKey is the base64 of the key's 32 bytes, to find the trusted key by.
	PublicKey string `json:"publicKey"`
	// Signature is the base64 of 64 bytes.
	Signature string `json:"signature"`
}

// Identity is the content of ark-store.json.
type Identity struct {
	Format int `json:"format"`
	// ID is a random UUID.
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Tool    string    `json:"tool,omitempty"`
}

// RecordType says what a record records.
type RecordType string

// The types of records.
const (
	// RecordHold keeps a backup whatever its time to live; RecordRelease ends that.
	RecordHold    RecordType = "hold"
	RecordRelease RecordType = "release"
	// RecordExtend moves the expiry to a later time.
	RecordExtend RecordType = "extend"
	// RecordDeletion is written before a backup's data is removed, because it was
	// asked for or its time was up. It stays: the name is never used again.
	RecordDeletion RecordType = "deletion"
	// RecordAdopted makes a backup of another cluster this cluster's to keep and
	// to expire.
	RecordAdopted RecordType = "adopted"
)

// Record is one entry of what changed after the commit.
type Record struct {
	Format int `json:"format"`
	// Store, Cluster and Name say which backup it is about, so that a record cannot
	// be moved.
	Store   string     `json:"store"`
	Cluster string     `json:"cluster"`
	Name    string     `json:"name"`
	Seq     int        `json:"seq"`
	Type    RecordType `json:"type"`
	Time    time.Time  `json:"time"`
	// By is the cluster that wrote the record.
	By string `json:"by"`
	// Reason is why, in a person's words; for a deletion also "expired".
	Reason string `json:"reason,omitempty"`
	// Expires is the new expiry of a RecordExtend.
	Expires *time.Time `json:"expires,omitempty"`
	// Previous is "sha256:" and the SHA-256 of the file of the record before this one,
	// as its writer found it; empty for the first, and where it is not known. A record
	// that was exchanged afterwards no longer fits.
	Previous string `json:"previous,omitempty"`
}
