// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package own tells which objects Ark's authority and its gates rest on: its
// kinds and their definitions, what runs in its namespace, the roles of its
// account, and what has a say in changes of its kinds.
//
// An archive can lie about all of them. So what is Ark's is told by what the
// cluster says at the moment, and an object is judged by what would be written
// and by what is there.
package own
