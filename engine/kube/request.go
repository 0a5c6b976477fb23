// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/gopherwood/ark/engine"
)

// maxObject bounds the JSON of one object. etcd takes 1.5 MiB of an object, of
// which JSON can make six times as much: a control character is six bytes.
const maxObject = 32 << 20

// target is what a request is about.
type target struct {
	resource    engine.Resource
	namespace   string
	name        string
	subresource string
}

// String names the target in errors.
func (t target) String() string {
	if t.name == "" && t.namespace != "" {
		return t.resource.GroupResource().String() + " in namespace " + t.namespace
	}
	if t.name == "" {
		return t.resource.GroupResource().String()
	}
	s := engine.Key{GroupResource: t.resource.GroupResource(), Namespace: t.namespace, Name: t.name}.String()
	if t.subresource != "" {
		s += "/" + t.subresource
	}
	return s
}

// request is one request to the API server.
type request struct {
	method string
	target target
	query  url.Values
	// contentType and body are empty in a request that only reads.
	contentType string
	body        []byte
	// long says that the response is worth compressing.
	long bool
}

// url is where the request goes. Names come from archives and from users: one
// that is no single path segment would address something else.
func (c *Cluster) url(r request) (*url.URL, error) {
	segments := []string{"api", r.target.resource.Version}
	if r.target.resource.Group != "" {
		segments = []string{"apis", r.target.resource.Group, r.target.resource.Version}
	}
	if r.target.namespace != "" {
		segments = append(segments, "namespaces", r.target.namespace)
	}
	segments = append(segments, r.target.resource.Name)
	for _, optional := range []string{r.target.name, r.target.subresource} {
		if optional != "" {
			segments = append(segments, optional)
		}
	}
	for i, s := range segments {
		if problems := content.IsPathSegmentName(s); s == "" || len(problems) > 0 {
			return nil, &apiError{kind: engine.ErrInvalid, message: fmt.Sprintf("%q cannot stand in a path %v", s, problems)}
		}
		segments[i] = url.PathEscape(s)
	}
	u := c.base.JoinPath(segments...)
	u.RawQuery = r.query.Encode()
	return u, nil
}

// send sends a request and returns the body of a successful response, which the
// caller closes. ctx has to outlive the body.
func (c *Cluster) send(ctx context.Context, r request) (io.ReadCloser, error) {
	u, err := c.url(r)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	if r.contentType != "" {
		req.Header.Set("Content-Type", r.contentType)
	}
	if r.long && c.compress {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fromTransport(ctx, err)
	}
	resp.Body = uncompressed(resp)
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusMultipleChoices {
		defer func() { _ = resp.Body.Close() }()
		return nil, fromResponse(r, resp)
	}
	return resp.Body, nil
}

// roundTrip sends a request about a single object and returns the response.
func (c *Cluster) roundTrip(ctx context.Context, verb string, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.silence, errSilent)
	defer cancel()
	answer, err := c.answer(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", verb, r.target, err)
	}
	return answer, nil
}

func (c *Cluster) answer(ctx context.Context, r request) ([]byte, error) {
	body, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	buf := answers.Get().(*bytes.Buffer) //nolint:forcetypeassert // nothing else is put into the pool
	buf.Reset()
	if _, err := buf.ReadFrom(io.LimitReader(body, maxObject+1)); err != nil {
		return nil, fromTransport(ctx, err)
	}
	if buf.Len() > maxObject {
		return nil, fmt.Errorf("the response is larger than %d bytes", maxObject)
	}
	answer := bytes.Clone(buf.Bytes())
	if buf.Cap() <= keepBuffer {
		answers.Put(buf)
	}
	return answer, nil
}

// answers are buffers for responses of unknown length, which grow once and not for
// every object that is written.
var answers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// object sends a request whose answer is an object.
func (c *Cluster) object(ctx context.Context, verb string, r request) (engine.Object, error) {
	answer, err := c.roundTrip(ctx, verb, r)
	if err != nil {
		return engine.Object{}, err
	}
	o, err := parseObject(r.target.resource, answer)
	if err != nil {
		return engine.Object{}, fmt.Errorf("%s %s: read the answer: %w", verb, r.target, err)
	}
	return o, nil
}

// errSilent: the API server did not answer.
var errSilent = errors.New("the API server stopped answering")

// watchdog cancels a request when the API server is silent for too long. It
// watches only while somebody waits for the API server.
type watchdog struct {
	timer *time.Timer
	limit time.Duration
}

// newWatchdog returns a context that the watchdog ends with errSilent.
func newWatchdog(ctx context.Context, limit time.Duration) (context.Context, *watchdog, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	w := &watchdog{limit: limit, timer: time.AfterFunc(limit, func() { cancel(errSilent) })}
	return ctx, w, func() {
		w.timer.Stop()
		cancel(nil)
	}
}

// reader watches over the reading of r.
func (w *watchdog) reader(r io.Reader) io.Reader {
	w.timer.Stop()
	return watched{watchdog: w, inner: r}
}

type watched struct {
	watchdog *watchdog
	inner    io.Reader
}

func (r watched) Read(p []byte) (int, error) {
	r.watchdog.timer.Reset(r.watchdog.limit)
	defer r.watchdog.timer.Stop()
	return r.inner.Read(p)
}
