// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/gopherwood/ark/engine"
)

// lineWriter writes index lines as encoding/json would, field by field: an index
// has a line for every object, and what reflection costs on each is more than
// all else that is done to them but compressing.
type lineWriter struct {
	buf []byte
	// keys are those of the map being written: equal entries make equal lines.
	keys []string
}

// head appends the part of a line that is known before the member is.
func (w *lineWriter) head(e *Entry) {
	w.buf = append(w.buf, '{')
	w.optional(`"group":`, e.Group)
	w.text(`"version":`, e.Version)
	w.text(`"resource":`, e.Resource)
	w.text(`"kind":`, e.Kind)
	w.truth(`"namespaced":`, e.Namespaced)
	w.optional(`"namespace":`, e.Namespace)
	w.text(`"name":`, e.Name)
	w.optional(`"uid":`, string(e.UID))
	w.texts(`"labels":`, e.Labels)
	w.texts(`"annotations":`, e.Annotations)
	w.owners(e.Owners)
	w.needs(e.Needs)
	w.truth(`"excluded":`, e.Excluded)
	w.codes(e.Codes)
	w.optional(`"error":`, e.Error)
	w.number(`"size":`, e.Size)
	w.optional(`"sha256":`, e.SHA256)
	w.number(`"offset":`, e.Offset)
}

// tail appends where the object's member lies, and ends the line.
func (w *lineWriter) tail(member, size int64) {
	w.number(`"member":`, member)
	w.number(`"memberSize":`, size)
	w.buf[len(w.buf)-1] = '}' // in place of the last comma: a line has a name at least
	w.buf = append(w.buf, '\n')
}

// text appends a field and a comma.
func (w *lineWriter) text(name, value string) {
	w.buf = append(w.buf, name...)
	w.buf = append(appendString(w.buf, value), ',')
}

func (w *lineWriter) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *lineWriter) number(name string, value int64) {
	if value != 0 {
		w.buf = append(strconv.AppendInt(append(w.buf, name...), value, 10), ',')
	}
}

func (w *lineWriter) truth(name string, value bool) {
	if value {
		w.buf = append(append(w.buf, name...), "true,"...)
	}
}

func (w *lineWriter) texts(name string, all map[string]string) {
	if len(all) == 0 {
		return
	}
	w.keys = w.keys[:0]
	for k := range all {
		w.keys = append(w.keys, k)
	}
	slices.Sort(w.keys)
	w.buf = append(append(w.buf, name...), '{')
	for _, k := range w.keys {
		w.buf = append(appendString(w.buf, k), ':')
		w.buf = append(appendString(w.buf, all[k]), ',')
	}
	w.close('}')
}

func (w *lineWriter) owners(all []engine.Owner) {
	if len(all) == 0 {
		return
	}
	w.buf = append(w.buf, `"owners":[`...)
	for i := range all {
		o := &all[i]
		w.buf = append(w.buf, '{')
		w.text(`"apiVersion":`, o.APIVersion)
		w.text(`"kind":`, o.Kind)
		w.text(`"name":`, o.Name)
		w.text(`"uid":`, string(o.UID))
		w.pointer(`"controller":`, o.Controller)
		w.pointer(`"blockOwnerDeletion":`, o.BlockOwnerDeletion)
		w.close('}')
	}
	w.close(']')
}

func (w *lineWriter) pointer(name string, value *bool) {
	if value != nil {
		w.buf = append(strconv.AppendBool(append(w.buf, name...), *value), ',')
	}
}

func (w *lineWriter) needs(all []Ref) {
	if len(all) == 0 {
		return
	}
	w.buf = append(w.buf, `"needs":[`...)
	for i := range all {
		w.buf = append(w.buf, '{')
		w.optional(`"group":`, all[i].Group)
		w.text(`"resource":`, all[i].Resource)
		w.optional(`"namespace":`, all[i].Namespace)
		w.text(`"name":`, all[i].Name)
		w.close('}')
	}
	w.close(']')
}

func (w *lineWriter) codes(all []string) {
	if len(all) == 0 {
		return
	}
	w.buf = append(w.buf, `"codes":[`...)
	for _, c := range all {
		w.buf = append(appendString(w.buf, c), ',')
	}
	w.close(']')
}

// close puts the end of an object or array in place of its last comma.
func (w *lineWriter) close(end byte) {
	w.buf[len(w.buf)-1] = end
	w.buf = append(w.buf, ',')
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string (RFC 8259). Bytes that are no UTF-8
// become U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = appendEscaped(append(dst, s[from:i]...), c)
			i++
			from = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			from = i + size
		}
		i += size
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
