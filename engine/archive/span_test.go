// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

func TestNeighbouringMembersComeWithOneRequest(t *testing.T) {
	at := func(member, size int64) archive.Entry {
		return archive.Entry{Member: member, MemberSize: size, SHA256: "x"}
	}
	for name, c := range map[string]struct {
		first, last, next archive.Entry
		want              bool
	}{
		"side by side":                    {at(0, 100), at(0, 100), at(100, 50), true},
		"a little apart":                  {at(0, 100), at(0, 100), at(100+128<<10, 50), true},
		"far apart":                       {at(0, 100), at(0, 100), at(101+128<<10, 50), false},
		"as much as one request reads":    {at(0, 100), at(1<<20-200, 100), at(1<<20-100, 100), true},
		"more than one request reads":     {at(0, 100), at(1<<20-200, 100), at(1<<20-100, 101), false},
		"the same member":                 {at(0, 100), at(0, 100), at(0, 100), false},
		"a member that begins in another": {at(0, 100), at(0, 100), at(99, 100), false},
		"a member before":                 {at(500, 100), at(500, 100), at(0, 100), false},
		"numbers that overflow":           {at(0, 100), at(math.MaxInt64, math.MaxInt64), at(200, 100), false},
		"a member without end":            {at(0, 100), at(0, 100), at(100, math.MaxInt64), false},
		"an object that was only noted":   {at(0, 100), at(0, 100), archive.Entry{Member: 100}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := archive.InReach(c.first, c.last, c.next); got != c.want {
				t.Errorf("InReach() = %t, want %t", got, c.want)
			}
		})
	}
}

// threeMembers is an archive of three members side by side, an object each.
func threeMembers(t *testing.T) (*written, []archive.Entry, []object) {
	t.Helper()
	var objects []object
	for i := range 3 {
		objects = append(objects, object{clusterRole(fmt.Sprintf("r%d", i)), text(uint64(i), archive.MemberBytes+i)})
	}
	out := write(t, 1, objects)
	return out, entries(t, out.index.Bytes()), objects
}

func TestMembersAreReadTogetherAndFailAlone(t *testing.T) {
	errBroken := errors.New("connection reset")
	for name, c := range map[string]struct {
		change func(b *blob, all []archive.Entry)
		// want are the errors, one after the other.
		want []error
	}{
		"all is well":              {func(*blob, []archive.Entry) {}, []error{nil, nil, nil}},
		"a changed byte":           {func(b *blob, all []archive.Entry) { b.data[all[1].Member+99] ^= 0x10 }, []error{nil, engine.ErrCorrupt, nil}},
		"a file that is cut short": {func(b *blob, all []archive.Entry) { b.data = b.data[:all[1].Member+99] }, []error{nil, engine.ErrCorrupt, engine.ErrCorrupt}},
		"a member that is not within": {
			func(_ *blob, all []archive.Entry) { all[2].Member = 1 << 40 }, []error{engine.ErrCorrupt, engine.ErrCorrupt, engine.ErrCorrupt},
		},
		"a store that fails": {func(b *blob, _ []archive.Entry) { b.err = errBroken }, []error{errBroken}},
	} {
		t.Run(name, func(t *testing.T) {
			out, all, objects := threeMembers(t)
			contents, store := out.open()
			store.data = bytes.Clone(store.data)
			c.change(store, all)
			var got []error
			for m, err := range contents.Members(t.Context(), all) {
				i := len(got)
				if err == nil {
					raw, changed := m.Object(all[i])
					if err = changed; err == nil && !bytes.Equal(raw, objects[i].raw) {
						t.Errorf("object %d is another", i)
					}
				}
				got = append(got, err)
			}
			if diff := cmp.Diff(c.want, got, cmp.Comparer(func(x, y error) bool { return errors.Is(x, y) || errors.Is(y, x) })); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if store.requests > 1 {
				t.Errorf("%d requests", store.requests)
			}
		})
	}
}
