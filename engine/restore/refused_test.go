// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

func TestWhatIsRefusedIsTriedOnceMoreWhenSomethingCameSince(t *testing.T) {
	for name, tc := range map[string]struct {
		last  bool // nothing comes after it
		takes bool // what comes later makes it acceptable
		tries int
		want  restore.Counts
	}{
		"taken when the rest is there":            {takes: true, tries: 2, want: restore.Counts{Created: 3}},
		"refused again":                           {tries: 2, want: restore.Counts{Created: 2, Failed: 1}},
		"not tried again when nothing came since": {last: true, tries: 1, want: restore.Counts{Created: 1, Failed: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(configMap("v", ""))
			if !tc.last {
				source.add(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"namespace":"a","name":"z"},"spec":{}}`)
			}
			tries := 0
			target.fault = func(verb string, key engine.Key) (before, after error) {
				if verb != "POST" || key.Name != "c" {
					return nil, nil
				}
				tries++
				if tc.takes && tries > 1 {
					return nil, nil
				}
				return fmt.Errorf("refusal %d: %w", tries, engine.ErrForbidden), nil
			}
			req := request()
			req.Workers = 1
			req.Selection.ExcludedResources = []string{"serviceaccounts"}
			report := mustRun(t, target, req, backup(t, source), restore.Options{})
			report.Results.Skipped = 0
			if diff := cmp.Diff(tc.want, report.Results); diff != "" || tries != tc.tries {
				t.Errorf("%d tries, want %d; Results (-want +got):\n%s", tries, tc.tries, diff)
			}
			if tc.want.Failed > 0 && (len(report.Errors) != 1 || !strings.HasPrefix(report.Errors[0], "configmaps/a/c: refusal 1: ")) {
				t.Errorf("Errors = %v, want the first refusal", report.Errors)
			}
		})
	}
}
