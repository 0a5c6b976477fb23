// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// noun is a kind as the command line speaks of it.
type noun[T client.Object] struct {
	// kind as the API has it; word as commands and messages have it.
	kind   string
	word   string
	plural string
	// empty says what to do when there is none yet.
	empty   string
	columns []output.Column[T]
	// compare orders lists.
	compare func(a, b T) int
	// newObject and newList make empty ones.
	newObject func() T
	newList   func() client.ObjectList
}

// reader is where commands that only read find the objects of a kind: a cluster,
// or a bucket alone.
type reader[T client.Object] interface {
	// All returns every object.
	All(ctx context.Context) ([]T, error)
	// One returns the object of a name. The error for one that does not exist says
	// what there is.
	One(ctx context.Context, name string) (T, error)
}

// inCluster reads the objects of a kind from a cluster.
type inCluster[T client.Object] struct {
	client client.Client
	noun   *noun[T]
}

// All returns every object of the kind.
func (r inCluster[T]) All(ctx context.Context) ([]T, error) {
	list := r.noun.newList()
	if err := r.client.List(ctx, list); err != nil {
		return nil, fmt.Errorf("list %s: %w", r.noun.plural, err)
	}
	var all []T
	err := meta.EachListItem(list, func(o runtime.Object) error {
		item, ok := o.(T)
		if !ok {
			return fmt.Errorf("list %s: got a %T", r.noun.plural, o)
		}
		all = append(all, item)
		return nil
	})
	return all, err
}

// One returns the object of a name.
func (r inCluster[T]) One(ctx context.Context, name string) (T, error) {
	obj := r.noun.newObject()
	err := r.client.Get(ctx, client.ObjectKey{Name: name}, obj)
	if err == nil || !access.IsMissing(err) {
		return obj, err
	}
	all, err := r.All(ctx)
	if err != nil {
		return obj, err
	}
	return obj, r.noun.unknown(name, all)
}

// unknown says that there is no such object, and what may have been meant. where are
// the flags by which others are found.
func (n *noun[T]) unknown(name string, all []T, where ...string) error {
	names := make([]string, 0, len(all))
	for _, o := range all {
		names = append(names, o.GetName())
	}
	text := fmt.Sprintf("there is no %s %q", n.word, name)
	if near := nearest(name, names); len(near) > 0 {
		text += ": did you mean " + orList(near) + "?"
	}
	list := append([]string{"ark", n.word, "get"}, where...)
	return exit.Errorf(exit.Failed, "%s: list what there is with %q", text, strings.Join(list, " "))
}

// list returns objects to print, in order.
func (n *noun[T]) list(a *app, items []T, single bool) output.List[T] {
	slices.SortStableFunc(items, n.compare)
	return output.List[T]{
		Items: items, Columns: n.columns, Single: single, Now: a.now(),
		Kind:     v1alpha1.GroupVersion.WithKind(n.kind),
		Resource: strings.ToLower(n.kind) + "." + v1alpha1.GroupVersion.Group,
	}
}

// newestFirst orders what happens by when it happened.
func newestFirst[T client.Object](a, b T) int {
	at, bt := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	if !at.Equal(&bt) {
		return bt.Compare(at.Time)
	}
	return byName(a, b)
}

// readyReason is the reason of Ready, which says how an object stands.
func readyReason(conditions []metav1.Condition) string {
	if c := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition); c != nil {
		return c.Reason
	}
	return "Pending"
}

// readyMessage is the message of Ready.
func readyMessage(conditions []metav1.Condition) string {
	if c := meta.FindStatusCondition(conditions, v1alpha1.ReadyCondition); c != nil {
		return c.Message
	}
	return ""
}

// conditionStatus is the status of a condition, or nothing.
func conditionStatus(conditions []metav1.Condition, kind string) string {
	if c := meta.FindStatusCondition(conditions, kind); c != nil {
		return string(c.Status)
	}
	return ""
}

// objectKey names a cluster-scoped object.
func objectKey(name string) client.ObjectKey { return client.ObjectKey{Name: name} }
