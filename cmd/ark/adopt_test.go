// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
)

func TestStorageAdopt(t *testing.T) {
	s := twoClusters(t)
	s.backup(t, staging, "nightly-9", nil)
	u, c := atCluster(t)
	cfg := &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec: v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{
			{Name: "main", URL: s.url()},
			{Name: "shelf", URL: s.url(), Access: v1alpha1.AccessReadOnly},
		}},
	}
	create(t, c, cfg)
	adopt := func(args ...string) result {
		t.Helper()
		return u.ark(t.Context(), append([]string{"storage", "adopt", "--yes"}, args...)...)
	}
	check(t, adopt(otherCluster, "--location", "main"), exit.Failed, nil, []string{"the Config does not say yet which cluster this is"})
	if err := c.Get(t.Context(), client.ObjectKeyFromObject(cfg), cfg); err != nil {
		t.Fatal(err)
	}
	cfg.Status.ClusterUID = ownCluster
	if err := c.Status().Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args []string
		code exit.Code
		want string
	}{
		"its own backups":          {[]string{ownCluster, "--location", "main"}, exit.Failed, "is this cluster: its backups are its own already"},
		"no location, of several":  {[]string{otherCluster}, exit.Usage, "none of the storage locations is the default: set --location"},
		"a location there is not":  {[]string{otherCluster, "--location", "mian"}, exit.Failed, `there is no storage "mian"`},
		"a location to read only":  {[]string{otherCluster, "--location", "shelf"}, exit.Failed, `storage location "shelf" is ReadOnly`},
		"a backup there is not":    {[]string{otherCluster, "--location", "main", "--backup", "none"}, exit.Failed, `has no backup "none"`},
		"a cluster without backup": {[]string{"33333333-3333-3333-3333-333333333333", "--location", "main"}, exit.Failed, "has no backup in this location"},
	} {
		t.Run(name, func(t *testing.T) { check(t, adopt(tc.args...), tc.code, nil, []string{tc.want}) })
	}
	owners := func() []string {
		t.Helper()
		var all []string
		for _, name := range []string{"nightly-1", "nightly-9"} {
			snapshot, err := s.Marker(t.Context(), otherCluster, name)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, snapshot.Owner())
		}
		return all
	}
	if diff := cmp.Diff([]string{otherCluster, otherCluster}, owners()); diff != "" {
		t.Fatalf("a refused adoption was recorded (-want +got):\n%s", diff)
	}
	check(t, adopt(otherCluster, "--location", "main", "--backup", "nightly-9"), exit.Success, []string{"adopted 1 of 1 backups"}, nil)
	if diff := cmp.Diff([]string{otherCluster, ownCluster}, owners()); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	check(t, adopt(otherCluster, "--location", "main"), exit.Success, []string{"adopted 1 of 2 backups"}, nil)
	check(t, adopt(otherCluster, "--location", "main"), exit.Success, []string{"adopted 0 of 2 backups"}, nil)
	if diff := cmp.Diff([]string{ownCluster, ownCluster}, owners()); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}

	// A copy in another location tells by itself whose it is.
	s.backup(t, staging, "nightly-7", nil)
	replica := filepath.Join(t.TempDir(), "replica")
	if err := os.CopyFS(replica, os.DirFS(s.dir)); err != nil {
		t.Fatal(err)
	}
	cfg.Spec.Storage = append(cfg.Spec.Storage, v1alpha1.StorageLocation{Name: "replica", URL: "file://" + replica})
	if err := c.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	check(t, adopt(otherCluster, "--location", "main"), exit.Success,
		[]string{"adopted 1 of 3 backups", "adopted 1 copies of them in storage location replica"}, nil)
	if diff := cmp.Diff([]string{ownCluster}, ownersIn(t, replica, "nightly-7")); diff != "" {
		t.Errorf("owners of the copy (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(filepath.Join(replica, "ark-store.json"), []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, adopt(otherCluster, "--location", "main"), exit.Failed, nil,
		[]string{`storage location "replica" may hold copies that were not adopted: run this again: `})
	cfg.Spec.Storage = cfg.Spec.Storage[:2]
	if err := c.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}

	// One that is broken keeps none of the others.
	s.backup(t, staging, "nightly-0", nil)
	s.backup(t, staging, "nightly-8", nil)
	broken := filepath.Join(s.dir, filepath.FromSlash(archive.MarkerKey(otherCluster, "nightly-0")))
	if err := os.WriteFile(broken, []byte("?"), 0o600); err != nil {
		t.Fatal(err)
	}
	check(t, adopt(otherCluster, "--location", "main"), exit.Failed, []string{"adopted 1 of 5 backups"},
		[]string{"1 of the backups cannot be adopted, the first one because: adopt nightly-0: "})
	if snapshot, err := s.Marker(t.Context(), otherCluster, "nightly-8"); err != nil || snapshot.Owner() != ownCluster {
		t.Errorf("the one behind the broken one was not adopted: %v, %v", snapshot, err)
	}
}

// ownersIn are the owners of backups of the other cluster in another bucket.
func ownersIn(t *testing.T, dir string, names ...string) []string {
	t.Helper()
	opened, err := blobstore.Open(t.Context(), blobstore.Location{Name: "other", URL: "file://" + dir}, blobstore.Options{FileRoot: "/"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Attach(t.Context(), opened, clock(func() time.Time { return today }), catalog.Options{Tool: "ark test"})
	if err != nil {
		t.Fatal(err)
	}
	var owners []string
	for _, name := range names {
		snapshot, err := c.Marker(t.Context(), otherCluster, name)
		if err != nil {
			t.Fatal(err)
		}
		owners = append(owners, snapshot.Owner())
	}
	return owners
}
