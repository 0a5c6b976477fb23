// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestWhatAnAnswerHolds(t *testing.T) {
	const sent = `{"kind":"A","metadata":{"name":"a","labels":{"ark-restore":"r","x":"y"},"uid":"old"},
		"spec":{"n":9223372036854775807,"f":0.5,"t":"<ü\n","b":true,"list":[{"a":1},"z"],"none":null,"empty":{}}}`
	whole := strings.NewReplacer("\n\t\t", "", `,"none":null,"empty":{}`, `,"empty":{},"more":[1,{"c":"}]\""}]`, `"old"`, `"new"`,
		`"ark-restore":"r",`, ``, `<`, `\u003c`, `"kind"`, ` "status" : {"x":[]} , "kind"`).Replace(sent)
	for name, tc := range map[string]struct {
		answer string
		want   bool
	}{
		"itself":                            {sent, true},
		"what an API server makes of it":    {whole, true},
		"what it writes over several lines": {strings.ReplaceAll(whole, ",", " ,\n\t"), true},
		"another text":                      {strings.Replace(whole, "ü", "u", 1), false},
		"another number":                    {strings.Replace(whole, "807", "806", 1), false},
		"another fraction":                  {strings.Replace(whole, "0.5", "0.25", 1), false},
		"another truth":                     {strings.Replace(whole, "true", "false", 1), false},
		"a label less":                      {strings.Replace(whole, `"x":"y"`, ``, 1), false},
		"a field less":                      {strings.Replace(whole, `"b":true,`, ``, 1), false},
		"a field less and another twice":    {strings.Replace(whole, `"b":true`, `"f":0.5`, 1), false},
		"an empty object less":              {strings.Replace(whole, `"empty":{},`, ``, 1), false},
		"an empty object that is null":      {strings.Replace(whole, `"empty":{}`, `"empty":null`, 1), false},
		"an element less":                   {strings.Replace(whole, `,"z"]`, `]`, 1), false},
		"an element more":                   {strings.Replace(whole, `,"z"]`, `,"z",1]`, 1), false},
		"another type":                      {strings.Replace(whole, `[{"a":1},"z"]`, `{}`, 1), false},
		"half of it":                        {whole[:len(whole)/2], false},
		"more behind it":                    {whole + "{}", false},
		"nothing":                           {"", false},
		"null":                              {"null", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := transform.Holds(decode(t, sent), []byte(tc.answer)); got != tc.want {
				t.Errorf("Holds() = %v, want %v: %s", got, tc.want, tc.answer)
			}
		})
	}
}

