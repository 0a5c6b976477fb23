// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"strconv"
	"sync"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/restore"
	"github.com/gopherwood/ark/engine/restore/transform"
	"github.com/gopherwood/ark/policies"
)

// Texts explains the reason codes of a cluster's own rules, by code. It may be nil.
type Texts map[string]string

// codes writes how often each reason code fired, and what it means.
func (p *page) codes(heading string, counts []v1alpha1.CodeCount, texts Texts) {
	if len(counts) == 0 {
		return
	}
	p.section("%s:", heading)
	p.table("  ", func(row func(...string)) {
		for _, c := range counts {
			row(strconv.FormatInt(c.Count, 10), c.Code, texts.of(c.Code))
		}
	})
}

// of explains a code: Ark's own, then those of the cluster's rules, then those
// of the library. The rule may have been changed since, or be another cluster's.
func (t Texts) of(code string) string {
	for _, texts := range []Texts{ownCodes, t, libraryCodes()} {
		if text := texts[code]; text != "" {
			return oneLine(text)
		}
	}
	return "(a rule's code)"
}

// libraryCodes are the codes of the rules that are built in.
var libraryCodes = sync.OnceValue(func() Texts {
	texts := Texts{}
	for _, rule := range policies.Library() {
		for _, r := range rule.Reasons {
			texts[r.Code] = r.Text
		}
	}
	return texts
})

// ownCodes are the codes that Ark itself gives.
var ownCodes = Texts{
	collect.CodeServedTwice:         "the same objects are stored as another type",
	collect.CodeTypeExcluded:        "the template excludes the type",
	collect.CodeTypeNotIncluded:     "the template does not include the type",
	collect.CodeClusterScoped:       "cluster-scoped, and no selected object needs it",
	collect.CodeTypeNotArchivable:   "the type's names are not what Kubernetes asks of them",
	collect.CodeNamespaceNotCovered: "the template does not cover the namespace",
	collect.CodeOwnSecret:           "a Secret that Ark's Config names, such as the credentials of the bucket",
	collect.CodeNotIncluded:         "the policy is OptIn, and no rule includes it",

	restore.CodeNeverRestored: "the type describes the old cluster; name it in the restored types to have it",
	restore.CodeOwnRecord:     "Backups and Restores come back from storage",
	restore.CodeRemade:        "a controller makes it again; name its type in the restored types to have it",
	restore.CodeNotInBackup:   "it was left out of the backup",
	restore.CodeSkippedByRule: "a rule left it out",
	transform.CodeMirrorPod:   "the kubelet makes the pod from a file on its node",
	transform.CodeCompleted:   "the pod or Job ran to its end; restored, it would run again",
}
