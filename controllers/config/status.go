// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/announce"
	"github.com/gopherwood/ark/controllers/internal/conditions"
	"github.com/gopherwood/ark/controllers/internal/longrun"
	"github.com/gopherwood/ark/engine/collect"
	"github.com/gopherwood/ark/engine/restore"
)

// setStatus derives the status from what the steps learned. Of a location it
// leaves what the sync counts, unless it is another store now.
func setStatus(s *scope, clusterUID string, err error) {
	status := &s.cfg.Status
	status.ObservedGeneration = s.cfg.Generation
	set := conditions.Set{Conditions: &status.Conditions, Generation: s.cfg.Generation, Now: s.now}

	switch {
	case err != nil:
		set.Judge(err)
	case len(s.checked) == 0:
		set.Ready(v1alpha1.SucceededReason, "there is no storage location yet: nothing can be backed up or restored")
	default:
		set.Ready(v1alpha1.SucceededReason, fmt.Sprintf("%d of %d storage locations are available", len(s.checked), len(s.checked)))
	}

	status.Mode = s.cfg.Spec.Mode
	if status.Mode == "" {
		status.Mode = v1alpha1.ModeFull
	}
	status.Concurrency = concurrency(s.cfg.Spec.Concurrency)
	status.ClusterUID = clusterUID
	if s.rules != nil {
		status.Policy = s.rules.Status()
	}
	if s.checked != nil {
		status.Storage = storage(s, status.Storage)
	}
}

// concurrency fills in what the spec leaves open.
func concurrency(asked *v1alpha1.Concurrency) *v1alpha1.Concurrency {
	var c v1alpha1.Concurrency
	if asked != nil {
		c = *asked
	}
	return &v1alpha1.Concurrency{
		Backups: longrun.Backups(asked), Restores: longrun.Restores(asked),
		Lists: cmp.Or(c.Lists, collect.DefaultLists), Writes: cmp.Or(c.Writes, restore.DefaultWorkers),
	}
}

// storage returns the state of each location, in the order of the spec.
func storage(s *scope, known []v1alpha1.StorageLocationStatus) []v1alpha1.StorageLocationStatus {
	var all []v1alpha1.StorageLocationStatus
	for _, c := range s.checked {
		l := v1alpha1.StorageLocationStatus{Name: c.name}
		for _, k := range known {
			if k.Name == c.name {
				l = k
			}
		}
		if c.storeID != "" && c.storeID != l.StoreID {
			l = v1alpha1.StorageLocationStatus{
				Name: c.name, StoreID: c.storeID, PublicKey: l.PublicKey, PublicKeySecretName: l.PublicKeySecretName,
			}
		}
		if c.storeID != "" {
			l.StoreAddress = c.storeAddress
		}
		if c.problem == nil {
			l.ConditionalWrites = c.conditional
		}
		showKey(&l, c)
		l.Available, l.Message = c.problem == nil, ""
		if c.problem != nil {
			l.Message = c.problem.Error()
		}
		l.LastCheckTime = &metav1.Time{Time: s.now}
		all = append(all, l)
	}
	return all
}

// showKey shows the key that signs. One that cannot be read now, or that only a
// location that is not written any more has no use for, is the key all the same.
func showKey(l *v1alpha1.StorageLocationStatus, c check) {
	switch {
	case c.unsigned != nil:
	case c.publicKey != "":
		l.PublicKey, l.PublicKeySecretName = c.publicKey, c.signer
	case c.signer == "" || c.signer != l.PublicKeySecretName:
		l.PublicKey, l.PublicKeySecretName = "", ""
	}
}

// announce tells what a person would want to be told as it happens.
func (r *Reconciler) announce(s *scope) {
	for _, l := range s.cfg.Status.Storage {
		switch was, known := available(s.first, l.Name); {
		case l.Available && (!known || !was):
			announce.Normal(r.Events, s.cfg, v1alpha1.EventLocationAvailable, "CheckLocation",
				fmt.Sprintf("storage location %q is available", l.Name))
		case !l.Available && (!known || was):
			announce.Warning(r.Events, s.cfg, v1alpha1.StorageUnavailableReason, "CheckLocation", l.Message)
		}
	}
	r.announceKeys(s)
	now := meta.FindStatusCondition(s.cfg.Status.Conditions, v1alpha1.StalledCondition)
	was := meta.FindStatusCondition(s.first.Status.Conditions, v1alpha1.StalledCondition)
	if now != nil && now.Reason == v1alpha1.PolicyInvalidReason && (was == nil || was.Message != now.Message) {
		announce.Warning(r.Events, s.cfg, now.Reason, "CompileRules", now.Message)
	}
}

// available reports whether a location was, and whether that is known.
func available(cfg *v1alpha1.Config, name string) (was, known bool) {
	for _, l := range cfg.Status.Storage {
		if l.Name == name {
			return l.Available, l.LastCheckTime != nil
		}
	}
	return false, false
}

// announceKeys tells of every key that begins to sign, and of every key that no
// longer vouches for what it signed.
func (r *Reconciler) announceKeys(s *scope) {
	trusted := map[string]bool{}
	for _, k := range s.cfg.Spec.TrustedKeys {
		trusted[k.PublicKey] = true
	}
	before := map[string]string{}
	for _, l := range s.first.Status.Storage {
		before[l.Name] = l.PublicKey
	}
	for _, l := range s.cfg.Status.Storage {
		trusted[l.PublicKey] = true
	}
	for _, l := range s.cfg.Status.Storage {
		was := before[l.Name]
		if l.PublicKey != was && l.PublicKey != "" {
			announce.Normal(r.Events, s.cfg, v1alpha1.EventSigningKeyInUse, "CheckLocation", fmt.Sprintf(
				"backups into storage location %q are signed with key %s of Secret %s: keep a copy of the Secret",
				l.Name, l.PublicKey, l.PublicKeySecretName))
		}
		if was != "" && !trusted[was] {
			announce.Warning(r.Events, s.cfg, v1alpha1.EventSigningKeyUnknown, "CheckLocation", fmt.Sprintf(
				"key %s no longer signs backups into storage location %q, and those that it signed cannot be verified: add it to trustedKeys",
				was, l.Name))
		}
	}
}
