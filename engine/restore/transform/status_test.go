// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestNoStatusIsAheadOfItsObject(t *testing.T) {
	tests := map[string]struct {
		status   string
		archived int64
		live     string
		want     string
	}{
		"what had seen the archived generation has seen the new one, at any depth": {
			`{"observedGeneration":7,"conditions":[{"type":"Ready","observedGeneration":7}],"parts":[{"of":{"conditions":[{"observedGeneration":7}]}}]}`, 7,
			`{"metadata":{"generation":1}}`,
			`{"observedGeneration":1,"conditions":[{"type":"Ready","observedGeneration":1}],"parts":[{"of":{"conditions":[{"observedGeneration":1}]}}]}`,
		},
		"what had not seen it has not seen the new one": {
			`{"observedGeneration":6,"conditions":[{"observedGeneration":7}]}`, 7, `{"metadata":{"generation":1}}`,
			`{"observedGeneration":0,"conditions":[{"observedGeneration":1}]}`,
		},
		"one that is behind the live object stays": {
			`{"observedGeneration":2}`, 2, `{"metadata":{"generation":3}}`, `{"observedGeneration":2}`,
		},
		"an object without a generation tells nothing": {
			`{"observedGeneration":2}`, 0, `{"metadata":{}}`, `{"observedGeneration":2}`,
		},
		"a field of that name that is no number stays, and so do other numbers": {
			`{"observedGeneration":"7","generation":7}`, 7, `{"metadata":{"generation":1}}`, `{"observedGeneration":"7","generation":7}`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			status := decode(t, tc.status)
			got := transform.Observed(status, tc.archived, decode(t, tc.live))
			if diff := cmp.Diff(any(decode(t, tc.want)), got); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(decode(t, tc.status), status); diff != "" {
				t.Errorf("the archived status changed (-was +is):\n%s", diff)
			}
		})
	}
}
