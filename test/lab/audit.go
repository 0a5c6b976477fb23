// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	auditPolicy = "audit-policy.json"
	auditLog    = "audit.log"
)

// auditEvent is what the API server records of one request, as far as anybody
// here asks: https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/
type auditEvent struct {
	RequestURI string `json:"requestURI"`
	Verb       string `json:"verb"`
	UserAgent  string `json:"userAgent"`
	User       struct {
		Username string `json:"username"`
	} `json:"user"`
	ObjectRef *struct {
		Resource    string `json:"resource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
		APIGroup    string `json:"apiGroup"`
		Subresource string `json:"subresource"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
}

// Request is a request that an audited user made, as the API server's
// authorization sees it.
type Request struct {
	User, UserAgent string
	// Verb is one of RBAC's, such as list.
	Verb string
	// Path is that of the URL. The rest is empty where it names no resource.
	Path            string
	Group, Resource string // Resource with the subresource: pods/status
	Namespace, Name string
	// Code is that of the response, 0 when there was none, and Message its reason.
	Code    int
	Message string
}

// Audited returns the requests of the users that Options.Audit names, in the
// order in which they were answered: a watch when it begins, and again when it ends.
func (c *Cluster) Audited() ([]Request, error) {
	f, err := os.Open(filepath.Join(c.Dir, auditLog))
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer f.Close()
	var requests []Request
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return requests, nil // a line without an end is still being written
		}
		if err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		var e auditEvent
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		requests = append(requests, e.request())
	}
}

func (e auditEvent) request() Request {
	r := Request{
		User: e.User.Username, UserAgent: e.UserAgent, Verb: e.Verb, Path: e.RequestURI,
		Code: e.ResponseStatus.Code, Message: e.ResponseStatus.Message,
	}
	if o := e.ObjectRef; o != nil {
		r.Group, r.Resource, r.Namespace, r.Name = o.APIGroup, o.Resource, o.Namespace, o.Name
		if o.Subresource != "" {
			r.Resource += "/" + o.Subresource
		}
	}
	return r
}

// auditFlags are the API server's flags that make it record.
func (c *Cluster) auditFlags() ([]string, error) {
	if len(c.options.Audit) == 0 {
		return nil, nil
	}
	policy, err := json.Marshal(map[string]any{
		"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
		"omitStages": []string{"RequestReceived"},
		"rules": []any{
			map[string]any{"level": "Metadata", "users": c.options.Audit},
			map[string]any{"level": "None"},
		},
	})
	if err == nil {
		err = os.WriteFile(filepath.Join(c.Dir, auditPolicy), policy, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("write the audit policy: %w", err)
	}
	return []string{
		"--audit-policy-file=" + auditPolicy, "--audit-log-path=" + auditLog,
		"--audit-log-mode=blocking", "--audit-log-format=json",
	}, nil
}
