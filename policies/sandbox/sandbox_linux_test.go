// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/policies"
)

// In a process that a test started, a question with a field named after one of
// these is one on which the rules would misbehave. It is set before the package's
// init, in which such a process works.
var _ = misbehave()

const (
	deaf    = "deaf"    // to its limit
	grows   = "grows"   // bit by bit
	leaps   = "leaps"   // at one blow
	crashes = "crashes" // as OPA has no business to
	looks   = "looks"   // around
)

var kept [][]byte

func misbehave() bool {
	acts := map[string]func() error{
		deaf: func() error { select {} },
		grows: func() error {
			for {
				kept = append(kept, make([]byte, 1<<20))
				for i := range kept[len(kept)-1] {
					kept[len(kept)-1][i] = 1
				}
			}
		},
		leaps:   func() error { kept = append(kept, make([]byte, 1<<30)); return nil },
		crashes: func() error { os.Exit(7); return nil },
		looks: func() error {
			files, err := os.ReadDir("/proc/self/fd")
			wd, wdErr := os.Getwd()
			var paths []string
			for _, f := range files {
				to, _ := os.Readlink("/proc/self/fd/" + f.Name())
				kind, _, _ := strings.Cut(to, ":")
				// What the one who started the tests left open, and the folder that is read.
				if to == "/dev/null" || to == "" {
					continue
				}
				if kind != "pipe" && kind != "anon_inode" && !strings.HasPrefix(to, "/sys/fs/cgroup") && !strings.HasPrefix(to, "/proc/") {
					paths = append(paths, to)
				}
			}
			return fmt.Errorf("environment %q, directory %s, files %q, %w", os.Environ(), wd, paths, errors.Join(err, wdErr, errors.New("seen")))
		},
	}
	onQuestion = func(q policies.Question) error {
		for _, f := range q.Fields {
			if act, ok := acts[f.Name]; ok {
				return act()
			}
		}
		return nil
	}
	return true
}

// lowered are limits that tests reach without harm.
func lowered(change func(*Limits)) Limits {
	l := DefaultLimits()
	l.Grace, l.Memory = 50*time.Millisecond, 96<<20
	if change != nil {
		change(&l)
	}
	return l
}

func newPool(t *testing.T, l Limits) *Pool {
	t.Helper()
	p := New(l)
	t.Cleanup(p.Close)
	return p
}

const someRules = `package ark.select

# METADATA
# title: Web
exclude contains "web" if input.object.metadata.name == "web"

exclude contains "shop" if input.namespace.name == "shop"
`

func compileIn(t *testing.T, p *Pool, rego string) *policies.Policy {
	t.Helper()
	policy, err := p.Compile(t.Context(), module(rego), policies.Options{Mode: policies.OptOut})
	if err != nil {
		t.Fatal(err)
	}
	return policy
}

// about asks with fields besides the usual ones.
func about(name string) policies.Question {
	return policies.Question{EntryPoint: "ark.select", Limit: time.Minute, Fields: []policies.Field{
		{Name: "object", JSON: []byte(`{"metadata":{"name":"web"}}`)},
		{Name: "namespace", JSON: []byte(`{"name":"shop"}`), Shared: true},
		{Name: name, JSON: []byte("1")},
	}}
}

var want = policies.Answer{"exclude": {{Code: "shop"}, {Code: "web"}}}

func TestAPolicyAnswersAsItWouldHere(t *testing.T) {
	here, err := policies.Compile(t.Context(), module(someRules), policies.Options{Mode: policies.OptOut})
	if err != nil {
		t.Fatal(err)
	}
	there := compileIn(t, newPool(t, DefaultLimits()), someRules)
	if diff := cmp.Diff(here.Description(), there.Description()); diff != "" {
		t.Errorf("description (-here +there):\n%s", diff)
	}
	for _, policy := range []*policies.Policy{here, there} {
		got, err := policy.Ask(t.Context(), about("x"))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Ask() error %v (-want +got):\n%s", err, diff)
		}
		_, err = policy.Ask(t.Context(), policies.Question{EntryPoint: "ark.restore", Limit: time.Minute})
		if err == nil || err.Error() != "evaluate rules: there are none in package ark.restore" {
			t.Errorf("Ask() of no rules: %v", err)
		}
	}
}

