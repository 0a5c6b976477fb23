// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import "slices"

// finalizers returns those of an object.
func finalizers(m Manifest) []any {
	list, _ := child(m, "metadata")["finalizers"].([]any)
	return list
}

// Finalizer returns the first finalizer of an object that is none of those.
func Finalizer(m Manifest, except ...string) string {
	for _, v := range finalizers(m) {
		if f, ok := v.(string); ok && !slices.Contains(except, f) {
			return f
		}
	}
	return ""
}
