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

// maxReaders bounds how many members are read ahead: each is held in memory
// until its last object is handled.
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
	members := make(chan []*item)
	g.Go(func() error {
		defer close(members)
		return feed(ctx, items, members)
	})
	type job struct {
		it *item
		c  content
	}
	jobs := make(chan job)
	readers, readCtx := errgroup.WithContext(ctx)
	for range min(maxReaders, r.req.workers()) {
		readers.Go(func() error {
			for member := range members {
				err := r.readMember(readCtx, member, func(it *item, c content) error {
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

// feed cuts items into runs that lie in one member.
func feed(ctx context.Context, items []*item, members chan<- []*item) error {
	for start := 0; start < len(items); {
		end := start + 1
		for end < len(items) && items[end].entry.Member == items[start].entry.Member &&
			items[end].fromArchive() == items[start].fromArchive() {
			end++
		}
		select {
		case members <- items[start:end]:
		case <-ctx.Done():
			return ctx.Err()
		}
		start = end
	}
	return nil
}

// readMember reads one member and sends its objects. A corrupt member is its
// objects' failure; a store that fails ends the restore, to be resumed.
func (r *run) readMember(ctx context.Context, items []*item, send func(*item, content) error) error {
	var member *archive.MemberData
	var corrupt error
	if items[0].fromArchive() {
		var err error
		member, err = r.src.Contents.Member(ctx, items[0].entry)
		if err != nil && !errors.Is(err, engine.ErrCorrupt) {
			return err
		}
		corrupt = err
	}
	for _, it := range items {
		c := content{err: corrupt}
		switch {
		case !it.fromArchive():
			c.raw = plainNamespace(it.source.Name)
		case corrupt == nil:
			c.raw, c.err = member.Object(it.entry)
		}
		if err := send(it, c); err != nil {
			return err
		}
	}
	return nil
}
