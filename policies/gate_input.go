// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"fmt"
	"strconv"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/gopherwood/ark/engine/restore"
)

// RestoreFacts are what gates may know of a restore besides its plan.
type RestoreFacts struct {
	// Name of the Restore.
	Name   string
	Backup RestoredBackup
	// Target is the cluster that is written to.
	Target Cluster
	// Time is when the gates are asked.
	Time time.Time
}

// RestoredBackup is the backup that a restore reads.
type RestoredBackup struct {
	Name string
	// Cluster is the one that took the backup.
	Cluster Cluster
	// Age of the backup when the gates are asked: since it was started.
	Age time.Duration
	// Completeness is "Complete" or "Partial".
	Completeness string
	// Policy names the BackupPolicy that it was taken for, in its own cluster; may
	// be empty.
	Policy string
	// Verification says what its signature is worth, such as "Unsigned".
	Verification string
	// Claimed is what else an unverified marker says of itself, as encoding/json
	// decodes it; nil for none.
	Claimed map[string]any
}

func (f RestoreFacts) value() ast.Value {
	return document{}.text("name", f.Name).object()
}

func (b RestoredBackup) value() (ast.Value, error) {
	d := document{}.
		text("name", b.Name).
		value("cluster", b.Cluster.value()).
		value("age", ast.Number(strconv.FormatInt(int64(b.Age/time.Second), 10))).
		text("completeness", b.Completeness).
		text("policy", b.Policy).
		text("verification", b.Verification)
	if b.Claimed != nil {
		claimed, err := ast.InterfaceToValue(b.Claimed)
		if err != nil {
			return nil, fmt.Errorf("read what backup %s claims: %w", b.Name, err)
		}
		d = d.value("claimed", claimed)
	}
	return d.object(), nil
}

// base is what both documents of gates have.
func (g *Gates) base() document {
	d := make(document, 0, 8).value("contract", ast.String(contractVersion))
	for name, v := range g.facts {
		d = d.value(name, v)
	}
	return d
}

func (g *Gates) requestInput(plan restore.Summary) ast.Value {
	actions := document{}
	for resource, counts := range plan.Actions {
		byAction := document{}
		for action, n := range counts {
			byAction = byAction.value(string(action), ast.Number(strconv.FormatInt(n, 10)))
		}
		actions = append(actions, ast.Item(ast.StringTerm(resource), ast.NewTerm(byAction.object())))
	}
	namespaces := make([]*ast.Term, len(plan.Namespaces))
	for i := range plan.Namespaces {
		namespaces[i] = ast.NewTerm(targetNamespaceValue(&plan.Namespaces[i]))
	}
	return g.base().
		value("target", g.target.object()).
		value("plan", document{}.
			value("actions", actions.object()).
			value("namespaces", ast.NewArray(namespaces...)).
			object()).
		object()
}

func (g *Gates) objectInput(c restore.Candidate) (ast.Value, error) {
	object, err := objectValue(c.Object, g.fields)
	if err != nil {
		return nil, err
	}
	target := append(make(document, 0, 4), g.target...).text("name", c.Object.Meta.Name)
	if c.Target != nil {
		target = target.value("namespace", targetNamespaceValue(c.Target))
	}
	return g.base().
		value("resource", resourceValue(c.Object.Resource)).
		value("source", document{}.text("namespace", c.Source.Namespace).text("name", c.Source.Name).object()).
		value("target", target.object()).
		value("change", ast.String(c.Action)).
		value("object", object).
		object(), nil
}

func targetNamespaceValue(ns *restore.TargetNamespace) ast.Value {
	return document{}.
		text("name", ns.Name).
		text("source", ns.Source).
		value("exists", ast.Boolean(ns.Exists)).
		strings("labels", ns.Labels).
		strings("annotations", ns.Annotations).
		object()
}
