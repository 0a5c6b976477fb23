// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// maxReaders bounds how many requests read ahead: what each brings, and of it one
// member uncompressed, is held in memory until its last object is handled.
const maxReaders = 4

const (
	// maxObject is the largest object that is restored. An API server takes no request
	// of more (its limit is 3 MiB, which no flag raises; that of etcd, 1.5 MiB, can be
	// raised up to there), and whatever is larger is not worth the memory.
	maxObject = 3 << 20
	// maxDecoded bounds what all objects that are being handled take, roughly, once they
	// are decoded: with a copy to compare, and as much again until it is collected, it
	// fits into the memory that the controller is given.
	maxDecoded = 128 << 20
	// mapBytes and valueBytes are what a map and one more value take, decoded.
	mapBytes   = 400
	valueBytes = 96
)

// footprint is roughly what an object takes, decoded: nine bytes of JSON can take
// four hundred. Characters within texts count too, which does no harm.
func footprint(raw []byte) int64 {
	maps, values := bytes.Count(raw, []byte("{")), bytes.Count(raw, []byte(","))
	return min(maxDecoded, int64(len(raw)+mapBytes*maps+valueBytes*values))
}

// tooLarge refuses an object that no API server takes, before it is decoded. What was
// made safe for HTML has six bytes for one, and is written without that.
func tooLarge(raw []byte) error {
	size := len(raw)
	if size <= maxObject {
		return nil
	}
	for _, escape := range []string{`\u003c`, `\u003e`, `\u0026`} {
		size -= (len(escape) - 1) * bytes.Count(raw, []byte(escape))
	}
	if size <= maxObject {
		return nil
	}
	return fmt.Errorf("has %d bytes, and an API server takes at most %d: it is not restored", size, maxObject)
}

// content is an archived object, or why it cannot be had.
type content struct {
	raw []byte
	err error
}

// handler handles one item. Its error ends the restore; what is about the item
// alone it records. The bytes must not be kept.
type handler func(ctx context.Context, it *item, c content) error

// each calls handle for every item, several at a time, reading each member of
// the archive once. Items must be in the order of the plan.
func (r *run) each(ctx context.Context, items []*item, handle handler) error {
	g, ctx := errgroup.WithContext(ctx)
	spans := make(chan span)
	g.Go(func() error {
		defer close(spans)
		return feed(ctx, items, spans)
	})
	type job struct {
		it *item
		c  content
	}
	jobs := make(chan job)
	readers, readCtx := errgroup.WithContext(ctx)
	for range min(maxReaders, r.req.workers()) {
		readers.Go(func() error {
			for s := range spans {
				err := r.readSpan(readCtx, s, func(it *item, c content) error {
					select {
					case jobs <- job{it, c}:
						return nil
					case <-readCtx.Done():
						return readCtx.Err()
					}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	g.Go(func() error {
		defer close(jobs)
		return readers.Wait()
	})
	for range r.req.workers() {
		g.Go(func() error {
			for j := range jobs {
				if err := r.handle(ctx, j.it, j.c, handle); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// handle calls handle when there is room for the object.
func (r *run) handle(ctx context.Context, it *item, c content, handle handler) error {
	if c.err == nil {
		if c.err = tooLarge(c.raw); c.err != nil {
			c.raw = nil
		}
	}
	room := footprint(c.raw)
	if err := r.decoded.Acquire(ctx, room); err != nil {
		return err
	}
	defer r.decoded.Release(room)
	return handle(ctx, it, c)
}

// span are items, in the order of the plan, of members that one request reads: a
// slice for each.
type span [][]*item

// takes reports whether the items of a further member come with the same request.
func (s span) takes(member []*item) bool {
	if len(s) == 0 {
		return true
	}
	first, last, next := s[0][0], s[len(s)-1][0], member[0]
	return first.fromArchive() && next.fromArchive() && archive.InReach(first.entry, last.entry, next.entry)
}

// feed cuts items into spans.
func feed(ctx context.Context, items []*item, spans chan<- span) error {
	var s span
	send := func() error {
		select {
		case spans <- s:
			s = nil
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for rest := items; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].entry.Member == rest[0].entry.Member && rest[n].fromArchive() == rest[0].fromArchive() {
			n++
		}
		if !s.takes(rest[:n]) {
			if err := send(); err != nil {
				return err
			}
		}
		s, rest = append(s, rest[:n]), rest[n:]
	}
	if len(s) == 0 {
		return nil
	}
	return send()
}

// readSpan reads a span and sends its objects. A corrupt member is its objects'
// failure; a store that fails ends the restore, to be resumed.
func (r *run) readSpan(ctx context.Context, s span, send func(*item, content) error) error {
	if !s[0][0].fromArchive() {
		for _, it := range s[0] {
			if err := send(it, content{raw: plainNamespace(it.source.Name)}); err != nil {
				return err
			}
		}
		return nil
	}
	entries := make([]archive.Entry, 0, len(s))
	for _, items := range s {
		entries = append(entries, items[0].entry)
	}
	for member, err := range r.src.Contents.Members(ctx, entries) {
		if err != nil && !errors.Is(err, engine.ErrCorrupt) {
			return err
		}
		for _, it := range s[0] {
			c := content{err: err}
			if err == nil {
				c.raw, c.err = member.Object(it.entry)
			}
			if err := send(it, c); err != nil {
				return err
			}
		}
		s = s[1:]
	}
	return nil
}
