// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

// kinds are those that have a page, by the folder of their controller.
var kinds = map[string]string{
	"config": "Config", "policy": "BackupPolicy", "schedule": "Schedule", "backup": "Backup", "restore": "Restore",
}

// sections are what a page of a kind has, in this order.
func sections(kind string) []string {
	writing := "Writing a " + kind + " spec"
	return []string{"Example", writing, "Working with ", kind + " Status"}
}

// TestEveryKindHasAPage checks the shape of the pages, and that each tells of every
// field of the definition that users install: those of the spec where it is
// written, those of the status at the end.
func TestEveryKindHasAPage(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			page := "docs/spec/" + strings.ToLower(kind) + ".md"
			rest := read(t, page)
			bodies := map[string]string{}
			title := ""
			for _, section := range sections(kind) {
				before, after, found := strings.Cut(rest, "\n## "+section)
				if !found {
					t.Fatalf("%s has no section %q where it should be", page, section)
				}
				bodies[title], title, rest = before, section, after
			}
			bodies[title] = rest
			schema := definition(t, kind).Properties
			for part, section := range map[string]string{"spec": "Writing a " + kind + " spec", "status": kind + " Status"} {
				told := named(bodies[section])
				if template, ok := schema["status"].Properties["template"]; ok {
					template.Properties = nil // they are those of the spec's
					schema["status"].Properties["template"] = template
				}
				for _, field := range fields(schema[part]) {
					if !told[field] {
						t.Errorf("%s: section %q does not name %s of the %s", page, section, field, part)
					}
				}
			}
		})
	}
}

// definition is the schema of a kind as the chart installs it.
func definition(t *testing.T, kind string) apiextensionsv1.JSONSchemaProps {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, "charts/ark/files/crds/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var crd apiextensionsv1.CustomResourceDefinition
		if err := yaml.Unmarshal(content, &crd); err != nil {
			t.Fatal(err)
		}
		if crd.Spec.Names.Kind == kind {
			return *crd.Spec.Versions[0].Schema.OpenAPIV3Schema
		}
	}
	t.Fatalf("the chart has no definition of %s", kind)
	return apiextensionsv1.JSONSchemaProps{}
}

