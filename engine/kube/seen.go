// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"hash/maphash"
	"math/bits"
	"slices"
)

// maxRecent is how many objects of a list are remembered, at eight bytes each: all of
// nearly every list, and of a longer one the last half as many at least.
const maxRecent = 1 << 18

// errOutOfOrder: whether the list has brought an object before cannot be known.
var errOutOfOrder = errors.New("the list is long and not in the order of names: whether it repeats itself cannot be told: leave the type out, or have its API list by name")

type objectName struct{ namespace, name string }

// after reports whether a comes behind b in the order of etcd's keys, which end in
// <namespace>/<name> and are compared byte by byte.
func (a objectName) after(b objectName) bool {
	if a.namespace == b.namespace {
		return a.name > b.name
	}
	n := min(len(a.namespace), len(b.namespace))
	if a, b := a.namespace[:n], b.namespace[:n]; a != b {
		return a > b
	}
	return a.namespace+"/"+a.name > b.namespace+"/"+b.name // "a-b/" lies before "a/"
}

// seen tells objects of a list that were yielded from new ones: no archive holds two
// objects of one name, whatever an API lists. API servers list in the order of names,
// so that hardly anything has to be looked up.
type seen struct {
	seed maphash.Seed
	// last is the object that no other was behind.
	last objectName
	// recent are the hashes of the objects in the order in which they came: of all, or
	// where some were forgotten of the last ones. set holds the same, from when an
	// object came that was not behind all others.
	recent []uint64
	forgot bool
	set    map[uint64]struct{}
	// namespace is the last one, and inNamespace its hash.
	namespace   string
	inNamespace uint64
}

func newSeen() seen { return seen{seed: maphash.MakeSeed()} }

// add notes an object, and reports whether it is new. Where that cannot be known, it
// is where objects of before come again, and otherwise an error.
func (s *seen) add(o objectName, again bool) (bool, error) {
	h := s.hash(o)
	if len(s.recent) == 0 || o.after(s.last) {
		s.last = o
		s.note(h)
		return true, nil
	}
	if s.set == nil {
		s.set = make(map[uint64]struct{}, len(s.recent))
		for _, h := range s.recent {
			s.set[h] = struct{}{}
		}
	}
	if _, old := s.set[h]; old {
		return false, nil
	}
	if s.forgot && !again {
		return false, errOutOfOrder
	}
	s.note(h)
	return true, nil
}

func (s *seen) note(h uint64) {
	s.recent = append(s.recent, h)
	if s.set != nil {
		s.set[h] = struct{}{}
	}
}

// hash is of a name; equal ones of different names cost an object where a list is
// out of order, and are as good as impossible.
func (s *seen) hash(o objectName) uint64 {
	if o.namespace != s.namespace {
		s.namespace, s.inNamespace = o.namespace, maphash.String(s.seed, o.namespace)
	}
	return maphash.String(s.seed, o.name) ^ bits.RotateLeft64(s.inNamespace, 1)
}

// trim forgets the older half, where there are too many.
func (s *seen) trim() {
	if len(s.recent) <= maxRecent {
		return
	}
	s.recent = slices.Clone(s.recent[len(s.recent)-maxRecent/2:])
	s.forgot, s.set = true, nil
}
