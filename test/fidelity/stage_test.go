// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package fidelity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/engine/kube"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

const (
	pollEvery = 50 * time.Millisecond
	// patience is generous: a busy machine is no reason to fail.
	patience = time.Minute
)

// object is any object of the cluster.
type object = unstructured.Unstructured

// stage is a real cluster and what tests do to it. It is safe for concurrent use.
type stage struct {
	// client is the administrator's, who arranges and looks.
	client client.Client
	// reader and writer are Ark's ways into the cluster, each with exactly the
	// rights of the chart's service account: backups are taken with those that it
	// has without restores, and restores run with all of them.
	reader, writer *kube.Cluster
	uid            string
	config         *rest.Config
}

func newStage(tb testing.TB, started *lab.Cluster) *stage {
	tb.Helper()
	reader, err := kube.New(labtest.ServiceAccount(tb, started, labtest.WithoutRestores), kube.Options{})
	must(tb, err)
	writer, err := kube.New(labtest.ServiceAccount(tb, started, labtest.WithRestores), kube.Options{})
	must(tb, err)
	uid, err := reader.ClusterUID(tb.Context())
	must(tb, err)
	return &stage{client: labtest.Client(tb, started), reader: reader, writer: writer, uid: uid, config: started.Config()}
}

// read returns the objects of a file in testdata.
func read(tb testing.TB, file string) []*object {
	tb.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", file))
	must(tb, err)
	return parse(tb, string(raw))
}

// parse reads objects from YAML.
func parse(tb testing.TB, text string) []*object {
	tb.Helper()
	var all []*object
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader([]byte(text)), 4096)
	for {
		o := &object{}
		if err := decoder.Decode(o); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			tb.Fatal(err)
		}
		if o.Object != nil {
			all = append(all, o)
		}
	}
}

// create creates objects in their order, each as soon as its type is served. An
// owner reference without a UID gets that of the live owner; a status is written
// through its path where there is one.
func (s *stage) create(tb testing.TB, objects ...*object) {
	tb.Helper()
	for _, o := range objects {
		made := o.DeepCopy()
		made.SetOwnerReferences(s.resolved(tb, o))
		eventually(tb, "create "+name(o), func(ctx context.Context) error {
			return ignore(s.client.Create(ctx, made.DeepCopy()), apierrors.IsAlreadyExists)
		})
		if status, ok := o.Object["status"]; ok {
			eventually(tb, "write the status of "+name(o), func(ctx context.Context) error {
				live, err := s.fetch(ctx, o)
				if err != nil {
					return err
				}
				live.Object["status"] = status
				return ignore(s.client.Status().Update(ctx, live), apierrors.IsNotFound)
			})
		}
	}
}

// resolved returns the owner references of an object with the UIDs of live owners.
func (s *stage) resolved(tb testing.TB, o *object) []metav1.OwnerReference {
	tb.Helper()
	refs := o.GetOwnerReferences()
	for i, ref := range refs {
		if ref.UID == "" {
			refs[i].UID = s.owner(tb, o.GetNamespace(), ref).GetUID()
		}
	}
	return refs
}

// owner returns the live owner that a reference in a namespace names.
func (s *stage) owner(tb testing.TB, namespace string, ref metav1.OwnerReference) *object {
	tb.Helper()
	owner := newObject(ref.APIVersion, ref.Kind, namespace, ref.Name)
	scoped, err := s.client.IsObjectNamespaced(owner)
	must(tb, err)
	if !scoped {
		owner.SetNamespace("")
	}
	return s.get(tb, owner)
}

func newObject(apiVersion, kind, namespace, name string) *object {
	o := &object{}
	o.SetAPIVersion(apiVersion)
	o.SetKind(kind)
	o.SetNamespace(namespace)
	o.SetName(name)
	return o
}

