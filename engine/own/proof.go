// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package own

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

// Proof is what is known of whose backup an object of Ark's comes from.
type Proof string

const (
	// NothingSigns is when this cluster signs no backups and trusts no keys, so that nothing
	// can be proven of any.
	NothingSigns Proof = ""
	// Unproven is when it could be proven, and is not: the backup is not verified, or another
	// cluster's.
	Unproven Proof = "unproven"
	// Proven is when the backup is verified, and this cluster's own.
	Proven Proof = "proven"
)

// written begins the names of the ConfigMaps that Ark writes: records, and rules that
// are in force.
const written = "ark-"

// Allows reports whether an object that is Ark's, see Owns, may be made where it is
// missing. Without a proof that can be had, only what Ark is told may: see DESIGN.md of
// package restore.
func (p Proof) Allows(f *Facts, k engine.Key, m map[string]any) bool {
	return p == Proven || p == NothingSigns && f.tells(k, m)
}

// tells reports whether an object tells Ark what to do, and can take nothing away by
// that: a policy brings gates, a Secret or ConfigMap that nobody has named yet means
// nothing, and in a namespace that is missing nothing runs.
func (f *Facts) tells(k engine.Key, m manifest) bool {
	if k.Group == Group {
		return slices.Contains(kinds, k.Resource)
	}
	if k == (engine.Key{GroupResource: schema.GroupResource{Resource: "namespaces"}, Name: f.Namespace}) {
		return true
	}
	if f.Named[k] || f.Namespace == "" || k.Namespace != f.Namespace {
		return false
	}
	switch k.GroupResource {
	case schema.GroupResource{Resource: "configmaps"}:
		// Ark writes its own there, of which a forged one would be believed.
		return !strings.HasPrefix(k.Name, written)
	case schema.GroupResource{Resource: "secrets"}:
		// A token is the account itself, and from a release's Secret Helm takes what it
		// installs.
		return !slices.Contains([]string{"kubernetes.io/service-account-token", "helm.sh/release.v1"}, text(m, "type"))
	}
	return false
}
