// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// controllerUID are the labels by which a Job finds its pods: the API server
// makes them from the Job's UID and refuses others.
var controllerUID = []string{"controller-uid", "batch.kubernetes.io/controller-uid"}

// job drops the selector that the API server made from the old UID. With a
// manual selector it is the user's.
func (t *Transformer) job(s *Subject, _ *Result) {
	spec := child(s.Manifest, "spec")
	if spec == nil || spec["manualSelector"] == true {
		return
	}
	removeFrom(s.Manifest, []string{"spec", "selector", "matchLabels"}, controllerUID...)
	removeFrom(s.Manifest, []string{"spec", "selector"})
	removeFrom(s.Manifest, []string{"spec", "template", "metadata", "labels"}, controllerUID...)
	removeFrom(s.Manifest, labelsPath, controllerUID...)
}

// finished reports whether a Job ran to its end.
func finished(job Manifest) bool {
	return HasCondition(job, "Complete") || HasCondition(job, "Failed")
}
