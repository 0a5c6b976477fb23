// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"encoding/json"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// RestoreInCluster reads and judges the record of a restore in a ConfigMap, where it lies
// when the location is never written. Records of earlier versions say neither their format
// nor which store they are about, and are not signed.
func RestoreInCluster(cfg *v1alpha1.Config, raw []byte) (*catalog.FoundRestore, error) {
	trust := catalog.Trust{Signed: signsReadOnly(cfg), Keys: TrustedKeys(cfg)}
	found, err := trust.DecodeRestore(raw)
	var before archive.RestoreSummary
	if err == nil || json.Unmarshal(raw, &before) != nil || before.Format != 0 || before.Name == "" {
		return found, err
	}
	found = &catalog.FoundRestore{RestoreSummary: &before, Trust: archive.Unsigned}
	if trust.Signed {
		found.Doubt = "nobody signed it, although restores from ReadOnly locations are recorded with a signature"
	}
	return found, nil
}

// signsReadOnly reports whether the record of a restore from a ReadOnly location is signed:
// the key of such a location is not made, so that not all have one.
func signsReadOnly(cfg *v1alpha1.Config) bool {
	for _, l := range cfg.Spec.Storage {
		for _, st := range cfg.Status.Storage {
			if l.Access == v1alpha1.AccessReadOnly && l.Signing != nil && st.Name == l.Name && st.PublicKey != "" {
				return true
			}
		}
	}
	return false
}
