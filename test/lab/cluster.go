// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

const (
	// startTimeout is generous: on two busy cores a cluster takes 10 s, else 3 s.
	startTimeout = 2 * time.Minute
	// portAttempts is how often another port is tried when somebody was quicker.
	portAttempts = 5
)

// Options says what kind of cluster to start. The zero value is a cluster for a
// test.
type Options struct {
	// Dir holds the cluster's data, certificates and logs. It must be empty or
	// absent, and is removed by Stop. When omitted, it is a temporary folder.
	Dir string
	// ControllerManager starts kube-controller-manager too. Without it nothing
	// deletes the content of namespaces, collects garbage or makes service accounts.
	ControllerManager bool
	// Audit names users, such as system:serviceaccount:ns:name, whose requests are
	// recorded: see Cluster.Audited.
	Audit []string
	// OwnEtcd names types, as "<group>/<resource>" with an empty group for the core's,
	// that lie in an etcd of their own.
	OwnEtcd []string
	// CompactEvery is how long etcd remembers what was overwritten, at least: after
	// twice that it has forgotten it. When omitted, it is 5 minutes.
	CompactEvery time.Duration
	// Features switches features of the API server on or off, by their gates.
	Features map[string]bool
	// Emulate is an older minor version, such as 1.34, whose APIs, features and
	// defaults the API server has. When omitted, they are those of its own.
	Emulate string
	// ServerFlags are further flags of the API server; they win over the lab's own.
	ServerFlags []string
	// Detached leaves the cluster running when this process ends.
	Detached bool
	// Log is told what is built and started. When omitted, it is os.Stderr.
	Log io.Writer
}

// Cluster is a running control plane.
type Cluster struct {
	// Kubeconfig is the path of a kubeconfig file for its administrator.
	Kubeconfig string
	// Dir holds its data, certificates and logs.
	Dir string
	// Binaries are the components, kubectl among them.
	Binaries Binaries

	config    *rest.Config
	processes []*process
	options   Options
	unlock    func()
	detached  bool
}

// Config returns the way into the cluster for its administrator, a member of
// system:masters, without a client rate limit. The caller may change it.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// APIServerPID is the process of the API server, for those who measure what it
// spends; zero when this process did not start it.
func (c *Cluster) APIServerPID() int {
	for _, p := range c.processes {
		if p.name == apiServer {
			return p.cmd.Process.Pid
		}
	}
	return 0
}

// Stop ends all processes of the cluster and removes its data. It may be called
// more than once.
func (c *Cluster) Stop() error {
	for _, p := range slices.Backward(c.processes) {
		p.stop()
	}
	c.processes = nil
	err := os.RemoveAll(c.Dir)
	if c.unlock != nil {
		c.unlock()
		c.unlock = nil
	}
	if err != nil {
		return fmt.Errorf("remove the lab's data: %w", err)
	}
	return nil
}

// Start starts a cluster and returns when it answers. It builds the components
// first where they are missing. ctx bounds the start only: Stop ends the cluster.
func Start(ctx context.Context, opts Options) (*Cluster, error) {
	if opts.Log == nil {
		opts.Log = os.Stderr
	}
	bin, err := Ensure(ctx, opts.Log)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Binaries: bin, options: opts, detached: opts.Detached}
	if err := c.prepare(opts.Dir); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := c.start(ctx, opts); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// prepare makes the cluster's folder and fills it with certificates.
