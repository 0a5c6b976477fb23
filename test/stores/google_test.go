// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

//go:build stores

package stores

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/gopherwood/ark/test/lab"
)

func TestGoogle(t *testing.T) {
	server, err := lab.StartGoogle(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	account := func(name string) lab.Account {
		t.Helper()
		a, err := server.NewAccount(name)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	one, two, stranger := account("team-one"), account("team-two"), account("stranger")
	reader := account("reader")
	keys := func(json string) map[string][]byte { return map[string][]byte{"serviceAccount.json": []byte(json)} }
	s := &service{
		accounts: [2]lab.Account{one, two}, ca: server.CA,
		create: server.CreateBucket,
		url: func(_ lab.Account, bucket string) string {
			return "gs://" + bucket + "?endpoint=" + url.QueryEscape(server.Endpoint)
		},
		credentials: func(a lab.Account) map[string][]byte { return keys(a.Key) },
		wrong: func(a lab.Account) map[string][]byte {
			return keys(strings.ReplaceAll(stranger.Key, stranger.Name, a.Name)) // another's key under this name
		},
		secrets:  []string{"PRIVATE", "Bearer", "gserviceaccount"},
		silent:   []string{"open", "delete"},
		endpoint: server.Endpoint, front: server.NewFront,
		reader: func(_ *testing.T, bucket string) (string, map[string][]byte) {
			server.AllowReading(bucket, reader)
			return "gs://" + bucket + "?endpoint=" + url.QueryEscape(server.Endpoint), keys(reader.Key)
		},
		lax: func(r *http.Request) {
			query := r.URL.Query()
			query.Del("ifGenerationMatch")
			r.URL.RawQuery = query.Encode()
		},
		firstPage: func(r *http.Request) {
			query := r.URL.Query()
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/o") {
				query.Del("pageToken")
				query.Set("maxResults", "2")
				r.URL.RawQuery = query.Encode()
			}
		},
	}
	s.run(t)
}
