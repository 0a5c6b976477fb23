// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// follow transforms what an object of a type, <resource>[.<group>], holds beside its
// metadata under a mapping of a to a2 and b to b2.
func follow(t *testing.T, gr, fields string) (got transform.Manifest, mention string) {
	t.Helper()
	name, group, _ := strings.Cut(gr, ".")
	version := strings.TrimPrefix(group+"/v1", "/")
	m := decode(t, `{"apiVersion":"`+version+`","kind":"K","metadata":{"namespace":"a","name":"x"},`+fields+`}`)
	tr := transform.Transformer{Label: "r", Namespaces: map[string]string{"a": "a2", "b": "b2"}, Restores: func(engine.Key) bool { return false }}
	result, err := tr.Apply(transform.Subject{
		Resource: engine.Resource{Group: group, Version: "v1", Name: name}, Named: true, Manifest: m,
		Source: engine.Key{GroupResource: schema.GroupResource{Group: group, Resource: name}, Namespace: "a", Name: "x"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"apiVersion", "kind", "metadata"} {
		delete(result.Manifest, field)
	}
	return result.Manifest, result.Mention
}

// podSpec is a spec of pods that are placed by pods of a namespace, with a volume whose
// source is in it.
func podSpec(namespace string) string {
	term := `{"topologyKey":"h","namespaces":["` + namespace + `","z"],"namespaceSelector":{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"NotIn","values":["` + namespace + `"]}]}}`
	return `{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[` + term + `]},
		"podAntiAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":1,"podAffinityTerm":` + term + `}]}},
		"volumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{"spec":{"dataSourceRef":{"kind":"K","name":"n","namespace":"` + namespace + `"}}}}}]}`
}

// selecting is a selector by the name label in an operator's expression.
func selecting(operator, values string) string {
	return `{"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"` + operator + `","values":[` + values + `]}]}`
}

const named = `{"matchLabels":{"kubernetes.io/metadata.name":"%"}}`

func TestFieldsThatCanOnlyNameNamespacesFollow(t *testing.T) {
	all := func(format string) [2]string {
		return [2]string{strings.ReplaceAll(format, "%", "b"), strings.ReplaceAll(format, "%", "b2")}
	}
	tests := map[string]struct {
		gr     string
		fields [2]string
	}{
		"affinity of pods":          {"pods", [2]string{`"spec":` + podSpec("b"), `"spec":` + podSpec("b2")}},
		"affinity in pod templates": {"podtemplates", [2]string{`"template":{"spec":` + podSpec("b") + `}`, `"template":{"spec":` + podSpec("b2") + `}`}},
		"affinity in CronJobs":      {"cronjobs.batch", [2]string{`"spec":{"jobTemplate":{"spec":{"template":{"spec":` + podSpec("b") + `}}}}`, `"spec":{"jobTemplate":{"spec":{"template":{"spec":` + podSpec("b2") + `}}}}`}},
		"peers of NetworkPolicies":  {"networkpolicies.networking.k8s.io", all(`"spec":{"ingress":[{"from":[{"namespaceSelector":` + named + `,"podSelector":{}}]}],"egress":[{"to":[{"namespaceSelector":` + selecting("In", `"%","z"`) + `}]}]}`)},
		"nobody new is a peer": {"networkpolicies.networking.k8s.io", [2]string{
			`"spec":{"ingress":[{"from":[{"namespaceSelector":` + selecting("NotIn", `"b","z"`) + `}]}]}`,
			`"spec":{"ingress":[{"from":[{"namespaceSelector":` + selecting("NotIn", `"b","b2","z"`) + `}]}]}`,
		}},
		"all namespaces stay all":           {"networkpolicies.networking.k8s.io", all(`"spec":{"ingress":[{"from":[{"namespaceSelector":{}}]}]}`)},
		"a label called so elsewhere stays": {"networkpolicies.networking.k8s.io", all(`"spec":{"podSelector":{"matchLabels":{"kubernetes.io/metadata.name":"b"}}}`)},
		"a route's parent, backend and mirror": {"httproutes.gateway.networking.k8s.io", all(`"spec":{"parentRefs":[{"name":"g","namespace":"%"}],"rules":[{"backendRefs":[{"name":"s","namespace":"%","filters":[{"requestMirror":{"backendRef":{"name":"m","namespace":"%"}}}]}],
			"matches":[{"headers":[{"name":"namespace","value":"b"}]}]}]}`)},
		"other routes":       {"tcproutes.gateway.networking.k8s.io", all(`"spec":{"rules":[{"backendRefs":[{"name":"s","namespace":"%"}]}]}`)},
		"experimental types": {"xlistenersets.gateway.networking.x-k8s.io", all(`"spec":{"parentRef":{"name":"g","namespace":"%"}}`)},
		"a Gateway's certificates and whose routes it takes": {"gateways.gateway.networking.k8s.io", all(`"spec":{"infrastructure":{"labels":{"namespace":"b"}},"listeners":[{"tls":{"certificateRefs":[{"name":"c","namespace":"%"}]},
			"allowedRoutes":{"namespaces":{"from":"Selector","selector":` + named + `}}}]}`)},
		"a Gateway takes no more routes than before": {"gateways.gateway.networking.k8s.io", [2]string{
			`"spec":{"listeners":[{"allowedRoutes":{"namespaces":{"selector":` + selecting("NotIn", `"b"`) + `}}}]}`,
			`"spec":{"listeners":[{"allowedRoutes":{"namespaces":{"selector":` + selecting("NotIn", `"b","b2"`) + `}}}]}`,
		}},
		"whom a ReferenceGrant trusts": {"referencegrants.gateway.networking.k8s.io", all(`"spec":{"from":[{"group":"g","kind":"K","namespace":"%"}],"to":[{"group":"","kind":"Secret"}]}`)},
		"subjects and requests of FlowSchemas": {"flowschemas.flowcontrol.apiserver.k8s.io", all(`"spec":{"rules":[{"subjects":[{"kind":"ServiceAccount","serviceAccount":{"name":"s","namespace":"%"}},
			{"kind":"User","user":{"name":"system:serviceaccount:%:s"}},{"kind":"Group","group":{"name":"system:serviceaccounts:%"}},{"kind":"User","user":{"name":"b"}}],"resourceRules":[{"namespaces":["%"]}]}]}`)},
		"services of webhooks": {"validatingwebhookconfigurations.admissionregistration.k8s.io", all(`"webhooks":[{"clientConfig":{"service":{"namespace":"%","name":"s"}}}]`)},
		"a webhook guards the original too": {"mutatingwebhookconfigurations.admissionregistration.k8s.io", [2]string{
			`"webhooks":[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"b","t":"1"}},"objectSelector":` + selecting("In", `"b"`) + `}]`,
			`"webhooks":[{"namespaceSelector":{"matchLabels":{"t":"1"},"matchExpressions":[{"key":"kubernetes.io/metadata.name","operator":"In","values":["b","b2"]}]},"objectSelector":` + selecting("In", `"b","b2"`) + `}]`,
		}},
		"a binding of a policy finds its parameters, and guards both": {"validatingadmissionpolicybindings.admissionregistration.k8s.io", [2]string{
			`"spec":{"paramRef":{"name":"p","namespace":"b"},"matchResources":{"namespaceSelector":` + selecting("In", `"b"`) + `}}`,
			`"spec":{"paramRef":{"name":"p","namespace":"b2"},"matchResources":{"namespaceSelector":` + selecting("In", `"b","b2"`) + `}}`,
		}},
		"a policy guards both": {"mutatingadmissionpolicies.admissionregistration.k8s.io", [2]string{
			`"spec":{"matchConstraints":{"namespaceSelector":` + selecting("In", `"b"`) + `}}`,
			`"spec":{"matchConstraints":{"namespaceSelector":` + selecting("In", `"b","b2"`) + `}}`,
		}},
		"secrets of a volume":           {"persistentvolumes", all(`"spec":{"csi":{"nodeStageSecretRef":{"name":"s","namespace":"%"}},"rbd":{"secretRef":{"name":"s","namespace":"%"}},"azureFile":{"secretNamespace":"%"}}`)},
		"secrets of a class":            {"storageclasses.storage.k8s.io", all(`"parameters":{"csi.storage.k8s.io/node-stage-secret-namespace":"%","namespace":"b"}`)},
		"a claim's source":              {"persistentvolumeclaims", all(`"spec":{"dataSourceRef":{"kind":"K","name":"n","namespace":"%"}}`)},
		"pods behind endpoints":         {"endpoints", all(`"subsets":[{"addresses":[{"ip":"i","targetRef":{"namespace":"%"}}],"notReadyAddresses":[{"targetRef":{"namespace":"%"}}]}]`)},
		"pods behind slices":            {"endpointslices.discovery.k8s.io", all(`"endpoints":[{"targetRef":{"namespace":"%"}}]`)},
		"an event's object":             {"events", all(`"involvedObject":{"namespace":"%"}`)},
		"an ingress class's parameters": {"ingressclasses.networking.k8s.io", all(`"spec":{"parameters":{"scope":"Namespace","namespace":"%"}}`)},
		"rights over namespaces by name": {"clusterroles.rbac.authorization.k8s.io", all(`"rules":[{"apiGroups":[""],"resources":["namespaces","namespaces/status"],"resourceNames":["%","z"],"verbs":["get"]},
			{"apiGroups":[""],"resources":["namespaces","pods"],"resourceNames":["b"],"verbs":["get"]}]`)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, mention := follow(t, test.gr, test.fields[0])
			if diff := cmp.Diff(decode(t, "{"+test.fields[1]+"}"), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if mention != "" {
				t.Errorf("got mention %q, want none", mention)
			}
			// What is the copy's already is followed no further.
			if again, _ := follow(t, test.gr, test.fields[1]); cmp.Diff(got, again) != "" {
				t.Errorf("followed again (-once +twice):\n%s", cmp.Diff(got, again))
			}
		})
	}
}

func TestFieldsThatMayNameNamespacesAreMentioned(t *testing.T) {
	const cure = ": change that with a modifier where the copy is meant"
	one := func(ways string) string { return "still names namespace b (restored as b2) in " + ways + cure }
	tests := map[string]struct{ gr, fields, want string }{
		"fields of custom resources that are called so": {
			"kustomizations.kustomize.toolkit.fluxcd.io", `"spec":{"targetNamespace":"b","path":"b","sourceRef":{"namespace":"z"}}`, one("spec.targetNamespace"),
		},
		"lists under a field that is called so": {"servicemonitors.monitoring.coreos.com", `"spec":{"namespaceSelector":{"matchNames":["z","b"]}}`, one("spec.namespaceSelector.matchNames[1]")},
		"keys under a field that is called so":  {"things.example.org", `"spec":{"namespaces":{"b":{"quota":1}}}`, one("spec.namespaces.b")},
		"selectors by the name label":           {"things.example.org", `"spec":{"who":[{"matchExpressions":[{"key":"kubernetes.io/metadata.name","values":["b"]}]}]}`, one("spec.who[0].matchExpressions[0].values[0]")},
		"selectors of Cilium":                   {"ciliumnetworkpolicies.cilium.io", `"spec":{"ingress":[{"fromEndpoints":[{"matchLabels":{"k8s:io.kubernetes.pod.namespace":"b"}}]}]}`, one("spec.ingress[0].fromEndpoints[0].matchLabels.k8s:io.kubernetes.pod.namespace")},
		"a Namespace by kind and name":          {"things.example.org", `"spec":{"ref":{"kind":"Namespace","name":"b"}}`, one("spec.ref.name")},
		"accounts in custom resources":          {"things.example.org", `"spec":{"user":"system:serviceaccount:b:s","from":"cluster.local/ns/b/sa/s"}`, one("spec.from, spec.user")},
		"several namespaces, and no more than four fields": {
			"things.example.org", `"spec":{"namespace":"a","n":[{"namespace":"b"},{"namespace":"b"},{"namespace":"b"},{"namespace":"b"},{"namespace":"b"}]}`,
			"still names namespace a (restored as a2), b (restored as b2) in spec.n[0].namespace, spec.n[1].namespace, spec.n[2].namespace, spec.n[3].namespace and 2 more" + cure,
		},
		"addresses of Services in pods":       {"deployments.apps", `"spec":{"template":{"spec":{"containers":[{"env":[{"name":"DB","value":"postgres://db.b.svc.cluster.local:5432/x"}]}]}}}`, one("spec.template.spec.containers[0].env[0].value")},
		"addresses of Services in ConfigMaps": {"configmaps", `"data":{"url":"http://web.b.svc"}`, one("data.url")},
		"another Service's name":              {"services", `"spec":{"type":"ExternalName","externalName":"db.b.svc.cluster.local"}`, one("spec.externalName")},
		"whom a guard passes over": {
			"validatingwebhookconfigurations.admissionregistration.k8s.io", `"webhooks":[{"namespaceSelector":` + selecting("NotIn", `"b"`) + `}]`,
			one("webhooks[0].namespaceSelector.matchExpressions[0].values"),
		},
		"another label of namespaces": {"networkpolicies.networking.k8s.io", `"spec":{"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"name":"b"}}}]}]}`, one("spec.ingress[0].from[0].namespaceSelector.matchLabels.name")},
		"names in expressions":        {"validatingadmissionpolicies.admissionregistration.k8s.io", `"spec":{"validations":[{"expression":"object.metadata.namespace != 'b'"}]}`, one("spec.validations[0].expression")},
		"nothing in texts that are alike": {
			"configmaps", `"data":{"a":"b","c":"db.bb.svc","d":"db.b.svcs","e":"x.b.example.org",".b.svc":"","f":"https://kubernetes.default.svc"}`, "",
		},
		"nothing in other fields of custom resources": {"things.example.org", `"spec":{"image":"b","name":"b"},"status":{"namespace":"b"}`, ""},
		"nothing in Secrets":                          {"secrets", `"stringData":{"url":"db.b.svc"}`, ""},
		"environment and flags of pods": {
			"pods", `"spec":{"containers":[{"args":["--watch-namespace=b","--name=b"],"env":[{"name":"POD_NAMESPACE","value":"b"},{"name":"NAME","value":"b"}]}]}`,
			one("spec.containers[0].args[0], spec.containers[0].env[0].value"),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, mention := follow(t, test.gr, test.fields)
			if mention != test.want {
				t.Errorf("got  %q\nwant %q", mention, test.want)
			}
			if diff := cmp.Diff(decode(t, "{"+test.fields+"}"), got); diff != "" && test.gr != "secrets" {
				t.Errorf("changed (-want +got):\n%s", diff)
			}
		})
	}
}
