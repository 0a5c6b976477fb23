// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestTheSameRestoreTwiceChangesNothing(t *testing.T) {
	for _, existing := range []restore.Existing{restore.ExistingNone, restore.ExistingUpdate, restore.ExistingRecreate} {
		for _, label := range []string{"r1", "r2"} {
			t.Run(fmt.Sprintf("with %s, as %s", existing, label), func(t *testing.T) {
				source, target := shop(t), newFakeCluster(t)
				req := request()
				req.Existing = existing
				opts := restore.Options{Replaced: keepIn(&bytes.Buffer{})}
				mustRun(t, target, req, backup(t, source), opts)
				target.writes()
				before := target.sequence

				req.Label = label
				report := mustRun(t, target, req, backup(t, source), opts)
				if target.sequence != before {
					t.Errorf("the second run changed objects: %v", target.writes())
				}
				if r := report.Results; r.Created+r.Updated+r.Existing+r.Failed != 0 {
					t.Errorf("Results = %+v, want all unchanged; warnings %v", r, report.Warnings)
				}
			})
		}
	}
}

func TestARestoreThatIsBrokenOffAnywhereConverges(t *testing.T) {
	for _, existing := range []restore.Existing{restore.ExistingNone, restore.ExistingUpdate, restore.ExistingRecreate} {
		t.Run(string(existing), func(t *testing.T) { testBrokenOff(t, existing) })
	}
}

func testBrokenOff(t *testing.T, existing restore.Existing) {
	t.Helper()
	source := shop(t)
	whole := newFakeCluster(t)
	req, opts := request(), restore.Options{Sleep: noSleep, Replaced: keepIn(io.Discard)}
	req.Existing = existing
	mustRun(t, whole, req, backup(t, source), opts)
	writes := len(whole.writes())
	if writes < 10 {
		t.Fatalf("only %d writes: the test would prove nothing", writes)
	}
	for n := range writes {
		for _, carriedOut := range []bool{false, true} {
			t.Run(fmt.Sprintf("after write %d, which was carried out: %v", n, carriedOut), func(t *testing.T) {
				target := newFakeCluster(t)
				ctx, kill := context.WithCancel(t.Context())
				defer kill()
				var count atomic.Int64
				target.fault = func(verb string, _ engine.Key) (before, after error) {
					if verb == "GET" || count.Add(1) <= int64(n) {
						return nil, nil
					}
					kill()
					if carriedOut {
						return nil, context.Canceled
					}
					return context.Canceled, nil
				}
				_, err := restore.Run(ctx, restore.Target{Discoverer: target, Getter: target, Writer: target},
					req, backup(t, source), opts)
				if !errors.Is(err, context.Canceled) {
					t.Fatalf("Run() error = %v, want the cancellation", err)
				}
				target.fault = nil
				report := mustRun(t, target, req, backup(t, source), opts)
				if report.Results.Failed+report.Results.Existing > 0 || len(report.Errors) > 0 {
					t.Errorf("the second run: %+v", report)
				}
				if diff := cmp.Diff(whole.keys(), target.keys()); diff != "" {
					t.Errorf("objects (-want +got):\n%s", diff)
				}
				for _, key := range whole.keys() {
					want, got := whole.object(key), target.object(key)
					if key == "services/shop/web" { // the cluster assigns one each
						delete(want["spec"].(map[string]any), "clusterIP")
						delete(got["spec"].(map[string]any), "clusterIP")
					}
					if diff := transform.Compare(want, got, transform.OwnerReferences); !diff.Equal() {
						t.Errorf("%s differs in %v", key, diff.Fields)
					}
					if a, b := owners(whole.object(key)), owners(target.object(key)); a != b {
						t.Errorf("%s has %d owners, want %d", key, b, a)
					}
				}
			})
		}
	}
}

func owners(m transform.Manifest) int {
	refs, _ := m["metadata"].(map[string]any)["ownerReferences"].([]any)
	return len(refs)
}

// A controller that sees a new object writes it too, and the object is another one by
// the time that its status comes.
func TestAStatusIsRestoredBesideALiveController(t *testing.T) {
	for name, touches := range map[string]int{"that writes once": 1, "that writes all the time": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			source.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			source.add(`{"apiVersion":"batch/v1","kind":"Job","metadata":{"namespace":"a","name":"j"},"spec":{},"status":{"active":3}}`)
			touched := 0
			target.fault = func(verb string, key engine.Key) (error, error) {
				if verb == "PUT/status" && touched < touches {
					touched++
					meta := target.objects[key]["metadata"].(transform.Manifest)
					meta["resourceVersion"] = target.next("")
				}
				return nil, nil
			}
			req := request()
			req.RestoreStatus = []string{"jobs.batch"}
			req.Selection.IncludedResources = []string{"jobs"}
			report := mustRun(t, target, req, backup(t, source), restore.Options{})
			got := fmt.Sprint(target.object("jobs.batch/a/j")["status"])
			if touches > 1 {
				if report.Results.Failed != 1 || got != "<nil>" {
					t.Errorf("Results = %+v, status = %s, want a failure", report.Results, got)
				}
				return
			}
			want := restore.Counts{Created: 2, Skipped: report.Results.Skipped}
			if report.Results != want || got != "map[active:3]" {
				t.Errorf("Results = %+v, want %+v; status = %s; %v", report.Results, want, got, report.Errors)
			}
		})
	}
}

// What an attempt said goes with it: the next one says it again.
func TestALaterAttemptTellsWhatAnEarlierOneWrote(t *testing.T) {
	const job = `{"apiVersion":"batch/v1","kind":"Job","metadata":{"namespace":"a","name":"j"%s},"spec":{},"status":{"succeeded":1}}`
	for name, tc := range map[string]struct {
		label, warning string
		earlier        int64
	}{
		"its own":           {"r1", "jobs.batch/a/j: starts from its beginning: what its pods had done is not known any more", 1},
		"another restore's": {"r2", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			source, target := newFakeCluster(t), newFakeCluster(t)
			for _, c := range []*fakeCluster{source, target} {
				c.add(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"a"}}`)
			}
			source.add(fmt.Sprintf(job, ""))
			target.add(fmt.Sprintf(job, `,"labels":{"ark-restore":"`+tc.label+`"}`))
			req := request()
			req.Selection.IncludedResources = []string{"jobs"}
			for _, opts := range []restore.Options{{}, {Gate: &gate{}}} {
				report := mustRun(t, target, req, backup(t, source), opts)
				if report.Earlier != tc.earlier || report.Results.Unchanged != 2 {
					t.Errorf("%d written earlier, want %d: %+v", report.Earlier, tc.earlier, report.Results)
				}
				if got := strings.Join(report.Warnings, "\n"); got != tc.warning {
					t.Errorf("warnings = %q, want %q", got, tc.warning)
				}
			}
		})
	}
}
