// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package docs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/engine/retention"
	"github.com/gopherwood/ark/test/manifests"
)

// retentionExample works out the example of the retention page with the code
// that decides.
func retentionExample(t *testing.T) string {
	t.Helper()
	policy, ttl := retentionOnThePage(t)
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var backups []retention.Backup
	for day := 13; day <= 23; day++ {
		at := time.Date(2026, 11, day, 3, 0, 0, 0, time.UTC)
		backups = append(backups, retention.Backup{
			Name: at.Format("Mon 2 Jan"), Completed: at, Expires: at.Add(ttl), Complete: day != 21, Objects: 100,
		})
	}
	var b strings.Builder
	b.WriteString("| backup of | |\n|---|---|\n")
	for _, d := range retention.Decide(now, backups, policy) {
		verdict := d.Reason
		if d.Expired {
			verdict, _, _ = strings.Cut(verdict, ":")
		}
		fmt.Fprintf(&b, "| %s | %s |\n", d.Name, verdict)
	}
	return b.String()
}

// retentionOnThePage reads the keep rules and the ttl of the page's first manifest.
func retentionOnThePage(t *testing.T) (retention.Policy, time.Duration) {
	t.Helper()
	for _, b := range blocksOf(t, retentionPage) {
		if b.language != "yaml" {
			continue
		}
		objects, err := manifests.Decode([]byte(b.text))
		if err != nil {
			t.Fatal(err)
		}
		p, ok := objects[0].(*v1alpha1.BackupPolicy)
		if !ok {
			continue
		}
		keep := p.Spec.Schedules[0].Retention
		return retention.Policy{
			KeepLast: keep.KeepLast, Hourly: keep.KeepHourly, Daily: keep.KeepDaily, Weekly: keep.KeepWeekly,
			Monthly: keep.KeepMonthly, Yearly: keep.KeepYearly,
		}, p.Spec.Template.TTL.Duration
	}
	t.Fatalf("%s shows no BackupPolicy", retentionPage)
	return retention.Policy{}, 0
}
