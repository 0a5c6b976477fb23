// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/engine/selection"
)

// A restore writes whatever the archive holds, roles of more rights than its own
// included.
// +kubebuilder:rbac:groups=*,resources=*,verbs=get;create;update;patch;delete
// +kubebuilder:rbac:groups=rbac.authorization.k8s.io,resources=roles;clusterroles,verbs=escalate;bind

// Target is the cluster that is restored into.
type Target struct {
	Discoverer engine.Discoverer
	Getter     engine.Getter
	Writer     engine.Writer
	// Lister tells which classes are the default; nil looks for none.
	Lister engine.Lister
}

// Options are what a restore can do without, apart from Sleep.
type Options struct {
	// Gate rules on the restore; nil allows everything.
	Gate Gate
	// BeforeWrites is called once, when the gate has ruled and nothing is written yet. Its
	// error ends the restore; nil is fine.
	BeforeWrites func(ctx context.Context) error
	// Results receives a Line for every object; nil writes none.
	Results io.Writer
	// Replaced keeps an object that is about to be deleted to be created anew. Once it
	// returns nil the object is safe, whatever becomes of this restore. It is called by
	// several at once. ExistingRecreate needs it.
	Replaced func(ctx context.Context, live engine.Object) error
	// Progress is called after every object, one call at a time; nil is fine.
	Progress func(Progress)
	// Sleep returns after d, or with the error of ctx once that ends.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Sleep waits for d by the machine's clock.
func Sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// run is one restore under way.
type run struct {
	Target
	Options

	req       *Request
	src       Source
	plan      *Plan
	transform *transform.Transformer
	// own tells what is Ark's in the target.
	own *own.Facts
	// statuses are the types whose status is restored through its subresource.
	statuses *selection.ResourceSet
	rec      *recorder
	pace     *pace
	// decoded bounds what the objects that are being handled take.
	decoded *semaphore.Weighted

	// mu guards what workers share.
	mu sync.Mutex
	// uids are the UIDs that archived objects have in the target.
	uids map[types.UID]types.UID
	// lookups are owners that were looked for in the target; an empty UID is none.
	lookups map[ownerKey]types.UID
	// lost are the target namespaces that cannot be written into, and why.
	lost map[string]error
	// defined are what definitions of the plan make of their types, as far as that is
	// known.
	defined map[engine.Key]defined
	// unlinked are objects whose owners come later.
	unlinked []link
	// deferred are the items that failed in a way that may pass.
	deferred []*item
	// lastPass says that there is no later, and atGates that this holds for
	// gatekeepers too.
	lastPass, atGates bool
	// lastLook says that what cannot be looked up now has failed.
	lastLook bool
	// hasty says that a request that fails is not repeated at once, because there is
	// another pass.
	hasty bool
	// written is how many objects this restore has brought.
	written atomic.Int64
	// started says that this restore has brought what becomes pods.
	started atomic.Bool
}

// Run restores. Its error says that it did not get to the end: a *RequestError
// when request or backup have to change, otherwise the context's, the store's or
// the API server's. Whatever was written by then stays; the same request run
// again finishes the rest. What failed of single objects is in the report, which
// is never nil unless planning failed.
func Run(ctx context.Context, target Target, req Request, src Source, opts Options) (*Report, error) {
	r, err := newRun(ctx, target, &req, src, opts)
	if err != nil {
		return nil, err
	}
	if err := r.carryOut(ctx); err != nil {
		return r.rec.snapshot(), err
	}
	return r.rec.snapshot(), nil
}

func newRun(ctx context.Context, target Target, req *Request, src Source, opts Options) (*run, error) {
	if target.Discoverer == nil || target.Getter == nil || target.Writer == nil || opts.Sleep == nil ||
		src.Index == nil || src.Contents == nil {
		return nil, errors.New("restore: Target, Source.Index, Source.Contents and Options.Sleep must be set")
	}
	if req.Existing == ExistingRecreate && opts.Replaced == nil {
		return nil, errors.New("restore: Options.Replaced must be set: Recreate keeps what it deletes")
	}
	discovery, err := target.Discoverer.Discover(ctx)
	if err != nil {
		return nil, fmt.Errorf("discover the target's types: %w", err)
	}
	plan, err := NewPlan(ctx, req, discovery, src)
	if err != nil {
		return nil, err
	}
	r := &run{
		Target: target, Options: opts, req: req, src: src, plan: plan,
		uids: map[types.UID]types.UID{}, lookups: map[ownerKey]types.UID{}, lost: map[string]error{}, defined: map[engine.Key]defined{},
		rec:  &recorder{lines: opts.Results, progress: opts.Progress},
		pace: newPace(req.workers()), decoded: semaphore.NewWeighted(maxDecoded),
		own: req.ownFacts(),
	}
	if err := r.compile(discovery.Resources); err != nil {
		return nil, err
	}
	return r, nil
}

// compile prepares what the request asks to do with each object.
func (r *run) compile(served []engine.Resource) error {
	known := append([]engine.Resource(nil), served...)
	for _, t := range r.src.Types {
		if _, ok := r.plan.catalog.served[t.GroupResource()]; !ok {
			known = append(known, t)
		}
	}
	var err error
	if r.statuses, err = selection.NewResourceSet("restoreStatus", r.req.RestoreStatus, known); err != nil {
		return refuse(CodeInvalidRequest, "%v", err)
	}
	r.transform = &transform.Transformer{
		Label: r.req.Label, Namespaces: r.req.NamespaceMapping, PreserveNodePorts: r.req.PreserveNodePorts,
		Paused: r.req.Paused, Restores: r.plan.brings, Own: r.isOwn,
	}
	r.rec.warn(r.plan.warnings...)
	r.rec.warn(r.statuses.Unmatched()...)
	for _, spec := range r.req.Modifiers {
		m, err := transform.NewModifier(spec, known)
		if err != nil {
			return refuse(CodeInvalidRequest, "%v", err)
		}
		r.rec.warn(m.Unmatched()...)
		r.transform.Modifiers = append(r.transform.Modifiers, m)
	}
	return nil
}

// carryOut goes from the plan to the end.
func (r *run) carryOut(ctx context.Context) error {
	r.rec.total = int64(len(r.plan.items) + len(r.plan.skipped) + len(r.plan.failed))
	for _, it := range r.plan.skipped {
		r.rec.record(it)
	}
	for _, it := range r.plan.failed {
		r.rec.record(it)
	}
	if r.Gate != nil || r.req.DryRun {
		if err := r.survey(ctx); err != nil {
			return err
		}
	}
	if r.req.DryRun || r.rec.report.Denied {
		r.recordPlanned()
		return nil
	}
	if r.BeforeWrites != nil {
		if err := r.BeforeWrites(ctx); err != nil {
			return fmt.Errorf("write nothing: %w", err)
		}
	}
	return r.apply(ctx)
}

// recordPlanned writes down what would be done.
func (r *run) recordPlanned() {
	for _, it := range r.plan.items {
		if !it.settled.Load() {
			r.rec.record(it)
		}
	}
}

// ownerKey identifies an owner by what a reference says of it.
type ownerKey struct {
	schema.GroupKind

	namespace, name string
}

// learn remembers which UID an archived object has in the target.
func (r *run) learn(it *item, uid types.UID) {
	if it.entry.UID == "" || uid == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.uids[it.entry.UID] = uid
}

func (r *run) uidOf(archived types.UID) types.UID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.uids[archived]
}
