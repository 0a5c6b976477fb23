// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"encoding/json"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// needs returns what an object refers to and cannot do without. Only the types
// that have such references are decoded; one that cannot be has none.
func needs(o engine.Object) []archive.Ref {
	switch o.Resource.GroupResource() {
	case claimsType:
		return claimNeeds(o)
	case volumesType:
		return volumeNeeds(o)
	case roleBindingsType, clusterRoleBindingsType:
		return bindingNeeds(o)
	}
	return nil
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
		if s.Kind == "ServiceAccount" && s.Name != "" && s.Namespace != "" {
			refs = append(refs, accountRef(s.Namespace, s.Name))
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

// subjectGroups returns the groups that a binding binds to.
func subjectGroups(raw []byte) []string {
	var b binding
	if json.Unmarshal(raw, &b) != nil {
		return nil
	}
	var groups []string
	for _, s := range b.Subjects {
		if s.Kind == "Group" {
			groups = append(groups, s.Name)
		}
	}
	return groups
}
