// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/engine/archive"
)

// signingKey is the key of a Secret that holds a PEM-encoded PKCS #8 Ed25519
// private key.
const signingKey = "ed25519.key"

// Creator creates Secrets that hold new signing keys.
type Creator interface {
	Create(ctx context.Context, object client.Object, opts ...client.CreateOption) error
}

// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=secrets,verbs=create

// SigningKey returns the key that backups into the location, and records there, are signed with, or
// nil when they are not. A Secret that does not exist is created with a new key,
// unless the Config's status knows its key: a lost key is never replaced without
// a word, because it would make strangers of all backups that it signed. One that
// exists is never changed. The errors are stalls where a Secret or the Config has
// to change (SecretMissing).
//
// A location that is ReadOnly is signed for by a key that exists, so that its
// backups go on to be verified.
func (l *Locations) SigningKey(ctx context.Context, cfg *v1alpha1.Config, spec v1alpha1.StorageLocation) (ed25519.PrivateKey, error) {
	if spec.Signing == nil {
		return nil, nil
	}
	name := spec.Signing.SecretName
	secret := &corev1.Secret{}
	err := l.Client.Get(ctx, client.ObjectKey{Namespace: l.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		switch public := knownKey(cfg, spec); {
		case spec.Access == v1alpha1.AccessReadOnly:
			return nil, nil
		case public != "":
			return nil, step.Stall(v1alpha1.SecretMissingReason,
				"location %q: Secret %s/%s, named by signing.secretName, is gone, and backups are signed with its key %s: "+
					"put it back from your copy; without one, name another Secret to have a new key made, and add the public key to trustedKeys",
				spec.Name, l.Namespace, name, public)
		}
		secret, err = l.makeKey(ctx, name)
	}
	if err != nil {
		return nil, step.Wait(retryAfter, v1alpha1.RetryingReason,
			"location %q: read or create Secret %s/%s, named by signing.secretName: %w", spec.Name, l.Namespace, name, err)
	}
	key, ok := archive.ParsePrivateKey(secret.Data[signingKey])
	if !ok {
		return nil, step.Stall(v1alpha1.SecretMissingReason,
			"location %q: Secret %s/%s, named by signing.secretName, has no key %s with a PEM-encoded PKCS #8 Ed25519 private key: "+
				"put one there (openssl genpkey -algorithm ed25519), or name a Secret that does not exist to have one made",
			spec.Name, l.Namespace, name, signingKey)
	}
	return key, nil
}

// knownKey returns the public key of the Secret that the location names, when it
// was seen before.
func knownKey(cfg *v1alpha1.Config, spec v1alpha1.StorageLocation) string {
	for _, s := range cfg.Status.Storage {
		if s.PublicKeySecretName == spec.Signing.SecretName {
			return s.PublicKey
		}
	}
	return ""
}

// makeKey creates the Secret with a new key. Where somebody else was quicker, it
// returns theirs.
func (l *Locations) makeKey(ctx context.Context, name string) (*corev1.Secret, error) {
	if l.Creator == nil {
		return nil, errors.New("it does not exist, and cannot be created here")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode a key: %w", err)
	}
	immutable := true // a key that changes makes strangers of all backups that it signed
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: l.Namespace, Name: name,
			Labels: map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedByConfig},
		},
		Immutable: &immutable,
		Data:      map[string][]byte{signingKey: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})},
	}
	err = l.Creator.Create(ctx, secret)
	if !apierrors.IsAlreadyExists(err) {
		return secret, err
	}
	theirs := &corev1.Secret{}
	return theirs, l.Client.Get(ctx, client.ObjectKeyFromObject(secret), theirs)
}

// PublicKey is the text of the public key that belongs to a signing key: the
// base64 of its 32 bytes. It is empty when there is no key.
func PublicKey(key ed25519.PrivateKey) string {
	if len(key) != ed25519.PrivateKeySize {
		return ""
	}
	return base64.StdEncoding.EncodeToString(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])
}
