// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxAttempts is how often a page is asked for. With the delays between, that
	// outlasts the restart of an API server: about a minute.
	maxAttempts = 11
	firstDelay  = 200 * time.Millisecond
	// longDelay bounds our own delays, maxDelay those that a server asks for.
	longDelay = 10 * time.Second
	maxDelay  = time.Minute
	// jitter keeps parallel lists from coming back at the same moment.
	jitter = 0.2
	// fewAttempts and patience bound the question for a type's revision: everything
	// else waits for the answer.
	fewAttempts = 2
	patience    = 6 * time.Second
)

// List implements engine.Lister.
func (c *Cluster) List(ctx context.Context, r engine.Resource, opts engine.ListOptions) iter.Seq2[engine.Object, error] {
	return func(yield func(engine.Object, error) bool) {
		l := c.newListing(r, opts)
		l.yield = func(o engine.Object) bool { return yield(o, nil) }
		for {
			err := l.page(ctx)
			if err == nil && l.token != "" {
				continue
			}
			if err != nil && !errors.Is(err, errStopped) {
				yield(engine.Object{}, fmt.Errorf("list %s: %w", r.GroupResource(), err))
			}
			return
		}
	}
}

// Revision implements engine.Historian.
func (c *Cluster) Revision(ctx context.Context, r engine.Resource) (engine.State, error) {
	var page engine.Page
	var objects int64
	ctx, cancel := context.WithTimeoutCause(ctx, c.patience, errSilent)
	defer cancel()
	l := c.newListing(r, engine.ListOptions{OnPage: func(p engine.Page) { page = p }})
	l.attempts, l.patience, l.paging = fewAttempts, c.patience, newPaging(1)
	l.yield = func(engine.Object) bool {
		objects++
		return true
	}
	if err := l.page(ctx); err != nil {
		return engine.State{}, fmt.Errorf("ask for the revision of %s: %w", r.GroupResource(), err)
	}
	if objects += page.Remaining; l.token != "" && page.Remaining <= 0 {
		objects = -1 // there are more, and it does not say how many
	}
	return engine.State{Revision: page.Revision, Objects: objects}, nil
}

// errStopped ends a listing that nobody wants the rest of.
var errStopped = errors.New("stopped")

// listing is one list in progress.
type listing struct {
	cluster *Cluster
	target  target
	opts    engine.ListOptions
	yield   func(engine.Object) bool
	// token continues the list; empty for the first page.
	token string
	// revision is what the first page is asked for at: the caller's, or once the
	// API server chose one, that, so that a second attempt sees the same list.
	revision string
	// attempts is how often a page is asked for, and patience the longest wait between.
	attempts int
	patience time.Duration
	// announced says that OnPage was called for the page, and begun that the API
	// server answered with a page at all.
	announced, begun bool
	// torn says that the page is of another revision than what was read before.
	torn bool
	// paging is how much is asked for at a time, and what was yielded of it.
	paging paging
	// buf holds an object whose type was put back.
	buf []byte
	// names are those that the objects share.
	names names
}

func (c *Cluster) newListing(r engine.Resource, opts engine.ListOptions) *listing {
	return &listing{
		cluster: c, target: target{resource: r, namespace: opts.Namespace}, opts: opts,
		attempts: maxAttempts, patience: 2 * maxDelay, paging: newPaging(c.pageSize), revision: opts.Revision, names: names{},
	}
}

// page reads the next page, in as many attempts as it takes, and sets the token
// of the one behind it.
func (l *listing) page(ctx context.Context) error {
	l.announced = false
	delay := firstDelay
	for attempt := 1; ; attempt++ {
		next, err := l.attempt(ctx)
		if err == nil {
			l.token = next
			return l.paging.arrived(next != "")
		}
		l.paging.broke(err)
		if attempt == l.attempts {
			return err
		}
		l.tear()
		if l.goesOn(err) {
			continue
		}
		again, ok := l.passing(err)
		if !ok {
			return err
		}
		pause := max(wait.Jitter(delay, jitter), again.After)
		if pause > l.patience {
			return err
		}
		if err := l.cluster.pause(ctx, pause); err != nil {
			return fromTransport(ctx, err)
		}
		delay = min(2*delay, longDelay)
	}
}

// passing returns err where the page may yet be had. A list that has begun has its
// revision: an API server that does not know it is another one than before, whose
// cache is behind.
func (l *listing) passing(err error) (*engine.RetryableError, bool) {
	if (l.begun || l.paging.begun > 0) && errors.Is(err, engine.ErrRevisionUnknown) {
		return &engine.RetryableError{Err: err}, true
	}
	return errors.AsType[*engine.RetryableError](err)
}

