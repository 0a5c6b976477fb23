// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/controllers/manager"
	"github.com/gopherwood/ark/test/lab"
	"github.com/gopherwood/ark/test/lab/labtest"
)

// server is a user whose server does nothing but tell what it was asked for.
func server(t *testing.T, env map[string]string, args ...string) (result, manager.Options) {
	t.Helper()
	u := user{t: t, kubeconfig: kubeconfigFor(t, "https://127.0.0.1:1"), env: env}
	a, out, errs := u.app()
	var got manager.Options
	a.serve = func(_ context.Context, _ *rest.Config, opts manager.Options) error {
		got = opts
		opts.Logger.V(1).Info("Looking closely")
		return nil
	}
	code := a.run(t.Context(), append([]string{"ark", "server"}, args...))
	return result{code, out.String(), errs.String()}, got
}

func TestServerFlagsAndVariables(t *testing.T) {
	defaults := manager.Options{
		Namespace: "ark-system", Tool: "ark " + thisBuild().Version, MetricsAddress: ":8080", HealthAddress: ":8081",
		Restore: true, LeaderElection: true, ShutdownTimeout: 30 * time.Second,
	}
	with := func(change func(*manager.Options)) manager.Options {
		o := defaults
		change(&o)
		return o
	}
	env := map[string]string{
		"ARK_NAMESPACE": "backups", "ARK_LEADER_ELECT": "false", "ARK_METRICS_BIND_ADDRESS": "0",
		"ARK_HEALTH_PROBE_BIND_ADDRESS": "127.0.0.1:9", "ARK_FILE_STORE_ROOT": "/srv", "ARK_GRACEFUL_TIMEOUT": "5s", "ARK_RESTORE": "false",
	}
	tests := map[string]struct {
		env  map[string]string
		args []string
		want manager.Options
	}{
		"without any, the defaults hold": {nil, nil, defaults},
		"an empty variable is none":      {map[string]string{"ARK_NAMESPACE": ""}, nil, defaults},
		"every flag has a variable": {env, nil, with(func(o *manager.Options) {
			o.Namespace, o.LeaderElection, o.MetricsAddress, o.HealthAddress = "backups", false, "0", "127.0.0.1:9"
			o.FileStoreRoot, o.ShutdownTimeout, o.Restore = "/srv", 5*time.Second, false
		})},
		"a flag comes before its variable": {
			env, []string{"--namespace=n", "--leader-elect", "--metrics-bind-address=:1", "--health-probe-bind-address=:2", "--file-store-root=/f", "--graceful-timeout=1m", "--restore"},
			with(func(o *manager.Options) {
				o.Namespace, o.MetricsAddress, o.HealthAddress, o.FileStoreRoot, o.ShutdownTimeout = "n", ":1", ":2", "/f", time.Minute
			}),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, opts := server(t, tc.env, tc.args...)
			check(t, got, exit.Success, nil, nil)
			if diff := cmp.Diff(tc.want, opts, cmpopts.IgnoreTypes(logr.Logger{})); diff != "" {
				t.Errorf("options differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServerMistakes(t *testing.T) {
	tests := map[string]struct {
		env  map[string]string
		args []string
		want string
	}{
		"a variable that cannot be read": {
			map[string]string{"ARK_LEADER_ELECT": "perhaps"}, nil,
			`ark: variable ARK_LEADER_ELECT, for --leader-elect: strconv.ParseBool: parsing "perhaps": invalid syntax; see "ark server --help"`,
		},
		"no namespace":            {nil, []string{"--namespace="}, "ark: --namespace must not be empty"},
		"no time to end":          {nil, []string{"--graceful-timeout=0s"}, "ark: --graceful-timeout 0s: must be positive"},
		"a level that is none":    {nil, []string{"--log-level=loud"}, "must be error, info or debug"},
		"an argument":             {nil, []string{"start"}, `unknown command "start" for "ark server": expected ark server`},
		"a format of lines is no": {map[string]string{"ARK_LOG_FORMAT": "xml"}, nil, "ark: variable ARK_LOG_FORMAT, for --log-format: must be json or text"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := server(t, tc.env, tc.args...)
			check(t, got, exit.Usage, nil, []string{tc.want})
		})
	}
}

func TestServerLogs(t *testing.T) {
	tests := map[string]struct {
		args []string
		want []string
	}{
		"what changed, as JSON":      {nil, []string{"Starting server", "Stopped server"}},
		"how, too":                   {[]string{"--log-level", "debug"}, []string{"Starting server", "Looking closely", "Stopped server"}},
		"nothing when nothing fails": {[]string{"--log-level", "error"}, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got, _ := server(t, nil, tc.args...)
			var messages []string
			for line := range strings.Lines(got.Err) {
				var entry struct{ Msg, TS string }
				if err := json.Unmarshal([]byte(line), &entry); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				messages = append(messages, entry.Msg)
				if _, err := time.Parse(time.RFC3339Nano, entry.TS); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(tc.want, messages); diff != "" {
				t.Errorf("lines differ (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("the bound of the heap, and why there is none", func(t *testing.T) {
		t.Setenv("AUTOMEMLIMIT", "most of it")
		got, _ := server(t, nil)
		for _, want := range []string{`"memoryLimit":`, "Not bounding the heap", "AUTOMEMLIMIT: most of it"} {
			if !strings.Contains(got.Err, want) {
				t.Errorf("the log lacks %q:\n%s", want, got.Err)
			}
		}
	})
	t.Run("for people", func(t *testing.T) {
		got, _ := server(t, nil, "--log-format", "text")
		if strings.HasPrefix(got.Err, "{") || !strings.Contains(got.Err, "\tStarting server\t") {
			t.Errorf("got %q", got.Err)
		}
	})
}

func TestAServerThatFailsSaysWhy(t *testing.T) {
	u := user{t: t, kubeconfig: kubeconfigFor(t, "https://127.0.0.1:1")}
	a, _, errs := u.app()
	a.serve = func(context.Context, *rest.Config, manager.Options) error { return errors.New("address is in use") }
	if code := a.run(t.Context(), []string{"ark", "server", "--log-level=error"}); code != exit.Failed || errs.String() != "ark: address is in use\n" {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

func TestVersion(t *testing.T) {
	u := atBucket(t)
	check(t, u.ark(t.Context(), "version"), exit.Success, []string{"Version:\t" + thisBuild().Version + "\n", "Go:\t\tgo"}, nil)
	got := u.ark(t.Context(), "version", "-o", "json")
	var b build
	if err := json.Unmarshal([]byte(got.Out), &b); err != nil || b != thisBuild() {
		t.Errorf("got %v, %+v", err, b)
	}
	if b.Commit == "" && strings.Contains(u.ark(t.Context(), "version").Out, "Commit:") {
		t.Error("a commit is shown that nobody knows")
	}
	defer func(was string) { commit = was }(commit)
	commit = "0123abc"
	check(t, u.ark(t.Context(), "version"), exit.Success, []string{"Commit:\t\t0123abc\n"}, nil)
	check(t, u.ark(t.Context(), "version", "-o", "name"), exit.Usage, nil, []string{"--output name is for lists: use table, yaml or json"})
}

func TestTheServerRunsAndStopsInGoodOrder(t *testing.T) {
	cluster := labtest.Start(t, lab.Options{}) // controllers would see the objects of other tests
	address := freeAddress(t)
	u := user{t: t, kubeconfig: cluster.Kubeconfig}
	account := user{t: t, kubeconfig: labtest.ServiceAccountKubeconfig(t, cluster, labtest.WithRestores)}
	a, _, _ := account.app()
	logs := &lockedBuffer{}
	a.err, a.serve = logs, manager.Run
	root := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan exit.Code, 1)
	go func() {
		ended <- a.run(ctx, []string{
			"ark", "server", "--leader-elect=false", "--metrics-bind-address=0", "--health-probe-bind-address=" + address,
			"--file-store-root=" + root, "--graceful-timeout=10s",
		})
	}()
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/readyz", http.NoBody)
		if err != nil {
			return false, err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return false, nil //nolint:nilerr // it is not up yet
		}
		return resp.StatusCode == http.StatusOK, resp.Body.Close()
	})
	if err == nil {
		tour(t, u, labtest.Client(t, cluster), root)
	}
	stop()
	if code := <-ended; err != nil || code != exit.Success {
		t.Errorf("ready: %v, exit code %d, logs:\n%s", err, code, logs)
	}
	if log := logs.String(); !strings.Contains(log, `"msg":"Stopped server"`) {
		t.Errorf("logs:\n%s", log)
	}
}

// tour takes a backup, looks at it in every way, restores and deletes it, with
// the real controllers at work.
func tour(t *testing.T, u user, c client.Client, root string) {
	t.Helper()
	url := "file://" + filepath.Join(root, "bucket")
	cfg := &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec:       v1alpha1.ConfigSpec{ClusterName: "here", Storage: []v1alpha1.StorageLocation{{Name: "main", URL: url}}},
	}
	if err := c.Create(t.Context(), cfg); err != nil { // the controllers write its status at once
		t.Fatal(err)
	}
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: labtest.Namespace, Name: "settings"}}
	if err := c.Create(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "toured.tar.gz")
	for _, step := range []struct {
		args string
		out  []string
	}{
		{"backup create toured --include-namespaces ark-system --include-resources configmaps --wait --timeout 1m", []string{"backup toured: Succeeded", " stored, "}},
		{"backup describe toured", []string{"Cluster:      here (", "  configmaps   ", "Address:      " + url}},
		{"backup get toured --store " + url, []string{"toured   Succeeded"}},
		{"backup download toured -f " + file, []string{"as committed"}},
		{"restore create again --from-backup toured --namespace-mappings ark-system:copy --wait --timeout 1m", []string{"restore again: Succeeded", " created, "}},
		{"restore describe again", []string{"backup toured, complete", "Mapping:            ark-system into copy"}},
		{"restore get --store " + url, []string{"again   Succeeded"}},
		{"storage get", []string{"main   true        ReadWrite"}},
		{"backup delete toured --yes --wait --timeout 1m", []string{"backup toured: "}},
	} {
		check(t, u.ark(t.Context(), strings.Fields(step.args)...), exit.Success, step.out, nil)
	}
	check(t, u.ark(t.Context(), "backup", "get", "--store", url), exit.Success, nil, []string{"There is no backup yet."})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // its port is all that was wanted
	return l.Addr().String()
}

// lockedBuffer is a buffer that many may write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
