// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"io"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/gopherwood/ark/engine"
)

// azure is a container. It writes on its own: gocloud.dev's writer reads a
// pointer in Close that its upload has set to nil when the upload failed, and
// takes the process with it.
type azure struct {
	cloud

	container *container.Client
}

var _ engine.Store = azure{}

func (a azure) Create(ctx context.Context, key string) (io.WriteCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, discard := context.WithCancel(ctx)
	r, pipe := io.Pipe()
	w := &azureWriter{pipe: pipe, discard: discard, uploaded: make(chan error, 1)}
	go func() {
		err := uploadBlob(ctx, a.container.NewBlockBlobClient(key), r)
		_ = r.CloseWithError(err) // a pipe that is read no more tells its writer why
		w.uploaded <- err
	}()
	return w, nil
}

// uploadBlob reads a blob to its end and makes it be, unless there is one.
func uploadBlob(ctx context.Context, client *blockblob.Client, r io.Reader) error {
	none := azcore.ETagAny
	contentType := contentType
	_, err := client.UploadStream(ctx, r, &blockblob.UploadStreamOptions{
		BlockSize: partSize, Concurrency: partsInFlight,
		HTTPHeaders: &blob.HTTPHeaders{BlobContentType: &contentType},
		AccessConditions: &blob.AccessConditions{
			ModifiedAccessConditions: &blob.ModifiedAccessConditions{IfNoneMatch: &none},
		},
	})
	return created(fromCloud(err))
}

// azureWriter writes a blob, which comes into being only when the upload sees
// the end of what is written.
type azureWriter struct {
	pipe     *io.PipeWriter
	discard  context.CancelFunc
	uploaded chan error
}

func (w *azureWriter) Write(p []byte) (int, error) { return w.pipe.Write(p) }

func (w *azureWriter) Close() error {
	defer w.discard()
	_ = w.pipe.Close() // it has no error of its own
	return <-w.uploaded
}
