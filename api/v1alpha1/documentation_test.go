// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// sources parses the files of the package that people write.
func sources(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") || strings.HasPrefix(name, "zz_") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	return files
}

// What kubectl explain shows begins with the name that people write.
func TestEveryFieldsCommentStartsWithItsName(t *testing.T) {
	fields := 0
	for _, file := range sources(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			decl, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := decl.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					fields++
					checkField(t, decl.Name.Name, f)
				}
			}
			return true
		})
	}
	if fields < 100 {
		t.Errorf("found %d fields: does the test still read the types?", fields)
	}
}

func checkField(t *testing.T, kind string, f *ast.Field) {
	t.Helper()
	if f.Tag == nil {
		t.Errorf("%s: a field has no json name", kind)
		return
	}
	name, options, _ := strings.Cut(reflect.StructTag(strings.Trim(f.Tag.Value, "`")).Get("json"), ",")
	if name == "" && options == "inline" || name == "metadata" && f.Doc == nil {
		return // of the Kubernetes API itself
	}
	first, _, _ := strings.Cut(f.Doc.Text(), " ")
	if strings.TrimSuffix(first, ":") != name {
		t.Errorf("%s.%s: the comment starts with %q", kind, name, first)
	}
}

func TestEveryConditionReasonAndValueIsDocumented(t *testing.T) {
	constants := 0
	for _, file := range sources(t) {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				value, ok := spec.(*ast.ValueSpec)
				if !ok {
					continue
				}
				doc := value.Doc
				if doc == nil && !group.Lparen.IsValid() {
					doc = group.Doc
				}
				for _, name := range value.Names {
					constants++
					if !strings.HasPrefix(doc.Text(), name.Name) {
						t.Errorf("%s is not documented", name.Name)
					}
				}
			}
		}
	}
	if constants < 40 {
		t.Errorf("found %d constants: does the test still read them?", constants)
	}
}
