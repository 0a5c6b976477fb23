// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"fmt"
	"time"

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

func (f RestoreFacts) value() []byte {
	return document{}.text("name", f.Name).object()
}

func (b RestoredBackup) value() ([]byte, error) {
	d := document{}.
		text("name", b.Name).
		value("cluster", b.Cluster.value()).
		number("age", int64(b.Age/time.Second)).
		text("completeness", b.Completeness).
		text("policy", b.Policy).
		text("verification", b.Verification)
	if b.Claimed != nil {
		claimed, err := json.Marshal(b.Claimed)
		if err != nil {
			return nil, fmt.Errorf("read what backup %s claims: %w", b.Name, err)
		}
		d = d.value("claimed", claimed)
	}
	return d.object(), nil
}

// base is what both documents of gates have.
func (g *Gates) base() document {
	return append(make(document, 0, 9),
		Field{Name: "contract", JSON: jsonText(contractVersion), Shared: true},
		Field{Name: "restore", JSON: g.restore, Shared: true},
		Field{Name: "backup", JSON: g.backup, Shared: true},
	)
}

func (g *Gates) requestInput(plan restore.Summary) document {
	actions := document{}
	for resource, counts := range plan.Actions {
		byAction := document{}
		for action, n := range counts {
			byAction = byAction.number(string(action), n)
		}
		actions = actions.value(resource, byAction.object())
	}
	namespaces := make([][]byte, len(plan.Namespaces))
	for i := range plan.Namespaces {
		namespaces[i] = targetNamespaceValue(&plan.Namespaces[i])
	}
	return g.base().
		value("target", g.target.object()).
		value("plan", document{}.
			value("actions", actions.object()).
			value("namespaces", array(namespaces)).
			object())
}

func (g *Gates) objectInput(c restore.Candidate) (document, error) {
	object, err := objectValue(c.Object, g.fields)
	if err != nil {
		return nil, err
	}
	target := append(make(document, 0, 4), g.target...).text("name", c.Object.Meta.Name)
	if c.Target != nil {
		target = target.value("namespace", targetNamespaceValue(c.Target))
	}
	return g.base().
		shared("resource", resourceValue(c.Object.Resource)).
		value("source", document{}.text("namespace", c.Source.Namespace).text("name", c.Source.Name).object()).
		value("target", target.object()).
		value("change", jsonText(string(c.Action))).
		value("object", object), nil
}

func targetNamespaceValue(ns *restore.TargetNamespace) []byte {
	return document{}.
		text("name", ns.Name).
		text("source", ns.Source).
		boolean("exists", ns.Exists).
		strings("labels", ns.Labels).
		strings("annotations", ns.Annotations).
		object()
}
