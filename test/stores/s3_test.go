// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package stores

import (
	"net/http"
	"net/url"
	"os"
	"testing"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/catalog"
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
	reader := lab.Account{Name: "reader", Key: "canary-reader-hunter2"}
	if err := server.SetAccounts(accounts[0], accounts[1], reader); err != nil {
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
		endpoint:    server.Endpoint, front: server.NewFront,
		reader: func(t *testing.T, bucket string) (string, map[string][]byte) {
			t.Helper()
			if err := server.AllowReading(t.Context(), accounts[0], bucket, reader); err != nil {
				t.Fatal(err)
			}
			return "s3://" + bucket + "?endpoint=" + url.QueryEscape(server.Endpoint), keys(reader.Name, reader.Key)
		},
		lax: func(r *http.Request) { r.Header.Del("If-None-Match") },
		firstPage: func(r *http.Request) {
			query := r.URL.Query()
			if query.Get("list-type") == "2" {
				query.Del("continuation-token")
				query.Set("max-keys", "2")
				r.URL.RawQuery = query.Encode()
			}
		},
	}
	s.run(t)
	t.Run("a server that refuses conditional writes is used without", func(t *testing.T) { refusedConditions(t, s) })
	t.Run("credentials that expire are named", func(t *testing.T) { expiredToken(t, s) })
}

// refusedConditions answers as servers do that do not know the condition.
func refusedConditions(t *testing.T, s *service) {
	for name, status := range map[string]int{"NotImplemented": http.StatusNotImplemented, "InvalidArgument": http.StatusBadRequest} {
		t.Run(name, func(t *testing.T) {
			front, loc, opts := s.fronted(t, s.bucket(t, s.accounts[0]))
			front.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				return r.Header.Get("If-None-Match") != "" && refuse(w, status, name)
			})
			store := open(t, loc, opts)
			c, err := catalog.Attach(t.Context(), store, now{}, catalog.Options{Tool: "test"})
			if err != nil {
				t.Fatal(err)
			}
			if c.ConditionalWrites() {
				t.Error("the server is said to refuse to overwrite")
			}
			raceToCommit(t, c)
			front.Answer(func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodPut && refuse(w, status, name)
			})
			if err := put(t.Context(), open(t, loc, opts), "small", "content"); err == nil {
				t.Error("a server that refuses every write is taken for one that refuses conditions")
			}
		})
	}
}

// expiredToken answers as AWS does when the credentials are temporary and old.
func expiredToken(t *testing.T, s *service) {
	front, loc, opts := s.fronted(t, s.bucket(t, s.accounts[0]))
	front.Answer(func(w http.ResponseWriter, _ *http.Request) bool {
		return refuse(w, http.StatusBadRequest, "ExpiredToken")
	})
	all := everyOperation(t.Context(), open(t, loc, opts))
	delete(all, "delete") // it asks for the head first, and a head has no body to tell
	s.wantAll(t, all, engine.ErrForbidden, "the credentials have expired: put new ones into the Secret that credentialsSecretName names")
	front.Answer(nil)
	if err := put(t.Context(), open(t, loc, opts), "a", "content"); err != nil {
		t.Errorf("with credentials that are accepted: %v", err)
	}
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, err := w.Write([]byte("<Error><Code>" + code + "</Code><Message>hunter2</Message></Error>"))
	return err == nil
}
