// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// TestTheWholeLineWithTheRightsOfTheChart tells the line twice: in a cluster that
// is backed up and restored, and in one where restores are switched off, which
// attaches the same bucket.
func TestTheWholeLineWithTheRightsOfTheChart(t *testing.T) {
	bucket := volume(t)

	first := install(t, bucket, lab.Options{})
	first.podsAreAdmitted()
	first.backUp()
	backup := first.latest("shop.nightly")
	first.restore(backup)
	first.quote(backup)
	first.remove()
	first.measured()
	first.troubleStorage()
	foreign := first.latest("shop.nightly")
	firstPlaces := first.end(backup)

	// Older API servers, without this feature, are asked for lists where newer ones
	// stream them: both are needed.
	older := lab.Options{Emulate: "1.33", Features: map[string]bool{"WatchList": false}}
	second := install(t, bucket, older, "restore.enabled=false")
	second.backUp()
	second.showsBackupsOf(foreign)
	second.refuseRestore(second.latest("shop.nightly"))
	second.remove()
	secondPlaces := second.end("")

	t.Run("nothing is refused, and every right is used", func(t *testing.T) {
		first.t, second.t = t, t
		lines := unused(first.rights(), append(first.checkRights(), second.checkRights()...))
		for _, line := range lines {
			if slow[line] == "" {
				t.Errorf("nobody asked for %s", line)
			}
		}
		for line := range slow {
			if !slices.Contains(lines, line) {
				t.Errorf("%s is no exception any more", line)
			}
		}
		for _, r := range second.rights() {
			if r.role == "ark-restore" {
				t.Errorf("restores are off, and there is %+v", r)
			}
		}
	})
	t.Run("the content of Secrets is where it belongs", func(t *testing.T) {
		first.t, second.t = t, t
		own := slices.Concat(first.ownSecrets(), second.ownSecrets(), []string{keyCanary}) // also that of a key that was replaced
		for name, p := range map[string]places{"first": firstPlaces, "second": secondPlaces} {
			for _, place := range p.leaks(append(own, canary)...) {
				t.Errorf("the content of a Secret is in %s of the %s cluster", place, name)
			}
		}
		checkStored(t, bucket, own)
	})
}

// volume is a folder that the server's user may write, as fsGroup makes a pod's.
func volume(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

// podsAreAdmitted checks that Pod Security lets the chart's pods into the
// namespace, which enforces restricted.
func (i *installation) podsAreAdmitted() {
	i.t.Helper()
	i.eventually("the pod of the Deployment", func(ctx context.Context) (bool, error) {
		var pods corev1.PodList
		err := i.admin.List(ctx, &pods, client.InNamespace(labtest.Namespace), client.MatchingLabels{"app.kubernetes.io/name": "ark"})
		return len(pods.Items) == 1, err
	})
}

// backUp applies the application, a Config and a policy, and waits for the first
// backups of both its schedules.
func (i *installation) backUp() {
	i.t.Helper()
	i.application()
	p, rules := policy()
	i.create(rules, i.config(), p)
	i.eventually("the policy", i.ready(p, metav1.ConditionTrue))
	for _, schedule := range []string{"shop.nightly", "shop.weekly"} {
		i.eventually("the first backup of "+schedule, func(ctx context.Context) (bool, error) {
			list, err := i.backups(ctx, schedule)
			return len(list) == 1 && meta.IsStatusConditionTrue(list[0].Status.Conditions, v1alpha1.ReadyCondition), err
		})
	}
	if out := i.ark(0, "backup", "describe", i.latest("shop.nightly")); !strings.Contains(out, "shop") {
		i.t.Errorf("describe: %s", out)
	}
	// The policy is the author of its Schedules: it changes one, and deletes one.
	change(i, p, func(p *v1alpha1.BackupPolicy) {
		p.Spec.Schedules = []v1alpha1.PolicySchedule{{Name: "nightly", Cron: "0 3 1 1 *"}}
	})
	i.eventually("the schedules", func(ctx context.Context) (bool, error) {
		var list v1alpha1.ScheduleList
		err := i.admin.List(ctx, &list)
		return len(list.Items) == 1 && list.Items[0].Spec.Cron == "0 3 1 1 *", err
	})
}

// restore loses the application, is denied to restore over it, restores beside
// it, and again over what was changed there.
func (i *installation) restore(backup string) {
	i.t.Helper()
	i.delete(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}})
	i.delete(&rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "shop-operator"}})

	i.ark(4, "restore", "create", "as-it-was", "--from-backup", backup, "--wait")
	beside := []string{"--from-backup", backup, "--namespace-mappings", "shop:shop-restored", "--wait"}
	i.ark(0, append([]string{"restore", "create", "beside"}, beside...)...)

	var card corev1.Secret
	i.get(&card, "shop-restored", "card")
	if got := string(card.Data["number"]); got != canary {
		i.t.Errorf("the Secret came back with %q", got)
	}
	var bound rbacv1.RoleBinding
	i.get(&bound, "shop-restored", "robot")
	if diff := cmp.Diff([]rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "shop-restored", Name: "robot"}}, bound.Subjects); diff != "" {
		i.t.Errorf("the subjects of the RoleBinding (-want +got):\n%s", diff)
	}
	i.ownedAgain()

	change(i, &card, func(s *corev1.Secret) { s.Data["changed"] = []byte("here") })
	out := i.ark(0, append([]string{"restore", "create", "kept", "--include-resources", "secrets"}, beside...)...)
	i.ark(0, append([]string{"restore", "create", "updated", "--include-resources", "secrets", "--existing-resource-policy", "Update"}, beside...)...)
	i.get(&card, "shop-restored", "card")
	if _, there := card.Data["changed"]; there {
		i.t.Errorf("Update left the Secret as it was; the restore before said %s", out)
	}
	change(i, &card, func(s *corev1.Secret) { s.Data["changed"] = []byte("again") })
	i.ark(0, append([]string{"restore", "create", "recreated", "--include-resources", "secrets", "--existing-resource-policy", "Recreate"}, beside...)...)
}

