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
	// URL is s3://bucket, gs://bucket, azblob://container, file:///directory or
	// mem://name, with the parameters that its scheme knows.
	URL string
	// Prefix is put before every key, so that a bucket can be shared. It is a key
	// itself, without a slash at either end; empty means none.
	Prefix string
	// ReadOnly refuses every write with engine.ErrReadOnly.
	ReadOnly bool
	// Existing says that the store was there before: a directory that is missing is
	// not made, because it may not be mounted.
	Existing bool
}

// Options is what the process, and not the author of the location, provides.
type Options struct {
	// FileRoot is the directory below which file URLs may point, from the flag
	// --file-store-root. When empty, file URLs are refused.
	FileRoot string
	// Credentials are the keys of the location's Secret. When there are none, a
	// cloud's scheme uses the identity of the process. A scheme that takes none
	// refuses them: they would be thought to protect something.
	Credentials map[string][]byte
	// CA holds the PEM certificates that the server's certificate is checked
	// against, in place of the system's. A scheme without a server refuses them.
	CA []byte
	// OwnURL says that whoever wrote the URL is the owner of the process and of its
	// identity, as on the command line: then an endpoint may be given without
	// Credentials.
	OwnURL bool
}

// ErrCredentials says that the location's Secret lacks a key, or that one cannot
// be read. The text says which.
var ErrCredentials = errors.New("credentials are not complete")

// scheme is a kind of storage.
type scheme struct {
	// open opens it; its URL holds no other parameters than those listed.
	open       func(ctx context.Context, u *url.URL, loc Location, opts Options) (engine.Store, error)
	parameters []string
}

// schemes are the kinds of storage that can be opened.
var schemes = map[string]scheme{
	"azblob": {openAzure, []string{accountParameter, endpointParameter, plainParameter}},
	"file":   {openDirectory, nil},
	"gs":     {openGoogle, []string{endpointParameter, plainParameter}},
	"mem":    {openMemory, nil},
	"s3":     {openS3, []string{endpointParameter, pathStyleParameter, plainParameter, regionParameter}},
}

// Open opens a location. A file location that may be written is created when it
// is missing; buckets never are. Nothing is asked of a server yet. Errors say
// what to change; none of them holds a part of the URL in which a secret could
// stand. An error about the Secret wraps ErrCredentials.
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
	if err := checkParameters(u, schemes[u.Scheme].parameters); err != nil {
		return nil, err
	}
	bucket, err := schemes[u.Scheme].open(ctx, u, loc, opts)
	if err != nil {
		return nil, err
	}
	return newStore(bucket, loc), nil
}

// parse reads a URL and checks everything that is the same for all schemes. The
// errors of url.Parse repeat the URL, with a password that may be in it, and are
// therefore replaced.
func parse(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("the url cannot be read: write s3://bucket, gs://bucket, azblob://container or file:///directory")
	}
	if u.User != nil {
		return nil, errors.New("the url holds a user or password: put credentials into a Secret and name it in credentialsSecretName")
	}
	if _, ok := schemes[u.Scheme]; !ok {
		return nil, fmt.Errorf("scheme %q of the url is unknown: use one of %s",
			u.Scheme, strings.Join(slices.Sorted(maps.Keys(schemes)), ", "))
	}
	if u.Opaque != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the url cannot be read: write %s://, and no # in it", u.Scheme)
	}
	return u, nil
}

// checkParameters refuses every query parameter that is not on the scheme's
// list, and every one that is given twice.
func checkParameters(u *url.URL, allowed []string) error {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return errors.New("the parameters of the url cannot be read: correct or remove what follows the ?")
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		switch {
		case len(allowed) == 0:
			return fmt.Errorf("parameter %q of the url is not allowed: scheme %s takes no parameters", name, u.Scheme)
		case !slices.Contains(allowed, name):
			return fmt.Errorf("parameter %q of the url is not allowed: scheme %s takes %s", name, u.Scheme, strings.Join(allowed, ", "))
		case len(query[name]) > 1:
			return fmt.Errorf("parameter %q of the url is given %d times: give it once", name, len(query[name]))
		}
	}
	return nil
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