// FuzzHolds holds what is told of bytes to what is told of what they decode to, by
// Changed and by a second, plain opinion.
func FuzzHolds(f *testing.F) {
	f.Add([]byte(`{"metadata":{"labels":{"a":"b"}},"spec":{"n":1,"list":[1,null,{"x":"\u003c"}]}}`), []byte(`{"metadata":{"labels":{"a":"b","c":"d"},"uid":"u"},"spec":{"n":1.0,"list":[1,null,{"x":"<"}]},"status":{}}`))
	f.Add([]byte(`{"a":{"b":{}},"c":[]}`), []byte(`{"a":{"b":null},"a":1}`))
	f.Add([]byte(`{"a":{"b":{},"c":[]}}`), []byte(`{"a":{}}`))
	f.Add([]byte(`{"spec":{"selector":{}}}`), []byte(`{"spec":{}}`))
	f.Add([]byte(`{"a":-0,"b":1e3}`), []byte(`{"b":1000,"a":0}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		sent, err := transform.Decode(a)
		if err != nil {
			return
		}
		made, err := transform.Decode(b)
		if err == nil && transform.Holds(sent, b) {
			if changed := transform.Changed(sent, made); len(changed) > 0 {
				t.Errorf("Holds(), and yet %v changed", changed)
			}
			if lost := lost(sent, made, ""); lost != "" {
				t.Errorf("Holds(), and yet %s is lost", lost)
			}
		}
		raw, err := transform.Encode(sent)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(raw), ":") <= 64 && !strings.Contains(string(raw), `\`) && !transform.Holds(sent, raw) {
			t.Errorf("an object does not hold itself: %s", raw)
		}
	})
}

// lost names a value that was sent and that an answer does not have. An API server
// sets some of metadata itself, whatever it is sent, and null is nothing.
func lost(sent, made any, path string) string {
	switch s := sent.(type) {
	case transform.Manifest:
		m, ok := made.(transform.Manifest)
		if !ok {
			return path
		}
		for key, value := range s {
			below := path + "/" + key
			if value == nil && m[key] == nil || setByServer[below] {
				continue
			}
			if _, ok := m[key]; !ok {
				return below
			}
			if at := lost(value, m[key], below); at != "" {
				return at
			}
		}
		return ""
	case []any:
		m, ok := made.([]any)
		if !ok || len(m) != len(s) {
			return path
		}
		for i := range s {
			if at := lost(s[i], m[i], path+"/"+strconv.Itoa(i)); at != "" {
				return at
			}
		}
		return ""
	}
	_, integer := sent.(int64)
	_, too := made.(int64)
	if sent == made || (!integer || !too) && asNumber(sent) == asNumber(made) {
		return ""
	}
	return path
}

// asNumber returns a number as it is compared, and whatever else as what equals none.
func asNumber(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return math.NaN()
}

var setByServer = map[string]bool{
	"/metadata/uid": true, "/metadata/resourceVersion": true, "/metadata/generation": true, "/metadata/creationTimestamp": true,
	"/metadata/deletionTimestamp": true, "/metadata/deletionGracePeriodSeconds": true, "/metadata/selfLink": true,
	"/metadata/managedFields": true, "/metadata/labels/ark-restore": true,
}

// BenchmarkAnswers compares an answer with what was sent, as it is and decoded.
func BenchmarkAnswers(b *testing.B) {
	container := `{"name":"c%d","image":"registry.example/web:1.2.3","ports":[{"containerPort":8080,"protocol":"TCP"}],"env":[{"name":"A","value":"b"}],
		"resources":{"limits":{"memory":"256Mi"}}%s}`
	object := func(meta, defaults string) string {
		return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","labels":{"app":"web"}%s},"spec":{"replicas":3,
			"selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},"spec":{"containers":[%s,%s]%s}}}}`, meta,
			fmt.Sprintf(container, 1, defaults), fmt.Sprintf(container, 2, defaults), defaults)
	}
	managed := `,"managedFields":[{"manager":"ark","operation":"Update","fieldsV1":{` + strings.Repeat(`"f:some":{"f:fields":{".":{},"f:more":{}}},`, 40) + `"f:x":{}}}]`
	sent := decode(b, object("", ""))
	answer := []byte(object(`,"uid":"u","resourceVersion":"7"`+managed, `,"terminationMessagePath":"/dev/termination-log","imagePullPolicy":"IfNotPresent"`))
	b.Run("as it is", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !transform.Holds(sent, answer) {
				b.Fatal("changed")
			}
		}
	})
	b.Run("decoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if len(transform.Changed(sent, decode(b, string(answer)))) > 0 {
				b.Fatal("changed")
			}
		}
	})
}

// BenchmarkHoldsEscapes compares a large text of nothing but escapes: what it costs
// a byte must not grow with it.
func BenchmarkHoldsEscapes(b *testing.B) {
	for _, size := range []int{16 << 10, 1 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			text := strings.Repeat("\n", size)
			answer, err := json.Marshal(transform.Manifest{"data": transform.Manifest{"k": text}})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(answer)))
			for b.Loop() {
				if !transform.Holds(transform.Manifest{"data": transform.Manifest{"k": text}}, answer) {
					b.Fatal("Holds() = false")
				}
			}
		})
	}
}
