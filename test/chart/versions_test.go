// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package chart_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"

	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// emulated are the older versions that the API server of the lab can take on: it
// then serves their APIs, and checks the kinds' rules with their language.
var emulated = []string{"1.33", "1.34", "1.35"}

func TestAPIServersOfOlderVersionsTakeEveryObject(t *testing.T) {
	for _, version := range emulated {
		t.Run(version, func(t *testing.T) {
			cluster := empty(t, lab.Options{Emulate: version})
			serves(t, cluster, version)
			c := labtest.Client(t, cluster)
			if err := c.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: labtest.Namespace}}); err != nil {
				t.Fatal(err)
			}
			for name, values := range sets {
				for _, o := range render(t, values) {
					if err := dryRun(t.Context(), c, o); err != nil {
						t.Errorf("%s: %T %s: %v", name, o, o.GetName(), err)
					}
				}
			}
		})
	}
}

// serves fails unless the API server says that it is of the version.
func serves(t *testing.T, cluster *lab.Cluster, version string) {
	t.Helper()
	d, err := discovery.NewDiscoveryClientForConfig(cluster.Config())
	if err != nil {
		t.Fatal(err)
	}
	info, err := d.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if got := info.EmulationMajor + "." + info.EmulationMinor; got != version {
		t.Fatalf("the API server emulates %q, want %s", got, version)
	}
}

// lifecycle is what types of Kubernetes tell of themselves.
type lifecycle interface {
	APILifecycleIntroduced() (major, minor int)
}

// removed is what a type tells that is not served any more, or will not be.
type removed interface {
	APILifecycleRemoved() (major, minor int)
}

// The API servers before those that can be emulated cannot be had here. That they
// serve every type is what the types themselves say.
func TestEveryTypeIsServedFromTheOldestVersionOn(t *testing.T) {
	oldest := floor(t)
	told := 0
	for name, values := range sets {
		for _, o := range render(t, values) {
			if typed, ok := o.(lifecycle); ok {
				told++
				if major, minor := typed.APILifecycleIntroduced(); major > 1 || minor > oldest {
					t.Errorf("%s: %T is served from %d.%d on, and the chart is for 1.%d", name, o, major, minor, oldest)
				}
			}
			if typed, ok := o.(removed); ok {
				major, minor := typed.APILifecycleRemoved()
				t.Errorf("%s: %T is not served from %d.%d on", name, o, major, minor)
			}
		}
	}
	if told < len(sets)*5 {
		t.Errorf("%d objects tell when their type was introduced: does the check still work?", told)
	}
}

// floor is the minor version that the chart asks for at least.
func floor(t *testing.T) int {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^kubeVersion: ">=1\.(\d+)\.0-0"$`).FindSubmatch(content)
	if m == nil {
		t.Fatal("Chart.yaml says no oldest version")
	}
	minor, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return minor
}

// What is rendered must not hang on the version: it would be tested for one only.
func TestTheChartIsTheSameForEveryVersion(t *testing.T) {
	var first string
	for minor := floor(t); minor <= 36; minor++ {
		out, err := helm(t, required, "template", "ark", chart, "--namespace", labtest.Namespace, "--kube-version", fmt.Sprintf("v1.%d.0", minor))
		if err != nil {
			t.Fatal(out)
		}
		if first == "" {
			first = out
		}
		if out != first {
			t.Errorf("1.%d gets another chart than 1.%d", minor, floor(t))
		}
	}
}
