// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
)

// revision is everything that a decision depends on besides its input.
type revision struct {
	Contract     string            `json:"contract"`
	Engine       string            `json:"engine"`
	Mode         Mode              `json:"mode"`
	Capabilities string            `json:"capabilities"`
	Schemas      map[string]string `json:"schemas"`
	Sources      []Source          `json:"sources"`
	// Library holds the library's own modules, by name: they come with the program.
	Library    map[string]string `json:"library"`
	Parameters map[string]any    `json:"parameters"`
}

// digestOf is the same for every order of the same rules.
func digestOf(set Set, modules []*module, parameters map[string]any, opts Options) (string, error) {
	r := revision{
		Contract:     contractVersion,
		Engine:       Engine(),
		Mode:         opts.Mode,
		Capabilities: hash(capabilitiesJSON),
		Schemas:      map[string]string{},
		Library:      map[string]string{},
		Parameters:   parameters,
		Sources: slices.SortedFunc(slices.Values(set.Modules), func(a, b Source) int {
			return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.File, b.File))
		}),
	}
	for _, entry := range entryPoints {
		r.Schemas[entry.pkg] = hash(entry.schema.raw)
	}
	for _, m := range modules {
		if m.library != "" {
			r.Library[m.library] = library()[m.library].rego
		}
	}
	canonical, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("encode revision of rules: %w", err)
	}
	return "sha256:" + hash(canonical), nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
