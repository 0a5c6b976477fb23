// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Command promql reads a JSON list of PromQL expressions and writes, as JSON, what
// each selects. It fails where Prometheus would not take one.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// selector is a metric that an expression selects, with the labels by which it
// does, or that it keeps.
type selector struct {
	Metric string   `json:"metric"`
	Labels []string `json:"labels"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var expressions []string
	if err := json.NewDecoder(os.Stdin).Decode(&expressions); err != nil {
		return err
	}
	all := make([][]selector, len(expressions))
	for i, text := range expressions {
		expr, err := parser.NewParser(parser.Options{}).ParseExpr(text)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		all[i] = selectors(expr)
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// selectors finds the metrics of an expression, each with the labels that it is
// matched and grouped by.
func selectors(expr parser.Expr) []selector {
	var found []selector
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		vector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		s := selector{Metric: vector.Name, Labels: []string{}}
		for _, m := range vector.LabelMatchers {
			if m.Name != labels.MetricName {
				s.Labels = append(s.Labels, m.Name)
			}
		}
		for _, above := range path {
			if group, ok := above.(*parser.AggregateExpr); ok {
				s.Labels = append(s.Labels, group.Grouping...)
			}
		}
		found = append(found, s)
		return nil
	})
	return found
}
