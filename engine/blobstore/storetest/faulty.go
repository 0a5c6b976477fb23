// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"context"
	"io"
	"iter"
	"strings"
	"sync"
	"time"

	"github.com/gopherwood/ark/engine"
)

// Op is a step of using a store, at which a fault can strike.
type Op string

// The steps of using a store.
const (
	OpCreate Op = "create" // Create
	OpWrite  Op = "write"  // a Write to what Create returned
	OpClose  Op = "close"  // the Close of what Create returned, which makes the blob
	OpOpen   Op = "open"   // Open
	OpRead   Op = "read"   // a Read from what Open returned
	OpList   Op = "list"   // List, when its first entry is asked for; its key is the prefix
	OpDelete Op = "delete" // Delete
)

// Call is one step that was taken.
type Call struct {
	Op  Op
	Key string
}

// Fault says when something goes wrong, and what.
type Fault struct {
	// Op is the step that it strikes.
	Op Op
	// Key is a part of the keys that it strikes; empty strikes every key.
	Key string
	// Nth strikes only the nth step that matches, counted from 1; 0 strikes all.
	Nth int
	// Effect is what happens.
	Effect Effect
}

// Effect is what goes wrong. The functions that return one say where it fits.
type Effect struct {
	err      error
	late     bool
	stall    bool
	reached  func()
	release  <-chan struct{}
	lose     bool
	cut      bool
	cutAt    int64
	flip     bool
	flipAt   int64
	breakOff bool
}

// Fail makes any step fail with err and do nothing.
func Fail(err error) Effect { return Effect{err: err} }

// LoseReply does what OpClose or OpDelete asks for and fails with err all the
// same, as when the connection breaks before the answer.
func LoseReply(err error) Effect { return Effect{err: err, late: true} }

// Stall makes any step hang until its context ends and then fail with the
// context's error. It calls reached first, which may be nil.
func Stall(reached func()) Effect { return Effect{stall: true, reached: reached} }

// Hold makes any step wait until release is closed, and then go on. It calls
// reached first.
func Hold(reached func(), release <-chan struct{}) Effect {
	return Effect{reached: reached, release: release}
}

// Lose makes OpClose report success and keep nothing, and makes OpList leave out
// the entries whose keys contain the fault's Key.
func Lose() Effect { return Effect{lose: true} }

// CutShort makes OpOpen find a blob of only its first size bytes.
func CutShort(size int64) Effect { return Effect{cut: true, cutAt: size} }

// BreakOff makes the reader that OpOpen returns fail with err behind the blob's
// first size bytes.
func BreakOff(size int64, err error) Effect {
	return Effect{breakOff: true, cutAt: size, err: err}
}

// FlipByte makes OpOpen find a blob whose byte at offset is not what it was.
func FlipByte(offset int64) Effect { return Effect{flip: true, flipAt: offset} }

// Faulty is a store that keeps its contract except where it was told otherwise,
// and that records how it is used. It is safe for concurrent use.
//
//	store := storetest.NewFaulty(inner)
//	store.Inject(storetest.Fault{Op: storetest.OpClose, Key: "markers/", Nth: 1, Effect: storetest.Fail(errFull)})
type Faulty struct {
	inner engine.Store

	mu     sync.Mutex
	faults []*armed
	calls  []Call
	// clock stamps what is written; written are the stamps.
	clock   engine.Clock
	written map[string]time.Time
}

// armed is a fault and how many steps it has seen.
type armed struct {
	Fault

	seen int
}

var _ engine.Store = (*Faulty)(nil)

// NewFaulty wraps inner. Without faults it does as inner does.
func NewFaulty(inner engine.Store) *Faulty { return &Faulty{inner: inner} }

// Inject adds faults. Of several that match a step, the first injected strikes.
func (f *Faulty) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range faults {
		f.faults = append(f.faults, &armed{Fault: fault})
	}
}

// Heal removes all faults.
func (f *Faulty) Heal() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Stamp lets listings tell the time of clock for what is written from now on, as
// a server whose clock that is.
func (f *Faulty) Stamp(clock engine.Clock) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = clock
	if f.written == nil {
		f.written = map[string]time.Time{}
	}
}

// stamp notes when a blob came into being.
func (f *Faulty) stamp(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.clock != nil {
		f.written[key] = f.clock.Now()
	}
}

// stamped is a listing's entry with the time that was noted.
func (f *Faulty) stamped(blob engine.Blob) engine.Blob {
	f.mu.Lock()
	defer f.mu.Unlock()
	if at, ok := f.written[blob.Key]; ok {
		blob.ModTime = at
	}
	return blob
}

// Calls returns the steps taken so far, OpRead and OpWrite left out, in order.
func (f *Faulty) Calls() []Call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]Call(nil), f.calls...)
}

// Create implements engine.Store.
func (f *Faulty) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	if _, err := f.enter(ctx, OpCreate, key); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w, err := f.inner.Create(ctx, key)
	if err != nil {
		cancel()
		return nil, err
	}
	return &faultyWriter{
		WriteCloser: w,
		enter:       func(op Op) (Effect, error) { return f.enter(ctx, op, key) },
		discard:     cancel,
		made:        func() { f.stamp(key) },
	}, nil
}

