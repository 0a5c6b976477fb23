// SPDX-FileCopyrightText: The Ark Authors
// SPDX-License-Identifier: Apache-2.0

package policies

import (
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
)

var update = flag.Bool("update", false, "write capabilities.json anew for the names it lists")

// forbidden are prefixes of built-ins that no rule may call, and why.
var forbidden = map[string]string{
	"http.":                   "network",
	"net.lookup_ip_addr":      "network",
	"providers.":              "network",
	"json.match_schema":       "network: schemas can refer to others",
	"json.verify_schema":      "network: schemas can refer to others",
	"time.now_ns":             "clock",
	"rand.":                   "randomness",
	"uuid.rfc4122":            "randomness",
	"opa.":                    "environment",
	"trace":                   "environment",
	"rego.":                   "parses policies; annotations are dropped before evaluation",
	"io.jwt.":                 "keys and the clock",
	"crypto.x509.":            "keys and the clock",
	"crypto.parse_":           "keys",
	"crypto.hmac.":            "keys",
	"bits.":                   "ignores cancellation, amplifies memory",
	"graph.reachable_paths":   "ignores cancellation, amplifies memory",
	"strings.render_template": "ignores cancellation, amplifies memory",
	"numbers.range":           "ignores cancellation, amplifies memory",
	"regex.find_":             "ignores cancellation, amplifies memory",
	"regex.globs_match":       "ignores cancellation",
	"net.cidr_expand":         "ignores cancellation, amplifies memory",
	"yaml.":                   "ignores cancellation, amplifies memory",
	"graphql.":                "ignores cancellation",
	"internal.test_case":      "for tests only",
}

func TestCapabilitiesListOnlyWhatIsPureAndBounded(t *testing.T) {
	for _, b := range capabilities().Builtins {
		for prefix, why := range forbidden {
			if strings.HasPrefix(b.Name, prefix) {
				t.Errorf("%s is listed, but forbidden: %s", b.Name, why)
			}
		}
		if b.Nondeterministic || b.IsDeprecated() {
			t.Errorf("%s is listed, but nondeterministic or deprecated", b.Name)
		}
	}
	if got := capabilities().AllowNet; got == nil || len(got) != 0 {
		t.Errorf("allow_net = %#v, want an empty list: omitted means any host", got)
	}
}

func TestCapabilitiesAreThoseOfThisOPA(t *testing.T) {
	all := ast.CapabilitiesForThisVersion()
	listed := map[string]bool{}
	for _, b := range capabilities().Builtins {
		listed[b.Name] = true
	}
	all.Builtins = slices.DeleteFunc(all.Builtins, func(b *ast.Builtin) bool { return !listed[b.Name] })
	if len(all.Builtins) != len(listed) {
		t.Errorf("OPA knows %d of the %d built-ins that are listed", len(all.Builtins), len(listed))
	}
	all.AllowNet = []string{}
	all.WasmABIVersions = nil
	want, err := json.MarshalIndent(struct {
		*ast.Capabilities
		// AllowNet without omitempty: it has to be written out.
		AllowNet []string `json:"allow_net"`
	}{all, all.AllowNet}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile("capabilities.json", want, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(want), string(capabilitiesJSON)); diff != "" {
		t.Errorf("capabilities.json is not OPA's; run go test ./policies -run Capabilities -update (-want +got):\n%s", diff)
	}
}
