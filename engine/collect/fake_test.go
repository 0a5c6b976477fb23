// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
)

// cluster is a cluster in memory. It hands out one buffer for all objects of a
// list and spoils it behind the caller, and it counts what happens at a time.
type cluster struct {
	resources []engine.Resource
	broken    []engine.BrokenGroup
	discovery error
	objects   map[engine.Key]engine.Object
	// fail ends the list of a type with an error after so many objects.
	fail map[string]failure
	// refuse fails the list of a type at a revision, "<type> at <revision>", or in a
	// version, "<type> in <version>".
	refuse map[string]error
	// onList is called before a list begins.
	onList func(resource string)
	// pages are the revisions of the pages of a type's list, torn ones with an
	// exclamation mark; one where it is not told.
	pages map[string][]string
	// history is how far that of types has come, by type; "7" where it is not told.
	history map[string]string
	// counts are how many objects types say they have; what is there where it is not
	// told.
	counts map[string]int64
	// asked is called before a type is asked for its history.
	asked func(resource string) error

	mu       sync.Mutex
	lists    []string
	running  int
	together int
}

type failure struct {
	after int
	err   error
}

var _ interface {
	engine.Discoverer
	engine.Lister
	engine.Historian
} = (*cluster)(nil)

func (c *cluster) Discover(context.Context) (engine.Discovery, error) {
	return engine.Discovery{Resources: c.resources, Broken: c.broken}, c.discovery
}

func (c *cluster) List(ctx context.Context, r engine.Resource, opts engine.ListOptions) iter.Seq2[engine.Object, error] {
	return func(yield func(engine.Object, error) bool) {
		name := r.GroupResource().String()
		c.begin(name, opts)
		defer c.end()
		if c.onList != nil {
			c.onList(name)
		}
		if err := cmp.Or(c.refuse[name+" at "+opts.Revision], c.refuse[name+" in "+r.Version]); err != nil {
			yield(engine.Object{}, err)
			return
		}
		pages := c.pages[name]
		if pages == nil {
			pages = []string{cmp.Or(opts.Revision, usual)}
		}
		// The first page has one object, the second all others, and further ones none.
		page := func() {
			if len(pages) > 0 && opts.OnPage != nil {
				opts.OnPage(engine.Page{Revision: strings.TrimSuffix(pages[0], "!"), Torn: strings.HasSuffix(pages[0], "!")})
			}
			pages = pages[min(1, len(pages)):]
		}
		page()
		broken, fails := c.fail[name]
		buffer := make([]byte, 0, 1<<16)
		for i, o := range c.matching(r, opts) {
			if ctx.Err() != nil {
				yield(engine.Object{}, ctx.Err())
				return
			}
			if fails && i == broken.after {
				break
			}
			if i == 1 {
				page()
			}
			buffer = append(buffer[:0], o.Raw...)
			o.Raw, o.Resource = buffer, r
			if !yield(o, nil) {
				return
			}
			clear(buffer)
		}
		for len(pages) > 0 {
			page()
		}
		if fails {
			yield(engine.Object{}, broken.err)
		}
	}
}

func (c *cluster) Revision(_ context.Context, r engine.Resource) (engine.State, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	name := r.GroupResource().String()
	if c.asked != nil {
		if err := c.asked(name); err != nil {
			return engine.State{}, err
		}
	}
	state := engine.State{Revision: usual, Objects: int64(len(c.matching(r, engine.ListOptions{})))}
	if revision, told := c.history[name]; told {
		state.Revision = revision
	}
	if objects, told := c.counts[name]; told {
		state.Objects = objects
	}
	return state, nil
}

// usual is the revision of a cluster where nothing happens.
const usual = "7"

func (c *cluster) begin(name string, opts engine.ListOptions) {
	c.mu.Lock()
	defer c.mu.Unlock()
	line := name
	if opts.Namespace != "" {
		line += " in " + opts.Namespace
	}
	if opts.Labels != nil {
		line += " where " + opts.Labels.String()
	}
	if opts.Revision != usual {
		line += " at " + opts.Revision
	}
	c.lists = append(c.lists, line)
	c.running++
	c.together = max(c.together, c.running)
}

func (c *cluster) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// matching returns the objects of a list in the order of their names. Labels
// are left to the caller to check again.
func (c *cluster) matching(r engine.Resource, opts engine.ListOptions) []engine.Object {
	keys := slices.SortedFunc(maps.Keys(c.objects), func(a, b engine.Key) int { return cmp.Compare(a.String(), b.String()) })
	var found []engine.Object
	for _, k := range keys {
		if k.GroupResource == r.GroupResource() && (opts.Namespace == "" || opts.Namespace == k.Namespace) {
			found = append(found, c.objects[k])
		}
	}
	return found
}

func resource(name string, namespaced bool) engine.Resource {
	plural, group, _ := strings.Cut(name, ".")
	kind := strings.ToUpper(plural[:1]) + strings.TrimSuffix(plural[1:], "s")
	return engine.Resource{
		Group: group, Version: "v1", Name: plural, Kind: kind, Singular: strings.ToLower(kind), Namespaced: namespaced,
		Versions: []string{"v1"},
	}
}

