// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
	"github.com/gopherwood/ark/engine/archive"
	"github.com/gopherwood/ark/engine/blobstore"
	"github.com/gopherwood/ark/engine/catalog"
)

// archiveBytes stands for an archive: what is in it is nothing to those who copy it.
var archiveBytes = bytes.Repeat([]byte("an archive "), 4096)

// store is a bucket in a directory.
type store struct {
	*catalog.Catalog

	dir string
}

func (s store) url() string { return "file://" + s.dir }

func newStore(t *testing.T) store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bucket")
	opened, err := blobstore.Open(t.Context(), blobstore.Location{Name: "main", URL: "file://" + dir}, blobstore.Options{FileRoot: "/"})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Attach(t.Context(), opened, clock(func() time.Time { return today }), catalog.Options{Tool: "ark test"})
	if err != nil {
		t.Fatal(err)
	}
	return store{c, dir}
}

// backup commits a backup.
func (s store) backup(t *testing.T, cluster archive.Cluster, name string, change func(*archive.Marker), keys ...ed25519.PrivateKey) {
	t.Helper()
	a, err := s.NewAttempt(cluster.UID, name, "1")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{archive.ContentsFile, archive.IndexFile} {
		f, err := a.File(t.Context(), file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(archiveBytes); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m := archive.Marker{
		Cluster: cluster, Schedule: "shop.nightly", Policy: "shop",
		Spec: []byte(`{"policyName":"shop","hold":true}`), Template: []byte(`{"includedNamespaces":["shop"]}`),
		Rules:   &archive.Rules{Digest: "sha256:" + strings.Repeat("a", 64), Count: 2},
		Created: today.Add(-time.Hour), Started: today.Add(-time.Hour), Completed: today.Add(-59 * time.Minute), Expires: today.Add(time.Hour),
		Completeness: archive.Complete, Objects: archive.Counts{Included: 7, Excluded: 3},
		Resources: map[string]archive.ResourceSummary{
			"deployments.apps": {Counts: archive.Counts{Included: 3}, Version: "v1", Kind: "Deployment", Namespaced: true},
			"secrets":          {Counts: archive.Counts{Included: 4, Excluded: 3}, Version: "v1", Kind: "Secret", Namespaced: true},
		},
		ExcludedBy: map[string]int64{"token": 1, "opted-out": 2},
	}
	if change != nil {
		change(&m)
	}
	if _, err := a.Commit(t.Context(), m, keys...); err != nil {
		t.Fatal(err)
	}
}

var (
	production = archive.Cluster{UID: ownCluster, Name: "production"}
	staging    = archive.Cluster{UID: otherCluster, Name: "staging"}
)

// twoClusters is a bucket with backups of two clusters, which use one name both.
func twoClusters(t *testing.T) store {
	t.Helper()
	s := newStore(t)
	s.backup(t, production, "nightly-1", nil)
	s.backup(t, production, "nightly-2", func(m *archive.Marker) {
		m.Completeness, m.Objects.Failed, m.Errors = archive.Partial, 1, []string{"secrets/a/b: too large"}
		m.Created = today.Add(-time.Minute)
	})
	s.backup(t, staging, "nightly-1", nil)
	return s
}

func TestReadingABucketAlone(t *testing.T) {
	s := twoClusters(t)
	u := atBucket(t)
	tests := map[string]struct {
		args string
		code exit.Code
		out  []string
		errs []string
	}{
		"all backups, the newest first": {
			"backup get", exit.Success,
			[]string{"nightly-2   PartiallyFailed   7         3          1        in 60m    60s\nnightly-1   Succeeded         7         3          0        in 60m    60m\nnightly-1 "}, nil,
		},
		"those of one cluster by its name": {"backup get --cluster staging -o name", exit.Success, []string{"backup.ark.gopherwood.dev/nightly-1\n"}, nil},
		"a cluster that there is not": {
			"backup get --cluster testing", exit.Usage, nil,
			[]string{`--cluster "testing": there is nothing of that cluster, but of production (` + ownCluster + `), staging (` + otherCluster + `)`},
		},
		"a name that only one cluster uses": {
			"backup describe nightly-2", exit.Success, []string{
				"Status:       PartiallyFailed: stored 7 objects in 1m0s, and 1 failed: secrets/a/b: too large", "Signature:    Unsigned", "Cluster:      production (" + ownCluster + ")",
				"Covers:       namespaces shop; all types", "Rules:        2 modules, revision sha256:aaaa",
				"Address:      " + s.url() + "/" + ownCluster + "/data/nightly-2/1/",
				"  TYPE               STORED   LEFT OUT   FAILED\n  deployments.apps   3        0          0\n  secrets            4        3          0\n",
				"  2   opted-out   Opted out: ", "  1   token       (a rule's code)\n", "- secrets/a/b: too large",
			}, nil,
		},
		"a name that two clusters use": {
			"backup describe nightly-1", exit.Usage, nil,
			[]string{`several clusters have a "nightly-1": choose one with --cluster: production (` + ownCluster + `), staging (` + otherCluster + `)`},
		},
		"that name with a cluster by its UID": {
			"backup describe nightly-1 --cluster " + otherCluster, exit.Success, []string{"Cluster:      staging (" + otherCluster + ")"}, nil,
		},
		"a hold in the marker is not believed, because only records count": {
			"backup get nightly-2 -o yaml", exit.Success, []string{"  policyName: shop\n", "kind: Backup\n", "clusterName: production\n"}, nil,
		},
		"a backup that there is not": {
			"backup describe nightly-3", exit.Failed, nil, []string{`ark: there is no backup "nightly-3": did you mean "nightly-2" or "nightly-1"?: list what there is with "ark backup get --store URL"`},
		},
		"the clusters in it": {
			"storage get -o wide", exit.Success,
			[]string{ownCluster, "backups of cluster production (" + ownCluster + ")", "backups of cluster staging"}, nil,
		},
		"no restores yet": {"restore get", exit.Success, nil, []string{"There is no restore yet."}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := u.ark(t.Context(), append(strings.Fields(tc.args), "--store", s.url())...)
			check(t, got, tc.code, tc.out, tc.errs)
			if strings.Contains(got.Out, "hold: true") {
				t.Error("a hold is shown")
			}
		})
	}
}

func TestABucketThatCannotBeRead(t *testing.T) {
	u := atBucket(t)
	empty := t.TempDir()
	tests := map[string]struct {
		url, want string
	}{
		"a directory that there is not": {"file://" + empty + "/none", `ark: open storage location "--store": `},
		"a directory that is no store":  {"file://" + empty, "there is no ark-store.json: check url and prefix"},
		"a scheme that there is not":    {"ftp://x", `scheme "ftp" of the url is unknown`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			check(t, u.ark(t.Context(), "backup", "get", "--store", tc.url), exit.Failed, nil, []string{tc.want})
		})
	}
	t.Run("a marker that was changed is listed, and says so", func(t *testing.T) {
		s := twoClusters(t)
		damage(t, filepath.Join(s.dir, archive.MarkerKey(ownCluster, "nightly-1")), func(b []byte) []byte { return b[:len(b)/2] })
		check(t, u.ark(t.Context(), "backup", "get", "--store", s.url()), exit.Success, []string{"nightly-1   ArchiveInvalid", "nightly-2   PartiallyFailed"}, nil)
		check(t, u.ark(t.Context(), "backup", "describe", "nightly-1", "--cluster", ownCluster, "--store", s.url()), exit.Failed, nil, []string{"corrupt"})
	})
	t.Run("so is one of a later version", func(t *testing.T) {
		s := twoClusters(t)
		for _, name := range []string{"nightly-1", "nightly-2"} {
			damage(t, filepath.Join(s.dir, archive.MarkerKey(ownCluster, name)), func([]byte) []byte { return []byte(`{"marker":{"format":2}}`) })
		}
		check(t, u.ark(t.Context(), "backup", "get", "--store", s.url()), exit.Success, []string{"nightly-1   ArchiveInvalid", "nightly-2   ArchiveInvalid"}, nil)
		check(t, u.ark(t.Context(), "storage", "get", "--store", s.url()), exit.Success, []string{ownCluster}, nil)
	})
}

