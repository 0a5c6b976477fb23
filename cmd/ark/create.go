// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// created says that an object was made.
func (a *app) created(word, name string) error {
	_, err := fmt.Fprintf(a.out, "%s %s created\n", word, name)
	return err
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
