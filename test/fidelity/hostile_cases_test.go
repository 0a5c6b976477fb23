// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine/restore"
)

// hostileCases are the rows of the second table of docs/fidelity.md, in its order.
func hostileCases() []hostileCase {
	return slices.Concat(volumeObstacles(), recreateObstacles(), typeObstacles(), versionObstacles(), passingObstacles(), admissionObstacles(), takenObstacles(), deletedObstacles())
}

const disk = `
{apiVersion: v1, kind: PersistentVolume, metadata: {name: NS-disk}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce],
  persistentVolumeReclaimPolicy: Retain, storageClassName: NS, hostPath: {path: /tmp/none}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {namespace: NS, name: data}, spec: {storageClassName: NS,
  accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
`

// diskBound waits until claim and volume have each other.
func diskBound(ctx context.Context, s *stage, ns string) error {
	claim, err := s.fetch(ctx, newObject("v1", "PersistentVolumeClaim", ns, "data"))
	if err != nil {
		return err
	}
	if err := s.hasText(ctx, claim, "Bound", "status", "phase"); err != nil {
		return err
	}
	return s.hasText(ctx, newObject("v1", "PersistentVolume", "", ns+"-disk"), string(claim.GetUID()), "spec", "claimRef", "uid")
}

func isBound(t *testing.T, s *stage, ns string, _ *restored) {
	t.Helper()
	eventually(t, "be bound", func(ctx context.Context) error { return diskBound(ctx, s, ns) })
}

// volumeObstacles are about volumes that are there.
func volumeObstacles() []hostileCase {
	return []hostileCase{
		{
			name: "A volume that outlived its claim (`Retain`)", setUp: disk, settled: diskBound, keep: true,
			change: func(t *testing.T, s *stage, ns string) {
				s.remove(t, newObject("v1", "PersistentVolumeClaim", ns, "data"))
				eventually(t, "release the volume", func(ctx context.Context) error {
					return s.hasText(ctx, newObject("v1", "PersistentVolume", "", ns+"-disk"), "Released", "status", "phase")
				})
			},
			told: []told{
				{"persistentvolumes/NS-disk", restore.Updated, "outlived its claim: it is reserved for the one that is restored"},
				{"persistentvolumeclaims/NS/data", restore.Created, ""},
			},
			so: "claim and volume are bound again, to each other", check: isBound,
		},
		{
			name: "A copy beside the original, with `namespaceMapping` and `Update`", keep: true, cluster: true, settled: diskBound, setUp: disk + `
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: NS-hook}, webhooks: [{name: a.b.example,
  clientConfig: {service: {namespace: NS, name: none}}, sideEffects: None, admissionReviewVersions: [v1],
  rules: [{apiGroups: [none.example], apiVersions: ["*"], operations: [CREATE], resources: [none]}]}]}
`,
			set: func(req *restore.Request, ns string) {
				all := true
				req.NamespaceMapping = map[string]string{ns: ns + "-copy"}
				req.Existing, req.Selection.ClusterResources = restore.ExistingUpdate, &all
				req.Names = []string{ns + "-*", "data"}
			},
			told: []told{
				{"persistentvolumes/NS-disk", restore.Left, "it serves a namespace that is mapped from, which would lose it"},
				{"validatingwebhookconfigurations.admissionregistration.k8s.io/NS-hook", restore.Left, "it serves a namespace that is mapped from, which would lose it"},
				{"persistentvolumeclaims/NS/data", restore.Created, "asks for a new volume: NS-disk is not restored"},
			},
			so: "the original keeps its volume and its webhook", check: isBound,
		},
		{
			name: "Volumes that a pod has of its own, the pod being one of a StatefulSet", setUp: `
{apiVersion: apps/v1, kind: StatefulSet, metadata: {namespace: NS, name: db}, spec: {serviceName: db, selector: {matchLabels: {a: b}},
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}], volumes: [{name: scratch, ephemeral: {volumeClaimTemplate:
  {spec: {storageClassName: NS, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}]}}}}
`,
			settled: func(ctx context.Context, s *stage, ns string) error { return podHasItsVolume(ctx, s, ns) },
			change: func(t *testing.T, s *stage, ns string) {
				s.remove(t, newObject("v1", "Pod", ns, "db-0"), newObject("v1", "PersistentVolumeClaim", ns, "db-0-scratch"))
			},
			told: []told{{"persistentvolumeclaims/NS/db-0-scratch", restore.Skipped, restore.CodeRemade}},
			so:   "the new pod has a new volume of its own",
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				eventually(t, "get a volume", func(ctx context.Context) error { return podHasItsVolume(ctx, s, ns) })
			},
		},
	}
}

