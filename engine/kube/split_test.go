// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

// split takes a whole list apart.
func split(r io.Reader) (items []string, meta *listMeta, err error) {
	s := newSplitter(r)
	defer s.close()
	for {
		item, err := s.next()
		if errors.Is(err, io.EOF) {
			return items, s.meta, nil
		}
		if err != nil {
			return items, s.meta, err
		}
		items = append(items, string(item))
	}
}

func TestSplitFindsItemsAndMetadata(t *testing.T) {
	meta := &listMeta{ResourceVersion: "7", Continue: "c", RemainingItemCount: 3}
	const m = `"metadata":{"resourceVersion":"7","continue":"c","remainingItemCount":3}`
	for name, c := range map[string]struct {
		list  string
		items []string
		meta  *listMeta
	}{
		"metadata before the items": {`{"kind":"List",` + m + `,"items":[{"a":1},{"b":2}]}`, []string{`{"a":1}`, `{"b":2}`}, meta},
		"metadata after the items":  {`{"items":[{"a":1},{"b":2}],` + m + `}`, []string{`{"a":1}`, `{"b":2}`}, meta},
		"white space everywhere": {
			" \n{ \"items\" :\t[ {\"a\": 1} ,\r\n{ } ] , " + m + " } \n", []string{`{"a": 1}`, `{ }`}, meta,
		},
		"no items":             {`{"items":[],` + m + `}`, nil, meta},
		"null items":           {`{"items":null,` + m + `}`, nil, meta},
		"no metadata":          {`{"items":[{}]}`, []string{`{}`}, nil},
		"an escaped name":      {`{"i\u0074ems":[{}]}`, []string{`{}`}, nil},
		"another field's case": {`{"Items":[{"x":1}],"items":[{}]}`, []string{`{}`}, nil},
		"braces in strings": {
			`{"items":[{"a":"}]\"\\","b":["{",{"c":"\\\\"}]},{"d":"]"}]}`,
			[]string{`{"a":"}]\"\\","b":["{",{"c":"\\\\"}]}`, `{"d":"]"}`}, nil,
		},
		"items and metadata inside of others": {
			`{"x":{"items":[1],"metadata":{"continue":"no"}},"items":[{"items":[{}],"metadata":{}}]}`,
			[]string{`{"items":[{}],"metadata":{}}`}, nil,
		},
		"values of all sorts to skip": {`{"a":1,"b":-2.5e3 ,"c":true,"d":null,"e":"x","f":[1,[2]],"items":[{}],"g":false}`, []string{`{}`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, r := range map[string]io.Reader{
				"whole": strings.NewReader(c.list), "byte by byte": iotest.OneByteReader(strings.NewReader(c.list)),
				"with the end": iotest.DataErrReader(strings.NewReader(c.list)),
			} {
				items, meta, err := split(r)
				if err != nil {
					t.Fatalf("%s: %v", kind, err)
				}
				if diff := cmp.Diff(c.items, items) + cmp.Diff(c.meta, meta); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
			}
		})
	}
}

func TestSplitTakesLargeItems(t *testing.T) {
	large := `{"a":"` + strings.Repeat("x", 3*bufferSize) + `"}`
	items, _, err := split(strings.NewReader(`{"items":[{},` + large + `,{"b":1},` + large + `]}`))
	if err != nil || !cmp.Equal(items, []string{"{}", large, `{"b":1}`, large}) {
		t.Errorf("got %d items, %v", len(items), err)
	}
}

// endless repeats text for ever.
type endless struct{ text string }

func (e endless) Read(p []byte) (int, error) {
	return copy(p, strings.Repeat(e.text, 1+len(p)/len(e.text))), nil
}

