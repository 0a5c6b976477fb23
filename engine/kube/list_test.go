// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/engine"
)

// item is a config map as a list holds it.
func item(name string) string {
	return fmt.Sprintf(`{"metadata":{"name":%q,"namespace":"n"},"data":{"k":"v"}}`, name)
}

// listMetaJSON is the metadata of a list.
func listMetaJSON(revision, token string) string {
	return fmt.Sprintf(`"metadata":{"resourceVersion":%q,"continue":%q,"remainingItemCount":1}`, revision, token)
}

// metaFirst is a list of a built-in type, metaLast one of a custom resource.
func metaFirst(revision, token string, items ...string) string {
	return `{"kind":"L",` + listMetaJSON(revision, token) + `,"items":[` + strings.Join(items, ",") + `]}`
}

func metaLast(revision, token string, items ...string) string {
	return `{"apiVersion":"v1","items":[` + strings.Join(items, ",") + `],"kind":"L",` + listMetaJSON(revision, token) + `}`
}

// with is a request with another limit.
func with(limit int, request string) string {
	return regexp.MustCompile(`limit=\d+`).ReplaceAllString(request, fmt.Sprintf("limit=%d", limit))
}

// list reads a list to its end: the names of its objects, its pages as p<revision>,
// those that are torn from what came before with an exclamation mark, in order.
func list(ctx context.Context, c *Cluster, opts engine.ListOptions) (string, error) {
	var got []string
	opts.OnPage = func(p engine.Page) {
		page := fmt.Sprintf("p%s/%d", p.Revision, p.Remaining)
		if p.Torn {
			page += "!"
		}
		got = append(got, page)
	}
	for o, err := range c.List(ctx, configMaps, opts) {
		if err != nil {
			return strings.Join(got, " "), err
		}
		want := `{"kind":"ConfigMap","apiVersion":"v1",` + item(o.Meta.Name)[1:]
		if string(o.Raw) != want || o.Key().String() != "configmaps/n/"+o.Meta.Name {
			return "", fmt.Errorf("object %s is %s, want %s", o.Key(), o.Raw, want)
		}
		got = append(got, o.Meta.Name)
	}
	return strings.Join(got, " "), nil
}

const (
	first  = "GET /prefix/api/v1/configmaps?limit=100"
	atR    = "GET /prefix/api/v1/configmaps?limit=100&resourceVersion=7&resourceVersionMatch=Exact"
	second = "GET /prefix/api/v1/configmaps?continue=t1&limit=500"
)

// tooLarge is the detail of an answer to a request for a revision to come.
const tooLarge = `{"retryAfterSeconds":1,"causes":[{"reason":"ResourceVersionTooLarge","message":"Too large resource version"}]}`

