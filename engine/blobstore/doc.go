// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package blobstore implements engine.Store: a storage location is opened by its
// URL, whose scheme says what kind of storage it is.
//
// Schemes and parameters are an allow-list. Openers that take whatever a URL
// says would let the author of a Config name local key files and redirect
// credentials.
package blobstore
