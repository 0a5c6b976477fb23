// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package follow_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/follow"
)

// server answers reads and watches of one Backup from a script. A step that is
// an error fails the read.
type server struct {
	client.WithWatch

	script []step
	lost   int
}

// step is one read and the events of the watch that follows it.
type step struct {
	backup *v1alpha1.Backup
	err    error
	watch  error
	events []watch.Event
}

func (s *server) Get(_ context.Context, _ client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	if len(s.script) == 0 {
		return fmt.Errorf("read once more than the script says: %w", apierrors.NewForbidden(schema.GroupResource{}, "", nil))
	}
	next := s.script[0]
	if next.err != nil {
		s.script = s.script[1:]
		return next.err
	}
	b, ok := obj.(*v1alpha1.Backup)
	if !ok {
		return fmt.Errorf("read a %T", obj)
	}
	next.backup.DeepCopyInto(b)
	return nil
}

func (s *server) Watch(context.Context, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
	next := s.script[0]
	s.script = s.script[1:]
	if next.watch != nil {
		return nil, next.watch
	}
	w := watch.NewFakeWithChanSize(len(next.events), false)
	for _, e := range next.events {
		w.Action(e.Type, e.Object)
	}
	w.Stop() // what was sent is still received
	return w, nil
}

func backup(uid, reason string) *v1alpha1.Backup {
	return &v1alpha1.Backup{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: types.UID(uid)},
		Status:     v1alpha1.BackupStatus{Conditions: []metav1.Condition{{Type: "Ready", Reason: reason}}},
	}
}

func modified(b *v1alpha1.Backup) watch.Event { return watch.Event{Type: watch.Modified, Object: b} }

func TestUntil(t *testing.T) {
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "backups"}, "a")
	expired := apierrors.NewResourceExpired("too old").Status()
	broken := apierrors.NewInternalError(errors.New("etcd")).Status()
	refused := errors.New("connection refused")
	tests := map[string]struct {
		script []step
		seen   []string
		lost   int
		took   time.Duration
		want   error
	}{
		"the first read is enough": {
			script: []step{{backup: backup("1", "End")}}, seen: []string{"End"},
		},
		"changes are seen in their order": {
			script: []step{{backup: backup("1", "A"), events: []watch.Event{
				modified(backup("1", "B")), {Type: watch.Bookmark, Object: backup("1", "")}, modified(backup("1", "End")), modified(backup("1", "never")),
			}}},
			seen: []string{"A", "B", "End"},
		},
		"a watch that ends is resumed": {
			script: []step{{backup: backup("1", "A"), events: []watch.Event{modified(backup("1", "B"))}}, {backup: backup("1", "End")}},
			seen:   []string{"A", "B", "End"},
		},
		"a revision that is too old is read anew": {
			script: []step{{backup: backup("1", "A"), events: []watch.Event{{Type: watch.Error, Object: &expired}}}, {backup: backup("1", "End")}},
			seen:   []string{"A", "End"},
		},
		"an API server that is away is waited for, and told of once": {
			script: []step{{err: refused}, {err: refused}, {err: refused}, {backup: backup("1", "End")}},
			seen:   []string{"End"}, lost: 1, took: 700 * time.Millisecond,
		},
		"so is a watch that cannot be begun, or fails": {
			script: []step{{backup: backup("1", "A"), watch: refused}, {backup: backup("1", "B"), events: []watch.Event{{Type: watch.Error, Object: &broken}}}, {backup: backup("1", "End")}},
			seen:   []string{"A", "B", "End"}, lost: 1, took: 300 * time.Millisecond,
		},
		"an object that does not exist ends it":  {script: []step{{err: gone}}, want: gone},
		"an object that is deleted ends it":      {script: []step{{backup: backup("1", "A"), events: []watch.Event{{Type: watch.Deleted, Object: backup("1", "A")}}}}, seen: []string{"A"}, want: follow.ErrDeleted},
		"another object of that name ends it":    {script: []step{{backup: backup("1", "A"), events: []watch.Event{modified(backup("2", "B"))}}}, seen: []string{"A"}, want: follow.ErrDeleted},
		"an error of the one who looks ends it":  {script: []step{{backup: backup("1", "Bad")}}, seen: []string{"Bad"}, want: errBad},
		"an object replaced between watches too": {script: []step{{backup: backup("1", "A")}, {backup: backup("2", "B")}}, seen: []string{"A"}, want: follow.ErrDeleted},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{script: tc.script}
				start := time.Now() //nolint:forbidigo // the clock of the bubble
				seen, err := run(t.Context(), s)
				if !errors.Is(err, tc.want) {
					t.Errorf("Until() = %v, want %v", err, tc.want)
				}
				took := time.Since(start) //nolint:forbidigo // the same
				if diff := cmp.Diff(tc.seen, seen) + cmp.Diff(tc.lost, s.lost) + cmp.Diff(tc.took, took); diff != "" {
					t.Errorf("seen, lost, took (-want +got):\n%s", diff)
				}
			})
		})
	}
}

var errBad = errors.New("cannot show it")

// run follows a Backup until its reason is End.
func run(ctx context.Context, s *server) (seen []string, err error) {
	target := follow.Target[*v1alpha1.Backup]{
		Object: &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, List: &v1alpha1.BackupList{},
		Lost: func(error) { s.lost++ },
	}
	err = follow.Until(ctx, s, target, func(b *v1alpha1.Backup) (bool, error) {
		reason := b.Status.Conditions[0].Reason
		seen = append(seen, reason)
		if reason == "Bad" {
			return false, errBad
		}
		return reason == "End", nil
	})
	return seen, err
}

func TestUntilEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("long enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, cause)
		defer cancel()
		away := step{err: &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusServiceUnavailable}}}
		s := &server{}
		for range 100 {
			s.script = append(s.script, away)
		}
		if _, err := run(ctx, s); !errors.Is(err, cause) {
			t.Errorf("Until() = %v, want %v", err, cause)
		}
		if read := 100 - len(s.script); read > 20 {
			t.Errorf("read %d times in a minute: the pauses do not grow", read)
		}
	})
}
