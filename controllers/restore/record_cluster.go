// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/step"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

const (
	// summaryKey and linesKey are the keys of the ConfigMap.
	summaryKey = "restore.json"
	linesKey   = "plan.jsonl"
	logKey     = "log.jsonl"
	// maxLines bounds the lines, so that the ConfigMap stays below its limit of 1 MiB.
	maxLines = 512 << 10
	// maxLogged bounds the log there.
	maxLogged = 128 << 10
	// recordPrefix and the name of the Restore name the ConfigMap.
	recordPrefix = "ark-restore-"
	// maxName is how long the name of a ConfigMap can be.
	maxName = 253
)

// clusterRecorder records in a ConfigMap, for locations that are never written.
type clusterRecorder struct {
	client    client.Client
	records   client.Reader
	namespace string
	// catalog is that of the location, and signs for it.
	catalog *catalog.Catalog
}

func (r clusterRecorder) place(o *v1alpha1.Restore, _ int32) string {
	return fmt.Sprintf("ConfigMap %s/%s (the location is ReadOnly)", r.namespace, recordName(o.Name))
}

// recordName is the name of the ConfigMap of a restore.
func recordName(restore string) string {
	name := recordPrefix + restore
	if len(name) <= maxName {
		return name
	}
	return recordPrefix + labelValue(restore)
}

func (r clusterRecorder) begin(_ context.Context, w *work) (record, error) {
	return &clusterRecord{w: w, recorder: r, plan: wholeLines{most: maxLines}, log: wholeLines{most: maxLogged}}, nil
}

// clusterRecord gathers the lines and writes them with the summary.
type clusterRecord struct {
	w        *work
	recorder clusterRecorder
	plan     wholeLines
	log      wholeLines
}

// writers has none for what Recreate deletes: that may be large and must not be
// lost, so it needs a location that can be written.
func (r *clusterRecord) writers() writers { return writers{lines: &r.plan, log: &r.log} }

// wholeLines keeps whole lines as long as there is room.
type wholeLines struct {
	bytes.Buffer

	most int
	cut  bool
}

func (l *wholeLines) Write(p []byte) (int, error) {
	l.cut = l.cut || l.Len()+len(p) > l.most
	if !l.cut {
		l.Buffer.Write(p)
	}
	return len(p), nil
}

func (r *clusterRecord) discard() {}

func (r *clusterRecord) commit(ctx context.Context, e *ending, _ *engrestore.Report) error {
	if r.plan.cut {
		e.status.Warnings = append(e.status.Warnings[:min(len(e.status.Warnings), maxShown-1)],
			"the record does not list every object: it has no more room in a ConfigMap, and the location is ReadOnly")
	}
	summary, err := r.w.summary(e)
	if err != nil {
		return err
	}
	summary.Files = map[string]archive.File{linesKey: fileOf(r.plan.Bytes()), logKey: fileOf(r.log.Bytes())}
	raw, err := r.recorder.catalog.EncodeRestore(ctx, *summary)
	if err != nil {
		return err
	}
	immutable := true
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.recorder.namespace, Name: recordName(r.w.restore.Name),
			Labels: map[string]string{engrestore.RecordLabel: engrestore.RecordValue},
		},
		Data:      map[string]string{summaryKey: string(raw), linesKey: r.plan.String(), logKey: r.log.String()},
		Immutable: &immutable,
	}
	err = r.recorder.client.Create(ctx, cm)
	if apierrors.IsAlreadyExists(err) {
		err = r.isThere(ctx, client.ObjectKeyFromObject(cm), summary)
	}
	if err != nil {
		return fmt.Errorf("record restore %s in ConfigMap %s/%s: %w", r.w.restore.Name, cm.Namespace, cm.Name, err)
	}
	return nil
}

// fileOf names content as a record does.
func fileOf(content []byte) archive.File {
	sum := sha256.Sum256(content)
	return archive.File{Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
}

// isThere checks that the ConfigMap that exists is this attempt's, written by a
// request whose answer was lost.
func (r *clusterRecord) isThere(ctx context.Context, key client.ObjectKey, want *archive.RestoreSummary) error {
	var cm corev1.ConfigMap
	if err := r.recorder.records.Get(ctx, key, &cm); err != nil {
		return fmt.Errorf("read the one that is there: %w", err)
	}
	have, _, err := archive.DecodeRestore([]byte(cm.Data[summaryKey]))
	if err != nil || have.UID != want.UID {
		return errOthersRecord
	}
	return nil
}

var errOthersRecord = errors.New("there is one that this attempt did not write: remove it")

// recordedInCluster returns the summary in the ConfigMap of a restore, or nil.
func (r *Reconciler) recordedInCluster(ctx context.Context, s *scope) (*catalog.FoundRestore, error) {
	name := s.restore.Name
	var cm corev1.ConfigMap
	err := r.Records.Get(ctx, client.ObjectKey{Namespace: r.Namespace, Name: recordName(name)}, &cm)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for an earlier record: %w", err)
	}
	summary, err := projection.RestoreInCluster(s.cfg, []byte(cm.Data[summaryKey]))
	if err != nil {
		return nil, step.Stall(v1alpha1.NameTakenReason,
			"ConfigMap %s/%s has the name of this restore's record, and cannot be read as one (%w): choose another name", cm.Namespace, cm.Name, err)
	}
	if summary.Name != name || summary.Cluster.UID != r.ClusterUID {
		return nil, step.Stall(v1alpha1.NameTakenReason,
			"ConfigMap %s/%s has the name of this restore's record, and is that of restore %q into cluster %q: choose another name",
			cm.Namespace, cm.Name, summary.Name, summary.Cluster.UID)
	}
	return summary, nil
}
