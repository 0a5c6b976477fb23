// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// Codes of denials that no rule gave.
const (
	// CodePolicyError: a gate could not be asked. No answer is never a yes.
	CodePolicyError = "policy-error"
	// CodeSkippedByRule: a rule that gives no code of its own leaves the object out.
	CodeSkippedByRule = "skipped-by-rule"
)

// maxSurveys bounds how often an object is looked up whose look-up fails in a way
// that may pass: with the pauses between, longer than an API server takes to find
// another etcd.
const maxSurveys = 6

// survey looks up what would happen to every object, where somebody wants to know,
// and asks the gate, before the first write: about the request first, because which
// rules have a say depends on the plan, then about every object to be written. All
// denials end up in the report.
func (r *run) survey(ctx context.Context) error {
	if r.req.DryRun || r.Gate.ReadsPlan(r.summary().Namespaces) {
		if err := r.lookUp(ctx); err != nil {
			return err
		}
	}
	if r.Gate == nil {
		return nil
	}
	verdict, err := r.Gate.Request(ctx, r.summary())
	if ctx.Err() != nil {
		return fmt.Errorf("ask the gate: %w", ctx.Err())
	}
	if err != nil {
		r.rec.deny(Reason{Code: CodePolicyError, Message: err.Error()})
	}
	r.rec.deny(verdict.Deny...)
	for _, w := range verdict.Warn {
		r.rec.warn(w.Code + ": " + w.Message)
	}
	if err == nil && r.Gate.PerObject() {
		if err := r.each(ctx, r.toBeWritten(), r.askAbout); err != nil {
			return err
		}
	}
	r.rec.report.Denied = r.rec.report.DenialCount > 0
	return nil
}

// lookUp looks up namespaces and objects, definitions first. What fails in a way that may pass is looked
// up again later: nothing is written yet, and a gate has to know.
func (r *run) lookUp(ctx context.Context) error {
	if err := r.lookUpNamespaces(ctx); err != nil {
		return err
	}
	items := r.uncertain()
	n := slices.IndexFunc(items, func(it *item) bool { return it.source.GroupResource != crdType })
	if n < 0 {
		return r.lookUpAll(ctx, items)
	}
	if err := r.lookUpAll(ctx, items[:n]); err != nil {
		return err
	}
	r.foreseeTypes()
	return r.lookUpAll(ctx, slices.DeleteFunc(items[n:], func(it *item) bool { return it.settled.Load() }))
}

// lookUpAll looks up items.
func (r *run) lookUpAll(ctx context.Context, items []*item) error {
	for n := 1; ; n++ {
		r.lastLook = n == maxSurveys
		if err := r.each(ctx, items, r.surveyItem); err != nil {
			return err
		}
		if items, r.deferred = r.deferred, nil; len(items) == 0 {
			return nil
		}
		slices.SortFunc(items, inOrder)
		if err := r.Sleep(ctx, pause(n)); err != nil {
			return fmt.Errorf("look up %d objects again: %w", len(items), err)
		}
	}
}

// uncertain decides what is certain to be created, because its namespace does not
// exist or its type is not served yet, and returns the others. A dry run looks at
// all of them, because it has nothing else to tell.
func (r *run) uncertain() []*item {
	var others []*item
	for _, it := range r.plan.items {
		it.action, it.gated = ActionCreate, ActionCreate
		if r.req.DryRun || !r.certainlyNew(it) || r.own.Owns(it.target) != "" {
			others = append(others, it)
		}
	}
	return others
}

func (r *run) certainlyNew(it *item) bool {
	ns := r.plan.namespaces[it.target.Namespace]
	return it.now == nil || (ns != nil && !ns.Exists)
}

// toBeWritten returns the items that are neither left out nor kept.
func (r *run) toBeWritten() []*item {
	return slices.DeleteFunc(slices.Clone(r.plan.items), func(it *item) bool {
		return it.settled.Load() || !writes(it.action)
	})
}

// lookUpNamespaces finds which of the namespaces exist, and how they look.
func (r *run) lookUpNamespaces(ctx context.Context) error {
	resource, ok := r.plan.catalog.served[namespaceType]
	if !ok {
		return fmt.Errorf("look up namespaces: %w: the target does not serve them", engine.ErrNotFound)
	}
	for _, name := range slices.Sorted(maps.Keys(r.plan.namespaces)) {
		var live engine.Object
		err := r.retry(ctx, func() (err error) {
			live, err = r.Getter.Get(ctx, resource, "", name)
			return err
		})
		switch {
		case errors.Is(err, engine.ErrNotFound):
			continue
		case err != nil:
			return fmt.Errorf("look up namespace %s: %w", name, err)
		}
		ns := r.plan.namespaces[name]
		ns.Exists, ns.Labels, ns.Annotations = true, live.Meta.Labels, live.Meta.Annotations
		if live.Meta.DeletionTimestamp != "" {
			r.rec.warn("namespace " + name + " is being deleted: wait until it is gone, or nothing can be restored into it")
		}
	}
	return nil
}

