// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/engine"
)

const (
	jsonType       = "application/json"
	mergePatchType = "application/merge-patch+json"
)

// writing are the parameters of every request that changes an object.
//
// The field manager is how others see whose a field is. Fields that the schema
// does not know are dropped without a word (Ignore): an object that an older
// API server stored may have some, and must come back all the same; Warn would
// make the API server decode twice for warnings that nobody sees.
func writing(manager string) url.Values {
	return url.Values{"fieldManager": {manager}, "fieldValidation": {"Ignore"}}
}

// Get implements engine.Getter.
func (c *Cluster) Get(ctx context.Context, r engine.Resource, namespace, name string) (engine.Object, error) {
	t := target{resource: r, namespace: namespace, name: name}
	if err := t.named(); err != nil {
		return engine.Object{}, err
	}
	return c.object(ctx, "get", request{method: http.MethodGet, target: t})
}

// Create implements engine.Writer.
func (c *Cluster) Create(ctx context.Context, r engine.Resource, namespace, manager string, raw []byte) (engine.Object, error) {
	if manager == "" {
		manager = engine.FieldManager
	}
	return c.object(ctx, "create", request{
		method: http.MethodPost, target: target{resource: r, namespace: namespace},
		query: writing(manager), contentType: jsonType, body: raw,
	})
}

// Update implements engine.Writer.
func (c *Cluster) Update(ctx context.Context, r engine.Resource, namespace, name, subresource string, raw []byte) (engine.Object, error) {
	t := target{resource: r, namespace: namespace, name: name, subresource: subresource}
	if err := t.named(); err != nil {
		return engine.Object{}, err
	}
	return c.object(ctx, "update", request{
		method: http.MethodPut, target: t, query: writing(engine.FieldManager), contentType: jsonType, body: raw,
	})
}

// Patch implements engine.Writer.
func (c *Cluster) Patch(ctx context.Context, r engine.Resource, namespace, name string, patch []byte) (engine.Object, error) {
	t := target{resource: r, namespace: namespace, name: name}
	if err := t.named(); err != nil {
		return engine.Object{}, err
	}
	return c.object(ctx, "patch", request{
		method: http.MethodPatch, target: t, query: writing(engine.FieldManager), contentType: mergePatchType, body: patch,
	})
}

// Delete implements engine.Writer. ErrNotFound when the object does not exist.
func (c *Cluster) Delete(ctx context.Context, r engine.Resource, namespace, name string, only engine.DeleteOptions) error {
	t := target{resource: r, namespace: namespace, name: name}
	if err := t.named(); err != nil {
		return err
	}
	propagation := metav1.DeletePropagationBackground
	if only.KeepDependents {
		propagation = metav1.DeletePropagationOrphan
	}
	opts := metav1.DeleteOptions{
		TypeMeta:          metav1.TypeMeta{APIVersion: "v1", Kind: "DeleteOptions"},
		PropagationPolicy: &propagation,
	}
	if only.UID != "" || only.ResourceVersion != "" {
		opts.Preconditions = &metav1.Preconditions{}
	}
	if only.UID != "" {
		opts.Preconditions.UID = &only.UID
	}
	if only.ResourceVersion != "" {
		opts.Preconditions.ResourceVersion = &only.ResourceVersion
	}
	body, err := json.Marshal(opts)
	if err != nil {
		return fmt.Errorf("delete %s: %w", t, err)
	}
	_, err = c.roundTrip(ctx, "delete", request{method: http.MethodDelete, target: t, contentType: jsonType, body: body})
	return err
}

// named refuses a target without a name: deleting it would delete all objects
// of its type.
func (t target) named() error {
	if t.name == "" {
		return fmt.Errorf("address %s: %w", t, &apiError{kind: engine.ErrInvalid, message: "the name is empty"})
	}
	return nil
}
