// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// minimal holds the shortest spec of each kind.
var minimal = map[string]string{
	"Config":       `{}`,
	"BackupPolicy": `{}`,
	"Schedule":     `{cron: "@daily", template: {}}`,
	"Backup":       `{}`,
	"Restore":      `{backupName: a}`,
}

func TestTheAPIServerAdvertisesTheKinds(t *testing.T) {
	d, err := discovery.NewDiscoveryClientForConfig(labtest.Shared(t).Config())
	if err != nil {
		t.Fatal(err)
	}
	resources, err := d.ServerResourcesForGroupVersion(v1alpha1.GroupVersion.String())
	if err != nil {
		t.Fatal(err)
	}
	verbs := metav1.Verbs{"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"}
	kind := func(name, plural, singular, short string) metav1.APIResource {
		return metav1.APIResource{
			Kind: name, Name: plural, SingularName: singular, ShortNames: []string{short},
			Categories: []string{"ark"}, Verbs: verbs,
		}
	}
	want := map[string]metav1.APIResource{
		"configs":        kind("Config", "configs", "config", "arkcfg"),
		"backuppolicies": kind("BackupPolicy", "backuppolicies", "backuppolicy", "arkp"),
		"schedules":      kind("Schedule", "schedules", "schedule", "arks"),
		"backups":        kind("Backup", "backups", "backup", "arkb"),
		"restores":       kind("Restore", "restores", "restore", "arkr"),
	}
	got, status := map[string]metav1.APIResource{}, map[string]bool{}
	for _, r := range resources.APIResources {
		if _, ok := want[r.Name]; ok {
			r.StorageVersionHash = ""
			got[r.Name] = r
		} else {
			status[r.Name] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-want +got):\n%s", diff)
	}
	for name := range want {
		if !status[name+"/status"] {
			t.Errorf("%s has no status subresource", name)
		}
		delete(status, name+"/status")
	}
	if len(status) > 0 {
		t.Errorf("more than the five kinds and their status is served: %v", status)
	}
}

// kstatus takes an object that no controller has seen for finished unless its
// observed generation says otherwise.
func TestANewObjectIsNotYetObserved(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	for kind, spec := range minimal {
		t.Run(kind, func(t *testing.T) {
			obj := object(t, kind, "", spec)
			if err := c.Create(t.Context(), obj, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			want := map[string]any{"observedGeneration": int64(-1)}
			if diff := cmp.Diff(want, obj.Object["status"]); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
		})
	}
}

// Under GitOps a field that the API server fills in is drift.
func TestTheSchemaHasNoDefaults(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	for kind, spec := range minimal {
		t.Run(kind, func(t *testing.T) {
			obj := object(t, kind, "", spec)
			want := obj.DeepCopy().Object["spec"]
			if err := c.Create(t.Context(), obj, client.DryRunAll); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, obj.Object["spec"]); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTheChartKeepsTheKindsOnUninstall(t *testing.T) {
	crds, err := labtest.Kinds()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(crds), len(minimal); got != want {
		t.Errorf("the chart has %d kinds, want %d", got, want)
	}
	for _, crd := range crds {
		// The template adds helm.sh/resource-policy below this key.
		if len(crd.Annotations) == 0 {
			t.Errorf("%s has no annotations for the template to add to", crd.Name)
		}
		if crd.Spec.Scope != "Cluster" {
			t.Errorf("%s is %s, want Cluster", crd.Name, crd.Spec.Scope)
		}
	}
}
