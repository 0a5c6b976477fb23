// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package own

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
)

// Group is the API group of Ark's own kinds.
const Group = "ark.gopherwood.dev"

// kinds are the resources of that group. All are cluster-scoped.
var kinds = []string{"configs", "backuppolicies", "schedules", "backups", "restores"}

// Facts are how Ark runs in a cluster, as the cluster tells. The zero value knows of
// no namespace and no account: then Ark's kinds and the names of the chart are all
// that is Ark's.
type Facts struct {
	// Namespace is Ark's. All that lies in it is Ark's, too.
	Namespace string
	// User is what the API server calls the account that Ark runs as.
	User string
	// Bindings are those that name the account, and Roles what they refer to, whether
	// it exists or not.
	Bindings, Roles map[engine.Key]bool
	// Aggregated select the ClusterRoles whose rules become part of those roles.
	Aggregated []labels.Selector
	// Policies are the admission policies that match Ark's kinds.
	Policies map[engine.Key]bool
	// Named are the Secrets and ConfigMaps that Ark is told to use, by its Config or a
	// BackupPolicy, whether they exist or not.
	Named map[engine.Key]bool
}

// The names that the chart gives, whatever the release is called: a role of such a
// name that is not bound today is bound by the next upgrade.
const (
	chartAccount     = "ark"
	chartFlowControl = "ark"
	chartEventsRole  = "ark-controllers-default"
)

var chartRoles = []string{"ark-controllers", "ark-backup", "ark-restore"}

// charted reports whether the chart has a role and a binding of that name there.
func charted(k engine.Key) bool {
	if k.Namespace == "" {
		return slices.Contains(chartRoles, k.Name)
	}
	return k.Namespace == "default" && k.Name == chartEventsRole
}

const accountUserPrefix = "system:serviceaccount:"

// accounts are the accounts that are Ark's: the one that it runs as, and the one that
// the chart makes.
func (f *Facts) accounts() []account {
	var all []account
	if a, ok := accountOf(f.User); ok {
		all = append(all, a)
	}
	if f.Namespace != "" {
		all = append(all, account{f.Namespace, chartAccount})
	}
	return all
}

// account is a service account.
type account struct{ namespace, name string }

// accountOf reads the name that the API server gives to a service account: see
// "Service account tokens" in Kubernetes' page on authenticating.
func accountOf(user string) (account, bool) {
	rest, ok := strings.CutPrefix(user, accountUserPrefix)
	if !ok {
		return account{}, false
	}
	namespace, name, ok := strings.Cut(rest, ":")
	return account{namespace, name}, ok && namespace != "" && name != ""
}

func (a account) user() string { return accountUserPrefix + a.namespace + ":" + a.name }

// group holds all accounts of the namespace. Those of all namespaces, and of all who
// are known, are everybody's: what they are given, Ark does not get for itself.
func (a account) group() string { return "system:serviceaccounts:" + a.namespace }