// goesOn makes the list go on at a later revision, where err says that its own was
// compacted after it began: behind what was read, for which the API server offers a
// token, or from the start, without what a first page has yielded already.
func (l *listing) goesOn(err error) bool {
	gone, ok := errors.AsType[*apiError](err)
	switch {
	case !ok || !errors.Is(gone, engine.ErrRevisionGone):
		return false
	case l.token != "" && gone.rest != "" && gone.rest != l.token:
		l.token = gone.rest
	case l.token == "" && l.paging.begun > 0:
		// Where metadata ends a page, nobody was told yet what was yielded is of.
		l.announce(engine.Page{Revision: l.revision})
		l.revision = ""
	default:
		return false
	}
	l.announced, l.torn = false, true
	return true
}

// tear notes that a first page which broke off will go on as it is now, where nobody
// knows as what it began.
func (l *listing) tear() {
	if l.token == "" && l.revision == "" && l.paging.begun > 0 {
		l.announced, l.torn = false, true
	}
}

// attempt asks for the page, yields the objects of it that were not yet, and
// returns the token of the next.
func (l *listing) attempt(ctx context.Context) (next string, err error) {
	reading, dog, cancel := newWatchdog(ctx, l.cluster.silence)
	defer cancel()
	body, err := l.cluster.send(reading, request{method: http.MethodGet, target: l.target, query: l.query(), long: true})
	if err != nil {
		return "", err
	}
	defer func() { _ = body.Close() }()
	items := newSplitter(dog.reader(body))
	defer items.close()
	for {
		item, err := items.next()
		l.note(items.meta)
		switch {
		case errors.Is(err, io.EOF):
			return l.next(items.meta)
		case err != nil:
			return "", l.broken(reading, err)
		}
		if err := l.pass(item); err != nil {
			return "", err
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
	}
}

// query are the parameters of the page. The revision is part of the token, and
// the API server refuses both together.
func (l *listing) query() url.Values {
	q := url.Values{"limit": {strconv.Itoa(l.paging.limit)}}
	if l.opts.Labels != nil && !l.opts.Labels.Empty() {
		q.Set("labelSelector", l.opts.Labels.String())
	}
	if l.opts.Fields != nil && !l.opts.Fields.Empty() {
		q.Set("fieldSelector", l.opts.Fields.String())
	}
	switch {
	case l.token != "":
		q.Set("continue", l.token)
	case l.revision != "":
		q.Set("resourceVersion", l.revision)
		q.Set("resourceVersionMatch", "Exact")
	}
	return q
}

// note takes in the metadata of the page, once it has arrived.
func (l *listing) note(meta *listMeta) {
	if meta == nil {
		return
	}
	if l.token == "" && l.revision == "" && meta.ResourceVersion != "0" { // 0 is no revision but "any"
		l.revision = meta.ResourceVersion
	}
	l.begun = true
	l.announce(engine.Page{Revision: meta.ResourceVersion, Remaining: meta.RemainingItemCount})
}

// announce calls OnPage, once for a page.
func (l *listing) announce(p engine.Page) {
	if l.announced {
		return
	}
	p.Torn = l.torn
	if l.opts.OnPage != nil {
		l.opts.OnPage(p)
	}
	l.announced, l.torn = true, false
}

// pass yields an item, unless an attempt before did.
func (l *listing) pass(item []byte) error {
	meta, raw, err := restoreType(l.target.resource, item, l.buf, l.names)
	if err != nil {
		return err
	}
	if len(raw) != len(item) {
		l.buf = raw // grown, and used again
	}
	if fresh, err := l.paging.saw(objectName{meta.Namespace, meta.Name}, len(raw)); err != nil || !fresh {
		return err
	}
	if !l.yield(engine.Object{Resource: l.target.resource, Meta: meta, Raw: raw}) {
		return errStopped
	}
	return nil
}

// next is the token behind the page.
func (l *listing) next(meta *listMeta) (string, error) {
	if meta == nil {
		return "", errors.New("the list has no metadata")
	}
	if meta.Continue != "" && meta.Continue == l.token {
		return "", errors.New("the list goes on where it has been: the API server sent the same continue token twice")
	}
	return meta.Continue, nil
}

// broken explains why reading stopped: a failure of the connection can be the
// end of the context, or the watchdog's doing.
func (l *listing) broken(reading context.Context, err error) error {
	cut, ok := errors.AsType[*engine.RetryableError](err)
	switch {
	case !ok:
		return err
	case isDamage(cut.Err) && l.paging.objects > 0:
		// What was yielded cannot be taken back, and a second attempt would leave it out.
		return fmt.Errorf("the response is damaged, and so may be what was read of it: %w", cut.Err)
	}
	return fromTransport(reading, cut.Err)
}
