// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/gopherwood/ark/api/v1alpha1"
	"github.com/gopherwood/ark/cmd/ark/internal/access"
	"github.com/gopherwood/ark/cmd/ark/internal/exit"
)

// withoutFlag are the fields of a spec that no flag sets, with the reason.
var withoutFlag = map[string]string{
	"backup.deletion":     "ark backup delete asks for it, of a backup that there is",
	"backup.template.ttl": "--ttl sets the Backup's own, which comes first",
}

// settings are what each flag is given.
var settings = map[string]string{
	"include-namespaces": "a,b-*", "exclude-namespaces": "c", "include-resources": "configmaps", "exclude-resources": "pods",
	"selector": "app=web", "or-selector": "app=db", "include-cluster-resources": "false",
	"ttl": "48h", "storage-location": "far", "point-in-time": "off", "allow-empty": "true", "from-policy": "p", "hold": "true",
	"from-backup": "b", "from-schedule": "s", "names": "x", "namespace-mappings": "a:b,c:d",
	"existing-resource-policy": "update", "preserve-nodeports": "true", "restore-status": "jobs.batch", "workloads": "paused",
	"modifiers": "modifiers.yaml", "dry-run": "true",
	"cron": "0 3 * * *", "time-zone": "Europe/Berlin", "suspend": "true", "starting-deadline": "1h", "concurrency-policy": "allow",
	"keep-last": "0", "keep-hourly": "1", "keep-daily": "2", "keep-weekly": "3", "keep-monthly": "4", "keep-yearly": "5",
}

// TestEveryFieldOfASpecHasAFlag walks the specs that ark can create. Every field
// has a flag, or a reason to have none; the flag sets the field; and what is printed
// without a cluster is what a server takes.
func TestEveryFieldOfASpecHasAFlag(t *testing.T) {
	_, c := atCluster(t)
	alone := atBucket(t)
	t.Chdir(t.TempDir())
	modifiers := "- name: one\n  target: {resources: [configmaps]}\n  patch: |\n    - {op: add, path: /data/a, value: b}\n"
	if err := os.WriteFile("modifiers.yaml", []byte(modifiers), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		object client.Object
		// always are flags without which the command is not complete.
		always string
	}{
		"backup":   {&v1alpha1.Backup{}, ""},
		"restore":  {&v1alpha1.Restore{}, "from-backup"},
		"schedule": {&v1alpha1.Schedule{}, "cron"},
	}
	for noun, tc := range tests {
		spec, _ := reflect.TypeOf(tc.object).Elem().FieldByName("Spec")
		for _, path := range leaves(spec.Type, "") {
			t.Run(noun+"."+path, func(t *testing.T) {
				last := path[strings.LastIndex(path, ".")+1:]
				flag := access.Flags[last]
				if reason := withoutFlag[noun+"."+path]; reason != "" {
					return
				}
				if flag == "" {
					t.Fatalf("no flag of ark %s create sets spec.%s, and no reason is given", noun, path)
				}
				args := []string{noun, "create", "probe", "-o", "yaml", "--" + flag + "=" + settings[flag]}
				if tc.always != "" && flag != tc.always && !strings.HasPrefix(flag, "from-") {
					args = append(args, "--"+tc.always+"="+settings[tc.always])
				}
				if noun == "schedule" && flag == "from-policy" {
					args = append(args, "--cron=@daily")
				}
				got := alone.ark(t.Context(), args...)
				if got.Code != exit.Success {
					t.Fatalf("ark %s: %s", strings.Join(args, " "), got.Err)
				}
				o, ok := reflect.TypeAssert[client.Object](reflect.New(reflect.TypeOf(tc.object).Elem()))
				if !ok {
					t.Fatal("no object")
				}
				if err := yaml.UnmarshalStrict([]byte(got.Out), o); err != nil {
					t.Fatalf("%v\n%s", err, got.Out)
				}
				if !isSet(t, reflect.ValueOf(o).Elem().FieldByName("Spec"), path) {
					t.Errorf("ark %s does not set spec.%s:\n%s", strings.Join(args, " "), path, got.Out)
				}
				if len(o.GetLabels()[v1alpha1.CreatedByLabel]) > 0 || strings.Contains(got.Out, "status:") {
					t.Errorf("what is to be committed says more than what was asked for:\n%s", got.Out)
				}
				if err := c.Create(t.Context(), o, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
					t.Errorf("the API server refuses it: %v\n%s", err, got.Out)
				}
			})
		}
	}
}

