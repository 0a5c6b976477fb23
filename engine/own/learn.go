// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package own

import (
	"context"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/json"

	"github.com/gopherwood/ark/engine"
)

// Cluster is what is asked how Ark runs in it.
type Cluster interface {
	engine.Lister
	engine.Getter
	// WhoAmI returns what the API server calls whoever asks; ErrNotFound when it does
	// not tell.
	WhoAmI(ctx context.Context) (string, error)
}

// maxDecoded bounds the objects that are looked into: no larger one was ever written.
const maxDecoded = 3 << 20

// Learn asks a cluster how Ark runs in it.
func Learn(ctx context.Context, c Cluster, namespace string) (Facts, error) {
	f := Facts{
		Namespace: namespace, Bindings: map[engine.Key]bool{}, Roles: map[engine.Key]bool{},
		Policies: map[engine.Key]bool{}, Named: map[engine.Key]bool{},
	}
	var err error
	if f.User, err = c.WhoAmI(ctx); err != nil && !errors.Is(err, engine.ErrNotFound) {
		return Facts{}, fmt.Errorf("ask which account Ark runs as: %w", err)
	}
	for _, learn := range []func(context.Context, Cluster) error{f.learnBindings, f.learnAggregation, f.learnPolicies} {
		if err := learn(ctx, c); err != nil {
			return Facts{}, fmt.Errorf("learn what Ark's authority rests on: %w", err)
		}
	}
	return f, nil
}

// learnBindings finds the bindings that name the account, and their roles.
func (f *Facts) learnBindings(ctx context.Context, c Cluster) error {
	for _, r := range []engine.Resource{
		{Group: rbacGroup, Version: "v1", Name: "clusterrolebindings", Kind: "ClusterRoleBinding"},
		{Group: rbacGroup, Version: "v1", Name: "rolebindings", Kind: "RoleBinding", Namespaced: true},
	} {
		err := each(ctx, c, r, func(k engine.Key, m manifest) {
			if !f.binds(m) {
				return
			}
			f.Bindings[k] = true
			role := engine.Key{GroupResource: rbac("clusterroles"), Name: text(m, "roleRef", "name")}
			if text(m, "roleRef", "kind") == "Role" {
				role.Resource, role.Namespace = "roles", k.Namespace
			}
			f.Roles[role] = true
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// learnAggregation finds what other ClusterRoles become part of the account's.
func (f *Facts) learnAggregation(ctx context.Context, c Cluster) error {
	roles := engine.Resource{Group: rbacGroup, Version: "v1", Name: "clusterroles", Kind: "ClusterRole"}
	for k := range f.Roles {
		if k.Namespace != "" {
			continue
		}
		live, err := c.Get(ctx, roles, "", k.Name)
		if errors.Is(err, engine.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var role struct {
			AggregationRule struct {
				ClusterRoleSelectors []labelSelector `json:"clusterRoleSelectors"`
			} `json:"aggregationRule"`
		}
		if err := json.Unmarshal(live.Raw, &role); err != nil {
			return fmt.Errorf("read %s: %w", k, err)
		}
		for _, written := range role.AggregationRule.ClusterRoleSelectors {
			selector, err := written.selector()
			if err != nil {
				return fmt.Errorf("read %s: %w", k, err)
			}
			f.Aggregated = append(f.Aggregated, selector)
		}
	}
	return nil
}

// learnPolicies finds the admission policies that match Ark's kinds, in whichever
// version the API server has them.
func (f *Facts) learnPolicies(ctx context.Context, c Cluster) error {
	for resource, kind := range map[string]string{
		validatingPolicies: "ValidatingAdmissionPolicy", mutatingPolicies: "MutatingAdmissionPolicy",
	} {
		for _, version := range []string{"v1", "v1beta1", "v1alpha1"} {
			r := engine.Resource{Group: admissionGroup, Version: version, Name: resource, Kind: kind}
			err := each(ctx, c, r, func(k engine.Key, m manifest) {
				if f.policy(k, m) != "" {
					f.Policies[k] = true
				}
			})
			if err == nil {
				break
			}
			if !errors.Is(err, engine.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// each lists a type and decodes its objects.
func each(ctx context.Context, c Cluster, r engine.Resource, look func(engine.Key, manifest)) error {
	for o, err := range c.List(ctx, r, engine.ListOptions{}) {
		if err != nil {
			return fmt.Errorf("list %s: %w", r.GroupResource(), err)
		}
		if len(o.Raw) > maxDecoded {
			return fmt.Errorf("list %s: %s has %d bytes, and is not looked into", r.GroupResource(), o.Key(), len(o.Raw))
		}
		var m manifest
		if err := json.Unmarshal(o.Raw, &m); err != nil {
			return fmt.Errorf("list %s: %s: %w", r.GroupResource(), o.Key(), err)
		}
		look(o.Key(), m)
	}
	return nil
}

// labelSelector is a selector as objects carry it.
type labelSelector struct {
	MatchLabels      map[string]string `json:"matchLabels"`
	MatchExpressions []struct {
		Key      string   `json:"key"`
		Operator string   `json:"operator"`
		Values   []string `json:"values"`
	} `json:"matchExpressions"`
}

// selector translates it. An empty one selects everything.
func (l labelSelector) selector() (labels.Selector, error) {
	s := labels.SelectorFromSet(l.MatchLabels)
	for _, e := range l.MatchExpressions {
		r, err := requirement(e.Key, e.Operator, e.Values)
		if err != nil {
			return nil, err
		}
		s = s.Add(*r)
	}
	return s, nil
}

func requirement(key, operator string, values []string) (*labels.Requirement, error) {
	switch operator {
	case "In":
		return labels.NewRequirement(key, "in", values)
	case "NotIn":
		return labels.NewRequirement(key, "notin", values)
	case "Exists":
		return labels.NewRequirement(key, "exists", values)
	case "DoesNotExist":
		return labels.NewRequirement(key, "!", values)
	}
	return nil, fmt.Errorf("the operator %q of a selector is unknown", operator)
}
