// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package stores

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/gopherwood/ark/test/lab"
)

func TestS3(t *testing.T) {
	server, err := lab.StartS3(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	accounts := [2]lab.Account{{Name: "team-one", Key: "canary-one-hunter2"}, {Name: "team-two", Key: "canary-two-hunter2"}}
	if err := server.SetAccounts(accounts[:]...); err != nil {
		t.Fatal(err)
	}
	keys := func(name, key string) map[string][]byte {
		return map[string][]byte{"accessKeyID": []byte(name), "secretAccessKey": []byte(key + "\n")}
	}
	s := &service{
		accounts: accounts, ca: server.CA,
		create: server.CreateBucket,
		url: func(_ lab.Account, bucket string) string {
			return "s3://" + bucket + "?endpoint=" + url.QueryEscape(server.Endpoint)
		},
		credentials: func(a lab.Account) map[string][]byte { return keys(a.Name, a.Key) },
		wrong:       func(a lab.Account) map[string][]byte { return keys(a.Name, "canary-wrong-hunter2") },
		secrets:     []string{"hunter2", "AWS4-HMAC"},
		silent:      []string{"delete"}, // it asks for the head first, and a head has no body to tell
		unreachable: func(u string) string {
			return strings.Replace(u, url.QueryEscape(server.Endpoint), url.QueryEscape("https://127.0.0.1:1"), 1)
		},
	}
	s.run(t)
}
