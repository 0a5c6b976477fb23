// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
)

func TestANameThatStandsForAnotherSpecIsTaken(t *testing.T) {
	f := setUp(t)
	f.restore("used")
	hasPrefix(t, "Ready", f.settle("used"), "True Succeeded: ")
	if err := f.client.Delete(t.Context(), f.get("used")); err != nil {
		t.Fatal(err)
	}
	f.restart()
	f.restore("used", func(s *v1alpha1.RestoreSpec) { s.Names = []string{"password"} })
	hasPrefix(t, "Ready", f.settle("used"), "False NameTaken: a restore of this name ran on ")
	if st := f.get("used").Status; st.Results != nil || st.Record != "" {
		t.Errorf("status = %+v, want nothing of the other restore", st)
	}
}

func TestSpecsAreComparedByWhatTheyMean(t *testing.T) {
	spec := &v1alpha1.RestoreSpec{BackupName: "first", Names: []string{"a"}}
	tests := map[string]struct {
		recorded string
		want     bool
	}{
		"the same, in another order": {`{"names":["a"],"backupName":"first"}`, true},
		"an empty list is none":      {`{"names":["a"],"backupName":"first","includedNamespaces":[]}`, true},
		"another backup":             {`{"names":["a"],"backupName":"second"}`, false},
		"a field that is not known":  {`{"names":["a"],"backupName":"first","force":true}`, false},
		"no JSON":                    {`?`, false},
		"nothing":                    {``, false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := sameSpec([]byte(tc.recorded), spec); got != tc.want {
				t.Errorf("sameSpec() = %v, want %v", got, tc.want)
			}
		})
	}
}
