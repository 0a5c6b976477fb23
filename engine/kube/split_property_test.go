// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// document writes random JSON: every kind of value, white space where it may be,
// and strings of what a splitter could trip over.
type document struct {
	*rand.Rand
	strings.Builder
}

// space writes white space, mostly none.
func (d *document) space() {
	for d.IntN(6) == 0 {
		d.WriteByte(" \t\r\n"[d.IntN(4)])
	}
}

func (d *document) text() {
	parts := []string{`\"`, `\\`, `\\\"`, `{`, `}`, `[`, `]`, `,`, `:`, `\u007b`, `\ud83d\ude00`, `é`, "\u2028", `items`, `metadata`, ` `, `\n`}
	d.WriteByte('"')
	for d.IntN(8) > 0 {
		d.WriteString(parts[d.IntN(len(parts))])
	}
	d.WriteByte('"')
}

// value writes a value that is nested no deeper than depth.
func (d *document) value(depth int) {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch d.IntN(kinds) {
	case 0:
		d.text()
	case 1:
		d.WriteString(strconv.FormatInt(d.Int64()-1<<62, 10))
	case 2:
		d.WriteString(strconv.FormatFloat(d.NormFloat64(), 'e', -1, 64))
	case 3:
		d.WriteString([]string{"true", "false", "null"}[d.IntN(3)])
	case 4:
		d.text()
	case 5:
		d.elements('[', ']', d.IntN(5), func(int) { d.value(depth - 1) })
	default:
		d.object(depth - 1)
	}
}

func (d *document) object(depth int) {
	d.elements('{', '}', d.IntN(5), func(int) {
		d.text()
		d.space()
		d.WriteByte(':')
		d.space()
		d.value(depth)
	})
}

// elements writes what stands between two brackets.
func (d *document) elements(opening, closing byte, n int, element func(i int)) {
	d.WriteByte(opening)
	d.space()
	for i := range n {
		if i > 0 {
			d.WriteByte(',')
			d.space()
		}
		element(i)
		d.space()
	}
	d.WriteByte(closing)
}

// list writes a list whose fields come in any order.
func (d *document) list() {
	fields := []func(){
		func() {
			d.WriteString(`"items":`)
			d.elements('[', ']', d.IntN(6), func(int) { d.object(4) })
		},
		func() {
			d.WriteString(`"metadata":{"resourceVersion":"7","continue":"c\u0041","x":{"items":[1]},"remainingItemCount":3}`)
		},
		func() { d.WriteString(`"kind" : "List"`) },
		func() {
			d.WriteString(`"extra":`)
			d.value(4)
		},
	}
	d.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
	d.space()
	d.elements('{', '}', len(fields), func(i int) { fields[i]() })
	d.space()
}

func TestTheSplitterFindsWhatTheDecoderFinds(t *testing.T) {
	const documents = 3000
	empty := 0
	for seed := range uint64(documents) {
		d := &document{Rand: rand.New(rand.NewPCG(seed, 1))}
		d.list()
		text := d.String()
		want, wantMeta, ok := decodeList([]byte(text))
		if !ok {
			t.Fatalf("document %d is no list: %s", seed, text)
		}
		if len(want) == 0 {
			empty++
		}
		for _, size := range []int{1, 1 + d.IntN(40), len(text)} {
			items, meta, err := split(&chunked{data: []byte(text), size: size})
			if err != nil {
				t.Fatalf("document %d in parts of %d: %v: %s", seed, size, err, text)
			}
			if diff := cmp.Diff(want, items) + cmp.Diff(wantMeta, meta); diff != "" {
				t.Fatalf("document %d in parts of %d: %s (-want +got):\n%s", seed, size, text, diff)
			}
		}
	}
	if empty > documents/3 {
		t.Errorf("%d of %d documents have no items", empty, documents)
	}
}
