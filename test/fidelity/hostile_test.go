// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// hostileCase is a cluster that stands in the way of a restore. NS stands for the
// namespace of the case, in YAML and in the keys of objects.
type hostileCase struct {
	// name is what is in the way, as a row of the table.
	name string
	// setUp are the objects that are archived.
	setUp string
	// settled reports what controllers have not done yet before the backup.
	settled func(ctx context.Context, s *stage, ns string) error
	// cluster archives all cluster-scoped objects, not only those that are needed.
	cluster bool
	// keep leaves the objects in place; otherwise they are deleted.
	keep bool
	// change is what happens between the backup and the restore.
	change func(t *testing.T, s *stage, ns string)
	// set completes the request, which is for the namespace of the case.
	set func(req *restore.Request, ns string)
	// source wraps the cluster that is backed up, and named is what the backup says.
	source func(t *testing.T, s *stage, ns string) collect.Source
	named  []string
	// target wraps the cluster that is restored into.
	target func(t *testing.T, s *stage, ns string) restore.Target
	// told is what the restore says of objects.
	told []told
	// so says what comes of it, where that is more than what the restore says.
	so string
	// check looks at what comes of it.
	check func(t *testing.T, s *stage, ns string, r *restored)
}

// told is what the results say of an object.
type told struct {
	key     string
	outcome restore.Outcome
	// says is within a message, or is the code of an object that is left out.
	says string
}

// hostilePrefix begins the namespace and the API group of a case.
const hostilePrefix = "hostile-"

const hostilePreamble = `
## When the cluster stands in the way

Each row is a test too: objects are backed up, then the cluster changes, and they are restored into what it is now. What does not
come back as it was is named with the reason.

| in the way | what the restore says | what comes of it |
|---|---|---|
`

func TestAClusterThatStandsInTheWay(t *testing.T) {
	s := newStage(t, labtest.Start(t, lab.Options{ControllerManager: true}))
	cases := hostileCases()
	passed := t.Run("cases", func(t *testing.T) {
		for i, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				c.run(t, s, hostilePrefix+string(rune('a'+i)))
			})
		}
	})
	if passed {
		content := hostilePreamble
		for i := range cases {
			content += cases[i].row()
		}
		document(t, hostileSection, content)
	}
}

func (c *hostileCase) run(t *testing.T, s *stage, ns string) {
	t.Helper()
	objects := parse(t, strings.ReplaceAll(c.setUp, "NS", ns))
	s.create(t, append([]*object{newObject("v1", "Namespace", "", ns)}, objects...)...)
	if c.settled != nil {
		eventually(t, "settle", func(ctx context.Context) error { return c.settled(ctx, s, ns) })
	}
	template := selection.Template{IncludedNamespaces: []string{ns}}
	if c.cluster {
		template.ClusterResources = &c.cluster
	}
	source := collect.Source{Discoverer: s.reader, Lister: s.reader, Historian: s.reader}
	if c.source != nil {
		source = c.source(t, s, ns)
	}
	backup := s.takeFrom(t, source, template)
	if c.source != nil {
		c.compareNamed(t, backup, ns)
	}
	if !c.keep {
		s.remove(t, slices.DeleteFunc(objects, func(o *object) bool { return o.GetKind() == "CustomResourceDefinition" })...)
	}
	if c.change != nil {
		c.change(t, s, ns)
	}
	req := within(ns)
	req.Workers = 1 // so that what comes first is known
	if c.set != nil {
		c.set(&req, ns)
	}
	target := restore.Target{Discoverer: s.writer, Getter: s.writer, Writer: s.writer, Lister: s.writer}
	if c.target != nil {
		target = c.target(t, s, ns)
	}
	r := s.restoreInto(t, target, backup, req)
	for _, is := range c.told {
		is.compare(t, r, ns)
	}
	if c.check != nil {
		c.check(t, s, ns, r)
	}
}

// compareNamed checks that the backup names what is not in it, and nothing else.
// The types of other cases may vanish meanwhile, as they do in a cluster.
func (c *hostileCase) compareNamed(t *testing.T, backup *taken, ns string) {
	t.Helper()
	want := make([]string, 0, len(c.named))
	for _, text := range c.named {
		want = append(want, strings.ReplaceAll(text, "NS", ns))
	}
	named := slices.DeleteFunc(slices.Clone(backup.snapshot.Marker.Errors), func(text string) bool {
		return strings.Contains(strings.ReplaceAll(text, ns, ""), hostilePrefix)
	})
	if diff := cmp.Diff(want, named); diff != "" {
		t.Errorf("the backup says (-want +got):\n%s", diff)
	}
}

// compare checks what the results say.
func (w told) compare(t *testing.T, r *restored, ns string) {
	t.Helper()
	key := strings.ReplaceAll(w.key, "NS", ns)
	line := r.lines[key]
	said := strings.Join(append(line.Messages, line.Code), "; ")
	if line.Outcome != w.outcome || !strings.Contains(said, strings.ReplaceAll(w.says, "NS", ns)) {
		t.Errorf("%s: %s %q, want it %s, and %q said; others: %v", key, line.Outcome, said, w.outcome, w.says, r.failures())
	}
}

// row is the case's row of the table.
func (c *hostileCase) row() string {
	var says []string
	for _, text := range c.named {
		says = append(says, "the backup: `"+strings.NewReplacer("namespace NS", "namespace shop", "NS.", "").Replace(text)+"`")
	}
	for _, w := range c.told {
		text := "`" + strings.NewReplacer("namespaces/NS", "namespaces/shop", "/NS/", "/", "NS-", "", "NS.", "").Replace(w.key) + "` " + string(w.outcome)
		if w.says != "" {
			text += ": `" + strings.NewReplacer("NS-", "", "NS.", "").Replace(w.says) + "`"
		}
		says = append(says, text)
	}
	return "| " + c.name + " | " + strings.Join(says, "; ") + " | " + c.so + " |\n"
}
