// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package collect takes a backup: it lists what a template covers, asks the
// rules, writes the archive, and hands back what the commit marker has to say.
//
// An object passes three gates, in this order. The template covers it, by type,
// namespace and labels; what it does not cover is not seen: there is no line for
// it in the index and it is counted nowhere. It is not one of the Secrets that
// Ark itself lives on. The rules take it. What the last two leave out stands in
// the index with its reason codes.
//
// Cluster-scoped objects that archived ones need are pulled in, whatever
// included types and labels say, and even if no rule includes them; excluded
// types and rules that exclude still win. A Namespace is archived when the
// template covers it as it covers any object, or when something archived lies in
// it. Objects that are being deleted are archived like any other.
//
// What goes wrong with one object or one type is data: it is named in the report,
// and the backup is partial. Only a sink that fails, a cluster that does not
// answer at all, or the end of the context ends the run.
package collect
