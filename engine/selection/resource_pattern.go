// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package selection

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gopherwood/ark/engine"
)

// CoreGroup is how patterns write the core group, whose real name is empty. No
// other group can be called that: custom groups contain a dot.
const CoreGroup = "core"

// ResourcePattern names types as people do: "deployments", "deployments.apps",
// "Deployment", "deploy", "*.apps", "*". The zero value matches nothing.
type ResourcePattern struct {
	written string
	// name is lower case, and "*" for all of a group.
	name string
	// group is lower case; anyGroup says that the pattern names none.
	group    string
	anyGroup bool
}

// ParseResourcePattern reads one pattern. What is matched must be looked up
// separately: a pattern that matches no type is well formed. Its errors name the form
// that works.
func ParseResourcePattern(s string) (ResourcePattern, error) {
	switch {
	case s == "":
		return ResourcePattern{}, errors.New("is empty: write a type, such as \"deployments.apps\", or \"*\" for all")
	case len(s) > maxPatternLength:
		return ResourcePattern{}, fmt.Errorf("has %d bytes: names of types have at most %d", len(s), maxPatternLength)
	case strings.Contains(s, "/"):
		return ResourcePattern{}, slashed(strings.ToLower(s))
	case strings.ContainsAny(s, ", \t\n"):
		return ResourcePattern{}, errors.New("is more than one name: write each type as an entry of its own, without spaces")
	}
	name, group, grouped := strings.Cut(strings.ToLower(s), ".")
	if err := checkNames(name, group, grouped); err != nil {
		return ResourcePattern{}, err
	}
	if group == CoreGroup {
		group = ""
	}
	return ResourcePattern{written: s, name: name, group: group, anyGroup: !grouped}, nil
}

// checkNames refuses what is before and behind the first dot of a pattern, if it has one.
func checkNames(name, group string, grouped bool) error {
	switch {
	case name == "":
		return fmt.Errorf("names no type: write %q for the whole group", "*."+group)
	case grouped && group == "":
		return fmt.Errorf("names no group behind the dot: write %q for the core group", name+"."+CoreGroup)
	case strings.ContainsAny(group, "*?") || (name != "*" && strings.ContainsAny(name, "*?")):
		return errors.New("has a wildcard within a name: write out each type; " +
			"a \"*\" can only stand for all types, or all of a group as in \"*.apps\"")
	case name != "*" && !typeName.MatchString(name), grouped && !groupName.MatchString(group):
		return errors.New("is not the name of a type: write letters, digits and \"-\", " +
			"and the group behind a dot, such as \"deployments.apps\"")
	}
	return nil
}

var (
	typeName  = regexp.MustCompile("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
	groupName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	version   = regexp.MustCompile("^v[0-9]+((alpha|beta)[0-9]+)?$")
	// plainGroups are the groups whose names have no dot to be known by.
	plainGroups = []string{"apps", "autoscaling", "batch", "extensions", "policy"}
)

// slashed tells how to write what has a slash: a group, a version or a subresource
// stands behind or before it.
func slashed(s string) error {
	parts := slices.DeleteFunc(strings.Split(s, "/"), version.MatchString)
	switch {
	case slices.Contains(parts, "") || len(parts) == 0 || len(parts) > 2:
		return errors.New("has a slash: name the type alone, such as \"deployments.apps\"")
	case len(parts) == 2:
		return paired(parts[0], parts[1])
	case slices.Contains(plainGroups, parts[0]):
		return fmt.Errorf("is a group and a version: write %q for all its types", "*."+parts[0])
	}
	return fmt.Errorf("names a version: write %q, for a type is read in the version that it is stored in", parts[0])
}

// paired tells how to write what has a slash between two names.
func paired(first, second string) error {
	isGroup := slices.Contains(plainGroups, first) || strings.Contains(first, ".")
	switch {
	case second == "status" || second == "scale":
		return subresource(first)
	case isGroup && (second == "*" || typeName.MatchString(second)):
		return fmt.Errorf("has the group before the type: write %q", second+"."+first)
	case slices.Contains(plainGroups, second):
		return fmt.Errorf("has a slash before the group: write %q", first+"."+second)
	}
	return subresource(first)
}

func subresource(of string) error {
	return fmt.Errorf("names a subresource, which is part of its object: write %q", of)
}

// String is the pattern as it was written.
func (p ResourcePattern) String() string { return p.written }

// reach is how the pattern reaches the types that it matches.
func (p ResourcePattern) reach() reach {
	if p.name == "*" {
		return byWildcard
	}
	return byName
}

// Matches reports whether the pattern names r, by any of r's names. Where short
// names may clash with the names of other types, use a ResourceSet.
func (p ResourcePattern) Matches(r engine.Resource) bool {
	return p.matchesName(r) || p.matchesShortName(r)
}

// matchesName matches by plural, singular and kind.
func (p ResourcePattern) matchesName(r engine.Resource) bool {
	if p.name == "" || !p.matchesGroup(r) {
		return false
	}
	return p.name == "*" || strings.EqualFold(p.name, r.Name) ||
		strings.EqualFold(p.name, r.Singular) || strings.EqualFold(p.name, r.Kind)
}

func (p ResourcePattern) matchesShortName(r engine.Resource) bool {
	return p.name != "" && p.matchesGroup(r) && slices.ContainsFunc(r.ShortNames, func(short string) bool {
		return strings.EqualFold(p.name, short)
	})
}

func (p ResourcePattern) matchesGroup(r engine.Resource) bool {
	return p.anyGroup || strings.EqualFold(p.group, r.Group)
}
