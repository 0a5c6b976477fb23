// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Errors is why a set does not compile: never empty, ordered by file and line.
// Its text, one error a line, is the author's to read.
type Errors []Error

// Error is one mistake in a set of rules.
type Error struct {
	// File is "<rule>.rego" for an inline module, "<rule>/<key>" for one from a
	// ConfigMap, and "library" and the name for a library rule; empty when the
	// mistake is one of the set as a whole.
	File string
	// Line counts from one; zero when the mistake is the file's as a whole.
	Line int
	// Message says what is wrong and what to do.
	Message string
}

func (e Error) Error() string {
	switch {
	case e.File == "":
		return e.Message
	case e.Line == 0:
		return e.File + ": " + e.Message
	default:
		return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
	}
}

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// maxErrors is what a status can hold of mistakes.
const maxErrors = 20

// sorted orders errors, drops repetitions, and leaves it at the first maxErrors.
func sorted(errs Errors) Errors {
	slices.SortFunc(errs, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Message, b.Message))
	})
	errs = slices.Compact(errs)
	if more := len(errs) - maxErrors; more > 0 {
		errs = append(errs[:maxErrors:maxErrors], Error{Message: fmt.Sprintf("and %d more mistakes", more)})
	}
	for i := range errs {
		errs[i].Message = Cut(errs[i].Message)
	}
	return errs
}

// at is an error at a place in a module.
func at(loc *ast.Location, format string, args ...any) Error {
	e := Error{Message: fmt.Sprintf(format, args...)}
	if loc != nil {
		e.File, e.Line = loc.File, loc.Row
	}
	return e
}

// fromOPA translates what the parser or compiler says of file.
func fromOPA(file string, err error) Errors {
	var several ast.Errors
	if !errors.As(err, &several) {
		var single *ast.Error
		if !errors.As(err, &single) {
			return Errors{{File: file, Message: err.Error()}}
		}
		several = ast.Errors{single}
	}
	var errs Errors
	for _, e := range several {
		translated := at(e.Location, "%s", explain(e))
		if translated.File == "" {
			translated.File = file
		}
		errs = append(errs, translated)
	}
	return errs
}

// explain is the compiler's message on one line, with what it would have liked
// instead of an unknown field.
func explain(e *ast.Error) string {
	message := strings.ReplaceAll(e.Message, "\n", " ")
	if name, unknown := strings.CutPrefix(message, "undefined function "); unknown && ast.BuiltinMap[name] != nil {
		return message + ": rules cannot reach the network, the clock or the environment, nor call what has no bounds"
	}
	detail := new(ast.RefErrInvalidDetail)
	if d, ok := e.Details.(*ast.RefErrInvalidDetail); ok {
		detail = d
	}
	if len(detail.OneOf) == 0 {
		return message
	}
	fields := make([]string, len(detail.OneOf))
	for i, v := range detail.OneOf {
		fields[i] = strings.Trim(v.String(), `"`)
	}
	slices.Sort(fields)
	return fmt.Sprintf("%s: no such field; there are %s", message, strings.Join(fields, ", "))
}
