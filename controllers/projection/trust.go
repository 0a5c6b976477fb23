// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"crypto/ed25519"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
)

// TrustedKeys returns the public keys whose signatures count in a cluster: those
// that its Config trusts, and its own as the Config's status shows them. What is no
// key is none.
func TrustedKeys(cfg *v1alpha1.Config) []ed25519.PublicKey {
	var texts []string
	for _, key := range cfg.Spec.TrustedKeys {
		texts = append(texts, key.PublicKey)
	}
	for _, location := range cfg.Status.Storage {
		texts = append(texts, location.PublicKey)
	}
	var keys []ed25519.PublicKey
	for _, text := range texts {
		if key, ok := archive.ParsePublicKey(text); ok {
			keys = append(keys, key)
		}
	}
	return keys
}