// ownedAgain checks the owner that came back after what it owns.
func (i *installation) ownedAgain() {
	i.t.Helper()
	var state corev1.ConfigMap
	i.get(&state, "shop-restored", "web-state")
	web := deployment()
	i.get(web, "shop-restored", "web")
	if len(state.OwnerReferences) != 1 || state.OwnerReferences[0].UID != web.UID {
		i.t.Errorf("ConfigMap web-state is owned by %+v", state.OwnerReferences)
	}
}

// remove deletes a backup and its restore for good, lets another one expire, and
// deletes the object of a third, whose data stays.
func (i *installation) remove() {
	i.t.Helper()
	i.ark(0, "backup", "create", "extra", "--from-policy", "shop", "--wait")
	restore := i.ofBackup("extra")
	i.ark(0, "backup", "delete", "extra", "--yes", "--wait")
	i.gone("Restore of a backup that is deleted", restore)

	i.ark(0, "backup", "create", "brief", "--include-namespaces", "shop*", "--ttl", "3s")
	i.gone("Backup whose time is up", &v1alpha1.Backup{ObjectMeta: metav1.ObjectMeta{Name: "brief"}})

	kept := &v1alpha1.Backup{}
	i.get(kept, "", i.latest("shop.nightly"))
	before := kept.UID
	if err := i.admin.Delete(i.t.Context(), kept); err != nil {
		i.t.Fatal(err)
	}
	i.eventually("the Backup to come back from storage", func(ctx context.Context) (bool, error) {
		err := i.admin.Get(ctx, client.ObjectKeyFromObject(kept), kept)
		return err == nil && kept.UID != before, client.IgnoreNotFound(err)
	})
}

// ofBackup makes a Restore of a backup, which ends or, where restores are off, is
// refused.
func (i *installation) ofBackup(backup string) *v1alpha1.Restore {
	i.t.Helper()
	o := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "of-" + backup}}
	if i.refusing() {
		return o
	}
	i.ark(0, "restore", "create", o.Name, "--from-backup", backup, "--wait")
	return o
}

func (i *installation) refusing() bool {
	var role rbacv1.ClusterRole
	return apierrors.IsNotFound(i.admin.Get(i.t.Context(), client.ObjectKey{Name: "ark-restore"}, &role))
}

// refuseRestore expects that a restore is refused because restores are off.
func (i *installation) refuseRestore(backup string) {
	i.t.Helper()
	o := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{Name: "refused"}, Spec: v1alpha1.RestoreSpec{BackupName: backup}}
	i.create(o)
	i.eventually("the Restore to be refused", func(ctx context.Context) (bool, error) {
		err := i.admin.Get(ctx, client.ObjectKeyFromObject(o), o)
		stalled := meta.FindStatusCondition(o.Status.Conditions, v1alpha1.StalledCondition)
		return stalled != nil && stalled.Reason == v1alpha1.RestoreDisabledReason, err
	})
}

