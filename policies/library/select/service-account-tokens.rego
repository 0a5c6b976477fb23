# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# METADATA
# scope: package
# title: Service account tokens
# description: >-
#   Leaves out Secrets that hold the token of a ServiceAccount. The API server
#   mints a new token where one is asked for; an archived one is of no use in
#   another cluster, and a risk wherever it lies.
package ark.select

# METADATA
# title: Service account token
# description: The API server mints a new one; archiving it would only leak it.
exclude contains "service-account-token" if {
	input.resource.key == "secrets"
	input.object.type == "kubernetes.io/service-account-token"
}
