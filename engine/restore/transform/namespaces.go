// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// nameLabel is the label by which the API server makes every namespace selectable.
const nameLabel = "kubernetes.io/metadata.name"

// use is what a field does with the namespaces that it names.
type use int

const (
	// refers is the name of a namespace, or a list of such.
	refers use = iota
	// account is the name of a user or group, which may stand for service accounts.
	account
	// places is a label selector of the scheduler: near what, or away from what.
	places
	// admits is a label selector: what it selects is let in.
	admits
	// guards is a label selector: what it does not select is let through.
	guards
)

// field is where a type names namespaces, as the elements of a path: each is the name
// of a field; "*" any element of a list or any field; "**" any number of these; one
// with a "*" in it all that begin and end so.
type field struct {
	path []string
	use  use
}

func at(path string, u use) field { return field{path: strings.Fields(path), use: u} }

func within(prefix string, fields []field) []field {
	found := make([]field, 0, len(fields))
	for _, f := range fields {
		found = append(found, field{path: append(strings.Fields(prefix), f.path...), use: f.use})
	}
	return found
}

// ofPod are the fields of a PodSpec.
var ofPod = []field{
	at("affinity ** namespaces", refers),
	at("affinity ** namespaceSelector", places),
	at("volumes * ephemeral volumeClaimTemplate spec dataSourceRef namespace", refers),
}

var ofTemplate = within("spec template spec", ofPod)

var (
	ofWebhooks = []field{
		at("webhooks * clientConfig service namespace", refers),
		at("webhooks * namespaceSelector", guards),
		at("webhooks * objectSelector", guards), // of Namespaces themselves
	}
	ofAdmissionPolicy = []field{at("spec matchConstraints namespaceSelector", guards), at("spec matchConstraints objectSelector", guards)}
	ofPolicyBinding   = []field{
		at("spec paramRef namespace", refers),
		at("spec matchResources namespaceSelector", guards), at("spec matchResources objectSelector", guards),
	}
	ofSnapshot      = []field{at("metadata annotations *.kubernetes.io/deletion-secret-namespace", refers)}
	ofSnapshotClass = []field{at("parameters csi.storage.k8s.io/*-secret-namespace", refers)}
)

