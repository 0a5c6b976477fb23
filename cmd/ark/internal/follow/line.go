// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"io"
	"strings"

	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
)

// Line shows how far a run is. On a terminal it is one line that is written
// over; elsewhere, such as in the log of a pipeline, every change is a line.
type Line struct {
	W io.Writer
	// Terminal says that W can write over a line, Width how long one is.
	Terminal bool
	Width    int

	last string
}

// clear returns to the beginning of the line and erases it.
const clear = "\r\x1b[K"

// Show shows text, unless it is what stands there.
func (l *Line) Show(text string) error {
	text = terminal.Text(strings.Join(strings.Fields(text), " "))
	if text == l.last {
		return nil
	}
	l.last = text
	if !l.Terminal {
		_, err := io.WriteString(l.W, text+"\n")
		return err
	}
	_, err := io.WriteString(terminal.Unwrapped(l.W), clear+cut(text, l.Width-1))
	return err
}

// End removes the line, where that can be done, so that what comes next begins
// on a line of its own.
func (l *Line) End() error {
	if !l.Terminal || l.last == "" {
		return nil
	}
	l.last = ""
	_, err := io.WriteString(terminal.Unwrapped(l.W), clear)
	return err
}

// cut shortens text to width characters: a line that wraps cannot be written over.
func cut(text string, width int) string {
	runes := []rune(text)
	if width < 1 || len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}
