// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore"
)

// Many objects may name the original; other warnings have to be seen too, and the
// results have all.
func TestWhatStillNamesTheOriginalIsSaidAFewTimesAndCounted(t *testing.T) {
	c := newFakeCluster(t)
	c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`)
	for i := range 7 {
		c.add(fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop","name":"c%d"},"data":{"db":"db.shop.svc:5432"}}`, i))
	}
	c.add(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"shop","name":"silent"},"data":{"db":"db.shops.svc"}}`)
	src := backup(t, c)
	req := request()
	req.Selection.IncludedNamespaces = []string{"shop"}
	req.NamespaceMapping = map[string]string{"shop": "copy"}
	const still = "still names namespace shop (restored as copy) in data.db: change that with a modifier where the copy is meant"

	for _, dryRun := range []bool{true, false} {
		req.DryRun = dryRun
		var lines bytes.Buffer
		report := mustRun(t, c, req, src, restore.Options{Results: &lines})
		if n := strings.Count(lines.String(), still); n != 7 {
			t.Errorf("dry run %v: %d lines of the results say so, want 7:\n%s", dryRun, n, &lines)
		}
		slices.Sort(report.Warnings[1:])
		var named []string
		for _, w := range report.Warnings[1:] {
			object, text, _ := strings.Cut(w, ": ")
			if named = append(named, text); !strings.HasPrefix(object, "configmaps/copy/c") {
				t.Errorf("warning of %s", object)
			}
		}
		if diff := cmp.Diff(slices.Repeat([]string{still}, 4), named); diff != "" {
			t.Errorf("dry run %v: warnings (-want +got):\n%s", dryRun, diff)
		}
		const more = "3 more objects still name a namespace that is mapped: the record of the restore says where"
		if report.Warnings[0] != more {
			t.Errorf("dry run %v: got %q, want %q", dryRun, report.Warnings[0], more)
		}
	}
	again := mustRun(t, c, req, src, restore.Options{})
	if len(again.Warnings) > 0 || again.Results.Unchanged == 0 {
		t.Errorf("restored again: %+v", again)
	}
}
