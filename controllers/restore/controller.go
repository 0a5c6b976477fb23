// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package restore reconciles Restores: it chooses the backup, runs the restore
// once, and records beside the backup what came of it.
//
// A Restore is a record. One whose name is recorded in storage is adopted and
// never run again, so that a Git tool may prune it and apply it again.
package restore

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/controllers/internal/finalizer"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/internal/wake"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// Runs are the runs that restore. The Config says how many are active.
type Runs = longrun.Keeper[engrestore.Progress, *ending]

// NewRuns returns a keeper for them.
func NewRuns() *Runs { return longrun.NewAwaiting[engrestore.Progress, *ending]() }

// Reconciler drives one Restore.
type Reconciler struct {
	Client    client.Client
	Events    events.EventRecorder
	Clock     engine.Clock
	Locations *locations.Locations
	Rules     *rules.Loader
	// Target is the cluster that is restored into, ClusterUID its identity.
	Target     engrestore.Target
	ClusterUID string
	// Cluster tells what Ark's authority rests on.
	Cluster own.Cluster
	// Definitions are those of Ark's kinds: without their fields, gates are not seen.
	Definitions *definitions.Guard
	Runs        *Runs
	// Namespace is the controller's. It receives the records of restores from
	// locations that are never written. Records reads them, past any cache.
	Namespace string
	Records   client.Reader
	// Metrics counts what is done; nil counts nothing.
	Metrics *metrics.Metrics
	// Disabled stalls Restores that have not run: the process has no right to write.
	Disabled bool

	// storeTimeout is storageTimeout unless a test has less of it.
	storeTimeout time.Duration
}

// SetupWithManager registers the controller and its runs. Whatever can cure a
// stall is watched, because nothing else wakes a stalled object.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if err := r.check(); err != nil {
		return fmt.Errorf("set up restore controller: %w", err)
	}
	if err := mgr.Add(r.Runs); err != nil {
		return fmt.Errorf("set up restore controller: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("restore").
		For(&v1alpha1.Restore{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Config{}, handler.EnqueueRequestsFromMapFunc(r.unfinished), builder.WithPredicates(wake.ByConfig())).
		Watches(&v1alpha1.BackupPolicy{}, handler.EnqueueRequestsFromMapFunc(r.unfinished), builder.WithPredicates(wake.ByPolicy())).
		Watches(&v1alpha1.Backup{}, handler.EnqueueRequestsFromMapFunc(r.unfinished), builder.WithPredicates(wake.ByBackup())).
		WatchesRawSource(r.Runs.Source()).
		WithOptions(opts).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// check names what is missing.
func (r *Reconciler) check() error {
	switch {
	case r.Client == nil || r.Events == nil || r.Clock == nil || r.Locations == nil || r.Rules == nil:
		return errors.New("fields Client, Events, Clock, Locations and Rules are required")
	case r.Runs == nil || r.Records == nil || r.Namespace == "" || r.ClusterUID == "":
		return errors.New("fields Runs, Records, Namespace and ClusterUID are required")
	case r.Cluster == nil || r.Definitions == nil:
		return errors.New("fields Cluster and Definitions are required")
	}
	return nil
}

// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=restores,verbs=list;watch;patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=restores/status,verbs=patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs;backuppolicies;backups,verbs=list;watch
// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=configmaps,verbs=get;create
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create;patch

// Reconcile reads from top to bottom: steps learn and act, setStatus judges, one
// patch reports, and step.Result decides when to look again.
func (r *Reconciler) Reconcile(ctx context.Context, o *v1alpha1.Restore) (ctrl.Result, error) {
	s := newScope(o, r.Clock.Now())
	if !o.DeletionTimestamp.IsZero() {
		return step.Result(step.Run(ctx, s, r.stopRun, r.dropFinalizer), 0)
	}
	if s.finished() {
		return step.Result(r.dropFinalizer(ctx, s), 0)
	}
	err := step.Run(ctx, s, r.checkName, r.learnConfig, r.observeRun, r.adopt, r.permit, r.checkDefinitions, r.checkRequest, r.choose, r.awaitRecord, r.openBackup, r.ensureRun)
	return r.report(ctx, s, err)
}

// report writes status once, whatever the steps returned, and then lets go of
// what only an active run needs.
func (r *Reconciler) report(ctx context.Context, s *scope, err error) (ctrl.Result, error) {
	setStatus(s, err)
	switch perr := status.PatchUnchanged(ctx, r.Client, s.restore, s.before); {
	case apierrors.IsConflict(perr):
		return step.Outdated() // a cache showed it as it was earlier
	case perr != nil:
		return ctrl.Result{}, errors.Join(err, perr)
	}
	r.announce(s)
	if s.ran && s.ending.reason == v1alpha1.DeniedReason {
		ctrl.LoggerFrom(ctx).Info("Denied restore", "codes", s.ending.codes())
	}
	if s.begins {
		r.Runs.Begin(s.restore.UID) // status says so by now
	}
	r.count(s)
	if !s.active {
		r.Runs.Forget(s.restore.UID)
		if ferr := r.dropFinalizer(ctx, s); ferr != nil {
			return ctrl.Result{}, errors.Join(err, ferr)
		}
	}
	return step.Result(err, 0)
}

// stopRun ends whatever runs for the object.
func (r *Reconciler) stopRun(ctx context.Context, s *scope) error {
	return r.Runs.Stop(ctx, s.restore.UID)
}

// dropFinalizer lets the object go.
func (r *Reconciler) dropFinalizer(ctx context.Context, s *scope) error {
	return finalizer.Drop(ctx, r.Client, s.restore)
}

// unfinished asks for the Restores that a change of something else can help.
func (r *Reconciler) unfinished(ctx context.Context, _ client.Object) []reconcile.Request {
	var list v1alpha1.RestoreList
	if err := r.Client.List(ctx, &list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing restores to wake")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if o := &list.Items[i]; o.Status.CompletionTime == nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(o)})
		}
	}
	return requests
}
