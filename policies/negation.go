// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import "github.com/open-policy-agent/opa/v1/ast"

// checkNegation finds negations that are not true when a field is missing.
//
// Without rego.v2, OPA looks up the arguments of a negated call before the not:
// where one is undefined, the whole rule is. So "not startswith(input.a, x)"
// never fires for an object without the field, although its author meant those
// above all. A comparison with == or = is spared, because it is rewritten to
// unify in place, and so is a bare reference.
func checkNegation(m *ast.Module) Errors {
	if improvedNegation(m) {
		return nil
	}
	var errs Errors
	for _, r := range m.Rules {
		ast.WalkExprs(r, func(e *ast.Expr) bool {
			if e.Negated && looksUpFirst(e) {
				errs = append(errs, at(e.Loc(), "this not is false, not true, where a field within it is missing: add import rego.v2 below the package, which makes it true"))
			}
			return false
		})
	}
	return errs
}

// improvedNegation reports whether a missing field makes a not true throughout m.
func improvedNegation(m *ast.Module) bool {
	if m.RegoVersionSpan().Max() == ast.RegoV2 {
		return true
	}
	for _, imp := range m.Imports {
		if path, ok := imp.Path.Value.(ast.Ref); ok && path.String() == "future.keywords.not" {
			return true
		}
	}
	return false
}

// looksUpFirst reports whether e is a call with an argument that can be undefined.
func looksUpFirst(e *ast.Expr) bool {
	if !e.IsCall() {
		return false
	}
	equality := e.IsEquality() || e.Operator().Equal(ast.Equal.Ref())
	for _, operand := range e.Operands() {
		if _, direct := operand.Value.(ast.Ref); direct && equality {
			continue
		}
		if mayBeUndefined(operand) {
			return true
		}
	}
	return false
}

// mayBeUndefined reports whether t contains a reference into a document. What
// lies within a comprehension is its own affair: it yields nothing instead.
func mayBeUndefined(t *ast.Term) bool {
	found := false
	visitor := ast.NewGenericVisitor(func(x any) bool {
		switch x := x.(type) {
		case *ast.ArrayComprehension, *ast.SetComprehension, *ast.ObjectComprehension:
			return true
		case ast.Call:
			for _, operand := range x[1:] {
				found = found || mayBeUndefined(operand)
			}
			return true
		case ast.Ref:
			found = found || len(x) > 1
		}
		return found
	})
	visitor.Walk(t)
	return found
}
