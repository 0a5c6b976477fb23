// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"fmt"
	"strings"
)

const (
	rbacGroup  = "rbac.authorization.k8s.io"
	customSize = 5
	// customGroup is the group of the custom resources.
	customGroup = "bench.example.com"
)

// kinds are the types of the workload, in the order in which they are created:
// owners before what they own.
var kinds = append([]kind{
	{version: "v1", resource: "serviceaccounts", name: "ServiceAccount", share: 30, body: empty},
	{version: "v1", resource: "configmaps", name: "ConfigMap", share: 220, body: configMap},
	{version: "v1", resource: "secrets", name: "Secret", share: 100, body: secret},
	{group: "apps", version: "v1", resource: "deployments", name: "Deployment", share: 50, body: replicated, status: replicatedStatus},
	{group: "apps", version: "v1", resource: "replicasets", name: "ReplicaSet", share: 60, body: replicated, status: replicatedStatus, owner: "deployments"},
	{version: "v1", resource: "pods", name: "Pod", share: 120, body: pod, status: podStatus, owner: "replicasets"},
	{version: "v1", resource: "services", name: "Service", share: 50, body: service},
	{group: "discovery.k8s.io", version: "v1", resource: "endpointslices", name: "EndpointSlice", share: 30, body: endpointSlice},
	{group: rbacGroup, version: "v1", resource: "roles", name: "Role", share: 20, body: role},
	{group: rbacGroup, version: "v1", resource: "rolebindings", name: "RoleBinding", share: 20, body: roleBinding},
	{version: "v1", resource: "persistentvolumeclaims", name: "PersistentVolumeClaim", share: 30, body: claim},
	{group: "networking.k8s.io", version: "v1", resource: "ingresses", name: "Ingress", share: 10, body: ingress},
	{group: "networking.k8s.io", version: "v1", resource: "networkpolicies", name: "NetworkPolicy", share: 10, body: networkPolicy},
	{group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers", name: "HorizontalPodAutoscaler", share: 10, body: autoscaler},
	{group: "policy", version: "v1", resource: "poddisruptionbudgets", name: "PodDisruptionBudget", share: 10, body: disruptionBudget},
	{group: "batch", version: "v1", resource: "cronjobs", name: "CronJob", share: 10, body: cronJob},
	{group: "apps", version: "v1", resource: "statefulsets", name: "StatefulSet", share: 20, body: statefulSet},
	{group: "apps", version: "v1", resource: "daemonsets", name: "DaemonSet", share: 10, body: daemonSet},
	{group: "coordination.k8s.io", version: "v1", resource: "leases", name: "Lease", share: 10, body: lease},
}, customKinds()...)

// customKinds are the custom resources.
func customKinds() []kind {
	var all []kind
	for i := range customSize {
		all = append(all, kind{
			group: customGroup, version: "v1", resource: fmt.Sprintf("things%d", i), name: fmt.Sprintf("Thing%d", i),
			share: 36, body: thing,
		})
	}
	return all
}

// definition is the CustomResourceDefinition of a custom kind.
func (k *kind) definition() fields {
	open := fields{"type": "object", "x-kubernetes-preserve-unknown-fields": true}
	return fields{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": fields{"name": k.resource + "." + k.group},
		"spec": fields{
			"group": k.group, "scope": "Namespaced",
			"names": fields{"plural": k.resource, "kind": k.name, "listKind": k.name + "List", "singular": strings.ToLower(k.name)},
			"versions": []any{fields{
				"name": k.version, "served": true, "storage": true,
				"schema": fields{"openAPIV3Schema": fields{"type": "object", "properties": fields{"spec": open, "status": open}}},
			}},
		},
	}
}

func empty(*generator) fields { return fields{} }

func configMap(g *generator) fields {
	return fields{"data": fields{"settings.properties": g.settings(g.between(1<<10, 8<<10)), "level": g.word()}}
}

// secret is a password, or in one of fifty a Helm release: compressed, then
// encoded twice.
func secret(g *generator) fields {
	if g.IntN(50) == 0 {
		release := base64.StdEncoding.EncodeToString(g.random(g.between(15<<10, 45<<10)))
		return fields{"type": "helm.sh/release.v1", "data": fields{"release": base64.StdEncoding.EncodeToString([]byte(release))}}
	}
	return fields{"type": "Opaque", "data": fields{
		"password": base64.StdEncoding.EncodeToString(g.random(32)),
		"settings": base64.StdEncoding.EncodeToString([]byte(g.settings(g.between(1<<9, 4<<10)))),
	}}
}

func service(g *generator) fields {
	return fields{"spec": fields{
		"clusterIP": "None", "selector": fields{"app": g.name},
		"ports": []any{
			fields{"name": "http", "port": 80, "targetPort": 8080}, fields{"name": "metrics", "port": 9090, "targetPort": "metrics"},
		},
	}}
}

func endpointSlice(g *generator) fields {
	var endpoints []any
	for range g.between(1, 8) {
		endpoints = append(endpoints, fields{
			"addresses":  []any{fmt.Sprintf("10.%d.%d.%d", g.IntN(250), g.IntN(250), 1+g.IntN(250))},
			"conditions": fields{"ready": true, "serving": true, "terminating": false}, "nodeName": g.word(),
		})
	}
	return fields{"addressType": "IPv4", "endpoints": endpoints, "ports": []any{fields{"name": "http", "port": 8080, "protocol": "TCP"}}}
}

func role(g *generator) fields {
	var rules []any
	for range g.between(2, 10) {
		rules = append(rules, fields{
			"apiGroups": []any{"", "apps"}, "resources": []any{g.word(), g.word(), g.word()},
			"verbs": []any{"get", "list", "watch", "update"},
		})
	}
	return fields{"rules": rules}
}

func roleBinding(g *generator) fields {
	return fields{
		"roleRef":  fields{"apiGroup": rbacGroup, "kind": "Role", "name": g.word()},
		"subjects": []any{fields{"kind": "ServiceAccount", "name": "default", "namespace": "bench-00"}},
	}
}

func claim(g *generator) fields {
	return fields{"spec": fields{
		"accessModes": []any{"ReadWriteOnce"}, "storageClassName": "standard",
		"resources": fields{"requests": fields{"storage": fmt.Sprintf("%dGi", g.between(1, 100))}},
	}}
}

func ingress(g *generator) fields {
	var rules []any
	for range g.between(1, 5) {
		rules = append(rules, fields{"host": g.word() + "." + g.word() + ".example.com", "http": fields{"paths": []any{fields{
			"path": "/" + g.word(), "pathType": "Prefix",
			"backend": fields{"service": fields{"name": g.word(), "port": fields{"number": 80}}},
		}}}})
	}
	return fields{"spec": fields{"ingressClassName": "public", "rules": rules}}
}

func networkPolicy(g *generator) fields {
	return fields{"spec": fields{
		"podSelector": fields{"matchLabels": fields{"app": g.word()}}, "policyTypes": []any{"Ingress"},
		"ingress": []any{fields{"from": []any{fields{"podSelector": fields{"matchLabels": fields{"app": g.word()}}}}}},
	}}
}

func autoscaler(g *generator) fields {
	return fields{"spec": fields{
		"minReplicas": 1, "maxReplicas": g.between(2, 20),
		"scaleTargetRef": fields{"apiVersion": "apps/v1", "kind": "Deployment", "name": g.word()},
		"metrics": []any{fields{"type": "Resource", "resource": fields{
			"name": "cpu", "target": fields{"type": "Utilization", "averageUtilization": 80},
		}}},
	}}
}

func disruptionBudget(g *generator) fields {
	return fields{"spec": fields{"maxUnavailable": 1, "selector": fields{"matchLabels": fields{"app": g.name}}}}
}

func cronJob(g *generator) fields {
	return fields{"spec": fields{
		"schedule": fmt.Sprintf("%d %d * * *", g.IntN(60), g.IntN(24)), "suspend": true,
		"jobTemplate": fields{"spec": fields{"template": podTemplate(g, "Never")}},
	}}
}

func statefulSet(g *generator) fields {
	f := replicated(g)
	f["spec"].(fields)["serviceName"] = g.word() //nolint:forcetypeassert // replicated has a spec
	return f
}

func daemonSet(g *generator) fields {
	f := replicated(g)
	delete(f["spec"].(fields), "replicas") //nolint:forcetypeassert // replicated has a spec
	return f
}

func lease(g *generator) fields {
	return fields{"spec": fields{"holderIdentity": g.name + "_" + g.hex(32), "leaseDurationSeconds": 15}}
}

func thing(g *generator) fields {
	var parts []any
	for range g.between(4, 30) {
		parts = append(parts, fields{
			"name": g.word(), "size": g.IntN(1000), "enabled": g.IntN(2) == 0,
			"source": fields{"url": "https://" + g.word() + ".example.com/" + g.word(), "digest": "sha256:" + g.hex(64)},
		})
	}
	return fields{"spec": fields{"parts": parts, "interval": "10m", "description": g.settings(200)}}
}
