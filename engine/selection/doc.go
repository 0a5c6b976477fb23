// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package selection answers what a template covers: which namespaces, which
// types, which objects by label, and which cluster-scoped objects.
package selection
