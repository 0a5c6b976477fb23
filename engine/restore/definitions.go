// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/definition"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// maxRejections is how often in a row an API server has to say that it does not take
// a definition: another one, that has its names, may be on its way out. That is
// three seconds, roughly.
const maxRejections = 7

// defined is what a definition of the plan makes of its type.
type defined struct {
	// resource is the type as it is served; of no version where it is not.
	resource engine.Resource
	// why is why the type is not served.
	why string
	// written says that this restore has changed the definition.
	written bool
}

// awaitTypes waits until the target serves what the restored definitions define,
// then decides on the type of every object of theirs, and fails those that the target
// does not serve in the end. Definitions that are put off are waited for when they are
// there.
func (r *run) awaitTypes(ctx context.Context, definitions []*item) error {
	if err := r.awaitEstablished(ctx, slices.DeleteFunc(slices.Clone(definitions), func(it *item) bool { return !isDefined(it) })); err != nil {
		return err
	}
	err := r.poll(ctx, func() (bool, error) { return r.rediscover(ctx) })
	if err != nil && !errors.Is(err, errNotYet) {
		return fmt.Errorf("discover the restored types: %w", err)
	}
	for _, it := range r.plan.items {
		key := definitionOf(&it.entry)
		if it.settled.Load() || !r.plan.restores(key) || r.isPutOff(key) {
			continue
		}
		resource, err := r.plan.catalog.resolve(&it.entry)
		if why := r.defined[key].why; err != nil && why != "" {
			err = fmt.Errorf("%s: its definition is not established: %s", key.Name, why)
		}
		if it.resource, it.now = resource, resource; err != nil {
			it.action, it.outcome, it.messages = ActionSkip, Failed, []string{err.Error()}
			r.settle(it)
		}
	}
	return nil
}

// isDefined reports whether a definition is in the cluster, as far as this restore
// can tell.
func isDefined(definition *item) bool {
	return definition.settled.Load() && definition.outcome != Failed && definition.outcome != Skipped
}

// awaitEstablished waits until the API server has accepted definitions, all of them
// together, or says that it will not.
func (r *run) awaitEstablished(ctx context.Context, waiting []*item) error {
	rejections := map[*item]int{}
	for n := 0; len(waiting) > 0; n++ {
		var still []*item
		for _, it := range waiting {
			d, err := r.look(ctx, it)
			switch {
			case ctx.Err() != nil:
				return fmt.Errorf("wait for %s: %w", it.target, ctx.Err())
			case errors.Is(err, errAway):
				return err
			case err != nil:
				r.notEstablished(it, err.Error())
				continue
			case d.Established():
				r.isEstablished(it, d)
				continue
			}
			if rejections[it]++; !d.Rejected() {
				rejections[it] = 0
			}
			if rejections[it] >= maxRejections || n == maxPolls {
				r.notEstablished(it, d.Conditions())
				continue
			}
			still = append(still, it)
		}
		if waiting = still; len(waiting) == 0 {
			break
		}
		if err := r.Sleep(ctx, delay(n)); err != nil {
			return fmt.Errorf("wait for %s: %w", waiting[0].target, err)
		}
	}
	return nil
}

// look reads a definition as it is now.
func (r *run) look(ctx context.Context, it *item) (*definition.Definition, error) {
	live, err := r.get(ctx, it)
	if err != nil {
		return nil, err
	}
	return definition.Read(live.Raw)
}

func (r *run) isEstablished(it *item, d *definition.Definition) {
	resource, _ := d.Resource()
	r.defined[it.source] = defined{resource: resource, written: it.outcome == Created || it.outcome == Updated}
}

// notEstablished warns of a definition whose objects cannot be restored.
func (r *run) notEstablished(it *item, why string) {
	r.defined[it.source] = defined{why: why}
	r.rec.warn(fmt.Sprintf("%s: is not established: %s: see to that, then run the restore again", it.target, why))
}

// rediscover asks again which types there are, and reports whether those that were
// defined are among them as they were.
func (r *run) rediscover(ctx context.Context) (bool, error) {
	var discovery engine.Discovery
	err := r.retry(ctx, func() (err error) {
		discovery, err = r.Discoverer.Discover(ctx)
		return err
	})
	if err != nil {
		return false, err
	}
	r.plan.catalog = newCatalog(discovery)
	for _, d := range r.defined {
		served, is := r.plan.catalog.served[d.resource.GroupResource()]
		if d.why == "" && len(d.resource.Versions) > 0 && (!is || d.written && !sameService(d.resource, served)) {
			return false, nil
		}
	}
	return true, nil
}

// sameService reports whether a type is served as it was defined.
func sameService(defined, served engine.Resource) bool {
	return defined.Kind == served.Kind && defined.Namespaced == served.Namespaced &&
		sameVersions(defined.Versions, served.Versions) && sameVersions(defined.StatusVersions, served.StatusVersions)
}

func sameVersions(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// foreseeTypes decides as what objects will be written whose definitions are in the
// plan, when it is known what becomes of these: a gate and a dry run have to know
// before.
func (r *run) foreseeTypes() {
	for _, it := range r.plan.items {
		d := r.defined[definitionOf(&it.entry)]
		if it.settled.Load() || len(d.resource.Versions) == 0 {
			continue
		}
		resource, err := servedAs(&it.entry, d.resource)
		if err == nil {
			it.resource = resource
		} else if r.req.DryRun {
			it.action, it.outcome, it.messages = ActionSkip, Failed, []string{err.Error()}
			r.settle(it)
		}
	}
	clear(r.defined) // nothing is yet as it will be
}

// foreseeType notes as what a type will be served once its definition is restored.
// What the API server never lets change stays as it is.
func (r *run) foreseeType(p *prepared, action Action, live engine.Object) {
	if p.it.source.GroupResource != crdType {
		return
	}
	will, is := readType(live.Raw)
	if writes(action) {
		raw, err := transform.Encode(p.Manifest)
		if err != nil {
			return // writing it will fail too
		}
		now := will
		if will, _ = readType(raw); is {
			will.Kind, will.Namespaced = now.Kind, now.Namespaced
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.defined[p.it.source] = defined{resource: will}
}

// readType reads the type that a definition defines; one that cannot be read defines
// none.
func readType(raw []byte) (engine.Resource, bool) {
	d, err := definition.Read(raw)
	if err != nil {
		return engine.Resource{}, false
	}
	return d.Resource()
}
