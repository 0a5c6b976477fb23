// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// boat is a definition of two versions and an object of the newer; oldBoat has only
// the older.
const (
	boat = `
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.NS.example}, spec: {group: NS.example, scope: Namespaced,
  names: {plural: boats, singular: boat, kind: Boat, listKind: BoatList}, versions: [
  {name: v1, served: true, storage: true, subresources: {status: {}}, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties:
    {sails: {type: integer}, oars: {type: integer}}}}}}},
  {name: v1beta1, served: true, storage: false, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties:
    {sails: {type: integer}}}}}}}]}}
---
{apiVersion: NS.example/v1, kind: Boat, metadata: {namespace: NS, name: ketch}, spec: {sails: 3, oars: 2}}
`
	oldBoat = `
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: boats.NS.example}, spec: {group: NS.example, scope: Namespaced,
  names: {plural: boats, singular: boat, kind: Boat, listKind: BoatList}, versions: [
  {name: v1beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties:
    {sails: {type: integer}}}}}}}]}}
`
	otherBoat = `
{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: ships.NS.example}, spec: {group: NS.example, scope: Namespaced,
  names: {plural: ships, singular: ship, kind: Boat, listKind: BoatList}, versions: [
  {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}}
`
)

// redefined replaces the definition of the boats by another.
func redefined(by string) func(*testing.T, *stage, string) {
	return func(t *testing.T, s *stage, ns string) {
		t.Helper()
		s.remove(t, parse(t, strings.ReplaceAll(boat, "NS", ns))[0])
		s.served(t, "boats", ns, false)
		objects := parse(t, strings.ReplaceAll(by, "NS", ns))
		s.create(t, objects...)
		if len(objects) > 0 {
			plural, _, _ := strings.Cut(objects[0].GetName(), ".")
			s.served(t, plural, ns, true)
		}
	}
}

// withDefinition asks for the definition and the object of a case.
func withDefinition(existing restore.Existing) func(req *restore.Request, ns string) {
	return func(req *restore.Request, ns string) {
		all := true
		req.Existing, req.Selection.ClusterResources, req.Names = existing, &all, []string{"boats." + ns + ".example", "ketch"}
	}
}

// versionObstacles are about definitions that a restore brings itself.
func versionObstacles() []hostileCase {
	const definition, object = "customresourcedefinitions.apiextensions.k8s.io/boats.NS.example", "boats.NS.example/NS/ketch"
	return []hostileCase{
		{
			name: "A definition without the archived version, which the restore updates", setUp: boat, cluster: true,
			change: redefined(oldBoat), set: withDefinition(restore.ExistingUpdate),
			told: []told{{definition, restore.Updated, ""}, {object, restore.Created, ""}},
			so:   "the object is whole",
			check: func(t *testing.T, s *stage, ns string, _ *restored) {
				s.field(t, newObject(ns+".example/v1", "Boat", ns, "ketch"), map[string]any{"sails": int64(3), "oars": int64(2)}, "spec")
			},
		},
		{
			name: "A definition without the archived version, which the restore leaves", setUp: boat, cluster: true,
			change: redefined(oldBoat), set: withDefinition(restore.ExistingNone),
			told: []told{
				{definition, restore.Left, "exists and differs in spec.versions"},
				{object, restore.Created, "is restored in version v1beta1, because the cluster does not serve v1, in which it was archived"},
				{object, restore.Created, "the cluster changed it as it was written: spec.oars"},
			},
			so: "the object is there without what the older version lacks",
		},
		{
			name: "A definition whose kind another one has", setUp: boat, cluster: true,
			change: redefined(otherBoat), set: withDefinition(restore.ExistingNone),
			told: []told{
				{definition, restore.Created, ""},
				{object, restore.Failed, "boats.NS.example: its definition is not established: NamesAccepted is False (ListKindConflict: "},
			},
			so: "only its own objects fail, within seconds",
		},
		{
			name: "A definition whose conversion has a placeholder for its certificates (`caBundle: Cg==`)", setUp: boat, cluster: true,
			change: redefined(""),
			set: func(req *restore.Request, ns string) {
				withDefinition(restore.ExistingNone)(req, ns)
				req.Modifiers = []transform.ModifierSpec{{
					Name: "placeholder", Resources: []string{"customresourcedefinitions"},
					Patch: []byte(`[{"op": "add", "path": "/spec/conversion", "value": {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"],
						"clientConfig": {"url": "https://127.0.0.1:1/convert", "caBundle": "Cg=="}}}}]`),
				}}
			},
			told: []told{
				{definition, restore.Created, ""},
				{object, restore.Failed, "boats.NS.example: its definition is not established: Established is False (InvalidCABundle: The conversion webhook CABundle is invalid)"},
			},
			so: "only its own objects fail, within seconds, until the bundle is there",
		},
	}
}
