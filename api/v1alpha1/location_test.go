// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
)

func TestWhichLocationIsMeant(t *testing.T) {
	main, other := v1alpha1.StorageLocation{Name: "main"}, v1alpha1.StorageLocation{Name: "other"}
	marked := v1alpha1.StorageLocation{Name: "marked", Default: true}
	tests := map[string]struct {
		storage     []v1alpha1.StorageLocation
		byDefault   string
		name        string
		want, asked string
	}{
		"the one that is named":             {[]v1alpha1.StorageLocation{marked, main}, "marked", "main", "main", "main"},
		"the one of the defaults":           {[]v1alpha1.StorageLocation{marked, main}, "main", "", "main", "main"},
		"the one that is marked":            {[]v1alpha1.StorageLocation{main, marked}, "", "", "marked", ""},
		"the only one":                      {[]v1alpha1.StorageLocation{main}, "", "", "main", ""},
		"not the only one, of another name": {[]v1alpha1.StorageLocation{main}, "", "mian", "", "mian"},
		"not the one that is marked, where the defaults name another": {[]v1alpha1.StorageLocation{marked}, "gone", "", "", "gone"},
		"none of several":          {[]v1alpha1.StorageLocation{main, other}, "", "", "", ""},
		"none where there is none": {nil, "", "", "", ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			spec := v1alpha1.ConfigSpec{Storage: tc.storage, Defaults: &v1alpha1.BackupDefaults{StorageLocation: tc.byDefault}}
			got, asked := spec.Location(tc.name)
			found := ""
			if got != nil {
				found = got.Name
			}
			if found != tc.want || asked != tc.asked {
				t.Errorf("Location() = %q, asked for %q, want %q, %q", found, asked, tc.want, tc.asked)
			}
		})
	}
}
