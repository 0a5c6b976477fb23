// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package contents

import (
	"encoding/base64"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/selection"
)

// Reference names one object of a backup, as <type>/<namespace>/<name>, or
// <type>/<name> of a cluster-scoped one.
type Reference struct {
	written   string
	pattern   selection.ResourcePattern
	Namespace string
	Name      string
}

// ParseReference reads a reference.
func ParseReference(written string) (Reference, error) {
	parts := strings.Split(written, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return Reference{}, fmt.Errorf("%q: write TYPE/NAMESPACE/NAME, or TYPE/NAME of a cluster-scoped object", written)
	}
	pattern, err := selection.ParseResourcePattern(parts[0])
	if err != nil {
		return Reference{}, fmt.Errorf("%q: the type %w", written, err)
	}
	r := Reference{written: written, pattern: pattern, Name: parts[len(parts)-1]}
	if len(parts) == 3 {
		r.Namespace = parts[1]
	}
	if r.Name == "" || len(parts) == 3 && r.Namespace == "" {
		return Reference{}, fmt.Errorf("%q: a part of it is empty", written)
	}
	return r, nil
}

// String is the reference as it was written.
func (r Reference) String() string { return r.written }

// Part reports whether a part of an index can have the object.
func (r Reference) Part(p archive.Part) bool { return p.MayHold(r.Namespace, r.Name) }

// OfType returns what reports whether a part has objects of the type, which is
// one of those given.
func (r Reference) OfType(types []engine.Resource) func(archive.Part) bool {
	named := map[schema.GroupResource]bool{}
	for _, t := range types {
		named[t.GroupResource()] = r.pattern.Matches(t)
	}
	return func(p archive.Part) bool { return named[p.Type()] }
}

// Unknown says that none of the types is the one named, and which may be meant.
func (r Reference) Unknown(types []engine.Resource) string {
	set, err := selection.NewResourceSet("type", []string{r.pattern.String()}, types)
	if err != nil {
		return err.Error()
	}
	for _, text := range set.Unmatched() {
		return strings.TrimPrefix(text, "type: ")
	}
	return ""
}

// Type reports whether an object of a line is of the type that is named.
func (r Reference) Type(e *archive.Entry) bool { return r.pattern.Matches(TypeOf(e)) }

// Names reports whether a line is that of the object.
func (r Reference) Names(e *archive.Entry) bool {
	return e.Name == r.Name && e.Namespace == r.Namespace && r.Type(e)
}

// Decode reads an archived object. Numbers keep their precision.
func Decode(raw []byte) (map[string]any, error) {
	var o map[string]any
	if err := utiljson.Unmarshal(raw, &o); err != nil {
		return nil, fmt.Errorf("read the object: %w", err)
	}
	return o, nil
}

// lastApplied holds, in an annotation, all that kubectl apply was given.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Mask takes the data out of a Secret, and leaves how much there was. What stands
// in its place is not base64, so that a Secret made from it is refused. Objects
// that are no Secrets stay as they are.
func Mask(e *archive.Entry, o map[string]any) {
	if e.Group != "" || e.Resource != "secrets" {
		return
	}
	for _, field := range []string{"data", "stringData"} {
		data, ok := o[field].(map[string]any)
		if !ok && o[field] != nil {
			o[field] = "(hidden)"
		}
		for key, value := range data {
			data[key] = hidden(value)
		}
	}
	metadata, _ := o["metadata"].(map[string]any)
	if annotations, ok := metadata["annotations"].(map[string]any); ok && annotations[lastApplied] != nil {
		annotations[lastApplied] = "(hidden)"
	}
}

// hidden tells how long a value is.
func hidden(value any) string {
	text, ok := value.(string)
	if !ok {
		return "(hidden)"
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return "(hidden)"
	}
	return fmt.Sprintf("(%d bytes, hidden)", len(raw))
}
