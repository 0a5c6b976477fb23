// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package sync_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/controllers/internal/controllertest"
	"github.com/gopherwood/ark/engine/archive"
)

// newKey makes a key that the Config trusts under its name, unless that is empty.
func (b *bench) newKey(name string) ed25519.PrivateKey {
	b.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		b.Fatal(err)
	}
	if name != "" {
		cfg := b.config()
		cfg.Spec.TrustedKeys = append(cfg.Spec.TrustedKeys, v1alpha1.TrustedKey{Name: name, PublicKey: base64.StdEncoding.EncodeToString(public)})
		if err := b.Update(b.Context(), cfg); err != nil {
			b.Fatal(err)
		}
	}
	return key
}

// overwrite puts other bytes in the place of a marker.
func (b *bench) overwrite(name string, content string) {
	b.Helper()
	b.vanish("main", here, name)
	b.put("main", archive.MarkerKey(here, name), content)
}

// envelope reads a marker as it is stored.
func (b *bench) envelope(name string) archive.Envelope {
	b.Helper()
	var env archive.Envelope
	if err := json.Unmarshal([]byte(b.content("main", archive.MarkerKey(here, name))), &env); err != nil {
		b.Fatal(err)
	}
	return env
}

func encoded(t *testing.T, env archive.Envelope) string {
	t.Helper()
	raw, err := json.Marshal(env)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestWhatSignaturesAreWorthIsShown(t *testing.T) {
	tests := map[string]struct {
		// spoil does what somebody does who can write to the bucket.
		spoil func(*bench) string
		want  string
		ready string
	}{
		"a marker as it was signed": {
			spoil: func(b *bench) string { return b.content("main", archive.MarkerKey(here, name(1))) },
			want:  "Verified", ready: "True Succeeded",
		},
		"a marker with more objects than were signed": {
			spoil: func(b *bench) string {
				return strings.Replace(b.content("main", archive.MarkerKey(here, name(1))), `"included":3`, `"included":4`, 1)
			},
			want: "Tampered", ready: "False ArchiveInvalid",
		},
		"a marker that names another attempt": {
			spoil: func(b *bench) string {
				return strings.Replace(b.content("main", archive.MarkerKey(here, name(1))), `"attempt":"a1"`, `"attempt":"a9"`, 1)
			},
			want: "Tampered", ready: "False ArchiveInvalid",
		},
		"a signature of another backup": {
			spoil: func(b *bench) string {
				env := b.envelope(name(1))
				env.Signatures = b.envelope(name(2)).Signatures
				return encoded(b.T, env)
			},
			want: "Tampered", ready: "False ArchiveInvalid",
		},
		"a signature that is cut short": {
			spoil: func(b *bench) string {
				env := b.envelope(name(1))
				env.Signatures[0].Signature = env.Signatures[0].Signature[:20]
				return encoded(b.T, env)
			},
			want: "Tampered", ready: "False ArchiveInvalid",
		},
		"a marker whose signature was taken off": {
			spoil: func(b *bench) string {
				env := b.envelope(name(1))
				env.Signatures = nil
				return encoded(b.T, env)
			},
			want: "Unsigned", ready: "True Succeeded",
		},
		"a changed marker that a stranger signed": {
			spoil: func(b *bench) string {
				env := b.envelope(name(1))
				env.Marker = json.RawMessage(strings.Replace(string(env.Marker), `"included":3`, `"included":4`, 1))
				env.Signatures = nil
				archive.Sign(&env, b.newKey(""))
				return encoded(b.T, env)
			},
			want: "UnknownKey", ready: "True Succeeded",
		},
		"a good signature beside one of a stranger's and one that fits nothing": {
			spoil: func(b *bench) string {
				env := b.envelope(name(1))
				good := env.Signatures
				env.Signatures = nil
				archive.Sign(&env, b.newKey(""))
				env.Signatures = append(env.Signatures, archive.Signature{PublicKey: good[0].PublicKey, Signature: "AAAA"}, good[0])
				return encoded(b.T, env)
			},
			want: "Verified", ready: "True Succeeded",
		},
	}
	for title, tc := range tests {
		t.Run(title, func(t *testing.T) {
			b := newBench(t, "main")
			b.keys = []ed25519.PrivateKey{b.newKey("ours")}
			b.commit("main", here, name(1))
			b.commit("main", here, name(2))
			b.sync()
			for _, n := range []string{name(1), name(2)} {
				if got := b.backup(n).Status.Verification; got != v1alpha1.VerificationVerified {
					t.Fatalf("%s is %s before anything was done to it", n, got)
				}
			}
			b.events.Take()
			b.overwrite(name(1), tc.spoil(b))
			b.sync()
			b.sync()
			if got := b.backup(name(1)).Status.Verification; string(got) != tc.want {
				t.Errorf("verification = %s, want %s", got, tc.want)
			}
			if got := b.ready(name(1)); !strings.HasPrefix(got, tc.ready+": ") {
				t.Errorf("Ready = %s, want %s", got, tc.ready)
			}
			var want []string
			if tc.want == "Tampered" {
				want = []string{"Warning BackupTampered: the marker of backup " + name(1) +
					` in storage location "main" was changed after it was signed: find out who writes to the bucket`}
			}
			if diff := cmp.Diff(want, b.told("BackupTampered")); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			if got := b.backup(name(2)).Status.Verification; got != v1alpha1.VerificationVerified {
				t.Errorf("the other backup is %s", got)
			}
		})
	}
}

func TestAMarkerThatIsPutBackIsVerifiedAgain(t *testing.T) {
	b := newBench(t, "main")
	b.keys = []ed25519.PrivateKey{b.newKey("ours")}
	b.commit("main", here, name(1))
	good := b.content("main", archive.MarkerKey(here, name(1)))
	b.overwrite(name(1), strings.Replace(good, `"included":3`, `"included":4`, 1))
	b.sync()
	if got := b.ready(name(1)); !strings.HasPrefix(got, "False ArchiveInvalid") {
		t.Errorf("Ready = %s", got)
	}
	b.overwrite(name(1), good)
	b.sync()
	if got := b.ready(name(1)); !strings.HasPrefix(got, "True Succeeded") || b.backup(name(1)).Status.Verification != v1alpha1.VerificationVerified {
		t.Errorf("Ready = %s, %s", got, b.backup(name(1)).Status.Verification)
	}
}

// TestAMarkerIsNotReplayed puts a marker that is signed well where it does not
// belong: under another name, of another cluster, into another store.
func TestAMarkerIsNotReplayed(t *testing.T) {
	b := newBench(t, "main", "other")
	b.keys = []ed25519.PrivateKey{b.newKey("ours")}
	b.commit("main", here, name(1))
	b.commit("other", here, name(2))
	b.put("main", archive.MarkerKey(here, name(3)), b.content("main", archive.MarkerKey(here, name(1))))
	b.put("main", archive.MarkerKey(there, name(1)), b.content("main", archive.MarkerKey(here, name(1))))
	b.put("main", archive.MarkerKey(here, name(2)), b.content("other", archive.MarkerKey(here, name(2))))
	message := b.sync()["main"].SyncMessage
	for _, want := range []string{
		"3 of the backups cannot be shown",
		name(3) + " of cluster " + here + ": read backup " + name(3) + ": corrupt: its marker is that of backup " + name(1) + " of cluster " + here,
		name(1) + " of cluster " + there + ": ",
		name(2) + " of cluster " + here + ": ",
		"in store " + b.catalogs["other"].Identity().ID,
	} {
		if !strings.Contains(message, want) {
			t.Errorf("message %q does not say %q", message, want)
		}
	}
	if b.backup(name(3)) != nil {
		t.Error("a replayed marker is shown as a backup")
	}
}

// TestTrustMayChange follows a key that is rotated: what the old one signed is
// verified as long as trustedKeys names it.
func TestTrustMayChange(t *testing.T) {
	b := newBench(t, "main")
	b.keys = []ed25519.PrivateKey{b.newKey("old")}
	b.commit("main", here, name(1))
	b.keys = []ed25519.PrivateKey{b.newKey("new")}
	b.commit("main", here, name(2))
	verified := func() [2]v1alpha1.Verification {
		b.sync()
		return [2]v1alpha1.Verification{b.backup(name(1)).Status.Verification, b.backup(name(2)).Status.Verification}
	}
	if got := verified(); got != [2]v1alpha1.Verification{"Verified", "Verified"} {
		t.Errorf("with both keys they are %v", got)
	}
	cfg := b.config()
	both := cfg.Spec.TrustedKeys
	cfg.Spec.TrustedKeys = both[1:]
	if err := b.Update(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if got := verified(); got != [2]v1alpha1.Verification{"UnknownKey", "Verified"} {
		t.Errorf("without the old key they are %v", got)
	}
	// The key that signs here is trusted because the status shows it.
	before := b.config()
	cfg = before.DeepCopy()
	cfg.Status.Storage[0].PublicKey = both[0].PublicKey
	controllertest.WriteStatus(t, b, before, cfg)
	if got := verified(); got != [2]v1alpha1.Verification{"Verified", "Verified"} {
		t.Errorf("with the old key as our own they are %v", got)
	}
}
