// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"maps"
	"slices"
	"strconv"
)

// Difference tells in what a live object differs from what a restore would
// write. It names fields, never values: those may be secret.
type Difference struct {
	// Fields are the paths that differ, sorted; a path ends where one side has
	// nothing below it.
	Fields []string
	// Beyond says that every difference is something that only the live object has.
	Beyond bool
}

// Equal reports whether there is no difference.
func (d Difference) Equal() bool { return len(d.Fields) == 0 }

// Compare compares want with a live object, apart from what the API server sets
// itself and from the mark of a restore. Fields that are null, and lists and
// objects that are empty, are as good as left out: the API server drops them.
// ignore names more fields at the root, or of metadata, not to look at.
func Compare(want, live Manifest, ignore ...string) Difference {
	c := comparison{beyond: true}
	c.objects("", comparable(want, ignore), comparable(live, ignore))
	slices.Sort(c.fields)
	return Difference{Fields: c.fields, Beyond: c.beyond}
}

// Changed names the fields of what was sent that are not in what the API server
// made of it. What it filled in besides does not count.
func Changed(sent, made Manifest) []string {
	c := comparison{within: true}
	c.objects("", comparable(sent, nil), comparable(made, nil))
	slices.Sort(c.fields)
	return c.fields
}

// comparable returns a copy without what is not compared. Only the top two
// levels are copied.
func comparable(m Manifest, ignore []string) Manifest {
	c := maps.Clone(m)
	meta := maps.Clone(child(m, "metadata"))
	for _, field := range slices.Concat(serverSet, ignore) {
		delete(meta, field)
	}
	for _, field := range ignore {
		delete(c, field)
	}
	if labels := maps.Clone(child(m, labelsPath...)); labels != nil {
		delete(labels, RestoreLabel)
		meta["labels"] = labels
	}
	c["metadata"] = meta
	return c
}

type comparison struct {
	fields []string
	beyond bool
	// within leaves out what only the live object has.
	within bool
}

func (c *comparison) differs(path string, want any) {
	c.fields = append(c.fields, path)
	c.beyond = c.beyond && empty(want)
}

func (c *comparison) objects(path string, want, live Manifest) {
	for key, w := range want {
		c.values(join(path, key), w, live[key])
	}
	if c.within {
		return
	}
	for key, l := range live {
		if _, both := want[key]; !both && !empty(l) {
			c.differs(join(path, key), nil)
		}
	}
}

func (c *comparison) values(path string, want, live any) {
	switch w := want.(type) {
	case Manifest:
		if l, ok := c.object(live); ok {
			c.objects(path, w, l)
			return
		}
	case []any:
		if l, ok := live.([]any); ok && len(l) == len(w) {
			for i := range w {
				c.values(path+"["+strconv.Itoa(i)+"]", w[i], l[i])
			}
			return
		}
	default:
		if equalScalars(want, live) {
			return
		}
	}
	if !empty(want) || !empty(live) {
		c.differs(path, want)
	}
}

// object is what an object is compared with. What was sent empty need not be there.
func (c *comparison) object(live any) (Manifest, bool) {
	l, ok := live.(Manifest)
	return l, ok || (c.within && live == nil)
}

// equalScalars reports whether a scalar equals another value; 1 and 1.0 are one
// number in JSON.
func equalScalars(a, b any) bool {
	switch a := a.(type) {
	case nil, bool, string:
		switch b.(type) {
		case nil, bool, string:
			return a == b
		}
	case int64:
		f, ok := b.(float64)
		return a == b || (ok && float64(a) == f)
	case float64:
		i, ok := b.(int64)
		return a == b || (ok && float64(i) == a)
	}
	return false
}

func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case Manifest:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
