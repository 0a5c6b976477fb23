// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package sync shows in Backup objects what storage holds.
//
// Storage is the source of truth. A committed backup without an object gets one,
// also those of other clusters, under a name of their own; an object whose
// marker is gone in two listings of the same store is removed, unless it came
// from Git. Nothing is concluded from a listing that failed, or of a store that
// is not known to be the same.
package sync

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/internal/wake"
	"github.com/gopherwood/ark/engine"
)

const (
	// byDefault is how often a location is listed when the Config does not say.
	byDefault = time.Minute
	// shortestInterval keeps a tiny interval from listing without end.
	shortestInterval = time.Second
	// runTimeout bounds how long one listing may take, with all that it finds.
	runTimeout = 30 * time.Minute
	// maxRuns is how many locations are listed at a time: as many as the schema
	// allows, because one that hangs must not keep the others waiting.
	maxRuns = 16
)

// Runs are the listings, one for each location.
type Runs = longrun.Keeper[struct{}, outcome]

// NewRuns returns a keeper for the listings.
func NewRuns() *Runs {
	k := longrun.New[struct{}, outcome]()
	k.Limit(maxRuns)
	return k
}

// Reconciler keeps the Backup objects in step with every location.
type Reconciler struct {
	Client client.Client
	// Reader reads without a cache.
	Reader    client.Reader
	Locations *locations.Locations
	Events    events.EventRecorder
	Clock     engine.Clock
	Runs      *Runs
	// Metrics counts what is done; nil counts nothing.
	Metrics *metrics.Metrics

	// memory holds what was learned of each location, by name. It belongs to
	// Reconcile and, while a location's run is active, its entry to the run.
	memory map[string]*memory
}

// SetupWithManager registers the controller and its runs.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if r.Client == nil || r.Reader == nil || r.Locations == nil || r.Events == nil || r.Clock == nil || r.Runs == nil {
		return errors.New("set up sync controller: Client, Reader, Locations, Events, Clock and Runs are required")
	}
	if err := mgr.Add(r.Runs); err != nil {
		return fmt.Errorf("set up sync controller: %w", err)
	}
	opts.MaxConcurrentReconciles = 1 // there is one Config, and memory has no lock
	return ctrl.NewControllerManagedBy(mgr).
		Named("sync").
		For(&v1alpha1.Config{}, builder.WithPredicates(wake.ByConfig())).
		WatchesRawSource(r.Runs.Source()).
		WithOptions(opts).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs,verbs=get;list;watch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs/status,verbs=patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backups,verbs=get;list;watch;create;delete
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backups/status,verbs=patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=restores,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create;patch

// Reconcile starts the listings that are due and reports those that ended.
func (r *Reconciler) Reconcile(ctx context.Context, cfg *v1alpha1.Config) (ctrl.Result, error) {
	if !cfg.DeletionTimestamp.IsZero() || cfg.Status.ClusterUID == "" {
		return ctrl.Result{}, nil // the Config's status wakes us when it is known
	}
	r.forgetOthers(cfg)
	now := r.Clock.Now()
	again := interval(cfg)
	for _, l := range cfg.Status.Storage {
		m := r.remember(l)
		state := r.Runs.Observe(runID(cfg, l.Name))
		if state.Phase == longrun.Ended {
			if err := r.report(ctx, cfg, m, state); err != nil {
				return ctrl.Result{}, err
			}
			r.Metrics.Synced(l.Name, state.Err != nil)
			r.tellCollected(cfg, l.Name, state.Result.orphans)
			r.Runs.Forget(runID(cfg, l.Name))
			state.Phase = longrun.Absent
		}
		if !l.Available || state.Phase != longrun.Absent {
			continue // its status, or the end of its run, wakes us
		}
		if wait := m.due(cfg, now); wait > 0 {
			again = min(again, wait)
			continue
		}
		m.begin(cfg, now)
		r.Runs.Ensure(runObject(cfg, l.Name), r.work(cfg.DeepCopy(), m))
	}
	return ctrl.Result{RequeueAfter: again}, nil
}

// report writes what a run found into the location's status.
func (r *Reconciler) report(ctx context.Context, cfg *v1alpha1.Config, m *memory, state longrun.State[struct{}, outcome]) error {
	if state.Result.storeID != m.storeID {
		return nil // there is another store under that name by now
	}
	message := state.Result.message()
	if state.Err != nil {
		message = state.Err.Error()
		log.FromContext(ctx).Info("Listing a location failed", "location", m.location, "error", message)
	}
	if message != "" && message != m.announced {
		announce.Warning(r.Events, cfg, v1alpha1.EventSyncIncomplete, "ListLocation", message)
	}
	if n := state.Result.found; n > 0 {
		announce.Normal(r.Events, cfg, v1alpha1.EventBackupsFound, "ListLocation",
			fmt.Sprintf("found %d backups in storage location %q that had no object here", n, m.location))
	}
	m.announced = message
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		live := &v1alpha1.Config{}
		err := r.Reader.Get(ctx, client.ObjectKeyFromObject(cfg), live)
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read Config: %w", err)
		}
		before := live.DeepCopy()
		for i := range live.Status.Storage {
			if l := &live.Status.Storage[i]; l.Name == m.location && l.StoreID == m.storeID {
				state.Result.show(l, state.Err == nil, message)
			}
		}
		return status.PatchUnchanged(ctx, r.Client, live, before)
	})
}

// forgetOthers drops what was learned of locations that the Config no longer has.
func (r *Reconciler) forgetOthers(cfg *v1alpha1.Config) {
	kept := map[string]*memory{}
	for _, l := range cfg.Status.Storage {
		if m := r.memory[l.Name]; m != nil {
			kept[l.Name] = m
		}
	}
	r.memory = kept
}

// remember returns what was learned of a location. Of another store under the same
// name nothing is known.
func (r *Reconciler) remember(l v1alpha1.StorageLocationStatus) *memory {
	m := r.memory[l.Name]
	if m == nil || m.storeID != l.StoreID {
		m = newMemory(l.Name, l.StoreID)
		r.memory[l.Name] = m
	}
	return m
}

func interval(cfg *v1alpha1.Config) time.Duration {
	if cfg.Spec.SyncInterval == nil {
		return byDefault
	}
	return max(cfg.Spec.SyncInterval.Duration, shortestInterval)
}

// runID is the key of a location's run: a run is kept for a UID, and there are
// several for the one Config.
func runID(cfg *v1alpha1.Config, location string) types.UID {
	return types.UID(string(cfg.UID) + "/" + location)
}

// runObject stands for a location of the Config, and wakes the Config.
func runObject(cfg *v1alpha1.Config, location string) client.Object {
	return &v1alpha1.Config{ObjectMeta: metav1.ObjectMeta{Name: cfg.Name, UID: runID(cfg, location)}}
}
