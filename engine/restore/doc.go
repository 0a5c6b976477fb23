// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package restore puts the objects of a backup back: it plans from the index,
// asks the gates, transforms, and applies in layers.
package restore
