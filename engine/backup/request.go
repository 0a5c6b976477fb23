// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package backup makes one attempt at a backup: it opens the attempt's files,
// collects into them, writes what was decided and how it went beside them, and
// commits.
package backup

import (
	"crypto/ed25519"
	"encoding/json"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

// Request says what to back up, and how the marker describes it.
type Request struct {
	// Cluster is the one that is backed up.
	Cluster archive.Cluster
	// Name is the backup's, unique in its cluster; Attempt the attempt's, unique
	// among those of the backup.
	Name, Attempt string
	// Schedule and Policy name what the backup is made for; either may be empty.
	Schedule, Policy string
	// Spec and Template are the Backup object's spec as it is, and its template with
	// every default resolved.
	Spec, Template json.RawMessage
	// Created is when the backup was asked for; TTL counts from there.
	Created time.Time
	TTL     time.Duration

	// Collect says what is covered and how rules decide. Progress and Decisions are
	// filled in.
	Collect collect.Options
	// Decider are the rules; nil when there are none.
	Decider collect.Decider
	// Rules is their revision, RuleEngine what evaluates them, and RuleFiles their
	// sources by path: they go into the archive, so that a decision can be explained
	// years later.
	Rules      *archive.Rules
	RuleEngine string
	RuleFiles  map[string][]byte

	// Keys sign the marker. A backup that none signs can be changed by whoever can
	// write to the store.
	Keys []ed25519.PrivateKey
}

// Ports are what an attempt reads from and writes to.
type Ports struct {
	Source  collect.Source
	Catalog *catalog.Catalog
	Clock   engine.Clock
}
