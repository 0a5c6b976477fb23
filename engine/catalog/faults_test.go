// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

// every is each step of a store that can fail, and how.
func every(errBroken error) map[string]storetest.Fault {
	faults := map[string]storetest.Fault{}
	for _, op := range []storetest.Op{
		storetest.OpCreate, storetest.OpWrite, storetest.OpClose, storetest.OpOpen, storetest.OpRead, storetest.OpList, storetest.OpDelete,
	} {
		faults[string(op)] = storetest.Fault{Op: op, Effect: storetest.Fail(errBroken)}
	}
	faults["close without reply"] = storetest.Fault{Op: storetest.OpClose, Effect: storetest.LoseReply(errBroken)}
	faults["delete without reply"] = storetest.Fault{Op: storetest.OpDelete, Effect: storetest.LoseReply(errBroken)}
	faults["close that keeps nothing"] = storetest.Fault{Op: storetest.OpClose, Effect: storetest.Lose()}
	return faults
}

// wholeOrAbsent checks that the store has the backup complete, or not at all.
func wholeOrAbsent(t *testing.T, store engine.Store, c *clock, name string) bool {
	t.Helper()
	found := attach(t, store, c)
	s, err := found.Marker(t.Context(), clusterA, name)
	if errors.Is(err, engine.ErrNotFound) {
		return false
	}
	if err != nil {
		t.Fatalf("Marker() error = %v", err)
	}
	if err := found.Verify(t.Context(), s); err != nil {
		t.Fatalf("a committed backup is not whole: %v", err)
	}
	return true
}

func TestWhateverFailsABackupIsWholeOrAbsent(t *testing.T) {
	errBroken := errors.New("connection reset")
	for kind, store := range map[string]func() *memory{"conditional": newMemory, "lax": newLaxMemory} {
		for name, fault := range every(errBroken) {
			t.Run(kind+" "+name, func(t *testing.T) {
				for nth := 1; ; nth++ {
					inner := store()
					faulty := storetest.NewFaulty(inner)
					c := attach(t, faulty, inner.clock)
					fault.Nth = nth
					faulty.Inject(fault)
					_, err := take(t.Context(), c, clusterA, "nightly", "one")
					committed := wholeOrAbsent(t, inner, inner.clock, "nightly")
					if err == nil {
						if !committed {
							t.Fatalf("fault %d: Commit() succeeded without a backup", nth)
						}
						break // there is no such step any more
					}
					faulty.Heal()
					if _, err := take(t.Context(), c, clusterA, "nightly", "two"); committed != errors.Is(err, engine.ErrExists) || (!committed && err != nil) {
						t.Fatalf("fault %d: second attempt error = %v, committed before: %v", nth, err, committed)
					}
					if !wholeOrAbsent(t, inner, inner.clock, "nightly") {
						t.Fatalf("fault %d: no backup after the second attempt", nth)
					}
					if nth > 100 {
						t.Fatal("a commit takes more than a hundred steps")
					}
				}
			})
		}
	}
}

func TestCommitCanBeRepeated(t *testing.T) {
	errBroken := errors.New("connection reset")
	for name, fault := range every(errBroken) {
		t.Run(name, func(t *testing.T) {
			for nth := 1; nth < 50; nth++ {
				inner := newMemory()
				faulty := storetest.NewFaulty(inner)
				c := attach(t, faulty, inner.clock)
				a, err := c.NewAttempt(clusterA, "nightly", "one")
				if err != nil {
					t.Fatal(err)
				}
				for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
					if err := writeFile(t.Context(), a, file, file); err != nil {
						t.Fatal(err)
					}
				}
				fault.Nth = nth
				faulty.Inject(fault)
				first, err := a.Commit(t.Context(), marker())
				faulty.Heal()
				again, errAgain := a.Commit(t.Context(), marker())
				if errAgain != nil {
					t.Fatalf("fault %d: second Commit() error = %v after %v", nth, errAgain, err)
				}
				if err == nil {
					if diff := cmp.Diff(first, again); diff != "" {
						t.Fatalf("second Commit() mismatch (-first +second):\n%s", diff)
					}
					return
				}
			}
			t.Error("a commit takes more than fifty steps")
		})
	}
}

func TestAProcessMayDieAtEveryStep(t *testing.T) {
	for kind, store := range map[string]func() *memory{"conditional": newMemory, "lax": newLaxMemory} {
		t.Run(kind, func(t *testing.T) {
			for steps := 0; ; steps++ {
				inner := store()
				attach(t, inner, inner.clock)
				life := &mortal{Store: inner, steps: 1 << 20}
				c := attach(t, life, inner.clock)
				life.steps = steps
				_, err := take(t.Context(), c, clusterA, "nightly", "one")
				committed := wholeOrAbsent(t, inner, inner.clock, "nightly")
				if err == nil {
					break
				}
				// The next process collects what the dead one left, and tries again.
				inner.clock.now = start.Add(48 * time.Hour)
				next := attach(t, inner, inner.clock)
				orphans, err := next.Orphans(t.Context(), clusterA, 24*time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				if committed && len(orphans) > 0 {
					t.Fatalf("step %d: a committed attempt is an orphan", steps)
				}
				for _, o := range orphans {
					if err := next.RemoveAttempt(t.Context(), clusterA, o.Name, o.Attempt); err != nil {
						t.Fatal(err)
					}
				}
				if left := inner.keysWith("/data/"); !committed && len(left) > 0 {
					t.Fatalf("step %d: left behind: %v", steps, left)
				}
				if _, err := take(t.Context(), next, clusterA, "nightly", "two"); !committed && err != nil {
					t.Fatalf("step %d: second attempt error = %v", steps, err)
				}
			}
		})
	}
}

func TestOfTwoAttemptsOneWins(t *testing.T) {
	for kind, store := range map[string]func() *memory{"conditional": newMemory, "lax": newLaxMemory} {
		t.Run(kind, func(t *testing.T) {
			inner := store()
			c := attach(t, inner, inner.clock)
			results := make(chan error)
			for i := range 8 {
				go func() {
					_, err := take(t.Context(), c, clusterA, "nightly", fmt.Sprintf("attempt-%d", i))
					results <- err
				}()
			}
			won := 0
			for range 8 {
				if err := <-results; err == nil {
					won++
				} else if !errors.Is(err, engine.ErrExists) {
					t.Errorf("Commit() error = %v, want ErrExists", err)
				}
			}
			// Where the store overwrites, an earlier winner may have been told so.
			if won == 0 || (won > 1 && !inner.lax) {
				t.Errorf("%d attempts won", won)
			}
			wholeOrAbsent(t, inner, inner.clock, "nightly")
		})
	}
}

func TestCommitCanBeCancelled(t *testing.T) {
	for _, op := range []storetest.Op{storetest.OpCreate, storetest.OpClose, storetest.OpOpen, storetest.OpList} {
		t.Run(string(op), func(t *testing.T) {
			inner := newMemory()
			faulty := storetest.NewFaulty(inner)
			c := attach(t, faulty, inner.clock)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			faulty.Inject(storetest.Fault{Op: op, Effect: storetest.Stall(cancel)})
			if _, err := take(ctx, c, clusterA, "nightly", "one"); !errors.Is(err, context.Canceled) {
				t.Errorf("error = %v, want Canceled", err)
			}
			faulty.Heal()
			if wholeOrAbsent(t, inner, inner.clock, "nightly") {
				t.Error("a cancelled commit made a backup")
			}
		})
	}
}
