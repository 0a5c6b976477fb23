// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestRequestsThatCannotBeCarriedOut(t *testing.T) {
	tests := map[string]struct {
		change func(*restore.Request)
		code   string
		want   string
	}{
		"a namespace that the backup does not hold": {
			func(r *restore.Request) { r.Selection.IncludedNamespaces = []string{"a", "stagin"} },
			restore.CodeInvalidRequest,
			`includedNamespaces: the backup holds nothing of namespace "stagin": did you mean staging?`,
		},
		"names that nothing has": {
			func(r *restore.Request) { r.Names = []string{"no-such-name"} },
			restore.CodeInvalidRequest,
			"nothing in the backup matches: see what it holds with \"ark backup contents\", " +
				"and mend includedNamespaces, includedResources, names or the label selectors",
		},
		"two namespaces mapped onto one": {
			func(r *restore.Request) { r.NamespaceMapping = map[string]string{"a": "x", "b": "x"} },
			restore.CodeMappingConflict,
			`namespaceMapping: "a" and "b" are both mapped to "x": give each a namespace of its own`,
		},
		"one mapped onto another that stays": {
			func(r *restore.Request) { r.NamespaceMapping = map[string]string{"a": "b"} },
			restore.CodeMappingConflict,
			`namespaceMapping: the archived namespaces "a" and "b" would both be restored into "b": ` +
				`map them to namespaces of their own, or leave one out with excludedNamespaces`,
		},
		"a source that the backup does not hold": {
			func(r *restore.Request) { r.NamespaceMapping = map[string]string{"stagin": "x"} },
			restore.CodeMappingSource,
			`namespaceMapping: the backup holds nothing of namespace "stagin": did you mean staging?`,
		},
		"a source that is like nothing in the backup": {
			func(r *restore.Request) { r.NamespaceMapping = map[string]string{"zzzz": "x"} },
			restore.CodeMappingSource,
			`namespaceMapping: the backup holds nothing of namespace "zzzz": see what it holds with "ark backup contents"`,
		},
		"a source that is not selected": {
			func(r *restore.Request) {
				r.Selection.ExcludedNamespaces = []string{"a"}
				r.NamespaceMapping = map[string]string{"a": "x"}
			},
			restore.CodeMappingSource,
			`namespaceMapping: namespace "a" is mapped but not selected: add it to includedNamespaces, or take it out of excludedNamespaces`,
		},
		"a target that is no name": {
			func(r *restore.Request) { r.NamespaceMapping = map[string]string{"a": "../x"} },
			restore.CodeInvalidRequest,
			`namespaceMapping: "a" is mapped to "../x", which is not the name of a namespace`,
		},
		"an unknown policy": {
			func(r *restore.Request) { r.Existing = "Replace" },
			restore.CodeInvalidRequest,
			`existingResourcePolicy: "Replace" is unknown: write None, Update or Recreate`,
		},
		"a label that is none": {
			func(r *restore.Request) { r.Label = "" },
			restore.CodeInvalidRequest, `label: "" is not the value of a label`,
		},
		"fewer workers than none": {
			func(r *restore.Request) { r.Workers = -1 },
			restore.CodeInvalidRequest, `workers: -1 is negative: leave it out for 32`,
		},
		"a malformed glob of names": {
			func(r *restore.Request) { r.Names = []string{""} },
			restore.CodeInvalidRequest, `names[0]: "" is empty: write a name, or "*" for all`,
		},
		"a malformed type to restore": {
			func(r *restore.Request) { r.Selection.IncludedResources = []string{"a/b"} },
			restore.CodeInvalidRequest, `includedResources[0]: "a/b" names a subresource, which is part of its object: write "a"`,
		},
		"a malformed type in the order": {
			func(r *restore.Request) { r.RestoreOrder = []string{""} },
			restore.CodeInvalidRequest, `the Config's spec.restoreOrder[0]: "" is empty: write a type, such as "deployments.apps", or "*" for all`,
		},
		"a malformed type whose status is restored": {
			func(r *restore.Request) { r.RestoreStatus = []string{""} },
			restore.CodeInvalidRequest, `restoreStatus[0]: "" is empty: write a type, such as "deployments.apps", or "*" for all`,
		},
		"a modifier that is no patch": {
			func(r *restore.Request) {
				r.Modifiers = []transform.ModifierSpec{{Name: "m", Patch: []byte(`[{"op":"set","path":"/a"}]`)}}
			},
			restore.CodeInvalidRequest, `modifiers[m].patch: is no JSON patch, a list of operations (RFC 6902): invalid operation {"op":"set","path":"/a"}: unsupported operation`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			for _, ns := range []string{"a", "b", "staging"} {
				source.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, ns))
			}
			req := request()
			tc.change(&req)
			_, err := run(t, target, req, backup(t, source), restore.Options{})
			var refused *restore.RequestError
			if !errors.As(err, &refused) {
				t.Fatalf("Run() error = %v, want a RequestError", err)
			}
			if diff := cmp.Diff(restore.RequestError{Code: tc.code, Message: tc.want}, *refused); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if w := target.writes(); len(w) > 0 {
				t.Errorf("wrote %v", w)
			}
		})
	}
}

func TestTwoNamespacesCanBeSwapped(t *testing.T) {
	source, target := newFakeCluster(t), newFakeCluster(t)
	for _, ns := range []string{"a", "b"} {
		source.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":%q}}`, ns))
		source.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":%q,"name":"of-%s"}}`, ns, ns))
	}
	req := request()
	req.NamespaceMapping = map[string]string{"a": "b", "b": "a"}
	mustRun(t, target, req, backup(t, source), restore.Options{})
	if target.object("configmaps/b/of-a") == nil || target.object("configmaps/a/of-b") == nil {
		t.Errorf("objects: %v", target.keys())
	}
}
