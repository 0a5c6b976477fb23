// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"time"

	"github.com/spf13/pflag"
)

// duration is a flag that says how long.
type duration time.Duration

// durationVar defines a flag that says how long, such as 720h.
func durationVar(flags *pflag.FlagSet, value *time.Duration, name string, standard time.Duration, usage string) {
	*value = standard
	flags.Var((*duration)(value), name, usage)
}

// String is what the flag holds.
func (d *duration) String() string { return time.Duration(*d).String() }

// Type is what help shows as the flag's type.
func (*duration) Type() string { return "duration" }

// Set takes a duration from the command line.
func (d *duration) Set(value string) error {
	parsed, err := time.ParseDuration(value)
	if err != nil {
		return errors.New("write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days")
	}
	*d = duration(parsed)
	return nil
}
