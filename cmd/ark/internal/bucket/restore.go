// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package bucket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// Restores returns the recorded restores into the cluster of that UID or name,
// or into all clusters.
func (b *Bucket) Restores(ctx context.Context, cluster string) ([]*v1alpha1.Restore, error) {
	summaries, err := b.summaries(ctx, cluster, "")
	if err != nil {
		return nil, err
	}
	if summaries, err = ofCluster(summaries, cluster, clusterOfSummary); err != nil {
		return nil, err
	}
	all := make([]*v1alpha1.Restore, 0, len(summaries))
	for _, s := range summaries {
		all = append(all, fromSummary(s))
	}
	return all, nil
}

// Restore returns the recorded restore of that name.
func (b *Bucket) Restore(ctx context.Context, cluster, name string) (*v1alpha1.Restore, error) {
	found, err := b.summaries(ctx, cluster, name)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("restore %q: %w", name, engine.ErrNotFound)
	}
	if found, err = ofCluster(found, cluster, clusterOfSummary); err != nil {
		return nil, err
	}
	if len(found) > 1 {
		return nil, ambiguous(name, found, clusterOfSummary)
	}
	return fromSummary(found[0]), nil
}

// summaries returns what is recorded of the restores of a name, or of all.
func (b *Bucket) summaries(ctx context.Context, cluster, name string) ([]*catalog.FoundRestore, error) {
	clusters, err := b.clusters(ctx, cluster)
	if err != nil {
		return nil, err
	}
	var all []*catalog.FoundRestore
	for _, uid := range clusters {
		names := []string{name}
		if name == "" {
			if names, err = b.restoreNames(ctx, uid); err != nil {
				return nil, err
			}
		}
		for _, n := range names {
			s, err := b.Catalog.FindRestore(ctx, uid, n)
			switch {
			case errors.Is(err, engine.ErrNotFound):
			case err != nil:
				return nil, err
			default:
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// restoreNames lists the names under which restores into a cluster are recorded.
func (b *Bucket) restoreNames(ctx context.Context, cluster string) ([]string, error) {
	folder := archive.AllRestoresPrefix(cluster)
	var names []string
	for blob, err := range b.store.List(ctx, folder, true) {
		if err != nil {
			return nil, fmt.Errorf("list restores of cluster %s: %w", cluster, err)
		}
		name, ok := strings.CutSuffix(strings.TrimPrefix(blob.Key, folder), "/")
		if ok && archive.CheckName(name) == nil {
			names = append(names, name)
		}
	}
	return names, nil
}

// fromSummary is a restore as the cluster that it went into showed it. Of one whose
// record does not count, what came of it stands in the message alone, as a claim.
func fromSummary(s *catalog.FoundRestore) *v1alpha1.Restore {
	r := &v1alpha1.Restore{ObjectMeta: metav1.ObjectMeta{
		Name: s.Name, CreationTimestamp: metav1.NewTime(s.Started),
		Labels: map[string]string{v1alpha1.ClusterLabel: s.Cluster.UID},
	}}
	var spec v1alpha1.RestoreSpec
	if json.Unmarshal(s.Spec, &spec) == nil {
		r.Spec = spec
	}
	var status v1alpha1.RestoreStatus
	if s.Doubt == "" && json.Unmarshal(s.Status, &status) == nil {
		r.Status = status
	}
	st := &r.Status
	st.StartTime, st.CompletionTime = at(s.Started), at(s.Completed)
	st.Completeness = v1alpha1.Completeness(s.Completeness)
	if st.Record == "" {
		st.Record = archive.RestoreKey(s.Cluster.UID, s.Name, s.UID, "")
	}
	if s.Doubt != "" {
		st.Completeness = v1alpha1.CompletenessNone
		st.Conditions = []metav1.Condition{{
			Type: v1alpha1.ReadyCondition, Status: metav1.ConditionFalse, Reason: v1alpha1.ArchiveInvalidReason,
			Message: fmt.Sprintf("its record does not count: %s; it claims %s: %s", s.Doubt, s.Reason, s.Message),
		}}
		return r
	}
	if s.Trust != archive.Unsigned {
		st.Record += " (" + string(s.Trust) + ")"
	}
	ready := metav1.ConditionFalse
	if s.Reason == v1alpha1.SucceededReason || s.Reason == v1alpha1.PlannedReason {
		ready = metav1.ConditionTrue
	}
	st.Conditions = []metav1.Condition{{
		Type: v1alpha1.ReadyCondition, Status: ready, Reason: s.Reason, Message: s.Message,
	}}
	return r
}

func clusterOfSummary(s *catalog.FoundRestore) archive.Cluster { return s.Cluster }
