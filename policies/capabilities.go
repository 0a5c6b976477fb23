// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"bytes"
	_ "embed"
	"fmt"
	"sync"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilitiesJSON is the positive list of what a rule can call, in the format
// of OPA's --capabilities. A test keeps it in step with OPA's own list.
//
//go:embed capabilities.json
var capabilitiesJSON []byte

var capabilities = sync.OnceValue(func() *ast.Capabilities {
	c, err := ast.LoadCapabilitiesJSON(bytes.NewReader(capabilitiesJSON))
	if err != nil {
		panic(fmt.Errorf("read embedded capabilities: %w", err)) // a test reads it
	}
	return c
})
