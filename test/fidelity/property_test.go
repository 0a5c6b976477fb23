// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab/labtest"
)

const (
	// objectsVariable asks for another number of objects of each type, and
	// seedVariable for another seed than 1.
	objectsVariable = "ARK_FIDELITY_OBJECTS"
	seedVariable    = "ARK_FIDELITY_SEED"
	// perType is bounded by the twenty seconds that this test may take.
	perType = 2
	// enough is of how many types an object must be valid, or the
	// property says little.
	enough = 28
)

// notGenerated are types that a restore leaves out on purpose, or that stop
// others from being created, and why.
var notGenerated = map[string]string{
	"namespaces": "hold others", "nodes": "never restored", "events": "never restored", "events.events.k8s.io": "never restored",
	"csinodes.storage.k8s.io": "never restored", "volumeattachments.storage.k8s.io": "never restored",
	"csistoragecapacities.storage.k8s.io": "never restored", "resourceslices.resource.k8s.io": "never restored",
	"ipaddresses.networking.k8s.io": "never restored", "servicecidrs.networking.k8s.io": "overlap",
	"customresourcedefinitions.apiextensions.k8s.io": "need a controller to go", "apiservices.apiregistration.k8s.io": "break discovery",
	"validatingwebhookconfigurations.admissionregistration.k8s.io": "refuse others", "mutatingwebhookconfigurations.admissionregistration.k8s.io": "refuse others",
	"validatingadmissionpolicies.admissionregistration.k8s.io": "refuse others", "validatingadmissionpolicybindings.admissionregistration.k8s.io": "refuse others",
	"mutatingadmissionpolicies.admissionregistration.k8s.io": "refuse others", "mutatingadmissionpolicybindings.admissionregistration.k8s.io": "refuse others",
	"resourcequotas": "refuse others", "limitranges": "change others", "certificatesigningrequests.certificates.k8s.io": "name who asked",
}

// assigned are the fields that a cluster decides anew.
var assigned = map[string][]string{
	"Service": {"/spec/clusterIP", "/spec/clusterIPs", "/spec/ports/*/nodePort", "/spec/healthCheckNodePort"},
	"Job": {
		"/spec/selector", "/spec/template/metadata/labels/controller-uid",
		"/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid",
	},
	"Pod": {"/spec/nodeName"},
}

// Objects that nobody thought of come back: restore(backup(x)) is x, for random
// objects of every type.
func TestRandomObjectsComeBack(t *testing.T) {
	started := labtest.Shared(t)
	s := newStage(t, started)
	seed := variable(t, seedVariable, 1)
	g := &generator{schemas: fetchSchemas(t, started.Config()), rand: rand.New(rand.NewPCG(uint64(seed), 1))}
	s.create(t, newObject("v1", "Namespace", "", "property"), newObject("v1", "ServiceAccount", "property", "default"))
	before := s.generate(t, g, variable(t, objectsVariable, perType))

	backup := s.take(t, selection.Template{})
	if errs := backup.snapshot.Marker.Errors; len(errs) > 0 {
		t.Errorf("the backup says %q", errs)
	}
	s.remove(t, before...)
	all := true
	req := restore.Request{Label: "property", Names: []string{"property-*"}}
	req.Selection.ClusterResources = &all
	r := s.restore(t, backup, req)
	for _, failure := range r.failures() {
		t.Errorf("seed %d: failed: %s", seed, failure)
	}
	apart := s.statusApart(t)
	for _, was := range before {
		is, err := s.fetch(t.Context(), was)
		if err != nil {
			t.Errorf("seed %d: %s: %v", seed, name(was), err)
			continue
		}
		looked := comparison{statusApart: apart, except: assigned[was.GetKind()]}
		if diff := looked.diff(was, is); diff != "" {
			t.Errorf("seed %d: %s differs (-before +after):\n%s", seed, name(was), diff)
		}
	}
}

// variable reads a number from the environment.
func variable(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, ok := os.LookupEnv(name)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// generate creates random objects of every type, and returns those that the API
// server took.
func (s *stage) generate(t *testing.T, g *generator, each int) []*object {
	t.Helper()
	discovery, err := s.reader.Discover(t.Context())
	must(t, err)
	var made []*object
	kinds := map[string]bool{}
	for _, r := range discovery.Resources {
		if notGenerated[r.GroupResource().String()] != "" || r.Group == "ark.gopherwood.dev" {
			continue
		}
		for range each {
			o, rejected := s.random(t.Context(), g, r, fmt.Sprintf("property-%d", len(made)))
			if rejected != nil {
				t.Logf("%s: %v", r.GroupResource(), rejected)
				continue
			}
			made = append(made, o)
			kinds[r.GroupResource().String()] = true
		}
	}
	t.Logf("%d objects of %d types out of %d", len(made), len(kinds), len(discovery.Resources)-len(notGenerated))
	if len(kinds) < enough {
		t.Errorf("valid objects of %d types only, want %d", len(kinds), enough)
	}
	return made
}

// random creates one object, after the API server has said what is wrong with it.
func (s *stage) random(ctx context.Context, g *generator, r engine.Resource, name string) (made *object, rejected error) {
	namespace := ""
	if r.Namespaced {
		namespace = "property"
	}
	for range 4 {
		o := g.kind(schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}, namespace, name)
		if o == nil {
			return nil, errors.New("has no schema")
		}
		for range maxRepairs {
			made := o.DeepCopy()
			if rejected = s.client.Create(ctx, made); rejected == nil {
				return made, nil
			}
			if !g.repair(o, rejected) {
				break
			}
		}
	}
	return nil, rejected
}
