// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/collect"
)

// Cluster identifies a cluster to rules.
type Cluster struct {
	// UID of the namespace kube-system.
	UID string
	// Name is how people call it; may be empty.
	Name string
}

func (c Cluster) value() []byte {
	return document{}.text("uid", c.UID).text("name", c.Name).object()
}

func timeValue(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func resourceValue(r engine.Resource) []byte {
	return document{}.
		value("group", jsonText(r.Group)).
		text("version", r.Version).
		text("resource", r.Name).
		text("kind", r.Kind).
		text("key", r.GroupResource().String()).
		boolean("namespaced", r.Namespaced).
		object()
}

func namespaceValue(ns *collect.Namespace) []byte {
	return document{}.
		text("name", ns.Name).
		strings("labels", ns.Labels).
		strings("annotations", ns.Annotations).
		text("phase", ns.Phase).
		object()
}
