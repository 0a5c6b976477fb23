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
	"regexp"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"

	"github.com/gopherwood/ark/engine"
)

// answer is how a storage service refused a request. Of its text nothing is
// kept: it may repeat what was sent, and a signature with it.
type answer struct {
	// status is that of HTTP.
	status int
	// code is the service's own word for it, such as NoSuchBucket; it may be empty.
	code string
}

// String shows the answer to people.
func (a answer) String() string {
	if a.code == "" {
		return fmt.Sprintf("status %d", a.status)
	}
	return fmt.Sprintf("status %d, %s", a.status, a.code)
}

// noBucket is the code of a bucket that does not exist, whatever the service
// calls it.
const noBucket = "NoSuchBucket"

// wordOfService matches what a code looks like.
var wordOfService = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// answerOf finds the answer of a service in an error of its SDK.
func answerOf(err error) (a answer, ok bool) {
	switch {
	case fromAzure(err, &a), fromGoogle(err, &a), fromAWS(err, &a):
	default:
		return answer{}, false
	}
	if !wordOfService.MatchString(a.code) {
		a.code = ""
	}
	return a, true
}

func fromAzure(err error, a *answer) bool {
	e, ok := errors.AsType[*azcore.ResponseError](err)
	if !ok {
		return false
	}
	*a = answer{e.StatusCode, e.ErrorCode}
	if a.code == "ContainerNotFound" || a.code == "ContainerBeingDeleted" {
		*a = answer{http.StatusNotFound, noBucket}
	}
	return true
}

func fromGoogle(err error, a *answer) bool {
	e, ok := errors.AsType[*googleapi.Error](err)
	switch {
	case errors.Is(err, storage.ErrBucketNotExist):
		*a = answer{http.StatusNotFound, noBucket}
	case ok && e.Code == http.StatusNotFound && strings.Contains(e.Message, "bucket does not exist"):
		*a = answer{http.StatusNotFound, noBucket}
	case ok:
		a.status = e.Code
		if len(e.Errors) > 0 {
			a.code = e.Errors[0].Reason
		}
	case errors.Is(err, storage.ErrObjectNotExist):
		a.status = http.StatusNotFound
	default:
		return false
	}
	return true
}

func fromAWS(err error, a *answer) bool {
	e, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok || e.Response == nil {
		return false
	}
	a.status = e.HTTPStatusCode()
	if coded, ok := errors.AsType[smithy.APIError](err); ok {
		a.code = coded.ErrorCode()
	}
	return a.status != 0
}

// meanings of codes that say more than their status.
var meanings = map[string]string{
	"AuthenticationFailed":               badCredentials,
	"AuthorizationHeaderMalformed":       otherRegion,
	"ExpiredToken":                       expired,
	"ExpiredTokenException":              expired,
	"IllegalLocationConstraintException": otherRegion,
	"InvalidAccessKeyId":                 badCredentials,
	"InvalidAuthenticationInfo":          badCredentials,
	"InvalidToken":                       badCredentials,
	"PermanentRedirect":                  otherRegion,
	"RequestTimeTooSkewed":               "the clocks of this machine and of the server differ by too much: set them",
	"SignatureDoesNotMatch":              badCredentials,
	"authError":                          badCredentials,
	"required":                           badCredentials,
}

// What to do.
const (
	badCredentials = "the server does not accept the credentials: put valid ones into the Secret that credentialsSecretName names"
	expired        = "the credentials have expired: put new ones into the Secret that credentialsSecretName names"
	otherRegion    = "the bucket is in another region: correct parameter region of the url"
	notAllowed     = "the credentials do not allow it: grant them what docs/storage.md lists"
	missingBucket  = "the bucket does not exist: create it, or correct the url"
)

