// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package sandbox compiles and asks rules in processes of their own.
//
// Who writes a rule decides how much work it is, and neither OPA's compiler nor its
// evaluator can be bounded in memory, the compiler not even stopped. So every
// policy gets a process: this program once more, without environment, files or
// network, which holds the rules of that one policy, and is ended when it takes
// more time or memory than it may. What goes over its pipes is bounded, too.
package sandbox
