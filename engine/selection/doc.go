// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package selection answers what a template covers: which namespaces, which
// types, which objects by label, and which cluster-scoped objects.
//
// Namespaces are written by name or glob. Types are written as people call
// them: plural, singular, kind or short name in any case, with the group behind
// a dot where the name alone would mean several types; "*.apps" is a whole
// group. The core group, whose name is empty, is written "core": "pods.core",
// "*.core". Exclusion always wins.
package selection
