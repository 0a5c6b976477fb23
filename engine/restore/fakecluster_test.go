// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/definition"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// fakeCluster behaves like an API server where a restore can tell: identities,
// versions, conflicts, subresources, definitions that take a while, allocation
// of addresses, a garbage collector that collects at once, and the controllers
// that fill a new namespace.
type fakeCluster struct {
	t *testing.T

	mu       sync.Mutex
	types    []engine.Resource
	objects  map[engine.Key]transform.Manifest
	sequence int
	// pending are the types of definitions that are not served yet, by the number of
	// times that the type has still to be asked for.
	pending map[string]int
	// conditions are those of all definitions; nil is established.
	conditions []any
	// requests are all that came, as "verb key".
	requests []string
	// fault may fail a request, by verb and key: before it is carried out, or after.
	fault func(verb string, key engine.Key) (before, after error)
}

func newFakeCluster(t *testing.T, types ...engine.Resource) *fakeCluster {
	t.Helper()
	if types == nil {
		types = builtInTypes()
	}
	c := &fakeCluster{t: t, types: types, objects: map[engine.Key]transform.Manifest{}, pending: map[string]int{}}
	return c
}

func (c *fakeCluster) request(verb string, key engine.Key) error {
	c.requests = append(c.requests, verb+" "+key.String())
	if c.fault == nil {
		return nil
	}
	before, after := c.fault(verb, key)
	if after != nil {
		return &carriedOut{after}
	}
	return before
}

// carriedOut is a failure after the fact.
type carriedOut struct{ error }

// answer turns a fault into what the client sees; ok says whether to carry out.
func answer(fault error) (carryOut bool, err error) {
	if fault == nil {
		return true, nil
	}
	if late, ok := errors.AsType[*carriedOut](fault); ok {
		return true, late.error
	}
	return false, fault
}

// Discover implements engine.Discoverer.
func (c *fakeCluster) Discover(context.Context) (engine.Discovery, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.pending {
		c.pending[name]--
	}
	d := engine.Discovery{}
	for _, r := range c.types {
		if c.pending[r.GroupResource().String()] <= 0 {
			d.Resources = append(d.Resources, r)
		}
	}
	return d, nil
}

// Get implements engine.Getter.
func (c *fakeCluster) Get(ctx context.Context, r engine.Resource, namespace, name string) (engine.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := engine.Key{GroupResource: r.GroupResource(), Namespace: namespace, Name: name}
	if err := ctx.Err(); err != nil {
		return engine.Object{}, err
	}
	if ok, err := answer(c.request("GET", key)); !ok {
		return engine.Object{}, err
	}
	return c.read(r, key)
}

func (c *fakeCluster) read(r engine.Resource, key engine.Key) (engine.Object, error) {
	m, ok := c.objects[key]
	if !ok {
		return engine.Object{}, fmt.Errorf("%s: %w", key, engine.ErrNotFound)
	}
	if key.Resource == "customresourcedefinitions" {
		// Established the second time somebody looks.
		m["status"] = transform.Manifest{"conditions": []any{transform.Manifest{"type": "Established", "status": "True"}}}
		if c.conditions != nil {
			m["status"] = transform.Manifest{"conditions": c.conditions}
		}
	}
	return objectOf(r, m), nil
}

func objectOf(r engine.Resource, m transform.Manifest) engine.Object {
	raw, err := transform.Encode(m)
	if err != nil {
		panic(err)
	}
	var head struct{ Metadata engine.Meta }
	if err := json.Unmarshal(raw, &head); err != nil {
		panic(err)
	}
	return engine.Object{Resource: r, Meta: head.Metadata, Raw: raw}
}

// Create implements engine.Writer.
func (c *fakeCluster) Create(ctx context.Context, r engine.Resource, namespace, manager string, raw []byte) (engine.Object, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, key := c.decode(r, namespace, raw)
	if err := ctx.Err(); err != nil {
		return engine.Object{}, err
	}
	ok, late := answer(c.request("POST", key))
	if !ok {
		return engine.Object{}, late
	}
	if err := c.admit(r, key, m); err != nil {
		return engine.Object{}, err
	}
	c.store(r, key, m)
	ownedBy(m, cmp.Or(manager, engine.FieldManager))
	if late != nil {
		return engine.Object{}, late
	}
	made := objectOf(r, m)
	c.collect(key)
	return made, nil
}