func TestSplitRefuses(t *testing.T) {
	deep := strings.Repeat("[", 1<<20)
	for name, c := range map[string]struct {
		list  io.Reader
		want  string
		retry bool
	}{
		"nothing":                 {strings.NewReader(""), "unexpected EOF", true},
		"half a list":             {strings.NewReader(`{"items":[{"a":1},{"b`), "unexpected EOF", true},
		"a list without its end":  {strings.NewReader(`{"items":[{}]`), "unexpected EOF", true},
		"a failing reader":        {iotest.ErrReader(errors.New("reset by peer")), "reset by peer", true},
		"a reader that is stuck":  {stuck{}, "no data", true},
		"an array":                {strings.NewReader(`[{}]`), `'[' where '{' belongs`, false},
		"an object":               {strings.NewReader(`{"kind":"Status"}`), "no items", false},
		"items of a wrong type":   {strings.NewReader(`{"items":{}}`), "no array", false},
		"an item of a wrong type": {strings.NewReader(`{"items":[1]}`), "no object", false},
		"a comma too many":        {strings.NewReader(`{"items":[{},]}`), "no object", false},
		"a comma too few":         {strings.NewReader(`{"items":[{}{}]}`), `'{' where ','`, false},
		"a field without name":    {strings.NewReader(`{1:2}`), "without a name", false},
		"a field without colon":   {strings.NewReader(`{"a" 2}`), `'2' where ':'`, false},
		"a field without value":   {strings.NewReader(`{"a":,"items":[]}`), "where a value belongs", false},
		"a name that is no JSON":  {strings.NewReader(`{"\x":1}`), "name of a field", false},
		"metadata of wrong type":  {strings.NewReader(`{"metadata":{"continue":1}}`), "metadata of the list", false},
		"metadata twice":          {strings.NewReader(`{"metadata":{},"metadata":{}}`), "metadata twice", false},
		"items twice":             {strings.NewReader(`{"items":[],"items":[]}`), "items twice", false},
		"something behind it":     {strings.NewReader(`{"items":[]}{}`), "follows the list", false},
		"deep nesting":            {strings.NewReader(`{"items":[{"a":` + deep), "unexpected EOF", true},
		"endless nesting":         {io.MultiReader(strings.NewReader(`{"items":[`), endless{`{"a":`}), "larger than", false},
		"an endless string":       {io.MultiReader(strings.NewReader(`{"items":[{"a":"`), endless{"x"}), "larger than", false},
		"an endless name":         {io.MultiReader(strings.NewReader(`{"`), endless{"x"}), "larger than", false},
		"endless white space":     {io.MultiReader(strings.NewReader(`{"items":[`), endless{" \n"}), "white space", false},
		"endless fields":          {io.MultiReader(strings.NewReader(`{"items":[]`), endless{`,"a":1`}), "fields", false},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := split(c.list)
			var again *engine.RetryableError
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
			if errors.As(err, &again) != c.retry {
				t.Errorf("error %v is retryable: %v", err, !c.retry)
			}
		})
	}
}

// stuck reads nothing, for ever.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

// FuzzSplit compares the splitter with encoding/json: it accepts every list that
// is JSON and finds the same in it, however it arrives.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{
		`{"items":[{"a":1},{"b":"}"}],"metadata":{"resourceVersion":"7","continue":"c"}}`,
		`{"kind":"L","metadata":{"remainingItemCount":2},"items":[{"a":"\\\""} , {}]}`, `{"items":null}`, `{"items":[]} x`,
		`{"a":1e5,"b":[[]],"items":[{"\u007d":"\ud800"}]}`, `[]`, `{"items":[1]}`, `{"i\u0074ems":[]}`,
	} {
		f.Add([]byte(seed), byte(1))
	}
	f.Fuzz(func(t *testing.T, list []byte, chunk byte) {
		items, meta, err := split(&chunked{data: list, size: int(chunk) + 1})
		want, wantMeta, ok := decodeList(list)
		if !ok {
			return // what is no list need only not crash, hang or eat memory
		}
		if err != nil {
			t.Fatalf("refused %q: %v", list, err)
		}
		if diff := cmp.Diff(want, items) + cmp.Diff(wantMeta, meta); diff != "" {
			t.Errorf("of %q (-want +got):\n%s", list, diff)
		}
	})
}

// chunked reads data in parts of one size.
type chunked struct {
	data []byte
	size int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.size)], c.data)
	c.data = c.data[n:]
	return n, nil
}

// decodeList reads a list with encoding/json. It is no list if a field is there
// twice, or if anything is of a type that lists do not have.
func decodeList(list []byte) (items []string, meta *listMeta, ok bool) {
	d := json.NewDecoder(bytes.NewReader(list))
	if !json.Valid(list) {
		return nil, nil, false
	}
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, false
	}
	found := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return nil, nil, false
		}
		if _, twice := found[name.(string)]; twice {
			return nil, nil, false
		}
		found[name.(string)] = value
	}
	var raw []json.RawMessage
	if _, has := found["items"]; !has || len(found) > maxFields || json.Unmarshal(found["items"], &raw) != nil {
		return nil, nil, false
	}
	for _, item := range raw {
		if item[0] != '{' {
			return nil, nil, false
		}
		items = append(items, string(item))
	}
	if m, has := found["metadata"]; has {
		meta = &listMeta{}
		return items, meta, json.Unmarshal(m, meta) == nil
	}
	return items, nil, true
}
