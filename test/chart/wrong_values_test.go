// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/test/lab/labtest"
)

// free are the maps whose keys are a user's.
var free = map[string]bool{
	"metrics.annotations": true, "serviceAccount.annotations": true, "podLabels": true, "podAnnotations": true,
	"nodeSelector": true, "affinity": true, "resources.requests": true, "resources.limits": true,
}

// TestEveryValueOfAWrongTypeIsRefused gives each value that there is another type,
// and each map with fixed keys one more.
func TestEveryValueOfAWrongTypeIsRefused(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	tried := 0
	refuse := func(path []string, value string) {
		tried++
		name := strings.Join(path, ".")
		out, err := helm(t, required, "template", "ark", chart, "--namespace", labtest.Namespace, "--set-json", name+"="+value)
		if err == nil || !strings.Contains(out, "values don't meet the specifications of the schema") {
			t.Errorf("%s=%s is taken, or refused for another reason: %v", name, value, err)
		}
	}
	var visit func(path []string, value any)
	visit = func(path []string, value any) {
		below, isMap := value.(map[string]any)
		switch {
		case isMap && free[strings.Join(path, ".")]:
			refuse(path, `"wrong"`)
		case isMap:
			refuse(append(append([]string(nil), path...), "unheardOf"), "1")
			for key, child := range below {
				visit(append(append([]string(nil), path...), key), child)
			}
		default:
			wrong := `"wrong"`
			if _, isText := value.(string); isText {
				wrong = "[1]"
			}
			refuse(path, wrong)
		}
	}
	visit(nil, values)
	if tried < 40 {
		t.Errorf("tried %d values", tried)
	}
}

// A value without a word beside it is one that a user has to look up in templates.
func TestEveryValueIsExplained(t *testing.T) {
	content, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range strings.Split(string(content), "\n\n")[2:] {
		if !strings.Contains(block, "#") {
			t.Errorf("nothing explains\n%s", block)
		}
	}
}
