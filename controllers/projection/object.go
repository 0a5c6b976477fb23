// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
)

// maxLabel is the length of a label's value.
const maxLabel = 63

// Spec puts the spec of a Backup object back to the letter, so that what a Git
// tool applies again does not differ. Where the marker's is of no use, it falls
// back on the template that was resolved.
//
// A request to delete is never taken from storage, and neither is a hold: the
// marker tells what was asked when the backup was taken, and the records what holds
// since. A ttl may stay: it only ever extends.
func Spec(m *archive.Marker) (v1alpha1.BackupSpec, error) {
	var spec v1alpha1.BackupSpec
	specErr := strict(m.Spec, &spec)
	if specErr == nil {
		spec.Deletion, spec.Hold = nil, nil
		return spec, nil
	}
	spec, err := TemplateSpec(m)
	if err != nil {
		return v1alpha1.BackupSpec{}, fmt.Errorf("read spec: %w; %w", specErr, err)
	}
	return spec, nil
}

// TemplateSpec is the spec of a backup of which only the resolved template is
// known.
func TemplateSpec(m *archive.Marker) (v1alpha1.BackupSpec, error) {
	t := &v1alpha1.BackupTemplate{}
	if err := strict(m.Template, t); err != nil {
		return v1alpha1.BackupSpec{}, fmt.Errorf("read template: %w", err)
	}
	return v1alpha1.BackupSpec{Template: t}, nil
}

// template returns the resolved template, or nil where it cannot be read.
func template(raw json.RawMessage) *v1alpha1.BackupTemplate {
	t := &v1alpha1.BackupTemplate{}
	if strict(raw, t) != nil {
		return nil
	}
	return t
}

// strict reads one JSON object without unknown fields. Its size was bounded with
// the marker's.
func strict(raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return errors.New("there is none")
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// Labels are those of a Backup found in storage. clusterUID is the cluster that
// the object is made in: a backup of another one is labelled with its own.
func Labels(m *archive.Marker, clusterUID string) map[string]string {
	labels := map[string]string{v1alpha1.CreatedByLabel: v1alpha1.CreatedBySync}
	if m.Cluster.UID != clusterUID {
		labels[v1alpha1.ClusterLabel] = m.Cluster.UID
	}
	if m.Schedule != "" && len(m.Schedule) <= maxLabel {
		labels[v1alpha1.ScheduleLabel] = m.Schedule
	}
	if m.Policy != "" && len(m.Policy) <= maxLabel {
		labels[v1alpha1.PolicyLabel] = m.Policy
	}
	return labels
}

// ForeignName is the name here of a backup that another cluster took: its own,
// a dash, and the first 8 characters of that cluster's UID.
func ForeignName(clusterUID, name string) string {
	long := name + "-" + clusterUID[:min(len(clusterUID), 8)]
	if archive.CheckName(long) != nil {
		return UniqueName(clusterUID, name)
	}
	return long
}

// UniqueName is for where ForeignName is taken, or no name that a Backup can have: it
// is cut, and ends in a hash of all of the UID and the name.
func UniqueName(clusterUID, name string) string {
	const digits = 16
	sum := sha256.Sum256([]byte(clusterUID + "/" + name))
	return archive.FitName(name, "-"+hex.EncodeToString(sum[:])[:digits])
}
