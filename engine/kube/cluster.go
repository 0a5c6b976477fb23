// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package kube implements the engine's ports to a cluster: discovery, lists,
// single objects and writes, through the API server.
//
// It speaks HTTP itself, with the connection, credentials and certificates of
// client-go: objects stay the bytes that the API server sent, lists are taken
// apart while they arrive, and nothing waits for a rate limit of the client's.
package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"

	"github.com/gopherwood/ark/engine"
)

const (
	// defaultUserAgent names Ark in the API server's audit log.
	defaultUserAgent = "ark"
	// defaultPageSize is what kubectl and the API server's own clients ask for.
	defaultPageSize = 500
	// silence is how long the API server may send nothing before a request counts
	// as lost. It ends requests itself after 60 seconds (--request-timeout).
	silence = 90 * time.Second
)

// Options adjusts a Cluster. The zero value is good.
type Options struct {
	// UserAgent is sent with each request; empty means "ark".
	UserAgent string
	// PageSize is the limit of objects in one response to a list; 0 means 500.
	PageSize int
}

// Cluster is a cluster as its API server shows it. It is safe for concurrent use.
type Cluster struct {
	http      *http.Client
	base      *url.URL
	discovery *discovery.DiscoveryClient
	pageSize  int
	// compress lets the API server compress what is long. A kubeconfig can say
	// otherwise, for a cluster that is near (disable-compression).
	compress bool
	// silence, patience and pause are the passing of time, which tests own.
	silence, patience time.Duration
	pause             func(ctx context.Context, d time.Duration) error
}

var (
	_ engine.Discoverer = (*Cluster)(nil)
	_ engine.Lister     = (*Cluster)(nil)
	_ engine.Historian  = (*Cluster)(nil)
	_ engine.Getter     = (*Cluster)(nil)
	_ engine.Writer     = (*Cluster)(nil)
)

// New prepares access to the cluster that cfg names. It neither keeps cfg nor
// sends a request. Rate limits of cfg are ignored: the API server has its own,
// and says when to come back.
func New(cfg *rest.Config, opts Options) (*Cluster, error) {
	own := rest.CopyConfig(cfg)
	own.QPS, own.Burst, own.RateLimiter = -1, 0, nil
	own.Timeout = 0 // it would cut off long lists; see silence
	own.ContentConfig = rest.ContentConfig{}
	own.WarningHandler = rest.NoWarnings{}
	own.UserAgent = opts.UserAgent
	if own.UserAgent == "" {
		own.UserAgent = defaultUserAgent
	}
	client, err := rest.HTTPClientFor(own)
	if err != nil {
		return nil, fmt.Errorf("prepare access to the cluster: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(own)
	if err != nil {
		return nil, fmt.Errorf("read the address of the cluster: %w", err)
	}
	types, err := discovery.NewDiscoveryClientForConfigAndClient(own, client)
	if err != nil {
		return nil, fmt.Errorf("prepare discovery: %w", err)
	}
	c := &Cluster{
		http: client, base: base, discovery: types, pageSize: opts.PageSize, compress: !own.DisableCompression,
		silence: silence, patience: patience, pause: pause,
	}
	if c.pageSize <= 0 {
		c.pageSize = defaultPageSize
	}
	return c, nil
}

// ClusterUID identifies the cluster: it is the UID of its namespace kube-system,
// which exists as long as the cluster does.
func (c *Cluster) ClusterUID(ctx context.Context) (string, error) {
	namespaces := engine.Resource{Version: "v1", Name: "namespaces", Kind: "Namespace"}
	o, err := c.Get(ctx, namespaces, "", "kube-system")
	if err == nil && o.Meta.UID == "" {
		err = errors.New("it has no UID")
	}
	if err != nil {
		return "", fmt.Errorf("identify the cluster by its namespace kube-system: %w", err)
	}
	return string(o.Meta.UID), nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