const rbac = ".rbac.authorization.k8s.io"

// newCluster serves the usual types and holds objects, written
// "<type>/<namespace>/<name>" or "<type>/<name>", with further fields as JSON.
func newCluster(t testing.TB, objects map[string]string) *cluster {
	t.Helper()
	c := &cluster{
		resources: []engine.Resource{
			resource("configmaps", true), resource("events", true), resource("namespaces", false), resource("nodes", false),
			resource("persistentvolumeclaims", true), resource("persistentvolumes", false), resource("secrets", true),
			resource("serviceaccounts", true), resource("customresourcedefinitions.apiextensions.k8s.io", false),
			resource("deployments.apps", true), resource("events.events.k8s.io", true), resource("gadgets.example.org", false),
			resource("widgets.example.org", true), resource("clusterrolebindings"+rbac, false), resource("clusterroles"+rbac, false),
			resource("rolebindings"+rbac, true), resource("roles"+rbac, true),
		},
		objects: map[engine.Key]engine.Object{}, fail: map[string]failure{},
	}
	for path, fields := range objects {
		c.add(t, path, fields)
	}
	return c
}

func (c *cluster) add(t testing.TB, path, fields string) {
	t.Helper()
	name, rest, _ := strings.Cut(path, "/")
	i := slices.IndexFunc(c.resources, func(r engine.Resource) bool { return r.GroupResource() == schema.ParseGroupResource(name) })
	if i < 0 {
		t.Fatalf("type %s is not served", name)
	}
	r := c.resources[i]
	meta := map[string]any{}
	if r.Namespaced {
		namespace, object, _ := strings.Cut(rest, "/")
		meta["namespace"], rest = namespace, object
	}
	meta["name"] = rest
	body := map[string]any{}
	if fields != "" {
		if err := json.Unmarshal([]byte(fields), &body); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if given, ok := body["metadata"].(map[string]any); ok {
		maps.Copy(meta, given)
	}
	body["metadata"], body["kind"], body["apiVersion"] = meta, r.Kind, r.GroupVersion().String()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var typed struct {
		Metadata engine.Meta `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &typed); err != nil {
		t.Fatal(err)
	}
	o := engine.Object{Resource: r, Meta: typed.Metadata, Raw: raw}
	c.objects[o.Key()] = o
}

// sink keeps what it is given, and copies what it must not keep.
type sink struct {
	// refuse names objects that cannot be archived, and fail the one that breaks it.
	refuse map[string]bool
	fail   string

	mu      sync.Mutex
	entries map[string]archive.Entry
	raw     map[string][]byte
	twice   []string
	// unflushed counts members that hold something.
	unflushed int
}

var errSink = errors.New("bucket is full")

func newSink() *sink {
	return &sink{refuse: map[string]bool{}, entries: map[string]archive.Entry{}, raw: map[string][]byte{}}
}

type member struct {
	sink  *sink
	dirty bool
}

func (s *sink) NewMember() collect.Member { return &member{sink: s} }

func (s *sink) Note(e archive.Entry) error { return s.put(e, nil) }

func (s *sink) put(e archive.Entry, raw []byte) error {
	name := keyOf(e)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case name == s.fail:
		return errSink
	case s.refuse[name] && raw != nil, s.refuse[name+" with needs"] && e.Needs != nil:
		return fmt.Errorf("add %s: %w", name, archive.ErrInvalidEntry)
	}
	if _, known := s.entries[name]; known {
		s.twice = append(s.twice, name)
	}
	s.entries[name] = e
	if raw != nil {
		s.raw[name] = raw
	}
	return nil
}

func (m *member) Add(e archive.Entry, raw []byte) error {
	if err := m.sink.put(e, slices.Clone(raw)); err != nil {
		return err
	}
	m.sink.mu.Lock()
	defer m.sink.mu.Unlock()
	if !m.dirty {
		m.dirty = true
		m.sink.unflushed++
	}
	return nil
}

func (m *member) Flush() error {
	m.sink.mu.Lock()
	defer m.sink.mu.Unlock()
	if m.dirty {
		m.dirty = false
		m.sink.unflushed--
	}
	return nil
}

func keyOf(e archive.Entry) string {
	return engine.Key{
		GroupResource: schema.GroupResource{Group: e.Group, Resource: e.Resource}, Namespace: e.Namespace, Name: e.Name,
	}.String()
}

// archived returns the names of the objects whose bytes are in the sink.
func (s *sink) archived() []string { return slices.Sorted(maps.Keys(s.raw)) }

// left returns the objects that are in the index only, with codes or error.
func (s *sink) left() map[string]string {
	left := map[string]string{}
	for name, e := range s.entries {
		if _, archived := s.raw[name]; !archived {
			left[name] = cmp.Or(strings.Join(e.Codes, ","), e.Error)
		}
	}
	return left
}

// rules rule by the name of the object's type and name: "include", "exclude" or
// "error" stands in front of what matches.
type rules func(o engine.Object, ns *collect.Namespace) (collect.Ruling, error)

func (r rules) Decide(_ context.Context, o engine.Object, ns *collect.Namespace) (collect.Ruling, error) {
	return r(o, ns)
}
