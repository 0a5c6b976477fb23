// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package fidelity holds the tests of what a backup and a restore are for: that
// whatever is in a cluster comes back equal, or is named with the reason.
//
// They run against a real API server, with the controller-manager where
// controllers matter, through the same code as the product: an attempt at a
// backup into a store, and a restore from it. The cases that are deleted and
// restored in one go become the table of docs/fidelity.md:
//
//	go test ./test/fidelity -run 'EverythingComesBack|StandsInTheWay|EverySetting' -update
package fidelity