func TestRestoreRecordsInABucket(t *testing.T) {
	s := twoClusters(t)
	record, err := s.NewRestoreRecord(ownCluster, "back", "uid-1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := record.Commit(t.Context(), archive.RestoreSummary{
		Cluster: production, Started: today.Add(-time.Minute), Completed: today, Completeness: archive.None,
		Spec:   []byte(`{"backupName":"nightly-1"}`),
		Status: []byte(`{"backup":{"name":"nightly-1"},"denials":[{"code":"protected","message":"no"}]}`),
		Reason: v1alpha1.DeniedReason, Message: "denied by a rule",
	}); err != nil {
		t.Fatal(err)
	}
	u := atBucket(t)
	check(t, u.ark(t.Context(), "restore", "get", "--store", s.url()), exit.Success, []string{"back   Denied   nightly-1"}, nil)
	check(t, u.ark(t.Context(), "restore", "describe", "back", "--store", s.url(), "--cluster", "production"), exit.Success,
		[]string{"Denied: denied by a rule", "protected   Config", "Record:             " + ownCluster + "/restores/back/uid-1/"}, nil)
	check(t, u.ark(t.Context(), "restore", "describe", "bac", "--store", s.url()), exit.Failed, nil, []string{`there is no restore "bac": did you mean "back"?`})
}