// showsBackupsOf expects the other cluster's backup in this one's list, and again
// under another name once somebody here takes the first.
func (i *installation) showsBackupsOf(foreign string) {
	i.t.Helper()
	shown := ""
	isShown := func(ctx context.Context) (bool, error) {
		var list v1alpha1.BackupList
		err := i.admin.List(ctx, &list)
		at := slices.IndexFunc(list.Items, func(b v1alpha1.Backup) bool {
			o := b.Status.Origin
			return o != nil && o.Foreign && o.BackupName == foreign && b.Name != shown
		})
		if at >= 0 {
			shown = list.Items[at].Name
		}
		return at >= 0, err
	}
	i.eventually("the other cluster's backup", isShown)
	i.ark(0, "backup", "get")

	meta := metav1.ObjectMeta{Name: shown}
	i.eventually("the name to be taken", func(ctx context.Context) (bool, error) {
		if err := i.admin.Delete(ctx, &v1alpha1.Backup{ObjectMeta: meta}); err != nil {
			return false, err
		}
		err := i.admin.Create(ctx, &v1alpha1.Backup{ObjectMeta: meta, Spec: v1alpha1.BackupSpec{PolicyName: "shop"}})
		return err == nil, client.IgnoreAlreadyExists(err)
	})
	i.eventually("the other cluster's backup under another name", isShown)
}

// end stops the server and returns what can be seen of it. It describes what it
// is asked to before.
func (i *installation) end(backup string) places {
	i.t.Helper()
	if backup != "" {
		for _, args := range [][]string{
			{"backup", "describe", backup}, {"restore", "describe", "beside"}, {"restore", "describe", "as-it-was"},
			{"restore", "describe", "kept"}, {"restore", "describe", "recreated"}, {"policy", "describe", "shop"},
			{"backup", "get", "-o", "yaml"}, {"restore", "get", "-o", "yaml"}, {"storage", "get", "-o", "yaml"},
		} {
			i.ark(0, args...)
		}
	}
	metrics := i.scrape()
	i.stop()
	p := i.look()
	p["the metrics"] = metrics
	return p
}

// backups lists this cluster's own backups of a schedule.
func (i *installation) backups(ctx context.Context, schedule string) ([]v1alpha1.Backup, error) {
	var list v1alpha1.BackupList
	err := i.admin.List(ctx, &list, client.MatchingLabels{v1alpha1.ScheduleLabel: schedule})
	return slices.DeleteFunc(list.Items, func(b v1alpha1.Backup) bool {
		return b.Status.Origin != nil && b.Status.Origin.Foreign
	}), err
}

// latest returns the name of this cluster's only backup of a schedule.
func (i *installation) latest(schedule string) string {
	i.t.Helper()
	list, err := i.backups(i.t.Context(), schedule)
	if err != nil || len(list) != 1 {
		i.t.Fatalf("%d backups of %s: %v", len(list), schedule, err)
	}
	return list[0].Name
}

// ready waits for the condition Ready of an object at its generation.
func (i *installation) ready(o client.Object, want metav1.ConditionStatus) wait.ConditionWithContextFunc {
	return func(ctx context.Context) (bool, error) {
		if err := i.admin.Get(ctx, client.ObjectKeyFromObject(o), o); err != nil {
			return false, err
		}
		var conditions []metav1.Condition
		switch o := o.(type) {
		case *v1alpha1.Config:
			conditions = o.Status.Conditions
		case *v1alpha1.BackupPolicy:
			conditions = o.Status.Conditions
		}
		c := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition)
		return c != nil && c.Status == want && c.ObservedGeneration == o.GetGeneration(), nil
	}
}

// delete deletes an object and waits until it is gone.
func (i *installation) delete(o client.Object) {
	i.t.Helper()
	if err := i.admin.Delete(i.t.Context(), o); err != nil {
		i.t.Fatal(err)
	}
	i.gone(o.GetName(), o)
}

func (i *installation) gone(what string, o client.Object) {
	i.t.Helper()
	i.eventually(what+" to be gone", func(ctx context.Context) (bool, error) {
		err := i.admin.Get(ctx, client.ObjectKeyFromObject(o), o)
		return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
	})
}
