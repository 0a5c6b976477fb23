// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// update rewrites the plans:
//
//	go test ./test/examples -run Plan -update
var update = flag.Bool("update", false, "rewrite the plans of the examples")

// TestThePlanOfEveryExample creates the objects of an example in a real API
// server, collects them under its rules as a backup would, and compares what
// became of each with the plan that lies beside them.
func TestThePlanOfEveryExample(t *testing.T) {
	cluster := labtest.Shared(t)
	c := labtest.Client(t, cluster)
	source, err := kube.New(labtest.ServiceAccount(t, cluster, labtest.WithoutRestores), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	planned := 0
	for _, e := range examples(t) {
		policy := backupPolicy(e)
		if policy == nil {
			continue
		}
		planned++
		t.Run(e.name, func(t *testing.T) {
			created := e.create(t, c)
			outcome := collectUnder(t, e, policy, source)
			got := written(created, outcome)
			file := filepath.Join(e.dir, "tests", "plan.txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("%s: if this is what the rules should do, run with -update (-plan +outcome):\n%s", file, diff)
			}
		})
	}
	if planned < 3 {
		t.Errorf("only %d examples have a plan", planned)
	}
}

func backupPolicy(e example) *v1alpha1.BackupPolicy {
	for _, o := range e.objects {
		if p, ok := o.(*v1alpha1.BackupPolicy); ok {
			return p
		}
	}
	return nil
}

// create applies the objects that the example is tried on: tests/objects.yaml,
// or its application. It returns their names in the order of the files.
func (e example) create(t *testing.T, c client.Client) []string {
	t.Helper()
	files := e.files(t, "tests/*.yaml")
	if len(files) == 0 {
		files = e.files(t, "app/*.yaml")
	}
	var objects []client.Object
	for _, file := range files {
		objects = append(objects, decodeFile(t, file)...)
	}
	slices.SortStableFunc(objects, func(a, b client.Object) int { return rank(a) - rank(b) })
	var names []string
	for _, o := range objects {
		if err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, 30*time.Second, true, creation(c, o)); err != nil {
			t.Fatalf("create %s: %v", o.GetName(), err)
		}
		names = append(names, keyOf(t, c, o))
	}
	return names
}

// rank puts first what others cannot be created without.
func rank(o client.Object) int {
	switch o.(type) {
	case *apiextensionsv1.CustomResourceDefinition, *corev1.Namespace:
		return 0
	}
	return 1
}

// creation creates o. That a custom resource is not served yet is no reason to
// give up at once.
func creation(c client.Client, o client.Object) wait.ConditionWithContextFunc {
	return func(ctx context.Context) (bool, error) {
		err := c.Create(ctx, o)
		if _, custom := o.(*unstructured.Unstructured); custom && err != nil {
			return false, nil //nolint:nilerr // its definition is being taken in
		}
		return err == nil, err
	}
}

// keyOf names an object as Ark does.
func keyOf(t *testing.T, c client.Client, o client.Object) string {
	t.Helper()
	gvk, err := c.GroupVersionKindFor(o)
	if err != nil {
		t.Fatal(err)
	}
	mapping, err := c.RESTMapper().RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.Fatal(err)
	}
	key := mapping.Resource.GroupResource().String() + "/"
	if o.GetNamespace() != "" {
		key += o.GetNamespace() + "/"
	}
	return key + o.GetName()
}
