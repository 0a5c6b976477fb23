// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// maxNamedLists is up to how many namespaces are listed one by one when the
// template names each of them. Each costs a request for each type; listing the
// whole cluster instead costs all the objects that are not wanted.
const maxNamedLists = 8

// fewObjects is up to how many objects of a type are listed in one go, whatever
// namespaces are named: it costs one request, and what is not wanted of them.
const fewObjects = 100

// namespaceFacts are the namespaces there were when the run began.
type namespaceFacts struct {
	byName map[string]*Namespace
	// revision is the one that they are of; empty where they are of several.
	revision string
	// err is why the list is not complete, if it is not.
	err error
}

// learnNamespaces lists the namespaces: globs, and rules on a namespace's labels,
// need them before anything else.
func (r *run) learnNamespaces(ctx context.Context, resources []engine.Resource) error {
	r.namespaces.byName = map[string]*Namespace{}
	i := slices.IndexFunc(resources, func(t engine.Resource) bool { return t.GroupResource() == namespacesType })
	if i < 0 {
		r.namespaces.err = fmt.Errorf("type %s: %w", namespacesType, engine.ErrNotFound)
	} else if err := r.listFacts(ctx, resources[i]); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("list namespaces: %w", context.Cause(ctx))
		}
		r.namespaces.err = err
	}
	if r.namespaces.err != nil {
		r.report.Results.Fail(archive.Message{
			Object: namespacesType.String(), Code: CodeListFailed,
			Message: fmt.Sprintf("list namespaces before everything else: %v", r.namespaces.err),
		})
	}
	r.warnOfMissing()
	return r.logNamespaces()
}

func (r *run) listFacts(ctx context.Context, t engine.Resource) error {
	note := func(p engine.Page) {
		if r.namespaces.revision = p.Revision; p.Torn {
			r.namespaces.revision = ""
		}
	}
	for o, err := range r.objects(ctx, t, engine.ListOptions{OnPage: note}) {
		if err != nil {
			return err
		}
		var body struct {
			Status struct {
				Phase string `json:"phase"`
			} `json:"status"`
		}
		if err := json.Unmarshal(o.Raw, &body); err != nil {
			return fmt.Errorf("read namespace %s: %w", o.Meta.Name, err)
		}
		r.namespaces.byName[o.Meta.Name] = &Namespace{
			Name: o.Meta.Name, Labels: o.Meta.Labels, Annotations: o.Meta.Annotations, Phase: body.Status.Phase,
		}
	}
	return nil
}

// warnOfMissing names the namespaces that the template names and that do not exist.
func (r *run) warnOfMissing() {
	if r.namespaces.err != nil {
		return
	}
	named, _ := r.selection.NamedNamespaces()
	for _, name := range named {
		if _, exists := r.namespaces.byName[name]; !exists {
			r.report.Results.Warn(archive.Message{
				Code: CodeNamespaceMissing, Message: fmt.Sprintf("includedNamespaces: there is no namespace %q", name),
			})
		}
	}
}

// logNamespaces records which namespaces the template leaves out.
func (r *run) logNamespaces() error {
	var out []string
	for name := range r.namespaces.byName {
		if !r.selection.CoversNamespace(name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	for _, name := range out {
		if err := r.opts.Decisions.namespaceExcluded(name, CodeNamespaceNotCovered); err != nil {
			return err
		}
	}
	return nil
}

// listNamespaces returns what to list of a type: the namespaces that the
// template names, where they are few and its objects many, else "", the whole cluster.
func (r *run) listNamespaces(t engine.Resource) []string {
	named, only := r.selection.NamedNamespaces()
	if !t.Namespaced || !only {
		return []string{""}
	}
	if r.namespaces.err == nil {
		named = slices.DeleteFunc(named, func(name string) bool { return r.namespaces.byName[name] == nil })
	}
	// Where the whole cluster may not be listed, nobody said how many there are.
	objects, known := r.moment.sizes.objects(t)
	if len(named) > maxNamedLists || len(named) > 1 && known && objects <= fewObjects {
		return []string{""}
	}
	return named
}

// coversNamespace reports whether objects of a namespace are covered. A namespace that
// was made after the run began is not part of the backup.
func (r *run) coversNamespace(name string) bool {
	_, known := r.namespaces.byName[name]
	return (known || r.namespaces.err != nil) && r.selection.CoversNamespace(name)
}
