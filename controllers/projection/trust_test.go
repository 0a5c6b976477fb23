// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/projection"
)

func TestTrustedKeysAreThoseOfOthersAndOurOwn(t *testing.T) {
	var keys []ed25519.PublicKey
	var texts []string
	for range 2 {
		key, _, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		keys, texts = append(keys, key), append(texts, base64.StdEncoding.EncodeToString(key))
	}
	got := projection.TrustedKeys(&v1alpha1.Config{
		Spec:   v1alpha1.ConfigSpec{TrustedKeys: []v1alpha1.TrustedKey{{Name: "theirs", PublicKey: texts[0]}, {PublicKey: "none"}}},
		Status: v1alpha1.ConfigStatus{Storage: []v1alpha1.StorageLocationStatus{{Name: "unsigned"}, {Name: "main", PublicKey: texts[1]}}},
	})
	if diff := cmp.Diff(keys, got); diff != "" {
		t.Errorf("TrustedKeys() (-want +got):\n%s", diff)
	}
}
