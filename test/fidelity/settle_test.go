// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// hasText reports whether the string at a path of an object is the one wanted.
func (s *stage) hasText(ctx context.Context, o *object, want string, path ...string) error {
	live, err := s.fetch(ctx, o)
	if err != nil {
		return err
	}
	if got, _, _ := unstructured.NestedString(live.Object, path...); got != want {
		return fmt.Errorf("%s: %s is %q, not %q", name(o), strings.Join(path, "."), got, want)
	}
	return nil
}

// counts reports whether a namespace has as many objects of a kind.
func (s *stage) counts(ctx context.Context, want int, apiVersion, kind, namespace string) error {
	all, err := s.list(ctx, apiVersion, kind, namespace)
	if err != nil {
		return err
	}
	if len(all) != want {
		return fmt.Errorf("%d %ss in %s, not %d", len(all), kind, namespace, want)
	}
	return nil
}

// bound waits for both pairs of volume and claim.
func bound(ctx context.Context, s *stage) error {
	for _, name := range []string{"data", "reserved"} {
		if err := s.hasText(ctx, newObject("v1", "PersistentVolumeClaim", "volumes", name), "Bound", "status", "phase"); err != nil {
			return err
		}
	}
	for _, name := range []string{"volumes-disk", "volumes-reserved"} {
		if err := s.hasText(ctx, newObject("v1", "PersistentVolume", "", name), "Bound", "status", "phase"); err != nil {
			return err
		}
	}
	return nil
}

// workloadPods are the pods that the workloads come to.
const workloadPods = 4

func workloadsRun(ctx context.Context, s *stage) error {
	if err := s.counts(ctx, 1, "apps/v1", "ReplicaSet", "workloads"); err != nil {
		return err
	}
	return s.counts(ctx, workloadPods, "v1", "Pod", "workloads")
}

// noneTwice checks that no ReplicaSet or Pod was restored beside those that
// controllers made.
func noneTwice(t *testing.T, s *stage, _ *restored) {
	t.Helper()
	must(t, workloadsRun(t.Context(), s))
	for _, kind := range []struct{ apiVersion, kind string }{{"apps/v1", "ReplicaSet"}, {"v1", "Pod"}, {"apps/v1", "ControllerRevision"}} {
		all, err := s.list(t.Context(), kind.apiVersion, kind.kind, "workloads")
		must(t, err)
		for _, o := range all {
			if len(o.GetOwnerReferences()) != 1 {
				t.Errorf("%s has owners %v", name(&o), o.GetOwnerReferences())
			}
		}
	}
}

func jobsRun(ctx context.Context, s *stage) error { return s.counts(ctx, 2, "v1", "Pod", "jobs") }

// finishJob makes a Job look as if it were done.
func finishJob(t *testing.T, s *stage) []*object {
	t.Helper()
	job := newObject("batch/v1", "Job", "pods", "done")
	eventually(t, "finish the Job", func(ctx context.Context) error {
		live, err := s.fetch(ctx, job)
		if err != nil {
			return err
		}
		now := metav1.Now().UTC().Format("2006-01-02T15:04:05Z")
		live.Object["status"] = map[string]any{
			"startTime": now, "completionTime": now, "succeeded": int64(1),
			"conditions": []any{
				map[string]any{"type": "SuccessCriteriaMet", "status": "True", "lastTransitionTime": now},
				map[string]any{"type": "Complete", "status": "True", "lastTransitionTime": now},
			},
			"uncountedTerminatedPods": map[string]any{},
		}
		return s.client.Status().Update(ctx, live)
	})
	return nil
}

// defaultAccount gives the account that every namespace has a pull secret.
func defaultAccount(t *testing.T, s *stage) []*object {
	t.Helper()
	account := newObject("v1", "ServiceAccount", "accounts", "default")
	eventually(t, "change the default account", func(ctx context.Context) error {
		live, err := s.fetch(ctx, account)
		if err != nil {
			return err
		}
		live.Object["imagePullSecrets"] = []any{map[string]any{"name": "pull"}}
		return s.client.Update(ctx, live)
	})
	return []*object{account}
}

func tokensMinted(ctx context.Context, s *stage) error {
	for _, secret := range []string{"web-token", "web-token-abcde"} {
		live, err := s.fetch(ctx, newObject("v1", "Secret", "accounts", secret))
		if err != nil {
			return err
		}
		if token, _, _ := unstructured.NestedString(live.Object, "data", "token"); token == "" {
			return fmt.Errorf("%s holds no token", name(live))
		}
	}
	return nil
}

func aggregated(ctx context.Context, s *stage) error {
	live, err := s.fetch(ctx, newObject("rbac.authorization.k8s.io/v1", "ClusterRole", "", "rights:whole"))
	if err != nil {
		return err
	}
	if rules, _, _ := unstructured.NestedSlice(live.Object, "rules"); len(rules) == 0 {
		return fmt.Errorf("%s has no rules", name(live))
	}
	return nil
}

