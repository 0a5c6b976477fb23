// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package archive reads and writes format 1: what one backup looks like in a
// store.
//
//	ark-store.json                              identity of the store; written once
//	<cluster UID>/markers/<name>.json           commit marker: exists = the backup exists
//	<cluster UID>/data/<name>/<attempt>/        the files that the marker names
//	<cluster UID>/records/<name>/<seq>.json     what changed after the commit; append-only
//	<cluster UID>/restores/<name>/<uid>/        what restores did
//
// Contents and index are each many gzip members in a row, which RFC 1952 allows
// and every gunzip reads as one. A member of the contents holds whole tar entries,
// about a mebibyte of them, so that one object costs one range request; a member
// of the index holds whole lines. Members are made by several workers at once.
//
// Everything is written once: data first, the marker last. Everything that is
// read is hostile until checked: names, paths, sizes and counts are bounded
// before use, and decompression is capped.
package archive
