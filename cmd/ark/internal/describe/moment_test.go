// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/describe"
	"github.com/gopherwood/ark/engine/archive"
)

func TestMoment(t *testing.T) {
	many := map[string]archive.ResourceSummary{}
	for i := range 10 {
		many[fmt.Sprintf("t%d", i)] = archive.ResourceSummary{Revision: "12"}
	}
	tests := map[string]struct {
		stored describe.Stored
		want   string
	}{
		"of one": {
			describe.Stored{Revision: "7", Resources: map[string]archive.ResourceSummary{"pods": {Revision: "7"}, "unneeded": {}}},
			"all types as of revision 7",
		},
		"of several": {
			describe.Stored{Revision: "7", Resources: map[string]archive.ResourceSummary{
				"pods": {Revision: "7"}, "events": {Revision: "3", OwnHistory: true}, "secrets": {Revision: "7", RestRevision: "12"}, "widgets.example.org": {Revision: "12"},
			}},
			"all types as of revision 7, except events (of another etcd or API server), secrets (of 7 to 12), widgets.example.org (of 12)",
		},
		"of too many to name": {
			describe.Stored{Revision: "7", Resources: many},
			"all types as of revision 7, except t0 (of 12), t1 (of 12), t2 (of 12), t3 (of 12), t4 (of 12), t5 (of 12), t6 (of 12), t7 (of 12), and 2 more",
		},
		"of none": {
			describe.Stored{Resources: map[string]archive.ResourceSummary{"pods": {Revision: "7"}}},
			"no: each type is as it was when its turn came",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := describe.Backup(&b, &v1alpha1.Backup{}, tc.stored, now); err != nil {
				t.Fatal(err)
			}
			_, rest, _ := strings.Cut(b.String(), "One moment:")
			got, _, _ := strings.Cut(rest, "\n")
			if diff := cmp.Diff(tc.want, strings.TrimSpace(got)); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, b.String())
			}
		})
	}
}
