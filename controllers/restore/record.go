// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
	engrestore "github.com/gopherwood/ark/engine/restore"
)

// replacedFile holds an object that was deleted to be created anew; they are counted.
// replacedFiles are all of an attempt.
const (
	replacedFile  = "replaced-%06d.json"
	replacedFiles = "replaced-*.json"
)

// recorder keeps what came of a restore where it outlives the Restore object.
type recorder interface {
	// place tells people where the record of an attempt is.
	place(o *v1alpha1.Restore, attempt int32) string
	begin(ctx context.Context, w *work) (record, error)
}

// record is one attempt's. It is committed or discarded.
type record interface {
	writers() writers
	commit(ctx context.Context, e *ending, report *engrestore.Report) error
	// discard may be called after commit.
	discard()
}

// recorder returns where the restores from a location are recorded: beside the
// backup, or in the cluster where the location is never written.
func (r *Reconciler) recorder(s *scope, signing *catalog.Catalog) recorder {
	if s.location.ReadOnly {
		return clusterRecorder{client: r.Client, records: r.Records, namespace: r.Namespace, catalog: signing}
	}
	return storeRecorder{catalog: signing, location: s.location.Spec.Name, clusterUID: r.ClusterUID}
}

// writers take what a run writes while it runs.
type writers struct {
	// lines takes a line for every object, and log what the run tells of itself.
	lines, log io.Writer
	// replaced keeps an object that is about to be deleted; it may be nil.
	replaced func(ctx context.Context, live engine.Object) error
}

// storeRecorder records beside the backup.
type storeRecorder struct {
	catalog    *catalog.Catalog
	location   string
	clusterUID string
}

// attemptUID names an attempt's folder: nothing in a store is written twice.
func attemptUID(o *v1alpha1.Restore, attempt int32) string {
	return fmt.Sprintf("%s-%d", o.UID, attempt)
}

func (r storeRecorder) place(o *v1alpha1.Restore, attempt int32) string {
	return r.location + ": " + archive.RestoreKey(r.clusterUID, o.Name, attemptUID(o, attempt), archive.RestoreFile)
}

func (r storeRecorder) begin(ctx context.Context, w *work) (record, error) {
	folder, err := r.catalog.NewRestoreRecord(r.clusterUID, w.restore.Name, attemptUID(w.restore, w.attempt))
	if err != nil {
		return nil, err
	}
	rec := &storeRecord{w: w, folder: folder}
	if rec.plan, err = startFile(ctx, folder, archive.PlanFile); err != nil {
		return nil, err
	}
	if rec.log, err = startFile(ctx, folder, archive.LogFile); err != nil {
		rec.discard()
		return nil, err
	}
	return rec, nil
}

// storeRecord writes the lines as they come, and the summary last.
type storeRecord struct {
	w      *work
	folder *catalog.RestoreRecord
	plan   *gzipFile
	log    *gzipFile
	// replaced counts the objects that were deleted.
	replaced atomic.Int64
}

func (r *storeRecord) writers() writers {
	return writers{lines: r.plan, log: r.log, replaced: r.keepReplaced}
}

// keepReplaced stores an object at once, in a file of its own: what a restore wrote
// down is discarded when it breaks off, and what it deleted must not be.
func (r *storeRecord) keepReplaced(ctx context.Context, live engine.Object) error {
	return r.folder.Keep(ctx, fmt.Sprintf(replacedFile, r.replaced.Add(1)), live.Raw)
}

func (r *storeRecord) commit(ctx context.Context, e *ending, report *engrestore.Report) error {
	for _, f := range []*gzipFile{r.plan, r.log} {
		if err := f.Close(); err != nil {
			return err
		}
	}
	if err := r.results(ctx, report); err != nil {
		return err
	}
	summary, err := r.w.summary(e)
	if err != nil {
		return err
	}
	_, err = r.folder.Commit(ctx, *summary)
	return err
}

func (r *storeRecord) results(ctx context.Context, report *engrestore.Report) error {
	f, err := r.folder.File(ctx, archive.ResultsFile)
	if err != nil {
		return err
	}
	if err := archive.WriteResults(f, results(report)); err != nil {
		f.Abort()
		return err
	}
	return f.Close()
}

func (r *storeRecord) discard() {
	for _, f := range []*gzipFile{r.plan, r.log} {
		if f != nil {
			f.discard()
		}
	}
}

// results is what a report has to say of single objects.
func results(report *engrestore.Report) *archive.Results {
	var r archive.Results
	for _, text := range report.Warnings {
		r.Warn(archive.Message{Message: text})
	}
	for _, text := range report.Errors {
		r.Fail(archive.Message{Message: text})
	}
	for _, d := range report.Denials {
		r.Fail(archive.Message{Object: d.Object, Code: d.Code, Message: d.Message})
	}
	return &r
}

// summary is what is left of the restore when its object is gone.
func (w *work) summary(e *ending) (*archive.RestoreSummary, error) {
	spec, err := json.Marshal(w.restore.Spec)
	if err != nil {
		return nil, fmt.Errorf("record the spec: %w", err)
	}
	status, err := json.Marshal(e.status)
	if err != nil {
		return nil, fmt.Errorf("record the status: %w", err)
	}
	m := w.snapshot.Marker
	return &archive.RestoreSummary{
		Cluster: archive.Cluster{UID: w.clusterUID, Name: w.clusterName},
		Name:    w.restore.Name, UID: attemptUID(w.restore, w.attempt),
		Backup: &archive.BackupRef{Cluster: m.Cluster.UID, Name: m.Name, Digest: w.snapshot.Digest},
		Spec:   spec, Status: status,
		Started: w.started, Completed: e.status.CompletionTime.Time,
		Completeness: string(e.status.Completeness), Reason: e.reason, Message: e.message,
	}, nil
}

// gzipFile compresses into a file of a record.
type gzipFile struct {
	*gzip.Writer

	file *catalog.FileWriter
	done bool
}

func startFile(ctx context.Context, folder *catalog.RestoreRecord, name string) (*gzipFile, error) {
	f, err := folder.File(ctx, name)
	if err != nil {
		return nil, err
	}
	return &gzipFile{Writer: gzip.NewWriter(f), file: f}, nil
}

// Close makes the file be.
func (f *gzipFile) Close() error {
	f.done = true
	if err := f.Writer.Close(); err != nil {
		f.file.Abort()
		return err
	}
	return f.file.Close()
}

func (f *gzipFile) discard() {
	if !f.done {
		f.done = true
		f.file.Abort()
	}
}

// endingOf reads how a recorded restore ended.
func endingOf(summary *archive.RestoreSummary) (*ending, error) {
	e := &ending{reason: summary.Reason, message: summary.Message}
	decoder := json.NewDecoder(bytes.NewReader(summary.Status))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e.status); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the record of restore %s: %w: %w", summary.Name, engine.ErrCorrupt, err)
	}
	if e.status.CompletionTime == nil {
		return nil, fmt.Errorf("read the record of restore %s: %w: it has no end", summary.Name, engine.ErrCorrupt)
	}
	e.status.Conditions = nil
	return e, nil
}
