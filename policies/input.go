// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

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

// document collects the fields of an object of the input. Empty strings are
// left out: rules test for absence.
type document [][2]*ast.Term

func (d document) text(name, value string) document {
	if value == "" {
		return d
	}
	return d.value(name, ast.String(value))
}

func (d document) value(name string, v ast.Value) document {
	return append(d, ast.Item(ast.InternedTerm(name), ast.NewTerm(v)))
}

func (d document) strings(name string, m map[string]string) document {
	terms := make([][2]*ast.Term, 0, len(m))
	for k, v := range m {
		terms = append(terms, ast.Item(ast.StringTerm(k), ast.StringTerm(v)))
	}
	return d.value(name, ast.NewObject(terms...))
}

func (d document) object() ast.Value { return ast.NewObject(d...) }

func (c Cluster) value() ast.Value {
	return document{}.text("uid", c.UID).text("name", c.Name).object()
}

func timeValue(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func resourceValue(r engine.Resource) ast.Value {
	return document{}.
		value("group", ast.String(r.Group)).
		text("version", r.Version).
		text("resource", r.Name).
		text("kind", r.Kind).
		text("key", r.GroupResource().String()).
		value("namespaced", ast.Boolean(r.Namespaced)).
		object()
}

func namespaceValue(ns *collect.Namespace) ast.Value {
	return document{}.
		text("name", ns.Name).
		strings("labels", ns.Labels).
		strings("annotations", ns.Annotations).
		text("phase", ns.Phase).
		object()
}