func (c *Cluster) prepare(dir string) error {
	var err error
	if dir == "" {
		c.Dir, c.unlock, err = temporaryDir()
	} else if c.Dir, err = filepath.Abs(dir); err == nil {
		err = os.MkdirAll(c.Dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("create the lab's folder: %w", err)
	}
	c.Kubeconfig = filepath.Join(c.Dir, "kubeconfig")
	return writeCertificates(c.Dir, time.Now())
}

// start runs the components, one after the other is ready.
func (c *Cluster) start(ctx context.Context, opts Options) error {
	if err := c.startEtcds(); err != nil {
		return err
	}
	if err := c.startAPIServer(ctx); err != nil {
		return err
	}
	if err := writeKubeconfig(c.Kubeconfig, c.config); err != nil {
		return err
	}
	if !opts.ControllerManager {
		return nil
	}
	return c.startControllerManager(ctx)
}

// run starts one component and keeps it for Stop.
func (c *Cluster) run(name string, args ...string) (*process, error) {
	return c.runAs(name, name, args...)
}

// runAs starts a component under a name of its own: there may be two of it.
func (c *Cluster) runAs(name, component string, args ...string) (*process, error) {
	p, err := start(c.Dir, name, c.Binaries[component], c.detached, args...)
	if err != nil {
		return nil, err
	}
	c.processes = append(c.processes, p)
	return p, nil
}

// startAPIServer tries one free port after another: between finding a port and
// listening on it, another process may take it.
func (c *Cluster) startAPIServer(ctx context.Context) error {
	for attempt := 1; ; attempt++ {
		err := c.tryAPIServer(ctx)
		if err == nil || attempt == portAttempts || !strings.Contains(err.Error(), "address already in use") {
			return err
		}
		c.processes = c.processes[:len(c.processes)-1]
	}
}

func (c *Cluster) tryAPIServer(ctx context.Context) error {
	port, err := freePort(ctx)
	if err != nil {
		return err
	}
	if c.config, err = loadConfig(c.Dir, "https://127.0.0.1:"+port); err != nil {
		return err
	}
	get, err := getter(c.config)
	if err != nil {
		return err
	}
	args, err := c.auditFlags()
	if err != nil {
		return err
	}
	args = append(args, c.etcdFlags()...)
	for gate, on := range c.options.Features {
		args = append(args, fmt.Sprintf("--feature-gates=%s=%t", gate, on))
	}
	if c.options.Emulate != "" {
		args = append(args, "--emulated-version="+c.options.Emulate)
	}
	args = append(args,
		"--bind-address=127.0.0.1", "--secure-port="+port,
		"--tls-cert-file="+filepath.Join(c.Dir, serverCert), "--tls-private-key-file="+serverKey,
		"--client-ca-file="+caCert,
		"--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+signerPub, "--service-account-signing-key-file="+signerKey,
		"--service-cluster-ip-range=10.0.0.0/24",
		"--allow-privileged",
		// What is tested are bursts by one client on two cores, not fairness.
		"--max-requests-inflight=2000", "--max-mutating-requests-inflight=1000")
	p, err := c.run(apiServer, append(args, c.options.ServerFlags...)...)
	if err != nil {
		return err
	}
	err = p.await(ctx, func(ctx context.Context) error {
		// A cluster's identity is the UID of its kube-system namespace.
		return all(ctx, get, "/readyz", "/api/v1/namespaces/kube-system", "/api/v1/namespaces/default")
	})
	if err != nil {
		return fmt.Errorf("%w\nthe end of etcd's log:\n%s", err, tail(c.processes[0].log))
	}
	return nil
}

func (c *Cluster) startControllerManager(ctx context.Context) error {
	get, err := getter(c.config)
	if err != nil {
		return err
	}
	var args []string
	if c.options.Emulate != "" {
		args = append(args, "--emulated-version="+c.options.Emulate)
	}
	p, err := c.run(controllerManager, append(args,
		"--kubeconfig="+c.Kubeconfig, "--leader-elect=false",
		"--secure-port=0", // nobody asks it anything
		"--service-account-private-key-file="+signerKey, "--root-ca-file="+caCert,
		"--kube-api-qps=500", "--kube-api-burst=1000")...)
	if err != nil {
		return err
	}
	return p.await(ctx, func(ctx context.Context) error {
		// It made these: its controllers run.
		return all(ctx, get, "/api/v1/namespaces/default/serviceaccounts/default",
			"/api/v1/namespaces/kube-system/configmaps/kube-root-ca.crt")
	})
}

// freePort returns a port of the loopback address that nobody listened on.
func freePort(ctx context.Context) (string, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
