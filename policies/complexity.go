// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// OPA's parser and compiler take time that grows with the square of some of
// these, and exponentially with nested comprehensions, and can only be stopped with
// their process (see sandbox). The limits are far beyond what a person writes, keep
// most sets to seconds, and are the same on every machine.
const (
	maxBrackets       = 32
	maxDepth          = 128
	maxComprehensions = 4
	maxExpressions    = 256
	maxRules          = 1000
)

// checkBrackets looks for brackets nested too deep, before anything parses
// them. Those in strings and comments do not count.
func checkBrackets(name, rego string) Errors {
	s := bracketScanner{text: rego, line: 1}
	for s.at < len(s.text) {
		s.step()
		if len(s.open) > maxBrackets {
			return Errors{{File: name, Line: s.line, Message: fmt.Sprintf("brackets are nested deeper than %d: split the rule", maxBrackets)}}
		}
	}
	return nil
}

// bracketScanner follows Rego's brackets, strings and template strings.
type bracketScanner struct {
	text string
	at   int
	line int
	// open holds what was opened and not closed: ( [ { for a bracket, the quote
	// for a template string.
	open []byte
}

func (s *bracketScanner) step() {
	c := s.text[s.at]
	s.at++
	if c == '\n' {
		s.line++
	}
	if quote := s.template(); quote != 0 {
		s.stepInTemplate(c, quote)
		return
	}
	switch c {
	case '(', '[', '{':
		s.open = append(s.open, c)
	case ')', ']', '}':
		s.open = s.open[:max(0, len(s.open)-1)]
	case '#':
		s.skipTo('\n')
	case '"', '`':
		s.skipString(c)
	case '$':
		if s.at < len(s.text) && (s.text[s.at] == '"' || s.text[s.at] == '`') {
			s.open = append(s.open, s.text[s.at])
			s.at++
		}
	}
}

// template is the quote of the template string that the scanner is in the text
// of, or zero.
func (s *bracketScanner) template() byte {
	if len(s.open) == 0 {
		return 0
	}
	if last := s.open[len(s.open)-1]; last == '"' || last == '`' {
		return last
	}
	return 0
}

func (s *bracketScanner) stepInTemplate(c, quote byte) {
	switch c {
	case quote:
		s.open = s.open[:len(s.open)-1]
	case '{':
		s.open = append(s.open, c)
	case '\\':
		s.at = min(s.at+1, len(s.text))
	}
}

// skipString moves behind the end of a string, or of the line for one in
// quotation marks that has none.
func (s *bracketScanner) skipString(quote byte) {
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == quote:
			return
		case c == '\n':
			s.line++
			if quote == '"' {
				return
			}
		case c == '\\' && quote == '"':
			s.at = min(s.at+1, len(s.text))
		}
	}
}

// skipTo moves to the next c.
func (s *bracketScanner) skipTo(c byte) {
	for s.at < len(s.text) && s.text[s.at] != c {
		s.at++
	}
}

// checkComplexity refuses what would take the compiler too long.
func checkComplexity(m *ast.Module) Errors {
	var errs Errors
	for _, r := range m.Rules {
		depth, comprehensions := nesting(r)
		expressions := 0
		ast.WalkExprs(r, func(*ast.Expr) bool { expressions++; return false })
		switch {
		case comprehensions > maxComprehensions:
			errs = append(errs, at(r.Loc(), "comprehensions are nested deeper than %d: give the inner ones rules of their own", maxComprehensions))
		case depth > maxDepth:
			errs = append(errs, at(r.Loc(), "the rule is nested too deep, or chains too many operators: split it"))
		case expressions > maxExpressions:
			errs = append(errs, at(r.Loc(), "the rule has %d expressions; the limit is %d: split it", expressions, maxExpressions))
		}
	}
	return errs
}

// nesting is how deep the nodes of r lie, and how many comprehensions are
// around the innermost.
func nesting(r *ast.Rule) (depth, comprehensions int) {
	deep, within := 0, 0
	isComprehension := func(x any) bool {
		switch x.(type) {
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			return true
		default:
			return false
		}
	}
	ast.NewBeforeAfterVisitor(
		func(x any) bool {
			deep++
			if isComprehension(x) {
				within++
			}
			depth, comprehensions = max(depth, deep), max(comprehensions, within)
			return false
		},
		func(x any) {
			deep--
			if isComprehension(x) {
				within--
			}
		},
	).Walk(r)
	return depth, comprehensions
}

// checkCount limits the rules of a set, each else counted as one.
func checkCount(modules []*module) Errors {
	rules := 0
	for _, m := range modules {
		ast.WalkRules(m.parsed, func(*ast.Rule) bool { rules++; return false })
	}
	if rules > maxRules {
		return Errors{{Message: fmt.Sprintf("the modules have %d rules together; the limit is %d", rules, maxRules)}}
	}
	return nil
}