// ownedBy makes a manager the only one of an object's fields.
func ownedBy(m transform.Manifest, manager string) {
	m["metadata"].(transform.Manifest)["managedFields"] = []any{transform.Manifest{
		"manager": manager, "operation": "Update", "fieldsV1": transform.Manifest{"f:data": transform.Manifest{}},
	}}
}

func (c *fakeCluster) decode(r engine.Resource, namespace string, raw []byte) (transform.Manifest, engine.Key) {
	m, err := transform.Decode(raw)
	if err != nil {
		c.t.Errorf("the cluster was sent what is no object: %v", err)
		return transform.Manifest{}, engine.Key{}
	}
	key := engine.Key{GroupResource: r.GroupResource(), Namespace: namespace, Name: transform.Text(m, "metadata", "name")}
	if got := transform.Text(m, "metadata", "namespace"); got != namespace {
		c.t.Errorf("%s: sent to namespace %q with namespace %q within", key, namespace, got)
	}
	if got, want := transform.Text(m, "apiVersion"), r.GroupVersion().String(); got != want {
		c.t.Errorf("%s: sent to %s with apiVersion %q", key, want, got)
	}
	return m, key
}

// admit refuses what an API server refuses.
func (c *fakeCluster) admit(r engine.Resource, key engine.Key, m transform.Manifest) error {
	i := slices.IndexFunc(c.types, func(t engine.Resource) bool { return t.GroupResource() == r.GroupResource() })
	if i < 0 || !c.types[i].Serves(r.Version) || c.pending[r.GroupResource().String()] > 0 {
		return fmt.Errorf("%s: the server could not find the requested resource: %w", key, engine.ErrNotFound)
	}
	meta := m["metadata"].(transform.Manifest)
	for _, field := range []string{"resourceVersion", "uid", "creationTimestamp", "managedFields", "selfLink", "generation"} {
		if _, ok := meta[field]; ok {
			c.t.Errorf("%s: created with metadata.%s", key, field)
		}
	}
	if key.Namespace != "" {
		ns, ok := c.objects[namespaceKey(key.Namespace)]
		if !ok {
			return fmt.Errorf("namespace %s: %w", key.Namespace, engine.ErrNotFound)
		}
		if transform.Text(ns, "status", "phase") == "Terminating" {
			return fmt.Errorf("%s: %w", key, engine.ErrTerminating)
		}
	}
	if _, ok := c.objects[key]; ok {
		return fmt.Errorf("%s: %w", key, engine.ErrExists)
	}
	if ip := transform.Text(m, "spec", "clusterIP"); key.Resource == "services" && ip != "" && ip != "None" {
		return fmt.Errorf("%s: spec.clusterIP: provided IP is already allocated: %w", key, engine.ErrInvalid)
	}
	return nil
}

// store persists a new object, and does what controllers do about it.
func (c *fakeCluster) store(r engine.Resource, key engine.Key, m transform.Manifest) {
	meta := m["metadata"].(transform.Manifest)
	if r.StatusSubresource {
		delete(m, "status")
	}
	meta["uid"] = c.next("uid")
	meta["resourceVersion"] = c.next("")
	meta["creationTimestamp"] = "2026-11-23T12:00:00Z"
	c.objects[key] = m
	switch key.Resource {
	case "namespaces":
		m["status"] = transform.Manifest{"phase": "Active"}
		labels, _ := meta["labels"].(transform.Manifest)
		if labels == nil {
			labels = transform.Manifest{}
			meta["labels"] = labels
		}
		labels["kubernetes.io/metadata.name"] = key.Name
		c.fillNamespace(key.Name)
	case "services":
		spec := m["spec"].(transform.Manifest)
		if spec["clusterIP"] == nil {
			spec["clusterIP"] = "10.0.0." + c.next("")
		}
	case "customresourcedefinitions":
		c.define(m)
	}
}

