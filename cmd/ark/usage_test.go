// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

func TestMistakesOnTheCommandLine(t *testing.T) {
	tests := map[string]struct {
		args string
		want string
	}{
		"an unknown command, with what may be meant": {
			"bakup get", `ark: unknown command "bakup" for "ark": did you mean backup?; see "ark --help"`,
		},
		"an unknown verb": {
			"backup mend x", `ark: unknown command "mend" for "ark backup"; see "ark backup --help"`,
		},
		"an unknown flag": {
			"backup get --all", `ark: unknown flag: --all; see "ark backup get --help"`,
		},
		"a value that is none of a flag's": {
			"backup get -o xml", `ark: invalid argument "xml" for "-o, --output" flag: must be table, wide, yaml, json or name; see "ark backup get --help"`,
		},
		"a duration that is none": {
			"backup create a --ttl 30", `ark: invalid argument "30" for "--ttl" flag: write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days; see "ark backup create --help"`,
		},
		"days":               {"backup create a --ttl 30d", `ark: invalid argument "30d" for "--ttl" flag: write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days; see`},
		"days of a schedule": {"schedule create a --cron @daily --starting-deadline 1d", `flag: write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days; see`},
		"days to wait":       {"backup create a --wait --timeout 1d", `flag: write a positive duration in hours, minutes and seconds, such as 720h or 1h30m: there is no unit for days; see`},
		"a type behind its group": {
			"backup create a --include-resources pods,apps/deployments", `ark: --include-resources: "apps/deployments" has the group before the type: write "deployments.apps"; see`,
		},
		"a type with a version": {
			"schedule create a --cron @daily --exclude-resources deployments.apps/v1", `ark: --exclude-resources: "deployments.apps/v1" names a version: write "deployments.apps", `,
		},
		"a glob of types":                 {"restore create --from-backup b --include-resources conf*", `ark: --include-resources: "conf*" has a wildcard within a name: write out each type; `},
		"a subresource":                   {"restore create --from-backup b --restore-status pods/log", `ark: --restore-status: "pods/log" names a subresource, which is part of its object: write "pods"; see`},
		"a namespace that none is called": {"backup create a --include-namespaces Shop", `ark: --include-namespaces: "Shop" matches no namespace: names have lower case letters, digits and "-"; see`},
		"a value that is empty":           {"backup create a --include-namespaces a,,b", `flag: a value is empty: write values with one comma between two of them; see`},
		"numbers in a selector":           {"backup create a -l size>3", `ark: --selector "size>3": "size>3" compares numbers, which a label selector of an object cannot: name the values, as in key in (a,b); see`},

		"a duration below zero": {
			"backup create a --ttl=-1h", `ark: --ttl -1h0m0s: must be positive; see "ark backup create --help"`,
		},
		"a duration of nothing": {
			"backup create a --ttl 0s -o yaml", `ark: --ttl 0s: must be positive; see "ark backup create --help"`,
		},
		"a schedule's duration of nothing": {
			"schedule create a --cron @daily --ttl 0s -o yaml", `ark: --ttl 0s: must be positive; see "ark schedule create --help"`,
		},
		"a deadline of nothing": {
			"schedule create a --cron @daily --starting-deadline 0s -o yaml", `ark: --starting-deadline 0s: must be positive; see`,
		},
		"a keep rule for less than none": {
			"schedule create a --cron @daily --keep-last -1 -o yaml", `ark: --keep-last -1: must be from 0 to 10000; see`,
		},
		"a keep rule for more than can be": {
			"schedule create a --cron @daily --keep-yearly 10001 -o yaml", `ark: --keep-yearly 10001: must be from 0 to 10000; see`,
		},
		"a manifest whose name is made of what no object is called": {
			"restore create --from-backup B_ -o yaml", `ark: name "B_-20261123120000-cba8fb" is not a DNS name: `,
		},
		"help about what there is not": {
			"help bakup", `ark: unknown command "bakup" for "ark": did you mean backup?; see "ark help --help"`,
		},
		"help about a verb that there is not": {
			"help backup mend", `ark: unknown command "mend" for "ark backup"; see "ark help --help"`,
		},
		"no name": {
			"backup create", `ark: NAME is missing: it can only be left out with --from-schedule or --from-policy; see "ark backup create --help"`,
		},
		"two names": {
			"backup create a b", `ark: accepts at most 1 arg(s), received 2: expected ark backup create [NAME]; see "ark backup create --help"`,
		},
		"a name that no object can have": {
			"backup create Friday!", `ark: name "Friday!" is not a DNS name: write lower case letters, digits, "-" and ".", and begin and end each part`,
		},
		"a name that no archive can hold": {
			"restore create " + strings.Repeat("a", 64) + " --from-backup b", `a" has a part of more than 63 characters: choose a shorter one, or put dots in between; see`,
		},
		"a selector that cannot be read": {
			"backup create a -l a=b=c", `ark: --selector "a=b=c": `,
		},
		"two kinds of selectors": {
			"backup create a -l a=b --or-selector c=d", `ark: set --selector or --or-selector, not both; see`,
		},
		"a policy and a selection": {
			"backup create --from-policy p --include-namespaces x",
			`ark: --include-namespaces cannot be combined with --from-policy, whose template says what is covered; see`,
		},
		"a policy and a schedule": {
			"backup create --from-policy p --from-schedule s", `ark: set --from-schedule or --from-policy, not both; see`,
		},
		"a timeout of nothing": {
			"backup create a --timeout 5m", `ark: --timeout is how long to wait: set --wait too; see`,
		},
		"a restore of nothing": {
			"restore create", `ark: set one of --from-backup, --from-schedule and --from-policy; see`,
		},
		"two namespaces mapped onto one": {
			"restore create --from-backup a --namespace-mappings a:x,b:x",
			`ark: --namespace-mappings: "a" and "b" cannot both be restored into "x": choose another namespace for one; see`,
		},
		"one namespace mapped onto two": {
			"restore create --from-backup a --namespace-mappings a:x,a:y",
			`ark: --namespace-mappings: "a" is mapped twice, into "x" and "y"; see`,
		},
		"a mapping without a colon": {
			"restore create --from-backup a --namespace-mappings a", `ark: --namespace-mappings "a": write from:to, and commas between pairs; see`,
		},
		"a mapping to what is no namespace": {
			"restore create --from-backup a --namespace-mappings a:B", `ark: --namespace-mappings "a:B": "B" is not the name of a namespace: `,
		},
		"a policy for existing objects that there is not": {
			"restore create --from-backup a --existing-resource-policy merge",
			`flag: must be None, Update or Recreate; see`,
		},
		"a deletion that nobody confirms": {
			"backup delete a", `ark: nobody can be asked here: confirm with --yes; see`,
		},
		"a deletion without a reason": {
			"backup delete a --yes --reason=", `ark: --reason must not be empty: say why, for the record; see`,
		},
		"a download to where it cannot be checked first": {
			"backup download a -f -", `ark: --file -: the archive is checked before it is handed out, so it needs a file; see`,
		},
		"an adoption from what is no cluster": {
			"storage adopt prod --yes", `ark: CLUSTER-UID "prod": must be the UID of a cluster`,
		},
		"an adoption that nobody confirms": {
			"storage adopt 22222222-2222-2222-2222-222222222222", `ark: nobody can be asked here: confirm with --yes; see`,
		},
		"a cluster of no bucket": {
			"backup get --cluster x", `ark: --cluster goes with --store: to choose a cluster to connect to, use --context; see`,
		},
		"a prefix of no bucket": {
			"restore get --prefix x", `ark: --prefix goes with --store; see`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			got := atBucket(t).ark(t.Context(), strings.Fields(tc.args)...)
			if got.Code != exit.Usage || got.Out != "" {
				t.Errorf("exit code %d, output %q", got.Code, got.Out)
			}
			if !strings.Contains(got.Err, tc.want) || strings.Count(got.Err, "\n") != 1 {
				t.Errorf("got %q, want one line with %q", got.Err, tc.want)
			}
		})
	}
}

