// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package blobstore

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"github.com/gopherwood/ark/engine"
)

func TestErrorsOfCloudsAreTheEngines(t *testing.T) {
	var again *engine.RetryableError
	for name, c := range map[string]struct {
		err   error
		kind  error
		retry bool
	}{
		"not found":                 {gcerrors.ErrNotFound, engine.ErrNotFound, false},
		"exists":                    {gcerrors.ErrAlreadyExists, engine.ErrExists, false},
		"a failed condition":        {gcerrors.ErrFailedPrecondition, engine.ErrExists, false},
		"forbidden":                 {gcerrors.ErrPermissionDenied, engine.ErrForbidden, false},
		"cancelled":                 {gcerrors.ErrCanceled, context.Canceled, false},
		"a bare end of the context": {context.Canceled, context.Canceled, false},
		"invalid":                   {gcerrors.ErrInvalidArgument, nil, false},
		"exhausted":                 {gcerrors.ErrResourceExhausted, nil, true},
		"timed out":                 {gcerrors.ErrDeadlineExceeded, nil, true},
		"unknown":                   {errors.New("connection reset"), nil, true},
		"the end":                   {io.EOF, io.EOF, false},
	} {
		t.Run(name, func(t *testing.T) {
			err := fromCloud(c.err)
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) {
				t.Errorf("error %v, want %v", err, c.kind)
			}
			if errors.As(err, &again) != c.retry {
				t.Errorf("error %v is retryable: %v", err, !c.retry)
			}
		})
	}
	if err := fromCloud(nil); err != nil {
		t.Errorf("no error became %v", err)
	}
}

// asAWS is what the SDK for S3 makes of an answer.
func asAWS(status int, code string) error {
	return fmt.Errorf("operation error: %w", &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
		Err:      &smithy.GenericAPIError{Code: code, Message: "hunter2"},
	}})
}

