# SPDX-FileCopyrightText: The Ark Authors
# SPDX-License-Identifier: Apache-2.0

# METADATA
# scope: package
# title: Opt-out label
# description: >-
#   Lets the owner of an object, or of a namespace, keep it out of backups with
#   a label whose value is "true".
# custom:
#   parameters:
#     - name: key
#       type: string
#       description: Key of the label.
#       default: ark.gopherwood.dev/exclude
package ark.select

opt_out_label_key := data.ark.parameters["select/opt-out-label"].key

# METADATA
# title: Opted out
# description: The object carries the label that keeps it out of backups.
exclude contains "opted-out" if input.object.metadata.labels[opt_out_label_key] == "true"

# METADATA
# title: Namespace opted out
# description: The object's namespace carries the label that keeps it out of backups.
exclude contains "namespace-opted-out" if input.namespace.labels[opt_out_label_key] == "true"
