// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package output_test

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

var now = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func list(single bool, names ...string) output.List[*v1alpha1.Config] {
	l := output.List[*v1alpha1.Config]{
		Kind: v1alpha1.GroupVersion.WithKind("Config"), Resource: "config.ark.gopherwood.dev", Single: single, Now: now,
		Columns: []output.Column[*v1alpha1.Config]{
			{Header: "NAME", Cell: func(c *v1alpha1.Config, _ output.Times) string { return c.Name }},
			{Header: "CLUSTER", Cell: func(c *v1alpha1.Config, _ output.Times) string { return c.Spec.ClusterName }},
			{Header: "AGE", Cell: func(c *v1alpha1.Config, t output.Times) string { return t.Print(&c.CreationTimestamp) }},
			{Header: "UID", Wide: true, Cell: func(c *v1alpha1.Config, _ output.Times) string { return string(c.UID) }},
		},
	}
	for _, name := range names {
		l.Items = append(l.Items, &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: "1", CreationTimestamp: metav1.NewTime(now.Add(-90 * time.Minute)),
			ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "git"}},
		}, Spec: v1alpha1.ConfigSpec{ClusterName: map[string]string{"b": "two\twords\nand more"}[name]}})
	}
	return l
}

func TestPrint(t *testing.T) {
	const object = "metadata:\n  creationTimestamp: \"2026-11-23T10:30:00Z\"\n  name: a\n  uid: \"1\"\nspec: {}\n"
	tests := map[string]struct {
		list   output.List[*v1alpha1.Config]
		format output.Format
		want   string
	}{
		"a table, where a cell stays on its line": {
			list(false, "a", "b"), output.Table, "NAME   CLUSTER              AGE\na      -                    90m\nb      two words and more   90m\n",
		},
		"wide": {list(false, "a"), output.Wide, "NAME   CLUSTER   AGE                    UID\na      -         2026-11-23T10:30:00Z   1\n"},
		"names": {
			list(false, "a", "b"), output.Name, "config.ark.gopherwood.dev/a\nconfig.ark.gopherwood.dev/b\n",
		},
		"one as YAML, clean": {
			list(true, "a"), output.YAML, "apiVersion: ark.gopherwood.dev/v1alpha1\nkind: Config\n" + object,
		},
		"a list of one as YAML": {
			list(false, "a"), output.YAML,
			"apiVersion: v1\nitems:\n- apiVersion: ark.gopherwood.dev/v1alpha1\n  kind: Config\n  " +
				strings.TrimSuffix(strings.ReplaceAll(object, "\n", "\n  "), "  ") + "kind: List\n",
		},
		"nothing as JSON": {list(false), output.JSON, "{\n    \"kind\": \"List\",\n    \"apiVersion\": \"v1\",\n    \"items\": []\n}\n"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := tc.list.Print(&b, tc.format); err != nil {
				t.Fatal(err)
			}
			if b.String() != tc.want {
				t.Errorf("got\n%s\nwant\n%s", b.String(), tc.want)
			}
		})
	}
	t.Run("a format that there is not", func(t *testing.T) {
		if err := list(false).Print(&strings.Builder{}, "xml"); err == nil || err.Error() != `print as "xml": no such format` {
			t.Errorf("got %v", err)
		}
	})
}

func TestOneLineIsHarmlessOnATerminal(t *testing.T) {
	for text, want := range map[string]string{
		"as it is, äö":                  "as it is, äö",
		"two\n\n lines\tand more ":      "two lines and more",
		"\x1b[2Jgone, \u009b31mred\x07": `\u001b[2Jgone, \u009b31mred\u0007`,
		"no\xffUTF-8":                   "no\ufffdUTF-8",
	} {
		if got := output.OneLine(text); got != want {
			t.Errorf("OneLine(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	at := func(d time.Duration) *metav1.Time { return &metav1.Time{Time: now.Add(d)} }
	tests := map[string]struct {
		times output.Times
		at    *metav1.Time
		want  string
	}{
		"an age":            {output.Times{Now: now}, at(-49 * time.Hour), "2d1h"},
		"what is to come":   {output.Times{Now: now}, at(30 * time.Minute), "in 30m"},
		"exactly, in UTC":   {output.Times{Now: now, Exact: true}, &metav1.Time{Time: now.In(time.FixedZone("", 3600))}, "2026-11-23T12:00:00Z"},
		"no time":           {output.Times{Now: now}, nil, ""},
		"no time, exactly":  {output.Times{Now: now, Exact: true}, &metav1.Time{}, ""},
		"this very instant": {output.Times{Now: now}, at(0), "0s"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tc.times.Print(tc.at); got != tc.want {
				t.Errorf("Print() = %q, want %q", got, tc.want)
			}
		})
	}
}