// leaves are the paths of the fields of a spec, as they are written: those of
// templates and keep rules one by one, others as a whole.
func leaves(of reflect.Type, prefix string) []string {
	var paths []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		kind := field.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch kind {
		case reflect.TypeFor[v1alpha1.BackupTemplate](), reflect.TypeFor[v1alpha1.Retention]():
			paths = append(paths, leaves(kind, prefix+name+".")...)
		default:
			paths = append(paths, prefix+name)
		}
	}
	return paths
}

// isSet reports whether the field at a path has a value.
func isSet(t *testing.T, v reflect.Value, path string) bool {
	t.Helper()
	name, rest, nested := strings.Cut(path, ".")
	for i := range v.NumField() {
		tag, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if tag != name {
			continue
		}
		field := v.Field(i)
		if !nested {
			return !field.IsZero()
		}
		if field.Kind() == reflect.Pointer {
			if field.IsNil() {
				return false
			}
			field = field.Elem()
		}
		return isSet(t, field, rest)
	}
	t.Fatalf("there is no field %s", path)
	return false
}

func TestModifiersFromAFile(t *testing.T) {
	u := atBucket(t)
	dir := t.TempDir()
	tests := map[string]struct {
		content string
		code    exit.Code
		want    string
	}{
		"a list": {"- name: a\n  patch: '[]'\n", exit.Success, "- name: a\n"},
		"an object with the list": {
			`{"modifiers": [{"name": "a", "patch": "[]"}]}`, exit.Success, "- name: a\n",
		},
		"a field that there is not": {"- name: a\n  path: '[]'\n", exit.Usage, `unknown field "path": write a list as in spec.modifiers`},
		"nothing":                   {"[]", exit.Usage, "there is no modifier in it"},
		"too much":                  {strings.Repeat("#", maxModifiers+1), exit.Usage, "has more than 1 MiB"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
			if err := os.WriteFile(file, []byte(tc.content), 0o600); err != nil {
				t.Fatal(err)
			}
			got := u.ark(t.Context(), "restore", "create", "--from-backup", "b", "--modifiers", file, "-o", "yaml")
			if got.Code != tc.code || !strings.Contains(got.Out+got.Err, tc.want) {
				t.Errorf("got %d %s%s, want %d with %q", got.Code, got.Out, got.Err, tc.code, tc.want)
			}
		})
	}
	check(t, u.ark(t.Context(), "restore", "create", "--from-backup", "b", "--modifiers", filepath.Join(dir, "none"), "-o", "yaml"),
		exit.Usage, nil, []string{"--modifiers: open "})
}

func TestPrintingInsteadOfCreating(t *testing.T) {
	u, c := atCluster(t)
	create(t, c, &v1alpha1.Schedule{
		ObjectMeta: objectMeta("printed"),
		Spec:       v1alpha1.ScheduleSpec{Cron: "0 3 * * *", PolicyName: "shop", Suspend: true},
	})
	check(t, u.ark(t.Context(), "backup", "create", "--from-schedule", "printed", "-o", "yaml"), exit.Success,
		[]string{"name: printed-20261123120000-dea53a\n", "    ark.gopherwood.dev/schedule: printed\n", "  policyName: shop\n"}, nil)
	check(t, u.ark(t.Context(), "backup", "create", "printed", "-o", "json"), exit.Success, []string{`"kind": "Backup"`, `"template": {}`}, nil)
	var left v1alpha1.BackupList
	if err := c.List(t.Context(), &left); err != nil {
		t.Fatal(err)
	}
	for i := range left.Items {
		if strings.HasPrefix(left.Items[i].Name, "printed") {
			t.Errorf("backup %s was created", left.Items[i].Name)
		}
	}
	check(t, atBucket(t).ark(t.Context(), "backup", "create", "a", "-o", "yaml", "--wait"), exit.Usage, nil,
		[]string{"set --output or --wait, not both"})
	check(t, atBucket(t).ark(t.Context(), "backup", "create", "--from-schedule", "s", "-o", "yaml"), exit.Usage, nil, []string{"ark: "})
}

