// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// controllerUID are the labels by which a Job finds its pods: the API server
// makes them from the Job's UID and refuses others.
var controllerUID = []string{"controller-uid", "batch.kubernetes.io/controller-uid"}

// job drops the selector that the API server made from the old UID. With a
// manual selector it is the user's.
func (t *Transformer) job(s *Subject, r *Result) {
	status, _ := r.Status.(Manifest)
	if n, _ := status["succeeded"].(int64); n > 0 {
		r.Doubts = append(r.Doubts, "starts from its beginning: what its pods had done is not known any more")
	}
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
