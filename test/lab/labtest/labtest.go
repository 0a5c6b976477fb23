// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package labtest gives tests a real API server with Ark's kinds installed.
//
// A test package declares
//
//	func TestMain(m *testing.M) { labtest.Main(m) }
//
// and its tests share one API server, which is started by the first that asks:
//
//	cluster := labtest.Shared(t)
//	c := labtest.Client(t, cluster)
//
// A test that needs a cluster of its own, a second one, or the controller-manager
// (without it, namespaces never go away) starts it; it is stopped when the test ends:
//
//	cluster := labtest.Start(t, lab.Options{ControllerManager: true})
//
// A component that is missing is built; one that does not start fails the test.
// Nothing here ever skips.
package labtest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab"
)

// Namespace is the controllers' namespace. It exists in every cluster.
const Namespace = "ark-system"

// shared is the one cluster of a test binary.
var shared struct {
	sync.Mutex

	hasMain bool
	cluster *lab.Cluster
	err     error
}

// Main runs the tests of a package, then stops the cluster they shared.
func Main(m *testing.M) {
	// What controllers log is no part of what tests check, and drowns what they say.
	log.SetLogger(logr.Discard())
	shared.hasMain = true
	code := m.Run()
	if shared.cluster != nil {
		if err := shared.cluster.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = max(code, 1)
		}
	}
	os.Exit(code)
}

// Shared returns the cluster that the tests of this package share: without a
// controller-manager, and with whatever other tests left in it. It fails the
// test where there is none.
func Shared(tb testing.TB) *lab.Cluster {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.hasMain {
		tb.Fatal("call labtest.Main in TestMain, or nothing stops the shared cluster")
	}
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = startWithKinds(tb.Context(), lab.Options{})
	}
	if shared.err != nil {
		tb.Fatalf("no shared cluster: %v", shared.err)
	}
	return shared.cluster
}

// Start starts a cluster that belongs to the test.
func Start(tb testing.TB, opts lab.Options) *lab.Cluster {
	tb.Helper()
	cluster, err := startWithKinds(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			tb.Error(err)
		}
	})
	return cluster
}

// Client returns a client that reads and writes directly, without a cache, and
// knows the kinds of Kubernetes, of its extensions and of Ark.
func Client(tb testing.TB, cluster *lab.Cluster) client.Client {
	tb.Helper()
	c, err := client.New(cluster.Config(), client.Options{Scheme: Scheme()})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// Scheme returns a new scheme with the kinds that Client knows.
func Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		clientgoscheme.AddToScheme, apiextensionsv1.AddToScheme, v1alpha1.AddToScheme,
	} {
		if err := add(s); err != nil {
			panic(err) // two Go types for one kind: no test can run
		}
	}
	return s
}

// startWithKinds starts a cluster with Ark's kinds and namespace.
func startWithKinds(ctx context.Context, opts lab.Options) (*lab.Cluster, error) {
	cluster, err := lab.Start(ctx, opts)
	if err != nil {
		return nil, err
	}
	if err := install(ctx, cluster); err != nil {
		_ = cluster.Stop() // the reason why there is no cluster is the one to report
		return nil, err
	}
	return cluster, nil
}

// install creates Ark's kinds and its namespace.
func install(ctx context.Context, cluster *lab.Cluster) error {
	c, err := client.New(cluster.Config(), client.Options{Scheme: Scheme()})
	if err != nil {
		return fmt.Errorf("install Ark's kinds: %w", err)
	}
	if err := c.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: Namespace}}); err != nil {
		return fmt.Errorf("create namespace %s: %w", Namespace, err)
	}
	return InstallKinds(ctx, c)
}
