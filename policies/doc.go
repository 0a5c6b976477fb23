// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package policies rules on backups and restores with Rego.
//
// A policy is a pure function of its input document: it cannot reach the
// network, the clock or the environment, and its time is bounded. Compile turns
// sources into a Policy or says what is wrong with them, by file and line.
// A Selector puts Policies behind the port through which backups are selected,
// Gates behind the one through which restores are allowed.
//
// The entry points are packages with multi-value rules:
//
//	ark.select          exclude, include         contain a reason code
//	ark.restore         deny, warn               contain {"code": ..., "msg": ...}
//	ark.restore_select  deny, skip               contain a reason code
//
// What they see is described by the JSON schemas in schemas/, what they can call
// by capabilities.json, which the opa command takes as it is.
package policies
