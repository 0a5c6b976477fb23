// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine/restore/transform"
)

// serverSet are the fields that only an API server sets. The mark of a restore
// is one more difference that there always is.
var serverSet = []string{
	"/metadata/uid", "/metadata/resourceVersion", "/metadata/creationTimestamp", "/metadata/generation",
	"/metadata/managedFields", "/metadata/ownerReferences/*/uid", "/metadata/labels/" + transform.RestoreLabel,
}

// comparison says what of two objects is not looked at.
type comparison struct {
	// statusApart are the kinds whose status has a path of its own and was not
	// asked for: controllers write it anew.
	statusApart map[schema.GroupVersionKind]bool
	// except are JSON pointers to fields that may differ; * stands for every
	// element of a list.
	except []string
}

// diff compares two whole objects.
func (c comparison) diff(before, after *object) string {
	return cmp.Diff(c.stripped(before), c.stripped(after))
}

func (c comparison) stripped(o *object) map[string]any {
	m := o.DeepCopy().Object
	for _, pointer := range slices.Concat(serverSet, c.except) {
		drop(m, strings.Split(pointer, "/")[1:])
	}
	if c.statusApart[o.GroupVersionKind()] {
		delete(m, "status")
	}
	// Without its last label, an object has no map of labels.
	if len(o.GetLabels()) == 1 && o.GetLabels()[transform.RestoreLabel] != "" {
		unstructured.RemoveNestedField(m, "metadata", "labels")
	}
	return m
}

// drop removes what a pointer points to; ~1 is a slash. A list or map that becomes
// empty by that stays, unless it is metadata.
func drop(v any, path []string) {
	key := strings.ReplaceAll(path[0], "~1", "/")
	switch v := v.(type) {
	case []any:
		for i := range v {
			if key == "*" || key == strconv.Itoa(i) {
				drop(v[i], path[1:])
			}
		}
	case map[string]any:
		if len(path) == 1 {
			delete(v, key)
			return
		}
		drop(v[key], path[1:])
		if m, ok := v[key].(map[string]any); ok && len(m) == 0 && (key == "labels" || key == "annotations") {
			delete(v, key)
		}
	}
}

// ownersAre checks that every owner reference names an object that is there.
func (s *stage) ownersAre(ctx context.Context, o *object) error {
	for _, ref := range o.GetOwnerReferences() {
		owner := newObject(ref.APIVersion, ref.Kind, o.GetNamespace(), ref.Name)
		if scoped, err := s.client.IsObjectNamespaced(owner); err != nil {
			return err
		} else if !scoped {
			owner.SetNamespace("")
		}
		live, err := s.fetch(ctx, owner)
		if err != nil {
			return err
		}
		if live.GetUID() != ref.UID {
			return fmt.Errorf("its owner %s has UID %s, not %s", name(live), live.GetUID(), ref.UID)
		}
	}
	return nil
}

// statusApart finds the kinds whose status has a path of its own, apart from
// those named.
func (s *stage) statusApart(tb testing.TB, asked ...string) map[schema.GroupVersionKind]bool {
	tb.Helper()
	discovery, err := s.writer.Discover(tb.Context())
	must(tb, err)
	apart := map[schema.GroupVersionKind]bool{}
	for _, r := range discovery.Resources {
		if !r.StatusSubresource || slices.Contains(asked, r.GroupResource().String()) {
			continue
		}
		for _, v := range r.Versions {
			apart[schema.GroupVersionKind{Group: r.Group, Version: v, Kind: r.Kind}] = true
		}
	}
	return apart
}
