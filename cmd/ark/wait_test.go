// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/follow"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// play waits until the object of that name is created, and then gives it one
// status after another, as a controller would.
func play[T client.Object](ctx context.Context, t *testing.T, c client.WithWatch, obj T, list client.ObjectList, statuses ...func(T)) {
	t.Helper()
	// The test ends when the command does, which may be before this has.
	ctx = context.WithoutCancel(ctx)
	w, err := c.Watch(ctx, list, client.MatchingFields{"metadata.name": obj.GetName()})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		<-done
		if err := client.IgnoreNotFound(c.Delete(ctx, obj)); err != nil {
			t.Error(err)
		}
	})
	go func() {
		defer close(done)
		defer w.Stop()
		for e := range w.ResultChan() {
			if e.Type != watch.Added {
				continue
			}
			for _, status := range statuses {
				if err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
					t.Error(err)
					return
				}
				status(obj)
				if err := c.Status().Update(ctx, obj); err != nil {
					t.Error(err)
					return
				}
			}
			return
		}
	}()
}

// progressing is how a run stands that is under way.
func progressing(reason, message string) []metav1.Condition {
	return []metav1.Condition{
		ready(metav1.ConditionUnknown, reason, message),
		condition(v1alpha1.ReconcilingCondition, metav1.ConditionTrue, reason, message),
	}
}

func backupStatus(conditions []metav1.Condition, more func(*v1alpha1.BackupStatus)) func(*v1alpha1.Backup) {
	return func(b *v1alpha1.Backup) {
		b.Status.ObservedGeneration = b.Generation
		b.Status.Conditions = conditions
		if more != nil {
			more(&b.Status)
		}
	}
}

func TestWaitingForABackup(t *testing.T) {
	u, c := atCluster(t)
	done := func(st *v1alpha1.BackupStatus) {
		*st = partialBackup("x").Status
		st.ObservedGeneration = 1
		st.Errors = nil
		// Long after the object was created, whenever this test runs.
		st.StartTime, st.CompletionTime = in(1000*24*time.Hour), in(1000*24*time.Hour+90*time.Second)
		st.Objects.Failed = 0
		st.Conditions = succeeded("3401 objects are stored")
	}
	tests := map[string]struct {
		statuses []func(*v1alpha1.Backup)
		code     exit.Code
		out      []string
		errs     []string
	}{
		"a full success": {
			[]func(*v1alpha1.Backup){
				backupStatus(progressing(v1alpha1.QueuedReason, "waits for backup other"), nil),
				backupStatus(progressing(v1alpha1.ProgressingReason, "lists"), func(st *v1alpha1.BackupStatus) {
					st.Progress = &v1alpha1.BackupProgress{Resources: 40, ResourcesDone: 12, Objects: 900}
				}),
				backupStatus(nil, done),
			},
			exit.Success,
			[]string{
				"backup NAME created\n", "backup NAME: Succeeded: 3401 objects are stored\n", "  3401 stored, 40 left out, 0 failed\n",
				"  left out 30 by token: (a rule's code)\n", "  stored in main, 12.0 MiB, in 1m30s\n",
			},
			nil,
		},
		"a partial one": {
			[]func(*v1alpha1.Backup){backupStatus(stalled(v1alpha1.PartiallyFailedReason, "2 objects failed"), func(st *v1alpha1.BackupStatus) {
				st.Errors = []string{"secrets/a/b: too large"}
			})},
			exit.Partial, []string{"  failed: secrets/a/b: too large\n"}, []string{"ark: backup NAME: PartiallyFailed: 2 objects failed\n"},
		},
		"a failure": {
			[]func(*v1alpha1.Backup){backupStatus(stalled(v1alpha1.LocationMissingReason, "there is no location far"), nil)},
			exit.Failed, []string{"  next: mend what the status says: it goes on by itself then"},
			[]string{"ark: backup NAME: LocationMissing: there is no location far\n"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			id := "wait-" + tc.code.String()
			backup := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: id}}
			play(t.Context(), t, c, backup, &v1alpha1.BackupList{}, tc.statuses...)
			u := u
			u.t = t
			named := func(texts []string) (out []string) {
				for _, s := range texts {
					out = append(out, strings.ReplaceAll(s, "NAME", id))
				}
				return out
			}
			check(t, u.ark(t.Context(), "backup", "create", id, "--wait", "--timeout", "1m"), tc.code, named(tc.out), named(tc.errs))
		})
	}
}

