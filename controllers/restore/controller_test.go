// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore/storetest"
)

const (
	otherCluster  = "11111111-2222-3333-4444-555555555555"
	secondCluster = "22222222-2222-3333-4444-555555555555"

	denyAll = "package ark.restore\n\ndeny contains {\"code\": \"no\", \"msg\": \"not today\"}\n"
)

func hasPrefix(t *testing.T, what, got, want string) {
	t.Helper()
	if !strings.HasPrefix(got, want) {
		t.Errorf("%s = %q, want it to begin with %q", what, got, want)
	}
}

func TestARestoreBringsObjectsBack(t *testing.T) {
	f := setUp(t)
	f.restore("back")
	hasPrefix(t, "Ready", f.settle("back"), "True Succeeded: ")
	var cm corev1.ConfigMap
	if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: f.into, Name: "settings"}, &cm); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"a": "b"}, cm.Data); diff != "" || cm.Labels["ark-restore"] != "back" {
		t.Errorf("labels = %v, data (-want +got):\n%s", cm.Labels, diff)
	}
	st := f.get("back").Status
	if st.Backup == nil || st.Backup.Name != "first" || st.Backup.Completeness != v1alpha1.CompletenessComplete || st.Backup.CompletionTime == nil {
		t.Errorf("backup in status = %+v, want the first, complete, with its time", st.Backup)
	}
	if diff := cmp.Diff([]string{"no-gate"}, codes(st.Warnings)); diff != "" {
		t.Errorf("warnings %q: codes (-want +got):\n%s", st.Warnings, diff)
	}
	summary, err := f.catalog.FindRestore(t.Context(), f.uid, "back")
	if err != nil || summary.Reason != v1alpha1.SucceededReason {
		t.Errorf("FindRestore() = %+v, %v, want the success on record", summary, err)
	}
	log, err := f.catalog.OpenRestoreFile(t.Context(), summary.RestoreSummary, archive.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	logged(t, log)
}