// Open implements engine.Store.
func (f *Faulty) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	effect, err := f.enter(ctx, OpOpen, key)
	if err != nil {
		return nil, err
	}
	r, err := f.inner.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	return &faultyReader{
		ReadCloser: r,
		effect:     effect,
		offset:     offset,
		enter:      func() error { _, err := f.enter(ctx, OpRead, key); return err },
	}, nil
}

// List implements engine.Store.
func (f *Faulty) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		if _, err := f.enter(ctx, OpList, prefix); err != nil {
			yield(engine.Blob{}, err)
			return
		}
		for blob, err := range f.inner.List(ctx, prefix, folders) {
			if err == nil && f.hides(blob.Key) {
				continue
			}
			if !yield(f.stamped(blob), err) {
				return
			}
		}
	}
}

// Delete implements engine.Store.
func (f *Faulty) Delete(ctx context.Context, key string) error {
	effect, err := f.enter(ctx, OpDelete, key)
	if err != nil {
		return err
	}
	if err := f.inner.Delete(ctx, key); err != nil {
		return err
	}
	return effect.err
}

// SweepUploads does as the store inside does, which may have none.
func (f *Faulty) SweepUploads(ctx context.Context, folder string, deep bool, before time.Time) (engine.Uploads, error) {
	if store, ok := f.inner.(interface {
		SweepUploads(ctx context.Context, folder string, deep bool, before time.Time) (engine.Uploads, error)
	}); ok {
		return store.SweepUploads(ctx, folder, deep, before)
	}
	return engine.Uploads{}, ctx.Err()
}

// enter records a step, and fails or stalls it where a fault says so. An effect
// that comes later is returned.
func (f *Faulty) enter(ctx context.Context, op Op, key string) (Effect, error) {
	effect := f.strike(op, key)
	if effect.stall {
		if effect.reached != nil {
			effect.reached()
		}
		<-ctx.Done()
		return Effect{}, ctx.Err()
	}
	if effect.release != nil {
		effect.reached()
		<-effect.release
	}
	if effect.err != nil && !effect.late && !effect.breakOff {
		return Effect{}, effect.err
	}
	return effect, nil
}

// strike counts a step and returns the effect of the first fault it triggers.
func (f *Faulty) strike(op Op, key string) Effect {
	f.mu.Lock()
	defer f.mu.Unlock()
	if op != OpRead && op != OpWrite {
		f.calls = append(f.calls, Call{Op: op, Key: key})
	}
	var struck *armed
	for _, fault := range f.faults {
		if fault.Op != op || !strings.Contains(key, fault.Key) || (op == OpList && fault.Effect.lose) {
			continue
		}
		fault.seen++
		if struck == nil && (fault.Nth == 0 || fault.Nth == fault.seen) {
			struck = fault
		}
	}
	if struck == nil {
		return Effect{}
	}
	return struck.Effect
}

// hides reports whether listings leave key out.
func (f *Faulty) hides(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.faults {
		if fault.Op != OpList || !fault.Effect.lose || !strings.Contains(key, fault.Key) {
			continue
		}
		fault.seen++
		if fault.Nth == 0 || fault.Nth == fault.seen {
			return true
		}
	}
	return false
}

// faultyWriter is a blob that is being written.
type faultyWriter struct {
	io.WriteCloser

	enter   func(Op) (Effect, error)
	discard context.CancelFunc
	made    func()
	failed  error
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	if _, err := w.enter(OpWrite); err != nil {
		w.failed = err
		return 0, err
	}
	return w.WriteCloser.Write(p)
}

func (w *faultyWriter) Close() error {
	defer w.discard()
	effect, err := w.enter(OpClose)
	if w.failed != nil {
		err = w.failed
	}
	if err != nil || effect.lose {
		w.discard()
		_ = w.WriteCloser.Close() // it was discarded: its error is the cancellation
		return err
	}
	if err := w.WriteCloser.Close(); err != nil {
		return err
	}
	w.made()
	return effect.err
}

// faultyReader reads a blob from offset on, as the effect lets it.
type faultyReader struct {
	io.ReadCloser

	effect Effect
	offset int64
	enter  func() error
}

func (r *faultyReader) Read(p []byte) (int, error) {
	if err := r.enter(); err != nil {
		return 0, err
	}
	if r.effect.cut || r.effect.breakOff {
		left := r.effect.cutAt - r.offset
		if left <= 0 {
			return 0, r.end()
		}
		p = p[:min(int64(len(p)), left)]
	}
	n, err := r.ReadCloser.Read(p)
	if at := r.effect.flipAt - r.offset; r.effect.flip && at >= 0 && at < int64(n) {
		p[at] ^= 0x20
	}
	r.offset += int64(n)
	return n, err
}

// end is what a reader that is cut off says.
func (r *faultyReader) end() error {
	if r.effect.breakOff {
		return r.effect.err
	}
	return io.EOF
}