func TestWaitingForARestore(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, partialBackup("waited"))
	tests := map[string]struct {
		conditions []metav1.Condition
		code       exit.Code
	}{
		"success":   {succeeded("restored"), exit.Success},
		"a dry run": {[]metav1.Condition{ready(metav1.ConditionTrue, v1alpha1.PlannedReason, "planned")}, exit.Success},
		"partial":   {stalled(v1alpha1.PartiallyFailedReason, "1 failed"), exit.Partial},
		"denied":    {stalled(v1alpha1.DeniedReason, "denied"), exit.Denied},
		"failed":    {stalled(v1alpha1.ArchiveInvalidReason, "cut short"), exit.Failed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			id := "wait-" + strings.ReplaceAll(name, " ", "-")
			r := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: id}}
			play(t.Context(), t, c, r, &v1alpha1.RestoreList{}, func(r *v1alpha1.Restore) {
				r.Status.ObservedGeneration = r.Generation
				r.Status.Conditions = tc.conditions
				r.Status.Results = &v1alpha1.ResultCounts{Created: 5}
				r.Status.Planned = &v1alpha1.PlanCounts{Create: 7}
				r.Status.Warnings = []string{"no-gate: nobody was asked"}
				r.Status.Denials = []v1alpha1.Denial{{Code: "protected", Message: "no", Policy: "shop", Object: "pods/a/b"}}
				r.Status.Record = "here"
			})
			u := u
			u.t = t
			counts := "  5 created, 0 changed"
			if name == "denied" { // nothing was written, and what was planned says more
				counts = "  planned: 7 to create, 0 to change"
			}
			check(t, u.ark(t.Context(), "restore", "create", id, "--from-backup", "waited", "-w"), tc.code, []string{
				"restore " + id + ": " + tc.conditions[0].Reason, counts, "  warning: no-gate: nobody was asked\n",
				"  denied by protected: no (policy shop, pods/a/b)\n", "  recorded in here\n",
			}, nil)
		})
	}
}

func TestWaitingEndsBeforeTheRunDoes(t *testing.T) {
	u, c := atCluster(t)
	queued := backupStatus(progressing(v1alpha1.QueuedReason, "waits for backup other"), nil)
	t.Run("by the timeout", func(t *testing.T) {
		b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "timed-out"}}
		play(t.Context(), t, c, b, &v1alpha1.BackupList{}, queued)
		check(t, u.ark(t.Context(), "backup", "create", "timed-out", "--wait", "--timeout", "1s"), exit.TimedOut, nil, []string{
			"backup timed-out: Queued: waits for backup other\n",
			`ark: stopped waiting for backup timed-out after 1s (--timeout): it goes on; see how it goes with "ark backup describe timed-out"`,
		})
	})
	t.Run("by Ctrl-C", func(t *testing.T) {
		b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "interrupted"}}
		ctx, interrupt := context.WithCancel(t.Context())
		play(t.Context(), t, c, b, &v1alpha1.BackupList{}, queued, func(*v1alpha1.Backup) { interrupt() })
		check(t, u.ark(ctx, "backup", "create", "interrupted", "--wait"), exit.Interrupted, nil, []string{
			`ark: stopped waiting for backup interrupted: it goes on; see how it goes with "ark backup describe interrupted"`,
		})
	})
	t.Run("by somebody who deletes the object", func(t *testing.T) {
		b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "vanished"}}
		play(t.Context(), t, c, b, &v1alpha1.BackupList{}, queued, func(b *v1alpha1.Backup) {
			ctx := context.WithoutCancel(t.Context())
			if err := c.Delete(ctx, b.DeepCopy()); err != nil {
				t.Error(err)
			}
			*b = *partialBackup("vanished") // another of that name will not do
			if err := c.Create(ctx, b); err != nil {
				t.Error(err)
			}
		})
		check(t, u.ark(t.Context(), "backup", "create", "vanished", "--wait"), exit.Failed, nil,
			[]string{"ark: wait for backup vanished: deleted while it was waited for"})
	})
}

