// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

// maxReaders bounds how many requests read ahead: what each brings, and of it one
// member uncompressed, is held in memory until its last object is handled.
const maxReaders = 4

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
				if err := handle(ctx, j.it, j.c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
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
