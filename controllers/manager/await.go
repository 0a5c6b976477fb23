// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gopherwood/ark/controllers/internal/definitions"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine/kube"
	enginerestore "github.com/gopherwood/ark/engine/restore"
)

const (
	// accessTimeout is how long a process waits for its rights: an installer creates
	// bindings some time after the Deployment, and the API server hears of them a moment
	// later. Whoever installed sees a pod that restarts when it is over.
	accessTimeout = time.Minute
	// accessEvery is how often it looks.
	accessEvery = time.Second
)

// awaitAccess waits until the API server answers what everything else builds on, and
// returns the cluster's identity. Definitions that lack something are no reason to
// wait: Restores are refused then, and say so.
func awaitAccess(ctx context.Context, opts Options, cluster *kube.Cluster, guard *definitions.Guard, limit time.Duration) (string, error) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	said := ""
	for {
		uid, err := cluster.ClusterUID(limited)
		if err == nil {
			err = guard.Check(limited)
		}
		var outdated *step.Error
		switch {
		case errors.As(err, &outdated):
			opts.Logger.Error(err, "Refusing restores")
			return uid, nil
		case err == nil:
			return uid, nil
		case ctx.Err() != nil:
			return "", ctx.Err()
		case said != err.Error() && limited.Err() == nil:
			said = err.Error()
			opts.Logger.Info("Waiting for the rights of the service account", "error", said, "atMost", limit.String())
		}
		if err := enginerestore.Sleep(limited, accessEvery); err != nil {
			if ctx.Err() != nil {
				return "", ctx.Err()
			}
			return "", fmt.Errorf("wait for the rights of the service account for %s: see that the chart's roles and their bindings are there: %s", limit, said)
		}
	}
}
