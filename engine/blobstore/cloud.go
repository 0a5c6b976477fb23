// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"math"
	"net/http"
	"net/url"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/blob/memblob"

	"github.com/gopherwood/ark/engine"
)

// cloud is a bucket on gocloud.dev.
type cloud struct {
	bucket *blob.Bucket
	// beforeWrite adjusts what the driver is about to write with; nil is fine.
	beforeWrite func(as func(any) bool) error
	// conditions says whether the server takes conditional writes; nil for a service
	// of which that is known.
	conditions *conditions
}

var _ engine.Store = cloud{}

// contentType is what all blobs are said to be: without one, the first bytes are
// held back to guess it.
const contentType = "application/octet-stream"

// A blob is sent in parts of partSize, of which partsInFlight are held in memory
// for each blob that is being written; a backup writes four at a time. S3 takes
// 10,000 parts, which makes 78 GiB the largest blob.
const (
	partSize      = 8 << 20
	partsInFlight = 2
)

// pageSize is how many entries of a listing are asked for at a time: the most that
// S3 gives.
const pageSize = 1000

// memory holds the buckets of mem URLs: whoever opens the same name in this
// process sees the same blobs, as with any other scheme.
var memory struct {
	sync.Mutex

	buckets map[string]*blob.Bucket
}

// openMemory opens mem://name.
func openMemory(_ context.Context, u *url.URL, _ Location, opts Options) (engine.Store, error) {
	if err := refuseSecrets(u, opts); err != nil {
		return nil, err
	}
	if !validSegment(u.Host) || u.Path != "" {
		return nil, errors.New("the url names no memory bucket: write mem://name, with a name of A-Z a-z 0-9 . _ ~ -")
	}
	memory.Lock()
	defer memory.Unlock()
	if memory.buckets == nil {
		memory.buckets = map[string]*blob.Bucket{}
	}
	if memory.buckets[u.Host] == nil {
		memory.buckets[u.Host] = memblob.OpenBucket(&memblob.Options{NoMD5: true})
	}
	return cloud{bucket: memory.buckets[u.Host]}, nil
}

func (c cloud) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	return c.create(ctx, key, c.conditions.allowed())
}

// create starts a blob, on the condition that there is none or without one.
func (c cloud) create(ctx context.Context, key string, conditional bool) (io.WriteCloser, error) {
	writing, discard := context.WithCancel(ctx)
	w, err := c.bucket.NewWriter(writing, key, &blob.WriterOptions{
		ContentType:    contentType,
		IfNotExist:     conditional,
		BufferSize:     partSize,
		MaxConcurrency: partsInFlight,
		BeforeWrite:    c.beforeWrite,
	})
	if err != nil {
		discard()
		return nil, created(fromCloud(err))
	}
	writer := &cloudWriter{Writer: w, discard: discard}
	if conditional && c.conditions != nil {
		return c.conditions.watch(writer, func() (io.WriteCloser, error) { return c.create(ctx, key, false) }), nil
	}
	return writer, nil
}

func (c cloud) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	switch {
	case length > math.MaxInt64-offset:
		length = -1 // drivers add the two
	case length == 0:
		return c.nothing(ctx, key, offset)
	}
	r, err := c.bucket.NewRangeReader(ctx, key, offset, length, nil)
	if a, ok := answerOf(err); ok && a.status == http.StatusRequestedRangeNotSatisfiable {
		return http.NoBody, nil // it begins behind the end
	}
	if err != nil {
		return nil, fromCloud(err)
	}
	return cloudReader{r}, nil
}

// nothing is no byte of a blob that exists. Drivers ask for a byte, or for all,
// and never close what they were given.
func (c cloud) nothing(ctx context.Context, key string, offset int64) (io.ReadCloser, error) {
	r, err := c.Open(ctx, key, offset, 1)
	if err != nil {
		return nil, err
	}
	return http.NoBody, r.Close()
}

func (c cloud) List(ctx context.Context, prefix string, folders bool) iter.Seq2[engine.Blob, error] {
	return func(yield func(engine.Blob, error) bool) {
		opts := &blob.ListOptions{Prefix: prefix}
		if folders {
			opts.Delimiter = "/"
		}
		for token := blob.FirstPageToken; ; {
			page, next, err := c.bucket.ListPage(ctx, token, pageSize, opts)
			if err == nil && len(next) > 0 && bytes.Equal(next, token) {
				err = explained{errListing, "the server's listing does not end: it names the same page as the next one twice"}
			}
			if err != nil {
				yield(engine.Blob{}, fromCloud(err))
				return
			}
			for _, o := range page {
				if !yield(engine.Blob{Key: o.Key, Size: o.Size, ModTime: o.ModTime}, nil) {
					return
				}
			}
			if len(next) == 0 {
				return
			}
			token = next
		}
	}
}

func (c cloud) Delete(ctx context.Context, key string) error {
	return fromCloud(c.bucket.Delete(ctx, key))
}

// cloudWriter discards its blob when a write failed: Close alone would keep what
// was written until then.
type cloudWriter struct {
	*blob.Writer

	discard context.CancelFunc
	failed  error
}

func (w *cloudWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.failed = created(fromCloud(err))
		w.discard()
	}
	return n, w.failed
}

func (w *cloudWriter) Close() error {
	defer w.discard()
	err := created(fromCloud(w.Writer.Close()))
	if w.failed != nil {
		return w.failed
	}
	return err
}

// cloudReader translates the errors of a read.
type cloudReader struct{ *blob.Reader }

func (r cloudReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	return n, fromCloud(err)
}

func (r cloudReader) Close() error { return fromCloud(r.Reader.Close()) }
