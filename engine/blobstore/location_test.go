// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
)

func TestOpenRefuses(t *testing.T) {
	root := t.TempDir()
	outside := t.TempDir()
	for name, target := range map[string]string{"escape": outside, "nowhere": filepath.Join(root, "none")} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	files := blobstore.Options{FileRoot: root}
	keys := func(name, value string) blobstore.Options {
		return blobstore.Options{Credentials: map[string][]byte{name: []byte(value)}}
	}
	s3Keys := blobstore.Options{Credentials: map[string][]byte{"accessKeyID": []byte("id"), "secretAccessKey": []byte("hunter2")}}
	for name, c := range map[string]struct {
		url, prefix string
		readOnly    bool
		opts        blobstore.Options
		want        string
	}{
		"an unknown scheme":                     {url: "ftp://host/dir", want: `scheme "ftp" of the url is unknown: use one of azblob, file, gs, mem, s3`},
		"no scheme":                             {url: "/srv/backups", want: `scheme "" of the url is unknown`},
		"a url that is none":                    {url: "file://%zz:hunter2@host", want: "the url cannot be read"},
		"a password":                            {url: "file://me:hunter2@host/dir", want: "credentialsSecretName"},
		"a fragment":                            {url: "mem://a#hunter2", want: "no # in it"},
		"a path without slashes":                {url: "file:dir", want: "write file://"},
		"a parameter":                           {url: "file:///dir?metadata=skip&base_url=hunter2", opts: files, want: `parameter "base_url" of the url is not allowed: scheme file takes no parameters`},
		"parameters that cannot be read":        {url: "mem://a?x=%zz", want: "correct or remove what follows the ?"},
		"a host before a directory":             {url: "file://srv/backups", opts: files, want: "with three slashes"},
		"no directory":                          {url: "file://", opts: files, want: "with three slashes"},
		"a directory without a root":            {url: "file:///srv", want: "start Ark with --file-store-root"},
		"a directory with a missing root":       {url: "file:///srv", opts: blobstore.Options{FileRoot: root + "/none"}, want: "that --file-store-root names"},
		"a directory outside the root":          {url: "file://" + outside, opts: files, want: "the flag --file-store-root"},
		"a directory beside the root":           {url: "file://" + root + "-2", opts: files, want: "the flag --file-store-root"},
		"a way out of the root":                 {url: "file://" + root + "/../" + filepath.Base(outside) + "x", opts: files, want: "the flag --file-store-root"},
		"a link out of the root":                {url: "file://" + root + "/escape/dir", opts: files, want: "the flag --file-store-root"},
		"a link that leads nowhere":             {url: "file://" + root + "/nowhere", opts: files, want: "leads nowhere"},
		"a file in place of a directory":        {url: "file://" + root + "/file", opts: files, want: "is a file: change the url"},
		"a missing directory that is only read": {url: "file://" + root + "/missing", readOnly: true, opts: files, want: "does not exist: create or mount it"},
		"credentials for a directory": {url: "file://" + root, want: "remove credentialsSecretName",
			opts: blobstore.Options{FileRoot: root, Credentials: map[string][]byte{"key": []byte("hunter2")}}},
		"certificates for memory":                                {url: "mem://a", want: "remove caSecretName", opts: blobstore.Options{CA: []byte("hunter2")}},
		"a parameter of gocloud's":                               {url: "s3://bucket?region=eu&profile=hunter2", want: `parameter "profile" of the url is not allowed: scheme s3 takes endpoint, pathStyle, plainHTTP, region`},
		"a local key file":                                       {url: "gs://bucket?private_key_path=/hunter2", want: `parameter "private_key_path" of the url is not allowed: scheme gs takes endpoint, plainHTTP`},
		"another cloud's domain":                                 {url: "azblob://con?account=abc&domain=hunter2", want: `parameter "domain" of the url is not allowed: scheme azblob takes account, endpoint, plainHTTP`},
		"a parameter given twice":                                {url: "s3://bucket?region=eu&region=us", want: "given 2 times"},
		"a bucket with a path":                                   {url: "s3://bucket/dir?region=eu", want: "put folders into prefix"},
		"a bucket with a port":                                   {url: "s3://bucket:80?region=eu", want: "names no bucket: write s3://name"},
		"no bucket":                                              {url: "gs://", want: "names no bucket: write gs://name"},
		"a bucket that leads elsewhere":                          {url: "azblob://con.evil.example?account=abc", want: "names no bucket: write azblob://name"},
		"no region":                                              {url: "s3://bucket", want: "parameter region is missing"},
		"a region that leads elsewhere":                          {url: "s3://bucket?region=x.evil.example/", want: "parameter region is missing or no region"},
		"a style that is no answer":                              {url: "s3://bucket?region=eu&pathStyle=perhaps", want: "parameter pathStyle is neither true nor false"},
		"no account":                                             {url: "azblob://con", want: "write azblob://container?account=name"},
		"an account that leads elsewhere":                        {url: "azblob://con?account=evil.example/", want: "write azblob://container?account=name"},
		"an endpoint with the controller's identity":             {url: "s3://bucket?endpoint=https://minio.example", want: "an endpoint needs credentials of the location's own"},
		"an endpoint of Google's with the controller's identity": {url: "gs://bucket?endpoint=https://evil.example", want: "an endpoint needs credentials of the location's own"},
		"an endpoint of Azure's with the controller's identity":  {url: "azblob://con?account=abc&endpoint=https://evil.example", want: "an endpoint needs credentials of the location's own"},
		"an endpoint without a scheme":                           {url: "s3://bucket?endpoint=minio.example", opts: s3Keys, want: "parameter endpoint is no address of a server"},
		"an endpoint with a password":                            {url: "s3://bucket?endpoint=https://me:hunter2@minio.example", opts: s3Keys, want: "parameter endpoint is no address of a server"},
		"an endpoint with a query":                               {url: "s3://bucket?endpoint=https://minio.example?a=hunter2", opts: s3Keys, want: "parameter endpoint is no address of a server"},
		"an endpoint with a path":                                {url: "s3://bucket?endpoint=https://minio.example/hunter2", opts: s3Keys, want: "parameter endpoint holds a path"},
		"an endpoint that is a file":                             {url: "s3://bucket?endpoint=file:///etc", opts: s3Keys, want: "parameter endpoint is no address of a server"},
		"an endpoint that is not encrypted":                      {url: "s3://bucket?endpoint=http://minio.minio.svc:9000", opts: s3Keys, want: "add plainHTTP=true where the network itself is trusted"},
		"a certificate for none":                                 {url: "s3://bucket?endpoint=http://127.0.0.1", opts: blobstore.Options{Credentials: s3Keys.Credentials, CA: []byte("PEM")}, want: "use https, or remove caSecretName"},
		"plainHTTP without an endpoint":                          {url: "s3://bucket?region=eu&plainHTTP=true", want: "parameter plainHTTP goes with an endpoint"},
		"an empty endpoint":                                      {url: "s3://bucket?region=eu&endpoint=", want: "add endpoint="},
		"a Secret without keys for S3":                           {url: "s3://bucket?region=eu", opts: keys("accountKey", "hunter2"), want: "no key accessKeyID"},
		"a Secret without keys for Google":                       {url: "gs://bucket", opts: keys("accountKey", "hunter2"), want: "no key serviceAccount.json"},
		"a Secret without keys for Azure":                        {url: "azblob://con?account=abc", opts: keys("accessKeyID", "hunter2"), want: "no key accountKey, and no key sasToken either"},
		"a key for Google that is none":                          {url: "gs://bucket", opts: keys("serviceAccount.json", "hunter2"), want: "is no JSON key of a service account"},
		"credentials for Google that run programs": {url: "gs://bucket", opts: keys("serviceAccount.json", `{"type":"external_account","credential_source":{"executable":{"command":"hunter2"}}}`),
			want: "is no JSON key of a service account"},
		"a key for Azure that is none": {url: "azblob://con?account=abc", opts: keys("accountKey", "hunter2?"), want: "accountKey in the Secret that credentialsSecretName names is no base64"},
		"two accounts":                 {url: "azblob://con?account=abc", opts: keys("accountName", "def"), want: "name two accounts"},
		"certificates that are none":   {url: "s3://bucket?region=eu", opts: blobstore.Options{CA: []byte("hunter2")}, want: "holds no PEM certificate"},
		"memory without a name":        {url: "mem://", want: "write mem://name"},
		"memory with a path":           {url: "mem://a/b", want: "write mem://name"},
		"a prefix that is no key":      {url: "mem://a", prefix: "/a", want: "check prefix"},
		"a prefix that leads out":      {url: "file://" + root, prefix: "../x", opts: files, want: "check prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			loc := blobstore.Location{Name: "main", URL: c.url, Prefix: c.prefix, ReadOnly: c.readOnly}
			_, err := blobstore.Open(t.Context(), loc, c.opts)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `"main"`) {
				t.Fatalf("error %v, want one about %q", err, c.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error tells a secret: %v", err)
			}
		})
	}
}

