// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package conventions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/gopherwood/ark/test/lab"
)

// module is the import path of the repository.
const module = "github.com/gopherwood/ark"

// goPackage is what go list says of a package, without its tests.
type goPackage struct {
	ImportPath string
	Imports    []string // directly
	Deps       []string // all
}

// dir returns the package's folder, relative to the root.
func (p goPackage) dir() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

// packages lists the packages of the repository.
var packages = sync.OnceValues(func() ([]goPackage, error) { return goList("./...") })

// goList asks go list, in the root. A package that does not compile fails its own
// tests, not these.
func goList(patterns ...string) ([]goPackage, error) {
	root, err := lab.Root()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Imports,Deps"}, patterns...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("list packages: %w: %s", err, exit.Stderr)
	}
	if err != nil {
		return nil, fmt.Errorf("list packages: %w", err)
	}
	var found []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return found, nil
		} else if err != nil {
			return nil, fmt.Errorf("list packages: %w", err)
		}
		found = append(found, p)
	}
}

// mustList returns the packages of the repository, or fails the test.
func mustList(t *testing.T) []goPackage {
	t.Helper()
	found, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// root returns a path below the root of the repository.
func root(t *testing.T, elem ...string) string {
	t.Helper()
	dir, err := lab.Root()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(append([]string{dir}, elem...)...)
}

// under reports whether a path is one of the folders or packages, or below one.
func under(path string, parents ...string) bool {
	for _, p := range parents {
		if path == p || strings.HasPrefix(path, p+"/") {
			return true
		}
	}
	return false
}
