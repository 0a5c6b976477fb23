// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/own"
	engrestore "github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/engine/selection"
)

// maxLabel is how long the value of a label can be.
const maxLabel = 63

// prepare gathers what a run needs: everything is decided before it begins, and
// a later change of Config or policies does not reach it.
func (r *Reconciler) prepare(ctx context.Context, s *scope) (*work, error) {
	req, err := request(&s.restore.Spec, s.cfg)
	if err != nil {
		return nil, step.Stall(v1alpha1.RequestInvalidReason, "%w", err)
	}
	if s.location.ReadOnly && req.Existing == engrestore.ExistingRecreate {
		return nil, step.Stall(v1alpha1.RequestInvalidReason,
			"existingResourcePolicy: Recreate stores what it deletes beside the backup, and location %q is ReadOnly: use Update, or allow writing", s.location.Spec.Name)
	}
	req.Label, req.OwnNamespace, req.Proof = labelValue(s.restore.Name), r.Namespace, r.proof(s)
	gate, err := r.gate(ctx, s)
	if err != nil {
		return nil, err
	}
	records, unsigned := r.recordsOf(ctx, s)
	return &work{
		target: r.Target, request: req, gate: gate, clock: r.Clock,
		whole:      r.Definitions.Check,
		learnOwn:   func(ctx context.Context) (own.Facts, error) { return r.learnOwn(ctx, s.cfg) },
		clusterUID: r.ClusterUID, clusterName: s.cfg.Spec.ClusterName,
		restore: s.restore.DeepCopy(), backup: restoredBackup(s),
		catalog: s.location.Catalog, snapshot: s.snapshot,
		records: r.recorder(s, records), unsigned: unsigned,
	}, nil
}

// recordsOf returns the store with the key that this restore's record is signed with. A
// key that is lost, or cannot be read, stops no restore on the day it is needed: the
// record is then not signed, which the warning tells.
func (r *Reconciler) recordsOf(ctx context.Context, s *scope) (signing *catalog.Catalog, warning string) {
	key, err := r.Locations.SigningKey(ctx, s.cfg, s.location.Spec)
	if err != nil {
		warning = "the record of this restore is not signed, so that this name cannot be applied again: " + err.Error()
	}
	return s.location.Catalog.SigningWith(key), warning
}

// request translates the spec. Its error names the field.
func request(spec *v1alpha1.RestoreSpec, cfg *v1alpha1.Config) (engrestore.Request, error) {
	selectors, err := template.Selectors(spec.LabelSelector, spec.OrLabelSelectors)
	if err != nil {
		return engrestore.Request{}, err
	}
	modifiers, err := modifiers(spec.Modifiers)
	if err != nil {
		return engrestore.Request{}, err
	}
	req := engrestore.Request{
		Selection: selection.Template{
			IncludedNamespaces: spec.IncludedNamespaces, ExcludedNamespaces: spec.ExcludedNamespaces,
			IncludedResources: spec.IncludedResources, ExcludedResources: spec.ExcludedResources,
			Selectors: selectors, ClusterResources: spec.IncludeClusterResources,
		},
		Names:             spec.Names,
		NamespaceMapping:  make(map[string]string, len(spec.NamespaceMapping)),
		Existing:          engrestore.Existing(spec.ExistingResourcePolicy),
		PreserveNodePorts: spec.PreserveNodePorts,
		RestoreStatus:     spec.RestoreStatus,
		Paused:            spec.Workloads == v1alpha1.WorkloadsPaused,
		Modifiers:         modifiers,
		RestoreOrder:      cfg.Spec.RestoreOrder,
		DryRun:            spec.DryRun,
	}
	for from, to := range spec.NamespaceMapping {
		req.NamespaceMapping[from] = string(to)
	}
	if c := cfg.Spec.Concurrency; c != nil {
		req.Workers = int(c.Writes)
	}
	return req, nil
}

func modifiers(from []v1alpha1.Modifier) ([]transform.ModifierSpec, error) {
	specs := make([]transform.ModifierSpec, 0, len(from))
	for i := range from {
		m := &from[i]
		patch, err := sigsyaml.YAMLToJSON([]byte(m.Patch))
		if err != nil {
			return nil, fmt.Errorf("modifiers[%s].patch: is neither JSON nor YAML: %w", m.Name, err)
		}
		spec := transform.ModifierSpec{Name: m.Name, Patch: patch}
		if t := m.Target; t != nil {
			selectors, err := template.Selectors(t.LabelSelector, nil)
			if err != nil {
				return nil, fmt.Errorf("modifiers[%s].target.%w", m.Name, err)
			}
			spec.Resources, spec.Namespaces, spec.Names = t.Resources, t.Namespaces, t.Names
			if len(selectors) > 0 {
				spec.Labels = selectors[0]
			}
		}
		specs = append(specs, spec)
	}
	return specs, nil
}

// labelValue makes the name of a Restore a label's value: names that are too
// long are cut and end in a hash, so that no two become one.
func labelValue(name string) string {
	if len(name) <= maxLabel {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	hash := hex.EncodeToString(sum[:])[:10]
	return name[:maxLabel-len(hash)-1] + "-" + hash
}
