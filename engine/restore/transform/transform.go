// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

// Codes of objects that are left out for what is in them.
const (
	// CodeMirrorPod: the kubelet makes the pod from a file on its node.
	CodeMirrorPod = "mirror-pod"
	// CodeCompleted: the pod or Job ran to its end; restored, it would run again.
	CodeCompleted = "completed"
)

// Transformer transforms the objects of one restore. It is safe for concurrent
// use as long as nobody changes it.
type Transformer struct {
	// Label is the value of RestoreLabel.
	Label string
	// Namespaces maps archived namespaces to those restored into; the others keep
	// their names.
	Namespaces map[string]string
	// PreserveNodePorts keeps node ports that the API server chose.
	PreserveNodePorts bool
	// Paused restores workloads so that no pod starts.
	Paused bool
	// Restores reports whether the archived object with that key is restored too.
	Restores func(engine.Key) bool
	// Modifiers are applied last, in this order.
	Modifiers []*Modifier
	// Own reports whether an object comes back as archived, whatever is asked for; nil
	// is for none but Ark's own kinds.
	Own func(target engine.Key, m Manifest) bool
}

// Subject is one archived object.
type Subject struct {
	// Resource is the type as the target serves it.
	Resource engine.Resource
	// Source identifies the archived object.
	Source engine.Key
	// Manifest is the object. It is changed in place.
	Manifest Manifest
	// Named says that the restore asks for the type by name: what is left out by
	// default is wanted then.
	Named bool
}

// Result is what becomes of an archived object.
type Result struct {
	// Manifest is what to write, without owner references.
	Manifest Manifest
	// Skip is a code when the object is to be left out; Manifest is then nil.
	Skip string
	// Owners are the archived owner references, whose UIDs are stale.
	Owners []Manifest
	// Status is the archived status of a type that has a status subresource.
	Status any
	// Generation is the archived one, which the status was about; 0 for none.
	Generation int64
	// ManagedFields are the archived entries, apart from those of a status that is
	// written apart: whoever applies next conflicts with whoever else owns the fields.
	ManagedFields []any
	// OwnName is what to call a binding that stays where it is, and whose subjects
	// followed the mapping, when there is one of its name with other subjects; empty
	// otherwise.
	OwnName string
	// Notes tell of what was changed beyond what a restore always changes.
	Notes []string
	// Doubts tell of what an object that has to be created cannot bring back.
	Doubts []string
	// Mention tells where it still names a namespace that is mapped from; empty for
	// nowhere.
	Mention string
	// Modified says that a modifier was applied.
	Modified bool
	// Guessed says that one wrote into what is confidential: whether that is what is
	// there must not show.
	Guessed bool

	// moved says that something the object refers to followed the mapping.
	moved bool
	// fieldManagers are the archived managedFields.
	fieldManagers []Manifest
	// sole is the name of the only one of ManagedFields where a create can make such.
	sole string
}

// step changes one aspect of an object.
type step func(t *Transformer, s *Subject, r *Result)

// steps of types that the API treats specially.
var steps = map[schema.GroupResource][]step{
	{Resource: "services"}:                                               {(*Transformer).service},
	{Resource: "pods"}:                                                   {(*Transformer).pod},
	{Resource: "persistentvolumes"}:                                      {(*Transformer).volume},
	{Resource: "persistentvolumeclaims"}:                                 {(*Transformer).claim},
	{Resource: "secrets"}:                                                {(*Transformer).tokenSecret},
	{Resource: "namespaces"}:                                             {(*Transformer).namespace},
	{Resource: "replicationcontrollers"}:                                 {(*Transformer).pauseReplicas},
	{Group: "apps", Resource: "deployments"}:                             {(*Transformer).pauseReplicas},
	{Group: "apps", Resource: "statefulsets"}:                            {(*Transformer).pauseReplicas},
	{Group: "apps", Resource: "replicasets"}:                             {(*Transformer).pauseReplicas},
	{Group: "networking.k8s.io", Resource: "ingresses"}:                  {(*Transformer).ingress},
	{Group: "scheduling.k8s.io", Resource: "podgroups"}:                  {(*Transformer).podGroup},
	{Group: "batch", Resource: "jobs"}:                                   {(*Transformer).job, (*Transformer).pauseSuspend},
	{Group: "batch", Resource: "cronjobs"}:                               {(*Transformer).pauseSuspend},
	{Group: rbacGroup, Resource: "rolebindings"}:                         {(*Transformer).subjects, (*Transformer).ownName},
	{Group: rbacGroup, Resource: "clusterrolebindings"}:                  {(*Transformer).subjects, (*Transformer).ownName},
	{Group: rbacGroup, Resource: "roles"}:                                {(*Transformer).namespaceRights},
	{Group: rbacGroup, Resource: "clusterroles"}:                         {(*Transformer).namespaceRights},
	{Group: snapshotGroup, Resource: "volumesnapshots"}:                  {(*Transformer).snapshot},
	{Group: snapshotGroup, Resource: "volumesnapshotcontents"}:           {(*Transformer).snapshotContent},
	{Group: groupSnapshotGroup, Resource: "volumegroupsnapshotcontents"}: {(*Transformer).unbind},
}

