// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// today is when the commands of the tests run.
var today = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// user is somebody at a command line.
type user struct {
	t testing.TB

	kubeconfig string
	// answers are typed; a user without any is a program.
	answers string
	// terminal says that the user sees the error stream on a terminal.
	terminal bool
	env      map[string]string
	program  string
}

// result is what a command line came to.
type result struct {
	Code exit.Code
	Out  string
	Err  string
}

// atCluster is a user of the shared cluster.
func atCluster(t testing.TB) (user, client.WithWatch) {
	t.Helper()
	cluster := labtest.Shared(t)
	c, err := client.NewWithWatch(cluster.Config(), client.Options{Scheme: labtest.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return user{t: t, kubeconfig: cluster.Kubeconfig}, c
}

// atBucket is a user who has no cluster.
func atBucket(t testing.TB) user {
	t.Helper()
	return user{t: t, kubeconfig: filepath.Join(t.TempDir(), "none")}
}

// ark runs a command line.
func (u user) ark(ctx context.Context, args ...string) result {
	u.t.Helper()
	a, out, errs := u.app()
	program := u.program
	if program == "" {
		program = "/usr/bin/ark"
	}
	code := a.run(ctx, append([]string{program}, args...))
	return result{Code: code, Out: out.String(), Err: errs.String()}
}

func (u user) app() (a *app, out, errs *bytes.Buffer) {
	out, errs = &bytes.Buffer{}, &bytes.Buffer{}
	env := map[string]string{"ARK_KUBECONFIG": u.kubeconfig}
	maps.Copy(env, u.env)
	return &app{
		stdio: stdio{
			in: strings.NewReader(u.answers), out: out, err: errs,
			asks: u.answers != "", rewrites: u.terminal, width: 120,
		},
		environment: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		now:         func() time.Time { return today },
	}, out, errs
}

// create makes an object with its status, and deletes it when the test ends.
func create(t testing.TB, c client.Client, obj client.Object) {
	t.Helper()
	with, ok := obj.DeepCopyObject().(client.Object)
	if !ok {
		t.Fatalf("%T is no object", obj)
	}
	if err := c.Create(t.Context(), obj); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context()) // which has ended by now
		if err := client.IgnoreNotFound(c.Delete(ctx, obj)); err != nil {
			t.Error(err)
		}
	})
	setStatus(t, c, obj, with)
}

// setStatus gives obj, as it is in the cluster, the status of with.
func setStatus(t testing.TB, c client.Client, obj, with client.Object) {
	t.Helper()
	with.SetResourceVersion(obj.GetResourceVersion())
	with.SetUID(obj.GetUID())
	if err := c.Status().Update(t.Context(), with); err != nil {
		t.Fatal(err)
	}
}

// ready is the condition that says how an object stands.
func ready(status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return condition(v1alpha1.ReadyCondition, status, reason, message)
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{
		Type: kind, Status: status, Reason: reason, Message: message,
		ObservedGeneration: 1, LastTransitionTime: metav1.NewTime(today),
	}
}

// stalled is how an object stands that failed for good.
func stalled(reason, message string) []metav1.Condition {
	return []metav1.Condition{
		ready(metav1.ConditionFalse, reason, message),
		condition(v1alpha1.StalledCondition, metav1.ConditionTrue, reason, message),
	}
}

func succeeded(message string) []metav1.Condition {
	return []metav1.Condition{ready(metav1.ConditionTrue, v1alpha1.SucceededReason, message)}
}

func ago(d time.Duration) *metav1.Time { return &metav1.Time{Time: today.Add(-d)} }

func in(d time.Duration) *metav1.Time { return ago(-d) }

// check compares the code, and looks for texts in what was written.
func check(t testing.TB, got result, code exit.Code, out, errs []string) {
	t.Helper()
	if got.Code != code {
		t.Errorf("exit code = %d, want %d", got.Code, code)
	}
	for _, want := range out {
		if !strings.Contains(got.Out, want) {
			t.Errorf("output lacks %q", want)
		}
	}
	for _, want := range errs {
		if !strings.Contains(got.Err, want) {
			t.Errorf("errors lack %q", want)
		}
	}
	if t.Failed() {
		t.Logf("output:\n%s\nerrors:\n%s", got.Out, got.Err)
	}
}
