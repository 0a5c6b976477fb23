// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// maxNamed is how many backups that cannot be shown a message names.
const maxNamed = 8

// outcome is what listing a location told.
type outcome struct {
	// storeID is the store that was to be listed.
	storeID  string
	finished time.Time
	// own and foreign count the committed backups of this and of other clusters.
	own, foreign int32
	// hidden is how many of those that were found are not shown, and cut says what was
	// not looked at.
	hidden int32
	cut    string
	// bounds are what was shown by.
	bounds bounds
	// found is how many had no object, without those that were brought back.
	found int
	// problems say which backups cannot be shown, and why.
	problems map[id]problem
	// orphans is what became of orphans; nil when they were not looked for.
	orphans *collection
}

// message names the problems, or is empty.
func (o outcome) message() string {
	if len(o.problems) == 0 {
		if o.orphans != nil && o.orphans.message != "" {
			return o.orphans.message
		}
		return o.cut
	}
	ids := slices.SortedFunc(maps.Keys(o.problems), func(a, b id) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), cmp.Compare(a.name, b.name))
	})
	var named []string
	for _, i := range ids {
		if o.problems[i].why == "" {
			continue
		}
		if len(named) == maxNamed {
			break
		}
		named = append(named, fmt.Sprintf("%s of cluster %s: %s", i.name, i.cluster, o.problems[i].why))
	}
	text := fmt.Sprintf("%d of the backups cannot be shown: %s", len(ids), strings.Join(named, "; "))
	if more := len(ids) - len(named); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// show writes the outcome into the location's status. What a failed listing
// counted is nothing.
func (o outcome) show(l *v1alpha1.StorageLocationStatus, complete bool, message string) {
	l.SyncMessage = message
	if !complete {
		return
	}
	l.LastSyncTime = &metav1.Time{Time: o.finished}
	l.Backups, l.ForeignBackups = o.own, o.foreign
	l.Problems = int32(min(len(o.problems), maxBackups*2))
	l.Foreign = &v1alpha1.ForeignBackupsStatus{Show: o.bounds.show, Max: int32(o.bounds.most), Hidden: o.hidden} //nolint:gosec // the schema bounds it
	if c := o.orphans; c != nil && c.complete {
		l.LastCollectionTime, l.OrphanedAttempts = &metav1.Time{Time: o.finished}, c.left
	}
}
