// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package transform

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

const (
	// maxMentions bounds how many fields of one object are named.
	maxMentions = 4
	// maxWay bounds the path of a field in a message: names of fields may be anything.
	maxWay = 160
)

// namespaceLabels are labels of which custom resources select namespaces or the pods in
// them: that of the API server, and those that Cilium gives to what it selects.
var namespaceLabels = []string{
	nameLabel,
	"io.kubernetes.pod.namespace", "k8s:io.kubernetes.pod.namespace",
	"io.cilium.k8s.namespace.labels." + nameLabel, "k8s:io.cilium.k8s.namespace.labels." + nameLabel,
}

// silent are the types in which nothing is looked for: their values are confidential, or
// texts for people.
var silent = map[schema.GroupResource]bool{
	{Resource: "secrets"}: true, {Resource: "events"}: true, {Group: "events.k8s.io", Resource: "events"}: true,
	{Group: "apiextensions.k8s.io", Resource: "customresourcedefinitions"}: true,
}

// mentions finds where an object seems to name a namespace that is mapped from, in
// fields that could mean something else too. They stay as they are.
type mentions struct {
	t *Transformer
	// custom says that the fields of the object are not known.
	custom bool
	ways   []string
	count  int
	// named are the namespaces.
	named map[string]bool
}

// mention returns what to say of the namespaces that an object still names, as it is to
// be written.
func (t *Transformer) mention(s *Subject, m Manifest) string {
	gr := s.Resource.GroupResource()
	if len(t.Namespaces) == 0 || silent[gr] || gr.Group == OwnGroup {
		return ""
	}
	known := namespaceFieldsOf(gr)
	found := &mentions{t: t, custom: len(known) == 0 && idleOf(m).custom, named: map[string]bool{}}
	for _, f := range known {
		visit(m, f.path, nil, func(holder Manifest, name string, way []string) {
			if selector, ok := holder[name].(Manifest); ok {
				found.selector(selector, way, f.use)
			}
		})
	}
	found.everywhere(m)
	return found.String()
}

// everywhere looks at all fields that are the object's own, and at its annotations.
func (f *mentions) everywhere(m Manifest) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if name != "metadata" && name != "status" {
			f.value(m[name], []string{name}, about(name))
		}
	}
	annotations := child(m, annotationsPath...)
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if text, ok := annotations[name].(string); ok && name != lastApplied {
			f.address(text, append(slices.Clip(annotationsPath), name))
		}
	}
}

func (f *mentions) String() string {
	if f.count == 0 {
		return ""
	}
	names := slices.Sorted(maps.Keys(f.named))
	for i, name := range names {
		names[i] = name + " (restored as " + f.t.Namespaces[name] + ")"
	}
	more := ""
	if n := f.count - len(f.ways); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("still names namespace %s in %s%s: change that with a modifier where the copy is meant",
		strings.Join(names, ", "), strings.Join(f.ways, ", "), more)
}

// add notes a field that names a namespace, if that is mapped from.
func (f *mentions) add(namespace string, way []string) bool {
	if f.t.mapped(namespace) == namespace {
		return false
	}
	f.count++
	f.named[namespace] = true
	if len(f.ways) < maxMentions {
		text := ""
		for _, name := range way {
			if strings.HasPrefix(name, "[") {
				text += name
			} else {
				text = join(text, name)
			}
		}
		if len(text) > maxWay {
			text = strings.ToValidUTF8(text[:maxWay], "") + "…"
		}
		f.ways = append(f.ways, text)
	}
	return true
}

// selector looks at what did not follow in a selector of namespaces: labels of another
// key whose value is the name of one, and whom a guard passes over.
func (f *mentions) selector(selector Manifest, way []string, u use) {
	for _, key := range slices.Sorted(maps.Keys(child(selector, "matchLabels"))) {
		if v, ok := child(selector, "matchLabels")[key].(string); ok && key != nameLabel {
			f.add(v, append(slices.Clip(way), "matchLabels", key))
		}
	}
	expressions, _ := selector["matchExpressions"].([]any)
	for i, v := range expressions {
		e, _ := v.(Manifest)
		values, _ := e["values"].([]any)
		if e["key"] == nameLabel && (e["operator"] != "NotIn" || u != guards) {
			continue
		}
		for _, v := range values {
			if name, ok := v.(string); ok && !slices.Contains(values, any(f.t.mapped(name))) {
				f.add(name, append(slices.Clip(way), "matchExpressions", position(i), "values"))
			}
		}
	}
}

