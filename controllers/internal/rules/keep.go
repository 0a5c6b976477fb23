// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/policies"
)

const (
	// keptPrefix and the first keptDigits of the digest name the ConfigMap of a
	// revision.
	keptPrefix = "ark-policy-"
	keptDigits = 16
	// setKey holds everything of a set but the modules' text.
	setKey = "set.json"
)

// keptSet is the content of setKey. The modules' text lies beside it, a key for
// each: within JSON, escaping could make it larger than a ConfigMap.
type keptSet struct {
	Digest  string                `json:"digest"`
	Mode    policies.Mode         `json:"mode"`
	Modules []keptModule          `json:"modules,omitempty"`
	Library []policies.LibraryUse `json:"library,omitempty"`
}

type keptModule struct {
	Rule string `json:"rule"`
	File string `json:"file,omitempty"`
	// Key is where the text lies.
	Key string `json:"key"`
}

// keptName is the name of the ConfigMap that keeps a revision.
func keptName(digest string) string {
	digits := strings.TrimPrefix(digest, "sha256:")
	return keptPrefix + digits[:min(len(digits), keptDigits)]
}

// Keep writes a good revision into an immutable ConfigMap, unless it is there or
// there are no rules. Call it before the status names the revision.
func (l *Loader) Keep(ctx context.Context, revision Revision) error {
	if revision.Status() == nil {
		return nil
	}
	data, err := encode(revision)
	if err != nil {
		return err
	}
	immutable := true
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: l.Namespace, Name: keptName(revision.Policy.Digest()),
			Labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByPolicy},
		},
		Immutable: &immutable,
		Data:      data,
	}
	err = l.Writer.Create(ctx, cm)
	if !apierrors.IsAlreadyExists(err) {
		if err != nil {
			return fmt.Errorf("keep rules in ConfigMap %s/%s: %w", cm.Namespace, cm.Name, err)
		}
		return nil
	}
	have := &corev1.ConfigMap{}
	if err := l.Client.Get(ctx, client.ObjectKeyFromObject(cm), have); err != nil {
		return fmt.Errorf("read ConfigMap %s/%s: %w", cm.Namespace, cm.Name, err)
	}
	if !maps.Equal(have.Data, data) {
		return fmt.Errorf("keep rules: ConfigMap %s/%s holds something else: delete it", cm.Namespace, cm.Name)
	}
	return nil
}

// kept returns the revision of that digest. It is compiled anew and its digest
// compared, so that it matters neither who wrote the ConfigMap nor with what.
func (l *Loader) kept(ctx context.Context, digest string) (Revision, error) {
	cm := &corev1.ConfigMap{}
	key := client.ObjectKey{Namespace: l.Namespace, Name: keptName(digest)}
	err := l.Client.Get(ctx, key, cm)
	switch {
	case apierrors.IsNotFound(err):
		return Revision{}, step.Stall(v1alpha1.PolicyInvalidReason, "ConfigMap %s, which kept it, is gone", key)
	case err != nil:
		return Revision{}, fmt.Errorf("read ConfigMap %s: %w", key, err)
	}
	set, mode, err := decode(cm.Data)
	if err != nil {
		return Revision{}, step.Stall(v1alpha1.PolicyInvalidReason, "ConfigMap %s, which keeps it: %w", key, err)
	}
	revision, err := l.compile(ctx, set, mode)
	if err != nil {
		return Revision{}, err
	}
	if got := revision.Policy.Digest(); got != digest {
		return Revision{}, step.Stall(v1alpha1.PolicyInvalidReason,
			"ConfigMap %s, which kept it, was changed, or another version of Ark wrote it: its digest is %s", key, got)
	}
	return revision, nil
}

func encode(revision Revision) (map[string]string, error) {
	set := revision.set
	kept := keptSet{Digest: revision.Policy.Digest(), Mode: revision.Mode, Library: set.Library}
	data := make(map[string]string, len(set.Modules)+1)
	for i, m := range set.Modules {
		key := fmt.Sprintf("module-%03d.rego", i)
		kept.Modules = append(kept.Modules, keptModule{Rule: m.Rule, File: m.File, Key: key})
		data[key] = m.Rego
	}
	raw, err := json.Marshal(kept)
	if err != nil {
		return nil, fmt.Errorf("keep rules: %w", err)
	}
	data[setKey] = string(raw)
	return data, nil
}

func decode(data map[string]string) (policies.Set, policies.Mode, error) {
	var kept keptSet
	decoder := json.NewDecoder(strings.NewReader(data[setKey]))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&kept); err != nil {
		return policies.Set{}, "", fmt.Errorf("read %s: %w", setKey, err)
	}
	if !slices.Contains([]policies.Mode{policies.ClusterRules, policies.OptOut, policies.OptIn}, kept.Mode) {
		return policies.Set{}, "", fmt.Errorf("read %s: mode %q is unknown", setKey, kept.Mode)
	}
	set := policies.Set{Library: kept.Library}
	for _, m := range kept.Modules {
		text, ok := data[m.Key]
		if !ok {
			return policies.Set{}, "", fmt.Errorf("read %s: there is no key %s", setKey, m.Key)
		}
		set.Modules = append(set.Modules, policies.Source{Rule: m.Rule, File: m.File, Rego: text})
	}
	return set, kept.Mode, nil
}
