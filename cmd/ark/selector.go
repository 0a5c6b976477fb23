// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// parseSelector reads a label selector as kubectl does. metav1.ParseToLabelSelector would
// not read "key!=value", and would forget the first of two values of one key.
func parseSelector(flag, value string) (*metav1.LabelSelector, error) {
	requirements, err := labels.ParseToRequirements(value)
	if err != nil {
		return nil, exit.Usagef("--%s %q: %w: write key=value, key!=value, key in (a,b), key notin (a,b), key or !key, with commas between", flag, value, err)
	}
	parsed := &metav1.LabelSelector{}
	for _, r := range requirements {
		if err := add(parsed, r); err != nil {
			return nil, exit.Usagef("--%s %q: %q %w", flag, value, r.String(), err)
		}
	}
	return parsed, nil
}

// add makes a requirement one of the selector's.
func add(to *metav1.LabelSelector, r labels.Requirement) error {
	expression := metav1.LabelSelectorRequirement{Key: r.Key(), Values: r.ValuesUnsorted()}
	switch r.Operator() {
	case selection.Equals, selection.DoubleEquals:
		if _, twice := to.MatchLabels[r.Key()]; !twice {
			if to.MatchLabels == nil {
				to.MatchLabels = map[string]string{}
			}
			to.MatchLabels[r.Key()] = expression.Values[0]
			return nil
		}
		expression.Operator = metav1.LabelSelectorOpIn
	case selection.In:
		expression.Operator = metav1.LabelSelectorOpIn
	case selection.NotEquals, selection.NotIn:
		expression.Operator = metav1.LabelSelectorOpNotIn
	case selection.Exists:
		expression.Operator, expression.Values = metav1.LabelSelectorOpExists, nil
	case selection.DoesNotExist:
		expression.Operator, expression.Values = metav1.LabelSelectorOpDoesNotExist, nil
	case selection.GreaterThan, selection.LessThan:
		return errors.New("compares numbers, which a label selector of an object cannot: name the values, as in key in (a,b)")
	default:
		return fmt.Errorf("has the operator %q, which is not known", r.Operator())
	}
	slices.Sort(expression.Values)
	to.MatchExpressions = append(to.MatchExpressions, expression)
	return nil
}
