// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"strings"
	"testing"
)

func TestConfig(t *testing.T) {
	const name = "should match '^[a-z0-9]([-a-z0-9]*[a-z0-9])?$'"
	checkCreation(t, "Config", map[string]request{
		"an empty Config is accepted": {spec: `{}`},
		"a whole one is accepted": {spec: `
clusterName: production
mode: RestoreOnly
storage:
  - {name: main, url: "s3://backups?region=eu-central-1", prefix: team/a.b, credentialsSecretName: s3, caSecretName: ca, default: true, signing: {secretName: signing}}
  - {name: old, url: "file:///old", access: ReadOnly}
defaults: {ttl: 240h, storageLocation: old}
syncInterval: 30s
gcInterval: 1h
restoreOrder: [secrets, widgets.example.org]
concurrency: {backups: 16, restores: 16, lists: 64, writes: 128}
rules: [{name: no-tokens, library: select/service-account-tokens}]
requireGate: true
trustedKeys: [{name: eu, publicKey: ` + strings.Repeat("A", 43) + `=}]
`},
		"there is one Config": {
			name: "production", spec: `{}`,
			want: "metadata: there is one Config, and its name is default",
		},
		"two locations cannot both be the default": {
			spec: `{storage: [{name: a, url: "mem://a", default: true}, {name: b, url: "mem://b", default: true}]}`,
			want: "spec: at most one storage location can be the default",
		},
		"the default location exists": {
			spec: `{storage: [{name: a, url: "mem://a"}], defaults: {storageLocation: b}}`,
			want: "spec: defaults.storageLocation must name one of the storage locations",
		},
		"without locations there is no default one": {
			spec: `{defaults: {storageLocation: b}}`,
			want: "spec: defaults.storageLocation must name one of the storage locations",
		},
		"two locations cannot have one name": {
			spec: `{storage: [{name: a, url: "mem://a"}, {name: a, url: "mem://b"}]}`,
			want: `spec.storage[1]: Duplicate value: {"name":"a"}`,
		},
		"a location needs a URL": {spec: `{storage: [{name: a}]}`, want: "spec.storage[0].url: Required value"},
		"a location's name is simple": {
			spec: `{storage: [{name: My_Bucket, url: "mem://a"}]}`,
			want: "spec.storage[0].name: spec.storage[0].name in body " + name,
		},
		"a prefix cannot climb": {
			spec: `{storage: [{name: a, url: "mem://a", prefix: a/../b}]}`,
			want: "spec.storage[0].prefix: spec.storage[0].prefix in body should match '^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$'",
		},
		"an unknown access is refused": {
			spec: `{storage: [{name: a, url: "mem://a", access: WriteOnly}]}`,
			want: `spec.storage[0].access: Unsupported value: "WriteOnly": supported values: "ReadWrite", "ReadOnly"`,
		},
		"an unknown mode is refused": {
			spec: `{mode: BackupOnly}`,
			want: `spec.mode: Unsupported value: "BackupOnly": supported values: "Full", "RestoreOnly"`,
		},
		"17 locations are too many": {
			spec: `{storage: ` + list(17, `{name: s%d, url: "mem://a"}`) + `}`,
			want: "spec.storage: Too many: 17: must have at most 16 items",
		},
		"an interval has a unit":  {spec: `{syncInterval: "60"}`, want: "spec.syncInterval: " + badDuration},
		"an interval is not zero": {spec: `{gcInterval: 0m}`, want: "spec.gcInterval: " + badDuration},
		"a default ttl has no days": {
			spec: `{defaults: {ttl: 1d}}`, want: "spec.defaults.ttl: " + badDuration,
		},
		"nothing runs without concurrency": {
			spec: `{concurrency: {backups: 0}}`,
			want: "spec.concurrency.backups: spec.concurrency.backups in body should be greater than or equal to 1",
		},
		"concurrency has an end": {
			spec: `{concurrency: {writes: 129}}`,
			want: "spec.concurrency.writes: spec.concurrency.writes in body should be less than or equal to 128",
		},
		"a public key is 32 bytes in base64": {
			spec: `{trustedKeys: [{name: eu, publicKey: AAAA}]}`,
			want: "spec.trustedKeys[0].publicKey: write the base64 of the 32 bytes of an Ed25519 public key, as status.storage[].publicKey of the other cluster's Config shows it",
		},
		"signing names its Secret": {
			spec: `{storage: [{name: a, url: "mem://a", signing: {}}]}`,
			want: "spec.storage[0].signing.secretName: Required value",
		},
	})
}