// fields are the names of all fields below a schema, apart from those of
// conditions and label selectors, which are Kubernetes' own.
func fields(s apiextensionsv1.JSONSchemaProps) []string {
	var names []string
	for name, property := range s.Properties {
		names = append(names, name)
		switch name {
		case "conditions", "labelSelector", "orLabelSelectors":
			continue
		}
		names = append(names, fields(property)...)
		if property.Items != nil && property.Items.Schema != nil {
			names = append(names, fields(*property.Items.Schema)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// quoted is what stands between backquotes.
var quoted = regexp.MustCompile("`([^`\n]+)`")

// named are the fields that a text names: the last parts of paths between
// backquotes.
func named(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range quoted.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		field, _, _ := strings.Cut(m[1], ":")
		for part := range strings.SplitSeq(strings.ReplaceAll(field, "[]", ""), ".") {
			found[part] = true
		}
	}
	return found
}

// byDefault is what the description of a field says of one that is omitted, where
// that is a single value.
var byDefault = regexp.MustCompile(`When omitted, it is ([A-Z0-9][A-Za-z0-9]*)`)

// elsewhere are parts of a spec whose fields the page of BackupPolicy tells of.
var elsewhere = map[string][]string{"Backup": {"template"}, "Schedule": {"template", "retention"}}

// TestThePagesTellTheDefaultsOfFields compares what the definitions say of fields
// that are omitted with what the pages say of them, row by row.
func TestThePagesTellTheDefaultsOfFields(t *testing.T) {
	compared := 0
	for _, kind := range kinds {
		page := "docs/spec/" + strings.ToLower(kind) + ".md"
		told := passages(read(t, page))
		spec := definition(t, kind).Properties["spec"]
		for _, part := range elsewhere[kind] {
			delete(spec.Properties, part)
		}
		for field, value := range defaults(spec) {
			compared++
			is := regexp.MustCompile(`\b` + value + `\b`)
			if !slices.ContainsFunc(told, func(text string) bool { return named(text)[field] && is.MatchString(text) }) {
				t.Errorf("%s does not say that %s is %s when it is omitted", page, field, value)
			}
		}
	}
	if compared < 15 {
		t.Errorf("only %d defaults were compared", compared)
	}
}

// defaults are the values of omitted fields below a schema, by field.
func defaults(s apiextensionsv1.JSONSchemaProps) map[string]string {
	found := map[string]string{}
	for name, property := range s.Properties {
		if m := byDefault.FindStringSubmatch(strings.Join(strings.Fields(property.Description), " ")); m != nil {
			found[name] = m[1]
		}
		maps.Copy(found, defaults(property))
		if property.Items != nil && property.Items.Schema != nil {
			maps.Copy(found, defaults(*property.Items.Schema))
		}
	}
	return found
}

// passages are the rows of the tables of a page, and its paragraphs.
func passages(page string) []string {
	var all []string
	paragraph := ""
	for line := range strings.Lines(fenced.ReplaceAllString(page, "") + "\n") {
		switch row := strings.HasPrefix(line, "|"); {
		case row:
			all = append(all, line)
		case strings.TrimSpace(line) == "":
			all, paragraph = append(all, paragraph), ""
		default:
			paragraph += line
		}
	}
	return append(all, paragraph)
}

// TestThePagesTellTheReasonsOfEachKind compares the reasons that the controller of
// a kind gives with those in the tables of its page; and no page names a reason
// that there is not.
func TestThePagesTellTheReasonsOfEachKind(t *testing.T) {
	declared := reasonConstants(t)
	all := slices.Collect(maps.Values(declared))
	row := regexp.MustCompile("(?m)^\\| ((?:`\\w+`(?:, )?)+) \\| (?:True|False|Unknown)")
	somewhere := map[string]bool{}
	for folder, kind := range kinds {
		page := "docs/spec/" + strings.ToLower(kind) + ".md"
		told := map[string]bool{}
		for _, m := range row.FindAllStringSubmatch(read(t, page), -1) {
			for _, reason := range quoted.FindAllStringSubmatch(m[1], -1) {
				told[reason[1]], somewhere[reason[1]] = true, true
				if !slices.Contains(all, reason[1]) {
					t.Errorf("%s: there is no reason %s", page, reason[1])
				}
			}
		}
		given := used(t, filepath.Join(root, "controllers", folder), declared)
		if len(given) == 0 {
			t.Errorf("the controller of %s gives no reasons: are they looked for in the right place?", kind)
		}
		for _, reason := range given {
			if !told[reason] {
				t.Errorf("%s: the controller gives the reason %s, and no table has it", page, reason)
			}
		}
	}
	for _, reason := range all {
		if !somewhere[reason] {
			t.Errorf("no page of a kind tells of the reason %s", reason)
		}
	}
}

// reasonConstants are the reasons that the API declares, by the names of the constants.
func reasonConstants(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "api/v1alpha1/conditions.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\t(\w+Reason) = "(\w+)"$`).FindAllStringSubmatch(string(content), -1) {
		found[m[1]] = m[2]
	}
	if len(found) < len(declaredReasons(t)) {
		t.Fatalf("only %d of %d reasons were found", len(found), len(declaredReasons(t)))
	}
	return found
}

// used are the reasons that the code in a folder names.
func used(t *testing.T, folder string, declared map[string]string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var reasons []string
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok && declared[selector.Sel.Name] != "" {
				reasons = append(reasons, declared[selector.Sel.Name])
			}
			return true
		})
	}
	slices.Sort(reasons)
	return slices.Compact(reasons)
}
