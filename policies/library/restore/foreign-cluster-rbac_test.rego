# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.restore_select_test

import data.ark.restore_select

foreign_cluster_rbac_cases := {
	"a cluster role of another cluster is refused": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"cluster": {"uid": "a"}}, "want": {"foreign-cluster-rbac"},
	},
	"a binding of another cluster is refused": {
		"key": "clusterrolebindings.rbac.authorization.k8s.io", "change": "update",
		"backup": {"cluster": {"uid": "a"}}, "want": {"foreign-cluster-rbac"},
	},
	"a backup of unknown origin is refused": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"name": "nightly"}, "want": {"foreign-cluster-rbac"},
	},
	"a cluster role of this cluster is allowed": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"cluster": {"uid": "b"}}, "want": set(),
	},
	"what stays as it is may": {
		"key": "clusterroles.rbac.authorization.k8s.io", "change": "keep",
		"backup": {"cluster": {"uid": "a"}}, "want": set(),
	},
	"a role within a namespace is allowed": {
		"key": "roles.rbac.authorization.k8s.io", "change": "create",
		"backup": {"cluster": {"uid": "a"}}, "want": set(),
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
