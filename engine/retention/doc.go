// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package retention says which backups are kept and which have expired.
//
// A backup is kept while its time to live runs, while it is on hold, or while a
// keep rule wants it. Nothing here deletes: decisions are made from times and
// counts alone, and deciding again about what was kept keeps all of it.
package retention
