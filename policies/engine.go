// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import "github.com/open-policy-agent/opa/v1/version"

// Engine names what evaluates rules, and its version.
func Engine() string { return "opa " + version.Version }
