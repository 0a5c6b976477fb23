// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// apply writes everything, and then what answers requests about everything: the
// webhook of a pod that does not run yet would refuse what comes after it.
func (r *run) apply(ctx context.Context) error {
	gates := slices.IndexFunc(r.plan.items, func(it *item) bool { return it.layer >= r.plan.gates })
	if gates < 0 {
		gates = len(r.plan.items)
	}
	if err := r.applyAll(ctx, r.plan.items[:gates]); err != nil {
		return err
	}
	r.atGates = true
	return r.applyAll(ctx, r.plan.items[gates:])
}

// applyAll writes items layer by layer, then tries once more what failed in a way
// that may pass, then links the owners that came late.
func (r *run) applyAll(ctx context.Context, items []*item) error {
	r.lastPass, r.hasty = false, false
	if err := r.applyLayers(ctx, items); err != nil {
		return err
	}
	if err := r.applyDeferred(ctx); err != nil {
		return err
	}
	return r.linkOwners(ctx)
}

// applyLayers writes items, which are in the order of the plan.
func (r *run) applyLayers(ctx context.Context, items []*item) error {
	for rest := items; len(rest) > 0; {
		n := slices.IndexFunc(rest, func(it *item) bool { return it.layer != rest[0].layer })
		if n < 0 {
			n = len(rest)
		}
		if err := r.applyLayer(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// applyLayer writes one layer and waits for what the next ones need of it.
func (r *run) applyLayer(ctx context.Context, items []*item) error {
	var services, others []*item
	for _, it := range items {
		if it.source.GroupResource == serviceType {
			services = append(services, it)
		} else {
			others = append(others, it)
		}
	}
	if err := r.each(ctx, others, r.applyItem); err != nil {
		return err
	}
	if err := r.applyServices(ctx, services); err != nil {
		return err
	}
	if items[0].source.GroupResource == crdType {
		return r.awaitTypes(ctx, items)
	}
	return nil
}

// applyItem writes one object, unless its fate is settled.
func (r *run) applyItem(ctx context.Context, it *item, c content) error {
	if it.settled.Load() {
		return nil
	}
	if err := r.usable(it); err != nil {
		r.fail(it, err)
		return nil
	}
	if r.isRefusedStill(it) {
		r.fail(it, it.refusal)
		return nil
	}
	if r.comesTooEarly(it) {
		r.putOff(it)
		return nil
	}
	p := r.prepare(it, c)
	if p == nil {
		return nil
	}
	err := r.write(ctx, p)
	var passing *engine.RetryableError
	switch {
	case err == nil:
		r.settle(it)
	case ctx.Err() != nil:
		return fmt.Errorf("restore %s: %w", it.target, ctx.Err())
	case errors.Is(err, errRecording), errors.Is(err, errAway):
		return err
	case errors.As(err, &passing) && !r.lastPass, r.mayBeTaken(it, err):
		r.putOff(it)
	default:
		r.fail(it, cmp.Or(it.refusal, err))
	}
	return nil
}

// isRefusedStill reports whether an item was refused and nothing was written since.
func (r *run) isRefusedStill(it *item) bool {
	return it.refusal != nil && r.written.Load() == it.refusedAt
}

// putOff leaves an item to the last pass.
func (r *run) putOff(it *item) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.deferred = append(r.deferred, it)
}

// comesTooEarly reports whether the item's namespace or definition was put off itself.
func (r *run) comesTooEarly(it *item) bool {
	if r.isPutOff(definitionOf(&it.entry)) {
		return true
	}
	return !r.lastPass && it.source.Namespace != "" && r.isPutOff(namespaceKey(it.source.Namespace))
}

// isPutOff reports whether an object that others need is still to come.
func (r *run) isPutOff(k engine.Key) bool {
	needed := r.plan.bySource[k]
	return needed != nil && !needed.settled.Load()
}

// usable refuses an object whose namespace cannot be written into: all of its
// objects would fail, one request each.
func (r *run) usable(it *item) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lost[it.target.Namespace]
}

// fail settles an item that could not be restored. Of a Namespace, that settles
// what belongs into it too.
func (r *run) fail(it *item, err error) {
	if errors.Is(err, engine.ErrTerminating) {
		err = fmt.Errorf("namespace %s is being deleted: wait until it is gone, then run the restore again", it.target.Namespace)
	}
	if isNamespace(&it.entry) {
		r.mu.Lock()
		r.lost[it.target.Name] = fmt.Errorf("namespace %s cannot be used: %w", it.target.Name, err)
		r.mu.Unlock()
	}
	if it.action == "" {
		it.action = ActionCreate
	}
	it.outcome = Failed
	it.messages = append(it.messages, err.Error())
	r.settle(it)
}

// settle records an item whose fate is known.
func (r *run) settle(it *item) {
	it.settled.Store(true)
	if it.outcome == Created || it.outcome == Updated {
		r.written.Add(1)
	}
	r.rec.record(it)
}

// write brings one object into the cluster. What is not known to exist is
// created without looking first.
func (r *run) write(ctx context.Context, p *prepared) error {
	if err := r.link(ctx, p); err != nil {
		return err
	}
	// What is Ark's is looked at first: it may be there, and stay as it is.
	if p.own == "" && (p.it.gated == "" || p.it.gated == ActionCreate) {
		err := r.create(ctx, p)
		if !errors.Is(err, engine.ErrExists) {
			return err
		}
	}
	return r.reconcile(ctx, p)
}

// create creates the object, in one request when all is well.
func (r *run) create(ctx context.Context, p *prepared) error {
	it := p.it
	if r.leaveOut(p) {
		return nil
	}
	if err := r.permit(ctx, p, ActionCreate); err != nil || it.outcome == Skipped {
		return err
	}
	sent := p.withoutDefault()
	raw, err := transform.Encode(sent)
	if err != nil {
		return err
	}
	manager := p.Creator(sent)
	var made engine.Object
	err = r.retry(ctx, func() (err error) {
		made, err = r.Writer.Create(ctx, *it.resource, it.target.Namespace, manager, raw)
		if errors.Is(err, engine.ErrNotFound) && r.plan.restores(definitionOf(&it.entry)) {
			return &engine.RetryableError{Err: err} // the type is established, but not served everywhere yet
		}
		return final(it, err)
	})
	if err != nil {
		return r.elsewhere(ctx, p, r.orExists(ctx, it, err))
	}
	it.action, it.outcome = ActionCreate, Created
	p.managed = manager != ""
	it.messages = append(it.messages, p.Doubts...)
	p.noteChanges(sent, made)
	if err := r.noteClass(ctx, p, sent); err != nil {
		return err
	}
	_, err = r.complete(ctx, p, made)
	return err
}

// noteChanges tells what the cluster made of the object that is not as it was sent:
// a webhook or an admission policy changes it, or the type has lost a field. Hardly
// any answer has to be decoded for that.
func (p *prepared) noteChanges(sent transform.Manifest, made engine.Object) {
	if transform.Holds(sent, made.Raw) {
		return
	}
	m, err := transform.Decode(made.Raw)
	if err != nil {
		p.it.messages = append(p.it.messages, "the cluster's answer cannot be compared: "+err.Error())
		return
	}
	if changed := transform.Changed(sent, m); len(changed) > 0 {
		p.it.messages = append(p.it.messages, "the cluster changed it as it was written: "+fields(changed))
	}
}

// orExists returns ErrExists in place of err when the object is there: an API
// server that is sent one that exists may notice something else first, a node
// port that is taken, a quota that is used up, a webhook that does not answer.
func (r *run) orExists(ctx context.Context, it *item, err error) error {
	switch {
	case ctx.Err() != nil, errors.Is(err, engine.ErrExists), errors.Is(err, engine.ErrNotFound), errors.Is(err, engine.ErrTerminating):
		return err
	}
	if _, missing := r.Getter.Get(ctx, *it.resource, it.target.Namespace, it.target.Name); missing != nil {
		return err
	}
	return engine.ErrExists
}

// permit asks the gate again when what is about to be done is not what it ruled
// on: the object appeared or vanished in the meantime.
func (r *run) permit(ctx context.Context, p *prepared, action Action) error {
	it := p.it
	if r.Gate == nil || !r.Gate.PerObject() || it.gated == action || !writes(action) {
		return nil
	}
	ruling, err := r.ask(ctx, p, action)
	if err != nil {
		return fmt.Errorf("ask the gate again, because the action is now %s: %w", action, err)
	}
	if len(ruling.Deny) > 0 {
		r.rec.deny(about(it, ruling.Deny)...)
		return fmt.Errorf("denied by %s: the action is now %s", ruling.Deny[0].Code, action)
	}
	it.gated = action
	if len(ruling.Skip) > 0 {
		it.action, it.outcome, it.code = ActionSkip, Skipped, ruling.Skip[0].Code
	}
	return nil
}