// translate says what an answer means to the engine, and what to do about it.
func (a answer) translate() error { //nolint:cyclop // a flat table of answers
	meaning := meanings[a.code]
	switch {
	case a.code == noBucket:
		return fmt.Errorf("%s (%s)", missingBucket, a)
	case a.status == http.StatusNotFound:
		return engine.ErrNotFound
	case a.status == http.StatusPreconditionFailed, a.status == http.StatusConflict && a.code == "BlobAlreadyExists":
		return engine.ErrExists
	case meaning == otherRegion:
		return fmt.Errorf("%s (%s)", meaning, a)
	case meaning != "":
		return explained{engine.ErrForbidden, fmt.Sprintf("%s (%s)", meaning, a)}
	case a.status == http.StatusUnauthorized:
		return explained{engine.ErrForbidden, fmt.Sprintf("%s (%s)", badCredentials, a)}
	case a.status == http.StatusForbidden:
		return explained{engine.ErrForbidden, fmt.Sprintf("%s (%s)", notAllowed, a)}
	case a.passing():
		return &engine.RetryableError{Err: fmt.Errorf("the server could not do it (%s)", a)}
	case a.status >= 300 && a.status < 400:
		return fmt.Errorf("the server redirects, which is not followed: correct the url (%s)", a)
	default:
		return fmt.Errorf("the server refuses the request (%s)", a)
	}
}

// refusal is the translation, told apart where another request may be taken.
func (a answer) refusal() error {
	if a.status == http.StatusNotImplemented || a.status == http.StatusBadRequest {
		return refusal{a.translate()}
	}
	return a.translate()
}

// passing reports whether the same request may succeed later.
func (a answer) passing() bool {
	switch a.status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return a.status >= http.StatusInternalServerError
}

// fromCloud translates an error of gocloud.dev, or of the SDK behind it. What
// gocloud.dev makes of them is not enough: a bucket that may not be listed would
// be one that does not exist.
func fromCloud(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if known, ok := errors.AsType[explained](err); ok {
		return known
	}
	if a, ok := answerOf(err); ok {
		return a.refusal()
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, gcerrors.ErrCanceled):
		return context.Canceled
	case errors.Is(err, gcerrors.ErrNotFound):
		return engine.ErrNotFound
	case errors.Is(err, gcerrors.ErrFailedPrecondition), errors.Is(err, gcerrors.ErrAlreadyExists):
		return engine.ErrExists
	case errors.Is(err, gcerrors.ErrPermissionDenied):
		return explained{engine.ErrForbidden, notAllowed}
	case errors.Is(err, gcerrors.ErrInvalidArgument), errors.Is(err, gcerrors.ErrUnimplemented):
		return errors.New(redact(err.Error()))
	}
	return &engine.RetryableError{Err: unreachable(err)}
}

// created is the error of making a blob: what was not found then is the bucket.
func created(err error) error {
	if errors.Is(err, engine.ErrNotFound) {
		return errors.New(missingBucket)
	}
	return err
}

// unreachable says why no server answered.
func unreachable(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // the URL may hold a signature
	}
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return errors.New("the server's certificate is by an authority that is not known here: " +
			"put the authority's certificate into a Secret as ca.crt, and name it in caSecretName")
	default:
		if e, ok := errors.AsType[*net.DNSError](err); ok {
			return fmt.Errorf("the name of the server, %s, cannot be resolved: check the url", e.Name)
		}
		if e, ok := errors.AsType[*net.OpError](err); ok {
			return fmt.Errorf("the server cannot be reached: %w", e)
		}
		return errors.New(redact(err.Error()))
	}
}

// Of a URL, cloud services put signatures into the parameters, and people passwords
// before the host.
var (
	parameters = regexp.MustCompile(`(://[^?\s"']*)\?[^\s"']*`)
	password   = regexp.MustCompile(`://[^/@\s"']*@`)
)

// redact removes from text what may be secret.
func redact(text string) string {
	return password.ReplaceAllString(parameters.ReplaceAllString(text, "$1"), "://")
}
