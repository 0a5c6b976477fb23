// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package announce tells people, in Events, what happened. Reasons are stable:
// alerts are built on them.
package announce

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// maxNote is how many bytes of a note the API server takes.
const maxNote = 1024

// Normal tells what was done with an object.
func Normal(to events.EventRecorder, about client.Object, reason, action, note string) {
	to.Eventf(about, nil, corev1.EventTypeNormal, reason, action, "%s", cut(note))
}

// Warning tells what a person has to look at.
func Warning(to events.EventRecorder, about client.Object, reason, action, note string) {
	to.Eventf(about, nil, corev1.EventTypeWarning, reason, action, "%s", cut(note))
}

// cut keeps a note within its limit, at a whole character.
func cut(note string) string {
	const more = "…"
	if len(note) <= maxNote {
		return note
	}
	end := 0
	for i := range note {
		if i > maxNote-len(more) {
			break
		}
		end = i
	}
	return note[:end] + more
}
