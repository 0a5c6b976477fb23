// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package collect takes a backup: it lists what a template covers, asks the
// rules, writes the archive, and hands back what the commit marker has to say.
package collect
