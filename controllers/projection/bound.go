// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/archive"
)

const (
	// maxShown bounds spec and status together of a backup that no key vouches for: an
	// object of a cluster that anybody who writes into a bucket can have made.
	maxShown = 16 << 10
	// fewMessages and shortMessage bound what is still told of one that is too large.
	fewMessages, shortMessage = 4, 256
)

// TooLarge reports whether spec and status are more than is shown of a backup that
// no key vouches for.
func TooLarge(b *v1alpha1.Backup) bool { return shown(b) > maxShown }

// shown is the size of spec and status.
func shown(b *v1alpha1.Backup) int {
	raw, err := json.Marshal([]any{b.Spec, b.Status})
	if err != nil {
		return maxShown + 1 // what cannot be measured is not shown
	}
	return len(raw)
}

// Fit leaves out of the status what is too large to be shown, and says so in it.
func Fit(b *v1alpha1.Backup) {
	bare := b.Spec.Template == nil && b.Spec.PolicyName == "" && b.Status.Template != nil && TooLarge(&v1alpha1.Backup{
		Spec: v1alpha1.BackupSpec{Template: b.Status.Template}, Status: b.Status,
	})
	if !bare && !TooLarge(b) {
		return
	}
	st := &b.Status
	st.Template = nil
	if TooLarge(b) {
		st.Warnings, st.Errors = shortened(st.Warnings), shortened(st.Errors)
		if ready := meta.FindStatusCondition(st.Conditions, v1alpha1.ReadyCondition); ready != nil {
			ready.Message = archive.TextWithin(ready.Message, shortMessage)
		}
		if stalled := meta.FindStatusCondition(st.Conditions, v1alpha1.StalledCondition); stalled != nil {
			stalled.Message = archive.TextWithin(stalled.Message, shortMessage)
		}
	}
	st.Warnings = append([]string{fmt.Sprintf(
		"it takes more than %d bytes to show this backup, and no key that this cluster trusts vouches for it: its template is not shown here, and what it covers stands in storage",
		maxShown)}, st.Warnings[:min(len(st.Warnings), maxMessages-1)]...)
}

func shortened(messages []string) []string {
	var some []string
	for _, m := range messages[:min(len(messages), fewMessages)] {
		some = append(some, archive.TextWithin(m, shortMessage))
	}
	return some
}
