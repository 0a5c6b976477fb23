// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// keys are made of a seed each, so that a failure can be repeated.
func keys(seed byte) (ed25519.PublicKey, ed25519.PrivateKey) {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, _ := private.Public().(ed25519.PublicKey)
	return public, private
}

func TestVerify(t *testing.T) {
	ours, ourKey := keys(1)
	theirs, theirKey := keys(2)
	tests := map[string]struct {
		signers []ed25519.PrivateKey
		spoil   func(*archive.Envelope)
		trusted []ed25519.PublicKey
		want    archive.Trust
	}{
		"nobody signed":                    {trusted: []ed25519.PublicKey{ours}, want: archive.Unsigned},
		"a trusted key signed":             {signers: []ed25519.PrivateKey{ourKey}, trusted: []ed25519.PublicKey{theirs, ours}, want: archive.Verified},
		"an unknown key signed":            {signers: []ed25519.PrivateKey{theirKey}, trusted: []ed25519.PublicKey{ours}, want: archive.UnknownKey},
		"nobody is trusted":                {signers: []ed25519.PrivateKey{ourKey}, want: archive.UnknownKey},
		"one of two signers is trusted":    {signers: []ed25519.PrivateKey{theirKey, ourKey}, trusted: []ed25519.PublicKey{ours}, want: archive.Verified},
		"the marker was changed":           {signers: []ed25519.PrivateKey{ourKey}, spoil: func(e *archive.Envelope) { e.Marker[20] ^= 1 }, trusted: []ed25519.PublicKey{ours}, want: archive.Tampered},
		"an unknown marker was changed":    {signers: []ed25519.PrivateKey{theirKey}, spoil: func(e *archive.Envelope) { e.Marker[20] ^= 1 }, trusted: []ed25519.PublicKey{ours}, want: archive.Tampered},
		"a signature was put under a key":  {signers: []ed25519.PrivateKey{theirKey}, spoil: func(e *archive.Envelope) { e.Signatures[0].PublicKey = base64.StdEncoding.EncodeToString(ours) }, trusted: []ed25519.PublicKey{ours}, want: archive.Tampered},
		"the key is no key":                {signers: []ed25519.PrivateKey{ourKey}, spoil: func(e *archive.Envelope) { e.Signatures[0].PublicKey = "AAAA" }, want: archive.Tampered},
		"the signature is no base64":       {signers: []ed25519.PrivateKey{ourKey}, spoil: func(e *archive.Envelope) { e.Signatures[0].Signature = "?" }, want: archive.Tampered},
		"the signature is too short":       {signers: []ed25519.PrivateKey{ourKey}, spoil: func(e *archive.Envelope) { e.Signatures[0].Signature = "AAAA" }, want: archive.Tampered},
		"junk beside a trusted signature":  {signers: []ed25519.PrivateKey{theirKey, ourKey}, spoil: func(e *archive.Envelope) { e.Signatures[0].Signature = "?" }, trusted: []ed25519.PublicKey{ours}, want: archive.Verified},
		"junk beside an unknown signature": {signers: []ed25519.PrivateKey{ourKey, theirKey}, spoil: func(e *archive.Envelope) { e.Signatures[0].Signature = "?" }, want: archive.Tampered},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := archive.EncodeMarker(marker(), tc.signers...)
			if err != nil {
				t.Fatal(err)
			}
			_, env, err := archive.DecodeMarker(b)
			if err != nil {
				t.Fatal(err)
			}
			if tc.spoil != nil {
				tc.spoil(env)
			}
			if got := archive.Verify(env, tc.trusted); got != tc.want {
				t.Errorf("Verify() = %s, want %s", got, tc.want)
			}
		})
	}
}

func TestTooManySignaturesAreRefused(t *testing.T) {
	_, key := keys(1)
	signers := make([]ed25519.PrivateKey, 17)
	for i := range signers {
		signers[i] = key
	}
	b, err := archive.EncodeMarker(marker(), signers...)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := archive.DecodeMarker(b); !errors.Is(err, engine.ErrCorrupt) {
		t.Errorf("DecodeMarker() error = %v, want ErrCorrupt", err)
	}
}
