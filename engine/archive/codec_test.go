// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

const (
	storeID    = "5a1c0de0-0000-4000-8000-000000000001"
	clusterUID = "0e8d1c6a-6f5c-4b8e-9d6f-0a1b2c3d4e5f"
)

var digest = strings.Repeat("0123456789abcdef", 4)

// marker has every field.
func marker() *archive.Marker {
	return &archive.Marker{
		Format: 1, Store: storeID, Cluster: archive.Cluster{UID: clusterUID, Name: "prod"},
		Name: "app.nightly-20260517030405", Attempt: "20260517030405-1", Tool: "ark v1",
		Schedule: "app.nightly", Policy: "app",
		Spec:     json.RawMessage(`{"policyName":"<app> & \u2028"}`),
		Template: json.RawMessage(`{"includedNamespaces":["app"]}`),
		Rules:    &archive.Rules{Digest: "sha256:" + digest, Count: 3},
		Created:  mtime, Started: mtime.Add(time.Nanosecond), Completed: mtime.Add(time.Minute), Expires: mtime.Add(720 * time.Hour),
		Completeness: archive.Partial,
		Objects:      archive.Counts{Included: 10, Excluded: 2, Failed: 1},
		Resources: map[string]archive.ResourceSummary{
			"configmaps":       {Counts: archive.Counts{Included: 10}, Version: "v1", Kind: "ConfigMap", Namespaced: true, Revision: "4711"},
			"deployments.apps": {Counts: archive.Counts{Excluded: 2}, Version: "v1", Kind: "Deployment", Namespaced: true},
		},
		ExcludedBy: map[string]int64{"opt-out": 2},
		Warnings:   []string{"group metrics.k8s.io/v1beta1 does not answer"},
		Errors:     []string{"configmaps/app/x: <cut short>"},
		Files: map[string]archive.File{
			archive.ContentsFile: {Size: 1 << 40, SHA256: digest},
			archive.IndexFile:    {Size: 0, SHA256: digest},
		},
	}
}

func record() *archive.Record {
	expires := mtime.Add(time.Hour)
	return &archive.Record{
		Format: 1, Store: storeID, Cluster: clusterUID, Name: "nightly", Seq: 7, Type: archive.RecordExtend,
		Time: mtime, By: clusterUID, Reason: "kept for the auditors", Expires: &expires,
	}
}

func identity() *archive.Identity {
	return &archive.Identity{Format: 1, ID: storeID, Created: mtime, Tool: "ark v1"}
}

func restoreSummary() *archive.RestoreSummary {
	return &archive.RestoreSummary{
		Format: 1, Store: storeID, Cluster: archive.Cluster{UID: clusterUID}, Name: "back", UID: clusterUID, Tool: "ark v1",
		Backup: &archive.BackupRef{Cluster: clusterUID, Name: "nightly", Digest: "sha256:" + digest},
		Spec:   json.RawMessage(`{}`), Status: json.RawMessage(`{"a":1}`), Started: mtime, Completed: mtime,
		Completeness: archive.None, Reason: "Denied", Message: "two rules deny",
		Files: map[string]archive.File{archive.PlanFile: {Size: 3, SHA256: digest}},
	}
}

func TestDocumentsComeBackAsTheyWere(t *testing.T) {
	encoded, err := archive.EncodeMarker(marker())
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := archive.DecodeMarker(encoded)
	if diff := cmp.Diff(marker(), m); err != nil || diff != "" {
		t.Errorf("marker: %v, mismatch (-want +got):\n%s", err, diff)
	}
	checkRoundTrip(t, "record", record(), encodeRecord, decodeRecord)
	checkRoundTrip(t, "identity", identity(), archive.EncodeIdentity, archive.DecodeIdentity)
	checkRoundTrip(t, "restore", restoreSummary(), encodeRestore, decodeRestore)
}

func checkRoundTrip[T any](t *testing.T, what string, want *T, encode func(*T) ([]byte, error), decode func([]byte) (*T, error)) {
	t.Helper()
	b, err := encode(want)
	if err != nil {
		t.Fatalf("encode %s: %v", what, err)
	}
	got, err := decode(b)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%s: %v, mismatch (-want +got):\n%s", what, err, diff)
	}
}

func TestEncodeMarkerMakesMessagesFit(t *testing.T) {
	m := marker()
	m.Warnings = []string{"\x1b[2J"}
	m.Errors = make([]string, 1000)
	b, err := archive.EncodeMarker(m)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := archive.DecodeMarker(b)
	if err != nil || got.Warnings[0] != "\uFFFD[2J" || len(got.Errors) != 100 {
		t.Errorf("DecodeMarker() = %q and %d errors, %v", got.Warnings, len(got.Errors), err)
	}
	if len(m.Errors) != 1000 || m.Warnings[0] != "\x1b[2J" {
		t.Error("EncodeMarker() changed what it was given")
	}
}

// broken documents, as a change to the JSON of a good one: each old is replaced
// by new, and the error is to say says.
type change struct{ old, new, says string }

