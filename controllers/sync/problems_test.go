// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

func TestACorruptMarkerIsNamedAndBlocksNoOther(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(2))
	b.put("main", archive.MarkerKey(here, name(1)), `{"marker":{"format":1`)
	b.put("main", archive.MarkerKey(there, name(3)), `{"marker":{"format":99}}`)
	reads := b.markerReads("main")
	l := b.sync()["main"]
	if got := b.ready(name(2)); !strings.HasPrefix(got, "True Succeeded") {
		t.Errorf("the other: Ready = %s", got)
	}
	for _, part := range []string{"2 of the backups cannot be shown: ", name(1) + " of cluster " + here, name(3) + " of cluster " + there, "99"} {
		if !strings.Contains(l.SyncMessage, part) {
			t.Errorf("syncMessage = %q, want %q in it", l.SyncMessage, part)
		}
	}
	if l.LastSyncTime == nil || l.Backups != 2 {
		t.Errorf("location = %+v, want it synced", l)
	}
	if got := reads(); got != 3 {
		t.Errorf("read %d markers, want 3", got)
	}
	for range 8 {
		b.sync()
	}
	if got := reads(); got != 0 {
		t.Errorf("read %d markers again so soon", got)
	}
	if got := b.told("SyncIncomplete"); len(got) != 1 {
		t.Errorf("events = %q, want one", got)
	}
	b.vanish("main", here, name(1))
	b.vanish("main", there, name(3))
	b.commit("main", here, name(1))
	b.sync() // the tenth reads them again
	if got := b.ready(name(1)); !strings.HasPrefix(got, "True Succeeded") {
		t.Errorf("repaired: Ready = %s", got)
	}
	if l := b.sync()["main"]; l.SyncMessage != "" {
		t.Errorf("syncMessage = %q", l.SyncMessage)
	}
}

func TestAMarkerThatCannotBeReadIsTriedAgain(t *testing.T) {
	b := newBench(t, "main")
	b.commit("main", here, name(1))
	b.commit("main", here, name(2))
	b.stores["main"].Inject(storetest.Fault{Op: storetest.OpOpen, Key: name(1), Effect: storetest.Fail(errors.New("connection reset"))})
	if l := b.sync()["main"]; !strings.Contains(l.SyncMessage, "connection reset") || b.backup(name(2)) == nil {
		t.Errorf("location = %+v", l)
	}
	b.stores["main"].Heal()
	if l := b.sync()["main"]; l.SyncMessage != "" || b.backup(name(1)) == nil {
		t.Errorf("location = %+v", l)
	}
}

func TestAStoreThatFailsEveryReadFailsTheListing(t *testing.T) {
	b := newBench(t, "main")
	for i := range 50 {
		b.commit("main", here, fmt.Sprintf("b-%d", i))
	}
	b.stores["main"].Inject(storetest.Fault{Op: storetest.OpOpen, Key: "/markers/", Effect: storetest.Fail(errors.New("connection reset"))})
	if l := b.sync()["main"]; l.LastSyncTime != nil || !strings.HasPrefix(l.SyncMessage, `list storage location "main": `) {
		t.Errorf("location = %+v", l)
	}
}

func TestWhatTheAPIServerRefusesIsNamed(t *testing.T) {
	b := newBench(t, "main")
	bad := json.RawMessage(`{"template":{"includedNamespaces":["UPPER CASE"]}}`)
	b.commit("main", here, name(1), func(m *archive.Marker) { m.Spec = bad })
	b.commit("main", here, name(2), func(m *archive.Marker) {
		m.Spec, m.Template = bad, json.RawMessage(`{"includedNamespaces":["UPPER CASE"]}`)
	})
	b.commit("main", here, name(3), func(m *archive.Marker) {
		m.Spec, m.Template = json.RawMessage(`{"no":1}`), json.RawMessage(`{"no":1}`)
	})
	b.commit("main", here, name(4), func(m *archive.Marker) { m.Spec = json.RawMessage(`{}`) })
	l := b.sync()["main"]
	if got := b.backup(name(1)); got == nil || got.Spec.Template == nil || got.Spec.Template.StorageLocation != "main" {
		t.Errorf("backup = %+v, want its resolved template as spec", got)
	}
	if b.backup(name(2)) != nil || b.backup(name(3)) != nil {
		t.Error("a backup is shown whose marker says nothing of use")
	}
	if got := b.backup(name(4)); got == nil || got.Spec.Template != nil {
		t.Errorf("backup = %+v, want the empty spec to the letter", got)
	}
	for _, part := range []string{"2 of the backups", name(2), "the API server refuses what its marker says", name(3), "its marker does not say what it covers"} {
		if !strings.Contains(l.SyncMessage, part) {
			t.Errorf("syncMessage = %q, want %q in it", l.SyncMessage, part)
		}
	}
}
