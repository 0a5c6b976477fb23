// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/status"
	"github.com/gopherwood/ark/controllers/projection"
	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

// show makes the object of a listed backup what it should be. What was read once is
// not read again until there are more records, or the marker is not the one that
// was read: Ark never changes one, but others may. Its error ends the listing; a problem of this backup
// alone does not.
func (r *run) show(ctx context.Context, i id, is stamp) error {
	b := r.objects.byID[i]
	if b != nil && r.settled(b, i, is) {
		return nil
	}
	if known := r.memory.problems[i]; known.lasting && r.memory.rounds%reread != 0 {
		r.cannotShow(i, known)
		return nil
	}
	if !r.mayShow(i, b, is) {
		return nil
	}
	snapshot, err := r.catalog.Marker(ctx, i.cluster, i.name)
	switch {
	case err == nil && b == nil && !r.mayCome(i, is, snapshot):
		return nil // there are enough of its kind
	case err == nil:
		return r.showAs(ctx, i, b, snapshot)
	case errors.Is(err, engine.ErrNotFound):
		return nil // it was removed since it was listed
	case archive.Unreadable(err):
		r.cannotShow(i, problem{why: err.Error(), lasting: true})
		return nil
	}
	return r.unreadable(ctx, i, err)
}

// mayCome reports whether a backup that has no object may get one: of those that call
// themselves this cluster's, and that no key vouches for, only so many.
func (r *run) mayCome(i id, is stamp, snapshot *catalog.Snapshot) bool {
	return i.cluster != r.cluster || r.proven(snapshot) || r.takeStranger(i, is)
}

// showAs makes or changes the object of a backup that was read.
func (r *run) showAs(ctx context.Context, i id, b *v1alpha1.Backup, snapshot *catalog.Snapshot) error {
	own, removing := snapshot.Owner() == r.cluster, snapshot.Deletion != nil
	switch {
	case removing && !own && b == nil:
		return nil // its cluster is removing it
	case removing && own && b != nil:
		return nil // its own controller is removing it
	case b == nil:
		return r.create(ctx, i, snapshot)
	case committed(b) && !heldBy(b, r.memory.location):
		return r.join(ctx, i, b, snapshot)
	default:
		return r.refresh(ctx, i, b, snapshot)
	}
}

// settled reports whether nothing about the backup can have changed. What runs, or
// is being removed, is for its own controller to report.
func (r *run) settled(b *v1alpha1.Backup, i id, is stamp) bool { //nolint:cyclop // a flat list of reasons to look again
	own := i.cluster == r.cluster
	switch {
	case !b.DeletionTimestamp.IsZero():
		return true
	case own && lost(b):
		return false
	case own && !committed(b):
		return true
	case !own && !committed(b):
		return false
	case !heldBy(b, r.memory.location):
		return false
	case r.memory.trust != r.trust, b.Status.Verification == v1alpha1.VerificationVerified && r.trust == "":
		return false // it was verified by other keys
	}
	read, known := r.memory.shown[i]
	if !known && is.records == 0 && r.trust == "" {
		return true // nothing was recorded since the commit, and nothing is to be verified
	}
	return known && read == is
}

// create makes the object of a backup that has none.
func (r *run) create(ctx context.Context, i id, snapshot *catalog.Snapshot) error {
	b, err := r.newObject(ctx, i, snapshot)
	switch {
	case apierrors.IsInvalid(err):
		r.cannotShow(i, refused(err))
		return nil
	case apierrors.IsAlreadyExists(err):
		return nil // an object of that name was just made: the next listing looks at it
	case errors.Is(err, errUnusable):
		r.cannotShow(i, problem{why: err.Error(), lasting: true})
		return nil
	case err != nil:
		return err
	case snapshot.Deletion != nil && i.cluster == r.cluster:
		return nil // what was begun is ended by the backup's own controller
	}
	if err := r.write(ctx, i, b, snapshot, []string{r.memory.location}); err != nil {
		return err
	}
	r.tell(ctx, i, b)
	return nil
}

// tell says that a backup was found: of one whose object was there at the last
// listing, that deleting the object deletes no data.
func (r *run) tell(ctx context.Context, i id, b *v1alpha1.Backup) {
	if _, had := r.memory.shown[i]; had {
		announce.Normal(r.Events, b, v1alpha1.EventBackupFound, "ListLocation", fmt.Sprintf(
			"the object was deleted, and its data is in storage location %q: deleting a Backup deletes no data; to delete it, set spec.deletion",
			r.memory.location))
		log.FromContext(ctx).Info("Brought back the object of a backup", "backup", b.Name, "location", r.memory.location)
		return
	}
	log.FromContext(ctx).V(1).Info("Found a backup", "backup", b.Name, "location", r.memory.location)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcome.found++
}

