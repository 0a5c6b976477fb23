// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/gopherwood/ark/cmd/ark/internal/exit"

// fromFlags name what a backup or restore is made from.
type fromFlags struct {
	backup, schedule, policy string
}

// one reports the single flag that is set, by its name without the dashes and
// its value. It is an error to set more than one.
func (f fromFlags) one() (flag, value string, err error) {
	for _, from := range []struct{ flag, value string }{
		{"from-backup", f.backup}, {"from-schedule", f.schedule}, {"from-policy", f.policy},
	} {
		switch {
		case from.value == "":
		case flag != "":
			return "", "", exit.Usagef("set --%s or --%s, not both", flag, from.flag)
		default:
			flag, value = from.flag, from.value
		}
	}
	return flag, value, nil
}
