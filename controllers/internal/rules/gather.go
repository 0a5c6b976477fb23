// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"context"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/policies"
)

// maxParametersBytes is as much as a module may have. With the limit on a set,
// it keeps a revision within a ConfigMap.
const maxParametersBytes = policies.MaxModuleBytes / 8

// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=configmaps,verbs=get;create

// gather collects the sources of rules. Its errors name the rule.
func (l *Loader) gather(ctx context.Context, o owner, rules []v1alpha1.Rule) (policies.Set, error) {
	var set policies.Set
	for _, rule := range rules {
		switch {
		case rule.ConfigMap != nil:
			modules, err := l.fromConfigMap(ctx, o, rule.Name, rule.ConfigMap)
			if err != nil {
				return policies.Set{}, err
			}
			set.Modules = append(set.Modules, modules...)
		case rule.Library != "":
			use, err := fromLibrary(rule)
			if err != nil {
				return policies.Set{}, err
			}
			set.Library = append(set.Library, use)
		default:
			set.Modules = append(set.Modules, policies.Source{Rule: rule.Name, Rego: rule.Rego})
		}
	}
	return set, nil
}

func (l *Loader) fromConfigMap(ctx context.Context, o owner, rule string, from *v1alpha1.ConfigMapRules) ([]policies.Source, error) {
	cm := &corev1.ConfigMap{}
	err := l.Client.Get(ctx, client.ObjectKey{Namespace: l.Namespace, Name: from.Name}, cm)
	switch {
	case apierrors.IsNotFound(err):
		return nil, l.incomplete(o, rule, step.Stall(v1alpha1.PolicyInvalidReason,
			"rule %q: ConfigMap %s/%s does not exist: create it, or change configMap.name", rule, l.Namespace, from.Name))
	case err != nil:
		return nil, fmt.Errorf("read ConfigMap %s/%s of rule %q: %w", l.Namespace, from.Name, rule, err)
	}
	modules, digest, err := policies.FromFiles(rule, cm.Data)
	switch {
	case err != nil:
		return nil, l.incomplete(o, rule, step.Stall(v1alpha1.PolicyInvalidReason, "ConfigMap %s/%s: %w", l.Namespace, from.Name, err))
	case from.SHA256 != "" && from.SHA256 != digest:
		return nil, l.incomplete(o, rule, step.Stall(v1alpha1.PolicyInvalidReason,
			"rule %q: ConfigMap %s/%s holds modules of SHA-256 %s, not those that configMap.sha256 pins: review them and pin that digest, or put the pinned ones back",
			rule, l.Namespace, from.Name, digest))
	}
	l.complete(o, rule)
	return modules, nil
}

func fromLibrary(rule v1alpha1.Rule) (policies.LibraryUse, error) {
	use := policies.LibraryUse{Name: rule.Library}
	if rule.Parameters == nil || len(rule.Parameters.Raw) == 0 {
		return use, nil
	}
	if len(rule.Parameters.Raw) > maxParametersBytes {
		return use, step.Stall(v1alpha1.PolicyInvalidReason,
			"rule %q: parameters of %d bytes are more than %d", rule.Name, len(rule.Parameters.Raw), maxParametersBytes)
	}
	if err := json.Unmarshal(rule.Parameters.Raw, &use.Parameters); err != nil {
		return use, step.Stall(v1alpha1.PolicyInvalidReason, "rule %q: parameters: %w", rule.Name, err)
	}
	return use, nil
}
