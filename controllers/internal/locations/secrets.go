// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine/blobstore"
)

// caKey is the key of a Secret that holds PEM certificates.
const caKey = "ca.crt"

// secrets is what a location's Secrets hold.
type secrets struct {
	credentials map[string][]byte
	ca          []byte
	// versions identify the Secrets by UID and resourceVersion.
	versions []string
}

// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=secrets,verbs=get

// secrets reads the Secrets that spec names.
func (l *Locations) secrets(ctx context.Context, spec v1alpha1.StorageLocation) (secrets, error) {
	var s secrets
	if name := spec.CredentialsSecretName; name != "" {
		secret, err := l.secret(ctx, spec, "credentialsSecretName", name)
		if err != nil {
			return s, err
		}
		s.credentials = secret.Data
		s.versions = append(s.versions, string(secret.UID), secret.ResourceVersion)
	}
	if name := spec.CASecretName; name != "" {
		secret, err := l.secret(ctx, spec, "caSecretName", name)
		if err != nil {
			return s, err
		}
		if len(secret.Data[caKey]) == 0 {
			return s, step.Stall(v1alpha1.SecretMissingReason,
				"location %q: Secret %s/%s, named by caSecretName, has no key %s: put the PEM certificates there",
				spec.Name, l.Namespace, name, caKey)
		}
		s.ca = secret.Data[caKey]
		s.versions = append(s.versions, string(secret.UID), secret.ResourceVersion)
	}
	return s, nil
}

func (l *Locations) secret(ctx context.Context, spec v1alpha1.StorageLocation, field, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := l.Client.Get(ctx, client.ObjectKey{Namespace: l.Namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, step.Stall(v1alpha1.SecretMissingReason,
			"location %q: Secret %s/%s, named by %s, does not exist: create it, or change %s",
			spec.Name, l.Namespace, name, field, field)
	case err != nil:
		return nil, step.Wait(retryAfter, v1alpha1.RetryingReason,
			"location %q: read Secret %s/%s: %w", spec.Name, l.Namespace, name, err)
	}
	return secret, nil
}

// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=secrets,verbs=list

// Protected returns the names of the Secrets in the controller's namespace that no
// backup may hold, because whoever can read it would gain the keys to all others:
// those that the Config names, and those that it named before, or will, which hold a
// signing key or what opens a bucket. A key that signs no more is believed still.
func (l *Locations) Protected(ctx context.Context, cfg *v1alpha1.Config) ([]string, error) {
	var list corev1.SecretList
	if err := l.Client.List(ctx, &list, client.InNamespace(l.Namespace)); err != nil {
		return nil, step.Wait(retryAfter, v1alpha1.RetryingReason, "list the Secrets of namespace %s: %w", l.Namespace, err)
	}
	names := SecretNames(cfg)
	for i := range list.Items {
		data := list.Items[i].Data
		if len(data[signingKey]) > 0 || blobstore.HoldsCredentials(data) {
			names = append(names, list.Items[i].Name)
		}
	}
	return names, nil
}

// SecretNames returns the names of all Secrets that the Config names, in the
// controller's namespace.
func SecretNames(cfg *v1alpha1.Config) []string {
	var names []string
	for _, l := range cfg.Spec.Storage {
		for _, name := range []string{l.CredentialsSecretName, l.CASecretName} {
			if name != "" {
				names = append(names, name)
			}
		}
		if l.Signing != nil {
			names = append(names, l.Signing.SecretName)
		}
	}
	return names
}
