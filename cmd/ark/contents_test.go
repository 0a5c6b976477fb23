// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/catalog"
)

const canary = "correct-horse-battery"

// seen is an object that a backup in a test saw.
type seen struct {
	archive.Entry

	raw string
}

func object(group, resource, kind, namespace, name, raw string) seen {
	return seen{archive.Entry{
		Group: group, Version: "v1", Resource: resource, Kind: kind, Namespaced: namespace != "", Namespace: namespace, Name: name,
	}, raw}
}

// shopObjects are those of a backup with something of everything.
func shopObjects() []seen {
	data := base64.StdEncoding.EncodeToString([]byte(canary))
	labelled := object("apps", "deployments", "Deployment", "shop", "web",
		`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"replicas":9007199254740993}}`)
	labelled.Labels = map[string]string{"app": "web"}
	left := object("", "secrets", "Secret", "shop", "token", "")
	left.Excluded, left.Codes = true, []string{"service-account-token"}
	broken := object("", "configmaps", "ConfigMap", "shop", "broken", "")
	broken.Error = "too large"
	return []seen{
		labelled, left, broken,
		object("", "namespaces", "Namespace", "", "shop", `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`),
		object("", "configmaps", "ConfigMap", "shop", "settings", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop"}}`),
		object("", "configmaps", "ConfigMap", "other", "settings", `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"other"}}`),
		object("", "secrets", "Secret", "shop", "db", fmt.Sprintf(
			`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db","namespace":"shop","annotations":{`+
				`"kubectl.kubernetes.io/last-applied-configuration":"{\"data\":{\"password\":\"%s\"}}","kept":"yes"}},"data":{"password":"%s"}}`, data, data)),
		object("rbac.authorization.k8s.io", "clusterroles", "ClusterRole", "", "reader", `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"reader"}}`),
	}
}

// archive commits a backup of objects, with a log.
func (s store) archive(t *testing.T, name string, objects []seen, log string) {
	t.Helper()
	a, err := s.NewAttempt(production.UID, name, "1")
	if err != nil {
		t.Fatal(err)
	}
	file := func(name string) *catalog.FileWriter {
		f, err := a.File(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	stored, index := file(archive.ContentsFile), file(archive.IndexFile)
	w := archive.NewWriter(stored, index, today)
	member := w.NewMember()
	resources, all := map[string]archive.ResourceSummary{}, archive.Counts{}
	for _, o := range objects {
		r := resources[o.Key().GroupResource.String()]
		r.Version, r.Kind, r.Namespaced = o.Version, o.Kind, o.Namespaced
		if o.raw == "" {
			r.Excluded, all.Excluded = r.Excluded+1, all.Excluded+1
			err = w.Note(o.Entry)
		} else {
			r.Included, all.Included = r.Included+1, all.Included+1
			err = member.Add(o.Entry, []byte(o.raw))
		}
		if err != nil {
			t.Fatal(err)
		}
		resources[o.Key().GroupResource.String()] = r
	}
	logFile := file(archive.LogFile)
	gz := gzip.NewWriter(logFile)
	for _, step := range []func() error{
		member.Flush, w.Close,
		func() error { _, err := io.WriteString(gz, log); return err },
		gz.Close,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []*catalog.FileWriter{stored, index, logFile} {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Commit(t.Context(), archive.Marker{
		Cluster: production, Spec: []byte(`{}`), Template: []byte(`{}`), Created: today, Started: today, Completed: today, Expires: today.AddDate(1, 0, 0),
		Completeness: archive.Complete, Objects: all, Resources: resources,
	}); err != nil {
		t.Fatal(err)
	}
}

const someLog = `{"time":"2026-11-23T12:00:00Z","level":"INFO","msg":"Taking backup","backup":"full"}
{"time":"2026-11-23T12:00:01Z","level":"WARN","msg":"does not answer","object":"","code":"broken-api"}
{"time":"2026-11-23T12:00:02Z","level":"ERROR","msg":"too\u001b[31m large","object":"secrets/shop/a","code":""}
{"time":"2026-11-23T12:00:03Z","level":"INFO","msg":"Committing backup","included":7,"complete":false}
`

func TestBackupContents(t *testing.T) {
	s := newStore(t)
	s.archive(t, "full", shopObjects(), someLog)
	u := atBucket(t)
	tests := map[string]struct {
		args string
		code exit.Code
		out  string
		errs string
	}{
		"names of all that is stored": {"-o name", exit.Success, `deployments.apps/shop/web
namespaces/shop
configmaps/shop/settings
configmaps/other/settings
secrets/shop/db
clusterroles.rbac.authorization.k8s.io/reader
`, ""},
		"of one namespace, which takes no cluster-scoped objects along": {"--include-namespaces shop -o name", exit.Success,
			"deployments.apps/shop/web\nnamespaces/shop\nconfigmaps/shop/settings\nsecrets/shop/db\n", ""},
		"of types, by kind and by group": {"--include-resources Secret,*.apps -o name", exit.Success,
			"deployments.apps/shop/web\nsecrets/shop/db\n", ""},
		"by label":    {"-l app=web -o name", exit.Success, "deployments.apps/shop/web\n", ""},
		"by name":     {"--names set* --exclude-namespaces other -o name", exit.Success, "configmaps/shop/settings\n", ""},
		"what failed": {"--show failed -o name", exit.Success, "configmaps/shop/broken\n", ""},
		"what was left out, and why, as in the index": {"--show excluded -o json", exit.Success,
			`{"version":"v1","resource":"secrets","kind":"Secret","namespaced":true,"namespace":"shop","name":"token","excluded":true,"codes":["service-account-token"]}` + "\n", ""},
		"a table": {"--show all --include-resources secrets", exit.Success,
			"TYPE      NAMESPACE   NAME    SIZE   OUTCOME    CODES\nsecrets   shop        db      271    stored     -\nsecrets   shop        token   -      excluded   service-account-token\n", ""},
		"a type that there is not, with what may be meant": {"--include-resources secret,deploymets -o name", exit.Success, "secrets/shop/db\n",
			`ark: --include-resources: no type is called "deploymets": did you mean "deployments.apps"?`},
		"nothing":                      {"--names none", exit.Success, "", "Nothing in backup full matches."},
		"YAML of a list":               {"-o yaml", exit.Usage, "", "--output yaml is for one object"},
		"Secrets of a list":            {"--show-secrets", exit.Usage, "", "--show-secrets is for one object"},
		"a namespace that none can be": {"--include-namespaces Shop", exit.Usage, "", "matches no namespace"},
		"one object": {"configmaps/shop/settings", exit.Success,
			"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\n", ""},
		"one by its kind, its numbers to the last digit": {"Deployment/shop/web -o json", exit.Success,
			"{\n    \"apiVersion\": \"apps/v1\",\n    \"kind\": \"Deployment\",\n    \"metadata\": {\n        \"name\": \"web\",\n        \"namespace\": \"shop\"\n    },\n    \"spec\": {\n        \"replicas\": 9007199254740993\n    }\n}\n", ""},
		"a cluster-scoped one":            {"clusterroles/reader", exit.Success, "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: reader\n", ""},
		"one in another namespace":        {"configmaps/shopp/settings", exit.Failed, "", `does not hold configmaps/shopp/settings: did you mean configmaps/shop/settings or configmaps/other/settings?`},
		"one of nearly its name":          {"configmaps/shop/setings", exit.Failed, "", `did you mean configmaps/shop/settings?`},
		"one of a type that there is not": {"configmap2/shop/settings", exit.Failed, "", `does not hold configmap2/shop/settings: no type is called "configmap2"`},
		"one of nobody's name":            {"configmaps/shop/xyz", exit.Failed, "", `list what there is with "ark backup contents full -o name"`},
		"one without its namespace":       {"secrets/db", exit.Failed, "", `backup "full" does not hold secrets/db: did you mean secrets/shop/db?`},
		"one that was left out":           {"secrets/shop/token", exit.Failed, "", "secrets/shop/token was left out of backup \"full\" by [service-account-token]"},
		"one that failed":                 {"configmaps/shop/broken", exit.Failed, "", `was left out of backup "full": too large`},
		"what is no reference":            {"settings", exit.Usage, "", `"settings": write TYPE/NAMESPACE/NAME`},
		"one object as a table":           {"configmaps/shop/settings -o table", exit.Usage, "", "--output table is for lists: use yaml or json"},
		"one object and a filter":         {"configmaps/shop/settings --names x", exit.Usage, "", "is one object: filters are for lists"},
		"of a backup that there is not":   {"", exit.Failed, "", `there is no backup "ful": did you mean "full"?`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			backup := "full"
			if strings.Contains(tc.errs, `"ful"`) {
				backup = "ful"
			}
			got := u.ark(t.Context(), append([]string{"backup", "contents", backup, "--store", s.url()}, strings.Fields(tc.args)...)...)
			if got.Code != tc.code || got.Out != tc.out || !strings.Contains(got.Err, tc.errs) {
				t.Errorf("got code %d\n%s%s, want %d\n%s%s", got.Code, got.Out, got.Err, tc.code, tc.out, tc.errs)
			}
		})
	}
}

func TestSecretsAreShownOnlyWhenAskedFor(t *testing.T) {
	s := newStore(t)
	s.archive(t, "full", shopObjects(), someLog)
	u := atBucket(t)
	encoded := base64.StdEncoding.EncodeToString([]byte(canary))
	for _, args := range []string{"secrets/shop/db", "secrets/shop/db -o json", "-o json", "-o wide", "--show all"} {
		got := u.ark(t.Context(), append([]string{"backup", "contents", "full", "--store", s.url()}, strings.Fields(args)...)...)
		if got.Code != exit.Success || strings.Contains(got.Out+got.Err, encoded) || strings.Contains(got.Out+got.Err, canary) {
			t.Errorf("%s: %d\n%s%s", args, got.Code, got.Out, got.Err)
		}
	}
	hidden := u.ark(t.Context(), "backup", "contents", "full", "secrets/shop/db", "--store", s.url())
	check(t, hidden, exit.Success, []string{"password: (21 bytes, hidden)\n", "last-applied-configuration: (hidden)\n", "kept: \"yes\"\n"}, nil)
	var secret struct{ Data map[string][]byte }
	asJSON, err := yaml.YAMLToJSON([]byte(hidden.Out))
	if err != nil || json.Unmarshal(asJSON, &secret) == nil {
		t.Errorf("what hides the data can be taken for data: %v, %v", err, secret)
	}
	shown := u.ark(t.Context(), "backup", "contents", "full", "secrets/shop/db", "--show-secrets", "--store", s.url())
	check(t, shown, exit.Success, []string{"password: " + encoded + "\n"}, nil)
}

func TestALongListIsShownWhileItIsRead(t *testing.T) {
	s := newStore(t)
	var objects []seen
	for i := range 2500 {
		objects = append(objects, object("", "configmaps", "ConfigMap", "shop", fmt.Sprintf("c-%04d", i), `{"kind":"ConfigMap"}`))
	}
	s.archive(t, "long", objects, someLog)
	got := atBucket(t).ark(t.Context(), "backup", "contents", "long", "--store", s.url())
	if got.Code != exit.Success || strings.Count(got.Out, "\n") != 2501 || !strings.HasSuffix(got.Out, "configmaps   shop   c-2499   20   stored   -\n") {
		t.Errorf("code %d, %d lines, the last %q", got.Code, strings.Count(got.Out, "\n"), got.Out[max(0, len(got.Out)-80):])
	}
}

func TestBackupLogs(t *testing.T) {
	s := newStore(t)
	s.archive(t, "full", nil, someLog)
	s.archive(t, "odd", nil, "not JSON\n")
	s.backup(t, production, "silent", nil)
	u := atBucket(t)
	tests := map[string]struct {
		args string
		code exit.Code
		out  string
		errs string
	}{
		"all of it, harmless on a terminal": {"full", exit.Success, `2026-11-23T12:00:00.000Z INFO Taking backup backup=full
2026-11-23T12:00:01.000Z WARN does not answer code=broken-api
2026-11-23T12:00:02.000Z ERROR too\u001b[31m large object=secrets/shop/a
2026-11-23T12:00:03.000Z INFO Committing backup included=7 complete=false
`, ""},
		"what is worth looking at":  {"full --level error", exit.Success, "2026-11-23T12:00:02.000Z ERROR too\\u001b[31m large object=secrets/shop/a\n", ""},
		"as it was logged":          {"full --level warn -o json", exit.Success, strings.Join(strings.SplitAfter(someLog, "\n")[1:3], ""), ""},
		"a level that there is not": {"full --level debug", exit.Usage, "", "must be info, warn or error"},
		"none":                      {"silent", exit.Failed, "", `backup "silent" has no log in storage`},
		"what is no log":            {"odd", exit.Failed, "", "read log: line 1: corrupt"},
		"of no backup":              {"ful", exit.Failed, "", `there is no backup "ful": did you mean "full"?`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := u.ark(t.Context(), append([]string{"backup", "logs", "--store", s.url()}, strings.Fields(tc.args)...)...)
			if got.Code != tc.code || got.Out != tc.out || !strings.Contains(got.Err, tc.errs) {
				t.Errorf("got code %d\n%s%s, want %d\n%s%s", got.Code, got.Out, got.Err, tc.code, tc.out, tc.errs)
			}
		})
	}
}

func TestRestoreLogs(t *testing.T) {
	s := twoClusters(t)
	record, err := s.NewRestoreRecord(ownCluster, "back", "uid-1")
	if err != nil {
		t.Fatal(err)
	}
	f, err := record.File(t.Context(), archive.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	gz := gzip.NewWriter(f)
	if _, err := io.WriteString(gz, someLog); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := record.Commit(t.Context(), archive.RestoreSummary{
		Cluster: production, Started: today, Completed: today, Completeness: archive.Complete, Reason: v1alpha1.SucceededReason,
	}); err != nil {
		t.Fatal(err)
	}
	check(t, atBucket(t).ark(t.Context(), "restore", "logs", "back", "--level", "warn", "--store", s.url()), exit.Success,
		[]string{"WARN does not answer code=broken-api\n"}, nil)
	check(t, atBucket(t).ark(t.Context(), "restore", "logs", "bac", "--store", s.url()), exit.Failed, nil, []string{`did you mean "back"?`})

	u, c := atCluster(t)
	create(t, c, &v1alpha1.Config{
		ObjectMeta: objectMeta(v1alpha1.ConfigName),
		Spec:       v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{{Name: "main", URL: s.url()}}},
		Status:     v1alpha1.ConfigStatus{ClusterUID: ownCluster},
	})
	restoreOf := func(name string, status v1alpha1.RestoreStatus) {
		create(t, c, &v1alpha1.Restore{ObjectMeta: objectMeta(name), Spec: v1alpha1.RestoreSpec{BackupName: "nightly-1"}, Status: status})
	}
	from := &v1alpha1.RestoredBackup{Name: "nightly-1", StorageLocation: "main"}
	restoreOf("back", v1alpha1.RestoreStatus{Backup: from, CompletionTime: ago(0), Record: "main: x"})
	restoreOf("runs", v1alpha1.RestoreStatus{Backup: from})
	restoreOf("refused", v1alpha1.RestoreStatus{CompletionTime: ago(0), Conditions: stalled(v1alpha1.RequestInvalidReason, "names matches nothing")})
	restoreOf("lost", v1alpha1.RestoreStatus{Backup: from, CompletionTime: ago(0), Record: "ConfigMap ark-system/ark-restore-lost (the location is ReadOnly)"})
	check(t, u.ark(t.Context(), "restore", "logs", "back", "--level", "error"), exit.Success, []string{"object=secrets/shop/a\n"}, nil)
	check(t, u.ark(t.Context(), "restore", "logs", "runs"), exit.Failed, nil, []string{`restore "runs" has not ended, and its log is written when it does`})
	check(t, u.ark(t.Context(), "restore", "logs", "refused"), exit.Failed, nil, []string{`has no log, because it never ran: names matches nothing`})
	check(t, u.ark(t.Context(), "restore", "logs", "lost"), exit.Failed, nil, []string{"read ConfigMap ark-system/ark-restore-lost, which records the restore: "})
}
