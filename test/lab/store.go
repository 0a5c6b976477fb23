// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// ObjectStore is a running object-storage server on the loopback address. What
// it holds lies in a temporary folder or in memory, and goes with it.
type ObjectStore struct {
	// Endpoint is its address, with https and a certificate of the lab's own
	// authority.
	Endpoint string
	// CA is the PEM certificate of that authority.
	CA []byte

	dir    string
	unlock func()
	server *process
}

// Account is who may use an object store.
type Account struct{ Name, Key string }

// Stop ends the server and removes what it holds.
func (o *ObjectStore) Stop() error {
	if o.server != nil {
		o.server.stop()
	}
	defer o.unlock()
	if err := os.RemoveAll(o.dir); err != nil {
		return fmt.Errorf("remove the object store's data: %w", err)
	}
	return nil
}

// newObjectStore makes the folder of a server, with certificates.
func newObjectStore() (*ObjectStore, error) {
	dir, unlock, err := temporaryDir()
	if err != nil {
		return nil, fmt.Errorf("create the object store's folder: %w", err)
	}
	o := &ObjectStore{dir: dir, unlock: unlock}
	err = writeCertificates(dir, time.Now())
	if err == nil {
		o.CA, err = os.ReadFile(filepath.Join(dir, caCert))
	}
	if err != nil {
		return nil, errors.Join(err, o.Stop())
	}
	return o, nil
}

// run starts the server on a free port, and another one when somebody was
// quicker to take it.
func (o *ObjectStore) run(ctx context.Context, path string, args func(port string) []string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for attempt := 1; ; attempt++ {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		o.server, err = start(o.dir, filepath.Base(path), path, false, args(port)...)
		if err != nil {
			return err
		}
		address := net.JoinHostPort("127.0.0.1", port)
		err = o.server.await(ctx, func(ctx context.Context) error { return dial(ctx, address) })
		if err == nil {
			o.Endpoint = "https://" + address
			return nil
		}
		if attempt == portAttempts || !strings.Contains(err.Error(), "address already in use") {
			return err
		}
	}
}

// file is a file of the server's folder.
func (o *ObjectStore) file(name string) string { return filepath.Join(o.dir, name) }

// dial reports whether somebody listens.
func dial(ctx context.Context, address string) error {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return c.Close()
}

// started hands over a server, or clears away after one that did not start.
func started(o *ObjectStore, err error) (*ObjectStore, error) {
	if err != nil {
		return nil, errors.Join(err, o.Stop())
	}
	return o, nil
}

// orStandardError is where progress goes when the caller does not mind.
func orStandardError(log io.Writer) io.Writer {
	if log == nil {
		return os.Stderr
	}
	return log
}