func TestMistakesAreToldAsTheyWouldBeHere(t *testing.T) {
	p := newPool(t, DefaultLimits())
	for name, set := range map[string]policies.Set{
		"a mistake":            module("package ark.select\n\nexclude contains \"x\" if input.nothing\n"),
		"a module without end": module(strings.Repeat("#", policies.MaxModuleBytes+1)),
	} {
		t.Run(name, func(t *testing.T) {
			opts := policies.Options{Mode: policies.OptOut}
			_, here := policies.Compile(t.Context(), set, opts)
			_, there := p.Compile(t.Context(), set, opts)
			if !errors.As(there, new(policies.Errors)) || there.Error() != here.Error() {
				t.Errorf("Compile() error = %v, want %v", there, here)
			}
		})
	}
	_, err := p.Compile(t.Context(), policies.Set{}, policies.Options{Mode: "None"})
	if err == nil || errors.As(err, new(policies.Errors)) || !strings.Contains(err.Error(), `mode "None"`) {
		t.Errorf("Compile() without mode: %v", err)
	}
}

func TestCompilingIsEndedWhenItTakesTooMuch(t *testing.T) {
	tests := map[string]struct {
		change func(*Limits)
		want   string
	}{
		"memory":        {func(l *Limits) { l.Memory = 1 << 20 }, "compiling the rules took more than 1 MiB of memory: let them build less at a time"},
		"the processor": {func(l *Limits) { l.CompileCPU = 1 }, "compiling the rules took more than 1ns of the processor: shorten them"},
		"time":          {func(l *Limits) { l.CompileWall = 1 }, "compiling the rules took longer than 1ns: shorten them"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			set := policies.Set{Modules: []policies.Source{{Rule: "r", Rego: slowly()}}}
			_, err := newPool(t, lowered(tc.change)).Compile(t.Context(), set, policies.Options{Mode: policies.OptOut})
			if !errors.As(err, new(*policies.BudgetError)) || err.Error() != tc.want {
				t.Errorf("Compile() error = %v, want %s", err, tc.want)
			}
		})
	}
}

// slowly is a sound module that takes the compiler longer than two looks of the watch.
func slowly() string {
	var b strings.Builder
	b.WriteString("package ark.select\n")
	for i := range 900 {
		fmt.Fprintf(&b, "\nexclude contains \"x%d\" if input.object.spec.a%d == %d\n", i, i, i)
	}
	return b.String()
}

func TestAQuestionIsEndedWhenItTakesTooMuch(t *testing.T) {
	memory := "evaluate rules: the rules took more than 96 MiB of memory: let them build less at a time"
	tests := map[string]string{
		deaf:    "evaluate rules: the rules took too long: more than 1ms",
		grows:   memory,
		leaps:   memory,
		crashes: "evaluate rules: the process of the rules ended before it answered (exit status 7)",
	}
	for act, want := range tests {
		t.Run(act, func(t *testing.T) {
			limits := lowered(nil)
			q := about(act)
			if act == deaf {
				q.Limit = time.Millisecond
			} else {
				limits.Grace = time.Minute // nothing but the budget ends it
			}
			policy := compileIn(t, newPool(t, limits), someRules)
			_, err := policy.Ask(t.Context(), q)
			if !errors.As(err, new(*policies.BudgetError)) || err.Error() != want {
				t.Errorf("Ask() error = %v, want %s", err, want)
			}
			// The next question finds a process that answers.
			answers(t, policy)
		})
	}
}

func answers(t *testing.T, policy *policies.Policy) {
	t.Helper()
	got, err := policy.Ask(t.Context(), about("x"))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("Ask() error %v (-want +got):\n%s", err, diff)
	}
}

func TestTheRulesThemselvesKeepToTheirTime(t *testing.T) {
	const many = "package ark.select\n\nexclude contains \"x\" if {\n\tn := [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]\n\tcount([1 | n[_]; n[_]; n[_]; n[_]; n[_]; 1 == 2]) > 0\n}\n"
	policy := compileIn(t, newPool(t, DefaultLimits()), many)
	q := about("x")
	q.Limit = time.Millisecond
	_, err := policy.Ask(t.Context(), q)
	if !errors.As(err, new(*policies.BudgetError)) || err.Error() != "evaluate rules: the rules took too long: more than 1ms" {
		t.Errorf("Ask() error = %v", err)
	}
}

