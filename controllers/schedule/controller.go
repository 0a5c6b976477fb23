// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package schedule reconciles Schedules: it makes a Backup for every firing.
//
// When a backup was last made is told by the names of the Backups of the Schedule,
// by its status, and by storage, whichever knows of the newest: a re-created
// Schedule has no status, a backup that was deleted has no object, and storage,
// which remembers both, is asked only when there is something to make. A Backup is
// named after its firing, so that no firing makes two.
package schedule

import (
	"context"
	"errors"
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/internal/wake"
	"github.com/gopherwood/ark/engine"
)

// longestSleep bounds how long a clock that was put forward goes unnoticed:
// timers do not see such a jump.
const longestSleep = 5 * time.Minute

// Storage tells what the store of a location holds.
type Storage interface {
	// LatestBackup returns the name of the newest backup that this cluster took for
	// the schedule into the location; ok is false when there never was one. Its
	// errors say what to wait for.
	LatestBackup(ctx context.Context, cfg *v1alpha1.Config, location, schedule string) (name string, ok bool, err error)
}

// Reconciler drives one Schedule.
type Reconciler struct {
	Client  client.Client
	Storage Storage
	Events  events.EventRecorder
	Clock   engine.Clock
	// Metrics counts what is done; nil counts nothing.
	Metrics *metrics.Metrics
}

// SetupWithManager registers the controller. Besides the Schedule itself, what
// can change its next step is watched: the Config, its BackupPolicy, and its
// Backups, whose end lets the next one begin.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if r.Client == nil || r.Storage == nil || r.Events == nil || r.Clock == nil {
		return errors.New("set up schedule controller: Client, Storage, Events and Clock are required")
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("schedule").
		For(&v1alpha1.Schedule{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Config{}, handler.EnqueueRequestsFromMapFunc(r.all), builder.WithPredicates(wake.ByConfig())).
		Watches(&v1alpha1.BackupPolicy{}, handler.EnqueueRequestsFromMapFunc(r.ofPolicy), builder.WithPredicates(wake.ByPolicy())).
		Watches(&v1alpha1.Backup{}, handler.EnqueueRequestsFromMapFunc(ofBackup), builder.WithPredicates(wake.ByBackup())).
		WithOptions(opts).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=schedules,verbs=list;watch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=schedules/status,verbs=patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs;backuppolicies,verbs=list;watch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backups,verbs=list;watch;create
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create;patch

// Reconcile makes the Backup that is due, and looks again at the next firing.
// A Schedule that is being deleted leaves its Backups: they are data.
func (r *Reconciler) Reconcile(ctx context.Context, o *v1alpha1.Schedule) (ctrl.Result, error) {
	if !o.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	s := newScope(o, r.Clock.Now())
	err := step.Run(ctx, s, r.learnConfig, parse, r.learnBackups, r.findLocation, r.judge, r.fire)
	return r.report(ctx, s, err)
}

// report writes status once, whatever the steps returned.
func (r *Reconciler) report(ctx context.Context, s *scope, err error) (ctrl.Result, error) {
	setStatus(s, err)
	r.announce(s)
	if perr := status.Patch(ctx, r.Client, s.schedule, s.before); perr != nil {
		return ctrl.Result{}, errors.Join(err, perr)
	}
	return step.Result(err, s.sleep())
}

// all asks for every Schedule.
func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.requests(ctx, func(*v1alpha1.Schedule) bool { return true })
}

// ofPolicy asks for the Schedules that use a BackupPolicy.
func (r *Reconciler) ofPolicy(ctx context.Context, policy client.Object) []reconcile.Request {
	return r.requests(ctx, func(o *v1alpha1.Schedule) bool { return o.Spec.PolicyName == policy.GetName() })
}

func (r *Reconciler) requests(ctx context.Context, wanted func(*v1alpha1.Schedule) bool) []reconcile.Request {
	var list v1alpha1.ScheduleList
	if err := r.Client.List(ctx, &list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing schedules to wake")
		return nil
	}
	var requests []reconcile.Request
	for i := range list.Items {
		if wanted(&list.Items[i]) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&list.Items[i])})
		}
	}
	return requests
}

// ofBackup asks for the Schedule that a Backup was made for.
func ofBackup(_ context.Context, backup client.Object) []reconcile.Request {
	name := backup.GetLabels()[v1alpha1.ScheduleLabel]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: name}}}
}
