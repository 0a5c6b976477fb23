// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// aPod is an object as API servers send them.
const aPod = `{"metadata":{"name":"web-1","namespace":"shop","uid":"0f6a8a4e-3c9b-4c57-a7f4-8a0d39d0f0b2","resourceVersion":"17",` +
	`"generation":3,"creationTimestamp":"2026-03-01T10:00:00Z","labels":{"app":"web","tier":""},"annotations":{"a":"{\"b\":[1]}\n"},` +
	`"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"u","controller":true,"blockOwnerDeletion":true}],` +
	`"finalizers":["x"],"managedFields":[{"manager":"m","fieldsV1":{"f:metadata":{"f:name":{}}}}]},` +
	`"spec":{"containers":[{"name":"a","args":["--x=\"}\\","]"]}],"n":-1.5e3,"t":true,"z":null},"status":{}}`

// TestScanningUnderstandsWhatAPIServersSend keeps the fast way in use: the slow
// one would hide that it is not.
func TestScanningUnderstandsWhatAPIServersSend(t *testing.T) {
	for name, raw := range map[string]string{
		"an object of a list":        aPod,
		"an object by itself":        `{"kind":"Pod","apiVersion":"v1",` + aPod[1:],
		"white space":                " { \"metadata\" : { \"name\" : \"a\" , \"labels\" : { } } \n, \"data\" : { \"k\" : [ 1 , 2 ] } } \n",
		"no labels":                  `{"metadata":{"name":"a"}}`,
		"nothing of interest":        `{}`,
		"a deletion":                 `{"metadata":{"name":"a","deletionTimestamp":"2026-03-01T10:00:00Z"}}`,
		"fields that differ by case": `{"metadata":{"name":"a"},"Metadata":{"name":"b"},"KIND":1}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := scanHeader([]byte(raw), names{})
			if !ok {
				t.Fatal("was left to the decoder")
			}
			want, err := decodeHeader([]byte(raw))
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%v (-decoded +scanned):\n%s", err, diff)
			}
		})
	}
}

func TestScanningLeavesToTheDecoder(t *testing.T) {
	for name, raw := range map[string]string{
		"metadata twice":        `{"metadata":{"name":"a"},"metadata":{"name":"b"}}`,
		"a kind twice":          `{"kind":"A","kind":"B","metadata":{"name":"a"}}`,
		"a name twice":          `{"metadata":{"name":"a","name":"b"}}`,
		"a label twice":         `{"metadata":{"name":"a","labels":{"x":"1","x":"2"}}}`,
		"a name with an escape": `{"met\u0061data":{"name":"a"}}`,
		"null":                  `null`,
		"null labels":           `{"metadata":{"name":"a","labels":null}}`,
		"a null time":           `{"metadata":{"name":"a","creationTimestamp":null}}`,
		"a name of a number":    `{"metadata":{"name":1}}`,
		"a number as a label":   `{"metadata":{"name":"a","labels":{"x":1}}}`,
		"owners of no list":     `{"metadata":{"name":"a","ownerReferences":{}}}`,
		"no UTF-8":              "{\"metadata\":{\"name\":\"\xff\"}}",
		"a control character":   "{\"metadata\":{\"name\":\"a\nb\"}}",
		"no end":                `{"metadata":{"name":"a"}`,
		"no end of a string":    `{"metadata":{"name":"a`,
		"something behind it":   `{"metadata":{"name":"a"}}x`,
		"no comma":              `{"metadata":{"name":"a"}"b":1}`,
		"no value":              `{"metadata":{"name":"a"},"b":}`,
		"too deep":              `{"x":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			if h, ok := scanHeader([]byte(raw), nil); ok {
				t.Errorf("was understood: %+v", h)
			}
		})
	}
}

func TestAnObjectCutShortAnywhereIsNotUnderstood(t *testing.T) {
	for n := range len(aPod) {
		if _, ok := scanHeader([]byte(aPod[:n]), nil); ok {
			t.Fatalf("understood %q", aPod[:n])
		}
	}
}

// TestScanningNeverContradictsTheDecoder changes bytes of an object at random.
func TestScanningNeverContradictsTheDecoder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const bytes = `"\{}[]:,ntu0a1 -` + "\x00\xff\n"
	for range 20_000 {
		raw := []byte(aPod)
		for range 1 + r.IntN(3) {
			raw[r.IntN(len(raw))] = bytes[r.IntN(len(bytes))]
		}
		checkScan(t, raw)
	}
}

func FuzzScanHeader(f *testing.F) {
	f.Add([]byte(aPod))
	f.Add([]byte(`{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"a","labels":{"x":"y"}},"data":{"k":"\\"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) { checkScan(t, raw) })
}

// checkScan compares the two ways to read a header, where both understand it.
func checkScan(t *testing.T, raw []byte) {
	t.Helper()
	got, ok := scanHeader(raw, names{})
	if !ok {
		return
	}
	want, err := decodeHeader(raw)
	if err != nil {
		return // what is skipped need not be JSON
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("%q (-decoded +scanned):\n%s", raw, diff)
	}
}

func TestNamesAreBounded(t *testing.T) {
	n := names{}
	for i := range 2 * maxNames {
		n.of([]byte(strings.Repeat("x", i%100) + string(rune('a'+i%26)) + strings.Repeat("y", i/100)))
	}
	if len(n) > maxNames {
		t.Errorf("%d names are remembered", len(n))
	}
}
