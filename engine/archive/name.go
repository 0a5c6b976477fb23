// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// CheckName tells why name cannot be the name of a backup or restore in a
// store, or returns nil. The API server has the same rule for the names of Backups,
// Restores and BackupPolicies.
func CheckName(name string) error {
	if len(name) > MaxName {
		return broken("name", name, "has more than 200 characters: choose a shorter one")
	}
	for part := range strings.SplitSeq(name, ".") {
		switch {
		case len(part) > MaxNamePart:
			return broken("name", name, "has a part of more than 63 characters: choose a shorter one, or put dots in between")
		case !isLabel(part):
			return broken("name", name, "is not a DNS name: write lower case letters, digits, \"-\" and \".\", "+
				"and begin and end each part with a letter or digit")
		}
	}
	return nil
}

// FitName returns base and suffix as one name that is not too long for CheckName. Where
// it would be, base is cut and gets a hash of all of it, so that no two names become one;
// then the name fits a label too, and another short suffix. suffix has at most 40
// characters.
func FitName(base, suffix string) string {
	if name := base + suffix; fits(name) {
		return name
	}
	const digits, spare = 10, 7
	sum := sha256.Sum256([]byte(base))
	hash := "-" + hex.EncodeToString(sum[:])[:digits]
	cut := base[:min(len(base), MaxNamePart-spare-len(hash)-len(suffix))]
	return strings.TrimRight(cut, "-.") + hash + suffix
}

// fits reports whether a name and its parts are short enough.
func fits(name string) bool {
	if len(name) > MaxName {
		return false
	}
	for part := range strings.SplitSeq(name, ".") {
		if len(part) > MaxNamePart {
			return false
		}
	}
	return true
}
