// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/policies"
)

// compiler compiles when it is told to.
type compiler struct {
	asked  int
	result chan error
}

func (c *compiler) compile(ctx context.Context, _ policies.Set, _ policies.Options) (*policies.Policy, error) {
	c.asked++
	select {
	case err := <-c.result:
		if err != nil {
			return nil, err
		}
		return policies.NewPolicy(policies.Description{Digest: "d"}, nil), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func set(rule string) policies.Set {
	return policies.Set{Modules: []policies.Source{{Rule: rule, Rego: "package x"}}}
}

func isWait(err error) bool {
	var known *step.Error
	return errors.As(err, &known) && known.After > 0 && known.Reason == v1alpha1.ProgressingReason
}

func TestNobodyWaitsForTheCompiler(t *testing.T) {
	passing := errors.New("no process can be started")
	tests := map[string]struct {
		result error
		// stalls says that it is the object's fault, again that it is compiled once more.
		stalls, again bool
	}{
		"rules that compile":       {},
		"rules with mistakes":      {result: policies.Errors{{Message: "no"}}, stalls: true},
		"rules that take too much": {result: &policies.BudgetError{Message: "too much"}, stalls: true},
		"a compiler out of order":  {result: passing, again: true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &compiler{result: make(chan error)}
				all := rules.NewCompilations(c.compile)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() { ended <- all.Start(ctx) }()
				opts := policies.Options{Mode: policies.OptOut}
				for range 3 {
					if _, err := all.Compile(t.Context(), set("a"), opts); !isWait(err) {
						t.Errorf("Compile() at first = %v, want a wait", err)
					}
					synctest.Wait()
				}
				c.result <- tc.result
				synctest.Wait()
				policy, err := all.Compile(t.Context(), set("a"), opts)
				var known *step.Error
				stalled := errors.As(err, &known) && known.After == 0 && known.Reason == v1alpha1.PolicyInvalidReason
				if (policy == nil) != (tc.result != nil) || stalled != tc.stalls || tc.result != nil && err.Error() != tc.result.Error() {
					t.Errorf("Compile() in the end = %v, %v", policy, err)
				}
				_, err = all.Compile(t.Context(), set("a"), opts)
				synctest.Wait()
				if isWait(err) != tc.again || c.asked != map[bool]int{false: 1, true: 2}[tc.again] {
					t.Errorf("Compile() once more = %v, compiled %d times", err, c.asked)
				}
				cancel() // whatever is being compiled holds nobody up
				if err := <-ended; err != nil {
					t.Errorf("Start() error = %v", err)
				}
			})
		})
	}
}

func TestOneThatTakesLongHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		free := make(chan error, 1)
		all := rules.NewCompilations(func(ctx context.Context, s policies.Set, _ policies.Options) (*policies.Policy, error) {
			if s.Modules[0].Rule == "long" {
				<-ctx.Done()
			}
			return nil, policies.Errors{{Message: s.Modules[0].Rule}}
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() { free <- all.Start(ctx) }()
		opts := policies.Options{Mode: policies.OptOut}
		for _, rule := range []string{"long", "a", "b"} {
			if _, err := all.Compile(t.Context(), set(rule), opts); !isWait(err) {
				t.Errorf("Compile(%s) = %v, want a wait", rule, err)
			}
		}
		synctest.Wait()
		for rule, waits := range map[string]bool{"long": true, "a": false, "b": false} {
			if _, err := all.Compile(t.Context(), set(rule), opts); isWait(err) != waits {
				t.Errorf("Compile(%s) = %v, waits should be %t", rule, err, waits)
			}
		}
		cancel()
		if err := <-free; err != nil {
			t.Error(err)
		}
	})
}

func TestNoRulesAreThereAtOnce(t *testing.T) {
	all := rules.NewCompilations(nil)
	policy, err := all.Compile(t.Context(), policies.Set{}, policies.Options{Mode: policies.OptOut})
	if err != nil || policy.Count() != 0 {
		t.Errorf("Compile() = %v, %v", policy, err)
	}
	var known *step.Error
	if _, err = all.Compile(t.Context(), policies.Set{}, policies.Options{Mode: policies.OptIn}); !errors.As(err, &known) || known.After != 0 {
		t.Errorf("Compile() of no rules that must include = %v, want a stall", err)
	}
}

func TestAVerdictWakesWhoWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &compiler{result: make(chan error, 1)}
		all := rules.NewCompilations(c.compile)
		q := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
		woken := all.Source(func(context.Context) []reconcile.Request {
			return []reconcile.Request{{}}
		})
		ctx, cancel := context.WithCancel(t.Context())
		if err := woken.Start(ctx, q); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error)
		go func() { ended <- all.Start(ctx) }()
		if _, err := all.Compile(t.Context(), set("a"), policies.Options{Mode: policies.OptOut}); !isWait(err) {
			t.Errorf("Compile() = %v", err)
		}
		synctest.Wait()
		if q.Len() != 0 {
			t.Error("it wakes before there is a verdict")
		}
		c.result <- nil
		synctest.Wait()
		if q.Len() != 1 {
			t.Errorf("%d requests, want 1", q.Len())
		}
		q.ShutDown()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