// logged checks that a log tells the beginning and the end of a restore.
func logged(t *testing.T, log io.ReadCloser) {
	t.Helper()
	defer func() { _ = log.Close() }()
	gz, err := gzip.NewReader(log)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(gz)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"msg":"Restoring backup"`, `"level":"WARN"`, `"msg":"Ended restore","reason":"Succeeded"`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the log lacks %s:\n%s", want, text)
		}
	}
}

// codes finds the codes that warnings begin with.
func codes(warnings []string) []string {
	var found []string
	for _, w := range warnings {
		if strings.Contains(w, "no restore rule covers") {
			found = append(found, "no-gate")
		}
	}
	return found
}

func TestARestoreThatIsRecordedIsNotRunAgain(t *testing.T) {
	tests := map[string]bool{"beside the backup": false, "in the cluster, where the location is ReadOnly": true}
	for name, readOnly := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			if readOnly {
				f.config(func(s *v1alpha1.ConfigSpec) { s.Storage[0].Access = v1alpha1.AccessReadOnly })
			}
			f.restore("once")
			first := f.settle("once")
			hasPrefix(t, "Ready", first, "True Succeeded: ")
			if err := f.client.Delete(t.Context(), f.get("once")); err != nil {
				t.Fatal(err)
			}
			if err := f.client.Delete(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.into, Name: "settings"}}); err != nil {
				t.Fatal(err)
			}
			f.restart()
			f.restore("once") // as a Git tool does
			if again := f.settle("once"); again != first {
				t.Errorf("Ready when applied again = %q, want %q", again, first)
			}
			if f.there() {
				t.Error("the restore ran a second time")
			}
			if record := f.get("once").Status.Record; strings.HasPrefix(record, "ConfigMap ark-system/ark-restore-once") != readOnly {
				t.Errorf("record = %q", record)
			}
			if !readOnly {
				return
			}
			var cm corev1.ConfigMap
			if err := f.client.Get(t.Context(), client.ObjectKey{Namespace: "ark-system", Name: "ark-restore-once"}, &cm); err != nil {
				t.Fatal(err)
			}
			if log := cm.Data["log.jsonl"]; !strings.Contains(log, `"msg":"Restoring backup"`) || !strings.Contains(log, `"msg":"Ended restore"`) {
				t.Errorf("log = %q", log)
			}
		})
	}
}

func TestGates(t *testing.T) {
	tests := map[string]struct {
		prepare func(*fixture)
		want    string
	}{
		"a policy that covers the target denies": {
			prepare: func(f *fixture) { f.policy("p", f.into, denyAll) },
			want:    "False Denied: BackupPolicy p denied the restore, and nothing was written: not today (no)",
		},
		"a policy that covers only the source has no say": {
			prepare: func(f *fixture) { f.policy("p", source, denyAll) },
			want:    "True Succeeded: ",
		},
		"the Config's rules deny": {
			prepare: func(f *fixture) {
				f.config(func(s *v1alpha1.ConfigSpec) { s.Rules = []v1alpha1.Rule{{Name: "gate", Rego: denyAll}} })
			},
			want: "False Denied: the Config denied the restore, and nothing was written: not today (no)",
		},
		"a policy that does not compile denies": {
			prepare: func(f *fixture) { f.policy("p", f.into, "package ark.restore\n\ndeny contains nonsense\n") },
			want:    "False Denied: BackupPolicy p denied the restore, and nothing was written: gate.rego:3: ",
		},
		"no gate denies where the Config requires one": {
			prepare: func(f *fixture) { f.config(func(s *v1alpha1.ConfigSpec) { s.RequireGate = true }) },
			want:    "False Denied: the Config denied the restore, and nothing was written: no restore rule covers this restore",
		},
		"one object that is denied denies all": {
			prepare: func(f *fixture) {
				f.policy("p", f.into, "package ark.restore_select\n\n# METADATA\n# title: No passwords\ndeny contains \"no-secrets\" if input.resource.kind == \"Secret\"\n")
			},
			want: "False Denied: BackupPolicy p denied the restore, and nothing was written: No passwords",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			tc.prepare(f)
			f.restore("gated")
			hasPrefix(t, "Ready", f.settle("gated"), tc.want)
			if denied := strings.Contains(tc.want, "Denied"); denied == f.there() {
				t.Errorf("restored = %v, with condition %q", f.there(), tc.want)
			}
			st := f.get("gated").Status
			if strings.Contains(tc.want, "Denied") && (len(st.Denials) == 0 || st.Completeness != v1alpha1.CompletenessNone) {
				t.Errorf("status = %+v, want the denials and nothing restored", st)
			}
		})
	}
}

func TestWhichBackupIsChosen(t *testing.T) {
	bySchedule := func(s *v1alpha1.RestoreSpec) { s.BackupName, s.ScheduleName = "", "nightly" }
	tests := map[string]struct {
		prepare func(*fixture)
		spec    func(*v1alpha1.RestoreSpec)
		want    string
		backup  string
		// end says that the restore has ended without having restored anything.
		end bool
	}{
		"one that does not exist": {
			spec: func(s *v1alpha1.RestoreSpec) { s.BackupName = "none" },
			end:  true,
			want: "False BackupMissing: there is no backup \"none\": list those that there are with \"ark backup get\"",
		},
		"one that may be in a location not listed yet": {
			prepare: func(f *fixture) {
				f.config(func(s *v1alpha1.ConfigSpec) {
					s.Storage = append(s.Storage, v1alpha1.StorageLocation{Name: "second", URL: "mem://second"})
				})
			},
			spec: func(s *v1alpha1.RestoreSpec) { s.BackupName = "none" },
			want: "Unknown BackupMissing: there is no backup \"none\": list those that there are with \"ark backup get\", and create a new Restore of one of them; which of other clusters are there, storage[].foreign of the Config says; location \"second\" was not listed yet",
		},
		"the latest of a Schedule": {
			prepare: func(f *fixture) {
				f.backup("nightly-20260101000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
				f.clock.Advance(time.Hour)
				f.backup("nightly-20260102000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
				f.clock.Advance(time.Hour)
				f.backup("nightly-20260103000000", otherCluster, "ark.gopherwood.dev/schedule=nightly")
			},
			spec: bySchedule, want: "True Succeeded: ", backup: "nightly-20260102000000",
		},
		"not one of a clock that was years ahead": {
			prepare: func(f *fixture) {
				f.clock.Advance(20000 * time.Hour)
				f.backup("nightly-20290101000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
				f.clock.Advance(-20000 * time.Hour)
				f.backup("nightly-20260102000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
			},
			spec: bySchedule, want: "True Succeeded: ", backup: "nightly-20260102000000",
		},
		"not one that was tampered with": {
			prepare: func(f *fixture) {
				f.backup("nightly-20260101000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
				f.clock.Advance(time.Hour)
				f.backup("nightly-20260102000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
				f.shown("nightly-20260102000000", v1alpha1.VerificationTampered)
			},
			spec: bySchedule, want: "True Succeeded: ", backup: "nightly-20260101000000",
		},
		"one that is verified, where the location signs, and nobody knows who made the next": {
			prepare: func(f *fixture) {
				f.config(func(s *v1alpha1.ConfigSpec) { s.Storage[0].Signing = &v1alpha1.Signing{SecretName: "signing"} })
				f.backup("nightly-20260101000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
				f.shown("nightly-20260101000000", v1alpha1.VerificationVerified)
				f.clock.Advance(time.Hour)
				f.backup("nightly-20260102000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
			},
			spec: bySchedule, want: "True Succeeded: ", backup: "nightly-20260101000000",
		},
		"one of before there was a key, where there is no other": {
			prepare: func(f *fixture) {
				f.config(func(s *v1alpha1.ConfigSpec) { s.Storage[0].Signing = &v1alpha1.Signing{SecretName: "signing"} })
				f.backup("nightly-20260101000000", f.uid, "ark.gopherwood.dev/schedule=nightly")
			},
			spec: bySchedule, want: "True Succeeded: ", backup: "nightly-20260101000000",
		},
		"that of the one other cluster, where this one has none": {
			prepare: func(f *fixture) {
				f.backup("nightly-20260101000000", otherCluster, "ark.gopherwood.dev/schedule=nightly")
			},
			spec: bySchedule, want: "True Succeeded: ", backup: "nightly-20260101000000-11111111",
		},
		"none, where two other clusters have one": {
			prepare: func(f *fixture) {
				f.backup("nightly-20260101000000", otherCluster, "ark.gopherwood.dev/schedule=nightly")
				f.backup("nightly-20260101000000", secondCluster, "ark.gopherwood.dev/schedule=nightly")
			},
			spec: bySchedule,
			want: `False BackupAmbiguous: several other clusters have backups of Schedule "nightly": set backupName to one of nightly-20260101000000-11111111, nightly-20260101000000-22222222`,
		},
		"none, where the policy has none": {
			spec: func(s *v1alpha1.RestoreSpec) { s.BackupName, s.PolicyName = "", "p" },
			want: `False BackupMissing: there is no finished backup of BackupPolicy "p"`,
		},
		"one that is gone from storage": {
			prepare: func(f *fixture) {
				if err := f.store.Delete(f.t.Context(), archive.MarkerKey(f.uid, "first")); err != nil {
					f.t.Fatal(err)
				}
			},
			want: `False BackupMissing: backup "first" is gone from location "main"`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			if tc.prepare != nil {
				tc.prepare(f)
			}
			f.restore("chosen", func(s *v1alpha1.RestoreSpec) {
				if tc.spec != nil {
					tc.spec(s)
				}
			})
			if strings.HasPrefix(tc.want, "False BackupMissing: there is no ") {
				hasPrefix(t, "Ready at first", f.settle("chosen"), "Unknown BackupMissing: ")
				f.clock.Advance(3 * time.Minute)
			}
			hasPrefix(t, "Ready", f.settle("chosen"), tc.want)
			st := f.get("chosen").Status
			missing := strings.Contains(tc.want, "BackupMissing")
			if missing && (st.CompletionTime != nil) != tc.end || tc.end && st.Completeness != v1alpha1.CompletenessNone {
				t.Errorf("completion time = %v, completeness = %q, want an end: %v", st.CompletionTime, st.Completeness, tc.end)
			}
			if tc.backup != "" && f.get("chosen").Status.Backup.Name != tc.backup {
				t.Errorf("backup = %s, want %s", f.get("chosen").Status.Backup.Name, tc.backup)
			}
		})
	}
}

func TestARestoreThatIsAppliedBeforeItsBackupWaitsForIt(t *testing.T) {
	f := setUp(t)
	f.restore("eager", func(s *v1alpha1.RestoreSpec) { s.BackupName = "later" })
	hasPrefix(t, "Ready", f.settle("eager"), `Unknown BackupMissing: there is no backup "later"`)
	f.clock.Advance(time.Minute)
	f.backup("later", f.uid)
	hasPrefix(t, "Ready", f.settle("eager"), "True Succeeded: ")
}

func TestRequestsThatCannotBeCarriedOut(t *testing.T) {
	tests := map[string]struct {
		spec func(*v1alpha1.RestoreSpec)
		want string
	}{
		"a namespace that is not in the backup is mapped": {
			spec: func(s *v1alpha1.RestoreSpec) {
				s.NamespaceMapping = map[string]v1alpha1.NamespaceName{"restore-tests": "x"}
			},
			want: "False RequestInvalid: namespaceMapping: ",
		},
		"a modifier that is no patch": {
			spec: func(s *v1alpha1.RestoreSpec) {
				s.Modifiers = []v1alpha1.Modifier{{Name: "m", Patch: "- op: paint\n  path: /data\n"}}
			},
			want: "False RequestInvalid: modifiers",
		},
		"a type that cannot be read, of a backup that is not there yet": {
			spec: func(s *v1alpha1.RestoreSpec) {
				s.BackupName, s.IncludedResources = "later", []string{"apps/deployments"}
			},
			want: `False RequestInvalid: includedResources[0]: "apps/deployments" has the group before the type: write "deployments.apps"`,
		},
		"a type to restore the status of that cannot be read": {
			spec: func(s *v1alpha1.RestoreSpec) { s.BackupName, s.RestoreStatus = "later", []string{"jobs.batch/status"} },
			want: `False RequestInvalid: restoreStatus[0]: "jobs.batch/status" names a subresource, which is part of its object: write "jobs.batch"`,
		},
		"a modifier of a type that cannot be read": {
			spec: func(s *v1alpha1.RestoreSpec) {
				s.BackupName = "later"
				s.Modifiers = []v1alpha1.Modifier{{Name: "m", Patch: "[]", Target: &v1alpha1.ModifierTarget{Resources: []string{"conf*"}}}}
			},
			want: `False RequestInvalid: modifiers[m].target.resources[0]: "conf*" has a wildcard within a name: `,
		},
		"a modifier that is no YAML": {
			spec: func(s *v1alpha1.RestoreSpec) { s.Modifiers = []v1alpha1.Modifier{{Name: "m", Patch: "a: [b"}} },
			want: "False RequestInvalid: modifiers[m].patch: is neither JSON nor YAML: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.restore("refused", tc.spec)
			hasPrefix(t, "Ready", f.settle("refused"), tc.want)
			if f.there() {
				t.Error("something was restored")
			}
			if record := f.get("refused").Status.Record; record != "" {
				t.Errorf("record = %q, want none: nothing was recorded", record)
			}
		})
	}
}

func TestANameFromBeforeTheRuleIsRefused(t *testing.T) {
	long := strings.Repeat("a", 64)
	o := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: long}}
	s := newScope(o, time.Unix(0, 0))
	setStatus(s, (&Reconciler{}).checkName(t.Context(), s))
	hasPrefix(t, "Ready", controllertest.Ready(t, o, o.Status.ObservedGeneration, o.Status.Conditions), `False RequestInvalid: name "`+long+`" has a part of more than 63 characters: choose a shorter one`)
}

func TestAnArchiveThatWasChangedIsFound(t *testing.T) {
	file := func(name string) string { return "/first/a1/" + name }
	tests := map[string]struct {
		fault storetest.Fault
		want  string
		// some says that other objects of the archive are good, and come back.
		some bool
	}{
		"an index with another byte": {
			fault: storetest.Fault{Op: storetest.OpOpen, Key: file(archive.IndexFile), Effect: storetest.FlipByte(40)},
			want:  "False Failed: the backup cannot be read: ",
		},
		"an index that is cut short": {
			fault: storetest.Fault{Op: storetest.OpOpen, Key: file(archive.IndexFile), Effect: storetest.CutShort(100)},
			want:  "False Failed: the backup cannot be read: ",
		},
		"a marker that is cut short": {
			fault: storetest.Fault{Op: storetest.OpOpen, Key: "/markers/first", Effect: storetest.CutShort(200)},
			want:  "False ArchiveInvalid: ",
		},
		"contents with another byte": {
			fault: storetest.Fault{Op: storetest.OpOpen, Key: file(archive.ContentsFile), Effect: storetest.FlipByte(20)},
			want:  "False PartiallyFailed: ",
			some:  true,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.store.Inject(tc.fault)
			f.restore("changed")
			hasPrefix(t, "Ready", f.settle("changed"), tc.want)
			if f.there() && !tc.some {
				t.Error("an object of a changed archive was restored")
			}
		})
	}
}

func TestADryRunWritesNothing(t *testing.T) {
	f := setUp(t)
	f.restore("dry", func(s *v1alpha1.RestoreSpec) { s.DryRun = true })
	hasPrefix(t, "Ready", f.settle("dry"), "True Planned: nothing was written: ")
	if f.there() || f.get("dry").Status.Planned.Create == 0 {
		t.Errorf("restored = %v, planned %+v", f.there(), f.get("dry").Status.Planned)
	}
}

func TestARunThatBrokeOffIsTriedAgain(t *testing.T) {
	f := setUp(t)
	f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IndexFile, Nth: 1, Effect: storetest.Fail(errors.New("connection reset"))})
	f.restore("again")
	hasPrefix(t, "Ready at first", f.settle("again"), "Unknown Retrying: attempt 1 broke off: ")
	f.clock.Advance(time.Minute)
	hasPrefix(t, "Ready then", f.settle("again"), "True Succeeded: ")
	if got := f.get("again").Status.Attempts; got != 2 {
		t.Errorf("attempts = %d, want 2", got)
	}
}

func TestARestartGoesOn(t *testing.T) {
	f := setUp(t)
	reached := make(chan struct{})
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: archive.PlanFile, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
	f.restore("resumed")
	f.begin("resumed")
	<-reached // everything was written to the cluster, and nothing recorded
	f.restart()
	f.clock.Advance(time.Minute)
	text := f.settle("resumed")
	hasPrefix(t, "Ready", text, "True Succeeded: ")
	if !strings.Contains(text, " of them were written by an earlier attempt") {
		t.Errorf("Ready = %q, want it to tell of the earlier attempt", text)
	}
	if st := f.get("resumed").Status; st.Results.Unchanged == 0 || st.Results.Created > 0 {
		t.Errorf("results = %+v, want everything found as it is to be", st.Results)
	}
}

func TestRestartsUseUpNoAttempts(t *testing.T) {
	f := setUp(t)
	f.restore("runs")
	f.restore("waits")
	for range maxAttempts + 1 {
		reached := make(chan struct{})
		f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
		f.begin("runs")
		<-reached
		f.reconcile("waits")
		f.restart()
		f.store.Heal()
	}
	type attempts struct{ Attempts, Interrupted int32 }
	of := func(name string) attempts {
		st := f.get(name).Status
		return attempts{st.Attempts, st.Interrupted}
	}
	if diff := cmp.Diff([]attempts{{6, 6}, {0, 0}}, []attempts{of("runs"), of("waits")}); diff != "" {
		t.Errorf("attempts after six restarts (-want +got):\n%s", diff)
	}
	hasPrefix(t, "Ready of the one that ran", f.settle("runs"), "True Succeeded: ")
	hasPrefix(t, "Ready of the one that waited", f.settle("waits"), "True Succeeded: ")
	if diff := cmp.Diff([]attempts{{7, 6}, {1, 0}}, []attempts{of("runs"), of("waits")}); diff != "" {
		t.Errorf("attempts in the end (-want +got):\n%s", diff)
	}
}

// What kills the process must not be tried for ever.
func TestAnAttemptIsCountedBeforeItBegins(t *testing.T) {
	f := setUp(t)
	counted := make(chan int32, 1)
	f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(func() {
		counted <- f.get("poison").Status.Attempts
	})})
	f.restore("poison")
	f.begin("poison")
	if got := <-counted; got != 1 {
		t.Errorf("attempts when the run reads the backup = %d, want 1", got)
	}
}

// Gates are asked in each attempt, and may say no when half is written.
func TestADenialOfALaterAttemptTellsWhatWasWritten(t *testing.T) {
	tests := map[string]struct {
		broken       storetest.Fault
		completeness v1alpha1.Completeness
		want         string
	}{
		"by an attempt that had written": {
			storetest.Fault{Op: storetest.OpClose, Key: archive.PlanFile, Nth: 1, Effect: storetest.Fail(errors.New("connection reset"))},
			v1alpha1.CompletenessPartial,
			"False Denied: BackupPolicy p denied the restore, and this attempt wrote nothing, but an earlier one had written ",
		},
		"by an attempt that had not": {
			storetest.Fault{Op: storetest.OpOpen, Key: archive.IndexFile, Nth: 1, Effect: storetest.Fail(errors.New("connection reset"))},
			v1alpha1.CompletenessNone,
			"False Denied: BackupPolicy p denied the restore, and nothing was written in this attempt, and nothing that an earlier one made is there: ",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			f := setUp(t)
			f.store.Inject(tc.broken)
			f.restore("half")
			hasPrefix(t, "Ready at first", f.settle("half"), "Unknown Retrying: ")
			f.policy("p", f.into, denyAll)
			f.clock.Advance(time.Minute)
			hasPrefix(t, "Ready then", f.settle("half"), tc.want)
			if got := f.get("half").Status.Completeness; got != tc.completeness {
				t.Errorf("completeness = %s, want %s", got, tc.completeness)
			}
		})
	}
}

// A controller that is killed in every attempt, for lack of memory maybe, sees none
// of them end.
func TestAttemptsWhoseEndNobodySawAreCounted(t *testing.T) {
	f := setUp(t)
	f.restore("deadly")
	o := f.get("deadly")
	o.Status.Attempts, o.Status.StartTime = maxAttempts, &metav1.Time{Time: f.clock.Now().Add(-time.Hour)}
	if err := f.client.Status().Update(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	hasPrefix(t, "Ready", f.settle("deadly"), "False Failed: 5 attempts broke off, the last one without a word: ")
	if st := f.get("deadly").Status; st.Attempts != maxAttempts || st.CompletionTime == nil || f.there() {
		t.Errorf("attempts = %d, ended at %v, restored = %v; want it to have ended after %d", st.Attempts, st.CompletionTime, f.there(), maxAttempts)
	}
}

func TestDeletingTheObjectStopsItsRun(t *testing.T) {
	f := setUp(t)
	reached := make(chan struct{})
	f.store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: archive.IndexFile, Nth: 1, Effect: storetest.Stall(func() { close(reached) })})
	f.restore("stopped")
	f.begin("stopped")
	<-reached
	if err := f.client.Delete(t.Context(), f.get("stopped")); err != nil {
		t.Fatal(err)
	}
	f.reconcile("stopped")
	if o := f.get("stopped"); o != nil {
		t.Errorf("the object is still there, with finalizers %v", o.Finalizers)
	}
}

func TestRecreateNeedsALocationThatCanBeWritten(t *testing.T) {
	f := setUp(t)
	f.config(func(s *v1alpha1.ConfigSpec) { s.Storage[0].Access = v1alpha1.AccessReadOnly })
	f.restore("recreate", func(s *v1alpha1.RestoreSpec) { s.ExistingResourcePolicy = v1alpha1.ExistingResourceRecreate })
	hasPrefix(t, "Ready", f.settle("recreate"), "False RequestInvalid: existingResourcePolicy: ")
}

// deleting calls before, before it deletes.
type deleting struct {
	engine.Writer

	before func()
}

func (w deleting) Delete(ctx context.Context, r engine.Resource, namespace, name string, only engine.DeleteOptions) error {
	w.before()
	only.KeepDependents = false // there is no garbage collector here to let them go
	return w.Writer.Delete(ctx, r, namespace, name, only)
}

func TestWhatRecreateDeletesIsStoredBeforeItDoes(t *testing.T) {
	f := setUp(t)
	f.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: f.into}})
	f.create(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: f.into, Name: "settings"}, Data: map[string]string{"a": "edited since"}})
	stored := func() (objects []string) {
		for blob, err := range f.store.List(t.Context(), f.uid+"/restores/recreate/", false) {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(blob.Key, "/replaced-") {
				r, err := f.store.Open(t.Context(), blob.Key, 0, -1)
				if err != nil {
					t.Fatal(err)
				}
				content, err := io.ReadAll(r)
				if err = errors.Join(err, r.Close()); err != nil {
					t.Fatal(err)
				}
				objects = append(objects, string(content))
			}
		}
		return objects
	}
	deleted := 0
	f.r.Target.Writer = deleting{f.r.Target.Writer, func() {
		deleted++
		if got := stored(); len(got) != 1 || !strings.Contains(got[0], "edited since") {
			t.Errorf("stored before the object is deleted: %q, want the object", got)
		}
	}}
	// Nothing of an attempt that breaks off is recorded, but for what it deleted.
	f.store.Inject(storetest.Fault{Op: storetest.OpClose, Key: archive.PlanFile, Nth: 1, Effect: storetest.Fail(errors.New("connection reset"))})
	f.restore("recreate", func(s *v1alpha1.RestoreSpec) { s.ExistingResourcePolicy = v1alpha1.ExistingResourceRecreate })
	hasPrefix(t, "Ready at first", f.settle("recreate"), "Unknown Retrying: ")
	f.clock.Advance(time.Minute)
	hasPrefix(t, "Ready then", f.settle("recreate"), "True Succeeded: ")
	first := archive.RestoreKey(f.uid, "recreate", attemptUID(f.get("recreate"), 1), "replaced-*.json")
	if text := strings.Join(f.get("recreate").Status.Warnings, "\n"); !strings.Contains(text, first) {
		t.Errorf("warnings = %q, want %s named", text, first)
	}
	if got := stored(); deleted != 1 || len(got) != 1 {
		t.Errorf("%d objects were deleted and %d stored, want one each", deleted, len(got))
	}
}

func TestLongNamesBecomeLabels(t *testing.T) {
	long := strings.Repeat("a", 100)
	first, second := labelValue(long+"1"), labelValue(long+"2")
	if len(first) != 63 || first == second {
		t.Errorf("labels = %q, %q, want two different ones of 63 characters", first, second)
	}
	if got := labelValue("short"); got != "short" {
		t.Errorf("label = %q, want short names as they are", got)
	}
	if name := recordName(strings.Repeat("b", 250)); len(name) > maxName || !strings.HasPrefix(name, recordPrefix) {
		t.Errorf("ConfigMap = %q", name)
	}
}
