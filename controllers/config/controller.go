// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package config reconciles the Config: it opens every storage location, and
// puts the cluster-wide rules in force.
package config

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/retry"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
)

const (
	// checkInterval is how often a location that is fine is tried again. The sync
	// lists it far more often, but does not try to write; when it fails, the location
	// is tried at once.
	checkInterval = 5 * time.Minute
	// checkTimeout bounds how long a location may take to answer. They are tried at
	// the same time, so that it bounds a reconciliation, too.
	checkTimeout = 20 * time.Second
)

// Reconciler drives the Config.
type Reconciler struct {
	Client client.Client
	// Reader reads without a cache.
	Reader    client.Reader
	Locations *locations.Locations
	Rules     *rules.Loader
	Events    events.EventRecorder
	Clock     engine.Clock
	// ClusterUID is the identity of this cluster.
	ClusterUID string
}

// SetupWithManager registers the controller. The Secrets and ConfigMaps that the
// Config names are watched by their metadata: that one changed is enough to know.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, opts controller.Options) error {
	if r.Client == nil || r.Reader == nil || r.Locations == nil || r.Rules == nil {
		return errors.New("set up config controller: Client, Reader, Locations and Rules are required")
	}
	if r.Events == nil || r.Clock == nil || r.ClusterUID == "" {
		return errors.New("set up config controller: Events, Clock and ClusterUID are required")
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("config").
		For(&v1alpha1.Config{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, listingFailed()))).
		WatchesMetadata(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(r.using(usesSecret))).
		WatchesMetadata(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(r.using(usesConfigMap))).
		WatchesRawSource(r.Rules.Compilations.Source(func(context.Context) []reconcile.Request {
			return []reconcile.Request{{NamespacedName: client.ObjectKey{Name: v1alpha1.ConfigName}}}
		})).
		WithOptions(opts).
		Complete(reconcile.AsReconciler(r.Client, r))
}

// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs,verbs=get;list;watch
// +kubebuilder:rbac:groups=ark.gopherwood.dev,resources=configs/status,verbs=patch
// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=secrets;configmaps,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,namespace=default,resources=events,verbs=create;patch

// Reconcile learns how every part of the Config fares, and reports it.
func (r *Reconciler) Reconcile(ctx context.Context, cfg *v1alpha1.Config) (ctrl.Result, error) {
	if !cfg.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	s := newScope(cfg, r.Clock.Now())
	err := step.Run(ctx, s, r.checkLocations, r.loadRules, checkOrder, judge)
	return r.report(ctx, s, err)
}

// report writes status once. The sync writes into the same list: where it was
// quicker, the status is derived again from what it wrote.
func (r *Reconciler) report(ctx context.Context, s *scope, err error) (ctrl.Result, error) {
	perr := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		setStatus(s, r.ClusterUID, err)
		perr := status.PatchUnchanged(ctx, r.Client, s.cfg, s.before)
		if apierrors.IsConflict(perr) {
			if rerr := r.readAgain(ctx, s); rerr != nil {
				return client.IgnoreNotFound(rerr)
			}
		}
		return perr
	})
	if perr != nil {
		return ctrl.Result{}, errors.Join(err, perr)
	}
	r.announce(s)
	if serr := r.Rules.Sweep(ctx, s.now); serr != nil {
		log.FromContext(ctx).Error(serr, "Sweeping rules that nobody uses any more")
	}
	return result(err)
}

// readAgain takes the Config's status as it is now. Its spec stays the one that
// was looked at: that of a newer generation wakes the controller again.
func (r *Reconciler) readAgain(ctx context.Context, s *scope) error {
	live := &v1alpha1.Config{}
	if err := r.Reader.Get(ctx, client.ObjectKeyFromObject(s.cfg), live); err != nil {
		return fmt.Errorf("read Config: %w", err)
	}
	s.before = live
	s.cfg.ResourceVersion = live.ResourceVersion
	s.cfg.Status = *live.Status.DeepCopy()
	return nil
}

// result looks again at the locations also when something else is stalled: that
// one is unreachable is watched by nobody else.
func result(err error) (ctrl.Result, error) {
	var known *step.Error
	if errors.As(err, &known) && known.After == 0 {
		return ctrl.Result{RequeueAfter: checkInterval}, nil
	}
	return step.Result(err, checkInterval)
}

// using asks for the Config when it names the object.
func (r *Reconciler) using(uses func(*v1alpha1.Config, string) bool) handler.MapFunc {
	return func(ctx context.Context, o client.Object) []reconcile.Request {
		key := client.ObjectKey{Name: v1alpha1.ConfigName}
		cfg := &v1alpha1.Config{}
		if err := r.Client.Get(ctx, key, cfg); err != nil || !uses(cfg, o.GetName()) {
			return nil // there is none: its creation wakes the controller
		}
		return []reconcile.Request{{NamespacedName: key}}
	}
}

func usesSecret(cfg *v1alpha1.Config, name string) bool {
	return slices.Contains(locations.SecretNames(cfg), name)
}

func usesConfigMap(cfg *v1alpha1.Config, name string) bool { return rules.Uses(cfg.Spec.Rules, name) }
