// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package policy reconciles BackupPolicies: their rules are compiled and kept,
// and each entry of spec.schedules becomes a Schedule.
package policy

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/internal/wake"
	"github.com/gopherwood/ark/engine"
)

// Reconciler drives one BackupPolicy.
type Reconciler struct {
	Client client.Client
	Rules  *rules.Loader
	Events events.EventRecorder
	Clock  engine.Clock
}

// SetupWithManager registers the controller. Besides the BackupPolicy, whatever
// can cure a stall is watched: the Config, its Schedules and those that take
// their names, and the ConfigMaps that hold its rules.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if r.Client == nil || r.Rules == nil || r.Events == nil || r.Clock == nil {
		return errors.New("set up policy controller: Client, Rules, Events and Clock are required")
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("policy").
		For(&v1alpha1.BackupPolicy{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.Config{}, handler.EnqueueRequestsFromMapFunc(r.all), builder.WithPredicates(wake.ByConfig())).
		Watches(&v1alpha1.Schedule{}, handler.EnqueueRequestsFromMapFunc(r.namedBySchedule), builder.WithPredicates(wake.BySchedule())).
		Watches(&v1alpha1.Backup{}, handler.EnqueueRequestsFromMapFunc(ofBackup), builder.WithPredicates(wake.ByBackup())).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.withConfigMap)).
		WatchesRawSource(r.Rules.Compilations.Source(func(ctx context.Context) []reconcile.Request { return r.all(ctx, nil) })).
		WithOptions(opts).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backuppolicies,verbs=list;watch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=backuppolicies/status,verbs=patch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=schedules,verbs=list;watch;create;patch;delete
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs;backups,verbs=list;watch
// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=configmaps,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create;patch

// Reconcile puts the policy in force. A policy that is being deleted leaves its
// Schedules to the garbage collector, and its Backups to their retention.
//
// The steps learn and act as far as each can on its own: rules that do not
// compile must not keep a policy from being suspended. What stands in the way is
// collected, and judged last.
func (r *Reconciler) Reconcile(ctx context.Context, p *v1alpha1.BackupPolicy) (ctrl.Result, error) {
	if !p.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	s := newScope(p, r.Clock.Now())
	err := step.Run(ctx, s, r.learnConfig, r.learnBackups, r.loadRules, checkTemplate,
		r.learnSchedules, r.ensureSchedules, r.pruneSchedules, judge)
	return r.report(ctx, s, err)
}

// report writes status once, whatever the steps returned.
func (r *Reconciler) report(ctx context.Context, s *scope, err error) (ctrl.Result, error) {
	setStatus(s, err)
	r.announce(s)
	if perr := status.Patch(ctx, r.Client, s.policy, s.before); perr != nil {
		return ctrl.Result{}, errors.Join(err, perr)
	}
	return step.Result(err, 0)
}

// all asks for every BackupPolicy.
func (r *Reconciler) all(ctx context.Context, _ client.Object) []reconcile.Request {
	return r.requests(ctx, func(*v1alpha1.BackupPolicy) bool { return true })
}

// withConfigMap asks for the BackupPolicies that take rules from a ConfigMap.
func (r *Reconciler) withConfigMap(ctx context.Context, configMap client.Object) []reconcile.Request {
	return r.requests(ctx, func(p *v1alpha1.BackupPolicy) bool {
		return rules.Uses(p.Spec.Rules, configMap.GetName())
	})
}

// namedBySchedule asks for the BackupPolicy whose Schedule has that name, made
// by it or not: one that is in the way may just have gone.
func (r *Reconciler) namedBySchedule(ctx context.Context, schedule client.Object) []reconcile.Request {
	return r.requests(ctx, func(p *v1alpha1.BackupPolicy) bool {
		for _, entry := range p.Spec.Schedules {
			if scheduleName(p, entry.Name) == schedule.GetName() {
				return true
			}
		}
		return schedule.GetLabels()[v1alpha1.PolicyLabel] == p.Name
	})
}

func (r *Reconciler) requests(ctx context.Context, wanted func(*v1alpha1.BackupPolicy) bool) []reconcile.Request {
	var list v1alpha1.BackupPolicyList
	if err := r.Client.List(ctx, &list); err != nil {
		ctrl.LoggerFrom(ctx).Error(err, "Listing policies to wake")
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

// ofBackup asks for the BackupPolicy that a Backup was made for.
func ofBackup(_ context.Context, backup client.Object) []reconcile.Request {
	name := backup.GetLabels()[v1alpha1.PolicyLabel]
	if name == "" {
		return nil
	}
	return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: name}}}
}
