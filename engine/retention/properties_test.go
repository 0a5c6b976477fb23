// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package retention_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/engine/retention"
)

// randomCase makes backups over some weeks, of which some shrank, some are
// partial, held, live or from the future, and a policy.
func randomCase(r *rand.Rand) ([]retention.Backup, retention.Policy) {
	backups := make([]retention.Backup, r.IntN(40))
	for i := range backups {
		completed := now.Add(-time.Duration(r.IntN(24*60)) * time.Hour)
		if r.IntN(20) == 0 {
			completed = now.AddDate(r.IntN(3), 0, 1)
		}
		backups[i] = retention.Backup{
			Name: fmt.Sprintf("b%02d", i), Completed: completed,
			Expires: completed.Add(time.Duration(r.IntN(24*40)) * time.Hour),
			Held:    r.IntN(12) == 0, Complete: r.IntN(4) > 0, Objects: []int64{0, 10, 40, 100, 100, 100}[r.IntN(6)],
		}
	}
	policy := retention.Policy{
		Hourly: int32(r.IntN(4)), Daily: int32(r.IntN(4)), Weekly: int32(r.IntN(3)), Monthly: int32(r.IntN(3)), Yearly: int32(r.IntN(2)),
	}
	if r.IntN(2) == 0 {
		policy.KeepLast = new(int32(r.IntN(4)))
	}
	return backups, policy
}

// checkProperties checks what must hold of every decision.
func checkProperties(t *testing.T, backups []retention.Backup, policy retention.Policy) {
	t.Helper()
	decisions := retention.Decide(now, backups, policy)
	if len(decisions) != len(backups) {
		t.Fatalf("%d decisions on %d backups", len(decisions), len(backups))
	}
	expired := map[string]bool{}
	for _, d := range decisions {
		expired[d.Name] = d.Expired
	}
	var kept []retention.Backup
	goodBefore, goodAfter := 0, 0
	for _, b := range backups {
		if b.Complete && !b.Completed.After(now) {
			goodBefore++
		}
		if expired[b.Name] {
			if b.Held || b.Expires.After(now) {
				t.Errorf("%+v expired", b)
			}
			continue
		}
		kept = append(kept, b)
		if b.Complete && !b.Completed.After(now) {
			goodAfter++
		}
	}
	if last := policy.KeepLast; (last == nil || *last > 0) && goodBefore > 0 && goodAfter == 0 {
		t.Errorf("no good backup is left of %d", goodBefore)
	}
	for _, d := range retention.Decide(now, kept, policy) {
		if d.Expired {
			t.Errorf("once what expired was removed, %s expires too: %s", d.Name, d.Reason)
		}
	}
	shuffled := slices.Clone(backups)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	if diff := cmp.Diff(decisions, retention.Decide(now, shuffled, policy)); diff != "" {
		t.Errorf("the order of the input matters (-before +after):\n%s", diff)
	}
}

func TestPropertiesHoldOfRandomBackups(t *testing.T) {
	for seed := range uint64(3000) {
		backups, policy := randomCase(rand.New(rand.NewPCG(seed, 0)))
		checkProperties(t, backups, policy)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// TestASuspiciousBackupEvictsNothing compares with a world in which the newest
// backup, live and much too small, was never taken.
func TestASuspiciousBackupEvictsNothing(t *testing.T) {
	for seed := range uint64(1000) {
		backups, policy := randomCase(rand.New(rand.NewPCG(seed, 1)))
		before := retention.Decide(now, backups, policy)
		tiny := retention.Backup{Name: "tiny", Completed: now, Expires: now.Add(time.Hour), Complete: true, Objects: 1}
		after := retention.Decide(now, append(backups, tiny), policy)
		suspicious := slices.ContainsFunc(after, func(d retention.Decision) bool { return d.Name == "tiny" && d.Suspicious })
		if !suspicious {
			continue
		}
		for _, b := range before {
			i := slices.IndexFunc(after, func(a retention.Decision) bool { return a.Name == b.Name })
			if !b.Expired && after[i].Expired {
				t.Fatalf("seed %d: %s, %s, is evicted by a suspicious backup", seed, b.Name, b.Reason)
			}
		}
	}
}

// FuzzDecide makes the backups from bytes: four for each.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8}, int32(1), int32(2), int32(3))
	f.Add([]byte{10, 200, 3, 4, 10, 100, 255, 255}, int32(0), int32(1), int32(0))
	f.Fuzz(func(t *testing.T, bytes []byte, last, daily, monthly int32) {
		var backups []retention.Backup
		for chunk := range slices.Chunk(bytes, 4) {
			if len(chunk) < 4 || len(backups) == 64 {
				break
			}
			completed := now.Add(time.Duration(int(chunk[0])-250) * 5 * time.Hour)
			backups = append(backups, retention.Backup{
				Name: fmt.Sprintf("b%02d", len(backups)), Completed: completed, Expires: completed.Add(time.Duration(chunk[1]) * time.Hour),
				Held: chunk[2]&1 == 1, Complete: chunk[2]&2 == 2, Objects: int64(chunk[3]) - 1,
			})
		}
		checkProperties(t, backups, retention.Policy{KeepLast: &last, Daily: daily, Monthly: monthly})
	})
}