func TestList(t *testing.T) {
	whole := metaFirst("7", "", item("a"), item("b"), item("c"))
	cut := whole[:strings.Index(whole, item("c"))+5]
	wholeLast := metaLast("7", "", item("a"), item("b"), item("c"))
	cutLast := wholeLast[:strings.Index(wholeLast, item("c"))+5]
	end := answer("%s", metaFirst("7", "", item("c")))
	behind := status(504, "Timeout", tooLarge)
	for name, c := range map[string]struct {
		opts     engine.ListOptions
		script   []http.HandlerFunc
		want     string
		requests []string
	}{
		"a page with its metadata first": {
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "", item("a"), item("b")))},
			want:   "p7/1 a b", requests: []string{first},
		},
		"a page with its metadata last": {
			script: []http.HandlerFunc{answer("%s", metaLast("7", "", item("a"), item("b")))},
			want:   "a b p7/1", requests: []string{first},
		},
		"an empty list": {
			script: []http.HandlerFunc{answer("%s", metaFirst("7", ""))}, want: "p7/1", requests: []string{first},
		},
		"a page that names an object twice": {
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "", item("a"), item("b"), item("a")))},
			want:   "p7/1 a b", requests: []string{first},
		},
		"several pages": {
			script: []http.HandlerFunc{
				answer("%s", metaFirst("7", "t1", item("a"))), answer("%s", metaLast("7", "t2")), answer("%s", metaFirst("7", "", item("b"))),
			},
			want: "p7/1 a p7/1 p7/1 b", requests: []string{first, second, strings.Replace(second, "t1", "t2", 1)},
		},
		"a revision is asked for on the first page only": {
			opts:   engine.ListOptions{Revision: "7"},
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "t1", item("a"))), end},
			want:   "p7/1 a p7/1 c", requests: []string{atR, second},
		},
		"selectors and namespace": {
			opts: engine.ListOptions{
				Namespace: "n", Labels: labels.SelectorFromSet(labels.Set{"x": "y"}), Fields: fields.OneTermEqualSelector("metadata.name", "a"),
			},
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "", item("a")))},
			want:   "p7/1 a",
			requests: []string{"GET /prefix/api/v1/namespaces/n/configmaps?fieldSelector=" + url.QueryEscape("metadata.name=a") +
				"&labelSelector=" + url.QueryEscape("x=y") + "&limit=100"},
		},
		"throttling and failures before a page are sat out": {
			script: []http.HandlerFunc{
				status(429, "TooManyRequests", ""), status(503, "", ""), breakOff(""), answer("%s", metaFirst("7", "t1", item("a"))),
				status(500, "InternalError", ""), answer(`{"items":[`), end,
			},
			want: "p7/1 a p7/1 c", requests: []string{first, first, first, first, second, second, second},
		},
		"a page that breaks off is asked for at the revision it began with": {
			script: []http.HandlerFunc{breakOff(cut), answer("%s", whole)}, want: "p7/1 a b c", requests: []string{first, with(50, atR)},
		},
		"a page that breaks off before its revision is known yields nothing twice": {
			script: []http.HandlerFunc{breakOff(cutLast), answer("%s", wholeLast)}, want: "a b c p7/1!", requests: []string{first, with(50, first)},
		},
		"a page that breaks off again and again": {
			script: []http.HandlerFunc{breakOff(cut), breakOff(cut[:len(cut)-40]), breakOff(cut), answer("%s", whole)},
			want:   "p7/1 a b c", requests: []string{first, with(50, atR), with(25, atR), with(12, atR)},
		},
		"a later page that breaks off is continued with the same token": {
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "t1", item("x"))), breakOff(cut), answer("%s", whole)},
			want:   "p7/1 x p7/1 a b c", requests: []string{first, second, with(250, second)},
		},
		"a rest whose revision is compacted goes on at a later one": {
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "t1", item("x"))), gone("t2"), answer("%s", metaFirst("9", "", item("a")))},
			want:   "p7/1 x p9/1! a", requests: []string{first, second, strings.Replace(second, "t1", "t2", 1)},
		},
		"a later page that breaks off and is compacted yields nothing twice": {
			script: []http.HandlerFunc{
				answer("%s", metaFirst("7", "t1", item("x"))), breakOff(cut), gone("t2"), answer("%s", strings.ReplaceAll(whole, `"7"`, `"9"`)),
			},
			want: "p7/1 x p7/1 a b p9/1! c", requests: []string{first, second, with(250, second), with(250, strings.Replace(second, "t1", "t2", 1))},
		},
		"a first page that breaks off and is compacted begins anew, without what was yielded": {
			opts: engine.ListOptions{Revision: "7"},
			script: []http.HandlerFunc{
				breakOff(cut), gone(""), answer("%s", metaFirst("9", "t1", item("0"), item("a"))), answer("%s", metaFirst("9", "", item("b"), item("c"))),
			},
			want: "p7/1 a b p9/1! 0 p9/1 c", requests: []string{atR, with(50, atR), with(50, first), with(50, second)},
		},
		"so does one whose metadata never came, and what was yielded is of the revision asked for": {
			opts: engine.ListOptions{Revision: "7"},
			script: []http.HandlerFunc{
				breakOff(cutLast), gone(""), answer("%s", metaLast("9", "t1", item("0"), item("a"))), answer("%s", metaLast("9", "", item("b"), item("c"))),
			},
			want: "a b p7/0 0 p9/1! c p9/1", requests: []string{atR, with(50, atR), with(50, first), with(50, second)},
		},
		"an API server that is behind the one before catches up": {
			script: []http.HandlerFunc{answer("%s", metaFirst("7", "t1", item("a"))), behind, behind, end},
			want:   "p7/1 a p7/1 c", requests: []string{first, second, second, second},
		},
		"so does one that is asked for the rest of a first page": {
			opts:   engine.ListOptions{Revision: "7"},
			script: []http.HandlerFunc{breakOff(cutLast), behind, answer("%s", wholeLast)},
			want:   "a b c p7/1", requests: []string{atR, with(50, atR), with(50, atR)},
		},
		"an API server that has no revisions": {
			script: []http.HandlerFunc{breakOff(strings.ReplaceAll(cut, `"7"`, `"0"`)), answer("%s", whole)},
			want:   "p0/1 a b p7/1! c", requests: []string{first, with(50, first)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.script...)
			got, err := list(t.Context(), s.Cluster, c.opts)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got) + cmp.Diff(c.requests, s.requests); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestListFails(t *testing.T) {
	page := answer("%s", metaFirst("7", "t1", item("a")))
	for name, c := range map[string]struct {
		script []http.HandlerFunc
		kind   error
		text   string
	}{
		"a type that is not served":         {[]http.HandlerFunc{status(404, "NotFound", "")}, engine.ErrNotFound, "list configmaps: words of the server"},
		"a missing right":                   {[]http.HandlerFunc{status(403, "Forbidden", "")}, engine.ErrForbidden, "words"},
		"a revision that is compacted":      {[]http.HandlerFunc{status(410, "Expired", "")}, engine.ErrRevisionGone, "words"},
		"a rest that is compacted for good": {[]http.HandlerFunc{page, gone("")}, engine.ErrRevisionGone, "words"},
		"a rest that goes on at itself":     {[]http.HandlerFunc{page, gone("t1")}, engine.ErrRevisionGone, "words"},
		"a revision of another history":     {[]http.HandlerFunc{status(504, "Timeout", tooLarge)}, engine.ErrRevisionUnknown, "words"},
		"a revision that etcd has not come to": {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = fmt.Fprint(w, `{"kind":"Status","message":"rpc error: etcdserver: mvcc: required revision is a future revision","code":500}`)
		}}, engine.ErrRevisionUnknown, "future"},
		"a token that leads back":              {[]http.HandlerFunc{page, page}, nil, "same continue token"},
		"an item that is no JSON":              {[]http.HandlerFunc{answer(`{"metadata":{},"items":[{"a":}]}`)}, nil, "read object"},
		"an answer that is no list":            {[]http.HandlerFunc{answer(`<html>`)}, nil, "where '{' belongs"},
		"an answer that is another list":       {[]http.HandlerFunc{answer(`{"items":[]}`)}, nil, "no metadata"},
		"a failure with a body of its own":     {[]http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", 404) }}, engine.ErrNotFound, "could not find"},
		"a code that has no meaning for lists": {[]http.HandlerFunc{status(302, "", "")}, nil, "status 302"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.script...)
			_, err := list(t.Context(), s.Cluster, engine.ListOptions{})
			var again *engine.RetryableError
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) || errors.As(err, &again) {
				t.Errorf("error %v, want %v and %q", err, c.kind, c.text)
			}
			if len(s.pauses) > 0 {
				t.Errorf("waited %v for what does not pass", s.pauses)
			}
		})
	}
}

