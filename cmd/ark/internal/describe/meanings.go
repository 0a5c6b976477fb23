// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package describe

// meanings explains the reason codes that Ark itself gives.
var meanings = map[string]string{}
