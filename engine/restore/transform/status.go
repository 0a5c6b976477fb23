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

// LacksManagers reports whether a server-side apply that archived managedFields
// account for is unknown to the live object.
func LacksManagers(live Manifest, archived []any) bool {
	type manager struct{ name, subresource any }
	known := map[manager]bool{}
	for _, e := range objects(live, "metadata", "managedFields") {
		if e["operation"] == "Apply" {
			known[manager{e["manager"], e["subresource"]}] = true
		}
	}
	for _, v := range archived {
		e, _ := v.(Manifest)
		if e["operation"] == "Apply" && !known[manager{e["manager"], e["subresource"]}] {
			return true
		}
	}
	return false
}
