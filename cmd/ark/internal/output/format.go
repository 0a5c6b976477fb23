// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package output prints lists of objects: as a table for people, and as YAML,
// JSON or names for programs.
package output

import (
	"errors"
	"slices"
	"strings"
)

// Format is one of the forms that a list is printed in. It is a flag value.
type Format string

// The formats.
const (
	// Table shows what fits a terminal, with ages.
	Table Format = "table"
	// Wide shows everything a table can, with times in RFC 3339.
	Wide Format = "wide"
	// YAML and JSON print the objects themselves.
	YAML Format = "yaml"
	JSON Format = "json"
	// Name prints <kind>/<name>, a line each.
	Name Format = "name"
)

var formats = []Format{Table, Wide, YAML, JSON, Name}

// Usage describes the flag.
const Usage = "output format: table, wide, yaml, json or name"

// String is the format's name.
func (f *Format) String() string { return string(*f) }

// Type is what help shows as the flag's type.
func (*Format) Type() string { return "format" }

// Set takes the format from the command line.
func (f *Format) Set(value string) error {
	if !slices.Contains(formats, Format(value)) {
		return errors.New("must be " + list(formats))
	}
	*f = Format(value)
	return nil
}

func list(formats []Format) string {
	var names []string
	for _, f := range formats {
		names = append(names, string(f))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
