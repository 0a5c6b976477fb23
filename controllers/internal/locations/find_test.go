// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations_test

import (
	"errors"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/step"
)

func TestFind(t *testing.T) {
	main := v1alpha1.StorageLocation{Name: "main", URL: "mem://main"}
	marked := v1alpha1.StorageLocation{Name: "marked", URL: "mem://marked", Default: true}
	other := v1alpha1.StorageLocation{Name: "other", URL: "mem://other"}

	tests := map[string]struct {
		storage  []v1alpha1.StorageLocation
		defaults *v1alpha1.BackupDefaults
		name     string
		want     string
		wantErr  string
	}{
		"a named location is found": {
			storage: []v1alpha1.StorageLocation{main, marked, other}, name: "other", want: "other",
		},
		"without a name defaults.storageLocation holds": {
			storage:  []v1alpha1.StorageLocation{main, marked, other},
			defaults: &v1alpha1.BackupDefaults{StorageLocation: "other"}, want: "other",
		},
		"without that the one marked default holds": {
			storage: []v1alpha1.StorageLocation{main, marked, other}, defaults: &v1alpha1.BackupDefaults{}, want: "marked",
		},
		"without any mark the only one holds": {
			storage: []v1alpha1.StorageLocation{main}, want: "main",
		},
		"a name that is not there is refused with those that are": {
			storage: []v1alpha1.StorageLocation{main, other}, name: "mian",
			wantErr: `the Config has no storage location "mian": add it to spec.storage, or change storageLocation to one of "main", "other"`,
		},
		"several without a default are refused": {
			storage: []v1alpha1.StorageLocation{main, other},
			wantErr: `none of the Config's storage locations ("main", "other") is the default: set default on one of spec.storage, or name a storageLocation`,
		},
		"no location at all is refused": {
			name: "main", wantErr: "the Config has no storage location: add one to its spec.storage",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := &v1alpha1.Config{Spec: v1alpha1.ConfigSpec{Storage: tc.storage, Defaults: tc.defaults}}
			got, err := locations.Find(cfg, tc.name)
			if got.Name != tc.want {
				t.Errorf("Find() = %q, want %q", got.Name, tc.want)
			}
			if tc.wantErr == "" {
				if err != nil {
					t.Errorf("Find() error = %v", err)
				}
				return
			}
			var known *step.Error
			if !errors.As(err, &known) || known.Reason != v1alpha1.LocationMissingReason || known.After != 0 {
				t.Errorf("Find() error = %#v, want a stall for LocationMissing", err)
			}
			if err == nil || err.Error() != tc.wantErr {
				t.Errorf("Find() error = %v, want %s", err, tc.wantErr)
			}
		})
	}
}