func TestListEndsWhenItsRevisionIsCompactedAgainAndAgain(t *testing.T) {
	script := []http.HandlerFunc{answer("%s", metaFirst("7", "t0", item("a")))}
	for i := range maxAttempts {
		script = append(script, gone(fmt.Sprintf("t%d", i+1)))
	}
	s := serve(t, script...)
	got, err := list(t.Context(), s.Cluster, engine.ListOptions{})
	if got != "p7/1 a" || !errors.Is(err, engine.ErrRevisionGone) {
		t.Errorf("got %q, %v", got, err)
	}
}

// errAny stands for whatever error.
var errAny = errors.New("any")

func TestRevision(t *testing.T) {
	one := with(1, first)
	for name, c := range map[string]struct {
		script   []http.HandlerFunc
		want     engine.State
		kind     error
		requests []string
	}{
		"of a built-in type":    {[]http.HandlerFunc{answer("%s", metaFirst("7", "t1", item("a")))}, engine.State{Revision: "7", Objects: 2}, nil, []string{one}},
		"of custom resources":   {[]http.HandlerFunc{answer("%s", metaLast("7", "t1", item("a")))}, engine.State{Revision: "7", Objects: 2}, nil, []string{one}},
		"of a type without any": {[]http.HandlerFunc{answer(`{"metadata":{},"items":[]}`)}, engine.State{}, nil, []string{one}},
		"of a type of one object": {
			[]http.HandlerFunc{answer(`{"metadata":{"resourceVersion":"7"},"items":[%s]}`, item("a"))}, engine.State{Revision: "7", Objects: 1}, nil, []string{one},
		},
		"where more follow and nobody says how many": {
			[]http.HandlerFunc{answer(`{"metadata":{"resourceVersion":"7","continue":"t1"},"items":[%s]}`, item("a"))},
			engine.State{Revision: "7", Objects: -1}, nil, []string{one},
		},
		"where a limit is of no account": {
			[]http.HandlerFunc{answer(`{"metadata":{"resourceVersion":"7"},"items":[%s,%s,%s]}`, item("a"), item("b"), item("c"))},
			engine.State{Revision: "7", Objects: 3}, nil, []string{one},
		},
		"after a passing failure": {
			[]http.HandlerFunc{status(503, "", ""), answer(`{"metadata":{"resourceVersion":"7"},"items":[]}`)}, engine.State{Revision: "7"}, nil, []string{one, one},
		},
		"of a type whose conversion webhook is down": {
			[]http.HandlerFunc{status(500, "InternalError", ""), status(500, "InternalError", "")}, engine.State{}, errAny, []string{one, one},
		},
		"of an API server that wants us back when we have no time": {
			[]http.HandlerFunc{after("30", status(429, "", ""))}, engine.State{}, errAny, []string{one},
		},
		"of a type that is hidden": {[]http.HandlerFunc{status(403, "Forbidden", "")}, engine.State{}, engine.ErrForbidden, []string{one}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, c.script...)
			got, err := s.Revision(t.Context(), configMaps)
			if got != c.want || !errors.Is(err, c.kind) && (err == nil || !errors.Is(c.kind, errAny)) {
				t.Errorf("Revision() = %v, %v, want %v, %v", got, err, c.want, c.kind)
			}
			if diff := cmp.Diff(c.requests, s.requests); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

func TestARevisionIsNotWaitedForLong(t *testing.T) {
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.patience = time.Millisecond
	_, err := s.Revision(t.Context(), configMaps)
	if _, again := errors.AsType[*engine.RetryableError](err); !again || !errors.Is(err, errSilent) {
		t.Errorf("error %v, want a passing one about silence", err)
	}
}

func TestListWaitsAsLongAsTheServerAsksAndGivesUpOnce(t *testing.T) {
	var script []http.HandlerFunc
	for _, seconds := range []string{"3", "100000", "-1", "soon"} {
		script = append(script, after(seconds, status(429, "", "")))
	}
	script = append(script, status(429, "", `{"retryAfterSeconds":4}`))
	for len(script) < maxAttempts {
		script = append(script, status(503, "", ""))
	}
	s := serve(t, script...)
	_, err := list(t.Context(), s.Cluster, engine.ListOptions{})
	if _, again := errors.AsType[*engine.RetryableError](err); !again {
		t.Errorf("error %v, want a retryable one", err)
	}
	// Jitter makes our own delays up to a fifth longer.
	least := []float64{3, 60, 0.8, 1.6, 4, 6.4, 10, 10, 10, 10}
	for i, d := range s.pauses {
		if s, low := d.Seconds(), least[i]; s < low || s > 1.2*low {
			t.Errorf("pause %d is %v, want %v seconds", i, d, low)
		}
	}
	if len(s.pauses) != len(least) || len(s.requests) != maxAttempts {
		t.Errorf("%d requests and %d pauses", len(s.requests), len(s.pauses))
	}
}

func TestAListThatIsLeftEarlyClosesItsConnection(t *testing.T) {
	gone := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		answer("%s", strings.TrimSuffix(metaFirst("7", "", item("a")), "]}"))(w, r)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		close(gone)
	})
	for o, err := range s.List(t.Context(), configMaps, engine.ListOptions{}) {
		if err != nil || o.Meta.Name != "a" {
			t.Errorf("got %v, %v", o.Key(), err)
		}
		break
	}
	<-gone
}

