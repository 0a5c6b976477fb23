// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

func TestWhoseTheFieldsAreAfterwards(t *testing.T) {
	const (
		helm = `{"manager":"helm","operation":"Update","fieldsV1":{"f:data":{".":{},"f:k":{}}}}`
		edit = `{"manager":"kubectl-edit","operation":"Update","fieldsV1":{"f:data":{}}}`
	)
	for name, tc := range map[string]struct {
		archived, live string
		refused        error
		requests       []string
		managers       []string
		warning        string
	}{
		"one manager: the object is created under that name": {
			archived: helm, requests: []string{"POST"}, managers: []string{"helm"},
		},
		"one manager, which does not own all that is sent: it is put back": {
			archived: `{"manager":"helm","operation":"Update","fieldsV1":{"f:binaryData":{}}}`, requests: []string{"POST", "PATCH"}, managers: []string{"helm"},
		},
		"two managers: both are put back": {
			archived: helm + "," + edit, requests: []string{"POST", "PATCH"}, managers: []string{"helm", "kubectl-edit"},
		},
		"an object that is written over: its manager is put back": {
			archived: helm, live: configMap("live", ""), requests: []string{"POST", "PUT", "PATCH"}, managers: []string{"helm"},
		},
		"the API server refuses to put them back": {
			archived: helm + "," + edit, refused: engine.ErrInvalid, requests: []string{"POST", "PATCH"}, managers: []string{"ark"},
			warning: `configmaps/a/c: its field managers could not be put back, and the next server-side apply conflicts with "ark" unless it is forced: `,
		},
		"it is not allowed to put them back": {
			archived: helm + "," + edit, refused: engine.ErrForbidden, requests: []string{"POST", "PATCH"}, managers: []string{"ark"},
			warning: `configmaps/a/c: its field managers could not be put back, and the next server-side apply conflicts with "ark" unless it is forced: `,
		},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			for _, c := range []*fakeCluster{source, target} {
				c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			}
			source.add(configMap("archived", `,"managedFields":[`+tc.archived+`]`))
			if tc.live != "" {
				target.add(tc.live)
			}
			target.fault = func(verb string, _ engine.Key) (before, after error) {
				if verb == "PATCH" {
					return tc.refused, nil
				}
				return nil, nil
			}
			req := request()
			req.Existing = restore.ExistingUpdate
			report := mustRun(t, target, req, backup(t, source), restore.Options{})
			var requests []string
			for _, w := range target.writes() {
				if verb, found := strings.CutSuffix(w, " configmaps/a/c"); found {
					requests = append(requests, verb)
				}
			}
			if diff := cmp.Diff(tc.requests, requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.managers, managersOf(target, "configmaps/a/c")); diff != "" {
				t.Errorf("managers (-want +got):\n%s", diff)
			}
			if len(report.Errors) > 0 || !slices.ContainsFunc(append(report.Warnings, ""), func(s string) bool { return strings.HasPrefix(s, tc.warning) }) {
				t.Errorf("Errors = %v, Warnings = %v, want %q", report.Errors, report.Warnings, tc.warning)
			}
			if tc.refused != nil {
				return
			}
			mustRun(t, target, req, backup(t, source), restore.Options{})
			if w := target.writes(); !slices.Equal(w, attempts(w)) {
				t.Errorf("the second run wrote %v", w)
			}
		})
	}
}

// managersOf lists who owns fields of an object.
func managersOf(c *fakeCluster, key string) []string {
	var names []string
	entries, _ := c.object(key)["metadata"].(map[string]any)["managedFields"].([]any)
	for _, e := range entries {
		names = append(names, e.(map[string]any)["manager"].(string))
	}
	return names
}
