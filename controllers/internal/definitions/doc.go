// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package definitions holds the definitions of Ark's kinds, as the API server has
// them, against what this program and the stored objects need.
//
// The API server drops fields that a definition lacks, when it reads an object from
// etcd as well as when it writes one. A Config without its rules looks like one that
// never had any; and to write its status would make that so for good. So a kind
// whose definition lacks a field is neither read nor written.
package definitions
