// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// confirmation is whether to ask before something that cannot be taken back.
type confirmation struct{ given bool }

func (c *confirmation) add(flags *pflag.FlagSet) {
	flags.BoolVarP(&c.given, "yes", "y", false, "do not ask")
}

// canAsk refuses, before anything is looked for, what nobody can confirm.
func (c *confirmation) canAsk(a *app) error {
	if c.given || a.asks {
		return nil
	}
	return exit.Usagef("nobody can be asked here: confirm with --yes")
}

// ask asks a question, unless it was answered on the command line. Whatever is
// no yes is a no, and otherwise says what did not happen then.
func (c *confirmation) ask(a *app, question, otherwise string) error {
	if c.given {
		return nil
	}
	if _, err := fmt.Fprintf(a.err, "%s Type yes: ", question); err != nil {
		return err
	}
	answer, err := bufio.NewReader(a.in).ReadString('\n')
	if err != nil && answer == "" {
		return fmt.Errorf("read the answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "yes" && answer != "y" {
		return exit.Errorf(exit.Failed, "%s", otherwise)
	}
	return nil
}
