// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// DecisionHeader is the first line of a decisions file: by whom, with what and
// for what the decisions were made.
type DecisionHeader struct {
	Format int `json:"format"`
	// Cluster, Backup and Attempt identify the backup.
	Cluster string `json:"cluster"`
	Backup  string `json:"backup"`
	Attempt string `json:"attempt"`
	// Started is when the attempt began.
	Started time.Time `json:"started"`
	// Policy names the BackupPolicy, if there is one, and Rules the revision.
	Policy string         `json:"policy,omitempty"`
	Rules  *archive.Rules `json:"rules,omitempty"`
	// Engine is what evaluated the rules, with its version.
	Engine string `json:"engine,omitempty"`
}

// decision is every other line. Objects that are simply archived have none: the
// index lists them.
type decision struct {
	// Level is "type", "namespace" or "object".
	Level string `json:"level"`
	// Name is the group resource, the namespace, or the object as engine.Key writes it.
	Name string `json:"name"`
	// Decision is "include", "exclude", or "related": only what others need.
	Decision string   `json:"decision"`
	Codes    []string `json:"codes,omitempty"`
	Error    string   `json:"error,omitempty"`
}

// DecisionLog writes decisions, each as a line of JSON, at the level they were
// made: on a type, on a namespace, on an object. Lines on objects come in no
// particular order. It is safe for concurrent use. A nil log drops everything.
type DecisionLog struct {
	mu  sync.Mutex
	enc *json.Encoder
}

// NewDecisionLog writes the header to w. Whoever owns w buffers and closes it.
func NewDecisionLog(w io.Writer, header DecisionHeader) (*DecisionLog, error) {
	l := &DecisionLog{enc: json.NewEncoder(w)}
	l.enc.SetEscapeHTML(false)
	header.Format = archive.Format
	return l, l.line(header)
}

func (l *DecisionLog) line(v any) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.enc.Encode(v); err != nil {
		return &runError{fmt.Errorf("write decision: %w", err)}
	}
	return nil
}

// ofType records whether a type is listed: code says why its objects are not
// covered in their own right, and related that those are which others need.
func (l *DecisionLog) ofType(t engine.Resource, code string, related bool) error {
	d := decision{Level: "type", Name: t.GroupResource().String(), Decision: "include"}
	if code != "" {
		d.Decision, d.Codes = "exclude", []string{code}
	}
	if related {
		d.Decision = "related"
	}
	return l.line(d)
}

func (l *DecisionLog) namespaceExcluded(name, code string) error {
	return l.line(decision{Level: "namespace", Name: name, Decision: "exclude", Codes: []string{code}})
}

func (l *DecisionLog) object(o engine.Object, included bool, codes []string, err error) error {
	if l == nil {
		return nil
	}
	d := decision{Level: "object", Name: o.Key().String(), Decision: "exclude", Codes: codes}
	if included {
		d.Decision = "include"
	}
	if err != nil {
		d.Error = archive.Text(err.Error())
	}
	return l.line(d)
}