func TestAProcessInheritsNothing(t *testing.T) {
	t.Setenv("SECRET", "canary")
	open, err := os.Open(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	policy := compileIn(t, newPool(t, DefaultLimits()), someRules)
	_, err = policy.Ask(t.Context(), about(looks))
	if diff := cmp.Diff(`environment [], directory /, files [], seen`, err.Error()); diff != "" {
		t.Errorf("a process has (-want +got):\n%s", diff)
	}
}

func TestThereAreNoMoreProcessesThanMayBe(t *testing.T) {
	p := newPool(t, lowered(func(l *Limits) { l.Processes = 1 }))
	one, other := compileIn(t, p, someRules), compileIn(t, p, someRules+"# other\n")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 3 {
				policy := []*policies.Policy{one, other}[i%2]
				answers(t, policy)
			}
		})
	}
	all.Wait()
	if n := len(p.places); n != 1 {
		t.Errorf("%d places, want 1", n)
	}
}

func TestAProcessThatNobodyAsksEndsAndComesBack(t *testing.T) {
	p := newPool(t, lowered(func(l *Limits) { l.Idle = time.Millisecond }))
	policy := compileIn(t, p, someRules)
	for _, at := range p.places {
		<-at.process.gone
	}
	for range 20 { // some of which come as it ends
		answers(t, policy)
	}
}

func TestWhoWaitsIsReleased(t *testing.T) {
	p := newPool(t, lowered(func(l *Limits) { l.Grace = time.Hour }))
	policy := compileIn(t, p, someRules)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := policy.Ask(ctx, about(deaf)); !errors.Is(err, context.Canceled) {
		t.Errorf("Ask() error = %v, want the context's", err)
	}
	if _, err := p.Compile(ctx, module(someRules+"# new\n"), policies.Options{Mode: policies.OptOut}); !errors.Is(err, context.Canceled) {
		t.Errorf("Compile() error = %v, want the context's", err)
	}
	ended := make(chan error)
	go func() {
		_, err := policy.Ask(t.Context(), about(deaf))
		ended <- err
	}()
	for _, at := range p.places {
		// Two: the first question's caller gave up on it.
		for at.process != nil && at.process.uses.Load() < 2 {
			runtime.Gosched()
		}
	}
	p.Close()
	if err := <-ended; !errors.Is(err, errClosed) {
		t.Errorf("Ask() error = %v, want %v", err, errClosed)
	}
	if _, err := policy.Ask(t.Context(), about("x")); !errors.Is(err, errClosed) {
		t.Errorf("Ask() after Close: %v", err)
	}
}

func TestAQuestionWithoutEndIsNotAsked(t *testing.T) {
	policy := compileIn(t, newPool(t, DefaultLimits()), someRules)
	q := about("x")
	q.Fields[0].JSON = make([]byte, maxQuestion)
	if _, err := policy.Ask(t.Context(), q); !errors.Is(err, errTooLarge) {
		t.Errorf("Ask() error = %v, want %v", err, errTooLarge)
	}
	answers(t, policy)
}

func FuzzMessages(f *testing.F) {
	q := question{id: 7, Question: about("x")}
	r := reply{id: 7, answer: want}
	f.Add(q.encode())
	f.Add(r.encode())
	f.Fuzz(func(t *testing.T, raw []byte) {
		if got, err := decodeQuestion(raw); err == nil {
			again, err := decodeQuestion(got.encode())
			if diff := cmp.Diff(got.Question, again.Question); diff != "" || err != nil {
				t.Errorf("decodeQuestion() error %v (-first +again):\n%s", err, diff)
			}
		}
		if got, err := decodeReply(raw); err == nil {
			if _, err := json.Marshal(got.answer); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestItIsToldThatAProcessDiedForWantOfMemory(t *testing.T) {
	tests := map[string]struct {
		said string
		want bool
	}{
		"the heap could not grow":          {"runtime: out of memory: cannot allocate 1073741824-byte block\n\nfatal error: out of memory", true},
		"a stack grew too deep":            {"runtime: goroutine stack exceeds 67108864-byte limit", true},
		"the runtime itself was struck":    {"SIGSEGV: segmentation violation\nPC=0x47 m=3 sigcode=1", true},
		"no thread could be made":          {"runtime: failed to create new OS thread (have 5 already; errno=11)", true},
		"a fault of ours is another":       {"panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation]", false},
		"an end without a word is another": {"", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := starved(tc.said); got != tc.want {
				t.Errorf("starved() = %t, want %t", got, tc.want)
			}
		})
	}
}
