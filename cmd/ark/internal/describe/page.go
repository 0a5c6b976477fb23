// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package describe tells people about one object of Ark: what it is, what became
// of it, what was left out and why, and what to do next.
package describe

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// page is a description in the making.
type page struct {
	b   strings.Builder
	now time.Time
}

// table writes the rows that add adds, aligned.
func (p *page) table(indent string, add func(row func(cells ...string))) {
	tw := tabwriter.NewWriter(&p.b, 0, 8, 3, ' ', 0)
	add(func(cells ...string) {
		_, _ = io.WriteString(tw, indent+strings.Join(cells, "\t")+"\n") // a builder takes everything
	})
	_ = tw.Flush()
}

// facts writes lines of names and values, leaving out those without a value.
func (p *page) facts(pairs ...[2]string) {
	p.table("", func(row func(...string)) {
		for _, f := range pairs {
			if f[1] != "" {
				row(f[0]+":", oneLine(f[1]))
			}
		}
	})
}

// section writes a heading.
func (p *page) section(format string, args ...any) {
	fmt.Fprintf(&p.b, "\n"+format+"\n", args...)
}

// maxMessages is how many messages a status holds at most.
const maxMessages = 16

// messages writes a section of lines, if there are any. A status that is full
// may not hold all of them.
func (p *page) messages(heading string, lines []string) {
	if len(lines) == 0 {
		return
	}
	p.section("%s:", heading)
	for _, l := range lines {
		p.b.WriteString("  - " + oneLine(l) + "\n")
	}
	if len(lines) >= maxMessages {
		p.b.WriteString("  … and perhaps more: all of them are in results.json.gz, beside the archive or in the record\n")
	}
}

// lines writes texts behind a prefix, a line each.
func (p *page) lines(prefix string, texts []string) {
	for _, text := range texts {
		p.b.WriteString(prefix + oneLine(text) + "\n")
	}
}

// flush writes the page to w.
func (p *page) flush(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// at tells a point in time, exactly and as an age.
func (p *page) at(t *metav1.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.After(p.now):
		return fmt.Sprintf("%s (in %s)", t.UTC().Format(time.RFC3339), duration.HumanDuration(t.Sub(p.now)))
	default:
		return fmt.Sprintf("%s (%s ago)", t.UTC().Format(time.RFC3339), duration.HumanDuration(p.now.Sub(t.Time)))
	}
}

// took tells how long something took, or has taken so far.
func (p *page) took(start, end *metav1.Time) string {
	switch {
	case start.IsZero():
		return ""
	case end.IsZero():
		return duration.HumanDuration(p.now.Sub(start.Time)) + " so far"
	case end.Sub(start.Time) < time.Second:
		return "less than 1s" // the API keeps whole seconds
	default:
		return end.Sub(start.Time).Round(time.Millisecond).String()
	}
}

// oneLine keeps a text from another cluster or a rule on its line.
func oneLine(s string) string { return output.OneLine(s) }

// Bytes tells a size, such as "12.3 MiB"; nothing for 0.
func Bytes(n int64) string {
	const unit = 1024
	switch {
	case n <= 0:
		return ""
	case n < unit:
		return fmt.Sprintf("%d B", n)
	}
	value, units := float64(n)/unit, "KMGTPE"
	i := 0
	for value >= unit && i < len(units)-1 {
		value /= unit
		i++
	}
	return fmt.Sprintf("%.1f %ciB", value, units[i])
}

// count writes a number with its noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
