// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// listingFailed passes the updates of a Config with which the sync tells that it
// could not list a location that is taken to be available: whether it is has to be
// found out now, and not at the next interval.
func listingFailed() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			was := listings(e.ObjectOld)
			for name, is := range listings(e.ObjectNew) {
				if is.Available && is.SyncMessage != "" && failed(was[name], is) {
					return true
				}
			}
			return false
		},
	}
}

// failed reports whether the sync said something new of a location without having
// listed it. What a complete listing could not show says nothing of the location.
func failed(was, is v1alpha1.StorageLocationStatus) bool {
	return is.SyncMessage != was.SyncMessage && is.LastSyncTime.Equal(was.LastSyncTime)
}

func listings(o client.Object) map[string]v1alpha1.StorageLocationStatus {
	cfg, ok := o.(*v1alpha1.Config)
	if !ok {
		return nil
	}
	byName := map[string]v1alpha1.StorageLocationStatus{}
	for _, l := range cfg.Status.Storage {
		byName[l.Name] = l
	}
	return byName
}
