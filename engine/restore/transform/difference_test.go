// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

func restoresNothing(engine.Key) bool { return false }

func TestDifferences(t *testing.T) {
	tests := map[string]struct {
		want, live string
		fields     []string
		beyond     bool
	}{
		"what the server sets is no difference": {
			`{"metadata":{"name":"x"}}`,
			`{"metadata":{"name":"x","uid":"u","resourceVersion":"1","managedFields":[{}],"labels":{"ark-restore":"other"}}}`,
			nil, true,
		},
		"null, an empty list and left out are the same": {
			`{"a":null,"c":[],"d":null}`, `{"b":null,"d":[]}`, nil, true,
		},
		"an empty object is not left out": {`{"a":{}}`, `{"b":{}}`, []string{"a", "b"}, false},
		"nor null":                        {`{"a":null}`, `{"a":{}}`, []string{"a"}, true},
		"nor an empty list":               {`{"a":[]}`, `{"a":{}}`, []string{"a"}, true},
		"all namespaces are not the own one": {
			`{"spec":{"ingress":[{"from":[{"podSelector":{"matchLabels":{"a":"b"}}}]}]}}`,
			`{"spec":{"ingress":[{"from":[{"podSelector":{"matchLabels":{"a":"b"}},"namespaceSelector":{}}]}]}}`,
			[]string{"spec.ingress[0].from[0].namespaceSelector"}, true,
		},
		"all pods are not none": {`{"spec":{"selector":{}}}`, `{"spec":{}}`, []string{"spec.selector"}, false},
		"a definition's subresource is not none": {
			`{"apiVersion":"apiextensions.k8s.io/v1","spec":{"versions":[{"name":"v1"}]}}`,
			`{"apiVersion":"apiextensions.k8s.io/v1","spec":{"versions":[{"name":"v1","subresources":{"status":{}}}]}}`,
			[]string{"spec.versions[0].subresources"}, true,
		},
		"a definition's field of some name is one": {
			`{"apiVersion":"apiextensions.k8s.io/v1","spec":{"properties":{"labels":{}}}}`, `{"apiVersion":"apiextensions.k8s.io/v1","spec":{"properties":{}}}`,
			[]string{"spec.properties.labels"}, false,
		},
		"metadata that says nothing": {
			`{"metadata":{"labels":{},"annotations":{}},"spec":{"template":{"metadata":{"creationTimestamp":null}}}}`, `{"spec":{"template":{}}}`, nil, true,
		},
		"maps that an API server does not store": {
			`{"data":{},"spec":{"nodeSelector":{},"selector":{"matchLabels":{}},"resources":{"limits":{}}}}`, `{"spec":{"selector":{}}}`, nil, true,
		},
		"but a custom resource's are": {
			`{"apiVersion":"x.example/v1","metadata":{"labels":{},"finalizers":[]},"spec":{"nodeSelector":{},"rules":[]}}`,
			`{"apiVersion":"x.example/v1","metadata":{},"spec":{"none":[]}}`, []string{"spec.nodeSelector", "spec.none", "spec.rules"}, false,
		},
		"those of a custom resource whose group looks like a built-in one, too": {
			`{"apiVersion":"gateway.networking.k8s.io/v1","spec":{"rules":[]}}`, `{"apiVersion":"gateway.networking.k8s.io/v1","spec":{}}`,
			[]string{"spec.rules"}, false,
		},
		"an element that only a live custom resource has": {
			`{"apiVersion":"x.example/v1","spec":{"rules":[]}}`, `{"apiVersion":"x.example/v1","spec":{"rules":[1]}}`, []string{"spec.rules"}, true,
		},
		"numbers are compared as numbers":    {`{"a":1.0,"b":2}`, `{"a":1,"b":2.0}`, nil, true},
		"a changed scalar":                   {`{"a":{"b":1}}`, `{"a":{"b":2}}`, []string{"a.b"}, false},
		"a missing field":                    {`{"a":{"b":1}}`, `{}`, []string{"a"}, false},
		"a field that only the live one has": {`{"a":{"b":1}}`, `{"a":{"b":1,"c":1}}`, []string{"a.c"}, true},
		"an element of a list":               {`{"a":[{"b":1},{"b":2}]}`, `{"a":[{"b":1},{"b":3}]}`, []string{"a[1].b"}, false},
		"a longer list":                      {`{"a":[1]}`, `{"a":[1,2]}`, []string{"a"}, false},
		"another type":                       {`{"a":[1]}`, `{"a":{"b":1}}`, []string{"a"}, false},
		"a scalar for an object":             {`{"a":"x"}`, `{"a":{"b":1}}`, []string{"a"}, false},
		"a scalar for a list":                {`{"a":"x"}`, `{"a":["x"]}`, []string{"a"}, false},
		"false is not left out":              {`{"a":false}`, `{}`, []string{"a"}, false},
		"several, sorted":                    {`{"b":1,"a":1}`, `{"b":2,"a":2}`, []string{"a", "b"}, false},
		"a label":                            {`{"metadata":{"labels":{"l":"1"}}}`, `{"metadata":{}}`, []string{"metadata.labels"}, false},
		"but not what is ignored":            {`{"status":1,"metadata":{"ownerReferences":[1]}}`, `{"status":2}`, nil, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := transform.Compare(decode(t, tc.want), decode(t, tc.live), transform.Status, transform.OwnerReferences)
			if diff := cmp.Diff(transform.Difference{Fields: tc.fields, Beyond: tc.beyond}, got); diff != "" {
				t.Errorf("difference (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatTheClusterMadeOfAnObject(t *testing.T) {
	tests := map[string]struct {
		sent, made string
		changed    []string
	}{
		"what it fills in is no change": {`{"a":{"b":1},"l":[{"x":1}]}`, `{"a":{"b":1,"c":2},"l":[{"x":1,"y":2}],"d":3,"metadata":{"uid":"u"}}`, nil},
		"null is as good as left out":   {`{"a":null,"b":{"c":null}}`, `{"b":{}}`, nil},
		"an empty object is not":        {`{"a":{},"b":{"c":null},"d":{"e":{}}}`, `{}`, []string{"a", "b", "d.e"}},
		"an empty list is":              {`{"apiVersion":"rbac.authorization.k8s.io/v1","rules":[]}`, `{"apiVersion":"rbac.authorization.k8s.io/v1"}`, nil},
		"but not a custom resource's":   {`{"apiVersion":"x.example/v1","rules":[]}`, `{"apiVersion":"x.example/v1"}`, []string{"rules"}},
		"another value":                 {`{"a":{"b":1}}`, `{"a":{"b":2}}`, []string{"a.b"}},
		"a field that is gone":          {`{"a":{"b":1,"c":1}}`, `{"a":{"c":1}}`, []string{"a.b"}},
		"one more element of a list":    {`{"a":[1]}`, `{"a":[1,2]}`, []string{"a"}},
		"labels that are gone":          {`{"metadata":{"labels":{"l":"1"}}}`, `{"metadata":{}}`, []string{"metadata.labels.l"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.changed, transform.Changed(decode(t, tc.sent), decode(t, tc.made))); diff != "" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsFreedOfAVolumeThatOutlivedItsClaim(t *testing.T) {
	const want = `{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`
	live := func(phase, policy, claim string) string {
		return `{"metadata":{"name":"v"},"spec":{"persistentVolumeReclaimPolicy":"` + policy + `","size":1,
			"claimRef":{"namespace":"a","name":"` + claim + `","uid":"u","resourceVersion":"1"}},"status":{"phase":"` + phase + `"}}`
	}
	tests := map[string]struct{ live, free string }{
		"one that is kept, and whose claim comes back": {
			live("Released", "Retain", "c"), `{"metadata":{"name":"v"},"spec":{"persistentVolumeReclaimPolicy":"Retain","size":1,"claimRef":{"namespace":"a","name":"c"}},"status":{"phase":"Released"}}`,
		},
		"not one that is bound":          {live("Bound", "Retain", "c"), ""},
		"not one that is about to go":    {live("Released", "Delete", "c"), ""},
		"not one of another claim":       {live("Released", "Retain", "d"), ""},
		"not one that nothing refers to": {`{"status":{"phase":"Released"},"spec":{"persistentVolumeReclaimPolicy":"Retain"}}`, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var free transform.Manifest
			if tc.free != "" {
				free = decode(t, tc.free)
			}
			if diff := cmp.Diff(free, transform.Released(decode(t, want), decode(t, tc.live))); diff != "" {
				t.Errorf("freed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatTheClusterFilledInIsAdopted(t *testing.T) {
	tests := map[string]struct {
		name             string
		want, live, then string
	}{
		"the address and the ports of a Service": {
			"services",
			`{"spec":{"ports":[{"port":1},{"port":2,"nodePort":5}]}}`,
			`{"spec":{"clusterIP":"i","ports":[{"port":1,"nodePort":3},{"port":2,"nodePort":4}]}}`,
			`{"spec":{"clusterIP":"i","ports":[{"port":1,"nodePort":3},{"port":2,"nodePort":5}]}}`,
		},
		"not those of a Service of another type": {
			"services", `{"spec":{"type":"ClusterIP"}}`, `{"spec":{"type":"ExternalName","clusterIP":"i"}}`, `{"spec":{"type":"ClusterIP"}}`,
		},
		"not that a Service is headless": {"services", `{"spec":{}}`, `{"spec":{"clusterIP":"None"}}`, `{"spec":{}}`},
		"a Job's selector":               {"jobs", `{}`, `{"spec":{"selector":{"a":"b"}}}`, `{"spec":{"selector":{"a":"b"}}}`},
		"the token that was minted": {
			"secrets", `{"type":"kubernetes.io/service-account-token"}`, `{"data":{"token":"t"}}`,
			`{"type":"kubernetes.io/service-account-token","data":{"token":"t"}}`,
		},
		"not the token of another account": {
			"secrets", `{"type":"kubernetes.io/service-account-token","metadata":{"annotations":{"kubernetes.io/service-account.name":"a"}}}`,
			`{"data":{"token":"t"},"metadata":{"annotations":{"kubernetes.io/service-account.name":"b","kubernetes.io/service-account.uid":"u"}}}`,
			`{"type":"kubernetes.io/service-account-token","metadata":{"annotations":{"kubernetes.io/service-account.name":"a"}}}`,
		},
		"not the data of other Secrets": {"secrets", `{"type":"Opaque"}`, `{"data":{"k":"v"}}`, `{"type":"Opaque"}`},
		"the identity of a volume's claim": {
			"persistentvolumes", `{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`,
			`{"metadata":{"annotations":{"pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"claimRef":{"namespace":"a","name":"c","uid":"u","resourceVersion":"1"}}}`,
			`{"metadata":{"annotations":{"pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"claimRef":{"namespace":"a","name":"c","uid":"u","resourceVersion":"1"}}}`,
		},
		"not that of a claim of another namespace": {
			"persistentvolumes", `{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`,
			`{"metadata":{"annotations":{"pv.kubernetes.io/bound-by-controller":"yes"}},"spec":{"claimRef":{"namespace":"b","name":"c","uid":"u","resourceVersion":"1"}}}`,
			`{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`,
		},
		"not that of a claim of another name": {
			"persistentvolumes", `{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`, `{"spec":{"claimRef":{"namespace":"a","name":"d","uid":"u"}}}`,
			`{"spec":{"claimRef":{"namespace":"a","name":"c"}}}`,
		},
		"not that of a claim of a volume that had none": {
			"persistentvolumes", `{"spec":{}}`, `{"spec":{"claimRef":{"namespace":"a","name":"c","uid":"u","resourceVersion":"1"}}}`, `{"spec":{}}`,
		},
		"not that of another snapshot": {
			"volumesnapshotcontents", `{"spec":{"volumeSnapshotRef":{"namespace":"a","name":"s"}}}`,
			`{"spec":{"volumeSnapshotRef":{"namespace":"b","name":"s","uid":"u"}}}`, `{"spec":{"volumeSnapshotRef":{"namespace":"a","name":"s"}}}`,
		},
		"the identity of a group of snapshots": {
			"volumegroupsnapshotcontents", `{"spec":{"volumeGroupSnapshotRef":{"namespace":"a","name":"s"}}}`,
			`{"spec":{"volumeGroupSnapshotRef":{"namespace":"a","name":"s","uid":"u"}}}`,
			`{"spec":{"volumeGroupSnapshotRef":{"namespace":"a","name":"s","uid":"u"}}}`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := decode(t, tc.want)
			transform.Adopt(resource(tc.name).GroupResource(), got, decode(t, tc.live))
			if diff := cmp.Diff(decode(t, tc.then), got); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzHostileObjects(f *testing.F) {
	f.Add([]byte(`{"metadata":{"labels":[],"managedFields":{},"annotations":1},"spec":{"ports":[1,null],"claimRef":[]},"subjects":{}}`))
	f.Add([]byte(`{"metadata":[],"spec":{"selector":1,"template":[]},"secrets":[1],"webhooks":[{"clientConfig":1}]}`))
	names := []string{
		"services", "pods", "persistentvolumes", "persistentvolumeclaims", "serviceaccounts", "secrets", "namespaces",
		"deployments", "jobs", "cronjobs", "rolebindings", "validatingwebhookconfigurations", "apiservices", "customresourcedefinitions",
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, name := range names {
			m, err := transform.Decode(raw)
			if err != nil {
				return
			}
			live := transform.Clone(m)
			result, err := (&transform.Transformer{Label: "r", Namespaces: toB, Paused: true, Restores: restoresNothing}).
				Apply(transform.Subject{Resource: resource(name), Manifest: m})
			if err != nil || result.Skip != "" {
				continue
			}
			if !transform.Compare(result.Manifest, result.Manifest).Equal() {
				t.Error("an object differs from itself")
			}
			transform.Adopt(resource(name).GroupResource(), result.Manifest, live)
			transform.Compare(result.Manifest, live)
			transform.LacksManagers(live, result.ManagedFields)
		}
	})
}