func TestDecodeMarkerRefuses(t *testing.T) {
	checkRefused(t, map[string]change{
		"no format":                  {`"format":1`, `"format":0`, "format 0"},
		"a store that is none":       {`"store":"5a1c`, `"store":"../5a1c`, `store "../5a1c`},
		"a cluster that is none":     {`"uid":"0e8d`, `"uid":"../`, "cluster.uid"},
		"a cluster name with escape": {`"name":"prod"`, `"name":"\u001b[2J"`, "cluster.name"},
		"a name with a slash":        {`"name":"app.nightly-`, `"name":"../`, "name"},
		"a long name":                {`"name":"app.nightly-`, `"name":"` + strings.Repeat("a.", 100), "choose a shorter one"},
		"an attempt that climbs":     {`"attempt":"2026`, `"attempt":"../`, "attempt"},
		"a tool with escape":         {`"tool":"ark`, `"tool":"\u001b`, "tool"},
		"a schedule that is none":    {`"schedule":"app.`, `"schedule":"app/`, "schedule"},
		"a policy that is none":      {`"policy":"app"`, `"policy":"App"`, "policy"},
		"a spec that is none":        {`"spec":{`, `"spec":[{}],"x":{`, "spec"},
		"a template that is none":    {`"template":{`, `"template":"t","x":{`, "template"},
		"rules without digest":       {`"digest":"sha256:`, `"digest":"md5:`, "rules.digest"},
		"a negative count of rules":  {`"count":3`, `"count":-3`, "rules.count"},
		"no completeness":            {`"completeness":"Partial"`, `"completeness":"None"`, "completeness"},
		"a time before all times":    {`"created":"2026`, `"created":"0001`, "created"},
		"a time that is none":        {`"created":"2026`, `"created":"2026!`, "time"},
		"a negative count":           {`"failed":1`, `"failed":-1`, "objects"},
		"a count beyond integers":    {`"failed":1`, `"failed":1e99`, "failed"},
		"a type that is none":        {`"deployments.apps"`, `"deployments/apps"`, "resource"},
		"a type that ends in a dot":  {`"deployments.apps"`, `"deployments."`, "dot"},
		"a version that is none":     {`"version":"v1"`, `"version":"../"`, "version"},
		"a kind that is none":        {`"kind":"ConfigMap"`, `"kind":"a/b"`, "kind"},
		"a revision with escape":     {`"revision":"4711"`, `"revision":"\u001b"`, "revision"},
		"a negative count of a type": {`"included":10,"excluded":0`, `"included":-10,"excluded":0`, "resources"},
		"a code that is none":        {`"opt-out"`, `"opt out"`, "excludedBy"},
		"a negative count of a code": {`"opt-out":2`, `"opt-out":-2`, "excludedBy"},
		"a warning with escape":      {`"warnings":["`, `"warnings":["\u001b`, "message"},
		"too many warnings":          {`"warnings":["`, `"warnings":[` + strings.Repeat(`"",`, 100) + `"`, "messages"},
		"a file that climbs":         {`"files":{`, `"files":{"../x":{},`, "files"},
		"a file of negative size":    {`"size":0`, `"size":-1`, "files.size"},
		"a file beyond all stores":   {`"size":0`, `"size":9007199254740993`, "files.size"},
		"a file without digest":      {`"size":0,"sha256":"0`, `"size":0,"sha256":"`, "files.sha256"},
		"no index":                   {`"index.jsonl.gz"`, `"index2.jsonl.gz"`, `"index.jsonl.gz" is missing`},
		"too many files":             {`"files":{`, `"files":{` + many(64, `"f%d":{},`), "files"},
		"too many codes":             {`"excludedBy":{`, `"excludedBy":{` + many(1000, `"c%d":1,`), "excludedBy"},
		"too many types":             {`"resources":{`, `"resources":{` + many(10000, `"r%d":{},`), "resources"},
		"what never ends":            {`{"format"`, strings.Repeat(" ", archive.MaxDocument) + `{"format"`, "more than"},
	}, func() []byte {
		b, err := archive.EncodeMarker(marker())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}, func(b []byte) error { _, _, err := archive.DecodeMarker(b); return err })
}