func TestAGroupAloneShowsItsHelp(t *testing.T) {
	got := atBucket(t).ark(t.Context(), "backup")
	check(t, got, exit.Success, []string{"ark backup [command]", "download"}, nil)
}

func TestHelpAboutACommandIsItsHelp(t *testing.T) {
	u := atBucket(t)
	for _, args := range []string{"help", "help backup", "help backup create"} {
		path := strings.TrimSpace("ark" + strings.TrimPrefix(args, "help"))
		asked := u.ark(t.Context(), strings.Fields(args)...)
		check(t, asked, exit.Success, []string{path}, nil)
		if diff := cmp.Diff(u.ark(t.Context(), append(strings.Fields(path)[1:], "--help")...), asked); diff != "" {
			t.Errorf("ark %s (-%s --help):\n%s", args, path, diff)
		}
	}
}

func TestThePluginOfKubectlNamesItselfSo(t *testing.T) {
	u := atBucket(t)
	u.program = "/usr/local/bin/kubectl-ark"
	check(t, u.ark(t.Context(), "backup", "create", "--help"), exit.Success,
		[]string{"kubectl ark backup create [NAME] [flags]", "  kubectl ark backup create before-upgrade --wait"}, nil)
	check(t, u.ark(t.Context(), "backup", "create"), exit.Usage, nil, []string{`see "kubectl ark backup create --help"`})
}

func TestNearest(t *testing.T) {
	names := []string{"nightly-20261121030000", "nightly-20261122030000", "before-upgrade", "shop"}
	tests := map[string]struct {
		name string
		want []string
	}{
		"a letter off":                    {"before-upgrad", []string{"before-upgrade"}},
		"letters swapped":                 {"befroe-upgrade", []string{"before-upgrade"}},
		"the beginning, the newest first": {"nightly", []string{"nightly-20261122030000", "nightly-20261121030000"}},
		"nothing like it":                 {"weekly", nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, nearest(tc.name, names)); diff != "" {
				t.Errorf("nearest() mismatch (-want +got):\n%s", diff)
			}
		})
	}
}
