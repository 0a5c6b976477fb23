// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

// Names of the API around tokens; none is a credential.
const (
	tokenType       = "kubernetes.io/service-account-token" //nolint:gosec // the name of a type
	tokenAccount    = "kubernetes.io/service-account.name"  //nolint:gosec // the name of an annotation
	tokenAccountUID = "kubernetes.io/service-account.uid"   //nolint:gosec // the name of an annotation
)

// tokenUse are the labels in which a cluster keeps when a token was last used, and since
// when it takes it no more. A new token with the second one would never be taken.
var tokenUse = []string{"kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"}

// tokenSecret empties the Secret of a token: the target mints a new one into it, whoever
// asked for it. Since 1.24 no controller makes such Secrets, whatever they are called, and
// a Pod that mounts one does not start without it. With the old account's UID it would be
// deleted.
func (t *Transformer) tokenSecret(s *Subject, r *Result) {
	if Text(s.Manifest, "type") != tokenType {
		return
	}
	delete(s.Manifest, "data")
	removeFrom(s.Manifest, annotationsPath, tokenAccountUID)
	removeFrom(s.Manifest, labelsPath, tokenUse...)
	r.Notes = append(r.Notes, "gets a new token: the archived one is of another account")
}

// IsPristineAccount reports whether a ServiceAccount is as the controller makes
// the default one of every namespace: nobody's choice is lost by changing it.
func IsPristineAccount(live Manifest) bool {
	return live["secrets"] == nil && live["imagePullSecrets"] == nil && live["automountServiceAccountToken"] == nil &&
		len(child(live, labelsPath...)) == 0 && len(child(live, annotationsPath...)) == 0
}
