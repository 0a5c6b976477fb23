// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/gopherwood/ark/api/v1alpha1"
)

// sweepAfter is how old a kept revision is before it can be swept: between Keep
// and the status that names it, nobody does.
const sweepAfter = time.Hour

// +kubebuilder:rbac:groups=core,namespace=ark-system,resources=configmaps,verbs=list;delete

// Sweep deletes the kept revisions that no Config and no BackupPolicy names any
// more: every change of a rule leaves one behind.
func (l *Loader) Sweep(ctx context.Context, now time.Time) error {
	var kept metav1.PartialObjectMetadataList
	kept.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("ConfigMapList"))
	err := l.Client.List(ctx, &kept, client.InNamespace(l.Namespace),
		client.MatchingLabels{v1alpha1.CreatedByLabel: v1alpha1.CreatedByPolicy})
	if err != nil {
		return fmt.Errorf("list kept rules: %w", err)
	}
	if len(kept.Items) == 0 {
		return nil
	}
	named, err := l.named(ctx)
	if err != nil {
		return err
	}
	for i := range kept.Items {
		cm := &kept.Items[i]
		if named[cm.Name] || !strings.HasPrefix(cm.Name, keptPrefix) || now.Sub(cm.CreationTimestamp.Time) < sweepAfter {
			continue
		}
		if err := l.Writer.Delete(ctx, cm, client.Preconditions{UID: &cm.UID}); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete kept rules %s: %w", cm.Name, err)
		}
		log.FromContext(ctx).V(1).Info("Deleted rules that nobody uses any more", "configMap", cm.Name)
	}
	return nil
}

// named returns the ConfigMaps of the revisions that some status names.
func (l *Loader) named(ctx context.Context) (map[string]bool, error) {
	var configs v1alpha1.ConfigList
	var all v1alpha1.BackupPolicyList
	if err := l.Client.List(ctx, &configs); err != nil {
		return nil, fmt.Errorf("list configs: %w", err)
	}
	if err := l.Client.List(ctx, &all); err != nil {
		return nil, fmt.Errorf("list policies: %w", err)
	}
	named := map[string]bool{}
	add := func(r *v1alpha1.PolicyRevision) {
		if r != nil {
			named[keptName(r.Digest)] = true
		}
	}
	for i := range configs.Items {
		add(configs.Items[i].Status.Policy)
	}
	for i := range all.Items {
		add(all.Items[i].Status.Policy)
	}
	return named, nil
}
