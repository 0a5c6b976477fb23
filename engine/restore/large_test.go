// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// archived is a backup of ConfigMaps of namespace a, whose JSON is given by name.
func archived(t *testing.T, objects map[string][]byte) restore.Source {
	t.Helper()
	var contents, index bytes.Buffer
	w := archive.NewWriter(&contents, &index, time.Unix(0, 0))
	member := w.NewMember()
	for name, raw := range objects {
		must(t, member.Add(archive.Entry{
			Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespaced: true, Namespace: "a", Name: name,
		}, raw))
	}
	must(t, member.Flush())
	must(t, w.Close())
	return sourceOf(t, w, &contents, &index, builtInTypes())
}

// An archive is not trusted: what is in it must not take the memory of every other
// restore.
func TestAnObjectThatNoAPIServerTakesIsNotDecoded(t *testing.T) {
	const size = 24 << 20
	maps := strings.Repeat(`{"a":0},`, size/8)
	huge := fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"a","name":"huge"},"data":[%s{}]}`, maps)
	source := newFakeCluster(t)
	source.add(configMap("v", ""))
	small, err := transform.Encode(source.object("configmaps/a/c"))
	must(t, err)
	src := archived(t, map[string][]byte{"huge": []byte(huge), "c": small})
	target := newFakeCluster(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	report := mustRun(t, target, request(), src, restore.Options{})
	runtime.ReadMemStats(&after)
	want := []string{fmt.Sprintf("configmaps/a/huge: has %d bytes, and an API server takes at most %d: it is not restored", len(huge), 3<<20)}
	if diff := cmp.Diff(want, report.Errors); diff != "" {
		t.Errorf("Errors (-want +got):\n%s", diff)
	}
	if target.object("configmaps/a/c") == nil {
		t.Error("the object beside it did not come back")
	}
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 8*size>>20 {
		t.Errorf("the restore allocated %d MiB for an object of %d MiB", took, size>>20)
	}
}

// The API server writes six bytes for a character that means something in HTML.
func TestAnObjectThatIsLargeOnlyAsItWasWrittenComesBack(t *testing.T) {
	page := strings.Repeat("<p>&", 200<<10)
	raw, err := json.Marshal(transform.Manifest{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": transform.Manifest{"namespace": "a", "name": "page"},
		"data": transform.Manifest{"index.html": page},
	})
	must(t, err)
	if len(raw) < 3<<20 {
		t.Fatalf("%d bytes: the test would prove nothing", len(raw))
	}
	target := newFakeCluster(t)
	report := mustRun(t, target, request(), archived(t, map[string][]byte{"page": raw}), restore.Options{})
	if got := transform.Text(target.object("configmaps/a/page"), "data", "index.html"); got != page {
		t.Errorf("%d bytes came back of %d: %v", len(got), len(page), report.Errors)
	}
}
