// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/gopherwood/ark/engine"
)

const (
	// MaxTypes is how many types a marker tells of at most.
	MaxTypes = 10_000
	// maxCodes, maxMessages and maxFiles bound what else it lists.
	maxCodes    = 1_000
	maxMessages = 100
	maxFiles    = 64
	// maxFile is beyond what any store takes.
	maxFile = 1 << 50
	// maxSignatures bounds an envelope.
	maxSignatures = 16
)

// Values of Marker.Completeness and RestoreSummary.Completeness.
const (
	// Complete: everything that was asked for is there.
	Complete = "Complete"
	// Partial: something is missing, and the errors say what.
	Partial = "Partial"
	// None: nothing was done. A backup is never committed as this.
	None = "None"
)

// EncodeMarker returns the content of a marker's file, signed with every key
// given. Warnings and errors are made fit for display and cut to the first 100.
func EncodeMarker(m *Marker, keys ...ed25519.PrivateKey) ([]byte, error) {
	clean := *m
	clean.Warnings, clean.Errors = texts(m.Warnings), texts(m.Errors)
	marker, err := encode("marker", &clean)
	if err != nil {
		return nil, err
	}
	env := &Envelope{Marker: marker}
	for _, key := range keys {
		Sign(env, key)
	}
	b, err := marshal(env)
	if err != nil {
		return nil, fmt.Errorf("encode marker: %w", err)
	}
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("encode marker: %d bytes are more than %d", len(b), MaxDocument)
	}
	return b, nil
}

// DecodeMarker reads a marker, which is then checked in every field but not
// verified: see Verify. Its errors wrap ErrCorrupt or ErrUnknownFormat.
func DecodeMarker(b []byte) (*Marker, *Envelope, error) {
	if len(b) > MaxDocument {
		return nil, nil, fmt.Errorf("decode marker: %w: %d bytes are more than %d", engine.ErrCorrupt, len(b), MaxDocument)
	}
	var env Envelope
	if err := json.Unmarshal(b, &env); err != nil {
		return nil, nil, fmt.Errorf("decode marker: %w: %w", engine.ErrCorrupt, err)
	}
	if len(env.Signatures) > maxSignatures {
		return nil, nil, fmt.Errorf("decode marker: %w: more than %d signatures", engine.ErrCorrupt, maxSignatures)
	}
	var m Marker
	if err := decode("marker", env.Marker, &m); err != nil {
		return nil, nil, err
	}
	return &m, &env, nil
}

func (m *Marker) check() error {
	if err := firstBroken(
		rule{m.Format == Format, "format", m.Format, "is not a format"},
		rule{IsUUID(m.Store), "store", m.Store, "is not a UUID"},
		rule{IsUUID(m.Cluster.UID), "cluster.uid", m.Cluster.UID, "is not a UUID"},
		rule{isText(m.Cluster.Name), "cluster.name", m.Cluster.Name, "is not text"},
		rule{IsAttempt(m.Attempt), "attempt", m.Attempt, "is not a lower-case name"},
		rule{isText(m.Tool), "tool", m.Tool, "is not text"},
		rule{m.Schedule == "" || isDomain(m.Schedule), "schedule", m.Schedule, "is not a DNS name"},
		rule{m.Policy == "" || isDomain(m.Policy), "policy", m.Policy, "is not a DNS name"},
		rule{isObject(m.Spec), "spec", m.Spec, "is not a JSON object"},
		rule{isObject(m.Template), "template", m.Template, "is not a JSON object"},
		rule{isText(m.Revision), "revision", m.Revision, "is not text"},
		rule{m.Completeness == Complete || m.Completeness == Partial, "completeness", m.Completeness, "is not Complete or Partial"},
	); err != nil {
		return err
	}
	if err := CheckName(m.Name); err != nil {
		return err
	}
	for _, check := range []func() error{m.checkTimes, m.checkRules, m.checkCounts, m.checkFiles} {
		if err := check(); err != nil {
			return err
		}
	}
	return checkMessages(m.Warnings, m.Errors)
}

