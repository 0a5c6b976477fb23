// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
)

const (
	// MaxMessages is how many warnings, and how many errors, results keep.
	MaxMessages = 10_000
	// maxSubject, maxCode and maxMessage bound the parts of a message.
	maxSubject = 512
	maxCode    = 64
	maxMessage = 1024
	// maxResults bounds a results file, uncompressed: all messages at their longest,
	// every other byte escaped.
	maxResults = 64 << 20
)

// Results is what a backup or restore has to say, object by object.
type Results struct {
	Warnings []Message `json:"warnings,omitempty"`
	Errors   []Message `json:"errors,omitempty"`
	// MoreWarnings and MoreErrors count those that are not listed.
	MoreWarnings int64 `json:"moreWarnings,omitempty"`
	MoreErrors   int64 `json:"moreErrors,omitempty"`
	// Resources counts objects by group resource and by what became of them.
	Resources map[string]map[string]int64 `json:"resources,omitempty"`
}

// Message is one thing that went wrong or is worth knowing.
type Message struct {
	// Object is what it is about, as engine.Key writes it; empty for the whole.
	Object string `json:"object,omitempty"`
	// Code is for machines: a reason code, or empty.
	Code    string `json:"code,omitempty"`
	Message string `json:"message"`
}

// Warn adds a warning.
func (r *Results) Warn(m Message) {
	r.Warnings, r.MoreWarnings = keep(r.Warnings, r.MoreWarnings, m)
}

// Fail adds an error.
func (r *Results) Fail(m Message) {
	r.Errors, r.MoreErrors = keep(r.Errors, r.MoreErrors, m)
}

func keep(list []Message, more int64, m Message) ([]Message, int64) {
	if len(list) >= MaxMessages {
		return list, more + 1
	}
	return append(list, Message{
		Object:  textWithin(m.Object, maxSubject),
		Code:    textWithin(m.Code, maxCode),
		Message: textWithin(m.Message, maxMessage),
	}), more
}

// WriteResults writes r to w as gzip-compressed JSON.
func WriteResults(w io.Writer, r *Results) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	b, err := marshal(r)
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	gz := gzip.NewWriter(w)
	if _, err := gz.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	if err := gz.Close(); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// ReadResults reads what WriteResults wrote. ErrCorrupt when the bytes are to
// blame.
func ReadResults(r io.Reader) (*Results, error) {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", malformed(err))
	}
	var buf bytes.Buffer
	if _, err := buf.ReadFrom(&capped{r: gz, left: maxResults}); err != nil {
		return nil, fmt.Errorf("read results: %w", malformed(err))
	}
	var results Results
	if err := json.Unmarshal(buf.Bytes(), &results); err != nil {
		return nil, fmt.Errorf("read results: %w: %w", engine.ErrCorrupt, err)
	}
	if err := results.check(); err != nil {
		return nil, fmt.Errorf("read results: %w: %w", engine.ErrCorrupt, err)
	}
	return &results, nil
}

func (r *Results) check() error {
	if len(r.Resources) > MaxTypes {
		return broken("resources", len(r.Resources), "types are more than 10000")
	}
	if r.MoreWarnings < 0 || r.MoreErrors < 0 {
		return broken("more", min(r.MoreWarnings, r.MoreErrors), "is negative")
	}
	for _, list := range [][]Message{r.Warnings, r.Errors} {
		if len(list) > MaxMessages {
			return broken("messages", len(list), "are more than 10000")
		}
		for _, m := range list {
			if !isText(m.Object) || !isText(m.Code) || !isText(m.Message) {
				return broken("message", m.Message, "is not text")
			}
		}
	}
	return nil
}
