// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"os"

	"golang.org/x/term"
)

// stdio is what a command reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
	// asks says that somebody at a terminal can answer a question.
	asks bool
	// rewrites says that err is a terminal, where a line of width characters can be
	// written over.
	rewrites bool
	width    int
}

// processIO is the stdio of this process.
func processIO() stdio {
	s := stdio{in: os.Stdin, out: os.Stdout, err: os.Stderr}
	s.rewrites = term.IsTerminal(int(os.Stderr.Fd()))
	s.asks = s.rewrites && term.IsTerminal(int(os.Stdin.Fd()))
	if width, _, err := term.GetSize(int(os.Stderr.Fd())); err == nil {
		s.width = width
	}
	return s
}
