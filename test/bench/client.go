// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"k8s.io/client-go/rest"
)

// client is the neutral client: plain requests, nothing decoded that need not be.
type client struct {
	http *http.Client
	host string
}

func newClient(cfg *rest.Config) (*client, error) {
	c, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &client{http: c, host: cfg.Host}, nil
}

// send sends a request and passes the body of a successful answer to read.
func (c *client) send(ctx context.Context, method, path, contentType string, body []byte, read func(io.Reader) error) error {
	req, err := http.NewRequestWithContext(ctx, method, c.host+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return read(resp.Body)
}

// create posts an object and returns its UID.
func (c *client) create(ctx context.Context, path string, body []byte) (string, error) {
	var uid string
	err := c.send(ctx, http.MethodPost, path, "application/json", body, readUID(&uid))
	return uid, err
}

// apply creates an object as a GitOps tool does, by server-side apply.
func (c *client) apply(ctx context.Context, path string, body []byte) (string, error) {
	var uid string
	err := c.send(ctx, http.MethodPatch, path+"?force=true&fieldManager="+fieldManager, "application/apply-patch+yaml", body, readUID(&uid))
	return uid, err
}

// patchStatus writes the status that a controller would have written.
func (c *client) patchStatus(ctx context.Context, path string, status []byte) error {
	return c.send(ctx, http.MethodPatch, path+"/status?fieldManager=controller", "application/merge-patch+json", status, discard)
}

func discard(r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}

func readUID(uid *string) func(io.Reader) error {
	return func(r io.Reader) error {
		var o struct {
			Metadata struct {
				UID string `json:"uid"`
			} `json:"metadata"`
		}
		err := json.NewDecoder(r).Decode(&o)
		*uid = o.Metadata.UID
		return err
	}
}
