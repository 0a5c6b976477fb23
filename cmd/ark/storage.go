// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/bucket"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// storageLocation is a location of the Config with its status, in the shape of
// an object so that it prints like one. The API server has no such kind.
type storageLocation struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`

	Spec   v1alpha1.StorageLocation       `json:"spec"`
	Status v1alpha1.StorageLocationStatus `json:"status"`
}

// DeepCopyObject copies the location.
func (s *storageLocation) DeepCopyObject() runtime.Object {
	out := &storageLocation{TypeMeta: s.TypeMeta}
	s.ObjectMeta.DeepCopyInto(&out.ObjectMeta)
	s.Spec.DeepCopyInto(&out.Spec)
	s.Status.DeepCopyInto(&out.Status)
	return out
}

var storageLocations = &noun[*storageLocation]{
	kind: "StorageLocation", word: "storage", plural: "storage locations",
	empty: "There is no storage location yet. Add one to spec.storage of the Config.",
	columns: []output.Column[*storageLocation]{
		{Header: "NAME", Cell: func(s *storageLocation, _ output.Times) string { return s.Name }},
		{Header: "AVAILABLE", Cell: func(s *storageLocation, _ output.Times) string { return strconv.FormatBool(s.Status.Available) }},
		{Header: "ACCESS", Cell: func(s *storageLocation, _ output.Times) string { return locationAccess(s) }},
		{Header: "DEFAULT", Cell: func(s *storageLocation, _ output.Times) string { return strconv.FormatBool(s.Spec.Default) }},
		{Header: "BACKUPS", Cell: func(s *storageLocation, _ output.Times) string { return strconv.Itoa(int(s.Status.Backups)) }},
		{Header: "OTHERS", Cell: func(s *storageLocation, _ output.Times) string { return strconv.Itoa(int(s.Status.ForeignBackups)) }},
		{Header: "SYNCED", Cell: func(s *storageLocation, t output.Times) string { return t.Print(s.Status.LastSyncTime) }},
		{Header: "URL", Wide: true, Cell: func(s *storageLocation, _ output.Times) string { return s.Spec.URL }},
		{Header: "PREFIX", Wide: true, Cell: func(s *storageLocation, _ output.Times) string { return s.Spec.Prefix }},
		{Header: "STORE-ID", Wide: true, Cell: func(s *storageLocation, _ output.Times) string { return s.Status.StoreID }},
		{Header: "MESSAGE", Wide: true, Cell: func(s *storageLocation, _ output.Times) string { return s.Status.Message }},
	},
	compare:   byName[*storageLocation],
	newObject: func() *storageLocation { return &storageLocation{} },
}

func newStorage(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "storage",
		Short: "List storage locations, and take over what lies in them",
		Example: `  ark storage get
  ark storage adopt 6ad1f4b0-6a3b-4c6e-9a52-0c5d5d0c7d1e`,
	}
	var from bucketFlags
	get := newGet(a, storageLocations, `  ark storage get
  ark storage get -o wide
  ark storage get --store file:///srv/backups`,
		func(ctx context.Context) (reader[*storageLocation], error) { return a.storage(ctx, &from) })
	from.add(get.Flags())
	return group(cmd, get, newStorageAdopt(a))
}

// locations are the storage locations that were found.
type locations []*storageLocation

var _ reader[*storageLocation] = locations(nil)

// All returns every location.
func (l locations) All(context.Context) ([]*storageLocation, error) { return l, nil }

// One returns the location of a name.
func (l locations) One(_ context.Context, name string) (*storageLocation, error) {
	for _, s := range l {
		if s.Name == name {
			return s, nil
		}
	}
	return nil, storageLocations.unknown(name, l)
}

// storage is where locations are read from: the Config, or the bucket that the
// flags name.
func (a *app) storage(ctx context.Context, from *bucketFlags) (reader[*storageLocation], error) {
	if err := from.check(); err != nil {
		return nil, err
	}
	if from.given() {
		opened, err := from.open(ctx, clock(a.now))
		if err != nil {
			return nil, err
		}
		return inventory(ctx, opened, from)
	}
	c, err := a.cluster.Client()
	if err != nil {
		return nil, err
	}
	cfg, err := config(ctx, c)
	if err != nil {
		return nil, err
	}
	return configured(cfg), nil
}

// configured joins the locations of a Config with their status.
func configured(cfg *v1alpha1.Config) locations {
	status := map[string]v1alpha1.StorageLocationStatus{}
	for _, s := range cfg.Status.Storage {
		status[s.Name] = s
	}
	var all locations
	for _, spec := range cfg.Spec.Storage {
		s := &storageLocation{ObjectMeta: metav1.ObjectMeta{Name: spec.Name}, Spec: spec, Status: status[spec.Name]}
		if s.Status.Name == "" {
			s.Status = v1alpha1.StorageLocationStatus{Name: spec.Name, Message: "not tried yet"}
		}
		all = append(all, s)
	}
	return all
}

// inventory tells what a bucket holds: a line for each cluster in it.
func inventory(ctx context.Context, b *bucket.Bucket, from *bucketFlags) (locations, error) {
	clusters, err := b.Clusters(ctx, from.cluster)
	if err != nil {
		return nil, err
	}
	spec := v1alpha1.StorageLocation{URL: from.url, Prefix: from.prefix, Access: v1alpha1.AccessReadOnly}
	id := b.Catalog.Identity().ID
	all := make(locations, 0, len(clusters))
	for _, c := range clusters {
		all = append(all, &storageLocation{
			ObjectMeta: metav1.ObjectMeta{Name: c.UID, Labels: map[string]string{v1alpha1.ClusterLabel: c.UID}},
			Spec:       spec,
			Status: v1alpha1.StorageLocationStatus{
				Name: c.UID, Available: true, StoreID: id, Backups: c.Backups, Message: "backups of cluster " + c.String(),
			},
		})
	}
	return all, nil
}

func locationAccess(s *storageLocation) string {
	if s.Spec.Access == "" {
		return string(v1alpha1.AccessReadWrite)
	}
	return string(s.Spec.Access)
}
