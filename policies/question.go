// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/util"
)

// Question is what the rules of one entry point are asked.
type Question struct {
	// EntryPoint is the package, such as "ark.select".
	EntryPoint string
	// Fields of the input document.
	Fields []Field
	// Limit is how long the rules may take.
	Limit time.Duration
}

// Field is a field of an input document.
type Field struct {
	Name string
	JSON []byte
	// Shared says that many questions have the same one: it is worth remembering.
	Shared bool
}

// Answer holds what the sets of an entry point contain, by the name of their
// rule: sorted, and bounded in number and length.
type Answer map[string][]Reason

// Reason is a reason code, and in ark.restore its message.
type Reason struct {
	Code    string
	Message string
}

// Asker answers questions about the rules of one policy. It is safe for
// concurrent use. Its error wraps a BudgetError where the rules took more time or
// memory than they may, and is about this one question, unless ctx ended.
type Asker interface {
	Ask(ctx context.Context, q Question) (Answer, error)
}

// BudgetError says that rules took more than they may.
type BudgetError struct {
	// Message says what they took too much of, and what to do.
	Message string
}

func (e *BudgetError) Error() string { return e.Message }

func overBudget(err error) bool { return errors.As(err, new(*BudgetError)) }

// maxReasons bounds what one rule can give as reasons in one answer: they end in
// statuses and records.
const maxReasons = 64

// compiled answers within this process.
type compiled struct {
	units  map[string]*unit
	shared sharedValues
}

// Ask evaluates.
func (c *compiled) Ask(ctx context.Context, q Question) (Answer, error) {
	u := c.units[q.EntryPoint]
	if u == nil {
		return nil, fmt.Errorf("evaluate rules: there are none in package %s", q.EntryPoint)
	}
	input, err := c.input(q.Fields)
	if err != nil {
		return nil, err
	}
	sets, err := u.eval(ctx, input, q.Limit)
	if err != nil {
		return nil, err
	}
	answer := make(Answer, len(sets))
	for rule, set := range sets {
		if all := reasonsOf(set); len(all) > 0 {
			answer[rule] = all
		}
	}
	return answer, nil
}

// input puts the document together.
func (c *compiled) input(fields []Field) (ast.Value, error) {
	terms := make([][2]*ast.Term, 0, len(fields))
	for _, f := range fields {
		decode := decodeField
		if f.Shared {
			decode = c.shared.decode
		}
		v, err := decode(f)
		if err != nil {
			return nil, fmt.Errorf("decode input.%s: %w", f.Name, err)
		}
		terms = append(terms, ast.Item(ast.InternedTerm(f.Name), ast.NewTerm(v)))
	}
	return ast.NewObject(terms...), nil
}

// decodeField reads JSON. Numbers stay exact. Nobody's rules are about
// managedFields, which make up half of many objects.
func decodeField(f Field) (ast.Value, error) {
	var v any
	if err := util.UnmarshalJSON(f.JSON, &v); err != nil {
		return nil, err
	}
	if object, ok := v.(map[string]any); ok && f.Name == "object" {
		if metadata, ok := object["metadata"].(map[string]any); ok {
			delete(metadata, "managedFields")
		}
	}
	return ast.InterfaceToValue(v)
}

// maxShared bounds how many shared values are remembered. There are as many as a
// backup has types and namespaces; beyond that they are decoded anew.
const maxShared = 4096

// sharedValues remembers what fields that many questions share are as values.
type sharedValues struct {
	values sync.Map // string, of JSON, to ast.Value
	count  atomic.Int64
}

func (s *sharedValues) decode(f Field) (ast.Value, error) {
	if v, ok := s.values.Load(string(f.JSON)); ok {
		return v.(ast.Value), nil
	}
	v, err := decodeField(f)
	if err != nil {
		return nil, err
	}
	if s.count.Add(1) <= maxShared {
		s.values.Store(string(f.JSON), v)
	}
	return v, nil
}

// reasonsOf are the codes, or the objects of code and msg, that a set contains:
// the first maxReasons of them. A msg that is no text is shown as Rego writes it.
func reasonsOf(set ast.Set) []Reason {
	var all []Reason
	set.Foreach(func(t *ast.Term) {
		switch v := t.Value.(type) {
		case ast.String:
			all = append(all, Reason{Code: string(v)})
		case ast.Object:
			all = append(all, Reason{
				Code:    text(v.Get(ast.InternedTerm("code"))),
				Message: Cut(text(v.Get(ast.InternedTerm("msg")))),
			})
		}
	})
	slices.SortFunc(all, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	if more := len(all) - maxReasons; more > 0 {
		all = all[:maxReasons:maxReasons]
		if last := &all[maxReasons-1]; last.Message != "" {
			last.Message = fmt.Sprintf("%s (and %d more reasons)", last.Message, more)
		}
	}
	return all
}

func text(t *ast.Term) string {
	if t == nil {
		return ""
	}
	if s, ok := t.Value.(ast.String); ok {
		return string(s)
	}
	return t.Value.String()
}
