// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

// sign replaces the marker of the first backup with a signed one, which spoil may
// change afterwards.
func (f *fixture) sign(key ed25519.PrivateKey, spoil func([]byte) []byte) {
	f.t.Helper()
	ctx, at := f.t.Context(), archive.MarkerKey(f.uid, "first")
	r, err := f.store.Open(ctx, at, 0, -1)
	if err != nil {
		f.t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		f.t.Fatal(err)
	}
	m, _, err := archive.DecodeMarker(content)
	if err != nil {
		f.t.Fatal(err)
	}
	if content, err = archive.EncodeMarker(m, key); err != nil {
		f.t.Fatal(err)
	}
	if err := f.store.Delete(ctx, at); err != nil {
		f.t.Fatal(err)
	}
	storetest.Put(f.t, f.store, at, string(spoil(content)))
}

func TestSignaturesAreVerifiedBeforeARestore(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	trust := []v1alpha1.TrustedKey{{Name: "ours", PublicKey: base64.StdEncoding.EncodeToString(public)}}
	signedOnly := []v1alpha1.Rule{{Name: "signed", Library: "restore/signed-only"}}
	as := func(from, to string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(from), []byte(to), 1) }
	}
	untouched := as("", "")
	claims := func(denied string) []v1alpha1.Rule {
		return []v1alpha1.Rule{{Name: "said", Rego: `package ark.restore

import rego.v2

said contains sprintf("claimed-%s", [input.backup.claimed.completeness])

said contains sprintf("known-%s", [input.backup.completeness])

# METADATA
# title: What is said
# description: What the marker says of itself.
deny contains {"code": "said", "msg": msg} if {
	said == {"` + denied + `"}
	msg := "it is ` + denied + `"
}
`}}
	}
	tests := map[string]struct {
		spec  func(*v1alpha1.ConfigSpec)
		spoil func([]byte) []byte
		want  string
	}{
		"a backup that a trusted key signed passes a rule that insists on it": {
			spec: func(s *v1alpha1.ConfigSpec) { s.TrustedKeys, s.Rules = trust, signedOnly }, spoil: untouched,
			want: "True Succeeded: ",
		},
		"one that a stranger signed does not": {
			spec: func(s *v1alpha1.ConfigSpec) { s.Rules = signedOnly }, spoil: untouched,
			want: "False Denied: the Config denied the restore, and nothing was written: backup first is UnknownKey",
		},
		"what the marker of one that a stranger signed says is a claim to rules": {
			spec: func(s *v1alpha1.ConfigSpec) { s.Rules = claims("claimed-Complete") }, spoil: untouched,
			want: "False Denied: the Config denied the restore, and nothing was written: it is claimed-Complete (said)",
		},
		"what that of one that a trusted key signed says is no claim": {
			spec: func(s *v1alpha1.ConfigSpec) { s.TrustedKeys, s.Rules = trust, claims("known-Complete") }, spoil: untouched,
			want: "False Denied: the Config denied the restore, and nothing was written: it is known-Complete (said)",
		},
		"without a rule it does": {
			spec: func(*v1alpha1.ConfigSpec) {}, spoil: untouched,
			want: "True Succeeded: ",
		},
		"one that was changed after it was signed is refused without any rule": {
			spec:  func(s *v1alpha1.ConfigSpec) { s.TrustedKeys = trust },
			spoil: as(`"included":3`, `"included":4`),
			want:  `False ArchiveInvalid: backup "first" in location "main" was changed after it was signed`,
		},
		"so is one whose key is not known": {
			spec:  func(*v1alpha1.ConfigSpec) {},
			spoil: as(`"included":3`, `"included":4`),
			want:  `False ArchiveInvalid: backup "first" in location "main" was changed after it was signed`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.config(tc.spec)
			f.sign(key, tc.spoil)
			f.restore("signed")
			ready := f.settle("signed")
			hasPrefix(t, "Ready", ready, tc.want)
			if there := f.there(); there != (ready[:4] == "True") {
				t.Errorf("restored: %t", there)
			}
		})
	}
}
