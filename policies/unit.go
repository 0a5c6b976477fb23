// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/metrics"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// unit is the compiled modules of one entry point of one policy. It is immutable.
type unit struct {
	query rego.PreparedEvalQuery
	// reads is a transaction for as long as the unit lives: nothing writes.
	reads  storage.Transaction
	fields objectFields
}

// newUnit prepares the one query that asks for all sets of the entry point. A
// set that no module defines is not asked for: it would make all undefined.
func newUnit(ctx context.Context, entry *entryPoint, compiler *ast.Compiler, parameters map[string]any) (*unit, error) {
	var asked []string
	for _, rule := range entry.rules {
		if len(compiler.GetRulesExact(ast.MustParseRef("data."+entry.pkg+"."+rule))) > 0 {
			asked = append(asked, fmt.Sprintf("%s = data.%s.%s", rule, entry.pkg, rule))
		}
	}
	store := inmem.NewFromObjectWithOpts(
		map[string]any{"ark": map[string]any{"parameters": parameters}},
		inmem.OptReturnASTValuesOnRead(true),
	)
	query, err := rego.New(
		rego.Query(strings.Join(asked, "; ")),
		rego.Compiler(compiler),
		rego.Store(store),
		rego.Strict(true),
		rego.StrictBuiltinErrors(true),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil }),
	).PrepareForEval(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare query of %s: %w", entry.pkg, err)
	}
	reads, err := store.NewTransaction(ctx)
	if err != nil {
		return nil, fmt.Errorf("open parameters of %s: %w", entry.pkg, err)
	}
	return &unit{query: query, reads: reads, fields: fieldsOf(compiler)}, nil
}

// eval asks for all sets of the unit, by the name of their rule. The caller's
// input is not changed. It gives up, with a BudgetError, after limit.
func (u *unit) eval(ctx context.Context, input ast.Value, limit time.Duration) (sets map[string]ast.Set, err error) {
	defer func() {
		if r := recover(); r != nil { // one object's data must not stop a backup of the others
			sets, err = nil, fmt.Errorf("evaluate rules: the evaluator gave up: %v", r)
		}
	}()
	cancel := topdown.NewCancel()
	defer time.AfterFunc(limit, cancel.Cancel).Stop()
	defer context.AfterFunc(ctx, cancel.Cancel)()

	results, err := u.query.Eval(ctx,
		rego.EvalParsedInput(input),
		rego.EvalTransaction(u.reads),
		rego.EvalExternalCancel(cancel),
		rego.EvalMetrics(metrics.NoOp()),
	)
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("evaluate rules: %w", ctx.Err())
	case topdown.IsCancel(err):
		return nil, fmt.Errorf("evaluate rules: %w", TooLong(limit))
	case err != nil:
		return nil, fmt.Errorf("evaluate rules: %w", err)
	case len(results) != 1:
		return nil, fmt.Errorf("evaluate rules: %d results, want one", len(results))
	}
	sets = make(map[string]ast.Set, len(results[0].Bindings))
	for rule, value := range results[0].Bindings {
		term, isTerm := value.(*ast.Term)
		if !isTerm {
			return nil, fmt.Errorf("evaluate rules: %s is a %T, want a term", rule, value)
		}
		set, isSet := term.Value.(ast.Set)
		if !isSet {
			return nil, fmt.Errorf("evaluate rules: %s is a %s, want a set", rule, ast.ValueName(term.Value))
		}
		sets[rule] = set
	}
	return sets, nil
}

// TooLong says that rules were asked for longer than limit.
func TooLong(limit time.Duration) error {
	return &BudgetError{Message: fmt.Sprintf("the rules took too long: more than %v", limit)}
}
