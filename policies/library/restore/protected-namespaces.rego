# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# METADATA
# scope: package
# title: Protected namespaces
# description: >-
#   Denies restores that write into namespaces on which the cluster itself
#   stands, or which carry a label whose value is "true" in the cluster that is
#   written to.
# custom:
#   parameters:
#     - name: namespaces
#       type: list of strings
#       description: Names of the namespaces that no restore may write into.
#       default: [kube-system, kube-public, kube-node-lease, ark-system]
#     - name: label
#       type: string
#       description: Key of the label that protects a namespace which exists.
#       default: ark.gopherwood.dev/protected
package ark.restore

protected_namespaces_parameters := data.ark.parameters["restore/protected-namespaces"]

# METADATA
# title: Protected namespace
# description: The restore writes into a namespace on which the cluster stands.
deny contains {"code": "protected-namespace", "msg": msg} if {
	some namespace in input.plan.namespaces
	namespace.name in protected_namespaces_parameters.namespaces
	msg := sprintf("namespace %s is protected: exclude it, or map it to another", [namespace.name])
}

# METADATA
# title: Namespace protected by label
# description: The restore writes into a namespace that its owner protects.
deny contains {"code": "namespace-protected-by-label", "msg": msg} if {
	some namespace in input.plan.namespaces
	key := protected_namespaces_parameters.label
	namespace.labels[key] == "true"
	msg := sprintf("namespace %s is protected by its label %s: exclude it, or map it to another", [namespace.name, key])
}
