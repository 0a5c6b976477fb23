// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// pod drops what the scheduler and admission decide. A pod is created without
// ephemeral containers; they can only be added to a running one.
func (t *Transformer) pod(s *Subject, r *Result) {
	podAdmission(s, readAuthors(s.Manifest, r.fieldManagers, r))
	spec := child(s.Manifest, "spec")
	if len(objects(spec, "ephemeralContainers")) > 0 {
		r.Doubts = append(r.Doubts, "lost its ephemeral containers: they can only be added to a pod that runs")
	}
	delete(spec, "nodeName")
	delete(spec, "ephemeralContainers")
}

// podLeftOut returns the code of a pod that must not come back. The annotation
// of a mirror pod is the kubelet's, and no API server accepts it from anybody else.
func podLeftOut(s Subject) string {
	if _, mirror := child(s.Manifest, annotationsPath...)["kubernetes.io/config.mirror"]; mirror {
		return CodeMirrorPod
	}
	phase := Text(s.Manifest, "status", "phase")
	if (phase == "Succeeded" || phase == "Failed") && !s.Named {
		return CodeCompleted
	}
	return ""
}