func TestOpenTakesWhatSelfHostedServersNeed(t *testing.T) {
	s3Keys := map[string][]byte{"accessKeyID": []byte("id"), "secretAccessKey": []byte("secret"), "more": []byte("ignored")}
	azureKeys := map[string][]byte{"accountName": []byte("devstoreaccount1"), "accountKey": []byte("c2VjcmV0")}
	for name, c := range map[string]struct {
		url  string
		opts blobstore.Options
	}{
		"AWS":                          {"s3://bucket?region=eu-central-1", blobstore.Options{Credentials: s3Keys}},
		"AWS with a pod's identity":    {"s3://bucket?region=eu-central-1", blobstore.Options{}},
		"a server with TLS":            {"s3://bucket?endpoint=https://minio.minio.svc:9000&region=mine", blobstore.Options{Credentials: s3Keys}},
		"a server on loopback":         {"s3://bucket?endpoint=http://[::1]:9000&pathStyle=false", blobstore.Options{Credentials: s3Keys}},
		"a server in the cluster":      {"s3://bucket?endpoint=http://minio.minio.svc:9000/&plainHTTP=true", blobstore.Options{Credentials: s3Keys}},
		"a server on one's own behalf": {"s3://bucket?endpoint=http://localhost:9000", blobstore.Options{OwnURL: true}},
		"Azure with a key":             {"azblob://container", blobstore.Options{Credentials: azureKeys}},
		"Azure with a pod's identity":  {"azblob://container?account=abc", blobstore.Options{}},
		"Azurite":                      {"azblob://container?endpoint=http://127.0.0.1:10000/devstoreaccount1", blobstore.Options{Credentials: azureKeys}},
		"Azure with a token":           {"azblob://container?account=abc", blobstore.Options{Credentials: map[string][]byte{"sasToken": []byte("?sv=1&sig=2")}}},
	} {
		t.Run(name, func(t *testing.T) {
			open(t, blobstore.Location{Name: "main", URL: c.url}, c.opts)
		})
	}
}

