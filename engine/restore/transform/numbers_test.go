// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/restore/transform"
)

func TestTheTurnOfAService(t *testing.T) {
	for name, tc := range map[string]struct {
		spec string
		want int
	}{
		"headless":                              {`{"clusterIP":"None","ports":[{"port":80}]}`, 0},
		"a name only":                           {`{"type":"ExternalName","externalName":"e"}`, 0},
		"a kept address":                        {`{"clusterIP":"10.0.0.1","ports":[{"port":80}]}`, 0},
		"all kept":                              {`{"type":"NodePort","clusterIP":"10.0.0.1","ports":[{"port":80,"nodePort":30000}]}`, 0},
		"a kept port":                           {`{"type":"NodePort","ports":[{"port":80,"nodePort":30000}]}`, 1},
		"one of two ports kept":                 {`{"type":"NodePort","ports":[{"port":80,"nodePort":30000},{"port":81}]}`, 2},
		"a kept port, a drawn one for checks":   {`{"type":"LoadBalancer","externalTrafficPolicy":"Local","ports":[{"port":80,"nodePort":30000}]}`, 2},
		"a kept address, drawn ports":           {`{"type":"NodePort","clusterIP":"10.0.0.1","ports":[{"port":80}]}`, 2},
		"a kept address, and no ports of nodes": {`{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"clusterIP":"10.0.0.1","ports":[{"port":80}]}`, 0},
		"a drawn address":                       {`{"ports":[{"port":80}]}`, 3},
		"all drawn":                             {`{"type":"NodePort","ports":[{"port":80}]}`, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := transform.Turn(decode(t, `{"spec":`+tc.spec+`}`)); got != tc.want {
				t.Errorf("Turn = %d, want %d", got, tc.want)
			}
		})
	}
}

func TestWhatIsDroppedOfARefusedService(t *testing.T) {
	const spec = `{"spec":{"clusterIP":"10.0.0.5","healthCheckNodePort":30009,"ports":[{"port":80,"nodePort":30001},{"port":81,"nodePort":30002}]}}`
	for name, tc := range map[string]struct {
		refusal string
		said    []string
		left    string
	}{
		"a node port": {
			`Service "x" is invalid: spec.ports[1].nodePort: Invalid value: 30002: provided port is already allocated`,
			[]string{"has another node port than 30002: provided port is already allocated"},
			`{"spec":{"clusterIP":"10.0.0.5","healthCheckNodePort":30009,"ports":[{"port":80,"nodePort":30001},{"port":81}]}}`,
		},
		"a port for health checks": {
			`Internal error occurred: failed to allocate requested HealthCheck NodePort 30009: provided port is already allocated (status 500)`,
			[]string{"has another port for health checks than 30009: provided port is already allocated"},
			`{"spec":{"clusterIP":"10.0.0.5","ports":[{"port":80,"nodePort":30001},{"port":81,"nodePort":30002}]}}`,
		},
		"an address": {
			`Service "x" is invalid: spec.clusterIPs: Invalid value: ["10.0.0.5"]: failed to allocate IP 10.0.0.5: provided IP is already allocated`,
			[]string{"has another address than 10.0.0.5: provided IP is already allocated"},
			`{"spec":{"healthCheckNodePort":30009,"ports":[{"port":80,"nodePort":30001},{"port":81,"nodePort":30002}]}}`,
		},
		"a port that is not there":  {`spec.ports[7].nodePort: Invalid value: 1: taken`, nil, spec},
		"what is about no number":   {`Service "x" is invalid: spec.ports: Required value`, nil, spec},
		"what is about no field":    {`refused`, nil, spec},
		"a port beyond any integer": {`spec.ports[99999999999999999999].nodePort: taken`, nil, spec},
	} {
		t.Run(name, func(t *testing.T) {
			m := decode(t, spec)
			if diff := cmp.Diff(tc.said, transform.DropRefused(m, tc.refusal)); diff != "" {
				t.Errorf("said (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(decode(t, tc.left), m); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		})
	}
}
