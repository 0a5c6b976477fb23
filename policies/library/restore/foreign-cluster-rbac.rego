# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# METADATA
# scope: package
# title: Cluster-wide rights from another cluster
# description: >-
#   Denies restores that would write ClusterRoles or ClusterRoleBindings of a
#   backup that another cluster took, or a stranger signed: whoever may do
#   something in all of that cluster would silently be allowed to in this one.
package ark.restore_select

import rego.v2

foreign_cluster_rbac_types := {
	"clusterroles.rbac.authorization.k8s.io",
	"clusterrolebindings.rbac.authorization.k8s.io",
}

# A backup that a stranger signed, or changed, only says that it is this cluster's.
foreign_cluster_rbac_own if {
	input.backup.cluster.uid == input.target.cluster.uid
	input.backup.verification in {"Verified", "Unsigned"}
}

# METADATA
# title: Cluster-wide rights from another cluster
# description: >-
#   A ClusterRole or ClusterRoleBinding of another cluster's backup would be
#   written. Exclude these types from the restore.
deny contains "foreign-cluster-rbac" if {
	input.resource.key in foreign_cluster_rbac_types
	input.change in {"create", "update", "recreate"}
	not foreign_cluster_rbac_own
}
