// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package controllertest

import (
	"context"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// Account is how a reconciler reaches the API server in a test: with exactly the
// rights that the chart gives to its service account where restores are off.
type Account struct {
	// Cached is for what a manager's client is for. It writes with those rights, and
	// reads with others: a cache answers without asking anybody.
	Cached client.Client
	// Direct is for what a manager's API reader is for.
	Direct client.Client
}

// ServiceAccount returns an Account for the cluster that the tests of a package
// share.
func ServiceAccount(t testing.TB) Account {
	t.Helper()
	return ServiceAccountOf(t, labtest.Shared(t))
}

// ServiceAccountOf returns an Account for a cluster.
func ServiceAccountOf(t testing.TB, cluster *lab.Cluster) Account {
	t.Helper()
	direct := labtest.ServiceAccountClient(t, cluster, labtest.WithoutRestores)
	return Account{Cached: cached{direct, labtest.Client(t, cluster)}, Direct: direct}
}

// cached is a client that reads elsewhere.
type cached struct {
	client.Client

	cache client.Reader
}

func (c cached) Get(ctx context.Context, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	return c.cache.Get(ctx, key, o, opts...)
}

func (c cached) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	return c.cache.List(ctx, list, opts...)
}
