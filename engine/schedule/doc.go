// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package schedule answers, from times alone, when a backup is due.
//
// A cron expression names wall-clock times in a time zone. Where clocks are put
// forward, a time that does not exist fires at the first instant after the gap:
// a nightly backup is not skipped on that night. Where clocks are put back, a
// time that comes twice fires the first time only, unless the expression fires
// in every hour: then both hours count.
package schedule
