// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package locations

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
)

// retryAfter is when a location that cannot be reached is tried again.
const retryAfter = 30 * time.Second

// OpenStore opens a bucket.
type OpenStore func(ctx context.Context, loc blobstore.Location, opts blobstore.Options) (engine.Store, error)

// slot holds what is open under one name. Its lock is a channel, so that who
// waits for a slow store stops waiting when its context ends.
type slot struct {
	lock chan struct{}
	// key is the hash of what the location was opened with.
	key      [sha256.Size]byte
	location *Location
}

// Open returns the open location of that name, as Find resolves it. Its errors
// are stalls where the Config or a Secret has to change (LocationMissing,
// StorageInvalid, SecretMissing) and waits where the store does not answer
// (StorageUnavailable).
func (l *Locations) Open(ctx context.Context, cfg *v1alpha1.Config, name string) (*Location, error) {
	return l.get(ctx, cfg, name, false)
}

// Check is Open, and tries the store anew although it is open: that it can be
// reached, is the same as before, and can be written where it may be. From then
// on Open returns what Check found.
func (l *Locations) Check(ctx context.Context, cfg *v1alpha1.Config, name string) (*Location, error) {
	return l.get(ctx, cfg, name, true)
}

func (l *Locations) get(ctx context.Context, cfg *v1alpha1.Config, name string, anew bool) (*Location, error) {
	spec, err := Find(cfg, name)
	if err != nil {
		return nil, err
	}
	opened, err := l.opened(ctx, spec, known(cfg, spec), anew)
	if err != nil {
		return nil, err
	}
	// What is open is kept; whose signatures count follows from the Config of now.
	view := *opened
	view.Catalog = opened.Catalog.Trusting(catalog.Trust{
		Signed: spec.Signing != nil, Keys: projection.TrustedKeys(cfg),
		Sign: func(ctx context.Context) (ed25519.PrivateKey, error) { return l.SigningKey(ctx, cfg, spec) },
	})
	return &view, nil
}

// Address is where a location's store is.
func Address(spec v1alpha1.StorageLocation) string {
	if spec.Prefix == "" {
		return spec.URL
	}
	return spec.URL + " " + spec.Prefix
}

// known returns the identity of the store that was found at the location's address
// before, or nothing.
func known(cfg *v1alpha1.Config, spec v1alpha1.StorageLocation) string {
	for _, l := range cfg.Status.Storage {
		if l.Name == spec.Name && l.StoreAddress == Address(spec) {
			return l.StoreID
		}
	}
	return ""
}

// opened is the location that is kept open.
func (l *Locations) opened(ctx context.Context, spec v1alpha1.StorageLocation, known string, anew bool) (*Location, error) {
	secrets, err := l.secrets(ctx, spec)
	if err != nil {
		return nil, err
	}
	key, err := fingerprint(spec, secrets)
	if err != nil {
		return nil, err
	}
	s := l.slot(spec.Name)
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return nil, unavailable(spec, fmt.Errorf("wait for another attempt: %w", ctx.Err()))
	}
	if s.location != nil && s.key == key && !anew {
		return s.location, nil
	}
	opened, err := l.open(ctx, spec, known, secrets)
	if err != nil {
		return nil, err
	}
	s.location, s.key = opened, key
	return opened, nil
}

// LatestBackup returns the name of the newest backup that this cluster took for
// a schedule into a location; ok is false when there never was one.
func (l *Locations) LatestBackup(ctx context.Context, cfg *v1alpha1.Config, location, schedule string) (name string, ok bool, err error) {
	opened, err := l.Open(ctx, cfg, location)
	if err != nil {
		return "", false, err
	}
	_, name, ok, err = opened.Catalog.Latest(ctx, cfg.Status.ClusterUID, schedule)
	if err != nil {
		return "", false, unavailable(opened.Spec, err)
	}
	return name, ok, nil
}

func (l *Locations) slot(name string) *slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.slots == nil {
		l.slots = map[string]*slot{}
	}
	if l.slots[name] == nil {
		l.slots[name] = &slot{lock: make(chan struct{}, 1)}
	}
	return l.slots[name]
}

func (l *Locations) open(ctx context.Context, spec v1alpha1.StorageLocation, known string, secrets secrets) (*Location, error) {
	readOnly := spec.Access == v1alpha1.AccessReadOnly
	openStore := l.OpenStore
	if openStore == nil {
		openStore = openBucket
	}
	store, err := openStore(ctx,
		blobstore.Location{Name: spec.Name, URL: spec.URL, Prefix: spec.Prefix, ReadOnly: readOnly, Existing: known != ""},
		blobstore.Options{FileRoot: l.FileRoot, Credentials: secrets.credentials, CA: secrets.ca})
	if err != nil {
		return nil, notOpened(spec, err)
	}
	attached, err := catalog.Attach(ctx, store, l.Clock, catalog.Options{ReadOnly: readOnly, Known: known, Tool: l.Tool})
	if err != nil {
		return nil, notAttached(spec, err)
	}
	return &Location{Spec: spec, Store: store, Catalog: attached, ReadOnly: readOnly}, nil
}

// openBucket opens what the URL names.
func openBucket(ctx context.Context, loc blobstore.Location, opts blobstore.Options) (engine.Store, error) {
	return blobstore.Open(ctx, loc, opts)
}

// fingerprint identifies what a location is opened with. Of a Secret it holds
// the version, never the content.
func fingerprint(spec v1alpha1.StorageLocation, secrets secrets) ([sha256.Size]byte, error) {
	raw, err := json.Marshal([]any{spec, secrets.versions})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("identify location %q: %w", spec.Name, err)
	}
	return sha256.Sum256(raw), nil
}
