// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/gopherwood/ark/controllers/backup"
	"github.com/gopherwood/ark/controllers/restore"
	"github.com/gopherwood/ark/engine/collect"
	enginerestore "github.com/gopherwood/ark/engine/restore"
)

func setUpBackup(s shared) error {
	r := &backup.Reconciler{
		Client: s.GetClient(), Events: s.GetEventRecorder("ark-backup"), Clock: s.opts.Clock,
		Locations: s.locations, Rules: s.rules,
		Source: collect.Source{Discoverer: s.cluster, Lister: s.cluster, Historian: s.cluster}, ClusterUID: s.clusterUID,
		Takes: backup.NewTakes(), Removals: backup.NewRemovals(),
		NewAttempt: newAttempt, Metrics: s.metrics,
	}
	return r.SetupWithManager(s, reconcilerOptions)
}

func setUpRestore(s shared) error {
	r := &restore.Reconciler{
		Client: s.GetClient(), Events: s.GetEventRecorder("ark-restore"), Clock: s.opts.Clock,
		Locations: s.locations, Rules: s.rules,
		Target:     enginerestore.Target{Discoverer: s.cluster, Getter: s.cluster, Writer: s.cluster, Lister: s.cluster},
		ClusterUID: s.clusterUID, Cluster: s.cluster, Definitions: s.definitions, Runs: restore.NewRuns(),
		Namespace: s.opts.Namespace, Records: s.GetAPIReader(),
		Disabled: !s.opts.Restore, Metrics: s.metrics,
	}
	return r.SetupWithManager(s, reconcilerOptions)
}

// newAttempt makes a name that no other attempt has: it is the folder's.
func newAttempt() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails, says its documentation
	return hex.EncodeToString(b[:])
}
