// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package output

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/duration"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/cmd/ark/internal/terminal"
)

// Column is a column of a table.
type Column[T any] struct {
	Header string
	// Wide columns are shown in the wide format only.
	Wide bool
	// Cell is what stands in an object's row; empty is shown as a dash.
	Cell func(T, Times) string
}

// List is a list that can be printed in every format.
type List[T client.Object] struct {
	Items   []T
	Columns []Column[T]
	// Kind of the objects, which reads do not fill in.
	Kind schema.GroupVersionKind
	// Resource is the type's name, as in backup.ark.gopherwood.dev, for names.
	Resource string
	// Single prints the one object that was asked for by name, not a list of one.
	Single bool
	// Now is what ages count from.
	Now time.Time
}

// Print writes the list to w.
func (l List[T]) Print(w io.Writer, f Format) error {
	switch f {
	case YAML, JSON:
		return l.printObjects(w, f)
	case Name:
		var b strings.Builder
		for _, item := range l.Items {
			b.WriteString(l.Resource + "/" + item.GetName() + "\n")
		}
		_, err := io.WriteString(w, b.String())
		return err
	case Table, Wide:
		return l.printTable(w, f == Wide)
	default:
		return fmt.Errorf("print as %q: no such format", f)
	}
}

// printObjects prints what the API server holds, without the bookkeeping that
// nobody reads.
func (l List[T]) printObjects(w io.Writer, f Format) error {
	for _, item := range l.Items {
		item.GetObjectKind().SetGroupVersionKind(l.Kind)
		item.SetManagedFields(nil)
	}
	if l.Single && len(l.Items) == 1 {
		return Marshal(w, f, l.Items[0])
	}
	items := l.Items
	if items == nil {
		items = []T{}
	}
	return Marshal(w, f, struct {
		metav1.TypeMeta `json:",inline"`

		Items []T `json:"items"`
	}{metav1.TypeMeta{APIVersion: "v1", Kind: "List"}, items})
}

// Marshal writes v as YAML or, indented, as JSON.
func Marshal(w io.Writer, f Format, v any) error {
	if f != JSON {
		content, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		if terminal.Safe(string(content)) {
			_, err = w.Write(content)
			return err
		}
		// YAML shows such characters as they are. JSON, which is YAML too, can escape them.
	}
	var content strings.Builder
	enc := json.NewEncoder(&content)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "    ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, terminal.Text(content.String()))
	return err
}

func (l List[T]) printTable(w io.Writer, wide bool) error {
	tw := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	times := Times{Now: l.Now, Exact: wide}
	var columns []Column[T]
	var headers []string
	for _, c := range l.Columns {
		if c.Wide && !wide {
			continue
		}
		columns = append(columns, c)
		headers = append(headers, c.Header)
	}
	if err := row(tw, headers); err != nil {
		return err
	}
	for _, item := range l.Items {
		cells := make([]string, 0, len(columns))
		for _, c := range columns {
			cells = append(cells, dash(c.Cell(item, times)))
		}
		if err := row(tw, cells); err != nil {
			return err
		}
	}
	return tw.Flush()
}

func row(w io.Writer, cells []string) error {
	_, err := io.WriteString(w, strings.Join(cells, "\t")+"\n")
	return err
}

// dash stands for what is not there, and keeps a cell on its line.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return OneLine(s)
}

// OneLine keeps a text on its line, and takes out what a terminal would act on:
// whoever can write to a bucket can write anything there.
func OneLine(s string) string {
	return terminal.Text(strings.Join(strings.Fields(s), " "))
}

// Times prints points in time.
type Times struct {
	// Now is what ages count from.
	Now time.Time
	// Exact asks for RFC 3339 instead of ages.
	Exact bool
}

// Print returns t as an age, such as "5m" or "in 29d", or exactly. A time that
// is not known is empty.
func (t Times) Print(at *metav1.Time) string {
	switch {
	case at.IsZero():
		return ""
	case t.Exact:
		return at.UTC().Format(time.RFC3339)
	case at.After(t.Now):
		return "in " + duration.HumanDuration(at.Sub(t.Now))
	default:
		return duration.HumanDuration(t.Now.Sub(at.Time))
	}
}
