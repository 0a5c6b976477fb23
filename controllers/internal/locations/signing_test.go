// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/locations"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func signed(name string) v1alpha1.StorageLocation {
	return v1alpha1.StorageLocation{Name: "main", URL: "mem://any", Signing: &v1alpha1.Signing{SecretName: name}}
}

func TestASigningKeyIsMadeOnceByWhoeverIsFirst(t *testing.T) {
	c := controllertest.Cluster(t)
	l := opener(t, c, nil)
	l.Creator = c
	var all [8]ed25519.PrivateKey
	var racing sync.WaitGroup
	for i := range all {
		racing.Go(func() {
			key, err := l.SigningKey(t.Context(), &v1alpha1.Config{}, signed("signer"))
			if err != nil {
				t.Error(err)
			}
			all[i] = key
		})
	}
	racing.Wait()
	for _, key := range all {
		if !bytes.Equal(key, all[0]) {
			t.Fatal("two keys were made")
		}
	}
	made := &corev1.Secret{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: labtest.Namespace, Name: "signer"}, made); err != nil {
		t.Fatal(err)
	}
	deleteSecret(t, c, "signer")
	if made.Immutable == nil || !*made.Immutable || len(made.Data) != 1 || !bytes.HasPrefix(made.Data["ed25519.key"], []byte("-----BEGIN PRIVATE KEY-----")) {
		t.Errorf("the Secret is %d keys, immutable %v", len(made.Data), made.Immutable)
	}
	if diff := cmp.Diff(map[string]string{"ark.gopherwood.dev/created-by": "config"}, made.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	again, err := opener(t, c, nil).SigningKey(t.Context(), &v1alpha1.Config{}, signed("signer"))
	if err != nil || !bytes.Equal(again, all[0]) {
		t.Errorf("another process reads another key, %v", err)
	}
}

func TestWhereNothingIsSigned(t *testing.T) {
	l := opener(t, nil, nil) // the cluster is not asked
	if key, err := l.SigningKey(t.Context(), &v1alpha1.Config{}, v1alpha1.StorageLocation{Name: "main"}); key != nil || err != nil {
		t.Errorf("SigningKey() = %v, %v", key, err)
	}
	if text := locations.PublicKey(nil); text != "" {
		t.Errorf("PublicKey() = %q", text)
	}
}

func TestALocationThatIsNotWrittenIsVerifiedByItsKeyAndMakesNone(t *testing.T) {
	c := controllertest.Cluster(t)
	l := opener(t, c, nil)
	l.Creator = c
	readOnly := signed("archivist")
	readOnly.Access = v1alpha1.AccessReadOnly
	if key, err := l.SigningKey(t.Context(), &v1alpha1.Config{}, readOnly); key != nil || err != nil {
		t.Errorf("SigningKey() without a Secret = %v, %v", key, err)
	}
	made, err := l.SigningKey(t.Context(), &v1alpha1.Config{}, signed("archivist"))
	if err != nil {
		t.Fatal(err)
	}
	deleteSecret(t, c, "archivist")
	if key, err := l.SigningKey(t.Context(), &v1alpha1.Config{}, readOnly); !bytes.Equal(key, made) || err != nil {
		t.Errorf("SigningKey() with a Secret returns another key, or %v", err)
	}
}

// deleteSecret deletes a Secret that the code under test made, when the test ends.
func deleteSecret(t *testing.T, c client.Client, name string) {
	t.Helper()
	t.Cleanup(func() {
		s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: name}}
		if err := c.Delete(context.WithoutCancel(t.Context()), s); err != nil {
			t.Error(err)
		}
	})
}

func TestAKeyThatWasUsedIsNotReplaced(t *testing.T) {
	c := controllertest.Cluster(t)
	l := opener(t, c, nil)
	l.Creator = c
	cfg := &v1alpha1.Config{Status: v1alpha1.ConfigStatus{Storage: []v1alpha1.StorageLocationStatus{
		{Name: "main", PublicKey: "the-old-key", PublicKeySecretName: "lost"},
	}}}
	_, err := l.SigningKey(t.Context(), cfg, signed("lost"))
	var known *step.Error
	if !errors.As(err, &known) || known.Reason != v1alpha1.SecretMissingReason || known.After > 0 {
		t.Fatalf("error %v, want a stall for SecretMissing", err)
	}
	for _, want := range []string{
		`location "main": Secret ark-system/lost, named by signing.secretName, is gone`, "the-old-key", "put it back", "trustedKeys",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: labtest.Namespace, Name: "lost"}, &corev1.Secret{}); err == nil {
		t.Error("another key was made in its place")
	}
	key, err := l.SigningKey(t.Context(), cfg, signed("next"))
	if err != nil || key == nil {
		t.Fatalf("another Secret: %v", err)
	}
	deleteSecret(t, c, "next")
}

func TestASecretThatHoldsNoSigningKeyIsLeftAlone(t *testing.T) {
	c := controllertest.Cluster(t)
	l := opener(t, c, nil)
	l.Creator = c
	const ecdsa = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAGhRANCAARrF9Hy4SxCR/i85uVjpEDydwN9gS3r\nM6D0oTlF2JjClk/jQuL+Gn+bjufrSnwPnhYrzjNXazFezsu2QGg3v1H1\n-----END PRIVATE KEY-----\n"
	for name, data := range map[string]map[string]string{
		"empty": nil, "other": {"tls.key": "hunter2"}, "text": {"ed25519.key": "hunter2"},
		"broken": {"ed25519.key": "-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n"}, "ecdsa": {"ed25519.key": ecdsa},
	} {
		before := secret(t, c, "signer-"+name, data)
		_, err := l.SigningKey(t.Context(), &v1alpha1.Config{}, signed(before.Name))
		var known *step.Error
		if !errors.As(err, &known) || known.Reason != v1alpha1.SecretMissingReason || known.After > 0 {
			t.Errorf("%s: error %v, want a stall for SecretMissing", name, err)
			continue
		}
		if !strings.Contains(err.Error(), "Secret ark-system/signer-"+name+", named by signing.secretName, has no key ed25519.key") ||
			strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %v", name, err)
		}
		after := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{}}
		if err := c.Get(t.Context(), client.ObjectKeyFromObject(before), after); err != nil || after.ResourceVersion != before.ResourceVersion {
			t.Errorf("%s: the Secret was changed, or %v", name, err)
		}
	}
}

func TestASigningKeyThatCannotBeMadeIsWaitedFor(t *testing.T) {
	c := controllertest.Cluster(t)
	_, err := opener(t, c, nil).SigningKey(t.Context(), &v1alpha1.Config{}, signed("absent"))
	var known *step.Error
	if !errors.As(err, &known) || known.Reason != v1alpha1.RetryingReason || known.After == 0 || !strings.Contains(err.Error(), "ark-system/absent") {
		t.Errorf("error %v, want a wait", err)
	}
}
