// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
)

// config reads the cluster's Config.
func config(ctx context.Context, c client.Reader) (*v1alpha1.Config, error) {
	cfg := &v1alpha1.Config{}
	err := c.Get(ctx, client.ObjectKey{Name: v1alpha1.ConfigName}, cfg)
	if access.IsMissing(err) {
		return nil, exit.Errorf(exit.Failed, "the cluster has no Config named %s: apply one with a storage location", v1alpha1.ConfigName)
	}
	return cfg, err
}

// stored opens the first of the backup's locations that can be opened from
// here, and reads what it holds of the backup.
func (a *app) stored(ctx context.Context, c client.Reader, b *v1alpha1.Backup) (*bucket.Bucket, *catalog.Snapshot, error) {
	if b.Status.Origin == nil || len(b.Status.StorageLocations) == 0 {
		return nil, nil, exit.Errorf(exit.Failed, "backup %q is not stored yet: see how it goes with \"ark backup describe %s\"", b.Name, b.Name)
	}
	cfg, err := config(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	var failed []error
	for _, name := range b.Status.StorageLocations {
		opened, err := a.openLocation(ctx, c, cfg, name)
		if err == nil {
			var s *catalog.Snapshot
			_, s, err = opened.Backup(ctx, b.Status.Origin.ClusterUID, b.Status.Origin.BackupName)
			if err == nil {
				return opened, s, nil
			}
		}
		failed = append(failed, err)
	}
	return nil, nil, fmt.Errorf("read the backup with your own rights: %w", errors.Join(failed...))
}

// openLocation opens a location of the Config as the user: with the Secrets that
// he may read, and directories of his own machine.
func (a *app) openLocation(ctx context.Context, c client.Reader, cfg *v1alpha1.Config, name string) (*bucket.Bucket, error) {
	var spec *v1alpha1.StorageLocation
	for i := range cfg.Spec.Storage {
		if cfg.Spec.Storage[i].Name == name {
			spec = &cfg.Spec.Storage[i]
		}
	}
	if spec == nil {
		return nil, fmt.Errorf("the Config has no storage location %q any more", name)
	}
	opts, err := a.locationOptions(ctx, c, spec)
	if err != nil {
		return nil, err
	}
	loc := blobstore.Location{Name: spec.Name, URL: spec.URL, Prefix: spec.Prefix}
	opened, err := bucket.Open(ctx, loc, opts, clock(a.now))
	switch {
	case err == nil:
		opened.Trust(projection.TrustedKeys(cfg), spec.Signing != nil)
	case strings.HasPrefix(spec.URL, "file:"):
		return nil, fmt.Errorf("%w (the directory lies where \"ark server\" runs)", err)
	}
	return opened, err
}

// locationOptions reads what the Secrets of a location hold.
func (a *app) locationOptions(ctx context.Context, c client.Reader, spec *v1alpha1.StorageLocation) (blobstore.Options, error) {
	var opts blobstore.Options
	if strings.HasPrefix(spec.URL, "mem:") {
		return opts, fmt.Errorf("storage location %q lies in the memory of the controllers", spec.Name)
	}
	if spec.CredentialsSecretName != "" {
		secret, err := a.secret(ctx, c, spec.CredentialsSecretName)
		if err != nil {
			return opts, err
		}
		opts.Credentials = secret.Data
	}
	if spec.CASecretName != "" {
		secret, err := a.secret(ctx, c, spec.CASecretName)
		if err != nil {
			return opts, err
		}
		opts.CA = secret.Data["ca.crt"]
	}
	return opts, nil
}

func (a *app) secret(ctx context.Context, c client.Reader, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	if err := c.Get(ctx, client.ObjectKey{Namespace: a.namespace, Name: name}, secret); err != nil {
		return nil, fmt.Errorf("read Secret %s/%s, which holds the location's credentials: %w", a.namespace, name, err)
	}
	return secret, nil
}
