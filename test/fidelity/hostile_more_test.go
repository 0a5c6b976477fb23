// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore"
)

const settingsAndPod = `
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: settings}, data: {k: ours}}
---
{apiVersion: v1, kind: Pod, metadata: {namespace: NS, name: webhook}, spec: {containers: [{name: a, image: a}]}}
`

// tried reports what a ConfigMap "settings" becomes, or why it is refused.
func (s *stage) tried(ctx context.Context, ns string) (string, error) {
	probe := withData("ConfigMap", ns, "settings", "data", map[string]any{"k": "ours"})
	err := s.client.Create(ctx, probe, client.DryRunAll)
	data, _ := probe.Object["data"].(map[string]any)
	text, _ := data["k"].(string)
	return text, err
}

// admissionObstacles change or refuse what is restored.
func admissionObstacles() []hostileCase {
	return []hostileCase{
		{
			name: "A policy or webhook that changes what is created", setUp: settingsAndPod,
			change: func(t *testing.T, s *stage, ns string) {
				s.create(t, parse(t, strings.ReplaceAll(`
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicy, metadata: {name: NS}, spec: {failurePolicy: Fail, reinvocationPolicy: Never,
  matchConstraints: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NS}},
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]},
  matchConditions: [{name: settings, expression: "object.metadata.name == 'settings'"}],
  mutations: [{patchType: JSONPatch, jsonPatch: {expression: "[JSONPatch{op: 'replace', path: '/data/k', value: 'theirs'}]"}}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: MutatingAdmissionPolicyBinding, metadata: {name: NS}, spec: {policyName: NS}}
`, "NS", ns))...)
				eventually(t, "see the policy in force", func(ctx context.Context) error {
					if text, err := s.tried(ctx, ns); err != nil || text != "theirs" {
						return fmt.Errorf("not yet: %q %w", text, err)
					}
					return nil
				})
			},
			told: []told{{"configmaps/NS/settings", restore.Created, "the cluster changed it as it was written: data.k"}},
			so:   "it is what the policy made of it",
		},
		{
			name: "A webhook that fails closed until a restored pod runs", setUp: settingsAndPod, target: untilThePodRuns,
			change: func(t *testing.T, s *stage, ns string) {
				s.create(t, parse(t, strings.ReplaceAll(`
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: NS}, webhooks: [{name: a.b.example,
  clientConfig: {service: {namespace: NS, name: none}}, failurePolicy: Fail, sideEffects: None, admissionReviewVersions: [v1],
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NS}},
  rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]}]}
`, "NS", ns))...)
				eventually(t, "see the webhook in force", func(ctx context.Context) error {
					if _, err := s.tried(ctx, ns); err == nil {
						return errors.New("not yet")
					}
					return nil
				})
			},
			told: []told{{"configmaps/NS/settings", restore.Created, ""}},
			so:   "what it refuses is tried again for two minutes, where pods were restored",
		},
		{
			name: "A quota that is full in the middle", setUp: `
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: a}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: b}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: c}}
`,
			change: func(t *testing.T, s *stage, ns string) {
				quota := parse(t, `{apiVersion: v1, kind: ResourceQuota, metadata: {namespace: `+ns+`, name: three}, spec: {hard: {configmaps: "3"}}}`)[0]
				s.create(t, quota)
				eventually(t, "count", func(ctx context.Context) error {
					return s.hasText(ctx, quota, "1", "status", "used", "configmaps") // kube-root-ca.crt
				})
			},
			told: []told{
				{"configmaps/NS/a", restore.Created, ""}, {"configmaps/NS/b", restore.Created, ""},
				{"configmaps/NS/c", restore.Failed, "exceeded quota: three, requested: configmaps=1, used: configmaps=3, limited: configmaps=3"},
			},
			so: "a second restore brings the rest when there is room",
		},
	}
}

