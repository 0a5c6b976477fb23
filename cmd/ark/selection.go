// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/controllers/template"
)

// selectionFlags say which objects a backup or a restore is about.
type selectionFlags struct {
	includeNamespaces, excludeNamespaces []string
	includeResources, excludeResources   []string
	selector                             string
	orSelectors                          []string
	includeClusterResources              bool

	flags *pflag.FlagSet
}

// names of the flags of a selection.
const (
	includeNamespaces       = "include-namespaces"
	excludeNamespaces       = "exclude-namespaces"
	includeResources        = "include-resources"
	excludeResources        = "exclude-resources"
	selector                = "selector"
	orSelector              = "or-selector"
	includeClusterResources = "include-cluster-resources"
)

// add defines the flags. verb is what is done to the objects.
func (s *selectionFlags) add(flags *pflag.FlagSet, verb string) {
	s.flags = flags
	listVar(flags, &s.includeNamespaces, includeNamespaces, "namespaces to "+verb+", by name or glob; when omitted, all")
	listVar(flags, &s.excludeNamespaces, excludeNamespaces, "namespaces, by name or glob, to leave out")
	listVar(flags, &s.includeResources, includeResources, "types to "+verb+", such as deployments.apps, configmaps, *.apps; when omitted, all")
	listVar(flags, &s.excludeResources, excludeResources, "types to leave out")
	flags.StringVarP(&s.selector, selector, "l", "", "label selector that objects must match, such as app=shop,tier!=cache")
	flags.StringArrayVar(&s.orSelectors, orSelector, nil, "label selectors of which objects must match at least one; repeat the flag for each")
	flags.BoolVar(&s.includeClusterResources, includeClusterResources, false,
		"cover cluster-scoped objects; when omitted, they are covered with all namespaces, and otherwise only those that are needed")
}

// changed reports whether a flag was set. Commands that select nothing have no
// such flags.
func (s *selectionFlags) changed(flag string) bool { return s.flags != nil && s.flags.Changed(flag) }

// given lists the flags that were set.
func (s *selectionFlags) given() []string {
	var names []string
	for _, n := range []string{
		includeNamespaces, excludeNamespaces, includeResources, excludeResources,
		selector, orSelector, includeClusterResources,
	} {
		if s.changed(n) {
			names = append(names, "--"+n)
		}
	}
	return names
}

// template returns what the flags ask for.
func (s *selectionFlags) template() (v1alpha1.BackupTemplate, error) {
	t := v1alpha1.BackupTemplate{
		IncludedNamespaces: s.includeNamespaces, ExcludedNamespaces: s.excludeNamespaces,
		IncludedResources: s.includeResources, ExcludedResources: s.excludeResources,
	}
	if s.selector != "" && len(s.orSelectors) > 0 {
		return t, exit.Usagef("set --%s or --%s, not both", selector, orSelector)
	}
	if s.selector != "" {
		parsed, err := parseSelector(selector, s.selector)
		if err != nil {
			return t, err
		}
		t.LabelSelector = parsed
	}
	for _, or := range s.orSelectors {
		parsed, err := parseSelector(orSelector, or)
		if err != nil {
			return t, err
		}
		t.OrLabelSelectors = append(t.OrLabelSelectors, *parsed)
	}
	if s.changed(includeClusterResources) {
		t.IncludeClusterResources = &s.includeClusterResources
	}
	return t, checkTemplate(&t)
}

// checkTemplate tells what of t no cluster and no backup can make sense of.
func checkTemplate(t *v1alpha1.BackupTemplate) error {
	if _, err := template.Selection(t); err != nil {
		return exit.Usagef("%s", access.Flagged(err.Error()))
	}
	return nil
}
