// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package backup reconciles Backups: it takes each once, records in storage what
// is asked of it later, and removes it when its time is up.
//
// Storage decides what a Backup is. A name that has a marker there is adopted
// and never taken again; a name that has a deletion record stays deleted. The
// object is a projection: deleting it deletes no data.
package backup

import (
	"context"
	"errors"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/finalizer"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/internal/wake"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/catalog"
	"github.com/gopherwood/ark/engine/collect"
)

// Takes are the runs that take backups. The Config says how many are active.
type Takes = longrun.Keeper[collect.Progress, *catalog.Snapshot]

// NewTakes returns a keeper for them.
func NewTakes() *Takes { return longrun.NewAwaiting[collect.Progress, *catalog.Snapshot]() }

// Removals are the runs that remove backups, or find that they are to be kept.
type Removals = longrun.Keeper[struct{}, removal]

// maxRemovals is how many removals are active at a time: each is one request
// after the other, and a slow store must not keep all the others waiting.
const maxRemovals = 4

// NewRemovals returns a keeper for them.
func NewRemovals() *Removals {
	k := longrun.New[struct{}, removal]()
	k.Limit(maxRemovals)
	return k
}

// Reconciler drives one Backup.
type Reconciler struct {
	Client    client.Client
	Events    events.EventRecorder
	Clock     engine.Clock
	Locations *locations.Locations
	Rules     *rules.Loader
	// Source is the cluster that is backed up, ClusterUID its identity.
	Source     collect.Source
	ClusterUID string
	Takes      *Takes
	Removals   *Removals
	// NewAttempt makes a name for an attempt that no other has.
	NewAttempt func() string
	// Metrics counts what is done; nil counts nothing.
	Metrics *metrics.Metrics

	memory memory
}

// SetupWithManager registers the controller and its runs. Whatever can cure a
// stall is watched, because nothing else wakes a stalled object.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if r.Client == nil || r.Events == nil || r.Clock == nil || r.Locations == nil || r.Rules == nil {
		return errors.New("set up backup controller: Client, Events, Clock, Locations and Rules are required")
	}
	if r.Takes == nil || r.Removals == nil || r.NewAttempt == nil || r.ClusterUID == "" {
		return errors.New("set up backup controller: Takes, Removals, NewAttempt and ClusterUID are required")
	}
	if err := errors.Join(mgr.Add(r.Takes), mgr.Add(r.Removals)); err != nil {
		return fmt.Errorf("set up backup controller: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("backup").
		For(&v1alpha1.Backup{}, builder.WithPredicates(r.matters())).
		Watches(&v1alpha1.Config{}, handler.EnqueueRequestsFromMapFunc(r.unsettled), builder.WithPredicates(wake.ByConfig())).
		Watches(&v1alpha1.BackupPolicy{}, handler.EnqueueRequestsFromMapFunc(r.unsettled), builder.WithPredicates(wake.ByPolicy())).
		WatchesRawSource(r.Takes.Source()).
		WatchesRawSource(r.Removals.Source()).
		WithOptions(opts).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backups,verbs=list;watch;patch;delete
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backups/status,verbs=patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs;backuppolicies;schedules,verbs=list;watch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=restores,verbs=list;watch;delete
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create;patch

// Reconcile reads from top to bottom: steps learn and act, setStatus judges, one
// patch reports, and step.Result decides when to look again.
func (r *Reconciler) Reconcile(ctx context.Context, b *v1alpha1.Backup) (ctrl.Result, error) {
	s := newScope(b, r.Clock.Now(), r.ClusterUID)
	if !b.DeletionTimestamp.IsZero() {
		return step.Result(step.Run(ctx, s, r.stopRuns, r.dropFinalizer), 0)
	}
	if s.foreign {
		return step.Result(step.Run(ctx, s, r.disregard, r.dropFinalizer), 0)
	}
	if s.finished() {
		return step.Result(step.Run(ctx, s, r.keepVerdict, r.forgetRuns, r.dropFinalizer, r.deleteRemoved), 0)
	}
	err := step.Run(ctx, s, r.checkNames, r.checkTemplate, r.learnConfig, r.lookUp, r.adopt, r.record, r.remove, r.expire, r.take)
	return r.report(ctx, s, err)
}

// report writes status once, whatever the steps returned, and then lets go of
// what only an active run needs. What a cache showed as it was earlier is not
// reported: a backup that is gone would be removed once more, and say so for ever.
func (r *Reconciler) report(ctx context.Context, s *scope, err error) (ctrl.Result, error) {
	setStatus(s, err)
	switch perr := status.PatchUnchanged(ctx, r.Client, s.backup, s.before); {
	case apierrors.IsConflict(perr):
		return step.Outdated()
	case perr != nil:
		return ctrl.Result{}, errors.Join(err, perr)
	}
	r.announce(s)
	if s.begins {
		r.Takes.Begin(s.backup.UID) // status says so by now
	}
	r.count(s)
	if !s.active {
		if ferr := step.Run(ctx, s, r.forgetRuns, r.dropFinalizer, r.deleteRemoved); ferr != nil {
			return ctrl.Result{}, errors.Join(err, ferr)
		}
	}
	return step.Result(err, s.again())
}

// keepVerdict repeats for a changed spec what was said at the end.
func (r *Reconciler) keepVerdict(ctx context.Context, s *scope) error {
	s.keepVerdict()
	return status.Patch(ctx, r.Client, s.backup, s.before)
}

// disregard observes what is asked of a backup that belongs to another cluster, and
// says that nothing comes of it. What sync has not shown yet says nothing.
func (r *Reconciler) disregard(ctx context.Context, s *scope) error {
	st := &s.backup.Status
	if len(st.Conditions) == 0 || st.ObservedGeneration == s.backup.Generation {
		return nil
	}
	if err := r.keepVerdict(ctx, s); err != nil {
		return err
	}
	announce.Warning(r.Events, s.backup, v1alpha1.EventBackupForeign, "Backup",
		"the spec was changed, and nothing comes of it: the backup belongs to another cluster: adopt it first (ark storage adopt)")
	return nil
}

// dropFinalizer lets the object go.
func (r *Reconciler) dropFinalizer(ctx context.Context, s *scope) error {
	return finalizer.Drop(ctx, r.Client, s.backup)
}

// matters tells the events of a Backup that can mean something to do: of its
// status, only that it was adopted.
func (r *Reconciler) matters() predicate.Predicate {
	takenOver := predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		was, ok := e.ObjectOld.(*v1alpha1.Backup)
		is, also := e.ObjectNew.(*v1alpha1.Backup)
		return ok && also && adopted(is, r.ClusterUID) && !adopted(was, r.ClusterUID)
	}}
	return predicate.Or(predicate.GenerationChangedPredicate{}, takenOver)
}

// unsettled asks for the Backups that a change of a Config or a BackupPolicy can
// help: all but those that reached their end, or have nothing to do.
func (r *Reconciler) unsettled(ctx context.Context, _ client.Object) []reconcile.Request {
	var list v1alpha1.BackupList
	if err := r.Client.List(ctx, &list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing backups to wake")
		return nil
	}
	now := r.Clock.Now()
	var requests []reconcile.Request
	for i := range list.Items {
		b := &list.Items[i]
		if s := newScope(b, now, r.ClusterUID); s.foreign || s.finished() || s.resting() {
			continue
		}
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(b)})
	}
	return requests
}
