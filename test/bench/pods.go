// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

const aMoment = "2026-03-01T10:00:00Z"

// replicated is a Deployment or ReplicaSet.
func replicated(g *generator) fields {
	return fields{"spec": fields{
		"replicas": g.between(1, 5), "selector": fields{"matchLabels": fields{"app": g.name}},
		"template": podTemplate(g, "Always"),
	}}
}

func replicatedStatus(g *generator) fields {
	n := g.between(1, 5)
	return fields{"replicas": n, "readyReplicas": n, "availableReplicas": n, "observedGeneration": 1}
}

func podTemplate(g *generator, restart string) fields {
	spec := podSpec(g)
	spec["restartPolicy"] = restart
	return fields{
		"metadata": fields{"labels": fields{"app": g.name, "tier": g.word()}, "annotations": fields{"example.com/checksum": g.hex(64)}},
		"spec":     spec,
	}
}

func pod(g *generator) fields {
	spec := podSpec(g)
	spec["nodeName"] = fmt.Sprintf("node-%02d", g.IntN(20))
	return fields{"spec": spec}
}

func podSpec(g *generator) fields {
	return fields{
		"serviceAccountName": "default", "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 30,
		"containers":      []any{container(g, "app"), container(g, "sidecar")},
		"securityContext": fields{"runAsNonRoot": true, "fsGroup": 1000},
		"volumes": []any{
			fields{"name": "config", "configMap": fields{"name": g.word()}},
			fields{"name": "scratch", "emptyDir": fields{}},
		},
		"tolerations": []any{fields{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}},
	}
}

func container(g *generator, name string) fields {
	env := []any{}
	for i := range g.between(3, 12) {
		env = append(env, fields{"name": fmt.Sprintf("SETTING_%d", i), "value": g.word() + "-" + g.word()})
	}
	probe := fields{"httpGet": fields{"path": "/" + g.word(), "port": 8080}, "periodSeconds": 10, "timeoutSeconds": 1}
	return fields{
		"name": name, "image": "registry.example.com/" + g.word() + "/" + g.word() + ":v1." + g.hex(2), "env": env,
		"args":           []any{"--listen=:8080", "--log-level=" + g.word()},
		"ports":          []any{fields{"name": name, "containerPort": g.between(1024, 30000)}},
		"readinessProbe": probe, "livenessProbe": probe,
		"resources":    fields{"requests": fields{"cpu": "100m", "memory": "128Mi"}, "limits": fields{"memory": "256Mi"}},
		"volumeMounts": []any{fields{"name": "config", "mountPath": "/etc/app"}, fields{"name": "scratch", "mountPath": "/tmp"}},
		"securityContext": fields{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": fields{"drop": []any{"ALL"}},
		},
	}
}

func podStatus(g *generator) fields {
	var conditions, containers []any
	for _, c := range []string{"PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"} {
		conditions = append(conditions, fields{"type": c, "status": "True", "lastTransitionTime": aMoment, "observedGeneration": 1})
	}
	for _, name := range []string{"app", "sidecar"} {
		containers = append(containers, fields{
			"name": name, "ready": true, "started": true, "restartCount": 0,
			"image": "registry.example.com/" + g.word(), "imageID": "registry.example.com/" + g.word() + "@sha256:" + g.hex(64),
			"containerID": "containerd://" + g.hex(64), "state": fields{"running": fields{"startedAt": aMoment}},
		})
	}
	ip := fmt.Sprintf("10.%d.%d.%d", g.IntN(250), g.IntN(250), 1+g.IntN(250))
	return fields{
		"phase": "Running", "conditions": conditions, "containerStatuses": containers, "qosClass": "Burstable",
		"podIP": ip, "podIPs": []any{fields{"ip": ip}}, "hostIP": "192.0.2.1", "startTime": aMoment,
	}
}