func TestAnswersOfServicesSayWhatToDo(t *testing.T) {
	google := func(status int, reason, message string) error {
		return &googleapi.Error{Code: status, Message: message, Errors: []googleapi.ErrorItem{{Reason: reason}}, Body: "hunter2"}
	}
	azure := func(status int, code string) error {
		return &azcore.ResponseError{StatusCode: status, ErrorCode: code}
	}
	retry := &engine.RetryableError{}
	for name, c := range map[string]struct {
		err  error
		kind error // nil for none of the engine's
		want string
	}{
		"S3 has no such key":            {asAWS(404, "NoSuchKey"), engine.ErrNotFound, "not found"},
		"S3 has no such bucket":         {asAWS(404, "NoSuchBucket"), nil, "the bucket does not exist: create it, or correct the url (status 404, NoSuchBucket)"},
		"S3 has the key already":        {asAWS(412, "PreconditionFailed"), engine.ErrExists, "already exists"},
		"S3 has another writer":         {asAWS(409, "ConditionalRequestConflict"), retry, "the server could not do it (status 409, ConditionalRequestConflict)"},
		"S3 denies access":              {asAWS(403, "AccessDenied"), engine.ErrForbidden, notAllowed + " (status 403, AccessDenied)"},
		"S3 does not know the key":      {asAWS(403, "InvalidAccessKeyId"), engine.ErrForbidden, badCredentials + " (status 403, InvalidAccessKeyId)"},
		"S3 finds the token expired":    {asAWS(400, "ExpiredToken"), engine.ErrForbidden, expired + " (status 400, ExpiredToken)"},
		"S3 has another time":           {asAWS(403, "RequestTimeTooSkewed"), engine.ErrForbidden, "the clocks of this machine and of the server differ by too much: set them (status 403, RequestTimeTooSkewed)"},
		"S3 has the bucket elsewhere":   {asAWS(301, "PermanentRedirect"), nil, otherRegion + " (status 301, PermanentRedirect)"},
		"S3 is slow":                    {asAWS(503, "SlowDown"), retry, "the server could not do it (status 503, SlowDown)"},
		"S3 refuses for another reason": {asAWS(400, "EntityTooLarge"), nil, "the server refuses the request (status 400, EntityTooLarge)"},
		"a server redirects":            {asAWS(307, ""), nil, "the server redirects, which is not followed: correct the url (status 307)"},
		"a code that is no word":        {asAWS(400, "hunter2 hunter2"), nil, "the server refuses the request (status 400)"},
		"Google has no such object":     {fmt.Errorf("%w: %w", storage.ErrObjectNotExist, google(404, "notFound", "No such object")), engine.ErrNotFound, "not found"},
		"Google has no such bucket":     {google(404, "notFound", "The specified bucket does not exist."), nil, "the bucket does not exist: create it, or correct the url (status 404, NoSuchBucket)"},
		"Google may not say whether":    {google(403, "forbidden", "denied on resource (or it may not exist)"), engine.ErrForbidden, notAllowed + " (status 403, forbidden)"},
		"Google refuses the token":      {google(401, "authError", ""), engine.ErrForbidden, badCredentials + " (status 401, authError)"},
		"Google has the object already": {google(412, "conditionNotMet", ""), engine.ErrExists, "already exists"},
		"Azure has no such blob":        {azure(404, "BlobNotFound"), engine.ErrNotFound, "not found"},
		"Azure has no such container":   {azure(404, "ContainerNotFound"), nil, "the bucket does not exist: create it, or correct the url (status 404, NoSuchBucket)"},
		"Azure has the blob already":    {azure(409, "BlobAlreadyExists"), engine.ErrExists, "already exists"},
		"Azure refuses the signature":   {azure(403, "AuthenticationFailed"), engine.ErrForbidden, badCredentials + " (status 403, AuthenticationFailed)"},
		"Azure does not allow it":       {azure(403, "AuthorizationPermissionMismatch"), engine.ErrForbidden, notAllowed + " (status 403, AuthorizationPermissionMismatch)"},
		"an address does not resolve":   {&url.Error{URL: "https://h/?sig=hunter2", Err: &net.DNSError{Name: "h"}}, retry, "the name of the server, h, cannot be resolved: check the url"},
		"a certificate is a stranger's": {&url.Error{URL: "https://h/?sig=hunter2", Err: x509.UnknownAuthorityError{}}, retry, "the server's certificate is by an authority that is not known here: put the authority's certificate into a Secret as ca.crt, and name it in caSecretName"},
		"a connection is closed":        {&url.Error{URL: "https://h/?sig=hunter2", Err: io.ErrUnexpectedEOF}, retry, "unexpected EOF"},
		"a process without an identity": {fmt.Errorf("sign: %w", noIdentity(t.Context(), "AWS", errors.New("hunter2"))), engine.ErrForbidden,
			"this process has no identity in AWS: bind its service account to one, or name a Secret in credentialsSecretName"},
	} {
		t.Run(name, func(t *testing.T) {
			err := fromCloud(c.err)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
			for _, kind := range []error{engine.ErrNotFound, engine.ErrExists, engine.ErrForbidden} {
				if errors.Is(err, kind) != errors.Is(c.kind, kind) {
					t.Errorf("error %v is %v: %t", err, kind, !errors.Is(c.kind, kind))
				}
			}
			if _, ok := errors.AsType[*engine.RetryableError](err); ok != errors.Is(c.kind, retry) {
				t.Errorf("error %v is retryable: %t", err, ok)
			}
		})
	}
}

func TestRedactHidesWhatURLsCanHold(t *testing.T) {
	for text, want := range map[string]string{
		"nothing to hide": "nothing to hide",
		`Put "https://host/c/b?sv=1&sig=hunter2": EOF`:              `Put "https://host/c/b": EOF`,
		`Get "https://me:hunter2@host/c?sig=hunter2": EOF`:          `Get "https://host/c": EOF`,
		"dial https://me:hunter2@host/x failed, see http://a?b=c d": "dial https://host/x failed, see http://a d",
	} {
		if got := redact(text); got != want {
			t.Errorf("redact(%q) = %q, want %q", text, got, want)
		}
	}
}
