# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

package ark.select

# METADATA
# title: Asked for
# description: The object carries the label backup=yes.
include contains "object-asked-for" if input.object.metadata.labels.backup == "yes"

# METADATA
# title: Namespace asked for
# description: The object's namespace carries the label backup=yes.
include contains "namespace-asked-for" if input.namespace.labels.backup == "yes"

# METADATA
# title: Declined
# description: The object carries the label backup=no, whatever its namespace says.
exclude contains "declined" if input.object.metadata.labels.backup == "no"
