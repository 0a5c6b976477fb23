// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxPasses bounds how often what failed in a way that may pass is tried again
	// where pods were started that may have to run first: two minutes, roughly, in
	// which an image is pulled.
	maxPasses = 16
	// firstPause doubles with every pass, up to maxPause.
	firstPause = time.Second
	maxPause   = 10 * time.Second
)

// startsPods are the types whose objects become pods.
var startsPods = map[schema.GroupResource]bool{
	{Resource: "pods"}: true, {Resource: "replicationcontrollers"}: true,
	{Group: "apps", Resource: "replicasets"}: true, {Group: "apps", Resource: "deployments"}: true,
	{Group: "apps", Resource: "statefulsets"}: true, {Group: "apps", Resource: "daemonsets"}: true,
}

// noteStart remembers that this restore has brought what becomes pods, in this attempt
// or in one that was broken off.
func (r *run) noteStart(it *item) {
	if startsPods[it.source.GroupResource] {
		r.started.Store(true)
	}
}

// pause is how long to wait after the nth pass, counted from one.
func pause(n int) time.Duration { return min(firstPause<<(n-1), maxPause) }

// applyDeferred tries again what failed in a way that may pass: once, or, when this
// restore has started pods, until one that has to answer first had time to run.
func (r *run) applyDeferred(ctx context.Context) error {
	passes := 1
	if r.started.Load() {
		passes = maxPasses
	}
	for pass := 1; len(r.deferred) > 0; pass++ {
		if pass > 1 {
			if err := r.Sleep(ctx, pause(pass-1)); err != nil {
				return fmt.Errorf("wait for the restored pods: %w", err)
			}
		}
		r.lastPass, r.hasty = pass >= passes, pass > 1 && pass < passes
		r.lookups = map[ownerKey]types.UID{} // what was not there may be by now
		again := r.deferred
		r.deferred = nil
		slices.SortFunc(again, inOrder)
		if err := r.applyLayers(ctx, again); err != nil {
			return err
		}
	}
	r.lastPass, r.hasty = true, false
	return nil
}

// mayBeTaken reports whether an object that the API server refuses is worth one more
// try: admission may miss what comes later, such as the parameters of a policy. The
// first refusal is remembered, and is what counts.
func (r *run) mayBeTaken(it *item, err error) bool {
	refused := errors.Is(err, engine.ErrForbidden) || errors.Is(err, engine.ErrInvalid)
	if !refused || r.lastPass || it.refusal != nil {
		return false
	}
	it.refusal, it.refusedAt = err, r.written.Load()
	return true
}
