// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations_test

import (
	"errors"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/test/lab"
)

// TestCredentialsAreRotatedWhileRunning uses a real S3 server, whose account is
// given another key, and then the Secret.
func TestCredentialsAreRotatedWhileRunning(t *testing.T) {
	server, err := lab.StartS3(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	c := controllertest.Cluster(t)
	account := lab.Account{Name: "ark", Key: "first-hunter2"}
	set := func() {
		t.Helper()
		if err := server.SetAccounts(account); err != nil {
			t.Fatal(err)
		}
	}
	set()
	if err := server.CreateBucket(t.Context(), account, "backups"); err != nil {
		t.Fatal(err)
	}
	credentials := secret(t, c, "rotated", map[string]string{"accessKeyID": "ark", "secretAccessKey": account.Key})
	ca := secret(t, c, "rotated-ca", map[string]string{"ca.crt": string(server.CA)})
	cfg := config(func(l *v1alpha1.StorageLocation) {
		l.URL = "s3://backups?endpoint=" + url.QueryEscape(server.Endpoint)
		l.CredentialsSecretName, l.CASecretName = credentials.Name, ca.Name
	})
	l := opener(t, c, nil)
	first, err := l.Open(t.Context(), cfg, "main")
	if err != nil {
		t.Fatal(err)
	}
	if !first.Catalog.ConditionalWrites() {
		t.Error("the server is said to overwrite")
	}

	account.Key = "second-hunter2"
	set()
	_, err = l.Check(t.Context(), cfg, "main")
	var known *step.Error
	if !errors.As(err, &known) || known.Reason != v1alpha1.StorageUnavailableReason || known.After == 0 ||
		!strings.Contains(err.Error(), "put valid ones into the Secret that credentialsSecretName names (status 403, SignatureDoesNotMatch)") ||
		strings.Contains(err.Error(), "hunter2") {
		t.Errorf("Check() with a key that is not valid any more: %v", err)
	}

	credentials.StringData = map[string]string{"secretAccessKey": account.Key}
	if err := c.Update(t.Context(), credentials); err != nil {
		t.Fatal(err)
	}
	second, err := l.Open(t.Context(), cfg, "main")
	if err != nil {
		t.Fatalf("Open() with the new key: %v", err)
	}
	if second.Catalog.Identity() != first.Catalog.Identity() {
		t.Errorf("identity is %v, want %v", second.Catalog.Identity(), first.Catalog.Identity())
	}
	delete(credentials.Data, "accessKeyID")
	credentials.StringData = nil
	if err := c.Update(t.Context(), credentials); err != nil {
		t.Fatal(err)
	}
	_, err = l.Open(t.Context(), cfg, "main")
	if !errors.As(err, &known) || known.Reason != v1alpha1.SecretMissingReason || known.After != 0 ||
		!strings.Contains(err.Error(), "no key accessKeyID") {
		t.Errorf("Open() with half a Secret: %v, want SecretMissing", err)
	}
}
