// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/gopherwood/ark/engine"
)

const (
	// maxStatus bounds what is read of a response that reports a failure.
	maxStatus = 1 << 20
	// maxMessage bounds what is kept of its message: the API server may repeat a
	// whole object in it.
	maxMessage = 2048
)

// apiError is an error of the engine's in the API server's words.
type apiError struct {
	// kind is one of the engine's errors.
	kind    error
	message string
	// rest continues, at a later revision, a list whose own is gone; empty in every
	// other error.
	rest string
}

func (e *apiError) Error() string { return e.message }
func (e *apiError) Unwrap() error { return e.kind }

// errTimedOut: the API server could not answer in the time that it gives a request.
var errTimedOut = errors.New("timed out")

// fromResponse translates a response to r that reports a failure.
func fromResponse(r request, resp *http.Response) error {
	status := readStatus(resp)
	message := r.said(status)
	if len(message) > maxMessage {
		message = message[:maxMessage] + "…"
	}
	if kind := kindOf(status, int(status.Code)); kind != nil {
		return r.early(&apiError{kind: kind, message: message, rest: status.Continue})
	}
	err := fmt.Errorf("%s (status %d)", message, status.Code)
	if status.Code == http.StatusGatewayTimeout {
		err = fmt.Errorf("%w: %w", errTimedOut, err)
	}
	if status.Code == http.StatusTooManyRequests || status.Code >= http.StatusInternalServerError {
		return &engine.RetryableError{After: retryAfter(resp, status), Err: err}
	}
	return err
}

// accountMissing is what the API server's ServiceAccount admission says of a pod in a
// namespace so young that no controller has made its default account.
const accountMissing = "error looking up service account "

// early makes the refusal of a pod that came before its account one that passes.
func (r request) early(err *apiError) error {
	if r.method == http.MethodPost && errors.Is(err, engine.ErrForbidden) && strings.Contains(err.message, accountMissing) {
		return &engine.RetryableError{Err: err}
	}
	return err
}

// kindOf returns the engine's error for a status, or nil when none fits.
func kindOf(status metav1.Status, code int) error {
	err := &apierrors.StatusError{ErrStatus: status}
	switch {
	case apierrors.IsAlreadyExists(err):
		return engine.ErrExists
	case code == http.StatusConflict:
		return engine.ErrConflict
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return engine.ErrTerminating
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return engine.ErrForbidden
	case code == http.StatusNotFound:
		return engine.ErrNotFound
	case code == http.StatusGone:
		return engine.ErrRevisionGone
	case code == http.StatusTooManyRequests:
		return nil
	case isFuture(err):
		return engine.ErrRevisionUnknown
	case code >= http.StatusBadRequest && code < http.StatusInternalServerError:
		return engine.ErrInvalid // 400, 405, 413, 415, 422: as it is, it is not taken
	default:
		return nil
	}
}

// futureRevision is what etcd says of a revision that it has not come to, in
// which the API server sees a failure of its own.
const futureRevision = "required revision is a future revision"

// isFuture reports whether a type's history has not come to the revision asked for.
// Waiting does not help where it is another history than that of the revision.
func isFuture(err *apierrors.StatusError) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge) ||
		strings.Contains(err.ErrStatus.Message, futureRevision)
}

// readStatus reads the Status that explains a failure, or makes one up from the
// code when the body, perhaps of a proxy, holds none.
func readStatus(resp *http.Response) metav1.Status {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxStatus))
	var status metav1.Status
	if err != nil || json.Unmarshal(body, &status) != nil || status.Kind != "Status" || status.Message == "" {
		status = apierrors.NewGenericServerResponse(
			resp.StatusCode, resp.Request.Method, schema.GroupResource{}, "", "", 0, false).ErrStatus
	}
	status.Code = int32(resp.StatusCode) //nolint:gosec // net/http reads three digits
	return status
}

// retryAfter is the delay that the API server asks for, or zero.
func retryAfter(resp *http.Response, status metav1.Status) time.Duration {
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil && status.Details != nil {
		seconds = int(status.Details.RetryAfterSeconds)
	}
	return min(time.Duration(max(seconds, 0))*time.Second, maxDelay)
}

// fromTransport translates a failure to send a request or to read the response.
// The URL, which says nothing that the target does not, is dropped.
func fromTransport(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errSilent) {
		return &engine.RetryableError{Err: cause}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if sent, ok := errors.AsType[*url.Error](err); ok {
		err = sent.Err
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return err // waiting does not make it valid
	}
	dial, ok := errors.AsType[*net.OpError](err)
	return &engine.RetryableError{Away: ok && dial.Op == "dial", Err: err}
}

// fromDiscovery translates an error of client-go's discovery.
func fromDiscovery(ctx context.Context, err error) error {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return fromTransport(ctx, err)
	}
	code := int(status.Status().Code)
	if kind := kindOf(status.Status(), code); kind != nil {
		return &apiError{kind: kind, message: err.Error()}
	}
	return &engine.RetryableError{Err: err}
}
