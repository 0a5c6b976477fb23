// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// ParameterType is what values a parameter takes.
type ParameterType string

// The types of parameters.
const (
	ParameterString  ParameterType = "string"
	ParameterBoolean ParameterType = "boolean"
	ParameterStrings ParameterType = "list of strings"
)

// Parameter describes a parameter of a library rule.
type Parameter struct {
	Name        string        `json:"name"`
	Type        ParameterType `json:"type"`
	Description string        `json:"description"`
	// Default is the value when none is given: a string, a bool or a []any of strings.
	Default any `json:"default"`
}

// parametersOf reads custom.parameters of a library rule's METADATA.
func parametersOf(about *ast.Annotations) ([]Parameter, error) {
	raw, err := json.Marshal(about.Custom["parameters"])
	if err != nil {
		return nil, fmt.Errorf("encode parameters: %w", err)
	}
	var parameters []Parameter
	if err := json.Unmarshal(raw, &parameters); err != nil {
		return nil, fmt.Errorf("decode parameters: %w", err)
	}
	for i := range parameters {
		p := &parameters[i]
		p.Description = strings.Join(strings.Fields(p.Description), " ")
		if problem := p.refuses(p.Default); problem != "" || p.Description == "" {
			return nil, fmt.Errorf("parameter %q needs a description and a default of its type: %s", p.Name, problem)
		}
	}
	slices.SortFunc(parameters, func(a, b Parameter) int { return strings.Compare(a.Name, b.Name) })
	return parameters, nil
}

// settle puts given values over the defaults. problems are sorted.
func (r libraryRule) settle(given map[string]any) (values map[string]any, problems []string) {
	values = map[string]any{}
	var known []string
	for _, p := range r.Parameters {
		known = append(known, p.Name)
		values[p.Name] = p.Default
		value, set := given[p.Name]
		if !set {
			continue
		}
		if problem := p.refuses(value); problem != "" {
			problems = append(problems, problem)
			continue
		}
		values[p.Name] = value
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch {
		case len(known) == 0:
			problems = append(problems, fmt.Sprintf("there is no parameter %q: the rule takes none", name))
		case !slices.Contains(known, name):
			problems = append(problems, fmt.Sprintf("there is no parameter %q; there are %s", name, strings.Join(known, ", ")))
		}
	}
	return values, problems
}

// refuses says what is wrong with a value; empty when nothing is.
func (p Parameter) refuses(value any) string {
	ok := false
	switch p.Type {
	case ParameterString:
		_, ok = value.(string)
	case ParameterBoolean:
		_, ok = value.(bool)
	case ParameterStrings:
		list, isList := value.([]any)
		ok = isList && !slices.ContainsFunc(list, func(item any) bool { _, text := item.(string); return !text })
	}
	if ok {
		return ""
	}
	return fmt.Sprintf("parameter %q must be a %s", p.Name, p.Type)
}
