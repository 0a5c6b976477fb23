// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"cmp"
	"encoding/json"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

const (
	storageGroup       = "storage.k8s.io"
	snapshotGroup      = "snapshot.storage.k8s.io"
	groupSnapshotGroup = "groupsnapshot.storage.k8s.io"
	networkingGroup    = "networking.k8s.io"
	resourceGroup      = "resource.k8s.io"
	gatewayGroup       = "gateway.networking.k8s.io"
)

// Classes that objects name.
var (
	storageClasses       = schema.GroupResource{Group: storageGroup, Resource: "storageclasses"}
	attributesClasses    = schema.GroupResource{Group: storageGroup, Resource: "volumeattributesclasses"}
	snapshotClasses      = schema.GroupResource{Group: snapshotGroup, Resource: "volumesnapshotclasses"}
	groupSnapshotClasses = schema.GroupResource{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotclasses"}
	priorityClasses      = schema.GroupResource{Group: "scheduling.k8s.io", Resource: "priorityclasses"}
	runtimeClasses       = schema.GroupResource{Group: "node.k8s.io", Resource: "runtimeclasses"}
	ingressClasses       = schema.GroupResource{Group: networkingGroup, Resource: "ingressclasses"}
	deviceClasses        = schema.GroupResource{Group: resourceGroup, Resource: "deviceclasses"}
	gatewayClasses       = schema.GroupResource{Group: gatewayGroup, Resource: "gatewayclasses"}
)

var classTypes = map[schema.GroupResource]bool{
	storageClasses: true, attributesClasses: true, snapshotClasses: true, groupSnapshotClasses: true, priorityClasses: true,
	runtimeClasses: true, ingressClasses: true, deviceClasses: true, gatewayClasses: true,
}

// naming are, by type, the objects that name classes, and how to read those.
var naming = map[schema.GroupResource]func(json.RawMessage) classes{
	claimsType:         ofClaim,
	volumesType:        ofClaim, // which has the same names for its classes
	{Resource: "pods"}: ofPod,
	{Group: "batch", Resource: "cronjobs"}: func(raw json.RawMessage) classes {
		return ofPod(within(raw, "jobTemplate", "spec", "template", "spec"))
	},
	{Group: "apps", Resource: "statefulsets"}: func(raw json.RawMessage) classes {
		found := ofPod(within(raw, "template", "spec"))
		var set struct {
			Templates []struct {
				Spec json.RawMessage `json:"spec"`
			} `json:"volumeClaimTemplates"`
		}
		_ = json.Unmarshal(raw, &set) // one that cannot be read names none
		for _, t := range set.Templates {
			found = append(found, ofClaim(t.Spec)...)
		}
		return found
	},
	{Group: "apps", Resource: "deployments"}:                             ofTemplate,
	{Group: "apps", Resource: "replicasets"}:                             ofTemplate,
	{Group: "apps", Resource: "daemonsets"}:                              ofTemplate,
	{Group: "batch", Resource: "jobs"}:                                   ofTemplate,
	{Resource: "podtemplates"}:                                           func(raw json.RawMessage) classes { return ofPod(within(raw, "spec")) },
	{Resource: "replicationcontrollers"}:                                 ofTemplate,
	{Group: networkingGroup, Resource: "ingresses"}:                      named(ingressClasses, "ingressClassName"),
	{Group: snapshotGroup, Resource: "volumesnapshots"}:                  named(snapshotClasses, "volumeSnapshotClassName"),
	{Group: snapshotGroup, Resource: "volumesnapshotcontents"}:           named(snapshotClasses, "volumeSnapshotClassName"),
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshots"}:        named(groupSnapshotClasses, "volumeGroupSnapshotClassName"),
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotcontents"}: named(groupSnapshotClasses, "volumeGroupSnapshotClassName"),
	{Group: gatewayGroup, Resource: "gateways"}:                          named(gatewayClasses, "gatewayClassName"),
	{Group: resourceGroup, Resource: "resourceclaims"}:                   ofDevices,
	{Group: resourceGroup, Resource: "resourceclaimtemplates"}: func(raw json.RawMessage) classes {
		return ofDevices(within(raw, "spec"))
	},
}

// classAnnotations are those that named a class before there was a field, and still do.
var classAnnotations = map[schema.GroupResource]struct {
	key   string
	class schema.GroupResource
}{
	claimsType:  {"volume.beta.kubernetes.io/storage-class", storageClasses},
	volumesType: {"volume.beta.kubernetes.io/storage-class", storageClasses},
	{Group: networkingGroup, Resource: "ingresses"}: {"kubernetes.io/ingress.class", ingressClasses},
}

// classes are classes that an object names.
type classes []archive.Ref

func class(t schema.GroupResource, name string) classes {
	if name == "" {
		return nil
	}
	return classes{{Group: t.Group, Resource: t.Resource, Name: name}}
}

// classMark is in every field that names a class. An object without it is not decoded.
var classMark = []byte(`ClassName"`)

// classNeeds returns the classes that an object names, each once.
func classNeeds(o engine.Object) []archive.Ref {
	gr := o.Resource.GroupResource()
	read := naming[gr]
	if read == nil {
		return nil
	}
	var found classes
	if a, ok := classAnnotations[gr]; ok {
		found = class(a.class, o.Meta.Annotations[a.key])
	}
	if bytes.Contains(o.Raw, classMark) {
		found = append(found, read(within(o.Raw, specOf(gr)))...)
	}
	var once []archive.Ref
	seen := map[archive.Ref]bool{}
	for _, ref := range found {
		if !seen[ref] {
			seen[ref] = true
			once = append(once, ref)
		}
	}
	return once
}

// specOf is the field in which an object names classes.
func specOf(gr schema.GroupResource) string {
	if gr.Resource == "podtemplates" {
		return "template"
	}
	return "spec"
}

// within returns the value at path of an object, or nothing.
func within(raw json.RawMessage, path ...string) json.RawMessage {
	for _, name := range path {
		var fields map[string]json.RawMessage
		if json.Unmarshal(raw, &fields) != nil {
			return nil
		}
		raw = fields[name]
	}
	return raw
}

// named reads the one class that a spec names.
func named(t schema.GroupResource, field string) func(json.RawMessage) classes {
	return func(spec json.RawMessage) classes {
		var name string
		_ = json.Unmarshal(within(spec, field), &name) // one that is no text names none
		return class(t, name)
	}
}

func ofTemplate(spec json.RawMessage) classes { return ofPod(within(spec, "template", "spec")) }

func ofClaim(spec json.RawMessage) classes {
	return append(named(storageClasses, "storageClassName")(spec), named(attributesClasses, "volumeAttributesClassName")(spec)...)
}

// ofPod reads a PodSpec: the classes of its pods, and of the volumes made for them.
func ofPod(spec json.RawMessage) classes {
	found := append(named(priorityClasses, "priorityClassName")(spec), named(runtimeClasses, "runtimeClassName")(spec)...)
	var pod struct {
		Volumes []struct {
			Ephemeral struct {
				Template struct {
					Spec json.RawMessage `json:"spec"`
				} `json:"volumeClaimTemplate"`
			} `json:"ephemeral"`
		} `json:"volumes"`
	}
	_ = json.Unmarshal(spec, &pod) // one that cannot be read names none
	for _, v := range pod.Volumes {
		found = append(found, ofClaim(v.Ephemeral.Template.Spec)...)
	}
	return found
}

// ofDevices reads the requests of a ResourceClaim, in all versions of them.
func ofDevices(spec json.RawMessage) classes {
	type request struct {
		Class string `json:"deviceClassName"`
	}
	var claim struct {
		Devices struct {
			Requests []struct {
				request

				Exactly request   `json:"exactly"`
				First   []request `json:"firstAvailable"`
			} `json:"requests"`
		} `json:"devices"`
	}
	_ = json.Unmarshal(spec, &claim) // one that cannot be read names none
	var found classes
	for _, r := range claim.Devices.Requests {
		found = append(found, class(deviceClasses, cmp.Or(r.Class, r.Exactly.Class))...)
		for _, alternative := range r.First {
			found = append(found, class(deviceClasses, alternative.Class)...)
		}
	}
	return found
}
