// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/selection"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// Services whose names come last in the archive keep what they chose, although the
// others of the same restore draw most of a small range.
func TestNumbersThatServicesChoseAreNotDrawnByOthers(t *testing.T) {
	const drawn, chosenPorts, chosenAddresses = 100, 30, 20
	s := newStage(t, labtest.Start(t, lab.Options{ServerFlags: []string{"--service-node-port-range=30000-30139"}}))
	namespace := newObject("v1", "Namespace", "", "numbers")
	s.create(t, namespace)
	chosen := map[string]string{}
	var services []*object
	add := func(name, spec string) *object {
		o := parse(t, "{apiVersion: v1, kind: Service, metadata: {namespace: numbers, name: "+name+"}, spec: {"+spec+"}}")[0]
		services = append(services, o)
		return o
	}
	for i := range chosenAddresses {
		name := fmt.Sprintf("z-address-%d", i)
		chosen[name] = fmt.Sprintf("10.0.0.%d", 40+i*10)
		s.create(t, add(name, "ports: [{port: 80}], clusterIP: "+chosen[name]))
	}
	for i := range chosenPorts {
		name, port := fmt.Sprintf("z-port-%d", i), 30000+i*4
		chosen[name] = fmt.Sprint(port)
		s.create(t, add(name, fmt.Sprintf("type: NodePort, ports: [{port: 80, nodePort: %d}]", port)))
	}
	for i := range drawn {
		s.create(t, add(fmt.Sprintf("a-%d", i), "type: NodePort, ports: [{port: 80}]"))
	}
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{"numbers"}})
	s.remove(t, services...)

	req := restore.Request{Label: "numbers"}
	req.Selection.IncludedNamespaces = []string{"numbers"}
	r := s.restore(t, backup, req)
	for _, text := range append(r.failures(), r.Warnings...) {
		t.Error(text)
	}
	got := map[string]string{}
	for _, o := range services {
		if strings.HasPrefix(o.GetName(), "z-port") {
			got[o.GetName()] = nodePort(t, s.get(t, o))
		} else if strings.HasPrefix(o.GetName(), "z-address") {
			got[o.GetName()], _, _ = unstructured.NestedString(s.get(t, o).Object, "spec", "clusterIP")
		}
	}
	if diff := cmp.Diff(chosen, got); diff != "" {
		t.Errorf("what was chosen (-want +got):\n%s", diff)
	}
}

func nodePort(t *testing.T, service *object) string {
	t.Helper()
	ports, _, err := unstructured.NestedSlice(service.Object, "spec", "ports")
	must(t, err)
	return fmt.Sprint(ports[0].(map[string]any)["nodePort"])
}

// Whatever number is taken: the copy gets another, and a warning says which.
func TestACopyOfAServiceGetsOtherNumbersThanTheOriginal(t *testing.T) {
	s := newStage(t, labtest.Shared(t))
	s.create(t, parse(t, `
apiVersion: v1
kind: Namespace
metadata: {name: taken}
---
apiVersion: v1
kind: Service
metadata: {namespace: taken, name: web}
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  healthCheckNodePort: 31999
  clusterIP: 10.0.0.11
  ports: [{name: a, port: 80, nodePort: 31998}, {name: b, port: 81, nodePort: 31997}]
`)...)
	backup := s.take(t, selection.Template{IncludedNamespaces: []string{"taken"}})
	req := restore.Request{Label: "taken", NamespaceMapping: map[string]string{"taken": "taken-copy"}}
	req.Selection.IncludedNamespaces = []string{"taken"}
	r := s.restore(t, backup, req)
	want := []string{
		"has another address than 10.0.0.11: provided IP is already allocated",
		"has another node port than 31997: provided port is already allocated",
		"has another node port than 31998: provided port is already allocated",
		"has another port for health checks than 31999: provided port is already allocated",
	}
	line := r.lines["services/taken/web"]
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(line.Messages))); line.Outcome != restore.Created || diff != "" {
		t.Errorf("%s, messages (-want +got):\n%s", line.Outcome, diff)
	}
}
