// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package collect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/selection"
)

const widgets, definitions = "widgets.example.org", "customresourcedefinitions.apiextensions.k8s.io"

// TestCollectListsAtOneMoment looks at what is asked of a cluster whose history
// moves on, breaks or is none.
func TestCollectListsAtOneMoment(t *testing.T) {
	errReset := errors.New("connection reset")
	// answers gives, for each time that namespaces are asked, the next revision.
	answers := func(c *cluster, revisions ...string) {
		c.history["namespaces"] = revisions[0]
		c.asked = func(name string) error {
			if name == "namespaces" {
				c.history[name] = revisions[0]
				revisions = revisions[min(1, len(revisions)-1):]
			}
			return nil
		}
	}
	moved := archive.Message{Code: "moment-moved",
		Message: "etcd compacted revision 7 while the backup ran: the types that were still to come are of revision 12"}
	left := func(why string) []archive.Message {
		return []archive.Message{{Object: widgets, Code: "no-moment",
			Message: "it is not as it was at the moment of the others, but when its turn came: " + why}}
	}
	tests := map[string]struct {
		sabotage func(*cluster)
		want     []string
		revision string
		of       map[string]archive.ResourceSummary // of widgets, where they differ
		warnings []archive.Message
	}{
		"the revision is the one after all types were asked for theirs": {
			sabotage: func(c *cluster) { answers(c, "7", "9") }, revision: "9",
			want: []string{definitions + " at 9", "namespaces at 9", "namespaces at 9", widgets + " at 9"},
		},
		"a type whose history is ahead has its own": {
			sabotage: func(c *cluster) { c.history[widgets] = "8" }, revision: "7",
			want: []string{definitions, "namespaces", "namespaces", widgets + " at "},
			of:   map[string]archive.ResourceSummary{widgets: {OwnHistory: true}},
		},
		"a type whose history is behind has its own": {
			sabotage: func(c *cluster) { answers(c, "100"); c.history[widgets], c.history[definitions] = "99", "100" }, revision: "100",
			want: []string{definitions + " at 100", "namespaces at 100", "namespaces at 100", widgets + " at "},
			of:   map[string]archive.ResourceSummary{widgets: {OwnHistory: true}},
		},
		"numbers are compared, not texts": {
			sabotage: func(c *cluster) { answers(c, "9", "1000"); c.history[widgets], c.history[definitions] = "99", "10" }, revision: "1000",
			want: []string{definitions + " at 1000", "namespaces at 1000", "namespaces at 1000", widgets + " at 1000"},
		},
		"a type without revisions has its own history": {
			sabotage: func(c *cluster) { c.history[widgets] = "" }, revision: "7",
			want: []string{definitions, "namespaces", "namespaces", widgets + " at "},
			of:   map[string]archive.ResourceSummary{widgets: {OwnHistory: true}},
		},
		"a type that cannot be asked is listed as it is": {
			sabotage: func(c *cluster) {
				c.asked = func(name string) error {
					if name == widgets {
						return errReset
					}
					return nil
				}
			}, revision: "7",
			want:     []string{definitions, "namespaces", "namespaces", widgets + " at "},
			warnings: left("connection reset"),
		},
		"a type that fails passingly is asked again, once all were": {
			sabotage: func(c *cluster) {
				asked := 0
				c.asked = func(name string) error {
					if name == widgets {
						asked++
					}
					if name == widgets && asked == 1 {
						return &engine.RetryableError{Err: errReset}
					}
					return nil
				}
			}, revision: "7",
			want: []string{definitions, "namespaces", "namespaces", widgets},
		},
		"but not for ever": {
			sabotage: func(c *cluster) {
				asked := 0
				c.asked = func(name string) error {
					if name != widgets {
						return nil
					}
					if asked++; asked > 2 {
						return errors.New("asked too often")
					}
					return &engine.RetryableError{Err: errReset}
				}
			}, revision: "7",
			want:     []string{definitions, "namespaces", "namespaces", widgets + " at "},
			warnings: left("connection reset"),
		},
		"an API server that restarts is waited for": {
			sabotage: func(c *cluster) {
				asked := 0
				c.asked = func(string) error {
					if asked++; asked < 9 {
						return &engine.RetryableError{Away: true, Err: errReset}
					}
					return nil
				}
			}, revision: "7",
			want: []string{definitions, "namespaces", "namespaces", widgets},
		},
		"a cluster that cannot be asked has no moment": {
			sabotage: func(c *cluster) {
				c.asked = func(string) error { return errReset }
			},
			want: []string{definitions + " at ", "namespaces at ", "namespaces at ", widgets + " at "},
			warnings: []archive.Message{{Code: "no-moment",
				Message: "types are not of one moment, each is as it was when its turn came: connection reset"}},
		},
		"nor has one whose revisions are no numbers": {
			sabotage: func(c *cluster) { c.history["namespaces"] = "0x7" },
			want:     []string{definitions + " at ", "namespaces at ", "namespaces at ", widgets + " at "},
			warnings: []archive.Message{{Code: "no-moment",
				Message: `types are not of one moment, each is as it was when its turn came: revisions "0x7" and "0x7" of namespaces cannot be compared`}},
		},
		"types still to come move together when the revision is compacted": {
			sabotage: func(c *cluster) {
				answers(c, "7", "7", "12")
				c.refuse = map[string]error{widgets + " at 7": engine.ErrRevisionGone}
			}, revision: "7",
			want:     []string{definitions + " at 12", "namespaces", "namespaces at 12", widgets, widgets + " at 12"},
			of:       map[string]archive.ResourceSummary{widgets: {Revision: "12"}},
			warnings: []archive.Message{moved},
		},
		"a type for which that does not help is listed as it is": {
			sabotage: func(c *cluster) {
				answers(c, "7", "7", "12")
				c.refuse = map[string]error{widgets + " at 7": engine.ErrRevisionGone, widgets + " at 12": engine.ErrRevisionGone}
			}, revision: "7",
			want:     []string{definitions + " at 12", "namespaces", "namespaces at 12", widgets, widgets + " at ", widgets + " at 12"},
			warnings: append([]archive.Message{moved}, left("revision 12: revision is gone")...),
		},
		"so is one that never heard of the revision, and the others stay": {
			sabotage: func(c *cluster) {
				c.refuse = map[string]error{widgets + " at 7": engine.ErrRevisionUnknown}
			}, revision: "7",
			want:     []string{definitions, "namespaces", "namespaces", widgets, widgets, widgets, widgets + " at "},
			warnings: left("revision 7: revision is not known"),
		},
		"a type whose API server is behind stays": {
			sabotage: func(c *cluster) {
				c.refuse = map[string]error{widgets + " at 7": engine.ErrRevisionUnknown}
				asked := 0
				c.onList = func(name string) {
					if name == widgets {
						asked++
					}
					if asked == 3 {
						c.refuse = nil
					}
				}
			}, revision: "7",
			want: []string{definitions, "namespaces", "namespaces", widgets, widgets, widgets},
			of:   map[string]archive.ResourceSummary{widgets: {Revision: "7"}},
		},
		"a type that answers with another revision than it was asked for has its own history": {
			sabotage: func(c *cluster) { c.pages = map[string][]string{widgets: {"8"}} }, revision: "7",
			want: []string{definitions, "namespaces", "namespaces", widgets},
			of:   map[string]archive.ResourceSummary{widgets: {OwnHistory: true, Revision: "8"}},
		},
		"so is one whose revision is gone when there is no other to be had": {
			sabotage: func(c *cluster) {
				asked := 0
				c.asked = func(name string) error {
					if name == "namespaces" {
						asked++
					}
					if asked > 2 {
						return errReset
					}
					return nil
				}
				c.refuse = map[string]error{widgets + " at 7": engine.ErrRevisionGone}
			}, revision: "7",
			want:     []string{definitions, "namespaces", "namespaces", widgets, widgets + " at "},
			warnings: left("revision 7 was compacted: connection reset"),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			c := town(t)
			c.history = map[string]string{}
			tc.sabotage(c)
			s := newSink()
			report := run(t, c, nil, s, collect.Options{Lists: 1, Template: selection.Template{IncludedResources: []string{widgets}}})
			slices.Sort(c.lists)
			if diff := cmp.Diff(tc.want, c.lists); diff != "" {
				t.Errorf("lists (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.warnings, report.Results.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			if report.Revision != tc.revision || !report.Complete() {
				t.Errorf("revision %q, complete %v, want %q, true", report.Revision, report.Complete(), tc.revision)
			}
			if got := report.Resources[widgets]; got.OwnHistory != tc.of[widgets].OwnHistory ||
				tc.of[widgets].Revision != "" && got.Revision != tc.of[widgets].Revision {
				t.Errorf("%s: %+v, want %+v", widgets, got, tc.of[widgets])
			}
			if diff := cmp.Diff([]string{definitions + "/" + widgets, "namespaces/shop", widgets + "/shop/w"}, s.archived()); diff != "" {
				t.Errorf("archived (-want +got):\n%s", diff)
			}
		})
	}
}

