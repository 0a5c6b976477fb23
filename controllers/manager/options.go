// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package manager wires the controllers together and runs them.
package manager

import (
	"errors"
	"time"

	"github.com/go-logr/logr"

	"github.com/gopherwood/ark/engine"
)

// Options is what the process decides; everything else is in the Config object.
type Options struct {
	// Namespace is the controller's own: the only one whose Secrets and ConfigMaps
	// are read, and where the lease of the leader lies. Required.
	Namespace string
	// FileStoreRoot is the directory that file:// locations must lie in. Empty
	// refuses such locations.
	FileStoreRoot string
	// Tool is the program and version that is noted in backups, such as
	// "ark v0.1.0". Required.
	Tool string

	// MetricsAddress is where metrics are served, over plain HTTP, such as ":8080".
	// "0" serves none. Required, because "" would mean a default of the library.
	MetricsAddress string
	// HealthAddress is where /healthz and /readyz are served, such as ":8081". "0"
	// serves neither. Required.
	HealthAddress string

	// Restore lets Restores run. Without it they are Stalled, and the process needs
	// no right to write anything but its own kinds.
	Restore bool
	// LeaderElection lets several replicas run, of which one works. Without it,
	// a second process would do everything twice.
	LeaderElection bool
	// ShutdownTimeout is how long runs have to end once the process is told to
	// stop. Zero means 30s. A backup that does not make it is resumed by the next
	// process as a new attempt.
	ShutdownTimeout time.Duration

	// Logger receives every log line. Required.
	Logger logr.Logger
	// Clock tells the time; nil is the system's.
	Clock engine.Clock
}

// defaultShutdownTimeout is the grace period that Kubernetes gives a pod.
const defaultShutdownTimeout = 30 * time.Second

// check names what is missing.
func (o Options) check() error {
	switch {
	case o.Namespace == "":
		return errors.New("set up manager: the controller's namespace is required")
	case o.Tool == "":
		return errors.New("set up manager: the name and version of the tool are required")
	case o.MetricsAddress == "":
		return errors.New(`set up manager: the address for metrics is required: such as ":8080", or "0" for none`)
	case o.HealthAddress == "":
		return errors.New(`set up manager: the address for probes is required: such as ":8081", or "0" for none`)
	case o.Logger.GetSink() == nil:
		return errors.New("set up manager: a logger is required")
	}
	return nil
}

// system is the clock of the machine.
type system struct{}

func (system) Now() time.Time { return time.Now() } //nolint:forbidigo // the one place that the controllers' time comes from
