// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package labtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/test/lab"
)

const (
	establishPoll    = 20 * time.Millisecond
	establishTimeout = 30 * time.Second
)

// InstallKinds creates the CustomResourceDefinitions of Ark, as the chart carries
// them, and returns when all of them are served.
func InstallKinds(ctx context.Context, c client.Client) error {
	crds, err := Kinds()
	if err != nil {
		return err
	}
	for _, crd := range crds {
		if err := c.Create(ctx, crd); err != nil {
			return fmt.Errorf("create %s: %w", crd.Name, err)
		}
	}
	for _, crd := range crds {
		if err := wait.PollUntilContextTimeout(ctx, establishPoll, establishTimeout, true, served(c, crd)); err != nil {
			return fmt.Errorf("wait for %s: %w", crd.Name, err)
		}
	}
	return nil
}

// Kinds reads the CustomResourceDefinitions of Ark from the chart, strictly.
func Kinds() ([]*apiextensionsv1.CustomResourceDefinition, error) {
	root, err := lab.Root()
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(root, "charts", "ark", "files", "crds", "*.yaml"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("read Ark's kinds: run make generate: %d files found, %w", len(files), err)
	}
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read Ark's kinds: %w", err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(content, crd); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		crds = append(crds, crd)
	}
	return crds, nil
}

// served reports whether the kind can be listed: that it is established is
// said a moment before the API server routes requests to it.
func served(c client.Client, crd *apiextensionsv1.CustomResourceDefinition) wait.ConditionWithContextFunc {
	return func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(crd), crd); err != nil {
			return false, err
		}
		for _, cond := range crd.Status.Conditions {
			if cond.Type == apiextensionsv1.Established && cond.Status == apiextensionsv1.ConditionTrue {
				return listable(ctx, c, crd), nil
			}
		}
		return false, nil
	}
}

// listable reports whether objects of the kind can be listed.
func listable(ctx context.Context, c client.Client, crd *apiextensionsv1.CustomResourceDefinition) bool {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{
		Group: crd.Spec.Group, Version: crd.Spec.Versions[0].Name, Kind: crd.Spec.Names.ListKind,
	})
	return c.List(ctx, list, client.Limit(1)) == nil
}
