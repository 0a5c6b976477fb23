// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package manifests reads what users copy, the YAML of the examples and of the
// documentation, as strictly as can be, for tests.
package manifests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/policies"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// Decode reads all documents of a YAML stream. Kinds of Kubernetes and of Ark
// are decoded strictly: a field that does not exist, or stands there twice, is an
// error. Other kinds are taken as they are.
func Decode(content []byte) ([]client.Object, error) {
	var objects []client.Object
	documents := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	for n := 1; ; n++ {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read document %d: %w", n, err)
		}
		object, err := decode(document)
		if err != nil {
			return nil, fmt.Errorf("read document %d: %w", n, err)
		}
		if object != nil {
			objects = append(objects, object)
		}
	}
}

// decode returns nil for a document without content.
func decode(document []byte) (client.Object, error) {
	u := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict(document, &u.Object); err != nil {
		return nil, err
	}
	if len(u.Object) == 0 {
		return nil, nil
	}
	gvk := schema.FromAPIVersionAndKind(u.GetAPIVersion(), u.GetKind())
	typed, err := labtest.Scheme().New(gvk)
	if err != nil {
		if gvk.Group == v1alpha1.GroupVersion.Group {
			return nil, err
		}
		return u, nil
	}
	object, ok := typed.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s is no object", gvk)
	}
	if err := yaml.UnmarshalStrict(document, object); err != nil {
		return nil, err
	}
	return object, nil
}

// Compile compiles the rules of a Config or BackupPolicy as the controllers
// would; configMaps are those of their namespace. It returns nil for any other
// object.
func Compile(ctx context.Context, object client.Object, configMaps []*corev1.ConfigMap) (*policies.Policy, error) {
	var rules []v1alpha1.Rule
	var opts policies.Options
	switch o := object.(type) {
	case *v1alpha1.Config:
		rules, opts.Mode = o.Spec.Rules, policies.ClusterRules
	case *v1alpha1.BackupPolicy:
		rules, opts.Mode = o.Spec.Rules, policies.OptOut
		if o.Spec.Selection == v1alpha1.SelectionOptIn {
			opts.Mode = policies.OptIn
		}
	default:
		return nil, nil
	}
	set, err := sources(rules, configMaps)
	if err != nil {
		return nil, err
	}
	return policies.Compile(ctx, set, opts)
}

func sources(rules []v1alpha1.Rule, configMaps []*corev1.ConfigMap) (policies.Set, error) {
	var set policies.Set
	for _, rule := range rules {
		switch {
		case rule.ConfigMap != nil:
			modules, err := fromConfigMap(rule, configMaps)
			if err != nil {
				return set, fmt.Errorf("rule %s: %w", rule.Name, err)
			}
			set.Modules = append(set.Modules, modules...)
		case rule.Library != "":
			use := policies.LibraryUse{Name: rule.Library}
			if rule.Parameters != nil {
				if err := json.Unmarshal(rule.Parameters.Raw, &use.Parameters); err != nil {
					return set, fmt.Errorf("rule %s: parameters: %w", rule.Name, err)
				}
			}
			set.Library = append(set.Library, use)
		default:
			set.Modules = append(set.Modules, policies.Source{Rule: rule.Name, Rego: rule.Rego})
		}
	}
	return set, nil
}

func fromConfigMap(rule v1alpha1.Rule, configMaps []*corev1.ConfigMap) ([]policies.Source, error) {
	for _, cm := range configMaps {
		if cm.Name != rule.ConfigMap.Name || cm.Namespace != labtest.Namespace {
			continue
		}
		modules, digest, err := policies.FromFiles(rule.Name, cm.Data)
		if err == nil && rule.ConfigMap.SHA256 != "" && rule.ConfigMap.SHA256 != digest {
			err = fmt.Errorf("the ConfigMap's digest is %s, not the one that is pinned", digest)
		}
		return modules, err
	}
	return nil, fmt.Errorf("there is no ConfigMap %s in %s", rule.ConfigMap.Name, labtest.Namespace)
}
