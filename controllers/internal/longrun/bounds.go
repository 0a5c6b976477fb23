// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package longrun

import (
	"cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// How many backups and restores run at a time where the Config does not say. DESIGN.md
// has what was measured.
const (
	DefaultBackups  = 4
	DefaultRestores = 4
)

// Backups is how many backups run at a time.
func Backups(c *v1alpha1.Concurrency) int32 {
	if c == nil {
		return DefaultBackups
	}
	return cmp.Or(c.Backups, DefaultBackups)
}

// Restores is how many restores run at a time.
func Restores(c *v1alpha1.Concurrency) int32 {
	if c == nil {
		return DefaultRestores
	}
	return cmp.Or(c.Restores, DefaultRestores)
}