func TestAListEndsWithItsContext(t *testing.T) {
	hang := func(part string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			answer("%s", part)(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}
	for name, script := range map[string][]http.HandlerFunc{
		"between objects": {answer("%s", metaFirst("7", "t1", item("a"), item("b")))},
		"within a page":   {hang(strings.TrimSuffix(metaFirst("7", "", item("a")), "]}"))},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, script...)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var errs []error
			for _, err := range s.List(ctx, configMaps, engine.ListOptions{}) {
				errs = append(errs, err)
				cancel()
			}
			if len(errs) != 2 || errs[0] != nil || !errors.Is(errs[1], context.Canceled) {
				t.Errorf("yielded %v, want an object and the end of the context", errs)
			}
			if len(s.pauses) > 0 {
				t.Errorf("waited %v", s.pauses)
			}
		})
	}
	t.Run("while it waits", func(t *testing.T) {
		s := serve(t, status(503, "", ""))
		ctx, cancel := context.WithCancel(t.Context())
		s.pause = func(ctx context.Context, d time.Duration) error {
			cancel()
			return pause(ctx, d)
		}
		if _, err := list(ctx, s.Cluster, engine.ListOptions{}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestASilentServerIsAskedAgain(t *testing.T) {
	silent := func(part string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if part != "" {
				answer("%s", part)(w, r)
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}
	}
	whole := metaFirst("7", "", item("a"), item("b"))
	s := serve(t, silent(""), silent(whole[:len(whole)-5]), answer("%s", whole))
	s.silence = 50 * time.Millisecond
	got, err := list(t.Context(), s.Cluster, engine.ListOptions{})
	if got != "p7/1 a b" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if diff := cmp.Diff([]string{first, with(50, first), with(25, atR)}, s.requests); diff != "" {
		t.Error(diff)
	}
}

func TestALargeObjectIsYieldedWhole(t *testing.T) {
	large := `{"metadata":{"name":"large"},"data":{"k":"` + strings.Repeat("x", 5<<20) + `"}}`
	s := serve(t, answer("%s", metaFirst("7", "", item("a"), large, item("b"))))
	var sizes []int
	for o, err := range s.List(t.Context(), configMaps, engine.ListOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, len(o.Raw))
	}
	added := len(`"kind":"ConfigMap","apiVersion":"v1",`)
	want := []int{len(item("a")) + added, len(large) + added, len(item("b")) + added}
	if diff := cmp.Diff(want, sizes); diff != "" {
		t.Error(diff)
	}
}