// checkTimes does not compare them: clocks jump.
func (m *Marker) checkTimes() error {
	const what = "is not a time within 1970 and 9999"
	return firstBroken(
		rule{isTime(m.Created), "created", m.Created, what},
		rule{isTime(m.Started), "started", m.Started, what},
		rule{isTime(m.Completed), "completed", m.Completed, what},
		rule{isTime(m.Expires), "expires", m.Expires, what},
	)
}

func (m *Marker) checkRules() error {
	if m.Rules == nil {
		return nil
	}
	return firstBroken(
		rule{isPrefixedDigest(m.Rules.Digest), "rules.digest", m.Rules.Digest, "is not sha256: and 64 digits"},
		rule{m.Rules.Count >= 0, "rules.count", m.Rules.Count, "is negative"},
	)
}

func (m *Marker) checkCounts() error {
	if err := m.Objects.check("objects"); err != nil {
		return err
	}
	if len(m.ExcludedBy) > maxCodes {
		return broken("excludedBy", len(m.ExcludedBy), "codes are more than 1000")
	}
	for c, n := range m.ExcludedBy {
		if !isCode(c) || n < 0 {
			return broken("excludedBy", c, "is not a reason code with a count")
		}
	}
	return checkResources(m.Resources)
}

func checkResources(all map[string]ResourceSummary) error {
	if len(all) > MaxTypes {
		return broken("resources", len(all), "types are more than 10000")
	}
	for name, r := range all {
		resource, group, dotted := strings.Cut(name, ".")
		if dotted && group == "" {
			return broken("resources", name, "ends in a dot")
		}
		if err := CheckType(group, r.Version, resource, r.Kind); err != nil {
			return fmt.Errorf("resources: %w", err)
		}
		if err := firstBroken(
			rule{isText(r.Revision), "resources.revision", r.Revision, "is not text"},
			rule{isText(r.RestRevision), "resources.restRevision", r.RestRevision, "is not text"},
		); err != nil {
			return err
		}
		if err := r.Counts.check("resources"); err != nil {
			return err
		}
	}
	return nil
}

// CheckType tells what is wrong with a type: one whose names are not what Kubernetes
// asks of them has no place in an archive.
func CheckType(group, version, resource, kind string) error {
	if err := checkType(group, resource); err != nil {
		return err
	}
	return firstBroken(
		rule{isLabel(version), "version", version, "is not a DNS label"},
		rule{isKind(kind), "kind", kind, "is not a kind"},
	)
}

func (c Counts) check(field string) error {
	if c.Included < 0 || c.Excluded < 0 || c.Failed < 0 {
		return broken(field, c, "has a negative count")
	}
	return nil
}

func (m *Marker) checkFiles() error {
	for _, name := range []string{ContentsFile, IndexFile} {
		if _, ok := m.Files[name]; !ok {
			return broken("files", name, "is missing")
		}
	}
	return checkFiles(m.Files)
}

func checkFiles(files map[string]File) error {
	if len(files) > maxFiles {
		return broken("files", len(files), "are more than 64")
	}
	for name, f := range files {
		if err := firstBroken(
			rule{IsFile(name), "files", name, "is not a file name"},
			rule{f.Size >= 0 && f.Size <= maxFile, "files.size", f.Size, "is not a size"},
			rule{isDigest(f.SHA256), "files.sha256", f.SHA256, "is not a SHA-256"},
		); err != nil {
			return err
		}
	}
	return nil
}

// texts makes messages fit for a marker.
func texts(messages []string) []string {
	if messages == nil {
		return nil
	}
	out := make([]string, 0, min(len(messages), maxMessages))
	for _, s := range messages[:cap(out)] {
		out = append(out, Text(s))
	}
	return out
}

func checkMessages(lists ...[]string) error {
	for _, list := range lists {
		if len(list) > maxMessages {
			return broken("messages", len(list), "are more than 100")
		}
		for _, s := range list {
			if !isText(s) {
				return broken("message", s, "is not text")
			}
		}
	}
	return nil
}
