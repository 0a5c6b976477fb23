// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"bytes"
	"encoding/json"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// maxDefinitions bounds how many definitions one role, or a definition's own line, names.
const maxDefinitions = 256

// roleNeeds returns the definitions of the custom types whose controller a role is for:
// nobody else writes their status or their finalizers. An operator does not start
// without its definitions, be there objects of them or not. Rules on all groups or
// types are an administrator's, and say nothing.
func roleNeeds(o engine.Object) []archive.Ref {
	var role struct {
		Rules []struct {
			Groups    []string `json:"apiGroups"`
			Resources []string `json:"resources"`
		} `json:"rules"`
	}
	if !bytes.Contains(o.Raw, []byte(`/status"`)) && !bytes.Contains(o.Raw, []byte(`/finalizers"`)) || json.Unmarshal(o.Raw, &role) != nil {
		return nil
	}
	var refs []archive.Ref
	seen := map[string]bool{}
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			resource, controlled := controlledType(resource)
			for _, group := range rule.Groups {
				name := resource + "." + group
				if !controlled || !strings.Contains(group, ".") || seen[name] || len(refs) >= maxDefinitions {
					continue
				}
				seen[name] = true
				refs = append(refs, archive.Ref{Group: definitionsType.Group, Resource: definitionsType.Resource, Name: name})
			}
		}
	}
	return refs
}

// controlledType returns the type whose status or finalizers a rule is about.
func controlledType(resource string) (plural string, ok bool) {
	plural, sub, _ := strings.Cut(resource, "/")
	return plural, plural != "*" && (sub == "status" || sub == "finalizers")
}

// releaseNamespace is where Helm notes the namespace of the release that an object is of.
const releaseNamespace = "meta.helm.sh/release-namespace"

// definitionNeeds returns the namespaces that a definition belongs to: where the service
// that converts its objects runs, and that of its Helm release.
func definitionNeeds(o engine.Object) []archive.Ref {
	var definition struct {
		Spec struct {
			Conversion struct {
				Webhook struct {
					Client struct {
						Service struct {
							Namespace string `json:"namespace"`
						} `json:"service"`
					} `json:"clientConfig"`
				} `json:"webhook"`
			} `json:"conversion"`
		} `json:"spec"`
	}
	if bytes.Contains(o.Raw, []byte(`"clientConfig"`)) && json.Unmarshal(o.Raw, &definition) != nil {
		return nil
	}
	var refs []archive.Ref
	service, release := definition.Spec.Conversion.Webhook.Client.Service.Namespace, o.Meta.Annotations[releaseNamespace]
	for _, namespace := range []string{service, release} {
		if namespace != "" && (len(refs) == 0 || refs[0].Name != namespace) {
			refs = append(refs, archive.Ref{Resource: namespacesType.Resource, Name: namespace})
		}
	}
	return refs
}

// isOfOperator reports whether a definition belongs to a namespace whose service accounts
// are archived.
func (r *related) isOfOperator(ref archive.Ref) bool {
	_, archived := r.accountNamespaces[ref.Name]
	return archived && (schema.GroupResource{Group: ref.Group, Resource: ref.Resource}) == namespacesType
}
