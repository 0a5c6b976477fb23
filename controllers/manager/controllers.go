// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"fmt"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/gopherwood/ark/controllers/config"
	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/metrics"
	"github.com/gopherwood/ark/controllers/internal/rules"
	"github.com/gopherwood/ark/controllers/policy"
	"github.com/gopherwood/ark/controllers/schedule"
	"github.com/gopherwood/ark/controllers/sync"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/policies/sandbox"
)

// shared is what several controllers use: a location is opened once, and a set
// of rules compiled once.
type shared struct {
	ctrl.Manager

	opts      Options
	locations *locations.Locations
	rules     *rules.Loader
	// cluster is the one that is backed up and restored into, clusterUID its identity.
	cluster    *kube.Cluster
	clusterUID string
	metrics    *metrics.Metrics
	// definitions are those of Ark's kinds, and client keeps off kinds that are not
	// served whole.
	definitions *definitions.Guard
	client      client.Client
}

// GetClient hides the manager's own: no controller reads or writes a kind that is not
// served whole.
func (s shared) GetClient() client.Client { return s.client }

// reconcilerOptions hold for every controller.
var reconcilerOptions = controller.Options{}

// The cluster's identity is that of its namespace kube-system.
// +kubebuilder:rbac:groups=core,resources=namespaces,resourceNames=kube-system,verbs=get

// setUp registers the controllers with the manager, and their metrics with the
// library's registry. What it returns takes the metrics off again.
func setUp(ctx context.Context, mgr ctrl.Manager, opts Options) (cleanUp func(), err error) {
	cluster, err := kube.New(mgr.GetConfig(), kube.Options{})
	if err != nil {
		return nil, err
	}
	guard := &definitions.Guard{Reader: mgr.GetAPIReader()}
	clusterUID, err := awaitAccess(ctx, opts, cluster, guard, accessTimeout)
	if err != nil {
		return nil, err
	}
	if err := mgr.Add(guard); err != nil {
		return nil, fmt.Errorf("set up the watch over definitions: %w", err)
	}
	counters, err := metrics.New(ctrlmetrics.Registry, metrics.NewState(mgr.GetCache(), clusterUID, opts.Clock))
	if err != nil {
		return nil, err
	}
	pool := sandbox.New(sandbox.DefaultLimits())
	cleanUp = func() {
		pool.Close()
		counters.Unregister(ctrlmetrics.Registry)
	}
	compilations := rules.NewCompilations(pool.Compile)
	if err := mgr.Add(compilations); err != nil {
		cleanUp()
		return nil, fmt.Errorf("set up the compiler of rules: %w", err)
	}
	s := shared{
		cluster:    cluster,
		clusterUID: clusterUID,
		metrics:    counters,
		Manager:    mgr, definitions: guard, client: guard.Client(mgr.GetClient()),
		opts: opts,
		locations: &locations.Locations{
			Client: mgr.GetAPIReader(), Namespace: opts.Namespace,
			FileRoot: opts.FileStoreRoot, Tool: opts.Tool, Clock: opts.Clock, Creator: mgr.GetClient(),
		},
		rules: &rules.Loader{
			Client: mgr.GetAPIReader(), Writer: mgr.GetClient(), Namespace: opts.Namespace,
			Compilations: compilations, Clock: opts.Clock,
		},
	}
	for _, register := range []func(shared) error{
		setUpConfig,
		setUpPolicy,
		setUpSchedule,
		setUpSync,
		setUpBackup,
		setUpRestore,
	} {
		if err := register(s); err != nil {
			cleanUp()
			return nil, err
		}
	}
	return cleanUp, nil
}

func setUpConfig(s shared) error {
	r := &config.Reconciler{
		Client: s.GetClient(), Reader: s.GetAPIReader(), Locations: s.locations, Rules: s.rules,
		Events: s.GetEventRecorder("ark-config"), Clock: s.opts.Clock, ClusterUID: s.clusterUID,
	}
	return r.SetupWithManager(s, reconcilerOptions)
}

func setUpPolicy(s shared) error {
	r := &policy.Reconciler{
		Client: s.GetClient(), Rules: s.rules,
		Events: s.GetEventRecorder("ark-policy"), Clock: s.opts.Clock,
	}
	return r.SetupWithManager(s, reconcilerOptions)
}

func setUpSchedule(s shared) error {
	r := &schedule.Reconciler{
		Client: s.GetClient(), Storage: s.locations,
		Events: s.GetEventRecorder("ark-schedule"), Clock: s.opts.Clock, Metrics: s.metrics,
	}
	return r.SetupWithManager(s, reconcilerOptions)
}

func setUpSync(s shared) error {
	r := &sync.Reconciler{
		Client: s.GetClient(), Reader: s.GetAPIReader(), Locations: s.locations,
		Events: s.GetEventRecorder("ark-sync"), Clock: s.opts.Clock, Runs: sync.NewRuns(), Metrics: s.metrics,
	}
	return r.SetupWithManager(s, reconcilerOptions)
}