// surveyItem finds the item's action.
func (r *run) surveyItem(ctx context.Context, it *item, c content) error {
	p := r.prepare(it, c)
	if p == nil {
		return nil
	}
	action, err := r.foresee(ctx, p)
	var passing *engine.RetryableError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("survey %s: %w", it.target, ctx.Err())
	case errors.Is(err, errAway):
		return err
	case errors.As(err, &passing) && !r.lastLook:
		r.putOff(it)
		return nil
	case err != nil:
		it.action, it.outcome = ActionSkip, Failed
		it.messages = append(it.messages, err.Error())
		r.settle(it)
		return nil
	}
	it.action, it.gated = action, action
	if it.outcome == Skipped {
		r.settle(it)
	}
	return nil
}

// askAbout asks the gate about one object to be written.
func (r *run) askAbout(ctx context.Context, it *item, c content) error {
	p := r.prepare(it, c)
	if p == nil {
		return nil
	}
	ruling, err := r.ask(ctx, p, it.action)
	if ctx.Err() != nil {
		return fmt.Errorf("ask the gate: %w", ctx.Err())
	}
	if err != nil {
		ruling.Deny = append(ruling.Deny, Reason{Code: CodePolicyError, Message: err.Error()})
	}
	r.rec.deny(about(it, ruling.Deny)...)
	if len(ruling.Skip) > 0 {
		r.skipByRule(it, ruling.Skip)
	}
	return nil
}

// skipByRule leaves an item out because rules say so.
func (r *run) skipByRule(it *item, reasons []Reason) {
	it.action, it.outcome, it.code = ActionSkip, Skipped, reasons[0].Code
	if it.code == "" {
		it.code = CodeSkippedByRule
	}
	it.messages = nil
	for _, reason := range reasons {
		it.messages = append(it.messages, reason.Code+": "+reason.Message)
	}
	r.settle(it)
}

// foresee returns what would happen to the object.
func (r *run) foresee(ctx context.Context, p *prepared) (Action, error) {
	it := p.it
	if r.certainlyNew(it) {
		return r.foreseeCreate(p), nil
	}
	live, err := r.get(ctx, it)
	if err == nil && r.rename(p, live) {
		live, err = r.get(ctx, it)
	}
	if errors.Is(err, engine.ErrNotFound) {
		action := r.foreseeCreate(p)
		r.foreseeType(p, action, engine.Object{})
		return action, nil
	}
	if err != nil {
		return "", err
	}
	if err := r.link(ctx, p); err != nil {
		return "", err
	}
	j := r.judge(p, live)
	it.earlier = j.mine
	r.foreseeType(p, j.action, live)
	return j.action, nil
}

// foreseeCreate returns what would happen to an object that does not exist.
func (r *run) foreseeCreate(p *prepared) Action {
	if r.leaveOut(p) {
		return ActionSkip
	}
	return ActionCreate
}

// ask asks the gate about one object.
func (r *run) ask(ctx context.Context, p *prepared, action Action) (Ruling, error) {
	raw, err := transform.Encode(p.Manifest)
	if err != nil {
		return Ruling{}, err
	}
	var head struct {
		Metadata engine.Meta `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return Ruling{}, fmt.Errorf("decode metadata: %w", err)
	}
	candidate := Candidate{
		Object: engine.Object{Resource: p.it.typeForGate(), Meta: head.Metadata, Raw: raw},
		Source: p.it.source, Action: action,
	}
	if ns := r.plan.namespaces[p.it.target.Namespace]; ns != nil {
		target := *ns
		candidate.Target = &target
	}
	return r.Gate.Object(ctx, candidate)
}

// typeForGate is the type of what is written, and that a gate sees: as served, or as
// archived when that is not known yet.
func (it *item) typeForGate() engine.Resource {
	if it.resource != nil {
		return *it.resource
	}
	return archived(&it.entry)
}

// about names the object in reasons that do not.
func about(it *item, reasons []Reason) []Reason {
	named := slices.Clone(reasons)
	for i := range named {
		if named[i].Object == "" {
			named[i].Object = it.target.String()
		}
	}
	return named
}

// summary tells the gate what the plan comes to.
func (r *run) summary() Summary {
	s := Summary{Actions: map[string]map[Action]int64{}}
	for _, items := range [][]*item{r.plan.items, r.plan.skipped, r.plan.failed} {
		for _, it := range items {
			if it.action == "" {
				continue
			}
			name := it.source.GroupResource.String()
			if s.Actions[name] == nil {
				s.Actions[name] = map[Action]int64{}
			}
			s.Actions[name][it.action]++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.plan.namespaces)) {
		s.Namespaces = append(s.Namespaces, *r.plan.namespaces[name])
	}
	return s
}

// writes reports whether an action changes the cluster.
func writes(a Action) bool {
	return a == ActionCreate || a == ActionUpdate || a == ActionRecreate
}