func TestWaitingForADeletion(t *testing.T) {
	u, c := atCluster(t)
	t.Run("the object goes", func(t *testing.T) {
		b := partialBackup("goes")
		create(t, c, b)
		stop := onDeletion(t, c, "goes", func(b *v1alpha1.Backup) error { return c.Delete(t.Context(), b) })
		check(t, u.ark(t.Context(), "backup", "delete", "goes", "--yes", "--wait"), exit.Success, []string{"backup goes: deleted\n"}, nil)
		<-stop
	})
	t.Run("the object of the command line goes a moment after its data", func(t *testing.T) {
		b := partialBackup("both")
		b.Labels[v1alpha1.CreatedByLabel] = v1alpha1.CreatedByCLI
		create(t, c, b)
		stop := onDeletion(t, c, "both", func(b *v1alpha1.Backup) error {
			backupStatus(succeeded(v1alpha1.DeletedReason), nil)(b)
			b.Status.Conditions[0].Reason = v1alpha1.DeletedReason
			return errors.Join(c.Status().Update(t.Context(), b), c.Delete(t.Context(), b))
		})
		check(t, u.ark(t.Context(), "backup", "delete", "both", "--yes", "--wait"), exit.Success, []string{"backup both: deleted\n"}, nil)
		<-stop
	})
	t.Run("the object stays", func(t *testing.T) {
		b := partialBackup("stays")
		create(t, c, b)
		stop := onDeletion(t, c, "stays", func(b *v1alpha1.Backup) error {
			backupStatus(stalled(v1alpha1.DeletedReason, "its data is gone"), nil)(b)
			return c.Status().Update(t.Context(), b)
		})
		check(t, u.ark(t.Context(), "backup", "delete", "stays", "--yes", "--wait"), exit.Success,
			[]string{"backup stays: its data is deleted; the object stays, because Ark did not make it\n"}, nil)
		<-stop
	})
}

// onDeletion calls then when the deletion of a backup's data is asked for.
func onDeletion(t *testing.T, c client.WithWatch, name string, then func(*v1alpha1.Backup) error) <-chan struct{} {
	t.Helper()
	w, err := c.Watch(t.Context(), &v1alpha1.BackupList{}, client.MatchingFields{"metadata.name": name})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer w.Stop()
		for e := range w.ResultChan() {
			if b, ok := e.Object.(*v1alpha1.Backup); ok && b.Spec.Deletion != nil {
				if err := then(b); err != nil {
					t.Error(err)
				}
				return
			}
		}
	}()
	return done
}

func TestLookAtBackup(t *testing.T) {
	tests := map[string]struct {
		change func(*v1alpha1.Backup)
		want   string
	}{
		"no controller has seen it": {func(*v1alpha1.Backup) {}, "backup a: waiting for a controller to see it"},
		"a queued one says what it waits for": {
			backupStatus(progressing(v1alpha1.QueuedReason, "waits for backup b"), nil), "backup a: Queued: waits for backup b",
		},
		"a running one says how far it is": {
			backupStatus(progressing(v1alpha1.ProgressingReason, "lists"), func(st *v1alpha1.BackupStatus) {
				st.Progress = &v1alpha1.BackupProgress{Resources: 40, ResourcesDone: 12, Objects: 900}
			}), "backup a: Progressing: lists (12 of 40 types, 900 objects)",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "a", Generation: 1}}
			b.Status.ObservedGeneration = -1
			tc.change(b)
			got, _ := lookAtBackup(b)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnATerminalProgressIsOneLine(t *testing.T) {
	u, c := atCluster(t)
	u.terminal = true
	b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "shown"}}
	play(t.Context(), t, c, b, &v1alpha1.BackupList{}, backupStatus(succeeded("stored"), nil))
	got := u.ark(t.Context(), "backup", "create", "shown", "--wait", "--timeout", time.Minute.String())
	check(t, got, exit.Success, nil, []string{"\r\x1b[Kbackup shown: "})
	if strings.Contains(got.Err, "\n") || !strings.HasSuffix(got.Err, "\r\x1b[K") {
		t.Errorf("the line is not removed: %q", got.Err)
	}
}

