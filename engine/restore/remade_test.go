// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package restore

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/gopherwood/ark/engine"
	"github.com/gopherwood/ark/engine/archive"
)

func TestOnlyWhatABuiltInControllerMakesIsRemade(t *testing.T) {
	yes := true
	owners := []engine.Owner{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "u-1", Controller: &yes}}
	configMap := archive.Entry{Version: "v1", Resource: "configmaps", Kind: "ConfigMap", Namespace: "shop", Name: "made-by-an-operator", Owners: owners}
	l := &lineage{remakers: map[types.UID]remaker{
		"u-1": {kind: schema.GroupKind{Group: "apps", Kind: "Deployment"}, included: true},
	}}
	replicaSet := archive.Entry{Group: "apps", Version: "v1", Resource: "replicasets", Kind: "ReplicaSet", Namespace: "shop", Name: "web-1", Owners: owners}
	if !l.isRemade(&replicaSet) {
		t.Error("a ReplicaSet of a Deployment would come back beside the one that is made for it")
	}
	if l.isRemade(&configMap) {
		t.Error("a ConfigMap that an operator gave to a Deployment would not come back")
	}
}