// namespaceFields are the fields that can name nothing but namespaces, by type. Sources:
// k8s.io/api, the parameters and annotations of the CSI sidecars ("Secrets and
// Credentials" in the documentation of Kubernetes CSI). What subjects of bindings stand
// for, and for whom a volume is reserved, have steps of their own.
var namespaceFields = map[schema.GroupResource][]field{
	{Resource: "pods"}:                       within("spec", ofPod),
	{Resource: "podtemplates"}:               within("template spec", ofPod),
	{Resource: "replicationcontrollers"}:     ofTemplate,
	{Group: "apps", Resource: "deployments"}: ofTemplate,
	{Group: "apps", Resource: "replicasets"}: ofTemplate,
	{Group: "apps", Resource: "daemonsets"}:  ofTemplate,
	{Group: "apps", Resource: "statefulsets"}: append(slices.Clone(ofTemplate),
		at("spec volumeClaimTemplates * spec dataSourceRef namespace", refers)),
	{Group: "batch", Resource: "jobs"}:     ofTemplate,
	{Group: "batch", Resource: "cronjobs"}: within("spec jobTemplate", ofTemplate),
	{Resource: "persistentvolumeclaims"}:   {at("spec dataSourceRef namespace", refers)},
	{Resource: "persistentvolumes"}: {
		at("spec csi *SecretRef namespace", refers), at("spec * secretRef namespace", refers),
		at("spec azureFile secretNamespace", refers), at("spec glusterfs endpointsNamespace", refers),
		at("metadata annotations volume.kubernetes.io/provisioner-deletion-secret-namespace", refers),
	},
	{Resource: "serviceaccounts"}: {at("secrets * namespace", refers)},
	{Resource: "endpoints"}:       {at("subsets * *ddresses * targetRef namespace", refers)},
	{Resource: "events"}:          {at("involvedObject namespace", refers), at("related namespace", refers)},
	{Group: "events.k8s.io", Resource: "events"}: {
		at("regarding namespace", refers), at("related namespace", refers),
	},
	{Group: "discovery.k8s.io", Resource: "endpointslices"}:              {at("endpoints * targetRef namespace", refers)},
	{Group: "networking.k8s.io", Resource: "ingressclasses"}:             {at("spec parameters namespace", refers)},
	{Group: "networking.k8s.io", Resource: "networkpolicies"}:            {at("spec ** namespaceSelector", admits)},
	{Group: "storage.k8s.io", Resource: "storageclasses"}:                ofSnapshotClass,
	{Group: snapshotGroup, Resource: "volumesnapshotclasses"}:            ofSnapshotClass,
	{Group: snapshotGroup, Resource: "volumesnapshotcontents"}:           ofSnapshot,
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotclasses"}:  ofSnapshotClass,
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotcontents"}: ofSnapshot,
	{Group: "flowcontrol.apiserver.k8s.io", Resource: "flowschemas"}: {
		at("spec rules * subjects * serviceAccount namespace", refers),
		at("spec rules * subjects * user name", account), at("spec rules * subjects * group name", account),
		at("spec rules * resourceRules * namespaces", refers),
	},
	{Group: admissionGroup, Resource: "validatingwebhookconfigurations"}:   ofWebhooks,
	{Group: admissionGroup, Resource: "mutatingwebhookconfigurations"}:     ofWebhooks,
	{Group: admissionGroup, Resource: "validatingadmissionpolicies"}:       ofAdmissionPolicy,
	{Group: admissionGroup, Resource: "mutatingadmissionpolicies"}:         ofAdmissionPolicy,
	{Group: admissionGroup, Resource: "validatingadmissionpolicybindings"}: ofPolicyBinding,
	{Group: admissionGroup, Resource: "mutatingadmissionpolicybindings"}:   ofPolicyBinding,
	{Group: "apiregistration.k8s.io", Resource: "apiservices"}:             {at("spec service namespace", refers)},
	{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}: {
		at("spec conversion webhook clientConfig service namespace", refers),
	},
}

// ofGateway are the fields of every type of the Gateway API: routes, gateways and their
// listeners, grants and classes. All that is called so in them is a namespace.
var ofGateway = []field{at("spec ** namespace", refers), at("spec ** namespaces selector", admits)}

// freeform are fields whose own fields are named by whoever writes the object.
var freeform = []string{"labels", "annotations", "options", "matchLabels"}

// namespaceFieldsOf returns where objects of a type name namespaces.
func namespaceFieldsOf(gr schema.GroupResource) []field {
	if gr.Group == "gateway.networking.k8s.io" || gr.Group == "gateway.networking.x-k8s.io" {
		return ofGateway
	}
	return namespaceFields[gr]
}

// namespaces lets the fields that can name nothing but namespaces follow the mapping.
func (t *Transformer) namespaces(s *Subject, r *Result) {
	for _, f := range namespaceFieldsOf(s.Resource.GroupResource()) {
		visit(s.Manifest, f.path, nil, func(holder Manifest, name string, _ []string) {
			t.followField(r, holder, name, f.use)
		})
	}
}

func (t *Transformer) followField(r *Result, holder Manifest, name string, u use) {
	switch u {
	case refers:
		t.followNames(r, holder, name)
	case account:
		if user, ok := holder[name].(string); ok {
			holder[name] = t.followAccount(r, user)
		}
	case places, admits, guards:
		t.followSelector(r, child(holder, name), u)
	}
}

// followNames lets a namespace follow, or a list of such.
func (t *Transformer) followNames(r *Result, holder Manifest, name string) {
	switch v := holder[name].(type) {
	case string:
		holder[name] = t.follow(r, v)
	case []any:
		holder[name] = t.followList(r, v, false)
	}
}

