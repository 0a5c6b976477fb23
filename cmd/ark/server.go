// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/controllers/manager"
	"github.com/gopherwood/ark/policies/sandbox"
)

// serve runs the controllers; see manager.Run.
type serve func(ctx context.Context, cfg *rest.Config, opts manager.Options) error

// logLevel is how much is logged.
type logLevel string

// The levels: what failed, what changed, and how.
const (
	logErrors logLevel = "error"
	logInfo   logLevel = "info"
	logDebug  logLevel = "debug"
)

// logFormat is what a log line looks like.
type logFormat string

// The formats: for machines and for people.
const (
	logJSON logFormat = "json"
	logText logFormat = "text"
)

// serverFlags are the flags of ark server.
type serverFlags struct {
	options manager.Options
	level   choice[logLevel]
	format  choice[logFormat]
}

func newServer(a *app) *cobra.Command {
	o := serverFlags{
		level:  choice[logLevel]{of: []logLevel{logErrors, logInfo, logDebug}, value: logInfo},
		format: choice[logFormat]{of: []logFormat{logJSON, logText}, value: logJSON},
	}
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the controllers",
		Long: `Run the controllers, in a pod or anywhere that reaches the API server. Everything
that belongs to a cluster is in the Config object; the flags are what belongs to
the process. Each has an environment variable, which a flag overrides. SIGTERM
ends the server in good order; a second one ends it at once.`,
		Example: `  ark server --file-store-root /srv/backups --leader-elect=false
  ark server --kubeconfig ~/.kube/config --log-level debug --log-format text`,
		Args: arguments(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.runServer(cmd.Context(), &o)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.options.LeaderElection, "leader-elect", true, "work only while holding the lease ark-leader, so that several replicas can run")
	flags.BoolVar(&o.options.Restore, "restore", true, "run Restores; without, they are Stalled, and the server needs no right to write anything but its own kinds")
	flags.StringVar(&o.options.MetricsAddress, "metrics-bind-address", ":8080", "address that serves /metrics over HTTP; 0 for none")
	flags.StringVar(&o.options.HealthAddress, "health-probe-bind-address", ":8081", "address that serves /healthz and /readyz; 0 for none")
	flags.StringVar(&o.options.FileStoreRoot, "file-store-root", "", "directory that file:// storage locations must lie in; when omitted, there can be none")
	durationVar(flags, &o.options.ShutdownTimeout, "graceful-timeout", 30*time.Second, "how long runs have to end once the server is told to stop")
	flags.Var(&o.level, "log-level", "how much to log: "+o.level.choices())
	flags.Var(&o.format, "log-format", "what log lines look like: "+o.format.choices())
	fromEnvironment(flags)
	return cmd
}

func (a *app) runServer(ctx context.Context, o *serverFlags) error {
	if o.options.ShutdownTimeout <= 0 {
		return exit.Usagef("--graceful-timeout %v: must be positive", o.options.ShutdownTimeout)
	}
	if a.namespace == "" {
		return exit.Usagef("--namespace must not be empty: it is where the Secrets of storage locations lie")
	}
	cfg, err := a.cluster.Config()
	if err != nil {
		return err
	}
	build := thisBuild()
	opts := o.options
	opts.Namespace = a.namespace
	opts.Tool = "ark " + build.Version
	opts.Logger = a.logger(o)
	// What the libraries log goes the same way.
	ctrl.SetLogger(opts.Logger)
	klog.SetLogger(opts.Logger)
	limit := memoryLimit(opts.Logger)
	opts.Logger.Info("Starting server", "version", build.Version, "commit", build.Commit, "apiServer", cfg.Host, "namespace", opts.Namespace,
		"memoryLimit", limit)
	if err := a.serve(ctx, cfg, opts); err != nil {
		return err
	}
	opts.Logger.Info("Stopped server")
	return nil
}

// memoryLimit bounds the heap by the limit of the container, in bytes, and returns
// the bound. Near it, garbage is collected more often; a process that does not know
// its limit is killed at it, with half of its memory garbage.
func memoryLimit(log logr.Logger) int64 {
	limit, err := memlimit.Set(memlimit.WithProvider(withoutRules))
	if err != nil && !errors.Is(err, memlimit.ErrNoCgroup) && !errors.Is(err, memlimit.ErrCgroupsNotSupported) {
		log.Error(err, "Not bounding the heap by the memory limit of the container")
	}
	return limit
}

// withoutRules is the memory that is left to this process: beside it, those that hold
// rules share the container's.
func withoutRules() (uint64, error) {
	limit, err := memlimit.FromCgroup()
	if err != nil {
		return 0, err
	}
	return limit - min(limit/4, uint64(sandbox.DefaultLimits().Memory)), nil //nolint:gosec // it is positive
}

// logger returns a logger that writes lines to the error stream.
func (a *app) logger(o *serverFlags) logr.Logger {
	config := zap.NewProductionEncoderConfig()
	config.EncodeTime = zapcore.RFC3339NanoTimeEncoder
	encoder := zapcore.NewJSONEncoder(config)
	if o.format.value == logText {
		encoder = zapcore.NewConsoleEncoder(config)
	}
	level := map[logLevel]zapcore.Level{
		logErrors: zapcore.ErrorLevel, logInfo: zapcore.InfoLevel, logDebug: zapcore.DebugLevel,
	}[o.level.value]
	core := zapcore.NewCore(encoder, zapcore.Lock(zapcore.AddSync(a.err)), level)
	return zapr.NewLogger(zap.New(core))
}
