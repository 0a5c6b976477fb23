// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/gopherwood/ark/engine"
)

// Location says where a store is.
type Location struct {
	// Name is how people call it. It stands in every error.
	Name string
	// URL is file:///directory or mem://name.
	URL string
	// Prefix is put before every key, so that a bucket can be shared. It is a key
	// itself, without a slash at either end; empty means none.
	Prefix string
	// ReadOnly refuses every write with engine.ErrReadOnly.
	ReadOnly bool
}

// Options is what the process, and not the author of the location, provides.
type Options struct {
	// FileRoot is the directory below which file URLs may point, from the flag
	// --file-store-root. When empty, file URLs are refused.
	FileRoot string
	// Credentials are the keys of the location's Secret. A scheme that takes none
	// refuses them: they would be thought to protect something.
	Credentials map[string][]byte
	// CA holds the PEM certificates that the server's certificate is checked
	// against. A scheme without a server refuses them.
	CA []byte
}

// opener opens a kind of storage.
type opener func(ctx context.Context, u *url.URL, loc Location, opts Options) (engine.Store, error)

// schemes are the kinds of storage that can be opened.
var schemes = map[string]opener{
	"file": openDirectory,
	"mem":  openMemory,
}

// later are schemes that the API knows and this version does not open.
var later = []string{"azblob", "gs", "s3"}

// Open opens a location. A file location that may be written is created when it
// is missing. Errors say what to change; none of them holds a part of the URL
// in which a secret could stand.
func Open(ctx context.Context, loc Location, opts Options) (*Store, error) {
	store, err := open(ctx, loc, opts)
	if err != nil {
		return nil, fmt.Errorf("open storage location %q: %w", loc.Name, err)
	}
	return store, nil
}

func open(ctx context.Context, loc Location, opts Options) (*Store, error) {
	u, err := parse(loc.URL)
	if err != nil {
		return nil, err
	}
	if loc.Prefix != "" {
		if err := checkKey(loc.Prefix); err != nil {
			return nil, fmt.Errorf("check prefix: %w", err)
		}
	}
	bucket, err := schemes[u.Scheme](ctx, u, loc, opts)
	if err != nil {
		return nil, err
	}
	return newStore(bucket, loc), nil
}

// parse reads a URL and checks everything that is the same for all schemes that
// exist. The errors of url.Parse repeat the URL, with a password that may be in
// it, and are therefore replaced.
func parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the url cannot be read: write file:///directory or mem://name")
	}
	if u.User != nil {
		return nil, errors.New("the url holds a user or password: put credentials into a Secret and name it in credentialsSecretName")
	}
	if slices.Contains(later, u.Scheme) {
		return nil, fmt.Errorf("scheme %s is not supported by this version: use file:///directory", u.Scheme)
	}
	if _, ok := schemes[u.Scheme]; !ok {
		return nil, fmt.Errorf("scheme %q of the url is unknown: use one of %s",
			u.Scheme, strings.Join(slices.Sorted(maps.Keys(schemes)), ", "))
	}
	if u.Opaque != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the url cannot be read: write %s://, and no # in it", u.Scheme)
	}
	return u, checkParameters(u)
}

// checkParameters refuses every query parameter, because neither of the schemes
// takes any.
func checkParameters(u *url.URL) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the parameters of the url cannot be read: remove what follows the ?")
	}
	if len(query) == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(query))
	return fmt.Errorf("parameter %q of the url is not allowed: scheme %s takes no parameters", names[0], u.Scheme)
}

// refuseSecrets reports credentials and certificates that a scheme has no use for.
func refuseSecrets(u *url.URL, opts Options) error {
	if len(opts.Credentials) > 0 {
		return fmt.Errorf("scheme %s takes no credentials: remove credentialsSecretName", u.Scheme)
	}
	if len(opts.CA) > 0 {
		return fmt.Errorf("scheme %s has no server to check: remove caSecretName", u.Scheme)
	}
	return nil
}
