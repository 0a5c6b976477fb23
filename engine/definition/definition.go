// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package definition reads CustomResourceDefinitions: which versions of a type
// are served, in which its objects are stored, in which they can be read without
// loss, and why a type is not served.
package definition

import (
	encoding "encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/json"

	"github.com/gopherwood/ark/engine"
)

// Definition is what a CustomResourceDefinition says of its type.
type Definition struct {
	Metadata engine.Meta `json:"metadata"`
	Spec     struct {
		Group string `json:"group"`
		Scope string `json:"scope"`
		Names struct {
			Plural     string   `json:"plural"`
			Singular   string   `json:"singular"`
			ShortNames []string `json:"shortNames"`
			Kind       string   `json:"kind"`
		} `json:"names"`
		Versions   []version `json:"versions"`
		Conversion struct {
			Strategy string `json:"strategy"`
		} `json:"conversion"`
	} `json:"spec"`
	Status struct {
		Conditions     []condition `json:"conditions"`
		StoredVersions []string    `json:"storedVersions"`
	} `json:"status"`
}

type version struct {
	Name         string `json:"name"`
	Served       bool   `json:"served"`
	Storage      bool   `json:"storage"`
	Subresources struct {
		Status *struct{} `json:"status"`
	} `json:"subresources"`
	Schema struct {
		// OpenAPI is decoded only where versions have to be compared: it is most of a
		// definition.
		OpenAPI encoding.RawMessage `json:"openAPIV3Schema"`
	} `json:"schema"`
}

type condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Read reads a definition.
func Read(raw []byte) (*Definition, error) {
	d := &Definition{}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("read definition: %w", err)
	}
	return d, nil
}

// Resource is the type that is defined, in the version it is stored in where that is
// served, else in another one; ok is false where none is served.
func (d *Definition) Resource() (r engine.Resource, ok bool) {
	names := d.Spec.Names
	r = engine.Resource{
		Group: d.Spec.Group, Name: names.Plural, Kind: names.Kind, Singular: names.Singular,
		ShortNames: names.ShortNames, Namespaced: d.Spec.Scope == "Namespaced",
	}
	for _, v := range d.Spec.Versions {
		if !v.Served {
			continue
		}
		r.Versions = append(r.Versions, v.Name)
		if v.Subresources.Status != nil {
			r.StatusVersions = append(r.StatusVersions, v.Name)
		}
	}
	if len(r.Versions) == 0 {
		return r, false
	}
	return r.In(d.Reading(r.Versions).Version), true
}

// Established reports whether the API server has accepted the definition.
func (d *Definition) Established() bool { return d.is("Established", "True") }

func (d *Definition) is(conditionType, status string) bool {
	return slices.ContainsFunc(d.Status.Conditions, func(c condition) bool {
		return c.Type == conditionType && c.Status == status
	})
}

// Rejected reports whether the API server will not serve the type until the
// definition, or another one, is changed.
func (d *Definition) Rejected() bool {
	return d.Metadata.DeletionTimestamp != "" || d.is("NamesAccepted", "False") || slices.ContainsFunc(d.Status.Conditions, func(c condition) bool {
		// Of a definition whose names it has only just accepted, it says that it is "Installing".
		return c.Type == "Established" && c.Status == "False" && c.Reason != "Installing"
	})
}

// Conditions quotes what the API server has against the definition.
func (d *Definition) Conditions() string {
	var said []string
	for _, c := range d.Status.Conditions {
		bad := c.Status == "False"
		if c.Type == "NonStructuralSchema" || c.Type == "Terminating" {
			bad = c.Status == "True"
		}
		if bad {
			said = append(said, fmt.Sprintf("%s is %s (%s: %s)", c.Type, c.Status, c.Reason, c.Message))
		}
	}
	if d.Metadata.DeletionTimestamp != "" {
		said = append(said, "it is being deleted")
	}
	if len(said) == 0 {
		return "the API server has not said anything of it"
	}
	return strings.Join(said, "; ")
}
