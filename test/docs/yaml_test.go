// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab/labtest"
	"github.com/gopherwood/ark/test/manifests"
)

// TestEveryManifestInTheDocsIsAccepted decodes every object of Ark that a page
// shows, strictly, and asks a real API server whether it would take it. Rules
// that are written out are compiled.
func TestEveryManifestInTheDocsIsAccepted(t *testing.T) {
	c := labtest.Client(t, labtest.Shared(t))
	shown := 0
	for _, b := range blocks(t, "yaml") {
		if !strings.Contains(b.text, "apiVersion: "+v1alpha1.GroupVersion.Group) {
			continue
		}
		shown++
		t.Run(fmt.Sprintf("%s:%d", b.page, b.line), func(t *testing.T) {
			objects, err := manifests.Decode([]byte(b.text))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range objects {
				name := o.GetName()
				if err := c.Create(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				compileShown(t, o)
			}
		})
	}
	if shown < 6 {
		t.Errorf("only %d manifests were looked at: are they still found?", shown)
	}
}

// compileShown compiles the rules of an object, apart from those that lie in a
// ConfigMap, which the page does not show.
func compileShown(t *testing.T, o client.Object) {
	t.Helper()
	policy, ok := o.(*v1alpha1.BackupPolicy)
	if ok {
		var written []v1alpha1.Rule
		for _, rule := range policy.Spec.Rules {
			if rule.ConfigMap == nil {
				written = append(written, rule)
			}
		}
		if len(written) < len(policy.Spec.Rules) {
			// What else the policy needs is not there.
			policy.Spec.Selection = v1alpha1.SelectionOptOut
		}
		policy.Spec.Rules = written
	}
	if _, err := manifests.Compile(t.Context(), o, nil); err != nil {
		t.Error(err)
	}
}
