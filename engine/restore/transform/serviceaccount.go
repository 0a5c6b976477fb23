// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"regexp"
	"slices"
)

// Names of the API around tokens; none is a credential.
const (
	tokenType           = "kubernetes.io/service-account-token" //nolint:gosec // the name of a type
	tokenAccount        = "kubernetes.io/service-account.name"  //nolint:gosec // the name of an annotation
	tokenAccountUID     = "kubernetes.io/service-account.uid"   //nolint:gosec // the name of an annotation
	generatedTokenInfix = "-token-"
)

// generatedSuffix is what the token controller of Kubernetes before 1.24 put
// behind the account's name and "-token-".
var generatedSuffix = regexp.MustCompile("^[a-z0-9]{5}$")

// isGeneratedToken reports whether a Secret was made by the token controller,
// which no longer makes any. One that a user asked for has a name of its own.
func isGeneratedToken(secret Manifest) bool {
	account := Text(secret, "metadata", "annotations", tokenAccount)
	return Text(secret, "type") == tokenType && isTokenName(Text(secret, "metadata", "name"), account)
}

func isTokenName(name, account string) bool {
	prefix := account + generatedTokenInfix
	return account != "" && len(name) > len(prefix) && name[:len(prefix)] == prefix &&
		generatedSuffix.MatchString(name[len(prefix):])
}

// tokenSecret empties the Secret of a token that a user asked for: the target
// mints a new one into it. With the old account's UID it would be deleted.
func (t *Transformer) tokenSecret(s *Subject, r *Result) {
	if Text(s.Manifest, "type") != tokenType {
		return
	}
	delete(s.Manifest, "data")
	removeFrom(s.Manifest, annotationsPath, tokenAccountUID)
	r.Notes = append(r.Notes, "gets a new token: the archived one is of another account")
}

// serviceAccount drops the references to generated token Secrets, which do not
// come back.
func (t *Transformer) serviceAccount(s *Subject, _ *Result) {
	secrets, ok := s.Manifest["secrets"].([]any)
	if !ok {
		return
	}
	account := Text(s.Manifest, "metadata", "name")
	kept := slices.DeleteFunc(secrets, func(v any) bool {
		ref, _ := v.(Manifest)
		name, _ := ref["name"].(string)
		return isTokenName(name, account)
	})
	if len(kept) == 0 {
		delete(s.Manifest, "secrets")
		return
	}
	s.Manifest["secrets"] = kept
}

// IsPristineAccount reports whether a ServiceAccount is as the controller makes
// the default one of every namespace: nobody's choice is lost by changing it.
func IsPristineAccount(live Manifest) bool {
	return live["secrets"] == nil && live["imagePullSecrets"] == nil && live["automountServiceAccountToken"] == nil &&
		len(child(live, labelsPath...)) == 0 && len(child(live, annotationsPath...)) == 0
}
