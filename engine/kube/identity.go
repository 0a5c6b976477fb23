// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/own"
)

var _ own.Cluster = (*Cluster)(nil)

// WhoAmI implements own.Cluster: it asks for a SelfSubjectReview, which anybody may
// who is known to the API server.
func (c *Cluster) WhoAmI(ctx context.Context) (string, error) {
	r := request{
		method: http.MethodPost,
		target: target{resource: engine.Resource{
			Group: "authentication.k8s.io", Version: "v1", Name: "selfsubjectreviews", Kind: "SelfSubjectReview",
		}},
		contentType: jsonType,
		body:        []byte(`{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}`),
	}
	answer, err := c.roundTrip(ctx, "create", r)
	if err != nil {
		return "", err
	}
	var review struct {
		Status struct {
			UserInfo struct {
				Username string `json:"username"`
			} `json:"userInfo"`
		} `json:"status"`
	}
	if err := json.Unmarshal(answer, &review); err != nil {
		return "", fmt.Errorf("create %s: read the answer: %w", r.target, err)
	}
	return review.Status.UserInfo.Username, nil
}
