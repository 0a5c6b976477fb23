// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
)

// maxNear is how many names a message suggests.
const maxNear = 3

// stamped returns the name of something that is made from base now, cut where it
// would be too long.
func stamped(base string, now time.Time) string {
	return archive.FitName(base, "-"+now.UTC().Format("20060102150405"))
}

// distinct makes a name that was made up, and that no cluster can be asked about, one
// of its own for what spec says: others may be made up in the same second.
func distinct(name string, spec any) (string, error) {
	written, err := json.Marshal(spec)
	if err != nil {
		return "", err
	}
	const digits = 6
	sum := sha256.Sum256(written)
	return archive.FitName(name, "-"+hex.EncodeToString(sum[:])[:digits]), nil
}

// checkName tells what is wrong with the name of an object to be created.
func checkName(name string) error {
	if err := archive.CheckName(name); err != nil {
		return exit.Usagef("%w", err)
	}
	return nil
}

// optionalName takes the name that may be the only argument.
func optionalName(args []string) (string, error) {
	if len(args) == 0 {
		return "", nil
	}
	return args[0], checkName(args[0])
}

// byName orders objects by their names.
func byName[T client.Object](a, b T) int { return strings.Compare(a.GetName(), b.GetName()) }

// nearest returns the names that may have been meant, best first: those that
// begin with what was written, and those a few letters off.
func nearest(name string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	// A third of the letters may be wrong, or short names would be near everything.
	limit := len(name) / 3
	var found []candidate
	for _, n := range names {
		switch d := distance(name, n); {
		case strings.HasPrefix(n, name):
			found = append(found, candidate{n, 0})
		case d <= limit:
			found = append(found, candidate{n, d})
		}
	}
	slices.SortFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(b.name, a.name))
	})
	found = slices.Compact(found) // backups of several clusters can share a name
	var near []string
	for _, f := range found[:min(len(found), maxNear)] {
		near = append(near, f.name)
	}
	return near
}

// distance is the number of letters to add, remove or replace to make b of a
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// orList writes "a", "b" or "c".
func orList(names []string) string {
	quoted := make([]string, 0, len(names))
	for _, n := range names {
		quoted = append(quoted, strconv.Quote(n))
	}
	return strings.Join(quoted, " or ")
}
