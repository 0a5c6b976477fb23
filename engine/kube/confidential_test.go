// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/engine"
)

func TestMessagesDoNotQuoteSecrets(t *testing.T) {
	secrets := target{resource: engine.Resource{Version: "v1", Name: "secrets", Kind: "Secret", Namespaced: true}, namespace: "n", name: "a"}
	const said = ": what it said is left out, because it may quote the Secret"
	invalid := func(message string, causes ...metav1.StatusCause) metav1.Status {
		return metav1.Status{Message: message, Reason: metav1.StatusReasonInvalid, Details: &metav1.StatusDetails{Causes: causes}}
	}
	tests := map[string]struct {
		target target
		status metav1.Status
		want   string
	}{
		"a value that was moved into a label": {
			secrets, invalid(`Secret "a" is invalid: metadata.labels: Invalid value: "aHVudGVyMg==": a valid label must`,
				metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: "metadata.labels", Message: `Invalid value: "aHVudGVyMg=="`}),
			"it is refused: metadata.labels: invalid value",
		},
		"values in keys, and positions": {
			secrets, invalid("x", metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: "data[hunter2]"},
				metav1.StatusCause{Type: metav1.CauseTypeFieldValueRequired, Field: "metadata.ownerReferences[0].uid"}),
			"it is refused: data[…]: invalid value, metadata.ownerReferences[0].uid: required value",
		},
		"a reason that is none of the API server's": {
			secrets, invalid("x", metav1.StatusCause{Type: "hunter2", Field: "data"}), "Invalid" + said,
		},
		"a webhook that quotes": {
			secrets, metav1.Status{Message: "admission webhook \"a.example.org\" denied the request: hunter2\nis weak"}, `admission webhook "a.example.org" denied the request` + said,
		},
		"a webhook that does not answer": {
			secrets, metav1.Status{Message: `Internal error occurred: failed calling webhook "a.example.org": it said hunter2`},
			`Internal error occurred: failed calling webhook "a.example.org"` + said,
		},
		"a validating policy": {
			secrets, metav1.Status{Message: `secrets "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: denied request: aHVudGVyMg==`},
			`secrets "a" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request` + said,
		},
		"what the API server says of bytes": {
			secrets, metav1.Status{Message: `Secret in version "v1" cannot be handled: illegal base64 data in hunter2`, Reason: "BadRequest"}, "BadRequest" + said,
		},
		"what names only the object": {
			secrets, metav1.Status{Message: `secrets "a" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1`},
			`secrets "a" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1`,
		},
		"one that is there": {secrets, metav1.Status{Message: `secrets "a" already exists`}, `secrets "a" already exists`},
		"another type": {
			target{resource: configMaps}, metav1.Status{Message: `admission webhook "a.example.org" denied the request: hunter2`}, `admission webhook "a.example.org" denied the request: hunter2`,
		},
		"a type of that name in another group": {
			target{resource: engine.Resource{Group: "example.org", Name: "secrets"}}, metav1.Status{Message: "hunter2"}, "hunter2",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if got := (request{target: tc.target}).said(tc.status); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}
