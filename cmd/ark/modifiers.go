// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"

	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// maxModifiers bounds the file: an object of the API cannot be larger.
const maxModifiers = 1 << 20

// readModifiers reads the modifiers of a restore from a file: a list as in
// spec.modifiers, or an object with that list as modifiers. Fields that there are
// not are refused here: the API server would drop them silently.
func readModifiers(path string) ([]v1alpha1.Modifier, error) {
	if path == "" {
		return nil, nil
	}
	content, err := readBounded(path)
	if err != nil {
		return nil, exit.Usagef("--modifiers: %w", err)
	}
	var list []v1alpha1.Modifier
	listErr := yaml.UnmarshalStrict(content, &list)
	if listErr == nil {
		return someModifiers(path, list)
	}
	var whole struct {
		Modifiers []v1alpha1.Modifier `json:"modifiers"`
	}
	if err := yaml.UnmarshalStrict(content, &whole); err == nil {
		return someModifiers(path, whole.Modifiers)
	}
	return nil, exit.Usagef("--modifiers %s: %w: write a list as in spec.modifiers of a Restore: name, target and patch", path, listErr)
}

func someModifiers(path string, list []v1alpha1.Modifier) ([]v1alpha1.Modifier, error) {
	if len(list) == 0 {
		return nil, exit.Usagef("--modifiers %s: there is no modifier in it", path)
	}
	return list, nil
}

func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxModifiers+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxModifiers {
		return nil, fmt.Errorf("%s has more than 1 MiB", path)
	}
	return content, nil
}
