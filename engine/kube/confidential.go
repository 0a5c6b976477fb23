// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"regexp"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// unquoted are what the API server says of a Secret in words of its own, with nothing of
// the object but its name. The first group is kept.
var unquoted = []*regexp.Regexp{
	regexp.MustCompile(`^(secrets "[^"]*" is forbidden: exceeded quota: [^\n]*)$`),
	regexp.MustCompile(`^(secrets "[^"]*" is forbidden: unable to create new content in namespace [^ ]+ because it is being terminated)`),
	regexp.MustCompile(`^(secrets(?: "[^"]*")? (?:is forbidden: User "[^"]*" cannot [a-z]+ resource "secrets" in API group "" in the namespace "[^"]*"|already exists|not found))`),
	regexp.MustCompile(`^(namespaces "[^"]*" not found)$`),
	regexp.MustCompile(`^(admission webhook "[^"]*" denied the request)\b`),
	regexp.MustCompile(`^(secrets "[^"]*" is forbidden: (?:ValidatingAdmissionPolicy|policy) '[^']*' with binding '[^']*' denied request)\b`),
	regexp.MustCompile(`^((?:Internal error occurred: )?failed calling webhook "[^"]*")`),
}

// keyed finds what stands in the brackets of a path: a key may be what was a value.
var keyed = regexp.MustCompile(`\[[^\]]*[^\]0-9][^\]]*(\]|$)`)

const (
	// leftOut ends what is kept of a message about a Secret.
	leftOut = ": what it said is left out, because it may quote the Secret"
	// maxCauses bounds how many fields are named.
	maxCauses = 8
)

// confidential reports whether an object holds what nobody may be told.
func (t target) confidential() bool {
	return t.resource.Group == "" && t.resource.Name == "secrets"
}

// said is what is kept of a failure's message. Messages go into statuses, results and
// logs; one about a Secret may quote what is in it, wherever a modifier has moved it, and
// whoever is asked about it sees the whole object. So of those only fields and reasons
// are kept.
func (r request) said(status metav1.Status) string {
	if !r.target.confidential() {
		return status.Message
	}
	if causes := fieldsOf(status); causes != "" {
		return "it is refused: " + causes
	}
	for _, pattern := range unquoted {
		if found := pattern.FindStringSubmatch(status.Message); found != nil {
			if kept := found[1]; kept == status.Message {
				return kept
			}
			return found[1] + leftOut
		}
	}
	reason := string(status.Reason)
	if reason == "" {
		reason = "it failed"
	}
	return reason + leftOut
}

// reasons are the kinds of mistakes in words.
var reasons = map[metav1.CauseType]string{
	metav1.CauseTypeFieldValueNotFound: "not found", metav1.CauseTypeFieldValueRequired: "required value", metav1.CauseTypeFieldValueDuplicate: "duplicate value",
	metav1.CauseTypeFieldValueInvalid: "invalid value", metav1.CauseTypeFieldValueNotSupported: "unsupported value", metav1.CauseTypeForbidden: "forbidden",
	metav1.CauseTypeTooLong: "too long", metav1.CauseTypeTooMany: "too many", metav1.CauseTypeInternal: "internal error", metav1.CauseTypeTypeInvalid: "invalid type",
}

// fieldsOf names the fields that a failure is about, and what is wrong with each.
func fieldsOf(status metav1.Status) string {
	if status.Details == nil {
		return ""
	}
	var found []string
	for _, cause := range status.Details.Causes {
		reason, known := reasons[cause.Type]
		if !known || cause.Field == "" || len(found) == maxCauses {
			continue
		}
		found = append(found, keyed.ReplaceAllString(cause.Field, "[…]")+": "+reason)
	}
	return strings.Join(found, ", ")
}
