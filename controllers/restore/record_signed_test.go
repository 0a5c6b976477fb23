// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// signing makes the location sign, with a key in a Secret of that name.
func (f *fixture) signing(name string, change func(*v1alpha1.ConfigSpec)) {
	f.t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		f.t.Fatal(err)
	}
	f.create(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name},
		Data:       map[string][]byte{"ed25519.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
	})
	f.config(func(s *v1alpha1.ConfigSpec) {
		s.Storage[0].Signing = &v1alpha1.Signing{SecretName: name}
		s.TrustedKeys = []v1alpha1.TrustedKey{{Name: "ours", PublicKey: base64.StdEncoding.EncodeToString(public)}}
		change(s)
	})
}

// editRecord changes the record of a restore behind Ark's back, and returns whether it
// was there.
func (f *fixture) editRecord(name string, edit func([]byte) []byte) {
	f.t.Helper()
	found, err := f.catalog.FindRestore(f.t.Context(), f.uid, name)
	if err != nil {
		f.t.Fatal(err)
	}
	at := archive.RestoreKey(f.uid, name, found.UID, archive.RestoreFile)
	r, err := f.store.Open(f.t.Context(), at, 0, -1)
	if err != nil {
		f.t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		f.t.Fatal(err)
	}
	if err := f.store.Delete(f.t.Context(), at); err != nil {
		f.t.Fatal(err)
	}
	storetest.Put(f.t, f.store, at, string(edit(content)))
}

// A record is believed only where a trusted key signed it: anybody who writes to the
// bucket could otherwise have a restore believed to be over that was denied.
func TestARecordIsBelievedWhereItIsVerified(t *testing.T) {
	denyAll := func(s *v1alpha1.ConfigSpec) {
		s.Rules = []v1alpha1.Rule{{Name: "no", Rego: `package ark.restore

# METADATA
# title: No
# description: Nothing is restored.
deny contains {"code": "no", "msg": "nothing is restored"} if true
`}}
	}
	anything := func(*v1alpha1.ConfigSpec) {}
	strip := func(b []byte) []byte {
		return bytes.TrimPrefix(b[:bytes.Index(b, []byte(`,"signatures":`))], []byte(`{"restore":`))
	}
	tests := map[string]struct {
		rules func(*v1alpha1.ConfigSpec)
		edit  func([]byte) []byte
		want  string
	}{
		"one that is as it was written": {
			anything, func(b []byte) []byte { return b }, "True Succeeded: ",
		},
		"a denial that was made a success": {
			denyAll, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"reason":"Denied"`), []byte(`"reason":"Succeeded"`), 1)
			},
			"False NameTaken: a restore of this name may have run, or somebody wants that to be believed: its record, attempt ",
		},
		"a denial that was made a success, without its signature": {
			denyAll, func(b []byte) []byte {
				return bytes.Replace(strip(b), []byte(`"reason":"Denied"`), []byte(`"reason":"Succeeded"`), 1)
			},
			"False NameTaken: a restore of this name may have run, or somebody wants that to be believed: its record, attempt ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.signing("record-signing-"+f.into, tc.rules)
			f.restore("again")
			f.settle("again")
			f.editRecord("again", tc.edit)
			if err := f.client.Delete(t.Context(), f.get("again")); err != nil {
				t.Fatal(err)
			}
			f.restart()
			f.restore("again")
			hasPrefix(t, "Ready", f.settle("again"), tc.want)
			if st := f.get("again").Status; (st.Results != nil) != (tc.want[:4] == "True") {
				t.Errorf("status = %+v", st)
			}
		})
	}
}

// The day a key is lost may be the day on which a restore is needed.
func TestALostKeyStopsNoRestore(t *testing.T) {
	f := setUp(t)
	f.signing("lost-signing-"+f.into, func(*v1alpha1.ConfigSpec) {})
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "lost-signing-" + f.into}}
	if err := f.client.Delete(t.Context(), secret); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	f.restore("unsigned")
	hasPrefix(t, "Ready", f.settle("unsigned"), "True Succeeded: ")
	if warnings := f.get("unsigned").Status.Warnings; len(warnings) == 0 || !bytes.HasPrefix([]byte(warnings[len(warnings)-1]), []byte("the record of this restore is not signed, so that this name cannot be applied again: ")) {
		t.Errorf("warnings = %q", warnings)
	}
}
