// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"
	"strings"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// needs returns what an object refers to and cannot do without. Only the types
// that have such references are decoded; one that cannot be has none.
func needs(o engine.Object) []archive.Ref {
	switch o.Resource.GroupResource() {
	case claimsType:
		return append(claimNeeds(o), classNeeds(o)...)
	case volumesType:
		return append(volumeNeeds(o), classNeeds(o)...)
	case roleBindingsType, clusterRoleBindingsType:
		return bindingNeeds(o)
	case rolesType, clusterRolesType:
		return roleNeeds(o)
	case definitionsType:
		return definitionNeeds(o)
	}
	return classNeeds(o)
}

func claimNeeds(o engine.Object) []archive.Ref {
	var claim struct {
		Spec struct {
			VolumeName string `json:"volumeName"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.Raw, &claim) != nil || claim.Spec.VolumeName == "" {
		return nil
	}
	return []archive.Ref{{Resource: volumesType.Resource, Name: claim.Spec.VolumeName}}
}

func volumeNeeds(o engine.Object) []archive.Ref {
	var volume struct {
		Spec struct {
			ClaimRef struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"claimRef"`
		} `json:"spec"`
	}
	if json.Unmarshal(o.Raw, &volume) != nil || volume.Spec.ClaimRef.Name == "" {
		return nil
	}
	claim := volume.Spec.ClaimRef
	return []archive.Ref{{Resource: claimsType.Resource, Namespace: claim.Namespace, Name: claim.Name}}
}

// binding is what RoleBindings and ClusterRoleBindings have in common.
type binding struct {
	RoleRef struct {
		Kind string `json:"kind"`
		Name string `json:"name"`
	} `json:"roleRef"`
	Subjects []struct {
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"subjects"`
}

func bindingNeeds(o engine.Object) []archive.Ref {
	var b binding
	if json.Unmarshal(o.Raw, &b) != nil {
		return nil
	}
	var refs []archive.Ref
	for _, s := range b.Subjects {
		if ref, ok := subjectRef(s.Kind, s.Namespace, s.Name); ok {
			refs = append(refs, ref)
		}
	}
	switch {
	case b.RoleRef.Name == "":
	case b.RoleRef.Kind == "ClusterRole":
		refs = append(refs, archive.Ref{Group: rbacGroup, Resource: clusterRolesType.Resource, Name: b.RoleRef.Name})
	case b.RoleRef.Kind == "Role":
		refs = append(refs, archive.Ref{Group: rbacGroup, Resource: rolesType.Resource, Namespace: o.Meta.Namespace, Name: b.RoleRef.Name})
	}
	return refs
}

// Names of users and groups that stand for service accounts: see "Service account
// tokens" in Kubernetes' page on authenticating.
const (
	accountUser     = "system:serviceaccount:"
	allAccounts     = "system:serviceaccounts"
	accountsOfPlace = allAccounts + ":"
)

// subjectRef refers to the service account, or the group of them, that a subject
// stands for. Groups are no objects; as a Ref they have a name only.
func subjectRef(kind, namespace, name string) (archive.Ref, bool) {
	switch kind {
	case "ServiceAccount":
		return accountRef(namespace, name), namespace != "" && name != ""
	case "User":
		rest, ok := strings.CutPrefix(name, accountUser)
		namespace, account, _ := strings.Cut(rest, ":")
		return accountRef(namespace, account), ok && namespace != "" && account != ""
	case "Group":
		return archive.Ref{Group: rbacGroup, Resource: groupsType.Resource, Name: name},
			name == allAccounts || strings.HasPrefix(name, accountsOfPlace)
	}
	return archive.Ref{}, false
}
