// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"testing"

	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
)

// TestADeniedRestoreLeavesOneLineInTheLog looks at what operators see at the level that is
// always on: that a restore was denied, and by which codes. What rules say may quote
// what they were asked about, and objects have names that not everybody may read.
func TestADeniedRestoreLeavesOneLineInTheLog(t *testing.T) {
	const selects = `package ark.restore_select

# METADATA
# title: The title of a rule
# description: Its description.
deny contains "no-secrets" if input.resource.kind == "Secret"

# METADATA
# title: The title of another
deny contains "no-settings" if input.resource.kind == "ConfigMap"
`
	const gates = `package ark.restore

# METADATA
# title: The title of a gate
deny contains {"code": "no", "msg": msg} if msg := sprintf("the backup %s is not to be restored", [input.backup.name])
`
	tests := map[string]struct {
		prepare func(*fixture)
		ready   string
		want    []string
	}{
		"a gate, without what it says of the backup": {
			prepare: func(f *fixture) { f.policy("p", f.into, gates) },
			ready:   "False Denied: BackupPolicy p denied the restore, and nothing was written: the backup first is not to be restored (no)",
			want:    []string{`{"logger":"","level":0,"msg":"Denied restore","codes":["no"]}`},
		},
		"codes, each once, without titles and objects": {
			prepare: func(f *fixture) { f.policy("p", f.into, selects) },
			ready:   "False Denied: ",
			want:    []string{`{"logger":"","level":0,"msg":"Denied restore","codes":["no-secrets","no-settings"]}`},
		},
		"a gate that is broken": {
			prepare: func(f *fixture) { f.policy("p", f.into, "package ark.restore\n\ndeny contains nonsense\n") },
			ready:   "False Denied: ",
			want:    []string{`{"logger":"","level":0,"msg":"Denied restore","codes":["policy-error"]}`},
		},
		"nothing where nobody denies": {
			prepare: func(*fixture) {},
			ready:   "True Succeeded: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			tc.prepare(f)
			f.restore("gated")
			var lines []string
			f.log = funcr.NewJSON(func(line string) { lines = append(lines, line) }, funcr.Options{})
			hasPrefix(t, "Ready", f.settle("gated"), tc.ready)
			f.reconcile("gated") // and no more of them when it is looked at again
			if diff := cmp.Diff(tc.want, lines); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
}
