// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/policies"
	"github.com/gopherwood/ark/policies/sandbox"
)

// ruleTexts explains the codes that the cluster's rules can give, as they are
// now. Texts are a courtesy: a rule that cannot be read or does not compile, of
// which its own object tells, has none.
func (a *app) ruleTexts(ctx context.Context, c client.Reader) describe.Texts {
	texts := describe.Texts{}
	pool := sandbox.New(sandbox.DefaultLimits())
	defer pool.Close()
	if cfg, err := config(ctx, c); err == nil {
		a.addTexts(ctx, c, texts, cfg.Spec.Rules, compiler{pool, policies.ClusterRules})
	}
	list := &v1alpha1.BackupPolicyList{}
	if c.List(ctx, list) != nil {
		return texts
	}
	for i := range list.Items {
		mode := policies.OptOut
		if list.Items[i].Spec.Selection == v1alpha1.SelectionOptIn {
			mode = policies.OptIn
		}
		a.addTexts(ctx, c, texts, list.Items[i].Spec.Rules, compiler{pool, mode})
	}
	return texts
}

// compiler compiles rules in processes of their own: whose they are is not the
// user's doing.
type compiler struct {
	pool *sandbox.Pool
	mode policies.Mode
}

// addTexts adds the texts of rules, each compiled by itself.
func (a *app) addTexts(ctx context.Context, c client.Reader, texts describe.Texts, rules []v1alpha1.Rule, by compiler) {
	for i := range rules {
		sources := a.sources(ctx, c, &rules[i])
		if len(sources) == 0 {
			continue
		}
		compiled, err := by.pool.Compile(ctx, policies.Set{Modules: sources}, policies.Options{Mode: by.mode})
		if err != nil {
			continue
		}
		for _, code := range compiled.Codes() {
			texts[code] = compiled.Describe(code)
		}
	}
}

// sources returns the modules of a rule. Those of the library are known anyway.
func (a *app) sources(ctx context.Context, c client.Reader, r *v1alpha1.Rule) []policies.Source {
	if r.ConfigMap == nil {
		if r.Rego == "" {
			return nil
		}
		return []policies.Source{{Rule: r.Name, Rego: r.Rego}}
	}
	cm := &corev1.ConfigMap{}
	if c.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: r.ConfigMap.Name}, cm) != nil {
		return nil
	}
	sources, _, err := policies.FromFiles(r.Name, cm.Data)
	if err != nil {
		return nil
	}
	return sources
}
