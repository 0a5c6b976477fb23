# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.restore_select_test

import data.ark.restore_select

foreign_cluster_rbac_cases := {
	"a cluster role of another cluster is refused": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"verification": "Verified", "cluster": {"uid": "a"}}, "want": {"foreign-cluster-rbac"},
	},
	"a binding of another cluster is refused": {
		"key": "clusterrolebindings.rbac.authorization.k8s.io", "change": "update",
		"backup": {"verification": "Verified", "cluster": {"uid": "a"}}, "want": {"foreign-cluster-rbac"},
	},
	"a backup of unknown origin is refused": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"name": "nightly"}, "want": {"foreign-cluster-rbac"},
	},
	"a cluster role of this cluster is allowed": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"verification": "Verified", "cluster": {"uid": "b"}}, "want": set(),
	},
	"a cluster role of a backup that nobody signed, and lies under this cluster, is allowed": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"verification": "Unsigned", "cluster": {"uid": "b"}}, "want": set(),
	},
	"a cluster role of a backup that a stranger signed is refused, wherever it lies": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"verification": "UnknownKey", "cluster": {"uid": "b"}}, "want": {"foreign-cluster-rbac"},
	},
	"what stays as it is may": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "keep",
		"backup": {"verification": "Verified", "cluster": {"uid": "a"}}, "want": set(),
	},
	"a role within a namespace is allowed": {
		"key": "roles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"verification": "Verified", "cluster": {"uid": "a"}}, "want": set(),
	},
}

test_foreign_cluster_rbac[name] if {
	some name, tc in foreign_cluster_rbac_cases
	got := restore_select.deny & {"foreign-cluster-rbac"} with input as {
		"resource": {"key": tc.key},
		"change": tc.change,
		"backup": tc.backup,
		"target": {"cluster": {"uid": "b"}},
	}
	got == tc.want
}