// Apply transforms one object. Its error is about this object only.
func (t *Transformer) Apply(s Subject) (Result, error) {
	if code := leftOut(s); code != "" {
		return Result{Skip: code}, nil
	}
	identity, archivedLabels := identityOf(s.Manifest), labelsOf(s.Manifest)
	r := Result{Manifest: s.Manifest}
	t.metadata(&s, &r)
	t.status(&s, &r)
	for _, apply := range steps[s.Resource.GroupResource()] {
		apply(t, &s, &r)
	}
	t.namespaces(&s, &r)
	identity.namespace, identity.name = t.TargetOf(s.Source)
	if err := t.modify(&s, &r, archivedLabels); err != nil {
		return Result{}, err
	}
	ensure(r.Manifest, labelsPath...)[RestoreLabel] = t.Label // a patch may have replaced all labels
	if got := identityOf(r.Manifest); got != identity {
		return Result{}, fmt.Errorf("modify object: the modifiers change %s, but they must not change what it is: %s", got.unlike(identity), identity)
	}
	r.Mention = t.mention(&s, r.Manifest)
	return r, nil
}

// isOwn reports whether the object comes back as archived.
func (t *Transformer) isOwn(s *Subject, m Manifest) bool {
	if t.Own == nil {
		return s.Source.Group == OwnGroup
	}
	k := s.Source
	k.Namespace, k.Name = t.TargetOf(k)
	return t.Own(k, m)
}

// TargetOf returns the namespace and name that an archived object gets. A
// Namespace follows the mapping by its own name.
func (t *Transformer) TargetOf(k engine.Key) (namespace, name string) {
	if k.GroupResource == (schema.GroupResource{Resource: "namespaces"}) {
		return "", t.mapped(k.Name)
	}
	return t.mapped(k.Namespace), k.Name
}

// mapped returns the namespace that an archived one is restored into.
func (t *Transformer) mapped(namespace string) string {
	if to, ok := t.Namespaces[namespace]; ok {
		return to
	}
	return namespace
}

// moved reports whether the object goes into another namespace than its own.
func (t *Transformer) moved(k engine.Key) bool {
	namespace, name := t.TargetOf(k)
	return namespace != k.Namespace || name != k.Name
}

// leftOut returns the code of an object that is not restored for what is in it.
func leftOut(s Subject) string {
	switch s.Resource.GroupResource() {
	case schema.GroupResource{Resource: "pods"}:
		return podLeftOut(s)
	case schema.GroupResource{Group: "batch", Resource: "jobs"}:
		if finished(s.Manifest) && !s.Named {
			return CodeCompleted
		}
	}
	return ""
}

// identity is what a modifier must not change.
type identity struct{ apiVersion, kind, namespace, name string }

func identityOf(m Manifest) identity {
	return identity{
		apiVersion: Text(m, "apiVersion"), kind: Text(m, "kind"),
		namespace: Text(m, "metadata", "namespace"), name: Text(m, "metadata", "name"),
	}
}

// unlike names the fields that differ, and not their values, which may be anything that
// the object holds.
func (i identity) unlike(other identity) string {
	var fields []string
	for _, f := range []struct{ name, is, was string }{
		{"apiVersion", i.apiVersion, other.apiVersion}, {"kind", i.kind, other.kind},
		{"metadata.namespace", i.namespace, other.namespace}, {"metadata.name", i.name, other.name},
	} {
		if f.is != f.was {
			fields = append(fields, f.name)
		}
	}
	return strings.Join(fields, ", ")
}

func (i identity) String() string {
	name := i.name
	if i.namespace != "" {
		name = i.namespace + "/" + i.name
	}
	return i.apiVersion + " " + i.kind + " " + name
}
