// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"encoding/json"
	"fmt"
	"path"
	"strconv"
)

// Files returns the sources of a revision by path, for the archive of a backup:
// modules as they were given, and of library rules name and parameters, because
// their text belongs to the version of Ark that the archive names.
func (r Revision) Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for i, m := range r.set.Modules {
		name := m.File
		if name == "" {
			name = "module.rego"
		}
		files[path.Join("modules", strconv.Itoa(i)+"-"+m.Rule, path.Base(name))] = []byte(m.Rego)
	}
	if len(r.set.Library) == 0 {
		return files, nil
	}
	raw, err := json.MarshalIndent(r.set.Library, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write library rules: %w", err)
	}
	files["library.json"] = raw
	return files, nil
}