func mirrored(ctx context.Context, s *stage) error {
	return s.counts(ctx, 3, "discovery.k8s.io/v1", "EndpointSlice", "hand-made")
}

func quotaCounted(ctx context.Context, s *stage) error {
	quota, err := s.fetch(ctx, newObject("v1", "ResourceQuota", "limits", "full"))
	if err != nil {
		return err
	}
	if used, _, _ := unstructured.NestedString(quota.Object, "status", "used", "configmaps"); used == "" {
		return fmt.Errorf("%s counts nothing yet", name(quota))
	}
	return nil
}

// refusesConfigMaps waits until the admission policy is in force.
func refusesConfigMaps(ctx context.Context, s *stage) error {
	probe := newObject("v1", "ConfigMap", "admission-policies", "probe")
	err := s.client.Create(ctx, probe, client.DryRunAll)
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return fmt.Errorf("the policy is not in force yet: %w", err)
}

// appliers are the managers of applied objects, and what each applies.
var appliers = map[string]string{
	"gitops": `{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: applied, name: web}, spec: {replicas: 0,
		selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}}}`,
	"labeller": `{apiVersion: apps/v1, kind: Deployment, metadata: {namespace: applied, name: web, labels: {by: labeller}}}`,
	"config":   `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: applied, name: config}, immutable: true, data: {k: v}}`,
}

func (s *stage) apply(tb testing.TB, manager string) error {
	tb.Helper()
	o := parse(tb, appliers[manager])[0]
	return s.client.Apply(tb.Context(), client.ApplyConfigurationFromUnstructured(o), client.FieldOwner(manager))
}

func serverSideApplied(t *testing.T, s *stage) []*object {
	t.Helper()
	namespace := newObject("v1", "Namespace", "", "applied")
	s.create(t, namespace)
	for _, manager := range []string{"gitops", "labeller", "config"} {
		must(t, s.apply(t, manager))
	}
	// Somebody who updates owns fields too.
	web := newObject("apps/v1", "Deployment", "applied", "web")
	eventually(t, "update the Deployment", func(ctx context.Context) error {
		live, err := s.fetch(ctx, web)
		if err != nil {
			return err
		}
		live.SetAnnotations(map[string]string{"by": "hand"})
		return s.client.Update(ctx, live, client.FieldOwner("hand"))
	})
	return []*object{namespace, web, newObject("v1", "ConfigMap", "applied", "config")}
}

func appliesWithoutConflict(t *testing.T, s *stage, _ *restored) {
	t.Helper()
	managers := func(o *object) map[string]string {
		fields := map[string]string{}
		for _, entry := range s.get(t, o).GetManagedFields() {
			if entry.Operation == metav1.ManagedFieldsOperationApply {
				fields[entry.Manager] = entry.FieldsV1.GetRawString()
			}
		}
		return fields
	}
	want := map[string]string{
		"gitops":   `{"f:spec":{"f:replicas":{},"f:selector":{},"f:template":{"f:metadata":{"f:labels":{"f:app":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{".":{},"f:image":{},"f:name":{}}}}}}}`,
		"labeller": `{"f:metadata":{"f:labels":{"f:by":{}}}}`,
	}
	if diff := cmp.Diff(want, managers(newObject("apps/v1", "Deployment", "applied", "web"))); diff != "" {
		t.Errorf("applied fields (-want +got):\n%s", diff)
	}
	for manager := range appliers {
		if err := s.apply(t, manager); err != nil {
			t.Errorf("the next apply of %s: %v", manager, err)
		}
	}
}

// terminatingNamespace deletes a namespace whose ConfigMap keeps it from ending.
func terminatingNamespace(t *testing.T, s *stage) []*object {
	t.Helper()
	namespace := newObject("v1", "Namespace", "", "terminating")
	config := newObject("v1", "ConfigMap", "terminating", "held")
	config.SetFinalizers([]string{"fidelity.example/hold"})
	s.create(t, namespace, config)
	must(t, s.client.Delete(t.Context(), namespace.DeepCopy()))
	eventually(t, "terminate", func(ctx context.Context) error {
		live, err := s.fetch(ctx, config)
		if err == nil && live.GetDeletionTimestamp() == nil {
			err = fmt.Errorf("%s is not being deleted", name(config))
		}
		return err
	})
	return []*object{namespace, config}
}

func isAlive(t *testing.T, s *stage, r *restored) {
	t.Helper()
	must(t, s.hasText(t.Context(), newObject("v1", "Namespace", "", "terminating"), "Active", "status", "phase"))
	for _, key := range []string{"namespaces/terminating", "configmaps/terminating/held"} {
		if said := strings.Join(r.lines[key].Messages, "; "); !strings.Contains(said, "was being deleted when it was archived") {
			t.Errorf("of %s, the restore says %q", key, said)
		}
	}
}