func TestOpenFollowsLinksWithinTheRoot(t *testing.T) {
	real := t.TempDir()
	root := filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Symlink(real, root), os.Symlink(filepath.Join(real, "b"), filepath.Join(real, "a")),
		os.Mkdir(filepath.Join(real, "b"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"file://" + root + "/a", "file://" + real + "/b", "file://" + root + "/./x/../b/"} {
		s := open(t, blobstore.Location{Name: "main", URL: url}, blobstore.Options{FileRoot: root})
		w, err := s.Create(t.Context(), "blob")
		if err == nil {
			err = w.Close()
		}
		if err != nil && !errors.Is(err, engine.ErrExists) {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(real, "b", "blob")); err != nil {
		t.Error(err)
	}
}

func TestMemoryOfOneNameIsOneBucket(t *testing.T) {
	loc := blobstore.Location{Name: "main", URL: "mem://" + t.Name()}
	w, err := open(t, loc, blobstore.Options{}).Create(t.Context(), "a")
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	loc.ReadOnly = true
	again := open(t, loc, blobstore.Options{})
	if r, err := again.Open(t.Context(), "a", 0, -1); err != nil {
		t.Error(err)
	} else if err := r.Close(); err != nil {
		t.Error(err)
	}
	loc.Prefix = "a"
	for b, err := range open(t, loc, blobstore.Options{}).List(t.Context(), "", false) {
		t.Errorf("below prefix a lies %v, %v", b, err)
	}
}

func TestAReadOnlyLocationIsNeverWritten(t *testing.T) {
	root := t.TempDir()
	s := open(t, blobstore.Location{Name: "main", URL: "file://" + root, ReadOnly: true}, blobstore.Options{FileRoot: root})
	if _, err := s.Create(t.Context(), "a"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Create: %v", err)
	}
	if err := s.Delete(t.Context(), "a"); !errors.Is(err, engine.ErrReadOnly) {
		t.Errorf("Delete: %v", err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) > 0 {
		t.Errorf("the directory holds %v, %v", entries, err)
	}
}

func TestAPrefixCountsTowardsTheLengthOfAKey(t *testing.T) {
	s := open(t, blobstore.Location{Name: "main", URL: "mem://" + t.Name(), Prefix: "prefix"}, blobstore.Options{})
	key := strings.Repeat("a/", 510) + "a"
	if _, err := s.Create(t.Context(), key); err == nil || !strings.Contains(err.Error(), "with its prefix") {
		t.Errorf("Create: %v", err)
	}
}

func TestOpenIsNotTiedToItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := blobstore.Open(ctx, blobstore.Location{Name: "main", URL: "mem://" + t.Name()}, blobstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	w, err := s.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}
