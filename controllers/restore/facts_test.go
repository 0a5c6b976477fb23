// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"testing"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/policies"
)

// What gates may know and nobody tells them would be a gate that never closes.
func TestGatesAreToldEverythingThatTheyMayKnowOfARestore(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := &v1alpha1.Config{Spec: v1alpha1.ConfigSpec{
		ClusterName: "stage",
		TrustedKeys: []v1alpha1.TrustedKey{{Name: "ours", PublicKey: base64.StdEncoding.EncodeToString(public)}},
	}}
	told := func(keys ...ed25519.PrivateKey) policies.RestoreFacts {
		t.Helper()
		marker := &archive.Marker{
			Cluster: archive.Cluster{UID: "u", Name: "prod"}, Name: "b", Policy: "p", Completeness: "Complete", Started: time.Unix(1, 0),
		}
		raw, err := json.Marshal(marker)
		if err != nil {
			t.Fatal(err)
		}
		envelope := &archive.Envelope{Marker: raw}
		for _, key := range keys {
			archive.Sign(envelope, key)
		}
		s := newScope(&v1alpha1.Restore{}, time.Unix(100, 0))
		s.restore.Name, s.cfg, s.backup = "r", cfg, &v1alpha1.Backup{}
		s.backup.Name = "b"
		s.snapshot = &catalog.Snapshot{Marker: marker, Envelope: envelope}
		return (&Reconciler{ClusterUID: "here"}).facts(s)
	}
	if unset := controllertest.Unset(told(key), told()); unset != nil {
		t.Errorf("fields that are never set: %q", unset)
	}
}
