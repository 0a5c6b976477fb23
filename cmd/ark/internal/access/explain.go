// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package access

import (
	"errors"
	"net"
	"net/url"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// Explain puts an error of the API server, or of the way to it, into words that
// say what to do. Other errors are returned as they are.
func (c Cluster) Explain(err error) error {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return explainStatus(err, status.Status())
	default:
		return c.explainTransport(err)
	}
}

// explainTransport tells which server did not answer, and where its address
// was found.
func (c Cluster) explainTransport(err error) error {
	var request *url.Error
	var network net.Error
	if !errors.As(err, &request) || !errors.As(err, &network) {
		return err
	}
	host := request.URL
	if u, perr := url.Parse(request.URL); perr == nil {
		host = u.Scheme + "://" + u.Host
	}
	return exit.Errorf(exit.Failed, "reach the API server %s named in %s: %w: check that it runs, --kubeconfig and --context",
		host, c.files(), request.Err)
}

func explainStatus(err error, status metav1.Status) error {
	switch {
	case notServed(status):
		return exit.Errorf(exit.Failed, "Ark is not installed in this cluster, or is too old: install its chart, charts/ark, with Helm (%w)", err)
	case apierrors.IsUnauthorized(err):
		return exit.Errorf(exit.Failed, "the API server does not accept the credentials of the kubeconfig: log in again, or choose another --context (%w)", err)
	case apierrors.IsForbidden(err):
		return exit.Errorf(exit.Failed, "%w: ask the cluster's administrator for this permission", err)
	case apierrors.IsInvalid(err):
		return exit.Usagef("%s", causes(err, status))
	default:
		return err
	}
}

// IsMissing reports that the object does not exist, though its type is served.
func IsMissing(err error) bool {
	var status apierrors.APIStatus
	return apierrors.IsNotFound(err) && errors.As(err, &status) && !notServed(status.Status())
}

// notServed recognises the answer to a request for a type that the API server
// does not know, which differs from that for an object that does not exist.
func notServed(status metav1.Status) bool {
	if status.Reason != metav1.StatusReasonNotFound || status.Details == nil {
		return false
	}
	for _, c := range status.Details.Causes {
		if c.Type == metav1.CauseTypeUnexpectedServerResponse {
			return true
		}
	}
	return false
}

// causes lists what the API server refuses, field by field, on one line. A flag
// that sets the field is named first.
func causes(err error, status metav1.Status) string {
	if status.Details == nil || len(status.Details.Causes) == 0 {
		return err.Error()
	}
	var out []string
	for _, c := range status.Details.Causes {
		message := strings.Join(strings.Fields(c.Message), " ")
		field := c.Field
		if flag := flagFor(field); flag != "" {
			field = flag + " (" + field + ")"
		}
		out = append(out, field+": "+message)
	}
	return strings.Join(out, "; ")
}

// flagFor returns the flag that sets a field such as
// spec.template.includedNamespaces[0], or nothing.
func flagFor(field string) string {
	for part := range strings.SplitSeq(field, ".") {
		name, _, _ := strings.Cut(part, "[")
		if flag, ok := Flags[name]; ok {
			return "--" + flag
		}
	}
	return ""
}