// value looks at a value and what is in it. named says that a field that it is in is
// called after namespaces.
func (f *mentions) value(v any, way []string, named bool) {
	switch v := v.(type) {
	case string:
		if !f.custom || !named || !f.add(v, way) {
			f.address(v, way)
		}
	case Manifest:
		f.object(v, way, named)
	case []any:
		for i, element := range v {
			f.value(element, append(slices.Clip(way), position(i)), named)
		}
	}
}

func (f *mentions) object(m Manifest, way []string, named bool) {
	key, _ := m["key"].(string)
	selects := slices.Contains(namespaceLabels, key)
	for _, name := range slices.Sorted(maps.Keys(m)) {
		here := append(slices.Clip(way), name)
		if f.custom && named {
			f.add(name, here)
		}
		if isVariable(m, name, way) && f.add(Text(m, name), here) {
			continue
		}
		f.value(m[name], here, named || about(name) || slices.Contains(namespaceLabels, name) ||
			selects && name == "values" || name == "name" && m["kind"] == "Namespace")
	}
}

// isVariable reports whether a field of m is the value of an environment variable that is
// called after namespaces.
func isVariable(m Manifest, field string, way []string) bool {
	return field == "value" && slices.Contains(way, "env") && about(Text(m, "name"))
}

// about reports whether a field is called after namespaces.
func about(name string) bool { return strings.Contains(strings.ToLower(name), "namespace") }

// address looks in a text for what stands for a namespace that is mapped from.
func (f *mentions) address(text string, way []string) {
	for _, namespace := range slices.Sorted(maps.Keys(f.t.Namespaces)) {
		found := hasAddress(text, namespace) || isFlag(text, namespace) ||
			way[len(way)-1] == "expression" && isQuoted(text, namespace) || f.custom && hasAccount(text, namespace)
		if found && f.add(namespace, way) {
			return
		}
	}
}

// hasAccount reports whether a text has what stands for service accounts of that
// namespace: a user name, their group, or their identity in a mesh (SPIFFE,
// …/ns/<namespace>/sa/<name>).
func hasAccount(text, namespace string) bool {
	return strings.Contains(text, accountUserPrefix+namespace+":") || text == accountGroupPrefix+namespace ||
		strings.Contains(text, "/ns/"+namespace+"/sa/")
}

// isQuoted reports whether an expression (CEL) has a string that is the namespace.
func isQuoted(text, namespace string) bool {
	return strings.Contains(text, "'"+namespace+"'") || strings.Contains(text, `"`+namespace+`"`)
}

// isFlag reports whether a text is an argument that names a namespace: --namespace=….
func isFlag(text, namespace string) bool {
	flag, value, ok := strings.Cut(text, "=")
	return ok && value == namespace && strings.HasPrefix(flag, "--") && about(flag)
}

// apiServer is the address of every cluster's API server, whatever is mapped.
const apiServer = "kubernetes.default.svc"

// hasAddress reports whether a text has the address of a Service of that namespace.
func hasAddress(text, namespace string) bool {
	text = strings.ReplaceAll(text, apiServer, "")
	host := "." + namespace + ".svc"
	for {
		i := strings.Index(text, host)
		if i < 0 {
			return false
		}
		before := i > 0 && isOfName(text[i-1])
		text = text[i+len(host):]
		if before && (text == "" || !isOfName(text[0])) {
			return true
		}
	}
}

// isOfName reports whether a byte can be part of a label of a host name.
func isOfName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

func position(i int) string { return "[" + strconv.Itoa(i) + "]" }