func many(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestDecodeRecordRefuses(t *testing.T) {
	checkRefused(t, map[string]change{
		"no format":                 {`"format":1`, `"format":-1`, "format"},
		"a store that is none":      {`"store":"`, `"store":"x`, "store"},
		"a cluster that is none":    {`"cluster":"`, `"cluster":"x`, "cluster"},
		"a writer that is none":     {`"by":"`, `"by":"x`, "by"},
		"a name that climbs":        {`"name":"`, `"name":"../`, "name"},
		"the number nought":         {`"seq":7`, `"seq":0`, "seq"},
		"a number beyond all":       {`"seq":7`, `"seq":10001`, "seq"},
		"no time":                   {`"time":"2026`, `"time":"0000`, "time"},
		"a reason with escape":      {`"reason":"`, `"reason":"\u001b`, "reason"},
		"an extension without time": {`"expires":"2026`, `"x":"2026`, "expires"},
		"a hold with an expiry":     {`"extend"`, `"hold"`, "expires"},
		"what is no JSON":           {`{`, ``, "decode record"},
	}, func() []byte {
		b, err := archive.EncodeRecord(record())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}, func(b []byte) error { _, _, err := archive.DecodeRecord(b); return err })
}

func TestDecodeIdentityRefuses(t *testing.T) {
	checkRefused(t, map[string]change{
		"no format":          {`"format":1,`, ``, "format"},
		"an id that is none": {`"id":"5`, `"id":"Z`, "id"},
		"no time":            {`"created":"2026`, `"created":"0001`, "created"},
		"a tool with escape": {`"tool":"`, `"tool":"\u001b`, "tool"},
	}, func() []byte {
		b, err := archive.EncodeIdentity(identity())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}, func(b []byte) error { _, err := archive.DecodeIdentity(b); return err })
}

func TestDecodeRestoreRefuses(t *testing.T) {
	checkRefused(t, map[string]change{
		"no format":                   {`"format":1`, `"format":0`, "format"},
		"a store that is none":        {`"store":"`, `"store":"x`, "store"},
		"a cluster that is none":      {`"cluster":{"uid":"`, `"cluster":{"uid":"x`, "cluster.uid"},
		"a name that climbs":          {`"name":"back"`, `"name":"../"`, "name"},
		"a uid that climbs":           {`"back","uid":"`, `"back","uid":"../`, "uid"},
		"a backup of no cluster":      {`"backup":{"cluster":"`, `"backup":{"cluster":"x`, "backup.cluster"},
		"a backup that climbs":        {`"name":"nightly"`, `"name":"../"`, "name"},
		"a backup without digest":     {`"digest":"sha256:`, `"digest":"`, "backup.digest"},
		"a spec that is none":         {`"spec":{`, `"spec":3,"x":{`, "spec"},
		"a status that is none":       {`"status":{`, `"status":"x","y":{`, "status"},
		"no completeness":             {`"None"`, `"none"`, "completeness"},
		"a reason that is none":       {`"reason":"`, `"reason":"../`, "reason"},
		"a message with escape":       {`"message":"`, `"message":"\u001b`, "message"},
		"a time that is out of range": {`"started":"2026`, `"started":"1926`, "started"},
		"a file that climbs":          {`"plan.jsonl.gz"`, `"../plan"`, "files"},
	}, func() []byte {
		b, err := archive.EncodeRestore(restoreSummary())
		if err != nil {
			t.Fatal(err)
		}
		return b
	}, func(b []byte) error { _, _, err := archive.DecodeRestore(b); return err })
}

func checkRefused(t *testing.T, changes map[string]change, good func() []byte, decode func([]byte) error) {
	t.Helper()
	for name, c := range changes {
		t.Run(name, func(t *testing.T) {
			before := string(good())
			after := strings.Replace(before, c.old, c.new, 1)
			if after == before {
				t.Fatalf("%s does not say %s", before, c.old)
			}
			err := decode([]byte(after))
			if !errors.Is(err, engine.ErrCorrupt) || errors.Is(err, archive.ErrUnknownFormat) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error = %v, want ErrCorrupt saying %q", err, c.says)
			}
		})
	}
}

func TestWhatALaterVersionWroteIsNotCorrupt(t *testing.T) {
	for name, decode := range map[string]func() error{
		"marker": func() error {
			_, _, err := archive.DecodeMarker([]byte(`{"marker":{"format":2,"files":["a"]}}`))
			return err
		},
		"identity": func() error { _, err := archive.DecodeIdentity([]byte(`{"format":3}`)); return err },
		"record":   func() error { _, _, err := archive.DecodeRecord([]byte(`{"format":2,"seq":"a"}`)); return err },
		"restore":  func() error { _, _, err := archive.DecodeRestore([]byte(`{"format":2}`)); return err },
		"a type of record": func() error {
			b, err := archive.EncodeRecord(record())
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = archive.DecodeRecord(bytes.Replace(b, []byte(`"extend"`), []byte(`"legal"`), 1))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := decode()
			if !errors.Is(err, archive.ErrUnknownFormat) || errors.Is(err, engine.ErrCorrupt) || !strings.Contains(err.Error(), "use a newer version") {
				t.Errorf("error = %v, want only ErrUnknownFormat with its cure", err)
			}
		})
	}
}

func TestEncodeRefusesWhatCouldNotBeRead(t *testing.T) {
	m := marker()
	m.Template = json.RawMessage(`{"a":"` + strings.Repeat("x", archive.MaxDocument) + `"}`)
	if _, err := archive.EncodeMarker(m); err == nil || !strings.Contains(err.Error(), "more than 1048576") {
		t.Errorf("EncodeMarker() error = %v", err)
	}
	r := record()
	r.Name = "../x"
	if _, err := archive.EncodeRecord(r); err == nil || !strings.Contains(err.Error(), `name "../x"`) {
		t.Errorf("EncodeRecord() error = %v", err)
	}
}
