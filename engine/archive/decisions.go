// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bufio"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
)

// CheckDecisions reads decisions to their end, which are lines of JSON objects within the
// bounds of an index. ErrCorrupt, with the line, when the bytes are to blame.
func CheckDecisions(r io.Reader) error { return checkLines(r, maxIndex) }

func checkLines(r io.Reader, limit int64) error {
	gz, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("read decisions: %w", malformed(err))
	}
	lines := bufio.NewScanner(&capped{r: gz, left: limit})
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		if n++; len(lines.Bytes()) == 0 || !isObject(lines.Bytes()) {
			return fmt.Errorf("read decisions: line %d: %w: it is no JSON object", n, engine.ErrCorrupt)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read decisions: line %d: %w", n+1, malformed(err))
	}
	return nil
}
