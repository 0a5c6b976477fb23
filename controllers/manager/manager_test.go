// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package manager_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/testr"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/controllers/manager"
	"github.com/gopherwood/ark/test/lab/labtest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func eventually(t *testing.T, what string, is func(context.Context) (bool, error)) {
	t.Helper()
	if err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, is); err != nil {
		t.Fatalf("wait for %s: %v", what, err)
	}
}

// answers reports whether a GET gives 200.
func answers(url string) wait.ConditionWithContextFunc {
	return func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil //nolint:nilerr // not listening yet
		}
		return res.StatusCode == http.StatusOK, res.Body.Close()
	}
}

// TestAPolicyBecomesABackup is the one test of everything together.
func TestAPolicyBecomesABackup(t *testing.T) {
	c := controllertest.Cluster(t)
	root := t.TempDir()
	health, metrics := freeAddress(t), freeAddress(t)
	api := labtest.ServiceAccount(t, labtest.Shared(t), labtest.WithoutRestores)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- manager.Run(ctx, api, manager.Options{
			Namespace: labtest.Namespace, FileStoreRoot: root, Tool: "ark test",
			MetricsAddress: metrics, HealthAddress: health, LeaderElection: true,
			Logger: testr.NewWithOptions(t, testr.Options{Verbosity: -1}),
		})
	}()
	eventually(t, "the probes", answers("http://"+health+"/healthz"))
	eventually(t, "readiness", answers("http://"+health+"/readyz"))
	eventually(t, "the metrics", answers("http://"+metrics+"/metrics"))

	cfg := &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: "default"},
		Spec: v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{
			Name: "main", URL: "file://" + filepath.Join(root, "bucket"), CredentialsSecretName: "",
		}}},
	}
	policy := &v1alpha1.BackupPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec: v1alpha1.BackupPolicySpec{
			Schedules: []v1alpha1.PolicySchedule{{Name: "yearly", Cron: "@yearly"}},
			Template:  &v1alpha1.BackupTemplate{IncludedNamespaces: []string{labtest.Namespace}},
			Rules:     []v1alpha1.Rule{{Name: "own", ConfigMap: &v1alpha1.ConfigMapRules{Name: "shop-rules"}}},
		},
	}
	controllertest.Create(t, c, cfg, policy)
	eventually(t, "the policy to wait for its rules", ready(c, policy, metav1.ConditionUnknown))
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "shop-rules"},
		Data:       map[string]string{"a.rego": "package ark.select\n\n# METADATA\n# title: T\n# description: D\nexclude contains \"no-pod\" if input.resource.kind == \"Pod\"\n"},
	}
	if err := c.Create(t.Context(), cm); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Delete(context.WithoutCancel(t.Context()), cm) })
	eventually(t, "the policy", ready(c, policy, metav1.ConditionTrue))
	eventually(t, "the first backup", func(ctx context.Context) (bool, error) {
		var backups v1alpha1.BackupList
		if err := c.List(ctx, &backups); err != nil || len(backups.Items) != 1 {
			return false, err
		}
		b := backups.Items[0]
		return strings.HasPrefix(b.Name, "shop.yearly-") && meta.IsStatusConditionTrue(b.Status.Conditions, v1alpha1.ReadyCondition), nil
	})
	checkMetrics(t, "http://"+metrics+"/metrics")

	stop()
	if err := <-ended; err != nil {
		t.Errorf("Run() = %v, want a clean end", err)
	}
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "ark-leader"}}
	controllertest.Read(t, c, lease)
	if holder := lease.Spec.HolderIdentity; holder != nil && *holder != "" {
		t.Errorf("the lease is still held by %q", *holder)
	}
}

// checkMetrics scrapes until the figures of one policy and one backup are there.
func checkMetrics(t *testing.T, url string) {
	t.Helper()
	want := []string{
		`ark_backups_total{policy="shop",result="succeeded"} 1`,
		`ark_backup_objects_total{outcome="included",policy="shop"} `,
		`ark_backup_bytes_total{policy="shop"} `,
		`ark_backup_duration_seconds_count{policy="shop"} 1`,
		`ark_schedule_lateness_seconds_count{schedule="shop.yearly"} 1`,
		`ark_storage_location_available{location="main"} 1`,
		`ark_stored_backups{location="main",origin="foreign"} 0`,
		`ark_syncs_total{location="main",result="succeeded"} `,
		`ark_last_successful_backup_timestamp_seconds{policy="shop"} `,
	}
	eventually(t, "the figures in the metrics", func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, err
		}
		body, err := io.ReadAll(res.Body)
		if err := errors.Join(err, res.Body.Close()); err != nil {
			return false, err
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(line string) bool { return strings.Contains(string(body), "\n"+line) })
		return len(missing) == 0, nil
	})
}

// ready reports whether Ready has the status.
func ready(c client.Client, p *v1alpha1.BackupPolicy, want metav1.ConditionStatus) wait.ConditionWithContextFunc {
	return func(ctx context.Context) (bool, error) {
		if err := c.Get(ctx, client.ObjectKeyFromObject(p), p); err != nil {
			return false, err
		}
		return meta.IsStatusConditionPresentAndEqual(p.Status.Conditions, v1alpha1.ReadyCondition, want), nil
	}
}

func TestRunNamesWhatIsMissing(t *testing.T) {
	complete := manager.Options{
		Namespace: "ark-system", Tool: "ark test", MetricsAddress: "0", HealthAddress: "0", Logger: logr.Discard(),
	}
	tests := map[string]struct {
		without func(*manager.Options)
		want    string
	}{
		"the namespace":           {func(o *manager.Options) { o.Namespace = "" }, "set up manager: the controller's namespace is required"},
		"the tool":                {func(o *manager.Options) { o.Tool = "" }, "set up manager: the name and version of the tool are required"},
		"the address for metrics": {func(o *manager.Options) { o.MetricsAddress = "" }, `set up manager: the address for metrics is required: such as ":8080", or "0" for none`},
		"the address for probes":  {func(o *manager.Options) { o.HealthAddress = "" }, `set up manager: the address for probes is required: such as ":8081", or "0" for none`},
		"the logger":              {func(o *manager.Options) { o.Logger = logr.Logger{} }, "set up manager: a logger is required"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			opts := complete
			tc.without(&opts)
			if err := manager.Run(t.Context(), nil, opts); fmt.Sprint(err) != tc.want {
				t.Errorf("Run() = %v, want %s", err, tc.want)
			}
		})
	}
}

func TestRunFailsWithoutAnAPIServer(t *testing.T) {
	cfg := labtest.Shared(t).Config()
	cfg.Host = "https://" + freeAddress(t)
	err := manager.Run(t.Context(), cfg, manager.Options{
		Namespace: "ark-system", Tool: "ark test", MetricsAddress: "0", HealthAddress: "0", Logger: testr.New(t),
	})
	if err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("Run() = %v, want that the API server cannot be reached", err)
	}
}
