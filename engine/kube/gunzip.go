// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// gunzippers are decompressors at rest: each holds tens of kilobytes.
var gunzippers sync.Pool

// uncompressed returns the body of a response to a request that allowed gzip.
// net/http would see to that by itself, with a decompressor that takes twice the
// time.
func uncompressed(resp *http.Response) io.ReadCloser {
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return resp.Body
	}
	return &gunzip{body: resp.Body}
}

// gunzip decompresses a body. The first Read waits for the first byte.
type gunzip struct {
	body io.ReadCloser
	gzip *gzip.Reader
}

func (g *gunzip) Read(p []byte) (int, error) {
	if g.gzip == nil {
		pooled, ok := gunzippers.Get().(*gzip.Reader)
		if !ok {
			pooled = new(gzip.Reader)
		}
		if err := pooled.Reset(g.body); err != nil {
			gunzippers.Put(pooled)
			return 0, err
		}
		g.gzip = pooled
	}
	return g.gzip.Read(p)
}

// isDamage reports whether an error says that compressed bytes are not those that
// were sent, as opposed to too few of them.
func isDamage(err error) bool {
	return errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.As(err, new(flate.CorruptInputError))
}

func (g *gunzip) Close() error {
	if g.gzip != nil {
		gunzippers.Put(g.gzip)
		g.gzip = nil
	}
	return g.body.Close()
}
