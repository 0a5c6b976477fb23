// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// TestADeletionThatIsBrokenOffIsEnded has the API server away, once, when the
// object of a backup that was removed is to go.
func TestADeletionThatIsBrokenOffIsEnded(t *testing.T) {
	f := setUp(t)
	f.backup("broken-off", func(b *v1alpha1.Backup) {
		b.Labels = map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByCLI}
	})
	f.settle("broken-off")
	f.change("broken-off", func(s *v1alpha1.BackupSpec) { s.Deletion = &v1alpha1.Deletion{Reason: "a test"} })
	away := &awayOnce{Client: f.r.Client}
	f.r.Client = away
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !away.was {
		if _, err := f.r.Reconcile(t.Context(), f.get("broken-off")); err != nil && !away.was {
			t.Fatal(err)
		}
		<-tick.C
	}
	if text := f.settle("broken-off"); text != "gone" {
		t.Errorf("Ready = %q, want the object gone", text)
	}
}

// awayOnce fails the first deletion of a Backup.
type awayOnce struct {
	client.Client

	was bool
}

func (c *awayOnce) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	if _, ok := o.(*v1alpha1.Backup); ok && !c.was {
		c.was = true
		return apierrors.NewServiceUnavailable("the API server is away")
	}
	return c.Client.Delete(ctx, o, opts...)
}
