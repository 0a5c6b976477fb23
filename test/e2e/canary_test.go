// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/test/lab/labtest"
)

// places are where people look, by what they are called.
type places map[string][]byte

// leaks returns the places where one of the secrets can be seen, in whatever form.
func (p places) leaks(secrets ...string) []string {
	var found []string
	for place, content := range p {
		seen := slices.ContainsFunc(secrets, func(secret string) bool {
			return slices.ContainsFunc(forms(secret), func(form string) bool { return bytes.Contains(content, []byte(form)) })
		})
		if seen {
			found = append(found, place)
		}
	}
	slices.Sort(found)
	return found
}

// forms are what a secret may look like: as it is, in a URL, in hexadecimal, and in
// base64, alone or in the middle of something longer.
func forms(secret string) []string {
	all := []string{secret, url.QueryEscape(secret), hex.EncodeToString([]byte(secret))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("x", before) + secret))
			// The characters at both ends also hold bits of what stands beside it.
			all = append(all, encoded[(before*8+5)/6:(before+len(secret))*8/6])
		}
	}
	return all
}

func TestSecretsAreSeenInEveryForm(t *testing.T) {
	const secret = "canary/of+the test?"
	object := `{"data":{"number":"` + secret + `"},"kind":"Secret"}`
	for name, content := range map[string]string{
		"as it is":       "error: " + secret + " is invalid",
		"in a URL":       "GET /a?key=" + url.QueryEscape(secret) + "&b",
		"in hexadecimal": hex.EncodeToString([]byte(object)),
		"in base64":      base64.StdEncoding.EncodeToString([]byte(secret)),
		"of an object":   base64.StdEncoding.EncodeToString([]byte(object)),
		"one further":    base64.StdEncoding.EncodeToString([]byte("1" + object)),
		"and another":    base64.URLEncoding.EncodeToString([]byte("12" + object)),
	} {
		if found := (places{"here": []byte(content)}).leaks("something else", secret); len(found) != 1 {
			t.Errorf("%s it is not seen", name)
		}
	}
	if found := (places{"here": []byte(base64.StdEncoding.EncodeToString([]byte("a harmless text")))}).leaks(secret); len(found) > 0 {
		t.Error("it is seen where it is not")
	}
}

// ownSecrets returns what nobody but the controllers should ever see: the content
// of the Secrets in their namespace. Of a private key, which may be shown line by
// line, it is the longest line.
func (i *installation) ownSecrets() []string {
	i.t.Helper()
	var list corev1.SecretList
	if err := i.admin.List(i.t.Context(), &list, client.InNamespace(labtest.Namespace)); err != nil {
		i.t.Fatal(err)
	}
	var secrets []string
	for _, s := range list.Items {
		if s.Type == "helm.sh/release.v1" {
			continue // the chart itself
		}
		for key, value := range s.Data {
			if key == "ca.crt" {
				continue // certificates are shown to everybody
			}
			lines := strings.Split(string(value), "\n")
			secrets = append(secrets, slices.MaxFunc(lines, func(a, b string) int { return len(a) - len(b) }))
		}
	}
	if len(secrets) == 0 {
		i.t.Fatal("the controllers have no Secret")
	}
	return secrets
}

// look gathers everything that the server and the command line showed and stored,
// apart from what is in the bucket.
func (i *installation) look() places {
	i.t.Helper()
	log, err := os.ReadFile(i.log)
	if err != nil {
		i.t.Fatal(err)
	}
	p := places{"the server's log": log, "the command line": i.said.Bytes()}
	lists := append(ownKinds(), &eventsv1.EventList{}, &corev1.ConfigMapList{})
	for _, list := range lists {
		var opts []client.ListOption
		if _, ok := list.(*corev1.ConfigMapList); ok {
			opts = append(opts, client.InNamespace(labtest.Namespace))
		}
		if err := i.admin.List(i.t.Context(), list, opts...); err != nil {
			i.t.Fatal(err)
		}
		content, err := json.Marshal(list)
		if err != nil {
			i.t.Fatal(err)
		}
		p[strings.TrimPrefix(strings.TrimSuffix(fmt.Sprintf("%T", list), "List"), "*")] = content
	}
	for place, least := range map[string]int{"the server's log": 1000, "the command line": 1000, "v1.Event": 1000, "v1alpha1.Backup": 1000} {
		if len(p[place]) < least {
			i.t.Errorf("%s: %d bytes are less than there must be", place, len(p[place]))
		}
	}
	return p
}

// scrape adds the metrics to the places. It must be called while the server runs.
func (i *installation) scrape() []byte {
	i.t.Helper()
	res, err := http.Get("http://" + i.metrics + "/metrics") //nolint:noctx // a test of one request
	if err != nil {
		i.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK || len(body) == 0 {
		i.t.Fatalf("metrics: %s, %d bytes, %v", res.Status, len(body), err)
	}
	return body
}

// stored reads every file in the bucket, decompressed.
func stored(t *testing.T, bucket string) places {
	t.Helper()
	p := places{}
	err := filepath.WalkDir(bucket, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if strings.HasSuffix(path, ".gz") {
			r, err := gzip.NewReader(bytes.NewReader(content))
			if err != nil {
				return err
			}
			if content, err = io.ReadAll(r); err != nil {
				return err
			}
		}
		p[strings.TrimPrefix(path, bucket)] = content
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// checkStored fails unless the Secret's content is where it belongs, in contents
// and in what a restore replaced, and nowhere else in the bucket.
func checkStored(t *testing.T, bucket string, own []string) {
	t.Helper()
	for _, path := range stored(t, bucket).leaks(own...) {
		t.Errorf("a Secret of the controllers is in %s", path)
	}
	belongs := []string{"contents.tar.gz", "replaced-000001.json"}
	seen := map[string]bool{}
	for _, path := range stored(t, bucket).leaks(canary) {
		name := filepath.Base(path)
		seen[name] = true
		if !slices.Contains(belongs, name) {
			t.Errorf("the content of a Secret is in %s", path)
		}
	}
	for _, name := range belongs {
		if !seen[name] {
			t.Errorf("the content of a Secret is in no %s: does the search still work?", name)
		}
	}
}
