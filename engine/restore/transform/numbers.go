// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Turns is how many turns the Services of a restore are created in.
const Turns = 4

// Turn says in which turn a Service is created, so that none draws a number that
// another one of the same restore keeps: first those that draw none, then those that
// draw an address only, then those that keep something and draw node ports, and then
// those that draw everything.
func Turn(service Manifest) int {
	spec := child(service, "spec")
	if spec["type"] == "ExternalName" || spec["clusterIP"] == "None" {
		return 0
	}
	drawsAddress := Text(service, "spec", "clusterIP") == ""
	keepsPort, drawsPort := nodePorts(service)
	switch {
	case !drawsAddress && !drawsPort:
		return 0
	case keepsPort && !drawsPort:
		return 1
	case keepsPort || !drawsAddress:
		return 2
	}
	return Turns - 1
}

// nodePorts reports whether a Service keeps any port of nodes, and whether it draws any.
func nodePorts(service Manifest) (keeps, draws bool) {
	spec := child(service, "spec")
	balanced := spec["type"] == "LoadBalancer"
	needed := spec["type"] == "NodePort" || balanced && spec["allocateLoadBalancerNodePorts"] != false
	for _, port := range objects(spec, "ports") {
		n, _ := port["nodePort"].(int64)
		keeps, draws = keeps || n != 0, draws || n == 0 && needed
	}
	if balanced && spec["externalTrafficPolicy"] == "Local" {
		n, _ := spec["healthCheckNodePort"].(int64)
		keeps, draws = keeps || n != 0, draws || n == 0
	}
	return keeps, draws
}

// HealthCheckRefused is what an API server says when a port for health checks is taken.
// It calls that an internal error, so that it looks as if it may pass: see
// allocHealthCheckNodePort in Kubernetes' pkg/registry/core/service/storage.
const HealthCheckRefused = "failed to allocate requested HealthCheck NodePort"

var refusedNodePort = regexp.MustCompile(`spec\.ports\[(\d+)\]\.nodePort`)

// DropRefused takes from a Service the numbers that an API server's refusal is about,
// and returns what to say of each; nothing where it is about none.
func DropRefused(service Manifest, refusal string) []string {
	spec := child(service, "spec")
	reason, _, _ := strings.Cut(refusal[strings.LastIndex(refusal, ": ")+1:], " (status")
	reason = strings.TrimSuffix(reason, "]")
	var dropped []string
	for _, match := range refusedNodePort.FindAllStringSubmatch(refusal, -1) {
		ports, _ := spec["ports"].([]any)
		if i, err := strconv.Atoi(match[1]); err == nil && i < len(ports) {
			port, _ := ports[i].(Manifest)
			if n := port["nodePort"]; n != nil {
				delete(port, "nodePort")
				dropped = append(dropped, fmt.Sprintf("has another node port than %v:%s", n, reason))
			}
		}
	}
	if n := spec["healthCheckNodePort"]; n != nil && strings.Contains(refusal, HealthCheckRefused) {
		delete(spec, "healthCheckNodePort")
		dropped = append(dropped, fmt.Sprintf("has another port for health checks than %v:%s", n, reason))
	}
	if strings.Contains(refusal, "spec.clusterIP") {
		if address := DropAddress(service); address != "" {
			dropped = append(dropped, "has another address than "+address+":"+reason)
		}
	}
	return dropped
}