// fetch reads an object as it is now.
func (s *stage) fetch(ctx context.Context, o *object) (*object, error) {
	live := newObject(o.GetAPIVersion(), o.GetKind(), "", "")
	err := s.client.Get(ctx, client.ObjectKeyFromObject(o), live)
	return live, err
}

func (s *stage) get(tb testing.TB, o *object) *object {
	tb.Helper()
	live, err := s.fetch(tb.Context(), o)
	if err != nil {
		tb.Fatalf("get %s: %v", name(o), err)
	}
	return live
}

// list reads all objects of a kind in a namespace.
func (s *stage) list(ctx context.Context, apiVersion, kind, namespace string) ([]object, error) {
	all := &unstructured.UnstructuredList{}
	all.SetAPIVersion(apiVersion)
	all.SetKind(kind + "List")
	err := s.client.List(ctx, all, client.InNamespace(namespace))
	return all.Items, err
}

// remove deletes objects, without asking their finalizers, and waits until they
// are gone. What other objects may stand in the way of goes first.
func (s *stage) remove(tb testing.TB, objects ...*object) {
	tb.Helper()
	for _, o := range inTheWayFirst(objects) {
		eventually(tb, "delete "+name(o), func(ctx context.Context) error {
			live, err := s.fetch(ctx, o)
			if gone(err) {
				return nil
			}
			if err != nil {
				return err
			}
			return s.forceDelete(ctx, live)
		})
	}
	for _, o := range objects {
		eventually(tb, "see the end of "+name(o), func(ctx context.Context) error {
			live, err := s.fetch(ctx, o)
			if gone(err) {
				return nil
			}
			if err != nil {
				return err
			}
			if live.GetKind() != "Namespace" {
				if err := s.forceDelete(ctx, live); err != nil {
					return err
				}
			}
			conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
			return fmt.Errorf("it is there, with finalizers %v, and %v", live.GetFinalizers(), conditions)
		})
	}
}

// forceDelete deletes an object at once.
func (s *stage) forceDelete(ctx context.Context, live *object) error {
	if len(live.GetFinalizers()) > 0 {
		patch := client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`))
		if err := s.client.Patch(ctx, live, patch); !gone(err) && err != nil {
			return err
		}
	}
	return ignore(s.client.Delete(ctx, live, client.GracePeriodSeconds(0), client.PropagationPolicy(metav1.DeletePropagationBackground)), gone)
}

// inTheWayFirst puts what answers requests about others to the front, and
// objects before what holds them.
func inTheWayFirst(objects []*object) []*object {
	ranks := map[string]int{
		"ValidatingWebhookConfiguration": -1, "MutatingWebhookConfiguration": -1, "APIService": -1,
		"ValidatingAdmissionPolicyBinding": -1, "ValidatingAdmissionPolicy": -1, "ResourceQuota": -1,
		"CustomResourceDefinition": 1, "Namespace": 2,
	}
	var sorted []*object
	for rank := -1; rank <= 2; rank++ {
		for _, o := range objects {
			if ranks[o.GetKind()] == rank {
				sorted = append(sorted, o)
			}
		}
	}
	return sorted
}

// gone reports whether an error says that an object, or its type, is not there.
func gone(err error) bool { return apierrors.IsNotFound(err) || meta.IsNoMatchError(err) }

func ignore(err error, expected func(error) bool) error {
	if err != nil && expected(err) {
		return nil
	}
	return err
}

// name identifies an object in messages and tables.
func name(o *object) string {
	return strings.TrimSpace(o.GetKind() + " " + o.GetName())
}

func eventually(tb testing.TB, what string, try func(context.Context) error) {
	tb.Helper()
	var last error
	err := wait.PollUntilContextTimeout(tb.Context(), pollEvery, patience, true, func(ctx context.Context) (bool, error) {
		err := try(ctx)
		if ctx.Err() == nil {
			last = err
		}
		return err == nil, nil
	})
	if err != nil {
		tb.Fatalf("%s: %v", what, last)
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
