// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package runlog prints what a backup or restore logged of itself, which lies
// beside it in storage.
package runlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
	"github.com/gopherwood/ark/engine"
)

const (
	// maxLine and maxLog bound what is read: whoever can write to the bucket can
	// write anything into a log.
	maxLine = 256 << 10
	maxLog  = 1 << 30
	// maxLines is more than a run that has something to say of every object logs.
	maxLines = 4 << 20
)

// Format is the form that lines are printed in.
type Format string

// The formats.
const (
	// Text is for people.
	Text Format = "text"
	// JSON prints the lines as they were logged.
	JSON Format = "json"
)

// Print reads a compressed log and writes the lines of at least a level.
// engine.ErrCorrupt when the log is to blame for an error.
func Print(w io.Writer, compressed io.Reader, least slog.Level, format Format) error {
	gz, err := gzip.NewReader(compressed)
	if err != nil {
		return fmt.Errorf("read log: %w: %w", engine.ErrCorrupt, err)
	}
	return printLines(w, io.LimitReader(gz, maxLog), least, format)
}

// PrintPlain is Print for a log that is not compressed.
func PrintPlain(w io.Writer, log io.Reader, least slog.Level, format Format) error {
	return printLines(w, log, least, format)
}

func printLines(w io.Writer, log io.Reader, least slog.Level, format Format) error {
	buffered := bufio.NewWriter(w)
	lines := bufio.NewScanner(log)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		if n > maxLines {
			return fmt.Errorf("read log: %w: it has more than %d lines", engine.ErrCorrupt, maxLines)
		}
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		l, err := parse(lines.Bytes())
		if err != nil {
			return fmt.Errorf("read log: line %d: %w: %w", n, engine.ErrCorrupt, err)
		}
		if l.level < least {
			continue
		}
		text := l.text()
		if format == JSON {
			text = terminal.Text(lines.Text())
		}
		if _, err := buffered.WriteString(text + "\n"); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
		}
		return fmt.Errorf("read log: %w", err)
	}
	return buffered.Flush()
}

// line is one line of a log.
type line struct {
	time    time.Time
	level   slog.Level
	message string
	// attributes are key=value, in the order they were logged.
	attributes []string
}

func parse(raw []byte) (line, error) {
	var l line
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return l, errors.New("it is not a JSON object")
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return l, err
		}
		name, _ := key.(string)
		var value any
		if err := decoder.Decode(&value); err != nil {
			return l, err
		}
		if err := l.set(name, value); err != nil {
			return l, err
		}
	}
	return l, nil
}

func (l *line) set(key string, value any) error {
	text, isText := value.(string)
	switch {
	case key == slog.TimeKey && isText:
		at, err := time.Parse(time.RFC3339Nano, text)
		l.time = at
		return err
	case key == slog.LevelKey && isText:
		return l.level.UnmarshalText([]byte(text))
	case key == slog.MessageKey && isText:
		l.message = text
	case isText && text == "":
	case isText:
		l.attributes = append(l.attributes, key+"="+quoted(text))
	default:
		raw, err := json.Marshal(value)
		l.attributes = append(l.attributes, key+"="+string(raw))
		return err
	}
	return nil
}

// quoted quotes a value that is not one word.
func quoted(s string) string {
	if strings.ContainsAny(s, " \t\n\"=") {
		return strconv.Quote(s)
	}
	return s
}

// text is the line for people, harmless on a terminal.
func (l *line) text() string {
	parts := append([]string{l.time.UTC().Format("2006-01-02T15:04:05.000Z"), fmt.Sprintf("%-5s", l.level), l.message}, l.attributes...)
	return terminal.Text(strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
}
