// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import "slices"

// finalizers returns those of an object.
func finalizers(m Manifest) []any {
	list, _ := child(m, "metadata")["finalizers"].([]any)
	return list
}

// adoptFinalizers puts the live object's finalizers before those of want: a controller
// that came to hold the object since must be asked before it goes.
func adoptFinalizers(want, live Manifest) {
	held := finalizers(live)
	if len(held) == 0 {
		return
	}
	all := slices.Clone(held)
	for _, f := range finalizers(want) {
		if !slices.ContainsFunc(all, func(other any) bool { return equalScalars(f, other) }) {
			all = append(all, f)
		}
	}
	ensure(want, "metadata")["finalizers"] = all
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
