// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/selection"
)

// builtInLayers is the order in which objects are restored: each layer needs
// nothing of a later one. Types that are named nowhere, custom resources among
// them, go where customLayer says.
var builtInLayers = [][]string{
	{"customresourcedefinitions.apiextensions.k8s.io"},
	{"namespaces"},
	{
		"storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io", "volumeattributesclasses.storage.k8s.io",
		"volumesnapshotclasses.snapshot.storage.k8s.io", "volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io", "priorityclasses.scheduling.k8s.io",
		"runtimeclasses.node.k8s.io", "ingressclasses.networking.k8s.io", "deviceclasses.resource.k8s.io",
		"servicecidrs.networking.k8s.io",
	},
	{"persistentvolumes"},
	{"persistentvolumeclaims"},
	{"serviceaccounts"},
	{"secrets"},
	{"configmaps"},
	{"clusterroles.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io"},
	{"clusterrolebindings.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io"},
	{"networkpolicies.networking.k8s.io"},
	{"services"},
	{"endpoints", "endpointslices.discovery.k8s.io"},
	customLayer,
	{"pods"},
	// A pod that is older than the limits was created without them; those that
	// workloads make get them.
	{"limitranges"},
	{"replicasets.apps", "replicationcontrollers", "controllerrevisions.apps"},
	{"deployments.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch", "cronjobs.batch"},
	// A quota whose usage nobody has counted yet refuses what it would count.
	{
		"resourcequotas", "horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy",
		"ingresses.networking.k8s.io",
	},
	// What answers requests about others comes last: see gatekeepers.
	{
		"validatingwebhookconfigurations.admissionregistration.k8s.io",
		"mutatingwebhookconfigurations.admissionregistration.k8s.io",
		"validatingadmissionpolicies.admissionregistration.k8s.io",
		"validatingadmissionpolicybindings.admissionregistration.k8s.io",
		"mutatingadmissionpolicies.admissionregistration.k8s.io",
		"mutatingadmissionpolicybindings.admissionregistration.k8s.io",
		"apiservices.apiregistration.k8s.io",
	},
}

// customLayer marks the layer of all types that are named nowhere.
var customLayer = []string{"*"}

// prerequisites is how many of the built-in layers no request can overtake:
// without its definition and its namespace, no object can be created.
const prerequisites = 2

// gatekeepers is how many layers at the end answer requests about others: they are
// written when nothing else is left to write, not even an owner reference.
const gatekeepers = 1

// layers tells in which layer a type is restored.
type layers struct {
	order    []*selection.ResourceSet
	builtIn  map[schema.GroupResource]int
	elsewise int
}

// CheckOrder tells which entry of a restore order is not the name of a type.
func CheckOrder(order []string) error {
	_, err := selection.NewResourceSet("restoreOrder", order, nil)
	return err
}

// newLayers puts the types of order, written as in a template, ahead of the
// built-in order. Its errors name the entry.
func newLayers(order []string, types []engine.Resource) (*layers, error) {
	l := &layers{builtIn: map[schema.GroupResource]int{}}
	if err := CheckOrder(order); err != nil {
		return nil, refuse(CodeInvalidRequest, "the Config's spec.%v", err)
	}
	for _, written := range order {
		set, err := selection.NewResourceSet("restoreOrder", []string{written}, types)
		if err != nil {
			return nil, refuse(CodeInvalidRequest, "the Config's spec.%v", err)
		}
		l.order = append(l.order, set)
	}
	for i, names := range builtInLayers {
		if i >= prerequisites {
			i += len(l.order)
		}
		if names[0] == customLayer[0] {
			l.elsewise = i
			continue
		}
		for _, name := range names {
			resource, group, _ := strings.Cut(name, ".")
			l.builtIn[schema.GroupResource{Group: group, Resource: resource}] = i
		}
	}
	return l, nil
}

// gates is the first layer of gatekeepers.
func (l *layers) gates() int { return len(l.order) + len(builtInLayers) - gatekeepers }

// of returns the layer of a type; lower ones are restored first.
func (l *layers) of(r engine.Resource) int {
	i, known := l.builtIn[r.GroupResource()]
	if known && i < prerequisites {
		return i
	}
	for n, set := range l.order {
		if set.Contains(r) {
			return prerequisites + n
		}
	}
	if known {
		return i
	}
	return l.elsewise
}
