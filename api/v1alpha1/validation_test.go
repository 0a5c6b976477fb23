// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// request is an object that the API server accepts or rejects.
type request struct {
	name string // of the object; a valid one when omitted
	spec string // YAML
	want string // every complaint, as "field: message; …"; empty when accepted
}

// checkCreation sends each request as a dry run and compares the complaints.
func checkCreation(t *testing.T, kind string, tests map[string]request) {
	t.Helper()
	c := labtest.Client(t, labtest.Shared(t))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			obj := object(t, kind, tt.name, tt.spec)
			if diff := cmp.Diff(tt.want, complaints(t, c.Create(t.Context(), obj, client.DryRunAll))); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
		})
	}
}

// change is an update that the API server accepts or rejects.
type change struct {
	before, after string // specs, YAML
	want          string
}

// checkChange creates the object as it was, sends the update as a dry run and
// compares the complaints.
func checkChange(t *testing.T, kind string, tests map[string]change) {
	t.Helper()
	c := labtest.Client(t, labtest.Shared(t))
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			obj := object(t, kind, "", tt.before)
			if err := c.Create(t.Context(), obj); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.Delete(context.WithoutCancel(t.Context()), obj); client.IgnoreNotFound(err) != nil {
					t.Error(err)
				}
			})
			changed := obj.DeepCopy()
			changed.Object["spec"] = object(t, kind, "", tt.after).Object["spec"]
			if diff := cmp.Diff(tt.want, complaints(t, c.Update(t.Context(), changed, client.DryRunAll))); diff != "" {
				t.Errorf("complaints (-want +got):\n%s", diff)
			}
		})
	}
}

// object returns an object of one of Ark's kinds.
func object(t *testing.T, kind, name, spec string) *unstructured.Unstructured {
	t.Helper()
	obj := &unstructured.Unstructured{Object: map[string]any{}}
	var content any
	if err := yaml.Unmarshal([]byte(spec), &content); err != nil {
		t.Fatalf("the test's own YAML: %v", err)
	}
	obj.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	if content != nil {
		obj.Object["spec"] = content
	}
	switch {
	case name != "":
		obj.SetName(name)
	case kind == "Config":
		obj.SetName(v1alpha1.ConfigName)
	default:
		obj.SetName("sample")
	}
	return obj
}

// complaints returns what the API server finds wrong, without the values, which
// are the test's own.
func complaints(t *testing.T, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Reason != metav1.StatusReasonInvalid {
		t.Fatalf("got %v, want nothing or an Invalid error", err)
	}
	var found []string
	for _, cause := range status.ErrStatus.Details.Causes {
		if strings.Contains(cause.Message, "some validation rules were not checked") {
			continue
		}
		found = append(found, cause.Field+": "+invalidValue.ReplaceAllString(cause.Message, ""))
	}
	return strings.Join(found, "; ")
}

// invalidValue is how a complaint about a value begins.
var invalidValue = regexp.MustCompile(`^Invalid value: ("(\\.|[^"])*": |-?\d+: |null: )?`)

// list returns a YAML list of n strings made with a format.
func list(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return "[" + strings.Join(items, ", ") + "]"
}
