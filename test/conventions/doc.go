// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package conventions holds the repository to what it says of itself: its
// layers, the table of packages in the README, the licence of each file.
package conventions
