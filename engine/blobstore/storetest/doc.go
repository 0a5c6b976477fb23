// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package storetest holds stores to the contract of engine.Store, and breaks
// that contract on purpose.
//
// Run checks a store. Faulty wraps one and fails, stalls, lies, loses and cuts
// short as it is told, for the tests of everything that uses a store:
//
//	store := storetest.NewFaulty(inner)
//	store.Inject(storetest.Fault{Op: storetest.OpOpen, Key: "index", Effect: storetest.FlipByte(100)})
package storetest
