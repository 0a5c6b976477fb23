// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect

// Reason codes of Ark's own for what is left out of a backup. The codes of rules
// stand beside them.
const (
	// CodeServedTwice: the same objects are archived as another type.
	CodeServedTwice = "served-twice"
	// CodeTypeExcluded: excludedResources names the type.
	CodeTypeExcluded = "type-excluded"
	// CodeTypeNotIncluded: includedResources does not name the type.
	CodeTypeNotIncluded = "type-not-included"
	// CodeClusterScoped: the type is cluster-scoped, and the template covers no such
	// objects, or only those of other types that selected objects need.
	CodeClusterScoped = "cluster-scoped"
	// CodeNamespaceNotCovered: the template does not cover the namespace.
	CodeNamespaceNotCovered = "namespace-not-covered"
	// CodeOwnSecret: a Secret of Ark's own, such as the credentials of the bucket that
	// the backup is written to, or a key that signs or signed.
	CodeOwnSecret = "ark-own-secret"
	// CodeNeeded, with an object that is archived: the template does not cover it, and
	// others need it.
	CodeNeeded = "needed"
	// CodeNotIncluded: under OptIn, no rule includes the object.
	CodeNotIncluded = "not-included"
)

// Codes of warnings and errors in the results.
const (
	// CodeGroupBroken: an API group does not answer, and nothing of it is archived.
	CodeGroupBroken = "group-broken"
	// CodeTypeNotArchivable: an API serves a type under names that no archive takes, and
	// nothing of it is archived.
	CodeTypeNotArchivable = "type-not-archivable"
	// CodeNoEffect: part of the template has no effect.
	CodeNoEffect = "no-effect"
	// CodeEmpty: the backup contains nothing. An error, unless the template allows it.
	CodeEmpty = "empty"
	// CodeNamespaceMissing: a namespace that the template names does not exist.
	CodeNamespaceMissing = "namespace-missing"
	// CodeNamespaceGone: objects lie in a namespace that does not exist.
	CodeNamespaceGone = "namespace-gone"
	// CodeNoMoment: types could not be listed as they were at one moment.
	CodeNoMoment = "no-moment"
	// CodeMomentMoved: the revision that types were listed at was compacted, and those
	// still to come are of a later one.
	CodeMomentMoved = "moment-moved"
	// CodeListTorn: the revision of a type was compacted in the middle of its list, or its
	// list broke off before it told one.
	CodeListTorn = "list-torn"
	// CodeListFailed: a type could not be listed, or not to the end.
	CodeListFailed = "list-failed"
	// CodeOtherVersion: objects of a type were read in another version than they are, or
	// may be, stored in, which may lack some of their fields.
	CodeOtherVersion = "other-version"
	// CodeRuleError: the rules failed on an object; it is archived.
	CodeRuleError = "rule-error"
	// CodeNotArchivable: an object cannot be archived as it is.
	CodeNotArchivable = "not-archivable"
)
