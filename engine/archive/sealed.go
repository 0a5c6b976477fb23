// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/gopherwood/ark/engine"
)

// What stands before the bytes of a document when they are signed, so that the
// signature of one kind of document never serves for another. A marker is signed as it
// is: it is JSON, which none of these begin.
const (
	recordDomain  = "ark.gopherwood.dev record of a backup, format 1\n"
	restoreDomain = "ark.gopherwood.dev record of a restore, format 1\n"
)

// sealed is what the blob of a signed record holds: the document's bytes under a
// name of its kind, and the signatures over the domain and exactly these bytes. One
// that is not signed is the document alone.
type sealed struct {
	Record     json.RawMessage `json:"record,omitempty"`
	Restore    json.RawMessage `json:"restore,omitempty"`
	Signatures []Signature     `json:"signatures,omitempty"`
}

// Seal is what vouches for a document that was read.
type Seal struct {
	// Signatures are over the domain of the document's kind, and its bytes.
	Signatures []Signature

	message []byte
}

// Verify judges the signatures, as the function Verify does those of a marker.
func (s *Seal) Verify(trusted []ed25519.PublicKey) Trust {
	return verify(s.message, s.Signatures, trusted)
}

// seal signs a document with every key given; without one it stays as it is.
func seal(what, domain string, body []byte, keys []ed25519.PrivateKey) ([]byte, error) {
	if len(keys) == 0 {
		return body, nil
	}
	message := append([]byte(domain), body...)
	out := sealed{}
	for _, key := range keys {
		out.Signatures = append(out.Signatures, sign(message, key))
	}
	if domain == recordDomain {
		out.Record = body
	} else {
		out.Restore = body
	}
	b, err := marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("encode %s: %d bytes are more than %d", what, len(b), MaxDocument)
	}
	return b, nil
}

// unseal returns the bytes of a document, signed or not, and what vouches for them.
func unseal(what, domain string, b []byte) ([]byte, *Seal, error) {
	if len(b) > MaxDocument {
		return nil, nil, fmt.Errorf("decode %s: %w: %d bytes are more than %d", what, engine.ErrCorrupt, len(b), MaxDocument)
	}
	var in sealed
	if err := json.Unmarshal(b, &in); err != nil {
		return nil, nil, fmt.Errorf("decode %s: %w: %w", what, engine.ErrCorrupt, err)
	}
	body := in.Record
	if domain == restoreDomain {
		body = in.Restore
	}
	switch {
	case len(in.Signatures) > maxSignatures:
		return nil, nil, fmt.Errorf("decode %s: %w: more than %d signatures", what, engine.ErrCorrupt, maxSignatures)
	case body == nil && len(in.Signatures) > 0:
		return nil, nil, fmt.Errorf("decode %s: %w: what is signed is not a %s", what, engine.ErrCorrupt, what)
	case body == nil:
		return b, &Seal{}, nil
	}
	// A decoder hands over the bytes as they are; what it may not do is to lend them.
	body = bytes.Clone(body)
	return body, &Seal{Signatures: in.Signatures, message: append([]byte(domain), body...)}, nil
}

func sign(message []byte, key ed25519.PrivateKey) Signature {
	public := key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]
	return Signature{
		PublicKey: base64.StdEncoding.EncodeToString(public),
		Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key, message)),
	}
}
