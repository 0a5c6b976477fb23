// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// EqualValues reports whether two decoded JSON values are equal, apart from null and
// from lists that are empty on either side.
func EqualValues(a, b any) bool {
	c := comparison{beyond: true}
	c.values("", a, b)
	return len(c.fields) == 0
}
