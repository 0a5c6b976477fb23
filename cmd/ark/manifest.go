// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/pflag"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/cmd/ark/internal/output"
)

// printFlags say whether to print an object, for a repository, instead of
// creating it.
type printFlags struct{ format choice[output.Format] }

func newPrintFlags() printFlags {
	return printFlags{choice[output.Format]{of: []output.Format{output.YAML, output.JSON}}}
}

func (p *printFlags) add(flags *pflag.FlagSet) {
	flags.VarP(&p.format, "output", "o", "print the object instead of creating it, to commit it: "+p.format.choices())
}

// given reports whether to print.
func (p *printFlags) given() bool { return p.format.value != "" }

// check tells what makes no sense together.
func (p *printFlags) check(wait waitFlags) error {
	if p.given() && wait.wait {
		return exit.Usagef("set --output or --wait, not both: what is only printed does not run")
	}
	return nil
}

// manifest prints an object as somebody would commit it. It does not say that the
// command line made it: what came from Git is never deleted by the controllers.
func (a *app) manifest(p printFlags, kind string, o client.Object, spec any, madeUp bool) error {
	if madeUp {
		name, err := distinct(o.GetName(), spec)
		if err != nil {
			return err
		}
		o.SetName(name)
	}
	if err := checkName(o.GetName()); err != nil {
		return err // that of a policy, say, which no cluster was asked about
	}
	labels := o.GetLabels()
	delete(labels, v1alpha1.CreatedByLabel)
	if len(labels) == 0 {
		labels = nil
	}
	gvk := v1alpha1.GroupVersion.WithKind(kind)
	return output.Marshal(a.out, p.format.value, struct {
		metav1.TypeMeta `json:",inline"`

		Metadata metav1.ObjectMeta `json:"metadata"`
		Spec     any               `json:"spec"`
	}{
		metav1.TypeMeta{APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind},
		metav1.ObjectMeta{Name: o.GetName(), Labels: labels}, spec,
	})
}