func TestSelectorsAreReadAsKubectlDoes(t *testing.T) {
	expression := func(key string, op metav1.LabelSelectorOperator, values ...string) metav1.LabelSelectorRequirement {
		return metav1.LabelSelectorRequirement{Key: key, Operator: op, Values: values}
	}
	tests := map[string]metav1.LabelSelector{
		"app=shop,tier!=cache": {
			MatchLabels:      map[string]string{"app": "shop"},
			MatchExpressions: []metav1.LabelSelectorRequirement{expression("tier", metav1.LabelSelectorOpNotIn, "cache")},
		},
		"app==shop, tier=web": {MatchLabels: map[string]string{"app": "shop", "tier": "web"}},
		"example.org/app=":    {MatchLabels: map[string]string{"example.org/app": ""}},
		"tier in (b, a)":      {MatchExpressions: []metav1.LabelSelectorRequirement{expression("tier", metav1.LabelSelectorOpIn, "a", "b")}},
		"tier notin (a),app,!new": {MatchExpressions: []metav1.LabelSelectorRequirement{
			expression("app", metav1.LabelSelectorOpExists), expression("new", metav1.LabelSelectorOpDoesNotExist),
			expression("tier", metav1.LabelSelectorOpNotIn, "a"),
		}},
		"app=a,app=b": {
			MatchLabels:      map[string]string{"app": "a"},
			MatchExpressions: []metav1.LabelSelectorRequirement{expression("app", metav1.LabelSelectorOpIn, "b")},
		},
	}
	for written, want := range tests {
		t.Run(written, func(t *testing.T) {
			got, err := parseSelector(selector, written)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("parseSelector() differs (-want +got):\n%s", diff)
			}
			ours, err := metav1.LabelSelectorAsSelector(got)
			if err != nil {
				t.Fatal(err)
			}
			kubectls, err := labels.Parse(written)
			if err != nil {
				t.Fatal(err)
			}
			for _, of := range []labels.Set{
				{}, {"app": "shop"}, {"app": "shop", "tier": "cache"}, {"app": "shop", "tier": "web"}, {"tier": "a"}, {"tier": "b"},
				{"app": "a"}, {"app": "b"}, {"app": "x", "new": ""}, {"app": "x", "tier": "z"}, {"example.org/app": ""},
			} {
				if ours.Matches(of) != kubectls.Matches(of) {
					t.Errorf("%v: matches = %t, kubectl's %t", of, ours.Matches(of), kubectls.Matches(of))
				}
			}
		})
	}
}

func TestSpacesAroundValuesAreNoPartOfThem(t *testing.T) {
	got := atBucket(t).ark(t.Context(), "restore", "create", "x", "--from-backup", "b", "-o", "yaml",
		"--include-resources", "configmaps, deployments", "--include-namespaces", " a ,b", "--namespace-mappings", "a:c, b:d", "--names", "x , y-*")
	check(t, got, exit.Success, []string{
		"  - configmaps\n  - deployments\n", "  includedNamespaces:\n  - a\n  - b\n", "    a: c\n    b: d\n", "  - x\n  - y-*\n",
	}, nil)
}

func TestFlagsUnderOtherNames(t *testing.T) {
	u := atBucket(t)
	check(t, u.ark(t.Context(), "restore", "create", "--from-backup", "b", "--preserve-node-ports", "--status-include-resources", "jobs", "-o", "yaml"),
		exit.Success, []string{"preserveNodePorts: true\n", "restoreStatus:\n  - jobs\n"}, nil)
	check(t, u.ark(t.Context(), "schedule", "create", "s", "--schedule", "@daily", "--paused", "-o", "yaml"),
		exit.Success, []string{"cron: '@daily'\n", "suspend: true\n"}, nil)
	check(t, u.ark(t.Context(), "backup", "create", "b", "--include-namespace", "x"), exit.Usage, nil,
		[]string{"ark: unknown flag: --include-namespace: did you mean --include-namespaces?; see "})
}
