// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
)

// created says that an object was made.
func (a *app) created(word, name string) error {
	_, err := fmt.Fprintf(a.out, "%s %s created\n", word, name)
	return err
}

// maxSameSecond is how many unnamed objects can be made of the same thing within a second.
const maxSameSecond = 20

// createAs creates o. Where its name was made up, because none was given, and is taken, it
// was made up twice within a second: then the next free one will do.
func createAs(ctx context.Context, c client.Client, o client.Object, word string, madeUp bool) error {
	name := o.GetName()
	err := c.Create(ctx, o)
	for n := 2; madeUp && n <= maxSameSecond && apierrors.IsAlreadyExists(err); n++ {
		o.SetName(archive.FitName(name, "-"+strconv.Itoa(n)))
		err = c.Create(ctx, o)
	}
	if err != nil {
		return taken(err, word, name)
	}
	return nil
}

// taken says, of a name that exists, what to do.
func taken(err error, word, name string) error {
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	return exit.Errorf(exit.Failed, "the name %q is taken: choose another, or look at the %s that has it with \"ark %s describe %s\"",
		name, word, word, name)
}

// setLabel sets a label to a name. One that is too long for a label is left out:
// the spec holds it too.
func setLabel(o client.Object, key, name string) {
	if len(validation.IsValidLabelValue(name)) > 0 {
		return
	}
	labels := o.GetLabels()
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = name
	o.SetLabels(labels)
}
