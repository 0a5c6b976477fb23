// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

const (
	// namespaces is over how many the objects are spread.
	namespaces = 50
	// applyEvery makes every tenth object one of a server-side apply, as GitOps
	// tools make them: a restore has to put its field managers back.
	applyEvery = 10
	// standaloneEvery makes every fifth pod one that no controller owns, so that
	// a restore has pods to restore.
	standaloneEvery = 5
	fieldManager    = "bench"
	namespacePrefix = "bench-"
)

type fields = map[string]any

// kind is a type of the workload and its part of the objects.
type kind struct {
	group, version, resource, name string
	// share is in thousandths of all objects.
	share int
	// body returns the spec and whatever else stands beside the metadata.
	body func(g *generator) fields
	// status returns the status that a controller would have written; nil for
	// types without.
	status func(g *generator) fields
	// owner is the type whose objects own these, one each.
	owner string
}

// path is where the type is served, in all namespaces or in one.
func (k *kind) path(namespace string) string {
	p := "/api/" + k.version
	if k.group != "" {
		p = "/apis/" + k.group + "/" + k.version
	}
	if namespace != "" {
		p += "/namespaces/" + namespace
	}
	return p + "/" + k.resource
}

func (k *kind) apiVersion() string {
	if k.group == "" {
		return k.version
	}
	return k.group + "/" + k.version
}

// count is how many objects of the type a workload of n has.
func (k *kind) count(n int) int { return max(1, n*k.share/1000) }

// ownedBy reports whether a controller owns the jth object.
func (k *kind) owned(j int) bool {
	return k.owner != "" && (k.resource != "pods" || j%standaloneEvery != 0)
}

// namespaceOf spreads objects. Those that are owned lie where their owner does,
// because the number of each type is cut at a multiple of the namespaces.
func namespaceOf(j int) string { return fmt.Sprintf("%s%02d", namespacePrefix, j%namespaces) }

// nameOf is the name of the jth object of a type.
func (k *kind) nameOf(j int) string {
	g := newGenerator(k, j)
	return fmt.Sprintf("%s-%s-%06d", g.word(), g.word(), j)
}

// object is one object of the workload, ready to be sent.
type object struct {
	kind            *kind
	namespace, name string
	applied         bool
	body, status    []byte
}

// object returns the jth object of a type. owner is the UID of its owner, empty
// for none.
func (k *kind) object(j int, owner string) (object, error) {
	g := newGenerator(k, j)
	o := object{kind: k, namespace: namespaceOf(j), name: k.nameOf(j), applied: j%applyEvery == 0}
	g.name = o.name
	meta := fields{
		"name": o.name, "namespace": o.namespace,
		"labels": fields{
			"app.kubernetes.io/name": g.word(), "app.kubernetes.io/instance": o.name,
			"app.kubernetes.io/part-of": g.word(), "app.kubernetes.io/managed-by": "Helm", "tier": g.word(),
		},
		"annotations": fields{
			"meta.helm.sh/release-name": g.word(), "meta.helm.sh/release-namespace": o.namespace,
			"example.com/checksum": g.hex(64),
		},
	}
	if owner != "" {
		of := kindOf(k.owner)
		meta["ownerReferences"] = []any{fields{
			"apiVersion": of.apiVersion(), "kind": of.name, "name": of.nameOf(j % namespaces),
			"uid": owner, "controller": true, "blockOwnerDeletion": true,
		}}
	}
	body := k.body(g)
	body["apiVersion"], body["kind"], body["metadata"] = k.apiVersion(), k.name, meta
	var err error
	if o.body, err = json.Marshal(body); err != nil {
		return o, fmt.Errorf("make %s %s: %w", k.name, o.name, err)
	}
	if k.status == nil {
		return o, nil
	}
	if o.status, err = json.Marshal(fields{"status": k.status(g)}); err != nil {
		return o, fmt.Errorf("make status of %s %s: %w", k.name, o.name, err)
	}
	return o, nil
}

// kindOf finds a type of the workload.
func kindOf(resource string) *kind {
	for i := range kinds {
		if kinds[i].resource == resource {
			return &kinds[i]
		}
	}
	panic("no such type in the workload: " + resource)
}

// generator makes the content of one object: the same for the same object.
type generator struct {
	*rand.Rand

	name string
}

func newGenerator(k *kind, j int) *generator {
	seed := uint64(len(k.resource))
	for _, c := range []byte(k.group + k.resource) {
		seed = seed*131 + uint64(c)
	}
	return &generator{Rand: rand.New(rand.NewPCG(seed, uint64(j)))}
}

var words = []string{
	"gateway", "orders", "billing", "search", "catalog", "session", "worker", "metrics", "cache", "queue",
	"frontend", "backend", "payment", "invoice", "customer", "stock", "report", "mailer", "audit", "import",
	"export", "events", "proxy", "router", "storage", "index", "token", "login", "profile", "media",
}

func (g *generator) word() string { return words[g.IntN(len(words))] }

func (g *generator) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[g.IntN(16)]
	}
	return string(b)
}

// between returns a number of that range.
func (g *generator) between(low, high int) int { return low + g.IntN(high-low) }

// settings is a file of settings of about that many bytes.
func (g *generator) settings(bytes int) string {
	b := make([]byte, 0, bytes+80)
	for len(b) < bytes {
		b = fmt.Appendf(b, "%s.%s.%s=%d\n", g.word(), g.word(), g.word(), g.IntN(1_000_000))
		if g.IntN(8) == 0 {
			b = fmt.Appendf(b, "# the %s of %s is read by %s and %s\n", g.word(), g.word(), g.word(), g.word())
		}
	}
	return string(b)
}

// random is that many bytes that no compressor makes smaller.
func (g *generator) random(bytes int) []byte {
	b := make([]byte, bytes)
	for i := range b {
		b[i] = byte(g.IntN(256))
	}
	return b
}
