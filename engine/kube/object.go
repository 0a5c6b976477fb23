// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/gopherwood/ark/engine"
)

// header is the part of an object that the engine decides on.
type header struct {
	APIVersion *string     `json:"apiVersion"`
	Kind       *string     `json:"kind"`
	Metadata   engine.Meta `json:"metadata"`
}

// parseObject reads an object whose bytes are the caller's.
func parseObject(r engine.Resource, raw []byte) (engine.Object, error) {
	meta, raw, err := restoreType(r, bytes.TrimSpace(raw), nil, nil)
	return engine.Object{Resource: r, Meta: meta, Raw: raw}, err
}

// restoreType reads the metadata of an object, which begins with a brace, and
// returns the object with its apiVersion and kind, which lists of built-in types
// omit, in buf if they have to be put back. known are names that the objects of a
// list share; nil is fine.
func restoreType(r engine.Resource, raw, buf []byte, known names) (engine.Meta, []byte, error) {
	h, ok := scanHeader(raw, known)
	if !ok {
		var err error
		if h, err = decodeHeader(raw); err != nil {
			return engine.Meta{}, nil, err
		}
	}
	if h.Metadata.Name == "" {
		return engine.Meta{}, nil, errors.New("read object: it has no name")
	}
	if h.Kind != nil && *h.Kind == "" || h.APIVersion != nil && *h.APIVersion == "" {
		return engine.Meta{}, nil, fmt.Errorf("read object %s: its kind or apiVersion is empty", h.Metadata.Name)
	}
	if h.Kind != nil && h.APIVersion != nil {
		return h.Metadata, raw, nil
	}
	buf = append(buf[:0], '{')
	if h.Kind == nil {
		buf = appendField(buf, `"kind":`, r.Kind)
	}
	if h.APIVersion == nil {
		buf = appendField(buf, `"apiVersion":`, r.GroupVersion().String())
	}
	return h.Metadata, append(buf, raw[1:]...), nil // it has a name, so something follows the comma
}

// decodeHeader reads all of raw, and so finds out whether it is JSON.
//
// The decoder is apimachinery's and not the standard library's, which would take
// a field "Metadata", that a custom resource may have, for metadata.
func decodeHeader(raw []byte) (header, error) {
	var h header
	if err := json.Unmarshal(raw, &h); err != nil {
		return h, fmt.Errorf("read object: %w", err)
	}
	return h, nil
}

// appendField appends a field and a comma.
func appendField(buf []byte, name, value string) []byte {
	if isPlain(value) {
		return append(append(append(append(buf, name...), '"'), value...), `",`...)
	}
	quoted, err := json.Marshal(value)
	if err != nil {
		panic(err) // a string always has a JSON form
	}
	return append(append(append(buf, name...), quoted...), ',')
}

// isPlain reports whether a string stands in JSON as it is. Names of types do.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