// damage changes a file.
func damage(t *testing.T, path string, change func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBackupDownload(t *testing.T) {
	s := twoClusters(t)
	u := atBucket(t)
	key := filepath.Join(s.dir, archive.FileKey(ownCluster, "nightly-2", "1", archive.ContentsFile))
	download := func(t *testing.T, file string, more ...string) result {
		t.Helper()
		return u.ark(t.Context(), append([]string{"backup", "download", "nightly-2", "--store", s.url(), "-f", file}, more...)...)
	}
	t.Run("as committed, for the user only", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "a.tar.gz")
		check(t, download(t, file), exit.Success, []string{file + " written, 44.0 KiB, as committed."}, nil)
		got, err := os.ReadFile(file)
		if err != nil || !bytes.Equal(got, archiveBytes) {
			t.Errorf("got %d bytes, %v", len(got), err)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
		check(t, download(t, file), exit.Failed, nil, []string{"the file exists: choose another with --file, or overwrite it with --force"})
		check(t, download(t, file, "--force"), exit.Success, nil, nil)
	})
	t.Run("into the current folder, under its name", func(t *testing.T) {
		t.Chdir(t.TempDir())
		check(t, u.ark(t.Context(), "backup", "download", "nightly-2", "--store", s.url()), exit.Success, []string{"nightly-2.tar.gz written"}, nil)
	})
	t.Run("to a folder that there is not", func(t *testing.T) {
		check(t, download(t, filepath.Join(t.TempDir(), "none", "a")), exit.Failed, nil, []string{"create the file: "})
	})
	for name, tc := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"cut short":         {func(b []byte) []byte { return b[:len(b)-1] }, "it is cut short: 45055 of 45056 bytes are there; nothing was kept"},
		"longer":            {func(b []byte) []byte { return append(b, '!') }, "it is longer than the 45056 bytes that were committed; nothing was kept"},
		"changed by a byte": {func(b []byte) []byte { b[100] ^= 1; return b }, "its SHA-256 is not the one that was committed; nothing was kept"},
	} {
		t.Run(name, func(t *testing.T) {
			damage(t, key, tc.change)
			defer damage(t, key, func([]byte) []byte { return archiveBytes })
			dir := t.TempDir()
			check(t, download(t, filepath.Join(dir, "a.tar.gz")), exit.Failed, nil, []string{"ark: download backup nightly-2: corrupt archive: " + tc.want})
			var left []string
			if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
				if !d.IsDir() {
					left = append(left, path)
				}
				return err
			}); err != nil || left != nil {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	t.Run("a file that is gone", func(t *testing.T) {
		if err := os.Remove(key); err != nil {
			t.Fatal(err)
		}
		check(t, download(t, filepath.Join(t.TempDir(), "a")), exit.Failed, nil, []string{"read the archive: ", "not found"})
	})
}

func TestSignaturesOfABucketAlone(t *testing.T) {
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	trusted := base64.StdEncoding.EncodeToString(public)
	s := newStore(t)
	s.backup(t, production, "plain", nil)
	s.backup(t, production, "signed", nil, key)
	s.backup(t, production, "changed", nil, key)
	damage(t, filepath.Join(s.dir, archive.MarkerKey(ownCluster, "changed")), func(b []byte) []byte {
		return bytes.Replace(b, []byte(`"included":7`), []byte(`"included":9`), 1)
	})
	u := atBucket(t)
	for args, want := range map[string]string{
		"describe plain --trusted-key " + trusted:   "Signature:    Unsigned: nobody vouches for what it holds",
		"describe signed --trusted-key " + trusted:  "Signature:    Verified: a trusted key signed it",
		"describe signed":                           "Signature:    UnknownKey: ",
		"describe changed --trusted-key " + trusted: "Signature:    Tampered: it was changed after it was signed, and is not restored",
		"describe changed":                          "ArchiveInvalid: its marker was changed after it was signed",
		"get signed -o yaml --trusted-key " + trusted + "," + strings.Repeat("A", 43) + "=": "verification: Verified",
	} {
		check(t, u.ark(t.Context(), append(strings.Fields("backup "+args), "--store", s.url())...), exit.Success, []string{want}, nil)
	}
	file := filepath.Join(t.TempDir(), "a.tar.gz")
	check(t, u.ark(t.Context(), "backup", "download", "changed", "--store", s.url(), "-f", file), exit.Failed, nil,
		[]string{"its marker was changed after it was signed, and says nothing of what was committed: take another backup"})
	if _, err := os.Stat(file); err == nil {
		t.Error("an archive was written all the same")
	}
	const changed = "was changed after it was signed: what is shown may not be what was backed up\n"
	for _, verb := range []string{"contents", "logs"} {
		check(t, u.ark(t.Context(), "backup", verb, "changed", "--store", s.url()), exit.Failed, nil, []string{"ark: backup changed " + changed})
		if got := u.ark(t.Context(), "backup", verb, "signed", "--store", s.url()); strings.Contains(got.Err, changed) {
			t.Errorf("%s of one that is as it was signed: %s", verb, got.Err)
		}
	}
	check(t, u.ark(t.Context(), "backup", "get", "--trusted-key", trusted), exit.Usage, nil, []string{"--trusted-key goes with --store"})
	check(t, u.ark(t.Context(), "backup", "get", "--store", s.url(), "--trusted-key", "AAAA"), exit.Usage, nil,
		[]string{`--trusted-key "AAAA": write the base64 of the 32 bytes of an Ed25519 public key`})
}

func TestReadingTheStoreOfACluster(t *testing.T) {
	s := twoClusters(t)
	u, c := atCluster(t)
	create(t, c, &v1alpha1.Config{
		ObjectMeta: metav1.ObjectMeta{Name: v1alpha1.ConfigName},
		Spec: v1alpha1.ConfigSpec{Storage: []v1alpha1.StorageLocation{
			{Name: "main", URL: s.url()},
			{Name: "memory", URL: "mem://x"},
			{Name: "gone", URL: "file:///none/such"},
			{Name: "secret", URL: s.url(), CredentialsSecretName: "absent"},
		}},
	})
	at := func(name string, locations ...string) {
		b := partialBackup(name)
		b.Status.Origin.BackupName = "nightly-2"
		b.Status.StorageLocations = locations
		create(t, c, b)
	}
	at("stored", "memory", "gone", "main")
	at("in-memory", "memory")
	at("elsewhere", "gone")
	at("nowhere", "former")
	at("locked", "secret")
	at("running")
	file := filepath.Join(t.TempDir(), "a")
	check(t, u.ark(t.Context(), "backup", "describe", "stored"), exit.Success, []string{"deployments.apps   3 ", "Address:      " + s.url()}, nil)
	check(t, u.ark(t.Context(), "backup", "download", "stored", "-f", file), exit.Success, []string{"as committed"}, nil)
	for name, want := range map[string]string{
		"in-memory": `storage location "memory" lies in the memory of the controllers`,
		"elsewhere": `(the directory lies where "ark server" runs)`,
		"nowhere":   `the Config has no storage location "former" any more`,
		"locked":    `read Secret ark-system/absent, which holds the location's credentials: `,
		"running":   `backup "running" is not stored yet: see how it goes with "ark backup describe running"`,
	} {
		t.Run(name, func(t *testing.T) {
			check(t, u.ark(t.Context(), "backup", "download", name, "-f", file+"2"), exit.Failed, nil, []string{want})
			if name != "running" {
				check(t, u.ark(t.Context(), "backup", "describe", name), exit.Success, []string{"Types: not known here: read the backup with your own rights: "}, nil)
			}
		})
	}
}
