// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package controllertest

import (
	"context"
	"encoding/json"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// Cluster returns a client of the cluster that the tests of a package share, and
// removes every object of Ark's kinds when the test ends: the Config has one name.
func Cluster(t testing.TB) client.Client {
	t.Helper()
	c := labtest.Client(t, labtest.Shared(t))
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context()) // which ended with the test
		for _, kind := range []client.Object{
			&v1alpha1.Restore{}, &v1alpha1.Backup{}, &v1alpha1.Schedule{}, &v1alpha1.BackupPolicy{}, &v1alpha1.Config{},
		} {
			if err := c.DeleteAllOf(ctx, kind); err != nil {
				t.Errorf("clean up: %v", err)
			}
		}
	})
	return c
}

// Create creates objects. A status that they have is written, too.
func Create(t testing.TB, c client.Client, objects ...client.Object) {
	t.Helper()
	for _, o := range objects {
		wanted, ok := o.DeepCopyObject().(client.Object)
		if !ok {
			t.Fatalf("%T is no object", o)
		}
		if err := c.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if hasStatus(t, wanted) {
			WriteStatus(t, c, o, wanted)
		}
	}
}

func hasStatus(t testing.TB, o client.Object) bool {
	t.Helper()
	raw, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var fields struct {
		Status map[string]any `json:"status"`
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	return len(fields.Status) > 0
}

// WriteStatus writes the status that wanted has into o, if it has one.
func WriteStatus(t testing.TB, c client.Client, o, wanted client.Object) {
	t.Helper()
	wanted.SetResourceVersion(o.GetResourceVersion())
	wanted.SetUID(o.GetUID())
	if err := c.Status().Update(t.Context(), wanted); client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	Read(t, c, o)
}

// Read reads an object again.
func Read(t testing.TB, c client.Client, o client.Object) {
	t.Helper()
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		t.Fatal(err)
	}
}
