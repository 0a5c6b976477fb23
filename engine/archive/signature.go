// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
)

// Trust is what the signatures of a marker or record are worth.
type Trust string

// The values of Trust.
const (
	// Verified: a trusted key signed exactly these bytes.
	Verified Trust = "Verified"
	// Unsigned: nobody signed.
	Unsigned Trust = "Unsigned"
	// UnknownKey: signed, and unchanged since, by a key that is not trusted.
	UnknownKey Trust = "UnknownKey"
	// Tampered: a signature does not fit the bytes.
	Tampered Trust = "Tampered"
)

// ParsePublicKey reads the text of a public key: the base64 of its 32 bytes.
func ParsePublicKey(text string) (key ed25519.PublicKey, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return nil, false
	}
	return raw, true
}

// ParsePrivateKey reads a PEM-encoded PKCS #8 Ed25519 private key.
func ParsePrivateKey(content []byte) (key ed25519.PrivateKey, ok bool) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, false
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, false
	}
	key, ok = parsed.(ed25519.PrivateKey)
	return key, ok
}

// Sign adds a signature over the bytes of the marker.
func Sign(env *Envelope, key ed25519.PrivateKey) {
	env.Signatures = append(env.Signatures, sign(env.Marker, key))
}

// Verify judges the signatures of a marker. One good signature by a trusted key
// is enough, whatever else was added; without one, a bad signature weighs more
// than an unknown key.
func Verify(env *Envelope, trusted []ed25519.PublicKey) Trust {
	return verify(env.Marker, env.Signatures, trusted)
}

func verify(message []byte, signatures []Signature, trusted []ed25519.PublicKey) Trust {
	if len(signatures) == 0 {
		return Unsigned
	}
	result := UnknownKey
	for _, s := range signatures {
		key, good := s.fits(message)
		switch {
		case !good:
			result = Tampered
		case isTrusted(key, trusted):
			return Verified
		}
	}
	return result
}

// fits checks a signature against the key that it names.
func (s Signature) fits(message []byte) (ed25519.PublicKey, bool) {
	key, ok := ParsePublicKey(s.PublicKey)
	if !ok {
		return nil, false
	}
	sig, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil {
		return nil, false
	}
	return key, ed25519.Verify(key, message, sig)
}

func isTrusted(key ed25519.PublicKey, trusted []ed25519.PublicKey) bool {
	for _, t := range trusted {
		if bytes.Equal(key, t) {
			return true
		}
	}
	return false
}
