// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gopherwood/ark/engine"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// withoutRules takes the rules out of the definition of BackupPolicy, and returns what
// puts them back.
func (f *fixture) withoutRules() (undo func()) {
	f.t.Helper()
	const name = "backuppolicies.ark.gopherwood.dev"
	write := func(edit func(spec map[string]any)) {
		f.t.Helper()
		o := f.definition(name)
		edit(o.Object["spec"].(map[string]any))
		if err := f.client.Update(f.t.Context(), o); err != nil {
			f.t.Fatal(err)
		}
	}
	was := f.definition(name).Object["spec"].(map[string]any)
	write(func(spec map[string]any) {
		version := spec["versions"].([]any)[0].(map[string]any)
		unstructured.RemoveNestedField(version, "schema", "openAPIV3Schema", "properties", "spec", "properties", "rules")
	})
	return func() {
		write(func(spec map[string]any) { spec["versions"] = was["versions"] })
	}
}

// Rules that the API server drops would not be asked.
func TestRestoresAreRefusedWhileADefinitionLacksFields(t *testing.T) {
	f := setUp(t)
	undo := f.withoutRules()
	f.restore("refused")
	f.settle("refused")
	ready := f.settle("refused")
	there := f.there()
	undo()
	hasPrefix(t, "Ready", ready, "False DefinitionOutdated: the definition backuppolicies.ark.gopherwood.dev lacks spec.rules, "+
		"which this version of Ark needs: apply the definitions of its chart (helm upgrade)")
	if there {
		t.Error("it was restored all the same")
	}
	hasPrefix(t, "Ready when it is put back", f.settle("refused"), "True Succeeded: ")
}

// The definition may change while a restore reads and asks.
func TestDefinitionsAreLookedAtBeforeTheFirstWrite(t *testing.T) {
	f := setUp(t)
	// Discovery comes behind the check that begins an attempt.
	undo := func() {}
	defer func() { undo() }()
	discover := &changing{Discoverer: f.access, change: func() { undo = f.withoutRules() }}
	f.r.Target = engrestore.Target{Discoverer: discover, Getter: f.access, Writer: f.access}
	f.restore("broken-off")
	hasPrefix(t, "Ready", f.settle("broken-off"), "Unknown Retrying: attempt 1 broke off: write nothing: the definition backuppolicies.ark.gopherwood.dev lacks spec.rules, ")
	if f.there() {
		t.Error("it was restored all the same")
	}
}

// changing changes something when it is first asked.
type changing struct {
	engine.Discoverer

	once   sync.Once
	change func()
}

func (c *changing) Discover(ctx context.Context) (engine.Discovery, error) {
	c.once.Do(c.change)
	return c.Discoverer.Discover(ctx)
}
