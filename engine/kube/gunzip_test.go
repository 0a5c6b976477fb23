// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/gopherwood/ark/engine"
)

// compressed answers with as much of a compressed body as the limit says, then
// breaks the connection; a negative limit is all of it.
func compressed(t *testing.T, body string, limit int) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding = %q", r.Header.Get("Accept-Encoding"))
		}
		var b bytes.Buffer
		gz := gzip.NewWriter(&b)
		if _, err := gz.Write([]byte(body)); err != nil {
			t.Error(err)
		}
		if err := gz.Close(); err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Encoding", "gzip")
		if limit < 0 {
			_, _ = w.Write(b.Bytes())
			return
		}
		_, _ = w.Write(b.Bytes()[:limit])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func TestACompressedListIsRead(t *testing.T) {
	page := metaFirst("7", "", `{"metadata":{"name":"a"}}`, `{"metadata":{"name":"b"}}`)
	for name, script := range map[string][]http.HandlerFunc{
		"in one piece":                       {compressed(t, page, -1)},
		"again when its header is cut short": {compressed(t, page, 5), compressed(t, page, -1)},
		"again when it is cut short":         {compressed(t, page, 40), compressed(t, page, -1)},
		"again when nothing came":            {compressed(t, page, 0), compressed(t, page, -1)},
		"where the server does not compress": {answer("%s", page)},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, script...)
			var got []string
			for o, err := range s.List(t.Context(), configMaps, engine.ListOptions{}) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, o.Meta.Name)
			}
			if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
				t.Errorf("names (-want +got):\n%s", diff)
			}
		})
	}
}

// TestADamagedResponse changes bytes of the checksum, and cuts the response short in
// the middle of its trailer.
func TestADamagedResponse(t *testing.T) {
	page := metaFirst("7", "", item("a"), item("b"))
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	if _, err := gz.Write([]byte(page)); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(b.Bytes())
	flipped[len(flipped)-8] ^= 1
	send := func(body []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(body)
		}
	}
	for name, c := range map[string]struct {
		script []http.HandlerFunc
		err    string
	}{
		"that fails its checksum is not made good by another": {
			[]http.HandlerFunc{send(flipped)}, "the response is damaged, and so may be what was read of it: gzip: invalid checksum",
		},
		"that is cut in its trailer is asked for again": {[]http.HandlerFunc{send(b.Bytes()[:b.Len()-4]), send(b.Bytes())}, ""},
		"that lacks its trailer is asked for again":     {[]http.HandlerFunc{send(b.Bytes()[:b.Len()-8]), send(b.Bytes())}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.script...)
			_, err := list(t.Context(), s.Cluster, engine.ListOptions{})
			if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
				t.Errorf("error %v, want %q", err, c.err)
			}
			if len(s.script) > 0 {
				t.Errorf("%d requests were not sent", len(s.script))
			}
		})
	}
}

func TestAKubeconfigCanSwitchCompressionOff(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if encoding := r.Header.Get("Accept-Encoding"); encoding != "" {
			t.Errorf("Accept-Encoding = %q", encoding)
		}
		answer("%s", metaFirst("7", ""))(w, r)
	})
	// Insecure makes client-go take a transport of its own, as any real cluster does.
	c, err := New(&rest.Config{
		Host: "http://" + s.base.Host, DisableCompression: true, TLSClientConfig: rest.TLSClientConfig{Insecure: true},
	}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.List(t.Context(), configMaps, engine.ListOptions{}) {
		t.Error(err)
	}
}
