// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/gopherwood/ark/engine"
)

// MaxDocument bounds a marker, record, identity or restore summary as it is
// stored.
const MaxDocument = 1 << 20

// ErrUnknownFormat says that something in a store was written by a version of
// Ark that this one does not know. It is not corrupt.
var ErrUnknownFormat = errors.New("unknown format")

// Unreadable reports whether err says that what was read from a store is to blame:
// it is corrupt, or of an unknown format. Reading it again does not help; anything
// else may pass.
func Unreadable(err error) bool {
	return errors.Is(err, engine.ErrCorrupt) || errors.Is(err, ErrUnknownFormat)
}

// document is what the small files of a store have in common.
type document interface {
	// check tells what is wrong with it.
	check() error
}

// encode checks d and turns it into compact JSON, in which nothing is escaped
// that need not be: a json.RawMessage within comes back as it went in.
func encode(what string, d document) ([]byte, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	b, err := marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", what, err)
	}
	if len(b) > MaxDocument {
		return nil, fmt.Errorf("encode %s: %d bytes are more than %d", what, len(b), MaxDocument)
	}
	return b, nil
}

func marshal(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// decode reads d from b and checks it. The format is looked at first, because
// the fields of another one may have other types. Unknown fields are tolerated.
func decode(what string, b []byte, d document) error {
	if len(b) > MaxDocument {
		return fmt.Errorf("decode %s: %w: %d bytes are more than %d", what, engine.ErrCorrupt, len(b), MaxDocument)
	}
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return fmt.Errorf("decode %s: %w: %w", what, engine.ErrCorrupt, err)
	}
	if head.Format > Format {
		return fmt.Errorf("decode %s: %w: it has format %d and this version of ark reads format %d: use a newer version",
			what, ErrUnknownFormat, head.Format, Format)
	}
	if err := json.Unmarshal(b, d); err != nil {
		return fmt.Errorf("decode %s: %w: %w", what, engine.ErrCorrupt, err)
	}
	if err := d.check(); err != nil {
		if errors.Is(err, ErrUnknownFormat) {
			return fmt.Errorf("decode %s: %w", what, err)
		}
		return fmt.Errorf("decode %s: %w: %w", what, engine.ErrCorrupt, err)
	}
	return nil
}

// EncodeIdentity returns the content of ark-store.json.
func EncodeIdentity(id *Identity) ([]byte, error) { return encode("store identity", id) }

// DecodeIdentity reads ark-store.json. Its errors wrap ErrCorrupt or
// ErrUnknownFormat.
func DecodeIdentity(b []byte) (*Identity, error) {
	var id Identity
	if err := decode("store identity", b, &id); err != nil {
		return nil, err
	}
	return &id, nil
}

func (id *Identity) check() error {
	return firstBroken(
		rule{id.Format == Format, "format", id.Format, "is not a format"},
		rule{IsUUID(id.ID), "id", id.ID, "is not a UUID"},
		rule{isTime(id.Created), "created", id.Created, "is not a time within 1970 and 9999"},
		rule{isText(id.Tool), "tool", id.Tool, "is not text"},
	)
}

// EncodeRecord returns the content of a record's file, signed with every key given.
func EncodeRecord(r *Record, keys ...ed25519.PrivateKey) ([]byte, error) {
	const what = "record"
	body, err := encode(what, r)
	if err != nil {
		return nil, err
	}
	return seal(what, recordDomain, body, keys)
}

// DecodeRecord reads a record, which is then checked in every field but not
// verified: that is for its Seal. Its errors wrap ErrCorrupt or ErrUnknownFormat:
// the latter also for a type of record that this version does not know, because
// ignoring it could lose a backup that it holds.
func DecodeRecord(b []byte) (*Record, *Seal, error) {
	const what = "record"
	body, vouches, err := unseal(what, recordDomain, b)
	if err != nil {
		return nil, nil, err
	}
	var r Record
	if err := decode(what, body, &r); err != nil {
		return nil, nil, err
	}
	return &r, vouches, nil
}

func (r *Record) check() error {
	if err := firstBroken(
		rule{r.Format == Format, "format", r.Format, "is not a format"},
		rule{IsUUID(r.Store), "store", r.Store, "is not a UUID"},
		rule{IsUUID(r.Cluster), "cluster", r.Cluster, "is not a UUID"},
		rule{IsUUID(r.By), "by", r.By, "is not a UUID"},
		rule{isTime(r.Time), "time", r.Time, "is not a time within 1970 and 9999"},
		rule{r.Seq > 0 && r.Seq <= MaxRecords, "seq", r.Seq, "is not within 1 and 10000"},
		rule{isText(r.Reason), "reason", r.Reason, "is not text"},
		rule{r.Previous == "" || isPrefixedDigest(r.Previous), "previous", r.Previous, "is not sha256: and 64 digits"},
	); err != nil {
		return err
	}
	if err := CheckName(r.Name); err != nil {
		return err
	}
	switch r.Type {
	case RecordExtend:
		if r.Expires == nil || !isTime(*r.Expires) {
			return broken("expires", r.Expires, "is not a time, which an extension needs")
		}
	case RecordHold, RecordRelease, RecordDeletion, RecordAdopted:
		if r.Expires != nil {
			return broken("expires", r.Expires, "belongs to an extension only")
		}
	default:
		return fmt.Errorf("%w: records of type %q are not known to this version of ark: use a newer version",
			ErrUnknownFormat, invalidValue(string(r.Type)))
	}
	return nil
}
