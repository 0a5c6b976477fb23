// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import "strconv"

// PausedAnnotation keeps, on a workload restored as paused, what was turned off:
// the archived number of replicas, or "resume" where suspend was set.
const PausedAnnotation = "ark.gopherwood.dev/paused-from"

const resume = "resume"

// pauseReplicas scales a workload to nothing. One without a number has one
// replica by the API's default.
func (t *Transformer) pauseReplicas(s *Subject, _ *Result) {
	if !t.Paused || t.isOwn(s, s.Manifest) {
		return
	}
	spec := ensure(s.Manifest, "spec")
	replicas, ok := spec["replicas"].(int64)
	if !ok {
		replicas = 1
	}
	if replicas == 0 {
		return
	}
	spec["replicas"] = int64(0)
	ensure(s.Manifest, annotationsPath...)[PausedAnnotation] = strconv.FormatInt(replicas, 10)
}

// pauseSuspend suspends a Job or CronJob.
func (t *Transformer) pauseSuspend(s *Subject, _ *Result) {
	spec := ensure(s.Manifest, "spec")
	if !t.Paused || spec["suspend"] == true || t.isOwn(s, s.Manifest) {
		return
	}
	spec["suspend"] = true
	ensure(s.Manifest, annotationsPath...)[PausedAnnotation] = resume
}
