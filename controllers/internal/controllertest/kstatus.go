// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package controllertest

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	kstatus "sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

// Verdict is what the library that Git tools wait with makes of an object.
func Verdict(t testing.TB, object any) kstatus.Status {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{Object: content}
	if u.GetKind() == "" { // the library tells kinds apart by it; to Ark's it is generic
		u.SetAPIVersion("ark.gopherwood.dev/v1alpha1")
		u.SetKind("Any")
	}
	result, err := kstatus.Compute(u)
	if err != nil {
		t.Fatal(err)
	}
	return result.Status
}

// verdicts are what the library is to make of each status of the condition Ready.
var verdicts = map[metav1.ConditionStatus]kstatus.Status{
	metav1.ConditionTrue:    kstatus.CurrentStatus,
	metav1.ConditionFalse:   kstatus.FailedStatus,
	metav1.ConditionUnknown: kstatus.InProgressStatus,
}

// checkVerdict holds what the library says of an object to what its Ready says.
func checkVerdict(t testing.TB, object metav1.Object, ready metav1.ConditionStatus) {
	t.Helper()
	want := verdicts[ready]
	if object.GetDeletionTimestamp() != nil {
		want = kstatus.TerminatingStatus
	}
	if got := Verdict(t, object); got != want {
		t.Errorf("%s: kstatus takes it for %s, want %s: Ready is %s", object.GetName(), got, want, ready)
	}
}
