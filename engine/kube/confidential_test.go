// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"testing"

	"github.com/gopherwood/ark/engine"
)

func TestMessagesDoNotQuoteSecrets(t *testing.T) {
	secrets := target{resource: engine.Resource{Version: "v1", Name: "secrets", Kind: "Secret", Namespaced: true}, namespace: "n", name: "a"}
	const (
		body = `{"kind":"Secret","data":{"password":"aHVudGVyMg==","pin":"MTI=","key":"LS0tCmZpcnN0IGxpbmUKc2Vjb25kIGxpbmUK"},"stringData":{"token":"s3cr3t"}}`
		said = ": what it said is left out, because it may quote the Secret"
	)
	tests := map[string]struct {
		target              target
		body, message, want string
	}{
		"a webhook that quotes": {
			secrets, body, "admission webhook \"a.example.org\" denied the request: hunter2\nis weak", `admission webhook "a.example.org" denied the request` + said,
		},
		"a webhook about the object that was there": {
			secrets, "", `admission webhook "a.example.org" denied the request: the old password was tiger1`, `admission webhook "a.example.org" denied the request` + said,
		},
		"a webhook that says nothing": {
			secrets, body, `admission webhook "a.example.org" denied the request without explanation`, `admission webhook "a.example.org" denied the request without explanation`,
		},
		"a validating policy": {
			secrets, body, "secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: denied request: aHVudGVyMg==",
			"secrets \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request" + said,
		},
		"a mutating policy": {
			secrets, body, "secrets \"a\" is forbidden: policy 'p' with binding 'b' denied request: hunter2", "secrets \"a\" is forbidden: policy 'p' with binding 'b' denied request" + said,
		},
		"values in words of the API server": {
			secrets, body, `Secret "a" is invalid: hunter2, aHVudGVyMg==, "s3cr3t", at second line, and 12`, `Secret "a" is invalid: …, …, "…", at …, and 12`,
		},
		"what names only the object": {
			secrets, body, `secrets "a" is forbidden: exceeded quota: q, requested: secrets=1`, `secrets "a" is forbidden: exceeded quota: q, requested: secrets=1`,
		},
		"a body that is none":   {secrets, `{"data":`, "cannot read it", "cannot read it"},
		"data of another shape": {secrets, `{"data":["hunter2"],"stringData":{"a":1}}`, "cannot read it", "cannot read it"},
		"another type": {
			target{resource: configMaps}, body, `admission webhook "a.example.org" denied the request: hunter2`, `admission webhook "a.example.org" denied the request: hunter2`,
		},
		"a type of that name in another group": {
			target{resource: engine.Resource{Group: "example.org", Name: "secrets"}}, body, "hunter2", "hunter2",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			r := request{target: tc.target, body: []byte(tc.body)}
			if got := r.confidential(tc.message); got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
		})
	}
}