// untilThePodRuns takes the webhook away once it has refused for longer than a
// layer is tried, and stays until the pod is there.
func untilThePodRuns(t *testing.T, s *stage, ns string) restore.Target {
	t.Helper()
	return restore.Target{Discoverer: s.writer, Getter: s.writer, Writer: &refusedWriter{Writer: s.writer, after: func() {
		s.remove(t, newObject("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "", ns))
	}}}
}

// patientTries is how often an object is refused when its layer and the first pass
// after the last layer are over.
const patientTries = 10

// refusedWriter calls after when creating was refused often enough.
type refusedWriter struct {
	engine.Writer

	refused atomic.Int64
	after   func()
}

func (w *refusedWriter) Create(ctx context.Context, r engine.Resource, namespace, manager string, raw []byte) (engine.Object, error) {
	made, err := w.Writer.Create(ctx, r, namespace, manager, raw)
	if r.Name == "configmaps" && err != nil && w.refused.Add(1) == patientTries {
		w.after()
	}
	return made, err
}

// takenObstacles are names, ports and addresses that others have by now.
func takenObstacles() []hostileCase {
	replace := func(service string) func(*testing.T, *stage, string) {
		return func(t *testing.T, s *stage, ns string) {
			thief := parse(t, strings.ReplaceAll(service, "NS", ns))[0]
			thief.SetName("thief")
			s.create(t, thief)
		}
	}
	const port = `{apiVersion: v1, kind: Service, metadata: {namespace: NS, name: web}, spec: {type: NodePort, ports: [{port: 80, nodePort: 30777}]}}`
	const address = `{apiVersion: v1, kind: Service, metadata: {namespace: NS, name: web}, spec: {clusterIP: 10.0.0.11, ports: [{port: 80}]}}`
	return []hostileCase{
		{
			name: "A node port that a user chose, and another Service has", setUp: port, change: replace(port),
			told: []told{{"services/NS/web", restore.Created, "has another node port than 30777: provided port is already allocated"}},
			so:   "the cluster assigns a port",
		},
		{
			name: "An address that a user chose, and another Service has", setUp: address, change: replace(address),
			told: []told{{"services/NS/web", restore.Created, "has another address than 10.0.0.11: provided IP is already allocated"}},
			so:   "the cluster assigns an address",
		},
		{
			name: "A Lease that somebody holds, and `Update`", keep: true,
			setUp: `{apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {namespace: NS, name: leader}, spec: {holderIdentity: before}}`,
			change: func(t *testing.T, s *stage, ns string) {
				eventually(t, "take the Lease over", func(ctx context.Context) error {
					live, err := s.fetch(ctx, newObject("coordination.k8s.io/v1", "Lease", ns, "leader"))
					if err != nil {
						return err
					}
					live.Object["spec"] = map[string]any{"holderIdentity": "now"}
					return s.client.Update(ctx, live)
				})
			},
			set:  func(req *restore.Request, _ string) { req.Existing = restore.ExistingUpdate },
			told: []told{{"leases.coordination.k8s.io/NS/leader", restore.Left, "exists and differs in spec.holderIdentity: whoever holds it now would lose it"}},
			so:   "it stays with its holder",
		},
	}
}

// deletedObstacles are about what is going, or gone.
func deletedObstacles() []hostileCase {
	const held = `{apiVersion: v1, kind: ConfigMap, metadata: {namespace: NS, name: held, finalizers: [fidelity.example/hold]}}`
	return []hostileCase{
		{
			name: "Pods alone, into a namespace that is not there", setUp: settingsAndPod,
			change: func(t *testing.T, s *stage, ns string) { s.remove(t, newObject("v1", "Namespace", "", ns)) },
			set:    func(req *restore.Request, _ string) { req.Selection.IncludedResources = []string{"pods"} },
			told:   []told{{"pods/NS/webhook", restore.Created, ""}},
			so:     "pods wait for the account that a controller makes in a new namespace",
		},
		{
			name: "An object that is being deleted", setUp: held, keep: true,
			change: func(t *testing.T, s *stage, ns string) {
				must(t, s.client.Delete(t.Context(), newObject("v1", "ConfigMap", ns, "held")))
			},
			told: []told{{"configmaps/NS/held", restore.Failed, "it is being deleted: wait until it is gone, then run the restore again"}},
			so:   "it goes on being deleted",
		},
		{
			name: "A namespace that is being deleted", setUp: held, keep: true,
			change: func(t *testing.T, s *stage, ns string) {
				must(t, s.client.Delete(t.Context(), newObject("v1", "Namespace", "", ns)))
				eventually(t, "terminate", func(ctx context.Context) error {
					return s.hasText(ctx, newObject("v1", "Namespace", "", ns), "Terminating", "status", "phase")
				})
			},
			told: []told{
				{"namespaces/NS", restore.Failed, "it is being deleted: wait until it is gone, then run the restore again"},
				{"configmaps/NS/held", restore.Failed, "cannot be used"},
			},
			so: "nothing is tried in it",
		},
	}
}
