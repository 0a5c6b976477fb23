// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"os"
	"slices"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// recordSigner finds the keys that records are signed with, as the user: in a file, or in
// the Secrets that locations name.
type recordSigner struct {
	app    *app
	client client.Reader
	cfg    *v1alpha1.Config
	// key is that of the file; nil when none was named.
	key ed25519.PrivateKey
}

// signerFrom reads the key file, where one is named.
func (a *app) signerFrom(c client.Reader, cfg *v1alpha1.Config, file string) (*recordSigner, error) {
	s := &recordSigner{app: a, client: c, cfg: cfg}
	if file == "" {
		return s, nil
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, exit.Usagef("--signing-key: %w", err)
	}
	key, ok := archive.ParsePrivateKey(content)
	if !ok {
		return nil, exit.Usagef("--signing-key %s: it holds no PEM-encoded PKCS #8 Ed25519 private key", file)
	}
	// What another key signs does not count: nothing would be adopted, without a word.
	if public, _ := key.Public().(ed25519.PublicKey); !slices.ContainsFunc(projection.TrustedKeys(cfg), func(k ed25519.PublicKey) bool { return public.Equal(k) }) {
		return nil, exit.Usagef("--signing-key %s: this cluster does not trust its public key, so that what it signs would not count: add it to trustedKeys of the Config, or name another", file)
	}
	s.key = key
	return s, nil
}

// trusted is the store of a location as the cluster trusts it, with the key to sign for it.
func (s *recordSigner) trusted(ctx context.Context, spec *v1alpha1.StorageLocation, c *catalog.Catalog) (*catalog.Catalog, error) {
	c = c.Trusting(catalog.Trust{Signed: spec.Signing != nil, Keys: projection.TrustedKeys(s.cfg)})
	if spec.Signing == nil {
		return c, nil
	}
	key := s.key
	if key == nil {
		secret, err := s.app.secret(ctx, s.client, spec.Signing.SecretName)
		if err != nil {
			return nil, fmt.Errorf("storage location %q signs what is recorded, and its key cannot be read: name a file with --signing-key, or ask for the right: %w", spec.Name, err)
		}
		var ok bool
		if key, ok = archive.ParsePrivateKey(secret.Data["ed25519.key"]); !ok {
			return nil, exit.Errorf(exit.Failed, "Secret %s/%s has no key ed25519.key with a PEM-encoded PKCS #8 Ed25519 private key", s.app.namespace, spec.Signing.SecretName)
		}
	}
	return c.SigningWith(key), nil
}
