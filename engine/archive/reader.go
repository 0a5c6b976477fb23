// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxMember bounds a member of the contents, compressed or not: the largest
	// object, and room for what may come before it.
	maxMember = MaxObjectBytes + 2*MemberBytes
	// maxIndex bounds an uncompressed index: more than ten million lines.
	maxIndex = 16 << 30
)

// Opener reads blobs; see engine.Store.
type Opener interface {
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// ReadIndex yields the lines of an index, in the order they were written, while
// they arrive from r. Each Entry was checked and is the caller's to keep. A
// yielded error ends the sequence; it wraps ErrCorrupt when the index is to
// blame, and names the line.
func ReadIndex(r io.Reader) iter.Seq2[Entry, error] { return readLines(r, maxIndex) }

// readLines reads lines of an index that are no longer than limit together.
func readLines(r io.Reader, limit int64) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		gz, err := gzip.NewReader(r)
		if err != nil {
			yield(Entry{}, fmt.Errorf("read index: %w", malformed(err)))
			return
		}
		lines := bufio.NewScanner(&capped{r: gz, left: limit})
		lines.Buffer(make([]byte, 0, 64<<10), maxLine)
		shared := sharedText{}
		n := 0
		for lines.Scan() {
			n++
			e, err := decodeLine(lines.Bytes(), shared)
			if err != nil {
				yield(Entry{}, fmt.Errorf("read index: line %d: %w", n, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Entry{}, fmt.Errorf("read index: line %d: %w", n+1, malformed(err)))
		}
	}
}

func decodeLine(line []byte, shared sharedText) (Entry, error) {
	var e Entry
	if err := json.Unmarshal(line, &e); err != nil {
		return e, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	if err := e.check(); err != nil {
		return e, fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	for _, s := range []*string{&e.Group, &e.Version, &e.Resource, &e.Kind, &e.Namespace} {
		*s = shared.of(*s)
	}
	return e, nil
}

// maxShared bounds what is remembered of an index that never says a thing twice.
const maxShared = 10_000

// sharedText holds the texts that come again from line to line once: a plan keeps
// an Entry for every object.
type sharedText map[string]string

func (t sharedText) of(s string) string {
	if first, ok := t[s]; ok {
		return first
	}
	if len(t) < maxShared {
		t[s] = s
	}
	return s
}

// Contents reads objects out of a contents file. It is safe for concurrent use.
type Contents struct {
	store Opener
	key   string
	size  int64
}

// OpenContents returns the contents that lie at key. The file is what the
// marker says of them; nothing outside of it is read.
func OpenContents(store Opener, key string, file File) *Contents {
	return &Contents{store: store, key: key, size: file.Size}
}

// Member reads the member that holds the object of e, in one request.
func (c *Contents) Member(ctx context.Context, e Entry) (*MemberData, error) {
	for m, err := range c.Members(ctx, []Entry{e}) {
		return m, err
	}
	return nil, ctx.Err() // not reached: a sequence of one entry is not empty
}

func (c *Contents) within(e *Entry) error {
	switch {
	case e.SHA256 == "":
		return fmt.Errorf("%w: not in the archive", engine.ErrNotFound)
	case e.MemberSize <= 0, e.MemberSize > maxMember, e.Member < 0, e.Member > c.size-e.MemberSize:
		return fmt.Errorf("%w: member at %d of %d bytes is not within %d bytes of contents",
			engine.ErrCorrupt, e.Member, e.MemberSize, c.size)
	}
	return nil
}

// MemberData is a member, uncompressed. It is safe for concurrent use, Names and Unnamed excepted.
type MemberData struct {
	offset int64
	data   []byte
	// behind is how many stored bytes follow that are none of the gzip member's.
	behind int64
	// named is where the entries of the tarball lie; nil as long as nobody asked.
	named map[string][2]int64
	// asked are those that Names was asked for.
	asked map[string]bool
}

// Holds reports whether the object of e lies in this member.
func (m *MemberData) Holds(e Entry) bool { return e.SHA256 != "" && e.Member == m.offset }

// Object returns the JSON of the object of e, which shares its memory with the
// member and must not be changed. ErrCorrupt when it is not what was archived.
func (m *MemberData) Object(e Entry) ([]byte, error) {
	end := e.Offset + e.Size
	if !m.Holds(e) || e.Offset < 0 || e.Size < 0 || end < e.Offset || end > int64(len(m.data)) {
		return nil, fmt.Errorf("read %s: %w: not within the member at %d", e.Key(), engine.ErrCorrupt, m.offset)
	}
	raw := m.data[e.Offset:end:end]
	if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:]) != e.SHA256 {
		return nil, fmt.Errorf("read %s: %w: its SHA-256 differs from the index", e.Key(), engine.ErrCorrupt)
	}
	return raw, nil
}

var inflaters sync.Pool

// inflate uncompresses the first gzip member of stored, and says how many bytes are
// behind it.
func inflate(stored []byte, limit int64) (data []byte, behind int64, err error) {
	gz, ok := inflaters.Get().(*gzip.Reader)
	if !ok {
		gz = new(gzip.Reader)
	}
	defer inflaters.Put(gz)
	from := bytes.NewReader(stored)
	if err := gz.Reset(from); err != nil {
		return nil, 0, malformed(err)
	}
	gz.Multistream(false)
	buf := bytes.NewBuffer(make([]byte, 0, sizeHint(stored, limit)))
	if _, err := buf.ReadFrom(&capped{r: gz, left: limit}); err != nil {
		return nil, 0, malformed(err)
	}
	return buf.Bytes(), int64(from.Len()), nil
}

// maxRatio is what deflate can make of a byte, by its format.
const maxRatio = 1032

// sizeHint is how large a buffer for an uncompressed member should be: what the
// member says of itself in its end, within what it can be, and what ReadFrom wants
// to have free in the end.
func sizeHint(stored []byte, limit int64) int64 {
	const trailer = 4
	if len(stored) < trailer {
		return 0
	}
	said := int64(binary.LittleEndian.Uint32(stored[len(stored)-trailer:]))
	return min(said, limit, maxRatio*int64(len(stored))) + bytes.MinRead
}

// errTooLong: uncompressed bytes do not end where they must.
var errTooLong = errors.New("uncompressed data is too long")

// capped reads at most left bytes of r, and fails where there are more.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left < 0 {
		return 0, errTooLong
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.r.Read(p)
	if c.left -= int64(n); c.left < 0 {
		return n, errTooLong
	}
	return n, err
}

// malformed marks the errors that bytes are to blame for as ErrCorrupt; those
// of the store that they came from stay as they are.
func malformed(err error) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum),
		errors.Is(err, errTooLong), errors.Is(err, bufio.ErrTooLong), isFlate(err):
		return fmt.Errorf("%w: %w", engine.ErrCorrupt, err)
	}
	return err
}

func isFlate(err error) bool {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	_, internal := errors.AsType[flate.InternalError](err) // so the library calls some of it
	return corrupt || internal
}
