// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations

import (
	"context"
	"errors"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
)

// notOpened judges why a bucket could not be opened: it did not answer, or the
// location cannot be understood as it is written.
func notOpened(spec v1alpha1.StorageLocation, err error) error {
	if _, ok := errors.AsType[*engine.RetryableError](err); ok {
		return unavailable(spec, err)
	}
	for _, passing := range []error{
		engine.ErrForbidden, engine.ErrReadOnly, engine.ErrNotFound, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, passing) {
			return unavailable(spec, err)
		}
	}
	if errors.Is(err, blobstore.ErrCredentials) {
		return step.Stall(v1alpha1.SecretMissingReason, "%w", err)
	}
	return step.Stall(v1alpha1.StorageInvalidReason, "%w", err)
}

// notAttached judges why a store could not be attached: what a newer version of Ark
// made stays of no use, until this one is replaced or the location is changed.
func notAttached(spec v1alpha1.StorageLocation, err error) error {
	if errors.Is(err, archive.ErrUnknownFormat) {
		return step.Stall(v1alpha1.StorageInvalidReason, "location %q: %w", spec.Name, err)
	}
	return unavailable(spec, err)
}

// unavailable reports a store that cannot be used now. It is tried again,
// because what cures it (a network, a permission, a bucket) cannot be watched.
func unavailable(spec v1alpha1.StorageLocation, err error) error {
	return step.Wait(retryAfter, v1alpha1.StorageUnavailableReason, "location %q is not available: %w", spec.Name, err)
}