// errUnusable says that neither spec nor template of a marker can be read.
var errUnusable = errors.New("its marker does not say what it covers")

// newObject creates the object, with the spec to the letter where the API server
// takes it, and else with the resolved template.
func (r *run) newObject(ctx context.Context, i id, snapshot *catalog.Snapshot) (*v1alpha1.Backup, error) {
	m := snapshot.Marker
	spec, err := projection.Spec(m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnusable, err)
	}
	b, err := r.createAs(ctx, i, m, r.within(snapshot, spec))
	if !apierrors.IsInvalid(err) {
		return b, err
	}
	fallback, ferr := projection.TemplateSpec(m)
	if ferr != nil {
		return nil, err
	}
	return r.createAs(ctx, i, m, r.within(snapshot, fallback))
}

// within returns the spec without its template where that is too large to be shown.
func (r *run) within(snapshot *catalog.Snapshot, spec v1alpha1.BackupSpec) v1alpha1.BackupSpec {
	b := &v1alpha1.Backup{Spec: spec}
	projection.Status(b, snapshot, r.trusted, nil, r.Clock.Now())
	if !r.proven(snapshot) && projection.TooLarge(b) {
		spec.Template = nil
	}
	return spec
}

// createAs creates the object under its name: for a backup of another cluster one
// that says which, and when that is taken, one that nobody else would choose.
func (r *run) createAs(ctx context.Context, i id, m *archive.Marker, spec v1alpha1.BackupSpec) (*v1alpha1.Backup, error) {
	names := []string{i.name}
	if i.cluster != r.cluster {
		names = []string{projection.ForeignName(i.cluster, i.name), projection.UniqueName(i.cluster, i.name)}
	}
	var b *v1alpha1.Backup
	var err error
	for _, name := range names {
		b = &v1alpha1.Backup{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: projection.Labels(m, r.cluster)},
			Spec:       spec,
		}
		err = r.Client.Create(ctx, b)
		if !apierrors.IsAlreadyExists(err) {
			break
		}
		if unfinished, gerr := r.unfinished(ctx, name, i); gerr != nil || unfinished != nil {
			return unfinished, gerr
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create the object of backup %s: %w", i.name, err)
	}
	return b, nil
}

// unfinished returns the object of that name when it is one that an earlier
// listing made for a backup of another cluster, and could not write the status
// of.
func (r *run) unfinished(ctx context.Context, name string, i id) (*v1alpha1.Backup, error) {
	b := &v1alpha1.Backup{}
	if err := r.Reader.Get(ctx, client.ObjectKey{Name: name}, b); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	ours := b.Labels[v1alpha1.CreatedByLabel] == v1alpha1.CreatedBySync &&
		b.Labels[v1alpha1.ClusterLabel] == i.cluster && b.Status.Origin == nil
	if !ours || i.cluster == r.cluster {
		return nil, nil
	}
	return b, nil
}

// refresh shows again a backup of which more was recorded, or which came back.
func (r *run) refresh(ctx context.Context, i id, b *v1alpha1.Backup, snapshot *catalog.Snapshot) error {
	locations := b.Status.StorageLocations
	if !heldBy(b, r.memory.location) {
		locations = append(slices.Clone(locations), r.memory.location)
	}
	return r.write(ctx, i, b.DeepCopy(), snapshot, locations)
}

// write writes the status of the object. One that the API server refuses is a
// problem of this backup alone.
func (r *run) write(ctx context.Context, i id, b *v1alpha1.Backup, snapshot *catalog.Snapshot, locations []string) error {
	before := b.DeepCopy()
	if b.Status.Origin == nil {
		b.Status.Origin = &v1alpha1.BackupOrigin{}
	}
	b.Status.Origin.Foreign = snapshot.Owner() != r.cluster
	projection.Status(b, snapshot, r.trusted, locations, r.Clock.Now())
	if !r.proven(snapshot) && (i.cluster != r.cluster || fromStorage(b)) {
		projection.Fit(b)
	}
	if b.Status.Verification == v1alpha1.VerificationTampered && before.Status.Verification != v1alpha1.VerificationTampered {
		announce.Warning(r.Events, b, v1alpha1.EventBackupTampered, "ListLocation", fmt.Sprintf(
			"the marker of backup %s in storage location %q was changed after it was signed: find out who writes to the bucket", i.name, r.memory.location))
	}
	err := status.Patch(ctx, r.Client, b, before)
	if !apierrors.IsInvalid(err) {
		return err
	}
	r.cannotShow(i, refused(err))
	if before.Status.Origin == nil && i.cluster != r.cluster {
		return r.hideOne(ctx, before) // nothing would tell what it is, nor take it away
	}
	return nil
}

func refused(err error) problem {
	return problem{why: "the API server refuses what its marker says: " + err.Error(), lasting: true}
}
