// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"
)

// service drops the addresses, their families and the ports that the API server
// chose: another cluster has other ranges, and they may be taken. What a user chose
// stays: "None" for headless, and what a field manager or kubectl's annotation
// accounts for.
func (t *Transformer) service(s *Subject, r *Result) {
	spec := child(s.Manifest, "spec")
	if spec == nil {
		return
	}
	wrote := readAuthors(s.Manifest, r.fieldManagers, r)
	wrote.dropFilledIn(s.Manifest, "spec", "ipFamilies")
	wrote.dropFilledIn(s.Manifest, "spec", "ipFamilyPolicy")
	chosen := chosenPorts(wrote)
	if spec["clusterIP"] != "None" {
		if !chosen.address {
			DropAddress(s.Manifest)
		}
		if all, _ := spec["clusterIPs"].([]any); len(all) > 1 { // the second may be the API server's choice
			wrote.dropFilledIn(s.Manifest, "spec", "clusterIPs")
		}
	}
	if t.PreserveNodePorts {
		return
	}
	for _, port := range objects(spec, "ports") {
		if !chosen.ports[portOf(port)] {
			delete(port, "nodePort")
		}
	}
	if !chosen.healthCheck {
		delete(spec, "healthCheckNodePort")
	}
}

// DropAddress takes the cluster's addresses from a Service and returns the first;
// a headless one has none.
func DropAddress(service Manifest) string {
	spec := child(service, "spec")
	address, _ := spec["clusterIP"].(string)
	if address == "" || address == "None" {
		return ""
	}
	delete(spec, "clusterIP")
	delete(spec, "clusterIPs")
	return address
}

// userPorts are what a user chose of a Service: the ports whose node port, the
// port of health checks, the address.
type userPorts struct {
	ports       map[string]bool
	healthCheck bool
	address     bool
}

// portOf identifies a port of a Service: number and protocol are its list key.
func portOf(port Manifest) string {
	protocol, _ := port["protocol"].(string)
	if protocol == "" {
		protocol = "TCP"
	}
	return fmt.Sprint(port["port"], "/", protocol)
}

// chosenPorts finds what was set by a user.
func chosenPorts(wrote authors) userPorts {
	chosen := userPorts{ports: map[string]bool{}}
	chosen.fromSpec(child(wrote.applied, "spec"))
	for _, entry := range wrote.entries {
		chosen.fromFields(child(entry, "fieldsV1", "f:spec"))
	}
	return chosen
}

// fromSpec reads a spec as a user wrote it.
func (u *userPorts) fromSpec(spec Manifest) {
	for _, port := range objects(spec, "ports") {
		if n, ok := port["nodePort"].(int64); ok && n != 0 {
			u.ports[portOf(port)] = true
		}
	}
	if n, ok := spec["healthCheckNodePort"].(int64); ok && n != 0 {
		u.healthCheck = true
	}
	u.address = u.address || Text(spec, "clusterIP") != ""
}

// fromFields reads a set of managed fields, whose list keys look like
// k:{"port":80,"protocol":"TCP"}.
func (u *userPorts) fromFields(spec Manifest) {
	for key, v := range child(spec, "f:ports") {
		fields, _ := v.(Manifest)
		if _, set := fields["f:nodePort"]; !set {
			continue
		}
		var port Manifest
		if rest, ok := strings.CutPrefix(key, "k:"); ok && json.Unmarshal([]byte(rest), &port) == nil {
			u.ports[portOf(port)] = true
		}
	}
	if _, set := spec["f:healthCheckNodePort"]; set {
		u.healthCheck = true
	}
	if _, set := spec["f:clusterIP"]; set {
		u.address = true
	}
}
