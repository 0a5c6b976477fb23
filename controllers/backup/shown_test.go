// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"encoding/json"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// commit puts a backup of this cluster into storage, asked for by spec.
func (f *fixture) commit(name, spec string) *catalog.Snapshot {
	f.t.Helper()
	a, err := f.catalog().NewAttempt(f.uid, name, "elsewhere")
	if err != nil {
		f.t.Fatal(err)
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		w, err := a.File(f.t.Context(), file)
		if err != nil || w.Close() != nil {
			f.t.Fatal(err)
		}
	}
	now := f.clock.Now()
	snapshot, err := a.Commit(f.t.Context(), archive.Marker{
		Cluster: archive.Cluster{Name: "lab"}, Policy: "shop", Spec: json.RawMessage(spec),
		Template: json.RawMessage(`{"includedNamespaces":["backup-test"],"ttl":"1h0m0s","storageLocation":"main"}`),
		Created:  now, Started: now, Completed: now, Expires: now.Add(time.Hour), Completeness: archive.Complete,
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return snapshot
}

// show makes the object of a stored backup, as sync does.
func (f *fixture) show(snapshot *catalog.Snapshot) {
	f.t.Helper()
	spec, err := projection.Spec(snapshot.Marker)
	if err != nil {
		f.t.Fatal(err)
	}
	b := &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: snapshot.Marker.Name, Labels: projection.Labels(snapshot.Marker, f.uid)},
		Spec:       spec,
	}
	f.create(b)
	b.Status.Origin = &v1alpha1.BackupOrigin{}
	projection.Status(b, snapshot, nil, []string{"main"}, f.clock.Now())
	if err := f.client.Status().Update(f.t.Context(), b); err != nil {
		f.t.Fatal(err)
	}
}

// A later version may write fields into the spec that this one does not know. Sync
// then writes the resolved template into the object.
func TestABackupThatIsShownByItsTemplateLeaves(t *testing.T) {
	const laterSpec = `{"policyName":"shop","urgency":"high"}`
	t.Run("when its time is up", func(t *testing.T) {
		f := setUp(t)
		f.show(f.commit("later", laterSpec))
		f.clock.Advance(2 * time.Hour)
		if got := f.settle("later"); got != "gone" {
			t.Errorf("Ready = %q, want it gone", got)
		}
		if f.stored("later") != nil {
			t.Error("its data is still there")
		}
	})
	t.Run("when it is to be deleted", func(t *testing.T) {
		f := setUp(t)
		f.show(f.commit("later", laterSpec))
		f.change("later", deletion)
		if got := f.settle("later"); got != "gone" {
			t.Errorf("Ready = %q, want it gone", got)
		}
		if tombstone, ok, err := f.catalog().Deletion(t.Context(), f.uid, "later"); err != nil || !ok || tombstone.Reason != "a test" {
			t.Errorf("Deletion() = %+v, %v, %v, want the reason on record", tombstone, ok, err)
		}
	})
	t.Run("but an object that asks for something else stays refused", func(t *testing.T) {
		f := setUp(t)
		f.commit("later", laterSpec)
		f.backup("later", func(b *v1alpha1.Backup) { b.Spec.Template.IncludedNamespaces = []string{"*"} })
		hasPrefix(t, "Ready", f.settle("later"), "False NameTaken: storage holds a backup of this name from ")
	})
}
