// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"crypto/ed25519"
	"encoding/json"
	"time"
)

// Names of the files about a restore. The logs, results and decisions have the
// names that they have for a backup.
const (
	// PlanFile is what the restore set out to do, a line per object.
	PlanFile = "plan.jsonl.gz"
	// RestoreFile is the summary, which is written last: with it, the record of the
	// restore exists.
	RestoreFile = "restore.json"
)

// RestoreSummary is what is left of a restore when its object is gone, and what
// a Restore of the same name takes its status from instead of running again.
type RestoreSummary struct {
	Format int `json:"format"`
	// Store and Cluster say where it was recorded, and which cluster was written to.
	Store   string  `json:"store"`
	Cluster Cluster `json:"cluster"`
	// Name and UID are those of the Restore object.
	Name string `json:"name"`
	UID  string `json:"uid"`
	// Tool is the program and version that restored, for people.
	Tool string `json:"tool,omitempty"`
	// Backup is what was restored; nil when none was chosen.
	Backup *BackupRef `json:"backup,omitempty"`
	// Spec is the spec of the Restore object, and Status the final one, conditions
	// left out.
	Spec   json.RawMessage `json:"spec,omitempty"`
	Status json.RawMessage `json:"status,omitempty"`

	Started   time.Time `json:"started"`
	Completed time.Time `json:"completed"`

	// Completeness is "Complete", "Partial" or "None".
	Completeness string `json:"completeness"`
	// Reason is the outcome as a condition reason, Message tells it to people.
	Reason  string `json:"reason"`
	Message string `json:"message,omitempty"`

	// Files are the files beside it by name.
	Files map[string]File `json:"files,omitempty"`
}

// BackupRef names the very backup that was restored.
type BackupRef struct {
	Cluster string `json:"cluster"`
	Name    string `json:"name"`
	// Digest is "sha256:" and the SHA-256 of its marker's file.
	Digest string `json:"digest"`
}

// EncodeRestore returns the content of restore.json, signed with every key given.
func EncodeRestore(s *RestoreSummary, keys ...ed25519.PrivateKey) ([]byte, error) {
	const what = "restore summary"
	clean := *s
	clean.Message = Text(s.Message)
	body, err := encode(what, &clean)
	if err != nil {
		return nil, err
	}
	return seal(what, restoreDomain, body, keys)
}

// DecodeRestore reads restore.json, which is then checked in every field but not
// verified: that is for its Seal. Its errors wrap ErrCorrupt or ErrUnknownFormat.
func DecodeRestore(b []byte) (*RestoreSummary, *Seal, error) {
	const what = "restore summary"
	body, vouches, err := unseal(what, restoreDomain, b)
	if err != nil {
		return nil, nil, err
	}
	var s RestoreSummary
	if err := decode(what, body, &s); err != nil {
		return nil, nil, err
	}
	return &s, vouches, nil
}

func (s *RestoreSummary) check() error {
	if err := firstBroken(
		rule{s.Format == Format, "format", s.Format, "is not a format"},
		rule{IsUUID(s.Store), "store", s.Store, "is not a UUID"},
		rule{IsUUID(s.Cluster.UID), "cluster.uid", s.Cluster.UID, "is not a UUID"},
		rule{isText(s.Cluster.Name), "cluster.name", s.Cluster.Name, "is not text"},
		rule{IsAttempt(s.UID), "uid", s.UID, "is not a lower-case name"},
		rule{isText(s.Tool), "tool", s.Tool, "is not text"},
		rule{isObject(s.Spec), "spec", s.Spec, "is not a JSON object"},
		rule{isObject(s.Status), "status", s.Status, "is not a JSON object"},
		rule{isTime(s.Started), "started", s.Started, "is not a time within 1970 and 9999"},
		rule{isTime(s.Completed), "completed", s.Completed, "is not a time within 1970 and 9999"},
		rule{isCompleteness(s.Completeness), "completeness", s.Completeness, "is not Complete, Partial or None"},
		rule{isKind(s.Reason), "reason", s.Reason, "is not a condition reason"},
		rule{isText(s.Message), "message", s.Message, "is not text"},
	); err != nil {
		return err
	}
	if err := CheckName(s.Name); err != nil {
		return err
	}
	if err := s.Backup.check(); err != nil {
		return err
	}
	return checkFiles(s.Files)
}

func isCompleteness(s string) bool { return s == Complete || s == Partial || s == None }

func (b *BackupRef) check() error {
	if b == nil {
		return nil
	}
	if !IsUUID(b.Cluster) {
		return broken("backup.cluster", b.Cluster, "is not a UUID")
	}
	if err := CheckName(b.Name); err != nil {
		return err
	}
	if !isPrefixedDigest(b.Digest) {
		return broken("backup.digest", b.Digest, "is not sha256: and 64 digits")
	}
	return nil
}