// followSelector lets a label selector of namespaces follow. What is let in never grows
// by it: what a peer must not be is excluded under both names, and a guard keeps what it
// selects. Whom a guard passes over stays as archived; see mentions.
func (t *Transformer) followSelector(r *Result, selector Manifest, u use) {
	matched := child(selector, "matchLabels")
	if name, ok := matched[nameLabel].(string); ok && t.mapped(name) != name {
		if u == guards {
			removeFrom(selector, []string{"matchLabels"}, nameLabel)
			expressions, _ := selector["matchExpressions"].([]any)
			selector["matchExpressions"] = append(expressions, Manifest{"key": nameLabel, "operator": "In", "values": []any{name}})
		} else {
			matched[nameLabel] = t.follow(r, name)
		}
	}
	for _, e := range objects(selector, "matchExpressions") {
		values, ok := e["values"].([]any)
		if !ok || e["key"] != nameLabel || e["operator"] == "NotIn" && u == guards {
			continue
		}
		e["values"] = t.followList(r, values, u == guards || u == admits && e["operator"] == "NotIn")
	}
}

// followList lets a list of namespaces follow; with both, those that are mapped from
// stay in it too.
func (t *Transformer) followList(r *Result, list []any, both bool) []any {
	followed := make([]any, 0, len(list))
	add := func(v any) {
		if name, isText := v.(string); !isText || !slices.Contains(followed, any(name)) {
			followed = append(followed, v)
		}
	}
	for _, v := range list {
		name, isText := v.(string)
		if !isText || both || t.mapped(name) == name {
			add(v)
		}
		if isText && t.mapped(name) != name {
			r.moved = r.moved || !both || !slices.Contains(list, any(t.mapped(name)))
			add(t.mapped(name))
		}
	}
	return followed
}

// followAccount lets the name of a user or group follow that stands for service accounts.
func (t *Transformer) followAccount(r *Result, name string) string {
	if rest, ok := strings.CutPrefix(name, accountUserPrefix); ok {
		namespace, of, _ := strings.Cut(rest, ":")
		return accountUserPrefix + t.follow(r, namespace) + ":" + of
	}
	if namespace, ok := strings.CutPrefix(name, accountGroupPrefix); ok {
		return accountGroupPrefix + t.follow(r, namespace)
	}
	return name
}

// visit calls found with each field of m that a path leads to, and with the way there.
func visit(m Manifest, path, way []string, found func(holder Manifest, name string, way []string)) {
	first, rest := path[0], path[1:]
	if first == "**" {
		visit(m, rest, way, found)
		rest, first = path, each
	}
	for name, v := range m {
		if !fits(first, name) || len(path) != len(rest)+1 && slices.Contains(freeform, name) {
			continue
		}
		if len(rest) == 0 {
			found(m, name, append(slices.Clip(way), name))
			continue
		}
		visitValue(v, rest, append(slices.Clip(way), name), found)
	}
}

// visitValue goes on in a value. A list takes no element of the path of its own where
// that goes any way.
func visitValue(v any, path, way []string, found func(holder Manifest, name string, way []string)) {
	switch v := v.(type) {
	case Manifest:
		visit(v, path, way, found)
	case []any:
		if path[0] == each {
			path = path[1:]
		} else if path[0] != "**" {
			return
		}
		for i, element := range v {
			if m, ok := element.(Manifest); ok && len(path) > 0 {
				visit(m, path, append(slices.Clip(way), position(i)), found)
			}
		}
	}
}

// fits reports whether a field's name is what an element of a path asks for.
func fits(pattern, name string) bool {
	begin, end, open := strings.Cut(pattern, "*")
	if !open {
		return pattern == name
	}
	return len(name) >= len(begin)+len(end) && strings.HasPrefix(name, begin) && strings.HasSuffix(name, end)
}
