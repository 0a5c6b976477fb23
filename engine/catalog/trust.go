// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog

import (
	"context"
	"crypto/ed25519"
	"fmt"

	"github.com/gopherwood/ark/engine/archive"
)

// Trust says whose records count in a store, and how those that are written here are
// signed. The zero value is a store in which nothing is signed: all that can be read is
// believed, except what was changed after it was signed.
type Trust struct {
	// Signed says that what is recorded in this store is signed. A record that none of
	// Keys signed then only protects: see State.Unverified.
	Signed bool
	// Keys are those whose signatures count.
	Keys []ed25519.PublicKey
	// Sign returns the key to sign records with, or nil for none. It is asked whenever a
	// record is written; nil signs nothing.
	Sign func(context.Context) (ed25519.PrivateKey, error)
}

// Trusting is the same store with that trust.
func (c *Catalog) Trusting(trust Trust) *Catalog {
	view := *c
	view.trust = trust
	return &view
}

// SigningWith is the same store with the same trust, in which records are signed with
// that key, or with none.
func (c *Catalog) SigningWith(key ed25519.PrivateKey) *Catalog {
	trust := c.trust
	trust.Sign = func(context.Context) (ed25519.PrivateKey, error) { return key, nil }
	return c.Trusting(trust)
}

// keys are those to sign a record with.
func (t Trust) keys(ctx context.Context) ([]ed25519.PrivateKey, error) {
	if t.Sign == nil {
		return nil, nil
	}
	key, err := t.Sign(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the key to sign with: %w", err)
	}
	if key == nil {
		return nil, nil
	}
	return []ed25519.PrivateKey{key}, nil
}

// believes reports whether what a record says counts where it takes protection away.
func (t Trust) believes(verdict archive.Trust) bool {
	return verdict == archive.Verified || !t.Signed && verdict != archive.Tampered
}

// doubt says why a record is not believed, and what to do where it is genuine.
func doubt(verdict archive.Trust) string {
	switch verdict {
	case archive.Tampered:
		return "it was changed after it was signed"
	case archive.UnknownKey:
		return "no trusted key signed it: where it is genuine, add the key of its cluster to trustedKeys"
	case archive.Unsigned, archive.Verified:
	}
	return "nobody signed it, although what is recorded in this location is signed"
}
