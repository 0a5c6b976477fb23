// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/gopherwood/ark/policies"
)

// A message is its length, four bytes, and its content. Both directions have a
// limit: neither side holds more than that of the other's for one message.
const (
	maxQuestion = 32 << 20
	maxAnswer   = 4 << 20
)

// job is the first message to a process, as JSON: what it is for, and its limits.
type job struct {
	Set    policies.Set
	Mode   policies.Mode
	Limits Limits
}

// verdict is the answer to a job, as JSON: exactly one field is set.
type verdict struct {
	Policy   *policies.Description `json:"policy,omitempty"`
	Mistakes policies.Errors       `json:"mistakes,omitempty"`
	// Failure is why nothing can be said.
	Failure string `json:"failure,omitempty"`
}

// question is a message after the first one.
type question struct {
	id uint64
	policies.Question
}

// reply answers a question.
type reply struct {
	id     uint64
	answer policies.Answer
	// failure is why there is no answer; overBudget that it took too much.
	failure    string
	overBudget bool
}

var errTooLarge = errors.New("the message is too large")

func writeMessage(w io.Writer, content []byte, limit int) error {
	if len(content) > limit {
		return fmt.Errorf("%w: %d bytes are more than %d", errTooLarge, len(content), limit)
	}
	message := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(content)), uint32(len(content))) //nolint:gosec // the limit is far below
	_, err := w.Write(append(message, content...))
	return err
}

func readMessage(r io.Reader, limit int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if uint64(size) > uint64(limit) { //nolint:gosec // limits are positive
		return nil, fmt.Errorf("%w: %d bytes are more than %d", errTooLarge, size, limit)
	}
	content := make([]byte, size)
	_, err := io.ReadFull(r, content)
	return content, err
}

func (q *question) encode() []byte {
	size := 64
	for _, f := range q.Fields {
		size += len(f.Name) + len(f.JSON) + 16
	}
	b := binary.AppendUvarint(make([]byte, 0, size), q.id)
	b = binary.AppendUvarint(b, uint64(max(q.Limit, 0)))
	b = appendText(b, q.EntryPoint)
	for _, f := range q.Fields {
		b = appendText(b, f.Name)
		b = appendFlag(b, f.Shared)
		b = appendText(b, f.JSON)
	}
	return b
}

func decodeQuestion(content []byte) (question, error) {
	d := decoder{rest: content}
	q := question{id: d.number()}
	q.Limit = time.Duration(d.number()) //nolint:gosec // it was one
	q.EntryPoint = string(d.text())
	for d.more() {
		q.Fields = append(q.Fields, policies.Field{Name: string(d.text()), Shared: d.flag(), JSON: d.text()})
	}
	return q, d.err
}

func (r *reply) encode() []byte {
	b := binary.AppendUvarint(nil, r.id)
	b = appendText(b, r.failure)
	b = appendFlag(b, r.overBudget)
	for rule, reasons := range r.answer {
		for _, reason := range reasons {
			b = appendText(b, rule)
			b = appendText(b, reason.Code)
			b = appendText(b, reason.Message)
		}
	}
	return b
}

func decodeReply(content []byte) (reply, error) {
	d := decoder{rest: content}
	r := reply{id: d.number(), failure: string(d.text()), overBudget: d.flag(), answer: policies.Answer{}}
	for d.more() {
		rule := string(d.text())
		r.answer[rule] = append(r.answer[rule], policies.Reason{Code: string(d.text()), Message: string(d.text())})
	}
	return r, d.err
}

func appendText[T ~string | ~[]byte](b []byte, s T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendFlag(b []byte, flag bool) []byte {
	if flag {
		return append(b, 1)
	}
	return append(b, 0)
}

var errMalformed = errors.New("the message is malformed")

// decoder takes a message apart. After an error there is nothing more.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) more() bool { return d.err == nil && len(d.rest) > 0 }

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() []byte {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.fail()
		return nil
	}
	text := d.rest[:n:n]
	d.rest = d.rest[n:]
	return text
}

func (d *decoder) flag() bool {
	if len(d.rest) == 0 {
		d.fail()
		return false
	}
	flag := d.rest[0] != 0
	d.rest = d.rest[1:]
	return flag
}

func (d *decoder) fail() { d.err, d.rest = errMalformed, nil }
