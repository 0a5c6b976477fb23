// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// watched is one object that a Git tool waits for.
type watched struct {
	*member

	store  *storetest.Faulty
	object client.Object
}

// is wants a verdict of the object as it stands, before any controller sees it.
func (w *watched) is(want kstatus.Status, when string) {
	w.t.Helper()
	if !w.have(w.object.GetName(), w.object) {
		w.t.Fatalf("%s: the object is gone", when)
	}
	if got := controllertest.Verdict(w.t, w.object); got != want {
		w.t.Errorf("%s: kstatus takes it for %s, want %s\n%s", when, got, want, w.all())
	}
}

// becomes wants a verdict that the controllers bring about, and that stays.
func (w *watched) becomes(want kstatus.Status, when string) {
	w.t.Helper()
	w.until(string(want)+" "+when, func() bool {
		return w.have(w.object.GetName(), w.object) && controllertest.Verdict(w.t, w.object) == want
	})
	for range 2 {
		if err := w.once(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
	w.is(want, when+", later")
}

// change changes the object: no old verdict may stand for the new spec.
func (w *watched) change(when string, change func()) {
	w.t.Helper()
	w.have(w.object.GetName(), w.object)
	change()
	if err := w.Update(w.t.Context(), w.object); err != nil {
		w.t.Fatal(err)
	}
	w.is(kstatus.InProgressStatus, when)
}

// create makes the object, which nobody has seen yet.
func (w *watched) create(o client.Object) {
	w.t.Helper()
	w.object = o
	controllertest.Create(w.t, w, o)
	w.is(kstatus.InProgressStatus, "once created")
}

// hang makes the store hang at a step, and returns what is closed when it does.
func (w *watched) hang(op storetest.Op, key string) <-chan struct{} {
	reached := make(chan struct{})
	w.store.Inject(storetest.Fault{Op: op, Key: key, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
	return reached
}

// delete deletes the object while something runs for it.
func (w *watched) delete(reached <-chan struct{}) {
	w.t.Helper()
	w.becomes(kstatus.InProgressStatus, "while it runs")
	<-reached
	if err := w.Delete(w.t.Context(), w.object); err != nil {
		w.t.Fatal(err)
	}
	w.is(kstatus.TerminatingStatus, "deleted while it runs")
	w.until("it to go", func() bool { return !w.have(w.object.GetName(), w.object) })
	w.store.Heal()
}

func (w *watched) mode(mode v1alpha1.Mode) {
	w.t.Helper()
	cfg := &v1alpha1.Config{}
	w.have(v1alpha1.ConfigName, cfg)
	cfg.Spec.Mode = mode
	if err := w.Update(w.t.Context(), cfg); err != nil {
		w.t.Fatal(err)
	}
}

const brokenRule = "package ark.select\n\nexclude contains \"x\" if {\n\tinput.nonsense\n}\n"

// TestKstatusOfEveryKind asks the library itself at every step of an object's life.
func TestKstatusOfEveryKind(t *testing.T) {
	const namespace = "kstatus"
	template := &v1alpha1.BackupTemplate{IncludedNamespaces: []string{namespace}}
	tests := map[string]func(w *watched){
		"Config": func(w *watched) {
			cfg := &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName}}
			w.have(v1alpha1.ConfigName, cfg)
			w.object = cfg
			w.becomes(kstatus.CurrentStatus, "once its location is there")
			w.change("a rule that does not compile", func() { cfg.Spec.Rules = []v1alpha1.Rule{{Name: "broken", Rego: brokenRule}} })
			w.becomes(kstatus.FailedStatus, "with a rule that does not compile")
			w.change("the rule is taken out", func() { cfg.Spec.Rules = nil })
			w.becomes(kstatus.CurrentStatus, "once repaired")
			w.store.Inject(storetest.Fault{Op: storetest.OpCreate, Key: archive.ProbePrefix, Effect: storetest.Fail(context.DeadlineExceeded)})
			w.becomes(kstatus.InProgressStatus, "while its store does not answer")
			w.store.Heal()
			w.becomes(kstatus.CurrentStatus, "once it answers")
			w.change("RestoreOnly", func() { cfg.Spec.Mode = v1alpha1.ModeRestoreOnly })
			w.becomes(kstatus.CurrentStatus, "in RestoreOnly")
		},
		"BackupPolicy": func(w *watched) {
			p := &v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "watched"}, Spec: v1alpha1.BackupPolicySpec{
				Template: template, Schedules: []v1alpha1.PolicySchedule{{Name: "a", Cron: rarely(w.clock.Now())}},
			}}
			w.create(p)
			w.becomes(kstatus.CurrentStatus, "in force")
			w.change("suspended", func() { p.Spec.Suspend = true })
			w.becomes(kstatus.CurrentStatus, "suspended")
			w.change("a rule that does not compile", func() { p.Spec.Rules = []v1alpha1.Rule{{Name: "broken", Rego: brokenRule}} })
			w.becomes(kstatus.FailedStatus, "with a rule that does not compile")
			w.change("the rule is taken out", func() { p.Spec.Rules, p.Spec.Suspend = nil, false })
			w.becomes(kstatus.CurrentStatus, "once repaired")
			w.mode(v1alpha1.ModeRestoreOnly)
			w.becomes(kstatus.CurrentStatus, "in RestoreOnly")
		},
		"Schedule": func(w *watched) {
			s := &v1alpha1.Schedule{ObjectMeta: metav1.ObjectMeta{Name: "watched"}, Spec: v1alpha1.ScheduleSpec{Cron: rarely(w.clock.Now()), PolicyName: "later"}}
			w.create(s)
			w.becomes(kstatus.InProgressStatus, "while its policy is missing")
			controllertest.Create(w.t, w, &v1alpha1.BackupPolicy{ObjectMeta: metav1.ObjectMeta{Name: "later"}, Spec: v1alpha1.BackupPolicySpec{Template: template}})
			w.becomes(kstatus.CurrentStatus, "with its policy")
			w.change("no time", func() { s.Spec.Cron = "61 * * * *" })
			w.becomes(kstatus.FailedStatus, "with a time that is none")
			w.change("suspended", func() { s.Spec.Cron, s.Spec.Suspend = "0 3 * * *", true })
			w.becomes(kstatus.CurrentStatus, "suspended")
			w.change("resumed", func() { s.Spec.Suspend = false })
			w.becomes(kstatus.CurrentStatus, "resumed")
			w.mode(v1alpha1.ModeRestoreOnly)
			w.becomes(kstatus.CurrentStatus, "in RestoreOnly")
		},
		"Backup": func(w *watched) {
			b := &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "watched"}, Spec: v1alpha1.BackupSpec{Template: template}}
			reached := w.hang(storetest.OpClose, archive.IndexFile)
			w.create(b.DeepCopy())
			w.delete(reached)
			w.mode(v1alpha1.ModeRestoreOnly)
			w.create(b)
			w.becomes(kstatus.FailedStatus, "in RestoreOnly")
			w.mode(v1alpha1.ModeFull)
			w.becomes(kstatus.CurrentStatus, "once taken")
			hold := true
			w.change("put on hold", func() { b.Spec.Hold = &hold })
			w.becomes(kstatus.CurrentStatus, "on hold")
			w.change("asked to go", func() {
				released := false
				b.Spec.Hold, b.Spec.Deletion = &released, &v1alpha1.Deletion{Reason: "a test"}
			})
			w.becomes(kstatus.CurrentStatus, "once removed, as asked")

			w.create(&v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "lost"}, Spec: v1alpha1.BackupSpec{PolicyName: "none"}})
			w.becomes(kstatus.InProgressStatus, "while its policy is missing")
			w.create(&v1alpha1.Backup{
				ObjectMeta: metav1.ObjectMeta{Name: "astray"}, Spec: v1alpha1.BackupSpec{Template: &v1alpha1.BackupTemplate{StorageLocation: "nowhere"}},
			})
			w.becomes(kstatus.FailedStatus, "to a location that there is not")
		},
		"Restore": func(w *watched) {
			w.create(&v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "early"}, Spec: v1alpha1.RestoreSpec{BackupName: "watched"}})
			w.becomes(kstatus.InProgressStatus, "while its backup is missing")
			if err := w.Delete(w.t.Context(), w.object); err != nil {
				w.t.Fatal(err)
			}
			w.create(&v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "watched"}, Spec: v1alpha1.BackupSpec{Template: template}})
			w.becomes(kstatus.CurrentStatus, "once taken")
			spec := v1alpha1.RestoreSpec{BackupName: "watched", NamespaceMapping: map[string]v1alpha1.NamespaceName{namespace: namespace + "-copy"}}
			reached := w.hang(storetest.OpOpen, archive.ContentsFile)
			w.create(&v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "stopped"}, Spec: spec})
			w.delete(reached)
			w.mode(v1alpha1.ModeRestoreOnly)
			w.create(&v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "moved"}, Spec: spec})
			w.becomes(kstatus.CurrentStatus, "once restored, in RestoreOnly")
			cfg := &v1alpha1.Config{}
			w.have(v1alpha1.ConfigName, cfg)
			cfg.Spec.RequireGate = true
			if err := w.Update(w.t.Context(), cfg); err != nil {
				w.t.Fatal(err)
			}
			w.create(&v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "denied"}, Spec: spec})
			w.becomes(kstatus.FailedStatus, "denied")
		},
	}
	for kind, live := range tests {
		t.Run(kind, func(t *testing.T) {
			clock := controllertest.NewClock(time.Now().UTC().Truncate(time.Second)) //nolint:forbidigo // the API server's creation times are the machine's
			inner, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "mem://kstatus-" + kind}, blobstore.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c := controllertest.Cluster(t)
			for _, o := range []client.Object{
				&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
				&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}},
			} {
				if err := c.Create(t.Context(), o); err != nil && !apierrors.IsAlreadyExists(err) {
					t.Fatal(err)
				}
			}
			w := &watched{store: storetest.NewFaulty(inner)}
			w.store.Stamp(clock)
			w.member = newMember(t, labtest.Shared(t), w.store, clock)
			w.create(&v1alpha1.Config{
				ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
				Spec:       v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: "mem://main"}}},
			})
			w.until("the location", func() bool { return w.counts() == [2]int32{0, 0} && w.listed() })
			live(w)
		})
	}
}

// listed reports whether the location was listed.
func (m *member) listed() bool {
	m.t.Helper()
	cfg := &v1alpha1.Config{}
	return m.have(v1alpha1.ConfigName, cfg) && len(cfg.Status.Storage) == 1 && cfg.Status.Storage[0].LastSyncTime != nil
}
