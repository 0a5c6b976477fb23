// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
)

// FuzzLine compares the lines of an index with what encoding/json makes of the
// same entries.
func FuzzLine(f *testing.F) {
	f.Add("apps", "app", "web", "tier", "a \"quoted\" \\ value\n\r\t\x00\x1f", int64(7), true)
	f.Add("", "", "a~<>&\u2028", "", "caf\u00e9 \xff\xfe \xc3", int64(0), false)
	f.Fuzz(func(t *testing.T, group, namespace, name, key, value string, number int64, truth bool) {
		e := Entry{
			Group: group, Version: value, Resource: name, Kind: key, Namespaced: truth, Namespace: namespace, Name: name,
			UID: types.UID(key), Labels: map[string]string{key: value, "b": name, "a": ""}, Excluded: truth, Error: value,
			Size: number, SHA256: key, Offset: number, Member: number, MemberSize: -number,
		}
		if truth {
			e.Annotations = map[string]string{value: key}
			e.Owners = []engine.Owner{{APIVersion: group, Kind: key, Name: name, UID: "u", Controller: &truth}, {BlockOwnerDeletion: new(bool)}}
			e.Needs = []Ref{{Group: group, Resource: name, Namespace: namespace, Name: value}, {}}
			e.Codes = []string{value, ""}
		}
		var w lineWriter
		w.head(&e)
		w.tail(e.Member, e.MemberSize)
		plain, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got, want Entry
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(w.buf, &got); err != nil {
			t.Fatalf("the line cannot be read: %v\n%s", err, w.buf)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the line differs from encoding/json's (-want +got):\n%s", diff)
		}
		if n := len(w.buf); w.buf[n-1] != '\n' || json.Valid(w.buf[:n-1]) == false {
			t.Errorf("not one line: %q", w.buf)
		}
	})
}
