// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

// Package lab starts the real Kubernetes control plane that Ark is tested
// against: etcd, kube-apiserver and, where namespaces have to go away and
// garbage has to be collected, kube-controller-manager.
//
// Nothing is downloaded as a binary. The components are built from Go modules
// pinned in the components folder, once, into ${XDG_CACHE_HOME:-~/.cache}/ark/lab.
// Where KUBEBUILDER_ASSETS is set, its binaries are used and only what it lacks
// (it never holds kube-controller-manager) is built.
//
// Tests use package labtest. The command cmd/lab keeps one cluster in the
// background for people: see "make lab".
package lab
