// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// list is a flag of several values, with commas between them or in flags of their own.
// Spaces around a value are not part of it.
type list struct{ values *[]string }

// listVar defines a flag of several values.
func listVar(flags *pflag.FlagSet, values *[]string, name, usage string) {
	flags.Var(&list{values}, name, usage)
}

// String is what the flag holds.
func (l *list) String() string {
	if l.values == nil {
		return ""
	}
	return strings.Join(*l.values, ",")
}

// Type is what help shows as the flag's type.
func (*list) Type() string { return "strings" }

// Set adds values from the command line.
func (l *list) Set(value string) error {
	added := strings.Split(value, ",")
	for i := range added {
		added[i] = strings.TrimSpace(added[i])
	}
	if slices.Contains(added, "") {
		return errors.New("a value is empty: write values with one comma between two of them")
	}
	*l.values = append(*l.values, added...)
	return nil
}
