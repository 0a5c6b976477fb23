// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"
)

const (
	// MaxRecords is how many records a backup can have.
	MaxRecords = 10_000
	// MaxName is how long the name of a backup or restore can be: it leaves room for
	// ".json" within the 255 bytes that a file system allows for a name.
	MaxName = 200
	// MaxNamePart is how long each of its parts can be, of which dots are between: that
	// of a label in DNS.
	MaxNamePart = 63
)

var (
	uuid    = regexp.MustCompile("^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
	attempt = regexp.MustCompile("^[a-z0-9][a-z0-9-]{0,62}$")
	// file names are made of characters that a store allows in keys.
	file = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}(\.[a-z0-9-]{1,16}){0,4}$`)
)

// IsUUID reports whether s is a UUID in lower case, which clusters and stores
// are identified by.
func IsUUID(s string) bool { return len(s) == 36 && uuid.MatchString(s) }

// IsAttempt reports whether s can name an attempt.
func IsAttempt(s string) bool { return attempt.MatchString(s) }

// IsFile reports whether s can name a file of a backup or restore.
func IsFile(s string) bool { return file.MatchString(s) }

// sha256Prefix begins the digests that say what they are.
const sha256Prefix = "sha256:"

// Digest is "sha256:" and the SHA-256 of b, in hexadecimal.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return sha256Prefix + hex.EncodeToString(sum[:])
}

func isPrefixedDigest(s string) bool {
	digits, ok := strings.CutPrefix(s, sha256Prefix)
	return ok && isDigest(digits)
}

// isTime refuses what cannot be written, or is no time at all. Clocks jump, so
// that nothing narrower would be safe.
func isTime(t time.Time) bool {
	return !t.Before(time.Unix(0, 0)) && t.Year() <= 9999
}

// isObject reports whether raw is absent or a JSON object.
func isObject(raw json.RawMessage) bool {
	return len(raw) == 0 || (bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) && json.Valid(raw))
}

// rule is something that must hold of a field.
type rule struct {
	holds bool
	field string
	value any
	what  string
}

func firstBroken(rules ...rule) error {
	for _, r := range rules {
		if !r.holds {
			return broken(r.field, r.value, r.what)
		}
	}
	return nil
}

// broken names a field, and shows its value: quoted and cut, because it may be
// anybody's.
func broken(field string, value any, what string) error {
	var shown string
	switch v := value.(type) {
	case string:
		shown = v
	case json.RawMessage:
		shown = string(v)
	default:
		return fmt.Errorf("%s %v %s", field, v, what)
	}
	return fmt.Errorf("%s %q %s", field, invalidValue(shown), what)
}

func invalidValue(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
