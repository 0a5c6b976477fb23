// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package catalog keeps the books of a store: which backups of which clusters
// it holds, what was recorded about them since, and what restores did.
//
//	c, err := catalog.Attach(ctx, store, clock, catalog.Options{Tool: "ark v1"})
//	a, err := c.NewAttempt(cluster, "nightly-20260517030405", attempt)
//	f, err := a.File(ctx, archive.ContentsFile) // write, close; and so on
//	snapshot, err := a.Commit(ctx, marker)      // from here on the backup exists
//
// Data goes first and the marker last; a removal goes the other way round, its
// record first of all. So whatever fails, and whenever the process dies, a
// backup is there whole or is not there, and what was begun can be repeated:
// every step of committing and removing may be taken any number of times. What
// stays behind is found by Orphans.
//
// Correctness does not rest on conditional writes. Every attempt has a folder of
// its own, and a committer reads back which attempt won.
package catalog
