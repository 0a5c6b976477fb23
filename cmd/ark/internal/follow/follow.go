// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package follow watches one object until what it stands for has ended, however
// often the connection breaks, and shows how far it is.
package follow

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ErrDeleted ends the watch of an object that was deleted, or was replaced by
// another of its name.
var ErrDeleted = errors.New("deleted while it was waited for")

// Pauses between attempts to reach an API server that does not answer.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
)

// Target is what Until watches.
type Target[T client.Object] struct {
	// Object is filled with each state. Its name says what is watched; its UID,
	// where it is set, that no other object of that name will do.
	Object T
	// List is an empty list of the object's kind.
	List client.ObjectList
	// Lost is told when the API server stops answering, once for each time.
	Lost func(error)
}

// Until calls seen with every state of the target, the current one first, until
// seen reports that it has seen enough or returns an error, or ctx ends; that is
// its cause. Watches that end are resumed, and an API server that restarts is
// waited for.
func Until[T client.Object](ctx context.Context, c client.WithWatch, t Target[T], seen func(T) (bool, error)) error {
	w := watcher[T]{client: c, target: t, uid: t.Object.GetUID(), seen: seen}
	pause := firstPause
	for {
		done, err := w.once(ctx)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case done || final(err):
			return err
		case err != nil:
			if pause == firstPause {
				t.Lost(err)
			}
			if err := sleep(ctx, pause); err != nil {
				return err
			}
			pause = min(2*pause, lastPause)
		default:
			pause = firstPause
		}
	}
}

type watcher[T client.Object] struct {
	client client.WithWatch
	target Target[T]
	uid    types.UID
	seen   func(T) (bool, error)
}

// seenError is what seen returned: it ends the watch whatever it is.
type seenError struct{ error }

func (e seenError) Unwrap() error { return e.error }

// once reads the object, then watches it until the API server ends the watch.
// It is done when seen is.
func (w *watcher[T]) once(ctx context.Context) (done bool, err error) {
	obj := w.target.Object
	if err := w.client.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
		return false, err
	}
	if done, err := w.show(obj); done || err != nil {
		return done, err
	}
	events, err := w.client.Watch(ctx, w.target.List, client.MatchingFields{metav1.ObjectNameField: obj.GetName()},
		&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: obj.GetResourceVersion()}})
	if err != nil {
		return false, fmt.Errorf("watch %s: %w", obj.GetName(), err)
	}
	defer events.Stop()
	for e := range events.ResultChan() {
		if done, err := w.event(e); done || err != nil {
			return done, err
		}
	}
	return false, nil
}

func (w *watcher[T]) event(e watch.Event) (done bool, err error) {
	switch e.Type {
	case watch.Added, watch.Modified:
		obj, ok := e.Object.(T)
		if !ok {
			return false, fmt.Errorf("watch: got a %T", e.Object)
		}
		return w.show(obj)
	case watch.Deleted:
		return false, ErrDeleted
	case watch.Error:
		err := apierrors.FromObject(e.Object)
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			return false, nil // the next read catches up
		}
		return false, err
	case watch.Bookmark:
	}
	return false, nil
}

// show hands a state to seen, unless it is another object's of that name.
func (w *watcher[T]) show(obj T) (done bool, err error) {
	if w.uid == "" {
		w.uid = obj.GetUID()
	}
	if obj.GetUID() != w.uid {
		return false, ErrDeleted
	}
	done, err = w.seen(obj)
	if err != nil {
		return false, seenError{err}
	}
	return done, nil
}

// final reports whether err is one that trying again does not cure.
func final(err error) bool {
	var own seenError
	return errors.As(err, &own) || errors.Is(err, ErrDeleted) || apierrors.IsNotFound(err) ||
		apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err)
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
