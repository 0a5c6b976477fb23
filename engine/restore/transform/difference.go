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

// Part is something of an object that is not looked at.
type Part int

// What a comparison can leave out.
const (
	// Status of a type that has a path of its own for it.
	Status Part = iota
	// OwnerReferences, whose UIDs are known later.
	OwnerReferences
)

// Compare compares want with a live object, apart from what the API server sets
// itself, from the mark of a restore, and from the parts that are left out. What
// is as good as left out, see idle, makes no difference.
func Compare(want, live Manifest, without ...Part) Difference {
	c := comparison{beyond: true, idle: idleOf(want)}
	c.objects("", comparable(want, without), comparable(live, without))
	slices.Sort(c.fields)
	return Difference{Fields: c.fields, Beyond: c.beyond}
}

// Changed names the fields of what was sent that are not in what the API server
// made of it. What it filled in besides does not count.
func Changed(sent, made Manifest) []string {
	c := comparison{within: true, idle: idleOf(sent)}
	c.objects("", comparable(sent, nil), comparable(made, nil))
	slices.Sort(c.fields)
	return c.fields
}

// comparable returns a copy without what is not compared. Only the top two
// levels are copied.
func comparable(m Manifest, without []Part) Manifest {
	c := maps.Clone(m)
	meta := maps.Clone(child(m, "metadata"))
	for _, field := range serverSet {
		delete(meta, field)
	}
	if slices.Contains(without, Status) {
		delete(c, "status")
	}
	if slices.Contains(without, OwnerReferences) {
		delete(meta, "ownerReferences")
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
	// idle says what is as good as left out.
	idle idle
}

func (c *comparison) differs(path string, want, live any) {
	c.fields = append(c.fields, path)
	list, ok := want.([]any)
	c.beyond = c.beyond && (want == nil || ok && len(list) == 0 && live != nil)
}

func (c *comparison) objects(path string, want, live Manifest) {
	for key, w := range want {
		c.values(join(path, key), w, live[key])
	}
	if c.within {
		return
	}
	for key, l := range live {
		if _, both := want[key]; !both && !c.idle.is(join(path, key), l) {
			c.differs(join(path, key), nil, l)
		}
	}
}

func (c *comparison) values(path string, want, live any) {
	if !c.inside(path, want, live) && (!c.idle.is(path, want) || !c.idle.is(path, live)) {
		c.differs(path, want, live)
	}
}

// inside compares what is within two values, and reports whether there is no more to
// say of them.
func (c *comparison) inside(path string, want, live any) bool {
	switch w := want.(type) {
	case Manifest:
		l, ok := live.(Manifest)
		if !ok {
			return c.within && live == nil && c.lost(path, w)
		}
		c.objects(path, w, l)
		return true
	case []any:
		l, ok := live.([]any)
		if !ok || len(l) != len(w) {
			return false
		}
		for i := range w {
			c.values(path+"["+strconv.Itoa(i)+"]", w[i], l[i])
		}
		return true
	}
	return equalScalars(want, live)
}

// lost names what was in an object that is not there, and reports whether there was
// anything.
func (c *comparison) lost(path string, want Manifest) bool {
	before := len(c.fields)
	c.objects(path, want, nil)
	return len(c.fields) > before
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

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