func (c *fakeCluster) fillNamespace(name string) {
	for _, m := range []transform.Manifest{
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": transform.Manifest{"namespace": name, "name": "default"}},
		{"apiVersion": "v1", "kind": "ConfigMap", "metadata": transform.Manifest{"namespace": name, "name": "kube-root-ca.crt"}},
	} {
		resource := strings.ToLower(m["kind"].(string)) + "s"
		meta := m["metadata"].(transform.Manifest)
		meta["uid"], meta["resourceVersion"] = c.next("uid"), c.next("")
		c.objects[engine.Key{GroupResource: schema.GroupResource{Resource: resource}, Namespace: name, Name: meta["name"].(string)}] = m
	}
}

// define adds the type of a definition. It is served a little later.
func (c *fakeCluster) define(m transform.Manifest) {
	raw, err := transform.Encode(m)
	if err != nil {
		c.t.Error(err)
	}
	d, err := definition.Read(raw)
	if err != nil {
		c.t.Error(err)
	}
	r, _ := d.Resource()
	r.Singular = strings.ToLower(r.Kind)
	if i := slices.IndexFunc(c.types, func(t engine.Resource) bool { return t.GroupResource() == r.GroupResource() }); i >= 0 {
		c.types[i] = r
		return
	}
	c.types = append(c.types, r)
	if c.pending[r.GroupResource().String()] = 2; c.conditions != nil {
		c.pending[r.GroupResource().String()] = 1 << 20
	}
}

// collect deletes an object whose owners do not exist, as the garbage collector does.
func (c *fakeCluster) collect(key engine.Key) {
	meta := c.objects[key]["metadata"].(transform.Manifest)
	refs, _ := meta["ownerReferences"].([]any)
	if len(refs) == 0 {
		return
	}
	for _, ref := range refs {
		for _, m := range c.objects {
			if transform.Text(m, "metadata", "uid") == transform.Text(ref.(transform.Manifest), "uid") {
				return
			}
		}
	}
	delete(c.objects, key)
	c.t.Errorf("%s: collected as garbage: its owners do not exist", key)
}

func (c *fakeCluster) next(prefix string) string {
	c.sequence++
	return fmt.Sprintf("%s%d", prefix, c.sequence)
}

// add puts an object there as if it always had been, and returns its UID.
func (c *fakeCluster) add(doc string) types.UID {
	c.t.Helper()
	m, err := transform.Decode([]byte(doc))
	if err != nil {
		c.t.Fatalf("%v in %s", err, doc)
	}
	kind, apiVersion := transform.Text(m, "kind"), transform.Text(m, "apiVersion")
	i := slices.IndexFunc(c.types, func(r engine.Resource) bool { return r.Kind == kind && r.GroupVersion().String() == apiVersion })
	if i < 0 {
		c.t.Fatalf("%s %s is no type of the fake cluster", apiVersion, kind)
	}
	r := c.types[i]
	key := engine.Key{GroupResource: r.GroupResource(), Namespace: transform.Text(m, "metadata", "namespace"), Name: transform.Text(m, "metadata", "name")}
	status, uid := m["status"], transform.Text(m, "metadata", "uid")
	managed := m["metadata"].(transform.Manifest)["managedFields"]
	if _, taken := c.objects[key]; taken {
		c.t.Fatalf("%s is there already", key)
	}
	c.store(r, key, m)
	meta := m["metadata"].(transform.Manifest)
	if uid != "" {
		meta["uid"] = uid
	}
	if status != nil {
		m["status"] = status
	}
	if managed != nil {
		meta["managedFields"] = managed
	}
	for name := range c.pending {
		c.pending[name] = 0
	}
	return types.UID(transform.Text(m, "metadata", "uid"))
}

// writes returns the requests that changed something, and forgets all.
func (c *fakeCluster) writes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var w []string
	for _, r := range c.requests {
		if !strings.HasPrefix(r, "GET ") {
			w = append(w, r)
		}
	}
	c.requests = nil
	return w
}

// object returns a copy of an object, or nil.
func (c *fakeCluster) object(key string) transform.Manifest {
	for k, m := range c.objects {
		if k.String() == key {
			return transform.Clone(m)
		}
	}
	return nil
}

// keys lists what there is, sorted.
func (c *fakeCluster) keys() []string {
	var names []string
	for k := range maps.Keys(c.objects) {
		names = append(names, k.String())
	}
	slices.Sort(names)
	return names
}

func namespaceKey(name string) engine.Key {
	return engine.Key{GroupResource: schema.GroupResource{Resource: "namespaces"}, Name: name}
}
