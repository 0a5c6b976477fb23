// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"strconv"
)

// document collects the fields of an object of the input, as JSON. Empty strings
// are left out: rules test for absence.
type document []Field

func (d document) text(name, value string) document {
	if value == "" {
		return d
	}
	return d.value(name, jsonText(value))
}

func (d document) value(name string, raw []byte) document {
	return append(d, Field{Name: name, JSON: raw})
}

// shared adds a field that many questions have in common.
func (d document) shared(name string, raw []byte) document {
	return append(d, Field{Name: name, JSON: raw, Shared: true})
}

func (d document) boolean(name string, value bool) document {
	return d.value(name, strconv.AppendBool(nil, value))
}

func (d document) number(name string, value int64) document {
	return d.value(name, strconv.AppendInt(nil, value, 10))
}

// strings adds an object that is there even when it is empty.
func (d document) strings(name string, m map[string]string) document {
	fields := make(document, 0, len(m))
	for k, v := range m {
		fields = fields.value(k, jsonText(v))
	}
	return d.value(name, fields.object())
}

// object is the document as JSON.
func (d document) object() []byte {
	size := 2
	for _, f := range d {
		size += len(f.Name) + len(f.JSON) + 4
	}
	raw := append(make([]byte, 0, size), '{')
	for i, f := range d {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(raw, jsonText(f.Name)...)
		raw = append(raw, ':')
		raw = append(raw, f.JSON...)
	}
	return append(raw, '}')
}

func jsonText(s string) []byte {
	raw, err := json.Marshal(s)
	if err != nil { // a string has no value that encoding/json refuses
		return []byte(`""`)
	}
	return raw
}

// array is a JSON array of items.
func array(items [][]byte) []byte {
	raw := []byte{'['}
	for i, item := range items {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(raw, item...)
	}
	return append(raw, ']')
}