// podHasItsVolume reports whether the claim of pod db-0 is its own.
func podHasItsVolume(ctx context.Context, s *stage, ns string) error {
	pod, err := s.fetch(ctx, newObject("v1", "Pod", ns, "db-0"))
	if err != nil {
		return err
	}
	claim, err := s.fetch(ctx, newObject("v1", "PersistentVolumeClaim", ns, "db-0-scratch"))
	if err == nil && !metav1.IsControlledBy(claim, pod) {
		err = fmt.Errorf("the claim's owners are %v", claim.GetOwnerReferences())
	}
	return err
}

// recreateObstacles are about what Recreate must not take along.
func recreateObstacles() []hostileCase {
	recreate := func(req *restore.Request, _ string) { req.Existing = restore.ExistingRecreate }
	return []hostileCase{
		{
			name: "`Recreate` of a StatefulSet whose claims go with it (`whenDeleted: Delete`)", keep: true, setUp: `
{apiVersion: apps/v1, kind: StatefulSet, metadata: {namespace: NS, name: db}, spec: {serviceName: db, selector: {matchLabels: {a: b}},
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain},
  volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: NS, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}],
  template: {metadata: {labels: {a: b}}, spec: {containers: [{name: a, image: a}]}}}}
`,
			settled: func(ctx context.Context, s *stage, ns string) error {
				claim, err := s.fetch(ctx, newObject("v1", "PersistentVolumeClaim", ns, "data-db-0"))
				if err == nil && len(claim.GetOwnerReferences()) == 0 {
					err = fmt.Errorf("%s has no owner", name(claim))
				}
				return err
			},
			change: func(t *testing.T, s *stage, ns string) { s.annotate(t, newObject("apps/v1", "StatefulSet", ns, "db")) },
			set:    recreate,
			told:   []told{{"statefulsets.apps/NS/db", restore.Left, "not recreated: it owns other objects, which would be deleted with it"}},
			so:     "the claims stay",
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				if claim := s.get(t, newObject("v1", "PersistentVolumeClaim", ns, "data-db-0")); claim.GetDeletionTimestamp() != nil {
					t.Error("the claim is being deleted")
				}
			},
		},
		{
			name: "`Recreate` of what owns objects since the backup", setUp: configs, keep: true,
			change: func(t *testing.T, s *stage, ns string) {
				edited(t, s, ns)
				s.create(t, parse(t, `{apiVersion: v1, kind: Secret, metadata: {namespace: `+ns+`, name: younger,
					ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: one, uid: ""}]}}`)...)
			},
			set:  recreate,
			told: []told{{"configmaps/NS/one", restore.Updated, ""}, {"configmaps/NS/two", restore.Unchanged, ""}},
			so:   "it comes back as archived, and what it owned stays, without that owner; what was deleted is recorded",
			check: func(t *testing.T, s *stage, ns string, r *restored) {
				s.field(t, newObject("v1", "ConfigMap", ns, "one"), map[string]any{"k": "v"}, "data")
				if !strings.Contains(r.replaced, `"edited"`) {
					t.Errorf("recorded before it was deleted: %q", r.replaced)
				}
				younger := s.get(t, newObject("v1", "Secret", ns, "younger"))
				if owners := younger.GetOwnerReferences(); len(owners) > 0 || younger.GetDeletionTimestamp() != nil {
					t.Errorf("the younger object is owned by %v, and deleted at %v", owners, younger.GetDeletionTimestamp())
				}
			},
		},
	}
}

