// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"
	"slices"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// confidential are, by type, the fields that hold what nobody may be told: what a
// patch could compare or move out of there would be seen in a failure, a label or a
// dry run. The annotation repeats the whole object.
var confidential = map[schema.GroupResource][][]string{
	{Resource: "secrets"}: {{"data"}, {"stringData"}, {"metadata", "annotations", lastApplied}},
}

// tokens are the parts of a pointer, as the patch is applied: whatever stands before
// its first slash is passed over.
func tokens(pointer string) []string {
	parts := strings.Split(pointer, "/")[1:]
	for i, p := range parts {
		parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(p)
	}
	return parts
}

// reaches reports whether a pointer leads to, above or below one of the fields.
func reaches(fields [][]string, pointer string) bool {
	at := tokens(pointer)
	return slices.ContainsFunc(fields, func(field []string) bool {
		n := min(len(field), len(at))
		return slices.Equal(field[:n], at[:n])
	})
}

// liesIn reports whether a pointer leads to or below one of the fields.
func liesIn(fields [][]string, pointer string) bool {
	at := tokens(pointer)
	return slices.ContainsFunc(fields, func(field []string) bool {
		return len(at) >= len(field) && slices.Equal(field, at[:len(field)])
	})
}

// discloses says which operation of a patch would tell what is in the confidential
// fields of an object, or nothing. It is judged by the operations alone: whether a value
// fits must not show.
func discloses(gr schema.GroupResource, patch jsonpatch.Patch) error {
	fields := confidential[gr]
	if len(fields) == 0 {
		return nil
	}
	for i, op := range patch {
		path, _ := op.Path()
		from, _ := op.From()
		switch kind := op.Kind(); {
		case kind == "test" && reaches(fields, path):
			return fmt.Errorf("operation %d tests %q: what a Secret holds cannot be compared, because the outcome would tell it: test another field, or take the operation out", i+1, path)
		case (kind == "copy" || kind == "move") && reaches(fields, from) && (!liesIn(fields, from) || !liesIn(fields, path)):
			return fmt.Errorf("operation %d takes %q to %q: what a Secret holds must stay in its data, because everything else of it is shown: take the operation out", i+1, from, path)
		}
	}
	return nil
}

// writesConfidential reports whether a patch writes into confidential fields.
func writesConfidential(gr schema.GroupResource, patch jsonpatch.Patch) bool {
	fields := confidential[gr]
	return slices.ContainsFunc(patch, func(op jsonpatch.Operation) bool {
		path, _ := op.Path()
		return reaches(fields, path)
	})
}

// HideGuess makes a difference the same whether what a modifier wrote into confidential
// fields is what is there or not: a dry run would tell.
func HideGuess(gr schema.GroupResource, d Difference) Difference {
	var hidden []string
	for _, f := range confidential[gr] {
		hidden = append(hidden, strings.Join(f, "."))
	}
	fields := slices.DeleteFunc(slices.Clone(d.Fields), func(path string) bool {
		return slices.ContainsFunc(hidden, func(f string) bool { return path == f || strings.HasPrefix(path, f+".") })
	})
	fields = append(fields, hidden[0])
	slices.Sort(fields)
	return Difference{Fields: fields}
}
