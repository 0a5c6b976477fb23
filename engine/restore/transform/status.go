// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// Observed returns an archived status as it is true of a live object: no observedGeneration
// in it, at any depth, is ahead of the live object's generation. Controllers would take
// later changes for ones that they have seen. What had not seen the archived generation
// has not seen the live one either. The archived status stays as it is.
func Observed(status any, archived int64, live Manifest) any {
	generation, ok := child(live, "metadata")["generation"].(int64)
	if !ok || generation <= 0 {
		return status
	}
	return lowered(status, archived, generation)
}

func lowered(v any, archived, generation int64) any {
	switch v := v.(type) {
	case Manifest:
		m := make(Manifest, len(v))
		for key, value := range v {
			if n, ok := value.(int64); ok && key == "observedGeneration" && n > generation {
				value = generation
				if n < archived {
					value = generation - 1
				}
			}
			m[key] = lowered(value, archived, generation)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = lowered(value, archived, generation)
		}
		return list
	}
	return v
}

// EqualValues reports whether two decoded JSON values are equal, apart from null and
// from lists that are empty on either side.
func EqualValues(a, b any) bool {
	c := comparison{beyond: true}
	c.values("", a, b)
	return len(c.fields) == 0
}