// annotate changes an object that is there.
func (s *stage) annotate(t *testing.T, o *object) {
	t.Helper()
	eventually(t, "annotate "+name(o), func(ctx context.Context) error {
		live, err := s.fetch(ctx, o)
		if err != nil {
			return err
		}
		live.SetAnnotations(map[string]string{"changed": "since"})
		return s.client.Update(ctx, live)
	})
}

// gadget is a type of two versions and an object of it.
const gadget = `
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: gadgets.NS.example}, spec: {group: NS.example, scope: Namespaced,
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}, versions: [
  {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties:
    {kept: {type: string}, gone: {type: string}, size: {type: integer}}}}}}},
  {name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}}
---
{apiVersion: NS.example/v2, kind: Gadget, metadata: {namespace: NS, name: one}, spec: {kept: a, gone: b, size: 7}}
`

// redefine changes the definition of the gadgets, and waits until a gadget that is
// tried out, or its refusal, is as wanted.
func redefine(change func(version map[string]any), inForce func(made *object, err error) bool) func(*testing.T, *stage, string) {
	return func(t *testing.T, s *stage, ns string) {
		t.Helper()
		definition := newObject("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", "gadgets."+ns+".example")
		eventually(t, "change the definition", func(ctx context.Context) error {
			live, err := s.fetch(ctx, definition)
			if err != nil {
				return err
			}
			versions, _, err := unstructured.NestedSlice(live.Object, "spec", "versions")
			must(t, err)
			change(versions[0].(map[string]any))
			must(t, unstructured.SetNestedSlice(live.Object, versions, "spec", "versions"))
			return s.client.Update(ctx, live)
		})
		eventually(t, "see the change in force", func(ctx context.Context) error {
			probe := parse(t, strings.ReplaceAll(gadget, "NS", ns))[1]
			probe.SetName("probe")
			if err := s.client.Create(ctx, probe, client.DryRunAll); !inForce(probe, err) {
				return fmt.Errorf("not yet: %w", err)
			}
			return nil
		})
	}
}

// typeObstacles are about types that are no longer what they were.
func typeObstacles() []hostileCase {
	properties := func(version map[string]any) map[string]any {
		m, _, _ := unstructured.NestedFieldNoCopy(version, "schema", "openAPIV3Schema", "properties", "spec", "properties")
		return m.(map[string]any)
	}
	return []hostileCase{
		{
			name: "A definition that has lost a field", setUp: gadget,
			change: redefine(func(version map[string]any) { delete(properties(version), "gone") }, func(made *object, err error) bool {
				_, there, _ := unstructured.NestedString(made.Object, "spec", "gone")
				return err == nil && !there
			}),
			told: []told{{"gadgets.NS.example/NS/one", restore.Created, "the cluster changed it as it was written: spec.gone"}},
			so:   "the rest of the object is there",
		},
		{
			name: "A definition that no longer allows what was archived", setUp: gadget,
			change: redefine(func(version map[string]any) {
				properties(version)["size"] = map[string]any{"type": "integer", "maximum": int64(5)}
			}, func(_ *object, err error) bool { return apierrors.IsInvalid(err) }),
			told: []told{{"gadgets.NS.example/NS/one", restore.Failed, "spec.size: Invalid value: 7"}},
			so:   "a modifier can change the value",
		},
		{
			name: "A version that is no longer served", setUp: gadget,
			change: redefine(func(version map[string]any) { version["served"] = false }, func(_ *object, err error) bool { return err != nil }),
			told:   []told{{"gadgets.NS.example/NS/one", restore.Created, "is restored in version v1, because the cluster does not serve v2, in which it was archived"}},
			so:     "what the other version does not have is named too",
		},
	}
}
