// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/restore/transform"
)

// secretOf is a Secret with a password.
const secretOf = `{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"a","name":"s","annotations":{"kubectl.kubernetes.io/last-applied-configuration":"hunter2","x":"y"}},"data":{"password":"aHVudGVyMg=="}}`

func modifySecret(t *testing.T, patch string) (transform.Result, error) {
	t.Helper()
	m, err := transform.NewModifier(transform.ModifierSpec{Name: "m", Patch: []byte(patch)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr := transform.Transformer{Label: "r", Modifiers: []*transform.Modifier{m}}
	r := resource("secrets")
	return tr.Apply(transform.Subject{
		Resource: r, Manifest: decode(t, secretOf), Source: engine.Key{GroupResource: r.GroupResource(), Namespace: "a", Name: "s"},
	})
}

// Whether a guess is right must not show, and nothing may lead out of the data.
func TestAModifierIsNoOracleOfSecrets(t *testing.T) {
	const compared, taken = "what a Secret holds cannot be compared", "what a Secret holds must stay in its data"
	tests := map[string]struct {
		patches []string // each must fail, and with the same words
		want    string
	}{
		"a guess that is right and one that is wrong": {
			[]string{
				`[{"op":"test","path":"/data/password","value":"aHVudGVyMg=="}]`, `[{"op":"test","path":"/data/password","value":"d3Jvbmc="}]`,
			}, compared,
		},
		"all of the data":              {[]string{`[{"op":"test","path":"/data","value":{"password":"aHVudGVyMg=="}}]`, `[{"op":"test","path":"/data","value":null}]`}, compared},
		"all of the object":            {[]string{`[{"op":"test","path":"","value":{}}]`}, compared},
		"whatever is before the slash": {[]string{`[{"op":"test","path":"x/data/password","value":"aHVudGVyMg=="}]`}, compared},
		"an escaped path": {
			[]string{`[{"op":"test","path":"/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration","value":"hunter2"}]`}, compared,
		},
		"all annotations":           {[]string{`[{"op":"test","path":"/metadata/annotations","value":{}}]`}, compared},
		"into a label":              {[]string{`[{"op":"move","from":"/data/password","path":"/metadata/labels/p"}]`}, taken},
		"into an annotation":        {[]string{`[{"op":"copy","from":"/data/password","path":"/metadata/annotations/p"}]`}, taken},
		"into the name":             {[]string{`[{"op":"copy","from":"/data/password","path":"/metadata/name"}]`}, taken},
		"into a generated name":     {[]string{`[{"op":"copy","from":"/data/password","path":"/metadata/generateName"}]`}, taken},
		"all of it, elsewhere":      {[]string{`[{"op":"copy","from":"/data","path":"/x"}]`, `[{"op":"copy","from":"","path":"/x"}]`}, taken},
		"the annotation, elsewhere": {[]string{`[{"op":"move","from":"/metadata/annotations","path":"/x"}]`}, taken},
		"to be compared elsewhere":  {[]string{`[{"op":"copy","from":"/data/password","path":"/x"},{"op":"test","path":"/x","value":"aHVudGVyMg=="}]`}, taken},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			var said string
			for i, patch := range tc.patches {
				_, err := modifySecret(t, patch)
				if err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Fatalf("%s: %v, want %s", patch, err, tc.want)
				}
				if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "aHVudGVyMg") {
					t.Errorf("%v", err)
				}
				if i > 0 && strings.Contains(name, "guess") && err.Error() != said {
					t.Errorf("said %q, and %q of a wrong guess", said, err)
				}
				said = err.Error()
			}
		})
	}
}

func TestWhatAModifierMayDoWithASecret(t *testing.T) {
	for _, patch := range []string{
		`[{"op":"move","from":"/data/password","path":"/data/pass"}]`,
		`[{"op":"test","path":"/metadata/annotations/x","value":"y"}]`,
		`[{"op":"add","path":"/data/password","value":"bmV3"}]`,
		`[{"op":"remove","path":"/data/password"}]`,
		`[{"op":"copy","from":"/metadata/annotations/x","path":"/metadata/labels/x"}]`,
	} {
		if _, err := modifySecret(t, patch); err != nil {
			t.Errorf("%s: %v", patch, err)
		}
	}
	r, err := modifySecret(t, `[{"op":"replace","path":"/data/password","value":"Z3Vlc3M="}]`)
	if err != nil || !r.Guessed {
		t.Errorf("Guessed = %t, %v, want that to be known", r.Guessed, err)
	}
	r, err = modifySecret(t, `[{"op":"add","path":"/metadata/labels","value":{}}]`)
	if err != nil || r.Guessed {
		t.Errorf("Guessed = %t, %v", r.Guessed, err)
	}
}

func TestAGuessDoesNotShowInADifference(t *testing.T) {
	secrets := resource("secrets").GroupResource()
	right := transform.HideGuess(secrets, transform.Difference{Fields: []string{"metadata.labels.a"}, Beyond: true})
	wrong := transform.HideGuess(secrets, transform.Difference{Fields: []string{"data.password", "metadata.labels.a"}})
	if diff := cmp.Diff(right, wrong); diff != "" || !cmp.Equal(right.Fields, []string{"data", "metadata.labels.a"}) {
		t.Errorf("%v, differing by (-right +wrong):\n%s", right, diff)
	}
}