func TestATypeOfAnAPIServerThatIsBehindIsGivenTime(t *testing.T) {
	c := town(t)
	c.refuse = map[string]error{widgets + " at 7": engine.ErrRevisionUnknown}
	var pauses []time.Duration
	run(t, c, nil, newSink(), collect.Options{
		Template: selection.Template{IncludedResources: []string{widgets}},
		Pause: func(_ context.Context, d time.Duration) error {
			pauses = append(pauses, d)
			return nil
		},
	})
	if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

// TestCollectMarksATornList has lists that go on at another revision, as an adapter
// does when etcd compacts in their middle.
func TestCollectMarksATornList(t *testing.T) {
	warning := func(text string) []archive.Message {
		return []archive.Message{{Object: "configmaps", Code: "list-torn",
			Message: text + ", and objects that were changed in between may not fit together"}}
	}
	compacted := warning("revision 7 was compacted in the middle of the list: what came after is of revision 12")
	for name, tc := range map[string]struct {
		pages     []string
		anyMoment bool
		revisions []string // of the type, and of its rest
		warnings  []archive.Message
	}{
		"with a warning where one moment was wanted": {
			pages: []string{"7", "12!"}, revisions: []string{"7", "12"}, warnings: compacted,
		},
		"without where none was": {pages: []string{"7", "12!"}, anyMoment: true, revisions: []string{"7", "12"}},
		"whose rest has several pages": {
			pages: []string{"7", "12!", "12"}, revisions: []string{"7", "12"}, warnings: compacted,
		},
		"that never told what it began as": {
			pages: []string{"7!", "7"}, revisions: []string{"7", ""},
			warnings: warning("the list broke off before it told its revision: what came before may be of an earlier one than the rest"),
		},
		"but not an API that has another revision for every page": {pages: []string{"7", "8", "9"}, revisions: []string{"7", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			c := town(t)
			c.pages = map[string][]string{"configmaps": tc.pages}
			report := run(t, c, nil, newSink(), collect.Options{
				AnyMoment: tc.anyMoment, Template: selection.Template{IncludedResources: []string{"configmaps"}},
			})
			if diff := cmp.Diff(tc.warnings, report.Results.Warnings); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
			got := report.Resources["configmaps"]
			if diff := cmp.Diff(tc.revisions, []string{got.Revision, got.RestRevision}); diff != "" {
				t.Errorf("revisions (-want +got):\n%s", diff)
			}
		})
	}
}

// TestATypeIsNotTornBetweenNamespaces lists a type with a history of its own
// in one namespace after the other: each is as it was when its turn came.
func TestATypeIsNotTornBetweenNamespaces(t *testing.T) {
	for name, tc := range map[string]struct {
		sabotage func(*cluster)
		want     archive.ResourceSummary
		torn     bool
	}{
		"where it has a history of its own": {
			func(c *cluster) {
				c.history = map[string]string{"configmaps": "100"}
				n := 100
				c.onList = func(string) {
					n++
					c.pages = map[string][]string{"configmaps": {strconv.Itoa(n)}}
				}
			}, archive.ResourceSummary{Revision: "102", OwnHistory: true}, false,
		},
		"but where the moment moved in between": {
			func(c *cluster) {
				lists, asked := 0, 0
				c.history = map[string]string{}
				c.asked = func(name string) error {
					if name == "namespaces" {
						if asked++; asked > 2 {
							c.history[name] = "12"
						}
					}
					return nil
				}
				c.onList = func(name string) {
					if name == "configmaps" {
						if lists++; lists == 2 {
							c.refuse = map[string]error{"configmaps at 7": engine.ErrRevisionGone}
						}
					}
				}
			}, archive.ResourceSummary{Revision: "7", RestRevision: "12"}, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := town(t)
			c.counts = map[string]int64{"configmaps": 1000}
			tc.sabotage(c)
			report := run(t, c, nil, newSink(), collect.Options{Lists: 1, Template: selection.Template{
				IncludedNamespaces: []string{"mail", "shop"}, IncludedResources: []string{"configmaps"}, ClusterResources: new(false),
			}})
			got := report.Resources["configmaps"]
			got.Counts, got.Version, got.Kind, got.Namespaced = archive.Counts{}, "", "", false
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("summary (-want +got):\n%s", diff)
			}
			if torn := slices.ContainsFunc(report.Results.Warnings, func(m archive.Message) bool { return m.Code == "list-torn" }); torn != tc.torn {
				t.Errorf("warnings %v", report.Results.Warnings)
			}
		})
	}
}

func TestCollectEndsWhileItAsksForRevisions(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	c := town(t)
	reason := errors.New("shutting down")
	c.asked = func(name string) error {
		if name == widgets {
			cancel(reason)
		}
		return ctx.Err()
	}
	_, err := collect.Collect(ctx, collect.Source{Discoverer: c, Lister: c, Historian: c}, nil, newSink(), collect.Options{})
	if !errors.Is(err, reason) || fmt.Sprint(err) != "ask for revisions: shutting down" {
		t.Errorf("error %v", err)
	}
	if len(c.lists) > 0 {
		t.Errorf("listed %v all the same", c.lists)
	}
}
