// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// prepared is an object ready to be written.
type prepared struct {
	transform.Result

	it *item
	// unlinked says that an owner of it comes later in the plan.
	unlinked bool
	// managed says that it was created under the name of its field manager.
	managed bool
	// own is why Ark's authority or its gates rest on what would be written; empty
	// where they do not.
	own string
}

// prepare transforms an archived object. It returns nil when the item's fate is
// settled by that: left out, or failed.
func (r *run) prepare(it *item, c content) *prepared {
	it.outcome, it.code, it.messages, it.mention = "", "", nil, ""
	p, err := r.transformed(it, c)
	switch {
	case err != nil:
		it.action, it.outcome = ActionSkip, Failed
		it.messages = append(it.messages, err.Error())
	case p.Skip != "":
		it.action, it.outcome, it.code = ActionSkip, Skipped, p.Skip
	default:
		it.messages, it.mention = p.Notes, p.Mention
		if it.renamed {
			it.target = p.Rename(it.target)
		}
		p.own = r.own.Owns(it.target, p.Manifest)
		return p
	}
	r.settle(it)
	return nil
}

func (r *run) transformed(it *item, c content) (*prepared, error) {
	if c.err != nil {
		return nil, c.err
	}
	m, err := transform.Decode(c.raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	if err := sameIdentity(&it.entry, m); err != nil {
		return nil, err
	}
	resource := it.typeForGate()
	m["apiVersion"] = resource.GroupVersion().String()
	result, err := r.transform.Apply(transform.Subject{Resource: resource, Source: it.source, Manifest: m, Named: it.named})
	if err != nil {
		return nil, err
	}
	if resource.Version != it.entry.Version {
		result.Notes = append(result.Notes, fmt.Sprintf("is restored in version %s, because the cluster does not serve %s, in which it was archived: "+
			"look at what differs between them", resource.Version, it.entry.Version))
	}
	return &prepared{Result: result, it: it}, nil
}

// sameIdentity refuses an object that is not the one the index says it is: gates
// and rules judged by the index.
func sameIdentity(e *archive.Entry, m transform.Manifest) error {
	for _, field := range []struct{ name, want, got string }{
		{"apiVersion", schema.GroupVersion{Group: e.Group, Version: e.Version}.String(), transform.Text(m, "apiVersion")},
		{"kind", e.Kind, transform.Text(m, "kind")},
		{"metadata.namespace", e.Namespace, transform.Text(m, "metadata", "namespace")},
		{"metadata.name", e.Name, transform.Text(m, "metadata", "name")},
	} {
		if field.want != field.got {
			return fmt.Errorf("%w: the object's %s is %q, but the index says %q", engine.ErrCorrupt, field.name, field.got, field.want)
		}
	}
	return nil
}

// plainNamespace is a Namespace that the archive does not hold.
func plainNamespace(name string) []byte {
	return []byte(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":` + strconv.Quote(name) + `}}`)
}
