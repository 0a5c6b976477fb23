// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"testing"
)

// fidelityCase is something that must come back.
type fidelityCase struct {
	// name is what comes back, as a row of the table.
	name string
	// compared says what is compared beyond the whole objects.
	compared string
	// file is a file of testdata with the objects to create.
	file string
	// generate makes more objects.
	generate func() []*object
	// prepare changes the cluster further, and returns what it made.
	prepare func(t *testing.T, s *stage) []*object
	// last says that preparing this stands in the way of preparing other cases.
	last bool
	// settled reports what controllers have not done yet, before the backup and after
	// the restore.
	settled func(ctx context.Context, s *stage) error
	// except are the fields that do not come back, by object.
	except []exception
	// leftOut are objects that do not come back.
	leftOut []leftOut
	// named is what warnings or errors of the backup say.
	named []string
	// check looks at what comparing objects does not see.
	check func(t *testing.T, s *stage, r *restored)
}

// exception is a field that does not come back, and why.
type exception struct {
	// object is kind and name; * stands for all of the case.
	object   string
	pointers []string
	reason   string
}

// leftOut is an object, or all whose name begins so, that does not come back.
type leftOut struct {
	// key is <resource>[.<group>]/<namespace>/<name>; a * at its end stands for
	// anything.
	key string
	// code is what the results of the restore say.
	code string
}

// exceptions returns the pointers that are not compared of an object.
func (c *fidelityCase) exceptions(o *object) []string {
	var all []string
	for _, e := range c.except {
		if e.object == "*" || e.object == name(o) {
			all = append(all, e.pointers...)
		}
	}
	return all
}
