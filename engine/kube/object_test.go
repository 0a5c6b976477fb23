// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine"
)

var (
	configMaps = engine.Resource{Version: "v1", Name: "configmaps", Kind: "ConfigMap", Namespaced: true}
	widgets    = engine.Resource{Group: "example.org", Version: "v1", Name: "widgets", Kind: "Widget", Namespaced: true}
)

func TestRestoreType(t *testing.T) {
	for name, c := range map[string]struct {
		resource engine.Resource
		raw      string
		meta     engine.Meta
		want     string
	}{
		"an object with its type stays as it is": {
			widgets, `{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"a","namespace":"n"}}`,
			engine.Meta{Name: "a", Namespace: "n"}, `{"apiVersion":"example.org/v1","kind":"Widget","metadata":{"name":"a","namespace":"n"}}`,
		},
		"kind and version are put back": {
			widgets, `{"metadata":{"name":"a"}}`,
			engine.Meta{Name: "a"}, `{"kind":"Widget","apiVersion":"example.org/v1","metadata":{"name":"a"}}`,
		},
		"a kind of unusual letters is put back": {
			engine.Resource{Version: "v1", Name: "odds", Kind: "O\"d\\d\u2028é"}, `{"apiVersion":"v1","metadata":{"name":"a"}}`,
			engine.Meta{Name: "a"}, `{"kind":"O\"d\\d\u2028é","apiVersion":"v1","metadata":{"name":"a"}}`,
		},
		"one of them is put back": {
			configMaps, `{"kind":"ConfigMap","metadata":{"name":"a"}}`,
			engine.Meta{Name: "a"}, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}`,
		},
		"names of fields have a case": {
			configMaps,
			`{"metadata":{"name":"a","labels":{"x":"y"}},"Metadata":{"name":"b","namespace":"kube-system"},"KIND":"Secret"}`,
			engine.Meta{Name: "a", Labels: map[string]string{"x": "y"}},
			`{"kind":"ConfigMap","apiVersion":"v1",` +
				`"metadata":{"name":"a","labels":{"x":"y"}},"Metadata":{"name":"b","namespace":"kube-system"},"KIND":"Secret"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			meta, raw, err := restoreType(c.resource, []byte(c.raw), nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.meta, meta) + cmp.Diff(c.want, string(raw)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRestoreTypeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ raw, want string }{
		"what is no JSON":     {`{"metadata":{"name":"a"},}`, "read object"},
		"an object unnamed":   {`{"metadata":{}}`, "no name"},
		"nothing":             {`null`, "no name"},
		"an empty kind":       {`{"kind":"","metadata":{"name":"a"}}`, "is empty"},
		"labels of no string": {`{"metadata":{"name":"a","labels":{"x":1}}}`, "read object"},
		"a deep object":       {`{"metadata":{"name":"a"},"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "depth"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, _, err := restoreType(configMaps, []byte(c.raw), nil, nil); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %q", err, c.want)
			}
		})
	}
}
