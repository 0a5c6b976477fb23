// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package contents

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/gopherwood/ark/cmd/ark/internal/output"
	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
	"github.com/gopherwood/ark/engine/archive"
)

// batch is how many rows of a table are aligned together: a backup of a million
// objects is shown while it is read.
const batch = 1000

// Print writes lines in a format, as they come, and returns how many there were.
func Print(w io.Writer, format output.Format, lines iter.Seq2[archive.Entry, error]) (n int64, err error) {
	buffered := bufio.NewWriter(w)
	var p printer
	switch format {
	case output.Table, output.Wide:
		p = newTable(buffered, format == output.Wide)
	case output.JSON:
		p = jsonLines{buffered}
	case output.Name:
		p = names{buffered}
	case output.YAML:
		return 0, fmt.Errorf("print as %q: no such format", format)
	}
	for e, err := range lines {
		if err != nil {
			return n, err
		}
		if err := p.print(&e); err != nil {
			return n, err
		}
		n++
	}
	if err := p.end(); err != nil {
		return n, err
	}
	return n, buffered.Flush()
}

// printer writes lines of an index.
type printer interface {
	print(e *archive.Entry) error
	end() error
}

// jsonLines writes each line as it is in the index.
type jsonLines struct{ w io.Writer }

func (j jsonLines) print(e *archive.Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = io.WriteString(j.w, terminal.Text(string(line))+"\n")
	return err
}

func (jsonLines) end() error { return nil }

// names writes each object as single objects are asked for.
type names struct{ w io.Writer }

func (n names) print(e *archive.Entry) error {
	_, err := io.WriteString(n.w, output.OneLine(e.Key().String())+"\n")
	return err
}

func (names) end() error { return nil }

// table writes rows, a batch at a time.
type table struct {
	*tabwriter.Writer

	wide bool
	rows int
}

func newTable(w io.Writer, wide bool) *table {
	return &table{Writer: tabwriter.NewWriter(w, 0, 8, 3, ' ', 0), wide: wide}
}

func (t *table) print(e *archive.Entry) error {
	if t.rows == 0 {
		header := "TYPE\tNAMESPACE\tNAME\tSIZE\tOUTCOME\tCODES\n"
		if t.wide {
			header = "TYPE\tNAMESPACE\tNAME\tSIZE\tOUTCOME\tCODES\tVERSION\tUID\tERROR\n"
		}
		if _, err := io.WriteString(t, header); err != nil {
			return err
		}
	}
	t.rows++
	cells := []string{
		e.Key().GroupResource.String(), dash(e.Namespace), e.Name, size(e), outcome(e), dash(strings.Join(e.Codes, ",")),
	}
	if t.wide {
		cells = append(cells, e.Version, dash(string(e.UID)), dash(strings.Join(strings.Fields(e.Error), " ")))
	}
	for i := range cells {
		cells[i] = output.OneLine(cells[i])
	}
	if _, err := io.WriteString(t, strings.Join(cells, "\t")+"\n"); err != nil {
		return err
	}
	if t.rows%batch == 0 {
		return t.Flush()
	}
	return nil
}

func (t *table) end() error { return t.Flush() }

func outcome(e *archive.Entry) string {
	switch {
	case e.Error != "":
		return string(Failed)
	case e.Excluded:
		return string(Excluded)
	default:
		return string(Stored)
	}
}

func size(e *archive.Entry) string {
	if e.SHA256 == "" {
		return "-"
	}
	return strconv.FormatInt(e.Size, 10)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
