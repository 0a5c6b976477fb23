// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package template_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/template"
	"github.com/gopherwood/ark/engine/retention"
	"github.com/gopherwood/ark/engine/selection"
)

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func TestResolve(t *testing.T) {
	tests := map[string]struct {
		template *v1alpha1.BackupTemplate
		ttl      *metav1.Duration
		defaults *v1alpha1.BackupDefaults
		want     v1alpha1.BackupTemplate
	}{
		"with nothing said, backups are kept for 720h": {
			want: v1alpha1.BackupTemplate{TTL: duration(720 * time.Hour), StorageLocation: "main"},
		},
		"the Config's default comes before 720h": {
			defaults: &v1alpha1.BackupDefaults{TTL: duration(time.Hour)},
			want:     v1alpha1.BackupTemplate{TTL: duration(time.Hour), StorageLocation: "main"},
		},
		"the template's ttl comes before the default": {
			template: &v1alpha1.BackupTemplate{TTL: duration(2 * time.Hour), IncludedNamespaces: []string{"a"}},
			defaults: &v1alpha1.BackupDefaults{TTL: duration(time.Hour)},
			want:     v1alpha1.BackupTemplate{TTL: duration(2 * time.Hour), IncludedNamespaces: []string{"a"}, StorageLocation: "main"},
		},
		"the Backup's own ttl comes before all": {
			template: &v1alpha1.BackupTemplate{TTL: duration(2 * time.Hour)},
			ttl:      duration(3 * time.Hour),
			want:     v1alpha1.BackupTemplate{TTL: duration(3 * time.Hour), StorageLocation: "main"},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			before := tc.template.DeepCopy()
			got := template.Resolve(tc.template, tc.ttl, tc.defaults, "main")
			if diff := cmp.Diff(&tc.want, got); diff != "" {
				t.Errorf("Resolve() mismatch (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, tc.template); diff != "" {
				t.Errorf("Resolve() changed its input (-before +after):\n%s", diff)
			}
		})
	}
}

func TestSelection(t *testing.T) {
	broken := metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like"}}}
	yes := true
	tests := map[string]struct {
		template *v1alpha1.BackupTemplate
		want     selection.Template
		wantErr  string
	}{
		"no template covers everything": {},
		"every field is carried over": {
			template: &v1alpha1.BackupTemplate{
				IncludedNamespaces: []string{"a"}, ExcludedNamespaces: []string{"b"},
				IncludedResources: []string{"c"}, ExcludedResources: []string{"d"},
				LabelSelector:           &metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}},
				IncludeClusterResources: &yes,
			},
			want: selection.Template{
				IncludedNamespaces: []string{"a"}, ExcludedNamespaces: []string{"b"},
				IncludedResources: []string{"c"}, ExcludedResources: []string{"d"},
				Selectors:        []labels.Selector{labels.SelectorFromSet(labels.Set{"app": "web"})},
				ClusterResources: &yes,
			},
		},
		"a broken selector is named": {
			template: &v1alpha1.BackupTemplate{LabelSelector: &broken},
			wantErr:  `labelSelector: "Like" is not a valid label selector operator`,
		},
		"a broken alternative is named with its place": {
			template: &v1alpha1.BackupTemplate{OrLabelSelectors: []metav1.LabelSelector{{}, broken}},
			wantErr:  `orLabelSelectors[1]: "Like" is not a valid label selector operator`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := template.Selection(tc.template)
			if gotErr := text(err); gotErr != tc.wantErr {
				t.Fatalf("Selection() error = %q, want %q", gotErr, tc.wantErr)
			}
			same := cmp.Comparer(func(a, b labels.Selector) bool { return a.String() == b.String() })
			if diff := cmp.Diff(tc.want, got, same); diff != "" {
				t.Errorf("Selection() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestKeepRules(t *testing.T) {
	none := int32(0)
	for name, tc := range map[string]struct {
		retention *v1alpha1.Retention
		want      retention.Policy
	}{
		"nothing said": {},
		"each rule by itself": {
			&v1alpha1.Retention{KeepLast: &none, KeepHourly: 1, KeepDaily: 2, KeepWeekly: 3, KeepMonthly: 4, KeepYearly: 5},
			retention.Policy{KeepLast: &none, Hourly: 1, Daily: 2, Weekly: 3, Monthly: 4, Yearly: 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, template.KeepRules(tc.retention)); diff != "" {
				t.Errorf("KeepRules() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
