// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package transform turns an archived object into one that a cluster takes.
//
// The package is pure: objects in, objects out. What the API server sets itself
// is dropped, what refers to a namespace follows a mapping, and what cannot come
// back at all is named with a code. Nothing else of an object changes.
package transform
