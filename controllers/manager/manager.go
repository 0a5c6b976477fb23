// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/gopherwood/ark/api/v1alpha1"
)

const (
	// leaseName is the name of the leader's lease.
	leaseName = "ark-leader"
	// readyTimeout is how long a probe waits for the caches; kubelets give it 1s.
	readyTimeout = 800 * time.Millisecond
)

// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=ark-system,resources=leases,verbs=create
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=ark-system,resources=leases,resourceNames=ark-leader,verbs=get;update
// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=events,verbs=create

// Run runs the controllers until ctx ends, and returns nil when they ended in
// good order. cfg names the API server and is not changed.
func Run(ctx context.Context, cfg *rest.Config, opts Options) error {
	if err := opts.check(); err != nil {
		return err
	}
	if opts.Clock == nil {
		opts.Clock = system{}
	}
	mgr, err := build(cfg, opts)
	if err != nil {
		return err
	}
	cleanUp, err := setUp(ctx, mgr, opts)
	if err != nil {
		return err
	}
	defer cleanUp()
	if err := mgr.Start(ctx); err != nil {
		return fmt.Errorf("run controllers: %w", err)
	}
	return nil
}

// build makes a manager without controllers.
func build(cfg *rest.Config, opts Options) (ctrl.Manager, error) {
	scheme, err := newScheme()
	if err != nil {
		return nil, err
	}
	cfg = rest.CopyConfig(cfg)
	cfg.QPS = -1 // the API server's own priority and fairness decides who waits
	timeout := opts.ShutdownTimeout
	if timeout == 0 {
		timeout = defaultShutdownTimeout
	}
	own := cache.ByObject{Namespaces: map[string]cache.Config{opts.Namespace: {}}}
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme,
		Logger: opts.Logger,
		Cache: cache.Options{
			// Of Secrets and ConfigMaps only metadata is cached, and only our own.
			ByObject: map[client.Object]cache.ByObject{&corev1.Secret{}: own, &corev1.ConfigMap{}: own},
		},
		Client: client.Options{Cache: &client.CacheOptions{
			DisableFor: []client.Object{&corev1.Secret{}, &corev1.ConfigMap{}, &corev1.Namespace{}},
		}},
		Metrics:                       server.Options{BindAddress: opts.MetricsAddress},
		HealthProbeBindAddress:        opts.HealthAddress,
		LeaderElection:                opts.LeaderElection,
		LeaderElectionID:              leaseName,
		LeaderElectionNamespace:       opts.Namespace,
		LeaderElectionReleaseOnCancel: true, // nothing runs after Start returned
		GracefulShutdownTimeout:       &timeout,
		// A process may run managers one after the other; the library only fears
		// for the names of metrics.
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	if err != nil {
		return nil, fmt.Errorf("set up manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("set up health endpoint: %w", err)
	}
	if err := mgr.AddReadyzCheck("cache", cacheSynced(mgr.GetCache())); err != nil {
		return nil, fmt.Errorf("set up readiness endpoint: %w", err)
	}
	return mgr, nil
}

// newScheme knows the kinds that the controllers read and write.
func newScheme() (*runtime.Scheme, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register kinds: %w", err)
		}
	}
	return scheme, nil
}

// cacheSynced reports ready once the API server answered every watch there is.
func cacheSynced(c cache.Cache) healthz.Checker {
	return func(req *http.Request) error {
		ctx, cancel := context.WithTimeout(req.Context(), readyTimeout)
		defer cancel()
		if !c.WaitForCacheSync(ctx) {
			return errors.New("the API server has not answered every watch yet")
		}
		return nil
	}
}