func TestLookAtDeletion(t *testing.T) {
	look := func(conditions []metav1.Condition) follow.Verdict {
		b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "a", Generation: 2}}
		b.Status.ObservedGeneration, b.Status.Conditions = 2, conditions
		_, v := lookAtDeletion(b)
		return v
	}
	tests := map[string]struct {
		conditions []metav1.Condition
		ended      bool
		code       exit.Code
	}{
		"how the backup went is not how its deletion does": {succeeded("stored"), false, exit.Success},
		"nor how a partial one went":                       {stalled(v1alpha1.PartiallyFailedReason, "2 failed"), false, exit.Partial},
		"it is under way":                                  {progressing(v1alpha1.DeletingReason, "removes"), false, exit.Success},
		"it is done":                                       {[]metav1.Condition{ready(metav1.ConditionTrue, v1alpha1.DeletedReason, "gone")}, true, exit.Success},
		"it cannot be done":                                {stalled(v1alpha1.LocationReadOnlyReason, "read-only"), true, exit.Failed},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if v := look(tc.conditions); v.Ended != tc.ended || v.Code != tc.code {
				t.Errorf("got %+v, want ended %v with %d", v, tc.ended, tc.code)
			}
		})
	}
}

func TestANameThatStorageKnowsIsNoNewBackup(t *testing.T) {
	u, c := atCluster(t)
	tests := map[string]func(*v1alpha1.BackupStatus){
		"removed": func(st *v1alpha1.BackupStatus) {
			st.Conditions = []metav1.Condition{ready(metav1.ConditionTrue, v1alpha1.DeletedReason, "its data was removed")}
		},
		"adopted": func(st *v1alpha1.BackupStatus) {
			st.Conditions = succeeded("stored 3 objects")
			st.StartTime = &metav1.Time{Time: time.Unix(1e9, 0)}
		},
	}
	for name, status := range tests {
		t.Run(name, func(t *testing.T) {
			play(t.Context(), t, c, &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: name}}, &v1alpha1.BackupList{}, backupStatus(nil, status))
			u := u
			u.t = t
			check(t, u.ark(t.Context(), "backup", "create", name, "--wait"), exit.Failed, nil,
				[]string{`ark: the name "` + name + `" was used in storage already, and nothing was backed up: choose another name`})
		})
	}
}

func TestCodesOfRulesAreExplained(t *testing.T) {
	u, c := atCluster(t)
	const rego = `package ark.select

# METADATA
# title: Scratch objects
# description: Nobody misses them.
exclude contains "scratch" if input.object.metadata.labels.scratch == "yes"
`
	shared := strings.ReplaceAll(strings.ReplaceAll(rego, "Scratch objects", "Caches"), "scratch", "cache")
	create2 := func(obj client.Object) {
		if err := c.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Delete(context.WithoutCancel(t.Context()), obj); err != nil {
				t.Error(err)
			}
		})
	}
	create2(&corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "rules"}, Data: map[string]string{"cache.rego": shared},
	})
	create2(&v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "explains"}, Spec: v1alpha1.BackupPolicySpec{Rules: []v1alpha1.Rule{
		{Name: "broken", Rego: "package"},
		{Name: "scratch", Rego: rego},
		{Name: "shared", ConfigMap: &v1alpha1.ConfigMapRules{Name: "rules"}},
		{Name: "absent", ConfigMap: &v1alpha1.ConfigMapRules{Name: "absent"}},
	}}})
	b := partialBackup("explained")
	b.Status.ExcludedBy = []v1alpha1.CodeCount{
		{Code: "scratch", Count: 4}, {Code: "cache", Count: 3}, {Code: "namespace-not-covered", Count: 2}, {Code: "opted-out", Count: 1},
	}
	create(t, c, b)
	check(t, u.ark(t.Context(), "backup", "describe", "explained"), exit.Success, []string{
		"4   scratch                 Scratch objects", "3   cache                   Caches",
		"2   namespace-not-covered   the template does not cover the namespace", "1   opted-out               Opted out: ",
	}, nil)
}
